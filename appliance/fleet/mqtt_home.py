"""What Home Assistant needs to find the box by itself: one retained topic for the whole device.

Its MQTT discovery of devices (home-assistant.io, integrations/mqtt, "Device discovery payload").
Nothing is subscribed to: what is retained is found whenever Home Assistant starts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import appliance
from appliance.fleet.mqtt_topics import Message, level
from appliance.policy.text import Words

ROOT: Final = "homeassistant/device"
NAMES: Final = {
    "line": Words("Linea", "Line"),
    "messages": Words("Messaggi da chiudere", "Messages to be dealt with"),
    "open": Words("Aperto", "Open"),
    "unattended": Words("Non presidiato", "Unattended"),
    "trouble": Words("Guasto", "Trouble"),
}
"""What the entities are called, in the site's first language."""


@dataclass(frozen=True, slots=True)
class Device:
    """The box as it is named there; `lines` and `positions` are (name, shown)."""

    prefix: str
    name: str
    lines: tuple[tuple[str, str], ...]
    positions: tuple[tuple[str, str], ...]
    language: str = "it"


def discovery(device: Device) -> Message:
    """Describe the box and what can be known of it."""
    node = _node(device.prefix)
    value = {
        "dev": {"ids": [node], "name": device.name, "mf": "Centralino"},
        "o": {"name": "centralino", "sw": appliance.__version__},
        "avty_t": f"{device.prefix}/availability",
        "cmps": _parts(device, node),
    }
    payload = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Message(f"{ROOT}/{node}/config", payload, retain=True)


def _parts(device: Device, node: str) -> dict[str, Any]:
    """List the entities: one a line and a position, and the house's own."""
    prefix = device.prefix

    def say(what: str) -> str:
        return NAMES[what].it if device.language == "it" else NAMES[what].en

    each = {
        f"line_{level(name)}": _sensor(
            f"{prefix}/line/{level(name)}", f"{say('line')} {shown}", "state"
        )
        for name, shown in device.lines
    } | {
        f"position_{level(name)}": _sensor(f"{prefix}/position/{level(name)}", shown, "state")
        for name, shown in device.positions
    }
    own = {
        "messages": _sensor(f"{prefix}/messages", say("messages"), "waiting"),
        "open": _binary(f"{prefix}/service", say("open"), "value_json.open"),
        "unattended": _binary(f"{prefix}/service", say("unattended"), "value_json.unattended"),
        "trouble": _binary(f"{prefix}/troubles", say("trouble"), "value_json.troubles | length > 0")
        | {"dev_cla": "problem"},
    }
    return {name: {**part, "uniq_id": f"{node}_{name}"} for name, part in (each | own).items()}


def _sensor(topic: str, name: str, field: str) -> dict[str, Any]:
    return {
        "p": "sensor",
        "name": name,
        "stat_t": topic,
        "val_tpl": f"{{{{ value_json.{field} }}}}",
    }


def _binary(topic: str, name: str, told: str) -> dict[str, Any]:
    template = f"{{{{ 'ON' if {told} else 'OFF' }}}}"
    return {"p": "binary_sensor", "name": name, "stat_t": topic, "val_tpl": template}


def _node(prefix: str) -> str:
    return f"centralino_{level(prefix)}"
