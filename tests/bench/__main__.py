"""`python -m tests.bench`: the table of `make bench`. Asserts nothing; ends with status 0."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.errors import CentralinoError
from tests.bench import (
    answering,
    browsing,
    crowding,
    deciding,
    machine,
    quality,
    scraping,
    searching,
    showing,
    soaking,
    sounding,
    starting,
    table,
    updating,
    walling,
)

Part = Callable[[Path], list[table.Row]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: calls placed, starts, the seconds of each window, calls of the soaks,
    days of the simulated year, changes of state that consoles show.

    No seconds for the media gateway without real time (`modest_s`) leave that part out.
    """

    calls: int = 40
    starts: int = 5
    idle_s: float = 20.0
    sound_s: float = 20.0
    modest_s: float = 12.0
    virtual_calls: int = 500
    real_calls: int = 60
    year_days: int = 365
    changes: int = 100

    def parts(self) -> dict[str, Part]:
        """Return what is measured, in the order of the table."""
        parts: dict[str, Part] = {
            "deciding": lambda folder: deciding.rows(folder, self.year_days),
            "answering": lambda folder: answering.rows(folder, self.calls),
            "browsing": lambda folder: browsing.rows(folder, self.sound_s / 2),
            "sound": lambda folder: sounding.rows(folder, self.sound_s),
            "metrics": lambda folder: scraping.rows(folder, self.sound_s),
            "crowd": lambda folder: crowding.rows(folder, self.calls, self.sound_s / 2),
            "quality": quality.rows,
            "sheets": searching.rows,
            "wall": walling.rows,
            "console": lambda folder: showing.rows(folder, self.changes),
            "updates": lambda folder: updating.rows(folder, self.sound_s),
            "start": lambda folder: starting.rows(folder, self.starts, self.idle_s),
            "soak": lambda folder: soaking.rows(folder, self.virtual_calls, self.real_calls),
        }
        if self.modest_s:
            parts["modest"] = lambda folder: sounding.rows_without_realtime(folder, self.modest_s)
        return parts


QUICK = Plan(
    calls=8,
    starts=2,
    idle_s=4.0,
    sound_s=4.0,
    modest_s=0.0,
    virtual_calls=100,
    real_calls=24,
    year_days=30,
    changes=30,
)


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    plan = QUICK if asked.quick else Plan()
    plan = replace(plan, calls=asked.calls or plan.calls)
    say = sys.stdout.write
    say(table.header(machine.realtime_words()) + "\n\n")
    rows: list[table.Row] = []
    for name, part in plan.parts().items():
        if asked.only in ("", name):
            with tempfile.TemporaryDirectory(prefix="centralino-bench-") as folder:
                rows += _measured(name, part, Path(folder))
    say(table.rendered(rows) + "\n")


def _measured(name: str, part: Part, folder: Path) -> list[table.Row]:
    """Measure one part; one that fails is a row that says so, the others go on."""
    sys.stderr.write(f"measuring: {name} ...\n")
    try:
        return part(folder)
    except (AssertionError, OSError, CentralinoError) as error:
        why = str(error).splitlines()[:1]
        return [table.row(f"{name}: everything", (), note=" ".join(why))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three minutes; always with real time")
    parser.add_argument("--calls", type=int, default=0, help="so many calls, e.g. 500")
    parser.add_argument("--only", default="", choices=["", *Plan().parts()], help="one part only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
