"""Two phones joined: no modem between them, so the carrier's own 20 ms tick is their clock."""

from __future__ import annotations

from appliance.carrier.phone import PhoneLeg
from appliance.media.frames import FRAME_SAMPLES


class TwoPhones:
    """Carries the sound of two legs to each other, one frame a tick."""

    def __init__(self, one: PhoneLeg, other: PhoneLeg, now: float) -> None:
        self.legs = (one, other)
        for leg in self.legs:
            leg.begin()
            leg.last_heard = now

    def has(self, leg: PhoneLeg) -> bool:
        """True for one of the two."""
        return leg in self.legs

    def tick(self) -> None:
        """Give each what the other one says."""
        one, other = self.legs
        heard = one.read(FRAME_SAMPLES, one.law)
        one.write(other.read(FRAME_SAMPLES, other.law), other.law)
        other.write(heard, one.law)
