"""Tones made from data: the call-progress tones of five countries, and DTMF.

Plans: ITU-T tones-0203 as read by Asterisk `indications.conf`, levels by spandsp
`global-tones.xml` (v253.md 5). DTMF: ITU-T Q.23. Levels are dBm0 of each single frequency.
"""

from __future__ import annotations

import array
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.media.frames import SAMPLE_RATE, SAMPLES_PER_MS, sine_peak

if TYPE_CHECKING:
    from collections.abc import Iterable

DTMF_LOW_DBM0 = -11.0
DTMF_HIGH_DBM0 = -9.0
"""High group louder: what the loop takes more of (v253.md 5, DAHDI's levels for Europe)."""
DTMF_ON_MS = 80
DTMF_OFF_MS = 80
ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
KEYPAD = "123A456B789C*0#D"
"""The sixteen keys, row by row (Q.23)."""


@dataclass(frozen=True, slots=True)
class Burst:
    """`freqs` (Hz, together) for `on_ms`, then nothing for `off_ms`."""

    freqs: tuple[int, ...]
    on_ms: int
    off_ms: int = 0


@dataclass(frozen=True, slots=True)
class Cadence:
    """Bursts, repeated from the start when they end; each frequency at `dbm0`."""

    bursts: tuple[Burst, ...]
    dbm0: float = -12.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One country's tones; of several forms in use the first is the one to play."""

    dial: tuple[Cadence, ...]
    ringback: tuple[Cadence, ...]
    busy: tuple[Cadence, ...]
    congestion: tuple[Cadence, ...]


def cadence(freqs: tuple[int, ...], *on_off_ms: int, dbm0: float = -12.0) -> Cadence:
    """Return a cadence of one chord: `on_off_ms` are on, off, on, off … in ms.

    A single number is a steady tone, played again and again for that long.
    """
    padded = (*on_off_ms, 0) if len(on_off_ms) % 2 else on_off_ms
    pairs = zip(padded[::2], padded[1::2], strict=True)
    return Cadence(tuple(Burst(freqs, on, off) for on, off in pairs), dbm0)


def steady(*freqs: int, dbm0: float = -12.0) -> Cadence:
    """Return a tone that never pauses."""
    return cadence(freqs, 1000, dbm0=dbm0)


PLANS = {
    "it": Plan(
        # VoIP boxes (most Italian lines today) play a steady tone, exchanges the pulsed one.
        dial=(cadence((425,), 200, 200, 600, 1000), steady(425)),
        ringback=(cadence((425,), 1000, 4000),),
        busy=(cadence((425,), 500, 500), cadence((425,), 200, 200)),
        congestion=(cadence((425,), 200, 200),),
    ),
    "de": Plan(
        dial=(steady(425),),
        ringback=(cadence((425,), 1000, 4000),),
        busy=(cadence((425,), 480, 480),),
        congestion=(cadence((425,), 240, 240),),
    ),
    "fr": Plan(
        dial=(steady(440), steady(330, 440)),
        ringback=(cadence((440,), 1500, 3500),),
        busy=(cadence((440,), 500, 500),),
        congestion=(cadence((440,), 250, 250),),
    ),
    "gb": Plan(
        dial=(steady(350, 440),),
        ringback=(cadence((400, 450), 400, 200, 400, 2000),),
        busy=(cadence((400,), 375, 375),),
        congestion=(cadence((400,), 400, 350, 225, 525),),
    ),
    "us": Plan(
        dial=(steady(350, 440, dbm0=-13.0),),
        ringback=(cadence((440, 480), 2000, 4000, dbm0=-19.0),),
        busy=(cadence((480, 620), 500, 500, dbm0=-24.0),),
        congestion=(cadence((480, 620), 250, 250, dbm0=-24.0),),
    ),
}
"""Call-progress tones by country code (v253.md 5)."""


def chord(freqs: tuple[float, ...], ms: int, dbm0: float = -12.0) -> bytes:
    """Return `ms` of sines sounding together, each at `dbm0`, as 16-bit samples from phase 0."""
    return mix(tuple((freq, dbm0) for freq in freqs), ms * SAMPLES_PER_MS)


def mix(sines: tuple[tuple[float, float], ...], samples: int) -> bytes:
    """Return `samples` 16-bit samples of (Hz, dBm0) sines added, clipped at full scale."""
    steps = [(2 * math.pi * freq / SAMPLE_RATE, sine_peak(dbm0)) for freq, dbm0 in sines]
    wave = (sum(peak * math.sin(step * n) for step, peak in steps) for n in range(samples))
    return pcm16(wave)


def pcm16(values: Iterable[float]) -> bytes:
    """Return numbers as 16-bit little-endian samples, rounded and clipped."""
    samples = array.array("h", (max(-32768, min(32767, round(value))) for value in values))
    if sys.byteorder == "big":  # pragma: no cover - no such machine is built
        samples.byteswap()
    return samples.tobytes()


def play(what: Cadence, ms: int) -> bytes:
    """Return the first `ms` of a cadence as 16-bit samples."""
    once = b"".join(_burst(burst, what.dbm0) for burst in what.bursts)
    wanted = ms * SAMPLES_PER_MS * 2
    return (once * (wanted // len(once) + 1))[:wanted]


def dtmf(
    digits: str,
    on_ms: int = DTMF_ON_MS,
    off_ms: int = DTMF_OFF_MS,
    low_dbm0: float = DTMF_LOW_DBM0,
    high_dbm0: float = DTMF_HIGH_DBM0,
) -> bytes:
    """Return `digits` (0-9 * # A-D) as 16-bit samples, each followed by its pause.

    Raises ValueError for a key that no keypad has.
    """
    pause = bytes(off_ms * SAMPLES_PER_MS * 2)
    return b"".join(
        mix(((low, low_dbm0), (high, high_dbm0)), on_ms * SAMPLES_PER_MS) + pause
        for low, high in map(pair, digits)
    )


def pair(digit: str) -> tuple[int, int]:
    """Return the two frequencies (Hz) of a key; raises ValueError for any other character."""
    place = KEYPAD.find(digit)
    if place < 0 or len(digit) != 1:
        raise ValueError(f"{digit!r} is not a key of a telephone: use one of {KEYPAD}")
    return ROWS[place // 4], COLUMNS[place % 4]


def _burst(burst: Burst, dbm0: float) -> bytes:
    return chord(burst.freqs, burst.on_ms, dbm0) + bytes(burst.off_ms * SAMPLES_PER_MS * 2)
