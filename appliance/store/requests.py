"""Citizens' requests: rows, listing, appointments, outbox."""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

from appliance.policy import requests as policy
from appliance.policy.directory import ReturnRule
from appliance.policy.hours import day_words, moment_words
from appliance.policy.mail import (
    APPOINTMENT_FORM_WORDS,
    MAIL_STATE_WORDS,
    Mail,
    MailState,
    overdue_mail,
)
from appliance.policy.numbering import HOME_PLAN, NumberingPlan, are_same_number, is_number_like
from appliance.policy.requests import (
    Appointment,
    AppointmentForm,
    BookedPlaces,
    Citizen,
    Contact,
    NewRequest,
    Request,
    RequestClosing,
    RequestState,
    RequestStep,
    Slot,
    done_link_hash,
    due_day,
    free_slots,
    is_overdue,
    take_slot,
    with_new_done_link,
)
from appliance.policy.text import Refused, SaidError, Words
from appliance.store import database
from appliance.store.call_log import by_column, iso, moment, to_ms
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.directory import Slots
    from appliance.policy.hours import Schedule
    from appliance.store.call_log import Value
    from appliance.store.voicemail import Notices


# ---- bookings ----------------------------------------------------------------------------------
# Slots that are taken: never twice, whoever is quicker (P6).
#
# The slot is looked for and taken in one transaction; the table's key forbids two in one place all
# the same.


@dataclass(frozen=True, slots=True)
class Diary:
    """Whose slots they are (`unit` declared them), and when the house is open."""

    unit: str
    slots: Slots
    calendar: Schedule


def booked(connection: sqlite3.Connection, unit: str, after: datetime) -> BookedPlaces:
    """Count all that is taken of a unit's slots from a moment on, by start."""
    rows = connection.execute(
        "SELECT start_ms, count(*) FROM bookings WHERE unit = ? AND start_ms >= ? "
        "GROUP BY start_ms",
        (unit, to_ms(after)),
    )
    return {datetime.fromtimestamp(ms / 1000, UTC): count for ms, count in rows}


def free(
    connection: sqlite3.Connection, diary: Diary, after: datetime, most: int = 6
) -> tuple[Slot, ...]:
    """Return the next free slots of a unit."""
    taken = booked(connection, diary.unit, after)
    return free_slots(diary.slots, diary.calendar, taken, after, most)


def reserve_slot(
    connection: sqlite3.Connection, diary: Diary, start: datetime, request: int, now: datetime
) -> Slot:
    """Take a slot for a request, within the caller's transaction; raises OfficeError."""
    slot = take_slot(
        diary.slots, diary.calendar, booked(connection, diary.unit, now), start.astimezone(UTC), now
    )
    places = {
        row[0]
        for row in connection.execute(
            "SELECT place FROM bookings WHERE unit = ? AND start_ms = ?",
            (diary.unit, to_ms(start)),
        )
    }
    place = next(n for n in range(diary.slots.places) if n not in places)
    connection.execute(
        "INSERT INTO bookings (unit, start_ms, place, request) VALUES (?, ?, ?, ?)",
        (diary.unit, to_ms(start), place, request),
    )
    return slot


def release_slot(connection: sqlite3.Connection, request: int) -> None:
    """Give the slot of a request back, if it has one."""
    connection.execute("DELETE FROM bookings WHERE request = ?", (request,))


# ---- outbox ------------------------------------------------------------------------------------
# Notices that wait for the mail server, as they were when they were written (reliability.md 4).
#
# Recipient, text and Message-ID are frozen here: every try sends the same mail, so that the one
# that arrives twice (the server took it, and we never heard) is known for the same.

RETRIED: Final = "outbox.retry"
DROPPED: Final = "outbox.drop"
NO_DOMAIN: Final = "centralino.invalid"
"""Right-hand side of a Message-ID where no sender is configured yet (RFC 2606, 2)."""


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """A notice as it is kept; `tried_ms` is for how long it has been tried, by running time."""

    number: int
    mail: Mail
    message_id: str
    queued_at: datetime
    state: MailState
    tries: int = 0
    tried_ms: int = 0
    said: str = ""
    settled_at: datetime | None = None
    settled_by: str = ""
    reason: str = ""


