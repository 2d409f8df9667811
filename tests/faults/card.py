"""A real ext4 on a memory card that is slow, or refuses every write while a switch is there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.faults.disk import block_device, mounted_at, run

SIZE_MB = 48
_MKFS = ("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-J", "size=4")


def slow(ms: int) -> tuple[str, ...]:
    """Let each write take so long."""
    return ("--filter=delay", "memory", f"{SIZE_MB}M", f"wdelay={ms}ms")


def refusing(switch: Path) -> tuple[str, ...]:
    """Answer EIO to each write while `switch` exists."""
    return (
        "--filter=error", "memory", f"{SIZE_MB}M", "error=EIO", "error-pwrite-rate=100%",
        f"error-file={switch}",
    )  # fmt: skip


@contextlib.contextmanager
def card(folder: Path, how: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Mount a card below `folder`: (mount point, device). Unmounted and ended in any case."""
    mount = folder / "mount"
    mount.mkdir(parents=True)
    with block_device(folder / "nbd", *how) as device:
        run(*_MKFS, device)
        with mounted_at(mount, device, "-o", "errors=remount-ro"):
            yield mount, device
