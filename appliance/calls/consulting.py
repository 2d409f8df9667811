"""A position dials an office's code to speak with it first; its caller is on hold meanwhile.

The register is asked as for a transfer (P5): not now, and the phone hears when the office takes
calls again (E23). Whoever answers can then be joined with the caller by the phone's own key
(attended.py); a band that ends meanwhile cuts nothing (E12).
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import intercom, key_calls, not_now, orders, transfer
from appliance.calls.desk import Desk
from appliance.calls.events import PhoneDialled
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.calls.transfer_call import Asked, Wish
from appliance.policy.clock import Now
from appliance.policy.directory import Purpose, Reach, by_keys
from appliance.policy.transfers import Allowed, Later, Reason


def wished(desk: Desk, event: PhoneDialled, now: Now) -> Wish | None:
    """Return what a position asks for by a code of the register, as in `31` or `31*2`."""
    code, _, reason = event.digits.partition("*")
    coded = by_keys(desk.register, code, desk.office.today(now.wall))
    talking = (call for call in desk.calls.values() if call.state is State.TALKING)
    talks = any(call.leg_phone == event.phone for call in talking)
    if coded is None or not talks or reason not in transfer.REASON_KEYS:
        return None
    why = transfer.REASON_KEYS[reason]
    return Wish(coded.unit, coded.need.code, event.phone, Asked.REFER, why)


def begin(desk: Desk, event: PhoneDialled, wish: Wish, now: Now) -> Iterator[Order]:
    """Ring the first of the office's phones that can be rung, or say when it takes calls again."""
    answer = transfer.decide(desk, wish, now)
    if isinstance(answer, Later):
        words = not_now.words(desk, answer, now)
        never = () if answer.resumes_at else ("state_refused",)
        yield from key_calls.tell(desk, event, (*words, *never), now)
        return
    phones = [phone for phone in _phones(answer) if phone in desk.reachable]
    if not phones:
        yield orders.RefusePhone(event.leg, intercom.NOT_THERE)
        return
    free = next((phone for phone in phones if phone not in desk.engaged()), phones[0])
    yield from intercom.call(desk, event, free, now, answer, wish.reason or Reason.OTHER)


def _phones(allowed: Allowed) -> Iterator[str]:
    """Return the SIP phones of a need, in declared order; other numbers go by `**` and the code."""
    for target in allowed.targets:
        if target.reach is Reach.PHONE:
            yield target.number.reveal(Purpose.RING)
