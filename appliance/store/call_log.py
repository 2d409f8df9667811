"""Call log: one row a call, written whole at the ring, at each state and at the end.

So the caller's number survives a power cut in the middle of the call (reliability.md 4, "Call
record").
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from appliance.calls.events import Caller, Evidence, Presentation
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.policy.dialling import DialLedger, PlacedCall
from appliance.policy.numbering import (
    HOME_PLAN,
    NumberingPlan,
    are_same_number,
    canonical_number,
    is_number_like,
    number_tail,
)
from appliance.policy.routing import Destination
from appliance.policy.text import SaidError
from appliance.store.database import transaction
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Nothing but what JSON can hold, too: the sidecar of a message keeps the same columns.
Value = str | int | None
"""The value of a column."""

NO_WORDS: Final = "[]"
NO_DESTINATION: Final = "none"
"""Column `way` of a call that nobody and nothing has served."""
"""An empty list in a column."""
_COLUMNS: Final = (
    "call", "line", "rang_at", "rang_ms", "clock_state", "called", "caller_presentation",
    "caller_number", "caller_name", "way", "reason", "phone", "answered_at", "ended_at", "result",
    "evidence", "release_ms", "message", "unit", "need", "transfer_reason", "declaration", "target",
    "returned", "trail", "direction", "number_class", "about", "sheets",
    "told",
)  # fmt: skip
_TIMES: Final = ("rang_at", "rang_ms", "clock_state")
_LATER_TIMES: Final = ("answered_at", "ended_at")
# Columns that a record of call control must not simply overwrite.
_KEPT: Final = {
    # `written` is set once a call's times were corrected: a record from memory still has the wrong
    # ones (store/clock.py, reliability.md 6).
    **{c: f"CASE calls.written WHEN '' THEN excluded.{c} ELSE calls.{c} END" for c in _TIMES},
    # The end of a call that was corrected before it ended came after the clock was known: it is
    # right as it is.
    **{
        c: f"CASE WHEN calls.written = '' OR calls.{c} IS NULL AND excluded.{c} >= calls.rang_at "
        f"THEN excluded.{c} ELSE calls.{c} END"
        for c in _LATER_TIMES
    },
    # The store links the message, and an operator may note a sheet after the call's end (P2): a
    # record made before that is written after it, and must not undo it.
    "message": "CASE excluded.message WHEN '' THEN calls.message ELSE excluded.message END",
    "sheets": "CASE excluded.sheets WHEN '[]' THEN calls.sheets ELSE excluded.sheets END",
    "told": "CASE excluded.told WHEN '[]' THEN calls.told ELSE excluded.told END",
}
# `boot` is the run of call control that wrote the row last: by it close_interrupted finds the open
# calls of earlier runs (E18).
_UPSERT: Final = (
    f"INSERT INTO calls (boot, {', '.join(_COLUMNS)}) VALUES (:boot, :{', :'.join(_COLUMNS)}) "  # noqa: S608 - constant names
    f"ON CONFLICT (call) DO UPDATE SET boot = excluded.boot, "
    + ", ".join(f"{c} = {_KEPT.get(c, f'excluded.{c}')}" for c in _COLUMNS[1:])
)
_INSERT_IF_NEW: Final = (
    _UPSERT.split(" ON CONFLICT", maxsplit=1)[0] + " ON CONFLICT (call) DO NOTHING"
)
# Power may fail between a message and its call's last record: the caller was told "stored", so the
# call ends as one with a message.
_CLOSE: Final = """
    UPDATE calls SET
        result = CASE WHEN EXISTS
            (SELECT 1 FROM messages WHERE messages.call = calls.call AND interrupted = 0)
            THEN 'message' ELSE 'interrupted' END,
        trail = json_insert(trail, '$[#]', 'interrupted')
    WHERE result = 'open' AND boot <> ?
    RETURNING *
"""


def upsert_calls(connection: sqlite3.Connection, records: Iterable[CallRecord], boot: str) -> None:
    """Write call records whole, in one transaction; the same record twice changes nothing."""
    rows = [{"boot": boot, **call_to_row(record)} for record in records]
    with transaction(connection):
        connection.executemany(_UPSERT, rows)


def insert_if_new(connection: sqlite3.Connection, record: CallRecord, boot: str) -> None:
    """Write a record unless its call is in the log, inside the caller's transaction."""
    connection.execute(_INSERT_IF_NEW, {"boot": boot, **call_to_row(record)})


