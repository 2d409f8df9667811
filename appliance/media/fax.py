"""The calling tone of a fax machine (CNG): who calls is no person, and will not hear a greeting.

ITU-T T.30: 1100 Hz +- 38 Hz, on for 0.5 s and off for 3 s, both +- 15 %. Two bursts at that
distance are asked for: a single one is a note of music (C sharp is 1109 Hz) or somebody whistling.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.media.correlate import basis, energy, energy_at, explained
from appliance.media.frames import FRAME_MS, FRAME_SAMPLES

TONE_HZ = 1100.0
SPREAD_HZ = 38.0
ON_MS = (420, 580)
"""A burst's length: 500 ms +- 15 %, to the nearest frame."""
PERIOD_MS = (2960, 4040)
"""From the start of one burst to that of the next: 3500 ms +- 15 %, to the nearest frame."""
PURITY = 0.80
"""Share of a frame's energy that must lie in the tone, as for the call-progress tones."""
FLOOR_DBM0 = -43.0
"""T.30: the receiver of a fax machine hears down to -43 dBm."""

_FLOOR = energy_at(FLOOR_DBM0)
_FRAME_BYTES = FRAME_SAMPLES * 2
_AXES = basis((TONE_HZ - SPREAD_HZ, TONE_HZ, TONE_HZ + SPREAD_HZ))


@dataclass(frozen=True, slots=True)
class FaxHeard:
    """A fax machine calls; `after_ms` is the time from its first burst's start to certainty."""

    after_ms: int


class Detector:
    """Finds a fax machine's calling tone in 16-bit samples, cut anyhow; tells of it once."""

    def __init__(self) -> None:
        self._waiting = b""
        self._at_ms = 0
        self._on_ms = 0
        self._first_ms: int | None = None  # start of the latest burst of the right length
        self._told = False
        self.is_tone = False
        """Whether the latest whole frame was 1100 Hz: no speech, then."""

    def feed(self, pcm16_frame: bytes) -> FaxHeard | None:
        """Return the fact when the second burst has just ended (usual frame: 20 ms)."""
        data = self._waiting + pcm16_frame
        whole = len(data) - len(data) % _FRAME_BYTES
        self._waiting = data[whole:]
        steps = [self._step(data[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES)]
        return next((fact for fact in steps if fact is not None), None)

    def _step(self, frame: bytes) -> FaxHeard | None:
        self._at_ms += FRAME_MS
        self.is_tone = _is_tone(frame)
        if self.is_tone:
            self._on_ms += FRAME_MS
            return None
        on_ms, self._on_ms = self._on_ms, 0
        if not ON_MS[0] <= on_ms <= ON_MS[1]:
            return None
        return self._burst(self._at_ms - FRAME_MS - on_ms)

    def _burst(self, start_ms: int) -> FaxHeard | None:
        """A burst of the right length has ended: the second one, at the right distance, tells."""
        before, self._first_ms = self._first_ms, start_ms
        if before is None or not PERIOD_MS[0] <= start_ms - before <= PERIOD_MS[1] or self._told:
            return None
        self._told = True
        return FaxHeard(self._at_ms - before)


def _is_tone(frame: bytes) -> bool:
    level = energy(frame)
    return level > _FLOOR and explained(frame, _AXES) > PURITY * level
