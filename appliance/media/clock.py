"""The media gateway's clock: real-time priority, 20 ms ticks, frame scheduler, playout lead."""

from __future__ import annotations

import bisect
import ctypes
import gc
import os
import resource
import struct
import time
from dataclasses import dataclass, field

from appliance.dsp.wav import FRAME_SAMPLES, SAMPLES_PER_MS

# ---- clock -------------------------------------------------------------------------------------
# The carrier's clock: real time when allowed, absolute ticks, and how late they came.

PRIORITY = 20
"""SCHED_FIFO priority of the media gateway; no other process of the appliance has any."""
TICK = 0.020
"""Seconds between two ticks: one frame of 160 samples at 8 kHz."""
FORGIVEN = 5
"""Ticks that may be caught up one by one; beyond it the clock drops to now (audio.md 8)."""
SLACK = 0.005
"""Seconds that a tick which is nobody's clock may wait for something else to wake the process."""
EARLY = 0.0005
"""Seconds by which such a tick may come before its time."""
MCL_CURRENT_AND_FUTURE = 3
SPIN_US = 500_000
"""Real time without a pause, us, after which the kernel ends a carrier under its unit."""
PAUSE = 0.001
"""Seconds of sleep after which the kernel counts it anew."""
SLICE_NS = 100_000
"""Without real time: the least slice of the processor that Linux 6.12 grants who asks for it. Who
asks for little is served the sooner; 20 ms of sound take less than twice as much."""
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274, "armv7l": 380, "armv6l": 380}
"""Number of sched_setattr(2); no C library has the function."""
SCHED_ATTR = struct.Struct("IIQiIQQQ")
"""Its argument: size, policy, flags, nice value, priority; slice, deadline and period in ns."""


def go_realtime() -> str:
    """Ask for SCHED_FIFO and locked memory, freeze the collector; returns what was refused."""
    gc.collect()
    gc.freeze()
    refused = []
    try:
        # as its unit has it (CPUSchedulingResetOnFork=): no child inherits real time
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(PRIORITY))
    except OSError as error:
        refused.append(f"SCHED_FIFO: {error.strerror}")
    _lower_limit()
    libc = ctypes.CDLL(None, use_errno=True)
    if refused:
        ask_for_short_slices(libc)
    if libc.mlockall(MCL_CURRENT_AND_FUTURE):
        refused.append(f"mlockall: {os.strerror(ctypes.get_errno())}")
    return ", ".join(refused)


def _lower_limit() -> None:
    """Grant itself less real time than its start, where there is a limit at all (setrlimit(2)).

    The start without a pause counts as well, and would be the end of it: only a pause begins anew.
    """
    if resource.getrlimit(resource.RLIMIT_RTTIME)[1] != resource.RLIM_INFINITY:
        time.sleep(PAUSE)
        resource.setrlimit(resource.RLIMIT_RTTIME, (SPIN_US, SPIN_US))


def ask_for_short_slices(libc: ctypes.CDLL) -> None:
    """Do the next best without real time; older kernels pass over the wish, or refuse it."""
    number = SCHED_SETATTR.get(os.uname().machine)
    if number is not None:
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        wish = SCHED_ATTR.pack(SCHED_ATTR.size, os.SCHED_OTHER, 0, nice, 0, SLICE_NS, 0, 0)
        libc.syscall(number, 0, wish, 0)


@dataclass(slots=True)
class Lateness:
    """Collects how late ticks came (ms), for percentiles of a period."""

    samples: list[float] = field(default_factory=list)

    def note(self, late: float) -> None:
        """Add one lateness in seconds."""
        bisect.insort(self.samples, late * 1000.0)

    def percentile(self, share: float) -> float:
        """Return the lateness (ms) that `share` (0..1) of the ticks did not exceed."""
        if not self.samples:
            return 0.0
        return self.samples[min(len(self.samples) - 1, int(share * len(self.samples)))]

    def clear(self) -> None:
        """Start a new period."""
        self.samples.clear()


