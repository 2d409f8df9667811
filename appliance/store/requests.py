"""Citizens' requests: appointment slots, rows and steps, links that close one (P6, E9, E15).

Every change of a request is one more step; steps are only added.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.policy import requests as policy
from appliance.policy.directory import ReturnRule
from appliance.policy.mail import Mail, MailState, QueuedMail
from appliance.policy.numbering import HOME_PLAN, NumberingPlan, are_same_number, is_number_like
from appliance.policy.requests import (
    Appointment,
    AppointmentForm,
    AppointmentSlot,
    BookedPlaces,
    Citizen,
    Contact,
    DoneLinkState,
    NewRequest,
    Request,
    RequestClosing,
    RequestState,
    RequestStep,
    done_link_hash,
    free_slots,
    take_slot,
    without_done_links,
)
from appliance.policy.text import Refused, SaidError
from appliance.store import database, outbox
from appliance.store.call_log import by_column, iso, to_ms
from appliance.store.database import Noted, transaction
from appliance.store.outbox import NO_DOMAIN, put_mail

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from appliance.policy.directory import AppointmentSlots
    from appliance.policy.hours import Schedule
    from appliance.store.call_log import Value


@dataclass(frozen=True, slots=True)
class SlotDiary:
    """Appointment slots that `unit` has declared, and the calendar of the office."""

    unit: str
    slots: AppointmentSlots
    calendar: Schedule


def booked_slots(connection: sqlite3.Connection, unit: str, after: datetime) -> BookedPlaces:
    """Count the booked places of a unit's slots from `after` on, by start."""
    rows = connection.execute(
        "SELECT start_ms, count(*) FROM bookings WHERE unit = ? AND start_ms >= ? "
        "GROUP BY start_ms",
        (unit, to_ms(after)),
    )
    return {datetime.fromtimestamp(ms / 1000, UTC): count for ms, count in rows}


def free_slots_of(
    connection: sqlite3.Connection, diary: SlotDiary, after: datetime, most: int = 6
) -> tuple[AppointmentSlot, ...]:
    """Return the next free slots of a unit."""
    taken = booked_slots(connection, diary.unit, after)
    return free_slots(diary.slots, diary.calendar, taken, after, most)


