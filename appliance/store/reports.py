"""Monthly reports: rows of calls and requests, figures of the lines, monthly sheets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from appliance.calls.orders import CallRecord, Result
from appliance.policy.directory import ReturnRule
from appliance.policy.hours import local_moment, month_words
from appliance.policy.mail import Mail
from appliance.policy.reports import (
    CallRow,
    Ending,
    Peak,
    RequestRow,
    StoredCounts,
    TransferAttempt,
    UnitFigures,
    peak_of,
    unit_figures,
)
from appliance.policy.requests import Request, RequestState, is_overdue, next_month
from appliance.policy.routing import Destination
from appliance.policy.voicemail import MessageOutcome, MessageStep
from appliance.store import outbox, report_text, requests
from appliance.store.call_log import destination_from, moment, to_ms, words_from
from appliance.store.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from appliance.policy.directory import Directory, Unit
    from appliance.policy.hours import Schedule


# ---- figures of the box ------------------------------------------------------------------------
# Counts of waiting cases, for the monitoring of many boxes: a few short queries, no text.

_OPEN: Final = (
    "SELECT count(*), coalesce(sum(length_ms), 0) FROM messages WHERE state = 'new'"
)  # fmt: skip
# An open message may have been heard: the age of the oldest counts only those that nobody heard.
_UNHEARD: Final = """
    SELECT count(*), min(received_ms) FROM messages WHERE state = 'new' AND NOT EXISTS (
        SELECT 1 FROM care WHERE kind = 'message' AND subject = messages.id AND step = ?)
"""
_REQUESTS: Final = "SELECT state, count(*) FROM requests GROUP BY state"
_MAILS: Final = (
    "SELECT state, count(*), min(queued_at) FROM outbox WHERE state IN ('queued', 'dead') "
    "GROUP BY state"
)


def stored(connection: sqlite3.Connection, disk: tuple[int, int] = (0, 0)) -> StoredCounts:
    """Count waiting cases; `disk` is (free, total) in bytes. Raises sqlite3.Error."""
    number, length_ms = connection.execute(_OPEN).fetchone()
    unheard, since_ms = connection.execute(_UNHEARD, (MessageStep.HEAR,)).fetchone()
    counted = {str(state): int(count) for state, count in connection.execute(_REQUESTS)}
    mails = {row[0]: (int(row[1]), row[2]) for row in connection.execute(_MAILS)}
    queued, since = mails.get("queued", (0, None))
    return StoredCounts(
        int(number),
        int(length_ms),
        int(unheard),
        since_ms / 1000 if since_ms is not None else None,
        tuple((state.value, counted.get(state.value, 0)) for state in RequestState),
        queued,
        mails.get("dead", (0, None))[0],
        datetime.fromisoformat(since).timestamp() if since else None,
        *disk,
    )


# ---- line uses ---------------------------------------------------------------------------------
# When lines were engaged: written when a line is free again, read for the peak of a day (P8).

# A year and a month: this month can be compared with last year's.
DAYS_MS: Final = 400 * 86_400_000
"""Time (ms) for which line uses are kept."""


@dataclass(frozen=True, slots=True)
class LineUse:
    """A period in which a line was engaged, by a call or by a telephone beside the box."""

    line: str
    since: datetime
    until: datetime


def write(connection: sqlite3.Connection, uses: Iterable[LineUse]) -> None:
    """Store line uses; the same one twice is one. Deletes those older than DAYS_MS."""
    rows = [(use.line, to_ms(use.since), to_ms(use.until)) for use in uses]
    with transaction(connection):
        connection.executemany("INSERT OR REPLACE INTO line_uses VALUES (?, ?, ?)", rows)
        newest = max((row[2] for row in rows), default=0)
        connection.execute("DELETE FROM line_uses WHERE until_ms < ?", (newest - DAYS_MS,))


def uses_since(
    connection: sqlite3.Connection, lines: Iterable[str], since: datetime
) -> Iterator[tuple[int, int]]:
    """Yield the uses of these lines that began at `since` or later, as (from, to) in ms."""
    names = set(lines)
    found = connection.execute(
        "SELECT line, since_ms, until_ms FROM line_uses WHERE since_ms >= ? ORDER BY since_ms",
        (to_ms(since),),
    )
    yield from ((int(row[1]), int(row[2])) for row in found if row[0] in names and row[1] < row[2])


def peak_between(
    connection: sqlite3.Connection, lines: Iterable[str], since: datetime, until: datetime
) -> Peak:
    """Return the peak of these lines between two instants."""
    # A use counts if any part of it lies between the two instants.
    names = set(lines)
    found = connection.execute(
        "SELECT line, since_ms, until_ms FROM line_uses WHERE until_ms > ? AND since_ms < ?",
        (to_ms(since), to_ms(until)),
    ).fetchall()
    uses = [(int(row[1]), int(row[2])) for row in found if row[0] in names]
    return peak_of(uses, len(names), to_ms(since), to_ms(until))


# ---- rows --------------------------------------------------------------------------------------
# Calls and requests as the report sums them up (policy/reports.py).

# Every result of a finished incoming call is here: none of them is left uncounted.
# Ending as which a call counts; an open call does not count.
ENDING_OF_RESULT: Final[dict[str, Ending]] = {
    # Unless the call was transferred (call_row).
    Result.ANSWERED: Ending.FILTER,
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
UNFINISHED: Final = "unfinished"
"""Outcome of a transfer during which the call ended: neither put through nor returned."""
# Codes in the trail: an operator is sought for a returned call; an operator has taken it.
SOUGHT, FOUND = "return.", "return.answered."
MOST_REQUESTS: Final = 100_000
# Only the columns that a report needs: thousands of rows are read, and no caller is among them.
_CALLS: Final = (
    "SELECT call, line, rang_at, called, way, phone, answered_at, result, trail FROM calls "
    "WHERE rang_ms >= ? AND rang_ms < ? AND direction = 'in' ORDER BY rang_ms"
)
# The last closing of each call that nobody reopened since.
_CALLED_BACK: Final = """
    SELECT care.subject, care.at
    FROM calls JOIN care ON care.kind = 'call' AND care.subject = calls.call
    WHERE calls.rang_ms >= ? AND calls.rang_ms < ? AND care.step = ? AND care.outcome = ?
        AND NOT EXISTS (SELECT 1 FROM care AS later WHERE later.kind = 'call'
            AND later.subject = care.subject AND later.step = ? AND later.entry > care.entry)
    ORDER BY care.entry