_INSERT_NOTICE: Final = """
    INSERT INTO outbox (key, message_id, recipient, subject, body, thread, attachments, calendar,
        request, queued_at, state)
    VALUES (:key, :message_id, :to, :subject, :body, :thread, :attachments, :calendar,
        :request, :at, 'queued')
    ON CONFLICT (key) DO NOTHING
"""

_LINK: Final = "INSERT INTO request_links (sha256, request, made_at) VALUES (?, ?, ?)"


def put_notice(
    connection: sqlite3.Connection, mail: Mail, at: datetime, domain: str = NO_DOMAIN
) -> None:
    """Keep a notice, within the caller's transaction; a key that is known changes nothing.

    Of the link in it that closes a request (E15) the hash is kept.
    """
    unique = f"{re.sub(r'[^A-Za-z0-9-]+', '-', mail.key)}.{secrets.token_hex(6)}"
    values = {
        "key": mail.key,
        "message_id": f"<{unique}@{domain}>",
        "to": mail.to,
        "subject": mail.subject,
        "body": mail.body,
        "thread": mail.thread,
        "attachments": json.dumps(mail.attachments),
        "calendar": mail.calendar,
        "request": mail.request,
        "at": at.isoformat(),
    }
    is_new = connection.execute(_INSERT_NOTICE, values).rowcount
    if is_new and mail.token:
        link = (done_link_hash(mail.token), mail.request, at.isoformat())
        connection.execute(_LINK, link)


def queue(
    connection: sqlite3.Connection, mail: Mail, at: datetime, domain: str = NO_DOMAIN
) -> None:
    """Keep a notice, durably."""
    with transaction(connection):
        put_notice(connection, mail, at, domain)


def list_notices(
    connection: sqlite3.Connection, *states: MailState, limit: int = 1000
) -> tuple[StoredNotice, ...]:
    """List notices, oldest first: those of some states, or all."""
    wanted = json.dumps(states or tuple(MailState))
    rows = connection.execute(
        "SELECT * FROM outbox WHERE state IN (SELECT value FROM json_each(?)) "
        "ORDER BY number LIMIT ?",
        (wanted, limit),
    )
    return tuple(_from_row(row) for row in rows)


def about(connection: sqlite3.Connection, request: int) -> tuple[StoredNotice, ...]:
    """List the notices about a request, oldest first, to whomever and whatever became of them."""
    rows = connection.execute(
        "SELECT * FROM outbox WHERE key = ?1 OR (key >= ?1 || '-' AND key < ?1 || '.') "
        "ORDER BY number",  # the full stop follows the hyphen
        (f"request-{request}",),
    )
    return tuple(_from_row(row) for row in rows)


def latest(
    connection: sqlite3.Connection, *states: MailState, limit: int = 200
) -> tuple[StoredNotice, ...]:
    """List the latest notices of some states, newest first."""
    rows = connection.execute(
        "SELECT * FROM outbox WHERE state IN (SELECT value FROM json_each(?)) "
        "ORDER BY number DESC LIMIT ?",
        (json.dumps(states), limit),
    )
    return tuple(_from_row(row) for row in rows)


def number_of_notice(connection: sqlite3.Connection, key: str) -> int:
    """Return the number of the notice of a key; raises OfficeError when there is none."""
    row = connection.execute("SELECT number FROM outbox WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise Refused(
            f"non c'è l'e-mail {key!r}: elencarle con `centralino outbox list`",
            f"there is no mail {key!r}: list them with `centralino outbox list`",
        )
    return int(row[0])


def count_since(connection: sqlite3.Connection, beginning: str, since: datetime) -> int:
    """Count the notices whose key begins so and that were queued since an instant."""
    row = connection.execute(
        "SELECT count(*) FROM outbox WHERE substr(key, 1, ?) = ? "
        "AND datetime(queued_at) >= datetime(?)",
        (len(beginning), beginning, since.isoformat()),
    )
    return int(row.fetchone()[0])


def notice_keys(connection: sqlite3.Connection, ending: str) -> frozenset[str]:
    """Return the keys of all notices, whatever became of them, that end so."""
    rows = connection.execute(
        "SELECT key FROM outbox WHERE substr(key, ?) = ?", (-len(ending), ending)
    )
    return frozenset(str(row[0]) for row in rows)


def is_known_notice(connection: sqlite3.Connection, key: str) -> bool:
    """Tell whether a notice of that key was ever kept, whatever became of it."""
    return connection.execute("SELECT 1 FROM outbox WHERE key = ?", (key,)).fetchone() is not None


