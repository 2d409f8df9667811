"""RTP jitter buffer: packets as they come in, one 20 ms frame out at each tick of the consumer.

The play-out point is a timestamp. A frame that is missing when its turn comes, though a later
one is here, is lost. When nothing at all is here the play-out point waits: sound is delayed by a
frame instead of cut, and that is how the buffer grows to the depth a network needs. It shrinks
by dropping silent frames only. While packets come in time, the frames out are the bytes in.
Jumps of timestamp or sequence are believed when two packets agree (RFC 3550 appendix A.1).
"""

from __future__ import annotations

import audioop
from bisect import insort
from dataclasses import dataclass

from appliance.media import g711
from appliance.media.frames import FRAME_SAMPLES, SAMPLES_PER_MS, Law, level_dbm0, silence

TARGET_FRAMES = 2
MAX_TARGET_FRAMES = 6
MAX_FRAMES = 10
"""200 ms: what comes on top of that is dropped, oldest first."""
SHRINK_TICKS = 100
"""After 2 s with more than twice the target in store the delay is one that nobody needs."""
RELAX_TICKS = 500
"""After 10 s without trouble the target comes down by a frame."""
QUIET_DBM0 = -45.0
_MAX_SAMPLES = MAX_FRAMES * FRAME_SAMPLES


@dataclass(slots=True)
class Counters:
    """What has happened: `late` and `refused` in packets, the others in frames of 20 ms."""

    late: int = 0
    refused: int = 0
    lost: int = 0
    dropped: int = 0
    inserted: int = 0
    resyncs: int = 0


def conceal(last: bytes, missed: int, law: Law) -> bytes:
    """Return what to play for the `missed`-th missing frame in a row (from 1).

    The frame before once more, 6 dB down, then silence: 20 ms bridge a lost packet, more of the
    same would buzz (ITU-T G.711 appendix I repeats and fades likewise).
    """
    if missed > 1:
        return silence(law, len(last))
    return g711.encode(audioop.mul(g711.decode(last, law), 2, 0.5), law)


