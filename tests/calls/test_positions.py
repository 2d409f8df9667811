"""Positions that are away, and short rings: what a story cannot say."""

from __future__ import annotations

from appliance.calls import events, orders
from appliance.calls.commands import SetAllAbsent, SetAway
from appliance.calls.positions import REMIND
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark
from tests.calls.desk import TEN, later, tell, up

AWAY = events.ServiceStateChanged(SetAway(on=True, by="op1"))


def rung(given: list[orders.Order]) -> list[str]:
    """Name the phones that ring."""
    return [
        r.phone for order in given if isinstance(order, orders.RingPhones) for r in order.ringing
    ]


def test_a_reminder_that_crossed_the_coming_back_rings_nobody() -> None:
    """A deadline that was due as the position came back means nothing."""
    assert tell(up(), TEN, events.DeadlinePassed(REMIND, "op1")) == []


def test_a_phone_has_one_notice_at_a_time() -> None:
    """E3, E4: a position that is reminded as "all absent" ends rings once."""
    desk = up()
    hour = later(TEN, 3600)
    absent = SetAllAbsent(on=True, by="capo", until=hour.wall)
    tell(desk, TEN, AWAY, events.ServiceStateChanged(absent))
    rang = [phone for passed in desk.due(hour) for phone in rung(tell(desk, hour, passed))]
    assert sorted(rang) == ["desk1", "desk2", "op1", "op2"]


def test_a_position_that_was_away_before_a_restart_is_reminded_too() -> None:
    """What was kept of the manual states counts from when it began."""
    desk = up()
    desk._desk.service = NO_MANUAL_STATES.go_away("op1", ManualMark("op1", TEN.wall))
    soon = later(TEN, 3000)
    tell(desk, soon, events.MessagesWaiting(0))
    assert desk.next_deadline() == TEN.monotonic + 3600
    assert rung(tell(desk, later(TEN, 3600), *desk.due(later(TEN, 3600)))) == ["op1"]


def test_a_phone_that_no_group_rings_never_counts_as_a_position() -> None:
    """The head's own telephone misses nothing: it is no position."""
    desk = up()
    tell(desk, TEN, events.PhoneRegistered("capo1"), events.PhoneDialled("d", "op1", "30"))
    tell(desk, later(TEN, 30), *desk.due(later(TEN, 30)))
    assert desk.status(later(TEN, 30)).service == NO_MANUAL_STATES
