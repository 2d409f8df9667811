"""How long requests and the texts of mails are kept: they hold citizens' numbers and addresses.

A request that nobody closed never goes by age, nor does a mail that has not left. What went is
recorded by how many, never whose.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.records.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_MAILS: Final = """
    SELECT number, settled_at FROM outbox WHERE state IN ('sent', 'dropped') AND body <> ''
"""
_REQUESTS: Final = """
    SELECT requests.number, recording, max(request_steps.at) AS ended FROM requests
    JOIN request_steps ON request_steps.request = requests.number
    WHERE state = 'done' GROUP BY requests.number
"""
_EMPTY: Final = """
    UPDATE outbox SET recipient = '', subject = '', body = '', calendar = '', attachments = '[]',
        said = '' WHERE number = ?
"""
_AUDIT: Final = "INSERT INTO deletions (at, what, days, ids) VALUES (?, ?, ?, ?)"


def due_mails(connection: sqlite3.Connection, days: int, now: datetime) -> tuple[int, ...]:
    """Find the mails that left, or were given up, so long ago; 0 days is for ever."""
    rows = connection.execute(_MAILS).fetchall() if days else ()
    return tuple(int(row["number"]) for row in rows if _is_past(row["settled_at"], days, now))


def due_requests(
    connection: sqlite3.Connection, days: int, now: datetime
) -> tuple[tuple[int, str], ...]:
    """Find the requests that ended so long ago, with the files of their words ("" for none)."""
    rows = connection.execute(_REQUESTS).fetchall() if days else ()
    return tuple(
        (int(row["number"]), str(row["recording"]))
        for row in rows
        if _is_past(row["ended"], days, now)
    )


def empty_mails(
    connection: sqlite3.Connection, numbers: Iterable[int], days: int, now: datetime
) -> None:
    """Take out of mails whatever says whom they concerned; that one left, and when, stays."""
    chosen = tuple(numbers)
    with transaction(connection):
        connection.executemany(_EMPTY, [(number,) for number in chosen])
        _note(connection, "mails", days, chosen, now)


def erase_requests(
    connection: sqlite3.Connection, numbers: Iterable[int], days: int, now: datetime
) -> None:
    """Erase requests whose sounds are gone already, their history, slots and mails."""
    chosen = tuple(numbers)
    with transaction(connection):
        for number in chosen:
            connection.execute("DELETE FROM bookings WHERE request = ?", (number,))
            connection.execute("DELETE FROM request_links WHERE request = ?", (number,))
            connection.execute("DELETE FROM request_steps WHERE request = ?", (number,))
            connection.execute(
                "DELETE FROM outbox WHERE state IN ('sent', 'dropped') AND "
                "(key = :key OR key LIKE :key || '-%')",
                {"key": f"request-{number}"},
            )
            connection.execute("DELETE FROM requests WHERE number = ?", (number,))
        _note(connection, "requests", days, chosen, now)


def _note(
    connection: sqlite3.Connection, what: str, days: int, ids: tuple[int, ...], now: datetime
) -> None:
    if ids:
        connection.execute(_AUDIT, (now.isoformat(), what, days, json.dumps([str(n) for n in ids])))


def _is_past(at: str, days: int, now: datetime) -> bool:
    return datetime.fromisoformat(at) < now - timedelta(days=days)
