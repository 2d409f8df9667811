"""`python -m tests.behaviour`: what the product decides, as text; to compare two trees.

The commands of every story, one a line, and the answers of `explain` about the example office, in
two languages. Run it before and after a change that must change nothing, and compare: `--write`
keeps the text, `--compare` shows the first lines that differ and ends with status 1.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from click.testing import CliRunner

import appliance
from appliance.__main__ import main as centralino
from appliance.calls.orders import Order
from appliance.text.__main__ import main as compile_texts
from tests.stories.grammar import read_story
from tests.stories.interpreter import PureRun

STORIES = Path(__file__).parent / "stories"
DAYS = ("2026-11-25", "2026-11-26", "2026-11-28", "2026-12-25", "2027-01-06", "2027-10-04")
"""A Wednesday, a Thursday without a lunch break, a Saturday, two holidays, the patron saint's."""
TIMES = ("00:00", "08:29", "08:30", "12:59", "13:00", "14:00", "14:30", "17:29", "17:30", "23:59")
STATES = ((), ("closed",), ("unattended",), ("absent",), ("opened",))
SHOWN = 40
"""Lines of a difference that are shown."""


class _Noted(PureRun):
    """A story whose commands are kept as text, in their order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        super().__init__()

    def remember(self, order: Order) -> None:
        """Keep a command's text."""
        self.lines.append(repr(order))
        super().remember(order)


_VALUE: Final = re.compile(r"(?<=[=(, \[{])[A-Z]\w+\(")
_MEMBER: Final = re.compile(r"<[A-Z]\w+\.(\w+:)")
"""Class names inside an order's line: of values, and of members of enumerations."""


def of_stories() -> Iterator[str]:
    """Yield the commands of each story below its name."""
    for path in sorted(STORIES.glob("*.story")):
        run = _Noted()
        run.run(read_story(path))
        yield f"# {path.stem}"
        yield from run.lines


def of_explain() -> Iterator[str]:
    """Yield what `explain` says of the example office, by day, time, state, line and language."""
    (example,) = Path(appliance.__file__).parent.rglob("example.toml")
    times = [f"{day} {time}" for day, time in itertools.product(DAYS, TIMES)]
    runner = CliRunner()
    for at, states in [
        *itertools.product(times, STATES[:1]),
        *itertools.product(times[::7], STATES),
    ]:
        for line, language in (("line1", "it"), ("line2", "en")):
            words = ["--language", language, "explain", "--config", str(example), "--at", at]
            words += ["--line", line, *(word for state in states for word in ("--state", state))]
            done = runner.invoke(centralino, words, catch_exceptions=False)
            yield f"# {' '.join(words[3:4] + words[5:])}: {done.exit_code}"
            yield from done.output.splitlines()


def shape(line: str) -> str:
    """Line without the class names of its values (they may be renamed), with its order's name."""
    # Trees before December 2026 had a member of its own for a call without a destination.
    line = line.replace("way=<Way.NONE: 'none'>", "way=None")
    return _MEMBER.sub(r"<\1", _VALUE.sub("(", line))


def main() -> int:
    """Print, keep or compare; status 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.behaviour", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--compare", type=Path, metavar="FILE")
    asked = parser.parse_args()
    # A catalogue older than its sources would answer in English.
    compile_texts()
    lines = [*of_stories(), *of_explain()]
    text = "\n".join(lines) + "\n"
    if asked.write:
        asked.write.write_text(text, encoding="utf-8")
    if not asked.compare:
        sys.stdout.write(f"{len(lines)} lines\n" if asked.write else text)
        return 0
    before = [shape(line) for line in asked.compare.read_text(encoding="utf-8").splitlines()]
    now = [shape(line) for line in lines]
    differing = difflib.unified_diff(before, now, "before", "now", n=1, lineterm="")
    shown = list(itertools.islice(differing, SHOWN))
    sys.stdout.write("\n".join([*shown, f"{len(lines)} lines, {len(shown)} shown differ"]) + "\n")
    return 1 if shown else 0


if __name__ == "__main__":
    sys.exit(main())
