"""Voices of several people, heard at once."""

from __future__ import annotations

import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dsp.conceal import mixed

SAMPLES = st.integers(-32768, 32767)
PAIRS = st.lists(st.tuples(SAMPLES, SAMPLES), max_size=200)


def pcm(samples: list[int]) -> bytes:
    """Write samples as 16-bit sound."""
    return array.array("h", samples).tobytes()


@given(PAIRS)
def test_the_sum_saturates_and_never_wraps(pairs: list[tuple[int, int]]) -> None:
    """E10: who speaks is as loud as alone; two loud ones are clipped, not turned to noise."""
    met = mixed(pcm([one for one, _ in pairs]), pcm([other for _, other in pairs]))
    assert array.array("h", met).tolist() == [max(-32768, min(32767, a + b)) for a, b in pairs]


def test_silence_changes_nothing() -> None:
    """Of two people of whom one is silent the other is heard sample for sample."""
    voice = pcm([1, -5, 32767, -32768, 700])
    assert mixed(voice, bytes(len(voice))) == voice


def test_pieces_of_different_lengths_are_refused() -> None:
    """They would be from different moments."""
    with pytest.raises(ValueError, match="2 and 4 bytes"):
        mixed(b"\0\0", b"\0\0\0\0")
