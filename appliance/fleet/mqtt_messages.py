"""MQTT messages: events, the topics of states, Home Assistant's discovery. Pure."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import appliance
from appliance.calls.events import Presentation
from appliance.calls.model import LineState
from appliance.policy.numbering import MASK
from appliance.policy.privacy import mask_journal, without_addresses
from appliance.policy.text import Refused
from appliance.text import Words, _, in_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from appliance.calls.status import Status


# Events for the outside: kinds and contents (P7). They never hold personal data; a caller's number
# only as configured. The published form is docs/fleet/schema/event.json.

Json = dict[str, Any]

SCHEMA: Final = 1
"""Version of the published form of events."""
# Leading digits shown of a masked number: the area, or that it is a mobile.
HEAD_DIGITS: Final = 3
# HEAD_DIGITS would give away half of a shorter number, which is masked whole.
SHORTEST_SHOWN: Final = 8


class EventGroup(enum.StrEnum):
    """Groups of events that the configuration can enable."""

    CALLS = "calls"
    MESSAGES = "messages"
    REQUESTS = "requests"
    LINES = "lines"
    SERVICE = "service"
    TROUBLES = "troubles"


class CallerNumbers(enum.StrEnum):
    """How callers' numbers are published."""

    MASKED = "masked"
    FULL = "full"


GROUP_OF_EVENT: Final[Mapping[str, EventGroup]] = {
    "call_ended": EventGroup.CALLS,
    "message_left": EventGroup.MESSAGES,
    "request_made": EventGroup.REQUESTS,
    "line_lost": EventGroup.LINES,
    "line_back": EventGroup.LINES,
    "service_changed": EventGroup.SERVICE,
    "trouble_began": EventGroup.TROUBLES,
    "trouble_ended": EventGroup.TROUBLES,
}
"""The group of every event."""
LOST_STATES: Final = frozenset({LineState.MISSING, LineState.OUT, LineState.NO_LINE})


@dataclass(frozen=True, slots=True)
class KnownTrouble:
    """A trouble: `code` is stable for machines, the words are for people."""

    code: str
    words: Words


def told_caller(presentation: str, number: str, hidden: Callable[[str], str] | None) -> Json:
    """Return an event's caller: presentation, and as much of the number as may be shown.

    `hidden` masks undisclosed numbers (P7) only; None masks every number.
    """
    told: Json = {"presentation": presentation or Presentation.UNKNOWN.value}
    if number:
        told["number"] = _masked(number) if hidden is None else hidden(number)
    return told


def facts_of(status: Status, troubles: tuple[KnownTrouble, ...]) -> Json:
    """Return the facts whose changes are events; undeclared lines are left out.

    They hold nothing that changes with every call, and not who has set a state.
    """
    return {
        "lines": {
            line.name: {"lost": line.state in LOST_STATES, "why": plain_event(line.why)}
            for line in status.lines
            if line.declared
        },
        "service": service_of(status),
        "troubles": {each.code: plain_event(each.words) for each in troubles},
    }


def service_of(status: Status) -> Json:
    """Return the state of the service as codes."""
    marks = status.service.marks()
    return {
        "open": status.open,
        "code": status.code.value,
        **{name: name in marks for name in ("unattended", "closed", "opened", "absent")},
        "clock": status.clock_state.value,
    }


def fact_differences(
    before: Json | None, after: Json, topics: frozenset[str]
) -> list[tuple[str, Json]]:
    """Return the events (kind, content) between two sets of facts, for these topics.

    Without earlier facts only faults are reported.
    """
    # With the present state of the service as the earlier one it counts as unchanged.
    known = before or {"lines": {}, "service": after["service"], "troubles": {}}
    found = (*_of_lines(known, after), *_of_service(known, after), *_of_troubles(known, after))
    return [(kind, about) for kind, about in found if GROUP_OF_EVENT[kind] in topics]


def merged_facts(before: Json | None, after: Json, *, settled: bool) -> Json:
    """Return the facts to store: facts that a start does not know yet stay as they were.

    Until all is `settled`, an unseen trouble of the previous run has not ended.
    """
    if before is None:
        return after
    # A line that has not reported yet since the start has neither gone nor come back.
    lines = {**{n: v for n, v in before["lines"].items() if not settled}, **after["lines"]}
    troubles = after["troubles"] if settled else {**before["troubles"], **after["troubles"]}
    return {**after, "lines": lines, "troubles": troubles}


def plain_event(words: Words) -> Json:
    """Return a text in every language, with numbers and addresses masked."""
    return {language: _safe(text) for language, text in words.by_language().items()}


def _of_lines(before: Json, after: Json) -> Iterator[tuple[str, Json]]:
    for name, line in after["lines"].items():
        was_lost = before["lines"].get(name, {"lost": False})["lost"]
        if line["lost"] and not was_lost:
            yield "line_lost", {"line": name, "why": line["why"]}
        elif was_lost and not line["lost"]:
            yield "line_back", {"line": name}


def _of_service(before: Json, after: Json) -> Iterator[tuple[str, Json]]:
    if before["service"] != after["service"]:
        yield "service_changed", after["service"]


def _of_troubles(before: Json, after: Json) -> Iterator[tuple[str, Json]]:
    old, new = before["troubles"], after["troubles"]
    for code in new.keys() - old.keys():
        yield "trouble_began", {"code": code, "words": new[code]}
    for code in old.keys() - new.keys():
        yield "trouble_ended", {"code": code, "words": old[code]}


def _masked(number: str) -> str:
    head = number[:HEAD_DIGITS] if len(number) >= SHORTEST_SHOWN else ""
    return f"{head}{MASK}"


