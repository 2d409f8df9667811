"""What a power cut makes of a file on a FAT partition: a name whose clusters nobody has noted.

Names, clusters and their table are written in an order of their own; FAT knows no journal. Places
are those of Microsoft's "FAT32 File System Specification" (2000), "Boot Sector and BPB".
"""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

ENTRY = 4
"""Bytes of a cluster's entry in the table."""


def tear(image: Path, start: int, name: str) -> None:
    """Make the clusters of a file free in both tables, as if its name alone had been written; the
    partition begins at this byte of the disk.
    """
    first, last = _clusters(image, start, name)
    with image.open("r+b") as file:
        file.seek(start)
        tables = _tables(file.read(512))
        for table in tables:
            file.seek(start + table + ENTRY * first)
            file.write(bytes(ENTRY * (last - first + 1)))


def _clusters(image: Path, start: int, name: str) -> tuple[int, int]:
    """Return a file's first and last cluster, which lie in a row."""
    shown = subprocess.run(
        ("mshowfat", "-i", f"{image}@@{start}", f"::{name}"),
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = re.fullmatch(r".*<(\d+)(?:-(\d+))?>\s*", shown)
    assert found, shown
    return int(found[1]), int(found[2] or found[1])


def _tables(boot: bytes) -> list[int]:
    """Return where the tables begin, by the boot sector."""
    (sector,) = struct.unpack_from("<H", boot, 11)
    reserved, count = struct.unpack_from("<HB", boot, 14)
    (length,) = struct.unpack_from("<I", boot, 36)
    return [(reserved + length * number) * sector for number in range(count)]
