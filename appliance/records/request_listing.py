"""What `centralino requests` and `centralino outbox` show, for people and for programmes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, tzinfo
from typing import Any, Final

from appliance.policy import request_words
from appliance.policy.letter_words import FORMS
from appliance.policy.local_time import day_words, moment_words
from appliance.policy.requests import Appointment, Request
from appliance.policy.words import Words
from appliance.records.outbox import Kept as KeptMail
from appliance.records.request_rows import Happened, Kept

_HEADER: Final = Words(
    "N.|Presa|Ufficio|Utente|Oggetto|Stato|Entro", "No.|Taken|Office|Citizen|Subject|State|Due"
)
_MAIL_HEADER: Final = Words(
    "N.|In coda da|A|Oggetto|Stato|Tentativi|Risposta", "No.|Queued|To|Subject|State|Tries|Answer"
)
_NONE: Final = Words("Nessuna richiesta.", "No requests.")
_NO_MAIL: Final = Words("Nessuna e-mail.", "No e-mails.")
_LATE: Final = Words("IN RITARDO", "OVERDUE")

Due = Callable[[Request], date]
Late = Callable[[Request], bool]


def as_text(found: Iterable[Kept], language: str, zone: tzinfo, due: Due, late: Late) -> str:
    """Write requests for people, one a line."""

    def row(kept: Kept) -> list[str]:
        request = kept.request
        mark = f" {said_in(_LATE, language)}" if late(request) else ""
        return [
            str(request.number),
            moment_words(request.at.astimezone(zone), language),
            request.unit,
            " ".join(filter(None, (request.citizen.name, request.citizen.phone))),
            request.subject,
            said_in(request_words.state_of(request), language) + mark,
            day_words(due(request), language),
        ]

    return _table(_HEADER, [row(kept) for kept in found], _NONE, language)


def shown(kept: Kept, language: str, zone: tzinfo, due: Due, late: Late) -> str:
    """Write one request with all that became of it."""
    request = kept.request
    it = language == "it"
    rows = [
        as_text([kept], language, zone, due, late),
        "",
        f"{'Necessità' if it else 'Need'}: {request.need}",
        f"{'Contatti' if it else 'Contact'}: {contact(request)}",
    ]
    if request.appointment:
        told = when(request.appointment, language, zone)
        rows.append(f"{'Appuntamento' if it else 'Appointment'}: {told}")
    for label, value in (
        ("Chiede" if it else "Asked", request.asked),
        ("Scheda" if it else "Sheet", request.sheet),
        ("Chiamata" if it else "Call", request.call),
        ("Registrazione" if it else "Recording", kept.sound.path),
    ):
        if value:
            rows.append(f"{label}: {value}")
    return "\n".join(
        [*rows, "", *(step_line(each, language, zone) for each in kept.steps)]
    ).rstrip()


def to_json(kept: Kept, due: date, late: bool) -> dict[str, Any]:
    """Write a request for programmes; the keys are kept stable."""
    request, citizen, appointment = kept.request, kept.request.citizen, kept.request.appointment
    return {
        "number": request.number,
        "state": request.state.value,
        "cancelled": bool(request.closing and request.closing.cancelled),
        "rule": request.rule.value,
        "unit": request.unit,
        "need": request.need,
        "subject": request.subject,
        "asked": request.asked,
        "at": request.at.isoformat(),
        "by": request.by,
        "call": request.call,
        "sheet": request.sheet,
        "name": citizen.name,
        "phone": citizen.phone,
        "email": citizen.email,
        "prefers": citizen.prefers.value,
        "language": citizen.language,
        "spoken": citizen.spoken,
        "starts": appointment.slot.start.isoformat() if appointment else None,
        "ends": appointment.slot.end.isoformat() if appointment else None,
        "form": appointment.form.value if appointment else None,
        "confirmed": appointment.confirmed if appointment else None,
        "taken_by": request.taken_by,
        "followed_by": request.follower,
        "recording": kept.sound.path,
        "due": due.isoformat(),
        "overdue": late,
        "steps": [_step_to_json(each) for each in kept.steps],
    }


def mails_as_text(found: Iterable[KeptMail], language: str, zone: tzinfo) -> str:
    """Write notices for people, one a line."""
    rows = [
        [
            str(kept.number),
            moment_words(kept.queued_at.astimezone(zone), language),
            kept.mail.to,
            " ".join(kept.mail.subject.split()),
            said_in(request_words.MAILS[kept.state], language),
            str(kept.tries),
            f"{kept.settled_by}: {kept.reason}" if kept.reason else kept.said,
        ]
        for kept in found
    ]
    return _table(_MAIL_HEADER, rows, _NO_MAIL, language)


def mails_as_json(found: Iterable[KeptMail]) -> str:
    """Write notices for programmes, without their texts."""
    rows = [
        {
            "number": kept.number,
            "key": kept.mail.key,
            "message_id": kept.message_id,
            "to": kept.mail.to,
            "subject": kept.mail.subject,
            "request": kept.mail.request,
            "queued_at": kept.queued_at.isoformat(),
            "state": kept.state.value,
            "tries": kept.tries,
            "said": kept.said,
            "settled_at": kept.settled_at.isoformat() if kept.settled_at else None,
            "settled_by": kept.settled_by,
            "reason": kept.reason,
        }
        for kept in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def _table(header: Words, rows: Sequence[list[str]], none: Words, language: str) -> str:
    if not rows:
        return said_in(none, language)
    whole = [said_in(header, language).split("|"), *rows]
    widths = [max(len(row[i]) for row in whole) for i in range(len(whole[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in whole)


def contact(request: Request) -> str:
    """Write who the citizen is, and how to be reached."""
    citizen = request.citizen
    parts = (citizen.name, citizen.phone, citizen.email, f"[{citizen.prefers}, {citizen.language}]")
    return " ".join(filter(None, parts))


def when(appointment: Appointment, language: str, zone: tzinfo) -> str:
    """Write when and how an appointment is."""
    start = appointment.slot.start.astimezone(zone)
    told = f"{moment_words(start, language)}, {said_in(FORMS[appointment.form], language)}"
    if appointment.confirmed:
        return told
    return told + (", da confermare" if language == "it" else ", to be confirmed")


def step_line(happened: Happened, language: str, zone: tzinfo) -> str:
    """Write a step: when, what, by whom, who said so, in which words."""
    at: datetime = happened.at.astimezone(zone)
    said = f" ({happened.said_by})" if happened.said_by else ""
    words = f": {happened.words}" if happened.words else ""
    what = said_in(request_words.STEPS[happened.step], language)
    return f"{moment_words(at, language)}  {what}  {happened.by}{said}{words}"


def _step_to_json(happened: Happened) -> dict[str, str]:
    return {
        "step": happened.step.value,
        "at": happened.at.isoformat(),
        "by": happened.by,
        "said_by": happened.said_by,
        "words": happened.words,
    }


def said_in(words: Words, language: str) -> str:
    """Choose the words of a language: Italian, else English."""
    return words.it if language == "it" else words.en
