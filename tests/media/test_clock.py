"""When frames are fetched: against modems of other piece sizes and crystals, on a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from appliance.dsp.jitter import JitterBuffer
from appliance.dsp.wav import Law
from appliance.media.clock import CLEAR_S, FRAME_S, MARGIN_S, FrameScheduler

FRAMES = 3000
"""A minute."""
PIECE_S = 0.010


@dataclass
class Fetched:
    """What a minute of a stream took: wake-ups, and when each frame was read and was whole."""

    wake_ups: int = 0
    at: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    @property
    def uneven(self) -> list[float]:
        """How far off 20 ms each frame was read after the one before, ascending (s)."""
        pairs = zip(self.at, self.at[1:], strict=False)
        return sorted(abs(b - a - FRAME_S) for a, b in pairs)


def _fetch(piece: int, drift: float = 0.0) -> Fetched:
    """Let a modem send pieces of so many samples; be woken as the rhythm asks for it."""
    rhythm, fetched = FrameScheduler(), Fetched()
    rate = 8000 * (1 + drift)
    read = told = 0
    now = 0.0
    while told < FRAMES:
        if rhythm.fetch_at is None:  # woken by the next piece, or at once by one that is there
            now = max(now, (read // piece + 1) * piece / rate)
        else:
            now = max(now, rhythm.fetch_at)
        fetched.wake_ups += 1
        there = int(now * rate / piece + 1e-9) * piece
        rhythm.took(there - read, now)
        read = there
        while read >= 160 * (told + 1):
            told += 1
            fetched.at.append(now)
            fetched.late.append(now - 160 * told / rate)
    return fetched


@pytest.mark.parametrize("piece", [8, 40, 80, 160])
@pytest.mark.parametrize("drift", [-2e-4, 0.0, 2e-4])
def test_a_frame_costs_one_wake_up(piece: int, drift: float) -> None:
    """Pieces of 1, 5, 10, 20 ms, crystals 200 ppm off: hardly more than a wake-up a frame, each
    read within 2 ms of its end, and evenly (an RTP packet leaves with each).
    """
    fetched = _fetch(piece, drift)
    assert fetched.wake_ups < 1.15 * FRAMES + 20
    assert min(fetched.late) > -1e-9
    assert max(fetched.late) < 2 * MARGIN_S
    assert fetched.uneven[int(0.99 * FRAMES)] < 1.5 * MARGIN_S


@pytest.mark.parametrize("drift", [-2e-4, 2e-4])
def test_pieces_that_do_not_end_with_a_frame(drift: float) -> None:
    """64 bytes of USB each 8 ms: two or three of them make a frame; still read at a steady pace."""
    fetched = _fetch(64, drift)
    assert fetched.wake_ups < 1.3 * FRAMES
    assert max(fetched.late) < 0.008 + 2 * MARGIN_S
    assert fetched.uneven[int(0.9 * FRAMES)] < 1.5 * MARGIN_S


def test_a_frame_that_is_late_is_watched_for() -> None:
    """A fetch that found too little is over: from now on every byte wakes until it is whole;
    from then on the clock does again.
    """
    rhythm = FrameScheduler()
    rhythm.took(160, 1.0)
    assert rhythm.fetch_at == pytest.approx(1.0 + FRAME_S + MARGIN_S)
    assert not rhythm.is_due(1.02)
    assert rhythm.is_due(1.021)
    rhythm.took(0, 1.021)
    assert rhythm.fetch_at is None
    assert not rhythm.is_due(9.0)
    rhythm.took(80, 1.030)
    assert rhythm.fetch_at is None
    rhythm.took(80, 1.040)
    assert rhythm.fetch_at == pytest.approx(1.04 + FRAME_S + MARGIN_S)


def test_a_process_that_was_late_keeps_the_rhythm() -> None:
    """What was late by 8 ms, or by three frames, is fetched at its old pace the next time."""
    rhythm = FrameScheduler()
    rhythm.took(160, 1.0)
    rhythm.took(160, 1.029)
    assert rhythm.fetch_at == pytest.approx(1.041, abs=0.0001)
    rhythm.took(640, 1.111)
    assert rhythm.fetch_at == pytest.approx(1.121, abs=0.0002)


@pytest.mark.parametrize("piece", [8, 80, 160])
def test_a_line_joined_to_a_phone_follows_its_packets(piece: int) -> None:
    """The piece behind a packet ends the first frame, whatever its size, but not one that comes
    with the packet; the next one is due 20 ms later.
    """
    rhythm = FrameScheduler()
    rhythm.took(160, 1.0)
    assert not rhythm.begins(1.0, came_at=0.99)
    rhythm.begin(1.0)
    assert (rhythm.fetch_at, rhythm.is_beginning) == (None, True)
    assert not rhythm.begins(1.005, came_at=0.99)
    rhythm.took(400, 1.005)
    assert rhythm.fetch_at is None
    assert not rhythm.begins(1.010, came_at=1.009)
    assert rhythm.begins(1.020, came_at=1.009)
    rhythm.took(piece, 1.020)
    assert rhythm.fetch_at == pytest.approx(1.02 + FRAME_S + MARGIN_S)
    assert not rhythm.is_beginning
    rhythm.took(152, 1.041)
    assert rhythm.fetch_at is None


def test_a_phone_that_sends_nothing_is_not_waited_for() -> None:
    """On hold from the first moment: after 50 ms any piece will do, once."""
    rhythm = FrameScheduler()
    rhythm.begin(1.0)
    assert not rhythm.begins(1.049, came_at=0.5)
    assert rhythm.begins(1.051, came_at=0.5)
    assert not rhythm.begins(1.061, came_at=0.5)


@dataclass
class Conversation:
    """A modem of 10 ms pieces, a phone whose packets come `phase` behind; read as asked for."""

    phase: float
    rhythm: FrameScheduler = field(default_factory=FrameScheduler)
    store: JitterBuffer = field(default_factory=lambda: JitterBuffer(Law.ULAW))
    now: float = 0.0
    pieces: int = 0
    packets: int = 0
    came_at: float = -1.0
    waits: list[float] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Be woken by packets while beginning, by pieces while watching, else by the clock."""
        while self.now < seconds:
            if self.rhythm.fetch_at is not None:
                self.now = self.rhythm.fetch_at
            else:
                self.now = max(self.now, (self.pieces + 1) * PIECE_S)
                packet = self.phase + self.packets * FRAME_S
                if self.rhythm.is_beginning and packet < self.now:
                    self.now = packet
            self._hear_phone()
            self._read_modem()

    def _hear_phone(self) -> None:
        while self.phase + self.packets * FRAME_S <= self.now + 1e-9:
            name = self.packets % 250
            self.store.put(self.packets, self.packets * 160, bytes([name]) * 160)
            self.packets += 1
            self.came_at = self.now

    def _read_modem(self) -> None:
        there = int(self.now / PIECE_S + 1e-6)
        samples = (there - self.pieces) * 80
        self.pieces = there
        if samples:
            self.rhythm.begins(self.now, self.came_at)
            heard = self.store.read(samples)
            latest = self.packets - 1
            number = latest - (latest - heard[0]) % 250
            self.waits.append(self.now - self.phase - number * FRAME_S)
        self.rhythm.took(samples, self.now)


@pytest.mark.parametrize("phase_ms", range(20))
def test_wherever_packets_come_they_are_read_evenly(phase_ms: int) -> None:
    """Joined at any moment of a phone's 20 ms: no sample is put in or left out, and a packet waits
    for its turn no longer than a frame and a piece.
    """
    talk = Conversation(phase_ms / 1000 + 0.0003)
    talk.rhythm.begin(0.0)
    talk.run(10.0)
    assert (talk.store.counters.inserted, talk.store.counters.dropped) == (0, 0)
    assert max(talk.waits[100:]) < FRAME_S + PIECE_S + CLEAR_S + 2 * MARGIN_S


def test_a_stream_that_ended_has_no_rhythm() -> None:
    """Behind a stream's end every byte is news at once, and the next stream begins anew."""
    rhythm = FrameScheduler()
    rhythm.took(300, 1.0)
    rhythm.stop()
    assert rhythm.fetch_at is None
    rhythm.took(80, 2.0)
    assert rhythm.fetch_at is None
