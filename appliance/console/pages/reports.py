"""Reports: what the front desk did in some days, as tables, bars and a file (P1, E21).

The figures are those of `centralino report`; per position only by the reference of an agreement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import for_those_who_may, needs
from appliance.console.charts import bars
from appliance.console.dues import dues_of
from appliance.console.links import Link
from appliance.console.say import N_, Speaker
from appliance.console.templates import page
from appliance.policy import requests as policy
from appliance.policy.reports import Ending, Report, report, seconds_shown
from appliance.policy.users import Permission
from appliance.store import directory, reports
from appliance.store.reports import TEXTS

LONGEST: Final = timedelta(days=366 * 2)
MONTHS: Final = 12
LIMIT_S: Final = 20.0
"""Two years of calls take some seconds on the box; other pages are served meanwhile."""


@dataclass(frozen=True, slots=True)
class Days:
    """From when to when, both days included."""

    first: date
    last: date


@needs(Permission.REPORTS)
async def show(request: Request) -> Response:
    """Show the figures of some days; by default of this month."""
    days = days_of(request)
    found, names = await _read(request, days)
    values: dict[str, Any] = {
        "found": found,
        "names": names,
        "texts": TEXTS,
        "headline": reports.title(days.first, days.last),
        "endings": tuple(Ending),
        "shown": lambda seconds: seconds_shown(seconds, request.state.speaker.language),
        "hours": bars(hours_of(found)),
        "months": bars(months_of(found, request.state.speaker)),
        "reference": request.app.state.settings.per_person_reference,
    }
    return page(request, "reports/report.html", 200, days=days, **values)


def hours_of(found: Report) -> dict[str, int]:
    """Return the calls of each hour from the first to the last in which there were some.

    An hour without a call is an empty place: left out, it would look as if there were none.
    """
    if not found.hours:
        return {}
    every = range(min(found.hours), max(found.hours) + 1)
    return {str(hour): found.hours[hour].calls if hour in found.hours else 0 for hour in every}


def months_of(found: Report, speaker: Speaker) -> dict[str, int]:
    """Return the calls of each month from the first to the last, by the names that are read."""
    if not found.months:
        return {}
    (year, month), last = _month(min(found.months)), _month(max(found.months))
    calls: dict[str, int] = {}
    while (year, month) <= last:
        figures = found.months.get(f"{year}-{month:02}")
        name = speaker.month_shortly(date(year, month, 1))
        name = name if calls or month == 1 else f"{name} {year}"
        calls[name if name not in calls else f"{name} {year}"] = figures.calls if figures else 0
        year, month = (year, month + 1) if month < MONTHS else (year + 1, 1)
    return calls


def _month(text: str) -> tuple[int, int]:
    year, _, month = text.partition("-")
    return int(year), int(month)


@needs(Permission.REPORTS)
async def csv(request: Request) -> Response:
    """Send the figures as a file for a spreadsheet."""
    days = days_of(request)
    found, _ = await _read(request, days)
    name = f"centralino-{days.first}-{days.last}.csv"
    head = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(reports.as_csv(found), media_type="text/csv", headers=head)


def days_of(request: Request) -> Days:
    """Read the days of the address; what is none is this month's, too many are the last ones."""
    today = datetime.now(request.app.state.zone).date()
    last = _day(request.query_params.get("until", ""), today)
    first = _day(request.query_params.get("since", ""), last.replace(day=1))
    return Days(max(min(first, last), last - LONGEST), last)


def _day(text: str, otherwise: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if 2000 <= day.year <= 9000 else otherwise


async def _read(request: Request, days: Days) -> tuple[Report, dict[str, str]]:
    zone, late = request.app.state.zone, (await dues_of(request)).late
    start = datetime.combine(days.first, time(), zone)
    end = datetime.combine(days.last + timedelta(days=1), time(), zone)
    per_person = bool(request.app.state.settings.per_person_reference)

    def is_late(one: policy.Request) -> bool:
        return one.number in late

    def job(connection: sqlite3.Connection) -> tuple[Report, dict[str, str]]:
        return summed(connection, start, end, is_late, per_person), _names(connection)

    found: tuple[Report, dict[str, str]] = await request.app.state.reading.do(job, LIMIT_S)
    return found


def summed(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    is_late: Callable[[policy.Request], bool],
    per_person: bool = False,
) -> Report:
    """Sum up calls and requests of some days; `per_person` by an agreement alone (E21)."""
    assert start.tzinfo is not None
    calls = reports.call_rows(connection, start, end, start.tzinfo)
    requests = reports.request_rows_of(connection, start, end, is_late)
    return report(calls, requests, per_person=per_person)


def _names(connection: sqlite3.Connection) -> dict[str, str]:
    return {unit.code: unit.name for unit in directory.units(connection)}


routes: list[BaseRoute] = [Route("/reports", show), Route("/reports.csv", csv)]
links = (Link("/reports", N_("Reports"), for_those_who_may(Permission.REPORTS), order=60),)
