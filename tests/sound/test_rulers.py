"""The rulers of the sound tests must be able to say no."""

from __future__ import annotations

import pytest

from appliance.dsp.dtmf import chord
from tests.helpers import sound
from tests.interop.voice import has_tone
from tests.sound.verdict import judge
from tests.system.rulers import share_heard

SPEECH = sound.babble(6.0, seed=11)
SILENCE = bytes(2 * 9000)
SAID = sound.babble(4.0, seed=5)


def test_sound_behind_a_long_silence_is_found() -> None:
    """Digital silence, longer than what is looked for, does not hide the sound behind it."""
    assert sound.align(SPEECH, SILENCE + SPEECH + SILENCE, 10_000) == 9000
    verdict = judge(SPEECH, SILENCE + SPEECH + SILENCE)
    assert (verdict.lag, verdict.stretch, verdict.snr_db) == (9000, 0, 60.0)


@pytest.mark.parametrize("samples", [200, -200])
def test_sound_that_was_cut_or_stretched_is_told(samples: int) -> None:
    """25 ms missing or too much in the middle show as a stretch and as a loss of quality."""
    half = len(SPEECH) // 4 * 2
    harmed = SPEECH[:half] + bytes(2 * max(0, samples)) + SPEECH[half + 2 * max(0, -samples) :]
    verdict = judge(SPEECH, SILENCE + harmed + SILENCE)
    assert verdict.stretch == samples
    assert verdict.snr_db < 35.0


def test_a_lost_beginning_and_silence_alone_are_refused() -> None:
    """What cannot be compared is an error, never a verdict."""
    with pytest.raises(ValueError, match="missing"):
        judge(SPEECH, SPEECH[2000:] + SILENCE)
    with pytest.raises(ValueError, match="too little"):
        judge(SPEECH, bytes(len(SPEECH)))


def test_what_comes_in_pieces_is_heard_in_its_share() -> None:
    """A gap and lost frames cost their tenths of a second, no more; another sound is none of it."""
    second = 16_000
    torn = bytes(second) + SAID[: 2 * second] + bytes(700) + SAID[2 * second : 3 * second]
    assert share_heard(SAID, bytes(second) + SAID + bytes(second)) == 1.0
    assert 0.6 < share_heard(SAID, torn + bytes(2 * second)) < 0.85
    assert share_heard(SAID, sound.babble(6.0, seed=6)) < 0.1


def test_a_tone_with_a_frame_left_out_is_one() -> None:
    """The phase turns there; half a second of something else makes it none."""
    tone = chord((440.0,), 1000, -16.0)
    assert has_tone(tone[:6000] + tone[6320:] + tone[:320], 440)
    assert not has_tone(tone[:8000] + chord((700.0,), 500, -16.0), 440)
    assert not has_tone(bytes(16_000), 440)
