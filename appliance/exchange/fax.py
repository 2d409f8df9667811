"""A fax machine as a caller: 1100 Hz for half a second every three and a half (ITU-T T.30, CNG)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.signals import FaxToneHeard
from appliance.exchange.sound import Loop, samples, silence, sine

if TYPE_CHECKING:
    from appliance.exchange.signals import Signal

TONE_HZ, LEVEL_DBM0 = 1100.0, -13.0
ON_MS, OFF_MS = 500, 3000
PERIOD = samples(ON_MS + OFF_MS)
RECOGNISED = samples(400)
"""The chip names a burst once it has lasted so long."""


class FaxMachine:
    """Sends its calling tone for ever, a burst first."""

    def __init__(self) -> None:
        burst = sine(((TONE_HZ, LEVEL_DBM0),), samples(ON_MS))
        self._loop = Loop(burst + silence(samples(OFF_MS)))
        self._at = 0

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples (less than a period) and what the chip makes of them."""
        begin, self._at = self._at % PERIOD, self._at + n
        heard = begin < RECOGNISED <= begin + n
        return self._loop.take(n), [FaxToneHeard()] if heard else []