def close_interrupted(connection: sqlite3.Connection, boot: str) -> tuple[CallRecord, ...]:
    """Close the calls that earlier runs left OPEN and return them (E18, "Chiamate interrotte").

    They become INTERRUPTED, or MESSAGE if their whole message was stored. `ended_at` stays empty,
    as the end of the call is not known.
    """
    with transaction(connection):
        rows = connection.execute(_CLOSE, (boot,)).fetchall()
    return tuple(sorted((call_from_row(row) for row in rows), key=lambda r: r.rang_at))


def note_sheet(connection: sqlite3.Connection, call: str, sheet: str) -> CallRecord:
    """Add a sheet that answered a call (P2), also after its end; the same sheet twice is one.

    Raises OfficeError for an unknown call.
    """
    with transaction(connection):
        record = _known_call(connection, call)
        sheets = tuple(dict.fromkeys((*record.sheets, sheet)))
        text = json.dumps(sheets, ensure_ascii=False)
        connection.execute("UPDATE calls SET sheets = ? WHERE call = ?", (text, call))
    return replace(record, sheets=sheets)


def note_told(connection: sqlite3.Connection, call: str, entry: str) -> CallRecord:
    """Add an entry of the address book of which the caller was told a number, like a sheet.

    Raises OfficeError for an unknown call.
    """
    with transaction(connection):
        record = _known_call(connection, call)
        told = tuple(dict.fromkeys((*record.told, entry)))
        text = json.dumps(told, ensure_ascii=False)
        connection.execute("UPDATE calls SET told = ? WHERE call = ?", (text, call))
    return replace(record, told=told)


def _known_call(connection: sqlite3.Connection, call: str) -> CallRecord:
    record = find_call(connection, call)
    if record is None:
        raise SaidError(_("there is no call {call!r}: see centralino calls list --json", call=call))
    return record


def last_call_of_phone(
    connection: sqlite3.Connection, phone: str, since: datetime
) -> CallRecord | None:
    """Return the last call that a phone answered and that ended since an instant."""
    rows = connection.execute(
        "SELECT * FROM calls WHERE phone = ? AND ended_at IS NOT NULL "
        "ORDER BY rang_ms DESC, rowid DESC LIMIT 20",
        (phone,),
    )
    ended = (call_from_row(row) for row in rows)
    fresh = (each for each in ended if each.ended_at is not None and each.ended_at >= since)
    return next(fresh, None)


def calls_of_phone(
    connection: sqlite3.Connection, phone: str, since: datetime, most: int
) -> tuple[CallRecord, ...]:
    """Return the last calls of a phone that began since an instant and are over, newest first."""
    rows = connection.execute(
        "SELECT * FROM calls WHERE phone = ? AND ended_at IS NOT NULL AND rang_ms >= ? "
        "ORDER BY rang_ms DESC, rowid DESC LIMIT ?",
        (phone, int(since.timestamp() * 1000), most),
    )
    return tuple(call_from_row(row) for row in rows)


def find_call(connection: sqlite3.Connection, call: str) -> CallRecord | None:
    """Look a call up by its id."""
    row = connection.execute("SELECT * FROM calls WHERE call = ?", (call,)).fetchone()
    return call_from_row(row) if row else None


def list_calls(
    connection: sqlite3.Connection,
    *,
    since: datetime | None = None,
    line: str = "",
    called: str = "",
    result: Result | None = None,
    limit: int = 100,
) -> tuple[CallRecord, ...]:
    """List calls, newest first, at most `limit`: since an instant, of a line, result, number (P1).

    "" and None mean any.
    """
    rows = connection.execute(
        "SELECT * FROM calls WHERE rang_ms >= :since AND :line IN ('', line) "
        "AND :called IN ('', called) AND :result IN ('', result) "
        "ORDER BY rang_ms DESC, rowid DESC LIMIT :limit",
        {
            "since": to_ms(since) if since else 0,
            "line": line,
            "called": called,
            "result": result or "",
            "limit": limit,
        },
    )
    return tuple(call_from_row(row) for row in rows)


def calls_from_number(
    connection: sqlite3.Connection,
    number: str,
    since: datetime,
    most: int,
    plan: NumberingPlan = HOME_PLAN,
) -> tuple[CallRecord, ...]:
    """List the latest calls from a number, in any of its forms, newest first; none for ""."""
    # SQL compares the last digits alone, as an exchange may send the country's code without its
    # sign, or omit a leading zero; `are_same_number` decides.
    rows = connection.execute(
        "SELECT * FROM calls WHERE rang_ms >= :since AND caller_number LIKE :tail "
        "AND caller_number <> '' AND direction = 'in' ORDER BY rang_ms DESC",
        {"since": to_ms(since), "tail": f"%{number_tail(number)}"},
    )
    same = (row for row in rows if are_same_number(str(row["caller_number"]), number, plan))
    return tuple(call_from_row(row) for row in islice(same, most))


