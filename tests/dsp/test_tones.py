"""Tones: the frequencies, levels and times the plans say, measured on what is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.dsp import dtmf, wav

FRAME = 320


def _sounding_ms(pcm: bytes) -> list[tuple[bool, int]]:
    """Runs of sound and silence in frames of 5 ms."""
    runs: list[tuple[bool, int]] = []
    for at in range(0, len(pcm), 80):
        is_on = wav.level_dbm0(pcm[at : at + 80]) > -50
        before = runs.pop() if runs and runs[-1][0] == is_on else (is_on, 0)
        runs.append((is_on, before[1] + 5))
    return runs


@pytest.mark.parametrize(
    ("play", "times"),
    [
        (lambda: dtmf.play(dtmf.PLANS["it"].dial[0], 4000), [200, 200, 600, 1000] * 2),
        (lambda: dtmf.play(dtmf.PLANS["it"].busy[0], 2000), [500, 500] * 2),
        (lambda: dtmf.play(dtmf.PLANS["it"].busy[1], 800), [200, 200] * 2),
        (lambda: dtmf.play(dtmf.PLANS["it"].dial[1], 2500), [2500]),
        (lambda: dtmf.play(dtmf.PLANS["gb"].ringback[0], 3000), [400, 200, 400, 2000]),
        (lambda: dtmf.play(dtmf.PLANS["us"].ringback[0], 3000), [2000, 1000]),
        (lambda: dtmf.dtmf("12"), [80, 80, 80, 80]),
    ],
    ids=["dial", "busy", "congestion", "steady", "gb", "us", "keys"],
)
def test_cadences_have_the_times_of_the_plan(play: Callable[[], bytes], times: list[int]) -> None:
    """v253.md 5: on and off as in the table, to the 5 ms of this ruler."""
    assert _sounding_ms(play()) == [(place % 2 == 0, ms) for place, ms in enumerate(times)]


def test_every_country_has_every_tone() -> None:
    """Five countries, four tones each, each form with a chord and a first burst."""
    assert set(dtmf.PLANS) == {"it", "de", "fr", "gb", "us"}
    for plan in dtmf.PLANS.values():
        for forms in (plan.dial, plan.ringback, plan.busy, plan.congestion):
            assert all(form.bursts[0].freqs and form.bursts[0].on_ms > 0 for form in forms)


def test_dtmf_has_its_two_tones_at_their_levels() -> None:
    """Q.23 frequencies; high group -9 and low group -11 dBm0 by default."""
    assert dtmf.KEYPAD == "123A456B789C*0#D"
    assert (dtmf.pair("1"), dtmf.pair("#")) == ((697, 1209), (941, 1477))
    for place, key in enumerate(dtmf.KEYPAD):
        low, high = dtmf.ROWS[place // 4], dtmf.COLUMNS[place % 4]
        window = dtmf.dtmf(key)[:FRAME]
        for freq, dbm0 in ((low, -11.0), (high, -9.0)):
            expected = dtmf.energy_at(dbm0)
            assert dtmf.power(window, dtmf.wave(freq)) == pytest.approx(expected, rel=0.1)


def test_a_tone_too_loud_is_clipped_not_wrapped() -> None:
    """Two full-scale tones together stay within 16 bits."""
    assert wav.level_dbm0(dtmf.chord((697, 1209), 100, 6.0)) > 3


@pytest.mark.parametrize("key", ["E", "", "12", " "])
def test_no_such_key(key: str) -> None:
    """A character that no keypad has is refused."""
    with pytest.raises(ValueError, match="not a key"):
        dtmf.pair(key)
