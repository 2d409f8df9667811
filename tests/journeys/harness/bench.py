"""A tester's bench: two modems on a line simulator, a terminal, and the words of a field test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.simulator.exchange import process
from appliance.simulator.exchange.process import ExchangeProcess
from hw_tests.worlds import EXCHANGE_NUMBERS, LINE_OF, turned_on
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import Terminal, on_the_box

RUN_S: Final = 900.0
"""A whole field test takes six minutes of telephone time, more on a busy machine."""


@contextlib.contextmanager
def two_modems(folder: Path, *options: str, **knobs: object) -> Iterator[Path]:
    """Have two modems at `folder`/lines/line1 and line2, their lines joined by a simulator.

    `options` are the exchange's, `knobs` what is not as it should be on both lines.
    """
    lines = folder / "lines"
    with ExchangeProcess(lines, len(LINE_OF), options):
        for name, number in LINE_OF.items():
            process.set_line(lines, number, **turned_on(name) | knobs)
        yield lines


def told_of_lines() -> str:
    """Return the options by which the tester names both modems and their numbers."""
    return (
        f"--line-a lines/line1 --line-b lines/line2 "
        f"--number-a {EXCHANGE_NUMBERS['A']} --number-b {EXCHANGE_NUMBERS['B']}"
    )


@contextlib.contextmanager
def at_the_bench(journey: Journey, folder: Path) -> Iterator[Terminal]:
    """Sit down at a terminal in `folder`, where `./centralino` and the lines are."""
    folder.mkdir(parents=True, exist_ok=True)
    with on_the_box(journey, folder / "home", folder) as terminal:
        yield terminal
