"""Sound of the test phone: RTP packets, what it says and what it hears (RFC 3550, 4733)."""

from __future__ import annotations

import secrets
import struct
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from appliance.dsp import wav
from appliance.errors import PeerError
from appliance.simulator.phone.sip import SdpSession, law_called, written_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.dsp.wav import Sound
    from appliance.simulator.phone.sip import (
        Address,
        AgreedMedia,
        RtpCodec,
        SimulatedAccount,
        SipMessage,
    )


# ---- stream ------------------------------------------------------------------------------------

FRAME_S = 0.020
"""Seconds between two frames."""
# A send more than this many seconds behind its deadline counts as late.
LATE_S = 0.002
# Frames that are made good one after the other; after a longer stall the time is skipped.
FRAMES_MADE_UP = 50


class NoteEvent(Protocol):
    """Takes an event: its kind, when (monotonic seconds) and its details."""

    def __call__(self, kind: str, now: float, **details: Any) -> None:
        """Take one event."""


@dataclass(slots=True)
class StreamFigures:
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
        late = sum(late > LATE_S for late in self.lateness)
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


class RtpStream:
    """Sends and hears the sound of one call; packets in and out are bytes, time is an argument."""

    def __init__(
        self, agreed: AgreedMedia, speech: SpokenSound, note: NoteEvent, now: float
    ) -> None:
        self.agreed = agreed
        self.is_holding = False
        self.figures = StreamFigures()
        self.recorder = SoundRecorder(agreed.codec)
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
        return self._start + self._ticks * FRAME_S

    def change(self, agreed: AgreedMedia) -> None:
        """Go on with what a re-INVITE settled; the recording goes on too."""
        self.agreed = agreed

    def due(self, now: float) -> list[bytes]:
        """Return the packets due at `now`, oldest first."""
        behind = int((now - self.deadline) / FRAME_S)
        if behind > FRAMES_MADE_UP:
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
            self._timestamp = (self._timestamp + FRAME) % 2**32
        return packets

    def receive(self, datagram: bytes, source: Address, now: float) -> None:
        """Take a datagram of the far end; whoever else sends is only counted."""
        if not self._is_far_end(source):
            self.figures.strangers += 1
            return
        try:
            packet = parse_rtp(datagram)
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
        self._timestamp = (self._timestamp + ticks * FRAME) % 2**32

    def _count(self, now: float) -> None:
        self.figures.received += 1
        if self._last_arrival is not None:
            self.figures.intervals.append(now - self._last_arrival)
        self._last_arrival = now

    def _hear(self, packet: SoundPacket) -> None:
        if self.recorder.take(packet):
            self._speech.hears(packet.payload)

    def _take_event(self, packet: SoundPacket, now: float) -> None:
        self.recorder.take(packet, is_sound=False)
        # All packets of one event bear its first timestamp: a repeated one is no new key.
        key, this = key_in(packet.payload), (packet.ssrc, packet.timestamp)
        if key is not None and this != self._last_event:
            self._last_event = this
            self._note("digit", now, digit=key)

    def _packet(self, now: float) -> SoundPacket:
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
            return self.agreed.codec.silence * FRAME
        frame, happened = self._speech.next_frame(self.agreed.codec)
        if happened:
            self._note(happened, now, timestamp=self._timestamp)
        return frame

    def _made(self, payload_type: int, timestamp: int, payload: bytes, marker: bool) -> SoundPacket:
        self._sequence = (self._sequence + 1) % 65536
        return SoundPacket(payload_type, self._sequence, timestamp, self._ssrc, payload, marker)


# ---- speech ------------------------------------------------------------------------------------
# What the phone says next, 160 bytes at a time: sound, keys, an echo, or the law's silence.

# A key sounds 100 ms; its end is sent three times (RFC 4733 section 2.5.1.4).
KEY_TICKS = 5
END_TIMES = 3
PAUSE_TICKS = 5
"""Ticks of 20 ms between two keys."""
# Frames an echo may lie in wait; the oldest goes first, so that its delay is bounded.
ECHO_LIMIT = 10


@dataclass(frozen=True, slots=True)
class KeyTick:
    """One 20 ms step of a key: the event's payload, and whether it is the event's first packet."""

    payload: bytes
    is_first: bool


