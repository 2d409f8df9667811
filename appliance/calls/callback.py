"""Who has waited in vain is offered a call back, by one key: a missed call that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import announcements, orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import Presentation
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.office import Code
from appliance.policy.routing import Decision

KEY = "1"
KEY_MS = 5_000
"""How long a key is waited for once the offer was heard."""
WANTED = "callback_wanted"
"""In the trail of a call whose caller asked to be called back (records.missed)."""


def is_offered(call: Call, decision: Decision) -> bool:
    """True for a caller who has waited, whose number is shown, and whom nobody could serve."""
    shown = call.record.caller.presentation is Presentation.SHOWN
    return call.waited and call.up and shown and decision.code is not Code.ABSENT


def offer(desk: Desk, call: Call, now: Now) -> Iterator[Order]:
    """Offer it."""
    call.enter(State.CALLBACK_OFFERED, now)
    call.note("callback_offered")
    prompts = announcements.in_languages(desk.office, "callback_offer")
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()
