"""A power cut as a log of writes tells it: what was flushed is there, the rest may be."""

from __future__ import annotations

import io
import random
import struct

import pytest

from tests.image import blocklog

SECTOR = 512


def log_of(*writes: tuple[int, bytes, int]) -> io.BytesIO:
    """Write a log as blklogwrites does: (sector, data, flags)."""
    whole = blocklog.SUPER.pack(blocklog.MAGIC, 1, 0, SECTOR).ljust(SECTOR, b"\0")
    for sector, data, flags in writes:
        head = struct.pack("<QQQQ", sector, len(data) // SECTOR, flags, 0)
        whole += head.ljust(SECTOR, b"\0") + data
    return io.BytesIO(whole)


def block(letter: str) -> bytes:
    """Make a sector of one letter."""
    return letter.encode() * SECTOR


def survived(log: io.BytesIO, seed: int) -> tuple[bytes, blocklog.Loss]:
    """Replay a log on an empty disk of four sectors; returns it by its letters."""
    disk = io.BytesIO(bytes(4 * SECTOR))
    loss = blocklog.replay(log, disk, random.Random(seed))
    return disk.getvalue()[::SECTOR], loss


@pytest.mark.parametrize("seed", range(20))
def test_what_was_flushed_is_there(seed: int) -> None:
    """A later write to the same place may win; an older one never comes back."""
    log = log_of(
        (0, block("a"), 0), (1, block("b"), 0), (0, b"", blocklog.FLUSH), (1, block("c"), 0)
    )
    letters, loss = survived(log, seed)
    assert letters[:1] == b"a"
    assert letters[1:2] in {b"b", b"c"}
    assert (loss.writes, loss.unflushed) == (3, 1)
    assert loss.lost == (letters[1:2] == b"b")


def test_what_was_not_flushed_may_be_lost_or_not() -> None:
    """Each write by itself: a later one may be there without the one before it."""
    log_bytes = log_of((0, block("a"), 0), (1, block("b"), 0)).getvalue()
    found = {survived(io.BytesIO(log_bytes), seed)[0][:2] for seed in range(40)}
    assert found == {b"ab", b"a\0", b"\0b", b"\0\0"}


@pytest.mark.parametrize("seed", range(20))
def test_what_was_forced_to_the_disk_is_there(seed: int) -> None:
    """A write with FUA lasts without a flush; it takes no other with it."""
    letters, _ = survived(log_of((2, block("x"), blocklog.FUA)), seed)
    assert letters[2:3] == b"x"


def test_a_log_that_is_broken_off_ends_there() -> None:
    """The machine was killed while it wrote an entry: all before it counts."""
    whole = log_of((0, block("a"), 0), (0, b"", blocklog.FLUSH), (1, block("b"), 0)).getvalue()
    letters, loss = survived(io.BytesIO(whole[:-1]), 0)
    assert letters[:2] == b"a\0"
    assert loss.writes == 1


def test_another_file_is_no_log() -> None:
    """What has another beginning is refused."""
    with pytest.raises(ValueError, match="no log"):
        list(blocklog.entries(io.BytesIO(block("x"))))


def test_a_log_without_a_superblock_counts() -> None:
    """It is written at the first flush: a machine that was killed before has none, or nothing."""
    log = log_of((0, block("a"), blocklog.FUA)).getvalue()
    letters, loss = survived(io.BytesIO(bytes(SECTOR) + log[SECTOR:]), 0)
    assert (letters[:1], loss.writes) == (b"a", 1)
    assert survived(io.BytesIO(b""), 0)[1].writes == 0
