"""Appointments as a week: who comes when to which office, what is free, when the house is closed.

Who is booked stands in the records; free hours and closures are the desk's to say, and missing
while it is away. Somebody of one office sees that office's own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.desk import DeskAway
from appliance.console.links import Link
from appliance.console.pages.requests import is_for, own_unit
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.errors import OfficeError
from appliance.policy.hours import ONE_DAY
from appliance.policy.letters import FORMS
from appliance.policy.text import NOTHING, Words
from appliance.store import directory, requests
from appliance.store.requests import StoredRequest

WEEK: Final = timedelta(days=7)
SUNDAY: Final = 6
WORKING_DAYS: Final = 5
LONGEST: Final = 80
EARLIEST, LATEST = date(2000, 1, 10), date(8999, 12, 1)


@dataclass(frozen=True, slots=True)
class OfficeDay:
    """One office on one day: who is booked, by start, and what is free, by hour."""

    unit: str
    name: str
    booked: tuple[StoredRequest, ...]
    free: tuple[tuple[datetime, int], ...]

    @property
    def free_hours(self) -> list[list[tuple[datetime, int]]]:
        """Return what is free, one list for each hour of the day."""
        return [list(some) for _, some in groupby(self.free, key=lambda one: one[0].hour)]


@dataclass(frozen=True, slots=True)
class DayView:
    """One day: `name` is why it is special, `bands` when the house is open then."""

    day: date
    offices: tuple[OfficeDay, ...]
    special: bool = False
    bands: tuple[str, ...] = ()
    name: Words = NOTHING

    @property
    def closed(self) -> bool:
        """Tell whether the house is closed for a reason."""
        return self.special and not self.bands


@dataclass(frozen=True, slots=True)
class Told:
    """What the desk says of the week; nothing is known while it is away."""

    days: Mapping[date, Mapping[str, Any]]
    offices: Mapping[str, tuple[tuple[datetime, int], ...]]
    is_known: bool = True


async def show(request: Request) -> Response:
    """Show one week, of one office or of all."""
    own, today = own_unit(request), datetime.now(request.app.state.zone).date()
    monday = _monday(request.query_params.get("week", ""), today)
    unit = own or request.query_params.get("unit", "")[:LONGEST]
    booked, names = await request.app.state.reading.do(
        lambda c: _read(c, _span(request, monday), unit)
    )
    told = await _told(request, monday, unit)
    days = [_day(request, monday + ONE_DAY * n, booked, told, names) for n in range(7)]
    values = {
        "days": [day for day in days if day.offices or day.day.weekday() < WORKING_DAYS],
        "monday": monday,
        "weeks": {"before": monday - WEEK, "after": monday + WEEK, "now": _this(today)},
        "today": today,
        "units": names,
        "unit": unit,
        "own": own,
        "is_known": told.is_known,
    }
    return page(request, "appointments/week.html", 200, forms=FORMS, **values)


def _first(day: date) -> date:
    return day - ONE_DAY * day.weekday()


def _this(today: date) -> date:
    """Return the Monday of the week that opens by itself: on a Sunday the one to come."""
    return today + ONE_DAY if today.weekday() == SUNDAY else _first(today)


def _monday(text: str, today: date) -> date:
    """Read the Monday of a week from a day in it; what is none is this week's."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _this(today)
    return _first(day) if EARLIEST <= day <= LATEST else _this(today)


def _span(request: Request, monday: date) -> tuple[datetime, datetime]:
    since, until = (
        datetime.combine(day, time(), request.app.state.zone) for day in (monday, monday + WEEK)
    )
    return since, until


def _read(
    connection: sqlite3.Connection, span: tuple[datetime, datetime], unit: str
) -> tuple[tuple[StoredRequest, ...], dict[str, str]]:
    names = {each.code: each.name for each in directory.load_masked(connection).units}
    return requests.between(connection, *span, unit), names


async def _told(request: Request, monday: date, unit: str) -> Told:
    question = {"ask": "appointments", "first": monday.isoformat(), "unit": unit}
    try:
        answer = await request.app.state.desk.ask(question)
    except (DeskAway, OfficeError):
        return Told({}, {}, False)
    days = {date.fromisoformat(each["day"]): each for each in answer["days"]}
    offices = {each["unit"]: _free(request, each["free"]) for each in answer["offices"]}
    return Told(days, offices)


def _free(request: Request, free: list[tuple[str, int]]) -> tuple[tuple[datetime, int], ...]:
    zone = request.app.state.zone
    return tuple((datetime.fromisoformat(at).astimezone(zone), places) for at, places in free)


def _day(
    request: Request,
    day: date,
    booked: tuple[StoredRequest, ...],
    told: Told,
    names: Mapping[str, str],
) -> DayView:
    mine = [kept for kept in booked if _starts(request, kept).date() == day]
    free = {unit: _on(day, some) for unit, some in told.offices.items()}
    units = {kept.request.unit for kept in mine} | {unit for unit, some in free.items() if some}
    offices = tuple(
        OfficeDay(
            unit,
            names.get(unit, unit),
            tuple(kept for kept in mine if kept.request.unit == unit),
            free.get(unit, ()),
        )
        for unit in sorted(units, key=lambda one: names.get(one, one))
    )
    known = told.days.get(day, {"special": False, "bands": (), "name": {"it": "", "en": ""}})
    return DayView(day, offices, known["special"], tuple(known["bands"]), Words(**known["name"]))


def _on(day: date, free: tuple[tuple[datetime, int], ...]) -> tuple[tuple[datetime, int], ...]:
    return tuple(one for one in free if one[0].date() == day)


def _starts(request: Request, kept: StoredRequest) -> datetime:
    """Return when an appointment starts, where the house is."""
    assert kept.request.appointment is not None
    return kept.request.appointment.slot.start.astimezone(request.app.state.zone)


routes: list[BaseRoute] = [Route("/appointments", show)]
links = (Link("/appointments", N_("Appointments"), is_for, order=23),)
