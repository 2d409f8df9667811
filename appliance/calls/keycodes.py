"""What a phone may dial: emergency numbers, extensions, offices, numbers outside, key codes.

What a code asks for is obeyed at once and then said aloud.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import incoming, internal, orders, outgoing, positions, transfer
from appliance.calls.commands import Request
from appliance.calls.events import PhoneDialled
from appliance.calls.manual_states import request_of
from appliance.calls.model import Desk
from appliance.calls.orders import Order
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
        yield from outgoing.dial(desk, event, number, now)  # any phone that can ask for help
    elif event.phone not in desk.office.known_phones:
        yield orders.RefusePhone(event.leg, FORBIDDEN)
    elif code is not None:
        yield from _obey(desk, event, code, now)
    elif other:
        yield from internal.call(desk, event, other, now)
    elif wish := transfer.wished(desk, event, now):
        yield from transfer.begin_consultation(desk, event, wish, now)
    elif number:
        yield from outgoing.dial(desk, event, number, now)
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
        yield from internal.listen(desk, event, now)
        return
    if code.what is StaffKey.PICK_UP and (call := incoming.longest(desk, event.phone)):
        yield from incoming.take(desk, call, event, now)
        return
    nothing = code.what is StaffKey.PICK_UP
    prompt = "pickup_nothing" if nothing else f"state_{code.what}_{'on' if code.on else 'off'}"
    if positions.open_call(desk, request_of(code, event.phone, now)) is not None:
        prompt = positions.PROMPT
    yield from internal.tell(desk, event, (prompt,), now)