def destination_from(text: str) -> Destination | None:
    """Return the destination in column `way`; raises ValueError."""
    return None if text == NO_DESTINATION else Destination(text)


def call_to_row(record: CallRecord) -> dict[str, Value]:
    """Map a record to its columns; also the record's form in a message's sidecar."""
    return {
        "call": record.call,
        "line": record.line,
        "rang_at": record.rang_at.isoformat(),
        "rang_ms": to_ms(record.rang_at),
        "clock_state": record.clock_state,
        "called": record.called,
        **caller_to_row(record.caller),
        "way": record.way.value if record.way else NO_DESTINATION,
        "reason": record.reason,
        "phone": record.phone,
        "answered_at": iso(record.answered_at),
        "ended_at": iso(record.ended_at),
        "result": record.result.value,
        "evidence": record.evidence.value if record.evidence else None,
        "release_ms": record.release_ms,
        "message": record.message,
        "unit": record.unit,
        "need": record.need,
        "transfer_reason": record.transfer_reason,
        "declaration": record.declaration,
        "target": record.target,
        "returned": record.returned,
        "trail": json.dumps(record.trail, ensure_ascii=False),
        "direction": record.direction.value,
        "number_class": record.number_class,
        "about": record.case,
        "sheets": json.dumps(record.sheets, ensure_ascii=False),
        "told": json.dumps(record.told, ensure_ascii=False),
    }


def call_from_row(row: Mapping[str, object] | sqlite3.Row) -> CallRecord:
    """Make a record of its columns; raises KeyError, ValueError, TypeError.

    Columns that a sidecar of an older version lacks get their default.
    """
    had: Mapping[str, object] = by_column(row)
    return CallRecord(
        call=str(had["call"]),
        line=str(had["line"]),
        rang_at=datetime.fromisoformat(str(had["rang_at"])),
        clock_state=str(had["clock_state"]),
        called=str(had["called"]),
        caller=caller_from_row(had),
        way=destination_from(str(had["way"])),
        reason=str(had["reason"]),
        phone=str(had["phone"]),
        answered_at=moment(had["answered_at"]),
        ended_at=moment(had["ended_at"]),
        result=Result(str(had["result"])),
        evidence=Evidence(str(had["evidence"])) if had["evidence"] else None,
        release_ms=_number(had["release_ms"]),
        message=str(had["message"]),
        unit=str(had.get("unit", "")),
        need=str(had.get("need", "")),
        transfer_reason=str(had.get("transfer_reason", "")),
        declaration=_number(had.get("declaration")) or 0,
        target=str(had.get("target", "")),
        returned=str(had.get("returned", "")),
        trail=words_from(str(had["trail"])),
        direction=Direction(_since_006(had, "direction") or Direction.IN),
        number_class=_since_006(had, "number_class"),
        case=_since_006(had, "about"),
        sheets=words_from(_since_006(had, "sheets") or NO_WORDS),
        told=words_from(_since_006(had, "told") or NO_WORDS),
    )


def by_column(row: Mapping[str, object] | sqlite3.Row) -> dict[str, object]:
    """Convert a row to a dict by column; raises TypeError, ValueError for anything but a row."""
    # A quarter of the time of `dict(row)`, which looks up each name anew; a report reads thousands.
    if isinstance(row, sqlite3.Row):
        return dict(zip(row.keys(), row, strict=True))
    return dict(row)


def _since_006(row: Mapping[str, object], column: str) -> str:
    """Return a column of migration 006; "" from a sidecar of an older version without it."""
    return str(row.get(column, ""))


def caller_to_row(caller: Caller) -> dict[str, Value]:
    """Map a caller to its three columns."""
    return {
        "caller_presentation": caller.presentation.value,
        "caller_number": caller.number,
        "caller_name": caller.name,
    }


def caller_from_row(row: Mapping[str, object] | sqlite3.Row) -> Caller:
    """Make a caller of its three columns."""
    presentation = Presentation(str(row["caller_presentation"]))
    return Caller(presentation, str(row["caller_number"]), str(row["caller_name"]))


def iso(when: datetime | None) -> str | None:
    """Write an instant with its offset from UTC (ISO 8601), None for None."""
    return when.isoformat() if when else None


def moment(text: object) -> datetime | None:
    """Read an instant that `iso` wrote."""
    return datetime.fromisoformat(str(text)) if text else None


