"""The ordinary week that the head enters: which one holds on a day, forms, what changes (P9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from appliance.policy.directory import Directory
from appliance.policy.directory_review import times_ahead, what_holds
from appliance.policy.forms import FormRefused
from appliance.policy.hours import Band, NewWeek, Period, Week, Why, hours_of_office, week_of
from appliance.policy.hours_changes import (
    HoursEntry,
    Whose,
    bands_without,
    entries_in_force,
    office_with,
    read_new_week,
    revoke_new_week,
    revoke_special_hours,
    week_changes,
    weeks_words,
)
from appliance.policy.office import Office
from appliance.policy.text import Refused
from appliance.text import Words
from tests.stories.offices import EXAMPLE, OFFICES, ROME

AT = datetime(2026, 11, 25, 10, tzinfo=ROME)
TODAY = AT.date()
TUESDAY = date(2026, 12, 1)
MORNINGS = week_of(
    monday="8:30-13", tuesday="8:30-13", wednesday="8:30-13", thursday="8:30-13", friday="8:30-13"
)
DAYS = ["8:30-13", "8:30-13", "8:30-13", "8:30-13", "8:30-13", "", ""]


def new(
    number: int, since: date, days: Week | None, whose: Whose = Whose.SWITCHBOARD, ends: int = 0
) -> HoursEntry:
    """An entry of an ordinary week."""
    ordinary = NewWeek(since, days, number)
    return HoursEntry(number, whose, None, "anna", AT, "delibera 9", ends, ordinary)


MORNING = new(1, TUESDAY, MORNINGS)


def form(**given: Any) -> dict[str, Any]:
    """A form that closes every afternoon."""
    return {"since": "2026-12-01", "kind": "hours", "week": DAYS, "whose": "switchboard",
            "reference": "delibera 9"} | given  # fmt: skip


def is_open(office: Office, day: int, hour: int, minute: int = 5) -> bool:
    """Tell whether the switchboard opens at a time in December 2026."""
    at = datetime(2026, 12, day, hour, minute, tzinfo=ROME)
    return office.switchboard.schedule.at(at).open


# --- which one holds ------------------------------------------------------------------------------


def test_a_week_holds_from_its_day_on() -> None:
    """A caller at 14:05 the day before is served, on the day itself it is closed; counter apart."""
    office = office_with(EXAMPLE, (MORNING,))
    before = datetime(2026, 11, 26, 14, 5, tzinfo=ROME)
    assert office.switchboard.schedule.at(before).open
    assert not is_open(office, 1, 14)
    assert is_open(office, 1, 12)
    assert office.citizens_desk is not None
    assert office.citizens_desk.schedule == EXAMPLE.citizens_desk.schedule  # type: ignore[union-attr]


def test_the_next_one_takes_its_place() -> None:
    """By their days, whatever was entered first; of two of the same day the newest holds."""
    later = new(2, date(2026, 12, 9), week_of(wednesday="10-11"))
    sooner = new(3, date(2026, 12, 2), None)
    office = office_with(EXAMPLE, (later, sooner, MORNING))
    assert [is_open(office, day, 14) for day in (1, 2, 3, 9)] == [False, True, True, False]
    newest = new(4, date(2026, 12, 9), week_of(wednesday="14-15"))
    assert is_open(office_with(EXAMPLE, (newest, later)), 9, 14)


def test_what_was_taken_back_does_not_count() -> None:
    """The configured hours hold, as before."""
    ended = HoursEntry(2, Whose.SWITCHBOARD, None, "anna", AT, "r", ends=1)
    assert is_open(office_with(EXAMPLE, (MORNING, ended)), 1, 14)
    assert entries_in_force((MORNING, ended)) == ()


def test_what_is_special_lies_over_it() -> None:
    """Holidays, openings by date and special periods stay as they were entered or configured."""
    always = new(1, TODAY, Week(((Band.parse("0-24"),),) * 7))
    shut = Period(date(2026, 12, 3), date(2026, 12, 3), Words("X"), week_of())
    office = office_with(EXAMPLE, (always, HoursEntry(2, Whose.HOUSE, shut, "a", AT, "r")))
    days = (3, 4, 25, 26)
    whys = [office.switchboard.schedule.at(datetime(2026, 12, d, 9, tzinfo=ROME)).why for d in days]
    assert whys == [Why.CLOSURE, Why.HOURS, Why.HOLIDAY, Why.CLOSED_HOURS]


def test_offices_keep_their_own_week() -> None:
    """What offices declared is theirs."""
    switchboard_hours = office_with(
        EXAMPLE, (new(1, TODAY, MORNINGS, Whose.HOUSE),)
    ).switchboard.schedule
    own = hours_of_office(switchboard_hours, week_of(wednesday="14-15"))
    assert own.at(datetime(2026, 12, 2, 14, 5, tzinfo=ROME)).open


def test_an_office_that_only_its_new_week_opens() -> None:
    """It knows when it opens next; for one that is closed by its new week there is no moment."""
    shut = replace(EXAMPLE.switchboard.schedule, weekly=week_of(), openings=(), periods=())
    never = replace(EXAMPLE, switchboard=replace(EXAMPLE.switchboard, schedule=shut))
    hours = office_with(never, (MORNING,)).switchboard.schedule
    assert hours.at(AT).reopens_at == datetime(2026, 12, 1, 8, 30, tzinfo=ROME)
    assert office_with(never, (new(1, TODAY, None),)).switchboard.schedule.at(AT).reopens_at is None


# --- forms ----------------------------------------------------------------------------------------


def test_a_form_makes_an_entry() -> None:
    """With the hours from the day on, by whom, on what ground."""
    assert read_new_week((), form(), "anna", AT) == MORNING
    made = read_new_week((MORNING,), form(kind="configured", whose="house"), "anna", AT)
    assert made == new(2, TUESDAY, None, Whose.HOUSE)
    assert (made.first, made.last, made.is_revocation) == (TUESDAY, date.max, False)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"since": ""}, "since"),
        ({"since": "domani"}, "since"),
        ({"since": "2026-11-24"}, "since"),
        ({"since": "2031-12-06"}, "since"),
        ({"whose": "anagrafe"}, "whose"),
        ({"week": []}, "week"),
        ({"week": ["12-9", "", "", "", "", "", ""]}, "week.1"),
        ({"reference": " "}, "reference"),
    ],
)
def test_what_cannot_be_entered(given: dict[str, Any], place: str) -> None:
    """Every mistake stands at its field, and only there."""
    with pytest.raises(FormRefused) as met:
        read_new_week((), form(**given), "anna", AT)
    assert {each.place for each in met.value.problems} == {place}


def test_only_what_has_not_begun_is_taken_back() -> None:
    """What holds already is followed by new hours: the history stays true."""
    made = revoke_new_week((MORNING,), 1, "sindaco", "anna", AT)
    assert made == HoursEntry(2, Whose.SWITCHBOARD, None, "anna", AT, "sindaco", ends=1)
    with pytest.raises(Refused, match="in force already"):
        revoke_new_week((MORNING,), 1, "r", "anna", datetime(2026, 12, 1, 0, 1, tzinfo=ROME))
    with pytest.raises(Refused, match="holds no longer"):
        revoke_new_week((MORNING, made), 1, "r", "anna", AT)
    with pytest.raises(Refused, match="there is no entry 4"):
        revoke_new_week((MORNING, made), 4, "r", "anna", AT)
    with pytest.raises(FormRefused, match="reference"):
        revoke_new_week((MORNING,), 1, " ", "anna", AT)
    with pytest.raises(Refused, match="holds no longer"):
        revoke_special_hours((MORNING,), 1, "r", "anna", AT)


# --- what is said of them -------------------------------------------------------------------------


def test_which_weeks_hold_is_said() -> None:
    """Of each group the one in force and those to come; what has taken another's place is not."""
    assert weeks_words((), TODAY) == ()
    entries = (
        new(1, TODAY, MORNINGS, Whose.HOUSE),
        new(2, TODAY, MORNINGS),
        new(3, TUESDAY, None, Whose.COUNTER),
    )
    assert [said.text("en") for said in weeks_words(entries, TODAY)] == [
        (
            "Every week's hours, switchboard and counter: entered, from 25 November 2026 "
            "(entry 1 by anna)"
        ),
        "Every week's hours, switchboard: entered, from 25 November 2026 (entry 2 by anna)",
        "Every week's hours, counter: as configured, from 1 December 2026 (entry 3 by anna)",
    ]
    (named, *_) = weeks_words(entries, TODAY, {"anna": "Anna Verdi"}.__getitem__)
    assert named.text("en").endswith("(entry 1 by Anna Verdi)")
    over = (*entries[:2], new(4, TODAY, None, Whose.HOUSE))
    (said,) = weeks_words(over, TODAY)
    assert said.text("it").startswith(
        "Orario di ogni settimana, centralino e sportello: quello config"
    )


