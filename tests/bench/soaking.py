"""What a soak leaves behind: on a virtual clock, and in real time through all processes."""

from __future__ import annotations

from pathlib import Path

from tests.bench.table import Row, row
from tests.soak import real, soak

SHARE = 0.05
SEED = 1
MOST_SILENCE_S = 3.0


def rows(folder: Path, virtual_calls: int, real_calls: int) -> list[Row]:
    """Soak twice; returns what is told of both."""
    return [*_virtual(virtual_calls), *_real(folder, real_calls)]


def _virtual(calls: int) -> list[Row]:
    outcome = soak.soak(calls, SHARE, SEED)
    what, faults = f"soak, virtual clock, {calls} calls", sum(outcome.faults.values())
    return [
        row(f"{what}: faults planted", [faults], "n"),
        row(f"{what}: something wrong", [bool(outcome.failure)], "n", ("max", 0.0)),
        row(
            f"{what}: silence of a caller",
            [outcome.longest_silence_s],
            "s",
            ("max", MOST_SILENCE_S),
        ),
        row(f"{what}: CPU a call", [outcome.cpu_s / calls * 1000], "ms"),
        row(f"{what}: times real time", [(outcome.virtual_s - 100.0) / outcome.cpu_s], "x"),
    ]


def _real(folder: Path, calls: int) -> list[Row]:
    rounds = max(2, calls // (2 * real.ROUND))
    outcome = real.soak(folder, rounds, SHARE, SEED)
    (_, before), *_, (_, after) = outcome.sizes
    what, none = f"soak, all processes, {outcome.calls} calls", ("max", 0.0)
    return [
        row(f"{what}: faults planted", [outcome.faults.total()], "n"),
        row(f"{what}: lines not idle at the end", [len(outcome.stuck)], "n", none),
        row(f"{what}: threads grown", [after.threads - before.threads], "n", none),
        row(f"{what}: descriptors grown", [after.files - before.files], "n", none),
        row(
            f"{what}: memory of call control and media gateway grown",
            [outcome.kb_a_call],
            "kB/call",
            ("max", 2.0),
        ),
    ]
