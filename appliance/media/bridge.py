"""Bridges: two lines, a line and a phone, two phones, three-way conference."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.dsp import g711
from appliance.dsp.conceal import SlipBuffer, mixed
from appliance.dsp.wav import FRAME_SAMPLES, Law
from appliance.media.clock import BEGIN_S, EARLY_S, FORGIVEN, TICK
from appliance.media.phone_leg import PhoneLeg
from appliance.media.playback import Pcm, Player

# ---- across ------------------------------------------------------------------------------------
# Two analog lines joined: each is the other's source, across two slip buffers, one a way.
#
# Each modem's own received bytes are the clock of what is played to it; two crystals differ.


class LineBridge:
    """The other line as a line meets it: its sound is read here, what it is to hear written.

    Both ways carry mu-law, so that two mu-law modems lose nothing.
    """

    def __init__(self, heard: SlipBuffer, told: SlipBuffer) -> None:
        self._heard = heard
        self._told = told
        self._unread = b""

    def write(self, data: bytes, law: Law) -> None:
        """Take what was heard on this line."""
        self._told.write(g711.translate(data, law, Law.ULAW))

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples of the other line; slip buffers are read in frames."""
        while len(self._unread) < samples:
            self._unread += self._heard.read(FRAME_SAMPLES)
        data, self._unread = self._unread[:samples], self._unread[samples:]
        return g711.translate(data, Law.ULAW, law)


def bridge_lines() -> tuple[LineBridge, LineBridge]:
    """Make both ends."""
    one, other = SlipBuffer(Law.ULAW), SlipBuffer(Law.ULAW)
    return LineBridge(one, other), LineBridge(other, one)


# ---- joined ------------------------------------------------------------------------------------
# What a caller hears of the phone it is joined to: its voice, or the office's hold music.
#
# While a phone holds the caller it may send music of its own, nothing at all, or the room around
# it: so it is not heard then, whatever it sends (RFC 3264 8.4 says only that we must not send).


class PhoneSource:
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


# ---- three -------------------------------------------------------------------------------------
# A caller and two phones of the office: each hears the sum of the two others, nobody itself.
#
# The clock is the caller's modem as ever: with each piece of its sound both phones are given
# theirs. What the caller is to hear is asked for apart from that, as much as keeps the lead; so
# each phone's sound is taken once from its jitter buffer and read twice.

FOR_CALLER, FOR_PHONE = 0, 1
"""Who reads a voice: the caller's line, and the other phone."""
MOST_APART = 3 * FRAME_SAMPLES
"""Samples that one reader may be behind the other; a modem that missed some sound leaves more
behind at once, and would keep a phone late by it for ever."""
BYTES = 2


class ConferenceVoice:
    """One phone's sound in 16 bits, read by two at their own pace."""

    def __init__(self, leg: PhoneLeg) -> None:
        self.leg = leg
        self._joined = PhoneSource(leg, ())
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


class Conference:
    """The conversation of a line with two legs: the line's source, and what its sound goes to.

    While both phones hold, the caller hears `music`; while one does, the two others talk on.
    """

    def __init__(self, one: PhoneLeg, other: PhoneLeg, music: Sequence[Pcm]) -> None:
        self.legs = (one, other)
        self.music = music
        self._voices = (ConferenceVoice(one), ConferenceVoice(other))
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


# ---- two phones --------------------------------------------------------------------------------
# Two phones joined: no modem between them, so a 20 ms clock of the carrier's own is theirs.
#
# Its frames end in the middle of the longer pause between the two phones' packets: nearer to one,
# its packets would be read now with this frame and now with the next, and its jitter buffer would
# wait a frame longer for nothing.


class PhoneBridge:
    """Carries the sound of two legs to each other; `due_at` (monotonic s) is its next frame.

    While one of them holds, the other hears `music`, as a caller on a line does.
    """

    def __init__(
        self, one: PhoneLeg, other: PhoneLeg, now: float, music: Sequence[Pcm] = ()
    ) -> None:
        self.legs = (one, other)
        self.due_at = now + BEGIN_S
        self._joined_at = now
        self._is_beginning = True
        self._heard = (PhoneSource(one, music), PhoneSource(other, music))
        for leg in self.legs:
            leg.begin()
            leg.last_heard = now

    @property
    def is_beginning(self) -> bool:
        """True while it matters when exactly the phones' packets come."""
        return self._is_beginning

    def has(self, leg: PhoneLeg) -> bool:
        """True for one of the two."""
        return leg in self.legs

    def run(self, now: float) -> None:
        """Do what is due at `now`: choose when frames end, then give each phone the other's."""
        if self._is_beginning:
            self._begin(now)
        if now < self.due_at - EARLY_S:
            return
        frames = 1 + max(0, int((now - self.due_at) / TICK))
        self.due_at = self.due_at + frames * TICK if frames <= FORGIVEN else now + TICK
        for _ in range(min(frames, FORGIVEN)):
            self._carry()

    def _begin(self, now: float) -> None:
        """Choose once both phones have sent since they were joined, or one would not."""
        came = [leg.came_at for leg in self.legs if leg.came_at > self._joined_at]
        if len(came) < len(self.legs) and now < self.due_at - EARLY_S:
            return
        self._is_beginning = False
        self.due_at = next_tick_after(now, middle_of_pause(came or [now]))

    def _carry(self) -> None:
        one, other = self.legs
        of_one, of_other = self._heard
        heard = of_one.read(FRAME_SAMPLES, one.law)
        one.write(of_other.read(FRAME_SAMPLES, other.law), other.law)
        other.write(heard, one.law)


def middle_of_pause(came: Sequence[float]) -> float:
    """Return a moment in the middle of the longer pause between packets that come every 20 ms.

    `came` is when one of each phone came, one or two moments in seconds.
    """
    first, last = came[0], came[-1]
    after_first = (last - first) % TICK
    if after_first >= TICK / 2:
        return first + after_first / 2
    return last + (TICK - after_first) / 2


def next_tick_after(now: float, moment: float) -> float:
    """Return the first time after `now` that is whole ticks away from a moment."""
    return now + TICK - (now - moment) % TICK