def _safe(text: str) -> str:
    return without_addresses(mask_journal(text))


# Topics and messages; pure: values in, messages out. All topics are below the box's prefix, except
# Home Assistant's one. The published forms are docs/fleet/schema/*.json.

ONLINE, OFFLINE = b"online", b"offline"
REFRESH_S: Final = 900.0
"""Seconds after which unchanged states are published again."""
# Message expiry (s): the broker then drops a state that was not refreshed.
EXPIRY_S: Final = 3600
LONGEST_PREFIX: Final = 100
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_OTHER: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """A message to publish: `expiry_s` 0 for never; with `retain` the broker keeps it."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: int = 0


@dataclass(frozen=True, slots=True)
class FleetEvent:
    """An event out of the outbox; see store.outbox."""

    number: int
    id: str
    kind: str
    at: str
    about: Json
    presentation: str = ""
    caller: str = ""


def check_prefix(prefix: str) -> str:
    """Return a valid prefix; raises ConfigurationError for an invalid one."""
    if len(prefix) <= LONGEST_PREFIX and _PREFIX.fullmatch(prefix):
        return prefix
    raise Refused(
        _(
            "{prefix!r} cannot be: each box has its own, of letters, digits, - and _, "
            'with / between its parts: "town/north-desk"',
            prefix=prefix,
        ),
    )


def availability(prefix: str, *, online: bool) -> MqttMessage:
    """Build the availability message; "offline" is also the will that the broker publishes."""
    return MqttMessage(f"{prefix}/availability", ONLINE if online else OFFLINE, retain=True)


def state_messages(
    prefix: str, status: Status, troubles: tuple[KnownTrouble, ...]
) -> tuple[MqttMessage, ...]:
    """Build the messages of lines, positions, voicemail, service and faults, one topic each."""
    found = _states(status, troubles)
    return tuple(
        MqttMessage(f"{prefix}/{topic}", _json(value), retain=True, expiry_s=EXPIRY_S)
        for topic, value in found
    )


def event_message(
    prefix: str, told: FleetEvent, hidden: Callable[[str], str] | None
) -> MqttMessage:
    """Build the message of one event; `hidden` as in `told_caller`."""
    about = dict(told.about)
    # Only events of calls have a caller.
    if told.presentation:
        about["caller"] = told_caller(told.presentation, told.caller, hidden)
    value = {
        "schema": SCHEMA,
        "id": told.id,
        "number": told.number,
        "kind": told.kind,
        "at": told.at,
        "about": about,
    }
    return MqttMessage(f"{prefix}/event/{told.kind}", _json(value))


def topic_level(name: str) -> str:
    """Write a name as one level of a topic."""
    return _OTHER.sub("_", name)


def _states(status: Status, troubles: tuple[KnownTrouble, ...]) -> Iterator[tuple[str, Json]]:
    for line in status.lines:
        since = line.since.isoformat() if line.since else None
        yield f"line/{topic_level(line.name)}", {"state": line.state.value, "since": since}
    for one in status.positions:
        yield (
            f"position/{topic_level(one.phone)}",
            {"state": one.state.value, "automatic": one.automatic},
        )
    yield "messages", {"waiting": status.waiting}
    counter = status.citizens_desk.state.value if status.citizens_desk else None
    groups = {"switchboard": status.switchboard.state.value, "citizens_desk": counter}
    yield "service", {**service_of(status), **groups, "queue": len(status.queue)}
    listed = [{"code": each.code, "words": plain_event(each.words)} for each in troubles]
    yield "troubles", {"troubles": listed}


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# Home Assistant's MQTT discovery of devices (home-assistant.io, integrations/mqtt, "Device
# discovery payload"): one retained topic for the whole box. Nothing is subscribed to: a retained
# message is found whenever Home Assistant starts.

DISCOVERY_ROOT: Final = "homeassistant/device"
ENTITY_NAMES: Final = {
    "line": _("Line"),
    "messages": in_context("mqtt_messages", "Messages to be dealt with"),
    "open": _("Open"),
    "unattended": _("Unattended"),
    "trouble": _("Trouble"),
}
"""Names of the entities, shown in the site's first language."""


@dataclass(frozen=True, slots=True)
class HomeDevice:
    """The box as a device of Home Assistant; `lines` and `positions` are (name, shown)."""

    prefix: str
    name: str
    lines: tuple[tuple[str, str], ...]
    positions: tuple[tuple[str, str], ...]
    language: str = "it"


def discovery_message(device: HomeDevice) -> MqttMessage:
    """Build Home Assistant's discovery message of the box."""
    node = _node(device.prefix)
    value = {
        "dev": {"ids": [node], "name": device.name, "mf": "Centralino"},
        "o": {"name": "centralino", "sw": appliance.__version__},
        "avty_t": f"{device.prefix}/availability",
        "cmps": _entities(device, node),
    }
    payload = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return MqttMessage(f"{DISCOVERY_ROOT}/{node}/config", payload, retain=True)


def _entities(device: HomeDevice, node: str) -> dict[str, Any]:
    """Return the entities: one for each line and position, and the box's own."""
    prefix = device.prefix

    def say(what: str) -> str:
        return ENTITY_NAMES[what].text(device.language)

    each = {
        f"line_{topic_level(name)}": _sensor(
            f"{prefix}/line/{topic_level(name)}", f"{say('line')} {shown}", "state"
        )
        for name, shown in device.lines
    } | {
        f"position_{topic_level(name)}": _sensor(
            f"{prefix}/position/{topic_level(name)}", shown, "state"
        )
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
    return f"centralino_{topic_level(prefix)}"
