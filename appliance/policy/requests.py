"""Citizens' requests (P6, E9, E15): states, appointments, due days, done links, wording."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from appliance.policy.directory import AppointmentSlots, ReturnRule
from appliance.policy.hours import (
    ONE_DAY,
    WITH_OF,
    Schedule,
    day_phrase_words,
    hours_of_office,
    local_moment,
    moment_phrase_words,
)
from appliance.policy.numbering import LEAST_NUMBER_DIGITS
from appliance.policy.text import SaidError, one_of
from appliance.policy.transfers import RETURN_RULE_WORDS
from appliance.text import Words, _, in_context

# Once stored, a request is the office's duty and stays visible until somebody says it was done:
# time alone never closes it (E15).

# a mail program's list shows no more characters
LONGEST_SUBJECT = 120
# from the second reminder on the supervisor gets a copy (E9)
HEAD_AT_REMINDERS = 2


class RequestState(enum.StrEnum):
    """State of a request; SENT is never shown as answered (E15)."""

    OPEN = "open"  # stored, its mail not yet accepted by the mail server
    SENT = "sent"
    TAKEN = "taken"  # somebody of the office has it
    DONE = "done"


class RequestStep(enum.StrEnum):
    """Step in a request's life."""

    MAILED = "mailed"
    TAKE = "take"
    CLOSE = "close"
    REMIND = "remind"
    MOVE = "move"  # an appointment, to another time
    GIVE = "give"  # at the front desk, to its next follower (E19)
    CANCEL = "cancel"  # the citizen does not want it any more


# State after a step; a missing pair is refused in words.
REQUEST_STATE_AFTER: Mapping[RequestState, Mapping[RequestStep, RequestState]] = {
    RequestState.OPEN: {
        # accepted by the mail server is not answered (E15)
        RequestStep.MAILED: RequestState.SENT,
        RequestStep.TAKE: RequestState.TAKEN,
        RequestStep.CLOSE: RequestState.DONE,
        RequestStep.REMIND: RequestState.OPEN,
        RequestStep.MOVE: RequestState.OPEN,
        RequestStep.GIVE: RequestState.OPEN,
        RequestStep.CANCEL: RequestState.DONE,
    },
    RequestState.SENT: {
        RequestStep.MAILED: RequestState.SENT,  # a reminder's mail
        RequestStep.TAKE: RequestState.TAKEN,
        RequestStep.CLOSE: RequestState.DONE,
        RequestStep.REMIND: RequestState.SENT,
        RequestStep.MOVE: RequestState.SENT,
        RequestStep.GIVE: RequestState.SENT,
        RequestStep.CANCEL: RequestState.DONE,
    },
    RequestState.TAKEN: {
        RequestStep.MAILED: RequestState.TAKEN,  # the office was faster than the mail server
        RequestStep.TAKE: RequestState.TAKEN,  # a colleague takes over
        RequestStep.CLOSE: RequestState.DONE,
        RequestStep.REMIND: RequestState.TAKEN,
        RequestStep.MOVE: RequestState.TAKEN,
        RequestStep.GIVE: RequestState.TAKEN,
        RequestStep.CANCEL: RequestState.DONE,
    },
    # its last mail may still be in the outbox when it is closed
    RequestState.DONE: {RequestStep.MAILED: RequestState.DONE},
}


class AppointmentForm(enum.StrEnum):
    """Form of an appointment: in person, or who calls whom."""

    IN_PERSON = "in_person"
    OFFICE_CALLS = "office_calls"
    CITIZEN_CALLS = "citizen_calls"


