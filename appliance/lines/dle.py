"""DLE shielding, both ways: how events travel between the samples of a voice stream (v253.md 2)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

DLE = 0x10
ETX = 0x03
SUB = 0x1A
_DLE = bytes((DLE,))
_PACKET_OPEN = ord("X")
_PACKET_CLOSE = ord(".")
PACKET_LIMIT = 512
"""Bytes after which a report that does not end is given up: what follows is sound again."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Bytes that are no event: samples in a stream, text outside of one."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Code:
    """A simple event: the character behind DLE, e.g. "b", "5", "/", "~"."""

    code: str


@dataclass(frozen=True, slots=True)
class Packet:
    """A complex report, DLE X ... DLE . (caller id, distinctive ring), without its brackets."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """DLE ETX: the modem's stream ends here; its final result follows as text."""


Item = Plain | Code | Packet | End


def shield(samples: bytes) -> bytes:
    """Double every DLE, so that no sample is taken for a command (v253.md 2.2)."""
    return samples.replace(_DLE, _DLE + _DLE)


class _Where(enum.Enum):
    """Where in the shielding the next byte lies."""

    DATA = enum.auto()
    ESCAPE = enum.auto()  # behind a DLE
    PACKET = enum.auto()  # in a report
    PACKET_ESCAPE = enum.auto()  # behind a DLE in a report


class Unshielder:
    """Takes the modem's bytes apart into samples and events, wherever they are split.

    An unknown code costs its two bytes and no sample. A report without an end costs at most
    `PACKET_LIMIT` bytes; one broken by another event is dropped and the event is kept.
    """

    def __init__(self) -> None:
        self._where = _Where.DATA
        self._plain = bytearray()
        self._packet = bytearray()
        self._items: list[Item] = []

    def feed(self, data: bytes) -> list[Item]:
        """Return what `data` completes, in order; neighbouring plain bytes in one piece."""
        at = 0
        while at < len(data):
            at = _STEPS[self._where](self, data, at)
        self._flush()
        items, self._items = self._items, []
        return items

    def is_plain(self, data: bytes) -> bool:
        """Tell whether nothing but samples lies in `data` and before: most pieces of a stream."""
        return self._where is _Where.DATA and _DLE not in data

    def reset(self) -> None:
        """Forget a half-read event (the port was reopened)."""
        self._where = _Where.DATA
        self._packet.clear()

    def _flush(self) -> None:
        if self._plain:
            self._items.append(Plain(bytes(self._plain)))
            self._plain.clear()

    def _emit(self, item: Item) -> None:
        self._flush()
        self._items.append(item)

    def _data(self, data: bytes, at: int) -> int:
        end = data.find(_DLE, at)
        if end < 0:
            self._plain += data[at:]
            return len(data)
        self._plain += data[at:end]
        self._where = _Where.ESCAPE
        return end + 1

    def _escape(self, data: bytes, at: int) -> int:
        byte = data[at]
        self._where = _Where.DATA
        if byte == DLE:
            self._plain.append(DLE)
        elif byte == SUB:  # "two 0x10 data bytes" (v253.md 2.1)
            self._plain += _DLE + _DLE
        elif byte == ETX:
            self._emit(End())
        elif byte == _PACKET_OPEN:
            self._where = _Where.PACKET
        else:
            self._emit(Code(chr(byte)))
        return at + 1

    def _in_packet(self, data: bytes, at: int) -> int:
        stop = min(len(data), at + PACKET_LIMIT - len(self._packet))
        end = data.find(_DLE, at, stop)
        if end >= 0:
            self._packet += data[at:end]
            self._where = _Where.PACKET_ESCAPE
            return end + 1
        self._packet += data[at:stop]
        if len(self._packet) >= PACKET_LIMIT:
            self.reset()
        return stop

    def _packet_escape(self, data: bytes, at: int) -> int:
        byte = data[at]
        if byte == DLE:
            self._packet.append(DLE)
            self._where = _Where.PACKET
        elif byte == _PACKET_CLOSE:
            self._emit(Packet(bytes(self._packet)))
            self.reset()
        else:
            self.reset()
            return self._escape(data, at)
        return at + 1


_STEPS = {
    _Where.DATA: Unshielder._data,
    _Where.ESCAPE: Unshielder._escape,
    _Where.PACKET: Unshielder._in_packet,
    _Where.PACKET_ESCAPE: Unshielder._packet_escape,
}
