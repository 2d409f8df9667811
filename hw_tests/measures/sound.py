"""How sound arrives: level, noise, response, delay, echo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from appliance.dsp.wav import SAMPLE_RATE
from hw_tests import signals
from hw_tests.bench import TAIL_S
from hw_tests.field import PAIRS, Field, found, not_here, told
from hw_tests.findings import Figure, Finding, Limit, Series, Verdict
from hw_tests.signals import GAP_S, MARK_S, Wave

TONE_HZ = 1004.0
TONE_DBM0 = -10.0
TONE_S, REST_S, STEP_S = 1.0, 0.5, 0.2
STEPS_HZ = (300.0, 400.0, 500.0, 700.0, 1000.0, 1400.0, 1800.0, 2200.0, 2600.0, 3000.0, 3400.0)
EDGE_S = 0.05
"""Either end of a tone is left out: it may have moved by the two crystals, or swing in."""
LEVEL = Limit(-22.0, -4.0)
"""Of a tone sent at -10 dBm0: two subscriber loops and a box between take up to 12 dB."""
STEADY = Limit(None, 3.0)
SNR = Limit(28.0, None)
"""8-bit linear sound has 36 dB at -10 dBm0, mu-law 38; a noisy line must leave speech clear."""
IDLE_NOISE = Limit(None, -45.0)
BAND = {300.0: (-15.0, 3.0), 400.0: (-10.0, 3.0), 3000.0: (-12.0, 3.0), 3400.0: (-30.0, 3.0)}
MIDBAND = (-7.0, 3.0)
ONE_WAY = Limit(-30.0, 300.0)
ROUND_TRIP = Limit(None, 400.0)
"""Above it people begin to speak at the same time (G.114)."""
ECHO = Limit(6.0, None)
"""What the canceller was measured with (audio.md 5); less is a line with a fault."""
ECHO_TONES = (500.0, 1000.0, 1700.0, 2300.0)
ECHO_DBM0 = -18.0
SOUND_KEYS = ("level", "noise", "response", "round_trip", "echo")


@dataclass(frozen=True, slots=True)
class Parts:
    """What was heard of the test signal, cut where its parts lie."""

    tone: Wave
    rest: Wave
    steps: tuple[Wave, ...]


def signal() -> Wave:
    """Give the marker, a tone, silence, and the steps."""
    steps = [signals.tone(hz, TONE_DBM0, STEP_S) for hz in STEPS_HZ]
    tone = signals.tone(TONE_HZ, TONE_DBM0, TONE_S)
    return signals.marked(np.concatenate((tone, signals.rest(REST_S), *steps)))


def sound(field: Field) -> list[Finding]:
    """Send the test signal both ways in one call, then look at each line's echo."""
    bench = field.ready
    bench.ensure_call()
    findings = [finding for pair in PAIRS for finding in _one_way(field, *pair)]
    findings.append(round_trip(field))
    for name, other in PAIRS:
        bench.direct(name, other)
        findings.append(echo(field, name))
    return findings


def _one_way(field: Field, source: str, target: str) -> list[Finding]:
    way = f"{source}>{target}"
    carried = field.ready.carry(source, target, signals.pcm(signal()))
    heard = signals.wave(carried.pcm)
    place = signals.find(heard)
    if place is None:
        return _nothing(way)
    field.delays_ms[way] = carried.delay_ms(place.at)
    parts = _cut(heard, place.at)
    if parts is None:
        return _nothing(way)
    kept = field.keep(f"sound-{way}", carried.pcm)
    return [level(way, parts, kept), _noise(way, parts), _response(way, parts)]


def _nothing(way: str) -> list[Finding]:
    said = ("Nulla del segnale è arrivato.", "Nothing of the signal has arrived.")
    return [
        told("level", way, Verdict.FAILED, *said),
        told("noise", way, Verdict.INCOMPLETE, *said),
        told("response", way, Verdict.INCOMPLETE, *said),
    ]


