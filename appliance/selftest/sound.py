"""Test sound of the self-test: generated, found again in what arrived, and measured."""

from __future__ import annotations

import audioop
import math
import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Final

from appliance.dsp import g711
from appliance.dsp.wav import SAMPLE_RATE, level_dbm0, rms_at

BLOCK: Final = 1600
"""Samples of a block that is found for itself: 200 ms."""
SPOKEN_DBM0: Final = -18.0
NO_SNR: Final = -99.0
# Below it a block is not the sound that was sent.
LIKE_DB: Final = 6.0
# Samples by which a block may be off its neighbour: a slip buffer gives way by as many.
WANDER: Final = 400


@lru_cache(maxsize=8)
def voice_like(seed: int, seconds: float) -> bytes:
    """Return noise with a voice's band and rhythm, 16-bit; no detector takes it for a tone."""
    chance = random.Random(seed)
    wanted = round(seconds * SAMPLE_RATE)
    white = [chance.gauss(0.0, 1.0) for _ in range(wanted + 4)]
    # A mean of neighbours takes the top of the band away, a difference its bottom.
    soft = [a + 2 * b + c for (a, b), (_unused, c) in pairwise(pairwise(white))]
    band = [b - 0.9 * a for a, b in pairwise(soft)]
    swell = [0.55 + 0.45 * math.sin(2 * math.pi * 4 * n / SAMPLE_RATE) for n in range(wanted)]
    shaped = [sound * loud for sound, loud in zip(band, swell, strict=False)]
    power = math.sqrt(sum(sample * sample for sample in shaped) / len(shaped))
    gain = rms_at(SPOKEN_DBM0) / power
    limited = (max(-32000, min(32000, round(sample * gain))) for sample in shaped)
    return array("h", limited).tobytes()


@dataclass(frozen=True, slots=True)
class Heard:
    """Comparison of a sound with what arrived: gain and distance to noise (dB), blocks that are
    missing of all, and where it begins (samples); `begins` is -1 where nothing is like it.
    """

    gain_db: float
    snr_db: float
    missing: int
    blocks: int
    begins: int
    level_dbm0: float

    @property
    def arrived(self) -> bool:
        """True if it was found at all."""
        return self.begins >= 0


def compare(said: bytes, heard: bytes) -> Heard:
    """Find a 16-bit sound in another one, block by block, and measure what became of it."""
    blocks = list(_blocks(said))
    level = level_dbm0(heard)
    # findfit finds nothing behind digital silence: one step of noise has some energy everywhere.
    heard = audioop.add(heard, (b"\1\0\xff\xff" * (len(heard) // 4 + 1))[: len(heard)], 2)
    found: list[tuple[int, int, float, float]] = []
    shift: int | None = None
    for start, block in blocks:
        place = _place_of(block, heard, start, shift)
        if place is not None and place[1] >= LIKE_DB:
            shift = place[0] - start
            found.append((start, *place))
    if not found:
        return Heard(NO_SNR, NO_SNR, len(blocks), len(blocks), -1, level)
    first = found[0]
    return Heard(
        median(gain for *_unused, gain in found),
        median(snr for _start, _at, snr, _gain in found),
        len(blocks) - len(found),
        len(blocks),
        max(first[1] - first[0], 0),
        level,
    )


def _blocks(sound: bytes) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(sound) // 2 - BLOCK + 1, BLOCK):
        yield start, sound[2 * start : 2 * (start + BLOCK)]


def _place_of(
    block: bytes, heard: bytes, start: int, shift: int | None
) -> tuple[int, float, float] | None:
    """Return where a block is heard, its distance to noise and its gain (dB)."""
    # Near its neighbour where one was found: cheaper, and nothing else is taken for it.
    low = 0 if shift is None else max(start + shift - WANDER, 0)
    high = len(heard) // 2 if shift is None else start + shift + WANDER + BLOCK
    window = heard[2 * low : 2 * high]
    if len(window) < len(block) or not audioop.rms(window, 2):
        return None
    at, factor = audioop.findfit(window, block)
    piece = window[2 * at : 2 * at + len(block)]
    # findfit's factor brings the block to the window's loudness.
    if not audioop.rms(piece, 2) or factor <= 0:
        return None
    noise = audioop.add(piece, audioop.mul(block, 2, -factor), 2)
    left = max(audioop.rms(noise, 2), 1)
    snr = 20 * math.log10(max(audioop.rms(audioop.mul(block, 2, factor), 2), 1) / left)
    return low + at, snr, 20 * math.log10(factor)


def silence(ms: int) -> bytes:
    """Return 16-bit silence."""
    return bytes(2 * ms * SAMPLE_RATE // 1000)


def as_ulaw(sound: bytes) -> bytes:
    """Return 16-bit sound as mu-law, as the simulated line takes it."""
    return g711.linear_to_ulaw(sound)


def milliseconds(samples: int) -> int:
    """Return samples as ms."""
    return samples * 1000 // SAMPLE_RATE
