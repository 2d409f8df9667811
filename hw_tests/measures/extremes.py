"""The ends of what a line must carry: every byte in the sound, and sound as loud as it gets."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from appliance.dsp import g711
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.text import NOTHING, _
from hw_tests import limits, signals
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.field import PAIRS, Field, found, told
from hw_tests.findings import Figure, Finding, Verdict
from hw_tests.signals import GAP_S, MARK_S, Wave

DLE = 0x10
ROUNDS, FULL_HZ, FULL_DBM0, FULL_S = 4, 437.0, 3.0, 0.3
"""How often each byte is sent, and the tone that passes every level there is."""
RUN = b"\x10" * 200
"""DLE after DLE: where two together are written as another code, that is tried too."""
BROKEN = _(
    "Sound in which the byte 10 hex (DLE) occurs does not pass whole: the modem does not double it "
    "or take it as doubled (V.253); replace the modem, or try another voice format."
)
TONE_HZ = 1004.0
LEVELS = (-20.0, -10.0, -3.0)
LOUD_S = 0.6
EDGE_S = 0.05
CLIPPED = _("Loud sound is clipped on the way: the line or the device's gain is set too high.")


def every_byte(field: Field) -> list[Finding]:
    """Send every byte there is from each line to the other; not a sample may be lost or gained."""
    bench = field.ready
    findings = []
    for pair in PAIRS:
        try:
            bench.ensure_call()
            findings.append(_bytes(bench, *pair))
            if findings[-1].verdict is Verdict.FAILED:
                # What a clock does to one in so many is no fault of a byte: that is there again.
                findings[-1] = _bytes(bench, *pair)
        except UnmeasuredError:
            findings.append(told("bytes", f"{pair[0]}>{pair[1]}", Verdict.FAILED, BROKEN))
            bench.rest()
    return findings


@lru_cache(maxsize=4)
def whole(law: Law) -> bytes:
    """Give the sound, in a modem's law, between two markers: every byte, every level."""
    order = np.random.default_rng(5).permutation(np.tile(np.arange(256), ROUNDS))
    tone = signals.pcm(signals.tone(FULL_HZ, FULL_DBM0, FULL_S))
    mark = g711.encode(signals.pcm(np.concatenate((signals.marker(), signals.rest(GAP_S)))), law)
    gap = g711.encode(signals.pcm(signals.rest(GAP_S)), law)
    return mark + bytes(order.astype(np.uint8)) + RUN + g711.encode(tone, law) + gap + mark


def _bytes(bench: Bench, source: str, target: str) -> Finding:
    way = f"{source}>{target}"
    sent = whole(bench[source].law)
    bench.direct(source, target)
    begin = len(bench[target].heard)
    _unused, ends_at = bench[source].play_samples(sent, bench.now)
    bench.run(max(0.0, ends_at - bench.now) + signals.MARK_S + GAP_S + 0.2)
    heard = signals.wave(bench[target].pcm(begin))
    size = len(sent) - len(signals.marker()) - round(GAP_S * SAMPLE_RATE)
    between = _between(heard, size)
    if between is None:
        return told("bytes", way, Verdict.FAILED, BROKEN)
    figure = limits.BYTES.figure("samples more than were sent", float(between - size))
    met = float(bytes(bench[target].heard[begin:]).count(DLE))
    remark = NOTHING if figure.good else BROKEN
    return found("bytes", way, figure, Figure("byte 10 hex heard", met, "×"), remark=remark)


def _between(heard: Wave, about: int) -> int | None:
    """Give how many samples lie from one marker to the other; None where one is missing."""
    one = signals.find(heard)
    if one is None:
        return None
    if after := signals.find(heard[one.at + about // 2 :]):
        return after.at + about // 2
    before = signals.find(heard[: max(0, one.at - about // 2) + len(signals.marker())])
    return one.at - before.at if before else None


def clipping(field: Field) -> list[Finding]:
    """Send a tone as loud as a loud voice; it must come as much louder as it was sent."""
    field.ready.ensure_call()
    return [_clipping(field, *pair) for pair in PAIRS]


def _clipping(field: Field, source: str, target: str) -> Finding:
    way = f"{source}>{target}"
    tones = [signals.tone(TONE_HZ, dbm0, LOUD_S) for dbm0 in LEVELS]
    carried = field.ready.carry(source, target, signals.pcm(signals.marked(np.concatenate(tones))))
    heard = signals.wave(carried.pcm)
    place = signals.find(heard)
    if place is None:
        return told("clipping", way, Verdict.FAILED, _("Nothing has arrived."))
    begin = place.at + round((MARK_S + GAP_S) * SAMPLE_RATE)
    found_tones = [_tone(heard, begin, n) for n in range(len(LEVELS))]
    gains = [each.dbm0 - dbm0 for each, dbm0 in zip(found_tones, LEVELS, strict=True)]
    figures = (
        limits.LOUD.figure("loud sound weaker by", gains[1] - gains[2], "dB"),
        limits.LOUD_SNR.figure("loud sound above its distortion", found_tones[2].snr_db, "dB"),
        Figure("faint sound stronger by", gains[0] - gains[1], "dB"),
    )
    remark = NOTHING if all(each.good for each in figures) else CLIPPED
    return found("clipping", way, *figures, remark=remark)


def _tone(heard: Wave, begin: int, number: int) -> signals.Tone:
    first = begin + round((number * LOUD_S + EDGE_S) * SAMPLE_RATE)
    (tone,) = signals.tones_in(
        heard[first : first + round((LOUD_S - 2 * EDGE_S) * SAMPLE_RATE)], TONE_HZ
    )
    return tone
