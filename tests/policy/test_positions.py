"""What a position is doing, and when it counts as away (E3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.errors import ConfigurationError
from appliance.policy.office import (
    SET_AUTOMATICALLY,
    Position,
    PositionRules,
    PositionState,
    position,
)
from appliance.policy.opening import ManualMark

AT = datetime(2026, 11, 25, 9, tzinfo=UTC)


def test_away_counts_first_then_unreachable_then_engaged() -> None:
    """Each position has one state; away says since when and by whom, unreachable since when."""
    mark = ManualMark(SET_AUTOMATICALLY, AT)
    away = position("op1", mark, engaged=True, reachable=False, gone=AT)
    assert away == Position("op1", PositionState.AWAY, AT, SET_AUTOMATICALLY)
    assert away.automatic
    by_key = position("op1", ManualMark("op1", AT), engaged=False, reachable=True)
    assert not by_key.automatic
    gone = position("op1", None, engaged=True, reachable=False, gone=AT)
    assert gone == Position("op1", PositionState.UNREACHABLE, AT)
    never = position("op1", None, engaged=False, reachable=False)
    assert never == Position("op1", PositionState.UNREACHABLE)
    assert position("op1", None, engaged=True, reachable=True).state is PositionState.BUSY
    assert position("op1", None, engaged=False, reachable=True).state is PositionState.FREE


@pytest.mark.parametrize(
    ("rule", "missed", "away"),
    [(2, 1, False), (2, 2, True), (1, 1, True), (0, 9, False), (3, 4, True)],
)
def test_so_many_missed_calls_set_a_position_away(rule: int, missed: int, away: bool) -> None:
    """E3: the number is the office's choice; 0 is never."""
    assert PositionRules(rule).goes_away(missed) is away


def test_rules_below_nothing_are_refused() -> None:
    """A negative number is a mistake, and says what to write."""
    with pytest.raises(ConfigurationError, match="write 0 for never"):
        PositionRules(-1)
    with pytest.raises(ConfigurationError, match="write 0 for never"):
        PositionRules(2, -1)
