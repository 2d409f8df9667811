"""A Raspberry Pi 3 B in QEMU: its SD card, its U-Boot, and the pins of its 40-pin header.

What the firmware does before U-Boot is QEMU's here: it gives the tree and the command line. USB is
the board's own controller (dwc2), and the modem is all that is plugged into it, once it is.
"""

from __future__ import annotations

import subprocess
from collections import deque
from pathlib import Path
from typing import Final

from tests.image.board import CLOCK
from tests.image.disk import FAT, Disk
from tests.image.guest import BOOT_LIMIT_S, Guest
from tests.image.long import leds
from tests.image.long.leds import Look, Pattern

TREE: Final = "bcm2837-rpi-3-b.dtb"
REVISION: Final = "0xa02082"
"""A Pi 3 B's, which the firmware writes into the tree, and by which gpiozero knows the board."""
MODEM: Final = "/dev/serial/by-path/platform-3f980000.usb-usb-0:1:1.0-port0"
WORDS: Final = (
    "console=ttyS1,115200 net.ifnames=0 systemd.show_status=1 maxcpus=1"
    " systemd.watchdog_device=/dev/none systemd.debug_shell=ttyAMA0"
)
"""QEMU's model of the chip's watchdog resets at once when it is armed."""
BLUETOOTH: Final = "/soc/serial@7e201000/bluetooth"
"""What hangs on the first serial port, which is the root shell's here (dtoverlay=disable-bt)."""
LOOK_S: Final = 0.01
LEVELS: Final = 0x3F200034
"""GPLEV0, the levels of pins 0 to 31 (BCM2835 ARM Peripherals, 6.1)."""
CLOCK_US: Final = 0x3F003004
"""CLO, the lower half of the system timer, which counts at 1 MHz (BCM2835 ARM Peripherals, 12.1);
it begins with the board, so that it does not overflow within an hour."""


class Pi(Guest):
    """`disk` is its card, `serial` the modem's device outside."""

    def __init__(self, disk: Disk, serial: Path) -> None:
        super().__init__(disk.drive)
        self._disk, self._serial = disk, serial

    def _command(self) -> list[str]:
        """First serial port: the root shell; second: the console. Nothing is at its USB yet."""
        return [
            "setpriv", "--pdeathsig", "KILL", "qemu-system-aarch64", "-M", "raspi3b",
            "-display", "none", "-nodefaults", "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
            "-chardev", f"socket,id=shell,path={self.folder}/shell,server=on,wait=off",
            *CLOCK, "-kernel", str(self._taken("u-boot.bin")), "-dtb", str(self._tree()),
            "-append", WORDS, "-drive", f"{self._disk.drive},if=sd",
            "-serial", "chardev:shell", "-serial", f"file:{self.folder}/console",
            "-chardev", f"serial,id=modem,path={self._serial}",
        ]  # fmt: skip

    def _tree(self) -> Path:
        """Return the board's tree from the card, as its firmware would complete it."""
        tree = self._taken(TREE)
        _run("fdtput", "-c", "-p", str(tree), "/system")
        _run("fdtput", "-t", "x", str(tree), "/system", "linux,revision", REVISION)
        _run("fdtput", "-r", str(tree), BLUETOOTH)
        return tree

    def _taken(self, name: str) -> Path:
        place = f"{self._disk.path}@@{self._disk.place(FAT)[0]}"
        _run("mcopy", "-o", "-i", place, f"::{name}", str(self.folder / name))
        return self.folder / name

    def plug_in(self) -> None:
        """Plug the modem into the board's only port; QEMU puts a hub between when it may choose."""
        self.monitor.ask("device_add", driver="usb-serial", id="modem", chardev="modem", port="1")

    def look(self, pin: int) -> Look:
        """Look at a pin, and at the board's clock, from outside."""
        return Look(self._word(CLOCK_US) / 1000, bool(self._word(LEVELS) >> pin & 1))

    def wait_shows(self, pin: int, pattern: Pattern, limit_s: float = BOOT_LIMIT_S) -> list[Look]:
        """Wait until the LED at a pin shows a pattern; returns the looks that say so."""
        looks = deque[Look]()

        def is_shown() -> bool:
            looks.append(self.look(pin))
            while looks[-1].ms - looks[0].ms > leds.room_ms(pattern):
                looks.popleft()
            return leds.shows(list(looks), pattern)

        try:
            self.wait(f"pin {pin} shows {pattern}", is_shown, limit_s, LOOK_S)
        except AssertionError as error:
            seen = [(lit, round(ms)) for lit, ms in leds.runs(list(looks))]
            raise AssertionError(f"{error}\nlast seen at pin {pin}: {seen}") from error
        return list(looks)

    def _word(self, address: int) -> int:
        line = f"xp /1wx {address:#x}"
        told = self.monitor.ask("human-monitor-command", **{"command-line": line})
        return int(told.split(":")[1], 16)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
