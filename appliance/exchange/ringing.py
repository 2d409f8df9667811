"""The bell and the caller's identity before the answer (v253.md sections 3 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange import fsk
from appliance.exchange.signals import IdentitySent, Rang, Signal
from appliance.exchange.sound import samples, silence, slice_at

if TYPE_CHECKING:
    from appliance.exchange.call import CallPlan
    from appliance.exchange.country import Country

RECOGNISED = samples(200)
"""The modem calls a burst a ring after 200 ms of it."""

AFTER_BURST = samples(700)
"""Identity starts 500-2000 ms after the first burst (EN 300 659-1, v253.md 3)."""

ALERT_GAP = samples(70)
BEFORE_RING = samples(300)
"""At least 200 ms lie between an identity and the ring that follows it."""


class Ringing:
    """The line from the placing of a call until somebody answers; time in samples."""

    def __init__(self, country: Country, plan: CallPlan) -> None:
        self._country = country
        self._period = samples(sum(country.ring))
        self._identity = plan.identity
        self._clip, self._clip_at = b"", 0
        self._lead = 0
        self._clock = 0
        self.burst_began = False
        self._rings = plan.rings
        if self._identity is not None:
            before = (plan.id_order or country.id_order) == "before"
            self._send(fsk.message(self._identity), before=before)

    def _send(self, message: bytes, *, before: bool) -> None:
        sound = fsk.modulate(message, self._country.caller_id)
        if before:
            self._clip = fsk.alert() + silence(ALERT_GAP) + sound
            self._lead = len(self._clip) + BEFORE_RING
            return
        burst = sum(self._country.ring[:-1])
        self._clip, self._clip_at = sound, samples(burst) + AFTER_BURST

    @property
    def given_up(self) -> bool:
        """True when the caller has heard all the rings it waits for."""
        return self._clock >= self._lead + self._rings * self._period

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what lies on the pair besides ringing current, and the signals."""
        begin = self._clock
        self._clock += n
        since = begin - self._lead
        self.burst_began = since + n > 0 and -since % self._period < n
        signals: list[Signal] = []
        if self._clip and begin < self._clip_at + len(self._clip) <= self._clock and self._identity:
            signals.append(IdentitySent(self._identity))
        since -= RECOGNISED
        if since + n > 0 and -since % self._period < n:
            signals.append(Rang(self._country.ring[0], self._country.ring[1]))
        return slice_at(self._clip, self._clip_at, begin, n), signals
