"""A phone has consulted an office and joins it with its caller by its own key (RFC 5589, Replaces).

The phone names its two calls; both must be its own and up, and the register must allow the office
now (P5). Whatever else it names is refused with SIP's own code, and both its calls go on. Handlers
of the table (states.py), as in ringing.py.
"""

from __future__ import annotations

from appliance.calls import handing_over, orders, put_through, transfer, transferring
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import TransferAsked, TransferKind
from appliance.calls.intercom import Intercom
from appliance.calls.ringing import Orders
from appliance.calls.side_states import SideState
from appliance.calls.transfer_call import Asked, Wish
from appliance.policy.clock import Now
from appliance.policy.transfers import Allowed, Later, may_join, place_of


def by_refer(desk: Desk, call: Call, event: TransferAsked, now: Now) -> Orders:
    """The phone's own transfer key: to a code, or to whom it has spoken with meanwhile.

    Whoever talks at another branch, or behind a telephone system, asks in vain: only ours decide.
    """
    if handing_over.is_elsewhere(desk, call.leg_phone):
        yield from transfer.refuse_refer(call, event, now)
        return
    if event.kind is TransferKind.BLIND:
        yield from transfer.by_refer(desk, call, event, now)
        return
    consultation = consultation_of(desk, call, event)
    if consultation is None:
        yield from transfer.refuse_refer(call, event, now, event.fault or orders.NO_SUCH_CALL)
        return
    side, leg = consultation
    phone = side.legs[side.across(leg)]
    answer = side.consulted or _decide(desk, phone, now)
    if answer is None:
        yield from transfer.refuse_refer(call, event, now)
    elif isinstance(answer, Later):
        wish = _wish(call, side, answer)
        yield from transfer.refuse(desk, call, wish, answer, now, event.leg)
    else:
        yield from _join(desk, call, event, side, leg, answer, now)


def consultation_of(desk: Desk, call: Call, event: TransferAsked) -> tuple[Intercom, str] | None:
    """Find the asking phone's conversation with another one, and its leg there.

    It may ask in either of its calls, and may have dialled or been rung for the other.
    """
    legs = {event.leg, event.other} - {call.leg}
    if call.leg not in {event.leg, event.other} or len(legs) != 1:
        return None
    leg = legs.pop()
    sides = (side for side in desk.sides.values() if isinstance(side, Intercom))
    side = next((side for side in sides if side.across(leg)), None)
    return (side, leg) if side is not None and side.legs.get(leg) == call.leg_phone else None


def _decide(desk: Desk, phone: str, now: Now) -> Allowed | Later | None:
    return may_join(desk.register, desk.office.switchboard.schedule, phone, now)


def _wish(call: Call, side: Intercom, answer: Allowed | Later) -> Wish:
    need = answer.need if isinstance(answer, Later) else answer.need.code
    return Wish(answer.unit.code, need, call.leg_phone, Asked.REFER, side.reason)


def _join(
    desk: Desk,
    call: Call,
    event: TransferAsked,
    side: Intercom,
    leg: str,
    allowed: Allowed,
    now: Now,
) -> Orders:
    """Caller and office talk; both calls of the operator's phone end."""
    made = transferring.start(desk, call, _wish(call, side, allowed), allowed, now)
    made.leg = side.across(leg)
    made.phone = side.legs[made.leg]
    made.position, made.announced = place_of(allowed.targets, made.phone), True
    call.note("transfer.attended")
    put_through.meet(desk, call, made)
    side.state = SideState.ENDED
    del desk.sides[side.leg]
    yield orders.TellTransfer(event.leg, orders.TRANSFER_DONE)
    yield orders.HangUpPhone(leg)
    yield from put_through.hand_over(desk, call, now)