@dataclass(frozen=True, slots=True)
class Appointment:
    """Time and form; `confirmed` is false if the office offers no slots and must agree first.

    `sequence` counts its changes (RFC 5545, 3.8.7.4).
    """

    slot: AppointmentSlot
    form: AppointmentForm
    confirmed: bool
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class RequestClosing:
    """End of a request, which `said_by` reported to `by`; `cancelled`: not wanted any more."""

    at: datetime
    by: str
    said_by: str
    note: str = ""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request before the store gives it its number.

    `sheet` is the sheet that did not cover the question, `call` the call it came from. Raises
    SaidError without a subject, and where the rule and the appointment do not match.
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
        if not self.subject.strip():
            raise SaidError(NO_SUBJECT)
        is_appointment = self.rule is ReturnRule.APPOINTMENT
        # a caller who was recorded has spoken the time: the office agrees to it later
        may_lack_time = is_appointment and self.citizen.spoken
        if (self.appointment is not None) != is_appointment and not may_lack_time:
            raise SaidError(NO_APPOINTMENT_TIME)

    def numbered(self, number: int) -> Request:
        """Return the request that the store has given a number."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Request(**values, number=number)


def spoken_request(
    rule: ReturnRule, unit: str, need: str, subject: str, caller: str, call: str,
    at: datetime, by: str,
) -> NewRequest:  # fmt: skip
    """Return the request of a caller whose recording tells name, contact and question.

    `caller` is the number that was shown, "" for none; never raises for a non-empty subject.
    """
    citizen = Citizen("", caller, spoken=True)
    return NewRequest(rule, unit, need, citizen, subject, "", at, by, call)


@dataclass(frozen=True, slots=True)
class Request(NewRequest):
    """A stored request; `number` is short enough to be read aloud.

    `given_to` follows it at the front desk after a handover, "" for nobody; None: no handover yet.
    """

    number: int = 0
    state: RequestState = RequestState.OPEN
    taken_by: str = ""
    reminders: tuple[str, ...] = ()
    closing: RequestClosing | None = None
    given_to: str | None = None

    @property
    def follower(self) -> str:
        """The person who follows it at the front desk: its author, until a handover (E19)."""
        return self.by if self.given_to is None else self.given_to


def short_subject(subject: str, asked: str) -> tuple[str, str]:
    """Return a subject of at most LONGEST_SUBJECT characters, and the question in full."""
    if len(subject) <= LONGEST_SUBJECT:
        return subject, asked
    # cut after a word; the whole subject is put before what is asked, so nothing is lost
    head = subject[: LONGEST_SUBJECT - 1]
    # a word that ends exactly at the limit stays
    at = head.rfind(" ") if subject[len(head)] != " " else len(head)
    # a word longer than half the subject is cut within
    cut = head[:at] if at > LONGEST_SUBJECT // 2 else head
    return f"{cut.rstrip(' ,;:')}…", "\n".join(part for part in (subject, asked) if part)


def mail_accepted(request: Request) -> Request:
    """Return the request after the mail server accepted its mail."""
    return replace(request, state=_state_after(request, RequestStep.MAILED))


def take_request(request: Request, by: str) -> Request:
    """Return the request after somebody of the office has taken it."""
    return replace(request, state=_state_after(request, RequestStep.TAKE), taken_by=by)


def give_request(request: Request, to: str) -> Request:
    """Return the request as followed by `to` at the front desk, "" for nobody (E19)."""
    return replace(request, state=_state_after(request, RequestStep.GIVE), given_to=to)


def remind(request: Request, words: str) -> Request:
    """Return the request with the words of one more reminder; raises SaidError."""
    # asked again, a citizen gets no second request (E9)
    state = _state_after(request, RequestStep.REMIND)
    return replace(request, state=state, reminders=(*request.reminders, words))


def close_request(request: Request, closing: RequestClosing) -> Request:
    """Return the request as done; raises SaidError unless the closing names who said so."""
    # never by time alone (E15)
    if not closing.said_by.strip():
        raise SaidError(WHO_CLOSES)
    return replace(request, state=_state_after(request, RequestStep.CLOSE), closing=closing)


def cancel_request(request: Request, closing: RequestClosing) -> Request:
    """Return the request as not wanted any more; raises SaidError as close_request does."""
    if not closing.said_by.strip():
        raise SaidError(WHO_CANCELS)
    ended = replace(closing, cancelled=True)
    return replace(request, state=_state_after(request, RequestStep.CANCEL), closing=ended)


def move_appointment(request: Request, appointment: Appointment) -> Request:
    """Return the request with a moved or confirmed appointment; raises SaidError without one."""
    if request.appointment is None:
        raise SaidError(no_appointment(request.number))
    # each revision has a higher SEQUENCE (RFC 5545, 3.8.7.4)
    after = replace(appointment, sequence=request.appointment.sequence + 1)
    return replace(request, state=_state_after(request, RequestStep.MOVE), appointment=after)


def _state_after(request: Request, step: RequestStep) -> RequestState:
    following = REQUEST_STATE_AFTER[request.state].get(step)
    if following is None:
        raise SaidError(no_longer_open(request.number, request.state, step))
    return following


class Contact(enum.StrEnum):
    """The citizen's preferred contact."""

    PHONE = "phone"
    EMAIL = "email"


