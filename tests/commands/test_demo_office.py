"""The demonstration's offices can be tried at any hour: a transfer succeeds."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.api import protocol
from appliance.commands.demo_office import Stage, directory_text, staged
from appliance.config import directory_file
from appliance.policy.directory import Reach
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import place_call
from tests.helpers.wire import wish

LIMIT_S = 30.0
CALL = CallPlan(caller="0511234567", hang_up_after_ms=15_000)


def test_every_office_takes_calls_at_any_hour() -> None:
    """Each need that the example declares, by the one phone that is there."""
    directory = directory_file.parse(directory_text())
    assert len(directory.declarations) > 4
    for declaration in directory.declarations:
        if declaration.needs:
            assert all(declaration.week.days), declaration.unit
        for need in declaration.needs:
            assert {target.reach for target in need.targets} == {Reach.PHONE}, need.code


@pytest.mark.system
def test_a_transfer_in_the_demonstration_succeeds(tmp_path: Path) -> None:
    """Whoever tries it at any hour: the operator answers, passes the call on, the office talks."""
    with staged(tmp_path / "demo") as stage:
        stage.operator.answer_mode("auto", 500)
        lines = stage.folder / "lines"
        caller = threading.Thread(target=place_call, args=(lines, 1, CALL))
        caller.start()
        waits(stage, lambda call: call["state"] == "talking")
        asked = {"ask": "TransferCall", "call": "op1", "unit": "anagrafe", "need": "residenza"}
        stage.send(wish(asked | {"reason": "topic", "attended": False, "by": "op1"}))
        waits(stage, lambda call: call["state"] == "transferred")
        caller.join(LIMIT_S)
        assert not caller.is_alive()


def waits(stage: Stage, is_so: Any) -> None:
    """Wait until the one call is as far as that."""
    until, status = time.monotonic() + LIMIT_S, {}
    while time.monotonic() < until:
        status = protocol.ask(stage.folder / "run" / "desk.sock", {"ask": "status"})["status"]
        if any(is_so(call) for call in status["calls"]):
            return
        time.sleep(0.1)
    raise AssertionError(status["calls"])
