"""Times written before the clock was known, put right at the first synchronisation.

All in one transaction, and the same once more changes nothing: a kill in the middle leaves it to
the next start. Only what was written since the machine started can be put right, as only its
running time links the wrong hour to the true one (reliability.md 6).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from appliance.records.database import transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.clock_steps import Steps

CORRECTED: Final = "corrected"
"""What `clock_state` says of a record whose time was put right."""
_KNOWN: Final = ("synced", CORRECTED)
_BEGIN: Final = """
    INSERT INTO machine_starts (boot, calls, messages, requests, audit) SELECT ?,
        (SELECT coalesce(max(rowid), 0) FROM calls),
        (SELECT coalesce(max(number), 0) FROM messages),
        (SELECT coalesce(max(number), 0) FROM requests),
        (SELECT coalesce(max(number), 0) FROM audit)
    ON CONFLICT (boot) DO NOTHING
"""
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


def begin(connection: sqlite3.Connection, boot: str) -> None:
    """Note where the records of this start of the machine begin; raises sqlite3.Error."""
    with transaction(connection):
        connection.execute(_BEGIN, (boot,))


def correct(connection: sqlite3.Connection, boot: str, steps: Steps) -> int:
    """Put right what this start of the machine wrote before its clock was known.

    Returns how many calls still go on, to be put right once they are over; raises sqlite3.Error.
    """
    with transaction(connection):
        connection.execute(_UNTIL, (boot,))
        start = connection.execute(
            "SELECT * FROM machine_starts WHERE boot = ?", (boot,)
        ).fetchone()
        if start is None:
            return 0
        _messages(connection, start, steps)
        _requests(connection, start, steps)
        _audit(connection, start, steps)
        return _calls(connection, start, steps)


def _calls(connection: sqlite3.Connection, start: sqlite3.Row, steps: Steps) -> int:
    going_on = 0
    for row in connection.execute(_CALLS, (start["calls"], *_KNOWN)).fetchall():
        if row["result"] == "open":
            going_on += 1
        elif (rang := _right(row["rang_at"], steps)) is not None:
            _call(connection, row, rang, steps)
    return going_on


def _call(connection: sqlite3.Connection, row: sqlite3.Row, rang: datetime, steps: Steps) -> None:
    """Put one call right: what came after the clock was known is right already."""
    written = {name: row[name] for name in ("rang_at", "answered_at", "ended_at", "clock_state")}
    later = (_later(row[name], rang, steps) for name in ("answered_at", "ended_at"))
    connection.execute(
        "UPDATE calls SET rang_at = ?, rang_ms = ?, answered_at = ?, ended_at = ?, "
        "clock_state = ?, written = ? WHERE rowid = ?",
        (rang.isoformat(), _ms(rang), *later, CORRECTED, json.dumps(written), row["rowid"]),
    )


def _messages(connection: sqlite3.Connection, start: sqlite3.Row, steps: Steps) -> None:
    found = connection.execute(_MESSAGES, (start["messages"], *_KNOWN, start["calls"]))
    for row in found.fetchall():
        right = _right(row["received_at"], steps)
        if right is not None:
            connection.execute(
                "UPDATE messages SET received_at = ?, received_ms = ?, clock_state = ?, "
                "written_at = ? WHERE number = ?",
                (right.isoformat(), _ms(right), CORRECTED, row["received_at"], row["number"]),
            )


def _requests(connection: sqlite3.Connection, start: sqlite3.Row, steps: Steps) -> None:
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


def _audit(connection: sqlite3.Connection, start: sqlite3.Row, steps: Steps) -> None:
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


def _later(text: str | None, rang: datetime, steps: Steps) -> str | None:
    """Return a later moment of a call whose first one was put right."""
    right = _right(text, steps) if text else None
    return right.isoformat() if right is not None and right >= rang else text


def _right(text: str, steps: Steps) -> datetime | None:
    seconds = steps.corrected(datetime.fromisoformat(text).timestamp())
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)