def find_notice(connection: sqlite3.Connection, number: int) -> StoredNotice | None:
    """Look a notice up."""
    row = connection.execute("SELECT * FROM outbox WHERE number = ?", (number,)).fetchone()
    return _from_row(row) if row else None


def thread_ids(connection: sqlite3.Connection, mail: Mail) -> tuple[str, ...]:
    """Return the Message-IDs of the mails it follows up, oldest first (RFC 5322, 3.6.4)."""
    if not mail.thread:
        return ()
    rows = connection.execute(
        "SELECT message_id FROM outbox WHERE key = :thread OR (thread = :thread AND number < "
        "(SELECT number FROM outbox WHERE key = :key)) ORDER BY number",
        {"thread": mail.thread, "key": mail.key},
    )
    return tuple(str(row[0]) for row in rows)


def retry(connection: sqlite3.Connection, number: int, by: str, at: datetime) -> StoredNotice:
    """Queue a notice anew that was given up or dropped, and note who did; raises OfficeError."""
    with transaction(connection):
        found = required_notice(connection, number)
        if found.state is MailState.SENT:
            raise Refused(
                f"l'e-mail {number} è già partita: {found.said}",
                f"mail {number} has left already: {found.said}",
            )
        connection.execute(
            "UPDATE outbox SET state = 'queued', tries = 0, tried_ms = 0, settled_at = NULL, "
            "settled_by = '', reason = '' WHERE number = ?",
            (number,),
        )
        database.note(connection, Noted(at, by, RETRIED, str(number)))
    return found


def drop(
    connection: sqlite3.Connection, number: int, by: str, reason: str, at: datetime
) -> StoredNotice:
    """Give a notice up for a reason; it stays listed; raises OfficeError."""
    if not reason.strip() or not by.strip():
        raise Refused(
            "un'e-mail si annulla per un motivo: dire chi e perché",
            "a mail is dropped by somebody, for a reason: say both",
        )
    with transaction(connection):
        found = required_notice(connection, number)
        if found.state is MailState.SENT:
            raise Refused(
                f"l'e-mail {number} è già partita: {found.said}",
                f"mail {number} has left already: {found.said}",
            )
        connection.execute(
            "UPDATE outbox SET state = 'dropped', settled_at = ?, settled_by = ?, reason = ? "
            "WHERE number = ?",
            (iso(at), by, reason, number),
        )
        database.note(connection, Noted(at, by, DROPPED, str(number)))
    return found


def required_notice(connection: sqlite3.Connection, number: int) -> StoredNotice:
    """Look a notice up; raises OfficeError when there is none."""
    found = find_notice(connection, number)
    if found is None:
        raise Refused(
            f"l'e-mail {number} non c'è: guardare nell'elenco",
            f"there is no mail {number}: list them with `centralino outbox list`",
        )
    return found


def _from_row(row: sqlite3.Row) -> StoredNotice:
    mail = Mail(
        str(row["key"]),
        str(row["recipient"]),
        str(row["subject"]),
        str(row["body"]),
        str(row["thread"]),
        tuple(json.loads(row["attachments"])),
        str(row["calendar"]),
        int(row["request"]),
    )
    return StoredNotice(
        int(row["number"]),
        mail,
        str(row["message_id"]),
        datetime.fromisoformat(str(row["queued_at"])),
        MailState(str(row["state"])),
        int(row["tries"]),
        int(row["tried_ms"]),
        str(row["said"]),
        moment(row["settled_at"]),
        str(row["settled_by"]),
        str(row["reason"]),
    )


# ---- mails again -------------------------------------------------------------------------------
# A notice sent once more: a copy with a key and Message-ID of its own, in the same thread (P6).
#
# The one before stays as it was sent; one that was given up is seen to by that.

AGAIN: Final = "-again-"
"""Between the key of a notice and what makes the copy's its own."""
MOST_COPIES: Final = 5
"""Copies of one notice: who has sent so many calls the office instead."""
TOO_MANY: Final = (
    f"questa e-mail è già stata inviata di nuovo {MOST_COPIES} volte: telefonare all'ufficio",
    f"this e-mail was sent again {MOST_COPIES} times already: call the office",
)


