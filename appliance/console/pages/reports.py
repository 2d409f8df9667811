"""Calls of a day, one call in full, and the report of a period: tables, bars, CSV (P1, E21)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import CallRecord, Direction
from appliance.calls.status import Names, office_words, path_of, returned_words
from appliance.console.accounts import NotAllowed, may, needs, signed_in_user, with_permission
from appliance.console.control_client import parse_day, people_names, unit_names
from appliance.console.pages.requests import due_dates
from appliance.console.say import N_, Speaker
from appliance.console.templates import PageLink, page
from appliance.policy import requests as policy
from appliance.policy.hours import ONE_DAY
from appliance.policy.numbering import MASK, number_tail
from appliance.policy.reports import (
    CallFigures,
    MonthlyReport,
    month_key,
    months_axis,
    period_before,
    report_of,
    seconds_shown,
)
from appliance.policy.requests import state_words
from appliance.policy.users import Permission, permission_refusal
from appliance.store import (
    address_book,
    call_log,
    cases,
    directory,
    report_text,
    reports,
    sheets,
)
from appliance.store.call_log import NumberedCall
from appliance.store.cases import CallHistory
from appliance.store.listings import EVIDENCES, OUTCOMES, RESULTS, STEPS, caller_words
from appliance.store.report_text import TEXTS
from appliance.store.reports import UNFINISHED, sent_of
from appliance.text import NOTHING, Words, sentence

# Every figure in a chart is in a table, too.
CHART_HEIGHT: Final = 160
BAR_STEP: Final = 40
BAR_GAP: Final = 8
"""Sizes in the units of the SVG drawing."""


@dataclass(frozen=True, slots=True)
class ChartBar:
    """Bar of a chart: place, width, height, label and value; `before`: the former value's `y`."""

    x: int
    y: int
    width: int
    height: int
    label: str
    value: int
    before: int | None = None


def chart_bars(
    values: Mapping[str, int], before: Mapping[str, int] | None = None
) -> tuple[ChartBar, ...]:
    """Make a bar from zero for each value, the highest as high as the chart; none without a value.

    `before` are the values of the period before, of the same labels.
    """
    before = before or {}
    most = max((*values.values(), *before.values()), default=0)
    if most <= 0:
        return ()

    def height(value: int) -> int:
        return round(CHART_HEIGHT * value / most)

    return tuple(
        ChartBar(
            at * BAR_STEP + BAR_GAP,
            CHART_HEIGHT - height(value),
            BAR_STEP - BAR_GAP,
            height(value),
            label,
            value,
            CHART_HEIGHT - height(before[label]) if label in before else None,
        )
        for at, (label, value) in enumerate(values.items())
    )


# A technician sees the evidence of a call's end, and no number; the front desk sees the caller, and
# nothing of lines.

EARLIER: Final = timedelta(days=90)
"""Age of the calls that a search finds."""
LONGEST_SEARCH: Final = 40
LONGEST_NAME: Final = 64
LEAST_DIGITS: Final = 3
"""Digits that a search needs at least."""
CASES: Final = {
    "message": ("messages", Permission.MESSAGES),
    "request": ("requests", Permission.REQUESTS),
    "call": ("calls", Permission.SEE_DESK),
}
"""Folder of the page of a call's case, and the permission for it."""
REASONS: Final = {"topic": N_("topic"), "depth": N_("depth"), "other": N_("other")}
TAKEN: Final = sentence("took the call")
ENDED_BEFORE: Final = sentence("the call ended before")


@dataclass(frozen=True, slots=True)
class TransferRow:
    """Transfer: office and need, outcome, and whether it came back."""

    office: str
    outcome: Words
    returned: bool


@dataclass(frozen=True, slots=True)
class CallRights:
    """Rights of the reader: front desk, technician, or both."""

    front_desk: bool
    technical: bool


@dataclass(frozen=True, slots=True)
class CallDetails:
    """Call with its history, and the names of offices, people and sheets."""

    about: CallHistory
    names: Names
    people: dict[str, str]
    titles: dict[str, str]


def _call_rights(request: Request) -> CallRights:
    """Return the reader's rights; raises NotAllowed for neither."""
    signed_in_user(request)
    found = CallRights(may(request, Permission.SEE_DESK), may(request, Permission.TECHNICAL))
    if not (found.front_desk or found.technical):
        raise NotAllowed(request.state.speaker.words(permission_refusal(Permission.SEE_DESK)))
    return found


