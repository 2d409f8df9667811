"""Mail about requests: the letters' texts, who gets which, and the outbox's retries."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from types import MappingProxyType

from appliance.policy.directory import Directory, ReturnRule, Unit
from appliance.policy.hours import Schedule, day_words, moment_words
from appliance.policy.numbering import PLUS_SET, SEPARATOR_SET
from appliance.policy.requests import (
    HEAD_AT_REMINDERS,
    Appointment,
    AppointmentForm,
    Citizen,
    Contact,
    Request,
    RequestStep,
    due_day,
)
from appliance.text import NOTHING, Words, _, in_context

# The recipient "supervisor": the address is in the configuration, `[mail] head`.
TO_HEAD = "head"
TEST_KEY = "test-"
"""Beginning of the key of a mail by which a technician tries the mail server."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient. The same `key` queued twice is one mail (and one Message-ID).

    `thread` is the key of the mail that this one follows up. `attachments` are files below the
    state folder ("voicemail/new/ID.wav"). `calendar` is an attached iCalendar object (RFC 5545).
    `request` is the number of the request that the mail brings to the office, 0 for none; once the
    mail server accepts the mail, that request is "sent". `token` is the secret of the link in
    `body` that closes that request, "" for none; only its hash is stored (policy/requests.py).
    """

    key: str
    to: str
    subject: str
    body: str
    thread: str = ""
    attachments: tuple[str, ...] = ()
    calendar: str = ""
    request: int = 0
    token: str = ""


class LetterTopic(enum.StrEnum):
    """Subject and recipient of a letter."""

    EMAIL = "email"
    APPOINTMENT = "appointment"
    REMINDER = "reminder"
    MOVED = "moved"
    CANCELLED = "cancelled"
    TO_HEAD = "to_head"
    OVERDUE = "overdue"
    CITIZEN_EMAIL = "citizen_email"
    CITIZEN_APPOINTMENT = "citizen_appointment"
    CITIZEN_MOVED = "citizen_moved"
    CITIZEN_CANCELLED = "citizen_cancelled"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A piece of a letter, left out where the word `only_with` is empty."""

    text: Words
    only_with: str = ""


