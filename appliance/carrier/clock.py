"""The carrier's clock: real time when allowed, absolute ticks, and how late they came."""

from __future__ import annotations

import bisect
import ctypes
import gc
import os
import resource
import struct
import time
from dataclasses import dataclass, field

PRIORITY = 20
"""SCHED_FIFO priority of the carrier; nobody else in the house has any (architecture.md, Sound)."""
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