def send(
    connection: sqlite3.Connection,
    kept: StoredNotice,
    to: str,
    copy: str,
    token: str,
    by: str,
    at: datetime,
    domain: str,
) -> int:
    """Queue a copy of a notice to an address; returns its number.

    `copy` makes its key, the same twice is one; `token` is the secret of its own link that closes
    the request. Within the caller's transaction; raises Refused.
    """
    first = kept.mail.key.partition(AGAIN)[0]
    body, used = with_new_done_link(kept.mail.body, token)
    mail = replace(
        kept.mail,
        key=f"{first}{AGAIN}{copy}",
        to=to,
        body=body,
        thread=kept.mail.thread or first,
        token=token if used else "",
    )
    if not is_known_notice(connection, mail.key):
        if len(copies(connection, first)) >= MOST_COPIES:
            raise Refused(*TOO_MANY)
        put_notice(connection, mail, at, domain)
    number = number_of_notice(connection, mail.key)
    if kept.state is MailState.DEAD:
        connection.execute(
            "UPDATE outbox SET state = 'dropped', settled_at = ?, settled_by = ?, reason = ? "
            "WHERE number = ?",
            (iso(at), by, f"sent again: {number}", kept.number),
        )
    return number


def copies(connection: sqlite3.Connection, key: str) -> tuple[str, ...]:
    """Return the keys of the copies of a notice."""
    beginning = f"{key}{AGAIN}"
    rows = connection.execute(
        "SELECT key FROM outbox WHERE substr(key, 1, ?) = ?", (len(beginning), beginning)
    )
    return tuple(str(row[0]) for row in rows)


# ---- request rows ------------------------------------------------------------------------------
# A request and its table's columns, and the JSON beside a recording that is to become one.


