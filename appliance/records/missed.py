"""Calls that left no message, and interrupted ones: a list with the states of messages (E18, E24).

Whoever called again and was answered, or left a message then, is served: the earlier call needs
nobody any more, and is shown with the later one.
"""

from __future__ import annotations

import functools
import json
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.calls.events import Presentation
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.policy.messages import Care, MessageState
from appliance.policy.numbering import HOME, Plan
from appliance.policy.same_number import canonical, tail
from appliance.records import care as cares_of
from appliance.records.call_log import from_row, to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from appliance.records.messages import Message


def _names(results: Iterable[Result]) -> str:
    """Write results as a list of SQL."""
    return ", ".join(f"'{result}'" for result in results)


MISSED: Final = (
    Result.GAVE_UP, Result.NO_MESSAGE, Result.NOT_STORED, Result.LOST, Result.STOPPED,
    Result.INTERRUPTED,
)  # fmt: skip
"""How a call ends whose caller was not served to the end, for all that is known."""
SERVED: Final = (Result.ANSWERED, Result.MESSAGE)
CALLBACK_WANTED: Final = "callback_wanted"
"""In the trail of a call: the caller asked, by a key, to be called back."""
HINT_WITHIN: Final = timedelta(minutes=10)
"""A call so long before a message without a number may be the same person's (E16)."""
DAYS: Final = 30
"""How far back missed calls are listed: nobody calls back after a month."""
NONE: Final = 0
"""The short number of no call."""
_MAYBE: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND message = '' "  # noqa: S608 - constants
    f"AND (result IN ({_names(MISSED)}) OR instr(trail, '{CALLBACK_WANTED}')) "
    "ORDER BY rang_ms DESC, rowid DESC"
)
"""What may be in the list: `needs_somebody` decides."""
_SERVED: Final = (
    "SELECT rowid, caller_number, rang_ms, rang_at FROM calls "  # noqa: S608 - constants
    "WHERE rang_ms >= ? AND caller_number <> '' "
    f"AND result IN ({_names(SERVED)}) ORDER BY rang_ms, rowid"
)
_THOSE: Final = "SELECT rowid, * FROM calls WHERE rowid IN (SELECT value FROM json_each(?))"
_BETWEEN: Final = "SELECT * FROM calls WHERE rang_ms BETWEEN ? AND ? ORDER BY rang_ms, rowid"


