"""From signs to certainty: when a fax machine calls, by our own ear or by the chip's reports.

Pure, as release.py: one sign alone is somebody whistling, or a chip that is mistaken.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.events import FaxCalled, FaxSource

NEXT_MS = (2500, 8000)
"""From one report DLE c to the next: a burst comes every 3.5 s (T.30), one may be missed."""
VOICE_MS = 1000
"""So much voice before the tone makes a message: somebody spoke, and then pressed the fax's key."""


@dataclass(slots=True)
class Fax:
    """The signs of a fax machine in one call; times in ms since the line went off hook."""

    line: str
    told: bool = False
    _reported_ms: int | None = None

    def sound(self, after_ms: int) -> FaxCalled | None:
        """Our own detector is certain, `after_ms` after the first burst began."""
        return self._tell(FaxSource.SOUND, after_ms)

    def chip(self, at_ms: int) -> FaxCalled | None:
        """The modem reported the tone; a repetition within the same burst counts as one."""
        before = self._reported_ms
        if before is not None and at_ms - before < NEXT_MS[0]:
            return None
        self._reported_ms = at_ms
        if before is None or at_ms - before > NEXT_MS[1]:
            return None
        return self._tell(FaxSource.CHIP, at_ms - before)

    def _tell(self, source: FaxSource, after_ms: int) -> FaxCalled | None:
        if self.told:
            return None
        self.told = True
        return FaxCalled(self.line, source, after_ms)
