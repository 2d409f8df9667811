"""Is the switchboard open: the written hours with what people asked for by hand laid over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.policy.clock import Doubt, Now
from appliance.policy.hours import OpenState, Schedule, Why
from appliance.policy.office import Code, Mark, ServiceState
from appliance.policy.text import NOTHING, Words

GREETINGS = {
    Code.CLOSED_HOURS: "greeting_closed",
    Code.CLOSED_PERIOD: "greeting_closed",
    Code.HOLIDAY: "greeting_holiday",
    Code.SPECIAL: "greeting_special",
    Code.CLOSED_MANUAL: "greeting_closed",
    Code.ABSENT: "greeting_absent",
    Code.CLOCK_ALONE: "greeting_no_answer",
}
"""Prompt of each reason for being closed, where it names none of its own."""

CODES = {
    Why.CLOSED_HOURS: Code.CLOSED_HOURS,
    Why.CLOSED_PERIOD: Code.CLOSED_PERIOD,
    Why.HOLIDAY: Code.HOLIDAY,
    Why.CLOSURE: Code.SPECIAL,
}


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether calls are served by people now; `greeting` only while not.

    `changes_at` and `reopens_at` are None for not known: until undone, or never.
    """

    open: bool
    code: Code
    name: Words = NOTHING
    greeting: str = ""
    changes_at: datetime | None = None
    reopens_at: datetime | None = None


def opening(schedule: Schedule, service: ServiceState, now: Now) -> Opening:
    """Say whether a call is served by people.

    What decides, first: closed by hand > opened by hand > the written hours > all absent (E4). A
    clock that cannot be trusted says nothing about hours: then phones ring, and voicemail answers
    when nobody does (E5), by the site's rule (attendance.doubt).
    """
    service = service.expired(now.wall)
    if service.closed:
        return _by_mark(Code.CLOSED_MANUAL, service.closed, schedule, now)
    basis = _basis(schedule, service, now)
    return (basis.open and absence(schedule, service, now)) or basis


def absence(schedule: Schedule, service: ServiceState, now: Now) -> Opening | None:
    """Say that all are absent (E4), whatever the hours; None when they are not."""
    mark = service.expired(now.wall).absent
    return _by_mark(Code.ABSENT, mark, schedule, now) if mark else None


def _basis(schedule: Schedule, service: ServiceState, now: Now) -> Opening:
    """Answer before anybody is absent."""
    if not now.by_hours:
        return _without_hours(service, now)
    state = schedule.at(now.wall)
    if service.opened:
        code = Code.FREE if state.open else Code.OPENED
        return Opening(True, code, changes_at=_open_until(schedule, state, service.opened))
    if state.open:
        return Opening(True, Code.FREE, state.name, changes_at=state.flips_at)
    code = CODES[state.why]
    greeting = state.greeting or GREETINGS[code]
    return Opening(False, code, state.name, greeting, state.changes_at, state.reopens_at)


def _without_hours(service: ServiceState, now: Now) -> Opening:
    """Answer by who is there; neither the next opening nor any other hour is known."""
    if service.opened:
        return Opening(True, Code.OPENED)
    if now.doubt is Doubt.OPEN:
        return Opening(True, Code.CLOCK_UNSET)
    return Opening(False, Code.CLOCK_ALONE, NOTHING, GREETINGS[Code.CLOCK_ALONE])


def _open_until(schedule: Schedule, state: OpenState, opened: Mark) -> datetime | None:
    """Return when an opening by hand ends and the written hours close as well."""
    if opened.until is None:
        return state.flips_at
    then = schedule.at(opened.until)
    return then.flips_at if then.open else opened.until


def _by_mark(code: Code, mark: Mark, schedule: Schedule, now: Now) -> Opening:
    """Closed or absent until the mark ends; people answer again at the next written opening."""
    reopens = schedule.next_open(mark.until) if mark.until and now.by_hours else None
    return Opening(False, code, NOTHING, GREETINGS[code], mark.until, reopens)
