"""The wall's figures are the report's, of the day so far, and nobody's own (E21)."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy import wall
from appliance.policy.hours import week_of
from appliance.policy.reports import CallRow, Ending, TransferAttempt, report_of
from appliance.policy.text import Refused
from appliance.policy.wall import (
    LONGEST_SCREEN_NAME,
    MOST_SCREENS,
    MOST_STEPS,
    Axis,
    EarlierDays,
    EndingVariation,
    Returns,
    ScreenLink,
    WaitingNow,
    axis_for,
    check_new_screen,
    day_figures,
    earlier_days,
    ending_variations,
    next_edge,
    returns_of,
    screen_hash,
    usual_span,
    waiting_now,
    without_screen_secrets,
)
from tests.policy.small_directory import rome, variation
from tests.policy.test_reports import CALLS

NOON = rome("2026-12-01 12:10")
OPEN = ((8.0, 13.0), (14.5, 18.0))
NOTHING = EarlierDays()


def call(
    hour: int, ending: Ending = Ending.FILTER, *sent: TransferAttempt, days: int = 0
) -> CallRow:
    """Make a call of an hour, so many days ago."""
    return CallRow(NOON.replace(hour=hour) - timedelta(days=days), "", ending, sent=sent)


@given(st.lists(CALLS, max_size=40))
def test_the_sums_are_the_reports(calls: list[CallRow]) -> None:
    """Each hour, the whole and each unit: what the report of the same calls says."""
    found = day_figures(calls, NOTHING, OPEN, NOON)
    report = report_of(calls, ())
    assert found.total == report.total
    assert {bar.hour: bar.figures for bar in found.bars if bar.figures.calls} == report.hours
    units = {
        unit: Returns(told.asked, sum(told.returned.values()))
        for unit, told in report.units.items()
    }
    assert returns_of(calls) == units
    assert dict(found.units) == {unit: told for unit, told in units.items() if told.returned}
    assert all(bar.others >= 0 for bar in found.bars)


def test_hours_without_a_call_and_closed_ones_have_their_place() -> None:
    """From the first opening to the last closing, and further where there were calls."""
    found = day_figures([call(7), call(12, Ending.VOICEMAIL)], NOTHING, OPEN, NOON)
    assert [bar.hour for bar in found.bars] == list(range(7, 18))
    assert found.closed == ((7.0, 8.0), (13.0, 14.5))
    assert [bar.hour for bar in found.bars if bar.is_running] == [12]
    assert [bar.others for bar in found.bars if bar.figures.calls] == [0, 1]
    late = day_figures([call(19)], NOTHING, (*OPEN, (17.0, 18.5)), NOON)
    assert ([bar.hour for bar in late.bars][-1], late.closed[-1]) == (19, (18.5, 20.0))
    holiday = day_figures((), NOTHING, (), NOON)
    assert [bar.hour for bar in holiday.bars] == list(range(8, 18))
    assert holiday.closed == ((8.0, 18.0),)


def test_what_is_usual_is_of_the_same_weekday() -> None:
    """The mean of the days that had calls; without one nothing is usual, and not zero."""
    calls = [call(9, days=7), call(9, days=7), call(9, days=14), call(10, days=14), call(9, days=1)]
    earlier = earlier_days(calls, NOON.date())
    assert (earlier.usual[9], earlier.usual[10], earlier.usual[11]) == (1.5, 0.5, 0.0)
    assert earlier_days([call(9, days=1)], NOON.date()).usual == {}
    bars = day_figures((), earlier, OPEN, NOON).bars
    assert [bar.usual for bar in bars][:3] == [0.0, 1.5, 0.5]
    assert day_figures((), NOTHING, OPEN, NOON).bars[0].usual is None
    assert usual_span(date(2026, 12, 1)) == (date(2026, 11, 3), date(2026, 11, 30))


def test_units_that_return_most_come_first() -> None:
    """Of today and the four weeks before; those without a return are not listed."""
    back = [TransferAttempt(f"u{n}", "busy") for n in range(7)]
    earlier = earlier_days([call(9, Ending.RETURNED, *back, back[3])], NOON.date())
    taken = TransferAttempt("taken")
    today = [
        call(9, Ending.RETURNED, back[2], taken),
        call(9, Ending.TRANSFERRED, replace(back[2], returned="")),
    ]
    found = day_figures(today, earlier, OPEN, NOON).units
    assert found[:2] == (("u2", Returns(3, 2)), ("u3", Returns(2, 2)))
    assert [unit for unit, _ in found[2:]] == ["u0", "u1", "u4"]


@pytest.mark.parametrize(
    ("most", "axis"),
    [(0, (1, 1)), (1, (1, 1)), (5, (5, 1)), (5.5, (6, 2)), (11, (15, 5)), (28, (30, 10)),
     (60, (60, 20)), (190, (200, 50)), (4321, (5000, 1000))],
)  # fmt: skip
def test_axes_begin_at_zero_and_have_round_steps(most: float, axis: tuple[int, int]) -> None:
    """At most five steps of 1, 2 or 5 times a power of ten; nothing is above the top."""
    assert axis_for(most) == Axis(*axis)


@given(st.floats(0, 1e6))
def test_every_value_is_on_the_axis(most: float) -> None:
    """Whatever the day."""
    axis = axis_for(most)
    assert axis.top >= most
    assert axis.top % axis.step == 0
    assert axis.top // axis.step <= MOST_STEPS


def test_when_hours_change_next() -> None:
    """Today's next opening or closing; none after the last one."""
    assert next_edge(OPEN, NOON) == 13.0
    assert next_edge(OPEN, NOON.replace(hour=13, minute=0)) == 14.5
    assert next_edge(OPEN, NOON.replace(hour=18, minute=0)) is None
    assert next_edge((), NOON) is None


