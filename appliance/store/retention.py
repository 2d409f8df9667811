"""Retention limits and the handover of data."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.policy.hours import moment_words
from appliance.policy.numbering import HOME_PLAN, NumberingPlan
from appliance.policy.requests import RequestState, RequestStep
from appliance.policy.text import Words
from appliance.policy.users import (
    HANDOVER_TO_ALL,
    HandoverItem,
    HandoverKind,
    check_handover,
    handover_words,
    may_hand_over,
)
from appliance.policy.voicemail import MessageCare, MessageEntry, MessageState, MessageStep, care_of
from appliance.store import call_log, care, database, requests, users, voicemail
from appliance.store.call_log import to_ms
from appliance.store.database import Noted, transaction
from appliance.store.request_papers import due_mails, due_requests
from appliance.store.requests import Happened
from appliance.store.voicemail import SERVED, needs_somebody, one_call

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from appliance.store.requests import Letters, StoredRequest
    from appliance.store.voicemail import Message, Missed


# ---- handover ----------------------------------------------------------------------------------
# What somebody has taken and can hand over, and the handing over itself (E19): entries only added.
#
# In the records' thread, the only writer: what is looked at is still so when it is changed.

HANDOVER: Final = "handover"
"""The code in the audit."""
_OPEN: Final = (RequestState.OPEN, RequestState.SENT, RequestState.TAKEN)
_NOTES: Final = """
    SELECT care.kind AS kind, care.subject AS subject, care.at AS at, care.by AS by,
        care.given_by AS given_by, care.note AS note, messages.number AS number
    FROM care LEFT JOIN messages ON care.kind = 'message' AND messages.id = care.subject
    WHERE care.note <> '' AND datetime(care.at) >= datetime(?) ORDER BY care.entry
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who hands over what to whom (`to` is TO_ALL for everybody), and when."""

    by: str
    position: str
    to: str
    at: datetime
    items: tuple[HandoverItem, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Words written about a message, or (`number` 0) about a call."""

    at: datetime
    by: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Mine:
    """What somebody has taken; requests that nobody follows; the notes since a moment, of all."""

    messages: tuple[Message, ...]
    calls: tuple[Missed, ...]
    requests: tuple[StoredRequest, ...]
    nobodys: tuple[StoredRequest, ...]
    notes: tuple[Note, ...]

    @property
    def items(self) -> tuple[HandoverItem, ...]:
        """Name all that can be handed over."""
        return (
            *(HandoverItem(HandoverKind.MESSAGE, one.number) for one in self.messages),
            *(HandoverItem(HandoverKind.CALL, one.number) for one in self.calls),
            *(HandoverItem(HandoverKind.REQUEST, one.request.number) for one in self.requests),
        )


def mine(
    connection: sqlite3.Connection,
    names: Collection[str],
    calls_since: datetime,
    notes_since: datetime,
    plan: NumberingPlan = HOME_PLAN,
) -> Mine:
    """Read what is in the names of a person and of their position, oldest first."""
    taken = voicemail.list_messages(connection, MessageState.TAKEN)
    calls = voicemail.missed_calls(connection, calls_since, plan)
    open_ones = requests.list_requests(connection, *_OPEN)
    return Mine(
        tuple(one for one in reversed(taken) if one.taken_by in names),
        tuple(one for one in reversed(calls) if one.is_open and one.care.holder in names),
        tuple(one for one in reversed(open_ones) if one.request.follower in names),
        tuple(one for one in reversed(open_ones) if not one.request.follower),
        tuple(_note(row) for row in connection.execute(_NOTES, (notes_since.isoformat(),))),
    )


def give(connection: sqlite3.Connection, asked: Asked, letters: Letters) -> Words:
    """Hand over, each thing by an entry of its own, audited by how many; returns what was done.

    What is no more theirs stays where it is. Raises SaidError for what may not be handed over.
    """
    giver = users.find_user(connection, asked.by)
    taker = users.find_user(connection, asked.to) if asked.to else None
    check_handover(asked.items, giver, taker, asked.to)
    given = sum(_give(connection, item, asked, letters) for item in asked.items)
    if given:
        with transaction(connection):
            about = f"{given} -> {asked.to or '*'}"
            database.note(connection, Noted(asked.at, asked.by, HANDOVER, about))
    return handover_words(
        given, len(asked.items) - given, taker.shown if taker else HANDOVER_TO_ALL
    )


