"""Special periods that the head enters: which of them hold, what they change, forms (E14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from appliance.policy.directory import Directory
from appliance.policy.directory_review import TimeAhead, times_ahead, what_holds
from appliance.policy.forms import FormRefused
from appliance.policy.hours import Holiday, Period, Why, hours_of_office, week_of
from appliance.policy.hours_changes import (
    HoursEntry,
    Whose,
    entries_in_force,
    hours_on,
    laid_over,
    office_with,
    read_special_hours,
    revoke_special_hours,
    special_changes,
)
from appliance.policy.office import Office
from appliance.policy.text import Refused
from appliance.text import Words
from tests.helpers.words import pair
from tests.stories.offices import EXAMPLE, OFFICES, ROME, SWITCHBOARD_HOURS

AT = datetime(2026, 11, 25, 10, tzinfo=ROME)
TODAY = AT.date()
SUNDAY, MONDAY = date(2026, 12, 6), date(2026, 12, 7)
HOLIDAY = date(2026, 12, 8)
OPEN = HoursEntry(
    1, Whose.HOUSE, Period(SUNDAY, SUNDAY, pair("Voto", "Vote"), week_of(sunday="9-12")),
    "capo", AT, "mail",
)  # fmt: skip
SHUT = HoursEntry(
    2, Whose.SWITCHBOARD,
    Period(MONDAY, MONDAY, pair("Ponte", "Bridge"), week_of(), "greeting_bridge"),
    "capo", AT, "mail",
)  # fmt: skip


def form(**given: Any) -> dict[str, Any]:
    """A form that opens on a Sunday."""
    hours = ["", "", "", "", "", "", "9-12"]
    return {"first": "2026-12-06", "kind": "hours", "week": hours, "whose": "house",
            "reason": "Voto", "reference": "mail"} | given  # fmt: skip


def noon(day: date) -> datetime:
    """A moment at which everything that opens that day is open."""
    return datetime(day.year, day.month, day.day, 11, tzinfo=ROME)


def counter(office: Office) -> Any:
    """The counter's hours."""
    assert office.citizens_desk is not None
    return office.citizens_desk.schedule


def test_open_on_a_sunday_and_closed_on_a_monday() -> None:
    """Each group as it was entered for it; the day after nothing is left of it."""
    office = office_with(EXAMPLE, (OPEN, SHUT))
    hours = office.switchboard.schedule
    assert hours.at(noon(SUNDAY)).why is Why.PERIOD
    assert counter(office).at(noon(SUNDAY)).open
    closed = hours.at(noon(MONDAY))
    assert (closed.open, closed.why, closed.greeting) == (False, Why.CLOSURE, "greeting_bridge")
    assert closed.name == pair("Ponte", "Bridge")
    assert closed.reopens_at == datetime(2026, 12, 8, 8, 30, tzinfo=ROME)
    assert counter(office).at(noon(MONDAY)).why is Why.HOURS
    assert hours.at(noon(date(2026, 12, 8))).why is Why.HOURS


def test_an_office_without_a_counter() -> None:
    """It has none afterwards either."""
    assert office_with(OFFICES["no_counter"], (OPEN,)).citizens_desk is None


def test_entered_goes_before_all_that_is_configured() -> None:
    """A special opening of the file, a closure, a holiday: of one day the entry decides."""
    day, eve, feast = date(2026, 11, 29), date(2026, 12, 24), date(2026, 12, 25)
    every = week_of(sunday="15-16", thursday="15-16", friday="15-16")
    for one in (day, eve, feast):
        entry = HoursEntry(1, Whose.HOUSE, Period(one, one, Words("X"), every), "capo", AT, "r")
        told = hours_on(office_with(EXAMPLE, (entry,)).switchboard.schedule, one)
        assert ([str(band) for band in told.bands], told.why) == (
            ["15:00-16:00"],
            Why.CLOSED_PERIOD,
        )


def test_holidays_within_several_days_stay() -> None:
    """Summer hours do not open on a holiday; the days around it have them."""
    every = week_of(wednesday="8-9", thursday="8-9", friday="8-9")
    period = Period(date(2026, 12, 23), date(2026, 12, 26), Words("X"), every)
    hours = office_with(EXAMPLE, (HoursEntry(1, Whose.HOUSE, period, "a", AT, "r"),)).switchboard
    whys = [hours_on(hours.schedule, date(2026, 12, day)).why for day in (23, 24, 25, 26)]
    assert whys == [Why.CLOSED_PERIOD, Why.CLOSED_PERIOD, Why.HOLIDAY, Why.OPENING]