def reserve_slot(
    connection: sqlite3.Connection, diary: SlotDiary, start: datetime, request: int, now: datetime
) -> AppointmentSlot:
    """Book a slot for a request, inside the caller's transaction; raises OfficeError."""
    # Search and booking are one transaction, so two requests never get one place (P6); the table's
    # key forbids it besides (schema/003).
    slot = take_slot(
        diary.slots,
        diary.calendar,
        booked_slots(connection, diary.unit, now),
        start.astimezone(UTC),
        now,
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
    """Release the slot of a request, if it has one."""
    connection.execute("DELETE FROM bookings WHERE request = ?", (request,))


@dataclass(frozen=True, slots=True)
class RequestSound:
    """The caller's recorded words: a file below the state folder, and its SHA-256."""

    path: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class StoredStep:
    """One step of a request: what was done, when and by whom."""

    # Given before the step is stored: the same step twice is one.
    id: str
    step: RequestStep
    at: datetime
    by: str
    said_by: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A stored request: request, sound, and steps, oldest first."""

    request: Request
    sound: RequestSound
    steps: tuple[StoredStep, ...]


_REQUEST_COLUMNS: Final = (
    "id", "rule", "unit", "need", "subject", "asked", "at", "at_ms", "by_whom", "call", "sheet",
    "name", "phone", "email", "prefers", "language", "spoken", "starts", "ends", "form",
    "confirmed", "sequence", "recording", "sha256", "state",
)  # fmt: skip


def request_to_row(ident: str, new: NewRequest, sound: RequestSound) -> dict[str, Value]:
    """Map a new request to its columns, without its number: the database gives that."""
    return {
        "id": ident,
        **_new_request_columns(new),
        "at_ms": to_ms(new.at),
        "recording": sound.path,
        "sha256": sound.sha256,
        "state": RequestState.OPEN.value,
    }


def new_request_to_json(new: NewRequest) -> dict[str, Any]:
    """Map a new request to JSON, for the sidecar of its recording."""
    return dict(_new_request_columns(new))


def new_request_from_json(value: Mapping[str, Any]) -> NewRequest:
    """Make a new request of its JSON; raises KeyError, ValueError, TypeError, OfficeError."""
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


def request_from_row(row: sqlite3.Row, steps: tuple[StoredStep, ...]) -> StoredRequest:
    """Make a request of its columns and its steps."""
    value: dict[str, Any] = by_column(row)
    request = replace(
        new_request_from_json(value).numbered(int(value["number"])),
        state=RequestState(str(value["state"])),
        taken_by=str(value["taken_by"]),
        reminders=tuple(each.words for each in steps if each.step is RequestStep.REMIND),
        closing=next((_closing(each) for each in steps if each.step in _ENDS), None),
        given_to=next(
            (each.said_by for each in reversed(steps) if each.step is RequestStep.GIVE), None
        ),
    )
    return StoredRequest(
        request, RequestSound(str(value["recording"]), str(value["sha256"])), steps
    )


def step_from_row(row: sqlite3.Row) -> StoredStep:
    """Make a step of its columns."""
    return StoredStep(
        str(row["id"]),
        RequestStep(str(row["step"])),
        datetime.fromisoformat(str(row["at"])),
        str(row["by_whom"]),
        str(row["said_by"]),
        str(row["words"]),
    )


def appointment_columns(appointment: Appointment | None) -> dict[str, Value]:
    """Map an appointment to its columns; None for None."""
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


def _new_request_columns(new: NewRequest) -> dict[str, Value]:
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
    slot = AppointmentSlot(
        datetime.fromisoformat(str(value["starts"])), datetime.fromisoformat(str(value["ends"]))
    )
    return Appointment(
        slot, AppointmentForm(str(value["form"])), bool(value["confirmed"]), int(value["sequence"])
    )


def _closing(step: StoredStep) -> RequestClosing:
    return RequestClosing(
        step.at, step.by, step.said_by, step.words, step.step is RequestStep.CANCEL
    )


OPEN_STATES: Final = (RequestState.OPEN, RequestState.SENT, RequestState.TAKEN)
NO_SOUND: Final = RequestSound()
# Code in the audit log: a request was entered outside a call; about "number unit".
ENTERED: Final = "request.entered"


def _do_nothing() -> None:
    """Do nothing: the default of `queued`."""


@dataclass(frozen=True, slots=True)
class RequestMails:
    """Writer of the mails of a request's changes, and the domain of their Message-IDs.

    `queued` is called, in any thread, when a mail was queued. `head`: the supervisor has an
    address, so notices to the supervisor are queued.
    """

    write: Callable[[StoredRequest, StoredStep | None], tuple[Mail, ...]]
    domain: str = NO_DOMAIN
    queued: Callable[[], None] = _do_nothing
    head: bool = True


NO_MAILS: Final = RequestMails(lambda *_: ())

# The same id twice is one request: storing it is repeated after an unknown outcome.
_INSERT_REQUEST: Final = (
    f"INSERT INTO requests ({', '.join(_REQUEST_COLUMNS)}) "  # noqa: S608 - constant names
    f"VALUES (:{', :'.join(_REQUEST_COLUMNS)}) "
    "ON CONFLICT (id) DO NOTHING"
)
# A handover has a table of its own: the version before it does not know that step (schema/016).
_INSERT_STEP: Final = """
    INSERT INTO request_steps (id, request, at, by_whom, step, said_by, words)
    VALUES (:id, :request, :at, :by, :step, :said_by, :words)
"""
_INSERT_GIFT: Final = """
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
_UPDATE_REQUEST: Final = """
    UPDATE requests SET state = :state, taken_by = :taken_by, starts = :starts, ends = :ends,
        form = :form, confirmed = :confirmed, sequence = :sequence
    WHERE number = :number
"""


@dataclass(frozen=True, slots=True)
class RequestToStore:
    """A request to be stored.

    `diary`: the slots of an office that offers some; a confirmed appointment books one. `audited`:
    it was entered outside a call, which is noted in the audit log.
    """

    # Given before it is stored: the same request twice is one.
    id: str
    new: NewRequest
    at: datetime
    sound: RequestSound = NO_SOUND
    diary: SlotDiary | None = None
    audited: bool = False


def insert_request(
    connection: sqlite3.Connection, taking: RequestToStore, letters: RequestMails = NO_MAILS
) -> Request:
    """Store a request, its slot and its mail; raises OfficeError for a slot taken meanwhile."""
    # Request, slot and the mail to the office are one transaction: a power cut leaves all or none,
    # and a request whose mail cannot be written is not stored either.
    with transaction(connection):
        fresh = connection.execute(
            _INSERT_REQUEST, request_to_row(taking.id, taking.new, taking.sound)
        ).rowcount
        row = connection.execute("SELECT * FROM requests WHERE id = ?", (taking.id,)).fetchone()
        kept = request_from_row(row, ())
        if fresh:
            _reserve(connection, kept.request, taking.diary, taking.at)
            _queue_mails(connection, kept, None, taking.at, letters)
            _audit(connection, kept.request, taking)
    return kept.request


def apply_step(
    connection: sqlite3.Connection,
    number: int,
    happened: StoredStep,
    letters: RequestMails = NO_MAILS,
    appointment: Appointment | None = None,
    diary: SlotDiary | None = None,
) -> StoredRequest:
    """Apply a step to a request, with the mail it leads to, in a transaction; raises OfficeError.

    The same step twice is one. `appointment` is the new one of RequestStep.MOVE.
    """
    with transaction(connection):
        return apply_step_within(connection, number, happened, letters, appointment, diary)


def apply_step_within(
    connection: sqlite3.Connection,
    number: int,
    happened: StoredStep,
    letters: RequestMails = NO_MAILS,
    appointment: Appointment | None = None,
    diary: SlotDiary | None = None,
) -> StoredRequest:
    """Apply a step as `apply_step` does, inside the caller's transaction; raises OfficeError."""
    kept = required_request(connection, number)
    # Repeated after an unknown outcome, the step and its mail are there already.
    if any(each.id == happened.id for each in kept.steps):
        return kept
    request = _request_after(kept.request, happened, appointment)
    _store_step(connection, request, happened)
    # A moved appointment holds one slot. If the new one is taken the transaction is rolled back,
    # and the old one stays.
    if happened.step in {RequestStep.MOVE, RequestStep.CANCEL}:
        release_slot(connection, number)
    if happened.step is RequestStep.MOVE:
        _reserve(connection, request, diary, happened.at)
    kept = replace(kept, request=request, steps=(*kept.steps, happened))
    _queue_mails(connection, kept, happened, happened.at, letters)
    return kept


def mark_mailed(connection: sqlite3.Connection, number: int, happened: StoredStep) -> None:
    """Mark a request as sent when the mail server accepts its mail, in the same transaction."""
    kept = find_request(connection, number)
    # A reply of the mail server that comes later than the office's answer changes nothing.
    if kept is not None and kept.request.state is RequestState.OPEN:
        _store_step(connection, policy.mail_accepted(kept.request), happened)


def find_request(connection: sqlite3.Connection, number: int) -> StoredRequest | None:
    """Look a request up by its number."""
    row = connection.execute("SELECT * FROM requests WHERE number = ?", (number,)).fetchone()
    return request_from_row(row, _steps(connection, [number])[number]) if row else None


def required_request(connection: sqlite3.Connection, number: int) -> StoredRequest:
    """Look a request up by its number; raises OfficeError for an unknown number."""
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
    """Find a citizen's open requests by number or part of the name, newest first (E9)."""
    # Compared here, not in SQL: one number may have the country's code, the other not.
    open_ones = list_requests(connection, *OPEN_STATES)
    return tuple(
        kept
        for kept in open_ones
        if are_same_number(kept.request.citizen.phone, number, plan)
        or _same_name(kept.request.citizen.name, name)
    )


def search_open(
    connection: sqlite3.Connection, typed: str, plan: NumberingPlan = HOME_PLAN
) -> tuple[StoredRequest, ...]:
    """Find open requests by part of the citizen's name or number."""
    open_ones = list_requests(connection, *OPEN_STATES)
    return tuple(
        kept
        for kept in open_ones
        if is_number_like(kept.request.citizen.phone, typed, plan)
        or _same_name(kept.request.citizen.name, typed)
    )


def request_ids(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of all requests; a recording with such an id is no message."""
    return frozenset(str(row[0]) for row in connection.execute("SELECT id FROM requests"))


def _request_after(
    request: Request, happened: StoredStep, appointment: Appointment | None
) -> Request:
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


def _store_step(connection: sqlite3.Connection, request: Request, happened: StoredStep) -> None:
    connection.execute(
        _INSERT_GIFT if happened.step is RequestStep.GIVE else _INSERT_STEP,
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
        _UPDATE_REQUEST,
        {
            "number": request.number,
            "state": request.state.value,
            "taken_by": request.taken_by,
            **appointment_columns(request.appointment),
        },
    )


def _reserve(
    connection: sqlite3.Connection, request: Request, diary: SlotDiary | None, now: datetime
) -> None:
    wanted = request.appointment
    # An office without slots confirms each appointment itself: until then nothing is booked.
    if wanted is not None and wanted.confirmed and diary is not None:
        reserve_slot(connection, diary, wanted.slot.start, request.number, now)


def _audit(connection: sqlite3.Connection, request: Request, taking: RequestToStore) -> None:
    if taking.audited:
        mails_of_request = f"{request.number} {request.unit}"
        database.note(connection, Noted(taking.at, request.by, ENTERED, mails_of_request))


def _queue_mails(
    connection: sqlite3.Connection,
    kept: StoredRequest,
    happened: StoredStep | None,
    at: datetime,
    letters: RequestMails,
) -> None:
    for mail in letters.write(kept, happened):
        put_mail(connection, mail, at, letters.domain)


def _steps(
    connection: sqlite3.Connection, numbers: list[int]
) -> Mapping[int, tuple[StoredStep, ...]]:
    """Read the steps of some requests, in one query."""
    # One query: a long list of requests is no slower for its steps.
    found: dict[int, list[StoredStep]] = {number: [] for number in numbers}
    given = set[int]()
    for row in connection.execute(_STEPS, {"requests": json.dumps(numbers)}):
        found[int(row["request"])].append(step_from_row(row))
        if row["is_gift"]:
            given.add(int(row["request"]))
    # Handovers come from a table of their own: they are sorted in by their time.
    for number in given:
        found[number].sort(key=lambda each: each.at)
    return {number: tuple(steps) for number, steps in found.items()}


def _same_name(kept: str, asked: str) -> bool:
    """Tell whether each typed word begins a word of the name, ignoring accents and case."""
    ours, typed = _folded(kept).split(), _folded(asked).split()
    return bool(typed) and all(any(word.startswith(part) for word in ours) for part in typed)


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


MOST_APPOINTMENTS: Final = 1000
_APPOINTMENTS: Final = (
    "SELECT number FROM requests WHERE starts IS NOT NULL AND datetime(starts) >= datetime(?) "
    "AND datetime(starts) < datetime(?) AND ? IN ('', unit) ORDER BY datetime(starts), number "
    "LIMIT ?"
)


def appointments_between(
    connection: sqlite3.Connection, since: datetime, until: datetime, unit: str = ""
) -> tuple[StoredRequest, ...]:
    """List the appointments from `since` to before `until`, by start, without cancelled ones.

    Of one unit, or ("") of all; at most 1000.
    """
    span = (since.astimezone(UTC).isoformat(), until.astimezone(UTC).isoformat())
    rows = connection.execute(_APPOINTMENTS, (*span, unit, MOST_APPOINTMENTS)).fetchall()
    found = (required_request(connection, int(row["number"])) for row in rows)
    return tuple(kept for kept in found if not _is_cancelled(kept))


def _is_cancelled(kept: StoredRequest) -> bool:
    closing = kept.request.closing
    return closing is not None and closing.cancelled


LINK_USED = "request.link"
"""Code in the audit log."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The state of a link and the request that it closes, None for an unknown link."""

    state: DoneLinkState
    kept: StoredRequest | None = None


UNKNOWN_LINK = LinkStatus(DoneLinkState.UNKNOWN)


def look_up_link(connection: sqlite3.Connection, token: str, now: datetime) -> LinkStatus:
    """Look a link up by its secret."""
    # The secret is never stored (E15): a row is found by the hash alone, and whatever is given
    # takes the same lookup.
    digest = done_link_hash(token)
    row = connection.execute(
        "SELECT request, made_at FROM request_links WHERE sha256 = ?", (digest,)
    ).fetchone()
    kept = find_request(connection, int(row["request"])) if row else None
    if kept is None:
        return UNKNOWN_LINK
    is_used = any(each.id == _link_step_id(digest) for each in kept.steps)
    is_done = kept.request.state is RequestState.DONE
    made_at = datetime.fromisoformat(row["made_at"])
    return LinkStatus(policy.done_link_state(is_used, is_done, made_at, now), kept)


def close_by_link(connection: sqlite3.Connection, token: str, said_by: str, now: datetime) -> int:
    """Close the request of a link and return its number; raises Refused."""
    # Use of the link, closing and audit are one transaction: the step's id is made of the hash, so
    # the step itself marks the link as used.
    with transaction(connection):
        looked = look_up_link(connection, token, now)
        if looked.kept is None or looked.state is not DoneLinkState.OPEN:
            words = policy.DONE_LINK_WORDS[looked.state]
            raise Refused(words)
        number = looked.kept.request.number
        ident = _link_step_id(done_link_hash(token))
        done = StoredStep(ident, RequestStep.CLOSE, now, policy.DONE_LINK_AUTHOR, said_by)
        apply_step_within(connection, number, done)
        database.note(connection, Noted(now, policy.DONE_LINK_AUTHOR, LINK_USED, str(number)))
    return number


def _link_step_id(digest: str) -> str:
    return f"link-{digest}"


def settle_mail(
    connection: sqlite3.Connection, state: MailState, after: QueuedMail, said: str, at: datetime
) -> None:
    """Store the result of a delivery attempt; a request whose mail was accepted becomes "sent"."""
    with transaction(connection):
        # "state = 'queued'": a person may have dropped the mail meanwhile, and that stays.
        changed = connection.execute(
            "UPDATE outbox SET state = ?, tries = ?, tried_ms = ?, said = ?, settled_at = ? "
            "WHERE number = ? AND state = 'queued'",
            (
                state.value,
                after.tries,
                after.tried_ms,
                said,
                None if state is MailState.QUEUED else iso(at),
                after.number,
            ),
        ).rowcount
        kept = outbox.find_mail(connection, after.number)
        if changed and kept and state is MailState.SENT:
            _take_secrets_out(connection, kept)
        if changed and kept and kept.mail.request and state is MailState.SENT:
            step = StoredStep(kept.message_id, RequestStep.MAILED, at, "", words=said)
            mark_mailed(connection, kept.mail.request, step)


def _take_secrets_out(connection: sqlite3.Connection, kept: outbox.StoredMail) -> None:
    """Remove the links that close a request from a mail that was sent."""
    # Until it is sent each attempt needs them; afterwards only their hash may stay (E15).
    body = without_done_links(kept.mail.body)
    if body != kept.mail.body:
        values = (body, kept.number)
        connection.execute("UPDATE outbox SET body = ? WHERE number = ?", values)