NO_NAME = _("the citizen's name is missing: ask for it")
NO_CONTACT = _("there is no way to reach the citizen: ask for a number or an e-mail")
_PREFERRED_MISSING = {
    Contact.PHONE: _("the citizen prefers phone and has left none: ask for it"),
    Contact.EMAIL: _("the citizen prefers email and has left none: ask for it"),
}


@dataclass(frozen=True, slots=True)
class Citizen:
    """The citizen of a request. `spoken`: name and contact are in the caller's recording.

    Raises SaidError without a name or any contact (E15), unless they are spoken.
    """

    name: str
    phone: str = ""
    email: str = ""
    prefers: Contact = Contact.PHONE
    language: str = "it"
    spoken: bool = False

    def __post_init__(self) -> None:
        if self.email and "@" not in self.email:
            raise SaidError(_("{email!r} is no e-mail address: have it spelt", email=self.email))
        # nobody has typed anything: the office listens to the recording
        if self.spoken:
            return
        if not self.name.strip():
            raise SaidError(NO_NAME)
        if not (self.phone or self.email):
            raise SaidError(NO_CONTACT)
        if not getattr(self, self.prefers):
            raise SaidError(_PREFERRED_MISSING[self.prefers])


# a number is written in many ways, with words beside it: its digits with at most signs between them
_NUMBER_IN_TEXT: Final = re.compile(rf"(?:[0-9]\W*){{{LEAST_NUMBER_DIGITS}}}")


def check_phone(citizen: Citizen) -> None:
    """Check the number by which the office is to reach a citizen; raises SaidError for words."""
    # an office that writes to the citizen needs no number, whatever stands in its field
    is_needed = citizen.prefers is Contact.PHONE or not citizen.email
    if is_needed and not _NUMBER_IN_TEXT.search(citizen.phone):
        raise SaidError(
            _(
                "“{phone}” is no telephone number: write at least {digits} digits, "
                "or leave it empty and give an e-mail",
                phone=citizen.phone,
                digits=LEAST_NUMBER_DIGITS,
            )
        )


# one limit for what is shown, offered and given
AHEAD_DAYS = 365
"""Days ahead for which appointments are offered, shown and given."""


@dataclass(frozen=True, slots=True)
class AppointmentSlot:
    """One appointment's time, aware, the end excluded."""

    start: datetime
    end: datetime


BookedPlaces = Mapping[datetime, int]
"""How many appointments an office has at a slot's start."""


def slots_on(slots: AppointmentSlots, calendar: Schedule, day: date) -> Iterator[AppointmentSlot]:
    """Yield the slots of a day, in order; a slot lies wholly within open hours (P6)."""
    hours = hours_of_office(calendar, slots.week)
    length = timedelta(minutes=slots.minutes)
    for band in hours.bands_on(day):
        start, end = band.on(day)
        while start + length <= end:
            slot = AppointmentSlot(
                local_moment(start, calendar.zone), local_moment(start + length, calendar.zone)
            )
            if _open_throughout(hours, slot):
                yield slot
            start += length