def test_the_list_of_what_lies_ahead_has_them() -> None:
    """A week that begins later, until something follows; one that holds already is ordinary."""
    entries = (MORNING, new(2, date(2026, 12, 9), None), new(3, TODAY, MORNINGS))
    found = times_ahead(
        Directory(), office_with(EXAMPLE, entries).switchboard.schedule, TODAY, TODAY
    )
    assert not any(isinstance(each.what, NewWeek) for each in found)
    until = date(2026, 12, 31)
    found = times_ahead(
        Directory(), office_with(EXAMPLE, entries).switchboard.schedule, TODAY, until
    )
    said = [(e.first, e.last, what_holds(e, "it")) for e in found if isinstance(e.what, NewWeek)]
    assert said == [
        (TUESDAY, None, "ogni settimana: lun mar mer gio ven 08:30-13:00"),
        (date(2026, 12, 9), None, "ogni settimana: l'orario configurato"),
    ]


# --- what changes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bands", "others", "left"),
    [
        ("8-13", "", "08:00-13:00"),
        ("8-13", "8-13", ""),
        ("8-13 14-24", "9-10 12-15", "08:00-09:00 10:00-12:00 15:00-24:00"),
        ("8-13", "13-24", "08:00-13:00"),
        ("0-24", "8:30-24", "00:00-08:30"),
    ],
)
def test_what_of_some_hours_is_left(bands: str, others: str, left: str) -> None:
    """Band by band, midnight included."""
    mine, theirs = (tuple(map(Band.parse, text.split())) for text in (bands, others))
    assert " ".join(map(str, bands_without(mine, theirs))) == left


