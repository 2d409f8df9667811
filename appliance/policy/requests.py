"""What the front desk takes over from a caller for an office (P6, E9, E15): a request.

From then on the duty is the office's, and it stays visible until somebody says it was done: never
by time alone. States and what changes them are one table.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from appliance.errors import OfficeError
from appliance.policy.appointments import Slot
from appliance.policy.hours import Schedule
from appliance.policy.register.declarations import ReturnRule
from appliance.policy.week import ONE_DAY

DUE_DAYS = 3
"""Working days within which an office answers (an Italian union of towns promises as much)."""
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


NEXT: Mapping[State, Mapping[Step, State]] = {
    State.OPEN: {
        Step.MAILED: State.SENT,
        Step.TAKE: State.TAKEN,
        Step.CLOSE: State.DONE,
        Step.REMIND: State.OPEN,
    },
    State.SENT: {
        Step.MAILED: State.SENT,  # a reminder's mail
        Step.TAKE: State.TAKEN,
        Step.CLOSE: State.DONE,
        Step.REMIND: State.SENT,
    },
    State.TAKEN: {
        Step.MAILED: State.TAKEN,  # the office was faster than the mail server
        Step.TAKE: State.TAKEN,  # a colleague takes over
        Step.CLOSE: State.DONE,
        Step.REMIND: State.TAKEN,
    },
    State.DONE: {Step.MAILED: State.DONE},
}
"""Every state and step that may meet; what is missing is refused in words."""


class Contact(enum.StrEnum):
    """How the citizen prefers to be reached."""

    PHONE = "phone"
    EMAIL = "email"


class Form(enum.StrEnum):
    """Where an appointment takes place, and who calls whom."""

    IN_PERSON = "in_person"
    OFFICE_CALLS = "office_calls"
    CITIZEN_CALLS = "citizen_calls"


@dataclass(frozen=True, slots=True)
class Citizen:
    """Who asks. Raises OfficeError without a name or any contact (E15)."""

    name: str
    phone: str = ""
    email: str = ""
    prefers: Contact = Contact.PHONE
    language: str = "it"

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise OfficeError("the citizen's name is missing: ask for it")
        if not (self.phone or self.email):
            raise OfficeError("there is no way to reach the citizen: ask for a number or an e-mail")
        if self.email and "@" not in self.email:
            raise OfficeError(f"{self.email!r} is no e-mail address: have it spelt")
        if not getattr(self, self.prefers):
            raise OfficeError(f"the citizen prefers {self.prefers} and has left none: ask for it")


@dataclass(frozen=True, slots=True)
class Appointment:
    """When and how; not `confirmed` where the office offers no slots and must agree first."""

    slot: Slot
    form: Form
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Closing:
    """Who said that it was done, to whom, when, and how it ended."""

    at: datetime
    by: str
    said_by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `number` is short enough to be read aloud.

    `sheet` is the sheet that did not cover the question, `call` the call it came from. Raises
    OfficeError without a subject, or with an appointment where the rule is e-mail.
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

    def __post_init__(self) -> None:
        if not self.subject.strip():
            raise OfficeError("the request has no subject: say in a few words what it is about")
        if (self.appointment is not None) != (self.rule is ReturnRule.APPOINTMENT):
            raise OfficeError("an appointment needs its time, and an e-mail has none")

    @property
    def concerns_head(self) -> bool:
        """Tell whether the citizen had to remind so often that the head should see it."""
        return self.state is not State.DONE and len(self.reminders) >= HEAD_AT_REMINDERS


def mailed(request: Request) -> Request:
    """Its mail was accepted by the mail server."""
    return replace(request, state=_next(request, Step.MAILED))


def taken(request: Request, by: str) -> Request:
    """Somebody of the office has taken it."""
    return replace(request, state=_next(request, Step.TAKE), taken_by=by)


def reminded(request: Request, words: str) -> Request:
    """The citizen asked again: words are added, no second request is made (E9)."""
    state = _next(request, Step.REMIND)
    return replace(request, state=state, reminders=(*request.reminders, words))


def closed(request: Request, closing: Closing) -> Request:
    """Somebody says that it was done; raises OfficeError without a word of who said so (E15)."""
    if not closing.said_by.strip():
        raise OfficeError("who said that it was done? A request is never closed by time alone")
    return replace(request, state=_next(request, Step.CLOSE), closing=closing)


def _next(request: Request, step: Step) -> State:
    following = NEXT[request.state].get(step)
    if following is None:
        raise OfficeError(
            f"request {request.number} is {request.state}: it needs no {step} any more"
        )
    return following


def due(request: Request, calendar: Schedule, days: int = DUE_DAYS) -> date:
    """Return the last day on which the request is in time, in the zone of the house.

    An agreed appointment is due on its day, so that somebody says what became of it; all else
    within so many working days.
    """
    agreed = request.appointment
    if agreed is not None and agreed.confirmed:
        return agreed.slot.end.astimezone(calendar.zone).date()
    day = request.at.astimezone(calendar.zone).date()
    for _ in range(days):
        day = _next_working_day(calendar, day)
    return day


def is_overdue(request: Request, calendar: Schedule, now: datetime, days: int = DUE_DAYS) -> bool:
    """Tell whether nobody has said in time that it was done."""
    today = now.astimezone(calendar.zone).date()
    return request.state is not State.DONE and today > due(request, calendar, days)


def _next_working_day(calendar: Schedule, day: date) -> date:
    """Find the next day with hours; where there never are any, the next day."""
    for ahead in range(1, 31):
        candidate = day + timedelta(days=ahead)
        if calendar.bands_on(candidate):
            return candidate
    return day + ONE_DAY
