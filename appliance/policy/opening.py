"""Whether the switchboard is open: written hours, the manual states over them, reason codes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from appliance.errors import Bug
from appliance.policy.clock import Doubt, Now
from appliance.policy.hours import OpenState, Schedule, Why
from appliance.text import NOTHING, Words, _, by_language


class ReasonCode(enum.StrEnum):
    """The stable codes of routing; records, statistics and `explain` show them as they are."""

    FREE = "open.free"
    OPENED = "open.manual"
    CLOCK_UNSET = "open.clock_unset"
    CLOCK_ALONE = "closed.clock"
    UNATTENDED = "overflow.unattended"
    BUSY = "overflow.busy"
    NO_ANSWER = "overflow.no_answer"
    DECLINED = "overflow.declined"
    UNREACHABLE = "overflow.unreachable"
    DESK_NONE = "desk.none"
    DESK_CLOSED = "desk.closed"
    DESK_BUSY = "desk.busy"
    DESK_NO_ANSWER = "desk.no_answer"
    DESK_DECLINED = "desk.declined"
    DESK_UNREACHABLE = "desk.unreachable"
    NOBODY_REACHABLE = "nobody.reachable"
    WAITING = "waiting.queue"
    WAITED = "waiting.over"
    CLOSED_HOURS = "closed.hours"
    CLOSED_PERIOD = "closed.period"
    HOLIDAY = "closed.holiday"
    SPECIAL = "closed.special"
    CLOSED_MANUAL = "closed.manual"
    ABSENT = "absent"
    HALF_DUPLEX = "line.half_duplex"
    PARALLEL_PHONE = "line.parallel_phone"
    PARALLEL_UNANSWERED = "line.parallel_unanswered"
    PBX = "line.pbx_transfer"
    PBX_FAULT = "line.pbx_fault"
    FAULT = "fault"


# Shown to people; `{name}` is the holiday, closure or period.
REASON_SENTENCES: Mapping[ReasonCode, Words] = {
    ReasonCode.FREE: _("The switchboard is open and free: its phones ring."),
    ReasonCode.OPENED: _("The switchboard was opened by hand outside its hours: its phones ring."),
    ReasonCode.CLOCK_UNSET: _(
        "The time cannot be relied on, so the hours do not hold: the switchboard's phones ring."
    ),
    ReasonCode.CLOCK_ALONE: _(
        "The time cannot be relied on, and a while ago nobody answered: voicemail "
        "answers; within half an hour the phones ring again."
    ),
    ReasonCode.UNATTENDED: _(
        "The switchboard is unattended: the call goes to the citizens' counter."
    ),
    ReasonCode.BUSY: _("All operators are busy: the call goes to the citizens' counter."),
    ReasonCode.NO_ANSWER: _(
        "Nobody answers at the switchboard: the call goes to the citizens' counter."
    ),
    ReasonCode.DECLINED: _("The operators declined the call: it goes to the citizens' counter."),
    ReasonCode.UNREACHABLE: _(
        "The switchboard's phones cannot be reached: the call goes to the citizens' counter."
    ),
    ReasonCode.DESK_NONE: _(
        "The switchboard cannot answer and there is no citizens' counter: voicemail answers."
    ),
    ReasonCode.DESK_CLOSED: _(
        "The switchboard cannot answer and the citizens' counter is closed: voicemail answers."
    ),
    ReasonCode.DESK_BUSY: _("The citizens' counter is busy too: voicemail answers."),
    ReasonCode.DESK_NO_ANSWER: _(
        "Nobody answers at the citizens' counter either: voicemail answers."
    ),
    ReasonCode.DESK_DECLINED: _("The citizens' counter declined the call too: voicemail answers."),
    ReasonCode.DESK_UNREACHABLE: _(
        "The phones of the citizens' counter cannot be reached: voicemail answers."
    ),
    ReasonCode.NOBODY_REACHABLE: _("No phone can be reached: voicemail answers."),
    ReasonCode.WAITING: _("All are busy: the caller waits on the line until somebody is free."),
    ReasonCode.WAITED: _(
        "The caller has waited in vain: a key asks for a call back, else voicemail answers."
    ),
    ReasonCode.CLOSED_HOURS: _("Outside opening hours: voicemail answers."),
    ReasonCode.CLOSED_PERIOD: _("Closed by the special hours ({name}): voicemail answers."),
    ReasonCode.HOLIDAY: _("Public holiday ({name}): voicemail answers."),
    ReasonCode.SPECIAL: _("Special closure ({name}): voicemail answers."),
    ReasonCode.CLOSED_MANUAL: _("Closed by hand: voicemail answers."),
    ReasonCode.ABSENT: _("All absent for a short while: voicemail answers."),
    ReasonCode.HALF_DUPLEX: _("The line cannot carry a conversation: voicemail answers."),
    ReasonCode.PARALLEL_PHONE: _(
        "The line cannot carry a conversation: the ordinary phone beside it rings."
    ),
    ReasonCode.PBX: _(
        "The line cannot carry a conversation: the box answers and passes the call "
        "to the switchboard's extensions."
    ),
    ReasonCode.PBX_FAULT: _(
        "The telephone system does not take the call that is passed on: voicemail answers."
    ),
    ReasonCode.FAULT: _("An internal fault of the box: voicemail answers."),
    ReasonCode.PARALLEL_UNANSWERED: _("Nobody answers the ordinary phone: voicemail answers."),
}


def reason_sentence(code: ReasonCode, name: Words) -> Words:
    """Return the sentence of a code; `name` fills its parentheses, which vanish without one."""
    template = REASON_SENTENCES[code]
    return by_language(lambda language: _fill_name(template.text(language), name.text(language)))


def _fill_name(template: str, name: str) -> str:
    return template.replace("{name}", name) if name else template.replace(" ({name})", "")


# *Unattended* ("Non presidiato", P8) and *closed* ("Chiuso - segreteria", P9) are two states:
# undoing one leaves the other. A mark holds until it is undone or its `until` has come: by default
# the next change of the written hours.


@dataclass(frozen=True, slots=True)
class ManualMark:
    """One state that is on: who asked for it, since when, until when (None: until undone).

    `shown` is the person's name of a user, "" where `by` is no user's.
    `by_hours`: it ends at the next change of the written hours, even if those are edited. Raises
    Bug for naive times.
    """

    by: str
    since: datetime
    until: datetime | None = None
    by_hours: bool = False
    shown: str = ""

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or (self.until and self.until.tzinfo is None):
            raise Bug("a mark's times must be aware of their zone")

    @property
    def who(self) -> str:
        """Return who asked for it, as people are told."""
        return self.shown or self.by

    def over(self, wall: datetime) -> bool:
        """True once its `until` has come."""
        return self.until is not None and self.until <= wall


class ManualState(enum.StrEnum):
    """The four manual states, by the names of ServiceState's fields."""

    UNATTENDED = "unattended"
    CLOSED = "closed"
    OPENED = "opened"
    ABSENT = "absent"


