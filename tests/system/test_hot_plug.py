"""Modems are pulled out, plugged in again under other numbers, and wedge, while the box runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from appliance import usb
from appliance.calls.orders import Result
from appliance.simulator.exchange import process
from appliance.simulator.phone.process import TestPhone
from appliance.usb import UsbStep
from tests.helpers.box import Box
from tests.helpers.figures import Figures
from tests.system.calls import end, in_call, modem, record_of

pytestmark = pytest.mark.system

SOON_S = 10.0
"""Within moments, on a machine that others use: the port is looked at every half second."""
BACK_S = 20.0
"""A replugged line is idle again within: 3 s on a quiet machine, for the modem's initialisation."""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box of two lines."""
    with Box(tmp_path_factory.mktemp("box")) as made:
        yield made


@pytest.fixture(scope="module")
def op1(box: Box) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


def plug(box: Box, line: int, *, plugged: bool) -> None:
    """Plug a modem in, or pull it out."""
    process.set_line(box.folder / "lines", line, plugged=plugged)


def shown(box: Box, line: int, what: str) -> str:
    """Return what call control shows of a line."""
    found = next(each for each in box.status()["lines"] if each["name"] == f"line{line}")
    return str(found[what])


def state(box: Box, line: int) -> str:
    """Return a line's state."""
    return shown(box, line, "state")


def reason(box: Box, line: int) -> str:
    """Return why a line is out."""
    found = next(each for each in box.status()["lines"] if each["name"] == f"line{line}")
    return str(found["why"]["en"])


def replug(box: Box, line: int) -> float:
    """Plug a modem in again; returns the seconds until its line is idle."""
    began = time.monotonic()
    plug(box, line, plugged=True)
    box.wait_until(lambda: state(box, line) == "idle", BACK_S, f"line {line} did not come back")
    return time.monotonic() - began


def steps_of(box: Box, line: int) -> list[str]:
    """Return the steps of the ladder that the status tells of."""
    tried = box.status()["recoveries"].get(f"line{line}", [])
    return [each["step"] for each in tried]


def test_an_idle_modem_is_replugged_under_another_number(
    box: Box, op1: TestPhone, figures: Figures
) -> None:
    """Unplugged: missing at once, the daemon stays up, the other line works. Plugged in again as
    another tty: the line is idle within seconds, nothing climbed, and takes a call.
    """
    before = modem(box, 2)["port"]
    plug(box, 2, plugged=False)
    box.wait_until(lambda: state(box, 2) == "missing", SOON_S, "nobody noticed that it is gone")
    box.wait_until(
        lambda: "does not exist" in reason(box, 2), SOON_S, "no port server looks for it"
    )
    assert (state(box, 1), state(box, 2)) == ("idle", "missing")
    took = replug(box, 2)
    assert modem(box, 2)["port"] != before
    assert steps_of(box, 2) == []
    call, _ = in_call(box, 2, op1)
    assert end(box, call).result is Result.ANSWERED
    figures.say("F9 an idle modem unplugged: its line out within moments, the other one idle")
    figures.say(f"F11 plugged in under another number: idle again after {took:.1f} s, took a call")


@pytest.mark.promise("B1", "B6")
def test_a_modem_is_pulled_out_in_a_call(box: Box, op1: TestPhone, figures: Figures) -> None:
    """The call is lost and recorded so; plugged in again, the line takes the next one."""
    _, name = in_call(box, 1, op1)
    plug(box, 1, plugged=False)
    assert record_of(box, name).result is Result.LOST
    assert state(box, 1) == "missing"
    took = replug(box, 1)
    call, _ = in_call(box, 1, op1)
    assert end(box, call).result is Result.ANSWERED
    figures.say(f"F10 a modem pulled out in a call: it is lost, the line back after {took:.1f} s")


def test_a_wedged_modem_has_its_usb_device_reset(box: Box, op1: TestPhone) -> None:
    """A modem that answers nothing any more in a call, nor after it was opened anew: call control
    asks root's helper for a reset, by a file; when the device comes back, under another number, so
    does the line. Each step stands in the status and in the journal with what was seen.
    """
    _, name = in_call(box, 1, op1)
    process.set_line(box.folder / "lines", 1, wedged=True)
    folder = usb.requests_folder(box.folder / "run")
    box.wait_until(lambda: (folder / "line1").exists(), 25.0, "no USB reset was asked for")
    assert record_of(box, name).result is Result.LOST
    assert usb.take_request(folder, "line1") is UsbStep.RESET_USB
    plug(box, 1, plugged=False)
    process.set_line(box.folder / "lines", 1, wedged=False)
    replug(box, 1)
    assert steps_of(box, 1) == ["reopen", "reset_usb"]
    assert "line1: a USB reset is asked for; seen: The modem does not answer" in box.log()
    call, _ = in_call(box, 1, op1)
    assert end(box, call).result is Result.ANSWERED
