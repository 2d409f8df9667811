"""Sound as the exchange carries it: mu-law bytes, 8000 a second, 0xFF for silence (G.711)."""

from __future__ import annotations

import audioop
import math
from array import array
from functools import lru_cache

from appliance.dsp import g711

SAMPLE_RATE = 8000
SILENCE = 0xFF
"""The mu-law byte of a zero sample."""

FULL_SCALE_DBM0 = 3.14
"""Level of a sine that just reaches full scale (G.711 table 5)."""

_QUIET = [bytes([SILENCE]) * n for n in range(512)]


def samples(milliseconds: float) -> int:
    """Turn ms into samples at 8 kHz."""
    return round(milliseconds * SAMPLE_RATE / 1000)


def silence(n: int) -> bytes:
    """Give n samples of mu-law silence."""
    return _QUIET[n] if n < len(_QUIET) else bytes([SILENCE]) * n


def is_quiet(data: bytes, threshold: int = 200) -> bool:
    """Tell whether mu-law sound is silent: RMS under threshold (200 is about -41 dBm0)."""
    return data.count(SILENCE) == len(data) or audioop.rms(g711.ulaw_to_linear(data), 2) < threshold


def amplified(data: bytes, gain_db: float) -> bytes:
    """Give mu-law sound louder by so many dB; the very same where that is none."""
    if not gain_db:
        return data
    gain = 10 ** (gain_db / 20)
    return g711.linear_to_ulaw(audioop.mul(g711.ulaw_to_linear(data), 2, gain))


def peak_of(level_dbm0: float) -> float:
    """Give the peak (16-bit units) of one sine at a level in dBm0."""
    return float(32767 * 10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20))


@lru_cache(maxsize=256)
def sine(parts: tuple[tuple[float, float], ...], n: int) -> bytes:
    """Render n samples of the sum of sines (frequency Hz, level dBm0) as mu-law, phase 0 first."""
    waves = [(2 * math.pi * hz / SAMPLE_RATE, peak_of(dbm0)) for hz, dbm0 in parts]
    pcm = array("h", (round(sum(a * math.sin(w * i) for w, a in waves)) for i in range(n)))
    return g711.linear_to_ulaw(pcm.tobytes())


class Loop:
    """Plays one rendered cycle for ever."""

    def __init__(self, cycle: bytes) -> None:
        self._cycle = cycle
        self._at = 0

    def take(self, n: int) -> bytes:
        """Give the next n samples, starting again at the cycle's end."""
        cycle, at = self._cycle, self._at
        self._at = (at + n) % len(cycle)
        if at + n <= len(cycle):
            return cycle[at : at + n]
        return (cycle[at:] + cycle * (n // len(cycle) + 1))[:n]


def slice_at(clip: bytes, start: int, now: int, n: int) -> bytes:
    """Give the n samples from time `now` of a clip that begins at `start`, silence around it."""
    begin, end = now - start, now - start + n
    if end <= 0 or begin >= len(clip):
        return silence(n)
    piece = clip[max(begin, 0) : end]
    head = silence(max(-begin, 0))
    return head + piece + silence(n - len(head) - len(piece))


class Echo:
    """The hybrid's leakage of what the modem sends into what it hears.

    `loss_db` is the echo return loss, `delay_ms` the path's delay. Samples are mu-law.
    """

    def __init__(self, loss_db: float, delay_ms: int) -> None:
        self._gain = 10 ** (-loss_db / 20)
        self._sent = bytearray(silence(samples(delay_ms)))

    def sent(self, sound: bytes) -> None:
        """Remember what the modem put onto the line."""
        self._sent += sound

    def mix(self, heard: bytes) -> bytes:
        """Add the delayed echo to what comes from the far end."""
        n = len(heard)
        back = bytes(self._sent[:n]).ljust(n, b"\xff")
        del self._sent[:n]
        leaked = audioop.mul(g711.ulaw_to_linear(back), 2, self._gain)
        return g711.linear_to_ulaw(audioop.add(g711.ulaw_to_linear(heard), leaked, 2))
