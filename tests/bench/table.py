"""One table: what was measured, how often, how long it took, what was aimed at, whether it was met.

Nothing is asserted here: a bench tells, tests refuse.
"""

from __future__ import annotations

import math
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

STATISTICS = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True, slots=True)
class Aim:
    """The statistic of a row that is judged and the most it may be."""

    statistic: str
    limit: float

    def met(self, values: Sequence[float]) -> bool:
        """Tell whether the values meet it."""
        return percentile(values, STATISTICS[self.statistic]) <= self.limit

    def words(self, unit: str) -> str:
        """Say it in brackets."""
        return f"[{self.statistic} ≤ {self.limit:g} {unit}]"


@dataclass(frozen=True, slots=True)
class Row:
    """One row; no values means that it could not be measured, and `note` says why."""

    name: str
    values: tuple[float, ...]
    unit: str = "ms"
    aim: Aim | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Say met, not met, not measured, or nothing where there is no aim."""
        if not self.values:
            return "not measured"
        if self.aim is None:
            return ""
        return "met" if self.aim.met(self.values) else "NOT MET"


def row(
    name: str,
    values: Iterable[float],
    unit: str = "ms",
    aim: tuple[str, float] | None = None,
    note: str = "",
) -> Row:
    """Make a row."""
    return Row(name, tuple(values), unit, Aim(*aim) if aim else None, note)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` (0..1) of the values do not exceed."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def rendered(rows: Iterable[Row]) -> str:
    """Return the table as text."""
    heads = ("what", "n", *STATISTICS, "unit", "aim", "")
    lines = [heads, *map(_cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    out = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
    return "\n".join([out[0], "-" * min(len(out[0]) + 12, 150), *out[1:]])


def header(realtime: str) -> str:
    """Name the machine, the code, the moment, and whether real time was granted."""
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return "\n".join(
        (
            f"machine    {cpu()}, {os.cpu_count()} cores, shared; load average {load}",
            f"system     Linux {platform.release()}, Python {platform.python_version()}",
            f"commit     {_commit()}",
            f"date       {datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
            f"real time  {realtime}",
        )
    )


def _cells(one: Row) -> tuple[str, ...]:
    numbers = [_number(percentile(one.values, share)) for share in STATISTICS.values()]
    aim = one.aim.words(one.unit) if one.aim else ""
    verdict = f"{one.verdict}: {one.note}" if one.note and not one.values else one.verdict
    return (one.name, str(len(one.values)), *numbers, one.unit, aim, verdict)


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        yield cell.rjust(width) if 1 <= index <= len(STATISTICS) + 1 else cell.ljust(width)


def cpu() -> str:
    """Name the processor (x86), else the board (Raspberry Pi)."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", "appliance")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (
        ", changed since" if changed else ""
    )
