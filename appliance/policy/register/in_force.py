"""Which declaration, need and bands hold for a unit on a day, variations laid over (P4, E12)."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from appliance.policy.hours import Schedule
from appliance.policy.local_time import local_moment
from appliance.policy.office_hours import hours_elsewhere, hours_of_office
from appliance.policy.register.declarations import Declaration, Need
from appliance.policy.register.register import Register, Unit
from appliance.policy.week import ONE_DAY


class Hindrance(enum.StrEnum):
    """Why a call may not be transferred, as a stable code."""

    NO_DECLARATION = "transfer.no_declaration"
    EXPIRED = "transfer.expired"
    WITHDRAWN = "transfer.withdrawn"
    NEED = "transfer.need_not_declared"
    BAND = "transfer.outside_band"
    CLOCK = "transfer.clock_unset"
    NUMBERS = "transfer.numbers_unreadable"  # sealed with a key that is not there
    ABSENT = "transfer.all_absent"  # the switchboard's own mark: no phone rings (E4)


@dataclass(frozen=True, slots=True)
class Declared:
    """What holds for one need of a unit on a day."""

    declaration: Declaration
    need: Need
    schedule: Schedule


def declared(
    register: Register, calendar: Schedule, unit: Unit, need_code: str, day: date
) -> Declared | Hindrance:
    """Find what holds for a need on a day, or why nothing does."""
    declaration = register.declaration(unit, day)
    if declaration is None:
        return Hindrance.NO_DECLARATION
    if not declaration.needs:
        return Hindrance.WITHDRAWN
    if not declaration.runs_on(day):
        return Hindrance.EXPIRED
    need = declaration.need(need_code)
    if need is None:
        return Hindrance.NEED
    return Declared(declaration, need, _schedule(register, calendar, unit, declaration, need_code))


def _schedule(
    register: Register, calendar: Schedule, unit: Unit, declaration: Declaration, need: str
) -> Schedule:
    """Lay the variations over the declared week; the house's own periods are not the office's.

    An office without a declaration of its own lives by its service's, and by its variations too.
    Another branch's group keeps its own bands whatever closes this house.
    """
    hours = hours_elsewhere if (unit.code, need) in calendar.elsewhere else hours_of_office
    units = dict.fromkeys((declaration.unit, unit.code))
    periods = tuple(
        variation.over(declaration.week)
        for code in units
        for variation in register.variations
        if variation.concerns(code, need)
    )
    return hours(calendar, declaration.week, periods)


def resumes_at(
    register: Register, calendar: Schedule, unit: Unit, need_code: str, wall: datetime
) -> datetime | None:
    """Say when a need can next be transferred, by whatever declaration holds then; None: never.

    Looks as far ahead as hours do (400 days).
    """
    for start, end in _stretches(register, calendar, unit, wall):
        found = declared(
            register, calendar, unit, need_code, start.astimezone(calendar.zone).date()
        )
        opens = found.schedule.next_open(start) if isinstance(found, Declared) else None
        if opens is not None and (end is None or opens < end):
            return opens
    return None


def _stretches(
    register: Register, calendar: Schedule, unit: Unit, wall: datetime
) -> Iterator[tuple[datetime, datetime | None]]:
    """Cut the time from `wall` on where another declaration begins or one ends."""
    edges = {
        local_moment(datetime.combine(day, time()), calendar.zone)
        for declaration in register.declarations
        if declaration.unit in (unit.code, unit.service)
        for day in (declaration.first, declaration.last and declaration.last + ONE_DAY)
        if day
    }
    cuts = [wall, *sorted(edge for edge in edges if edge > wall)]
    yield from zip(cuts, [*cuts[1:], None], strict=True)
