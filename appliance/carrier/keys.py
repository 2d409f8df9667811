"""One press, one key: the chip and our own detector both hear the caller's digits.

Each source's n-th press is the same press as the other's; a press counts when a source is ahead
of what was told. After a pause both start from the same count again, so that a digit only one of
them heard is forgotten.
"""

from __future__ import annotations

from appliance.calls.events import DigitSource

PAUSE = 1.0
"""Seconds without a press after which the sources are taken to agree."""


class Keys:
    """Merges the two sources' presses of one call."""

    def __init__(self) -> None:
        self._counts: dict[DigitSource, int] = {}
        self._told = 0
        self._last = float("-inf")

    def press(self, source: DigitSource, now: float) -> bool:
        """Note a press by `source` at `now`; returns True when it is a new one."""
        if now - self._last > PAUSE:
            self._counts.clear()
            self._told = 0
        self._last = now
        self._counts[source] = self._counts.get(source, 0) + 1
        new = self._counts[source] > self._told
        self._told = max(self._told, self._counts[source])
        return new
