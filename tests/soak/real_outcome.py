"""What came of a soak in real time, and how its processes have grown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.soak.size import Census, Size, slope, slope_error

KIB_AN_HOUR = 5.0
"""What may come to stay an hour, of all that desk and carrier hold."""


@dataclass(frozen=True, slots=True)
class Count:
    """What desk and carrier held after so many calls, at a moment (monotonic s)."""

    calls: int
    at: float
    held: tuple[Census, ...]

    @property
    def in_use(self) -> int:
        """How many bytes are in use in both, but for SQLite's."""
        return sum(each.held for each in self.held)

    @property
    def database(self) -> int:
        """How many bytes SQLite has in use in both."""
        return sum(each.database for each in self.held)


@dataclass
class Outcome:
    """What came of the calls; `stuck` are the lines that were not idle at the end."""

    seed: int
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)
    sizes: list[tuple[int, Size]] = field(default_factory=list)
    counted: list[Count] = field(default_factory=list)
    seconds: float = 0.0
    log_bytes: int = 0
    wal_bytes: int = 0
    records: int = 0

    @property
    def kb_a_call(self) -> float:
        """By how many kB a call desk and carrier grow after the warm-up."""
        return slope([(calls, size.own_kb) for calls, size in self.sizes])

    @property
    def held_kb_a_call(self) -> float:
        """By how many kB a call what they hold grows after the warm-up."""
        return slope([(count.calls, count.in_use / 1e3) for count in self.counted])

    @property
    def kib_an_hour(self) -> float | None:
        """By how many KiB an hour what they hold grows in the second half (least squares).

        By then all is full that is kept in a bounded number. None where it was too short to tell.
        """
        return slope(self._late) if len(self._late) > 2 else None

    @property
    def error_kib(self) -> float:
        """The standard error of that slope: a count finds what is under way, some KiB, too."""
        return slope_error(self._late) if len(self._late) > 2 else 0.0

    @property
    def _late(self) -> list[tuple[float, float]]:
        middle = (self.counted[0].at + self.counted[-1].at) / 2
        return [(c.at / 3600, c.in_use / 1024) for c in self.counted if c.at >= middle]

    @property
    def grows(self) -> bool:
        """True when what they hold grows, by more than counts scatter, though all must be full;
        False where nobody can tell.
        """
        hourly = self.kib_an_hour
        return hourly is not None and hourly - 2 * self.error_kib >= KIB_AN_HOUR

    def words(self) -> str:
        """Say it in a line of figures."""
        (_, first), *_, (_, last) = self.sizes
        grown = "too short for a slope"
        if self.kib_an_hour is not None:
            grown = f"{self.kib_an_hour:+.0f} ± {self.error_kib:.0f} KiB/h"
        return (
            f"F25 {self.seconds / 60:.0f} real minutes through all processes, {self.calls} calls, "
            f"{sum(self.faults.values())} faults: {len(self.stuck)} lines stuck, "
            f"{self.records} records; desk and carrier {self.kb_a_call:+.2f} kB a call, in use "
            f"{self.held_kb_a_call:+.2f} of it, {grown} in the second half; "
            f"SQLite's {self.counted[0].database / 1024:.0f} to "
            f"{self.counted[-1].database / 1024:.0f} KiB; "
            f"threads {first.threads} to {last.threads}, "
            f"descriptors {first.files} to {last.files}, WAL {self.wal_bytes / 1e6:.1f} MB, "
            f"log {self.log_bytes / 1e6:.2f} MB"
        )
