"""What a power cut leaves of a disk, from QEMU's log of its writes (blklogwrites).

The log's format is that of the kernel's dm-log-writes: a superblock, then one sector an entry with
its data behind it. What a guest had flushed is on the disk; of what came after it any write may
be missing, with others after it there.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = 0x6A736677736872
SUPER = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")
FLUSH, FUA, DISCARD = 1, 2, 4
SECTOR = 512
"""Of a log whose superblock, which is written at the first flush, is not there yet."""
KEPT = 0.5
"""How likely a write survives that was not flushed."""


@dataclass(frozen=True, slots=True)
class Write:
    """Data at a byte of the disk (empty: a flush alone); `lasts` when it was forced to the disk."""

    at: int
    data: bytes
    flushes: bool
    lasts: bool


@dataclass(frozen=True, slots=True)
class Loss:
    """How many writes there were, and how many of the last ones were lost, whole or in part."""

    writes: int
    unflushed: int
    lost: int


def entries(log: BinaryIO) -> Iterator[Write]:
    """Read a log up to where it was broken off; raises ValueError for what is no log."""
    start = log.read(SECTOR)
    if start.strip(b"\0") and SUPER.unpack_from(start)[0] != MAGIC:
        raise ValueError("this is no log of blklogwrites")
    sector = SUPER.unpack_from(start)[3] if start.strip(b"\0") else SECTOR
    log.seek(sector)
    while len(head := log.read(sector)) == sector:
        at, count, flags, _ = ENTRY.unpack_from(head)
        length = 0 if flags & DISCARD else count * sector
        data = log.read(length)
        if len(data) < length or not (count or flags):
            return
        yield Write(at * sector, data, bool(flags & FLUSH), bool(flags & FUA))


def replay(log: BinaryIO, disk: BinaryIO, rng: random.Random) -> Loss:
    """Write to `disk` what of a log has survived; the caller's `rng` says what was lucky."""
    writes = 0
    waiting: list[Write] = []
    for entry in entries(log):
        if entry.flushes:
            _put(disk, waiting)
            waiting = []
        if entry.data:
            writes += 1
            waiting.append(entry)
    kept = [entry for entry in waiting if entry.lasts or rng.random() < KEPT]
    _put(disk, kept)
    return Loss(writes, len(waiting), len(waiting) - len(kept))


def _put(disk: BinaryIO, writes: list[Write]) -> None:
    for entry in writes:
        disk.seek(entry.at)
        disk.write(entry.data)
