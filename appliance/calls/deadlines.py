"""When something is due: in calls, in calls that phones make, at positions that are away."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls.desk import Desk
from appliance.calls.events import DeadlinePassed
from appliance.calls.positions import REMIND
from appliance.policy.clock import Now


def times(desk: Desk) -> Iterator[float]:
    """Yield every monotonic second at which something is due."""
    found = [call.deadline for call in desk.calls.values()]
    found += [side.deadline for side in desk.sides.values()]
    yield from (at for at in (*found, *desk.reminders.values()) if at is not None)


def take_due(desk: Desk, now: Now) -> Iterator[DeadlinePassed]:
    """Yield what has come by now, each once."""
    for call in desk.calls.values():
        if call.deadline is not None and call.deadline <= now.monotonic:
            call.deadline = None
            yield DeadlinePassed(call.state.value, call.id)
    for side in desk.sides.values():
        if side.deadline is not None and side.deadline <= now.monotonic:
            side.deadline = None
            yield DeadlinePassed(side.state.value, side.leg)
    for phone, at in desk.reminders.items():
        if at is not None and at <= now.monotonic:
            desk.reminders[phone] = None
            yield DeadlinePassed(REMIND, phone)
