"""Frames: what 20 ms is and how loud it is."""

from __future__ import annotations

import pytest

from appliance.dsp import dtmf, g711, wav
from appliance.dsp.wav import Law


def test_a_frame_is_20_ms_of_160_samples() -> None:
    """160 bytes of G.711 are one packet and one tick."""
    assert (wav.FRAME_SAMPLES, wav.FRAME_MS) == (160, 20)
    assert wav.duration_ms(bytes(160), Law.ULAW) == 20
    assert wav.duration_ms(bytes(321), Law.LINEAR16) == 20


@pytest.mark.parametrize("law", list(Law))
def test_silence_is_silent_in_every_law(law: Law) -> None:
    """Silence decodes to nothing but the smallest step of its law (A-law has no zero)."""
    pcm = g711.decode(wav.silence(law, 160), law)
    assert len(pcm) == 320
    assert wav.level_dbm0(pcm) < -65


def test_full_scale_sine_is_3_14_dbm0() -> None:
    """The level scale is that of G.711 section 4."""
    assert wav.level_dbm0(dtmf.chord((1000,), 1000, 3.14)) == pytest.approx(3.14, abs=0.01)


@pytest.mark.parametrize("dbm0", [-9.0, -20.0, -40.0])
def test_level_of_a_sine_is_what_was_asked(dbm0: float) -> None:
    """Generator and meter agree."""
    assert wav.level_dbm0(dtmf.chord((425,), 1000, dbm0)) == pytest.approx(dbm0, abs=0.06)


def test_no_sound_has_the_floor_level() -> None:
    """Digital silence, and nothing at all, have a finite level."""
    assert wav.level_dbm0(bytes(320)) == wav.level_dbm0(b"") == wav.SILENCE_DBM0