@dataclass(frozen=True, slots=True)
class Sound:
    """The caller's recorded words: a file below the state folder, and the SHA-256 of all of it."""

    path: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    """One step of a request's life; `id` was given to it before it was stored."""

    id: str
    step: RequestStep
    at: datetime
    by: str
    said_by: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request as it is kept: itself, its sound, and all that became of it, oldest first."""

    request: Request
    sound: Sound
    steps: tuple[Happened, ...]


COLUMNS: Final = (
    "id", "rule", "unit", "need", "subject", "asked", "at", "at_ms", "by_whom", "call", "sheet",
    "name", "phone", "email", "prefers", "language", "spoken", "starts", "ends", "form",
    "confirmed", "sequence", "recording", "sha256", "state",
)  # fmt: skip


def request_to_row(ident: str, new: NewRequest, sound: Sound) -> dict[str, Value]:
    """Spread a new request over its columns (its number is the database's)."""
    return {
        "id": ident,
        **_of_new(new),
        "at_ms": to_ms(new.at),
        "recording": sound.path,
        "sha256": sound.sha256,
        "state": RequestState.OPEN.value,
    }


def new_request_to_json(new: NewRequest) -> dict[str, Any]:
    """Write a new request beside its recording."""
    return dict(_of_new(new))


def from_json(value: Mapping[str, Any]) -> NewRequest:
    """Read it back; raises KeyError, ValueError, TypeError, OfficeError for what is none."""
    return NewRequest(
        ReturnRule(str(value["rule"])),
        str(value["unit"]),
        str(value["need"]),
        _citizen(value),
        str(value["subject"]),
        str(value["asked"]),
        datetime.fromisoformat(str(value["at"])),
        str(value["by_whom"]),
        str(value["call"]),
        str(value["sheet"]),
        _appointment(value),
    )


def request_from_row(row: sqlite3.Row, steps: tuple[Happened, ...]) -> StoredRequest:
    """Gather a request from its columns and its steps."""
    value: dict[str, Any] = by_column(row)
    new = from_json(value)
    request = Request(
        int(value["number"]),
        new.rule,
        new.unit,
        new.need,
        new.citizen,
        new.subject,
        new.asked,
        new.at,
        new.by,
        new.call,
        new.sheet,
        new.appointment,
        RequestState(str(value["state"])),
        str(value["taken_by"]),
        tuple(each.words for each in steps if each.step is RequestStep.REMIND),
        next((_closing(each) for each in steps if each.step in _ENDS), None),
        next((each.said_by for each in reversed(steps) if each.step is RequestStep.GIVE), None),
    )
    return StoredRequest(request, Sound(str(value["recording"]), str(value["sha256"])), steps)


def step_from_row(row: sqlite3.Row) -> Happened:
    """Gather a step from its columns."""
    return Happened(
        str(row["id"]),
        RequestStep(str(row["step"])),
        datetime.fromisoformat(str(row["at"])),
        str(row["by_whom"]),
        str(row["said_by"]),
        str(row["words"]),
    )


def appointment_columns(appointment: Appointment | None) -> dict[str, Value]:
    """Spread an appointment over its columns."""
    if appointment is None:
        return dict.fromkeys(("starts", "ends", "form", "confirmed", "sequence"))
    return {
        "starts": appointment.slot.start.isoformat(),
        "ends": appointment.slot.end.isoformat(),
        "form": appointment.form.value,
        "confirmed": int(appointment.confirmed),
        "sequence": appointment.sequence,
    }


_ENDS: Final = frozenset({RequestStep.CLOSE, RequestStep.CANCEL})


def _of_new(new: NewRequest) -> dict[str, Value]:
    citizen = new.citizen
    return {
        "rule": new.rule.value,
        "unit": new.unit,
        "need": new.need,
        "subject": new.subject,
        "asked": new.asked,
        "at": new.at.isoformat(),
        "by_whom": new.by,
        "call": new.call,
        "sheet": new.sheet,
        "name": citizen.name,
        "phone": citizen.phone,
        "email": citizen.email,
        "prefers": citizen.prefers.value,
        "language": citizen.language,
        "spoken": int(citizen.spoken),
        **appointment_columns(new.appointment),
    }


def _citizen(value: Mapping[str, Any]) -> Citizen:
    return Citizen(
        str(value["name"]),
        str(value["phone"]),
        str(value["email"]),
        Contact(str(value["prefers"])),
        str(value["language"]),
        bool(value["spoken"]),
    )


def _appointment(value: Mapping[str, Any]) -> Appointment | None:
    if value["starts"] is None:
        return None
    slot = Slot(
        datetime.fromisoformat(str(value["starts"])), datetime.fromisoformat(str(value["ends"]))
    )
    return Appointment(
        slot, AppointmentForm(str(value["form"])), bool(value["confirmed"]), int(value["sequence"])
    )


def _closing(step: Happened) -> RequestClosing:
    return RequestClosing(
        step.at, step.by, step.said_by, step.words, step.step is RequestStep.CANCEL
    )


# ---- request listing ---------------------------------------------------------------------------
# What `centralino requests` and `centralino outbox` show, for people and for programmes.

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


def as_text(
    found: Iterable[StoredRequest], language: str, zone: tzinfo, due: Due, late: Late
) -> str:
    """Write requests for people, one a line."""

    def row(kept: StoredRequest) -> list[str]:
        request = kept.request
        mark = f" {said_in(_LATE, language)}" if late(request) else ""
        return [
            str(request.number),
            moment_words(request.at.astimezone(zone), language),
            request.unit,
            " ".join(filter(None, (request.citizen.name, request.citizen.phone))),
            request.subject,
            said_in(policy.state_words(request), language) + mark,
            day_words(due(request), language),
        ]

    return _table(_HEADER, [row(kept) for kept in found], _NONE, language)


def shown(kept: StoredRequest, language: str, zone: tzinfo, due: Due, late: Late) -> str:
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


def request_to_json(kept: StoredRequest, due: date, late: bool) -> dict[str, Any]:
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


def mails_as_text(found: Iterable[StoredNotice], language: str, zone: tzinfo) -> str:
    """Write notices for people, one a line."""
    rows = [
        [
            str(kept.number),
            moment_words(kept.queued_at.astimezone(zone), language),
            kept.mail.to,
            " ".join(kept.mail.subject.split()),
            said_in(MAIL_STATE_WORDS[kept.state], language),
            str(kept.tries),
            f"{kept.settled_by}: {kept.reason}" if kept.reason else kept.said,
        ]
        for kept in found
    ]
    return _table(_MAIL_HEADER, rows, _NO_MAIL, language)


def mails_as_json(found: Iterable[StoredNotice]) -> str:
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
    form = said_in(APPOINTMENT_FORM_WORDS[appointment.form], language)
    told = f"{moment_words(start, language)}, {form}"
    if appointment.confirmed:
        return told
    return told + (", da confermare" if language == "it" else ", to be confirmed")


def step_line(happened: Happened, language: str, zone: tzinfo) -> str:
    """Write a step: when, what, by whom, who said so, in which words."""
    at: datetime = happened.at.astimezone(zone)
    said = f" ({happened.said_by})" if happened.said_by else ""
    words = f": {happened.words}" if happened.words else ""
    what = said_in(policy.REQUEST_STEP_WORDS[happened.step], language)
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


# ---- requests ----------------------------------------------------------------------------------
# Requests as they are kept (P6, E9, E15): stored with their mail, changed by steps, never lost.
#
# A request, its booked slot and the mail that tells the office are one transaction. Every change is
# one more row of its history.

NO_SOUND: Final = Sound()
ENTERED: Final = "request.entered"
"""In the audit: a request was entered outside a call, "number unit"."""


def _nothing() -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Letters:
    """The mails that a change of a request leads to, and the domain of their Message-IDs.

    `queued` is told, in any thread, when something new waits. `head`: the head has an address, so
    that notices to the head are worth keeping.
    """

    write: Callable[[StoredRequest, Happened | None], tuple[Mail, ...]]
    domain: str = NO_DOMAIN
    queued: Callable[[], None] = _nothing
    head: bool = True


NO_LETTERS: Final = Letters(lambda *_: ())

_INSERT_REQUEST: Final = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES (:{', :'.join(COLUMNS)}) "  # noqa: S608 - constant names
    "ON CONFLICT (id) DO NOTHING"
)
_STEP: Final = """
    INSERT INTO request_steps (id, request, at, by_whom, step, said_by, words)
    VALUES (:id, :request, :at, :by, :step, :said_by, :words)
"""
_GIFT: Final = """
    INSERT INTO request_gifts (id, request, at, by_whom, to_whom)
    VALUES (:id, :request, :at, :by, :said_by)
"""
_STEPS: Final = """
    WITH wanted AS (SELECT value FROM json_each(:requests))
    SELECT request, id, at, by_whom, step, said_by, words, step_number AS number, 0 AS is_gift
    FROM request_steps WHERE request IN wanted
    UNION ALL SELECT request, id, at, by_whom, 'give', to_whom, '', gift, 1
    FROM request_gifts WHERE request IN wanted ORDER BY is_gift, number
"""
_UPDATE: Final = """
    UPDATE requests SET state = :state, taken_by = :taken_by, starts = :starts, ends = :ends,
        form = :form, confirmed = :confirmed, sequence = :sequence
    WHERE number = :number
"""


