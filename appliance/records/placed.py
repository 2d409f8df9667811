"""What the call log says of calling out: who has called, what was dialled, what was called back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.calls.orders import CallRecord
from appliance.policy.dialling import Ledger, Placed
from appliance.policy.same_number import canonical
from appliance.records.call_log import from_row, to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from appliance.policy.numbering import Plan

_CALLERS: Final = """
    SELECT caller_number AS number, max(rang_at) AS at, max(rang_ms) FROM calls
    WHERE direction = 'in' AND rang_ms >= ? AND caller_number <> '' GROUP BY caller_number
"""
_ASKERS: Final = "SELECT phone AS number, at FROM requests WHERE at_ms >= ? AND phone <> ''"
_OUT: Final = "SELECT * FROM calls WHERE direction = 'out' AND rang_ms >= ? ORDER BY rang_ms"
_ABOUT: Final = "SELECT * FROM calls WHERE direction = 'out' AND about = ? ORDER BY rang_ms DESC"
_MESSAGE: Final = "SELECT caller_number, caller_name FROM messages WHERE number = ?"
_REQUEST: Final = "SELECT phone, name FROM requests WHERE number = ?"
_CALL: Final = "SELECT caller_number, caller_name FROM calls WHERE call = ? OR rowid = ?"


def ledger(connection: sqlite3.Connection, plan: Plan, now: datetime, days: int) -> Ledger:
    """Read who called or asked within `days`, and every call placed meanwhile.

    A call whose end nobody knows (a power cut) counts as if it had lasted until now: what was
    dialled before a restart still counts against a position's limits.
    """
    since = to_ms(now - timedelta(days=max(days, 1)))
    heard: dict[str, datetime] = {}
    for sql in (_CALLERS, _ASKERS):
        for row in connection.execute(sql, (since,)):
            number, at = canonical(str(row["number"]), plan), datetime.fromisoformat(str(row["at"]))
            heard[number] = max(at, heard.get(number, at))
    rows = connection.execute(_OUT, (since,))
    return Ledger(heard, tuple(_placed(from_row(row), now) for row in rows), loaded=True)


def _placed(record: CallRecord, now: datetime) -> Placed:
    ended = record.ended_at or now
    talked = 0.0
    if record.answered_at is not None or record.ended_at is None:
        talked = max(0.0, (ended - (record.answered_at or record.rang_at)).total_seconds())
    number = record.caller.number
    return Placed(record.call, record.phone, number, record.rang_at, record.case, talked)


def number_of(connection: sqlite3.Connection, case: str) -> tuple[str, str]:
    """Return number and name of whom "message:12", "request:7" or "call:ID" is about.

    Both are "" when there is no such thing, or no number is known of it.
    """
    kind, _, name = case.partition(":")
    if kind == "call":
        row = connection.execute(_CALL, (name, int(name) if name.isdigit() else -1)).fetchone()
    elif kind in {"message", "request"} and name.isdigit():
        sql = _MESSAGE if kind == "message" else _REQUEST
        row = connection.execute(sql, (int(name),)).fetchone()
    else:
        row = None
    return (str(row[0]), str(row[1])) if row else ("", "")


def called_back(
    connection: sqlite3.Connection, cases: Iterable[str]
) -> dict[str, tuple[CallRecord, ...]]:
    """Return the calls that were placed for each case, newest first; none for one without any."""
    found = {
        case: tuple(from_row(row) for row in connection.execute(_ABOUT, (case,))) for case in cases
    }
    return {case: records for case, records in found.items() if records}
