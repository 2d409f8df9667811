"""What came of a soak in real time, and how its processes have grown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.soak.size import Census, Size, slope

FULL = 600
"""After so many calls the desk's figures, 500 of a kind, take no more memory."""


@dataclass
class Outcome:
    """What came of the calls; `stuck` are the lines that were not idle at the end."""

    seed: int
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)
    sizes: list[tuple[int, Size]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    """When each size was taken (monotonic s)."""
    counted: list[tuple[Census, ...]] = field(default_factory=list)
    seconds: float = 0.0
    log_bytes: int = 0
    wal_bytes: int = 0
    records: int = 0

    @property
    def kb_a_call(self) -> float:
        """By how many kB a call desk and carrier grow after the warm-up."""
        return slope([(calls, size.own_kb) for calls, size in self.sizes])

    @property
    def kib_an_hour(self) -> float | None:
        """By how many KiB an hour they grow once all that is kept in a bounded number is full."""
        late = [
            (at / 3600, size.own_kb)
            for at, (calls, size) in zip(self.at, self.sizes, strict=True)
            if calls >= FULL
        ]
        return slope(late) if len(late) > 2 else None

    def words(self) -> str:
        """Say it in a line of figures."""
        (_, first), *_, (_, last) = self.sizes
        hourly = self.kib_an_hour
        grown = "too short for a slope" if hourly is None else f"{hourly:+.0f} KiB/h"
        return (
            f"F25 {self.seconds / 60:.0f} real minutes through all processes, {self.calls} calls, "
            f"{sum(self.faults.values())} faults: {len(self.stuck)} lines stuck, "
            f"{self.records} records; desk and carrier {self.kb_a_call:+.2f} kB a call, {grown} "
            f"after {FULL} calls; threads {first.threads} to {last.threads}, descriptors "
            f"{first.files} to {last.files}, WAL {self.wal_bytes / 1e6:.1f} MB, "
            f"log {self.log_bytes / 1e6:.2f} MB"
        )
