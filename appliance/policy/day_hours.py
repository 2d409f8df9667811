"""The hours of single days, for a calendar: when it is open, and what is special about it (E14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from appliance.policy.hours import Schedule
from appliance.policy.office_hours import hours_of_office
from appliance.policy.pieces import Why
from appliance.policy.week import MIDNIGHT, ONE_DAY, Band, Bands, Week
from appliance.policy.words import NOTHING, Words

_ALWAYS = Week(((Band(MIDNIGHT, MIDNIGHT),),) * 7)
ORDINARY = frozenset({Why.HOURS, Why.CLOSED_HOURS})


@dataclass(frozen=True, slots=True)
class DayHours:
    """One day: its open bands after whatever lies over them; `why` and `name` of what is special.

    `why` is HOURS or CLOSED_HOURS for a day as every week has it.
    """

    day: date
    bands: Bands
    why: Why
    name: Words = NOTHING

    @property
    def is_special(self) -> bool:
        """Tell whether the day is another than its week's."""
        return self.why not in ORDINARY


def hours_on(schedule: Schedule, day: date) -> DayHours:
    """Say when a day is open, in local time, and why it is special."""
    pieces = schedule.pieces_on(day)
    ends = [*(piece.start.time() for piece in pieces[1:]), time()]
    bands: list[Band] = []
    for piece, end in zip(pieces, ends, strict=True):
        start = piece.start.time()
        if piece.open and bands and bands[-1].end == start:
            bands[-1] = Band(bands[-1].start, end)
        elif piece.open:
            bands.append(Band(start, end))
    special = next((piece for piece in pieces if piece.why not in ORDINARY), None)
    if special is None:
        return DayHours(day, tuple(bands), Why.HOURS if bands else Why.CLOSED_HOURS)
    return DayHours(day, tuple(bands), special.why, special.name)


def special_days(schedule: Schedule, year: int) -> tuple[DayHours, ...]:
    """Return the days of a year that are other than their week's, in order."""
    day, found = date(year, 1, 1), []
    while day.year == year:
        found.append(hours_on(schedule, day))
        day += ONE_DAY
    return tuple(each for each in found if each.is_special)


def of_offices(house: Schedule, day: date) -> DayHours:
    """Say what a day is to the offices: closed with the whole house, else the switchboard's day.

    Of the switchboard's special hours an office keeps none; people should know of them.
    """
    closed = hours_on(hours_of_office(house, _ALWAYS), day)
    return closed if closed.is_special and not closed.bands else hours_on(house, day)
