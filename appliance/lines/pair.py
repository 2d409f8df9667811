"""What lies on a line's pair of wires while its modem is idle: measured, and believed when twice.

A ring, a cable being plugged or a telephone that dials by pulses can make any single reading.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.calls.events import LineCondition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.lines.dialects import Probe

SOON_MS = 1000
"""After a call, and after a reading that differs from what is believed, it is asked so soon."""
FALSE_PICKUP_S = 8.0
"""A lifted telephone ends the ringing: a bell within two cadences of a pick-up refutes it."""


class Pair:
    """The condition of one line's pair; `news` is true from a change until it was told."""

    def __init__(self) -> None:
        self.condition = LineCondition.UNKNOWN
        self.news = False
        self._seen = LineCondition.UNKNOWN
        self._mute = False
        self._picked_up_at = float("-inf")
        self._trusts_pickups = True

    def wait_ms(self, probe: Probe | None, otherwise_ms: int) -> int:
        """Say in how many ms to ask again; `otherwise_ms` where there is nothing to ask for."""
        if probe is None or self._mute:
            return otherwise_ms
        if self._seen is not self.condition or self.condition is LineCondition.UNKNOWN:
            return SOON_MS
        return probe.every_ms if self.condition is LineCondition.FREE else probe.again_ms

    def read(self, probe: Probe | None, reply: Iterable[str]) -> None:
        """Take the answer to a probe; a modem that gives none is not asked so often again."""
        reading = condition_of(probe, reply) if probe else LineCondition.UNKNOWN
        self._mute = reading is LineCondition.UNKNOWN
        if reading is self._seen and reading is not self.condition:
            self.condition, self.news = reading, True
        self._seen = reading

    def rang(self, now: float) -> None:
        """The bell rang: there is a line, and nobody else has it; what was believed is over."""
        if now - self._picked_up_at < FALSE_PICKUP_S:
            self._trusts_pickups = False
        self.condition = self._seen = LineCondition.UNKNOWN
        self.news = False

    def picked_up(self, now: float, probe: Probe | None) -> bool:
        """Another telephone was lifted, says the modem; False when it was caught inventing that.

        Whether it is put down again only a probe can tell: without one it is unknown at once.
        """
        self._picked_up_at = now
        if self._trusts_pickups and probe is not None:
            self.condition = self._seen = LineCondition.IN_USE
            self.news = True
        return self._trusts_pickups


def condition_of(probe: Probe, reply: Iterable[str]) -> LineCondition:
    """Turn the volts of a probe's answer into a condition; UNKNOWN where there are none."""
    found = next((m for line in reply if (m := re.match(probe.answer, line.strip()))), None)
    if found is None:
        return LineCondition.UNKNOWN
    volts = float(found[1])
    if volts < probe.no_line:
        return LineCondition.NO_LINE
    return LineCondition.IN_USE if volts < probe.in_use else LineCondition.FREE