TODAY = "2026-12-01"
MORNING = week_of(tuesday="9-10 11-13")


def test_variations_on_their_last_day() -> None:
    """Those that go on until later, and those whose last band is over, are not listed."""
    to_noon, all_day = week_of(tuesday="9-12"), week_of(monday="9-12")
    to_midnight = week_of(tuesday="9-24")
    entered = [
        variation(1, TODAY, all_day, "suap"),
        variation(2, TODAY, MORNING),
        variation(3, TODAY, to_noon, "tributi"),
        variation(4, "2026-12-02", MORNING, "civile"),
        variation(5, TODAY, to_midnight, "ambiente"),
        replace(variation(6, TODAY, MORNING, "scuola"), last=date(2026, 12, 2)),
        replace(variation(7, TODAY, MORNING, "mensa"), first=date(2026, 11, 1)),
    ]
    assert ending_variations(entered, NOON) == (
        EndingVariation("anagrafe", time(13)),
        EndingVariation("mensa", time(13)),
        EndingVariation("ambiente", None),
        EndingVariation("suap", None),
    )
    assert ending_variations(entered, rome("2026-12-03 09:00")) == ()


def test_the_last_variation_of_a_day_decides() -> None:
    """One of all needs replaces those of some; one that restores the declared bands ends it."""
    first, later = variation(1, TODAY, MORNING), variation(2, TODAY, week_of(tuesday="15-17"))
    of_one = replace(first, needs=("residenza",))
    until_five = EndingVariation("anagrafe", time(17))
    assert ending_variations([first, later], NOON) == (until_five,)
    assert ending_variations([of_one, later], NOON) == (until_five,)
    assert ending_variations([later, of_one], NOON) == (
        EndingVariation("anagrafe", time(13)),
        until_five,
    )
    assert ending_variations([first, variation(2, TODAY, None)], NOON) == ()


def test_who_waits() -> None:
    """The longest wait; a clock set back makes none negative."""
    assert waiting_now((), NOON) == WaitingNow(0, None)
    since = [NOON - timedelta(seconds=48), NOON + timedelta(seconds=5)]
    assert waiting_now(since, NOON) == WaitingNow(2, 48.0)


def test_no_figure_is_a_persons() -> None:
    """E21: neither a field of the day, nor anything below it, is of a position or a name."""
    named: set[str] = set()

    def walk(kind: Any) -> None:
        if is_dataclass(kind):
            named.update(field.name for field in fields(kind))
        parts = (
            get_type_hints(kind).values() if is_dataclass(kind) else getattr(kind, "__args__", ())
        )
        for part in parts:
            walk(part)

    walk(wall.DayFigures)
    assert {"total", "bars", "figures", "called_back", "returned"} <= named
    assert named & {"position", "positions", "phone", "by", "user", "operator"} == set()
    sat = [replace(call(9), position="op1", wait_s=3.0)]
    assert "op1" not in repr(day_figures(sat, NOTHING, OPEN, NOON))


def link(number: int, name: str, ended: datetime | None = None) -> ScreenLink:
    """Make a link."""
    return ScreenLink(number, name, NOON, "anna", ended)


def test_names_of_screens() -> None:
    """One of its own among those that are open, not too long, not too many."""
    there = [link(1, "Ingresso"), link(2, "Sala", NOON)]
    check_new_screen("Sala", there)
    check_new_screen("x" * LONGEST_SCREEN_NAME, there)
    for name in ("", "x" * (LONGEST_SCREEN_NAME + 1), "a\nb"):
        with pytest.raises(Refused, match="a name of 1 to 64"):
            check_new_screen(name, there)
    with pytest.raises(Refused, match="already"):
        check_new_screen("INGRESSO", there)
    many = [link(n, f"s{n}") for n in range(MOST_SCREENS)]
    with pytest.raises(Refused, match="20 screens"):
        check_new_screen("one more", many)
    check_new_screen("one more", [*many[1:], link(0, "s0", NOON)])
    assert (there[0].is_open, there[1].is_open) == (True, False)


def test_secrets_are_hashed_and_stand_in_no_log() -> None:
    """Whatever a browser sends has a hash; an address in the journal has no secret."""
    assert len(screen_hash("\udc80")) == len(screen_hash("a")) == 64
    assert without_screen_secrets("GET /screen/Ab_c-9/live failed") == "GET /screen/…/live failed"