def _give(
    connection: sqlite3.Connection, item: HandoverItem, asked: Asked, letters: Letters
) -> bool:
    """Hand one thing over; False where it is not theirs, or is over."""
    if item.kind is HandoverKind.REQUEST:
        return _give_request(connection, item.number, asked, letters)
    kind = care.Kind(item.kind.value)
    subject, number = care.find(connection, kind, str(item.number))
    now: MessageCare = care_of(care.history(connection, kind, subject))
    if now.state is not MessageState.TAKEN or not _is_theirs(item.kind, now.holder, asked):
        return False
    step = MessageStep.GIVE if asked.to else MessageStep.RELEASE
    care.add(connection, kind, str(number), MessageEntry(asked.at, asked.by, step, to=asked.to))
    return True


def _give_request(
    connection: sqlite3.Connection, number: int, asked: Asked, letters: Letters
) -> bool:
    request = requests.required_request(connection, number).request
    if request.state is RequestState.DONE or not _is_theirs(
        HandoverKind.REQUEST, request.follower, asked
    ):
        return False
    happened = Happened(uuid.uuid4().hex, RequestStep.GIVE, asked.at, asked.by, asked.to)
    requests.change(connection, number, happened, letters)
    return True


def _is_theirs(kind: HandoverKind, holder: str, asked: Asked) -> bool:
    return may_hand_over(kind, holder, asked.by, asked.position, asked.to)


def _note(row: sqlite3.Row) -> Note:
    by = str(row["given_by"] or row["by"])
    at = datetime.fromisoformat(row["at"])
    return Note(at, by, str(row["note"]), int(row["number"] or 0))


# ---- retention ---------------------------------------------------------------------------------
# How long messages, callers' numbers and calls are kept; what went is recorded, never whose.
#
# Messages that nobody closed never go by age (P9). What is erased is overwritten in the file, too
# (SQLite secure_delete): a number is not found there any more once the write-ahead log was taken
# in.


@dataclass(frozen=True, slots=True)
class Keeping:
    """For how many days something is kept, 0 for ever.

    `messages_closed` counts from the closing, `numbers` (of callers, in the call log) and `calls`
    from the ring.
    """

    messages_closed: int = 90
    numbers: int = 180
    calls: int = 1095


@dataclass(frozen=True, slots=True)
class Due:
    """What is past its time: messages (id, number, file), and calls by id."""

    messages: tuple[tuple[str, int, str], ...] = ()
    numbers: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Tell whether anything is due."""
        return bool(self.messages or self.numbers or self.calls)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted, when, from which age on, and how much."""

    at: datetime
    what: str
    days: int
    ids: tuple[str, ...]


_MESSAGES: Final = """
    SELECT id, number, path, closed_at FROM messages WHERE state = 'closed' ORDER BY number
"""
_NUMBERS: Final = """
    SELECT call FROM calls WHERE rang_ms < :before AND result <> 'open'
        AND (caller_number <> '' OR caller_name <> '' OR EXISTS (
            SELECT 1 FROM care WHERE kind = 'call' AND subject = calls.call AND note <> ''
        ))
        AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.call = calls.call AND state = 'new')
    ORDER BY rang_ms
"""
"""A call whose message still waits keeps its number: somebody is to call back.

What was written about a caller goes with the number, also where there was none (E10)."""
_CALLS: Final = """
    SELECT call FROM calls WHERE rang_ms < :before AND result <> 'open'
        AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.call = calls.call)
    ORDER BY rang_ms
"""
_SERVED: Final = """
    SELECT caller_number, max(rang_ms) FROM calls WHERE result IN (?, ?) AND caller_number <> ''
    GROUP BY caller_number
"""
"""When each caller was last answered, or left a message."""
_AUDIT: Final = "INSERT INTO deletions (at, what, days, ids) VALUES (?, ?, ?, ?)"


def due_for_deletion(connection: sqlite3.Connection, keeping: Keeping, now: datetime) -> Due:
    """Find what is past its time."""
    messages: tuple[tuple[str, int, str], ...] = ()
    if keeping.messages_closed:
        before = now - timedelta(days=keeping.messages_closed)
        messages = tuple(
            (str(row["id"]), int(row["number"]), str(row["path"]))
            for row in connection.execute(_MESSAGES)
            if datetime.fromisoformat(row["closed_at"]) < before
        )
    return Due(
        messages,
        _calls(connection, _NUMBERS, keeping.numbers, now),
        _calls(connection, _CALLS, keeping.calls, now),
    )


