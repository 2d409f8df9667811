"""Calls as a page shows them: those of a day, those of a number, and all that is kept of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from appliance.policy.numbering import HOME, Plan
from appliance.policy.same_number import is_like, tail
from appliance.records import care, placed, requests
from appliance.records.call_log import from_row, to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from appliance.calls.orders import CallRecord
    from appliance.policy.messages import Entry
    from appliance.policy.requests import Request

MOST: Final = 500
COMMON: Final = 2
"""So many last digits of what was typed stand in every number that it finds, however written."""
_ONE: Final = "SELECT rowid, * FROM calls WHERE call = ?"
_OF_DAY: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND rang_ms < ? "
    "ORDER BY rang_ms DESC, rowid DESC LIMIT ?"
)
_LIKE: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND caller_number LIKE ? "
    "AND caller_number <> '' ORDER BY rang_ms DESC, rowid DESC"
)
_REQUESTS: Final = "SELECT number FROM requests WHERE call = ? ORDER BY number"
_MESSAGE: Final = "SELECT number FROM messages WHERE call = ?"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A call with its short number."""

    number: int
    record: CallRecord


@dataclass(frozen=True, slots=True)
class About:
    """All that is kept of one call; `back` are the calls back, newest first.

    `message` is the number of the message that it left, 0 for none; `entries` what was done and
    noted, oldest first.
    """

    one: Numbered
    entries: tuple[Entry, ...]
    requests: tuple[Request, ...]
    message: int
    back: tuple[CallRecord, ...]


def of_day(
    connection: sqlite3.Connection, since: datetime, until: datetime, most: int = MOST
) -> tuple[Numbered, ...]:
    """List the calls that rang or were dialled in a time, newest first."""
    return _numbered(connection.execute(_OF_DAY, (to_ms(since), to_ms(until), most)))


def of_number(
    connection: sqlite3.Connection,
    number: str,
    since: datetime,
    plan: Plan = HOME,
    most: int = MOST,
) -> tuple[Numbered, ...]:
    """List the calls from and to a number since an instant, however it was sent; newest first.

    Part of a number finds all that begin or end with it (see policy.same_number.is_like).
    """
    ends = tail(number)[-COMMON:]
    rows = connection.execute(_LIKE, (to_ms(since), f"%{ends}%"))
    same = (row for row in rows if is_like(str(row["caller_number"]), number, plan))
    return _numbered(islice(same, most))


def about(connection: sqlite3.Connection, call: str) -> About | None:
    """Gather all that is kept of a call; None where there is no such call."""
    row = connection.execute(_ONE, (call,)).fetchone()
    if row is None:
        return None
    message = connection.execute(_MESSAGE, (call,)).fetchone()
    numbers = [int(found["number"]) for found in connection.execute(_REQUESTS, (call,))]
    return About(
        Numbered(int(row["rowid"]), from_row(row)),
        care.history(connection, care.Kind.CALL, call),
        tuple(requests.required(connection, number).request for number in numbers),
        int(message["number"]) if message else 0,
        placed.called_back(connection, (f"call:{call}",)).get(f"call:{call}", ()),
    )


def _numbered(rows: Iterable[sqlite3.Row]) -> tuple[Numbered, ...]:
    return tuple(Numbered(int(row["rowid"]), from_row(row)) for row in rows)
