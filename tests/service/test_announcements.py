"""The prompt memory's own sounds: tones that no recording holds."""

from __future__ import annotations

import os

import pytest

from appliance.calls.announcements import HOLD_SIGN, RING_BACK
from appliance.dsp.dtmf import PLANS
from appliance.dsp.wav import SAMPLE_RATE
from appliance.prompts import Catalogue
from appliance.service.announcements import hold_sign, prompt_file, ring_back, seal_sounds
from appliance.text import Words


@pytest.mark.parametrize(("country", "seconds"), [("it", 5.0), ("gb", 3.0), ("us", 6.0)])
def test_one_period_of_a_countrys_ring_back(country: str, seconds: float) -> None:
    """Played again and again it keeps the country's cadence: sound first, then its pause."""
    sound = ring_back(country)
    burst = PLANS[country].ringback[0].bursts[0]
    assert len(sound) == seconds * SAMPLE_RATE * 2
    on = burst.on_ms * SAMPLE_RATE // 1000 * 2
    assert any(sound[:on])
    assert not any(sound[on : on + 1600])


def test_a_hold_is_a_soft_sign_and_a_long_silence() -> None:
    """10 s, repeated: much softer than a voice, and never nothing at all."""
    samples = memoryview(hold_sign()).cast("h")
    assert len(samples) == 10 * SAMPLE_RATE
    assert 300 < max(samples) < 1500
    assert not any(samples[SAMPLE_RATE // 10 :])


def test_they_lie_beside_the_recordings() -> None:
    """The media gateway finds them by the names that call control orders."""
    complaints: list[Words] = []
    made = prompt_file(Catalogue(), ("en",), "it", complaints.append)
    places = {prompt.name: prompt for prompt in made.prompts}
    for name, sound in ((RING_BACK, ring_back("it")), (HOLD_SIGN, hold_sign())):
        assert os.pread(made.fd, places[name].length, places[name].offset) == sound
    assert complaints == []
    os.close(made.fd)


def test_equal_sounds_lie_there_once() -> None:
    """Each name has its own sound, an empty one too; the memory holds as many as differ."""
    given = [("it/a", b"ab"), ("en/a", b"cd"), ("it/none", b""), ("en/b", b"ab"), ("it/c", b"ef")]
    made = seal_sounds(given)
    heard = [(p.name, os.pread(made.fd, p.length, p.offset)) for p in made.prompts]
    assert heard == given
    assert os.fstat(made.fd).st_size == len(b"abcdef")
    os.close(made.fd)