@dataclass(frozen=True, slots=True)
class Taking:
    """A request to be stored: `id` was given to it before, so that the same one twice is one.

    `diary`: the office's slots, where it offers some; a confirmed appointment takes one of them.
    `audited`: whoever entered it did so outside a call, and stands in the list of changes.
    """

    id: str
    new: NewRequest
    at: datetime
    sound: Sound = NO_SOUND
    diary: Diary | None = None
    audited: bool = False


def insert(
    connection: sqlite3.Connection, taking: Taking, letters: Letters = NO_LETTERS
) -> Request:
    """Store a request, its slot and its mail, durably; raises OfficeError for a slot just taken."""
    with transaction(connection):
        fresh = connection.execute(
            _INSERT_REQUEST, request_to_row(taking.id, taking.new, taking.sound)
        ).rowcount
        row = connection.execute("SELECT * FROM requests WHERE id = ?", (taking.id,)).fetchone()
        kept = request_from_row(row, ())
        if fresh:
            _reserve(connection, kept.request, taking.diary, taking.at)
            _queue(connection, kept, None, taking.at, letters)
            _audit(connection, kept.request, taking)
    return kept.request


def change(
    connection: sqlite3.Connection,
    number: int,
    happened: Happened,
    letters: Letters = NO_LETTERS,
    appointment: Appointment | None = None,
    diary: Diary | None = None,
) -> StoredRequest:
    """Let a step happen to a request, durably, with the mail it leads to; raises OfficeError.

    The same step twice is one. `appointment` is the new one of Step.MOVE.
    """
    with transaction(connection):
        return change_within(connection, number, happened, letters, appointment, diary)