def still_open(connection: sqlite3.Connection, what: Due) -> int:
    """Count the calls among those due that left no message, whom nobody closed or served (E24).

    Nobody can call back whose number is gone: the head is to know before.
    """
    last_served = dict(connection.execute(_SERVED, tuple(SERVED)).fetchall())
    cares = care.cares(connection, care.Kind.CALL)
    closed = {call for call, care in cares.items() if care.state is MessageState.CLOSED}
    going = {*what.numbers, *what.calls} - closed
    found = (call_log.find(connection, call) for call in going)
    missed = (each for each in found if each is not None and needs_somebody(each))
    return sum(last_served.get(each.caller.number, 0) <= to_ms(each.rang_at) for each in missed)


def _calls(connection: sqlite3.Connection, query: str, days: int, now: datetime) -> tuple[str, ...]:
    if not days:
        return ()
    before = to_ms(now - timedelta(days=days))
    return tuple(str(row[0]) for row in connection.execute(query, {"before": before}))


def erase(connection: sqlite3.Connection, what: Due, keeping: Keeping, now: datetime) -> None:
    """Erase the rows of what is due, and record it, in one transaction.

    The sounds of the messages must be gone before: a file without a row would be taken for a
    message that a power cut kept from being registered (voicemail/recording.py).
    """
    connection.execute("PRAGMA secure_delete = ON")
    with transaction(connection):
        _erase_messages(connection, tuple(ident for ident, _, _ in what.messages))
        _erase_numbers(connection, what.numbers)
        _erase_calls(connection, what.calls)
        for name, days, ids in (
            ("messages", keeping.messages_closed, tuple(ident for ident, _, _ in what.messages)),
            ("numbers", keeping.numbers, what.numbers),
            ("calls", keeping.calls, what.calls),
        ):
            if ids:
                connection.execute(_AUDIT, (now.isoformat(), name, days, json.dumps(ids)))


def deletions(connection: sqlite3.Connection, limit: int = 20) -> tuple[Deletion, ...]:
    """List what was deleted, newest first."""
    rows = connection.execute("SELECT * FROM deletions ORDER BY deletion DESC LIMIT ?", (limit,))
    return tuple(
        Deletion(
            datetime.fromisoformat(row["at"]),
            row["what"],
            int(row["days"]),
            tuple(json.loads(row["ids"])),
        )
        for row in rows
    )


def _erase_messages(connection: sqlite3.Connection, ids: tuple[str, ...]) -> None:
    chosen = [(ident,) for ident in ids]
    connection.executemany("UPDATE calls SET message = '' WHERE message = ?", chosen)
    connection.executemany("DELETE FROM messages WHERE id = ?", chosen)
    connection.executemany("DELETE FROM care WHERE kind = 'message' AND subject = ?", chosen)


def _erase_numbers(connection: sqlite3.Connection, calls: tuple[str, ...]) -> None:
    connection.executemany(
        "UPDATE calls SET caller_number = '', caller_name = '' WHERE call = ?",
        [(call,) for call in calls],
    )
    connection.executemany(
        "UPDATE care SET note = '' WHERE kind = 'call' AND subject = ? AND note <> ''",
        [(call,) for call in calls],
    )


def _erase_calls(connection: sqlite3.Connection, calls: tuple[str, ...]) -> None:
    chosen = [(call,) for call in calls]
    connection.executemany("DELETE FROM calls WHERE call = ?", chosen)
    connection.executemany("DELETE FROM care WHERE kind = 'call' AND subject = ?", chosen)


# ---- retention ahead ---------------------------------------------------------------------------
# What will be erased in the days to come, and what stays because it waits for somebody.
#
# Nothing is changed by looking.

DAYS_AHEAD: Final = 30
_CLOSED: Final = "SELECT closed_at FROM messages WHERE id = ?"
_WAITING: Final = """
    SELECT (SELECT count(*) FROM messages WHERE state <> 'closed'),
        (SELECT received_at FROM messages WHERE state <> 'closed' ORDER BY received_ms LIMIT 1),
        (SELECT count(*) FROM requests WHERE state <> 'done'),
        (SELECT at FROM requests WHERE state <> 'done' ORDER BY at_ms LIMIT 1),
        (SELECT count(*) FROM outbox WHERE state = 'queued')
"""


