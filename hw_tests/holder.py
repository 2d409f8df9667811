"""A program that takes a line off hook and streams until it is killed: for the test of that.

`python -m hw_tests.holder PORT COUNTRY` says "held" once sound flows.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hw_tests.field import Field
from hw_tests.worlds import HELD, RealTime

HOLD_S = 3600.0


def main() -> None:
    """Hold the line."""
    path, country = sys.argv[1:]
    world = RealTime({"A": path}, country, {}, {})
    bench = Field(world, Path("/nonexistent")).brought_up({"A": world.open("A")}, {})
    bench.dial("A", "")
    bench.listen("A")
    sys.stdout.write(f"{HELD}\n")
    sys.stdout.flush()
    bench.run(HOLD_S)


if __name__ == "__main__":
    main()
