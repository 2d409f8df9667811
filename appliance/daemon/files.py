"""Small files of state: whole or not at all, readable by us alone (reliability.md 4, Settings)."""

from __future__ import annotations

import os
from pathlib import Path


def save_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    save_bytes(path, text.encode())


def save_bytes(path: Path, contents: bytes) -> None:
    """Write a small file whole or not at all; raises OSError."""
    draft = path.with_suffix(".tmp")
    with open(draft, "wb", opener=_for_us_alone) as file:
        file.write(contents)
        _give_to_the_owner(file.fileno(), path.parent)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def save_in_memory(path: Path, text: str) -> None:
    """Write a small file of the run folder, which is memory: nothing is waited for.

    Whole or not at all for whoever reads it meanwhile; gone with the box's power. Raises OSError.
    """
    draft = path.with_suffix(".tmp")
    with open(draft, "w", encoding="utf-8", opener=_for_us_alone) as file:
        file.write(text)
    draft.replace(path)


def make_private(folder: Path) -> None:
    """Make a folder, and what is missing above it, for us alone; raises OSError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        _give_to_the_owner(each, each.parent)


def load_text(path: Path) -> str:
    """Return what a small file holds, "" for nothing that can be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _give_to_the_owner(made: Path | int, folder: Path) -> None:
    """Let the service read what the administrator has made in its folder."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(made, owner.st_uid, owner.st_gid)


def _for_us_alone(path: str, flags: int) -> int:
    """Open a file that nobody else can read: numbers of callers may stand in it."""
    return os.open(path, flags, 0o600)
