"""RTP packets as values: building, parsing, and RFC 4733 keys.

No clock, no socket and no pyVoIP: the media gateway imports this (design/imports.md). A packet from
the LAN may hold anything; nothing here raises for its content.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from appliance.dsp.wav import FRAME_SAMPLES, SAMPLES_PER_MS

Address = tuple[str, int]
"""IPv4 address and UDP port."""

HEADER = struct.Struct("!BBHII")
VERSION = 2
# First byte of a packet without CSRC, extension or padding: phones send this one.
PLAIN = VERSION << 6
# RFC 4733 2.3: event, E and R bits with volume, duration in samples.
EVENT = struct.Struct("!BBH")
# Events 0-15 are DTMF; 16 is a hook flash, the R key (RFC 4733 3.2, table 3).
EVENT_DIGITS = "0123456789*#ABCDR"
END = 0x80
# -10 dBm0, as phones commonly send; the far end plays it at its own level.
EVENT_VOLUME = 10
# RFC 4733 2.5.1.3: a longer event is sent as segments, each with a timestamp of its own.
LONGEST_EVENT = 0xFFFF
REMEMBERED_EVENTS = 8
# RFC 3550 A.1: how far a sequence number may be ahead of the last one, or behind it.
MAX_DROPOUT, MAX_MISORDER = 3000, 100
# Seconds: a source heard within this time is the phone's; another one beside it is forged.
SILENT_S = 0.5


class RtpPacket(NamedTuple):
    """One RTP packet (RFC 3550 5.1); `timestamp` counts samples of 8 kHz.

    A NamedTuple: fifty a second and phone are made, each in a third of a frozen dataclass's time.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def build(packet: RtpPacket) -> bytes:
    """Write a packet without CSRC, extension or padding (RFC 3550 5.1)."""
    marker_and_type = packet.marker << 7 | packet.payload_type
    header = HEADER.pack(PLAIN, marker_and_type, packet.sequence, packet.timestamp, packet.ssrc)
    return header + packet.payload


def parse(data: bytes) -> RtpPacket | None:
    """Read a datagram; None when it is no RTP packet (RFC 3550 appendix A.1)."""
    if len(data) < HEADER.size or data[0] >> 6 != VERSION:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    # The short way for the plainest packet: a frame costs what it touches (docs/design/sound.md).
    if first == PLAIN:
        return RtpPacket(
            second & 0x7F, sequence, timestamp, ssrc, data[HEADER.size :], second > 0x7F
        )
    # CSRC list.
    start = HEADER.size + 4 * (first & 0x0F)
    # Header extension: its length in words is in its second half. pyVoIP plays it as sound
    # (pyvoip.md 3).
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    end = len(data)
    # Padding: the last byte counts itself.
    if first & 0x20:
        end -= data[-1]
        if not data[-1]:
            return None
    if start > end:
        return None
    return RtpPacket(
        second & 0x7F, sequence, timestamp, ssrc, data[start:end], marker=bool(second & 0x80)
    )


