"""Calls and requests as the report sums them up (policy/report.py), out of the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.calls.orders import CallRecord, Result, Way
from appliance.policy.due import is_overdue
from appliance.policy.register.declarations import ReturnRule
from appliance.policy.report import CallRow, Ending, RequestRow, Sent
from appliance.policy.requests import Request, State
from appliance.records import requests
from appliance.records.call_log import moment, to_ms, words_from

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from datetime import tzinfo

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
UNFINISHED: Final = "unfinished"
"""How a transfer ended whose caller was put through to nobody, nor brought back: the call ended."""
SOUGHT, FOUND = "return.", "return.answered."
"""In the trail: an operator is sought for a call that came back; one has taken it."""
MOST_REQUESTS: Final = 100_000
_CALLS: Final = (
    "SELECT call, line, rang_at, called, way, phone, answered_at, result, trail FROM calls "
    "WHERE rang_ms >= ? AND rang_ms < ? AND direction = 'in' ORDER BY rang_ms"
)
"""What a report looks at: no caller is among it, and thousands are read."""
_TAKEN: Final = "SELECT number, unit, need, rule FROM requests WHERE at_ms >= ? AND at_ms < ?"


def call_rows(
    connection: sqlite3.Connection, start: datetime, end: datetime, zone: tzinfo
) -> tuple[CallRow, ...]:
    """Read the calls that rang from `start` on, before `end`, and are over; not those dialled."""
    rows = connection.execute(_CALLS, (to_ms(start), to_ms(end)))
    return tuple(
        call_row(record, zone) for record in map(_record, rows) if record.result.value in ENDINGS
    )


def _record(row: sqlite3.Row) -> CallRecord:
    """Gather what a report looks at; the rest is left as by default."""
    call, line, rang_at, called, way, phone, answered_at, result, trail = row
    return CallRecord(
        call,
        line,
        datetime.fromisoformat(rang_at),
        called=called,
        way=Way(way),
        phone=phone,
        answered_at=moment(answered_at),
        result=Result(result),
        trail=words_from(trail),
    )


def call_row(record: CallRecord, zone: tzinfo) -> CallRow:
    """Make a call's row; its result must be among ENDINGS."""
    sent = sent_of(record)
    ending = ENDINGS[record.result.value]
    if ending is Ending.FILTER and sent:
        ending = _after_transfer(record, sent[-1])
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
    return request_rows_of(connection, start, end, lambda each: is_overdue(each, calendar, now))


def request_rows_of(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    is_late: Callable[[Request], bool],
) -> tuple[RequestRow, ...]:
    """Read them where somebody else knows which are late: who has no calendar of the house."""
    still = {
        kept.request.number: kept.request
        for kept in requests.listed(
            connection, State.OPEN, State.SENT, State.TAKEN, limit=MOST_REQUESTS
        )
    }
    taken = connection.execute(_TAKEN, (to_ms(start), to_ms(end))).fetchall()
    counted = {int(row["number"]): row for row in taken}
    done = [
        RequestRow(str(row["unit"]), row["rule"] == ReturnRule.APPOINTMENT, need=str(row["need"]))
        for number, row in counted.items()
        if number not in still
    ]
    return (
        *done,
        *(_open(each, is_late(each), counted=each.number in counted) for each in still.values()),
    )


def _open(request: Request, overdue: bool, *, counted: bool) -> RequestRow:
    appointment = request.rule is ReturnRule.APPOINTMENT
    return RequestRow(request.unit, appointment, counted, True, overdue, request.need)


def sent_of(record: CallRecord) -> tuple[Sent, ...]:
    """Return one for each transfer that began; the last that the trail says is what became of it.

    An office that took a call may yet send it back (E7). `transfer.no_line` begins none.
    """
    begun: list[Sent] = []
    for code in record.trail:
        match code.split("."):
            case ["transfer", unit, need, _why, _way]:
                begun.append(Sent(unit, UNFINISHED, need))
            case ["transferred", _] if begun:
                begun[-1] = replace(begun[-1], returned="")
            case ["returned", _, reason] if begun:
                begun[-1] = replace(begun[-1], returned=reason)
    return tuple(begun)


def _after_transfer(record: CallRecord, last: Sent) -> Ending:
    """Say what became of a call by its last transfer; whoever gave up meanwhile is lost."""
    if not last.returned:
        return Ending.TRANSFERRED
    if last.returned == UNFINISHED or _gave_up_coming_back(record.trail):
        return Ending.LOST
    return Ending.RETURNED


def _gave_up_coming_back(trail: tuple[str, ...]) -> bool:
    """Tell whether operators were sought for the last return, and none was found."""
    at = max(n for n, code in enumerate(trail) if code.startswith("returned."))
    sought = [code for code in trail[at:] if code.startswith(SOUGHT)]
    return bool(sought) and not any(code.startswith(FOUND) for code in sought)


def _wait_s(record: CallRecord) -> float | None:
    """How long it rang; a clock that was set back meanwhile tells nothing."""
    if record.answered_at is None:
        return None
    wait = (record.answered_at - record.rang_at).total_seconds()
    return wait if wait >= 0 else None
