"""MQTT messages: events between two states, topics, Home Assistant's discovery."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from appliance.calls import events as facts
from appliance.calls.commands import SetAway, SetUnattended
from appliance.fleet import mqtt_messages
from appliance.fleet.mqtt_messages import (
    GROUP_OF_EVENT,
    EventGroup,
    FleetEvent,
    HomeDevice,
    KnownTrouble,
    check_prefix,
    discovery_message,
    fact_differences,
    facts_of,
    merged_facts,
    plain_event,
    told_caller,
)
from appliance.policy.clock import ClockState
from appliance.policy.text import Refused
from appliance.text import unchanged
from tests.calls.examples import TEN, tell, up
from tests.fleet.forms import FOLDER, wrong_with_event, wrong_with_state
from tests.helpers.words import both, pair

ALL = frozenset(EventGroup)
AWAY = KnownTrouble("mail.away", pair("La posta non parte.", "No mail leaves."))
CALL = {
    "call": "c-1", "direction": "in", "line": "line1", "called": "051598111", "result": "answered",
    "way": "switchboard", "position": "op1", "rang_at": "2026-11-25T10:00:00+01:00",
    "answered_at": None, "ended_at": None, "evidence": None, "clock": "synced",
}  # fmt: skip


def told(kind: str, about: dict[str, Any], number: str = "") -> dict[str, Any]:
    """Write an event as it is published, its number told whole where there is one."""
    event = FleetEvent(
        7, "0" * 32, kind, "2026-11-25T09:00:00.000Z", about, "shown" * bool(number), number
    )
    found: dict[str, Any] = json.loads(
        mqtt_messages.event_message("p", event, lambda one: one).payload
    )
    return found


def test_nothing_differs_where_nothing_has_changed() -> None:
    """A first look at a box in order tells of nothing; nor does a second."""
    now = facts_of(up().status(TEN), ())
    assert fact_differences(None, now, ALL) == []
    assert fact_differences(now, now, ALL) == []


def test_a_line_that_is_lost_and_comes_back_is_told_twice() -> None:
    """Also where it was lost already at the first look; and each only once."""
    desk = up()
    before = facts_of(desk.status(TEN), ())
    tell(desk, TEN, facts.LineLost("line1", unchanged("no answer on /dev/ttyACM0")))
    lost = facts_of(desk.status(TEN), ())
    ((kind, about),) = fact_differences(before, lost, ALL)
    assert (kind, about["line"]) == ("line_lost", "line1")
    assert fact_differences(None, lost, ALL) == [(kind, about)]
    assert fact_differences(lost, before, ALL) == [("line_back", {"line": "line1"})]
    assert fact_differences(lost, lost, ALL) == []


def test_troubles_begin_and_end_by_their_code() -> None:
    """Other words for the same trouble are none of its own."""
    status = up().status(TEN)
    none, one = facts_of(status, ()), facts_of(status, (AWAY,))
    reworded = facts_of(status, (replace(AWAY, words=pair("Altro.", "Else.")),))
    assert [kind for kind, _ in fact_differences(none, one, ALL)] == ["trouble_began"]
    assert fact_differences(one, reworded, ALL) == []
    assert [kind for kind, _ in fact_differences(one, none, ALL)] == ["trouble_ended"]


def test_what_a_start_has_not_seen_yet_has_not_ended() -> None:
    """B5: a trouble of the run before ends once all had time to come to light, no earlier."""
    status = up().status(TEN)
    none, one = facts_of(status, ()), facts_of(status, (AWAY,))
    assert merged_facts(one, none, settled=False)["troubles"] == one["troubles"]
    assert fact_differences(one, merged_facts(one, none, settled=False), ALL) == []
    assert fact_differences(one, merged_facts(one, none, settled=True), ALL) != []
    unknown = {**none, "lines": {}}
    assert merged_facts(none, unknown, settled=False)["lines"] == none["lines"]


def test_the_service_is_told_without_who_has_set_it() -> None:
    """No name of a person leaves: neither of who set a state, nor of who is away."""
    desk = up()
    before = facts_of(desk.status(TEN), ())
    for request in (SetUnattended(on=True, by="Anna Verdi"), SetAway(on=True, by="op1")):
        tell(desk, TEN, facts.ServiceStateChanged(request))
    status = desk.status(TEN)
    ((kind, about),) = fact_differences(before, facts_of(status, ()), ALL)
    assert (kind, about["unattended"]) == ("service_changed", True)
    texts = [
        str(about),
        *(one.payload.decode() for one in mqtt_messages.state_messages("p", status, ())),
    ]
    assert not any("Verdi" in text for text in texts)


@pytest.mark.parametrize("topic", EventGroup)
def test_only_what_is_asked_for_is_told(topic: EventGroup) -> None:
    """Each group is off by itself."""
    desk = up()
    before = facts_of(desk.status(TEN), ())
    tell(desk, TEN, facts.LineLost("line1", unchanged("gone")))
    tell(desk, TEN, facts.ServiceStateChanged(SetUnattended(on=True, by="op1")))
    after = facts_of(desk.status(TEN), (AWAY,))
    found = {kind for kind, _ in fact_differences(before, after, frozenset({topic}))}
    assert found == {
        k for k, _ in fact_differences(before, after, ALL) if GROUP_OF_EVENT[k] is topic
    }


def test_numbers_are_masked_unless_configured_and_undisclosed_ones_always() -> None:
    """P7: an office's own number is masked by whoever knows the directory."""
    assert told_caller("shown", "3470000001", None) == {"presentation": "shown", "number": "347•••"}
    assert told_caller("shown", "112233", None)["number"] == "•••"
    assert told_caller("withheld", "", None) == {"presentation": "withheld"}
    assert told_caller("shown", "051598222", lambda _: "•••")["number"] == "•••"
    assert told_caller("shown", "3470000001", lambda one: one)["number"] == "3470000001"


