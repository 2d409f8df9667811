"""Speech of a synthesiser made telephone sound: band, level and edges of our recordings.

Sound is 16-bit little-endian mono; 8 kHz unless said. Everything is done by `audioop` on whole
buffers: a minute takes a second here. Levels as in scripts/render_prompts.py (audio.md 4).
"""

from __future__ import annotations

import array
import audioop
import itertools
import math
from collections.abc import Iterator

from appliance.media.frames import SAMPLE_RATE

ACTIVE_DBM0 = -15.0
"""Active level of every announcement (audio.md 4)."""
PEAK = 32768 * 10 ** (-6.3 / 20)
"""Peak limit, -6 dBFS less what rounding may add."""
FULL_SCALE_DBM0 = 3.14
"""A sine at full scale (ITU-T G.711 1.1)."""
GATE_DB = 15.9
"""A 20 ms frame is speech within this of the active level (the margin of ITU-T P.56)."""
FRAME = SAMPLE_RATE // 50
BLOCK = SAMPLE_RATE // 200
"""The limiter's step, 5 ms."""
BAND_HZ = (200.0, 3400.0)
"""What a telephone channel carries."""
TAPS = 201
"""Length of each half of the filter, in samples of 8 kHz: 25 ms."""
SILENT_DB = 32.0
"""Sound begins and ends where 5 ms come within this of the active level."""
EDGE = SAMPLE_RATE // 10
"""Silence kept at both ends, 100 ms."""
PAUSE, CLICK = 20, 8
"""In BLOCKs: silence of 100 ms before what is shorter than 40 ms and no speech."""
_WIDTH = 2
_WIDE = 4
_HEADROOM = 1 / 8
"""What the filter's sums may exceed a sample by."""


def from_rate(sound: bytes, rate: int) -> bytes:
    """Return sound of any rate, in Hz, as 8 kHz sound of the telephone's band."""
    if rate == SAMPLE_RATE:
        return sound
    wide, _ = audioop.ratecv(sound, _WIDTH, 1, rate, 2 * SAMPLE_RATE, None)
    return telephone(wide)


def telephone(sound: bytes) -> bytes:
    """Return 16 kHz sound as 8 kHz sound of the telephone's band (linear-phase FIR).

    Even and odd samples are filtered apart and added: only what is kept is computed.
    """
    wide = array.array("i", audioop.mul(audioop.lin2lin(sound, _WIDTH, _WIDE), _WIDE, _HEADROOM))
    wide = wide[: len(wide) & ~1]
    kernel = _kernel()
    even, odd = (_filtered(wide[n::2].tobytes(), kernel[n::2]) for n in (0, 1))
    total = audioop.add(even, odd, _WIDE)
    return audioop.lin2lin(audioop.mul(total, _WIDE, 1 / _HEADROOM), _WIDE, _WIDTH)


def _kernel() -> list[float]:
    """Return a windowed band pass at 16 kHz, its odd taps first in the order of time."""
    low, high = (hz / SAMPLE_RATE for hz in BAND_HZ)  # relative to half of 16 kHz
    middle = TAPS - 1
    return [
        (high * _sinc(high * (n - middle)) - low * _sinc(low * (n - middle)))
        * (0.54 + 0.46 * math.cos(math.pi * (n - middle) / TAPS))
        for n in range(2 * TAPS)
    ]


def _sinc(x: float) -> float:
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


def _filtered(wide: bytes, taps: list[float]) -> bytes:
    """Correlate 32-bit samples with taps around each of them; the same length."""
    silence = bytes(_WIDE * (TAPS // 2))
    padded = silence + wide + silence
    total = bytes(len(wide))
    for number, tap in enumerate(taps):
        part = padded[number * _WIDE : number * _WIDE + len(wide)]
        total = audioop.add(total, audioop.mul(part, _WIDE, tap), _WIDE)
    return total


def active_dbm0(sound: bytes) -> float:
    """Return the level of the frames that speak, -99 for silence."""
    powers = [audioop.rms(frame, _WIDTH) ** 2 for frame in _pieces(sound, FRAME)]
    level = sum(powers) / max(len(powers), 1)
    for _ in range(20):
        speaking = [power for power in powers if power >= level * 10 ** (-GATE_DB / 10)]
        level = sum(speaking) / max(len(speaking), 1)
    return 10 * math.log10(2 * level / 32768**2) + FULL_SCALE_DBM0 if level else -99.0


def levelled(sound: bytes) -> bytes:
    """Bring speech to the level of our recordings, no peak over PEAK; silence stays silence."""
    if not any(sound):
        return sound
    for _ in range(6):  # limiting takes some level away, which the next round gives back
        sound = _limited(sound, 10 ** ((ACTIVE_DBM0 - active_dbm0(sound)) / 20))
    return sound


def _limited(sound: bytes, gain: float) -> bytes:
    """Amplify, and turn the gain down evenly from 5 ms before a peak over PEAK to 5 ms after."""
    peaks = [audioop.max(block, _WIDTH) for block in _pieces(sound, BLOCK)]
    own = [min(gain, PEAK / peak) if peak else gain for peak in peaks]
    around = [min(own[max(n - 1, 0) : n + 2]) for n in range(len(own))]
    # A corner lies where two blocks meet: no higher than either of them may be.
    corners = [
        around[0],
        *(min(pair) for pair in itertools.pairwise(around)),
        around[-1],
    ]
    blocks = zip(_pieces(sound, BLOCK), corners, corners[1:], strict=False)
    return b"".join(_ramped(*block) for block in blocks)


def _ramped(block: bytes, begin: float, end: float) -> bytes:
    """Amplify a block by a gain that goes from one value to another."""
    if begin == end:
        return audioop.mul(block, _WIDTH, begin)
    samples = array.array("h", block)
    step = (end - begin) / len(samples)
    return array.array("h", (int(x * (begin + step * n)) for n, x in enumerate(samples))).tobytes()


def trimmed(sound: bytes) -> bytes:
    """Cut the silence at both ends down to EDGE; nothing is left of silence alone."""
    floor = active_dbm0(sound) - SILENT_DB
    loud = [n for n, block in enumerate(_pieces(sound, BLOCK)) if _dbm0(block) > floor]
    if not loud or floor < -99.0:
        return b""
    silence, size = bytes(EDGE * _WIDTH), BLOCK * _WIDTH
    return silence + sound[loud[0] * size : (loud[-1] + 1) * size] + silence


def without_end_click(sound: bytes) -> bytes:
    """Cut what is heard for a moment after the end of speech, behind a pause.

    SVOX Pico ends a sentence so, 32 dB below it: it would count as speech and keep the pause.
    """
    floor = active_dbm0(sound) - SILENT_DB
    loud = [n for n, block in enumerate(_pieces(sound, BLOCK)) if _dbm0(block) > floor]
    ends = [n for n, following in itertools.pairwise(loud) if following - n > PAUSE]
    while ends and loud[-1] - next(n for n in loud if n > ends[-1]) < CLICK:
        loud = [n for n in loud if n <= ends[-1]]
        ends.pop()
    return sound[: (loud[-1] + 1) * BLOCK * _WIDTH] if loud else sound


def _dbm0(block: bytes) -> float:
    power = audioop.rms(block, _WIDTH) ** 2
    return 10 * math.log10(2 * power / 32768**2) + FULL_SCALE_DBM0 if power else -200.0


def _pieces(sound: bytes, samples: int) -> Iterator[bytes]:
    """Cut sound into pieces; the last one may be short."""
    size = samples * _WIDTH
    return (sound[at : at + size] for at in range(0, len(sound), size))
