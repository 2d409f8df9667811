"""What is told beyond the house: which events there are, and what is in each (P7). Pure.

Of a person nothing is ever in them, of a caller's number what is configured. The published form is
docs/fleet/schema/event.json.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.calls.events import Presentation
from appliance.calls.model import LineState
from appliance.calls.status import Status
from appliance.policy.directory import MASK
from appliance.policy.directory_review import mask_journal, without_addresses
from appliance.policy.text import Words

Json = dict[str, Any]

SCHEMA: Final = 1
"""Which edition of the published form events are written in."""
HEAD_DIGITS: Final = 3
"""So much of a masked number is told: which area, or that it is a mobile."""
SHORTEST: Final = 8
"""A shorter number would be half told by that, and is masked whole."""


class Topic(enum.StrEnum):
    """Groups of events that the configuration may ask for."""

    CALLS = "calls"
    MESSAGES = "messages"
    REQUESTS = "requests"
    LINES = "lines"
    SERVICE = "service"
    TROUBLES = "troubles"


class Callers(enum.StrEnum):
    """What is told of callers' numbers."""

    MASKED = "masked"
    FULL = "full"


KINDS: Final[Mapping[str, Topic]] = {
    "call_ended": Topic.CALLS,
    "message_left": Topic.MESSAGES,
    "request_made": Topic.REQUESTS,
    "line_lost": Topic.LINES,
    "line_back": Topic.LINES,
    "service_changed": Topic.SERVICE,
    "trouble_began": Topic.TROUBLES,
    "trouble_ended": Topic.TROUBLES,
}
"""Every event, and the group it belongs to."""
LOST: Final = frozenset({LineState.MISSING, LineState.OUT, LineState.NO_LINE})


@dataclass(frozen=True, slots=True)
class Known:
    """A trouble as the box knows it: `code` is stable, the words are for people."""

    code: str
    words: Words


def told_caller(presentation: str, number: str, hidden: Callable[[str], str] | None) -> Json:
    """Say who called: how the number came, and what may be told of it.

    `hidden` puts a mask over undisclosed numbers (P7) and lets others be; None masks every one.
    """
    told: Json = {"presentation": presentation or Presentation.UNKNOWN.value}
    if number:
        told["number"] = _masked(number) if hidden is None else hidden(number)
    return told


def facts_of(status: Status, troubles: tuple[Known, ...]) -> Json:
    """Gather what events are made of when it changes; a line that nothing is known of is left out.

    What changes with every call is not among it, nor who has set a state.
    """
    return {
        "lines": {
            line.name: {"lost": line.state in LOST, "why": plain(line.why)}
            for line in status.lines
            if line.declared
        },
        "service": service_of(status),
        "troubles": {each.code: plain(each.words) for each in troubles},
    }


def service_of(status: Status) -> Json:
    """Say how the front desk stands, as codes."""
    marks = status.service.marks()
    return {
        "open": status.open,
        "code": status.code.value,
        **{name: name in marks for name in ("unattended", "closed", "opened", "absent")},
        "clock": status.clock_state.value,
    }


def differences(before: Json | None, after: Json, topics: frozenset[str]) -> list[tuple[str, Json]]:
    """List the events (kind, what it is about) that lie between two facts, of these topics.

    With nothing before only what is wrong is told.
    """
    known = before or {"lines": {}, "service": after["service"], "troubles": {}}
    found = (*_of_lines(known, after), *_of_service(known, after), *_of_troubles(known, after))
    return [(kind, about) for kind, about in found if KINDS[kind] in topics]


def merged(before: Json | None, after: Json, *, settled: bool) -> Json:
    """Return the facts to be kept: what a start has not come to know yet stays as it was.

    Until all is `settled`, a trouble of the run before has not ended for not having been seen.
    """
    if before is None:
        return after
    lines = {**{n: v for n, v in before["lines"].items() if not settled}, **after["lines"]}
    troubles = after["troubles"] if settled else {**before["troubles"], **after["troubles"]}
    return {**after, "lines": lines, "troubles": troubles}


def plain(words: Words) -> Json:
    """Return both languages; whatever may be a number or an address is masked."""
    return {"it": _safe(words.it), "en": _safe(words.en)}


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
    head = number[:HEAD_DIGITS] if len(number) >= SHORTEST else ""
    return f"{head}{MASK}"


def _safe(text: str) -> str:
    return without_addresses(mask_journal(text))
