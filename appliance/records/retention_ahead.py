"""What will be erased in the days to come, and what stays because it waits for somebody.

Nothing is changed by looking.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.records.request_retention import due_mails, due_requests
from appliance.records.retention import Keeping, due, still_open

if TYPE_CHECKING:
    import sqlite3

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
    found = due(connection, keeping, until)
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
