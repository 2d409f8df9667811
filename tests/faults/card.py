"""A real ext4 on a memory card that is slow, or refuses every write while a switch is there."""

from __future__ import annotations

import contextlib
import subprocess
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


def start_anew(mount: Path, device: str) -> None:
    """Do what the next boot does with a card: check it and mount it."""
    run("umount", mount)
    # status 1: something was mended, which is what the check is for
    done = subprocess.run(["/usr/sbin/e2fsck", "-fy", device], capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stdout
    run("mount", "-o", "errors=remount-ro", device, mount)
