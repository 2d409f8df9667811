"""Two phones joined: no modem between them, so the carrier's own 20 ms tick is their clock."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.carrier.joined import Joined
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.player import Pcm
from appliance.media.frames import FRAME_SAMPLES


class TwoPhones:
    """Carries the sound of two legs to each other, one frame a tick.

    While one of them holds, the other hears `music`, as a caller on a line does.
    """

    def __init__(
        self, one: PhoneLeg, other: PhoneLeg, now: float, music: Sequence[Pcm] = ()
    ) -> None:
        self.legs = (one, other)
        self._heard = (Joined(one, music), Joined(other, music))
        for leg in self.legs:
            leg.begin()
            leg.last_heard = now

    def has(self, leg: PhoneLeg) -> bool:
        """True for one of the two."""
        return leg in self.legs

    def tick(self) -> None:
        """Give each what the other one says."""
        one, other = self.legs
        of_one, of_other = self._heard
        heard = of_one.read(FRAME_SAMPLES, one.law)
        one.write(of_other.read(FRAME_SAMPLES, other.law), other.law)
        other.write(heard, one.law)
