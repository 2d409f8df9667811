"""How long messages, callers' numbers and calls are kept; what went is recorded, never whose.

Messages that nobody closed never go by age (P9). What is erased is overwritten in the file, too
(SQLite secure_delete): a number is not found there any more once the write-ahead log was taken in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.policy.messages import MessageState
from appliance.records import call_log
from appliance.records import care as cares_of
from appliance.records.call_log import to_ms
from appliance.records.database import transaction
from appliance.records.missed import SERVED, needs_somebody

if TYPE_CHECKING:
    import sqlite3


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


def due(connection: sqlite3.Connection, keeping: Keeping, now: datetime) -> Due:
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
    cares = cares_of.cares(connection, cares_of.Kind.CALL)
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
    message that a power cut kept from being registered (voicemail/recovery.py).
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