def test_the_newest_entry_wins_and_what_was_ended_does_not_count() -> None:
    """A later entry lies over an earlier one; a revocation brings the earlier back."""
    later = HoursEntry(
        2, Whose.HOUSE, Period(SUNDAY, SUNDAY, Words("Y"), week_of(sunday="15-16")), "a", AT, "r"
    )
    ended = HoursEntry(3, Whose.HOUSE, None, "a", AT, "r", ends=2)
    both = office_with(EXAMPLE, (OPEN, later)).switchboard.schedule
    assert [str(band) for band in both.bands_on(SUNDAY)] == ["15:00-16:00"]
    back = office_with(EXAMPLE, (OPEN, later, ended)).switchboard.schedule
    assert [str(band) for band in back.bands_on(SUNDAY)] == ["09:00-12:00"]
    assert entries_in_force((OPEN, later, ended)) == (OPEN,)
    assert (ended.first, ended.last) == (TODAY, TODAY)


def test_a_year_that_opens_only_by_an_entry() -> None:
    """An office that its week never opens still knows when it opens next."""
    never = office_with(OFFICES["no_counter"], ())
    shut = replace(never.switchboard.schedule, weekly=week_of(), openings=(), periods=())
    group = replace(never.switchboard, schedule=shut)
    hours = office_with(replace(never, switchboard=group), (OPEN,)).switchboard.schedule
    assert hours.at(AT).reopens_at == datetime(2026, 12, 6, 9, tzinfo=ROME)


def test_the_list_of_what_lies_ahead_has_them() -> None:
    """Among the year's special times; a closure is called one."""
    assert OPEN.period is not None
    assert SHUT.period is not None
    hours = office_with(EXAMPLE, (OPEN, SHUT)).switchboard.schedule
    found = times_ahead(Directory(), hours, SUNDAY, MONDAY)
    assert found == (TimeAhead(SUNDAY, SUNDAY, OPEN.period), TimeAhead(MONDAY, MONDAY, SHUT.period))
    assert [what_holds(each, "it") for each in found] == [
        "Voto: dom 09:00-12:00",
        "chiuso, «Ponte»",
    ]


DECLARED = week_of(monday="10-12", sunday="10-12")


def test_offices_keep_what_they_declared() -> None:
    """Of what is entered only a closure of the whole house closes them; other hours are its own."""
    switchboard_hours = office_with(
        EXAMPLE, (replace(SHUT, whose=Whose.HOUSE),)
    ).switchboard.schedule
    alone = office_with(EXAMPLE, (SHUT, OPEN)).switchboard.schedule
    assert hours_of_office(switchboard_hours, DECLARED).at(noon(MONDAY)).why is Why.CLOSURE
    assert hours_of_office(alone, DECLARED).at(noon(MONDAY)).why is Why.HOURS
    assert hours_of_office(alone, DECLARED).at(noon(SUNDAY)).why is Why.HOURS


def test_what_is_newer_cuts_a_closure_of_the_house() -> None:
    """A day that is opened within a week's closure; what lies before or after stays closed."""
    long = Period(date(2026, 12, 4), date(2026, 12, 10), Words("X"), week_of())
    shut = HoursEntry(1, Whose.HOUSE, long, "a", AT, "r")
    found = laid_over(SWITCHBOARD_HOURS, "switchboard", (shut, replace(OPEN, number=2))).shut
    assert [(c.start.day, c.end.day) for c in found] == [(4, 6), (7, 11)]
    assert not laid_over(SWITCHBOARD_HOURS, "x", (OPEN, replace(OPEN, number=2))).shut
    whole = HoursEntry(2, Whose.HOUSE, replace(long, week=week_of(monday="9-10")), "a", AT, "r")
    assert not laid_over(SWITCHBOARD_HOURS, "x", (shut, whole)).shut


# --- forms ----------------------------------------------------------------------------------------


