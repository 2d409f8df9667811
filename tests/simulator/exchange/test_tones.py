"""Tones and keys as sound, by the tests' own measure (v253.md section 5)."""

from __future__ import annotations

import itertools

import pytest

from appliance.errors import ConfigurationError
from appliance.simulator.exchange import audio, signals
from appliance.simulator.exchange.audio import Loop
from appliance.simulator.exchange.signals import COUNTRIES, country_named
from tests.simulator.exchange import ruler

CADENCES = {
    ("it", "dial"): ((425,), (200, 200, 600, 1000)),
    ("it", "ringback"): ((425,), (1000, 4000)),
    ("it", "busy"): ((425,), (500, 500)),
    ("it", "congestion"): ((425,), (200, 200)),
    ("de", "dial"): ((425,), ()),
    ("de", "ringback"): ((425,), (1000, 4000)),
    ("de", "busy"): ((425,), (480, 480)),
    ("de", "congestion"): ((425,), (240, 240)),
    ("fr", "dial"): ((440,), ()),
    ("fr", "ringback"): ((440,), (1500, 3500)),
    ("fr", "busy"): ((440,), (500, 500)),
    ("fr", "congestion"): ((440,), (250, 250)),
    ("gb", "dial"): ((350, 440), ()),
    ("gb", "ringback"): ((400, 450), (400, 200, 400, 2000)),
    ("gb", "busy"): ((400,), (375, 375)),
    ("gb", "congestion"): ((400,), (400, 350, 225, 525)),
    ("us", "dial"): ((350, 440), ()),
    ("us", "ringback"): ((440, 480), (2000, 4000)),
    ("us", "busy"): ((480, 620), (500, 500)),
    ("us", "congestion"): ((480, 620), (250, 250)),
}
LEVELS = {("us", "dial"): -13.0, ("us", "ringback"): -19.0} | {
    ("us", kind): -24.0 for kind in ("busy", "congestion")
}


@pytest.mark.parametrize(("code", "kind"), list(CADENCES))
def test_each_tone_has_its_frequencies_cadence_and_level(code: str, kind: str) -> None:
    """Measured from the sound: Hz, on and off times, and the whole level (v253.md 5)."""
    frequencies, cadence = CADENCES[code, kind]
    tone = getattr(country_named(code), kind)
    sound = signals.tone_cadence(tone)
    burst = sound[: 8 * (cadence[0] if cadence else 1000)]
    assert ruler.level_dbm0(burst) == pytest.approx(LEVELS.get((code, kind), -12.0), abs=0.3)
    for hz in (350, 400, 425, 440, 450, 480, 620):
        loud = ruler.goertzel_dbm0(burst[:1600], hz) > -40  # 200 ms: a grid of 5 Hz
        assert loud == (hz in frequencies), hz
    if cadence:
        # two frequencies beat: 25 ms is one whole beat of 40 Hz
        grain = 200 if len(frequencies) > 1 else 40
        assert ruler.cadence_ms(sound, grain) == pytest.approx(list(cadence), abs=25)
    else:
        assert len(ruler.cadence_ms(sound)) == 1


def test_a_continuous_tone_joins_without_a_click() -> None:
    """The step over the loop's seam is no greater than any step within."""
    sound = signals.tone_loop(country_named("gb").dial).take(16_000)
    values = ruler.linear(sound)
    steps = [abs(b - a) for a, b in itertools.pairwise(values)]
    assert max(steps[7990:8010]) <= max(steps[:7900])


@pytest.mark.parametrize("sizes", [(80,) * 100, (79, 81, 1, 7999) * 2, (33_000,)])
def test_a_loop_is_the_same_in_any_pieces(sizes: tuple[int, ...]) -> None:
    """Whatever the ticks, the loop plays its cycle over and over."""
    cycle = bytes(range(251))
    loop = Loop(cycle)
    played = b"".join(loop.take(size) for size in sizes)
    assert played == (cycle * (len(played) // 251 + 1))[: len(played)]


@pytest.mark.parametrize("digit", "1234567890*#ABCD")
def test_each_key_has_its_two_frequencies(digit: str) -> None:
    """Q.23: low group at -11, high group at -9 dBm0, nothing else within 20 dB, 80 on / 80 off."""
    keys = {"123A": 697, "456B": 770, "789C": 852, "*0#D": 941}
    low = next(hz for row, hz in keys.items() if digit in row)
    column = next(row.index(digit) for row in keys if digit in row)
    high = (1209, 1336, 1477, 1633)[column]
    burst, pause = audio.segments(digit)
    assert (burst.digit, len(burst.sound), len(pause.sound)) == (digit, 640, 640)
    levels = {hz: ruler.goertzel_dbm0(burst.sound, hz) for hz in (697, 770, 852, 941)}
    levels |= {hz: ruler.goertzel_dbm0(burst.sound, hz) for hz in (1209, 1336, 1477, 1633)}
    assert levels.pop(low) == pytest.approx(-11, abs=0.5)
    assert levels.pop(high) == pytest.approx(-9, abs=0.5)
    assert max(levels.values()) < -25


def test_a_comma_is_a_pause_and_a_wrong_key_is_refused_in_words() -> None:
    """A comma waits a second; what no telephone has is an error that names it."""
    assert len(audio.segments(",")[0].sound) == 8000
    with pytest.raises(ConfigurationError, match="'x' hold 'X'"):
        audio.segments("x")


def test_an_unknown_country_is_refused_in_words() -> None:
    """The error names those that are known."""
    assert set(COUNTRIES) == {"it", "de", "fr", "gb", "us"}
    with pytest.raises(ConfigurationError, match="use one of it, de"):
        country_named("xx")
