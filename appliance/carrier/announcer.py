"""What is played to a leg that called the box: paced by the carrier's own tick."""

from __future__ import annotations

from appliance.carrier.phone import PhoneLeg
from appliance.carrier.player import Pcm, Player
from appliance.media.frames import FRAME_SAMPLES


class Announcer:
    """Sends one frame a tick until its prompts have been played; on hold, without `play`, for ever.

    On hold it goes on until another order comes: nobody waits to hear of its end.
    """

    def __init__(self, play: str, leg: PhoneLeg, sounds: list[Pcm]) -> None:
        self.play = play
        self.leg = leg
        self._player = Player(play, sounds, repeat=not play)

    def tick(self) -> bool:
        """Send the next frame; returns True once nothing is left."""
        if not self.leg.agreed:
            return False
        self.leg.write(self._player.read(FRAME_SAMPLES, self.leg.law), self.leg.law)
        return self._player.ended
