"""How QEMU is told to be a machine: `virt`, the fast one, or a Raspberry Pi 3 B."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

UBOOT = Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin")
MEMORY_MB = 512
"""That of a Zero 2 W, the smallest board."""
USB_SLOT = 5
MODEM = f"/dev/serial/by-path/platform-4010000000.pcie-pci-0000:00:0{USB_SLOT}.0-usb-0:1:1.0-port0"
"""The modem's name inside `virt`, by the USB port it is plugged into."""
PI_MODEM = "/dev/serial/by-path/platform-3f980000.usb-usb-0:1:1.0-port0"
"""The same on a Pi, whose one USB port it takes."""
WORDS = "net.ifnames=0 systemd.show_status=1"
"""What is added to the kernel's command line; boot.cmd adds root, slot and the rest."""
CLOCK = ("-icount", "shift=1,sleep=on")
"""The guest's clock goes with its instructions, 2 ns each, and with ours only while it waits: on a
machine that is busy with other things it is not late, it lives slower, and no limit passes of a
service that has not had its share. One processor, because its threads are not side by side then.
"""
PI_TREE = "bcm2837-rpi-3-b.dtb"
PI_REVISION = 0xA02082
"""A Pi 3 B 1.2 of 1 GB, which the firmware would tell the kernel."""
BLUETOOTH = "/soc/serial@7e201000/bluetooth"
"""It would take the first serial port away from the root shell."""


class Kind(StrEnum):
    """The machines."""

    VIRT = "virt"
    PI = "raspi3b"


@dataclass(frozen=True, slots=True)
class Board:
    """How a machine is put together: `serial` is the modem's device outside, `stick` a stick for
    `Guest.plug_stick`, `words` are added to the kernel's, `more` to QEMU's. `watchdog` is one that
    resets a hung `virt`. A Pi needs `firmware`: a folder with U-Boot and the trees of the FAT.
    """

    serial: Path | None = None
    stick: Path | None = None
    words: str = ""
    more: tuple[str, ...] = ()
    watchdog: bool = False
    kind: Kind = Kind.VIRT
    firmware: Path | None = None


def command(board: Board, folder: Path, drive: str) -> list[str]:
    """Return QEMU's command; in `folder` are its sockets, the console's file and the tree."""
    made = _pi(board, folder, drive) if board.kind is Kind.PI else _virt(board, folder, drive)
    return [
        "setpriv", "--pdeathsig", "KILL", "qemu-system-aarch64", "-M", board.kind.value,
        "-display", "none", "-nodefaults", "-qmp", f"unix:{folder}/qmp,server=on,wait=off",
        "-chardev", f"socket,id=shell,path={folder}/shell,server=on,wait=off",
        *CLOCK, *made, *board.more,
    ]  # fmt: skip


def _virt(board: Board, folder: Path, drive: str) -> list[str]:
    """First serial port: the console; second: the root shell."""
    base = ["-cpu", "cortex-a53", "-smp", "1", "-m", str(MEMORY_MB), "-bios", str(UBOOT)]
    ports = ["-serial", f"file:{folder}/console", "-serial"]
    tree = folder / "tree.dtb"
    _run("qemu-system-aarch64", "-M", f"virt,dumpdtb={tree}", "-display", "none", "-nodefaults",
         *base, *ports, "null")  # fmt: skip
    words = f"console=ttyAMA0 systemd.debug_shell=ttyAMA1 {WORDS} {board.words}"
    _run("fdtput", "-t", "s", str(tree), "/chosen", "bootargs", words.strip())
    devices = ["-drive", f"if=none,id=disk,{drive}", "-device", "virtio-blk-pci,drive=disk",
               "-netdev", "user,id=lan,restrict=on", "-device", "virtio-net-pci,netdev=lan",
               "-device", f"qemu-xhci,id=usb,addr={USB_SLOT}",
               *_usb(board, ",bus=usb.0,port=1")]  # fmt: skip
    if board.watchdog:
        devices += ["-device", "i6300esb", "-action", "watchdog=reset"]
    return [*base, "-dtb", str(tree), *ports, "chardev:shell", *devices]


def _pi(board: Board, folder: Path, drive: str) -> list[str]:
    """First serial port: the root shell; second: the console, as on the board."""
    assert board.firmware is not None
    tree = folder / "tree.dtb"
    tree.write_bytes((board.firmware / PI_TREE).read_bytes())
    _run("fdtput", "-c", str(tree), "/system")
    _run("fdtput", "-t", "x", str(tree), "/system", "linux,revision", f"{PI_REVISION:x}")
    _run("fdtput", "-r", str(tree), BLUETOOTH)
    # QEMU resets the machine as soon as this watchdog is armed
    words = "console=ttyS1,115200 systemd.debug_shell=ttyAMA0 systemd.watchdog_device=/dev/none"
    return ["-kernel", str(board.firmware / "u-boot.bin"), "-dtb", str(tree),
            "-append", f"{words} {WORDS} {board.words}".strip(),
            "-serial", "chardev:shell", "-serial", f"file:{folder}/console",
            "-drive", f"if=sd,id=disk,{drive}", *_usb(board, "")]  # fmt: skip


def _usb(board: Board, port: str) -> Sequence[str]:
    """Plug the modem in, and have the stick at hand."""
    made = []
    if board.serial:
        made += ["-chardev", f"serial,id=modem,path={board.serial}",
                 "-device", f"usb-serial,id=plug,chardev=modem{port}"]  # fmt: skip
    if board.stick:
        made += ["-drive", f"if=none,id=stick,format=raw,readonly=on,file={board.stick}"]
    return made


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
