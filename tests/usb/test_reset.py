"""USB reset: the device behind a port, the steps, requests and answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance import usb
from appliance.errors import TechnicianError
from appliance.usb import (
    DARK_S,
    LEAST_GAP_S,
    UNBOUND_S,
    ResetAnswer,
    RunProgram,
    UsbStep,
    WaitSeconds,
    WriteSysfs,
    carry_out,
    find_device,
    may_reset,
    read_answers,
    request_reset,
    reset_plan,
    take_request,
    write_answer,
)
from tests.usb.tree import Tree


def test_two_modems_with_one_serial_number_are_told_apart(tmp_path: Path) -> None:
    """Conexant dongles carry one serial number: the USB port alone says which is which."""
    tree = Tree(tmp_path)
    first, second = (find_device(tree.port(n), tree.sysfs) for n in (2, 3))
    assert (first.name, first.hub, first.port) == ("1-1.2", "1-1", 2)
    assert (second.name, second.hub, second.port) == ("1-1.3", "1-1", 3)
    assert first.folder == tree.hub / "1-1.2"


def test_a_modem_with_another_number_is_found_by_its_port(tmp_path: Path) -> None:
    """Plugged in again it is ttyACM1 instead of ttyACM0; the port's name leads to it."""
    tree = Tree(tmp_path)
    tree.link(2, "ttyACM1")
    assert find_device(tree.port(2), tree.sysfs).name == "1-1.3"


def test_a_modem_at_a_port_of_the_board_itself(tmp_path: Path) -> None:
    """Without a hub between, the root hub feeds it: uhubctl writes its number alone."""
    tree = Tree(tmp_path)
    moved = tree.hub.parent / "1-2"
    (tree.hub / "1-1.2").rename(moved)
    (tree.sysfs / "class/tty/ttyACM0").unlink()
    (tree.sysfs / "class/tty/ttyACM0").symlink_to(moved / "1-1.2:1.0/tty/ttyACM0")
    device = find_device(tree.port(2), tree.sysfs)
    assert (device.name, device.hub, device.port) == ("1-2", "1", 2)


@pytest.mark.parametrize("target", ["/dev/null", "/etc/passwd", "ttyS0", "ttyACM7"])
def test_what_is_no_usb_modem_is_not_touched(tmp_path: Path, target: str) -> None:
    """A modem that has gone, a serial port of the board, any other file: said, with what to do."""
    tree = Tree(tmp_path)
    link = Path(tree.port(2))
    link.unlink()
    link.symlink_to(target)
    with pytest.raises(TechnicianError, match="unplug"):
        find_device(str(link), tree.sysfs)


def test_a_hub_is_never_reset(tmp_path: Path) -> None:
    """Every line of the box hangs at it."""
    tree = Tree(tmp_path)
    (tree.hub / "1-1.2" / "bDeviceClass").write_text("09\n")
    with pytest.raises(TechnicianError, match="not touched"):
        find_device(tree.port(2), tree.sysfs)
    (tree.hub / "1-1.2" / "bDeviceClass").unlink()
    assert find_device(tree.port(2), tree.sysfs).name == "1-1.2"


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


def names(folder: Path) -> list[str]:
    """List what lies in a folder."""
    return [path.name for path in folder.iterdir()]


def test_a_request_is_taken_once(tmp_path: Path) -> None:
    """It is whole when it is there, and gone before anything is done, so that nothing loops."""
    folder = tmp_path / "usb"
    assert request_reset(folder, "line1", UsbStep.RESET_USB)
    assert names(folder) == ["line1"]
    assert take_request(folder, "line1") is UsbStep.RESET_USB
    assert take_request(folder, "line1") is None
    assert names(folder) == []


def test_a_request_that_nobody_took_is_noticed(tmp_path: Path) -> None:
    """The helper's unit is not enabled: a person must replug."""
    assert request_reset(tmp_path, "line1", UsbStep.RESET_USB)
    assert not request_reset(tmp_path, "line1", UsbStep.POWER_CYCLE)
    assert take_request(tmp_path, "line1") is UsbStep.POWER_CYCLE


@pytest.mark.parametrize("name", ["", "..", ".line1", "a/b", "linea 1", "x" * 65, "-l"])
def test_a_name_that_is_no_file_s_is_refused(tmp_path: Path, name: str) -> None:
    """A request names a line, and nothing outside its folder."""
    for act in (
        lambda: request_reset(tmp_path, name, UsbStep.RESET_USB),
        lambda: take_request(tmp_path, name),
    ):
        with pytest.raises(TechnicianError, match=r"lines\.name"):
            act()


def test_a_folder_without_room_is_told(tmp_path: Path) -> None:
    """Call control goes on; a person must act."""
    (tmp_path / "usb").write_text("")
    with pytest.raises(TechnicianError, match="no USB reset"):
        request_reset(tmp_path / "usb", "line1", UsbStep.RESET_USB)


def test_nothing_of_call_control_is_followed(tmp_path: Path) -> None:
    """A link, a pipe, a folder or nonsense in the place of a request is removed or left, not read:
    root opens plain files in the very folder only.
    """
    secret, folder = tmp_path / "secret", tmp_path / "usb"
    secret.write_text("reset_usb")
    folder.mkdir()
    (folder / "line1").symlink_to(secret)
    assert take_request(folder, "line1") is None
    assert secret.read_text() == "reset_usb"
    os.mkfifo(folder / "line1")
    assert take_request(folder, "line1") is None
    (folder / "line1").write_text("reset_usb\x00" * 100)
    assert take_request(folder, "line1") is None
    (folder / "line1").mkdir()
    assert take_request(folder, "line1") is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(folder)
    (folder / "line2").write_text("reset_usb")
    assert take_request(elsewhere, "line2") is None
    assert take_request(tmp_path / "nowhere", "line2") is None
    assert (folder / "line2").exists()


def test_answers_are_kept_by_step(tmp_path: Path) -> None:
    """Call control reads what became of each; nonsense is no answer."""
    reset = ResetAnswer(UsbStep.RESET_USB, True, "done", 10.0)
    power = ResetAnswer(UsbStep.POWER_CYCLE, False, "no switch", 20.0)
    assert read_answers(tmp_path, "line1") == {}
    for answer in (reset, power):
        write_answer(tmp_path, "line1", answer)
    assert read_answers(tmp_path, "line1") == {UsbStep.RESET_USB: reset, UsbStep.POWER_CYCLE: power}
    for nonsense in ("x", "[]", '{"melt": {}}', '{"reset_usb": {}}', '{"reset_usb": 1}'):
        (tmp_path / "line1").write_text(nonsense)
        assert read_answers(tmp_path, "line1") == {}


def test_a_step_is_done_once_in_two_minutes(tmp_path: Path) -> None:
    """Whoever asks in a circle changes nothing; the other step may follow at once."""
    done = {UsbStep.RESET_USB: ResetAnswer(UsbStep.RESET_USB, True, "", 100.0)}
    assert not may_reset(UsbStep.RESET_USB, done, 100.0 + LEAST_GAP_S - 1)
    assert may_reset(UsbStep.RESET_USB, done, 100.0 + LEAST_GAP_S)
    assert may_reset(UsbStep.POWER_CYCLE, done, 101.0)


def test_answers_lie_where_only_root_writes(tmp_path: Path) -> None:
    """Beside the run folder, not in it: a link planted there would be root's to write through."""
    run = Path("/run/centralino")
    assert usb.requests_folder(run) == run / "usb"
    assert usb.answers_folder(run) == Path("/run/centralino-usb")
