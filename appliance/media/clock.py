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

# ---- process clock: real-time priority and 20 ms ticks -----------------------------------------

# Measured beside four busy processes (audio.md 8): with this priority a tick is 0.1 ms late at the
# 99th percentile, without it 75 ms. No other process of the appliance has a real-time priority.
PRIORITY = 20
"""SCHED_FIFO priority of the media gateway."""
TICK = 0.020
"""Seconds between two ticks: one frame of 160 samples at 8 kHz."""
# Most ticks caught up one by one; a later clock drops to now (audio.md 8).
FORGIVEN = 5
# A wake-up costs more than the work on a frame (design/sound.md, What a call costs): a tick that
# clocks no stream therefore waits for the next wake-up that happens anyway.
SLACK = 0.005
"""Seconds that a tick which clocks no stream may wait for another wake-up."""
EARLY = 0.0005
"""Seconds by which such a tick may come before its time."""
MCL_CURRENT_AND_FUTURE = 3
# Microseconds of real time without a pause after which the kernel ends the media gateway.
SPIN_US = 500_000
PAUSE = 0.001
"""Seconds of sleep that reset the kernel's count of real time."""
# A process that asks for a short slice is scheduled sooner; 20 ms of sound take less than two
# slices. 0.1 ms is the least that Linux 6.12 grants.
SLICE_NS = 100_000
"""Slice of the processor, ns, requested when real time is refused."""
# No C library wraps sched_setattr(2), so that it is called by its number.
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274, "armv7l": 380, "armv6l": 380}
"""Number of sched_setattr(2) by machine."""
# struct sched_attr: size, policy, flags, nice value, priority; slice, deadline, period in ns.
SCHED_ATTR = struct.Struct("IIQiIQQQ")


def go_realtime() -> str:
    """Request SCHED_FIFO and locked memory, freeze the collector; returns what was refused."""
    # Frozen, what was made at the start is not walked again by a collection in service.
    gc.collect()
    gc.freeze()
    refused = []
    try:
        # As the unit has it (CPUSchedulingResetOnFork=): no child inherits real time.
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
    """Lower the limit on real time without a pause, where there is one (setrlimit(2))."""
    if resource.getrlimit(resource.RLIMIT_RTTIME)[1] != resource.RLIM_INFINITY:
        # The start, which has not slept, counts as well and would exceed the lower limit: only a
        # pause resets the kernel's count.
        time.sleep(PAUSE)
        resource.setrlimit(resource.RLIMIT_RTTIME, (SPIN_US, SPIN_US))


def ask_for_short_slices(libc: ctypes.CDLL) -> None:
    """Request short slices of the processor, the next best without real time (Linux 6.12)."""
    # Measured with four or eight calls beside four busy processes: RTP leaves off its time by 4 ms
    # at the 99th percentile without real time (design/sound.md).
    number = SCHED_SETATTR.get(os.uname().machine)
    if number is not None:
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        wish = SCHED_ATTR.pack(SCHED_ATTR.size, os.SCHED_OTHER, 0, nice, 0, SLICE_NS, 0, 0)
        # The result is not looked at: older kernels ignore the slice, or refuse the call.
        libc.syscall(number, 0, wish, 0)


@dataclass(slots=True)
class Lateness:
    """Lateness of the ticks of a period, ms."""

    samples: list[float] = field(default_factory=list)

    def note(self, late: float) -> None:
        """Add one lateness in seconds."""
        bisect.insort(self.samples, late * 1000.0)

    def percentile(self, share: float) -> float:
        """Return the lateness, ms, that `share` (0..1) of the ticks did not exceed."""
        if not self.samples:
            return 0.0
        return self.samples[min(len(self.samples) - 1, int(share * len(self.samples)))]

    def clear(self) -> None:
        """Start a new period."""
        self.samples.clear()


class Ticker:
    """Absolute 20 ms deadlines on the monotonic clock, only while a call or announcement runs.

    Ticks that clock no stream are not `exact`: they are served at the next wake-up that happens
    anyway (a modem's frame), at a deadline of their own only when there is none.
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
        """Note the lateness of a wake-up due at `planned`, while ticks run."""
        if self.deadline is not None:
            self.lateness.note(now - planned)

    def due(self, now: float) -> int:
        """Return how many ticks to serve at `now`, and move the deadline on."""
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
        # Deadlines are absolute: a late wake-up serves what it missed and shifts none that follow.
        ticks = 1 + int((now - self.deadline) / TICK)
        if ticks > FORGIVEN:
            self.deadline = now + TICK
            return FORGIVEN
        self.deadline += ticks * TICK
        return ticks


# ---- frame scheduler: when the next frame of a modem's stream is read --------------------------
# A modem delivers its sound in pieces (10 ms, 64 bytes of USB). A wake-up for each piece, and for a
# tick besides, costs more than the work on the sound: 150 wake-ups a second for one call, 53 with
# this scheduler (design/sound.md, What a call costs). So the port is not watched until the next
# frame should be whole; it is watched again when the frame is late.

FRAME_S = 0.020
# Pieces do not come to the microsecond.
MARGIN_S = 0.001
"""Seconds from the end of a frame to its fetch."""
# The modem's crystal may drift against our clock (200 ppm: 4 us a frame). Fetches creep forward
# until one is too early, which shows the true end of the frame again.
# Seconds by which each fetch comes earlier than one frame after the last.
CREEP_S = MARGIN_S / 20
# Nearer, packets would be read now with one frame and now with the next: 20 ms of jitter.
CLEAR_S = 0.0025
"""Least seconds from a packet of the phone to the end of a frame."""
# A limit, because a phone on hold may send nothing.
BEGIN_S = 0.050
"""Seconds that a joined stream waits for the other side's sound."""
# Served with the wake-up that happens anyway, instead of one of its own.
EARLY_S = 0.0005
"""Seconds by which a fetch may come before its time."""