class SpokenSound:
    """What is to be said; it outlives calls until the first call that hears it has ended."""

    def __init__(self) -> None:
        self.echo_dropped = 0
        self._sound: Sound | None = None
        self._repeats = False
        self._data: bytes | None = None
        self._at = 0
        self._echo: deque[bytes] | None = None
        self._keys: deque[KeyTick | None] = deque()

    def say(self, sound: Sound, repeat: bool) -> None:
        """Say a sound from its beginning, in place of what was being said."""
        self.be_silent()
        self._sound, self._repeats = sound, repeat

    def echo(self) -> None:
        """Say what is heard."""
        self.be_silent()
        self._echo = deque()

    def be_silent(self) -> None:
        """Say nothing from now on."""
        self._sound, self._data, self._at, self._echo = None, None, 0, None

    def end_call(self) -> None:
        """Forget everything with the call that heard it."""
        self.be_silent()
        self._keys.clear()

    def press(self, keys: str) -> None:
        """Queue keys; raises ValueError for one that does not exist."""
        if wrong := set(keys) - set(DTMF_KEYS):
            raise ValueError(f"no such key: {''.join(sorted(wrong))}")
        for key in keys:
            self._keys += [*_key(key), *[None] * PAUSE_TICKS]

    def hears(self, payload: bytes) -> None:
        """Take a frame that came in; only an echo cares."""
        if self._echo is None:
            return
        if len(self._echo) == ECHO_LIMIT:
            self._echo.popleft()
            self.echo_dropped += 1
        self._echo.append(payload)

    def next_key(self) -> KeyTick | None:
        """Return this tick's part of a key; None when sound is due."""
        return self._keys.popleft() if self._keys else None

    def next_frame(self, codec: RtpCodec) -> tuple[bytes, str]:
        """Return 160 bytes and what happened with them: "saying" first, "said" last, or ""."""
        if self._echo:
            return self._echo.popleft(), ""
        if self._sound is None:
            return codec.silence * FRAME, ""
        return self._sounding(self._sound, codec)

    def _sounding(self, sound: Sound, codec: RtpCodec) -> tuple[bytes, str]:
        # Written once for the codec; a sound of the same law stays the same bytes.
        if self._data is None:
            self._data = written_for(sound, codec)
        begins = self._at == 0
        frame = self._data[self._at : self._at + FRAME]
        self._at += FRAME
        if self._repeats and self._data:
            frame = self._wrapped(frame)
        elif self._at >= len(self._data):
            self.be_silent()
            return frame.ljust(FRAME, codec.silence), "said"
        return frame, "saying" if begins else ""

    def _wrapped(self, frame: bytes) -> bytes:
        """Fill a frame from the beginning again, so that a repetition has no seam."""
        assert self._data is not None
        while len(frame) < FRAME:
            self._at = FRAME - len(frame)
            frame += self._data[: self._at]
        return frame


def _key(key: str) -> Iterator[KeyTick]:
    for tick in range(KEY_TICKS):
        yield KeyTick(rtp_event(key, FRAME * (tick + 1), is_end=False), tick == 0)
    for _ in range(END_TIMES):
        yield KeyTick(rtp_event(key, FRAME * KEY_TICKS, is_end=True), is_first=False)


# ---- recorder ----------------------------------------------------------------------------------
# What the phone heard: every frame at the place its RTP timestamp gives it, nothing made up.

LONGEST_GAP = 60 * 8000
"""A timestamp this many samples away from the last is a new stream, not a gap to fill."""


@dataclass(frozen=True, slots=True)
class HeardSound:
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


