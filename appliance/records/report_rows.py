"""Calls and requests as the report sums them up (policy/report.py), out of the database."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final

from appliance.calls.orders import CallRecord, Direction, Result, Way
from appliance.policy.due import is_overdue
from appliance.policy.register.declarations import ReturnRule
from appliance.policy.report import CallRow, Ending, RequestRow, Sent
from appliance.policy.requests import Request, State
from appliance.records import requests
from appliance.records.call_log import from_row, to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from appliance.policy.hours import Schedule

ENDINGS: Final[dict[str, Ending]] = {
    Result.ANSWERED: Ending.FILTER,  # unless it was transferred
    Result.INFORMED: Ending.INFORMED,
    Result.MESSAGE: Ending.VOICEMAIL,
    Result.NO_MESSAGE: Ending.LOST,
    Result.GAVE_UP: Ending.LOST,
    Result.NOT_STORED: Ending.LOST,
    Result.LOST: Ending.LOST,
    Result.STOPPED: Ending.LOST,
    Result.INTERRUPTED: Ending.LOST,
    Result.FAX: Ending.OTHER,
    Result.TAKEN: Ending.OTHER,
}
"""How a call counts; one that still goes on is not counted."""
TRANSFERRED, RETURNED = "transferred.", "returned."
"""In the trail of a call: `transferred.UNIT`, `returned.UNIT.REASON`."""
MOST_REQUESTS: Final = 100_000
_CALLS: Final = "SELECT * FROM calls WHERE rang_ms >= ? AND rang_ms < ? ORDER BY rang_ms"
_TAKEN: Final = "SELECT number, unit, rule FROM requests WHERE at_ms >= ? AND at_ms < ?"


def call_rows(
    connection: sqlite3.Connection, start: datetime, end: datetime, zone: tzinfo
) -> tuple[CallRow, ...]:
    """Read the calls that rang from `start` on, before `end`, and are over; not those dialled."""
    rows = connection.execute(_CALLS, (to_ms(start), to_ms(end)))
    return tuple(
        call_row(record, zone)
        for record in map(from_row, rows)
        if record.result.value in ENDINGS and _came_in(record)
    )


def call_row(record: CallRecord, zone: tzinfo) -> CallRow:
    """Make a call's row; its result must be among ENDINGS."""
    sent = tuple(_sent(record))
    ending = ENDINGS[record.result.value]
    if ending is Ending.FILTER and sent:
        ending = Ending.RETURNED if sent[-1].returned else Ending.TRANSFERRED
    answered = record.result is Result.ANSWERED and record.answered_at is not None
    return CallRow(
        record.rang_at.astimezone(zone),
        record.called,
        ending,
        _wait_s(record) if answered else None,
        record.way is Way.CITIZENS_DESK,
        sent,
        record.phone if answered else "",
    )


def request_rows(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    calendar: Schedule,
    now: datetime,
) -> tuple[RequestRow, ...]:
    """Read the requests taken from `start` on, before `end`, and those that are open now."""
    still = {
        kept.request.number: kept.request
        for kept in requests.listed(
            connection, State.OPEN, State.SENT, State.TAKEN, limit=MOST_REQUESTS
        )
    }
    taken = connection.execute(_TAKEN, (to_ms(start), to_ms(end))).fetchall()
    counted = {int(row["number"]): row for row in taken}
    done = [
        RequestRow(str(row["unit"]), row["rule"] == ReturnRule.APPOINTMENT)
        for number, row in counted.items()
        if number not in still
    ]
    return (
        *done,
        *(_open(each, calendar, now, counted=each.number in counted) for each in still.values()),
    )


def _open(request: Request, calendar: Schedule, now: datetime, *, counted: bool) -> RequestRow:
    appointment = request.rule is ReturnRule.APPOINTMENT
    overdue = is_overdue(request, calendar, now)
    return RequestRow(request.unit, appointment, counted, True, overdue)


def _came_in(record: CallRecord) -> bool:
    """Tell a call of a citizen from one that the office dialled."""
    return record.direction is Direction.IN


def _sent(record: CallRecord) -> Iterator[Sent]:
    for code in record.trail:
        if code.startswith(TRANSFERRED):
            yield Sent(code.removeprefix(TRANSFERRED))
        elif code.startswith(RETURNED):
            unit, _, reason = code.removeprefix(RETURNED).partition(".")
            yield Sent(unit, reason or "unknown")


def _wait_s(record: CallRecord) -> float | None:
    """How long it rang; a clock that was set back meanwhile tells nothing."""
    if record.answered_at is None:
        return None
    wait = (record.answered_at - record.rang_at).total_seconds()
    return wait if wait >= 0 else None
