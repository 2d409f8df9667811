"""A fax machine's calling tone: two bursts at the distance of T.30, and nothing else."""

from __future__ import annotations

import functools
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.dsp import dtmf, progress
from appliance.dsp.wav import Law
from tests.helpers.examples import examples
from tests.helpers.sound import babble, noise, through

SECOND = bytes(16_000)


def heard(pcm: bytes) -> list[progress.FaxHeard]:
    """All that the detector tells of a stream."""
    detector = progress.FaxDetector()
    found = (detector.feed(pcm[at : at + 320]) for at in range(0, len(pcm), 320))
    return [fact for fact in found if fact is not None]


def calling(ms: int = 9000, hz: int = 1100, on_ms: int = 500, off_ms: int = 3000) -> bytes:
    """A calling tone of its own times and frequency."""
    return dtmf.play(dtmf.cadence((hz,), on_ms, off_ms), ms)


@pytest.mark.parametrize("hz", [1062, 1100, 1138])
@pytest.mark.parametrize(("on_ms", "off_ms"), [(500, 3000), (430, 2560), (570, 3440)])
def test_every_calling_tone_of_t30_is_heard_once(hz: int, on_ms: int, off_ms: int) -> None:
    """1100 Hz +- 38 Hz, both times +- 15 %: told when the second burst has ended, once."""
    (fact,) = heard(SECOND + through(calling(20_000, hz, on_ms, off_ms), Law.ALAW))
    assert fact.after_ms == pytest.approx(2 * on_ms + off_ms, abs=45)


def test_it_is_heard_wherever_one_begins_to_listen() -> None:
    """The line is answered at any moment of the tone: certain within 7.6 s."""
    pcm = calling(20_000)
    for start_ms in range(0, 3500, 230):
        detector = progress.FaxDetector()
        stream = pcm[16 * start_ms :][: 16 * 7600]
        assert any(detector.feed(stream[at : at + 320]) for at in range(0, len(stream), 320))


@pytest.mark.parametrize(
    "pcm",
    [
        calling(3000),
        calling(hz=1200),
        calling(hz=1000),
        calling(on_ms=300),
        calling(20_000, on_ms=800),
        calling(20_000, off_ms=1500),
        calling(20_000, off_ms=4200),
        calling(20_000, on_ms=5000),
        dtmf.dtmf("0123456789" * 6, 500, 3000),
        babble(20),
        noise(80_000, -15),
    ],
    ids=range(11),
)
def test_other_sounds_are_no_fax(pcm: bytes) -> None:
    """One burst, other frequencies, other times, keys, speech-like sound, noise."""
    assert heard(pcm) == []


def test_its_frames_are_no_speech() -> None:
    """Whoever measures silence is told which frames are the tone."""
    detector = progress.FaxDetector()
    detector.feed(calling(100))
    assert detector.is_tone
    detector.feed(SECOND)
    assert not detector.is_tone


@functools.cache
def stream() -> bytes:
    """What is cut up in the test below."""
    return babble(0.5) + calling(5000) + SECOND


@given(st.lists(st.deferred(lambda: st.integers(0, len(stream()))), max_size=20))
@settings(max_examples=examples(30))
def test_any_split_gives_the_same_fact(cuts: list[int]) -> None:
    """Rule 1 of CONTRIBUTING."""
    whole = stream()
    expected = heard(whole)
    assert len(expected) == 1
    places = [0, *sorted(cuts), len(whole)]
    detector = progress.FaxDetector()
    found = [detector.feed(whole[start:end]) for start, end in itertools.pairwise(places)]
    assert [fact for fact in found if fact is not None] == expected
