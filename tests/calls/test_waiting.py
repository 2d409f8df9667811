"""Calls that wait for a free position: what a story cannot say."""

from __future__ import annotations

from dataclasses import replace

from appliance.calls import events, orders
from appliance.calls.switchboard import Switchboard
from tests.calls.desk import TEN, later, tell, up


def two_wait() -> Switchboard:
    """Return a desk whose only operator talks on line1 while line2 and line3 wait."""
    desk = up("waiting_alone")
    desk._desk.office = replace(
        desk._desk.office, waiting=replace(desk._desk.office.waiting, places=2)
    )
    for number in (1, 2, 3):
        line = f"line{number}"
        tell(desk, later(TEN, number), events.LineRang(line))
        tell(desk, later(TEN, number), events.CallerIdentified(line, events.Caller()))
        tell(desk, later(TEN, number), events.LineAnswered(line))
        if number == 1:
            tell(desk, later(TEN, number), events.OperatorAnswered("boot7-1.1", "op1"))
            tell(desk, later(TEN, number), events.LineAnswered(line))
    return desk


def rung_for(given: list[orders.Order]) -> list[str]:
    """Name the calls for which phones ring."""
    return [order.call for order in given if isinstance(order, orders.RingPhones)]


def test_the_longest_waiting_call_is_next() -> None:
    """P8: in the order in which they began to wait."""
    given = tell(two_wait(), later(TEN, 9), events.PhoneHungUp("boot7-1.1"))
    assert rung_for(given) == ["boot7-2"]


def test_a_return_goes_before_new_calls() -> None:
    """E6: the higher priority is served first, however long the others have waited."""
    desk = two_wait()
    desk._desk.calls["boot7-3"].priority = 1
    assert [call.id for call in desk._desk.queue] == ["boot7-3", "boot7-2"]
    given = tell(desk, later(TEN, 9), events.PhoneHungUp("boot7-1.1"))
    assert rung_for(given) == ["boot7-3"]


def test_a_line_that_never_comes_up_does_not_wait_for_ever() -> None:
    """B1: the call ends, the line is let go."""
    desk = up("waiting_alone")
    tell(desk, TEN, events.PhoneDialled("k", "op1", "*811"), events.OperatorAnswered("k", "op1"))
    tell(desk, TEN, events.ServiceStateChanged(None), events.LineRang("line1"))
    desk._desk.service = replace(desk._desk.service, unattended=None)
    assert orders.AnswerLine("line1") in tell(
        desk, TEN, events.CallerIdentified("line1", events.Caller())
    )
    ten_later = later(TEN, 10)
    given = tell(desk, ten_later, *desk.due(ten_later))
    assert orders.HangUp("line1") in given
