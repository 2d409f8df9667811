"""How sound arrives: level, noise, response, delay, echo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from appliance.dsp.wav import SAMPLE_RATE
from appliance.text import NOTHING, Words, _
from hw_tests import limits, signals
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
STEADY = Limit(None, 3.0)
RULER_MS = 30.0
"""How well it is known when a modem plays what it was given."""
ECHO_TONES = (500.0, 1000.0, 1700.0, 2300.0)
ECHO_DBM0 = -18.0
NOISE_S, LATEST_S = 1.5, 0.6
"""Noise by whose echo its delay is found, and the longest one that is looked for."""
LATE_ECHO = _(
    "Echo comes back later than the box's canceller reaches (128 ms): whoever speaks hears "
    "themselves; look at the VoIP box or the PBX of this line."
)
HUM = _(
    "The noise is hum of the mains: keep the line's cable away from power cables, and try another "
    "power supply or USB hub."
)
NOISY = _("There is noise on the line: look at cable, sockets and power supplies.")
WEAK = _(
    "The sound arrives too weak: look at cable and sockets, then at the gain of the PBX or the "
    "VoIP box."
)
STRONG = _("The sound arrives too loud: lower the gain of the PBX or the VoIP box.")
DULL = _(
    "Part of the voice's band is lost on the way: look at cable and sockets, and for a filter on "
    "the line."
)
STRONG_ECHO = _(
    "The line gives back much of what is played: look at the cable, for another telephone on the "
    "same pair, and at the country that the modem is set to."
)
DISTORTED = _(
    "The sound is distorted on the way (harmonics): an amplifier or the modem's gain is set too "
    "high, or a contact is corroded."
)
BENT_DB = 6.0
"""Harmonics make so much of what is beside a tone."""
LOPSIDED = _("One direction is much weaker than the other: look at the gains and at the cables.")
SOUND_KEYS = ("level", "noise", "response", "round_trip", "asymmetry", "echo")


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
    findings += [round_trip(field), asymmetry(field)]
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
    field.levels_dbm0[way] = tone_of(parts).dbm0
    return [level(way, parts, kept), _noise(way, parts), _response(way, parts)]


def _nothing(way: str) -> list[Finding]:
    said = _("Nothing of the signal has arrived.")
    return [
        told("level", way, Verdict.FAILED, said),
        told("noise", way, Verdict.INCOMPLETE, said),
        told("response", way, Verdict.INCOMPLETE, said),
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
    dbm0 = tone_of(parts).dbm0
    figure = limits.LEVEL.figure("level", dbm0, "dBm0")
    return found(
        "level",
        way,
        figure,
        Figure("swing", max(over_time) - min(over_time), "dB", STEADY),
        series=(
            Series("level", "level", times, over_time, "s", "dBm0"),
            Series("spectrum", "spectrum", hz, spectrum, "Hz", "dBm0"),
        ),
        sounds=kept,
        remark=NOTHING if figure.good else WEAK if dbm0 < TONE_DBM0 else STRONG,
    )


def _noise(way: str, parts: Parts) -> Finding:
    figures = (
        limits.SNR.figure("signal to noise", tone_of(parts).snr_db, "dB"),
        limits.IDLE_NOISE.figure(
            "idle noise", signals.level(signals.without_offset(parts.rest)), "dBm0"
        ),
    )
    good = all(each.good for each in figures)
    return found("noise", way, *figures, remark=NOTHING if good else _noise_said(parts))


def _noise_said(parts: Parts) -> Words:
    """Say what kind of noise it is, where that can be told."""
    if signals.hums(parts.rest):
        return HUM
    alone, *_harmonics = signals.tones_in(parts.tone, TONE_HZ)
    tone, *_harmonics = signals.tones_in(parts.tone, *(n * TONE_HZ for n in (1, 2, 3)))
    if tone.snr_db > alone.snr_db + BENT_DB:
        return DISTORTED
    return NOTHING if limits.IDLE_NOISE.allowed.holds(signals.level(parts.rest)) else NOISY


def _response(way: str, parts: Parts) -> Finding:
    middle = tone_of(parts).dbm0
    steps = zip(STEPS_HZ, parts.steps, strict=True)
    against = [signals.sine_in(part, hz).dbm0 - middle for hz, part in steps]
    figures = tuple(
        limits.EDGES.get(hz, limits.RESPONSE).figure(f"{hz:.0f} Hz", db, "dB")
        for hz, db in zip(STEPS_HZ, against, strict=True)
    )
    drawn = Series(
        "response", "response", STEPS_HZ, tuple(round(db, 2) for db in against), "Hz", "dB"
    )
    remark = NOTHING if all(each.good for each in figures) else DULL
    return found("response", way, *figures, remark=remark, series=(drawn,))


def round_trip(field: Field) -> Finding:
    """Judge how long sound is on its way, there and back."""
    delays = {f"{a}>{b}": field.delays_ms.get(f"{a}>{b}") for a, b in PAIRS}
    known = [delay for delay in delays.values() if delay is not None]
    both = sum(known) if len(known) == len(PAIRS) else None
    return found(
        "round_trip",
        "",
        *(limits.ONE_WAY.figure(way, _on_its_way(delay), "ms") for way, delay in delays.items()),
        limits.ROUND_TRIP.figure("round trip", both, "ms"),
    )


def asymmetry(field: Field) -> Finding:
    """Judge by how much one direction is weaker than the other."""
    known = [field.levels_dbm0.get(f"{a}>{b}") for a, b in PAIRS]
    if None in known:
        return told("asymmetry", "", Verdict.INCOMPLETE, _("Nothing of the signal has arrived."))
    levels = [level for level in known if level is not None]
    figure = limits.ASYMMETRY.figure("between both directions", max(levels) - min(levels), "dB")
    return found("asymmetry", "", figure, remark=NOTHING if figure.good else LOPSIDED)


def _on_its_way(delay_ms: float | None) -> float | None:
    """Give a delay, without what the ruler alone makes negative."""
    if delay_ms is None or not -RULER_MS <= delay_ms < 0:
        return delay_ms
    return 0.0


def echo(field: Field, name: str, key: str = "echo") -> Finding:
    """Judge what comes back of a chord that a line in a call plays."""
    bench = field.ready
    if not field.duplex(name):
        return not_here(
            key,
            name,
            _("The modem is half duplex: it does not hear while it speaks."),
        )
    sent = signals.chord(tuple((hz, ECHO_DBM0) for hz in ECHO_TONES), 1.5)
    said = signals.pcm(sent)
    bench.listen(name)
    bench.run(0.3)
    begin = len(bench[name].heard)
    _unused, ends_at = bench[name].play(said, bench.now)
    bench.run(max(0.0, ends_at - bench.now) + TAIL_S)
    heard = signals.wave(bench[name].pcm(begin))
    part = heard[round(0.6 * SAMPLE_RATE) : round(1.4 * SAMPLE_RATE)]
    losses = [ECHO_DBM0 - signals.sine_in(part, hz).dbm0 for hz in ECHO_TONES]
    mean = -10 * float(np.log10(np.mean([10 ** (-loss / 10) for loss in losses])))
    drawn = Series("echo return loss", "response", ECHO_TONES, tuple(losses), "Hz", "dB")
    near, far, delay_ms = _echo_path(field, name)
    late = limits.FAR_ECHO.figure("echo return loss beyond 128 ms", far, "dB")
    own = limits.ECHO.figure("echo return loss", mean, "dB")
    return found(
        key,
        name,
        own,
        late,
        Figure("delay of the echo", delay_ms if near < TOLD_DB else None, "ms"),
        remark=LATE_ECHO if not late.good else NOTHING if own.good else STRONG_ECHO,
        series=(drawn,),
    )


TOLD_DB = 35.0
"""A fainter echo has no delay that could be told."""


def _echo_path(field: Field, name: str) -> tuple[float, float, float]:
    """Give the strongest echo's loss (dB), that of the strongest beyond reach, and the delay (ms).

    By noise that resembles nothing but itself: each delay's part of what comes back stands apart.
    """
    bench, side = field.ready, field.ready[name]
    sent = signals.noise(ECHO_DBM0, NOISE_S)
    said = signals.pcm(sent)
    bench.listen(name)
    begin, place = len(side.heard), side.next_played
    _unused, ends_at = side.play(said, bench.now)
    bench.run(max(0.0, ends_at - bench.now) + LATEST_S)
    heard = signals.wave(side.pcm(begin))
    # What is heard at the place in the stream at which it was played has come back at once.
    late = max(0, place - side.place_in_stream(begin))
    heard = np.concatenate((heard[late:], np.zeros(len(sent))))
    path = _path(heard, sent)
    at, reach = int(np.argmax(np.abs(path))), round(limits.REACH_MS * SAMPLE_RATE / 1000)
    near = float(np.abs(path[at]))
    # What is within reach is taken away, the strongest first: a faint late echo hides behind it.
    for _round in range(PEELED):
        place = int(np.argmax(np.abs(path[:reach])))
        heard[place : place + len(sent)] -= path[place] * sent
        path = _path(heard, sent)
    far = float(np.max(np.abs(path[reach:])))
    return _loss(near), _loss(far), at * 1000 / SAMPLE_RATE


PEELED = 8
"""So many parts of an echo within reach are taken away before a later one is looked for."""


def _path(heard: Wave, sent: Wave) -> Wave:
    """Give how much of a sound is in what was heard, by how late it comes (samples)."""
    size = len(heard) + len(sent)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sent, size)), size)
    path: Wave = product[: round(LATEST_S * SAMPLE_RATE)] / np.sum(sent**2)
    return path


def _loss(gain: float) -> float:
    return -20 * float(np.log10(max(gain, 1e-5)))
