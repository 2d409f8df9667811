"""What came of a soak in real time, and how its processes have grown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.soak.size import Census, Size, slope, slope_error

KIB_AN_HOUR = 5.0
"""What may come to stay an hour, of all that call control and media gateway hold."""

CHANGE = 400
"""Of what there are so many bytes more or fewer is told (objects of one type and size)."""


@dataclass(frozen=True, slots=True)
class Count:
    """What call control and media gateway held after so many calls, at a moment (monotonic s)."""

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
        """Growth of call control and media gateway in kB a call, after the warm-up."""
        return slope([(calls, size.own_kb) for calls, size in self.sizes])

    @property
    def held_kb_a_call(self) -> float:
        """By how many kB a call what they hold grows after the warm-up."""
        return slope([(count.calls, count.in_use / 1e3) for count in self.counted])

    @property
    def kib_an_hour(self) -> float | None:
        """By how many KiB an hour what they hold grows after the warm-up (least squares).

        By then all is full that is kept in a bounded number. None where it was too short to tell.
        """
        return slope(self._held) if len(self._held) > 2 else None

    @property
    def error_kib(self) -> float:
        """The standard error of that slope: a count finds what is under way, some KiB, too."""
        return slope_error(self._held) if len(self._held) > 2 else 0.0

    @property
    def _held(self) -> list[tuple[float, float]]:
        return [(count.at / 3600, count.in_use / 1024) for count in self.counted]

    @property
    def is_flat(self) -> bool:
        """True where it is shown that what they hold grows by less than it may: the slope and two
        standard errors of it are below; False, too, where counts are too few to tell.
        """
        hourly = self.kib_an_hour
        return hourly is not None and hourly + 2 * self.error_kib < KIB_AN_HOUR

    def last_count(self) -> str:
        """Say what the last count found, and of what there is so much more or less than before."""
        now = self.counted[-1]
        before = self.counted[-2] if len(self.counted) > 1 else now
        held = [(each.in_use, each.database) for each in now.held]
        changed = [
            f"  {name}: {size:+} {kind}"
            for name, old, new in zip(("desk", "carrier"), before.held, now.held, strict=True)
            for kind, size in new.changed(old, CHANGE).items()
        ]
        minutes = (now.at - self.counted[0].at) / 60
        first = (
            f"{minutes:.1f} min, {now.calls} calls: control and gateway, SQLite's of them {held}"
        )
        return "\n".join([first, *changed])

    def words(self) -> str:
        """Say it in a line of figures."""
        (_, first), *_, (_, last) = self.sizes
        grown = "too short for a slope"
        if self.kib_an_hour is not None:
            grown = f"{self.kib_an_hour:+.1f} ± {self.error_kib:.1f} KiB/h"
        return (
            f"F25 {self.seconds / 60:.0f} real minutes through all processes, {self.calls} calls, "
            f"{sum(self.faults.values())} faults: {len(self.stuck)} lines stuck, "
            f"{self.records} records; control, gateway {self.kb_a_call:+.2f} kB a call, in use "
            f"{self.held_kb_a_call:+.2f} of it, {grown} in {len(self.counted)} counts; "
            f"SQLite's {self.counted[0].database / 1024:.0f} to "
            f"{self.counted[-1].database / 1024:.0f} KiB; "
            f"threads {first.threads} to {last.threads}, "
            f"descriptors {first.files} to {last.files}, WAL {self.wal_bytes / 1e6:.1f} MB, "
            f"log {self.log_bytes / 1e6:.2f} MB"
        )