"""
_CLOSED_SO: Final = (MessageStep.CLOSE, MessageOutcome.CALLED_BACK, MessageStep.REOPEN)
_TAKEN: Final = "SELECT number, unit, need, rule FROM requests WHERE at_ms >= ? AND at_ms < ?"


class RowMemo:
    """Call rows of the last reading, by what was stored: only changed calls are decoded again."""

    def __init__(self) -> None:
        self.rows: dict[tuple[object, ...], CallRow | None] = {}


def call_rows(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    zone: tzinfo,
    memo: RowMemo | None = None,
) -> tuple[CallRow, ...]:
    """Read the finished incoming calls from `start` to before `end`; faster again with `memo`."""
    span = to_ms(start), to_ms(end)
    back = dict(map(tuple, connection.execute(_CALLED_BACK, (*span, *_CLOSED_SO))))
    known = memo.rows if memo else {}
    rows: dict[tuple[object, ...], CallRow | None] = {}
    for row in connection.execute(_CALLS, span):
        stored = (*row, back.get(row[0]))
        # Most calls of a day are over: they are as they were at the last reading.
        rows[stored] = known[stored] if stored in known else _row_of(stored, zone)
    if memo:
        memo.rows = rows
    return tuple(row for row in rows.values() if row is not None)


def _row_of(stored: tuple[object, ...], zone: tzinfo) -> CallRow | None:
    """Make a call's row of the columns of _CALLS and the time of its call back."""
    record = _record(stored[:-1])
    # An open call does not count yet.
    if record.result.value not in ENDING_OF_RESULT:
        return None
    return call_row(record, zone, moment(stored[-1]))


def _record(row: tuple[Any, ...]) -> CallRecord:
    """Make a record of the columns of _CALLS; the rest has its default."""
    call, line, rang_at, called, way, phone, answered_at, result, trail = row
    return CallRecord(
        call,
        line,
        datetime.fromisoformat(rang_at),
        called=called,
        way=destination_from(way),
        phone=phone,
        answered_at=moment(answered_at),
        result=Result(result),
        trail=words_from(trail),
    )


def call_row(record: CallRecord, zone: tzinfo, called_back: datetime | None = None) -> CallRow:
    """Make a call's row; its result must be in ENDING_OF_RESULT. `called_back`: when it was."""
    sent = sent_of(record)
    ending = ENDING_OF_RESULT[record.result.value]
    if ending is Ending.FILTER and sent:
        ending = _after_transfer(record, sent[-1])
    # Voicemail answers at once: nobody waited for it.
    answered = record.result is Result.ANSWERED and record.answered_at is not None
    at = record.rang_at.astimezone(zone)
    same_day = called_back is not None and called_back.astimezone(zone).date() == at.date()
    return CallRow(
        at,
        record.called,
        ending,
        _wait_s(record) if answered else None,
        record.way is Destination.CITIZENS_DESK,
        sent,
        record.phone if answered else "",
        ending is Ending.LOST and same_day,
    )


