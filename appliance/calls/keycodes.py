"""What a phone may dial: emergency numbers, extensions, offices, numbers outside, key codes.

What a code asks for is obeyed at once and then said aloud.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import (
    consulting,
    dialling,
    intercom,
    key_calls,
    leaving,
    listening,
    orders,
    pickup,
)
from appliance.calls.desk import Desk
from appliance.calls.events import PhoneDialled
from appliance.calls.marks import request_of
from appliance.calls.orders import Order
from appliance.calls.requests import Request
from appliance.policy.clock import Now
from appliance.policy.office import KeyCode, StaffKey

NOT_FOUND = 404
FORBIDDEN = 403
"""SIP answers (RFC 3261, 21.4) to an unknown code and to a phone that is not the office's."""


def dialled(desk: Desk, event: PhoneDialled, now: Now) -> Iterator[Order]:
    """Answer or refuse a phone that dialled; what changes the desk's state is `asked_by`."""
    code = desk.office.key_code(event.digits)
    other = desk.office.phone_at(event.digits)
    number = desk.office.outgoing.outside(event.digits)
    if desk.office.outgoing.is_emergency(number):
        yield from dialling.dial(desk, event, number, now)  # any phone that can ask for help
    elif event.phone not in desk.office.known_phones:
        yield orders.RefusePhone(event.leg, FORBIDDEN)
    elif code is not None:
        yield from _obey(desk, event, code, now)
    elif other:
        yield from intercom.call(desk, event, other, now)
    elif wish := consulting.wished(desk, event, now):
        yield from consulting.begin(desk, event, wish, now)
    elif number:
        yield from dialling.dial(desk, event, number, now)
    else:
        yield orders.RefusePhone(event.leg, NOT_FOUND)


def asked_by(desk: Desk, event: PhoneDialled, now: Now) -> Request | None:
    """Return what a dialled code asks of the desk's state, or None."""
    code = desk.office.key_code(event.digits)
    if code is None or event.phone not in desk.office.known_phones:
        return None
    return request_of(code, event.phone, now)


def _obey(desk: Desk, event: PhoneDialled, code: KeyCode, now: Now) -> Iterator[Order]:
    if code.what is StaffKey.MESSAGES:
        yield from listening.listen(desk, event, now)
        return
    if code.what is StaffKey.PICK_UP and (call := pickup.longest(desk, event.phone)):
        yield from pickup.take(desk, call, event, now)
        return
    nothing = code.what is StaffKey.PICK_UP
    prompt = "pickup_nothing" if nothing else f"state_{code.what}_{'on' if code.on else 'off'}"
    if leaving.open_call(desk, request_of(code, event.phone, now)) is not None:
        prompt = leaving.PROMPT
    yield from key_calls.tell(desk, event, (prompt,), now)
