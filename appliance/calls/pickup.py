"""Picking up: a phone takes a call that rings elsewhere in the office."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import head, orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import PhoneDialled
from appliance.calls.ringing import ring_no_more
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.routing import Missed, Way

SERVED_BY_PHONES = (Way.SWITCHBOARD, Way.CITIZENS_DESK)


def longest(desk: Desk, phone: str) -> Call | None:
    """Return the call that has been ringing or waiting longest for the office, or None.

    None, too, for a phone that has a caller already, held or not: no phone has two.
    """
    if head.has_caller(desk, phone) or any(phone in c.phones_on for c in desk.calls.values()):
        return None
    ringing = (
        call
        for call in desk.calls.values()
        if call.state is State.QUEUED
        or (call.state in {State.RINGING, State.HOLDING} and call.stage in SERVED_BY_PHONES)
    )
    return next(ringing, None)  # calls are kept in the order in which they came


def take(desk: Desk, call: Call, event: PhoneDialled, now: Now) -> Iterator[orders.Order]:
    """Let the phone that dialled be one more that rings, and answer it: it will be the first.

    It rings for nothing else from then on, not even for this call.
    """
    earlier = [leg for leg, phone in call.legs.items() if phone == event.phone]
    call.legs[event.leg] = event.phone
    call.note(f"picked_up.{event.phone}")
    for leg in earlier:
        del call.legs[leg]
        yield orders.StopRinging(leg)
    for other in [other for other in desk.calls.values() if other is not call]:
        yield from ring_no_more(desk, other, {event.phone}, Missed.BUSY, now)
    yield orders.AcceptPhone(event.leg)
