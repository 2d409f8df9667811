"""RTP packets and telephone events as bytes (RFC 3550 section 5.1, RFC 4733 section 2.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from appliance.errors import PeerError

FRAME = 160
"""Samples, and bytes of G.711, in a frame of 20 ms."""
KEYS = "0123456789*#ABCD"
"""Event codes 0 to 15 (RFC 4733 section 3.2)."""
VOLUME = 10
"""Power of a key in -dBm0."""
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet; `timestamp` in samples."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def encode(self) -> bytes:
        """Return the datagram."""
        second = self.payload_type | (0x80 if self.marker else 0)
        head = _HEADER.pack(0x80, second, self.sequence, self.timestamp, self.ssrc)
        return head + self.payload


def parse(datagram: bytes) -> Packet:
    """Return the packet in a datagram, its extension and padding taken off; raises PeerError."""
    if len(datagram) < _HEADER.size or datagram[0] >> 6 != 2:
        raise PeerError("not an RTP packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(datagram) < start + 4:
            raise PeerError("an RTP packet cut short in its extension")
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    end = len(datagram) - (datagram[-1] if first & 0x20 else 0)
    if end < start:
        raise PeerError("an RTP packet cut short")
    return Packet(
        second & 0x7F, sequence, timestamp, ssrc, datagram[start:end], bool(second & 0x80)
    )


def event(key: str, duration: int, is_end: bool) -> bytes:
    """Return the payload of a telephone event: `duration` in samples so far."""
    return _EVENT.pack(KEYS.index(key), VOLUME | (0x80 if is_end else 0), duration)


def key_in(payload: bytes) -> str | None:
    """Return the key a telephone event is about; None for an event that is no key."""
    if len(payload) < _EVENT.size or payload[0] >= len(KEYS):
        return None
    return KEYS[payload[0]]