def test_what_a_closed_afternoon_changes() -> None:
    """Each weekday's hours that close; a caller shortly after the first of them hears it."""
    found = week_changes(EXAMPLE, (), MORNING)
    assert (found.since, found.until) == (TUESDAY, None)
    assert [group.label.text("en") for group in found.groups] == ["Switchboard"]
    days = found.groups[0].days
    assert [" ".join(map(str, day.closes)) for day in days] == [
        "14:00-18:00", "14:00-18:00", "14:00-18:00", "14:00-18:00", "", "09:00-12:00", ""
    ]  # fmt: skip
    assert not any(day.opens for day in days)
    heard = found.heard[0]
    assert heard.at == datetime(2026, 12, 1, 14, 5, tzinfo=ROME)
    assert [len(found.heard), len(heard.before)] == [1, 3]
    assert heard.after[0].text("it").startswith("Fuori orario")
    assert heard.after[0].text("it").endswith("Riapre mercoledì 2 dicembre alle 08:30.")
    assert heard.before != heard.after


def test_an_example_is_no_holiday() -> None:
    """The patron's Monday is passed over; what opens for minutes has its example within."""
    later = new(1, date(2026, 11, 30), week_of(monday="14-18 19-19:04"))
    heard = week_changes(OFFICES["no_counter"], (), later, AT).heard
    assert [each.at for each in heard] == [
        datetime(2026, 12, 7, 19, 2, tzinfo=ROME),
        datetime(2026, 12, 1, 8, 35, tzinfo=ROME),
        AT,
    ]


def test_a_change_until_the_next_week() -> None:
    """What is to come later stays; a revocation changes from the day of what it ends."""
    later = new(1, date(2027, 1, 7), week_of(monday="9-10"), Whose.HOUSE)
    found = week_changes(EXAMPLE, (later,), replace(MORNING, number=2))
    assert found.until == date(2027, 1, 7)
    ended = HoursEntry(2, Whose.HOUSE, None, "anna", AT, "r", ends=1)
    back = week_changes(EXAMPLE, (later,), ended)
    assert (back.since, back.until) == (date(2027, 1, 7), None)
    assert [len(back.groups), bool(back.groups[1].days[0].opens)] == [2, True]


def test_without_a_line_nobody_calls() -> None:
    """The hours are compared all the same."""
    found = week_changes(replace(EXAMPLE, lines=()), (), MORNING)
    assert found.heard == ()
    assert found.groups