def test_a_form_that_opens_on_a_sunday() -> None:
    """The last day is the first where it is left out; English words where there are some."""
    made = read_special_hours((OPEN,), form(reason_en="Vote"), (), "capo", AT)
    assert made == HoursEntry(
        2, Whose.HOUSE, Period(SUNDAY, SUNDAY, pair("Voto", "Vote"), week_of(sunday="9-12")),
        "capo", AT, "mail",
    )  # fmt: skip


def test_a_form_that_closes_for_some_days() -> None:
    """Hours that were written before "closed" was chosen do not count."""
    given = form(kind="closed", last="2026-12-08", whose="citizens_desk", greeting="own")
    made = read_special_hours((), given, ("own",), "capo", AT)
    assert made.period == Period(SUNDAY, date(2026, 12, 8), pair("Voto", "Voto"), week_of(), "own")
    assert made.whose is Whose.COUNTER


def test_hours_of_weekdays_that_do_not_come_are_left_out() -> None:
    """Of a Saturday to a Monday, Tuesday's hours mean nothing."""
    given = form(first="2026-12-05", last="2026-12-07", week=["8-9", "8-9", "", "", "", "", "9-10"])
    made = read_special_hours((), given, (), "capo", AT)
    assert made.period is not None
    assert made.period.week == week_of(monday="8-9", sunday="9-10")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"first": ""}, "first"),
        ({"first": "domani"}, "first"),
        ({"first": "2026-11-24"}, "first"),
        ({"first": "2031-12-06"}, "first"),
        ({"last": "2026-12-01"}, "last"),
        ({"last": "2027-12-31"}, "last"),
        ({"whose": "anagrafe"}, "whose"),
        ({"week": []}, "week"),
        ({"week": ["", "", "", "", "", "", "12-9"]}, "week.7"),
        ({"reason": ""}, "reason"),
        ({"reference": " "}, "reference"),
        ({"greeting": "greeting_gone"}, "greeting"),
        ({"ends": 9}, "ends"),
    ],
)
def test_what_cannot_be_entered(given: dict[str, Any], place: str) -> None:
    """Every mistake stands at its field."""
    with pytest.raises(FormRefused) as met:
        read_special_hours((OPEN,), form(**given), (), "capo", AT)
    assert place in {each.place for each in met.value.problems}


def test_a_correction_names_what_it_ends() -> None:
    """One that has begun may keep its first day, which is past by now."""
    then = datetime(2026, 12, 7, 9, tzinfo=ROME)
    long = HoursEntry(
        1, Whose.HOUSE, Period(SUNDAY, date(2026, 12, 9), Words("X"), week_of()), "a", AT, "r"
    )
    made = read_special_hours(
        (long,), form(ends=1, last="2026-12-08", kind="closed"), (), "capo", then
    )
    assert (made.ends, made.first, made.last) == (1, SUNDAY, date(2026, 12, 8))
    assert entries_in_force((long, made)) == (made,)


def test_a_revocation() -> None:
    """Of what holds and is not past, with a reference."""
    made = revoke_special_hours((OPEN, SHUT), 1, "sindaco", "capo", AT)
    assert made == HoursEntry(3, Whose.HOUSE, None, "capo", AT, "sindaco", ends=1)
    with pytest.raises(Refused, match="there is no entry 7"):
        revoke_special_hours((OPEN, SHUT), 7, "sindaco", "capo", AT)
    with pytest.raises(Refused, match="holds no longer"):
        revoke_special_hours((OPEN, made), 1, "sindaco", "capo", AT)
    with pytest.raises(Refused, match="is past"):
        revoke_special_hours((OPEN,), 1, "sindaco", "capo", noon(MONDAY))
    with pytest.raises(Refused, match="reference is missing"):
        revoke_special_hours((OPEN,), 1, " ", "capo", AT)


# --- what changes ---------------------------------------------------------------------------------


def test_what_a_sunday_changes() -> None:
    """Day by day, of each group, with what holds before."""
    assert special_changes(EXAMPLE, (), OPEN, TODAY) == (
        pair("dom 6 dicembre 2026, Centralino: 09:00-12:00, «Voto» (prima chiuso)",
              "Sun 6 December 2026, Switchboard: 09:00-12:00, «Vote» (before: closed)"),
        pair("dom 6 dicembre 2026, Sportello Cittadini: 09:00-12:00, «Voto» (prima chiuso)",
              "Sun 6 December 2026, Citizens' counter: 09:00-12:00, «Vote» (before: closed)"),
    )  # fmt: skip


