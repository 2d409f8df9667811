"""The rulers themselves: each must see the fault it is there for."""

from __future__ import annotations

import pytest

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from tests.helpers.sound import (
    Comparison,
    align,
    babble,
    compare_bytes,
    largest_step,
    noise,
    segmental_snr,
    through,
)

SENT = g711.linear_to_ulaw(babble(4, seed=3))
SILENT = wav.silence(Law.ULAW, 800)


def test_whole_sound_is_exact_whatever_surrounds_it() -> None:
    """One alignment; silence before and after what was sent does not count."""
    assert compare_bytes(SENT, SILENT + SENT + SILENT) == Comparison(800, 0, 0, 0)


def test_dropped_frame_is_seen() -> None:
    """A frame of 160 bytes left out is 160 bytes missing, before or after the anchor."""
    for at in (2000, 20000):
        heard = SILENT + SENT[:at] + SENT[at + 160 :]
        assert compare_bytes(SENT, heard) == Comparison(800, 160, 0, 0)


def test_doubled_frame_is_seen() -> None:
    """A frame played twice is 160 bytes added."""
    found = compare_bytes(SENT, SENT[:20000] + SENT[19840:20000] + SENT[20000:])
    assert (found.lag, found.missing, found.added, found.is_exact) == (0, 0, 160, False)


def test_one_swallowed_byte_is_seen() -> None:
    """An unshielded DLE eats a byte: one byte missing."""
    at = next(i for i in range(9000, 30000) if len(set(SENT[i - 2 : i + 3])) == 5)
    assert compare_bytes(SENT, SENT[:at] + SENT[at + 1 :]) == Comparison(0, 1, 0, 0)


def test_changed_byte_is_seen() -> None:
    """A byte that reads differently is one byte changed."""
    heard = bytearray(SENT)
    heard[9000] ^= 0x55
    assert compare_bytes(SENT, bytes(heard)) == Comparison(0, 0, 0, 1)


def test_unheard_ends_are_missing() -> None:
    """What was not heard at either end is missing."""
    start = next(i for i in range(160, 3000) if SENT[i] != SENT[i - 1])
    found = compare_bytes(SENT, SENT[start:-320])
    assert (found.missing, found.added, found.changed) == (start + 320, 0, 0)


def test_other_sound_is_no_comparison() -> None:
    """Sound that is not what was sent cannot be aligned."""
    with pytest.raises(ValueError, match="nothing of what was sent"):
        compare_bytes(SENT, g711.linear_to_ulaw(babble(4, seed=4)))


@pytest.mark.parametrize("lag", [-700, 0, 1234])
def test_alignment_finds_the_lag(lag: int) -> None:
    """16-bit sound that was delayed or cut short at the start is aligned to the sample."""
    sent = babble(3)
    heard = bytes(2 * lag) + sent if lag >= 0 else sent[-2 * lag :]
    assert align(sent, through(heard, Law.ALAW)) == lag


def test_alignment_needs_sound() -> None:
    """Too little sound is an error, not a lag."""
    with pytest.raises(ValueError, match="too little"):
        align(babble(3), bytes(100))


def test_snr_tells_good_from_bad() -> None:
    """A-law is above 30 dB for -20 dBm0; a frame slipped by 5 ms is far below 20."""
    sent = babble(3)
    assert segmental_snr(sent, sent) == 60.0
    assert 30 < segmental_snr(sent, through(sent, Law.ALAW)) < 45
    assert segmental_snr(sent, bytes(80) + sent) < 10
    with pytest.raises(ValueError, match="silent"):
        segmental_snr(bytes(3200), noise(1600, -20))


def test_largest_step() -> None:
    """The greatest step between two neighbours, whichever way it goes."""
    assert largest_step(b"\x00\x00\x10\x00\xf0\xff") == 32
