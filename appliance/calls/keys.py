"""Keys that a person of the office presses while they talk. A handler of the table (states.py)."""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from appliance.calls import orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import DigitPressed
from appliance.calls.ringing import Orders
from appliance.policy.clock import Now


def pass_on(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """The far end may be a machine that asks for keys; the caller's own concern nobody."""
    if event.leg and event.leg == call.leg:
        yield orders.PressKeys(call.line.name, event.digit)
