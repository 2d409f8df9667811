"""Jitter buffer: on a clean stream frames out are bytes in; else it says what it did."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.media import frames, g711, jitter
from appliance.media.frames import Law
from appliance.media.jitter import JitterBuffer
from tests.helpers.sound import babble

SOUND = random.Random(1).randbytes(160 * 400)
"""Every frame differs and none is quiet."""
QUIET = frames.silence(Law.ULAW, 160)


def frame(number: int) -> bytes:
    """The numbered frame of SOUND."""
    return SOUND[160 * number : 160 * number + 160]


def put(buffer: JitterBuffer, number: int, payload: bytes | None = None, seq0: int = 0) -> None:
    """A packet of 20 ms in its place."""
    seq = (seq0 + number) % 65536
    buffer.put(seq, 160 * number % 2**32, frame(number) if payload is None else payload)


def drained(buffer: JitterBuffer, ticks: int) -> list[bytes | None]:
    """What the consumer gets in a number of ticks."""
    return [buffer.get() for _ in range(ticks)]


def heard(got: list[bytes | None]) -> bytes:
    """The frames that came out."""
    return b"".join(one for one in got if one is not None)


@given(
    target=st.integers(2, 4),
    start=st.sampled_from([0, 2**32 - 1600, 2**31 - 800]),
    samples=st.sampled_from([40, 80, 160, 240, 320, 480]),
    data=st.data(),
)
@settings(max_examples=120, deadline=None)
def test_a_clean_stream_comes_out_as_it_went_in(
    target: int, start: int, samples: int, data: st.DataObject
) -> None:
    """Any batching, any order within the depth, any packet length, across both wraps: exact."""
    count = len(SOUND) // 2 // samples
    most = max(0, target * 160 - samples - 160)
    late = data.draw(st.lists(st.integers(0, most), min_size=count, max_size=count))
    due = sorted((samples * (n + 1) + late[n], n) for n in range(count))
    buffer = JitterBuffer(Law.ULAW, target)
    got: list[bytes | None] = []
    for tick in range(160, samples * count + 160 * 12, 160):
        while due and due[0][0] <= tick:
            _, n = due.pop(0)
            payload = SOUND[n * samples : (n + 1) * samples]
            buffer.put((65530 + n) % 65536, (start + n * samples) % 2**32, payload)
        got.append(buffer.get())
    first = next(place for place, one in enumerate(got) if one is not None)
    whole = samples * count // 160
    assert heard(got) == SOUND[: whole * 160]
    assert None not in got[first : first + whole]
    assert buffer.counters == jitter.Counters()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 65535),
            st.integers(0, 2**32 - 1),
            st.binary(max_size=2000),
            st.integers(0, 1),
            st.integers(0, 3),
        ),
        max_size=60,
    )
)
@settings(max_examples=100, deadline=None)
def test_nothing_makes_it_grow_or_fail(packets: list[tuple[int, int, bytes, int, int]]) -> None:
    """Whatever arrives, at most 200 ms are held and each frame out is 160 bytes or None."""
    buffer = JitterBuffer(Law.ALAW)
    for seq, timestamp, payload, ssrc, ticks in packets:
        buffer.put(seq, timestamp, payload, ssrc)
        assert buffer.depth_ms <= 200
        assert all(one is None or len(one) == 160 for one in drained(buffer, ticks))
    drained(buffer, 30)
    assert buffer.depth_ms < 20


def filled(count: int = 2) -> JitterBuffer:
    """A buffer that holds the first frames."""
    buffer = JitterBuffer(Law.ULAW)
    for number in range(count):
        put(buffer, number)
    return buffer


def test_it_waits_for_its_depth_but_not_for_ever() -> None:
    """Two frames start it; a single packet is played after a while all the same."""
    buffer = JitterBuffer(Law.ULAW)
    assert drained(buffer, 3) == [None] * 3
    put(buffer, 0)
    assert drained(buffer, 6) == [None] * 4 + [frame(0), None]
    assert filled().get() == frame(0)


def test_a_lost_packet_is_one_missing_frame() -> None:
    """Its place stays empty, the frames after it keep theirs, and it is counted."""
    buffer = JitterBuffer(Law.ULAW)
    for number in (0, 1, 3, 4):
        put(buffer, number)
    assert drained(buffer, 5) == [frame(0), frame(1), None, frame(3), frame(4)]
    assert buffer.counters == jitter.Counters(lost=1)


def test_packets_out_of_order_and_twice_come_out_once_in_order() -> None:
    """Order is that of the timestamps, also before the start; copies are ignored."""
    buffer = JitterBuffer(Law.ULAW)
    for number in (1, 0, 3, 2, 2, 0):
        put(buffer, number)
    for _ in range(99):
        put(buffer, 3)
    assert len(buffer._packets) == 4
    assert drained(buffer, 4) == [frame(number) for number in range(4)]
    assert buffer.counters == jitter.Counters()


def test_a_packet_that_comes_after_its_turn_is_late() -> None:
    """It is not played, it is counted, and the buffer aims deeper."""
    buffer = JitterBuffer(Law.ULAW)
    for number in (0, 2, 3):
        put(buffer, number)
    assert drained(buffer, 2) == [frame(0), None]
    put(buffer, 1)
    assert drained(buffer, 2) == [frame(2), frame(3)]
    assert (buffer.counters.late, buffer.counters.lost) == (1, 1)
    assert buffer.target_frames == 3


def test_a_stalled_network_delays_and_does_not_cut() -> None:
    """When nothing is there the play-out waits; what comes then is played in full."""
    buffer = filled()
    assert drained(buffer, 4) == [frame(0), frame(1), None, None]
    for number in range(2, 6):
        put(buffer, number)
    assert drained(buffer, 4) == [frame(number) for number in range(2, 6)]
    assert buffer.counters == jitter.Counters(inserted=2)
    assert buffer.target_frames == 3


def test_a_sender_that_pauses_adds_no_delay() -> None:
    """Silence suppression: time that passed on both sides is skipped, short or long."""
    for pause in (5, 150):
        buffer = filled()
        drained(buffer, 2)
        drained(buffer, pause)
        for number in range(2):
            buffer.put(2 + number, 160 * (2 + pause + number), frame(2 + number))
        assert drained(buffer, 2) == [frame(2), frame(3)]
        assert buffer.counters == jitter.Counters()


def test_a_short_pause_within_the_store_is_no_loss() -> None:
    """A gap of timestamps between consecutive sequence numbers was never sent."""
    buffer = filled(1)
    buffer.put(1, 480, frame(1))
    assert drained(buffer, 4) == [frame(0), None, None, frame(1)]
    assert buffer.counters == jitter.Counters()


def test_a_sender_that_starts_counting_anew_is_followed() -> None:
    """A jump of the timestamp in sequence is believed at once, and filled up anew."""
    for timestamp in (10**9, 2**32 - 10**9):
        buffer = filled()
        drained(buffer, 1)
        buffer.put(2, timestamp, frame(2))
        buffer.put(3, timestamp + 160, frame(3))
        assert drained(buffer, 2) == [frame(2), frame(3)]
        assert buffer.counters == jitter.Counters(resyncs=1)


def test_a_stray_packet_changes_nothing() -> None:
    """A jump out of sequence is believed only when the next packet agrees (RFC 3550 A.1)."""
    buffer = filled()
    buffer.put(40000, 10**9, frame(9))
    assert drained(buffer, 2) == [frame(0), frame(1)]
    assert buffer.counters == jitter.Counters(refused=1)
    buffer.put(50000, 10**9, frame(10))
    buffer.put(50001, 10**9 + 160, frame(11))
    buffer.put(50002, 10**9 + 320, frame(12))
    assert drained(buffer, 2) == [frame(11), frame(12)]
    assert buffer.counters == jitter.Counters(refused=2, resyncs=1)


def test_another_source_begins_anew() -> None:
    """A change of SSRC throws away what the other source sent."""
    buffer = filled()
    buffer.put(7, 7, frame(7), ssrc=9)
    buffer.put(8, 167, frame(8), ssrc=9)
    assert drained(buffer, 2) == [frame(7), frame(8)]
    assert buffer.counters.resyncs == 1


def test_too_much_is_cut_to_the_newest() -> None:
    """A burst beyond 200 ms is brought back to the target depth at once."""
    buffer = filled(11)
    assert buffer.depth_ms == 40
    assert drained(buffer, 2) == [frame(9), frame(10)]
    assert buffer.counters == jitter.Counters(dropped=9)


def test_restart_forgets_sound_and_keeps_the_count() -> None:
    """What came before the consumer began is not played."""
    buffer = filled(5)
    buffer.restart()
    assert buffer.depth_ms == 0
    put(buffer, 5)
    put(buffer, 6)
    assert drained(buffer, 2) == [frame(5), frame(6)]


def test_needless_delay_goes_in_silence_only() -> None:
    """60 ms too deep: not one frame of sound is dropped, silent ones are, one in 2 s."""
    buffer = filled(7)
    got = drained(buffer, 1)
    for number in range(7, 250):
        put(buffer, number)
        got.append(buffer.get())
    assert heard(got) == SOUND[: 160 * len(got)]
    drops = []
    for number in range(250, 700):
        put(buffer, number, QUIET)
        before = buffer.counters.dropped
        buffer.get()
        drops += [number] * (buffer.counters.dropped - before)
    assert buffer.counters == jitter.Counters(dropped=3)
    assert drops[2] - drops[1] >= 100 <= drops[1] - drops[0]
    assert buffer.depth_ms == 60


def test_target_comes_down_after_quiet_times() -> None:
    """Ten seconds without trouble lower the target by a frame, never below where it began."""
    buffer = filled()
    drained(buffer, 3)
    for number in range(2, 1600):
        put(buffer, number, QUIET)
        buffer.get()
        assert buffer.target_frames == (3 if number < 501 else 2)


def test_target_has_a_limit() -> None:
    """However bad a network, no more than 120 ms are asked for."""
    buffer = filled(9)
    drained(buffer, 9)
    for number in range(8):
        put(buffer, number)
    assert (buffer.counters.late, buffer.target_frames) == (8, 6)


def test_parts_that_are_missing_are_silence() -> None:
    """Of 10 ms packets one may be missing: half a frame is played."""
    buffer = JitterBuffer(Law.ALAW)
    for number in (0, 1, 3, 4):
        buffer.put(number, 80 * number, bytes([number + 1]) * 80)
    assert buffer.get() == b"\1" * 80 + b"\2" * 80
    assert buffer.get() == frames.silence(Law.ALAW, 80) + b"\4" * 80
    assert buffer.get() is None


def test_empty_packets_are_nothing() -> None:
    """A packet without sound changes nothing."""
    buffer = filled()
    buffer.put(2, 320, b"")
    assert drained(buffer, 3) == [frame(0), frame(1), None]


@pytest.mark.parametrize("law", [Law.ULAW, Law.ALAW])
def test_concealment_repeats_once_and_falls_silent(law: Law) -> None:
    """The last frame 6 dB down, then silence."""
    last = g711.encode(babble(1)[8000:8320], law)
    level = frames.level_dbm0(g711.decode(last, law))
    once = jitter.conceal(last, 1, law)
    assert frames.level_dbm0(g711.decode(once, law)) == pytest.approx(level - 6, abs=0.5)
    assert jitter.conceal(last, 2, law) == frames.silence(law, 160)
