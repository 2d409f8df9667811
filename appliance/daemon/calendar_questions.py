"""What may be asked at the door of the year: ordinary weeks, and every day that is another (E14).

A year takes some milliseconds: it is made in the records' thread.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.status_words import plain
from appliance.errors import OfficeError
from appliance.policy.hours_changes import DayHours, special_days

if TYPE_CHECKING:
    from appliance.daemon.stores import Stores
    from appliance.policy.office import Group, Office

YEARS_AHEAD: Final = 5
"""So far holidays are known, however long the box has run."""


def calendar(stores: Stores, office: Office, now: datetime, question: dict[str, Any]) -> Later:
    """Tell a year of the switchboard and of the counter; raises OfficeError for one too far."""
    this = now.astimezone(office.zone).year
    year = question.get("year", this)
    if (
        isinstance(year, bool)
        or not isinstance(year, int)
        or not this <= year <= this + YEARS_AHEAD
    ):
        raise OfficeError(f"year is one from {this} to {this + YEARS_AHEAD}")
    groups = [g for g in (office.switchboard, office.citizens_desk) if g is not None]

    def later(tell: Tell) -> None:
        stores.records.do(lambda _: _told(groups, year, this), tell)

    return later


def _told(groups: list[Group], year: int, this: int) -> Answer:
    told = [_group(group, year) for group in groups]
    return {"year": year, "first": this, "last": this + YEARS_AHEAD, "groups": told}


def _group(group: Group, year: int) -> Answer:
    return {
        "label": plain(group.label),
        "weeks": [_week(group, day) for day in _turns(group, year)],
        "special": [_day(each) for each in special_days(group.schedule, year)],
    }


def _turns(group: Group, year: int) -> list[date]:
    """Return the days of a year from which another ordinary week holds, its first one first."""
    first = date(year, 1, 1)
    return [first, *(w.since for w in group.schedule.weeks if w.since.year == year)]


def _week(group: Group, since: date) -> Answer:
    days = group.schedule.week_on(since).days
    return {"since": since.isoformat(), "days": [[str(band) for band in b] for b in days]}


def _day(each: DayHours) -> Answer:
    bands = [str(band) for band in each.bands]
    return {"day": each.day.isoformat(), "bands": bands, "why": each.why, "name": plain(each.name)}
