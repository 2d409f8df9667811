"""A sysfs as Linux lays it out for two USB modems on an external hub, in a temporary folder."""

from __future__ import annotations

import os
from pathlib import Path

BUS = "devices/platform/soc/3f980000.usb/usb1"


class Tree:
    """`sysfs` and `dev` of a box: modems "1-1.2" and "1-1.3" as ttyACM0 and ttyACM1.

    The hub's ports have `disable` (Linux 6.0 and later) unless `switched` is false.
    """

    def __init__(self, folder: Path, *, switched: bool = True) -> None:
        self.sysfs, self.dev = folder / "sys", folder / "dev"
        self.hub = self.sysfs / BUS / "1-1"
        self._make(self.hub.parent, idVendor="1d6b", bDeviceClass="09")
        self._make(self.hub, idVendor="0424", bDeviceClass="09")
        driver = self.sysfs / "bus/usb/drivers/usb"
        driver.mkdir(parents=True)
        for name in ("bind", "unbind"):
            (driver / name).write_text("")
        for number, port in enumerate((2, 3)):
            self._modem(number, port, switched)

    def _modem(self, number: int, port: int, switched: bool) -> None:
        device = self.hub / f"1-1.{port}"
        self._make(device, idVendor="0572", bDeviceClass="02", serial="12345678")
        hub_port = self.hub / "1-1:1.0" / f"1-1-port{port}"
        hub_port.mkdir(parents=True)
        if switched:
            (hub_port / "disable").write_text("0")
        (device / "port").symlink_to(os.path.relpath(hub_port, device))
        interface = device / f"1-1.{port}:1.0"
        tty = interface / "tty" / f"ttyACM{number}"
        tty.mkdir(parents=True)
        (tty / "device").symlink_to("../..")
        classes = self.sysfs / "class/tty"
        classes.mkdir(parents=True, exist_ok=True)
        (classes / tty.name).symlink_to(os.path.relpath(tty, classes))
        by_path = self.dev / "serial/by-path"
        by_path.mkdir(parents=True, exist_ok=True)
        (self.dev / tty.name).write_text("")
        self.link(port, tty.name)

    def link(self, port: int, tty: str) -> None:
        """Make the stable name of a USB port lead to a tty."""
        link = Path(self.port(port))
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../{tty}")

    def port(self, port: int) -> str:
        """Return the stable name of a USB port, as the configuration has it."""
        return str(self.dev / f"serial/by-path/platform-3f980000.usb-usb-0:1.{port}:1.0")

    def read(self, path: str) -> str:
        """Return what was last written to a file of sysfs."""
        return (self.sysfs / path).read_text()

    @staticmethod
    def _make(folder: Path, **attributes: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in attributes.items():
            (folder / name).write_text(f"{text}\n")