async def list_calls(request: Request) -> Response:
    """List the calls of a day, or those of a number in the last 90 days."""
    sees, query = _call_rights(request), request.query_params
    today = datetime.now(request.app.state.zone).date()
    day = parse_day(query.get("day", ""), today)
    # A technician cannot search by number: the result would tell who called (P7).
    number = query.get("number", "").strip()[:LONGEST_SEARCH] if sees.front_desk else ""
    searched = len(number_tail(number)) >= LEAST_DIGITS
    found, names = await request.app.state.store.read(
        lambda c: (
            _listed_calls(request, c, day, number if searched else ""),
            directory.names_of(c),
        )
    )
    values = {
        "found": found,
        "day_shown": day,
        "days": {"before": day - ONE_DAY, "after": day + ONE_DAY},
        "today": today,
        "number": number,
        "searched": searched,
        "names": names,
        "most": call_log.MOST_SHOWN,
    }
    return page(request, "calls/list.html", 200, **values, **_call_values(request, sees))


def _listed_calls(
    request: Request, connection: sqlite3.Connection, day: date, number: str
) -> tuple[NumberedCall, ...]:
    if number:
        # Whatever day is chosen: a number is searched in the last 90 days.
        since = datetime.now(UTC) - EARLIER
        return call_log.calls_with_number(connection, number, since, request.app.state.plan)
    zone = request.app.state.zone
    since, until = (datetime.combine(each, time(), zone) for each in (day, day + ONE_DAY))
    return call_log.calls_between(connection, since, until)


async def show_calls(request: Request) -> Response:
    """Show one call with its history."""
    sees, call = _call_rights(request), str(request.path_params["call"])[:LONGEST_NAME]
    shown: CallDetails | None = await request.app.state.store.read(lambda c: _read_call(c, call))
    if shown is None:
        raise HTTPException(404)
    record = shown.about.one.record
    values: dict[str, Any] = {
        "shown": shown,
        "one": shown.about.one,
        "record": record,
        "its_day": record.rang_at.astimezone(request.app.state.zone).date(),
        "way": path_of(record, shown.names),
        "transfers": _transfers(shown),
        "reason": REASONS.get(record.transfer_reason, ""),
        "state_of": state_words,
        "has_messages": may(request, Permission.MESSAGES),
        "has_sheets": may(request, Permission.READ_SHEETS),
        "case": _case(request, record),
        "waited_s": _waited_s(record),
        "has_requests": may(request, Permission.REQUESTS),
        "evidence": EVIDENCES[record.evidence] if record.evidence else NOTHING,
    }
    return page(request, "calls/one.html", 200, **values, **_call_values(request, sees))


def _case(request: Request, record: CallRecord) -> str:
    """Return the address of the case that a call belongs to, "" for none (E17)."""
    kind, _, name = record.case.partition(":")
    where, permission = CASES.get(kind, ("", Permission.SEE_DESK))
    # No link to a page that the user may not open.
    return f"/{where}/{name}" if where and name and may(request, permission) else ""


def _waited_s(record: CallRecord) -> int | None:
    """Return the seconds from ringing to the answer; None for a call without one."""
    if record.answered_at is None:
        return None
    # max: the clock may have been set back in between.
    return max(0, round((record.answered_at - record.rang_at).total_seconds()))


def _read_call(connection: sqlite3.Connection, call: str) -> CallDetails | None:
    about = cases.call_history(connection, call)
    if about is None:
        return None
    codes = about.one.record.sheets
    found = {code: sheets.find(connection, code) for code in codes}
    titles = {code: sheet.title for code, sheet in found.items() if sheet}
    told = address_book.names_of(connection, about.one.record.told)
    names = directory.names_of(connection) | {f"book.{c}": name for c, name in told.items()}
    return CallDetails(about, names, people_names(connection), titles)


def _transfers(shown: CallDetails) -> list[TransferRow]:
    return [
        TransferRow(
            office_words(sent.unit, sent.need, shown.names),
            transfer_outcome(sent.returned),
            bool(sent.returned),
        )
        for sent in sent_of(shown.about.one.record)
    ]


def transfer_outcome(returned: str) -> Words:
    """Return the words of a transfer's outcome; `returned` is "" where the office took it."""
    if returned == UNFINISHED:
        return ENDED_BEFORE
    return returned_words(returned) if returned else TAKEN


def _call_values(request: Request, sees: CallRights) -> dict[str, Any]:
    """Return the values of both pages; callers have no number and name for a technician (P7)."""
    language = request.state.speaker.language

    def caller(who: Caller) -> str:
        hidden = not sees.front_desk and who.presentation is Presentation.SHOWN
        return MASK if hidden else caller_words(who, language)

    tables = {"results": RESULTS, "steps": STEPS, "ends": OUTCOMES}
    return {"caller": caller, "sees": sees, "out": Direction.OUT, **tables}


def _is_for(request: Request) -> bool:
    return may(request, Permission.SEE_DESK) or may(request, Permission.TECHNICAL)