class SoundRecorder:
    """Keeps the payloads of one call by extended RTP timestamp and sequence number."""

    def __init__(self, codec: RtpCodec) -> None:
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

    def take(self, packet: SoundPacket, is_sound: bool = True) -> bool:
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

    def heard(self) -> HeardSound:
        """Return everything heard so far."""
        data, gap, covered = self._joined()
        missing = -(-gap // 160)
        lost = sum(high - low + 1 for low, high in self._spans) - len(self._seen)
        overlaps = self._overlaps + covered
        law = str(self.codec.law)
        return HeardSound(data, law, missing, lost, self._duplicates, overlaps, self._jumps)

    def _begin(self, packet: SoundPacket) -> None:
        # 65536 * 1024: streams one after the other must never share an extended number.
        self._sequence = packet.sequence + 65536 * 1024 * (len(self._spans) + 1)
        self._spans.append([self._sequence, self._sequence - 1])
        self._jumps += self._ssrc is not None
        self._ssrc = packet.ssrc
        self._restart_time(packet)

    def _restart_time(self, packet: SoundPacket) -> None:
        self._time, self._wire_time = self._end, packet.timestamp

    def _note(self, sequence: int) -> None:
        self._seen.add(sequence)
        self._sequence = max(self._sequence, sequence)
        span = self._spans[-1]
        span[0], span[1] = min(span[0], sequence), max(span[1], sequence)

    def _place(self, packet: SoundPacket) -> None:
        step = _signed(packet.timestamp - self._wire_time, 32)
        if abs(step) > LONGEST_GAP:
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


# ---- rtp ---------------------------------------------------------------------------------------
# RTP packets and telephone events as bytes (RFC 3550 section 5.1, RFC 4733 section 2.3).

# Samples, and bytes of G.711, in a frame of 20 ms.
FRAME = 160
# Event codes 0 to 15 (RFC 4733 section 3.2).
DTMF_KEYS = "0123456789*#ABCD"
VOLUME = 10
"""Power of a key in -dBm0."""
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class SoundPacket:
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


def parse_rtp(datagram: bytes) -> SoundPacket:
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
    return SoundPacket(
        second & 0x7F, sequence, timestamp, ssrc, datagram[start:end], bool(second & 0x80)
    )


def rtp_event(key: str, duration: int, is_end: bool) -> bytes:
    """Return the payload of a telephone event: `duration` in samples so far."""
    return _EVENT.pack(DTMF_KEYS.index(key), VOLUME | (0x80 if is_end else 0), duration)


def key_in(payload: bytes) -> str | None:
    """Return the key a telephone event is about; None for an event that is no key."""
    if len(payload) < _EVENT.size or payload[0] >= len(DTMF_KEYS):
        return None
    return DTMF_KEYS[payload[0]]


# Packets kept that came before their answer: 100 ms.
EARLY_PACKETS = 5


class CallSound:
    """The sound side of one call; `stream` stands from the answer on and stays after the end."""

    def __init__(self, account: SimulatedAccount, speech: SpokenSound, note: NoteEvent) -> None:
        self.session = SdpSession(account.rtp, account.preferences, secrets.randbits(31))
        self.stream: RtpStream | None = None
        # Sound may overtake the 200 that announces it, and who offers must be ready (RFC 3264 5.1).
        self.keeps_early = True
        self._early: deque[tuple[bytes, Address, float]] = deque(maxlen=EARLY_PACKETS)
        self._speech = speech
        self._note = note
        self._is_held = False

    def hear(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram of the RTP socket; the last ones before the answer are kept for it."""
        if self.stream is not None:
            self.stream.receive(data, source, now)
        elif self.keeps_early:
            self._early.append((data, source, now))

    def answer_to(self, request: SipMessage) -> tuple[bytes, AgreedMedia | None] | None:
        """Return body and agreement of our answer; an offer of ours where there is none to answer.

        None without a common codec.
        """
        if not request.body:
            return (self.session.offer() if request.method == "INVITE" else b""), None
        try:
            return self.session.answer(request.body)
        except PeerError:
            return None

    def agree(self, agreed: AgreedMedia, now: float) -> None:
        """Begin the stream, or go on with what a re-INVITE settled; notes held and released."""
        if self.stream is None:
            self.stream = RtpStream(agreed, self._speech, self._note, now)
            for data, source, at in self._early:
                self.stream.receive(data, source, at)
            self._early.clear()
            return
        self.stream.change(agreed)
        is_held = agreed.direction in {"recvonly", "inactive"}
        if is_held != self._is_held:
            self._is_held = is_held
            self._note("held" if is_held else "released", now)

    def end(self) -> None:
        """Forget what was being said, if anybody heard it."""
        if self.stream is not None:
            self._speech.end_call()
