"""The counter of wrong tries, and its two rules; what each use of it promises stands in its own."""

from __future__ import annotations

import pytest

from appliance.lockout import GrowingDelay, LockOutCounter, LockOutRule, Window

DOUBLING = GrowingDelay(free=2, first_s=10.0, longest_s=30.0, forgotten_s=1000.0)
ANEW = GrowingDelay(free=2, first_s=10.0, longest_s=10.0, anew=True)
WINDOW = Window(most=2, window_s=100.0)


def wrong(rule: LockOutRule, *at: float) -> LockOutCounter[str]:
    """Return a counter that was told of wrong tries at these moments."""
    counter = LockOutCounter[str](most=3, moments=2)
    for moment in at:
        counter.count_wrong("anna", rule, moment)
    return counter


@pytest.mark.parametrize(
    ("rule", "at", "now", "wait_s"),
    [
        (DOUBLING, (0.0,), 0.0, 0.0),
        (DOUBLING, (0.0, 5.0), 5.0, 10.0),
        (DOUBLING, (0.0, 5.0, 5.0), 6.0, 19.0),
        (DOUBLING, (0.0,) * 9, 0.0, 30.0),  # never more
        (DOUBLING, (0.0,) * 5000, 0.0, 30.0),  # nor too many doublings
        (DOUBLING, (0.0, 0.0), 10.0, 0.0),
        (DOUBLING, (0.0, 0.0, 20.0), 20.0, 20.0),  # they go on counting
        (DOUBLING, (0.0, 0.0, 1000.0), 1000.0, 0.0),  # until they are forgotten
        (ANEW, (0.0, 900.0), 900.0, 10.0),
        (ANEW, (0.0, 0.0, 10.0), 10.0, 0.0),  # after the delay it is the first
        (ANEW, (0.0, 0.0, 9.0), 10.0, 9.0),  # within it it is one more
        (WINDOW, (0.0, 99.0), 99.0, 1.0),
        (WINDOW, (0.0, 99.0), 100.0, 0.0),
        (WINDOW, (0.0, 100.0), 100.0, 0.0),
        (WINDOW, (0.0, 10.0, 20.0), 20.0, 90.0),  # the latest two
    ],
)
def test_how_long_the_next_try_waits(
    rule: LockOutRule, at: tuple[float, ...], now: float, wait_s: float
) -> None:
    """Somebody else waits for nothing, and whoever was right neither."""
    counter = wrong(rule, *at)
    assert counter.wait_s("anna", rule, now) == wait_s
    assert counter.wait_s("carla", rule, now) == 0.0
    counter.forget("anna")
    assert counter.wait_s("anna", rule, now) == 0.0


@pytest.mark.parametrize("rule", [DOUBLING, ANEW, WINDOW])
def test_a_bounded_number_of_keys_is_remembered(rule: LockOutRule) -> None:
    """The one whose last wrong try is the oldest makes room."""
    counter = wrong(rule, 0.0)
    for at, name in enumerate(("berta", "carla", "anna", "dora")):
        counter.count_wrong(name, rule, float(at))
    assert counter.keys == ("carla", "anna", "dora")


def test_what_no_longer_counts_is_dropped() -> None:
    """No list of yesterday's names is kept."""
    counter = wrong(DOUBLING, 0.0)
    counter.count_wrong("carla", DOUBLING, 1000.0)
    assert counter.keys == ("carla",)
