"""Callers wait for a free operator, through all processes; all lines engaged is told (P8)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from appliance.calls.orders import Result
from appliance.commands.reports import commission
from appliance.commands.status import status
from appliance.simulator.exchange.process import RunningCall
from appliance.simulator.phone.process import TestPhone
from tests.helpers.box import Box
from tests.system.calls import in_call, in_state, record_of

pytestmark = pytest.mark.system

WAITING = "[waiting]\nqueue_max = 1\nmax_wait = 15\n"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box of two lines and one operator, where one caller may wait for 15 s."""
    with Box(tmp_path_factory.mktemp("box"), counters=(), extra=WAITING) as made:
        yield made


@pytest.fixture(scope="module")
def op1(box: Box) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


def somebody_waits(box: Box) -> tuple[RunningCall, str]:
    """Have a second caller find the operator busy; returns the caller and the call's name."""
    caller = box.place(2, caller="0512222222", hang_up_after_ms=600_000)
    in_state(box, "queued")
    caller.wait_for("answered", 20.0)
    return caller, next(c["call"] for c in box.status()["calls"] if c["state"] == "queued")


def said(box: Box, command: str, *arguments: str) -> str:
    """Run a command beside the box."""
    known = {"status": status, "commission": commission}[command]
    told = CliRunner().invoke(known, ["--config", str(box.config_path), *arguments])
    assert told.exception is None, told.output
    return told.output


def test_whoever_becomes_free_has_the_waiting_caller(box: Box, op1: TestPhone) -> None:
    """P8: the caller waits on the line; the operator hangs up, is rung and talks with them."""
    talking, first = in_call(box, 1, op1)
    caller, second = somebody_waits(box)
    assert "Attendono in linea: line2 0512222222" in said(box, "status")
    assert "arriva a: Sportello" in said(box, "commission", "--rang-at", "Sportello")
    op1.hang_up()
    talking.wait(30.0)
    assert record_of(box, first).result is Result.ANSWERED
    box.wait_until(
        lambda: [c["state"] for c in box.status()["calls"]] == ["talking"], 20.0, "nobody talked"
    )
    caller.hang_up()
    found = record_of(box, second)
    assert (found.result, found.phone, found.way) == (Result.ANSWERED, "op1", "switchboard")
    box.wait_until(box.is_idle, 30.0, "the lines did not become idle")
    told = said(box, "status")
    assert "oggi al massimo 2 di 2" in told
    assert "deviazione su occupato" in told
    assert "centralino line commission" not in told


@pytest.mark.long  # stories/p8_waited_in_vain_asks_to_be_called_back.story
def test_who_waits_in_vain_asks_to_be_called_back(box: Box, op1: TestPhone) -> None:
    """P8, E5: a key after the longest wait; it is stored, confirmed, and the box hangs up."""
    talking, _ = in_call(box, 1, op1)
    caller, second = somebody_waits(box)
    in_state(box, "callback_offered")
    caller.press("1")
    caller.wait(30.0)
    found = record_of(box, second)
    assert found.result is Result.NO_MESSAGE
    assert found.trail[-2:] == ("callback_wanted", "ended")
    talking.hang_up()