@dataclass(frozen=True, slots=True)
class Soon:
    """What is past its time by `until`: messages with the moment from which each is, how many else.

    `open_calls` of the calls left no message, and nobody closed them.
    """

    until: datetime
    messages: tuple[tuple[int, datetime], ...]
    numbers: int
    calls: int
    mails: int
    requests: int
    open_calls: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is never erased by age, as nobody has closed it: how many, since when the oldest."""

    messages: int
    oldest_message: datetime | None
    requests: int
    oldest_request: datetime | None
    mails: int


def soon(connection: sqlite3.Connection, keeping: Keeping, now: datetime) -> Soon:
    """Find what will be past its time within 30 days; raises sqlite3.Error."""
    until = now + timedelta(days=DAYS_AHEAD)
    found = due_for_deletion(connection, keeping, until)
    kept = timedelta(days=keeping.messages_closed)
    messages = (
        (number, _closed(connection, ident) + kept) for ident, number, _path in found.messages
    )
    return Soon(
        until,
        tuple(sorted(messages, key=lambda each: (each[1], each[0]))),
        len(found.numbers),
        len(found.calls),
        len(due_mails(connection, keeping.numbers, until)),
        len(due_requests(connection, keeping.calls, until)),
        still_open(connection, found),
    )


def waiting(connection: sqlite3.Connection) -> Waiting:
    """Count what waits for somebody, whatever its age; raises sqlite3.Error."""
    messages, message, requests, request, mails = connection.execute(_WAITING).fetchone()
    return Waiting(messages, _moment(message), requests, _moment(request), mails)


def _closed(connection: sqlite3.Connection, ident: str) -> datetime:
    return datetime.fromisoformat(connection.execute(_CLOSED, (ident,)).fetchone()[0])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# ---- retention words ---------------------------------------------------------------------------
# What is said of how long things are kept, of what was deleted, and of what would be.

KEPT: Final[Mapping[str, Words]] = {
    "messages": Words("Messaggi, dopo la chiusura", "Messages, after closing"),
    "numbers": Words("Numeri di chi ha chiamato", "Callers' numbers"),
    "calls": Words("Chiamate", "Calls"),
    "mails": Words("Testi di e-mail partite", "Texts of mails that left"),
    "requests": Words("Prese in carico chiuse", "Requests that were done"),
}
DAYS: Final = Words("{} giorni", "{} days")
FOR_EVER: Final = Words("per sempre", "for ever")
OPEN: Final = Words(
    "Un messaggio che nessuno ha chiuso non viene mai cancellato per età.",
    "A message that nobody has closed is never deleted by age.",
)
DELETED: Final = Words("Cancellati:", "Deleted:")
NONE_DELETED: Final = Words("Finora non è stato cancellato niente.", "Nothing was deleted so far.")
NONE_DUE: Final = Words("Stanotte non verrebbe cancellato niente.", "Nothing would go tonight.")
DUE: Final[Mapping[str, Words]] = {
    "messages": Words("Messaggi: {}", "Messages: {}"),
    "numbers": Words("Numeri di {} chiamate", "Numbers of {} calls"),
    "calls": Words("{} chiamate", "{} calls"),
}

STILL_OPEN: Final = Words(
    "Di queste, senza messaggio e non ancora chiuse: {}", "Of these, without a message and open: {}"
)


def told(keeping: Keeping, deleted: Iterable[Deletion], language: str) -> Iterator[str]:
    """Say the rules and the latest deletions."""
    days = {
        "messages": keeping.messages_closed, "numbers": keeping.numbers, "calls": keeping.calls,
    }  # fmt: skip
    for what, limit in days.items():
        words = one_call(DAYS, language).format(limit) if limit else one_call(FOR_EVER, language)
        yield f"{one_call(KEPT[what], language)}: {words}"
    yield one_call(OPEN, language)
    rows = [_row(each, language) for each in deleted]
    yield one_call(DELETED, language) if rows else one_call(NONE_DELETED, language)
    yield from rows


def previewed(due: Due, language: str, still_open: int = 0) -> Iterator[str]:
    """Say what would be deleted: messages by their numbers, calls by how many.

    `still_open` of the calls left no message, and nobody closed them.
    """
    if not due.any:
        yield one_call(NONE_DUE, language)
    if due.messages:
        numbers = ", ".join(str(number) for _, number, _ in due.messages)
        yield one_call(DUE["messages"], language).format(numbers)
    if due.numbers:
        yield one_call(DUE["numbers"], language).format(len(due.numbers))
    if due.calls:
        yield one_call(DUE["calls"], language).format(len(due.calls))
    if still_open:
        yield one_call(STILL_OPEN, language).format(still_open)


def _row(each: Deletion, language: str) -> str:
    what = one_call(KEPT[each.what], language)
    return f"  {moment_words(each.at, language)}  {what}: {len(each.ids)}"
