"""What a reset and a power cycle write, and what they leave when something fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import TechnicianError
from appliance.usb.reset import (
    DARK_S,
    UNBOUND_S,
    RunProgram,
    UsbStep,
    WaitSeconds,
    WriteSysfs,
    carry_out,
    find_device,
    reset_plan,
)
from tests.usb.tree import Tree


def test_a_reset_unbinds_and_binds_the_device(tmp_path: Path) -> None:
    """The kernel forgets the device and meets it anew."""
    tree = Tree(tmp_path)
    actions = reset_plan(UsbStep.RESET_USB, find_device(tree.port(2), tree.sysfs), None, tree.sysfs)
    waited: list[float] = []
    carry_out(actions, waited.append)
    assert tree.read("bus/usb/drivers/usb/unbind") == "1-1.2"
    assert tree.read("bus/usb/drivers/usb/bind") == "1-1.2"
    assert [type(a) for a in actions] == [WriteSysfs, WaitSeconds, WriteSysfs]
    assert waited == [UNBOUND_S]


def test_power_is_switched_at_the_hub_s_port(tmp_path: Path) -> None:
    """Off, three seconds, on: the port of this modem and no other."""
    tree = Tree(tmp_path)
    actions = reset_plan(
        UsbStep.POWER_CYCLE, find_device(tree.port(3), tree.sysfs), None, tree.sysfs
    )
    switch = tree.hub / "1-1:1.0/1-1-port3/disable"
    seen: list[str] = []
    carry_out(actions, lambda _: seen.append(switch.read_text()))
    assert (seen, switch.read_text()) == (["1"], "0")
    assert WaitSeconds(DARK_S) in actions
    assert (tree.hub / "1-1:1.0/1-1-port2/disable").read_text() == "0"


def test_an_older_kernel_has_uhubctl_do_it(tmp_path: Path) -> None:
    """Where the port has no switch; without the program too, a person must."""
    tree = Tree(tmp_path, switched=False)
    device = find_device(tree.port(2), tree.sysfs)
    program = "/usr/sbin/uhubctl"
    assert reset_plan(UsbStep.POWER_CYCLE, device, program, tree.sysfs) == (
        RunProgram((program, "-l", "1-1", "-p", "2", "-a", "cycle", "-d", "3")),
    )
    with pytest.raises(TechnicianError, match="unplug the modem"):
        reset_plan(UsbStep.POWER_CYCLE, device, None, tree.sysfs)


def test_a_device_is_never_left_unbound_or_dark(tmp_path: Path) -> None:
    """What fails is told, once; what was switched off is switched on all the same."""
    on = tmp_path / "on"
    gone = tmp_path / "gone" / "file"
    actions = (
        WriteSysfs(gone, "1"),
        WaitSeconds(1.0),
        WriteSysfs(gone, "2"),
        WriteSysfs(on, "0", anyway=True),
    )
    waited: list[float] = []
    with pytest.raises(TechnicianError, match="unplug the modem") as raised:
        carry_out((*actions, WriteSysfs(gone, "3", anyway=True)), waited.append)
    assert "No such file" in str(raised.value)
    assert (on.read_text(), waited) == ("0", [])


@pytest.mark.parametrize("command", ["false", "no-such-program"])
def test_a_program_that_fails_is_told(command: str) -> None:
    """A hub that cannot switch makes uhubctl fail."""
    carry_out([RunProgram(("true",))])
    with pytest.raises(TechnicianError, match="unplug the modem"):
        carry_out([RunProgram((command,))])
