"""What lies ahead in the year: the house's special days, and what units entered for a time (E14).

All of it ends by itself; the list only says so beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from appliance.policy.dates import Closure, Holiday, NewWeek, Opening, Period
from appliance.policy.hours import Schedule
from appliance.policy.register.declarations import Declaration, Variation
from appliance.policy.register.register import Register
from appliance.policy.week import ONE_DAY

Special = Holiday | Closure | Opening | Period | NewWeek | Variation | Declaration


@dataclass(frozen=True, slots=True)
class Ahead:
    """Something that holds from `first` to `last`, both included; None: until something follows.

    `unit` is "" for the whole house.
    """

    first: date
    last: date | None
    what: Special
    unit: str = ""


def ahead(register: Register, calendar: Schedule, first: date, last: date) -> tuple[Ahead, ...]:
    """List what holds on any day from `first` to `last`, by its own first day.

    Of declarations and ordinary weeks only those that begin within: others are no special time.
    """
    found = (*_of_house(calendar, first), *_of_units(register, first))
    met = (a for a in found if a.first <= last and (a.last is None or a.last >= first))
    return tuple(sorted(met, key=lambda a: (a.first, a.unit)))


def of_units(found: tuple[Ahead, ...], *codes: str) -> tuple[Ahead, ...]:
    """Return what concerns some units, not the house."""
    return tuple(each for each in found if each.unit and each.unit in codes)


def _of_house(calendar: Schedule, first: date) -> Iterator[Ahead]:
    for holiday in calendar.holidays:
        yield Ahead(holiday.day, holiday.day, holiday)
    for closure in calendar.closures:
        yield Ahead(closure.start.date(), _last_day(closure.end), closure)
    for opening in calendar.openings:
        yield Ahead(opening.day, opening.day, opening)
    for period in (*calendar.periods, *calendar.entered):
        yield Ahead(period.first, period.last, period)
    for new in calendar.weeks:
        if new.since > first:
            yield Ahead(new.since, None, new)


def _last_day(end: datetime) -> date:
    """Return the last day that a closure touches; its end is exclusive."""
    return end.date() - ONE_DAY if end.time() == time() else end.date()


def _of_units(register: Register, first: date) -> Iterator[Ahead]:
    for variation in register.variations:
        yield Ahead(variation.first, variation.last, variation, variation.unit)
    for declaration in register.declarations:
        if declaration.first > first:
            yield Ahead(declaration.first, declaration.last, declaration, declaration.unit)
