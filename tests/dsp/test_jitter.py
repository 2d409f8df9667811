"""Jitter buffer: on a clean stream bytes out are bytes in; else it says what it did."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.dsp import g711, wav
from appliance.dsp.conceal import Concealer
from appliance.dsp.jitter import (
    JitterBuffer,
    JitterCounters,
    JitterPacket,
    PacketSource,
    PacketStore,
    Splicer,
)
from appliance.dsp.wav import Law
from tests.dsp.stream import Delays, on_time, read_through
from tests.helpers import sound
from tests.helpers.clicks import CLICK_DB, sharpness
from tests.helpers.examples import examples
from tests.helpers.sound import babble

SOUND = random.Random(1).randbytes(160 * 400)
"""Every frame differs and none is quiet."""
SILENT = wav.silence(Law.ULAW, 160)
VOICE = g711.encode(babble(30, seed=4), Law.ULAW)


def hiss() -> bytes:
    """Noise as loud as speech: nothing in it resembles anything else."""
    return g711.encode(sound.noise(30 * 8000, -20.0), Law.ULAW)


def frame(number: int) -> bytes:
    """The numbered frame of SOUND."""
    return SOUND[160 * number : 160 * number + 160]


def put(buffer: JitterBuffer, number: int, payload: bytes | None = None, ssrc: int = 0) -> None:
    """A packet of 20 ms in its place."""
    data = frame(number) if payload is None else payload
    buffer.put(number % 65536, 160 * number % 2**32, data, ssrc)


def drained(buffer: JitterBuffer, ticks: int) -> list[bytes]:
    """What the reader gets in a number of ticks."""
    return [buffer.read(160) for _ in range(ticks)]


def filled(count: int = 2) -> JitterBuffer:
    """A buffer that holds the first frames."""
    buffer = JitterBuffer(Law.ULAW)
    for number in range(count):
        put(buffer, number)
    return buffer


@given(
    start=st.sampled_from([0, 2**32 - 1600, 2**31 - 800]),
    samples=st.sampled_from([40, 80, 160, 240, 320, 480]),
    lump=st.sampled_from([13, 80, 160]),
    data=st.data(),
)
@settings(max_examples=examples(120))
def test_a_clean_stream_comes_out_as_it_went_in(
    start: int, samples: int, lump: int, data: st.DataObject
) -> None:
    """Any jitter and order within the wait, any packet length, across both wraps: exact."""
    count = len(SOUND) // 2 // samples
    late = data.draw(st.lists(st.integers(0, 150 - lump // 2), min_size=count, max_size=count))
    due = sorted((samples * (n + 1) + late[n], n) for n in range(count))
    buffer, got = JitterBuffer(Law.ULAW), b""
    for now in range(lump, samples * count + 160 * 12, lump):
        while due and due[0][0] <= now:
            _, n = due.pop(0)
            payload = SOUND[n * samples : (n + 1) * samples]
            buffer.put((65530 + n) % 65536, (start + n * samples) % 2**32, payload)
        got += buffer.read(lump)
    assert SOUND[: samples * count] in got
    assert buffer.counters == JitterCounters()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 65535),
            st.integers(0, 2**32 - 1),
            st.binary(max_size=2000),
            st.integers(0, 1),
            st.integers(0, 500),
        ),
        max_size=60,
    )
)
@settings(max_examples=examples(100))
def test_nothing_makes_it_grow_or_fail(packets: list[tuple[int, int, bytes, int, int]]) -> None:
    """Whatever arrives, at most 360 ms are held and each read gives what it asked for."""
    buffer = JitterBuffer(Law.ALAW)
    for seq, timestamp, payload, ssrc, samples in packets:
        buffer.put(seq, timestamp, payload, ssrc)
        assert buffer.depth_ms <= 360
        assert len(buffer.read(samples)) == samples
        assert buffer.depth_ms >= 0
    drained(buffer, 60)
    assert buffer.depth_ms < 20


def test_it_waits_for_its_depth_but_not_for_ever() -> None:
    """Two frames start it; a single packet is played after a while all the same."""
    buffer = JitterBuffer(Law.ULAW)
    assert drained(buffer, 3) == [SILENT] * 3
    assert (buffer.depth_ms, buffer.wait_ms) == (0, 0)
    put(buffer, 0)
    assert drained(buffer, 4)[:3] == [SILENT] * 2 + [frame(0)]
    assert filled().read(160) == frame(0)


def test_a_lost_packet_is_bridged_in_its_place() -> None:
    """Its place is filled, the frames around it keep theirs to the byte, and it is counted."""
    buffer = JitterBuffer(Law.ULAW)
    for number in (0, 1, 3, 4):
        put(buffer, number)
    got = drained(buffer, 5)
    assert [got[n] for n in (0, 1, 3, 4)] == [frame(n) for n in (0, 1, 3, 4)]
    assert got[2] not in {frame(2), SILENT}
    assert buffer.counters == JitterCounters(lost=1)


def test_packets_out_of_order_and_twice_come_out_once_in_order() -> None:
    """Order is that of the timestamps, also before the start; copies change nothing."""
    buffer = JitterBuffer(Law.ULAW)
    for number in (1, 0, 3, 2, 2, 0):
        put(buffer, number)
    for _ in range(99):
        put(buffer, 3)
    assert buffer.depth_ms == 80
    assert drained(buffer, 4) == [frame(number) for number in range(4)]
    assert buffer.counters == JitterCounters()


def test_copies_of_what_was_played_say_nothing_of_the_network() -> None:
    """Each packet once more, 110 ms after its own time: not a byte, not a count changes."""
    buffer = JitterBuffer(Law.ULAW)
    reading = read_through(buffer, VOICE, lambda _: (0.0, 880.0))
    assert VOICE in reading.heard
    assert (buffer.counters, buffer.target_ms) == (JitterCounters(), 20)


def test_a_packet_that_comes_after_its_turn_is_late() -> None:
    """It is not played, and it is counted."""
    buffer = JitterBuffer(Law.ULAW)
    for number in (0, 2, 3):
        put(buffer, number)
    drained(buffer, 2)
    put(buffer, 1)
    assert drained(buffer, 2) == [frame(2), frame(3)]
    assert (buffer.counters.late, buffer.counters.lost) == (1, 1)


def test_a_sender_that_pauses_adds_no_delay() -> None:
    """Silence suppression: what was not sent is not waited for, and is no loss; short or long."""
    for pause in (5, 150, 3000):
        said = VOICE[: 160 * 40] + SILENT * pause + VOICE[160 * 40 : 160 * 100]
        reading = read_through(
            buffer := JitterBuffer(Law.ULAW),
            said,
            on_time,
            paused=lambda n, pause=pause: 40 <= n < 40 + pause,  # type: ignore[misc]
        )
        assert VOICE[160 * 42 : 160 * 100] in reading.heard
        assert reading.waits[-80] == 20
        assert buffer.counters == JitterCounters()


def test_a_short_pause_within_the_store_is_no_loss() -> None:
    """A gap of timestamps between consecutive sequence numbers was never sent."""
    buffer = filled(1)
    buffer.put(1, 480, frame(1))
    assert drained(buffer, 4)[3] == frame(1)
    assert buffer.counters == JitterCounters()


def stalled(begin: int, ms: float) -> Delays:
    """A network that hands nothing on for a while, from the packet `begin` on, then all at once."""
    return lambda n: (max(0.0, ms * 8 - (n - begin) * 160) if n >= begin else 0.0,)


@pytest.mark.parametrize("make", [lambda: VOICE, hiss], ids=["voice", "noise"])
@pytest.mark.parametrize("begin", [15, 600])
def test_after_a_stall_of_200_ms_the_delay_is_gone_within_2_s(
    make: Callable[[], bytes], begin: int
) -> None:
    """All of it is heard, late at first; 2 s later the wait is at its target again, which one
    stall does not change; at no joint there is a click.
    """
    said, buffer = make(), JitterBuffer(Law.ULAW)
    reading = read_through(buffer, said, stalled(begin, 200))
    over = 2 * begin + 22
    assert reading.waits[over] >= 190
    assert max(reading.waits[over + 200 : -80]) <= 40
    assert set(reading.targets[over + 200 :]) == {20}
    counters = buffer.counters
    assert (counters.late, counters.lost) == (0, 0)
    assert abs(counters.waited - counters.dropped) <= 160
    assert _sharpest(reading.heard) <= 1.05 * _sharpest(said)


def _sharpest(ulaw: bytes) -> float:
    return sharpness(g711.decode(ulaw, Law.ULAW), 0, len(ulaw))


def test_a_stall_of_a_second_is_cut_to_what_is_new() -> None:
    """Beyond 360 ms what is oldest is dropped, and the joint is no step."""
    buffer = JitterBuffer(Law.ULAW)
    reading = read_through(buffer, VOICE, stalled(600, 1000))
    assert max(reading.waits[1400:-80]) <= 40
    assert _sharpest(reading.heard) <= 1.05 * _sharpest(VOICE)


@pytest.mark.parametrize(
    ("spread_ms", "least", "most"), [(0, 20, 20), (10, 20, 20), (40, 40, 60), (80, 80, 100)]
)
def test_the_wait_follows_the_jitter(spread_ms: int, least: int, most: int) -> None:
    """Packets late by chance, up to so much: after 3 s hardly one in a hundred comes too late,
    and none waits longer than the jitter asks for and 20 ms more.
    """
    rng = random.Random(spread_ms)
    buffer = JitterBuffer(Law.ULAW)
    reading = read_through(buffer, VOICE, lambda _: (rng.random() * spread_ms * 8,))
    assert least <= min(reading.targets[300:]) <= max(reading.targets[300:]) <= most
    assert max(reading.waits[300:-80]) <= most + 20
    assert buffer.counters.lost + buffer.counters.late <= 2 * 1500 // 100
    assert _sharpest(reading.heard) <= 1.05 * _sharpest(VOICE)


def test_the_wait_has_a_limit() -> None:
    """However bad a network, the target is 120 ms at most."""
    rng = random.Random(7)
    reading = read_through(JitterBuffer(Law.ULAW), VOICE, lambda _: (rng.random() * 4000,))
    assert max(reading.targets) == 120


def test_the_wait_comes_down_again() -> None:
    """Ten seconds after a network has become good the delay that it asked for is gone."""
    rng = random.Random(7)
    reading = read_through(
        JitterBuffer(Law.ULAW), VOICE, lambda n: (rng.random() * (640 if n < 500 else 0),)
    )
    assert min(reading.waits[500:900]) >= 60
    assert max(reading.waits[2400:-80]) <= 40


def test_a_network_that_stalls_every_five_seconds_is_waited_for() -> None:
    """80 ms every 5 s, as a WLAN phone that scans: after the second nothing is delayed any more."""
    buffer = JitterBuffer(Law.ULAW)
    reading = read_through(buffer, VOICE, lambda n: (max(0.0, 640 - n % 250 * 160),))
    assert reading.targets[-80] == 90
    assert buffer.counters.waited <= 2 * 640
    assert buffer.counters.lost == 0


def test_jitter_that_stays_within_the_wait_changes_no_byte() -> None:
    """A good LAN: packets up to 10 ms late."""
    rng = random.Random(9)
    buffer = JitterBuffer(Law.ULAW)
    reading = read_through(buffer, VOICE, lambda _: (rng.random() * 80,))
    assert VOICE in reading.heard
    assert buffer.counters == JitterCounters()


@pytest.mark.parametrize("before_ms", [1, 2, 5, 10, 15, 19])
@pytest.mark.parametrize("late_ms", [3, 6, 12, 19])
def test_a_reader_of_whole_frames_is_not_alarmed_by_a_millisecond(
    before_ms: int, late_ms: int
) -> None:
    """Packets that come shortly before a line is read, twice in ten seconds a little behind it:
    they are there when their turn comes, so that no byte is changed.
    """
    buffer = JitterBuffer(Law.ULAW)
    reading = read_through(
        buffer,
        VOICE,
        lambda n: (160 - before_ms * 8 + late_ms * 8 * (n in (300, 350)),),
        lump=160,
    )
    assert VOICE in reading.heard
    assert buffer.counters == JitterCounters()


def test_a_held_vowel_without_pauses_is_corrected_too() -> None:
    """A tone from a phone 500 ppm fast: after 8 s without a pause one period less is not heard."""
    tone = g711.encode(sound.through(_tone(100.0), Law.ULAW), Law.ULAW)
    for ppm in (500.0, -500.0):
        buffer = JitterBuffer(Law.ULAW)
        reading = read_through(buffer, tone, on_time, ppm=ppm)
        assert buffer.counters.splices > 0
        assert buffer.counters.waited == 0
        assert max(reading.waits[100:-80]) <= 60
        assert _sharpest(reading.heard[2000:-9000]) <= 1.3 * _sharpest(tone)


def test_where_less_than_a_splice_is_in_store_none_is_made() -> None:
    """Delay is wanted, the room is quiet, but 5 ms are all there is: not now."""
    for samples, is_made in ((40, False), (79, False), (80, True)):
        store = PacketStore(0)
        store.put(JitterPacket(0, 0, SILENT[:1] * samples))
        splicer, played = Splicer(Law.ULAW, JitterCounters()), Concealer(Law.ULAW)
        made = [splicer.sound(store, played, -100, 60, 160) for _ in range(5)]
        assert any(made) is is_made


def test_hiss_from_a_slow_phone_is_delayed_where_nothing_fits() -> None:
    """Loud noise resembles itself nowhere and never pauses: once the store is dry it waits."""
    buffer = JitterBuffer(Law.ULAW)
    reading = read_through(buffer, hiss() * 2, on_time, ppm=-1500.0)
    assert buffer.counters.waited > 0
    assert buffer.counters.splices == 0
    assert _sharpest(reading.heard) <= 1.2 * _sharpest(hiss())


def _tone(seconds: float) -> bytes:
    turn = 2 * math.pi * 155 / 8000 * np.arange(int(seconds * 8000))
    return sound.as_pcm16(4000 * np.sin(turn) + 1500 * np.sin(3 * turn))


def test_a_sender_that_starts_counting_anew_is_followed() -> None:
    """A jump of the timestamp in sequence is believed at once, and filled up anew."""
    for timestamp in (10**9, 2**32 - 10**9):
        buffer = filled()
        drained(buffer, 1)
        for number in (2, 3, 4):
            buffer.put(number, (timestamp + 160 * number) % 2**32, frame(number))
        got = drained(buffer, 3)
        assert got[1:] == [frame(3), frame(4)]
        assert got[0][80:] == frame(2)[80:]
        assert buffer.counters == JitterCounters(resyncs=1)
        assert buffer.depth_ms == 0


def test_a_stray_packet_changes_nothing_and_a_second_one_is_believed() -> None:
    """A jump out of sequence waits for a packet that agrees (RFC 3550 A.1); then both count."""
    buffer = filled()
    buffer.put(40000, 10**9, frame(9))
    assert drained(buffer, 2) == [frame(0), frame(1)]
    assert buffer.counters == JitterCounters(refused=1)
    buffer.put(50000, 10**9, frame(10))
    buffer.put(50001, 10**9 + 160, frame(11))
    buffer.put(50002, 10**9 + 320, frame(12))
    assert drained(buffer, 3)[1:] == [frame(11), frame(12)]
    assert buffer.counters == JitterCounters(refused=2, resyncs=1)


def test_another_source_begins_anew_when_two_packets_are_its_own() -> None:
    """A change of SSRC throws away what the other source sent; one stray packet does not."""
    buffer = filled()
    put(buffer, 77, ssrc=5)
    buffer.put(7, 7, frame(7), ssrc=9)
    assert drained(buffer, 1) == [frame(0)]
    buffer.put(8, 167, frame(8), ssrc=9)
    put(buffer, 2)
    buffer.put(9, 327, frame(9), ssrc=9)
    assert drained(buffer, 3)[1:] == [frame(8), frame(9)]
    assert buffer.counters == JitterCounters(refused=3, resyncs=1)


def test_too_much_is_cut_to_the_newest() -> None:
    """A burst beyond 360 ms is brought back to the target at once; unread, it is no loss either."""
    buffer = filled(19)
    assert (buffer.depth_ms, buffer.target_ms) == (140, 120)
    assert drained(buffer, 7) == [frame(number) for number in range(12, 19)]
    assert buffer.counters == JitterCounters()
    for number in range(19, 19 + 24):
        put(buffer, number)
    assert buffer.depth_ms <= 360
    assert buffer.counters.dropped >= 200 * 8


def test_restart_forgets_sound_and_keeps_the_count() -> None:
    """What came before the reader began is not played, and nothing is faded in."""
    buffer = filled(5)
    drained(buffer, 2)
    buffer.restart()
    assert buffer.depth_ms == 0
    put(buffer, 5)
    put(buffer, 6)
    assert drained(buffer, 2) == [frame(5), frame(6)]


def test_what_came_while_nobody_read_says_nothing_of_the_network() -> None:
    """Packets of two seconds unread, then a reader: the wait is that of a clean network."""
    buffer = filled(100)
    buffer.restart()
    for number in range(100, 400):
        put(buffer, number)
        buffer.read(160)
    assert (buffer.target_ms, buffer.wait_ms) == (20, 20)


def test_jitter_is_remembered_over_a_new_numbering() -> None:
    """A phone that starts anew amid a call is still the phone behind that WLAN."""
    rng = random.Random(2)
    buffer = JitterBuffer(Law.ULAW)
    read_through(buffer, VOICE[: 160 * 400], lambda _: (rng.random() * 640,))
    before = buffer.target_ms
    buffer.put(9, 10**9, frame(1), ssrc=4)
    buffer.put(10, 10**9 + 160, frame(2), ssrc=4)
    assert buffer.target_ms == before >= 80


def test_of_two_packets_for_one_moment_the_first_is_played() -> None:
    """Another sequence number, the same timestamp: somebody numbers wrongly."""
    buffer = filled()
    buffer.put(2, 160, frame(9))
    assert drained(buffer, 2) == [frame(0), frame(1)]


def test_a_short_packet_within_a_long_one_hides_nothing_of_it() -> None:
    """Sound that is in store counts to its end, whichever packet began last."""
    buffer = JitterBuffer(Law.ULAW)
    buffer.put(0, 0, SOUND[:480])
    buffer.put(1, 80, frame(9)[:8])
    depths = []
    heard = b""
    for _ in range(20):
        heard += buffer.read(80)
        depths.append(buffer.depth_ms)
    assert min(depths) == 0
    assert SOUND[:480] in heard


def test_empty_packets_are_nothing() -> None:
    """A packet without sound changes nothing."""
    buffer = filled()
    buffer.put(2, 320, b"")
    assert drained(buffer, 2) == [frame(0), frame(1)]
    assert buffer.depth_ms == 0


def test_packets_that_bring_no_sound_are_not_missing() -> None:
    """Comfort noise or a key between two packets of sound, and one that is lost: one is lost."""
    buffer = filled()
    for number, timestamp in ((2, 320), (3, 640)):
        buffer.put(number, timestamp, b"")
    buffer.put(5, 1440, frame(5))
    buffer.put(6, 1600, frame(6))
    drained(buffer, 30)
    assert buffer.counters.lost == 1
    stranger = JitterBuffer(Law.ULAW)
    stranger.put(2, 320, b"")
    assert stranger.counters == JitterCounters()


def test_a_gap_at_the_end_of_the_store_is_counted_once() -> None:
    """Two packets lost while nothing else came: both are counted, nothing else is."""
    said = VOICE[: 160 * 200]
    buffer = JitterBuffer(Law.ULAW)
    read_through(buffer, said, lambda n: () if n in {100, 101} else (0.0,))
    assert buffer.counters.lost == 2


def test_the_click_that_a_naive_buffer_makes_would_be_seen() -> None:
    """The ruler: the same stall with its sound cut out and butted together is sharper."""
    whole = g711.decode(g711.encode(_tone(2.0), Law.ULAW), Law.ULAW)
    cut = whole[: 2 * 8000] + whole[2 * 8000 + 2 * 37 :]
    assert sharpness(cut, 7900, 8100) > 10 ** (CLICK_DB / 10) * sharpness(whole, 7000, 7900)


@pytest.mark.parametrize("seed", range(12))
def test_little_sound_ahead_is_no_reason_to_fail(seed: int) -> None:
    """Read in pieces of 13 samples, less may lie ahead than a splice needs: none is made."""
    dice, buffer = random.Random(seed), JitterBuffer(Law.ULAW)
    count, got = len(SOUND) // 2 // 160, b""
    late = [dice.choice([0, 0, 0, dice.randint(0, 143)]) for _ in range(count)]
    due = sorted((160 * (n + 1) + late[n], n) for n in range(count))
    for now in range(13, 160 * (count + 12), 13):
        while due and due[0][0] <= now:
            _, n = due.pop(0)
            buffer.put(n, n * 160, SOUND[n * 160 : (n + 1) * 160])
        got += buffer.read(13)
    assert SOUND[: 160 * count] in got


@pytest.mark.parametrize("first", [100, 65_533, 65_534, 65_535])
def test_numbers_wrap_where_packets_are_counted(first: int) -> None:
    """16 bits: packet 0 follows 65535, whether one is missing or a jump is to be believed."""
    numbers = [(first + n) % 65_536 for n in range(4)]
    one, two, three, four = (
        JitterPacket(160 * n, number, b"x") for n, number in enumerate(numbers)
    )
    source = PacketSource()
    assert source.believes(one, is_jump=False) == (one,)
    assert source.missing(one, four) == 2
    source.passes(two)
    assert source.missing(one, four) == 1
    jumped = replace(three, source=9), replace(four, source=9)
    assert source.believes(jumped[0], is_jump=True) == ()
    assert source.believes(jumped[1], is_jump=True) == jumped
