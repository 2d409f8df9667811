"""The rulers of the sound tests must be able to say no."""

from __future__ import annotations

import pytest

from tests.helpers import sound
from tests.sound.verdict import judge

SPEECH = sound.babble(6.0, seed=11)
SILENCE = bytes(2 * 9000)


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
