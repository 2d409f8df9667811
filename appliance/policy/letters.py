"""What is written to offices, citizens and the head about a request (P6, E9, E15): one catalogue.

To an office: all it needs to answer. To a citizen: nothing that anybody typed, so that no number
that is not told outside can stand in it (P7). Italian or English; days and times of the house.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from types import MappingProxyType

from appliance.policy.citizens import Citizen, Contact
from appliance.policy.due import due
from appliance.policy.hours import Schedule
from appliance.policy.letter_words import (
    BODY,
    CITIZENS_APPOINTMENT,
    CITIZENS_NUMBER,
    CITIZENS_WAY,
    FORMS,
    SUBJECTS,
    Topic,
)
from appliance.policy.local_time import day_words, moment_words
from appliance.policy.mail import HEAD, Mail
from appliance.policy.register.declarations import ReturnRule
from appliance.policy.register.register import Register, Unit
from appliance.policy.requests import HEAD_AT_REMINDERS, Appointment, Request, Step
from appliance.policy.words import Words

_DIGITS = re.compile(r"\+?\d[\d .\-/]*\d")


@dataclass(frozen=True, slots=True)
class House:
    """Who writes: the office's name, language and calendar, its register, its public numbers.

    `door` is the address of the console's page that closes a request, "" where there is none;
    `labels` are what positions are called, by their phones' names.
    """

    name: str
    language: str
    calendar: Schedule
    register: Register
    numbers: tuple[str, ...] = ()
    door: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def called(self, who: str) -> str:
        """Return what a position is called; a person's name as it is."""
        return self.labels.get(who, who)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a request; `id` makes the mail's key. No `step`: it was taken.

    `token` is the random secret of the link in its mail to the office.
    """

    id: str = ""
    step: Step | None = None
    words: str = ""
    by: str = ""
    token: str = ""


def letters(
    house: House,
    request: Request,
    event: Event,
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
    yield _to_office(house, request, event, topic, recording, calendar)
    if topic is Topic.REMINDER:
        if len(request.reminders) >= HEAD_AT_REMINDERS:
            yield _to_head(house, request, event)
    elif request.citizen.email:
        written = _to_citizen(house, request, event, topic)
        yield replace(written, calendar=for_citizen)


def overdue_mail(
    request: Request, day: date, language: str, labels: Mapping[str, str] = MappingProxyType({})
) -> Mail:
    """Tell the head of a request that nobody has answered by its day; once, by its key."""
    words = {
        "number": str(request.number),
        "unit": request.unit,
        "subject": request.subject,
        "due": day_words(day, language),
        "contact": contact(request.citizen, language),
        "follower": labels.get(request.follower, request.follower),
    }
    subject = _filled(SUBJECTS[Topic.OVERDUE], language, words)
    body = _body(Topic.OVERDUE, language, words)
    return Mail(f"{thread_of(request)}-overdue", HEAD, subject, body)


def invitation_text(house: House, request: Request) -> str:
    """Say in an office's calendar what an appointment is about, and with whom."""
    reached = contact(request.citizen, house.language)
    form = request.appointment and FORMS[request.appointment.form]
    told = (form.it if house.language == "it" else form.en) if form else ""
    parts = (request.subject, told, reached.replace("\n  ", ", "), request.asked)
    return "\n".join(part for part in parts if part)


def citizens_appointment(house: House, request: Request) -> tuple[str, str]:
    """Say in a citizen's calendar with whom an appointment is, and how: nothing that was typed."""
    unit, language = house.register.unit(request.unit), request.citizen.language
    name = without_numbers(unit.name if unit else "") or house.name
    form = request.appointment and FORMS[request.appointment.form]
    told = (form.it if language == "it" else form.en) if form else ""
    words = {"unit": name, "house": house.name, "number": str(request.number)}
    words |= {"numbers": ", ".join(house.numbers), "form": told}
    title = _filled(CITIZENS_APPOINTMENT, language, words)
    public = CITIZENS_WAY if house.numbers else CITIZENS_NUMBER
    return title, "\n".join(part for part in (told, _filled(public, language, words)) if part)


def thread_of(request: Request) -> str:
    """Return the key of a request's first mail."""
    return f"request-{request.number}"


def _topic(request: Request, event: Event) -> Topic | None:
    match event.step:
        case None:
            wanted = request.rule is ReturnRule.APPOINTMENT
            return Topic.APPOINTMENT if wanted else Topic.EMAIL
        case Step.REMIND:
            return Topic.REMINDER
        case Step.MOVE:
            return Topic.MOVED
        case Step.CANCEL:
            return Topic.CANCELLED
        case _:
            return None  # what the office, or the mail server, has done needs no mail


