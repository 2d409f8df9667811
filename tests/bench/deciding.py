"""How fast the pure Switchboard decides: a simulated year of a busy office (tests/year)."""

from __future__ import annotations

from pathlib import Path

from tests.bench.table import Row, row
from tests.year.year import Year

SEED = 1
MOST_S = 60.0
"""Aim of the project: a year in a minute."""


def rows(_folder: Path, days: int) -> list[Row]:
    """Let so many days pass; returns what it took."""
    outcome = Year(SEED).run(days)
    what = f"deciding, {days} days, {outcome.calls} calls"
    aim = ("max", MOST_S * days / 365)
    return [
        row(f"{what}: CPU of the whole simulation", [outcome.cpu_s], "s", aim),
        row(f"{what}: facts decided", [outcome.decisions_a_second], "1/s"),
        row(f"{what}: mean time of a decision", [1000 / outcome.decisions_a_second], "ms"),
    ]