LONGEST: Final = timedelta(days=366 * 2)
"""Longest period of a report."""
# Two years of calls take some seconds on the appliance; other pages are served meanwhile.
# Seconds within which a report must be read.
LIMIT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class ReportDays:
    """Period of a report, both days included; `swapped`: its days were given the other way."""

    first: date
    last: date
    swapped: bool = False


@needs(Permission.REPORTS)
async def show_report(request: Request) -> Response:
    """Show the figures of a period; by default of this month."""
    days = days_of(request)
    found, names = await _read_report(request, days)
    days_before = ReportDays(*period_before(days.first, days.last))
    before, _ = await _read_report(request, days_before)
    language = request.state.speaker.language
    compared = tuple(report_text.compared_tables(found, before, language))
    values: dict[str, Any] = {
        "found": found,
        "names": names,
        "texts": TEXTS,
        "headline": report_text.title(days.first, days.last),
        "shown": lambda seconds: seconds_shown(seconds, language),
        "totals": report_text.total_figures(found.total, language),
        "totals_before": report_text.total_figures(before.total, language),
        "compared": [
            (what, rows, earlier, chart_bars(_calls_of(rows), earlier))
            for what, rows, earlier in compared
        ],
        "compared_words": report_text.compared_words(days_before.first, days_before.last),
        "by_month": report_text.by_month(found, language),
        "months": chart_bars(months_of(found, request.state.speaker)),
        "reference": request.app.state.settings.per_person_reference,
    }
    return page(request, "reports/report.html", 200, days=days, **values)


def _calls_of(rows: Mapping[str, CallFigures]) -> dict[str, int]:
    return {label: figures.calls for label, figures in rows.items()}


def months_of(found: MonthlyReport, speaker: Speaker) -> dict[str, int]:
    """Return the calls of each month, from the first to the last month with calls, by label."""
    calls: dict[str, int] = {}
    for month in months_axis(found):
        figures = found.months.get(month_key(month))
        name = speaker.month_shortly(month)
        # The year with the first month, with January, and where a label would come twice.
        name = name if calls or month.month == 1 else f"{name} {month.year}"
        name = name if name not in calls else f"{name} {month.year}"
        calls[name] = figures.calls if figures else 0
    return calls


@needs(Permission.REPORTS)
async def csv(request: Request) -> Response:
    """Download the figures as CSV, for a spreadsheet."""
    days = days_of(request)
    found, _ = await _read_report(request, days)
    name = f"centralino-{days.first}-{days.last}.csv"
    head = {"content-disposition": f'attachment; filename="{name}"'}
    # Semicolons, as Italian spreadsheets expect (store/reports.py).
    return Response(report_text.as_csv(found), media_type="text/csv", headers=head)


def days_of(request: Request) -> ReportDays:
    """Parse the period of the address: this month by default, LONGEST at most."""
    today = datetime.now(request.app.state.zone).date()
    last = parse_day(request.query_params.get("until", ""), today)
    first = parse_day(request.query_params.get("since", ""), last.replace(day=1))
    # Days in the wrong order are swapped, and the page says so.
    first, last, swapped = min(first, last), max(first, last), last < first
    # Too long a period loses its beginning.
    return ReportDays(max(first, last - LONGEST), last, swapped)


async def _read_report(request: Request, days: ReportDays) -> tuple[MonthlyReport, dict[str, str]]:
    zone, late = request.app.state.zone, (await due_dates(request)).late
    start = datetime.combine(days.first, time(), zone)
    end = datetime.combine(days.last + timedelta(days=1), time(), zone)
    # Staff are not measured: figures per position need the reference of an agreement (E21).
    per_person = bool(request.app.state.settings.per_person_reference)

    # Only call control knows the office's calendar, by which a request is late.
    def is_late(one: policy.Request) -> bool:
        return one.number in late

    def job(connection: sqlite3.Connection) -> tuple[MonthlyReport, dict[str, str]]:
        return summed(connection, start, end, is_late, per_person), unit_names(connection)

    found: tuple[MonthlyReport, dict[str, str]] = await request.app.state.store.read(job, LIMIT_S)
    return found


def summed(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    is_late: Callable[[policy.Request], bool],
    per_person: bool = False,
) -> MonthlyReport:
    """Sum up calls and requests of a period; `per_person` only under an agreement (E21)."""
    assert start.tzinfo is not None
    calls = reports.call_rows(connection, start, end, start.tzinfo)
    requests = reports.request_rows_of(connection, start, end, is_late)
    return report_of(calls, requests, per_person=per_person)


routes: list[BaseRoute] = [
    Route("/calls", list_calls),
    Route("/calls/{call}", show_calls),
    Route("/reports", show_report),
    Route("/reports.csv", csv),
]


links = (
    PageLink("/calls", N_("Calls"), _is_for, order=19),
    PageLink("/reports", N_("Reports"), with_permission(Permission.REPORTS), order=60),
)