FEAST = replace(
    EXAMPLE,
    switchboard=replace(
        EXAMPLE.switchboard,
        schedule=replace(
            EXAMPLE.switchboard.schedule, holidays=(Holiday(HOLIDAY, Words("Immacolata")),)
        ),
    ),
)


def over(number: int, first: date, last: date, whose: Whose = Whose.HOUSE) -> HoursEntry:
    """Return an entry that closes some days."""
    period = Period(first, last, pair("Lavori", "Works"), week_of())
    return HoursEntry(number, whose, period, "capo", AT, "r")


def test_of_two_entries_for_a_day_it_is_said_which_holds() -> None:
    """The one that is entered now; nothing of one that it corrects, or of other days or groups."""
    said = special_changes(EXAMPLE, (OPEN,), over(3, date(2026, 12, 5), MONDAY), TODAY)[0]
    assert said.text("it") == (
        "Anche la voce 1, «Voto», riguarda dom 6 dicembre 2026 (centralino e sportello): "
        "lì vale ciò che si inserisce ora."
    )
    long = over(1, TODAY - timedelta(2), MONDAY)
    feast = special_changes(
        FEAST, (over(1, HOLIDAY, HOLIDAY),), over(2, MONDAY, HOLIDAY + timedelta(1)), TODAY
    )[0]
    assert feast.text("it") == (
        "La voce 1, «Lavori», riguarda mar 8 dicembre 2026 (centralino e sportello), giorno "
        "festivo: lì resta in vigore, perché è inserita per quel solo giorno."
    )
    one = special_changes(EXAMPLE, (long,), over(2, TODAY, SUNDAY, Whose.COUNTER), TODAY)[0]
    assert "mer 25 novembre 2026 – dom 6 dicembre 2026 (sportello)" in one.text("it")
    other = over(1, SUNDAY, SUNDAY, Whose.SWITCHBOARD)
    two = special_changes(EXAMPLE, (other,), over(2, SUNDAY, SUNDAY), TODAY)[0]
    assert "(centralino)" in two.text("it")
    for stored, new in (
        # neither holds on a holiday among several days
        (over(1, HOLIDAY, HOLIDAY + timedelta(1)), over(2, HOLIDAY - timedelta(1), HOLIDAY)),
        (OPEN, over(3, MONDAY, MONDAY)),
        (other, over(2, SUNDAY, SUNDAY, Whose.COUNTER)),
        (OPEN, replace(over(3, SUNDAY, SUNDAY), ends=1)),
        (OPEN, revoke_special_hours((OPEN,), 1, "r", "capo", AT)),
    ):
        told = special_changes(FEAST, (stored,), new, TODAY)
        assert not any("Anche la voce" in each.text("it") for each in told)


def test_what_a_revocation_changes() -> None:
    """The days of what it ends; of the group that was meant alone."""
    told = special_changes(
        EXAMPLE, (SHUT,), revoke_special_hours((SHUT,), 2, "r", "capo", AT), TODAY
    )
    assert [each.text("it") for each in told] == [
        "lun 7 dicembre 2026, Centralino: 08:30-13:00 14:00-18:00 (prima chiuso, «Ponte»)"
    ]


def test_of_many_days_some_are_told() -> None:
    """The first two weeks, and later ones that were special already; the rest is counted."""
    period = Period(date(2026, 11, 26), date(2026, 12, 24), Words("X"), week_of(thursday="1-2"))
    new = HoursEntry(1, Whose.SWITCHBOARD, period, "capo", AT, "r")
    told = [each.text("it") for each in special_changes(OFFICES["no_counter"], (), new, TODAY)]
    assert len(told) == 16
    assert told[-2].startswith(
        "gio 24 dicembre 2026, Centralino: 01:00-02:00, «X» (prima 08:30-13:00"
    )
    assert told[-1] == "e così altri 13 giorni."


def test_when_nothing_changes() -> None:
    """It is said."""
    again = HoursEntry(2, Whose.HOUSE, OPEN.period, "capo", AT, "r", ends=1)
    assert [told.text("en") for told in special_changes(EXAMPLE, (OPEN,), again, TODAY)] == [
        "No day changes."
    ]
