"""A real ext4 on a disk that can be made to answer nothing for a while (reliability.md 2, R3)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.disk import block_device, mounted_at, run

SIZE_MB = 512
_MKFS = ("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-J", "size=4")


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted disk; `control` is its nbdkit pause filter's socket."""

    mount: Path
    control: Path

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Let no request of the disk be answered; all go on at the end."""
        self._say(b"p")
        try:
            yield
        finally:
            self._say(b"r")

    def _say(self, order: bytes) -> None:
        """Pause or resume; the filter answers in the capital letter when it is so."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(str(self.control))
            control.sendall(order)
            assert control.recv(1) == order.upper()


@contextlib.contextmanager
def stalling_disk(folder: Path, mount: Path) -> Iterator[Disk]:
    """Mount the disk at `mount`; unmounted and ended in any case."""
    control = folder / "pause"
    mount.mkdir(parents=True)
    nbdkit = ("--filter=pause", "memory", f"{SIZE_MB}M", f"pause-control={control}")
    with block_device(folder / "nbd", *nbdkit) as device:
        run(*_MKFS, device)
        with mounted_at(mount, device):
            yield Disk(mount, control)