def test_sentences_tell_no_number_and_no_address() -> None:
    """Whatever may be one is masked, before it is known where the sentence comes from."""
    found = plain_event(pair("Chiamare 051 598 222", "write to anna@comune.example"))
    assert found == both("Chiamare •••", "write to •••")


EVENTS = {
    "call_ended": CALL,
    "message_left": {
        "message": 12, "call": "c-1", "line": "line1", "called": "", "length_s": 61.5,
        "received_at": "2026-11-25T10:00:00+01:00", "interrupted": False,
    },
    "request_made": {"request": 3, "rule": "email", "office": "anagrafe"},
    "line_lost": {"line": "line1", "why": {"it": "a", "en": "b"}},
    "line_back": {"line": "line1"},
    "service_changed": facts_of(up().status(TEN), ())["service"],
    "trouble_began": {"code": "a", "words": {"it": "a", "en": "b"}},
    "trouble_ended": {"code": "a", "words": {"it": "a", "en": "b"}},
}  # fmt: skip


@pytest.mark.parametrize("kind", GROUP_OF_EVENT)
def test_each_event_fits_its_published_form(kind: str) -> None:
    """And what is not in the form does not: the check can fail."""
    assert wrong_with_event(told(kind, EVENTS[kind])) == []
    assert wrong_with_event(told(kind, EVENTS[kind] | {"name": "Anna"})) != []
    if kind in {"call_ended", "message_left"}:
        assert wrong_with_event(told(kind, EVENTS[kind], "3470000001")) == []


def test_each_state_fits_its_published_form() -> None:
    """One topic a line and a position, and the house's own; in every state of the clock."""
    desk = up()
    for clock in ClockState:
        status = desk.status(replace(TEN, clock_state=clock))
        shown = (
            *mqtt_messages.state_messages("a/b", status, (AWAY,)),
            mqtt_messages.availability("a/b", online=True),
        )
        assert [wrong_with_state(one, "a/b") for one in shown] == [[]] * len(shown)
        names = [one.topic for one in shown]
        assert len(names) == len(set(names))
        assert all(one.retain and one.topic.startswith("a/b/") for one in shown)
    broken = replace(shown[0], payload=b'{"state": "on fire", "since": null}')
    assert wrong_with_state(broken, "a/b") != []


def test_the_forms_can_be_read_by_themselves() -> None:
    """Both are valid schemas."""
    for file in FOLDER.glob("*.json"):
        Draft202012Validator.check_schema(json.loads(file.read_text()))


@pytest.mark.parametrize(
    "prefix", ["", "/a", "a/", "a//b", "a/+/b", "a/#", "$SYS", "città", "x" * 101]
)
def test_a_prefix_that_cannot_be_is_refused(prefix: str) -> None:
    """It would end in another box's topics, or nowhere."""
    with pytest.raises(Refused, match="each box has its own"):
        check_prefix(prefix)


def test_names_become_one_level_of_a_topic() -> None:
    """Whatever a line or phone is called, it cannot leave its place."""
    assert mqtt_messages.topic_level("line 1/+#") == "line_1___"
    assert check_prefix("comune/sportello-nord") == "comune/sportello-nord"


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
