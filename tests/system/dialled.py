"""A citizen whom the box calls at the screen, and what the call bar is offered meanwhile."""

from __future__ import annotations

from typing import Any

from appliance.calls.orders import CallRecord, Direction, Result
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from tests.helpers.box import Box

ADA = "0541704111"
ALWAYS = """
[outgoing]
identity = "withheld"
band = "00:00-24:00"
days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
"""


def loud(sound: bytes) -> int:
    """Return the bytes of a phone's sound that are no silence."""
    return len(sound) - sum(map(sound.count, (0xFF, 0x7F, 0xD5, 0x55)))


def control(box: Box, phone: str) -> dict[str, Any]:
    """Return what the call bar of a position is offered."""
    found: dict[str, Any] = next(c for c in box.status()["controls"] if c["phone"] == phone)
    return found


def ada_has_called(box: Box) -> None:
    """Have Ada give up before anybody answers; she answers whoever calls her."""
    answers = {"outcome": "answer", "rings": 1, "says": True}
    for line in (1, 2):
        process.set_line(box.folder / "lines", line, extensions={f"*67#{ADA}": answers})
    box.call(1, CallPlan(caller=ADA, rings=1))
    box.last_record(1)
    box.wait_until(box.is_idle, 20.0, "the lines were not idle")


def placed(box: Box) -> CallRecord | None:
    """Return the last call that the office has placed, once it is over."""
    records = [r for r in box.records() if r.direction is Direction.OUT]
    return next((r for r in records[:1] if r.result is not Result.OPEN), None)


def can_dial(box: Box) -> bool:
    """Tell whether op1's phone is there and free."""
    return bool(control(box, "op1")["can_dial"])
