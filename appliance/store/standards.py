"""The standards sheet of a quarter: measured from the records, as text rows and CSV."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from appliance.policy.hours import local_moment
from appliance.policy.reports import call_figures
from appliance.policy.standards import (
    AT_MOST,
    KEPT_WORDS,
    STANDARD_WORDS,
    InTime,
    Quarter,
    ServiceTargets,
    StandardResult,
    measured_text,
    messages_in_time,
    promised_words,
    requests_in_time,
    standard_results,
)
from appliance.store.call_log import moment, to_ms
from appliance.store.reports import call_rows
from appliance.store.requests import required_request
from appliance.text import Words, _, in_context

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.policy.hours import Schedule

# No quarter has more; a request is decoded with its history.
MOST_REQUESTS: Final = 20_000
_MESSAGES: Final = (
    "SELECT received_at, closed_at FROM messages WHERE received_ms >= ? AND received_ms < ?"
)
_REQUESTS: Final = "SELECT number FROM requests WHERE at_ms >= ? AND at_ms < ? LIMIT ?"
HEADER: Final = (
    _("Standard"),
    _("Promised"),
    _("Measured"),
    _("Cases"),
    in_context("standards", "Result"),
)
"""Columns of the sheet."""
NOTES: Final = (
    _("A share rests on the cases beside it: calls, messages or requests of the quarter."),
    _(
        "Cases that were open and not yet due do not count, nor do messages that were deleted "
        "by age. No figure is a person's."
    ),
)
RUNNING: Final = _("The quarter is not over: measured until now.")


def span_of(quarter: Quarter, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a quarter begins, and when the next one does."""
    begins, ends = quarter.first, quarter.last + timedelta(days=1)
    return local_moment(datetime.combine(begins, time()), zone), local_moment(
        datetime.combine(ends, time()), zone
    )


def in_time(
    connection: sqlite3.Connection, quarter: Quarter, calendar: Schedule, now: datetime
) -> tuple[InTime, InTime]:
    """Count a quarter's messages and requests that were settled in time."""
    span = tuple(map(to_ms, span_of(quarter, calendar.zone)))
    messages = [
        (datetime.fromisoformat(row[0]), moment(row[1]))
        for row in connection.execute(_MESSAGES, span)
    ]
    numbers = connection.execute(_REQUESTS, (*span, MOST_REQUESTS)).fetchall()
    requests = [required_request(connection, int(row[0])).request for row in numbers]
    return messages_in_time(messages, calendar, now), requests_in_time(requests, calendar, now)


def results_of(
    connection: sqlite3.Connection,
    quarter: Quarter,
    targets: ServiceTargets,
    settled: tuple[InTime, InTime],
    zone: ZoneInfo,
) -> tuple[StandardResult, ...]:
    """Measure a quarter; `settled` is what `in_time` counted."""
    # The report's own rows and sums: sheet, report and wall cannot differ.
    figures = call_figures(call_rows(connection, *span_of(quarter, zone), zone))
    return standard_results(targets, figures, *settled)


def rows_of(results: tuple[StandardResult, ...], language: str) -> list[tuple[str, ...]]:
    """Return the rows of the sheet as text, without the header."""
    return [
        (
            STANDARD_WORDS[each.standard].text(language),
            promised_words(each).text(language),
            measured_text(each, language),
            str(each.cases),
            KEPT_WORDS[each.is_met].text(language),
        )
        for each in results
    ]


def title(quarter: Quarter) -> Words:
    """Return the title of a quarter's sheet."""
    return _("Quality standards: {quarter}", quarter=quarter.words)


def as_csv(results: tuple[StandardResult, ...], quarter: Quarter) -> str:
    """Write the sheet as CSV with stable names; shares in %, empty where there is none."""
    out = io.StringIO()
    # Italian spreadsheets expect semicolons.
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(
        ("quarter", "standard", "bound", "promised", "measured", "kept", "cases", "is_met")
    )
    for each in results:
        writer.writerow(
            (
                quarter,
                each.standard.value,
                "at_most" if each.standard in AT_MOST else "at_least",
                each.promised or "",
                "" if each.measured is None else f"{each.measured:.2f}",
                each.kept,
                each.cases,
                "" if each.is_met is None else int(each.is_met),
            )
        )
    return out.getvalue()