class Ticker:
    """Absolute 20 ms deadlines on the monotonic clock; runs only while somebody needs it.

    Ticks that are nobody's clock are not `exact`: they come with whatever wakes the process about
    then (a modem's frame), and only when nothing does at a deadline of their own.
    """

    def __init__(self) -> None:
        self.lateness = Lateness()
        self.deadline: float | None = None
        self._exact = True

    def run(self, now: float, wanted: bool, exact: bool = True) -> None:
        """Start or stop the ticks."""
        if not wanted:
            self.deadline = None
        elif self.deadline is None or (exact and not self._exact):
            self.deadline = now + TICK
        self._exact = exact

    def woken(self, planned: float, now: float) -> None:
        """Note how late a wake-up came that was planned, while ticks run."""
        if self.deadline is not None:
            self.lateness.note(now - planned)

    def due(self, now: float) -> int:
        """Tell how many ticks to serve at `now` and move the deadline on."""
        if self.deadline is None:
            return 0
        return self._exactly(now) if self._exact else self._by_the_way(now)

    def _by_the_way(self, now: float) -> int:
        assert self.deadline is not None
        if now < self.deadline - SLACK:
            return 0
        self.deadline = now + TICK + SLACK - EARLY
        return 1

    def _exactly(self, now: float) -> int:
        assert self.deadline is not None
        if now < self.deadline:
            return 0
        ticks = 1 + int((now - self.deadline) / TICK)
        if ticks > FORGIVEN:
            self.deadline = now + TICK
            return FORGIVEN
        self.deadline += ticks * TICK
        return ticks


# ---- rhythm ------------------------------------------------------------------------------------
# When a stream's next frame is fetched: by the clock, once it is known when frames are whole.
#
# A modem hands its sound over in pieces (10 ms, 64 bytes of USB); to be woken by each of them, and
# by a tick besides, costs more than all that is done with the sound. So the port is left alone
# until the next frame should be whole, and watched only when it is not.

FRAME_S = 0.020
MARGIN_S = 0.001
"""A frame is fetched so long after its end was seen: pieces do not come to the microsecond."""
CREEP_S = MARGIN_S / 20
"""By so much each fetch comes earlier than the one before, until it comes too early and the frame's
true end is seen again: the modem's crystal may drift against our clock (200 ppm: 4 us a frame)."""
CLEAR_S = 0.0025
"""A frame ends at least so long behind a packet of the phone: nearer, packets would be read now
with a frame and now with the next, which is 20 ms of jitter to who listens."""
BEGIN_S = 0.050
"""How long a beginning waits for the other side's sound: a phone on hold may send none."""
EARLY_S = 0.0005
"""A fetch due so soon is not worth a wake-up of its own when there is one anyway."""


class FrameScheduler:
    """Of one stream from a modem: `fetch_at` (monotonic s), or None while its port is watched."""

    def __init__(self) -> None:
        self.fetch_at: float | None = None
        self._have = 0  # samples towards the next whole frame
        self._begin_by: float | None = None
        self._begins = False

    def stop(self) -> None:
        """No stream runs (any more): every byte is news."""
        self.fetch_at = self._begin_by = None
        self._have = 0
        self._begins = False

    def begin(self, now: float) -> None:
        """The stream is joined to a phone: where frames end is free to be chosen anew."""
        self.fetch_at = None
        self._begin_by = now + BEGIN_S

    @property
    def is_beginning(self) -> bool:
        """True while it matters when exactly the phone's packets come."""
        return self._begin_by is not None

    def begins(self, now: float, came_at: float) -> bool:
        """Tell whether the piece that comes at `now`, whatever its size, ends the first frame.

        It does behind a packet of the phone that came at `came_at`, since the beginning: read once
        a frame, packets would else lie by for up to 20 ms, now for a piece's length.
        """
        if self._begin_by is None:
            return False
        is_behind = came_at > self._begin_by - BEGIN_S and now - came_at >= CLEAR_S
        if not is_behind and now < self._begin_by:
            return False
        self._begin_by, self._begins = None, True
        return True

    def is_due(self, now: float) -> bool:
        """Tell whether the frame is to be fetched by a process that is awake at `now`."""
        return self.fetch_at is not None and now >= self.fetch_at - EARLY_S

    def took(self, samples: int, now: float) -> None:
        """Note what was read at `now`: 0 samples, too, when a fetch found nothing."""
        self._have += samples
        if self._begins and samples:
            self._begins, self._have = False, FRAME_SAMPLES
        if self._have < FRAME_SAMPLES or self.is_beginning:
            self.fetch_at = None
            return
        self._have %= FRAME_SAMPLES
        if self.fetch_at is None:
            self.fetch_at = now + FRAME_S + MARGIN_S
        else:
            missed = max(0, int((now - self.fetch_at) / FRAME_S))
            self.fetch_at += (1 + missed) * FRAME_S - CREEP_S


