"""Clock corrections: times written before the clock was known, corrected once it is.

Only rows since the start of the machine can be corrected: its running time alone links the wrong
hour to the true one (reliability.md 6).
"""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from appliance.store.database import transaction

if TYPE_CHECKING:
    from appliance.policy.clock import ClockSteps

CORRECTED: Final = "corrected"
"""`clock_state` of a row whose time was corrected."""
_KNOWN: Final = ("synced", CORRECTED)
# One row a start of the machine: the last row of each table before it (schema/019).
_BEGIN: Final = """
    INSERT INTO machine_starts (boot, calls, messages, requests, audit) SELECT ?,
        (SELECT coalesce(max(rowid), 0) FROM calls),
        (SELECT coalesce(max(number), 0) FROM messages),
        (SELECT coalesce(max(number), 0) FROM requests),
        (SELECT coalesce(max(number), 0) FROM audit)
    ON CONFLICT (boot) DO NOTHING
"""
# Requests and the audit log have no `clock_state`: their rows between the start and the first
# synchronisation are those with a wrong time.
_UNTIL: Final = """
    UPDATE machine_starts SET
        requests_until = (SELECT coalesce(max(number), 0) FROM requests),
        audit_until = (SELECT coalesce(max(number), 0) FROM audit)
    WHERE boot = ? AND audit_until IS NULL
"""
_CALLS: Final = """
    SELECT rowid, rang_at, answered_at, ended_at, clock_state, result FROM calls
    WHERE rowid > ? AND clock_state NOT IN (?, ?)
"""
_MESSAGES: Final = """
    SELECT number, received_at FROM messages WHERE number > ? AND clock_state NOT IN (?, ?)
    AND call IN (SELECT call FROM calls WHERE rowid > ?)
"""


def note_machine_start(connection: sqlite3.Connection, boot: str) -> None:
    """Note the last rows before this start of the machine; raises sqlite3.Error."""
    with transaction(connection):
        connection.execute(_BEGIN, (boot,))


def correct_times(connection: sqlite3.Connection, boot: str, steps: ClockSteps) -> int:
    """Correct the times that were written since this start, before the clock was known.

    Returns the count of open calls, to be corrected after their end; raises sqlite3.Error.
    """
    # All in one transaction, and repeated it changes nothing: a kill leaves it to the next start.
    with transaction(connection):
        connection.execute(_UNTIL, (boot,))
        start = connection.execute(
            "SELECT * FROM machine_starts WHERE boot = ?", (boot,)
        ).fetchone()
        if start is None:
            return 0
        _correct_messages(connection, start, steps)
        _correct_requests(connection, start, steps)
        _audit(connection, start, steps)
        return _correct_calls(connection, start, steps)


def _correct_calls(connection: sqlite3.Connection, start: sqlite3.Row, steps: ClockSteps) -> int:
    going_on = 0
    for row in connection.execute(_CALLS, (start["calls"], *_KNOWN)).fetchall():
        # The record of an open call is written again, with the times as they were.
        if row["result"] == "open":
            going_on += 1
        elif (rang := _right(row["rang_at"], steps)) is not None:
            _call(connection, row, rang, steps)
    return going_on


def _call(
    connection: sqlite3.Connection, row: sqlite3.Row, rang: datetime, steps: ClockSteps
) -> None:
    """Correct one call; what was first written is kept in its column `written`."""
    written = {name: row[name] for name in ("rang_at", "answered_at", "ended_at", "clock_state")}
    later = (_later(row[name], rang, steps) for name in ("answered_at", "ended_at"))
    connection.execute(
        "UPDATE calls SET rang_at = ?, rang_ms = ?, answered_at = ?, ended_at = ?, "
        "clock_state = ?, written = ? WHERE rowid = ?",
        (rang.isoformat(), _ms(rang), *later, CORRECTED, json.dumps(written), row["rowid"]),
    )


def _correct_messages(
    connection: sqlite3.Connection, start: sqlite3.Row, steps: ClockSteps
) -> None:
    found = connection.execute(_MESSAGES, (start["messages"], *_KNOWN, start["calls"]))
    for row in found.fetchall():
        right = _right(row["received_at"], steps)
        if right is not None:
            connection.execute(
                "UPDATE messages SET received_at = ?, received_ms = ?, clock_state = ?, "
                "written_at = ? WHERE number = ?",
                (right.isoformat(), _ms(right), CORRECTED, row["received_at"], row["number"]),
            )


def _correct_requests(
    connection: sqlite3.Connection, start: sqlite3.Row, steps: ClockSteps
) -> None:
    found = connection.execute(
        "SELECT number, at FROM requests WHERE number > ? AND number <= ? AND written_at IS NULL",
        (start["requests"], start["requests_until"]),
    )
    for row in found.fetchall():
        right = _right(row["at"], steps)
        if right is not None:
            connection.execute(
                "UPDATE requests SET at = ?, at_ms = ?, written_at = ? WHERE number = ?",
                (right.isoformat(), _ms(right), row["at"], row["number"]),
            )


def _audit(connection: sqlite3.Connection, start: sqlite3.Row, steps: ClockSteps) -> None:
    # A row of the audit log stays as it was written: its correction is a column of its own.
    found = connection.execute(
        "SELECT number, at FROM audit WHERE number > ? AND number <= ? AND corrected_at IS NULL",
        (start["audit"], start["audit_until"]),
    )
    for row in found.fetchall():
        right = _right(row["at"], steps)
        if right is not None:
            connection.execute(
                "UPDATE audit SET corrected_at = ? WHERE number = ?",
                (right.isoformat(), row["number"]),
            )


def _later(text: str | None, rang: datetime, steps: ClockSteps) -> str | None:
    """Return a later instant of a call, corrected if its correction is after the ring `rang`."""
    # Else the instant came after the clock was known, and is right as it was written.
    right = _right(text, steps) if text else None
    return right.isoformat() if right is not None and right >= rang else text


def _right(text: str, steps: ClockSteps) -> datetime | None:
    seconds = steps.corrected(datetime.fromisoformat(text).timestamp())
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)