# a switchboard is not closed and opened by hand at once: setting one undoes the other
OPPOSITE_STATES = {ManualState.CLOSED: ManualState.OPENED, ManualState.OPENED: ManualState.CLOSED}


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The manual states in force; `opened` is open by hand outside the written hours (E14).

    `away` are the phones that are not to be rung, by name: a position's own state (E3).
    """

    unattended: ManualMark | None = None
    closed: ManualMark | None = None
    opened: ManualMark | None = None
    absent: ManualMark | None = None
    away: tuple[tuple[str, ManualMark], ...] = ()

    def set(self, what: ManualState, mark: ManualMark) -> ServiceState:
        """Set a state, or give it a new end."""
        changed: dict[str, Any] = {what.value: mark}
        state = replace(self, **changed)
        return state.undo(OPPOSITE_STATES[what]) if what in OPPOSITE_STATES else state

    def undo(self, what: ManualState) -> ServiceState:
        """Clear a state; a state that is not set stays so."""
        changed: dict[str, Any] = {what.value: None}
        return replace(self, **changed)

    def go_away(self, phone: str, mark: ManualMark) -> ServiceState:
        """Mark a phone as away: it is not rung (E3)."""
        others = (pair for pair in self.away if pair[0] != phone)
        return replace(self, away=(*others, (phone, mark)))

    def come_back(self, phone: str) -> ServiceState:
        """Clear a phone's away mark, if it has one."""
        return replace(self, away=tuple(pair for pair in self.away if pair[0] != phone))

    def is_away(self, phone: str, wall: datetime) -> bool:
        """True while a phone is not to be rung."""
        return any(name == phone and not mark.over(wall) for name, mark in self.away)

    def away_mark(self, phone: str) -> ManualMark | None:
        """Return a phone's away mark, or None."""
        return next((mark for name, mark in self.away if name == phone), None)

    def expired(self, wall: datetime) -> ServiceState:
        """Return the state without the marks that have ended by `wall`."""
        # marks end by themselves (E4): every reader of the state drops those that are over
        over: dict[str, Any] = {n: None for n, mark in self.marks().items() if mark.over(wall)}
        away = tuple(pair for pair in self.away if not pair[1].over(wall))
        if not over and away == self.away:
            return self
        return replace(self, away=away, **over)

    def marks(self) -> dict[str, ManualMark]:
        """Return the marks of the whole switchboard that are on, by name."""
        every = {what.value: getattr(self, what.value) for what in ManualState}
        return {name: mark for name, mark in every.items() if mark is not None}

    def next_expiry(self) -> datetime | None:
        """Return when the next mark ends by itself, or None."""
        # positions' marks as well: theirs end at a time of their own (E3)
        marks = (*self.marks().values(), *(mark for _, mark in self.away))
        return min((m.until for m in marks if m.until is not None), default=None)


