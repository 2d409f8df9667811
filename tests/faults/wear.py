"""What a card is asked to write: bytes and flushes of a real ext4, by the kernel's own count.

A loop device counts what reaches it (Linux Documentation/block/stat.rst): sectors of 512 bytes and
flushes; the file system's journal is in it, as on a card.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.faults.disk import run

SECTOR = 512
_SECTORS_WRITTEN, _FLUSHES = 6, 15
"""Places in /sys/block/*/stat."""


@dataclass(frozen=True, slots=True)
class Wear:
    """What was written so far."""

    n_bytes: int
    flushes: int

    def since(self, before: Self) -> Wear:
        """Return what was written since then."""
        return Wear(self.n_bytes - before.n_bytes, self.flushes - before.flushes)

    def each(self, count: int) -> str:
        """Say it for one of so many."""
        return f"{self.n_bytes / count / 1e6:.3f} MB, {self.flushes / count:.1f} flushes"


class Card:
    """A mounted card; `wear` has everything written that is owed first."""

    def __init__(self, mount: Path, device: str) -> None:
        self.mount = mount
        self._stat = Path(f"/sys/block/{Path(device).name}/stat")

    def wear(self) -> Wear:
        """Write what is owed, as the kernel would within 30 s, and count."""
        folder = os.open(self.mount, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        run("sync", "-f", self.mount)
        return self.seen()

    def seen(self) -> Wear:
        """Count what has reached the card, whatever is owed yet."""
        counts = self._stat.read_text(encoding="ascii").split()
        return Wear(SECTOR * int(counts[_SECTORS_WRITTEN]), int(counts[_FLUSHES]))


@contextlib.contextmanager
def card(folder: Path, size_mb: int) -> Iterator[Card]:
    """Mount a new ext4 as the box mounts its data partition (reliability.md 4)."""
    image, mount = folder / "card", folder / "mounted"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(size_mb << 20)
    run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
    device = run("losetup", "-f", "--show", image)
    try:
        run("mount", "-o", "noatime,commit=5,errors=remount-ro", device, mount)
        try:
            yield Card(mount, device)
        finally:
            run("umount", mount)
    finally:
        run("losetup", "-d", device)
