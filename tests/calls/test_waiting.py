"""Calls that wait for a free position: what a story cannot say."""

from __future__ import annotations

from dataclasses import replace

from appliance.calls import events, orders
from appliance.calls.switchboard import Switchboard
from tests.calls.examples import TEN, later, tell, up


def two_wait() -> Switchboard:
    """Return a switchboard whose only operator talks on line1 while line2 and line3 wait."""
    switchboard = up("waiting_alone")
    switchboard._board.office = replace(
        switchboard._board.office, waiting=replace(switchboard._board.office.waiting, places=2)
    )
    for number in (1, 2, 3):
        line = f"line{number}"
        tell(switchboard, later(TEN, number), events.LineRang(line))
        tell(switchboard, later(TEN, number), events.CallerIdentified(line, events.Caller()))
        tell(switchboard, later(TEN, number), events.LineAnswered(line))
        if number == 1:
            tell(switchboard, later(TEN, number), events.OperatorAnswered("boot7-1.1", "op1"))
            tell(switchboard, later(TEN, number), events.LineAnswered(line))
    return switchboard


def rung_for(given: list[orders.Order]) -> list[str]:
    """Name the calls for which phones ring."""
    return [order.call for order in given if isinstance(order, orders.RingPhones)]


def test_the_longest_waiting_call_is_next() -> None:
    """P8: in the order in which they began to wait."""
    given = tell(two_wait(), later(TEN, 9), events.PhoneHungUp("boot7-1.1"))
    assert rung_for(given) == ["boot7-2"]


def test_a_return_goes_before_new_calls() -> None:
    """E6: the higher priority is served first, however long the others have waited."""
    switchboard = two_wait()
    switchboard._board.calls["boot7-3"].priority = 1
    assert [call.id for call in switchboard._board.queue] == ["boot7-3", "boot7-2"]
    given = tell(switchboard, later(TEN, 9), events.PhoneHungUp("boot7-1.1"))
    assert rung_for(given) == ["boot7-3"]


def test_a_line_that_never_comes_up_does_not_wait_for_ever() -> None:
    """B1: the call ends, the line is let go."""
    switchboard = up("waiting_alone")
    tell(
        switchboard,
        TEN,
        events.PhoneDialled("k", "op1", "*811"),
        events.OperatorAnswered("k", "op1"),
    )
    tell(switchboard, TEN, events.ServiceStateChanged(None), events.LineRang("line1"))
    switchboard._board.service = replace(switchboard._board.service, unattended=None)
    assert orders.AnswerLine("line1") in tell(
        switchboard, TEN, events.CallerIdentified("line1", events.Caller())
    )
    ten_later = later(TEN, 10)
    given = tell(switchboard, ten_later, *switchboard.due(ten_later))
    assert orders.HangUp("line1") in given
