"""What the phone heard: every frame at the place its RTP timestamp gives it, nothing made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.dsp import wav
from appliance.testphone.laws import law_called

if TYPE_CHECKING:
    from appliance.testphone.laws import Codec
    from appliance.testphone.rtp import Packet

JUMP = 60 * 8000
"""A timestamp this many samples away from the last is a new stream, not a gap to fill."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything heard: `data` in the law named `law`, its gaps filled with silence and counted.

    `missing` frames of 20 ms were filled (the time of a key is such a gap: its packets bear no
    sound, and then `lost` is 0), `lost` sequence numbers never came, `duplicates` came
    again, `overlaps` are other packets for a time already heard, `jumps` new streams or times.
    """

    data: bytes
    law: str
    missing: int
    lost: int
    duplicates: int
    overlaps: int
    jumps: int

    def wav(self) -> bytes:
        """Return it as a WAV file in its own law."""
        return wav.build(self.data, law_called(self.law))


class Recorder:
    """Keeps the payloads of one call by extended RTP timestamp and sequence number."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._frames: dict[int, bytes] = {}
        self._seen: set[int] = set()
        self._spans: list[list[int]] = []  # lowest and highest sequence of each stream
        self._ssrc: int | None = None
        self._sequence = 0
        self._time = 0
        self._wire_time = 0
        self._end = 0
        self._duplicates = self._overlaps = self._jumps = 0

    def take(self, packet: Packet, is_sound: bool = True) -> bool:
        """Put a packet in its place; an event packet only counts in the sequence.

        Returns False for a packet that came before.
        """
        if packet.ssrc != self._ssrc:
            self._begin(packet)
        sequence = self._sequence + _signed(packet.sequence - self._sequence, 16)
        if sequence in self._seen:
            self._duplicates += 1
            return False
        self._note(sequence)
        if is_sound:
            self._place(packet)
        return True

    def heard(self) -> Heard:
        """Return everything heard so far."""
        data, gap, covered = self._joined()
        missing = -(-gap // 160)
        lost = sum(high - low + 1 for low, high in self._spans) - len(self._seen)
        overlaps = self._overlaps + covered
        law = str(self.codec.law)
        return Heard(data, law, missing, lost, self._duplicates, overlaps, self._jumps)

    def _begin(self, packet: Packet) -> None:
        # 65536 * 1024: streams one after the other must never share an extended number.
        self._sequence = packet.sequence + 65536 * 1024 * (len(self._spans) + 1)
        self._spans.append([self._sequence, self._sequence - 1])
        self._jumps += self._ssrc is not None
        self._ssrc = packet.ssrc
        self._restart_time(packet)

    def _restart_time(self, packet: Packet) -> None:
        self._time, self._wire_time = self._end, packet.timestamp

    def _note(self, sequence: int) -> None:
        self._seen.add(sequence)
        self._sequence = max(self._sequence, sequence)
        span = self._spans[-1]
        span[0], span[1] = min(span[0], sequence), max(span[1], sequence)

    def _place(self, packet: Packet) -> None:
        step = _signed(packet.timestamp - self._wire_time, 32)
        if abs(step) > JUMP:
            self._jumps += 1
            self._restart_time(packet)
            step = 0
        at = self._time + step
        if step > 0:
            self._time, self._wire_time = at, packet.timestamp
        if at in self._frames:
            self._overlaps += 1
            return
        self._frames[at] = packet.payload
        self._end = max(self._end, at + len(packet.payload))

    def _joined(self) -> tuple[bytes, int, int]:
        """The sound, the samples filled, and the frames that begin before the last one ends."""
        start = min(self._frames, default=0)
        out, missing, covered = bytearray(), 0, 0
        for at in sorted(self._frames):
            gap = at - start - len(out)
            if gap > 0:
                out += self.codec.silence * gap
                missing += gap
            covered += gap < 0
            payload = self._frames[at]
            out[at - start : at - start + len(payload)] = payload
        return bytes(out), missing, covered


def _signed(value: int, bits: int) -> int:
    """Return the difference of two counters of `bits` bits as the nearer way round."""
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half
