"""Two calls' dates that agree with each other, not with the clock, raise a doubt; one does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appliance.policy.clock import ExchangeTime

ROME = ZoneInfo("Europe/Rome")
TEN = datetime(2027, 3, 1, 10, 0, 30, tzinfo=ROME)


def heard(*offs: float, at: datetime = TEN) -> ExchangeTime:
    """Return what is known after a call a minute, whose dates are so many minutes ahead."""
    known = ExchangeTime()
    for number, off in enumerate(offs):
        local = at + timedelta(minutes=number)
        told = local + timedelta(minutes=off)
        known = known.hear(f"{told:%m%d%H%M}", local, 100.0 + 60 * number)
    return known


@pytest.mark.parametrize(
    ("offs", "minutes"),
    [
        ((), 0),
        ((60,), 0),
        ((60, 61), 60),
        ((-180, -180), -180),
        ((60, 64), 0),
        ((60, 60, 0), 0),
        ((5, 5), 0),
        ((0, 60, 60), 60),
        ((26 * 60, 26 * 60), 26 * 60),
    ],
)
def test_two_calls_that_agree(offs: tuple[float, ...], minutes: int) -> None:
    """The last two count: within two minutes of each other, more than ten from the clock."""
    at = TEN + timedelta(seconds=200)
    assert heard(*offs).minutes_off(at, 300.0) == pytest.approx(minutes, abs=1)


def test_a_clock_that_was_put_right_is_doubted_no_more() -> None:
    """It is compared at the moment at which it is asked, not as it was then."""
    known = heard(60, 60)
    assert known.minutes_off(TEN + timedelta(hours=1), 100.0) == 0
    in_1980 = heard(0, 0, at=TEN.replace(year=1980))
    assert in_1980.minutes_off(TEN, 100.0) == 0, "another year says nothing"


@pytest.mark.parametrize("dated", ["", "nonsense", "13011200", "02301200", "01012460", "0101240"])
def test_what_is_no_date_changes_nothing(dated: str) -> None:
    """The far end chooses these bytes."""
    assert ExchangeTime().hear(dated, TEN, 100.0) == ExchangeTime()


def test_the_turn_of_the_year_is_no_year() -> None:
    """A minute before midnight by theirs, a minute after by ours; a leap day where it is one."""
    at = datetime(2028, 1, 1, 0, 1, tzinfo=ROME)
    known = ExchangeTime().hear("12312359", at, 100.0).hear("12312359", at, 100.0)
    assert known.minutes_off(at, 100.0) == 0
    leap = datetime(2028, 2, 29, 10, 0, tzinfo=ROME)
    known = ExchangeTime().hear("02291100", leap, 100.0).hear("02291100", leap, 100.0)
    assert known.minutes_off(leap, 100.0) == 60