APPOINTMENT_FORM_WORDS: Mapping[AppointmentForm, Words] = {
    AppointmentForm.IN_PERSON: _("in person, at the office"),
    AppointmentForm.OFFICE_CALLS: _("by telephone: the office calls the citizen"),
    AppointmentForm.CITIZEN_CALLS: _("by telephone: the citizen calls the office"),
}
CITIZENS_APPOINTMENT = _("Appointment: {unit} ({house})")
CITIZENS_NUMBER = _("Request no. {number}")
CITIZENS_NUMBER_AND_CONTACT = _("Request no. {number}; for anything further: {numbers}")
_SUBJECT = _("[Request {number}] {subject}")
SUBJECTS: Mapping[LetterTopic, Words] = {
    LetterTopic.EMAIL: _SUBJECT,
    LetterTopic.APPOINTMENT: _("[Request {number}] Appointment: {subject}"),
    LetterTopic.REMINDER: _("Reminder: [Request {number}] {subject}"),
    LetterTopic.MOVED: _("Appointment moved: [Request {number}] {subject}"),
    LetterTopic.CANCELLED: _("Cancelled: [Request {number}] {subject}"),
    LetterTopic.TO_HEAD: _("Reminded {reminders} times: request {number} for {unit}"),
    LetterTopic.OVERDUE: _("Overdue: request {number} for {unit}"),
    LetterTopic.CITIZEN_EMAIL: _("{house}: your request no. {number}"),
    LetterTopic.CITIZEN_APPOINTMENT: _("{house}: your appointment, request no. {number}"),
    LetterTopic.CITIZEN_MOVED: _("{house}: your appointment has changed, request no. {number}"),
    LetterTopic.CITIZEN_CANCELLED: _("{house}: request no. {number} cancelled"),
}
_ORPHAN = Paragraph(
    _(
        "The office {orphan} is not in the register: this request has no "
        "recipient.\n"
        "Pass it on to the office concerned and put the register right.\n"
    ),
    "orphan",
)
# a letter to an office tells who asks, how to reach them, what for and by when (P6, E15)
_WHO = Paragraph(_("Office: {unit}\nNeed: {need}\nSubject: {subject}\n\nCitizen:\n  {contact}\n"))
_ASKED = Paragraph(_("What is asked:\n{asked}\n"), "asked")
_SPOKEN = Paragraph(
    _("The citizen has spoken name, contact and reason: listen to the attached recording.\n"),
    "spoken",
)
_SHEET = Paragraph(
    _("Sheet that was consulted and does not cover it: {sheet}\n"),
    "sheet",
)
_WHEN = Paragraph(_("Appointment: {appointment}\n"), "appointment")
# on the office LAN alone, and once (E15)
_LINK = Paragraph(
    _(
        "When it is done, close it yourselves from a computer of the office (the "
        "link works once, for 90 days):\n"
        "{link}\n"
    ),
    "link",
)
# P6: the office calls back, and the duty is its own until somebody says that it was done
_DUTY = Paragraph(
    _(
        "Taken over on {taken} by {by}. To be answered by {due}.\n"
        "\n"
        "From now on it is your office's duty, and it stays open until somebody "
        "says that it was done.\n"
        "Then answer this e-mail or call the switchboard, naming number {number}.\n"
        "\n"
        "{house}"
    ),
    "office",
)
_HEADS_DUTY = _(
    "Taken over on {taken} by {by}. To be answered by {due}.\n"
    "\n"
    "It is the duty of the office {unit}, and it stays open until somebody "
    "says that it was done.\n"
    "\n"
    "{house}"
)
"""Closing text of the supervisor's copy, and of a request whose office is not in the directory."""
_ORPHANS_DUTY = Paragraph(_HEADS_DUTY, "orphan")
_PUBLIC = Paragraph(
    _("For anything further call {numbers} and give the number {number}.\n"),
    "numbers",
)
_GREETING = Paragraph(
    _("This message is automatic: please do not answer to this address.\n\n{house}")
)
_ABOUT = Paragraph(_("Dear citizen,\nwe have taken over your request no. {number}"))
_CHANGED = Paragraph(_("Dear citizen,\nyour appointment (request no. {number}) has changed"))
_FOR = Paragraph(_("Office: {unit}"), "unit")
_NEED = Paragraph(_("About: {need}"), "need")
_SPACE = Paragraph(NOTHING)
BODIES: Mapping[LetterTopic, tuple[Paragraph, ...]] = {
    LetterTopic.EMAIL: (_ORPHAN, _WHO, _ASKED, _SPOKEN, _SHEET, _LINK, _DUTY, _ORPHANS_DUTY),
    LetterTopic.APPOINTMENT: (
        _ORPHAN,
        _WHO,
        _WHEN,
        _ASKED,
        _SPOKEN,
        _SHEET,
        _LINK,
        _DUTY,
        _ORPHANS_DUTY,
    ),
    LetterTopic.REMINDER: (
        _ORPHAN,
        Paragraph(_("The citizen has called again (reminder {reminders}):\n{words}\n")),
        _WHO,
        _WHEN,
        _LINK,
        _DUTY,
        _ORPHANS_DUTY,
    ),
    LetterTopic.MOVED: (
        Paragraph(_("The appointment has changed.\n{words}\n")),
        _WHO,
        _WHEN,
        _LINK,
        _DUTY,
        _ORPHANS_DUTY,
    ),
    LetterTopic.CANCELLED: (
        Paragraph(_("Request {number} was cancelled: nothing more is to be done.\n{words}\n")),
        _WHO,
    ),
    LetterTopic.TO_HEAD: (
        Paragraph(_("The citizen had to remind {reminders} times; the last time:\n{words}\n")),
        _WHO,
        Paragraph(_HEADS_DUTY),
    ),
    LetterTopic.OVERDUE: (
        Paragraph(
            _(
                "Nobody has said that request {number} ({subject}) was done: it was due on "
                "{due}.\n"
                "\n"
                "Citizen:\n"
                "  {contact}\n"
                "\n"
                "Ask the office {unit}; then centralino requests close {number}, with the "
                "name of who said so."
            )
        ),
        Paragraph(
            _("\nAt the front desk {follower} follows it."),
            "follower",
        ),
    ),
    LetterTopic.CITIZEN_EMAIL: (
        _ABOUT,
        _FOR,
        _NEED,
        _SPACE,
        Paragraph(_("The office will contact you by {due}.\n")),
        _PUBLIC,
        _GREETING,
    ),
    LetterTopic.CITIZEN_APPOINTMENT: (
        _ABOUT,
        _FOR,
        _NEED,
        _SPACE,
        _WHEN,
        _PUBLIC,
        _GREETING,
    ),
    LetterTopic.CITIZEN_MOVED: (_CHANGED, _FOR, _NEED, _SPACE, _WHEN, _PUBLIC, _GREETING),
    LetterTopic.CITIZEN_CANCELLED: (
        Paragraph(_("Dear citizen,\nyour request no. {number} was cancelled.\n")),
        _PUBLIC,
        _GREETING,
    ),
}


