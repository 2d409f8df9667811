"""The special information tone: three rising tones before "the number you have dialled …".

ITU-T E.180: 950, 1400 and 1800 Hz of 330 ms each (v253.md 5); networks that tell their reasons
apart by it vary the tones by 4 % and their length between 276 and 380 ms.
"""

from __future__ import annotations

import math

from appliance.media.correlate import basis, energy, energy_at, explained
from appliance.media.frames import FRAME_MS, FRAME_SAMPLES

TONES_HZ = (950, 1400, 1800)
SPREAD = 0.04
"""How far each tone may lie off, relative: 913.8 and 985.2 Hz are both a first tone."""
LEAST_MS = 220
MOST_MS = 460
GAP_MS = 100
"""How long a tone may be interrupted or the next one be late: 15 ms of pause are usual."""
PURITY = 0.80
"""Share of a frame's energy that must lie in one tone, as for the other progress tones."""
FLOOR_DBM0 = -40.0

_STEP_HZ = 40
"""Neighbours of a basis; 72 Hz apart (4 % of 1800) they lost the tones between them."""


def _around(hz: int) -> tuple[float, ...]:
    """Return frequencies that together span `hz` +- SPREAD."""
    steps = math.ceil(hz * SPREAD / _STEP_HZ)
    return tuple(hz * (1 + SPREAD * n / steps) for n in range(-steps, steps + 1))


_FLOOR = energy_at(FLOOR_DBM0)
_FRAME_BYTES = FRAME_SAMPLES * 2
_AXES = tuple(basis(_around(hz)) for hz in TONES_HZ)


class Detector:
    """Finds the three tones in 16-bit samples, cut anyhow."""

    def __init__(self) -> None:
        self._waiting = b""
        self.is_tone = False
        """Whether the latest whole frame was one of the three: no speech, then."""
        self._forget()

    def feed(self, pcm16_frame: bytes) -> bool:
        """Return True when the three tones have just been heard whole (usual frame: 20 ms)."""
        data = self._waiting + pcm16_frame
        whole = len(data) - len(data) % _FRAME_BYTES
        self._waiting = data[whole:]
        steps = [self._step(data[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES)]
        return any(steps)

    def _forget(self) -> None:
        self._place = -1  # of the tone that sounds
        self._on_ms = self._gap_ms = 0

    def _step(self, frame: bytes) -> bool:
        place = _named(frame)
        self.is_tone = place >= 0
        if place == self._place >= 0:
            self._on_ms += FRAME_MS
            self._gap_ms = 0
            return self._is_whole()
        if place < 0:
            self._pause()
        elif place == self._place + 1 and (place == 0 or self._is_long_enough()):
            self._place, self._on_ms, self._gap_ms = place, FRAME_MS, 0
        else:
            self._forget()
        return False

    def _pause(self) -> None:
        self._gap_ms += FRAME_MS
        if self._gap_ms > GAP_MS:
            self._forget()

    def _is_long_enough(self) -> bool:
        return LEAST_MS <= self._on_ms + self._gap_ms <= MOST_MS

    def _is_whole(self) -> bool:
        return self._place == len(TONES_HZ) - 1 and self._on_ms == LEAST_MS


def _named(frame: bytes) -> int:
    """The place of the tone that a frame is, -1 for none."""
    level = energy(frame)
    if level < _FLOOR:
        return -1
    shares = [explained(frame, axes) for axes in _AXES]
    most = max(shares)
    return shares.index(most) if most > PURITY * level else -1
