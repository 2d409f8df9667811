"""Packets of one RTP stream: believed or not, their timestamps unwrapped, put back in order.

Jumps of timestamp or source are believed when two packets agree (RFC 3550 appendix A.1), and
nothing of the new numbering is lost by waiting for the second.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass

REPLAY = 128
"""Sequence numbers remembered: a packet that comes twice says nothing about the network."""


@dataclass(frozen=True, slots=True, order=True)
class Packet:
    """`at` is the timestamp of its first sample, `sound` one byte a sample."""

    at: int
    sequence: int
    sound: bytes
    source: int = 0

    @property
    def end(self) -> int:
        """The timestamp after its last sample."""
        return self.at + len(self.sound)

    def placed(self, near: int) -> Packet:
        """Return it with its 32-bit timestamp not wrapped: the one nearest to `near`."""
        away = (self.at - near + (1 << 31)) % (1 << 32) - (1 << 31)
        return Packet(near + away, self.sequence, self.sound, self.source)

    def follows(self, other: Packet | None) -> bool:
        """Whether it was sent next after another of its source."""
        return (
            other is not None
            and self.source == other.source
            and self.sequence == (other.sequence + 1) % (1 << 16)
        )


class Source:
    """Tells whose packets are believed."""

    def __init__(self) -> None:
        self.last: Packet | None = None
        self._suspect: Packet | None = None
        self._seen: deque[int] = deque(maxlen=REPLAY)

    def knows(self, packet: Packet) -> bool:
        """Whether a packet of the believed source came before."""
        is_ours = self.last is not None and packet.source == self.last.source
        return is_ours and packet.sequence in self._seen

    def passes(self, packet: Packet) -> None:
        """Note a packet of the believed source that brought no sound: it is not missing."""
        if self.last is not None and packet.source == self.last.source:
            self._seen.append(packet.sequence)

    def missing(self, before: Packet, packet: Packet) -> int:
        """Count the packets sent between two that never came; at most as many as are remembered."""
        between = (packet.sequence - before.sequence - 1) % (1 << 16)
        numbers = (before.sequence + 1 + n for n in range(min(between, REPLAY)))
        return sum(number % (1 << 16) not in self._seen for number in numbers)

    def believes(self, packet: Packet, is_jump: bool) -> tuple[Packet, ...]:
        """Return what may be taken now: the packet, it and the one it confirms, or nothing.

        `is_jump` says that its timestamp is out of reach of what went before.
        """
        last, suspect = self.last, self._suspect
        is_ours = last is None or packet.source == last.source
        if is_ours and (not is_jump or packet.follows(last)):
            return self._taken(packet)
        if suspect is not None and packet.follows(suspect):
            self._seen.clear()
            return self._taken(suspect, packet)
        self._suspect = packet
        return ()

    def _taken(self, *packets: Packet) -> tuple[Packet, ...]:
        self.last, self._suspect = packets[-1], None
        self._seen.extend(one.sequence for one in packets)
        return packets


class Store:
    """Packets in the order of their timestamps; `play` is the timestamp of the next sample out."""

    def __init__(self, play: int) -> None:
        self.play = play
        self._packets: list[Packet] = []

    @property
    def first(self) -> Packet | None:
        """The packet whose turn is next."""
        return self._packets[0] if self._packets else None

    @property
    def last(self) -> Packet | None:
        """The packet with the newest sound."""
        return self._packets[-1] if self._packets else None

    @property
    def end(self) -> int:
        """The timestamp after the newest sound: a long packet may outlast a later, short one."""
        return max((one.end for one in self._packets), default=self.play)

    @property
    def ahead(self) -> int:
        """Samples from the next one out to the newest, gaps included."""
        return self.end - self.play

    @property
    def gap(self) -> int:
        """Samples that are missing before the next that is there."""
        return max(0, self._packets[0].at - self.play) if self._packets else 0

    def put(self, packet: Packet) -> None:
        """Take a packet that ends beyond `play`; of two with one timestamp the first stays."""
        if not any(packet.at == one.at for one in self._packets):
            insort(self._packets, packet)

    def take(self, most: int) -> bytes:
        """Return the next samples out, at least one; there is no gap before them."""
        first = self._packets[0]
        start = self.play - first.at
        piece = first.sound[start : start + most]
        self.go(self.play + len(piece))
        return piece

    def peek(self, most: int) -> bytes:
        """Return up to `most` of the next samples that are there without a gap."""
        out, at = b"", self.play
        for one in self._packets:
            if one.at > at or len(out) >= most:
                break
            out += one.sound[at - one.at :]
            at = max(at, one.end)
        return out[:most]

    def go(self, play: int) -> None:
        """Move on (or back) to another timestamp and forget what lies before it."""
        self.play = play
        while self._packets and self._packets[0].end <= play:
            del self._packets[0]
