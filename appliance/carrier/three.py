"""A caller and two phones of the office: each hears the sum of the two others, nobody itself.

The clock is the caller's modem as ever: with each piece of its sound both phones are given theirs.
What the caller is to hear is asked for apart from that, as much as keeps the lead; so each phone's
sound is taken once from its jitter buffer and read twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.carrier.joined import Joined
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.player import Pcm, Player
from appliance.dsp import g711
from appliance.dsp.conceal import mixed
from appliance.dsp.wav import FRAME_SAMPLES, Law

FOR_CALLER, FOR_PHONE = 0, 1
"""Who reads a voice: the caller's line, and the other phone."""
MOST_APART = 3 * FRAME_SAMPLES
"""Samples that one reader may be behind the other; a modem that missed some sound leaves more
behind at once, and would keep a phone late by it for ever."""
BYTES = 2


class Voice:
    """One phone's sound in 16 bits, read by two at their own pace."""

    def __init__(self, leg: PhoneLeg) -> None:
        self.leg = leg
        self._joined = Joined(leg, ())
        self._sound = b""
        self._at = [0, 0]

    def read(self, reader: int, samples: int) -> bytes:
        """Return the next `samples` for one reader; silence while the phone holds."""
        begin = self._at[reader]
        end = begin + samples * BYTES
        missing = end - len(self._sound)
        if missing > 0:
            self._sound += self._joined.read(missing // BYTES, Law.LINEAR16)
        part = self._sound[begin:end]
        self._at[reader] = end
        self._forget()
        return part

    def _forget(self) -> None:
        """Drop what both have read, and what one of them has left for too long."""
        done = max(min(self._at), max(self._at) - MOST_APART * BYTES)
        self._sound = self._sound[done:]
        self._at = [max(0, at - done) for at in self._at]


class Three:
    """The conversation of a line with two legs: the line's source, and what its sound goes to.

    While both phones hold, the caller hears `music`; while one does, the two others talk on.
    """

    def __init__(self, one: PhoneLeg, other: PhoneLeg, music: Sequence[Pcm]) -> None:
        self.legs = (one, other)
        self.music = music
        self._voices = (Voice(one), Voice(other))
        self._player = Player("", music, repeat=True)

    def without(self, leg: PhoneLeg) -> PhoneLeg:
        """Return the other one of the two phones."""
        one, other = self.legs
        return other if leg is one else one

    def write(self, data: bytes, law: Law) -> None:
        """Take a piece of the caller's sound in an 8-bit `law`; each phone is sent its own sum."""
        caller = g711.decode(data, law)
        heard = [voice.read(FOR_PHONE, len(data)) for voice in self._voices]
        for leg, other in zip(self.legs, reversed(heard), strict=True):
            leg.write(mixed(caller, other), Law.LINEAR16)

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples of both phones together in `law`."""
        if all(leg.is_holding for leg in self.legs):
            return self._player.read(samples, law)
        one, other = (voice.read(FOR_CALLER, samples) for voice in self._voices)
        return g711.encode(mixed(one, other), law)
