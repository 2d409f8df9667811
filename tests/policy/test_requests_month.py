"""The month that units' reports are about, and from when on they are told of it."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.policy.hours import Holiday, Schedule, week_of
from appliance.policy.requests import month_to_report, next_month
from tests.helpers.words import pair
from tests.policy.small_directory import EVERY_DAY, rome
from tests.stories.offices import ROME

NEW_YEAR = Holiday(date(2027, 1, 1), pair("Capodanno", "New Year's Day"))
CALENDAR = Schedule(ROME, week_of(**dict.fromkeys(EVERY_DAY, "8:30-13")), holidays=(NEW_YEAR,))


@pytest.mark.parametrize(
    ("now", "month"),
    [
        ("2026-11-01 12:00", None),  # a Sunday
        ("2026-11-02 08:29", None),
        ("2026-11-02 09:00", date(2026, 10, 1)),
        ("2027-01-01 12:00", None),  # New Year's Day
        ("2027-01-04 09:00", date(2026, 12, 1)),
    ],
)
def test_a_month_is_told_once_the_next_one_has_opened(now: str, month: date | None) -> None:
    """The first working day counts, with its hours; not the first of the month."""
    assert month_to_report(CALENDAR, rome(now)) == month


def test_an_office_without_hours_is_told_at_once() -> None:
    """There is no working day to wait for."""
    never = Schedule(CALENDAR.zone, week_of())
    assert month_to_report(never, rome("2026-11-01 00:00")) == date(2026, 10, 1)


@pytest.mark.parametrize(
    ("first", "after"),
    [
        (date(2026, 11, 1), date(2026, 12, 1)),
        (date(2026, 12, 1), date(2027, 1, 1)),
        (date(2027, 2, 1), date(2027, 3, 1)),
    ],
)
def test_the_next_month_begins_on_its_first_day(first: date, after: date) -> None:
    """A monthly report ends before it, also at the turn of the year and after a short month."""
    assert next_month(first) == after
