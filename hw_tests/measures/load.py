"""Lines under load: buffers, crystals, calls without a pause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from appliance.dsp.wav import SAMPLE_RATE
from appliance.modem.events import Signal, Stream
from hw_tests import signals
from hw_tests.bench import TAIL_S, Bench, UnmeasuredError
from hw_tests.field import PAIRS, Field, found, not_here, told
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.signals import GAP_S, MARK_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hw_tests.findings import Texts

CRYSTAL_PPM, RULER_PPM = 100.0, 15.0
"""What a crystal may be off, and how truly that is told through late deliveries."""
DRIFT = Limit(-CRYSTAL_PPM - RULER_PPM, CRYSTAL_PPM + RULER_PPM)
"""Two USB crystals of 50 ppm each way; beyond it one sample in 10,000 must be mended."""
DROWNED: Texts = (
    "Mentre parlano le due linee, il tono dell'altra si perde fra eco e rumore.",
    "While both lines speak, the other one's tone is lost in echo and noise.",
)
SHORT: Texts = (
    "Il suono è durato troppo poco per misurare l'orologio: --load 8 o più.",
    "The sound was too short to measure the clock: --load 8 or more.",
)
RATE = Limit(SAMPLE_RATE * 0.995, SAMPLE_RATE * 1.005)
RUNS = Limit(None, 1.0)
OVERRUNS = Limit(None, 0.0)
SPEECH_DBM0 = -18.0
PITCH_HZ = {"A": 1004.0, "B": 1404.0}
"""Two tones that do not disturb each other: each is sent while the other comes back as echo."""
PITCH_DBM0, PITCH_S = -12.0, 1.5
LEVEL_HZ, LEVEL_DBM0, LEVEL_S = 800.0, -12.0, 0.5
WEAKER = Limit(-26.0, -4.0)
TOLD_EACH_S = 300.0
"""How often whoever waits for a soak reads how far it is."""


def load(field: Field) -> list[Finding]:
    """Keep sound going on both lines; half duplex modems take turns and tell their drift only."""
    bench = field.ready
    both = all(field.duplex(name) for name in field.names)
    bench.ensure_call()
    return _both_ways(field, bench) if both else _in_turns(field, bench)


def _both_ways(field: Field, bench: Bench) -> list[Finding]:
    bench.direct("A", "B")
    marks = {name: _Begun(bench, name) for name in field.names}
    for name in field.names:
        bench[name].play(_speech(field.load_s) + _pitch(name), bench.now)
    bench.run(field.load_s)
    findings = [marks[name].load() for name in field.names]
    bench.run(PITCH_S + TAIL_S)
    return findings + _drifts({name: mark.heard() for name, mark in marks.items()})


def _in_turns(field: Field, bench: Bench) -> list[Finding]:
    findings = [
        not_here("load", name, "Il modem è half duplex.", "The modem is half duplex.")
        for name in field.names
    ]
    heard: dict[str, Heard] = {}
    for source, target in PAIRS:
        bench.direct(source, target)
        begun = _Begun(bench, target)
        bench[source].play(_speech(field.load_s) + _pitch(source), bench.now)
        bench.run(field.load_s + PITCH_S + TAIL_S)
        heard[target] = begun.heard()
        bench.stream(target, Stream.RECEIVE)
    return findings + _drifts(heard)


def _pitch(name: str) -> bytes:
    """Give the tone by which the other side knows how fast this one's modem plays."""
    return signals.pcm(signals.tone(PITCH_HZ[name], PITCH_DBM0, PITCH_S))


@dataclass(frozen=True, slots=True)
class Heard:
    """By how much a side's crystal is fast against this machine, and the other's tone too high."""

    ppm: float | None
    pitch_ppm: float | None


def _drifts(heard: Mapping[str, Heard]) -> list[Finding]:
    """Judge each modem's crystal, hearing and playing.

    What it plays is heard by the other modem's crystal: both errors together are the pitch's.
    """
    return [_drift(name, heard[name], heard[other]) for name, other in PAIRS]


