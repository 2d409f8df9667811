"""Reports: what the front desk did in some days, as tables, bars and a file (P1, E21).

The figures are those of `centralino report`; per position only by the reference of an agreement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
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
from appliance.console import request_parts
from appliance.console.accounts import NotAllowed, for_those_who_may, may, needs, somebody
from appliance.console.request_parts import dues_of
from appliance.console.say import N_, Speaker
from appliance.console.shared import bars
from appliance.console.templates import Link, page
from appliance.policy import requests as policy
from appliance.policy.directory import MASK
from appliance.policy.hours import ONE_DAY
from appliance.policy.privacy import tail
from appliance.policy.reports import Ending, Report, report, seconds_shown
from appliance.policy.requests import state_of
from appliance.policy.text import NOTHING, Words
from appliance.policy.users import Permission, refusal
from appliance.store import directory, reports, sheets, voicemail
from appliance.store.reports import TEXTS, UNFINISHED, sent_of
from appliance.store.voicemail import (
    EVIDENCES,
    OUTCOMES,
    RESULTS,
    STEPS,
    About,
    Numbered,
    caller_words,
)

# ---- calls -------------------------------------------------------------------------------------
# Calls of a day, and all that is kept of one: its way, transfers, notes, what came of it.
#
# A technician sees of it how its end was noticed, and nobody's number; the front desk sees who
# called, and nothing of lines.

EARLIER: Final = timedelta(days=90)
LONGEST_SEARCH: Final = 40
LONGEST_NAME: Final = 64
LEAST_DIGITS: Final = 3
CASES: Final = {
    "message": ("messages", Permission.MESSAGES),
    "request": ("requests", Permission.REQUESTS),
    "call": ("calls", Permission.SEE_DESK),
}
"""Where a call's case is shown, and to whom."""
REASONS: Final = {"topic": N_("topic"), "depth": N_("depth"), "other": N_("other")}
TAKEN: Final = Words("ha preso la chiamata", "took the call")
ENDED_BEFORE: Final = Words("la chiamata è finita prima", "the call ended before")


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer: to which office and need, and what became of it."""

    office: str
    outcome: Words
    returned: bool


@dataclass(frozen=True, slots=True)
class Sees:
    """Who looks: the front desk, or somebody technical, or both."""

    front_desk: bool
    technical: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One call with the names of offices, people and sheets."""

    about: About
    names: Names
    people: dict[str, str]
    titles: dict[str, str]


def _sees(request: Request) -> Sees:
    """Say who looks; raises NotAllowed."""
    somebody(request)
    found = Sees(may(request, Permission.SEE_DESK), may(request, Permission.TECHNICAL))
    if not (found.front_desk or found.technical):
        raise NotAllowed(request.state.speaker.words(refusal(Permission.SEE_DESK)))
    return found


async def list_calls(request: Request) -> Response:
    """List the calls of a day, or those of a number in the last 90 days."""
    sees, query = _sees(request), request.query_params
    today = datetime.now(request.app.state.zone).date()
    day = _day(query.get("day", ""), today)
    number = query.get("number", "").strip()[:LONGEST_SEARCH] if sees.front_desk else ""
    searched = len(tail(number)) >= LEAST_DIGITS
    found, names = await request.app.state.reading.do(
        lambda c: (_found(request, c, day, number if searched else ""), directory.names_of(c))
    )
    values = {
        "found": found,
        "day_shown": day,
        "days": {"before": day - ONE_DAY, "after": day + ONE_DAY},
        "today": today,
        "number": number,
        "searched": searched,
        "names": names,
        "most": voicemail.MOST,
    }
    return page(request, "calls/list.html", 200, **values, **_words(request, sees))


def _found(
    request: Request, connection: sqlite3.Connection, day: date, number: str
) -> tuple[Numbered, ...]:
    if number:
        since = datetime.now(UTC) - EARLIER
        return voicemail.of_number(connection, number, since, request.app.state.plan)
    zone = request.app.state.zone
    since, until = (datetime.combine(each, time(), zone) for each in (day, day + ONE_DAY))
    return voicemail.of_day(connection, since, until)


