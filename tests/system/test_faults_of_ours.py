"""A real handler raises: one caller meets voicemail, process and other calls live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.errors import OfficeError
from appliance.service.loop import MOST
from tests.helpers.box import Box
from tests.system.calls import end, in_call, in_state

pytestmark = pytest.mark.system

PLANTED = """
import os, sys
if "run" in sys.orig_argv:
    from appliance.calls import switchboard
    from appliance.calls.states import CallAction
    from appliance.calls.events import ServiceStateChanged
    def fails(handler):
        def failing(*given):
            if os.path.exists({flag!r}):
                yield from ()
                raise KeyError("planted")
            yield from handler(*given)
        return failing
    rings, handlers = CallAction.RING_AT_ONCE, switchboard.HANDLERS
    handlers[rings] = fails(handlers[rings])
    switchboard.OWN[ServiceStateChanged] = fails(switchboard.OWN[ServiceStateChanged])
"""
"""A sitecustomize: while a file is there, no phone is rung, and no manual state is set."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box of two lines whose call control can be made to fail."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(PLANTED.format(flag=str(tmp_path / "fails")))
    with Box(
        tmp_path / "box", lines=2, environment={"PYTHONPATH": str(site)}, faults_planted=True
    ) as made:
        yield made


@pytest.mark.promise("B4")
def test_a_fault_in_one_call_leaves_the_others_alone(box: Box, tmp_path: Path) -> None:
    """B4: an operator talks on while the next caller's routing raises; that caller hears
    voicemail, status and journal say that something failed, and the call after it is served.
    """
    assert box.daemon is not None
    call_control, flag = box.daemon.pid, tmp_path / "fails"
    op1 = box.phone("op1")
    first, name = in_call(box, 1, op1)
    flag.touch()
    second = box.place(2, caller="0517654321", hang_up_after_ms=600_000)
    in_state(box, "greeting")
    flag.unlink()
    assert {call["state"] for call in box.status()["calls"]} == {"talking", "greeting"}
    second.hang_up()
    second.wait(20.0)
    box.wait_until(lambda: len(box.status()["calls"]) == 1, 20.0, "the second call was not over")
    box.wait_until(lambda: "status: faults:" in box.log(), 10.0, "nothing is said of it")
    record = end(box, first)
    assert (record.call, record.result) == (name, Result.ANSWERED)
    (failed,) = [each for each in box.records() if "fault" in each.trail]
    assert failed.result in {Result.NO_MESSAGE, Result.INFORMED}
    assert box.log().count("KeyError: 'planted'") >= 1
    third, _ = in_call(box, 2, op1)
    assert end(box, third).result is Result.ANSWERED
    assert box.daemon.pid == call_control
    assert box.daemon.poll() is None


def test_a_fault_that_stays_ends_the_process_for_a_clean_start(box: Box, tmp_path: Path) -> None:
    """Whoever asks for what fails is told so, each time; so often in so short a time is no single
    fault: call control stops as it does when told to, with an error, to be started again.
    """
    assert box.daemon is not None
    (tmp_path / "fails").touch()
    for _ in range(MOST):
        with pytest.raises(OfficeError):
            box.ask("SetUnattended", on=True, by="test", until=None)
    assert box.daemon.wait(30.0) != 0
    assert "the deciding thread fails again and again" in box.log()
