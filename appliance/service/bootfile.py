"""How the memory card is: what ext4 has written on it in its life, its errors, and its room.

Read from /sys/fs/ext4 (Linux Documentation/admin-guide/ext4.rst): memory, not the card.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SYS: Final = Path("/sys")


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of it; `written_mb` and `errors` are None on another file system than ext4."""

    device: str
    written_mb: int | None
    errors: int | None
    free_mb: int
    total_mb: int


def look(folder: Path, sys: Path = SYS) -> Card:
    """Look at the card that a folder lies on; raises OSError where there is no such folder."""
    numbers, state = folder.stat().st_dev, os.statvfs(folder)
    device = _name(sys, os.major(numbers), os.minor(numbers))
    told = sys / "fs" / "ext4" / device
    written = _number(told / "lifetime_write_kbytes") if device else None
    errors = _number(told / "errors_count") if device else None
    return Card(
        device,
        None if written is None else written >> 10,
        errors,
        state.f_bavail * state.f_frsize >> 20,
        state.f_blocks * state.f_frsize >> 20,
    )


def _name(sys: Path, major: int, minor: int) -> str:
    """Return the kernel's name of a block device, "" for what is none."""
    try:
        return (sys / "dev" / "block" / f"{major}:{minor}").resolve(strict=True).name
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
