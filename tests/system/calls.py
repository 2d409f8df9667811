"""Calls on a box of the system tests: placed on an idle line, followed to their record."""

from __future__ import annotations

from typing import Any

from appliance.calls.orders import CallRecord, Result
from appliance.simulator.exchange import process
from appliance.simulator.exchange.process import RunningCall
from appliance.simulator.phone.process import TestPhone
from tests.bench.office import noise
from tests.helpers.box import Box

IDLE_S = 90.0
"""A line that was released is idle long before; a busy machine takes its time."""


def place(box: Box, line: int, **plan: Any) -> RunningCall:
    """Place a call once the lines are idle: a hang-up under way is none of its story."""
    box.wait_until(box.is_idle, IDLE_S, "the lines did not become idle")
    return box.place(line, **plan)


def end(box: Box, call: RunningCall, *, by_caller: bool = True) -> CallRecord:
    """Hang up (unless the other end did) and wait until all is over; returns the call's record."""
    known = box.status()["calls"]
    assert len(known) == 1, known
    if by_caller:
        call.hang_up()
    call.wait(IDLE_S)
    return record_of(box, known[0]["call"])


def record_of(box: Box, name: str) -> CallRecord:
    """Wait until a call is over and written; returns its record."""
    found: list[CallRecord] = []

    def is_over() -> bool:
        found[:] = [r for r in box.records() if r.call == name and r.result is not Result.OPEN]
        return bool(found)

    box.wait_until(is_over, IDLE_S, f"call {name} was not over")
    return found[0]


def in_call(box: Box, line: int, phone: TestPhone) -> tuple[RunningCall, str]:
    """Bring about a conversation of a caller and an operator; returns it and the call's name."""
    phone.answer_mode("auto", 100)
    call = place(box, line, caller="0511234567")
    phone.wait_event("ack", 20.0)
    call.wait_for("answered", 20.0)
    box.wait_until(
        lambda: any(c["state"] == "talking" for c in box.status()["calls"]), 10.0, "nobody talked"
    )
    return call, next(c["call"] for c in box.status()["calls"] if c["state"] == "talking")


def into_voicemail(box: Box, speech_s: float) -> tuple[str, RunningCall]:
    """Have a caller skip the greeting and speak; returns the call's name and the caller."""
    caller = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    in_state(box, "greeting")
    caller.press("#")
    caller.say(noise(speech_s, 7))
    return box.status()["calls"][0]["call"], caller


def in_state(box: Box, state: str) -> None:
    """Wait until a call is in a state."""
    box.wait_until(
        lambda: any(call["state"] == state for call in box.status()["calls"]), 20.0, state
    )


def modem(box: Box, line: int) -> dict[str, Any]:
    """Say how the exchange sees the modem of a line."""
    lines = process.ask_status(box.folder / "lines")["lines"]
    assert isinstance(lines, list)
    return next(each for each in lines if each["line"] == line)


def is_at_rest(box: Box, line: int) -> bool:
    """Tell whether a modem is on hook and in data class: the state a line is left in."""
    found = modem(box, line)
    return not found["off_hook"] and found["modem"] == "class0-onhook"
