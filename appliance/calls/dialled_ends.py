"""How a position's call to somebody outside ends: one final record, the line proven idle (B1).

Handlers of DIALLED_TABLE (side_states.py), as in dialled.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from appliance.calls import announcements, orders
from appliance.calls.desk import NOT_IDLE, Desk, LineState, state_after
from appliance.calls.dialled_side import Dialled
from appliance.calls.events import CallerHungUp, CarrierLost, DeadlinePassed, Evidence
from appliance.calls.orders import Order, Result
from appliance.calls.side_states import SideState
from appliance.policy.clock import Now
from appliance.policy.dialling import Placed

Orders = Iterator[Order]


def give_line(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """An emergency call needs the line: the operator is told, the record says so."""
    side.note("freed.emergency")
    side.settle(side.so_far, "out.freed", Evidence.EMERGENCY)
    yield from leave(desk, side, now, "line_needed")


def far_left(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """Whoever was called is busy, has hung up, or never answered: the phone is let go."""
    evidence = event.evidence if isinstance(event, CallerHungUp) else Evidence.LIMIT
    side.settle(side.so_far, f"out.{evidence}", evidence)
    yield orders.HangUpPhone(side.leg)
    side.gone = True
    yield from clear(desk, side, now)


def end_longest(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """No line stays seized for ever, and no position talks beyond its minutes (toll fraud)."""
    side.settle(Result.ANSWERED, "out.limit", Evidence.LIMIT)
    yield from leave(desk, side, now, "call_limit")


def leave(desk: Desk, side: Dialled, now: Now, *keys: str) -> Orders:
    """Tell the phone the last sentences; the line is hung up meanwhile."""
    side.enter(SideState.LEAVING, now)
    if side.line:
        desk.seats[side.line].become(LineState.CLEARING, now)
        yield orders.HangUp(side.line)
    yield from say(desk, side, *keys)


def say(desk: Desk, side: Dialled, *keys: str) -> Orders:
    """Say something to the phone."""
    yield orders.Play(side.new_play(), announcements.staff_words(desk.office, keys), leg=side.leg)


def part(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """The phone has hung up, or has heard the last sentence."""
    leaving = side.state is SideState.LEAVING
    if not side.gone and not hasattr(event, "leg"):
        yield orders.HangUpPhone(side.leg)
    side.gone = True
    side.settle(side.so_far, "out.hung_up", Evidence.OPERATOR)
    if side.line and leaving:
        side.enter(SideState.CLEARING, now)  # its line was put down before
    else:
        yield from clear(desk, side, now)


def clear(desk: Desk, side: Dialled, now: Now) -> Orders:
    """Put the line on hook and wait for it; without a line the call is over."""
    if side.line:
        desk.seats[side.line].become(LineState.CLEARING, now)
        side.enter(SideState.CLEARING, now)
        yield orders.HangUp(side.line)
    else:
        yield from end(desk, side, now)


def _let_go(side: Dialled) -> Order:
    """Let the phone go: one that still rings to call somebody back is no longer rung."""
    rings = side.rung and side.state is SideState.ACCEPTING
    return orders.StopRinging(side.leg) if rings else orders.HangUpPhone(side.leg)


def give_up(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """Nobody lifted the phone that was to call back, or it never came up."""
    side.settle(Result.NOT_REACHED, "out.position", Evidence.OWN)
    yield _let_go(side)
    yield from end(desk, side, now)


def free(desk: Desk, side: Dialled, event: Any, now: Now) -> None:
    """Part call and line by what was said of the line."""
    if not side.line:
        return
    state, reason = state_after(event)
    if isinstance(event, DeadlinePassed):
        state, reason = LineState.CLEARING, NOT_IDLE
    seat = desk.seats[side.line]
    seat.call = side.line = ""
    seat.become(state, now, reason)


def free_line(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """The line is the exchange's again; a phone that still hears its sentence hears it out."""
    free(desk, side, event, now)
    if side.state is SideState.CLEARING:
        yield from end(desk, side, now)


def hang_up(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """There is no sound to be had any more, or no key came: the phone is let go."""
    stopped = Evidence.LOST if isinstance(event, CarrierLost) else Evidence.STOPPED
    why = "out.no_reason" if isinstance(event, DeadlinePassed) else "out.lost"
    evidence = Evidence.OWN if isinstance(event, DeadlinePassed) else stopped
    side.settle(side.so_far, why, evidence)
    if not side.gone:
        yield _let_go(side)
    free(desk, side, event, now)
    yield from end(desk, side, now)


def end(desk: Desk, side: Dialled, now: Now) -> Orders:
    """Write the final record, once; what was talked counts for the day's limit."""
    side.state = SideState.ENDED
    side.note("ended", ended_at=now.wall)
    talked = 0.0 if side.talking_since is None else now.monotonic - side.talking_since
    record = side.record
    placed = Placed(record.call, side.phone, side.number, record.rang_at, record.case, talked)
    desk.ledger = desk.ledger.place(placed)
    yield orders.WriteCall(record)
