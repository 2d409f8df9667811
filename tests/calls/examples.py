"""A switchboard to tell things to: what several tests of the Switchboard share."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from appliance.calls import events, orders
from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import Order
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from tests.stories.offices import EXAMPLE, OFFICES, ROME

TEN = Now(500.0, datetime(2026, 11, 25, 10, tzinfo=ROME))
NIGHT = Now(500.0, datetime(2026, 11, 25, 22, tzinfo=ROME))


def later(now: Now, seconds: float) -> Now:
    """Return a later moment."""
    return replace(
        now, monotonic=now.monotonic + seconds, wall=now.wall + timedelta(seconds=seconds)
    )


def up(office: str = "example", now: Now = TEN) -> Switchboard:
    """Return a Switchboard whose lines are up and whose phones are registered."""
    switchboard = Switchboard(OFFICES[office], "boot7")
    for line in EXAMPLE.lines:
        switchboard.handle(events.LineRestored(line.name, "CX930xx"), now)
    for phone in EXAMPLE.phones:
        switchboard.handle(events.PhoneRegistered(phone), now)
    return switchboard


def tell(switchboard: Switchboard, now: Now, *told: events.Event) -> list[Order]:
    """Hand over several events at one moment and return all orders."""
    return [order for event in told for order in switchboard.handle(event, now)]


def records(given: list[Order]) -> list[orders.CallRecord]:
    """Return the records written."""
    return [order.record for order in given if isinstance(order, orders.WriteCall)]


RANG = events.LineRang("line1")
KNOWN = events.CallerIdentified("line1", Caller(Presentation.SHOWN, "051234567", "Ada Rossi"))
UP = events.LineAnswered("line1")