async def show_calls(request: Request) -> Response:
    """Show all that is kept of one call."""
    sees, call = _sees(request), str(request.path_params["call"])[:LONGEST_NAME]
    shown: Shown | None = await request.app.state.reading.do(lambda c: _read(c, call))
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
        "state_of": state_of,
        "has_messages": may(request, Permission.MESSAGES),
        "has_sheets": may(request, Permission.READ_SHEETS),
        "case": _case(request, record),
        "waited_s": _waited_s(record),
        "has_requests": may(request, Permission.REQUESTS),
        "evidence": EVIDENCES[record.evidence] if record.evidence else NOTHING,
    }
    return page(request, "calls/one.html", 200, **values, **_words(request, sees))


def _case(request: Request, record: CallRecord) -> str:
    """Return the address of what a call was made for, or rings back for; "" for nothing (E17)."""
    kind, _, name = record.case.partition(":")
    where, permission = CASES.get(kind, ("", Permission.SEE_DESK))
    return f"/{where}/{name}" if where and name and may(request, permission) else ""


def _waited_s(record: CallRecord) -> int | None:
    """Return for how long it rang until somebody answered, in s; None where nobody did."""
    if record.answered_at is None:
        return None
    return max(0, round((record.answered_at - record.rang_at).total_seconds()))


def _read(connection: sqlite3.Connection, call: str) -> Shown | None:
    about = voicemail.about(connection, call)
    if about is None:
        return None
    codes = about.one.record.sheets
    found = {code: sheets.find(connection, code) for code in codes}
    titles = {code: sheet.title for code, sheet in found.items() if sheet}
    return Shown(about, directory.names_of(connection), request_parts.names(connection), titles)


def _transfers(shown: Shown) -> list[Transfer]:
    return [
        Transfer(
            office_words(sent.unit, sent.need, shown.names),
            _outcome(sent.returned),
            bool(sent.returned),
        )
        for sent in sent_of(shown.about.one.record)
    ]


def _outcome(returned: str) -> Words:
    if returned == UNFINISHED:
        return ENDED_BEFORE
    return returned_words(returned) if returned else TAKEN


def _words(request: Request, sees: Sees) -> dict[str, Any]:
    """Return how callers are named: to who is technical alone, without number and name (P7)."""
    language = request.state.speaker.language

    def caller(who: Caller) -> str:
        hidden = not sees.front_desk and who.presentation is Presentation.SHOWN
        return MASK if hidden else caller_words(who, language)

    tables = {"results": RESULTS, "steps": STEPS, "ends": OUTCOMES}
    return {"caller": caller, "sees": sees, "out": Direction.OUT, **tables}


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if 2000 <= day.year <= 9000 else today


def _is_for(request: Request) -> bool:
    return may(request, Permission.SEE_DESK) or may(request, Permission.TECHNICAL)


calls_routes: list[BaseRoute] = [Route("/calls", list_calls), Route("/calls/{call}", show_calls)]
calls_links = (Link("/calls", N_("Calls"), _is_for, order=19),)


# ---- reports -----------------------------------------------------------------------------------

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
async def show_report(request: Request) -> Response:
    """Show the figures of some days; by default of this month."""
    days = days_of(request)
    found, names = await _read_report(request, days)
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
    found, _ = await _read_report(request, days)
    name = f"centralino-{days.first}-{days.last}.csv"
    head = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(reports.as_csv(found), media_type="text/csv", headers=head)


def days_of(request: Request) -> Days:
    """Read the days of the address; what is none is this month's, too many are the last ones."""
    today = datetime.now(request.app.state.zone).date()
    last = _day_of_report(request.query_params.get("until", ""), today)
    first = _day_of_report(request.query_params.get("since", ""), last.replace(day=1))
    return Days(max(min(first, last), last - LONGEST), last)


def _day_of_report(text: str, otherwise: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if 2000 <= day.year <= 9000 else otherwise


async def _read_report(request: Request, days: Days) -> tuple[Report, dict[str, str]]:
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


reports_routes: list[BaseRoute] = [Route("/reports", show_report), Route("/reports.csv", csv)]
reports_links = (Link("/reports", N_("Reports"), for_those_who_may(Permission.REPORTS), order=60),)


routes = [*calls_routes, *reports_routes]


links = (*calls_links, *reports_links)
