"""How QEMU is told to be a machine: `virt`, with the smallest board's memory."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

UBOOT = Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin")
MEMORY_MB = 512
"""That of a Zero 2 W, the smallest board."""
USB_SLOT = 5
MODEM = f"/dev/serial/by-path/platform-4010000000.pcie-pci-0000:00:0{USB_SLOT}.0-usb-0:1:1.0-port0"
"""The modem's name inside `virt`, by the USB port it is plugged into."""
WORDS = "net.ifnames=0 systemd.show_status=1 kpti=off"
"""What is added to the kernel's command line; boot.cmd adds root, slot and the rest.

With page tables of its own the kernel changes the ASID whenever it is entered, and QEMU, which
knows no ASIDs, forgets every address it had translated: a quarter of the time of a boot.
"""
CLOCK = ("-icount", "shift=1,sleep=on")
"""The guest's clock goes with its instructions, 2 ns each, and with ours only while it waits: on a
machine that is busy with other things it is not late, it lives slower, and no limit passes of a
service that has not had its share. One processor, because its threads are not side by side then.
"""


@dataclass(frozen=True, slots=True)
class Board:
    """How a machine is put together: `serial` is the modem's device outside, `words` are added to
    the kernel's, `more` to QEMU's.
    """

    serial: Path | None = None
    words: str = ""
    more: tuple[str, ...] = ()


def command(board: Board, folder: Path, drive: str) -> list[str]:
    """Return QEMU's command; in `folder` are its sockets, the console's file and the tree."""
    return [
        "setpriv", "--pdeathsig", "KILL", "qemu-system-aarch64", "-M", "virt",
        "-display", "none", "-nodefaults", "-qmp", f"unix:{folder}/qmp,server=on,wait=off",
        "-chardev", f"socket,id=shell,path={folder}/shell,server=on,wait=off",
        *CLOCK, *_virt(board, folder, drive), *board.more,
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
    # as image/boot/uboot.env.txt has it on the boards: two seconds of a loop are ten of ours
    _run("fdtput", "-p", "-t", "i", str(tree), "/config", "bootdelay", "0")
    devices = ["-drive", f"if=none,id=disk,{drive}", "-device", "virtio-blk-pci,drive=disk",
               "-netdev", "user,id=lan,restrict=on", "-device", "virtio-net-pci,netdev=lan",
               "-device", f"qemu-xhci,id=usb,addr={USB_SLOT}"]  # fmt: skip
    if board.serial:
        devices += ["-chardev", f"serial,id=modem,path={board.serial}",
                    "-device", "usb-serial,chardev=modem,bus=usb.0,port=1"]  # fmt: skip
    return [*base, "-dtb", str(tree), *ports, "chardev:shell", *devices]


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
