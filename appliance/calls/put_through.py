"""The office has answered, or the call comes back from it (P6, E7).

Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from typing import Any

from appliance.calls import choices, ending, head, orders, returning, ringing
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import DigitPressed, OperatorAnswered, PhoneLost
from appliance.calls.ringing import Orders, go_on_talking
from appliance.calls.states import State
from appliance.calls.transfer_call import About, Asked, Cause, Transfer
from appliance.policy.clock import Now

STAR, THROUGH = "*", "#"
"""Keys while operator and clerk talk: not this call, or put it through."""
BY_ITSELF_S = 2.0
"""Whoever hangs up so soon after a transfer failed is a phone, not a person."""
UNHEARD = (Cause.TAKEN_BACK, Cause.REFUSED, Cause.SENT_BACK, Cause.LOST)
"""Returns of which an operator who is there need not be told: they were part of them."""


def transfer_of(call: Call) -> Transfer:
    """Return the call's transfer; its states are entered with one only."""
    assert call.transfer is not None, "no state of a transfer without one"
    return call.transfer


def tell_failed(call: Call, leg: str, code: int, now: Now) -> Orders:
    """Tell the phone that its own transfer key has led nowhere."""
    call.failed = leg, now.monotonic
    yield orders.TellTransfer(leg, code)


def operator_left(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The operator hung up: so does the box.

    Some phones end the call by themselves when they are told that a transfer has failed (baresip
    does): then nobody meant it, and the caller comes back (P6).
    """
    leg, failed_at = call.failed
    meant = leg != call.leg or now.monotonic - failed_at > BY_ITSELF_S
    if meant or call.shared or head.is_in(desk, call):
        yield from ending.operator_left(desk, call, event, now)
        return
    call.note("transfer.hung_up_by_itself")
    if call.state is State.TRANSFERRED:
        yield from office_lost(desk, call, event, now)
    elif call.transfer is None:
        yield orders.Hold(call.line.name)
        yield from ringing.ring_again(desk, call, event, now)
    else:
        call.forget_leg()
        yield from returning.begin(desk, call, now)


def let_operator_go(call: Call) -> Orders:
    """The operator's part is done."""
    if call.leg:
        yield orders.HangUpPhone(call.leg)
    call.forget_leg()


def answered(desk: Desk, call: Call, event: OperatorAnswered, now: Now) -> Orders:
    """The office has answered: first the operator, who stayed, else the caller."""
    transfer = transfer_of(call)
    if event.leg != transfer.leg:
        return
    meet(desk, call, transfer)
    if call.leg and transfer.wish.asked is not Asked.REFER:
        yield from _consult(desk, call, transfer, now)
    else:
        yield from complete(desk, call, now)


def meet(desk: Desk, call: Call, transfer: Transfer) -> None:
    """Somebody of the office is on its leg."""
    transfer.up = transfer.met = True
    call.note(f"answered.{transfer.name}", target=transfer.shown)
    _count(desk, transfer, answered=True)


def _count(desk: Desk, transfer: Transfer, *, answered: bool) -> None:
    """Count for E8."""
    unit, need = transfer.unit.code, transfer.allowed.need.code
    ends = transfer.allowed.band_ends
    desk.unanswered = desk.unanswered.heard(unit, need, ends, answered=answered)


def _consult(desk: Desk, call: Call, transfer: Transfer, now: Now) -> Orders:
    call.leg_play = ""
    call.enter(State.TRANSFER_CONSULT, now)
    if not transfer.announced:
        transfer.announced = True
        yield orders.Hold(call.line.name)
    yield orders.Join(call.leg, transfer.leg)
    yield call.write()


def consult_over(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """One of the two has hung up: the operator puts the call through by it, the clerk refuses."""
    if event.leg == call.leg:
        call.forget_leg()
        yield from complete(desk, call, now)
        return
    transfer_of(call).leg = ""
    lost = isinstance(event, PhoneLost)
    yield from come_back(desk, call, Cause.LOST if lost else Cause.REFUSED, now)


def consult_key(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A star of either takes the caller back, `#` of the operator puts the call through (E7)."""
    if event.leg == call.leg and event.digit == THROUGH:
        yield from complete(desk, call, now)
    elif event.leg and event.digit == STAR:
        cause = Cause.REFUSED if event.leg == call.leg else Cause.SENT_BACK
        yield from come_back(desk, call, cause, now)


def consult_too_long(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """Nobody holds a caller for ever: back to the operator."""
    yield from come_back(desk, call, Cause.TAKEN_BACK, now)


def take_back(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A star of the operator while the office rings: the caller is theirs again."""
    if event.leg and event.leg == call.leg and event.digit == STAR:
        yield from come_back(desk, call, Cause.TAKEN_BACK, now)


def complete(desk: Desk, call: Call, now: Now) -> Orders:
    """Caller and office talk; the operator is free."""
    if call.leg and transfer_of(call).wish.asked is Asked.REFER:
        yield orders.TellTransfer(call.leg, orders.TRANSFER_DONE)
    yield from hand_over(desk, call, now)


def hand_over(desk: Desk, call: Call, now: Now) -> Orders:
    """The operator is let go; the line is joined to the office's phone."""
    transfer = transfer_of(call)
    yield from let_operator_go(call)
    call.leg, call.leg_phone, call.keyed = transfer.leg, transfer.phone, ""
    transfer.leg, transfer.up = "", False
    call.note(f"transferred.{transfer.unit.code}")
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TRANSFERRED, now)
    yield call.write()


def office_key(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Two stars of the office send the call back (E7); other keys are for the far end."""
    if not event.leg or event.leg != call.leg:
        return
    star = call.keyed == STAR
    call.keyed = ""
    if event.digit != STAR:
        yield orders.PressKeys(call.line.name, (STAR if star else "") + event.digit)
    elif star:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
        yield from come_back(desk, call, Cause.SENT_BACK, now)
    else:
        call.keyed = STAR


def office_lost(desk: Desk, call: Call, event: PhoneLost, now: Now) -> Orders:
    """The office's phone went without a word: the caller is not dropped but comes back."""
    call.forget_leg()
    yield from come_back(desk, call, Cause.LOST, now)


def come_back(desk: Desk, call: Call, cause: Cause, now: Now) -> Orders:
    """The call could not be put in contact: back to the operator, with the office's rule (P6)."""
    transfer = transfer_of(call)
    if not transfer.met and cause is not Cause.TAKEN_BACK:
        _count(desk, transfer, answered=False)
    yield from transfer.let_go()
    need, operator = transfer.allowed.need.code, transfer.operator
    call.about = About(transfer.unit, need, transfer.allowed.rules, operator)
    call.note(f"returned.{transfer.unit.code}.{cause}", returned=cause.value)
    if not call.leg:
        yield from returning.begin(desk, call, now)
    elif transfer.wish.asked is Asked.REFER:
        yield from tell_failed(call, call.leg, orders.NOT_THERE, now)
        yield from choices.back(desk, call, None, now)
    elif cause in UNHEARD:
        yield from choices.back(desk, call, None, now)
    else:
        yield from choices.rules(desk, call, call.about, ("nobody_there",), now)
