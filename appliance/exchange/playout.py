"""The modem's buffer of sound to play, and its watch over silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.sound import SAMPLE_RATE, is_quiet, silence

if TYPE_CHECKING:
    from appliance.exchange.codec import Codec

CAPACITY_MS = 1000


class Playout:
    """Holds what the host sent until the codec plays it; a second of sound at most.

    Nothing is starved before the first byte came or after the host said ETX.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._bytes = bytearray()
        self._starved = True
        self.ended = False
        self.paused = False

    @property
    def fill_ms(self) -> float:
        """Milliseconds of sound waiting."""
        return self.ms(len(self._bytes))

    @property
    def room(self) -> int:
        """Bytes that still fit."""
        capacity = CAPACITY_MS * SAMPLE_RATE * self._codec.width // 1000
        return max(capacity - len(self._bytes), 0)

    @property
    def drained(self) -> bool:
        """True when the host has ended the stream and all of it was played."""
        return self.ended and not self._bytes

    def ms(self, count: int) -> float:
        """Turn bytes of the stream's format into ms."""
        return count * 1000 / (SAMPLE_RATE * self._codec.width)

    def add(self, data: bytes) -> None:
        """Take sound from the host; after its end nothing more is sound."""
        if self.ended or not data:
            return
        self._bytes += data
        self._starved = False

    def encode(self, sound: bytes) -> bytes:
        """Turn the line's mu-law into the stream's format."""
        return self._codec.from_line(sound)

    def clear(self) -> None:
        """Throw away what waits (DLE CAN)."""
        self._bytes.clear()
        self._starved = True

    def take(self, n: int) -> tuple[bytes, bool]:
        """Give n samples as mu-law and whether the buffer has just run dry."""
        if self.paused:
            return silence(n), False
        wanted = n * self._codec.width
        chunk = bytes(self._bytes[:wanted])
        del self._bytes[:wanted]
        if len(chunk) == wanted:
            return self._codec.to_line(chunk), False
        whole = len(chunk) - len(chunk) % self._codec.width
        sound = self._codec.to_line(chunk[:whole])
        ran_dry = not self._starved and not self.ended
        self._starved = True
        return sound + silence(n - len(sound)), ran_dry


class SilenceWatch:
    """Finds the silences of +VSD: `s` when no voice was heard at all, `q` when it has stopped.

    `limit` is in samples, 0 for never.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._quiet = 0
        self._voice = False

    def hear(self, sound: bytes) -> str:
        """Take mu-law sound; give the event's letter at the moment it is due, else nothing."""
        if not self._limit:
            return ""
        if not is_quiet(sound):
            self._quiet, self._voice = 0, True
            return ""
        before, self._quiet = self._quiet, self._quiet + len(sound)
        if before < self._limit <= self._quiet:
            return "q" if self._voice else "s"
        return ""