NO_MANUAL_STATES = ServiceState()
CLOSED_GREETINGS = {
    ReasonCode.CLOSED_HOURS: "greeting_closed",
    ReasonCode.CLOSED_PERIOD: "greeting_closed",
    ReasonCode.HOLIDAY: "greeting_holiday",
    ReasonCode.SPECIAL: "greeting_special",
    ReasonCode.CLOSED_MANUAL: "greeting_closed",
    ReasonCode.ABSENT: "greeting_absent",
    # with an untrusted clock no more is known than that nobody answered lately
    ReasonCode.CLOCK_ALONE: "greeting_no_answer",
}
"""Prompt of each reason for being closed, where it names none of its own."""
REASON_OF_HOURS = {
    Why.CLOSED_HOURS: ReasonCode.CLOSED_HOURS,
    Why.CLOSED_PERIOD: ReasonCode.CLOSED_PERIOD,
    Why.HOLIDAY: ReasonCode.HOLIDAY,
    Why.CLOSURE: ReasonCode.SPECIAL,
}


@dataclass(frozen=True, slots=True)
class Opening:
    """Answer to whether people serve calls now; `greeting` only while they do not.

    `changes_at` and `reopens_at` are None for not known: until undone, or never.
    """

    open: bool
    code: ReasonCode
    name: Words = NOTHING
    greeting: str = ""
    changes_at: datetime | None = None
    reopens_at: datetime | None = None


def opening(schedule: Schedule, service: ServiceState, now: Now) -> Opening:
    """Decide whether people serve a call.

    Precedence: closed by hand > opened by hand > the written hours > all absent (E4).
    """
    service = service.expired(now.wall)
    if service.closed:
        return _by_mark(ReasonCode.CLOSED_MANUAL, service.closed, schedule, now)
    basis = _before_absence(schedule, service, now)
    # absence ranks last: a closed switchboard stays closed for its own reason
    return (basis.open and absence(schedule, service, now)) or basis


def absence(schedule: Schedule, service: ServiceState, now: Now) -> Opening | None:
    """Return the answer while all are absent (E4), whatever the hours; else None."""
    mark = service.expired(now.wall).absent
    return _by_mark(ReasonCode.ABSENT, mark, schedule, now) if mark else None


def _before_absence(schedule: Schedule, service: ServiceState, now: Now) -> Opening:
    """Decide as if nobody had set "all absent"."""
    # an untrusted clock cannot keep hours: by the site's rule (clock.hours_in_doubt) phones ring,
    # and voicemail answers if nobody does (E5)
    if not now.by_hours:
        return _without_hours(service, now)
    state = schedule.at(now.wall)
    if service.opened:
        code = ReasonCode.FREE if state.open else ReasonCode.OPENED
        return Opening(True, code, changes_at=_open_until(schedule, state, service.opened))
    if state.open:
        return Opening(True, ReasonCode.FREE, state.name, changes_at=state.flips_at)
    code = REASON_OF_HOURS[state.why]
    greeting = state.greeting or CLOSED_GREETINGS[code]
    return Opening(False, code, state.name, greeting, state.changes_at, state.reopens_at)


def _without_hours(service: ServiceState, now: Now) -> Opening:
    """Decide by attendance while the hours cannot be kept; no next opening is known."""
    # a person who opened by hand needs no clock
    if service.opened:
        return Opening(True, ReasonCode.OPENED)
    if now.doubt is Doubt.OPEN:
        return Opening(True, ReasonCode.CLOCK_UNSET)
    return Opening(False, ReasonCode.CLOCK_ALONE, NOTHING, CLOSED_GREETINGS[ReasonCode.CLOCK_ALONE])


def _open_until(schedule: Schedule, state: OpenState, opened: ManualMark) -> datetime | None:
    """Return when an opening by hand ends and the written hours close as well."""
    # undone by a person at an unknown time: only the written hours are foreseeable
    if opened.until is None:
        return state.flips_at
    # the written hours may be open when the mark ends: then they go on
    then = schedule.at(opened.until)
    return then.flips_at if then.open else opened.until


def _by_mark(code: ReasonCode, mark: ManualMark, schedule: Schedule, now: Now) -> Opening:
    """Closed or absent until the mark ends; people answer again at the next written opening."""
    # A mark's end is no opening: people answer at the next written hours after it. Without an end
    # nobody is promised a time that nobody knows (P9).
    reopens = schedule.next_open(mark.until) if mark.until and now.by_hours else None
    return Opening(False, code, NOTHING, CLOSED_GREETINGS[code], mark.until, reopens)
