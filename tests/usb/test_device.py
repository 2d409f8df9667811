"""From a line's port to its USB device: by position, never by serial number, never a hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import TechnicianError
from appliance.usb.reset import find_device
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
