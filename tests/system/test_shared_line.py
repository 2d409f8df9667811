"""An ordinary telephone beside a line is lifted, and a cable is pulled, while the box runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from appliance.calls.events import Evidence
from appliance.calls.orders import Result
from appliance.simulator.exchange import process
from appliance.simulator.phone.process import TestPhone
from tests.helpers.box import Box, wait
from tests.system.calls import in_call, in_state, into_voicemail, place, record_of

pytestmark = pytest.mark.system

SETTLES_S = 1.0
"""What is reported in the first 0.6 s of an answer is taken for the box's own doing."""
MEASURED_S = 25.0
"""Every 15 s, read twice, on a busy machine."""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box of two lines."""
    with Box(tmp_path_factory.mktemp("box")) as made:
        yield made


@pytest.fixture(scope="module")
def op1(box: Box) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


def turn(box: Box, **knobs: object) -> None:
    """Turn knobs of the first line."""
    process.set_line(box.folder / "lines", 1, **knobs)


def line(box: Box) -> dict[str, Any]:
    """Return what call control shows of the first line."""
    found: dict[str, Any] = box.status()["lines"][0]
    return found


def becomes(box: Box, state: str) -> None:
    """Wait until the first line is in a state."""
    box.wait_until(lambda: line(box)["state"] == state, MEASURED_S, f"the line is not {state}")


def put_down(box: Box) -> None:
    """Put the telephone down; the line is idle when the modem has seen it."""
    turn(box, extension=False)
    becomes(box, "idle")


@pytest.mark.promise("B1")
def test_no_line_and_in_use_are_shown(box: Box, op1: TestPhone) -> None:
    """B1: a pulled cable and a lifted telephone are different states, each over when it is over."""
    turn(box, cut=True)
    becomes(box, "no_line")
    assert any("no voltage" in words["en"] for words in box.status()["degraded"])
    turn(box, cut=False)
    becomes(box, "idle")
    turn(box, extension=True)
    becomes(box, "in_use_outside")
    assert line(box)["condition"] == "in_use"
    put_down(box)


def test_a_telephone_lifted_while_it_rings_takes_the_call(box: Box, op1: TestPhone) -> None:
    """The office's phone stops, as answered elsewhere; the caller talks on; the record says so."""
    op1.answer_mode("manual")
    call = place(box, 1, caller="0511234567")
    op1.wait_event("ringing", 20.0)
    name = box.status()["calls"][0]["call"]
    turn(box, extension=True)
    cancelled = op1.wait_event("cancelled", 15.0)
    assert "cause=200" in str(cancelled.details.get("reason"))
    record = record_of(box, name)
    assert (record.result, record.evidence) == (Result.TAKEN, Evidence.PARALLEL_PHONE)
    call.wait_for("answered", 5.0)
    assert line(box)["state"] == "in_use_outside"
    call.hang_up()
    put_down(box)


def test_a_telephone_lifted_in_a_message_has_the_caller(box: Box, op1: TestPhone) -> None:
    """What was said before is a message, less its last second; the line is let go of."""
    box.ask("SetClosed", on=True, by="test", until=None)
    name, caller = into_voicemail(box, 20.0)
    in_state(box, "recording")
    wait(4.0)
    turn(box, extension=True)
    record = record_of(box, name)
    assert (record.result, record.evidence) == (Result.MESSAGE, Evidence.PARALLEL_PHONE)
    (message,) = box.messages()
    assert 2000 < message.length_ms < 8000
    becomes(box, "in_use_outside")
    caller.hang_up()
    put_down(box)
    box.ask("SetClosed", on=False, by="test", until=None)


def test_a_telephone_lifted_in_a_conversation_cuts_nobody_off(box: Box, op1: TestPhone) -> None:
    """Three talk; the operator hangs up, and the handset keeps the caller."""
    call, name = in_call(box, 1, op1)
    wait(SETTLES_S)
    turn(box, extension=True)
    box.wait_until(lambda: "shared" in _trail(box, name), 10.0, "nobody noticed the telephone")
    op1.hang_up()
    assert record_of(box, name).result is Result.ANSWERED
    becomes(box, "in_use_outside")
    call.hang_up()
    put_down(box)


def _trail(box: Box, name: str) -> tuple[str, ...]:
    return next(tuple(c["record"]["trail"]) for c in box.status()["calls"] if c["call"] == name)
