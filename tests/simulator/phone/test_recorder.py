"""What was heard lies by its timestamp; gaps, doubles and jumps are seen."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from appliance.dsp import wav
from appliance.simulator.phone.sip import PCMA, PCMU
from appliance.simulator.phone.sound import RtpPacket, SoundRecorder


def packets(count: int, sequence: int = 65530, timestamp: int = 2**32 - 320) -> list[RtpPacket]:
    """Return consecutive packets over the wrap of both counters."""
    return [
        RtpPacket(0, (sequence + n) % 65536, (timestamp + 160 * n) % 2**32, 1, bytes([n]) * 160)
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
        recorder.take(RtpPacket(0, n, n * 80, 1, b"x" * 160))
    assert recorder.heard().overlaps == 3


def test_a_dropped_frame_that_the_sender_hides_is_missing_but_not_lost() -> None:
    """Consecutive sequence numbers over a timestamp gap: the sender itself left something out."""
    recorder = SoundRecorder(PCMU)
    for n, at in enumerate((0, 160, 480)):
        recorder.take(RtpPacket(0, n, at, 1, b"x" * 160))
    heard = recorder.heard()
    assert (heard.missing, heard.lost) == (1, 0)


def test_a_new_stream_goes_on_after_the_old_one() -> None:
    """Another SSRC or a wild timestamp is a jump, not hours of silence (pyvoip.md 3: 4 GB)."""
    recorder = SoundRecorder(PCMU)
    recorder.take(RtpPacket(0, 1, 0, 1, b"a" * 160))
    recorder.take(RtpPacket(0, 9000, 123456, 2, b"b" * 160))
    recorder.take(RtpPacket(0, 9001, 4000000000, 2, b"c" * 160))
    heard = recorder.heard()
    assert heard.data == b"a" * 160 + b"b" * 160 + b"c" * 160
    assert (heard.jumps, heard.missing, heard.lost) == (2, 0, 0)


def test_what_was_heard_is_a_wav_in_its_own_law() -> None:
    """The bytes come back as they were."""
    recorder = SoundRecorder(PCMA)
    recorder.take(RtpPacket(8, 1, 0, 1, b"a" * 160))
    sound = wav.parse(recorder.heard().wav())
    assert (sound.data, sound.law) == (b"a" * 160, PCMA.law)
