"""Sound of the test phone: RTP sent and recorded."""

from __future__ import annotations

import dataclasses
import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dsp import g711, wav
from appliance.simulator.phone import sound
from appliance.simulator.phone.sip import PCMA, PCMU, AgreedMedia
from appliance.simulator.phone.sound import (
    ECHO_LIMIT,
    FRAME_S,
    FRAMES_MADE_UP,
    RtpStream,
    SoundPacket,
    SoundRecorder,
    SpokenSound,
    percentile,
)

if TYPE_CHECKING:
    from appliance.simulator.phone.sip import RtpCodec


FAR = ("127.0.0.9", 4000)
START = 100.0
SPEECH = random.Random(4).randbytes(160 * 5)


class Side:
    """A stream with its speech and events."""

    def __init__(self, codec: RtpCodec = PCMU, events: int | None = 96) -> None:
        self.speech = SpokenSound()
        self.notes: list[tuple[str, float, dict[str, Any]]] = []
        self.agreed = AgreedMedia(FAR, codec, events, "sendrecv")
        self.stream = RtpStream(self.agreed, self.speech, self._note, START)

    def _note(self, kind: str, now: float, **details: Any) -> None:
        self.notes.append((kind, now, details))

    def run(self, ticks: int, first: int = 0) -> list[sound.SoundPacket]:
        """Serve each deadline as it comes."""
        return [
            sound.parse_rtp(data)
            for tick in range(first, first + ticks)
            for data in self.stream.due(START + tick * FRAME_S + 1e-6)
        ]


def test_a_frame_of_160_bytes_leaves_every_20_ms() -> None:
    """Sequence +1, timestamp +160, marker on the first; silence of the law without speech."""
    for codec in (PCMU, PCMA):
        packets = Side(codec).run(500)
        assert len(packets) == 500
        assert {(p.payload_type, p.payload) for p in packets} == {
            (codec.payload, codec.silence * 160)
        }
        assert [p.marker for p in packets] == [True] + [False] * 499
        steps = {
            ((b.sequence - a.sequence) % 2**16, (b.timestamp - a.timestamp) % 2**32)
            for a, b in itertools.pairwise(packets)
        }
        assert steps == {(1, 160)}


def test_deadlines_are_absolute_and_lateness_is_counted() -> None:
    """A late tick is made good and does not move the next; more than 1 s is skipped."""
    side = Side()
    assert len(side.stream.due(START)) == 1
    assert side.stream.due(START + 0.019) == []
    assert len(side.stream.due(START + 0.090)) == 4
    assert side.stream.deadline == pytest.approx(START + 0.100)
    figures = side.stream.figures.summary()
    assert (figures["sent"], figures["late_sends"]) == (5, 4)
    assert figures["send_late_max_ms"] == pytest.approx(70)
    before = sound.parse_rtp(side.stream.due(START + 0.100)[0])
    after = sound.parse_rtp(side.stream.due(START + 0.100 + 2.0)[-1])
    assert (after.timestamp - before.timestamp) % 2**32 == 160 * 100
    assert side.stream.figures.skipped in {98, 99}  # a deadline may round to either side
    assert side.stream.figures.skipped > FRAMES_MADE_UP


def test_ulaw_speech_passes_byte_by_byte() -> None:
    """The same law is the same bytes; the last frame is filled up with silence; both ends noted."""
    side = Side()
    side.speech.say(wav.Sound(SPEECH[:-60], PCMU.law), repeat=False)
    packets = side.run(7)
    assert b"".join(p.payload for p in packets) == SPEECH[:-60] + b"\xff" * (60 + 2 * 160)
    assert [(kind, n["timestamp"]) for kind, _, n in side.notes] == [
        ("saying", packets[0].timestamp),
        ("said", packets[4].timestamp),
    ]


def test_ulaw_speech_is_rewritten_for_alaw() -> None:
    """PCMA in use: what is heard is the same sound in the other law."""
    side = Side(PCMA)
    side.speech.say(wav.Sound(SPEECH, PCMU.law), repeat=False)
    heard = b"".join(p.payload for p in side.run(5))
    assert heard == g711.translate(SPEECH, PCMU.law, PCMA.law)


