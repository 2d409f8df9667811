"""The hook of a line, as the calls order it: off hook to answer, on hook to end."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk, LineState
from appliance.calls.orders import Order
from appliance.policy.clock import Now


def off_hook(desk: Desk, call: Call, now: Now) -> Iterator[Order]:
    """Take the line off hook."""
    call.off_hook = True
    desk.seat_of(call).become(LineState.IN_USE, now)
    yield orders.AnswerLine(call.line.name)


def hang_up_line(desk: Desk, call: Call, now: Now) -> Iterator[Order]:
    """Put the line on hook; LineIdle will prove it."""
    desk.seat_of(call).become(LineState.CLEARING, now)
    yield orders.HangUp(call.line.name)
