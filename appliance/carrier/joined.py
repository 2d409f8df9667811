"""What a caller hears of the phone it is joined to: its voice, or the office's hold music.

While a phone holds the caller it may send music of its own, nothing at all, or the room around it:
so it is not heard then, whatever it sends (RFC 3264 8.4 says only that we must not send).
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.carrier.phone import PhoneLeg
from appliance.carrier.player import Pcm, Player
from appliance.dsp.wav import Law


class Joined:
    """The source of a line that is joined to `leg`; `music` is played round and round on hold."""

    def __init__(self, leg: PhoneLeg, music: Sequence[Pcm]) -> None:
        self._leg = leg
        self._music = music
        self._player: Player | None = None

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples in `law`; resumed, no sound of the hold's is heard."""
        if self._leg.is_holding:
            if self._player is None:
                self._player = Player("", self._music, repeat=True)
            return self._player.read(samples, law)
        if self._player is not None:
            self._player = None
            self._leg.begin()
        return self._leg.read(samples, law)
