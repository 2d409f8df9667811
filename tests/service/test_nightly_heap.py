"""Memory that nobody uses any more goes back to the machine."""

from __future__ import annotations

from appliance.service import nightly
from tests.soak.size import resident_kb

PIECE, PIECES = 100_000, 300
"""Pieces that malloc keeps in its heap (mmap's are returned at once), 30 MB of them."""


def test_holes_below_what_is_still_used_are_given_back() -> None:
    """What a start has used and let go is the machine's again, though something lies above it."""
    pieces = [bytes(range(1, 251)) * (PIECE // 250) for _ in range(PIECES)]
    above = pieces.pop()
    del pieces
    kept = resident_kb()
    nightly.trim_heap()
    assert kept - resident_kb() > 20_000
    assert above[-1] == 250