@given(st.integers(1, 500), st.integers(1, 12))
def test_a_repetition_has_no_seam(size: int, ticks: int) -> None:
    """After the last byte comes the first one."""
    side = Side()
    side.speech.say(wav.Sound(SPEECH[:size], PCMU.law), repeat=True)
    endless = SPEECH[:size] * (ticks * 160 // size + 1)
    assert b"".join(p.payload for p in side.run(ticks)) == endless[: ticks * 160]


def test_no_sound_at_all_is_said_in_an_instant() -> None:
    """An empty recording is silence, also when repeated."""
    for repeat in (False, True):
        side = Side()
        side.speech.say(wav.Sound(b"", PCMU.law), repeat)
        assert side.run(1)[0].payload == b"\xff" * 160


def test_keys_are_rfc_4733_events() -> None:
    """100 ms: one timestamp, growing duration, marker first, end three times; then a pause."""
    side = Side()
    side.run(1)
    side.speech.press("1#")
    packets = side.run(13 + 8, 1)
    first = packets[:8]
    assert {p.payload_type for p in first} == {96}
    assert len({p.timestamp for p in first}) == 1
    assert [p.marker for p in first] == [True] + [False] * 7
    durations = [int.from_bytes(p.payload[2:], "big") for p in first]
    assert durations == [160, 320, 480, 640, 800, 800, 800, 800]
    assert [bool(p.payload[1] & 0x80) for p in first] == [False] * 5 + [True] * 3
    assert {p.payload_type for p in packets[8:13]} == {0}
    assert sound.key_in(packets[13].payload) == "#"
    with pytest.raises(ValueError, match="no such key: x"):
        side.speech.press("1x")


def test_keys_are_heard_once_each() -> None:
    """A repeated or lost packet of an event is no second key (pyvoip.md 3)."""
    sender, hearer = Side(), Side()
    sender.run(1)
    sender.speech.press("55")
    packets = sender.run(26, 1)
    for packet in [p for p in packets if not p.marker for _ in range(2)]:
        hearer.stream.receive(packet.encode(), FAR, START)
    assert [d["digit"] for kind, _, d in hearer.notes if kind == "digit"] == ["5", "5"]


def test_an_echo_gives_back_what_it_hears_and_never_piles_up() -> None:
    """In order, each frame once; at most ECHO_LIMIT lie in wait."""
    side = Side()
    side.speech.echo()
    frames = [bytes([n]) * 160 for n in range(ECHO_LIMIT + 3)]
    for n, frame in enumerate(frames):
        side.stream.receive(sound.SoundPacket(0, n, n * 160, 1, frame).encode(), FAR, START)
    sent = [p.payload for p in side.run(ECHO_LIMIT + 1)]
    assert sent == [*frames[3:], b"\xff" * 160]
    assert side.speech.echo_dropped == 3


def test_held_it_sends_nothing_and_holding_it_sends_silence() -> None:
    """The clock goes on either way, the speech waits, and a new talk spurt is marked."""
    side = Side()
    side.speech.say(wav.Sound(SPEECH, PCMU.law), repeat=False)
    first = side.run(1)[0]
    side.stream.change(dataclasses.replace(side.agreed, direction="recvonly"))
    assert side.run(10, 1) == []
    side.stream.change(side.agreed)
    side.stream.is_holding = True
    mute = side.run(1, 11)[0]
    assert (mute.payload, mute.marker) == (b"\xff" * 160, True)
    assert (mute.timestamp - first.timestamp) % 2**32 == 11 * 160
    side.stream.is_holding = False
    assert side.run(1, 12)[0].payload == SPEECH[160:320]


def test_a_far_end_that_sends_from_another_host_is_heard_until_the_right_one_speaks() -> None:
    """As real phones do: the first who speaks is taken, a second is not, the described one is."""
    side = Side()
    here, there = ("127.0.0.1", 1), ("127.0.0.2", 1)
    for n, source in enumerate((here, there, here, FAR, here, FAR)):
        packet = sound.SoundPacket(0, n, n * 160, 1, bytes([n]) * 160)
        side.stream.receive(packet.encode(), source, START)
    figures = side.stream.figures
    assert (figures.elsewhere, figures.strangers, figures.received) == (2, 2, 4)


def test_only_the_far_end_is_listened_to() -> None:
    """Strangers, other codecs and nonsense are counted, not recorded."""
    side = Side()
    good = sound.SoundPacket(0, 1, 0, 1, b"a" * 160)
    side.stream.receive(good.encode(), FAR, START)
    side.stream.receive(good.encode(), ("127.0.0.66", 4000), START)
    side.stream.receive(b"x", FAR, START)
    side.stream.receive(dataclasses.replace(good, payload_type=18).encode(), FAR, START)
    side.stream.receive(good.encode(), FAR, START + 0.02)
    figures = side.stream.figures
    assert (figures.strangers, figures.nonsense, figures.foreign, figures.received) == (1, 1, 1, 3)
    assert side.stream.recorder.heard().data == b"a" * 160
    assert figures.summary()["interval_max_ms"] == pytest.approx(20)


def test_percentiles() -> None:
    """The value not exceeded by the share; nothing is 0."""
    side = Side()
    values = side.stream.figures.intervals
    assert percentile(values, 0.99) == 0
    values.extend(n / 1000 for n in range(1, 101))
    assert percentile(values, 0.99) == 100
    assert percentile(values, 0.5) == 51


def packets(count: int, sequence: int = 65530, timestamp: int = 2**32 - 320) -> list[SoundPacket]:
    """Return consecutive packets over the wrap of both counters."""
    return [
        SoundPacket(0, (sequence + n) % 65536, (timestamp + 160 * n) % 2**32, 1, bytes([n]) * 160)
        for n in range(count)
    ]


@given(st.permutations(range(20)))
def test_order_of_arrival_does_not_matter(order: list[int]) -> None:
    """Frames lie by timestamp, over the wraps too."""
    recorder, sent = SoundRecorder(PCMU), packets(20)
    for n in order:
        recorder.take(sent[n])
    heard = recorder.heard()
    assert heard.data == b"".join(p.payload for p in sent)
    assert (heard.missing, heard.lost, heard.duplicates, heard.overlaps, heard.jumps) == (0,) * 5


def test_missing_and_doubled_frames_are_seen() -> None:
    """A gap is filled with silence and counted, nothing is made up, nothing is hidden."""
    recorder, sent = SoundRecorder(PCMU), packets(10)
    for packet in [*sent[:3], *sent[5:], sent[9]]:
        recorder.take(packet)
    recorder.take(dataclasses.replace(sent[9], sequence=(sent[9].sequence + 1) % 65536))
    heard = recorder.heard()
    assert (heard.missing, heard.lost, heard.duplicates, heard.overlaps) == (2, 2, 1, 1)
    assert heard.data[480:800] == b"\xff" * 320
    assert len(heard.data) == 1600


def test_frames_that_overlap_are_counted() -> None:
    """A sender whose timestamps advance by 80 for 160 bytes is caught."""
    recorder = SoundRecorder(PCMU)
    for n in range(4):
        recorder.take(SoundPacket(0, n, n * 80, 1, b"x" * 160))
    assert recorder.heard().overlaps == 3


def test_a_dropped_frame_that_the_sender_hides_is_missing_but_not_lost() -> None:
    """Consecutive sequence numbers over a timestamp gap: the sender itself left something out."""
    recorder = SoundRecorder(PCMU)
    for n, at in enumerate((0, 160, 480)):
        recorder.take(SoundPacket(0, n, at, 1, b"x" * 160))
    heard = recorder.heard()
    assert (heard.missing, heard.lost) == (1, 0)


def test_a_new_stream_goes_on_after_the_old_one() -> None:
    """Another SSRC or a wild timestamp is a jump, not hours of silence (pyvoip.md 3: 4 GB)."""
    recorder = SoundRecorder(PCMU)
    recorder.take(SoundPacket(0, 1, 0, 1, b"a" * 160))
    recorder.take(SoundPacket(0, 9000, 123456, 2, b"b" * 160))
    recorder.take(SoundPacket(0, 9001, 4000000000, 2, b"c" * 160))
    heard = recorder.heard()
    assert heard.data == b"a" * 160 + b"b" * 160 + b"c" * 160
    assert (heard.jumps, heard.missing, heard.lost) == (2, 0, 0)


def test_what_was_heard_is_a_wav_in_its_own_law() -> None:
    """The bytes come back as they were."""
    recorder = SoundRecorder(PCMA)
    recorder.take(SoundPacket(8, 1, 0, 1, b"a" * 160))
    sound = wav.parse(recorder.heard().wav())
    assert (sound.data, sound.law) == (b"a" * 160, PCMA.law)