def to_ms(when: datetime) -> int:
    """Return an aware instant in ms since 1970, UTC; columns of it are for sorting."""
    return round(when.timestamp() * 1000)


def words_from(text: str) -> tuple[str, ...]:
    """Read a list of words from its column."""
    # Most lists are empty, and a report reads thousands: those are not parsed.
    return () if text == NO_WORDS else tuple(json.loads(text))


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))


_CALLERS: Final = """
    SELECT caller_number AS number, max(rang_at) AS at, max(rang_ms) FROM calls
    WHERE direction = 'in' AND rang_ms >= ? AND caller_number <> '' GROUP BY caller_number
"""
_ASKERS: Final = "SELECT phone AS number, at FROM requests WHERE at_ms >= ? AND phone <> ''"
_OUT: Final = "SELECT * FROM calls WHERE direction = 'out' AND rang_ms >= ? ORDER BY rang_ms"
_ABOUT: Final = "SELECT * FROM calls WHERE direction = 'out' AND about = ? ORDER BY rang_ms DESC"


def ledger(
    connection: sqlite3.Connection, plan: NumberingPlan, now: datetime, days: int
) -> DialLedger:
    """Read the numbers that called or asked within `days`, and every call placed meanwhile."""
    since = to_ms(now - timedelta(days=max(days, 1)))
    heard: dict[str, datetime] = {}
    for sql in (_CALLERS, _ASKERS):
        for row in connection.execute(sql, (since,)):
            number, at = (
                canonical_number(str(row["number"]), plan),
                datetime.fromisoformat(str(row["at"])),
            )
            heard[number] = max(at, heard.get(number, at))
    rows = connection.execute(_OUT, (since,))
    # `loaded`: while the call log is unread nobody is told that a number has never called.
    return DialLedger(heard, tuple(_placed(call_from_row(row), now) for row in rows), loaded=True)


def _placed(record: CallRecord, now: datetime) -> PlacedCall:
    # A call without a known end (a power cut) counts as if it had lasted until now: a restart frees
    # no position of its limits (toll fraud, E17).
    ended = record.ended_at or now
    talked = 0.0
    if record.answered_at is not None or record.ended_at is None:
        talked = max(0.0, (ended - (record.answered_at or record.rang_at)).total_seconds())
    number = record.caller.number
    return PlacedCall(record.call, record.phone, number, record.rang_at, record.case, talked)


def called_back(
    connection: sqlite3.Connection, cases: Iterable[str]
) -> dict[str, tuple[CallRecord, ...]]:
    """Return the calls placed for each case, newest first; cases without one are left out."""
    found = {
        case: tuple(call_from_row(row) for row in connection.execute(_ABOUT, (case,)))
        for case in cases
    }
    return {case: records for case, records in found.items() if records}


MOST_SHOWN: Final = 500
COMMON_DIGITS: Final = 2
"""Last digits of the typed number that every found number contains, in any of its forms."""

_BETWEEN: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND rang_ms < ? "
    "ORDER BY rang_ms DESC, rowid DESC LIMIT ?"
)
_WITH_DIGITS: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND caller_number LIKE ? "
    "AND caller_number <> '' ORDER BY rang_ms DESC, rowid DESC"
)


@dataclass(frozen=True, slots=True)
class NumberedCall:
    """A call with its short number, by which people name it."""

    number: int
    record: CallRecord


def calls_between(
    connection: sqlite3.Connection, since: datetime, until: datetime, most: int = MOST_SHOWN
) -> tuple[NumberedCall, ...]:
    """List the calls from `since` to before `until`, incoming and outgoing, newest first."""
    return _numbered(connection.execute(_BETWEEN, (to_ms(since), to_ms(until), most)))


def calls_with_number(
    connection: sqlite3.Connection,
    number: str,
    since: datetime,
    plan: NumberingPlan = HOME_PLAN,
    most: int = MOST_SHOWN,
) -> tuple[NumberedCall, ...]:
    """List the calls from and to a number since an instant, in any of its forms; newest first.

    Part of a number finds all that begin or end with it (see policy.numbering.is_number_like).
    """
    # SQL narrows down to rows with those digits; `is_number_like` decides.
    ends = number_tail(number)[-COMMON_DIGITS:]
    rows = connection.execute(_WITH_DIGITS, (to_ms(since), f"%{ends}%"))
    same = (row for row in rows if is_number_like(str(row["caller_number"]), number, plan))
    return _numbered(islice(same, most))


def _numbered(rows: Iterable[sqlite3.Row]) -> tuple[NumberedCall, ...]:
    return tuple(NumberedCall(int(row["rowid"]), call_from_row(row)) for row in rows)
