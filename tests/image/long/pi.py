"""A Raspberry Pi 3 B in QEMU: its SD card, its U-Boot, and the pins of its 40-pin header.

What the firmware does before U-Boot is QEMU's here: it gives the tree and the command line. USB is
the board's own controller (dwc2), and the modem is all that is plugged into it.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Final

from tests.image.board import CLOCK
from tests.image.disk import FAT, Disk
from tests.image.guest import Guest

TREE: Final = "bcm2837-rpi-3-b.dtb"
REVISION: Final = "0xa02082"
"""A Pi 3 B's, which the firmware writes into the tree, and by which gpiozero knows the board."""
MODEM: Final = "/dev/serial/by-path/platform-3f980000.usb-usb-0:1:1.0-port0"
WORDS: Final = (
    "console=ttyS1,115200 net.ifnames=0 systemd.show_status=1 maxcpus=1"
    " systemd.watchdog_device=/dev/none"
)
"""QEMU's model of the chip's watchdog resets at once when it is armed."""
LOOKS_S, LOOK_S = 6.0, 0.02
LEVELS: Final = "xp /1wx 0x3f200034"
"""GPLEV0, the levels of pins 0 to 31 (BCM2835 ARM Peripherals, 6.1)."""


class Pi(Guest):
    """`disk` is its card, `serial` the modem's device outside."""

    def __init__(self, disk: Disk, serial: Path) -> None:
        super().__init__(disk.drive)
        self._disk, self._serial = disk, serial

    def _command(self) -> list[str]:
        """The console is the second serial port, the first is Bluetooth's; there is no shell."""
        return [
            "setpriv", "--pdeathsig", "KILL", "qemu-system-aarch64", "-M", "raspi3b",
            "-display", "none", "-nodefaults", "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
            "-chardev", f"socket,id=shell,path={self.folder}/shell,server=on,wait=off",
            *CLOCK, "-kernel", str(self._taken("u-boot.bin")), "-dtb", str(self._tree()),
            "-append", WORDS, "-drive", f"{self._disk.drive},if=sd",
            "-serial", "null", "-serial", f"file:{self.folder}/console",
            "-chardev", f"serial,id=modem,path={self._serial}",
            "-device", "usb-serial,id=modem,chardev=modem",
        ]  # fmt: skip

    def _tree(self) -> Path:
        """Return the board's tree from the card, as its firmware would complete it."""
        tree = self._taken(TREE)
        _run("fdtput", "-c", "-p", str(tree), "/system")
        _run("fdtput", "-t", "x", str(tree), "/system", "linux,revision", REVISION)
        return tree

    def _taken(self, name: str) -> Path:
        place = f"{self._disk.path}@@{self._disk.place(FAT)[0]}"
        _run("mcopy", "-o", "-i", place, f"::{name}", str(self.folder / name))
        return self.folder / name

    def seen(self, pin: int) -> set[bool]:
        """Return what a pin is, looked at more often than any LED flashes, for some seconds."""
        end, found = time.monotonic() + LOOKS_S, set[bool]()
        while time.monotonic() < end:
            found.add(self.is_lit(pin))
            time.sleep(LOOK_S)
        return found

    def is_lit(self, pin: int) -> bool:
        """Tell whether a pin is high, looked at from outside."""
        told = self.monitor.ask("human-monitor-command", **{"command-line": LEVELS})
        return bool(int(told.split(":")[1], 16) >> pin & 1)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
