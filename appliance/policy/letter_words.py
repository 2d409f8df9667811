"""The texts of letters in both languages; `{words}` are filled in by letters.py."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.policy.requests import Form
from appliance.policy.words import Words


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
