"""Requests as they are kept (P6, E9, E15): stored with their mail, changed by steps, never lost.

A request, its booked slot and the mail that tells the office are one transaction. Every change is
one more row of its history.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.policy import request_refusals as refusals
from appliance.policy import requests as policy
from appliance.policy.mail import Mail
from appliance.policy.numbering import HOME, Plan
from appliance.policy.requests import (
    Appointment,
    Closing,
    NewRequest,
    Request,
    State,
    Step,
)
from appliance.policy.same_number import are_same, is_like
from appliance.policy.words import SaidError
from appliance.records import audit, bookings, outbox
from appliance.records.audit import Noted
from appliance.records.bookings import Diary
from appliance.records.database import transaction
from appliance.records.request_rows import (
    COLUMNS,
    Happened,
    Kept,
    Sound,
    appointment_columns,
    from_row,
    step_from_row,
    to_row,
)

if TYPE_CHECKING:
    import sqlite3

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

    write: Callable[[Kept, Happened | None], tuple[Mail, ...]]
    domain: str = outbox.NO_DOMAIN
    queued: Callable[[], None] = _nothing
    head: bool = True


NO_LETTERS: Final = Letters(lambda *_: ())

_INSERT: Final = (
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
        fresh = connection.execute(_INSERT, to_row(taking.id, taking.new, taking.sound)).rowcount
        row = connection.execute("SELECT * FROM requests WHERE id = ?", (taking.id,)).fetchone()
        kept = from_row(row, ())
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
) -> Kept:
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
) -> Kept:
    """Let a step happen, within the caller's transaction, as `change` does; raises OfficeError."""
    kept = required(connection, number)
    if any(each.id == happened.id for each in kept.steps):
        return kept
    request = _after(kept.request, happened, appointment)
    _keep(connection, request, happened)
    if happened.step in {Step.MOVE, Step.CANCEL}:
        bookings.release(connection, number)
    if happened.step is Step.MOVE:
        _reserve(connection, request, diary, happened.at)
    kept = replace(kept, request=request, steps=(*kept.steps, happened))
    _queue(connection, kept, happened, happened.at, letters)
    return kept


def mailed(connection: sqlite3.Connection, number: int, happened: Happened) -> None:
    """Its mail was taken by the mail server: within the transaction in which that is kept."""
    kept = find(connection, number)
    if kept is not None and kept.request.state is State.OPEN:
        _keep(connection, policy.mailed(kept.request), happened)


def find(connection: sqlite3.Connection, number: int) -> Kept | None:
    """Look a request up by its number."""
    row = connection.execute("SELECT * FROM requests WHERE number = ?", (number,)).fetchone()
    return from_row(row, _steps(connection, [number])[number]) if row else None


def required(connection: sqlite3.Connection, number: int) -> Kept:
    """Look a request up; raises OfficeError when there is none."""
    found = find(connection, number)
    if found is None:
        raise SaidError(refusals.no_request(number))
    return found


def listed(
    connection: sqlite3.Connection, *states: State, unit: str = "", limit: int = 1000
) -> tuple[Kept, ...]:
    """List requests, newest first: those of some states, or all; of one unit, or all."""
    wanted = states or tuple(State)
    marks = ", ".join("?" * len(wanted))
    rows = connection.execute(
        f"SELECT * FROM requests WHERE state IN ({marks}) AND ? IN ('', unit) "  # noqa: S608 - question marks
        "ORDER BY number DESC LIMIT ?",
        (*wanted, unit, limit),
    ).fetchall()
    steps = _steps(connection, [int(row["number"]) for row in rows])
    return tuple(from_row(row, steps[int(row["number"])]) for row in rows)


def find_open(
    connection: sqlite3.Connection, number: str = "", name: str = "", plan: Plan = HOME
) -> tuple[Kept, ...]:
    """Find what is open of a citizen, by number or by (part of) the name, newest first (E9)."""
    open_ones = listed(connection, State.OPEN, State.SENT, State.TAKEN)
    return tuple(
        kept
        for kept in open_ones
        if are_same(kept.request.citizen.phone, number, plan)
        or _same_name(kept.request.citizen.name, name)
    )


def search_open(connection: sqlite3.Connection, typed: str, plan: Plan = HOME) -> tuple[Kept, ...]:
    """Find what is open by what somebody remembers of a citizen: part of the name or number."""
    open_ones = listed(connection, State.OPEN, State.SENT, State.TAKEN)
    return tuple(
        kept
        for kept in open_ones
        if is_like(kept.request.citizen.phone, typed, plan)
        or _same_name(kept.request.citizen.name, typed)
    )


def recordings(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of all requests: a recording among them is no message."""
    return frozenset(str(row[0]) for row in connection.execute("SELECT id FROM requests"))


def _after(request: Request, happened: Happened, appointment: Appointment | None) -> Request:
    closing = Closing(happened.at, happened.by, happened.said_by, happened.words)
    match happened.step:
        case Step.MAILED:
            return policy.mailed(request)
        case Step.TAKE:
            return policy.taken(request, happened.said_by or happened.by)
        case Step.GIVE:
            return policy.given(request, happened.said_by)
        case Step.REMIND:
            return policy.reminded(request, happened.words)
        case Step.CLOSE:
            return policy.closed(request, closing)
        case Step.CANCEL:
            return policy.cancelled(request, closing)
        case Step.MOVE:
            if appointment is None:
                raise SaidError(refusals.NO_NEW_TIME)
            return policy.moved(request, appointment)


def _keep(connection: sqlite3.Connection, request: Request, happened: Happened) -> None:
    connection.execute(
        _GIFT if happened.step is Step.GIVE else _STEP,
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
        bookings.reserve(connection, diary, wanted.slot.start, request.number, now)


def _audit(connection: sqlite3.Connection, request: Request, taking: Taking) -> None:
    if taking.audited:
        about = f"{request.number} {request.unit}"
        audit.note(connection, Noted(taking.at, request.by, ENTERED, about))


def _queue(
    connection: sqlite3.Connection,
    kept: Kept,
    happened: Happened | None,
    at: datetime,
    letters: Letters,
) -> None:
    for mail in letters.write(kept, happened):
        outbox.put(connection, mail, at, letters.domain)


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
