"""What lies ahead (E14): special times of the house and of units, by the day they begin."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

from appliance.policy.clock import Now
from appliance.policy.directory_review import ahead_of_units, times_ahead
from appliance.policy.hours import Band, Closure, Period, Schedule, SpecialOpening, week_of
from appliance.policy.transfers import TransferAllowed, TransferLater, later_words, may_transfer
from tests.helpers.words import pair
from tests.policy.small_directory import (
    CALENDAR,
    CHRISTMAS,
    EVERY_DAY,
    MOVING,
    TOWN,
    declaration,
    rome,
    variation,
    with_declarations,
)

MORNINGS = week_of(**dict.fromkeys(EVERY_DAY, "9-11"))
ELECTIONS = replace(
    variation(7, "2026-12-09", MORNINGS), last=date(2026, 12, 11), notice="settimana elettorale"
)
EVE = Closure(
    datetime.fromisoformat("2026-12-24 12:00"), datetime.fromisoformat("2026-12-24 20:00")
)
SCHEDULE = replace(
    CALENDAR,
    closures=(MOVING, EVE),
    openings=(
        SpecialOpening(date(2026, 12, 13), (Band(time(9), time(12)),), pair("Fiera", "Fair")),
    ),
    periods=(Period(date(2026, 12, 1), date(2027, 1, 6), pair("Inverno", "Winter"), MORNINGS),),
)


def test_all_that_is_special_by_the_day_it_begins() -> None:
    """The house's holidays, closures, openings, periods; units' variations, new declarations."""
    later = declaration(8, first="2027-01-01")
    directory = with_declarations(*TOWN.declarations, later)
    directory = replace(directory, variations=(ELECTIONS,))
    found = times_ahead(directory, SCHEDULE, date(2026, 11, 27), date(2027, 1, 31))
    assert [(str(each.first), str(each.last), each.unit) for each in found] == [
        ("2026-11-27", "2026-11-27", ""),
        ("2026-12-01", "2027-01-06", ""),
        ("2026-12-09", "2026-12-11", "anagrafe"),
        ("2026-12-13", "2026-12-13", ""),
        ("2026-12-24", "2026-12-24", ""),
        ("2026-12-25", "2026-12-25", ""),
        ("2027-01-01", "None", "anagrafe"),
    ]
    assert found[5].what == CHRISTMAS
    assert [each.what for each in ahead_of_units(found, "anagrafe", "")] == [ELECTIONS, later]


def test_what_runs_already_is_told_and_what_is_over_is_not() -> None:
    """The year's list begins with what still holds today."""
    directory = replace(TOWN, variations=(ELECTIONS,))
    empty = Schedule(SCHEDULE.zone, SCHEDULE.weekly)
    assert len(times_ahead(directory, empty, date(2026, 12, 11), date(2026, 12, 31))) == 1
    assert times_ahead(directory, empty, date(2026, 12, 12), date(2026, 12, 31)) == ()
    assert times_ahead(directory, empty, date(2026, 11, 20), date(2026, 12, 8)) == ()


def test_a_special_period_says_so_while_it_holds() -> None:
    """E14, E23: its notice stands before the bands, and with an office that can be had."""
    directory = replace(TOWN, variations=(ELECTIONS,))

    def ask(at: str) -> TransferAllowed | TransferLater:
        return may_transfer(directory, CALENDAR, "anagrafe", "residenza", Now(0.0, rome(at)))

    assert ask("2026-12-09 10:00").notice.text("it") == "settimana elettorale"
    late = ask("2026-12-09 11:30")
    assert isinstance(late, TransferLater)
    assert later_words(late, rome("2026-12-09 11:30")).text("it") == (
        "Anagrafe: settimana elettorale, trasferibile 9:00–11:00, riprende domani alle 9:00. "
        "Appuntamento o e-mail?"
    )
    assert ask("2026-12-14 10:00").notice.text("it") == ""
