"""The carrier's clock: real time when allowed, absolute ticks, and how late they came."""

from __future__ import annotations

import bisect
import ctypes
import gc
import os
from dataclasses import dataclass, field

PRIORITY = 20
"""SCHED_FIFO priority of the carrier; nobody else in the house has any (ARCHITECTURE.md)."""
TICK = 0.020
"""Seconds between two ticks: one frame of 160 samples at 8 kHz."""
FORGIVEN = 5
"""Ticks that may be caught up one by one; beyond it the clock drops to now (audio.md 8)."""
MCL_CURRENT_AND_FUTURE = 3


def go_realtime() -> str:
    """Ask for SCHED_FIFO and locked memory, freeze the collector; returns what was refused."""
    gc.collect()
    gc.freeze()
    refused = []
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError as error:
        refused.append(f"SCHED_FIFO: {error.strerror}")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(MCL_CURRENT_AND_FUTURE):
        refused.append(f"mlockall: {os.strerror(ctypes.get_errno())}")
    return ", ".join(refused)


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
    """Absolute 20 ms deadlines on the monotonic clock; runs only while somebody needs it."""

    def __init__(self) -> None:
        self.lateness = Lateness()
        self.deadline: float | None = None

    def run(self, now: float, wanted: bool) -> None:
        """Start or stop the ticks."""
        if not wanted:
            self.deadline = None
        elif self.deadline is None:
            self.deadline = now + TICK

    def due(self, now: float) -> int:
        """Tell how many ticks to serve at `now` and move the deadline on."""
        if self.deadline is None or now < self.deadline:
            return 0
        self.lateness.note(now - self.deadline)
        ticks = 1 + int((now - self.deadline) / TICK)
        if ticks > FORGIVEN:
            self.deadline = now + TICK
            return FORGIVEN
        self.deadline += ticks * TICK
        return ticks
