"""Keys of an operator who was asked something while the caller is held (choices.py).

A handler of the table (states.py), as in ringing.py.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.calls import choices, rule_by_key, transfer
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import DigitPressed
from appliance.calls.ringing import Orders
from appliance.calls.transfer_call import Act
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule
from appliance.policy.transfers import Reason

BACK_KEY = "*"


def press(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A key of the operator; one that means nothing is none."""
    if event.leg != call.leg:
        return
    assert call.choices is not None, "choices are always set before their state is entered"
    act, wish = call.choices.keys.get(event.digit), call.choices.wish
    if event.digit == BACK_KEY:
        yield from choices.back(desk, call, event, now)
    elif act in {Act.APPOINTMENT, Act.EMAIL}:
        assert call.about is not None, "a rule is offered for an office"
        yield from rule_by_key.begin(desk, call, ReturnRule(act.value), call.about, now)
    elif act is Act.TRY and wish is not None:
        yield from transfer.ask(desk, call, replace(wish, anyway=True), now)
    elif act is not None and wish is not None:
        yield from transfer.ask(desk, call, replace(wish, reason=Reason(act.value)), now)
