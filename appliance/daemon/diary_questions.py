"""What is asked at the door about a week of appointments: free hours of offices, days when closed.

Who is booked stands in the records; which hours there are only the desk knows, by its calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.asked import YEARS
from appliance.daemon.door import Answer, Later
from appliance.daemon.status_words import plain
from appliance.errors import OfficeError
from appliance.policy.directory import Declaration, Register, Unit
from appliance.policy.hours import ONE_DAY, local_moment
from appliance.policy.hours_changes import DayHours, of_offices
from appliance.policy.requests import left_on
from appliance.store import requests

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.letters import House
    from appliance.store.writer import Records

DAYS: Final = 7
MOST_SLOTS: Final = 2000
"""Free hours of which it is told: an answer that one line of the door holds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Seven days from one on, of one unit or ("") of all that offer hours; `now` is the desk's."""

    first: date
    unit: str
    now: datetime

    @property
    def days(self) -> tuple[date, ...]:
        """Return the days."""
        return tuple(self.first + ONE_DAY * n for n in range(DAYS))


def week(
    records: Records, house: Callable[[], House], now: datetime, question: dict[str, Any]
) -> Later:
    """Tell a week: why the house is closed on its days, and what offices have free on them."""
    asked, at_home = _asked(question, now), house()

    def told(connection: sqlite3.Connection) -> Answer:
        days = [_day(of_offices(at_home.calendar, day)) for day in asked.days]
        return {"days": days, "offices": list(_offices(connection, at_home, asked))}

    return lambda tell: records.do(told, tell)


def _asked(question: dict[str, Any], now: datetime) -> Asked:
    try:
        first = date.fromisoformat(str(question["first"]))
    except (KeyError, ValueError) as error:
        raise OfficeError(f"the first day is needed, e.g. 2026-11-23: {error}") from error
    if not YEARS[0] <= first.year < YEARS[1]:
        raise OfficeError(f"the year {first.year} is none with appointments")
    return Asked(first, str(question.get("unit") or ""), now)


def _day(hours: DayHours) -> Answer:
    return {
        "day": hours.day.isoformat(),
        "special": hours.is_special,
        "bands": [str(band) for band in hours.bands],
        "name": plain(hours.name),
    }


def _offices(connection: sqlite3.Connection, house: House, asked: Asked) -> Iterator[Answer]:
    """Yield each unit that offers hours in the week, with those that are free."""
    left = MOST_SLOTS
    for unit in house.register.units:
        if asked.unit not in ("", unit.code):
            continue
        declared = [_declared(house.register, unit, day, asked.unit) for day in asked.days]
        if any(declared):
            found = list(_free(connection, house, asked, declared))[:left]
            left -= len(found)
            yield {"unit": unit.code, "name": unit.name, "free": found}


def _declared(register: Register, unit: Unit, day: date, wanted: str) -> Declaration | None:
    """Return the declaration whose hours a unit offers; of all units each one's own alone."""
    found = register.valid_declaration(unit, day)
    if found is None or found.slots is None:
        return None
    return found if wanted or found.unit == unit.code else None


def _free(
    connection: sqlite3.Connection, house: House, asked: Asked, declared: list[Declaration | None]
) -> Iterator[tuple[str, int]]:
    """Yield start and free places of what can still be had."""
    begins = local_moment(datetime.combine(asked.first, time()), house.calendar.zone)
    units = {each.unit for each in declared if each is not None}
    booked = {unit: requests.booked(connection, unit, begins) for unit in units}
    for day, each in zip(asked.days, declared, strict=True):
        if each is not None and each.slots is not None:
            taken = booked[each.unit]
            for slot, places in left_on(each.slots, house.calendar, taken, day, asked.now):
                yield slot.start.isoformat(), places