# A letter to an office carries all it needs to answer. A letter to a citizen carries nothing that
# anybody typed, so that no undisclosed number can stand in it (P7); those in the sender's name are
# masked by the mail room.

_DIGITS = re.compile(rf"[{PLUS_SET}]?\d[\d{SEPARATOR_SET}]*\d")


@dataclass(frozen=True, slots=True)
class LetterSender:
    """Sender of the letters: name, language, calendar, directory, public numbers.

    `done_link` is the address of the console's page that closes a request, "" where there is none;
    `labels` are what positions are called, by their phones' names.
    """

    name: str
    language: str
    calendar: Schedule
    directory: Directory
    numbers: tuple[str, ...] = ()
    done_link: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def called(self, who: str) -> str:
        """Return what a position is called; a person's name as it is."""
        # offices know "Operatore 1", not a phone's name
        return self.labels.get(who, who)


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """Event of a request; `id` is part of the mail's key. No `step`: it was taken over.

    `token` is the random secret of the link in its mail to the office.
    """

    id: str = ""
    step: RequestStep | None = None
    words: str = ""
    by: str = ""
    token: str = ""


def letters_of(
    sender: LetterSender,
    request: Request,
    event: RequestEvent,
    recording: str = "",
    calendar: str = "",
    for_citizen: str = "",
) -> Iterator[Mail]:
    """Yield the mails that a request, or a step of it, leads to.

    `recording` is the file of the caller's words, `calendar` the office's invitation (iCalendar),
    `for_citizen` what the citizen's own calendar is given.
    """
    topic = _topic(request, event)
    if topic is None:
        return
    yield _to_office(sender, request, event, topic, recording, calendar)
    if topic is LetterTopic.REMINDER:
        if len(request.reminders) >= HEAD_AT_REMINDERS:
            # at the second reminder the supervisor sees it (E9)
            yield _to_head(sender, request, event)
    elif request.citizen.email:
        written = _to_citizen(sender, request, event, topic)
        yield replace(written, calendar=for_citizen)


def overdue_mail(
    request: Request, day: date, language: str, labels: Mapping[str, str] = MappingProxyType({})
) -> Mail:
    """Write to the supervisor about an overdue request; the key makes it one mail."""
    words = {
        "number": str(request.number),
        "unit": request.unit,
        "subject": request.subject,
        "due": day_words(day, language),
        "contact": contact_rows(request.citizen, language),
        "follower": labels.get(request.follower, request.follower),
    }
    subject = _fill_in(SUBJECTS[LetterTopic.OVERDUE], language, words)
    body = _body(LetterTopic.OVERDUE, language, words)
    # one key for all times: the supervisor is told once
    return Mail(f"{thread_of(request)}-overdue", TO_HEAD, subject, body)