# ---- lead --------------------------------------------------------------------------------------
# How much sound lies ahead inside the modem, from bytes written minus bytes played.
#
# A write that does not block proves nothing: a pseudo terminal swallows 2.5 s, a USB modem 1 s.

TARGET_MS = 60
GAP_LIMIT_MS = 150
"""Sound sent on trust while nothing is heard: a modem that has stopped must not be filled up."""


class PlayoutLead:
    """Keeps `target_ms` of sound ahead in one stream; counts samples (one byte each, unshielded).

    What was played is counted by what was heard, since one codec clock drives both directions
    (`on_heard`); in a stream to the line only, by the monotonic clock (`on_clock`).
    """

    def __init__(self, target_ms: int = TARGET_MS) -> None:
        self._target = target_ms * SAMPLES_PER_MS
        self._started_at = 0.0
        self._played = 0
        self._written = 0
        self._refilled_at = 0
        self._unheard = 0
        self._trusted = self._trusted_until = 0
        self.underruns = 0

    def on_start(self, now: float) -> None:
        """Start anew: the stream's CONNECT was read at `now` (monotonic seconds)."""
        self._started_at = now
        self._played = self._written = self._refilled_at = self._unheard = 0
        self._trusted = self._trusted_until = 0

    def on_heard(self, samples: int) -> None:
        """Count samples heard in a duplex stream: as many were played."""
        self._played += samples
        self._unheard = 0
        if self._played >= self._trusted_until:
            self._trusted = 0

    def on_gap(self, gap_ms: int) -> None:
        """Take note that a duplex stream, which plays on, has brought nothing for `gap_ms`.

        Both modems of an exchange were seen to run dry at once while its clock and the carrier's
        were less than 3 ms late: what lies between them, the tty layer, gives no promise of time.
        """
        self._unheard = min(gap_ms, GAP_LIMIT_MS) * SAMPLES_PER_MS

    def on_clock(self, now: float) -> None:
        """Tell the time in a stream to the line only: it plays 8 samples a millisecond."""
        self._played = round((now - self._started_at) * 1000 * SAMPLES_PER_MS)

    def on_written(self, samples: int) -> None:
        """Count samples given to the modem."""
        self._written += samples
        if self._unheard:
            self._trusted += samples
            self._trusted_until = self._played + self._trusted

    def on_underrun(self) -> None:
        """Take the modem's word that nothing lies ahead (DLE u); the next `wanted` fills it.

        Its further notes are passed over until the refill should have been heard: they were
        under way, and believing each would pile up one lead on another. Nor does the note know of
        what was written on trust while it was under way itself: that lies ahead.
        """
        self.underruns += 1
        if self._played < self._refilled_at:
            return
        self._written = self._played + self._trusted
        self._refilled_at = self._played + self._target

    def wanted(self) -> int:
        """Return how many samples to write now; 0 when enough lies ahead."""
        return max(0, self._target - self._ahead() + self._unheard)

    @property
    def ahead_ms(self) -> int:
        """What lies ahead inside the modem, in ms; 0 when it has run dry."""
        return max(0, self._ahead()) // SAMPLES_PER_MS

    def _ahead(self) -> int:
        return self._written - self._played
