"""Which key of the telephone one 20 ms window shows: the part of DTMF detection without memory.

A window is a key when two tones, one of a row and one of a column (ITU-T Q.23), carry almost all
of its energy, in a ratio that a line can make (ITU-T Q.24). Design and limits: audio.md 1 and 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from appliance.media.correlate import (
    Wave,
    basis,
    energy,
    energy_at,
    phase,
    power,
    wave,
    without,
)
from appliance.media.tones import COLUMNS, ROWS

FLOOR_DBM0 = -40.0
"""A quieter window is not looked at: 15 dB below the weakest pair that must be heard."""
_FLOOR = energy_at(FLOOR_DBM0)
TONE_SHARE = 0.04
"""Least share of a window's energy a tone must have to be worth a closer look. Low, because a
dial tone may lie 8 dB above the digit that ends it."""
PAIR_SHARE = 0.12
"""Least share of both tones together, for the same reason."""
RESIDUAL = 0.22
"""Most energy beside the pair, relative to the pair: noise 7 dB below it."""
HARMONIC = 0.06
"""Most energy at twice a tone's frequency, relative to the tone: voices have harmonics."""
TWIST_HIGH = 10 ** (6 / 10)
TWIST_LOW = 10 ** (-10 / 10)
"""Column over row, in energy: the +4 / -8 dB of Q.24 and 2 dB for the line's own slope."""
SPREAD = 0.010
"""f(1 +- SPREAD) together span a tone up to 1.8 % off; further apart they miss what is right."""
DIAL_HZ = 425.0
DIAL_SHARE = 0.1
"""Share of a window's energy from which a dial tone is taken out before the pair is judged."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one window showed: a key (its place in KEYPAD) and its two tones.

    `phases` of row and column in radians, `amplitude` of both, 1 for a full-scale sine.
    """

    key: int
    phases: tuple[float, float]
    amplitude: float


_ROW_WAVES = tuple(map(wave, ROWS))
_COLUMN_WAVES = tuple(map(wave, COLUMNS))
_HARMONICS = {freq: wave(2 * freq) for freq in ROWS + COLUMNS}
_SUBSPACES = {freq: basis((freq * (1 - SPREAD), freq * (1 + SPREAD))) for freq in ROWS + COLUMNS}
_DIAL = wave(DIAL_HZ)
_DIAL_BASIS = tuple((axis, 1.0) for axis in _DIAL)


def _strongest(window: bytes, waves: tuple[Wave, ...]) -> tuple[float, int]:
    """Energy and place of the strongest of four frequencies."""
    powers = [power(window, wave) for wave in waves]
    most = max(powers)
    return most, powers.index(most)


def examine(window: bytes) -> Look | None:
    """Return the key that 160 16-bit samples show, if any; the cheap questions first."""
    total = energy(window)
    if total < _FLOOR:
        return None
    low, row = _strongest(window, _ROW_WAVES)  # 4 us: most of speech ends here
    if low < TONE_SHARE * total:
        return None
    high, column = _strongest(window, _COLUMN_WAVES)
    if high < TONE_SHARE * total or low + high < PAIR_SHARE * total:
        return None
    if not _is_pure(window, ROWS[row], COLUMNS[column]):
        return None
    return Look(4 * row + column, _phases(window, row, column), math.sqrt(low + high))


def _without_dial_tone(window: bytes) -> bytes:
    """The window less a dial tone that is loud enough to matter.

    Taking out a tone that is not there would take a little of both that are.
    """
    if power(window, _DIAL) < DIAL_SHARE * energy(window):
        return window
    return without(window, _DIAL_BASIS)[0]


def _is_pure(window: bytes, row_hz: int, column_hz: int) -> bool:
    """Whether two tones, a dial tone apart, are all there is, in an allowed ratio."""
    rest, high = without(_without_dial_tone(window), _SUBSPACES[column_hz])
    rest, low = without(rest, _SUBSPACES[row_hz])
    return (
        energy(rest) <= RESIDUAL * (low + high)
        and TWIST_LOW * low < high < TWIST_HIGH * low
        # On the rest: the second harmonic of 697 lies beside 1336 and would kill keys 2 and 3.
        and power(rest, _HARMONICS[row_hz]) <= HARMONIC * low
        and power(rest, _HARMONICS[column_hz]) <= HARMONIC * high
    )


def _phases(window: bytes, row: int, column: int) -> tuple[float, float]:
    return phase(window, _ROW_WAVES[row]), phase(window, _COLUMN_WAVES[column])


def amplitude(window: bytes, key: int) -> float:
    """Return how much of a key (place in KEYPAD) a window holds, whatever else is in it."""
    low = power(window, _ROW_WAVES[key // 4])
    return math.sqrt(low + power(window, _COLUMN_WAVES[key % 4]))
