"""Home Assistant finds the box by one retained topic, whose parts name topics that exist."""

from __future__ import annotations

import json
from dataclasses import replace

from appliance.fleet import mqtt_messages
from appliance.fleet.mqtt_messages import HomeDevice, discovery_message
from tests.calls.desk import TEN, up

DEVICE = HomeDevice(
    "comune/nord", "Comune", (("line1", "Verde"), ("line2", "line2")), (("op1", "Op 1"),)
)


def test_every_part_reads_a_topic_that_is_published() -> None:
    """And a field that stands there; each part has a name of its own in the whole house."""
    message = discovery_message(DEVICE)
    told = json.loads(message.payload)
    states = {
        one.topic: json.loads(one.payload)
        for one in mqtt_messages.state_messages("comune/nord", up().status(TEN), ())
    }
    assert message.topic == "homeassistant/device/centralino_comune_nord/config"
    assert message.retain
    assert told["avty_t"] == "comune/nord/availability"
    parts = told["cmps"]
    assert set(parts) >= {"line_line1", "line_line2", "position_op1", "messages", "open", "trouble"}
    for part in parts.values():
        fields = states[part["stat_t"]]
        assert any(f"value_json.{field} " in part["val_tpl"] for field in fields), part
        assert part["p"] in {"sensor", "binary_sensor"}
    assert parts["line_line1"]["name"] == "Linea Verde"
    abroad = json.loads(discovery_message(replace(DEVICE, language="en")).payload)["cmps"]
    assert abroad["line_line1"]["name"] == "Line Verde"
    names = [part["uniq_id"] for part in parts.values()]
    assert len(names) == len(set(names))
