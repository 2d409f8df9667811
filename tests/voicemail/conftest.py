"""The mailbox that most tests use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.voicemail.box import Box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Start a mailbox with its records in a folder of its own."""
    box = Box(tmp_path).start()
    yield box
    if box.mailbox.is_alive:
        box.stop()
    elif box.records.is_alive:
        box.records.stop()
