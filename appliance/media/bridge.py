"""Bridges: two lines, a line and a phone, two phones, three-way conference.

A conversation has one master clock: the received bytes of the line's modem, without a line a 20 ms
clock of the gateway (design/call.md, Step by step, 3). Every other member crosses a buffer.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.dsp import g711
from appliance.dsp.conceal import SlipBuffer, mixed
from appliance.dsp.wav import FRAME_SAMPLES, Law
from appliance.media.clock import BEGIN_S, EARLY_S, FORGIVEN, TICK
from appliance.media.phone_leg import PhoneLeg
from appliance.media.playback import Pcm, Player


class LineBridge:
    """One line's end of a bridge of two lines: reads the other line's sound, writes its own.

    Two slip buffers, one a way: each modem's received bytes clock what is played to it, and two
    crystals differ.
    """

    def __init__(self, heard: SlipBuffer, told: SlipBuffer) -> None:
        self._heard = heard
        self._told = told
        self._unread = b""

    def write(self, data: bytes, law: Law) -> None:
        """Write sound heard on this line, in `law`."""
        # Both ways carry mu-law: two mu-law modems lose nothing.
        self._told.write(g711.translate(data, law, Law.ULAW))

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples of the other line in `law`."""
        # A slip buffer is read in whole frames.
        while len(self._unread) < samples:
            self._unread += self._heard.read(FRAME_SAMPLES)
        data, self._unread = self._unread[:samples], self._unread[samples:]
        return g711.translate(data, Law.ULAW, law)


def bridge_lines() -> tuple[LineBridge, LineBridge]:
    """Return both ends of a new bridge of two lines."""
    one, other = SlipBuffer(Law.ULAW), SlipBuffer(Law.ULAW)
    return LineBridge(one, other), LineBridge(other, one)


class PhoneSource:
    """Sound of a phone for the line joined to it; while the phone holds, `music` repeated."""

    def __init__(self, leg: PhoneLeg, music: Sequence[Pcm]) -> None:
        self._leg = leg
        self._music = music
        self._player: Player | None = None

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples in `law`."""
        # A phone that holds may send music of its own, nothing, or the sound of its room: it is
        # not heard, whatever it sends (RFC 3264 8.4 only forbids us to send).
        if self._leg.is_holding:
            if self._player is None:
                self._player = Player("", self._music, repeat=True)
            return self._player.read(samples, law)
        if self._player is not None:
            self._player = None
            # Resumed: sound stored during the hold is not heard.
            self._leg.begin()
        return self._leg.read(samples, law)


# ---- conference: a caller and two phones, each of whom hears the sum of the two others ---------
# The caller's modem is the clock: with each piece of its sound both phones are sent theirs. The
# caller's own sound is read apart from that, as much as keeps the lead. So each phone's sound is
# taken once from its jitter buffer and read twice.

# Readers of a voice: the caller's line, and the other phone.
FOR_CALLER, FOR_PHONE = 0, 1
# A modem that missed sound leaves one reader behind by it at once, and would keep a phone late by
# it for ever.
MOST_APART = 3 * FRAME_SAMPLES
"""Most samples that one reader may be behind the other."""
BYTES = 2


class ConferenceVoice:
    """One phone's sound in 16 bits for two readers, each at its own pace."""

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
        """Discard what both have read, and what one reader is more than MOST_APART behind."""
        done = max(min(self._at), max(self._at) - MOST_APART * BYTES)
        self._sound = self._sound[done:]
        self._at = [max(0, at - done) for at in self._at]


class Conference:
    """Conversation of a line with two legs: source and sink of the line's sound.

    While both phones hold, the caller hears `music`; while one holds, the two others talk on.
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
        """Send each phone the sum of the caller's sound, in an 8-bit `law`, and the other phone."""
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


class PhoneBridge:
    """Bridge of two legs at a 20 ms clock of its own; `due_at` (monotonic s) is its next frame.

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
        """True while the arrival time of the phones' packets matters."""
        return self._is_beginning

    def has(self, leg: PhoneLeg) -> bool:
        """True for one of the two."""
        return leg in self.legs

    def break_off(self, leg: PhoneLeg) -> None:
        """Let what one of the two hears fade out beneath what it hears next."""
        if not self._is_beginning:
            leg.break_off(self._heard[1 - self.legs.index(leg)])

    def run(self, now: float) -> None:
        """Carry the frames due at `now`, after choosing where frames end."""
        if self._is_beginning:
            self._begin(now)
        if now < self.due_at - EARLY_S:
            return
        # As the gateway's ticks: a few missed frames are caught up, more are dropped (audio.md 8).
        frames = 1 + max(0, int((now - self.due_at) / TICK))
        self.due_at = self.due_at + frames * TICK if frames <= FORGIVEN else now + TICK
        for _ in range(min(frames, FORGIVEN)):
            self._carry()

    def _begin(self, now: float) -> None:
        """Choose where frames end, once both phones have sent or after BEGIN_S."""
        # In the middle of the longer pause between the two phones' packets: nearer to one, its
        # packets would be read now with this frame and now with the next, and its jitter buffer
        # would wait a frame longer for nothing.
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
    """Return a moment (s) in the middle of the longer pause between packets sent every 20 ms.

    `came` holds the arrival of one packet of each phone, one or two moments in seconds.
    """
    first, last = came[0], came[-1]
    after_first = (last - first) % TICK
    if after_first >= TICK / 2:
        return first + after_first / 2
    return last + (TICK - after_first) / 2


def next_tick_after(now: float, moment: float) -> float:
    """Return the first time after `now` that is a whole number of ticks away from `moment`."""
    return now + TICK - (now - moment) % TICK