def _cut(heard: Wave, begin: int) -> Parts | None:
    at = MARK_S + GAP_S
    tone = _part(heard, begin, at, TONE_S)
    at += TONE_S
    rest = _part(heard, begin, at, REST_S)
    at += REST_S
    steps = tuple(_part(heard, begin, at + n * STEP_S, STEP_S) for n in range(len(STEPS_HZ)))
    return Parts(tone, rest, steps) if len(steps[-1]) > SAMPLE_RATE * EDGE_S else None


def _part(heard: Wave, begin: int, at: float, seconds: float) -> Wave:
    first = begin + round((at + EDGE_S) * SAMPLE_RATE)
    return heard[first : first + round((seconds - 2 * EDGE_S) * SAMPLE_RATE)]


def tone_of(parts: Parts) -> signals.Tone:
    """Give the tone at the pitch that two crystals have made of it."""
    (tone,) = signals.tones_in(parts.tone, TONE_HZ)
    return tone


def level(way: str, parts: Parts, kept: tuple[Path, ...]) -> Finding:
    """Judge the level of the tone, and how steady it is."""
    times, over_time = signals.levels(parts.tone)
    hz, spectrum = signals.spectrum(parts.tone)
    return found(
        "level",
        way,
        Figure("level", tone_of(parts).dbm0, "dBm0", LEVEL),
        Figure("swing", max(over_time) - min(over_time), "dB", STEADY),
        series=(
            Series("level", "level", times, over_time, "s", "dBm0"),
            Series("spectrum", "spectrum", hz, spectrum, "Hz", "dBm0"),
        ),
        sounds=kept,
    )


def _noise(way: str, parts: Parts) -> Finding:
    return found(
        "noise",
        way,
        Figure("signal to noise", tone_of(parts).snr_db, "dB", SNR),
        Figure("idle noise", signals.level(parts.rest), "dBm0", IDLE_NOISE),
    )


def _response(way: str, parts: Parts) -> Finding:
    middle = tone_of(parts).dbm0
    steps = zip(STEPS_HZ, parts.steps, strict=True)
    against = [signals.sine_in(part, hz).dbm0 - middle for hz, part in steps]
    figures = (
        Figure(f"{hz:.0f} Hz", db, "dB", Limit(*BAND.get(hz, MIDBAND)))
        for hz, db in zip(STEPS_HZ, against, strict=True)
    )
    drawn = Series(
        "response", "response", STEPS_HZ, tuple(round(db, 2) for db in against), "Hz", "dB"
    )
    return found("response", way, *figures, series=(drawn,))


def round_trip(field: Field) -> Finding:
    """Judge how long sound is on its way, there and back."""
    delays = {f"{a}>{b}": field.delays_ms.get(f"{a}>{b}") for a, b in PAIRS}
    known = [delay for delay in delays.values() if delay is not None]
    both = sum(known) if len(known) == len(PAIRS) else None
    return found(
        "round_trip",
        "",
        *(Figure(way, delay, "ms", ONE_WAY) for way, delay in delays.items()),
        Figure("round trip", both, "ms", ROUND_TRIP),
    )


def echo(field: Field, name: str, key: str = "echo") -> Finding:
    """Judge what comes back of a chord that a line in a call plays."""
    bench = field.ready
    if not field.duplex(name):
        return not_here(
            key,
            name,
            "Il modem è half duplex: non sente mentre parla.",
            "The modem is half duplex: it does not hear while it speaks.",
        )
    sent = signals.chord(tuple((hz, ECHO_DBM0) for hz in ECHO_TONES), 1.5)
    bench.listen(name)
    bench.run(0.3)
    begin = len(bench[name].heard)
    _, ends_at = bench[name].play(signals.pcm(sent), bench.now)
    bench.run(max(0.0, ends_at - bench.now) + TAIL_S)
    heard = signals.wave(bench[name].pcm(begin))
    part = heard[round(0.6 * SAMPLE_RATE) : round(1.4 * SAMPLE_RATE)]
    losses = [ECHO_DBM0 - signals.sine_in(part, hz).dbm0 for hz in ECHO_TONES]
    mean = -10 * float(np.log10(np.mean([10 ** (-loss / 10) for loss in losses])))
    drawn = Series("echo return loss", "response", ECHO_TONES, tuple(losses), "Hz", "dB")
    return found(key, name, Figure("echo return loss", mean, "dB", ECHO), series=(drawn,))