def free_slots(
    slots: AppointmentSlots,
    calendar: Schedule,
    booked: BookedPlaces,
    after: datetime,
    most: int = 6,
) -> tuple[AppointmentSlot, ...]:
    """Return the next free slots that begin after a moment, at most so many, within AHEAD_DAYS."""
    found: list[AppointmentSlot] = []
    day = after.astimezone(calendar.zone).date()
    while day <= last_appointment_day(calendar, after):
        for slot, _unused in free_slots_on(slots, calendar, booked, day, after):
            found.append(slot)
            if len(found) == most:
                return tuple(found)
        day += ONE_DAY
    return tuple(found)


def last_appointment_day(calendar: Schedule, now: datetime) -> date:
    """Return the last day for which an appointment is given now."""
    return now.astimezone(calendar.zone).date() + ONE_DAY * AHEAD_DAYS


def free_slots_on(
    slots: AppointmentSlots, calendar: Schedule, booked: BookedPlaces, day: date, after: datetime
) -> Iterator[tuple[AppointmentSlot, int]]:
    """Yield the slots of a day that begin after a moment, each with its free places.

    None on a day to which no appointment is given yet.
    """
    if day > last_appointment_day(calendar, after):
        return
    for slot in slots_on(slots, calendar, day):
        free = slots.places - booked.get(slot.start, 0)
        if slot.start > after and free > 0:
            yield slot, free


def take_slot(
    slots: AppointmentSlots,
    calendar: Schedule,
    booked: BookedPlaces,
    start: datetime,
    now: datetime,
) -> AppointmentSlot:
    """Return the slot that starts at a moment; raises SaidError if there is none or it is full.

    `booked` must be read in the transaction that stores the appointment.
    """
    # else two people could take the last place at once
    day = start.astimezone(calendar.zone).date()
    last = last_appointment_day(calendar, now)
    if day > last:
        raise SaidError(
            _(
                "appointments are given {day}: choose an earlier day",
                day=day_phrase_words(in_context("day", "until"), last),
            )
        )
    slot = next((s for s in slots_on(slots, calendar, day) if s.start == start), None)
    local = start.astimezone(calendar.zone)
    # a slot that has begun is over
    if slot is None or start <= now:
        raise SaidError(
            _(
                "the office gives no appointment {moment}: choose another",
                moment=moment_phrase_words(in_context("moment", "on"), local),
            )
        )
    if booked.get(start, 0) >= slots.places:
        raise SaidError(
            _(
                "{moment} has just been taken: choose another",
                moment=moment_phrase_words(WITH_OF, local),
            )
        )
    return slot


def _open_throughout(hours: Schedule, slot: AppointmentSlot) -> bool:
    state = hours.at(slot.start)
    # a closure by date may begin within the slot
    return state.open and (state.flips_at is None or state.flips_at >= slot.end)


# working days: the promise of an Italian union of towns
DUE_DAYS = 3


def due_day(request: Request, calendar: Schedule, days: int = DUE_DAYS) -> date:
    """Return the day by which the office must have answered, in the zone of the site."""
    agreed = request.appointment
    # an agreed appointment is due on its day, so that somebody says what became of it
    if agreed is not None and agreed.confirmed:
        return agreed.slot.end.astimezone(calendar.zone).date()
    day = request.at.astimezone(calendar.zone).date()
    for _unused in range(days):
        day = _next_working_day(calendar, day)
    return day


def is_overdue(request: Request, calendar: Schedule, now: datetime, days: int = DUE_DAYS) -> bool:
    """Tell whether a request is overdue."""
    today = now.astimezone(calendar.zone).date()
    return request.state is not RequestState.DONE and today > due_day(request, calendar, days)


