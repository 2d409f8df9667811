"""The sound of one call, sans-I/O: a frame every 20 ms by absolute deadlines, and what is heard."""

from __future__ import annotations

import secrets
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from appliance.errors import PeerError
from appliance.testphone import rtp
from appliance.testphone.recorder import Recorder

if TYPE_CHECKING:
    from appliance.testphone.sdp import Agreed
    from appliance.testphone.sip import Address
    from appliance.testphone.speech import Speech

TICK = 0.020
"""Seconds between two frames."""
LATE = 0.002
"""A send more than this many seconds behind its deadline counts as late."""
FORGIVEN = 50
"""Frames that are made good one after the other; after a longer stall the time is skipped."""


class Note(Protocol):
    """Takes an event: its kind, when (monotonic seconds) and its details."""

    def __call__(self, kind: str, now: float, **details: Any) -> None:
        """Take one event."""


@dataclass(slots=True)
class Figures:
    """Counts and times of one call; intervals and lateness in seconds.

    `elsewhere` packets were taken though their host is not the one described, `strangers` were not
    taken, `foreign` ones are of a codec not agreed, `skipped` frames were never sent.
    """

    sent: int = 0
    received: int = 0
    elsewhere: int = 0
    strangers: int = 0
    nonsense: int = 0
    foreign: int = 0
    skipped: int = 0
    intervals: array[float] = field(default_factory=lambda: array("d"))
    lateness: array[float] = field(default_factory=lambda: array("d"))

    def summary(self) -> dict[str, float]:
        """Return the figures for a report, times in ms."""
        late = sum(late > LATE for late in self.lateness)
        return {
            "sent": self.sent,
            "received": self.received,
            "elsewhere": self.elsewhere,
            "strangers": self.strangers,
            "nonsense": self.nonsense,
            "foreign": self.foreign,
            "skipped": self.skipped,
            "interval_mean_ms": _mean(self.intervals),
            "interval_p99_ms": percentile(self.intervals, 0.99),
            "interval_max_ms": percentile(self.intervals, 1.0),
            "late_sends": late,
            "send_late_p99_ms": percentile(self.lateness, 0.99),
            "send_late_max_ms": percentile(self.lateness, 1.0),
        }


def _mean(values: array[float]) -> float:
    return 1000 * sum(values) / len(values) if values else 0.0


def percentile(values: array[float], share: float) -> float:
    """Return in ms the value (s) that `share` (0..1) of the values do not exceed; 0 for none."""
    if not values:
        return 0.0
    ranked = sorted(values)
    return 1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Stream:
    """Sends and hears the sound of one call; packets in and out are bytes, time is an argument."""

    def __init__(self, agreed: Agreed, speech: Speech, note: Note, now: float) -> None:
        self.agreed = agreed
        self.is_holding = False
        self.figures = Figures()
        self.recorder = Recorder(agreed.codec)
        self._speech = speech
        self._note = note
        self._start = now
        self._ticks = 0
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(32)
        self._marks = True
        self._event_start = 0
        self._is_settled = False
        self._other: Address | None = None
        self._last_arrival: float | None = None
        self._last_event: tuple[int, int] | None = None

    @property
    def deadline(self) -> float:
        """When the next frame is due: absolute, so that lateness never adds up."""
        return self._start + self._ticks * TICK

    def change(self, agreed: Agreed) -> None:
        """Go on with what a re-INVITE settled; the recording goes on too."""
        self.agreed = agreed

    def due(self, now: float) -> list[bytes]:
        """Return the packets due at `now`, oldest first."""
        behind = int((now - self.deadline) / TICK)
        if behind > FORGIVEN:
            self._skip(behind)
        packets: list[bytes] = []
        while now >= self.deadline:
            if self.agreed.may_send:
                self.figures.lateness.append(now - self.deadline)
                packets.append(self._packet(now).encode())
                self.figures.sent += 1
            else:
                self._marks = True
            self._ticks += 1
            self._timestamp = (self._timestamp + rtp.FRAME) % 2**32
        return packets

    def receive(self, datagram: bytes, source: Address, now: float) -> None:
        """Take a datagram of the far end; whoever else sends is only counted."""
        if not self._is_far_end(source):
            self.figures.strangers += 1
            return
        try:
            packet = rtp.parse(datagram)
        except PeerError:
            self.figures.nonsense += 1
            return
        self._count(now)
        if packet.payload_type == self.agreed.codec.payload:
            self._hear(packet)
        elif packet.payload_type == self.agreed.events:
            self._take_event(packet, now)
        else:
            self.figures.foreign += 1

    def _is_far_end(self, source: Address) -> bool:
        """Listen to the host described; until it speaks, to the first who does.

        A description says where to send, not where from (RFC 3264 section 5.1): a far end with
        several addresses may well send from another one.
        """
        if source[0] == self.agreed.remote[0]:
            self._is_settled, self._other = True, None
            return True
        if not self._is_settled:
            self._is_settled, self._other = True, source
        if source == self._other:
            self.figures.elsewhere += 1
        return source == self._other

    def _skip(self, ticks: int) -> None:
        self.figures.skipped += ticks
        self._ticks += ticks
        self._timestamp = (self._timestamp + ticks * rtp.FRAME) % 2**32

    def _count(self, now: float) -> None:
        self.figures.received += 1
        if self._last_arrival is not None:
            self.figures.intervals.append(now - self._last_arrival)
        self._last_arrival = now

    def _hear(self, packet: rtp.Packet) -> None:
        if self.recorder.take(packet):
            self._speech.hears(packet.payload)

    def _take_event(self, packet: rtp.Packet, now: float) -> None:
        self.recorder.take(packet, is_sound=False)
        # All packets of one event bear its first timestamp: a repeated one is no new key.
        key, this = rtp.key_in(packet.payload), (packet.ssrc, packet.timestamp)
        if key is not None and this != self._last_event:
            self._last_event = this
            self._note("digit", now, digit=key)

    def _packet(self, now: float) -> rtp.Packet:
        tick = None if self.agreed.events is None else self._speech.next_key()
        if tick is not None and self.agreed.events is not None:
            if tick.is_first:
                self._event_start = self._timestamp
            return self._made(
                self.agreed.events, self._event_start, tick.payload, marker=tick.is_first
            )
        packet = self._made(
            self.agreed.codec.payload, self._timestamp, self._sound(now), marker=self._marks
        )
        self._marks = False
        return packet

    def _sound(self, now: float) -> bytes:
        if self.is_holding:
            return self.agreed.codec.silence * rtp.FRAME
        frame, happened = self._speech.next_frame(self.agreed.codec)
        if happened:
            self._note(happened, now, timestamp=self._timestamp)
        return frame

    def _made(self, payload_type: int, timestamp: int, payload: bytes, marker: bool) -> rtp.Packet:
        self._sequence = (self._sequence + 1) % 65536
        return rtp.Packet(payload_type, self._sequence, timestamp, self._ssrc, payload, marker)
