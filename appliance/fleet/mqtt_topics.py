"""Under which topics what is published, and as what. Pure: values in, messages out.

All lies below the box's prefix, `home_assistant`'s one topic aside. The published forms are
docs/fleet/schema/*.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.calls.status import Status
from appliance.fleet.events import SCHEMA, Json, Known, plain, service_of, told_caller
from appliance.policy.text import Refused

ONLINE, OFFLINE = b"online", b"offline"
REFRESH_S: Final = 900.0
"""States are published anew so often, changed or not."""
EXPIRY_S: Final = 3600
"""A broker forgets a state that nobody has renewed for so long."""
LONGEST: Final = 100
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_OTHER: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: `expiry_s` 0 for never; with `retain` the broker keeps it."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """An event out of the outbox; see records.fleet_outbox.Waiting."""

    number: int
    id: str
    kind: str
    at: str
    about: Json
    presentation: str = ""
    caller: str = ""


def check_prefix(prefix: str) -> str:
    """Return a prefix that can be one; raises ConfigurationError for another."""
    if len(prefix) <= LONGEST and _PREFIX.fullmatch(prefix):
        return prefix
    raise Refused(
        f"{prefix!r} non può essere: ogni apparecchio ha il suo, di lettere, cifre, - e _, con / "
        'fra le parti: "comune/sportello-nord"',
        f"{prefix!r} cannot be: each box has its own, of letters, digits, - and _, with / between "
        'its parts: "town/north-desk"',
    )


def availability(prefix: str, *, online: bool) -> Message:
    """Say whether the box is connected; "offline" is also its will, which the broker speaks."""
    return Message(f"{prefix}/availability", ONLINE if online else OFFLINE, retain=True)


def states(prefix: str, status: Status, troubles: tuple[Known, ...]) -> tuple[Message, ...]:
    """Say how lines, positions, messages, the service and troubles stand, one topic each."""
    found = _states(status, troubles)
    return tuple(
        Message(f"{prefix}/{topic}", _json(value), retain=True, expiry_s=EXPIRY_S)
        for topic, value in found
    )


def event(prefix: str, told: Event, hidden: Callable[[str], str] | None) -> Message:
    """Tell of one event; `hidden` is of `events.told_caller`."""
    about = dict(told.about)
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
    return Message(f"{prefix}/event/{told.kind}", _json(value))


def level(name: str) -> str:
    """Write a name as one level of a topic."""
    return _OTHER.sub("_", name)


def _states(status: Status, troubles: tuple[Known, ...]) -> Iterator[tuple[str, Json]]:
    for line in status.lines:
        since = line.since.isoformat() if line.since else None
        yield f"line/{level(line.name)}", {"state": line.state.value, "since": since}
    for one in status.positions:
        yield f"position/{level(one.phone)}", {"state": one.state.value, "automatic": one.automatic}
    yield "messages", {"waiting": status.waiting}
    counter = status.citizens_desk.state.value if status.citizens_desk else None
    groups = {"switchboard": status.switchboard.state.value, "citizens_desk": counter}
    yield "service", {**service_of(status), **groups, "queue": len(status.queue)}
    listed = [{"code": each.code, "words": plain(each.words)} for each in troubles]
    yield "troubles", {"troubles": listed}


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
