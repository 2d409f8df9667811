"""A line of figures for each case: what was injected how often, and what came of it."""

from __future__ import annotations

from typing import Final

LAST: Final = 99
"""Figures that belong to no case, of wear for instance, come at the end."""


class Figures:
    """What the cases of a run have measured; a line begins with its case's number, or a letter."""

    def __init__(self, lines: list[str] | None = None) -> None:
        self.lines = list(lines or ())

    def say(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)

    def text(self) -> str:
        """Return the lines by the number of their case."""
        return "".join(f"{line}\n" for line in sorted(self.lines, key=_number))


def _number(line: str) -> int:
    number = line.split()[0].removeprefix("F")
    return int(number) if number.isdecimal() else LAST
