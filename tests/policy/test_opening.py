"""The manual states: kept apart, with who and until when, ending by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from appliance.errors import Bug
from appliance.policy.clock import Now
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark, ManualState
from tests.stories.offices import ROME

NINE = datetime(2026, 11, 25, 9, tzinfo=ROME)
TEN = NINE + timedelta(hours=1)


def test_unattended_and_closed_are_kept_apart() -> None:
    """Two states, two words: undoing one leaves the other."""
    both = NO_MANUAL_STATES.set(ManualState.UNATTENDED, ManualMark("op1", NINE)).set(
        ManualState.CLOSED, ManualMark("capo", NINE)
    )
    assert set(both.marks()) == {"unattended", "closed"}
    assert set(both.undo(ManualState.CLOSED).marks()) == {"unattended"}
    assert both.undo(ManualState.ABSENT) == both


@pytest.mark.parametrize(
    ("first", "then"),
    [(ManualState.CLOSED, ManualState.OPENED), (ManualState.OPENED, ManualState.CLOSED)],
)
def test_closed_and_opened_by_hand_exclude_each_other(
    first: ManualState, then: ManualState
) -> None:
    """The later wish undoes the earlier one."""
    state = NO_MANUAL_STATES.set(first, ManualMark("capo", NINE)).set(then, ManualMark("op1", TEN))
    assert state.marks() == {then.value: ManualMark("op1", TEN)}


def test_marks_end_by_themselves_and_by_nothing_else() -> None:
    """A mark holds until its time has come; without one it holds until undone (P9)."""
    state = NO_MANUAL_STATES.set(ManualState.ABSENT, ManualMark("capo", NINE, TEN)).set(
        ManualState.CLOSED, ManualMark("capo", NINE)
    )
    assert state.next_expiry() == TEN
    assert state.expired(TEN - timedelta(seconds=1)) is state
    assert set(state.expired(TEN).marks()) == {"closed"}
    assert state.expired(TEN).next_expiry() is None
    assert state.expired(TEN + timedelta(days=400)).closed is not None


def test_a_naive_time_is_our_fault() -> None:
    """Inside, every wall time knows its zone."""
    naive = datetime(2026, 11, 25, 9)  # noqa: DTZ001 - that is the point
    for make in (
        lambda: ManualMark("x", naive),
        lambda: ManualMark("x", NINE, naive),
        lambda: Now(0.0, naive),
    ):
        with pytest.raises(Bug):
            make()


def test_a_position_away_is_no_state_of_the_switchboard() -> None:
    """Each phone has its own mark; it ends by itself, at its time, or when somebody comes back."""
    state = NO_MANUAL_STATES.go_away("op1", ManualMark("op1", NINE, TEN)).go_away(
        "op2", ManualMark("op2", NINE)
    )
    assert state.marks() == {}
    assert state.next_expiry() == TEN
    assert [state.is_away(phone, NINE) for phone in ("op1", "op2", "op3")] == [True, True, False]
    assert not state.is_away("op1", TEN)
    assert [phone for phone, _ in state.expired(TEN).away] == ["op2"]
    again = state.go_away("op1", ManualMark("op1", TEN))
    assert dict(again.away)["op1"] == ManualMark("op1", TEN)
    assert again.come_back("op1").come_back("op2") == NO_MANUAL_STATES
