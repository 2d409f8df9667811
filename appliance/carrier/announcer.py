"""What is played to a leg that called the box: paced by the carrier's own tick."""

from __future__ import annotations

from appliance.carrier.leg_keys import LegKeys, Press
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.player import Pcm, Player
from appliance.dsp.wav import FRAME_SAMPLES, Law


class Announcer:
    """Sends one frame a tick until its prompts have been played; on hold, without `play`, for ever.

    On hold it goes on until another order comes: nobody waits to hear of its end. `press` is told
    the keys in the leg's own sound meanwhile.
    """

    def __init__(
        self, play: str, leg: PhoneLeg, sounds: list[Pcm], press: Press | None = None
    ) -> None:
        self.play = play
        self.leg = leg
        self._player = Player(play, sounds, repeat=not play)
        self._keys = LegKeys(press) if press else None
        if press:
            leg.begin()  # keys that lie in store were pressed for something else

    def tick(self) -> bool:
        """Send the next frame; returns True once nothing is left."""
        if not self.leg.agreed:
            return False
        if self._keys is not None:
            self._keys.hear(self.leg.read(FRAME_SAMPLES, Law.LINEAR16))
        self.leg.write(self._player.read(FRAME_SAMPLES, self.leg.law), self.leg.law)
        return bool(self.play) and self._player.ended