def _next_working_day(calendar: Schedule, day: date) -> date:
    """Find the next day with hours; where there never are any, the next day."""
    # a site without any hours still has days: then every day is a working day
    for ahead in range(1, 31):
        candidate = day + timedelta(days=ahead)
        if calendar.bands_on(candidate):
            return candidate
    return day + ONE_DAY


def next_month(first: date) -> date:
    """Return the first day of the month after one that begins on `first`."""
    return (first + timedelta(days=31)).replace(day=1)


def month_to_report(calendar: Schedule, now: datetime) -> date | None:
    """Return the first day of last month once this month's first working day has opened.

    None before that; where there are no hours at all, at once.
    """
    begun = now.astimezone(calendar.zone).date().replace(day=1)
    opens = calendar.next_open(local_moment(datetime.combine(begun, time()), calendar.zone))
    if opens is not None and now < opens:
        return None
    return (begun - ONE_DAY).replace(day=1)


# The secret stands in the mail alone; the database keeps its hash. A hash cannot be turned back
# into a link, so every mail gets a new one; the first that is used closes the request (E15).

# Path of the console's page; the secret follows it.
DONE_LINK_PATH: Final = "/done/"
# 256 random bits, which nobody guesses
DONE_LINK_BYTES: Final = 32
# an old mail lying about must not open anything
DONE_LINK_VALID: Final = timedelta(days=90)
# no user's name contains a blank, so the history cannot confuse the two
DONE_LINK_AUTHOR: Final = "link e-mail"
_DONE_LINK: Final = re.compile(re.escape(DONE_LINK_PATH) + r"[\w-]{22,}")


class DoneLinkState(enum.StrEnum):
    """State of a link that closes a request."""

    OPEN = "open"
    UNKNOWN = "unknown"
    USED = "used"
    CLOSED = "closed"
    EXPIRED = "expired"


DONE_LINK_WORDS: Final[Mapping[DoneLinkState, Words]] = {
    DoneLinkState.UNKNOWN: _(
        "This link is not valid: copy it whole from the e-mail, or call the switchboard."
    ),
    DoneLinkState.USED: _("The request was closed by this link: nothing more is to be done."),
    DoneLinkState.CLOSED: _("The request was closed already: nothing more is to be done."),
    DoneLinkState.EXPIRED: _(
        "This link has expired: call the switchboard and give the number of the request."
    ),
}
"""What is said of a link that closes nothing (any more)."""
WHO_SAYS_DONE: Final = _("Who says that the request is done? Write your name.")


def done_link_hash(token: str) -> str:
    """Return the stored hash of a secret (SHA-256, hexadecimal)."""
    # No salt: nobody has a table of 256 random bits. Whatever a browser sends gets a hash, a lone
    # surrogate too.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def done_link_state(
    is_used: bool, is_done: bool, made_at: datetime, now: datetime
) -> DoneLinkState:
    """Return the state of a known link."""
    # used and closed come before expired: that it is done is what counts
    if is_used:
        return DoneLinkState.USED
    if is_done:
        return DoneLinkState.CLOSED
    # the first link that is used closes the request; the others then say that it is closed
    return DoneLinkState.OPEN if now - made_at < DONE_LINK_VALID else DoneLinkState.EXPIRED


def with_new_done_link(text: str, token: str) -> tuple[str, bool]:
    """Replace the secrets in a mail's text by a new one; the flag tells whether there were any.

    A secret that was removed before (`without_done_links`) counts too.
    """
    bare = without_done_links(text)
    return bare.replace(
        f"{DONE_LINK_PATH}…", f"{DONE_LINK_PATH}{token}"
    ), f"{DONE_LINK_PATH}…" in bare


def without_done_links(text: str) -> str:
    """Return a mail's text without the secrets of its links."""
    return _DONE_LINK.sub(f"{DONE_LINK_PATH}…", text)


