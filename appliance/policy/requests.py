"""What the front desk takes over from a caller for an office (P6, E9, E15): a request.

From then on the duty is the office's, and it stays visible until somebody says it was done: never
by time alone. States and what changes them are one table.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime

from appliance.policy import request_refusals as refusals
from appliance.policy.appointments import Slot
from appliance.policy.citizens import Citizen
from appliance.policy.register.declarations import ReturnRule
from appliance.policy.words import SaidError

LONGEST_SUBJECT = 120
"""Longest subject, in characters: a mail programme's list shows no more."""
HEAD_AT_REMINDERS = 2
"""From the second reminder on the head of the front desk sees it (E9)."""


class State(enum.StrEnum):
    """How far a request is; SENT is never shown as answered (E15)."""

    OPEN = "open"  # stored, its mail not yet accepted by the mail server
    SENT = "sent"
    TAKEN = "taken"  # somebody of the office has it
    DONE = "done"


class Step(enum.StrEnum):
    """What happens to a request."""

    MAILED = "mailed"
    TAKE = "take"
    CLOSE = "close"
    REMIND = "remind"
    MOVE = "move"  # an appointment, to another time
    GIVE = "give"  # at the front desk, to whoever follows it from now on (E19)
    CANCEL = "cancel"  # the citizen does not want it any more


NEXT: Mapping[State, Mapping[Step, State]] = {
    State.OPEN: {
        Step.MAILED: State.SENT,
        Step.TAKE: State.TAKEN,
        Step.CLOSE: State.DONE,
        Step.REMIND: State.OPEN,
        Step.MOVE: State.OPEN,
        Step.GIVE: State.OPEN,
        Step.CANCEL: State.DONE,
    },
    State.SENT: {
        Step.MAILED: State.SENT,  # a reminder's mail
        Step.TAKE: State.TAKEN,
        Step.CLOSE: State.DONE,
        Step.REMIND: State.SENT,
        Step.MOVE: State.SENT,
        Step.GIVE: State.SENT,
        Step.CANCEL: State.DONE,
    },
    State.TAKEN: {
        Step.MAILED: State.TAKEN,  # the office was faster than the mail server
        Step.TAKE: State.TAKEN,  # a colleague takes over
        Step.CLOSE: State.DONE,
        Step.REMIND: State.TAKEN,
        Step.MOVE: State.TAKEN,
        Step.GIVE: State.TAKEN,
        Step.CANCEL: State.DONE,
    },
    State.DONE: {Step.MAILED: State.DONE},
}
"""Every state and step that may meet; what is missing is refused in words."""


class Form(enum.StrEnum):
    """Where an appointment takes place, and who calls whom."""

    IN_PERSON = "in_person"
    OFFICE_CALLS = "office_calls"
    CITIZEN_CALLS = "citizen_calls"


@dataclass(frozen=True, slots=True)
class Appointment:
    """When and how; not `confirmed` where the office offers no slots and must agree first.

    `sequence` counts its changes (RFC 5545, 3.8.7.4).
    """

    slot: Slot
    form: Form
    confirmed: bool
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Closing:
    """Who said that it was done, to whom, when, and how it ended.

    `cancelled`: not done, but not wanted any more.
    """

    at: datetime
    by: str
    said_by: str
    note: str = ""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What the front desk takes over, before the store gives it its number.

    `sheet` is the sheet that did not cover the question, `call` the call it came from. Raises
    OfficeError without a subject, or with an appointment where the rule is e-mail; the time of a
    `spoken` one is for the office to agree.
    """

    rule: ReturnRule
    unit: str
    need: str
    citizen: Citizen
    subject: str
    asked: str
    at: datetime
    by: str
    call: str = ""
    sheet: str = ""
    appointment: Appointment | None = None

    def __post_init__(self) -> None:
        _check(self.subject, self.rule, self.citizen, self.appointment)

    def numbered(self, number: int) -> Request:
        """Make it the request of that number."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Request(number, **values)


