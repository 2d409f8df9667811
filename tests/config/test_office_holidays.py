"""Which days are holidays: the country's, the patron's, and no Sunday that is only observed."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.config import office
from appliance.config.office import holidays_for
from appliance.config.values import MonthDay
from appliance.policy.text import Refused

FOUND = {each.day: each.name for each in holidays_for("it", 2026, MonthDay(6, 24), "San Giovanni")}


@pytest.mark.parametrize("day", [date(2027, 11, 7), date(2028, 11, 5), date(2029, 11, 4)])
def test_the_first_sunday_of_november_is_a_sunday(day: date) -> None:
    """The day of national unity is kept on it and closes nothing: an office may open."""
    assert day not in FOUND


def test_all_saints_on_that_sunday_is_a_holiday_under_its_own_name() -> None:
    """1 November 2026 is a Sunday: what closes the office is All Saints alone."""
    assert (FOUND[date(2026, 11, 1)].text("it"), FOUND[date(2026, 11, 1)].text("en")) == (
        "Ognissanti",
        "All Saints' Day",
    )


def test_germans_read_the_holidays_of_italy_by_their_german_names() -> None:
    """The library has none; a day without one keeps the country's own name."""
    assert office._name_in("de", "Ognissanti", "All Saints' Day") == "Allerheiligen"
    both = office._name_in("de", "Liberazione; Pasqua", "Easter Sunday; Liberation Day")
    assert both == "Ostersonntag; Tag der Befreiung"
    assert office._name_in("de", "Nuova festa", "New Feast") == "Nuova festa"


def test_the_town_s_patron_is_a_holiday() -> None:
    """Named as the configuration names it, or as what it is."""
    assert FOUND[date(2026, 6, 24)].text("it") == "San Giovanni"
    unnamed = {each.day: each.name for each in holidays_for("it", 2026, MonthDay(6, 24))}
    assert unnamed[date(2026, 6, 24)].text("it") == "Santo patrono"


def test_another_country_s_days_and_one_that_nobody_knows() -> None:
    """Frozen values with both names; a misspelt country is refused with its remedy."""
    assert any(each.day == date(2026, 10, 3) for each in holidays_for("de", 2026, MonthDay(6, 24)))
    with pytest.raises(Refused, match=r"write e\.g\. it"):
        holidays_for("xx", 2026, MonthDay(6, 24))
