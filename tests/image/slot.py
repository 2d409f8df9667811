"""What image/build.sh made: the disk, and the files of its slot A as they come out of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAT, SLOT_A, SLOT_B, DATA = 1, 2, 3, 4
SECTOR = 512
VARIABLES_AT, VARIABLES_LONG = 0x100000, 0x4000
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "mkimage": "u-boot-tools",
    "mcopy": "mtools",
    "bmaptool": "bmap-tools",
    "qemu-aarch64-static": "qemu-user-static",
    "fuse2fs": "fuse2fs",
    "dtc": "device-tree-compiler",
}


def missing() -> str:
    """Name what this machine lacks to build the image, "" for nothing."""
    if os.geteuid() != 0:
        return "root"
    return next((package for tool, package in TOOLS.items() if not shutil.which(tool)), "")


def build(folder: Path | None = None, **more: str) -> Path:
    """Build the image and return the folder; where it stands already this takes seconds."""
    out = folder or ROOT / "build" / "image"
    made = subprocess.run(
        (ROOT / "image" / "build.sh",),
        cwd=ROOT,
        env=os.environ | {"PYTHON": sys.executable, "OUT": str(out), "UNPACKED": "1"} | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return out


@cache
def built() -> Path:
    """Return the folder of the image that the tests look at."""
    return build()


def disk(folder: Path) -> Path:
    """Return the disk of a build, before it is packed."""
    (found,) = (folder / "work").glob("centralino-*.img")
    return found


def partition(image: Path, number: int) -> tuple[int, int]:
    """Return a partition's first byte and its length in bytes."""
    told = subprocess.run(("sfdisk", "--json", image), check=True, capture_output=True).stdout
    found = json.loads(told)["partitiontable"]["partitions"][number - 1]
    return found["start"] * SECTOR, found["size"] * SECTOR


@contextlib.contextmanager
def mounted(image: Path, number: int, place: Path) -> Iterator[Path]:
    """Show an ext4 partition's files with their owners, modes and times, without a loop device."""
    options = f"ro,offset={partition(image, number)[0]}"
    subprocess.run(("fuse2fs", "-o", options, image, place), check=True, capture_output=True)
    try:
        yield place
    finally:
        subprocess.run(("umount", place), check=True)


def fat_file(image: Path, name: str) -> bytes:
    """Return a file of the FAT partition."""
    place = f"{image}@@{partition(image, FAT)[0]}"
    copied = subprocess.run(("mtype", "-i", place, f"::{name}"), check=True, capture_output=True)
    return copied.stdout