def by_voice(
    rule: ReturnRule, unit: str, need: str, subject: str, caller: str, call: str,
    at: datetime, by: str,
) -> NewRequest:  # fmt: skip
    """Make the request of a caller whose own recorded words say who they are and what they want.

    `caller` is the number that was shown, "" for none; never raises for a non-empty subject.
    """
    citizen = Citizen("", caller, spoken=True)
    return NewRequest(rule, unit, need, citizen, subject, "", at, by, call)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `number` is short enough to be read aloud, the rest as in NewRequest.

    `given_to` follows it at the front desk since it was given on, "" for nobody; None: never given.
    """

    number: int
    rule: ReturnRule
    unit: str
    need: str
    citizen: Citizen
    subject: str
    asked: str
    at: datetime
    by: str
    call: str = ""
    sheet: str = ""
    appointment: Appointment | None = None
    state: State = State.OPEN
    taken_by: str = ""
    reminders: tuple[str, ...] = ()
    closing: Closing | None = None
    given_to: str | None = None

    def __post_init__(self) -> None:
        _check(self.subject, self.rule, self.citizen, self.appointment)

    @property
    def follower(self) -> str:
        """Name who follows it at the front desk: who took it over, until it is given on (E19)."""
        return self.by if self.given_to is None else self.given_to


def in_few_words(subject: str, asked: str) -> tuple[str, str]:
    """Return a subject that a mail's list shows whole, and what is asked with all its words.

    A long one ends after a word, and all of it begins what is asked: nothing is lost.
    """
    if len(subject) <= LONGEST_SUBJECT:
        return subject, asked
    head = subject[: LONGEST_SUBJECT - 1]
    at = head.rfind(" ") if subject[len(head)] != " " else len(head)
    cut = head[:at] if at > LONGEST_SUBJECT // 2 else head
    return f"{cut.rstrip(' ,;:')}…", "\n".join(part for part in (subject, asked) if part)


def _check(
    subject: str, rule: ReturnRule, citizen: Citizen, appointment: Appointment | None
) -> None:
    if not subject.strip():
        raise SaidError(refusals.NO_SUBJECT)
    wanted = rule is ReturnRule.APPOINTMENT
    left_open = wanted and citizen.spoken  # the wished time is in the recording
    if (appointment is not None) != wanted and not left_open:
        raise SaidError(refusals.NO_TIME)


def mailed(request: Request) -> Request:
    """Its mail was accepted by the mail server."""
    return replace(request, state=_next(request, Step.MAILED))


def taken(request: Request, by: str) -> Request:
    """Somebody of the office has taken it."""
    return replace(request, state=_next(request, Step.TAKE), taken_by=by)


def given(request: Request, to: str) -> Request:
    """Somebody else at the front desk follows it from now on; "" for nobody (E19)."""
    return replace(request, state=_next(request, Step.GIVE), given_to=to)


def reminded(request: Request, words: str) -> Request:
    """The citizen asked again: words are added, no second request is made (E9)."""
    state = _next(request, Step.REMIND)
    return replace(request, state=state, reminders=(*request.reminders, words))


def closed(request: Request, closing: Closing) -> Request:
    """Somebody says that it was done; raises OfficeError without a word of who said so (E15)."""
    if not closing.said_by.strip():
        raise SaidError(refusals.WHO_CLOSES)
    return replace(request, state=_next(request, Step.CLOSE), closing=closing)


def cancelled(request: Request, closing: Closing) -> Request:
    """The citizen does not want it any more; raises OfficeError as `closed` does."""
    if not closing.said_by.strip():
        raise SaidError(refusals.WHO_CANCELS)
    ended = replace(closing, cancelled=True)
    return replace(request, state=_next(request, Step.CANCEL), closing=ended)


def moved(request: Request, appointment: Appointment) -> Request:
    """Its appointment has another time, or the office has agreed to it (then a new sequence)."""
    if request.appointment is None:
        raise SaidError(refusals.no_appointment(request.number))
    after = replace(appointment, sequence=request.appointment.sequence + 1)
    return replace(request, state=_next(request, Step.MOVE), appointment=after)


def _next(request: Request, step: Step) -> State:
    following = NEXT[request.state].get(step)
    if following is None:
        raise SaidError(refusals.over(request.number, request.state, step))
    return following
