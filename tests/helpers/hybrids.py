"""Echo paths of a two-wire line, of our own making, and what comes back over them.

Each is a sum of damped waves in the telephone band, as hybrids that do not match their line answer
a click: of the length and unevenness of the models of ITU-T G.168 annex D, none of their numbers.
"""

from __future__ import annotations

import audioop
import cmath
import math
from dataclasses import dataclass

Wave = tuple[float, float, float, float]
"""Frequency (Hz), time to fall to a third (ms), begin (ms), strength."""

BAND = range(200, 1001, 50)


@dataclass(frozen=True, slots=True)
class Hybrid:
    """An echo path: what it is like, its delay (ms), and its echo return loss (dB).

    The loss is that of 200 to 1000 Hz, where voices are strongest.
    """

    name: str
    loss_db: float
    delay_ms: float
    waves: tuple[Wave, ...]

    def response(self) -> list[float]:
        """Return its impulse response at 8 kHz, 16 ms from its delay on."""
        plain = [sum(_wave(wave, n / 8) for wave in self.waves) for n in range(128)]
        size = math.sqrt(sum(_gain(plain, freq) ** 2 for freq in BAND) / len(BAND))
        scale = 10 ** (-self.loss_db / 20) / size
        return [0.0] * round(8 * self.delay_ms) + [scale * a for a in plain]

    def returns(self, pcm: bytes) -> bytes:
        """Return what comes back of 16-bit sound, of its length."""
        out = bytes(len(pcm))
        for at, share in enumerate(self.response()):
            if share:
                late = bytes(2 * at) + pcm[: len(pcm) - 2 * at]
                out = audioop.add(out, audioop.mul(late, 2, share), 2)
        return out


def _gain(response: list[float], freq: float) -> float:
    turn = -2j * math.pi * freq / 8000
    return abs(sum(a * cmath.exp(turn * n) for n, a in enumerate(response)))


def _wave(wave: Wave, ms: float) -> float:
    freq, fall, begin, strength = wave
    at = ms - begin
    turn = 2 * math.pi * freq / 1000
    return strength * math.exp(-at / fall) * math.sin(turn * at + 0.5) if at >= 0 else 0.0


HYBRIDS = (
    Hybrid("short line", 6.0, 1.0, ((1700, 0.5, 0.3, 1.0), (500, 2.0, 0.3, 0.3))),
    Hybrid("long line", 8.0, 2.0, ((900, 1.2, 0.5, 1.0), (2400, 0.6, 0.5, 0.6))),
    Hybrid("loaded line", 10.0, 3.0, ((650, 3.0, 0.4, 1.0), (1900, 1.5, 0.4, 0.5))),
    Hybrid("two hybrids", 8.0, 1.0, ((1500, 0.6, 0.3, 1.0), (1100, 0.8, 8.0, 0.5))),
    Hybrid("late", 8.0, 30.0, ((1500, 0.8, 0.3, 1.0), (600, 1.6, 1.3, 0.4))),
    Hybrid("slow modem", 8.0, 90.0, ((900, 1.2, 0.5, 1.0), (2400, 0.6, 0.5, 0.6))),
)
