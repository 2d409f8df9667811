"""Rulers for sound: what was sent against what was heard, and voices to send.

Used by every test that follows sound through the house; nothing here is part of the product.
"""

from __future__ import annotations

import audioop
import functools
import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law

VOICES = Path("/usr/share/asterisk/sounds/it_IT_m_Carlo")
VOICES_PACKAGE = "asterisk-core-sounds-it-wav"
Samples = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
_PROBE = 48
"""Bytes that must agree for two places to be the same place."""
_REACH = 16000
"""How far, in bytes, a disturbance may move what follows: 2 s."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`heard` begins `lag` bytes after `sent`; bytes missing, added and changed in between."""

    lag: int
    missing: int
    added: int
    changed: int

    @property
    def is_exact(self) -> bool:
        """Whether everything sent was heard, and nothing else in between."""
        return not (self.missing or self.added or self.changed)


def compare_bytes(sent: bytes, heard: bytes) -> Comparison:
    """Align once, then count how the 8-bit sound `heard` differs from what was `sent`.

    Sound before and after `sent` is not counted. Raises ValueError when nothing of it is heard.
    """
    at, there = _anchor(sent, heard)
    back = _differences(sent[:at][::-1], heard[:there][::-1])
    on = _differences(sent[at:], heard[there:])
    missing, added, changed = (a + b for a, b in zip(back, on, strict=True))
    return Comparison(there - at + back[0] - back[1], missing, added, changed)


def voices() -> list[Path]:
    """The recorded Italian voices; skips the test where their package is not installed."""
    found = sorted(VOICES.rglob("*.wav"))
    if not found:
        pytest.skip(f"needs the Debian package {VOICES_PACKAGE}")
    return found


