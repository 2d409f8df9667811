"""What a bad pair does to the sound that it brings to its modem."""

from __future__ import annotations

import audioop
import random
from array import array
from functools import lru_cache

from appliance.dsp import g711
from appliance.exchange.sound import SAMPLE_RATE, Loop, amplified, peak_of, silence

DEAD_DB = 60.0
"""So weak a signal is none: mu-law has no step for it."""
FULL_SCALE = 32767
MIDDLE = 2**-0.5
"""A level is told of a sine: its RMS is so much of its peak."""


CRACKLE = SAMPLE_RATE // 5
"""A pair that crackles does so for a fifth of each second."""


@lru_cache(maxsize=8)
def hiss(dbm0: float, *, crackles: bool = False) -> bytes:
    """Render a second of white noise at a level, as 16-bit samples; the same every time."""
    noise = random.Random(1)
    rms = peak_of(dbm0) * MIDDLE
    values = (max(-32768, min(32767, round(noise.gauss(0, rms)))) for _ in range(SAMPLE_RATE))
    noise_pcm = b"".join(value.to_bytes(2, "little", signed=True) for value in values)
    return noise_pcm[: 2 * CRACKLE].ljust(len(noise_pcm), b"\0") if crackles else noise_pcm


@lru_cache(maxsize=4)
def bending(share: float) -> bytes:
    """Give for each mu-law byte what an amplifier with a bent characteristic makes of it."""
    pcm = array("h", g711.ulaw_to_linear(bytes(range(256))))
    bent = (round(each * (1 - share * each / FULL_SCALE)) for each in pcm)
    return g711.linear_to_ulaw(
        array("h", (max(-FULL_SCALE, min(FULL_SCALE, b)) for b in bent)).tobytes()
    )


class Worn:
    """A pair with loss, noise, and treble that is lost; as it is made, it changes nothing.

    `loss_db` weakens (below 0: strengthens) all that comes, `noise_dbm0` is added to it. `dull` is
    how often neighbouring samples are averaged: once takes 5 dB at 2.6 kHz and 13 at 3.4. `bent`
    is by how much (0 to 1) a full half wave is bent: what comes has harmonics then.
    """

    def __init__(self) -> None:
        self.loss_db = 0.0
        self.dull = 0
        self.bent = 0.0
        self._noise: Loop | None = None
        self._before = [b"\0\0"] * 8

    def hiss(self, dbm0: float | None, *, crackles: bool = False) -> None:
        """Add noise at a level from now on, steady or crackling, or none."""
        self._noise = None if dbm0 is None else Loop(hiss(dbm0, crackles=crackles))

    def mix(self, sound: bytes) -> bytes:
        """Give what arrives of mu-law sound; silence on a pair without noise stays silence."""
        if self.loss_db >= DEAD_DB:
            sound = silence(len(sound))
        if self.bent:
            sound = sound.translate(bending(self.bent))
        if not (self.dull or self._noise):
            return amplified(sound, -self.loss_db) if self.loss_db else sound
        pcm = g711.ulaw_to_linear(amplified(sound, -self.loss_db))
        for turn in range(self.dull):
            pcm = self._averaged(pcm, turn)
        if self._noise:
            pcm = audioop.add(pcm, self._noise.take(len(pcm)), 2)
        return g711.linear_to_ulaw(pcm)

    def _averaged(self, pcm: bytes, turn: int) -> bytes:
        if not pcm:
            return pcm
        shifted = self._before[turn] + pcm[:-2]
        self._before[turn] = pcm[-2:]
        return audioop.add(audioop.mul(pcm, 2, 0.5), audioop.mul(shifted, 2, 0.5), 2)
