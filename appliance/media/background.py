"""What a stream sounds like when nobody speaks: how loud, and more of the same for its gaps.

A gap of digital silence in a noisy room is heard as a dead line. So quiet frames are kept and
played on in random pieces, overlapped: level and colour are those of the room.
"""

from __future__ import annotations

import array
import audioop
import math

from appliance.media import g711
from appliance.media.frames import FRAME_SAMPLES, Law, rms_at, silence
from appliance.media.tones import pcm16

PERIOD = 100
"""Frames, 2 s, over which the noise is the least level."""
QUIET_DBM0 = -50.0
NOISE_DBM0 = -35.0
"""A line's noise may count as quiet up to here."""
NOISE_FACTOR = 1.5
KEPT = 4 * FRAME_SAMPLES
"""Samples of quiet sound that are kept: 80 ms, so that their repetition has no pitch."""
HOP = FRAME_SAMPLES // 2
LEAST_RMS = 10
"""Below this, one step of either law, there is no noise: A-law's own silence is 8."""
_FULL_SCALE = 32768
_QUIET_RMS = rms_at(QUIET_DBM0)
_NOISE_RMS = rms_at(NOISE_DBM0)
_WINDOW = [math.sin(math.pi * (n + 0.5) / FRAME_SAMPLES) for n in range(FRAME_SAMPLES)]
"""Half a sine: overlapped by half, pieces that know nothing of each other keep their power."""


class Floor:
    """The least rms of the last whole period; 0 until there was one."""

    def __init__(self) -> None:
        self.rms = 0
        self._least = _FULL_SCALE
        self._left = PERIOD

    def add(self, rms: int) -> None:
        """Take the rms (16-bit steps) of one frame."""
        self._least = min(self._least, rms)
        self._left -= 1
        if self._left == 0:
            self.rms, self._least, self._left = self._least, _FULL_SCALE, PERIOD

    def is_quiet(self, rms: float) -> bool:
        """Whether sound of this rms is a pause: little, or hardly more than the noise."""
        return rms <= max(_QUIET_RMS, min(NOISE_FACTOR * self.rms, _NOISE_RMS))


class Background:
    """Listens to a stream of an 8-bit `law` and makes more of its noise."""

    def __init__(self, law: Law) -> None:
        self.floor = Floor()
        self._law = law
        self._part = b""
        self._quiet = b""
        self._ready = b""
        self._tail = array.array("h", silence(Law.LINEAR16, HOP))
        self._dice = 1

    def add(self, sound: bytes) -> None:
        """Take what was heard, in pieces of any length."""
        self._part += sound
        while len(self._part) >= FRAME_SAMPLES:
            self._frame(self._part[:FRAME_SAMPLES])
            self._part = self._part[FRAME_SAMPLES:]

    def make(self, samples: int) -> bytes:
        """Return the next 16-bit samples of noise; silence when there is none."""
        material = g711.decode(self._quiet, self._law)
        if len(self._quiet) < FRAME_SAMPLES or audioop.rms(material, 2) < LEAST_RMS:
            return silence(Law.LINEAR16, samples)
        while len(self._ready) < 2 * samples:
            self._ready += self._piece(array.array("h", material))
        out, self._ready = self._ready[: 2 * samples], self._ready[2 * samples :]
        return out

    def _frame(self, frame: bytes) -> None:
        rms = audioop.rms(g711.decode(frame, self._law), 2)
        self.floor.add(rms)
        if self.floor.is_quiet(rms):
            self._quiet = (self._quiet + frame)[-KEPT:]

    def _piece(self, material: array.array[int]) -> bytes:
        at = self._random(len(material) - FRAME_SAMPLES + 1)
        piece = [w * a for w, a in zip(_WINDOW, material[at : at + FRAME_SAMPLES], strict=True)]
        out = pcm16(a + b for a, b in zip(self._tail, piece[:HOP], strict=True))
        self._ready = b""
        self._tail = array.array("h", pcm16(piece[HOP:]))
        return out

    def _random(self, below: int) -> int:
        """Numerical Recipes' generator: `random` would have libcrypto's 7 MB locked in memory."""
        self._dice = (1664525 * self._dice + 1013904223) % (1 << 32)
        return (self._dice >> 8) % below
