"""One direction of a line: each knob does what it says, for as long as it says."""

from __future__ import annotations

import pytest

from appliance.dsp import g711
from appliance.errors import ConfigurationError
from appliance.simulator.exchange.audio import peak_of, silence_of, sine
from appliance.simulator.exchange.one_way import KNOBS, OneWay, loudness, one_way, rms_of

TICK = 80
LOUD = sine(((1000.0, -10.0),), 8000)
FAINT = sine(((1000.0, -45.0),), 8000)
SILENCE = silence_of(8000)


def through(way: OneWay, sound: bytes, opposite: bytes = b"") -> bytes:
    """Send sound by ticks of 10 ms."""
    return b"".join(
        way.mix(sound[at : at + TICK], opposite[at : at + TICK])
        for at in range(0, len(sound), TICK)
    )


def test_as_it_is_made_it_changes_nothing() -> None:
    """Every sample passes, whatever the other side says."""
    assert through(OneWay(), LOUD, LOUD) == LOUD


def test_a_suppressor_weakens_while_the_other_side_speaks() -> None:
    """By what was said; once the other side is silent, nothing any more."""
    way = one_way("hears", {"suppress": 26})
    assert loudness(through(way, LOUD, LOUD)) == pytest.approx(rms_of(-36.0), rel=0.05)
    assert through(way, LOUD, SILENCE)[2000:] == LOUD[2000:]


def test_a_gate_shuts_out_what_is_faint() -> None:
    """And lets through what is louder."""
    way = one_way("hears", {"gate": -40})
    assert through(way, FAINT) == SILENCE
    assert through(way, LOUD) == LOUD


def test_a_slip_moves_what_comes_after_it_there_and_back() -> None:
    """By so many samples every so many seconds; the number of samples is kept."""
    sound = bytes(n % 251 for n in range(8000))
    got = through(one_way("says", {"slip": [10, 0.25]}), sound)
    assert len(got) == len(sound)
    assert got[:1900] == sound[:1900]
    assert got[2200:3800] == sound[2120:3720]
    assert got[4200:5800] == sound[4200:5800]


def test_drop_outs_are_silence_of_a_length() -> None:
    """300 ms of each second, nothing else."""
    got = through(one_way("hears", {"drop": [300, 1]}), LOUD)
    assert sum(got[at : at + TICK] == silence_of(TICK) for at in range(0, 8000, TICK)) == 30


def test_clipped_sound_reaches_no_further_than_its_sine() -> None:
    """To a step of the law."""
    pcm = g711.ulaw_to_linear(through(one_way("hears", {"clip": -20}), LOUD))
    peak = max(abs(int.from_bytes(pcm[n : n + 2], "little", signed=True)) for n in range(0, 999, 2))
    assert peak == pytest.approx(peak_of(-20.0), rel=0.04)


def test_hum_is_there_without_any_other_sound() -> None:
    """Of the mains and its harmonics, at about the level that was said."""
    got = through(one_way("hears", {"hum": -30}), SILENCE)
    assert rms_of(-31.0) < loudness(got) < rms_of(-28.0)


def test_at_times_all_of_it_is_so_for_those_times_alone() -> None:
    """A quarter of each second is silent, the rest untouched."""
    got = through(one_way("hears", {"loss": 90, "times": [0.25, 1]}), LOUD)
    assert sum(got[at : at + TICK] == silence_of(TICK) for at in range(0, 8000, TICK)) == 25


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "give an object of loss"),
        ({"volume": 3}, "'volume' is not known"),
        ({"loss": "much"}, "loss is 'much'"),
        ({"gate": True}, "gate is True"),
        ({"slip": 10}, "give two numbers"),
        ({"drop": [300, -1]}, "drop is -1"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(value: object, words: str) -> None:
    """Which knob, and what it takes."""
    with pytest.raises(ConfigurationError, match=words):
        one_way("hears", value)


VALUES: dict[str, object] = {
    "slip": [10.1, 0.25], "drop": [300, 0.5], "dull": 1, "bent": 0.5, "loss": 3, "suppress": 26,
}  # fmt: skip


@pytest.mark.parametrize("knob", sorted(set(KNOBS) - {"times"}))
def test_every_knob_of_a_direction_turns(knob: str) -> None:
    """Something comes out otherwise than it went in."""
    sounds = (LOUD, FAINT, SILENCE)
    made = [through(one_way("hears", {knob: VALUES.get(knob, -30)}), each, LOUD) for each in sounds]
    assert made != [*sounds]