def invitation_text(sender: LetterSender, request: Request) -> str:
    """Return the invitation's text for the office: subject, form, citizen, question."""
    reached = contact_rows(request.citizen, sender.language)
    form = request.appointment and APPOINTMENT_FORM_WORDS[request.appointment.form]
    told = form.text(sender.language) if form else ""
    parts = (request.subject, told, reached.replace("\n  ", ", "), request.asked)
    return "\n".join(part for part in parts if part)


def citizens_calendar_text(sender: LetterSender, request: Request) -> tuple[str, str]:
    """Return title and text of the citizen's calendar entry; nothing that was typed (P7)."""
    unit, language = sender.directory.unit(request.unit), request.citizen.language
    # a directory's name may contain a number, too (P7)
    name = without_numbers(unit.name if unit else "") or sender.name
    form = request.appointment and APPOINTMENT_FORM_WORDS[request.appointment.form]
    told = form.text(language) if form else ""
    words = {"unit": name, "house": sender.name, "number": str(request.number)}
    words |= {"numbers": ", ".join(sender.numbers), "form": told}
    title = _fill_in(CITIZENS_APPOINTMENT, language, words)
    public = CITIZENS_NUMBER_AND_CONTACT if sender.numbers else CITIZENS_NUMBER
    return title, "\n".join(part for part in (told, _fill_in(public, language, words)) if part)


def thread_of(request: Request) -> str:
    """Return the key of a request's first mail."""
    return f"request-{request.number}"


def _topic(request: Request, event: RequestEvent) -> LetterTopic | None:
    match event.step:
        case None:
            wanted = request.rule is ReturnRule.APPOINTMENT
            return LetterTopic.APPOINTMENT if wanted else LetterTopic.EMAIL
        case RequestStep.REMIND:
            return LetterTopic.REMINDER
        case RequestStep.MOVE:
            return LetterTopic.MOVED
        case RequestStep.CANCEL:
            return LetterTopic.CANCELLED
        # no mail about what the office did itself, nor about the mail server's reply
        case _:
            return None


def _to_office(
    sender: LetterSender,
    request: Request,
    event: RequestEvent,
    topic: LetterTopic,
    recording: str,
    calendar: str,
) -> Mail:
    unit = sender.directory.unit(request.unit)
    # an office missing from the directory gets no link: the mail goes to the supervisor
    link = sender.done_link + event.token if unit and sender.done_link and event.token else ""
    words = {
        "house": sender.name,
        "number": str(request.number),
        "unit": unit.name if unit else request.unit,
        "need": _need_of(sender, request),
        "subject": request.subject,
        "taken": _moment(sender, request.at),
        "by": sender.called(request.by),
        "due": day_words(due_day(request, sender.calendar), sender.language),
        "asked": request.asked,
        "sheet": request.sheet,
        "contact": contact_rows(request.citizen, sender.language),
        "appointment": _appointment(sender, request.appointment, sender.language),
        "reminders": str(len(request.reminders)),
        "words": event.words,
        "orphan": "" if unit else request.unit,
        "office": "x" if unit else "",
        # who hung up before the tone has left a number alone (P6)
        "spoken": "x" if request.citizen.spoken and recording else "",
        "link": link,
    }
    first, body = event.step is None, _body(topic, sender.language, words)
    return Mail(
        # one key, one mail: the first of a request, then one for each step
        thread_of(request) if first else f"{thread_of(request)}-{event.id}",
        # nothing is lost for want of a recipient: the supervisor passes it on
        unit.email if unit else TO_HEAD,
        _fill_in(SUBJECTS[topic], sender.language, words),
        body,
        # a reminder joins the e-mail thread of its request (E9)
        "" if first else thread_of(request),
        (recording,) if first and recording else (),
        calendar,
        # to the supervisor it is not yet sent to its office
        request.number if unit else 0,
        # not every letter has the paragraph with the link
        event.token if link and link in body else "",
    )