class JitterBuffer:
    """Puts one RTP stream of an 8-bit `law` back in order and in time; holds 200 ms at most."""

    def __init__(self, law: Law, target_frames: int = TARGET_FRAMES) -> None:
        self.counters = Counters()
        self._law = law
        self._least_target = self._target = target_frames
        self._ssrc: int | None = None
        self._next_seq: int | None = None  # after the packet that came last
        self._bad_seq: int | None = None  # would confirm a jump
        self._played_after: int | None = None  # sequence that follows what was played
        self.restart()

    def restart(self) -> None:
        """Forget the sound in store: what came before the consumer began is only delay."""
        self._packets: list[tuple[int, int, bytes]] = []  # timestamp, sequence, payload
        self._play: int | None = None  # timestamp of the next frame out, not wrapped
        self._is_filling = True
        self._waited = self._calm = self._excess = 0

    @property
    def depth_ms(self) -> int:
        """How much sound is in store, gaps included, in ms."""
        return self._ahead() // SAMPLES_PER_MS

    @property
    def target_frames(self) -> int:
        """How many frames the network is thought to need now."""
        return self._target

    def put(self, seq: int, timestamp: int, payload: bytes, ssrc: int = 0) -> None:
        """Take a packet with its RTP sequence number (16 bits) and timestamp (32 bits).

        `payload` may be of any length; what is longer than 200 ms is cut to that.
        """
        if ssrc != self._ssrc:
            self._resync()
            self._ssrc = ssrc
        elif self._is_jump(timestamp):
            if seq not in {self._next_seq, self._bad_seq}:
                self._bad_seq = _after(seq)
                self.counters.refused += 1
                return
            self._resync()
        self._next_seq, self._bad_seq = _after(seq), None
        if payload:
            self._store(seq, self._place(timestamp), payload[:_MAX_SAMPLES])

    def get(self) -> bytes | None:
        """Return the next 160 bytes, or None when the caller must `conceal` a frame."""
        if self._is_filling and not self._begins():
            return None
        self._relax()
        if self._ahead() < FRAME_SAMPLES:
            self._waited += 1
            return None
        frame = self._take()
        if self._excess > SHRINK_TICKS and self._ahead() and self._is_quiet(frame):
            self._excess = 0
            self.counters.dropped += 1
            frame = self._take()
        return frame

    def _begins(self) -> bool:
        """Whether enough has come in to start, or is not going to."""
        if self._play is None:
            return False
        self._waited += 1
        enough = self._ahead() >= self._target * FRAME_SAMPLES
        if enough or self._waited > 2 * self._target:
            self._is_filling = False
            self._waited = 0
        return not self._is_filling

    def _resync(self) -> None:
        if self._ssrc is not None:
            self.counters.resyncs += 1
        self.restart()

    def _end(self) -> int:
        """Timestamp after the newest sound in store; only called once there was a packet."""
        assert self._play is not None
        if not self._packets:
            return self._play
        at, _, payload = self._packets[-1]
        return at + len(payload)

    def _ahead(self) -> int:
        return 0 if self._play is None else self._end() - self._play

    def _place(self, timestamp: int) -> int:
        """The 32-bit timestamp nearest to the play-out point, not wrapped."""
        if self._play is None:
            self._play = timestamp
        return self._play + ((timestamp - self._play + (1 << 31)) % (1 << 32) - (1 << 31))

    def _is_jump(self, timestamp: int) -> bool:
        """Whether a timestamp lies further off than jitter and a pause can explain."""
        if self._play is None:
            return False
        at = self._place(timestamp)
        passed = self._waited * FRAME_SAMPLES
        return at - self._end() - passed > _MAX_SAMPLES or self._play - at > _MAX_SAMPLES

    def _store(self, seq: int, at: int, payload: bytes) -> None:
        assert self._play is not None
        if self._is_filling:
            self._play = min(self._play, at)
        if at + len(payload) <= self._play:
            self.counters.late += 1
            self._grow()
            return
        if self._waited and not self._is_filling:
            self._resume(at)
        if not any(at == known for known, _, _ in self._packets):
            insort(self._packets, (at, seq, payload))
        self._drop_excess()

    def _resume(self, at: int) -> None:
        """Sound again after none: the sender's pause is over, or the network's."""
        pause = max(0, at - self._end()) // FRAME_SAMPLES
        skipped = min(pause, self._waited)
        if skipped < self._waited:
            self.counters.inserted += self._waited - skipped
            self._grow()
        self._waited = 0
        self._advance(skipped)

    def _drop_excess(self) -> None:
        if self._ahead() > _MAX_SAMPLES:
            frames = self._ahead() // FRAME_SAMPLES - self._target
            self.counters.dropped += frames
            self._advance(frames)

    def _advance(self, frames: int) -> None:
        """Move the play-out point and forget what lies before it."""
        assert self._play is not None
        self._play += frames * FRAME_SAMPLES
        play = self._play
        self._packets = [one for one in self._packets if one[0] + len(one[2]) > play]

    def _take(self) -> bytes | None:
        """The frame at the play-out point, with silence where parts are missing."""
        assert self._play is not None
        start = self._play
        pieces = [one for one in self._packets if one[0] < start + FRAME_SAMPLES]
        if not pieces:
            self.counters.lost += self._packets[0][1] != self._played_after
        else:
            self._played_after = _after(pieces[-1][1])
        self._advance(1)
        return _assemble(pieces, start, self._law) if pieces else None

    def _relax(self) -> None:
        self._calm += 1
        if self._calm >= RELAX_TICKS:
            self._calm = 0
            self._target = max(self._least_target, self._target - 1)
        is_deep = self._ahead() > 2 * self._target * FRAME_SAMPLES
        self._excess = self._excess + 1 if is_deep else 0

    def _grow(self) -> None:
        self._calm = 0
        self._target = min(MAX_TARGET_FRAMES, self._target + 1)

    def _is_quiet(self, frame: bytes | None) -> bool:
        return frame is not None and level_dbm0(g711.decode(frame, self._law)) < QUIET_DBM0


def _after(seq: int) -> int:
    return (seq + 1) % (1 << 16)


def _assemble(pieces: list[tuple[int, int, bytes]], start: int, law: Law) -> bytes:
    if len(pieces) == 1 and pieces[0][0] == start and len(pieces[0][2]) == FRAME_SAMPLES:
        return pieces[0][2]
    frame = bytearray(silence(law, FRAME_SAMPLES))
    for at, _, payload in pieces:
        part = payload[max(0, start - at) : max(0, start - at + FRAME_SAMPLES)]
        place = max(0, at - start)
        frame[place : place + len(part)] = part
    return bytes(frame[:FRAME_SAMPLES])
