"""The ladder's USB steps: made on the modem's own port, or told why they cannot be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from appliance import usb
from appliance.errors import TechnicianError
from appliance.usb import UsbStep
from hw_tests.findings import Verdict
from hw_tests.power import CannotError, planned
from hw_tests.worlds import RealTime
from tests.usb.tree import Tree


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a hub that is a folder; root is whoever the test says."""
    monkeypatch.setattr(usb, "UNBOUND_S", 0.0)
    monkeypatch.setattr(usb, "DARK_S", 0.0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)


def cannot(path: str, step: UsbStep, sysfs: Path) -> CannotError:
    """Give why a step cannot be made."""
    with pytest.raises(CannotError) as caught:
        planned(path, step, sysfs)()
    return caught.value


def test_both_steps_are_made_on_this_modem_s_port(tmp_path: Path) -> None:
    """The device is unbound and bound, its port dark and lit; the other one is left alone."""
    tree = Tree(tmp_path)
    planned(tree.port(2), UsbStep.RESET_USB, tree.sysfs)()
    assert tree.read("bus/usb/drivers/usb/bind") == "1-1.2"
    switch = tree.hub / "1-1:1.0/1-1-port2/disable"
    switch.write_text("?")
    planned(tree.port(2), UsbStep.POWER_CYCLE, tree.sysfs)()
    assert switch.read_text() == "0"
    assert (tree.hub / "1-1:1.0/1-1-port3/disable").read_text() == "0"


def test_a_port_without_a_switch_is_not_on_this_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither without uhubctl, nor with one that knows no such hub."""
    tree = Tree(tmp_path, switched=False)
    told = cannot(tree.port(3), UsbStep.POWER_CYCLE, tree.sysfs)
    assert (told.verdict, str(told.said)) == (
        Verdict.NOT_ON_THIS_DEVICE, "USB port 3 (hub 1-1) cannot be switched from here.",
    )  # fmt: skip
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/false")
    assert cannot(tree.port(3), UsbStep.POWER_CYCLE, tree.sysfs).said == told.said


def test_a_reset_that_fails_is_a_failure(tmp_path: Path) -> None:
    """What USB can do everywhere and did not is no matter of the device's."""
    tree = Tree(tmp_path)
    (tree.sysfs / "bus/usb/drivers/usb/unbind").unlink()
    (tree.sysfs / "bus/usb/drivers/usb/unbind").mkdir()
    with pytest.raises(TechnicianError, match="unplug the modem"):
        planned(tree.port(2), UsbStep.RESET_USB, tree.sysfs)()


def test_without_root_it_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is said how to begin the field test."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    tree = Tree(tmp_path)
    told = cannot(tree.port(2), UsbStep.RESET_USB, tree.sysfs)
    assert (told.verdict, "sudo" in told.said.text("it"), "sudo" in str(told.said)) == (
        Verdict.SKIPPED, True, True,
    )  # fmt: skip


def test_a_simulated_modem_is_on_no_usb_port(tmp_path: Path) -> None:
    """The exchange's lines are pseudo terminals."""
    world = RealTime({"A": str(tmp_path / "line1")}, "it", {}, {})
    with pytest.raises(CannotError) as caught:
        world.usb("A", UsbStep.RESET_USB)
    assert caught.value.verdict is Verdict.NOT_ON_THIS_DEVICE