def request_rows(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    calendar: Schedule,
    now: datetime,
) -> tuple[RequestRow, ...]:
    """Read the requests taken from `start` to before `end`, and those that are open now."""
    return request_rows_of(connection, start, end, lambda each: is_overdue(each, calendar, now))


def request_rows_of(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    is_late: Callable[[Request], bool],
) -> tuple[RequestRow, ...]:
    """Read requests as `request_rows` does, with `is_late` for callers without a calendar."""
    # Open requests count whenever they were taken.
    still = {
        kept.request.number: kept.request
        for kept in requests.list_requests(
            connection,
            RequestState.OPEN,
            RequestState.SENT,
            RequestState.TAKEN,
            limit=MOST_REQUESTS,
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


def sent_of(record: CallRecord) -> tuple[TransferAttempt, ...]:
    """Return the transfers that began, each with its last outcome in the trail.

    `transfer.no_line` begins none.
    """
    # The last outcome counts, as an office that took a call may still send it back (E7).
    begun: list[TransferAttempt] = []
    for code in record.trail:
        match code.split("."):
            case ["transfer", unit, need, _why, _way]:
                begun.append(TransferAttempt(unit, UNFINISHED, need))
            case ["transferred", _] if begun:
                begun[-1] = replace(begun[-1], returned="")
            case ["returned", _, reason] if begun:
                begun[-1] = replace(begun[-1], returned=reason)
    return tuple(begun)


def _after_transfer(record: CallRecord, last: TransferAttempt) -> Ending:
    """Return a call's ending by its last transfer; lost if the caller gave up meanwhile."""
    if not last.returned:
        return Ending.TRANSFERRED
    # A caller who hung up during the transfer was not served.
    if last.returned == UNFINISHED or _gave_up_coming_back(record.trail):
        return Ending.LOST
    return Ending.RETURNED


def _gave_up_coming_back(trail: tuple[str, ...]) -> bool:
    """Tell whether operators were sought for the last return and none took it."""
    at = max(n for n, code in enumerate(trail) if code.startswith("returned."))
    sought = [code for code in trail[at:] if code.startswith(SOUGHT)]
    return bool(sought) and not any(code.startswith(FOUND) for code in sought)


def _wait_s(record: CallRecord) -> float | None:
    """Return how long a call rang (s), None if that is not known."""
    if record.answered_at is None:
        return None
    # Negative: the clock was set back meanwhile, and tells nothing.
    wait = (record.answered_at - record.rang_at).total_seconds()
    return wait if wait >= 0 else None


# ---- monthly sheets ----------------------------------------------------------------------------
# The sheets of all units for a month, queued by the box itself.


def sheet_key(unit: str, month: str) -> str:
    """Return the outbox key of a unit's sheet of a month ("2026-10")."""
    # `office report --mail` uses the same key: whichever is first, the unit gets one mail.
    return f"report:{unit}:{month}"


def queue_sheets(
    connection: sqlite3.Connection,
    register: Directory,
    calendar: Schedule,
    month: date,
    language: str,
    now: datetime,
    domain: str = outbox.NO_DOMAIN,
) -> int:
    """Queue the units' sheets of the month that begins on a day; returns their count.

    Units without any figure, or with their sheet queued before, get none. Raises sqlite3.Error.
    """
    named = f"{month:%Y-%m}"
    with transaction(connection):
        units = [u for u in register.units if not _has_it(connection, u, named)]
        start = local_moment(datetime.combine(month, time()), calendar.zone)
        end = local_moment(datetime.combine(next_month(month), time()), calendar.zone)
        calls = call_rows(connection, start, end, calendar.zone)
        taken = request_rows(connection, start, end, calendar, now)
        told = [(unit, unit_figures(calls, taken, unit.code)) for unit in units]
        concerned = [(unit, figures) for unit, figures in told if figures != UnitFigures()]
        for unit, figures in concerned:
            subject, body = report_text.unit_sheet(
                figures, unit.name, month_words(month, language), language
            )
            mail = Mail(sheet_key(unit.code, named), unit.email, subject, body)
            outbox.put_mail(connection, mail, now, domain)
    return len(concerned)


def _has_it(connection: sqlite3.Connection, unit: Unit, month: str) -> bool:
    return outbox.is_known(connection, sheet_key(unit.code, month))
