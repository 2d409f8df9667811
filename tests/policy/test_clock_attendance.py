"""Who is there decides while the clock cannot be trusted; never silently voicemail for a day."""

from __future__ import annotations

import pytest

from appliance.policy.clock import (
    ATTENDANCE_S,
    Attendance,
    ClockState,
    Doubt,
    WithoutTime,
    hours_in_doubt,
)

NOBODY = Attendance(in_vain=100.0)


@pytest.mark.parametrize(
    ("attendance", "at", "staffed"),
    [
        (Attendance(), 0.0, True),
        (NOBODY, 101.0, False),
        (NOBODY, 100.0 + ATTENDANCE_S - 1, False),
        (NOBODY, 100.0 + ATTENDANCE_S, True),
        (Attendance(seen=100.0).ring_in_vain(200.0), 300.0, True),
        (Attendance(seen=100.0).ring_in_vain(200.0), 100.0 + ATTENDANCE_S, False),
        (NOBODY.see(150.0), 150.0 + 2 * ATTENDANCE_S, True),
    ],
)
def test_somebody_is_there(attendance: Attendance, at: float, staffed: bool) -> None:
    """At first a call rings; in vain, none rings for half an hour, unless somebody was there within
    the last half hour or comes.
    """
    assert attendance.is_staffed(at) is staffed


@pytest.mark.parametrize(
    ("rule", "state", "expected"),
    [
        (WithoutTime.IF_STAFFED, ClockState.STALE, Doubt.CLOSED),
        (WithoutTime.IF_STAFFED, ClockState.UNSET, Doubt.CLOSED),
        (WithoutTime.OPEN, ClockState.STALE, Doubt.OPEN),
        (WithoutTime.OPEN, ClockState.UNSET, Doubt.OPEN),
        (WithoutTime.HOURS, ClockState.STALE, Doubt.HOURS),
        (WithoutTime.HOURS, ClockState.UNSET, Doubt.CLOSED),
    ],
)
def test_what_a_site_has_chosen(rule: WithoutTime, state: ClockState, expected: Doubt) -> None:
    """Three choices; hours that nothing is known of are kept by none of them."""
    assert hours_in_doubt(rule, state, NOBODY, 101.0) is expected
    if rule is not WithoutTime.HOURS:
        assert hours_in_doubt(rule, state, Attendance(), 101.0) is Doubt.OPEN