class FrameScheduler:
    """Next fetch from one modem stream: `fetch_at` (monotonic s), None while its port is watched.

    Counts samples of one byte; no clock of its own.
    """

    def __init__(self) -> None:
        self.fetch_at: float | None = None
        self._have = 0  # samples towards the next whole frame
        self._begin_by: float | None = None
        self._begins = False

    def stop(self) -> None:
        """Watch the port again: no stream runs, every byte may be a reply or an event."""
        self.fetch_at = self._begin_by = None
        self._have = 0
        self._begins = False

    def begin(self, now: float) -> None:
        """Choose anew where frames end: the stream has been joined to a phone."""
        self.fetch_at = None
        self._begin_by = now + BEGIN_S

    @property
    def is_beginning(self) -> bool:
        """True while the arrival time of the phone's packets matters."""
        return self._begin_by is not None

    def begins(self, now: float, came_at: float) -> bool:
        """Return whether the piece that arrives at `now`, of any size, ends the first frame.

        `came_at` is when the phone's last packet arrived (monotonic s).
        """
        if self._begin_by is None:
            return False
        # Read once a frame, the phone's packets would lie by for up to 20 ms; with a frame that
        # ends just behind a packet, only for the length of a piece.
        is_behind = came_at > self._begin_by - BEGIN_S and now - came_at >= CLEAR_S
        if not is_behind and now < self._begin_by:
            return False
        self._begin_by, self._begins = None, True
        return True

    def is_due(self, now: float) -> bool:
        """Return whether to fetch the frame at `now`, while the process is awake anyway."""
        return self.fetch_at is not None and now >= self.fetch_at - EARLY_S

    def took(self, samples: int, now: float) -> None:
        """Note that `samples` were read at `now`; 0 when a fetch found nothing."""
        self._have += samples
        if self._begins and samples:
            self._begins, self._have = False, FRAME_SAMPLES
        if self._have < FRAME_SAMPLES or self.is_beginning:
            # The fetch was too early: watch the port, so that the true end of the frame is seen.
            self.fetch_at = None
            return
        self._have %= FRAME_SAMPLES
        if self.fetch_at is None:
            self.fetch_at = now + FRAME_S + MARGIN_S
        else:
            missed = max(0, int((now - self.fetch_at) / FRAME_S))
            self.fetch_at += (1 + missed) * FRAME_S - CREEP_S


# ---- playout lead: how much sound lies ahead inside the modem ----------------------------------
# Computed as samples written minus samples played. A write that does not block proves nothing: a
# pseudo terminal takes 2.5 s of sound before it blocks, a USB modem 1 s.

# The lower end of the 60 to 120 ms of v253.md 6 (bridge rules).
TARGET_MS = 60
# Bounded: a modem that has stopped must not be filled up.
GAP_LIMIT_MS = 150
"""Most milliseconds of sound written on trust while a duplex stream delivers nothing."""


class PlayoutLead:
    """Lead of one stream, kept at `target_ms`; counts samples (one byte each, unshielded).

    In a duplex stream the samples heard count as played (`on_heard`), since one codec clock drives
    both directions; in a stream to the line only, the monotonic clock does (`on_clock`).
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
        """Start counting: the stream's CONNECT was read at `now` (monotonic s)."""
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
        """Note that a duplex stream, which plays on, has delivered nothing for `gap_ms`."""
        # Both modems of an exchange were seen to run dry at once while its clock and the gateway's
        # were less than 3 ms late: the tty layer between them guarantees no time.
        self._unheard = min(gap_ms, GAP_LIMIT_MS) * SAMPLES_PER_MS

    def on_clock(self, now: float) -> None:
        """Count what a stream to the line only has played by `now`: 8 samples a millisecond."""
        self._played = round((now - self._started_at) * 1000 * SAMPLES_PER_MS)

    def on_written(self, samples: int) -> None:
        """Count samples given to the modem."""
        self._written += samples
        if self._unheard:
            self._trusted += samples
            self._trusted_until = self._played + self._trusted

    def on_underrun(self) -> None:
        """Reset the lead after an underrun report (DLE u); the next `wanted` refills it."""
        self.underruns += 1
        # Further reports were under way before the refill could be heard: believing each would
        # pile up one lead on another.
        if self._played < self._refilled_at:
            return
        # The report knows nothing of sound written on trust while it was under way: that is ahead.
        # Written once more, it left 170 ms ahead instead of 60 for the rest of the call.
        self._written = self._played + self._trusted
        self._refilled_at = self._played + self._target

    def wanted(self) -> int:
        """Return how many samples to write now; 0 when enough lies ahead."""
        return max(0, self._target - self._ahead() + self._unheard)

    @property
    def ahead_ms(self) -> int:
        """Milliseconds of sound inside the modem; 0 when it has run dry."""
        return max(0, self._ahead()) // SAMPLES_PER_MS

    def _ahead(self) -> int:
        return self._written - self._played