def change_within(
    connection: sqlite3.Connection,
    number: int,
    happened: Happened,
    letters: Letters = NO_LETTERS,
    appointment: Appointment | None = None,
    diary: Diary | None = None,
) -> StoredRequest:
    """Let a step happen, within the caller's transaction, as `change` does; raises OfficeError."""
    kept = required_request(connection, number)
    if any(each.id == happened.id for each in kept.steps):
        return kept
    request = _after(kept.request, happened, appointment)
    _keep(connection, request, happened)
    if happened.step in {RequestStep.MOVE, RequestStep.CANCEL}:
        release_slot(connection, number)
    if happened.step is RequestStep.MOVE:
        _reserve(connection, request, diary, happened.at)
    kept = replace(kept, request=request, steps=(*kept.steps, happened))
    _queue(connection, kept, happened, happened.at, letters)
    return kept


def mailed(connection: sqlite3.Connection, number: int, happened: Happened) -> None:
    """Its mail was taken by the mail server: within the transaction in which that is kept."""
    kept = find_request(connection, number)
    if kept is not None and kept.request.state is RequestState.OPEN:
        _keep(connection, policy.mail_accepted(kept.request), happened)


def find_request(connection: sqlite3.Connection, number: int) -> StoredRequest | None:
    """Look a request up by its number."""
    row = connection.execute("SELECT * FROM requests WHERE number = ?", (number,)).fetchone()
    return request_from_row(row, _steps(connection, [number])[number]) if row else None


def required_request(connection: sqlite3.Connection, number: int) -> StoredRequest:
    """Look a request up; raises OfficeError when there is none."""
    found = find_request(connection, number)
    if found is None:
        raise SaidError(policy.no_request(number))
    return found


def list_requests(
    connection: sqlite3.Connection, *states: RequestState, unit: str = "", limit: int = 1000
) -> tuple[StoredRequest, ...]:
    """List requests, newest first: those of some states, or all; of one unit, or all."""
    wanted = states or tuple(RequestState)
    marks = ", ".join("?" * len(wanted))
    rows = connection.execute(
        f"SELECT * FROM requests WHERE state IN ({marks}) AND ? IN ('', unit) "  # noqa: S608 - question marks
        "ORDER BY number DESC LIMIT ?",
        (*wanted, unit, limit),
    ).fetchall()
    steps = _steps(connection, [int(row["number"]) for row in rows])
    return tuple(request_from_row(row, steps[int(row["number"])]) for row in rows)


def find_open(
    connection: sqlite3.Connection,
    number: str = "",
    name: str = "",
    plan: NumberingPlan = HOME_PLAN,
) -> tuple[StoredRequest, ...]:
    """Find what is open of a citizen, by number or by (part of) the name, newest first (E9)."""
    open_ones = list_requests(connection, RequestState.OPEN, RequestState.SENT, RequestState.TAKEN)
    return tuple(
        kept
        for kept in open_ones
        if are_same_number(kept.request.citizen.phone, number, plan)
        or _same_name(kept.request.citizen.name, name)
    )


def search_open(
    connection: sqlite3.Connection, typed: str, plan: NumberingPlan = HOME_PLAN
) -> tuple[StoredRequest, ...]:
    """Find what is open by what somebody remembers of a citizen: part of the name or number."""
    open_ones = list_requests(connection, RequestState.OPEN, RequestState.SENT, RequestState.TAKEN)
    return tuple(
        kept
        for kept in open_ones
        if is_number_like(kept.request.citizen.phone, typed, plan)
        or _same_name(kept.request.citizen.name, typed)
    )


