"""DTMF: accepted and refused as ITU-T Q.24 asks, and never heard in a voice."""

from __future__ import annotations

import audioop
import functools
import itertools
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.dsp import dtmf, g711, wav
from appliance.dsp.wav import Law
from tests.helpers.examples import examples
from tests.helpers.sound import babble, noise, through, voices

KEYS = "112334567890*##ABCDD"
MARGIN = bytes(1600)


def heard(pcm: bytes, step: int = 320) -> list[dtmf.Digit]:
    """All events of a stream fed `step` bytes at a time."""
    detector = dtmf.Detector()
    return [e for at in range(0, len(pcm), step) for e in detector.feed(pcm[at : at + step])]


def digits(pcm: bytes) -> str:
    """The keys that went down."""
    return "".join(event.digit for event in heard(pcm) if isinstance(event, dtmf.DigitStarted))


def dialled(
    keys: str, on_ms: int = 50, off_ms: int = 50, low: float = -10, high: float = -10, **how: Any
) -> bytes:
    """Keys as a line brings them: off frequency, at any phase of our frames, through A-law."""
    rng = random.Random(how.get("seed", 1))
    out = bytearray(MARGIN)
    for key in keys:
        pair = tuple(freq * (1 + how.get("off", 0.0)) for freq in dtmf.pair(key))
        levels = zip(pair, (low, high), strict=True)
        out += bytes(2 * rng.randrange(80)) + dtmf.mix(tuple(levels), on_ms * 8)
        out += bytes(16 * off_ms)
    pcm = bytes(out) + MARGIN
    for other in how.get("under", ()):
        pcm = audioop.add(pcm, other(len(pcm) // 2), 2)
    return through(pcm, Law.ALAW)


def _dial_tone(samples: int) -> bytes:
    return dtmf.mix(((425.0, -12.0),), samples)


def _noise(dbm0: float) -> Any:
    return lambda samples: noise(samples, dbm0)


def _case(how: dict[str, Any]) -> str:
    """Name a case by its values; a function's address differs between processes."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(how))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"on_ms": 40, "off_ms": 40},
        {"on_ms": 100},
        {"off_ms": 35},
        {"low": -25, "high": -25},
        {"low": -35, "high": -35},
        {"low": -14, "high": -10},
        {"low": -8, "high": -16},
        {"off": 0.015},
        {"off": -0.015},
        {"under": (_noise(-19),)},
        {"under": (_dial_tone,)},
    ],
    ids=_case,
)
def test_accepted(how: dict[str, Any], seed: int) -> None:
    """Q.24: 40/40 ms, +-1.5 %, twist +4/-8 dB, -25 dBm0; and 12 dB of noise, a dial tone."""
    assert digits(dialled(KEYS, seed=seed, **how)) == KEYS


def test_accepted_at_all_limits_at_once() -> None:
    """40/40 ms with random level, twist and deviation within the limits: none missed, none more."""
    rng = random.Random(7)
    for seed in range(12):
        level, twist = rng.uniform(-25, -12), rng.uniform(-8, 4)
        how = {"off": rng.uniform(-0.015, 0.015), "seed": seed}
        pcm = dialled(KEYS, 40, 40, level, level + twist, **how)
        assert digits(pcm) == KEYS, (level, twist, how)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "how",
    [
        {"on_ms": 23},
        {"on_ms": 20},
        {"off": 0.035},
        {"off": -0.035},
        {"low": -50, "high": -50},
        {"low": -30, "high": -10},
        {"low": -10, "high": -30},
        {"under": (_noise(-8),)},
    ],
    ids=_case,
)
def test_refused(how: dict[str, Any], seed: int) -> None:
    """Q.24: 23 ms, +-3.5 %, too quiet, twist beyond reason, noise as loud as the tones."""
    assert digits(dialled(KEYS, seed=seed, **how)) == ""


def test_between_the_limits_the_frequency_is_measured() -> None:
    """2.8 % off is for the most part refused: by its phase, the energy alone would let it pass."""
    got = [digits(dialled(KEYS, 60, off=off, seed=3)) for off in (0.028, -0.028)]
    assert len("".join(got)) <= 3


@pytest.mark.parametrize(
    "third", [(2 * 697.0, -18.0), (2 * 1209.0, -18.0), (1000.0, -12.0)], ids=str
)
def test_a_third_tone_is_no_key(third: tuple[float, float]) -> None:
    """A voice has harmonics, even weak ones, and other tones; a key has two tones only."""
    assert digits(MARGIN + dtmf.mix(((697.0, -10.0), (1209.0, -10.0)), 1600) + MARGIN) == "1"
    pcm = dtmf.mix(((697.0, -10.0), (1209.0, -10.0), third), 1600)
    assert digits(MARGIN + pcm + MARGIN) == ""


def test_start_and_duration_are_told() -> None:
    """A digit starts where it sounds and lasts as long as it sounds, to one hop of 10 ms."""
    rng = random.Random(3)
    for key in KEYS:
        before, on_ms = rng.randrange(800, 1600), rng.randrange(40, 400)
        tone = dtmf.dtmf(key, on_ms, 0)
        start, end = heard(bytes(2 * before) + tone + MARGIN)
        assert isinstance(start, dtmf.DigitStarted)
        assert isinstance(end, dtmf.DigitEnded)
        assert start.digit == end.digit == key
        assert start.at_ms == pytest.approx(before / 8, abs=10)
        assert end.duration_ms == pytest.approx(on_ms, abs=10)
        assert end.at_ms == start.at_ms + end.duration_ms


def test_one_key_upon_another_is_two_digits() -> None:
    """Keys without a pause between them are told apart."""
    for on_ms in (42, 47, 60):
        assert digits(MARGIN + dtmf.dtmf("1596D", on_ms, 0) + MARGIN) == "1596D"


@pytest.mark.parametrize("hole_ms", [1, 5, 10, 20])
def test_a_hole_does_not_make_two_digits_of_one(hole_ms: int) -> None:
    """Q.24 asks it of 10 ms; a lost packet is 20; and there may be several."""
    rng = random.Random(hole_ms)
    for _ in range(20):
        tone = bytearray(dtmf.dtmf("5", 200, 0))
        for at in (2 * rng.randrange(500, 600), 2 * rng.randrange(1000, 1100)):
            tone[at : at + 16 * hole_ms] = bytes(16 * hole_ms)
        found = heard(bytes(2 * rng.randrange(80)) + MARGIN + bytes(tone) + MARGIN)
        assert [event.digit for event in found] == ["5", "5"]
        assert isinstance(found[1], dtmf.DigitEnded)
        assert found[1].duration_ms == pytest.approx(200 - hole_ms, abs=20)


def test_a_key_that_turns_into_another_too_soon_is_only_the_other() -> None:
    """23 ms of one key and then a whole one: the second alone counts."""
    assert digits(MARGIN + dtmf.dtmf("1", 23, 0) + dtmf.dtmf("6", 60, 0) + MARGIN) == "6"


@functools.cache
def message() -> bytes:
    """What is cut up in the test below."""
    keys, last = dtmf.dtmf("7*"), dtmf.dtmf("0", 45, 45)
    return through(babble(0.6, seed=5) + keys + noise(2000, -30) + last, Law.ULAW)


@given(st.lists(st.deferred(lambda: st.integers(0, len(message()))), max_size=20))
@settings(max_examples=examples(30))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    """Rule 1 of CONTRIBUTING: how the bytes come in changes nothing, not even half a sample."""
    whole = message()
    expected = heard(whole + MARGIN)
    assert len(expected) == 6
    places = [0, *sorted(cuts), len(whole)]
    detector = dtmf.Detector()
    found: list[dtmf.Digit] = []
    for start, end in itertools.pairwise(places):
        found += detector.feed(whole[start:end])
    assert [*found, *detector.feed(MARGIN)] == expected


def after_a_loud_sound(key_dbm0: float, on_ms: int) -> str:
    """What is heard of a 1 that follows 200 ms of a loud vowel at once."""
    vowel = dtmf.mix(((210.0, -8.0), (420.0, -12.0), (630.0, -14.0)), 1600)
    pair = tuple((freq, key_dbm0 - 3.0) for freq in dtmf.pair("1"))
    return digits(through(vowel + dtmf.mix(pair, on_ms * 8) + MARGIN, Law.ALAW))


def test_what_a_loud_sound_leaves_behind_is_no_key() -> None:
    """A vowel may die away in a pure pair; a person who presses a key is heard 15 dB below speech,
    and at any level when the key is held.
    """
    assert after_a_loud_sound(-31, 45) == ""
    assert after_a_loud_sound(-31, 200) == "1"
    assert after_a_loud_sound(-21, 45) == "1"


def test_babble_is_no_digit() -> None:
    """Half a minute of speech-like sound has no key in it, at any level."""
    for seed in range(3):
        assert digits(babble(10, -10.0 - 8 * seed, seed)) == ""


@pytest.mark.system
@pytest.mark.parametrize("gain", [1.0, 2.8])
def test_no_digit_in_real_voices(gain: float) -> None:
    """Talk-off: 24 minutes of Italian speech, as it is and 9 dB up and clipped: not one digit."""
    for path in voices():
        sound = wav.read(path)
        pcm = audioop.mul(g711.decode(sound.data, sound.law), 2, gain)
        assert digits(through(pcm, Law.ALAW) + MARGIN) == "", path.name
    assert wav.level_dbm0(pcm) > -50
