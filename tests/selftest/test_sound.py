"""The self-test's rulers: each kind of bad sound is told from the good one, and by how much."""

from __future__ import annotations

import audioop

import pytest

from appliance.dsp import g711
from appliance.dsp.wav import level_dbm0
from appliance.selftest.sound import BLOCK, as_ulaw, compare, milliseconds, silence, voice_like

SAID = voice_like(1, 2.0)


def carried(sound: bytes, before_ms: int = 120) -> bytes:
    """Carry a sound over G.711, a moment later."""
    return g711.ulaw_to_linear(as_ulaw(silence(before_ms) + sound + silence(100)))


def test_the_sound_has_a_voices_level() -> None:
    """It is made by arithmetic: the same each time, as loud as a voice on a line."""
    assert voice_like(1, 2.0) == SAID
    assert level_dbm0(SAID) == pytest.approx(-18.0, abs=0.1)
    assert len(SAID) == 2 * 2 * 8000


def test_good_sound_is_found_whole() -> None:
    """G.711 alone: every block, no gain, 36 dB, and the delay to the sample."""
    found = compare(SAID, carried(SAID))
    assert (found.missing, found.blocks) == (0, 10)
    assert found.gain_db == pytest.approx(0.0, abs=0.1)
    assert found.snr_db > 33
    assert milliseconds(found.begins) == 120


def test_silence_and_another_sound_are_not_it() -> None:
    """Neither silence nor something else is taken for what was said."""
    assert not compare(SAID, silence(3000)).arrived
    assert compare(SAID, silence(3000)).level_dbm0 < -60
    other = compare(SAID, carried(voice_like(2, 3.0)))
    assert not other.arrived
    assert other.level_dbm0 > -25


def test_bytes_out_of_step_are_noise() -> None:
    """16-bit sound that has lost one byte is loud and is nothing that was said."""
    found = compare(SAID, carried(SAID)[1:] + b"\0")
    assert not found.arrived
    assert found.level_dbm0 > -20


def test_loudness_and_noise_are_measured() -> None:
    """A sound that is 9 dB softer, and one with noise 15 dB below it."""
    assert compare(SAID, carried(audioop.mul(SAID, 2, 0.355))).gain_db == pytest.approx(-9, abs=0.3)
    noise = audioop.mul(voice_like(7, 2.0), 2, 10 ** (-15 / 20))
    assert compare(SAID, carried(audioop.add(SAID, noise, 2))).snr_db == pytest.approx(15, abs=1.5)


def test_missing_pieces_are_counted() -> None:
    """Three blocks of silence in the middle are three that are missing; a slip of 10 ms is one."""
    whole = carried(SAID)
    at = 2 * (960 + 2 * BLOCK)
    holed = whole[:at] + bytes(2 * 3 * BLOCK) + whole[at + 2 * 3 * BLOCK :]
    assert compare(SAID, holed).missing == 3
    assert compare(SAID, whole[: at + BLOCK] + whole[at + BLOCK + 160 :]).missing == 1


def test_too_little_sound_is_no_fault_of_the_ruler() -> None:
    """What ends at once is compared all the same."""
    assert not compare(SAID, b"").arrived
    assert not compare(SAID, SAID[:100]).arrived