def recordings(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of all requests: a recording among them is no message."""
    return frozenset(str(row[0]) for row in connection.execute("SELECT id FROM requests"))


def _after(request: Request, happened: Happened, appointment: Appointment | None) -> Request:
    closing = RequestClosing(happened.at, happened.by, happened.said_by, happened.words)
    match happened.step:
        case RequestStep.MAILED:
            return policy.mail_accepted(request)
        case RequestStep.TAKE:
            return policy.take_request(request, happened.said_by or happened.by)
        case RequestStep.GIVE:
            return policy.give_request(request, happened.said_by)
        case RequestStep.REMIND:
            return policy.remind(request, happened.words)
        case RequestStep.CLOSE:
            return policy.close_request(request, closing)
        case RequestStep.CANCEL:
            return policy.cancel_request(request, closing)
        case RequestStep.MOVE:
            if appointment is None:
                raise SaidError(policy.NO_NEW_TIME)
            return policy.move_appointment(request, appointment)


def _keep(connection: sqlite3.Connection, request: Request, happened: Happened) -> None:
    connection.execute(
        _GIFT if happened.step is RequestStep.GIVE else _STEP,
        {
            "id": happened.id,
            "request": request.number,
            "at": happened.at.isoformat(),
            "by": happened.by,
            "step": happened.step.value,
            "said_by": happened.said_by,
            "words": happened.words,
        },
    )
    connection.execute(
        _UPDATE,
        {
            "number": request.number,
            "state": request.state.value,
            "taken_by": request.taken_by,
            **appointment_columns(request.appointment),
        },
    )


def _reserve(
    connection: sqlite3.Connection, request: Request, diary: Diary | None, now: datetime
) -> None:
    wanted = request.appointment
    if wanted is not None and wanted.confirmed and diary is not None:
        reserve_slot(connection, diary, wanted.slot.start, request.number, now)


def _audit(connection: sqlite3.Connection, request: Request, taking: Taking) -> None:
    if taking.audited:
        about = f"{request.number} {request.unit}"
        database.note(connection, Noted(taking.at, request.by, ENTERED, about))


def _queue(
    connection: sqlite3.Connection,
    kept: StoredRequest,
    happened: Happened | None,
    at: datetime,
    letters: Letters,
) -> None:
    for mail in letters.write(kept, happened):
        put_notice(connection, mail, at, letters.domain)


def _steps(
    connection: sqlite3.Connection, numbers: list[int]
) -> Mapping[int, tuple[Happened, ...]]:
    """Read what became of some requests, in one query; what was given stands by its time."""
    found: dict[int, list[Happened]] = {number: [] for number in numbers}
    given = set[int]()
    for row in connection.execute(_STEPS, {"requests": json.dumps(numbers)}):
        found[int(row["request"])].append(step_from_row(row))
        if row["is_gift"]:
            given.add(int(row["request"]))
    for number in given:
        found[number].sort(key=lambda each: each.at)
    return {number: tuple(steps) for number, steps in found.items()}


def _same_name(kept: str, asked: str) -> bool:
    """Tell whether every typed word begins a word of the name, accents and case aside."""
    ours, typed = _folded(kept).split(), _folded(asked).split()
    return bool(typed) and all(any(word.startswith(part) for word in ours) for part in typed)


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


# ---- appointments ------------------------------------------------------------------------------
# Requests that are appointments of some days: what people and printed weeks show (P6).

MOST_APPOINTMENTS: Final = 1000
_BETWEEN: Final = (
    "SELECT number FROM requests WHERE starts IS NOT NULL AND datetime(starts) >= datetime(?) "
    "AND datetime(starts) < datetime(?) AND ? IN ('', unit) ORDER BY datetime(starts), number "
    "LIMIT ?"
)


def between(
    connection: sqlite3.Connection, since: datetime, until: datetime, unit: str = ""
) -> tuple[StoredRequest, ...]:
    """List the appointments of a time, by their start, those not wanted any more left out.

    Of one unit, or ("") of all; at most 1000.
    """
    span = (since.astimezone(UTC).isoformat(), until.astimezone(UTC).isoformat())
    rows = connection.execute(_BETWEEN, (*span, unit, MOST_APPOINTMENTS)).fetchall()
    found = (required_request(connection, int(row["number"])) for row in rows)
    return tuple(kept for kept in found if not _cancelled(kept))


def _cancelled(kept: StoredRequest) -> bool:
    closing = kept.request.closing
    return closing is not None and closing.cancelled


# ---- request watch -----------------------------------------------------------------------------
# Requests that nobody has answered in time: how many, and the head told of each once (P6, E15).


def tell_overdue(
    connection: sqlite3.Connection, calendar: Schedule, notices: Notices, now: datetime, domain: str
) -> tuple[int, int]:
    """Queue what the head is to be told, in the caller's transaction; count open and late ones."""
    found = list_requests(connection, RequestState.OPEN, RequestState.SENT, RequestState.TAKEN)
    late = [kept.request for kept in found if is_overdue(kept.request, calendar, now)]
    told = notice_keys(connection, "-overdue")
    for request in late if notices.head else ():
        mail = overdue_mail(request, due_day(request, calendar), notices.language, notices.labels)
        if mail.key not in told:
            put_notice(connection, mail, now, domain)
    return len(found), len(late)