@dataclass(frozen=True, slots=True)
class Missed:
    """A call that left no message; `number` is its short one, `again` the caller's next call
    that was served, `wanted` whether the caller asked to be called back."""

    number: int
    record: CallRecord
    care: Care = Care()
    again: CallRecord | None = None
    wanted: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether somebody should call back: nobody closed it, nobody was served since."""
        return self.care.state is not MessageState.CLOSED and self.again is None


def missed(
    connection: sqlite3.Connection, since: datetime, plan: Plan = HOME
) -> tuple[Missed, ...]:
    """List the missed calls that rang since an instant, newest first; open or not.

    Every call is looked at once, and most are not decoded: the list is asked for every minute.
    """
    ms = to_ms(since)
    cares = cares_of.cares(connection, cares_of.Kind.CALL)
    rows = connection.execute(_MAYBE, (ms,))
    maybe = ((int(row["rowid"]), from_row(row)) for row in rows)
    found = [(number, record) for number, record in maybe if needs_somebody(record)]
    tails = {tail(record.caller.number) for _, record in found if record.caller.number}
    served = _Served(connection, ms, tails, plan)
    again = {number: served.after(record) for number, record in found}
    later = _those(connection, again.values())
    return tuple(
        Missed(
            number,
            record,
            cares.get(record.call, Care()),
            later.get(again[number]),
            is_wanted(record),
        )
        for number, record in found
    )


def _those(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, CallRecord]:
    """Read calls by their short numbers, in one query; what is none is left out."""
    rows = connection.execute(_THOSE, (json.dumps(sorted(set(numbers))),))
    return {int(row["rowid"]): from_row(row) for row in rows}


class _Served:
    """The calls since an instant whose callers were served, by number, in the order they rang.

    Of numbers with one of some `tails` alone: others are nobody's who is missed.
    """

    def __init__(
        self, connection: sqlite3.Connection, since_ms: int, tails: Collection[str], plan: Plan
    ) -> None:
        self._canonical = functools.cache(lambda number: canonical(number, plan))
        self._of: dict[str, list[tuple[int, int, str]]] = {}
        """For each number (ms, rowid, ISO time) of its calls, ascending."""
        for row in connection.execute(_SERVED, (since_ms,)):
            number = row["caller_number"]
            if tail(number) in tails:
                calls = self._of.setdefault(self._canonical(number), [])
                calls.append((row["rang_ms"], row["rowid"], row["rang_at"]))

    def after(self, record: CallRecord) -> int:
        """Find the first later call from the same number that was served, NONE for none."""
        calls = self._of.get(self._canonical(record.caller.number), [])
        ms = to_ms(record.rang_at)
        for rang_ms, number, rang_at in calls[bisect_left(calls, (ms, 0, "")) :]:
            if rang_ms > ms or datetime.fromisoformat(rang_at) > record.rang_at:
                return number
        return NONE


def needs_somebody(record: CallRecord) -> bool:
    """Tell whether a call belongs in the list; one that left a message is in the other."""
    if record.direction is not Direction.IN:
        return False
    return not record.message and (record.result in MISSED or is_wanted(record))


def is_wanted(record: CallRecord) -> bool:
    """Tell whether the caller asked to be called back, or spoke and was told that it is not kept.

    Below the low-water mark this is what stays of a message: whom to call back (reliability.md 4).
    """
    return CALLBACK_WANTED in record.trail or record.result is Result.NOT_STORED


def hints(connection: sqlite3.Connection, message: Message) -> tuple[CallRecord, ...]:
    """Find whose message without a number it may be: calls of the ten minutes before it (E16).

    From a shown number, and without a message of their own; newest first. None for a message that
    has its number.
    """
    if not without_number(message):
        return ()
    span = to_ms(message.received_at - HINT_WITHIN), to_ms(message.received_at)
    rows = connection.execute(_BETWEEN, span)
    found = [record for record in map(from_row, rows) if _may_be(record, message)]
    return tuple(reversed(found))


def without_number(message: Message) -> bool:
    """Tell whether there is no number to call back."""
    return not message.caller.number


def _may_be(record: CallRecord, message: Message) -> bool:
    shown = record.caller.presentation is Presentation.SHOWN
    earlier = record.call != message.call and record.rang_at <= message.received_at
    return bool(shown and earlier and needs_somebody(record))


def as_json_rows(found: Iterable[Missed]) -> list[dict[str, object]]:
    """Write missed calls for programmes; the keys are kept stable."""
    return [_json_row(one) for one in found]


def as_json(found: Iterable[Missed]) -> str:
    """Write the list for programmes."""
    return json.dumps(as_json_rows(found), ensure_ascii=False, indent=2)


def _json_row(one: Missed) -> dict[str, object]:
    record, closing = one.record, one.care.closing
    return {
        "number": one.number,
        "call": record.call,
        "line": record.line,
        "rang": record.rang_at.isoformat(),
        "caller": record.caller.number or None,
        "caller_name": record.caller.name or None,
        "presentation": record.caller.presentation.value,
        "called": record.called or None,
        "phone": record.phone or None,
        "stage": record.trail[-1] if record.trail else None,
        "result": record.result.value,
        "callback_wanted": one.wanted,
        "state": one.care.state.value,
        "open": one.is_open,
        "taken_by": one.care.holder or None,
        "outcome": closing.outcome if closing else None,
        "failed": [at.isoformat() for at in one.care.failed],
        "served_later": one.again.rang_at.isoformat() if one.again else None,
    }