# State of a request in words; "sent" never reads as "answered" (E15).
REQUEST_STATE_WORDS: Mapping[RequestState, Words] = {
    RequestState.OPEN: _("open, its mail has not left"),
    RequestState.SENT: _("sent, waiting for the office"),
    RequestState.TAKEN: _("with the office"),
    RequestState.DONE: in_context("requests", "done"),
}
CANCELLED_WORDS = _("cancelled")
REQUEST_STEP_WORDS: Mapping[RequestStep, Words] = {
    RequestStep.MAILED: _("mail taken by the mail server"),
    RequestStep.TAKE: _("taken"),
    RequestStep.REMIND: _("reminder"),
    RequestStep.CLOSE: in_context("requests", "closed"),
    RequestStep.MOVE: _("appointment moved"),
    RequestStep.GIVE: _("handed over"),
    RequestStep.CANCEL: _("cancelled"),
}
"""Step of a request in words, for its history."""
_STEP_DONE_WORDS: Mapping[RequestStep, Words] = {
    RequestStep.TAKE: _("Request {n}: {taken_by} has it now."),
    RequestStep.REMIND: _("Request {n}: reminder {count} added."),
    RequestStep.CLOSE: _("Request {n}: closed."),
    RequestStep.MOVE: _("Request {n}: appointment moved."),
    RequestStep.CANCEL: _("Request {n}: cancelled."),
}


def stored_words(request: Request) -> Words:
    """Return the sentence that a request is stored, with its number."""
    n = request.number
    return _("Taken over: request {n}.", n=n)


def step_done_words(request: Request, step: RequestStep) -> Words:
    """Return the sentence about a step that was done."""
    told = {"n": request.number, "taken_by": request.taken_by, "count": len(request.reminders)}
    words = _STEP_DONE_WORDS[step]
    return words.filled(**told)


def state_words(request: Request) -> Words:
    """Return the state of a request in words."""
    # cancelled is not a state of its own: the request is done, with another word for it
    if request.closing is not None and request.closing.cancelled:
        return CANCELLED_WORDS
    return REQUEST_STATE_WORDS[request.state]


def open_already_words(found: Sequence[Request]) -> Words:
    """Return the sentence that lists a citizen's open requests and proposes a reminder."""
    # E9: open requests are offered before a second one is made
    listed = ", ".join(f"{each.number} ({each.unit}: {each.subject})" for each in found)
    first = found[0].number
    return _(
        "the citizen has open requests: {listed}; remind with centralino requests "
        "remind {first}, or use --anyway for a new one",
        listed=listed,
        first=first,
    )


def other_rule_words(unit: str, allowed: Sequence[ReturnRule]) -> Words:
    """Return the sentence that names the rules which an office has declared (P6, E13)."""
    offers = one_of(RETURN_RULE_WORDS[rule] for rule in allowed)
    return _("{unit} has declared: {rules}", unit=unit, rules=offers)


NO_SUBJECT = _("the request has no subject: say in a few words what it is about")
NO_APPOINTMENT_TIME = _("an appointment needs its time, and an e-mail has none")
NO_NEW_TIME = _("to which time? Give the appointment's new one")
NO_REMINDER_WORDS = _("what did the citizen say? A reminder adds words for the office")
WHO_CLOSES = _("who said that it was done? A request is never closed by time alone")
WHO_CANCELS = _("who cancels it? Give the name of whoever said so")


def no_start(why: object) -> Words:
    """Return the refusal of an appointment without a readable time."""
    return _("when does the appointment start? {why}", why=why)


def no_request(number: int) -> Words:
    """Return the refusal for an unknown request."""
    return _(
        "there is no request {number}: list them with `centralino requests list`", number=number
    )


def no_appointment(number: int) -> Words:
    """Return the refusal to move an appointment that a request does not have."""
    return _("request {number} has no appointment that could be moved", number=number)


def no_longer_open(number: int, state: str, step: str) -> Words:
    """Return the refusal of a step after a request has ended."""
    return _(
        "request {number} is {state}: it needs no {step} any more",
        number=number,
        state=state,
        step=step,
    )
