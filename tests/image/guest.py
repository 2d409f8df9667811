"""A machine of the image's kind in QEMU: `virt` with U-Boot, as fast as emulation goes.

The guest's consoles: the first is the image's own, kept in a file; on the second systemd opens a
root shell, because the test's kernel command line asks for it. The image itself has neither a
password nor a shell. There is no KVM for arm64 on an amd64 machine: all is emulated (TCG).
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tests.image.board import UBOOT, Board, command
from tests.image.monitor import Monitor
from tests.image.shell import Shell

TOOLS = {
    "qemu-system-aarch64": "qemu-system-arm",
    "fdtput": "device-tree-compiler",
    "mcopy": "mtools",
    "qemu-img": "qemu-utils",
    "setpriv": "util-linux",
    "debugfs": "e2fsprogs",
    "fsck.fat": "dosfstools",
}
BOOT_LIMIT_S = 1500.0
"""A boot takes a minute or two of processor time: on a machine that is busy it is waited longer."""
LOOK_AGAIN_S = 0.2
CALL_CONTROL_READY = re.compile(r"Started .{0,20}centralino\.service")
GATEWAY_READY = re.compile(r"Started .{0,20}centralino-media\.service")


def missing() -> str:
    """Name the Debian packages that a guest needs and this machine lacks, "" for none."""
    packages = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    return " ".join([*packages, *([] if UBOOT.exists() else ["u-boot-qemu"])])


class Guest:
    """Runs while entered, from a disk that QEMU is given by `drive` (its options in words).

    Leaving it is a power cut: what is to end well is ended by `power_off` before.
    """

    def __init__(self, drive: str, board: Board | None = None) -> None:
        self._drive, self._board = drive, board or Board()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="guest")))
        self._console = self.folder / "console"
        self.began = time.monotonic()
        with (self.folder / "qemu").open("wb") as log:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._stack.callback(self._end)
        try:
            self.monitor = self._stack.enter_context(Monitor(self.folder / "qmp", self._alive))
            self.shell = self._stack.enter_context(Shell(self.folder / "shell", self._alive))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _command(self) -> list[str]:
        return command(self._board, self.folder, self._drive)

    def cut(self) -> None:
        """Pull the plug; what QEMU had not yet written is what its drive makes of it."""
        self._end()

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _alive(self) -> None:
        if self.process.poll() is not None:
            said = (self.folder / "qemu").read_text(errors="replace")
            raise AssertionError(f"the machine has ended: {said}\n{self.console()[-3000:]}")

    # --- what it says and does -------------------------------------------------------------------

    def console(self) -> str:
        """Return all that the image has written to its console."""
        with contextlib.suppress(OSError):
            return self._console.read_text(encoding="utf-8", errors="replace")
        return ""

    def wait(
        self,
        what: str,
        is_so: Callable[[], Any],
        limit_s: float = BOOT_LIMIT_S,
        every_s: float = LOOK_AGAIN_S,
    ) -> Any:
        """Wait until something is so and return it; fails with the console's last words."""
        end = time.monotonic() + limit_s
        while not (found := is_so()):
            self._alive()
            if time.monotonic() > end:
                last = self.console()[-3000:]
                raise AssertionError(f"{what}: not within {limit_s:.0f} s\n{last}")
            time.sleep(every_s)
        return found

    def pass_time(self, seconds: float) -> None:
        """Let the machine run so long, whatever it does; fails when it ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._alive()
            time.sleep(LOOK_AGAIN_S)

    def wait_settled(self) -> None:
        """Wait until systemd has nothing left to start."""
        self.shell.try_("systemctl is-system-running --wait", BOOT_LIMIT_S)

    def wait_said(self, pattern: re.Pattern[str], times: int = 1) -> None:
        """Wait until the console has said it so often."""
        self.wait(pattern.pattern, lambda: len(pattern.findall(self.console())) >= times)

    def wait_ready(self, boots: int = 1) -> float:
        """Wait until call control and media gateway are READY in the so manieth boot; returns the
        seconds.
        """
        for pattern in (CALL_CONTROL_READY, GATEWAY_READY):
            self.wait_said(pattern, boots)
        return self.seconds()

    def seconds(self) -> float:
        """Return how long ago it was switched on."""
        return time.monotonic() - self.began

    def run(self, *words: str, limit_s: float = 120.0) -> str:
        """Run a command line as root inside; returns what it prints, or fails."""
        return self.shell.run(" ".join(words), limit_s)

    def power_off(self) -> None:
        """Let the system end as it should; the machine is gone afterwards."""
        self.shell.say("systemctl poweroff")
        self.process.wait(BOOT_LIMIT_S)
