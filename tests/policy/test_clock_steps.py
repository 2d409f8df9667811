"""Times written before the clock was known are put right by how far it was off at that moment."""

from __future__ import annotations

import pytest

from appliance.policy.clock import MOST_STRETCHES, ClockReading, ClockSteps

TRUE = 2_000_000_000.0
"""The true time at running second 0."""
Y1980 = 315_532_800.0


def story(*offsets: float) -> ClockSteps:
    """Return what is known of a clock that had these offsets for 100 s each, then the true one."""
    steps = ClockSteps()
    for number, offset in enumerate(offsets):
        for second in (0.0, 50.0):
            at = number * 100.0 + second
            steps = steps.see(ClockReading(at, at + offset))
    at = len(offsets) * 100.0
    return steps.know(ClockReading(at, at + TRUE))


@pytest.mark.parametrize(
    ("offsets", "written_at", "in_stretch"),
    [
        ((Y1980,), 30.0, 0),
        ((Y1980,), 99.9, 0),
        ((Y1980, TRUE - 7200), 30.0, 0),
        ((Y1980, TRUE - 7200), 150.0, 1),
        ((TRUE + 600,), 30.0, 0),
    ],
)
def test_put_right(offsets: tuple[float, ...], written_at: float, in_stretch: int) -> None:
    """Whatever the clock said, the true time is the running time plus the true offset."""
    wall = written_at + offsets[in_stretch]
    assert story(*offsets).corrected(wall) == pytest.approx(written_at + TRUE)


def test_what_needs_nothing_is_left_alone() -> None:
    """As long as the time is not known; a time that was right; one written after; one of another
    day; and what is known stays known.
    """
    assert ClockSteps().see(ClockReading(0.0, Y1980)).corrected(Y1980) is None
    assert story(TRUE).corrected(TRUE + 30.0) is None
    known = story(Y1980)
    assert known.corrected(TRUE + 500.0) is None
    assert known.corrected(Y1980 - 5000.0) is None
    assert known.see(ClockReading(500.0, Y1980)) == known
    assert known.know(ClockReading(500.0, Y1980)) == known


def test_a_clock_that_is_steered_is_not_set() -> None:
    """Less than a second is no step; and no clock fills the memory."""
    steps = ClockSteps()
    for second in range(100):
        steps = steps.see(ClockReading(float(second), second + TRUE + second / 1000))
    assert len(steps.stretches) == 1
    for second in range(100, 100 + 2 * MOST_STRETCHES):
        steps = steps.see(ClockReading(float(second), second + TRUE + 10.0 * second))
    assert len(steps.stretches) == MOST_STRETCHES
