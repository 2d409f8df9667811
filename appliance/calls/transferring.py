"""A transfer is carried out: the numbers of the need in declared order, within one time (P3, E7).

The caller hears an announcement, then hold sound. What rings already is not cut by a band that
closes or a variation. Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Generator
from typing import Any

from appliance.calls import announcements, handing_over, orders, outside, passing, ringing
from appliance.calls.call import Call, office_display
from appliance.calls.desk import Desk
from appliance.calls.events import PromptEnded
from appliance.calls.orders import Order, Ringing
from appliance.calls.put_through import come_back, let_operator_go, transfer_of
from appliance.calls.ringing import GRAVEST, OUTCOMES, Orders, gravest
from appliance.calls.states import State
from appliance.calls.transfer_call import CAUSES, Asked, Dials, Transfer, Wish
from appliance.policy.clock import Now
from appliance.policy.directory import Purpose, Reach
from appliance.policy.office import Daytime, LinePurpose
from appliance.policy.routing import Missed
from appliance.policy.text import NOTHING
from appliance.policy.transfers import Allowed

Rung = Generator[Order, None, Missed | None]
"""Orders, and why a number could not be tried: None when it was."""
LEAST_RING_MS = 3_000
"""With less of the total time left no further number is tried."""


def begin(desk: Desk, call: Call, wish: Wish, allowed: Allowed, now: Now) -> Orders:
    """Tell the caller, and ring the first number; a blind transfer lets the operator go."""
    start(desk, call, wish, allowed, now)
    words = announcements.in_languages(desk.office, "connecting")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    if not wish.attended:
        yield from let_operator_go(call)
    elif wish.asked is Asked.REFER:
        yield orders.TellTransfer(call.leg, orders.RINGING)
    else:
        yield from _ring_back(call)
    yield from next_number(desk, call, now)
    yield call.write()


def start(desk: Desk, call: Call, wish: Wish, allowed: Allowed, now: Now) -> Transfer:
    """Remember a transfer and note what of it is kept with the call."""
    ends_at = now.monotonic + desk.office.transfer_ms / 1000
    call.transfer = Transfer(wish, allowed, call.leg_phone, ends_at)
    call.about, call.refused, reason = None, NOTHING, wish.reason or ""
    code = f"{allowed.unit.code}.{allowed.need.code}"
    call.note(f"transfer.{code}.{reason}.{wish.asked}")
    call.note(
        unit=allowed.unit.code, need=allowed.need.code, transfer_reason=str(reason),
        declaration=allowed.declaration, target="", returned="",
    )  # fmt: skip
    return call.transfer


def _ring_back(call: Call) -> Orders:
    """The operator, who waits for an answer, hears what any caller hears: that it rings."""
    yield orders.Play(call.new_leg_play(), (announcements.RING_BACK,), leg=call.leg)


def prompt_over(desk: Desk, call: Call, event: PromptEnded, now: Now) -> Orders:
    """Nobody is left in silence: hold sound for the caller, ring-back for the operator."""
    transfer = transfer_of(call)
    if event.play == call.leg_play:
        yield from _ring_back(call)
        return
    transfer.announced = True
    yield orders.Hold(call.line.name)


# --- one number after the other -------------------------------------------------------------------


def next_number(desk: Desk, call: Call, now: Now) -> Orders:
    """Ring the next number that can be rung; with none left the call comes back."""
    transfer = transfer_of(call)
    targets = transfer.allowed.targets
    while transfer.position < len(targets):
        left_ms = int((transfer.ends_at - now.monotonic) * 1000)
        if left_ms < LEAST_RING_MS:
            break
        ring_ms = left_ms // (len(targets) - transfer.position)
        transfer.position += 1
        missed = yield from RING[transfer.target.reach](desk, call, transfer, ring_ms, now)
        if missed is None:
            return
        _note_missed(call, transfer, missed)
    why = next((kind for kind in GRAVEST if kind in transfer.outcomes), Missed.NO_ANSWER)
    yield from come_back(desk, call, CAUSES[why], now)


def _note_missed(call: Call, transfer: Transfer, missed: Missed) -> None:
    transfer.outcomes.append(missed)
    call.note(f"{missed}.{transfer.name}")


def _ring_phone(desk: Desk, call: Call, transfer: Transfer, ring_ms: int, now: Now) -> Rung:
    """Ring a SIP phone, if it is there and free; it shows who transfers, the need, the caller."""
    phone = transfer.target.number.reveal(Purpose.RING)
    onward = desk.came_over(call) and handing_over.is_elsewhere(desk, phone)
    if phone not in desk.reachable or onward:  # who came over goes on to no third branch
        return Missed.UNREACHABLE
    if phone in desk.engaged():
        return Missed.BUSY
    _rings(call, transfer, phone, ring_ms, now)
    number = call.record.caller.number
    passed = handing_over.passed_to(desk, call, phone)
    display = office_display(call, transfer.allowed.need.name)
    yield orders.RingPhones(call.id, (Ringing(transfer.leg, phone),), display, number, passed)
    return None


def _ring_outside(desk: Desk, call: Call, transfer: Transfer, ring_ms: int, now: Now) -> Rung:
    """Call an outside number over a second line; the caller never learns it."""
    line = desk.spare_line(LinePurpose.CONVENIENCE)
    if not line:
        call.note("transfer.no_line")
        return Missed.BUSY
    _rings(call, transfer, transfer.name, ring_ms, now)
    called = Dials(transfer.name, transfer.target.number.reveal(Purpose.DIAL), ring_ms)
    yield from outside.dial(desk, transfer.leg, called, line, now, of_office=True)
    return None


def _call_extension(desk: Desk, call: Call, transfer: Transfer, ring_ms: int, now: Now) -> Rung:
    """Flash, and have the PBX behind the line call an extension; no operator can stay with that."""
    if call.line.daytime is not Daytime.PBX_TRANSFER:
        call.note("transfer.no_pbx")
        return Missed.UNREACHABLE
    yield from let_operator_go(call)
    digits = transfer.target.number.reveal(Purpose.DIAL)
    call.dials, call.returned = Dials(transfer.name, digits, ring_ms), transfer.announced
    if transfer.announced:
        yield from passing.again(desk, call, now)
    else:
        call.enter(State.PBX_GREETING, now)  # "connecting" is being played
    return None


RING = {
    Reach.PHONE: _ring_phone,
    Reach.OUTSIDE: _ring_outside,
    Reach.PBX: _call_extension,
}


def _rings(call: Call, transfer: Transfer, phone: str, ring_ms: int, now: Now) -> None:
    transfer.leg, transfer.phone, transfer.up = call.new_leg_name(), phone, False
    call.note(f"ring.{transfer.name}")
    call.enter(State.TRANSFER_RINGING, now, ring_ms)


def number_out(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """A phone is out: the operator's, who need not wait, or the office's, after which the next."""
    transfer = transfer_of(call)
    if event.leg == call.leg:
        call.forget_leg()
        call.note("operator_left")
        yield call.write()
        return
    transfer.leg = ""
    _note_missed(call, transfer, OUTCOMES[type(event)])
    yield from next_number(desk, call, now)
    yield call.write()


def number_silent(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """Nobody has answered in this number's share of the time."""
    transfer = transfer_of(call)
    yield from transfer.let_go()
    _note_missed(call, transfer, Missed.NO_ANSWER)
    yield from next_number(desk, call, now)
    yield call.write()


def caller_back(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The caller is back from the PBX: the next number, where a transfer had led there."""
    if call.dials is None:
        yield from ringing.caller_back(desk, call, event, now)
        return
    transfer = transfer_of(call)
    call.dials = None
    call.note("pbx.returned")
    transfer.announced = True
    _note_missed(call, transfer, gravest(call.outcomes))
    call.outcomes = []
    yield orders.Hold(call.line.name)
    yield from next_number(desk, call, now)
    yield call.write()