@dataclass(slots=True)
class RtpSender:
    """Numbers the packets of one stream; the three start values are random (RFC 3550 5.1)."""

    ssrc: int
    sequence: int
    timestamp: int

    def packet(self, payload_type: int, payload: bytes, marker: bool = False) -> bytes:
        """Return the next packet; `payload` holds one byte a sample (G.711).

        `marker` is set on the first packet after a silence (RFC 3551 4.1).
        """
        data = self._numbered(payload_type, payload, marker)
        self.skip(len(payload))
        return data

    def skip(self, samples: int) -> None:
        """Leave `samples` unsent: the next timestamp counts them."""
        self.timestamp = (self.timestamp + samples) & 0xFFFFFFFF

    def digit(self, payload_type: int, digit: str, duration_ms: int = 100) -> tuple[bytes, ...]:
        """Return the packets of one key press, to be sent one each 20 ms (RFC 4733 2.5.1).

        Raises ValueError for a character that is no key.
        """
        event = EVENT_DIGITS.index(digit)
        total = min(duration_ms * SAMPLES_PER_MS, LONGEST_EVENT)
        # RFC 4733 2.5.1.4: the last packet is sent three times in all, since any may be lost.
        lengths = [*range(FRAME_SAMPLES, total, FRAME_SAMPLES), total, total, total]
        packets = [
            self._numbered(payload_type, _event(event, length, length == total), number == 0)
            for number, length in enumerate(lengths)
        ]
        self.skip(total)
        return tuple(packets)

    def _numbered(self, payload_type: int, payload: bytes, marker: bool) -> bytes:
        marked = marker << 7 | payload_type
        header = HEADER.pack(PLAIN, marked, self.sequence, self.timestamp, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        return header + payload


def _event(event: int, duration: int, end: bool) -> bytes:
    return EVENT.pack(event, (END if end else 0) | EVENT_VOLUME, duration)


class RtpReceived(NamedTuple):
    """Content of one packet: sound (`payload`), a key (`digit`), or neither.

    A packet that only repeats a reported key has both empty: it is a sign of life.
    """

    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes = b""
    digit: str = ""
    ssrc: int = 0


@dataclass(frozen=True, slots=True)
class _Event:
    ssrc: int
    timestamp: int
    event: int
    duration: int


@dataclass(slots=True)
class _Latch:
    """The stream that the phone sends, by its SSRC and sequence numbers (RFC 3550 A.1).

    Sound from the phone's address is always taken: a phone may begin a new stream at any moment.
    Keys cause actions, so they must belong to the stream being heard: a forger of the address would
    have to guess 32 bits and a window of sequence numbers.
    """

    ssrc: int | None = None
    sequence: int = 0
    at: float = float("-inf")

    def heard(self, packet: RtpPacket, now: float) -> None:
        """Follow a packet of sound; another source takes over once the phone's has been silent."""
        if packet.ssrc == self.ssrc and not self._is_near(packet) and now - self.at < SILENT_S:
            return
        if packet.ssrc == self.ssrc or now - self.at >= SILENT_S:
            self.ssrc, self.sequence, self.at = packet.ssrc, packet.sequence, now

    def admits(self, packet: RtpPacket, now: float) -> bool:
        """Return whether a key belongs to the stream; the first key of a silent phone begins it."""
        if self.ssrc is not None and not (packet.ssrc == self.ssrc and self._is_near(packet)):
            return False
        self.heard(packet, now)
        return True

    def _is_near(self, packet: RtpPacket) -> bool:
        ahead = (packet.sequence - self.sequence) & 0xFFFF
        return ahead < MAX_DROPOUT or ahead >= 0x10000 - MAX_MISORDER


@dataclass(slots=True)
class RtpReceiver:
    """Receives from one negotiated peer; `keys` are its RFC 4733 payload types, () for none.

    Sources believed: the negotiated address and port, always. Of the same host's other ports the
    first that sends a packet while nothing was heard yet (some phones send from another port than
    they announce), and no later one before the next offer and answer. Another host, never
    (reliability.md 3: RTP only from the negotiated peer). Sound is sent to the negotiated port.
    """

    remote: Address
    keys: tuple[int, ...] = ()
    _source: Address | None = None
    _latch: _Latch = field(default_factory=_Latch)
    _events: deque[_Event] = field(default_factory=lambda: deque(maxlen=REMEMBERED_EVENTS))

    def expect(self, *keys: int) -> None:
        """Begin a new agreement with the same peer: its sending port is open again."""
        self.keys, self._source, self._latch = keys, None, _Latch()

    def receive(self, data: bytes, source: Address, now: float = 0.0) -> RtpReceived | None:
        """Process one datagram at `now` (monotonic s); None when not the peer's, or no RTP."""
        packet = parse(data)
        if packet is None or not packet.payload or not self._believes(source):
            return None
        self._source = self._source or source
        kind, number, at, ssrc = packet[:4]
        if kind not in self.keys:
            self._latch.heard(packet, now)
            return RtpReceived(kind, number, at, packet.payload, ssrc=ssrc)
        digit = self._digit(packet) if self._latch.admits(packet, now) else ""
        return RtpReceived(kind, number, at, digit=digit, ssrc=ssrc)

    def _believes(self, source: Address) -> bool:
        if source == self.remote or source == self._source:
            return True
        return self._source is None and source[0] == self.remote[0]

    def _digit(self, packet: RtpPacket) -> str:
        """Return a key once: at its first packet, whichever that is."""
        if len(packet.payload) < EVENT.size:
            return ""
        number, _, duration = EVENT.unpack_from(packet.payload)
        # The marker is not looked at: its packet may be lost, or repeated (pyvoip.md 3, DTMF).
        event = _Event(packet.ssrc, packet.timestamp, number, duration)
        known = next((old for old in self._events if _same(event, old)), None)
        if known is not None:
            self._events.remove(known)
        self._events.append(event)
        return EVENT_DIGITS[number] if known is None and number < len(EVENT_DIGITS) else ""


def _same(event: _Event, old: _Event) -> bool:
    """Return whether `event` is another packet, or the next segment, of the key press `old`."""
    if (event.ssrc, event.event) != (old.ssrc, old.event):
        return False
    apart = (event.timestamp - old.timestamp) & 0xFFFFFFFF
    return apart == 0 or (apart == old.duration == LONGEST_EVENT)
