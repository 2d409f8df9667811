"""Orari: the ordinary weeks, and the year as a calendar, each day's hours one key away (E14)."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import for_those_who_may, may, needs
from appliance.console.asking import NotDone, ask
from appliance.console.head_office import of_hours
from appliance.console.links import Link
from appliance.console.pages.hours_entering import WHOSE, entries_told
from appliance.console.pages.hours_week import weeks_told
from appliance.console.say import N_
from appliance.console.templates import page, text
from appliance.policy.text import NOTHING, Words
from appliance.policy.transfers import WEEKDAY_WORDS
from appliance.policy.users import Permission

WHYS: Final = {
    "open.period": N_("special hours"),
    "open.special": N_("special opening"),
    "closed.period": N_("special hours"),
    "closed.holiday": N_("holiday"),
    "closed.special": N_("closure"),
}


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one group on one day; `why` "" for a day as every week has it."""

    label: Words
    bands: tuple[str, ...]
    why: str = ""
    name: Words = NOTHING


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar, of the switchboard and then the counter."""

    day: date
    hours: tuple[Hours, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether the switchboard opens at all."""
        return bool(self.hours[0].bands)

    @property
    def is_special(self) -> bool:
        """Tell whether anything is other than every week."""
        return any(each.why for each in self.hours)


@dataclass(frozen=True, slots=True)
class Group:
    """The switchboard or the counter: its weeks of a year by their days, special days."""

    label: Words
    weeks: tuple[tuple[date, tuple[tuple[str, ...], ...]], ...]
    special: Mapping[date, Hours]

    def on(self, day: date) -> Hours:
        """Return its hours on a day."""
        return self.special.get(day) or Hours(self.label, self._week(day)[day.weekday()])

    def _week(self, day: date) -> tuple[tuple[str, ...], ...]:
        """Return the week that holds on a day of the year."""
        return next(days for since, days in reversed(self.weeks) if since <= day)


@needs(Permission.SEE_REGISTER)
async def show(request: Request) -> Response:
    """Show the weeks and a year; with a day chosen, its hours."""
    today = datetime.now(request.app.state.zone).date()
    chosen = _day(request.query_params.get("day", ""))
    is_part = "hx-request" in request.headers
    year = chosen.year if chosen else _year(request.query_params.get("year", ""), today.year)
    try:
        answer = await ask(request, {"ask": "calendar", "year": year})
        may_enter = may(request, Permission.SCHEDULE)
        told = await ask(request, {"ask": "hours_ahead"}) if may_enter and not is_part else None
        weeks = {} if is_part else await ask(request, {"ask": "weeks"})
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    groups = tuple(map(_group, answer["groups"]))
    shown = chosen or (today if today.year == year else date(year, 1, 1))
    values: dict[str, Any] = {
        "chosen": Day(shown, tuple(group.on(shown) for group in groups)),
        "whys": WHYS,
        "may_enter": may_enter and shown >= today,
    }
    if is_part:
        return HTMLResponse(text(request, "hours/day.html", **values))
    return page(
        request,
        "hours/year.html",
        **values,
        groups=groups,
        weekdays=WEEKDAY_WORDS,
        months=list(_months(groups, year)),
        year=year,
        first=answer["first"],
        last=answer["last"],
        today=today,
        entries=entries_told(told) if told else None,
        whose=WHOSE,
        **weeks_told(weeks),
        theirs=await of_hours(request),
        saved=request.query_params.get("saved", ""),
    )


def _months(groups: tuple[Group, ...], year: int) -> Iterator[list[list[Day | None]]]:
    """Yield twelve months, each in weeks from Monday; None outside of it."""
    months = calendar.Calendar()
    for month in range(1, 13):
        yield [
            [
                Day(day, tuple(group.on(day) for group in groups)) if day.month == month else None
                for day in week
            ]
            for week in months.monthdatescalendar(year, month)
        ]


def _group(told: dict[str, Any]) -> Group:
    label = Words(**told["label"])
    special = {
        date.fromisoformat(each["day"]): Hours(
            label, tuple(each["bands"]), each["why"], Words(**each["name"])
        )
        for each in told["special"]
    }
    weeks = tuple(
        (date.fromisoformat(w["since"]), tuple(map(tuple, w["days"]))) for w in told["weeks"]
    )
    return Group(label, weeks, special)


def _day(written: str) -> date | None:
    """Read a day of the address; raises HTTPException for what is none."""
    try:
        return date.fromisoformat(written) if written else None
    except ValueError as error:
        raise HTTPException(404) from error


def _year(written: str, this: int) -> int:
    return int(written) if len(written) == 4 and written.isascii() and written.isdigit() else this


routes: list[BaseRoute] = [Route("/hours", show)]
links = (
    Link("/hours", N_("Hours and closures"), for_those_who_may(Permission.SEE_REGISTER), order=50),
)
