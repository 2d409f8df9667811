"""Slots for appointments (P6): within the office's hours, when the house is open, never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import OfficeError
from appliance.policy.directory import AppointmentSlots
from appliance.policy.hours import week_of
from appliance.policy.requests import (
    AHEAD_DAYS,
    free_slots,
    free_slots_on,
    last_appointment_day,
    slots_on,
    take_slot,
)
from appliance.policy.text import SaidError
from tests.policy.small_directory import CALENDAR, EVERY_DAY, rome

TUESDAYS = AppointmentSlots(week_of(tuesday="15-16:10", friday="9-10"), 20, 2)
NOW = rome("2026-11-24 09:00")


def starts(day: str) -> list[str]:
    """Return the starts of a day's slots."""
    slots = slots_on(TUESDAYS, CALENDAR, datetime.fromisoformat(day).date())
    return [f"{slot.start:%H:%M}" for slot in slots]


def test_slots_lie_within_the_band() -> None:
    """The last one ends with the band; what is left over is no slot."""
    assert starts("2026-11-24") == ["15:00", "15:20", "15:40"]
    assert starts("2026-11-25") == []


def test_none_while_the_house_is_closed() -> None:
    """On a holiday (25 December, a Friday) and in a closure (27 November, a Friday)."""
    assert starts("2026-12-25") == []
    assert starts("2026-11-27") == []
    assert starts("2026-12-04") == ["09:00", "09:20", "09:40"]


def test_the_next_free_ones() -> None:
    """In order, full ones left out, at most so many."""
    booked = {rome("2026-11-24 15:00"): 2, rome("2026-11-24 15:20"): 1}
    found = free_slots(TUESDAYS, CALENDAR, booked, NOW, most=3)
    assert [f"{s.start:%d %H:%M}" for s in found] == ["24 15:20", "24 15:40", "01 15:00"]
    after = free_slots(TUESDAYS, CALENDAR, {}, rome("2026-11-24 15:20"), most=1)
    assert after[0].start == rome("2026-11-24 15:40")


def test_an_office_that_never_has_one() -> None:
    """Looked for within a year."""
    assert free_slots(AppointmentSlots(week_of(), 20), CALENDAR, {}, NOW) == ()


def test_a_slot_is_taken() -> None:
    """While there is a place in it."""
    start = rome("2026-11-24 15:20")
    assert take_slot(TUESDAYS, CALENDAR, {start: 1}, start, NOW).end == rome("2026-11-24 15:40")
    with pytest.raises(OfficeError, match="has just been taken"):
        take_slot(TUESDAYS, CALENDAR, {start: 2}, start, NOW)


@pytest.mark.parametrize("at", ["2026-11-24 15:10", "2026-11-25 15:00", "2026-11-27 09:00"])
def test_no_such_slot(at: str) -> None:
    """Only the office's own times can be had."""
    with pytest.raises(OfficeError, match="choose another"):
        take_slot(TUESDAYS, CALENDAR, {}, rome(at), NOW)


def test_none_in_the_past() -> None:
    """A slot that has begun is over."""
    start = rome("2026-11-24 15:00")
    with pytest.raises(OfficeError, match="choose another"):
        take_slot(TUESDAYS, CALENDAR, {}, start, start)


@given(st.lists(st.integers(0, 40), max_size=60))
def test_never_twice(choices: list[int]) -> None:
    """Whatever is asked for in whatever order, no slot has more than its places."""
    booked: dict[datetime, int] = {}
    for choice in choices:
        start = rome("2026-11-24 15:00") + timedelta(minutes=20 * choice)
        try:
            take_slot(TUESDAYS, CALENDAR, booked, start, NOW)
        except OfficeError:
            continue
        booked[start] = booked.get(start, 0) + 1
    assert all(count <= TUESDAYS.places for count in booked.values())
    offered = {s.start for s in free_slots(TUESDAYS, CALENDAR, booked, NOW, most=100)}
    assert offered.isdisjoint(start for start, count in booked.items() if count == TUESDAYS.places)


def test_what_is_left_of_a_day() -> None:
    """Each with its free places; neither full ones nor those that have begun."""
    booked = {rome("2026-11-24 15:20"): 2, rome("2026-11-24 15:40"): 1}
    day = NOW.date()
    found = free_slots_on(TUESDAYS, CALENDAR, booked, day, NOW)
    assert [(f"{slot.start:%H:%M}", free) for slot, free in found] == [("15:00", 2), ("15:40", 1)]
    late = free_slots_on(TUESDAYS, CALENDAR, booked, day, rome("2026-11-24 15:00"))
    assert [f"{slot.start:%H:%M}" for slot, _ in late] == ["15:40"]


def test_one_limit_for_what_is_shown_offered_and_given() -> None:
    """A year ahead: the last day has free hours and is given, the next one neither."""
    last = last_appointment_day(CALENDAR, NOW)
    assert last == NOW.date() + timedelta(days=AHEAD_DAYS)
    daily = replace(TUESDAYS, week=week_of(**dict.fromkeys(EVERY_DAY, "9-10")))
    for day, is_given in ((last, True), (last + timedelta(days=1), False)):
        start = rome(f"{day} 09:00")
        assert bool(list(free_slots_on(daily, CALENDAR, {}, day, NOW))) == is_given
        if is_given:
            assert take_slot(daily, CALENDAR, {}, start, NOW).start == start
        else:
            with pytest.raises(SaidError, match=f"until {last.day} November {last.year}") as told:
                take_slot(daily, CALENDAR, {}, start, NOW)
            assert "scegliere un giorno prima" in told.value.words.text("it")
    offered = free_slots(daily, CALENDAR, {}, NOW, most=10_000)
    assert offered[-1].start.date() == last