@functools.cache
def speech(seconds: float, dbm0: float = -20.0) -> bytes:
    """`seconds` of the recorded voices as 16-bit samples, each file brought to `dbm0`."""
    wanted = int(seconds * wav.SAMPLE_RATE) * 2
    out = bytearray()
    for path in voices():
        sound = wav.read(path)
        if sound.duration_ms > 1000:
            out += at_level(g711.decode(sound.data, sound.law), dbm0)
        if len(out) >= wanted:
            break
    return bytes((out * (wanted // len(out) + 1))[:wanted])


@functools.cache
def babble(seconds: float, dbm0: float = -20.0, seed: int = 1) -> bytes:
    """Speech-like 16-bit sound: voiced syllables of changing pitch between silences."""
    rng = random.Random(seed)
    out = bytearray()
    while len(out) < seconds * wav.SAMPLE_RATE * 2:
        out += _syllable(rng, dbm0) + bytes(2 * rng.randrange(200, 3000))
    return bytes(out[: int(seconds * wav.SAMPLE_RATE) * 2])


@functools.cache
def noise(samples: int, dbm0: float, seed: int = 1) -> bytes:
    """White noise of `dbm0` as 16-bit samples."""
    rng = random.Random(seed)
    rms = wav.rms_at(dbm0)
    drawn = np.fromiter((rng.gauss(0.0, rms) for _ in range(samples)), np.float64, samples)
    return as_pcm16(drawn)


def at_level(pcm: bytes, dbm0: float) -> bytes:
    """16-bit sound brought to a mean level."""
    return audioop.mul(pcm, 2, 10 ** ((dbm0 - wav.level_dbm0(pcm)) / 20))


def through(pcm: bytes, law: Law) -> bytes:
    """16-bit sound after one coding and decoding."""
    return g711.decode(g711.encode(pcm, law), law)


def align(reference: bytes, heard: bytes, max_lag: int = 8000) -> int:
    """Samples by which 16-bit `heard` is later than `reference`, at most `max_lag` either way.

    The loudest half second of `reference` is looked for; ValueError when `heard` is too short.
    """
    size = min(len(reference) // 2, 4000)
    at = _loudest(reference, size)
    start = max(0, at - max_lag)
    # A first window without any energy makes findfit divide by it, and find nothing afterwards.
    zeros = len(heard) - 2 * start - len(heard[2 * start :].lstrip(b"\0"))
    start += max(0, zeros // 2 - size + 1)
    region = heard[2 * start : 2 * (at + size + max_lag)]
    if len(region) < 2 * size:
        raise ValueError("too little was heard to be compared")
    offset, _ = audioop.findfit(region, reference[2 * at : 2 * (at + size)])
    return start + offset - at


def segmental_snr(reference: bytes, heard: bytes, active_dbm0: float = -45.0) -> float:
    """Mean over the active 20 ms frames of signal to error, in dB, each held in -10 .. 60.

    Both are 16-bit and already aligned; ValueError when `reference` has no active frame.
    """
    step = wav.FRAME_SAMPLES * 2
    size = min(len(reference), len(heard)) // step * step
    pairs = ((reference[i : i + step], heard[i : i + step]) for i in range(0, size, step))
    ratios = [_snr(a, b) for a, b in pairs if wav.level_dbm0(a) > active_dbm0]
    if not ratios:
        raise ValueError("the reference is silent: nothing was compared")
    return sum(ratios) / len(ratios)


def largest_step(pcm: bytes) -> int:
    """The greatest difference between neighbouring 16-bit samples."""
    return int(np.abs(np.diff(np.frombuffer(pcm, "<i2").astype(np.int32))).max())


def _snr(reference: bytes, heard: bytes) -> float:
    sent, got = (np.frombuffer(one, "<i2").astype(np.int64) for one in (reference, heard))
    error, signal = int(np.square(sent - got).sum()), int(np.square(sent).sum())
    return 60.0 if error == 0 else max(-10.0, min(60.0, 10 * math.log10(signal / error)))


def _loudest(pcm: bytes, size: int) -> int:
    starts = range(0, len(pcm) // 2 - size + 1, max(1, size // 4))
    return max(starts, key=lambda at: audioop.rms(pcm[2 * at : 2 * (at + size)], 2))


def _syllable(rng: random.Random, dbm0: float) -> bytes:
    samples = rng.randrange(800, 2400)
    pitch = rng.uniform(90.0, 220.0)
    shares = np.array([rng.random() / k for k in range(1, 16)])
    peak = wav.sine_peak(dbm0 + 6) / math.hypot(*shares)
    n, harmonics = np.arange(samples), np.arange(1, 16)
    turn = 2 * math.pi * pitch / wav.SAMPLE_RATE
    voice = shares @ np.sin(turn * np.outer(harmonics, n))
    return as_pcm16(peak * np.sin(math.pi * n / samples) * voice)


def as_pcm16(values: Samples) -> bytes:
    """Numbers as 16-bit samples, rounded and clipped."""
    made: bytes = np.rint(values).clip(-32768, 32767).astype("<i2").tobytes()
    return made


def _anchor(sent: bytes, heard: bytes) -> tuple[int, int]:
    """The first stretch of `sent` that is distinct and was heard: its place in both."""
    for at in range(0, len(sent) - _PROBE, _PROBE):
        probe = sent[at : at + _PROBE]
        if len(set(probe)) > _PROBE // 4 and sent.count(probe) == 1:
            there = heard.find(probe)
            if there >= 0:
                return at, there
    raise ValueError("nothing of what was sent was heard")


def _differences(sent: bytes, heard: bytes) -> tuple[int, int, int]:
    """Bytes missing, added and changed, walking both from a place where they agree."""
    missing = added = changed = i = j = 0
    while True:
        same = _common(sent, i, heard, j)
        i, j = i + same, j + same
        if i == len(sent):
            break
        s, h = _resumption(sent, i, heard, j)
        both = min(s, h)
        missing, added = missing + s - both, added + h - both
        changed += sum(a != b for a, b in zip(sent[i : i + both], heard[j : j + both], strict=True))
        i, j = i + s, j + h
    return missing, added, changed


def _common(sent: bytes, i: int, heard: bytes, j: int) -> int:
    """How many bytes agree from two places on."""
    size = min(len(sent) - i, len(heard) - j)
    done = 0
    block = 4096
    while block:
        while (
            done + block <= size
            and sent[i + done : i + done + block] == heard[j + done : j + done + block]
        ):
            done += block
        block //= 2
    return done


def _resumption(sent: bytes, i: int, heard: bytes, j: int) -> tuple[int, int]:
    """How few bytes of each to step over until they agree again (or `sent` ends)."""
    rest = len(sent) - i
    best = rest, min(rest, len(heard) - j)
    reach = _REACH
    for h in range(max(0, min(_REACH, len(heard) - j - _PROBE))):
        if h >= reach:
            break
        s = sent.find(heard[j + h : j + h + _PROBE], i, i + reach - h + _PROBE)
        if s >= 0:  # silence is found anywhere: look on for a place that is nearer
            best = s - i, h
            reach = sum(best)
    return best