def _drift(name: str, own: Heard, far: Heard) -> Finding:
    played = None if far.ppm is None or far.pitch_ppm is None else far.ppm + far.pitch_ppm
    if own.ppm is None or far.ppm is None:
        return told("drift", name, Verdict.INCOMPLETE, *SHORT)
    return found(
        "drift",
        name,
        Figure("drift, hearing", own.ppm, "ppm", DRIFT),
        Figure("drift, playing", played, "ppm", DRIFT),
        remark=DROWNED if played is None else ("", ""),
    )


def _speech(seconds: float) -> bytes:
    """Give noise that swells and fades as syllables do; the same every time."""
    chance = np.random.default_rng(1)
    second = chance.normal(0, 1, SAMPLE_RATE) * np.abs(
        np.sin(np.pi * 4 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    )
    second *= 10 ** ((SPEECH_DBM0 - signals.level(second)) / 20)
    return signals.pcm(second) * max(1, round(seconds))


class _Begun:
    """Where one side stood as the load began."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench, self._name = bench, name
        self._side = bench[name]
        self._mark = self._side.mark()
        self._heard = len(self._side.heard)
        self._arrivals = len(self._side.arrivals)
        self._at = bench.now

    def load(self) -> Finding:
        """Judge buffers and rate."""
        side, seconds = self._side, self._bench.now - self._at
        under, over = (
            side.count(Signal.UNDERRUN, self._mark),
            side.count(Signal.OVERRUN, self._mark),
        )
        heard = (len(side.heard) - self._heard) / seconds
        return found(
            "load",
            self._name,
            Figure("heard", heard, "1/s", RATE),
            Figure("underruns", float(under), "", RUNS),
            Figure("overruns", float(over), "", OVERRUNS),
        )

    def heard(self) -> Heard:
        """Tell of the crystals, from what has come and when."""
        side = self._side
        ends = max(self._heard, len(side.heard) - round((PITCH_S + 2 * TAIL_S) * SAMPLE_RATE))
        (far_hz,) = (hz for name, hz in PITCH_HZ.items() if name != self._name)
        return Heard(
            signals.drift_ppm(side.arrivals[self._arrivals :]),
            signals.pitch_ppm(signals.wave(side.pcm(ends)), far_hz, PITCH_HZ[self._name]),
        )


def soak(field: Field) -> list[Finding]:
    """Make one call after the other until the time is over; in each, sound both ways."""
    bench = field.ready
    began, calls, failed, levels = bench.now, 0, [], []
    end, tells = began + field.soak_s, began + TOLD_EACH_S
    while bench.now < end or not calls:
        caller, called = PAIRS[calls % len(PAIRS)]
        calls += 1
        try:
            bench.call(caller, called)
            levels += [_level(bench, *pair) for pair in PAIRS]
        except UnmeasuredError as error:
            failed.append(error.said)
        finally:
            bench.rest()
        if bench.now >= tells:
            tells += TOLD_EACH_S
            field.person.tell(_so_far(bench.now - began, calls, len(failed)))
    known = [level for level in levels if level is not None]
    return [
        found(
            "soak",
            "",
            Figure("calls", float(calls), "", Limit(1.0, None)),
            Figure("calls that failed", float(len(failed)), "", Limit(None, 0.0)),
            Figure("without sound", float(len(levels) - len(known)), "", Limit(None, 0.0)),
            Figure("weakest sound", min(known, default=None), "dBm0", WEAKER),
            remark=failed[0] if failed else ("", ""),
        )
    ]


def _so_far(seconds: float, calls: int, failed: int) -> Texts:
    minutes = round(seconds / 60)
    return (
        f"{minutes} min: {calls} chiamate, {failed} fallite",
        f"{minutes} min: {calls} calls, {failed} failed",
    )


def _level(bench: Bench, source: str, target: str) -> float | None:
    """Give the level of a tone sent from one side, at the other; None where it did not arrive."""
    sent = signals.marked(signals.tone(LEVEL_HZ, LEVEL_DBM0, LEVEL_S))
    heard = signals.wave(bench.carry(source, target, signals.pcm(sent)).pcm)
    place = signals.find(heard)
    if place is None:
        return None
    at = place.at + round((MARK_S + GAP_S + 0.1) * SAMPLE_RATE)
    return signals.sine_in(heard[at : at + round(0.3 * SAMPLE_RATE)], LEVEL_HZ).dbm0
