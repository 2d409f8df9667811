"""Letters to offices and citizens."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from types import MappingProxyType

from appliance.policy.directory import Register, ReturnRule, Unit
from appliance.policy.hours import Schedule, day_words, moment_words
from appliance.policy.requests import (
    HEAD,
    HEAD_AT_REMINDERS,
    Appointment,
    Citizen,
    Contact,
    Form,
    Mail,
    Request,
    RequestStep,
    due,
)
from appliance.policy.text import Words

# ---- letter words ------------------------------------------------------------------------------
# The texts of letters in both languages; `{words}` are filled in by letters.py.


class Topic(enum.StrEnum):
    """What a letter is about, and to whom."""

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


FORMS: Mapping[Form, Words] = {
    Form.IN_PERSON: Words("di persona, presso l'ufficio", "in person, at the office"),
    Form.OFFICE_CALLS: Words(
        "per telefono: l'ufficio chiama l'utente", "by telephone: the office calls the citizen"
    ),
    Form.CITIZEN_CALLS: Words(
        "per telefono: l'utente chiama l'ufficio", "by telephone: the citizen calls the office"
    ),
}

CITIZENS_APPOINTMENT = Words("Appuntamento: {unit} ({house})", "Appointment: {unit} ({house})")
CITIZENS_NUMBER = Words("Richiesta n. {number}", "Request no. {number}")
CITIZENS_WAY = Words(
    "Richiesta n. {number}; per ogni comunicazione: {numbers}",
    "Request no. {number}; for anything further: {numbers}",
)

_SUBJECT = Words("[Richiesta {number}] {subject}", "[Request {number}] {subject}")
SUBJECTS: Mapping[Topic, Words] = {
    Topic.EMAIL: _SUBJECT,
    Topic.APPOINTMENT: Words(
        "[Richiesta {number}] Appuntamento: {subject}",
        "[Request {number}] Appointment: {subject}",
    ),
    Topic.REMINDER: Words(
        "Sollecito: [Richiesta {number}] {subject}", "Reminder: [Request {number}] {subject}"
    ),
    Topic.MOVED: Words(
        "Appuntamento spostato: [Richiesta {number}] {subject}",
        "Appointment moved: [Request {number}] {subject}",
    ),
    Topic.CANCELLED: Words(
        "Annullata: [Richiesta {number}] {subject}", "Cancelled: [Request {number}] {subject}"
    ),
    Topic.TO_HEAD: Words(
        "Sollecitata {reminders} volte: richiesta {number} per {unit}",
        "Reminded {reminders} times: request {number} for {unit}",
    ),
    Topic.OVERDUE: Words(
        "In ritardo: richiesta {number} per {unit}", "Overdue: request {number} for {unit}"
    ),
    Topic.CITIZEN_EMAIL: Words(
        "{house}: la sua richiesta n. {number}", "{house}: your request no. {number}"
    ),
    Topic.CITIZEN_APPOINTMENT: Words(
        "{house}: il suo appuntamento, richiesta n. {number}",
        "{house}: your appointment, request no. {number}",
    ),
    Topic.CITIZEN_MOVED: Words(
        "{house}: il suo appuntamento è cambiato, richiesta n. {number}",
        "{house}: your appointment has changed, request no. {number}",
    ),
    Topic.CITIZEN_CANCELLED: Words(
        "{house}: richiesta n. {number} annullata", "{house}: request no. {number} cancelled"
    ),
}

_ORPHAN = Paragraph(
    Words(
        "L'ufficio {orphan} non è nella rubrica: questa richiesta non ha un destinatario.\n"
        "Inoltratela all'ufficio competente e aggiornate la rubrica.\n",
        "The office {orphan} is not in the register: this request has no recipient.\n"
        "Pass it on to the office concerned and put the register right.\n",
    ),
    "orphan",
)
_WHO = Paragraph(
    Words(
        "Ufficio: {unit}\nNecessità: {need}\nOggetto: {subject}\n\nUtente:\n  {contact}\n",
        "Office: {unit}\nNeed: {need}\nSubject: {subject}\n\nCitizen:\n  {contact}\n",
    )
)
_ASKED = Paragraph(Words("Che cosa chiede:\n{asked}\n", "What is asked:\n{asked}\n"), "asked")
_SPOKEN = Paragraph(
    Words(
        "L'utente ha lasciato a voce nome, recapito e motivo: ascoltate la registrazione "
        "allegata.\n",
        "The citizen has spoken name, contact and reason: listen to the attached recording.\n",
    ),
    "spoken",
)
_SHEET = Paragraph(
    Words(
        "Scheda consultata, che non copre la richiesta: {sheet}\n",
        "Sheet that was consulted and does not cover it: {sheet}\n",
    ),
    "sheet",
)
_WHEN = Paragraph(
    Words("Appuntamento: {appointment}\n", "Appointment: {appointment}\n"), "appointment"
)
_LINK = Paragraph(
    Words(
        "Quando è evasa, chiudetela voi stessi da un computer dell'ufficio (il link vale una volta "
        "sola, per 90 giorni):\n{link}\n",
        "When it is done, close it yourselves from a computer of the office (the link works once, "
        "for 90 days):\n{link}\n",
    ),
    "link",
)
_DUTY = Paragraph(
    Words(
        "Presa in carico da {by}: {taken}. Da evadere entro {due}.\n\n"
        "Da questo momento la richiesta è affidata al vostro ufficio e resta aperta finché "
        "qualcuno non comunica che è stata evasa.\nQuando lo è, rispondete a questa e-mail o "
        "telefonate al centralino, indicando il numero {number}.\n\n{house}",
        "Taken over on {taken} by {by}. To be answered by {due}.\n\n"
        "From now on it is your office's duty, and it stays open until somebody says that it was "
        "done.\nThen answer this e-mail or call the switchboard, naming number {number}.\n\n"
        "{house}",
    ),
    "office",
)
_HEADS_DUTY = Words(
    "Presa in carico da {by}: {taken}. Da evadere entro {due}.\n\n"
    "La richiesta è affidata all'ufficio {unit} e resta aperta finché qualcuno non comunica che è "
    "stata evasa.\n\n{house}",
    "Taken over on {taken} by {by}. To be answered by {due}.\n\n"
    "It is the duty of the office {unit}, and it stays open until somebody says that it was done."
    "\n\n{house}",
)
"""What the head reads in a copy, and of a request whose office is not in the register."""
_ORPHANS_DUTY = Paragraph(_HEADS_DUTY, "orphan")
_PUBLIC = Paragraph(
    Words(
        "Per ogni comunicazione chiami {numbers} e indichi il numero {number}.\n",
        "For anything further call {numbers} and give the number {number}.\n",
    ),
    "numbers",
)
_GREETING = Paragraph(
    Words(
        "Questo messaggio è automatico: non risponda a questo indirizzo.\n\n{house}",
        "This message is automatic: please do not answer to this address.\n\n{house}",
    )
)
_ABOUT = Paragraph(
    Words(
        "Gentile utente,\nabbiamo preso in carico la sua richiesta n. {number}",
        "Dear citizen,\nwe have taken over your request no. {number}",
    )
)
_CHANGED = Paragraph(
    Words(
        "Gentile utente,\nil suo appuntamento (richiesta n. {number}) è cambiato",
        "Dear citizen,\nyour appointment (request no. {number}) has changed",
    )
)
_FOR = Paragraph(Words("Ufficio: {unit}", "Office: {unit}"), "unit")
_NEED = Paragraph(Words("Motivo: {need}", "About: {need}"), "need")
_SPACE = Paragraph(Words("", ""))

BODY: Mapping[Topic, tuple[Paragraph, ...]] = {
    Topic.EMAIL: (_ORPHAN, _WHO, _ASKED, _SPOKEN, _SHEET, _LINK, _DUTY, _ORPHANS_DUTY),
    Topic.APPOINTMENT: (_ORPHAN, _WHO, _WHEN, _ASKED, _SPOKEN, _SHEET, _LINK, _DUTY, _ORPHANS_DUTY),
    Topic.REMINDER: (
        _ORPHAN,
        Paragraph(
            Words(
                "L'utente ha richiamato (sollecito {reminders}):\n{words}\n",
                "The citizen has called again (reminder {reminders}):\n{words}\n",
            )
        ),
        _WHO,
        _WHEN,
        _LINK,
        _DUTY,
        _ORPHANS_DUTY,
    ),
    Topic.MOVED: (
        Paragraph(
            Words(
                "L'appuntamento è cambiato.\n{words}\n", "The appointment has changed.\n{words}\n"
            )
        ),
        _WHO,
        _WHEN,
        _LINK,
        _DUTY,
        _ORPHANS_DUTY,
    ),
    Topic.CANCELLED: (
        Paragraph(
            Words(
                "La richiesta {number} è stata annullata: non c'è altro da fare.\n{words}\n",
                "Request {number} was cancelled: nothing more is to be done.\n{words}\n",
            )
        ),
        _WHO,
    ),
    Topic.TO_HEAD: (
        Paragraph(
            Words(
                "L'utente ha dovuto sollecitare {reminders} volte; ultimo sollecito:\n{words}\n",
                "The citizen had to remind {reminders} times; the last time:\n{words}\n",
            )
        ),
        _WHO,
        Paragraph(_HEADS_DUTY),
    ),
    Topic.OVERDUE: (
        Paragraph(
            Words(
                "Nessuno ha comunicato che la richiesta {number} ({subject}) sia stata evasa: il "
                "termine era {due}.\n\nUtente:\n  {contact}\n\nSentite l'ufficio {unit}; poi "
                "centralino requests close {number}, con il nome di chi lo ha detto.",
                "Nobody has said that request {number} ({subject}) was done: it was due on {due}."
                "\n\nCitizen:\n  {contact}\n\nAsk the office {unit}; then "
                "centralino requests close {number}, with the name of who said so.",
            )
        ),
        Paragraph(
            Words(
                "\nAl centralino la segue {follower}.", "\nAt the front desk {follower} follows it."
            ),
            "follower",
        ),
    ),
    Topic.CITIZEN_EMAIL: (
        _ABOUT,
        _FOR,
        _NEED,
        _SPACE,
        Paragraph(
            Words(
                "L'ufficio la contatterà entro {due}.\n", "The office will contact you by {due}.\n"
            )
        ),
        _PUBLIC,
        _GREETING,
    ),
    Topic.CITIZEN_APPOINTMENT: (
        _ABOUT,
        _FOR,
        _NEED,
        _SPACE,
        _WHEN,
        _PUBLIC,
        _GREETING,
    ),
    Topic.CITIZEN_MOVED: (_CHANGED, _FOR, _NEED, _SPACE, _WHEN, _PUBLIC, _GREETING),
    Topic.CITIZEN_CANCELLED: (
        Paragraph(
            Words(
                "Gentile utente,\nla sua richiesta n. {number} è stata annullata.\n",
                "Dear citizen,\nyour request no. {number} was cancelled.\n",
            )
        ),
        _PUBLIC,
        _GREETING,
    ),
}


# ---- letters -----------------------------------------------------------------------------------
# What is written to offices, citizens and the head about a request (P6, E9, E15): one catalogue.
#
# To an office: all it needs to answer. To a citizen: nothing that anybody typed, so that no number
# that is not told outside can stand in it (P7). Italian or English; days and times of the house.

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
    step: RequestStep | None = None
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
        case RequestStep.REMIND:
            return Topic.REMINDER
        case RequestStep.MOVE:
            return Topic.MOVED
        case RequestStep.CANCEL:
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
