"""A folder in memory for what is written and synchronised thousands of times."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """Return a folder in memory, where there is a file system in it: the machine's own disk, on
    which every fsync waits for whatever else is written, shows nothing here.
    """
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as made:
        yield Path(made)
