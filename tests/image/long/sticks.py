"""What the long tests bring on a stick: the card's own slot."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.image import brought
from tests.image.disk import Disk

VERSION: Final = "99.0.0"
"""Newer than any that runs."""


def slot_of(image: Path, folder: Path) -> Path:
    """Copy the file system of an image's slot A."""
    disk = Disk(image, folder / "card")
    made = brought.slot_of(disk, folder / "slot.ext4")
    disk.remove()
    return made


def stick_of(slot: Path, folder: Path) -> Path:
    """Sign a slot with the build's key, put the bundle on a stick; the slot goes."""
    (folder / "bundle").mkdir()
    bundle = brought.signed(slot, VERSION, folder / "bundle")
    made = brought.stick(bundle)
    bundle.unlink()
    slot.unlink()
    return made
