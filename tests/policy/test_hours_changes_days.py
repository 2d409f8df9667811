"""The hours of single days: what a calendar of the year shows (E14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.hours import Band, Period, Schedule, Why, week_of
from appliance.policy.hours_changes import hours_on, office_day, special_days
from tests.helpers.words import pair
from tests.policy.office_year import SCHEDULE, SUMMER
from tests.policy.small_directory import CALENDAR
from tests.stories.offices import ROME


@pytest.mark.parametrize(
    ("day", "bands", "why", "name"),
    [
        (date(2026, 11, 25), "08:30-13:00 14:00-18:00", Why.HOURS, ""),
        (date(2026, 11, 28), "", Why.CLOSED_HOURS, ""),
        (date(2026, 12, 25), "", Why.HOLIDAY, "Christmas"),
        (date(2026, 11, 29), "08:00-14:00", Why.OPENING, "Elections"),
        (date(2026, 8, 10), "08:00-12:00", Why.CLOSED_PERIOD, "Summer hours"),
        (date(2026, 8, 12), "", Why.CLOSED_PERIOD, "Summer hours"),
        (date(2026, 12, 1), "08:30-11:00 12:00-13:00 14:00-18:00", Why.CLOSURE, "Assembly"),
    ],
)
def test_a_day(day: date, bands: str, why: Why, name: str) -> None:
    """Its bands as they are in the end, and what is special about it."""
    found = hours_on(SCHEDULE, day)
    assert (" ".join(map(str, found.bands)), found.why, found.name.text("en")) == (bands, why, name)
    assert found.is_special is bool(name)


def test_special_days_of_a_year() -> None:
    """In order, each day of a period."""
    found = special_days(SCHEDULE, 2026)
    assert [each.day for each in found] == [
        *(date(2026, 8, day) for day in range(SUMMER.first.day, SUMMER.last.day + 1)),
        date(2026, 11, 29), date(2026, 12, 1), date(2026, 12, 25),
    ]  # fmt: skip
    assert special_days(SCHEDULE, 2027) == ()


def test_all_day_and_touching_bands_are_one() -> None:
    """24 hours end at midnight; two bands that touch are one."""
    schedule = Schedule(ROME, week_of(monday="0-24", tuesday="8-12 12-14"))
    assert hours_on(schedule, date(2026, 11, 23)).bands == (Band(time(), time()),)
    assert hours_on(schedule, date(2026, 11, 24)).bands == (Band(time(8), time(14)),)


@given(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.times())
def test_a_day_agrees_with_its_moments(day: date, at: time) -> None:
    """What the calendar shows is what a caller meets."""
    moment = datetime.combine(day, at, ROME)
    shown = any(
        band.start <= at and (at < band.end or band.end == time())
        for band in hours_on(SCHEDULE, day).bands
    )
    assert SCHEDULE.at(moment).open is shown


def test_a_day_on_which_offices_are_closed_with_the_house() -> None:
    """P4: a holiday and a closure are everybody's; that no hours are set is no closure."""
    assert office_day(CALENDAR, date(2026, 12, 25)).name.text("en") == "Christmas"
    moving = office_day(CALENDAR, date(2026, 11, 27))
    assert (moving.bands, moving.why) == ((), Why.CLOSURE)
    assert not office_day(CALENDAR, date(2026, 11, 29)).is_special


def test_a_day_on_which_the_switchboard_alone_has_other_hours() -> None:
    """E14: an office keeps none of them, people see them all the same."""
    monday = date(2026, 11, 30)
    period = Period(monday, monday, pair("Voto", "Vote"), week_of(monday="9-10"))
    special = office_day(replace(CALENDAR, entered=(period,)), monday)
    assert (special.name.text("en"), str(special.bands[0])) == ("Vote", "09:00-10:00")