def _to_head(sender: LetterSender, request: Request, event: RequestEvent) -> Mail:
    office = _to_office(sender, request, event, LetterTopic.TO_HEAD, "", "")
    # a copy only: it neither sends the request nor joins the office's e-mail thread
    return replace(office, key=f"{office.key}-head", to=TO_HEAD, thread="", request=0)


def _to_citizen(
    sender: LetterSender, request: Request, event: RequestEvent, topic: LetterTopic
) -> Mail:
    """Return the mail to the citizen: names of the directory and our own counts (P7)."""
    language = request.citizen.language
    unit = sender.directory.unit(request.unit)
    words = {
        "house": sender.name,
        "number": str(request.number),
        # offices write these names, and may have put a number in one
        "unit": without_numbers(unit.name if unit else ""),
        "need": without_numbers(_need_of(sender, request)),
        "due": day_words(due_day(request, sender.calendar), language),
        "appointment": _appointment(sender, request.appointment, language),
        "numbers": ", ".join(sender.numbers),
    }
    key = f"{thread_of(request)}-citizen" + (f"-{event.id}" if event.step else "")
    told = {
        LetterTopic.MOVED: LetterTopic.CITIZEN_MOVED,
        LetterTopic.CANCELLED: LetterTopic.CITIZEN_CANCELLED,
        LetterTopic.APPOINTMENT: LetterTopic.CITIZEN_APPOINTMENT,
    }.get(topic, LetterTopic.CITIZEN_EMAIL)
    # the citizen has a thread of their own, and never sees the office's
    thread = f"{thread_of(request)}-citizen" if event.step else ""
    subject = _fill_in(SUBJECTS[told], language, words)
    return Mail(key, request.citizen.email, subject, _body(told, language, words), thread)


def without_numbers(text: str) -> str:
    """Take out of a name whatever could be dialled (P7): two digits or more."""
    return " ".join(_DIGITS.sub("", text).split())


def _body(topic: LetterTopic, language: str, words: dict[str, str]) -> str:
    """Fill a letter in; a paragraph whose word is empty is left out."""
    paragraphs = [p for p in BODIES[topic] if not p.only_with or words.get(p.only_with)]
    return "\n".join(_fill_in(p.text, language, words) for p in paragraphs) + "\n"


def _fill_in(text: Words, language: str, words: dict[str, str]) -> str:
    """Fill words into a text."""
    # not str.format: braces in the filled-in words stay as they are
    return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], text.text(language))


def _need_of(sender: LetterSender, request: Request) -> str:
    return need_name(sender.directory, sender.calendar.zone, request)


def need_name(directory: Directory, zone: tzinfo, request: Request) -> str:
    """Return what a request's need is called by the declaration of its day, else its code."""
    # of the day it was taken: a later declaration may name the need otherwise
    day = request.at.astimezone(zone).date()
    unit = directory.unit(request.unit) or Unit(request.unit, "", "")
    declared = directory.declaration(unit, day)
    need = declared.need(request.need) if declared else None
    return need.name if need else request.need


def contact_rows(citizen: Citizen, language: str) -> str:
    """Write who a citizen is and how to be reached, a line each."""
    rows = [citizen.name] if citizen.name else []
    for kind, label, value in (
        (Contact.PHONE, _("telephone"), citizen.phone),
        (Contact.EMAIL, _("e-mail"), citizen.email),
    ):
        if value:
            # a caller who left a recording has stated no preference
            is_preferred = kind is citizen.prefers and not citizen.spoken
            words = _("{kind}: {address} (preferred)") if is_preferred else _("{kind}: {address}")
            rows.append(words.filled(kind=label, address=value).text(language))
    # so that the office knows in which language to answer
    if citizen.language != language:
        rows.append(_("language: {language}", language=citizen.language).text(language))
    return "\n  ".join(rows)