def _to_office(
    house: House, request: Request, event: Event, topic: Topic, recording: str, calendar: str
) -> Mail:
    unit = house.register.unit(request.unit)
    link = house.door + event.token if unit and house.door and event.token else ""
    words = {
        "house": house.name,
        "number": str(request.number),
        "unit": unit.name if unit else request.unit,
        "need": _need(house, request),
        "subject": request.subject,
        "taken": _moment(house, request.at),
        "by": house.called(request.by),
        "due": day_words(due(request, house.calendar), house.language),
        "asked": request.asked,
        "sheet": request.sheet,
        "contact": contact(request.citizen, house.language),
        "appointment": _appointment(house, request.appointment, house.language),
        "reminders": str(len(request.reminders)),
        "words": event.words,
        "orphan": "" if unit else request.unit,
        "office": "x" if unit else "",
        "spoken": "x" if request.citizen.spoken else "",
        "link": link,
    }
    first, body = event.step is None, _body(topic, house.language, words)
    return Mail(
        thread_of(request) if first else f"{thread_of(request)}-{event.id}",
        unit.email if unit else HEAD,
        _filled(SUBJECTS[topic], house.language, words),
        body,
        "" if first else thread_of(request),
        (recording,) if first and recording else (),
        calendar,
        request.number if unit else 0,
        event.token if link and link in body else "",
    )


def _to_head(house: House, request: Request, event: Event) -> Mail:
    office = _to_office(house, request, event, Topic.TO_HEAD, "", "")
    return replace(office, key=f"{office.key}-head", to=HEAD, thread="", request=0)


def _to_citizen(house: House, request: Request, event: Event, topic: Topic) -> Mail:
    """Only the register's names and what we count ourselves: nothing that was typed (P7)."""
    language = request.citizen.language
    unit = house.register.unit(request.unit)
    words = {
        "house": house.name,
        "number": str(request.number),
        "unit": without_numbers(unit.name if unit else ""),
        "need": without_numbers(_need(house, request)),
        "due": day_words(due(request, house.calendar), language),
        "appointment": _appointment(house, request.appointment, language),
        "numbers": ", ".join(house.numbers),
    }
    key = f"{thread_of(request)}-citizen" + (f"-{event.id}" if event.step else "")
    told = {
        Topic.MOVED: Topic.CITIZEN_MOVED,
        Topic.CANCELLED: Topic.CITIZEN_CANCELLED,
        Topic.APPOINTMENT: Topic.CITIZEN_APPOINTMENT,
    }.get(topic, Topic.CITIZEN_EMAIL)
    thread = f"{thread_of(request)}-citizen" if event.step else ""
    subject = _filled(SUBJECTS[told], language, words)
    return Mail(key, request.citizen.email, subject, _body(told, language, words), thread)


def without_numbers(text: str) -> str:
    """Take out of a name whatever could be dialled (P7): two digits or more."""
    return " ".join(_DIGITS.sub("", text).split())


def _body(topic: Topic, language: str, words: dict[str, str]) -> str:
    """Fill a letter in; a paragraph whose word is empty is left out."""
    paragraphs = [p for p in BODY[topic] if not p.only_with or words.get(p.only_with)]
    return "\n".join(_filled(p.text, language, words) for p in paragraphs) + "\n"


def _filled(text: Words, language: str, words: dict[str, str]) -> str:
    """Put words into a text; what they hold is never read as a text itself."""
    chosen = text.it if language == "it" else text.en
    return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], chosen)


def _need(house: House, request: Request) -> str:
    return need_name(house.register, house.calendar.zone, request)


def need_name(register: Register, zone: tzinfo, request: Request) -> str:
    """Return what a request's need is called by the declaration of its day, else its code."""
    day = request.at.astimezone(zone).date()
    unit = register.unit(request.unit) or Unit(request.unit, "", "")
    declared = register.declaration(unit, day)
    need = declared.need(request.need) if declared else None
    return need.name if need else request.need


def contact(citizen: Citizen, language: str) -> str:
    """Write who a citizen is and how to be reached, a line each."""
    it = language == "it"
    preferred = " (preferito)" if it else " (preferred)"
    rows = [citizen.name] if citizen.name else []
    for kind, label, value in (
        (Contact.PHONE, "telefono" if it else "telephone", citizen.phone),
        (Contact.EMAIL, "e-mail", citizen.email),
    ):
        if value:
            mark = preferred if kind is citizen.prefers and not citizen.spoken else ""
            rows.append(f"{label}: {value}{mark}")
    if citizen.language != language:
        rows.append(f"lingua: {citizen.language}" if it else f"language: {citizen.language}")
    return "\n  ".join(rows)


def _appointment(house: House, appointment: Appointment | None, language: str) -> str:
    if appointment is None:
        return ""
    start = appointment.slot.start.astimezone(house.calendar.zone)
    end = appointment.slot.end.astimezone(house.calendar.zone)
    form = FORMS[appointment.form]
    told = f"{day_words(start.date(), language)}, {start:%H:%M}–{end:%H:%M}, "
    told += form.it if language == "it" else form.en
    if appointment.confirmed:
        return told
    return told + (" – DA CONFERMARE" if language == "it" else " – TO BE CONFIRMED")


def _moment(house: House, at: datetime) -> str:
    return moment_words(at.astimezone(house.calendar.zone), house.language)
