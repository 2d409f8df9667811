"""The hours of one office beside those of the house (P4): its own week, the house's closures.

Another branch stands in another town, with another patron saint: nothing of our house closes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from appliance.policy.dates import Period
from appliance.policy.hours import Schedule
from appliance.policy.week import Week


def hours_of_office(calendar: Schedule, week: Week, periods: tuple[Period, ...] = ()) -> Schedule:
    """Return an office's hours: holidays and closures of the house, nothing else of its own."""
    closures = (*calendar.closures, *calendar.shut)
    none: dict[str, Any] = dict.fromkeys(("openings", "entered", "weeks", "shut"), ())
    return replace(calendar, weekly=week, closures=closures, periods=periods, **none)


def hours_elsewhere(calendar: Schedule, week: Week, periods: tuple[Period, ...] = ()) -> Schedule:
    """Return the hours of another branch's group: its declared bands and variations alone (B9)."""
    return hours_of_office(replace(calendar, holidays=(), closures=(), shut=()), week, periods)