def _appointment(sender: LetterSender, appointment: Appointment | None, language: str) -> str:
    if appointment is None:
        return ""
    start = appointment.slot.start.astimezone(sender.calendar.zone)
    end = appointment.slot.end.astimezone(sender.calendar.zone)
    form = APPOINTMENT_FORM_WORDS[appointment.form]
    told = f"{day_words(start.date(), language)}, {start:%H:%M}–{end:%H:%M}, "
    told += form.text(language)
    if appointment.confirmed:
        return told
    # the office has not agreed yet (P6: in its slots, or to be confirmed)
    return _("{appointment} – TO BE CONFIRMED", appointment=told).text(language)


def _moment(sender: LetterSender, at: datetime) -> str:
    return moment_words(at.astimezone(sender.calendar.zone), sender.language)


# Retries count running time alone: a clock that was wrong at boot neither kills a mail nor delays
# it (reliability.md 4).

FIRST_RETRY_MS = 60_000
# a mail that the server puts off is tried after 1, 2, 4 ... minutes, finally every 4 hours
LONGEST_RETRY_MS = 4 * 3_600_000
# an attempt costs an unreachable server nothing, and an office should not wait once the network is
# back
LONGEST_SERVER_RETRY_MS = 15 * 60_000
# RFC 5321, 4.5.4.1: give up after at least 4 to 5 days; then a person must see to it
GIVE_UP_MS = 5 * 86_400_000


class MailState(enum.StrEnum):
    """State of a mail in the outbox."""

    QUEUED = "queued"
    SENT = "sent"  # the mail server has taken it
    DEAD = "dead"  # refused, or tried for days: somebody must see to it
    DROPPED = "dropped"  # by a person, for a reason


class DeliveryVerdict(enum.StrEnum):
    """Result of one delivery attempt."""

    SENT = "sent"
    LATER = "later"  # the server puts this mail off, or broke off in the middle of it
    REFUSED = "refused"  # for good: this mail, or its recipient
    AWAY = "away"  # the server cannot be reached, or does not serve now
    MISSET = (
        "misset"  # the server refuses the appliance: password, TLS, sender; the technician's move
    )


@dataclass(frozen=True, slots=True)
class DeliveryReply:
    """A verdict, and its reason in the server's words or ours; never a password."""

    verdict: DeliveryVerdict
    said: str


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail in the queue: how often and for how long it has been tried."""

    number: int
    tries: int = 0
    tried_ms: int = 0


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail as it leaves: `references` are the Message-IDs it follows up, oldest first."""

    mail: Mail
    message_id: str
    references: tuple[str, ...]
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """Health of the outbox: mails waiting, mails given up, and why none leaves ("" if they do).

    `misset`: the mail server can be reached and refuses the appliance.
    """

    waiting: int = 0
    dead: int = 0
    why: str = ""
    misset: bool = False


def retry_ms(tries: int) -> int:
    """Return how long a mail waits after so many tries (one or more)."""
    # the shift is bounded: 2^10 minutes are above the longest pause already
    return min(FIRST_RETRY_MS << min(tries - 1, 10), LONGEST_RETRY_MS)


class RetryQueue:
    """Order of the delivery attempts. Times are monotonic s; mails are known by number."""

    def __init__(self) -> None:
        self._waiting: dict[int, QueuedMail] = {}
        self._due: dict[int, float] = {}
        self._since: dict[int, float] = {}
        self._put_off: dict[int, int] = {}
        self._server_due = 0.0
        self._server_failures = 0
        self._last_was_new = False

    def learn(self, waiting: Iterable[QueuedMail], now: float) -> None:
        """Adopt the stored queue: new mails are due at once, removed ones are forgotten."""
        found = {each.number: each for each in waiting}
        for number in self._due.keys() - found.keys():
            self._forget(number)
        for number in found.keys() - self._due.keys():
            self._due[number] = self._since[number] = now
        self._waiting = found

    def hurry(self, now: float) -> None:
        """Make every mail and the server due now: a person asked for another attempt."""
        self._server_due = now
        self._due = dict.fromkeys(self._due, now)

    def next(self, now: float) -> int | None:
        """Return the mail to be tried now, if any."""
        due = [number for number, at in self._due.items() if at <= now]
        if not due or now < self._server_due:
            return None
        # a fresh mail is not stuck behind the backlog (reliability.md 4)
        new = [number for number in due if not self._waiting[number].tries]
        old = sorted((n for n in due if self._waiting[n].tries), key=lambda n: self._due[n])
        # one new and one deferred mail take turns, so that neither kind waits for the other
        take_new = bool(new) and not (self._last_was_new and old)
        self._last_was_new = take_new
        return min(new) if take_new else old[0]

    def wait_s(self, now: float) -> float | None:
        """Return in how many seconds `next` has something; None: nothing waits."""
        if not self._due:
            return None
        return max(0.0, min(self._due.values()) - now, self._server_due - now)

    def heard(
        self, number: int, verdict: DeliveryVerdict, now: float
    ) -> tuple[MailState, QueuedMail]:
        """Record a verdict; returns the mail's new state, and how often and long it was tried."""
        before = self._waiting[number]
        # tries of earlier runs count, the time in which nothing ran does not
        tried_ms = before.tried_ms + round((now - self._since[number]) * 1000)
        after = QueuedMail(number, before.tries + 1, tried_ms)
        self._waiting[number] = after
        self._since[number] = now
        self._note_server(verdict, now)
        if (
            verdict is DeliveryVerdict.SENT
            or verdict is DeliveryVerdict.REFUSED
            or tried_ms >= GIVE_UP_MS
        ):
            # refused for good or tried for days, it waits for a person and keeps no other mail
            # waiting
            self._forget(number)
            return MailState.SENT if verdict is DeliveryVerdict.SENT else MailState.DEAD, after
        own = 0
        # a server that is away is no fault of this mail's: only its own deferrals lengthen its wait
        if verdict is DeliveryVerdict.LATER:
            self._put_off[number] = self._put_off.get(number, 0) + 1
            own = retry_ms(self._put_off[number])
        self._due[number] = max(now + own / 1000, self._server_due)
        return MailState.QUEUED, after

    def _forget(self, number: int) -> None:
        del self._due[number], self._since[number]
        self._put_off.pop(number, None)

    def _note_server(self, verdict: DeliveryVerdict, now: float) -> None:
        if verdict not in {DeliveryVerdict.AWAY, DeliveryVerdict.MISSET}:
            # the server has answered: the first mail that gets through ends the wait for all
            self._server_failures = 0
            self._server_due = now
            return
        self._server_failures += 1
        wait = min(retry_ms(self._server_failures), LONGEST_SERVER_RETRY_MS)
        self._server_due = now + wait / 1000


MAIL_STATE_WORDS: Mapping[MailState, Words] = {
    MailState.QUEUED: _("waiting"),
    MailState.SENT: _("taken by the mail server"),
    MailState.DEAD: _("NOT SENT"),
    MailState.DROPPED: in_context("mail", "given up"),
}
"""State of a mail in words."""


def retried_words(number: int) -> Words:
    """Return the sentence that a mail is tried again."""
    return _("Mail {number}: tried again now.", number=number)


def sent_again_words(number: int, to: str) -> Words:
    """Return the sentence that a mail is sent once more, and to whom."""
    if to == TO_HEAD:
        return _("Mail {number}: sent again.", number=number)
    return _("Mail {number}: sent again to {to}.", number=number, to=to)


def given_up_words(number: int) -> Words:
    """Return the sentence that a mail was given up."""
    return _("Mail {number}: given up; it stays listed.", number=number)
