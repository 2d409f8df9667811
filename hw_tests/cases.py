"""The tests of a run: one for each figure that a measurement gives, by its key and its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hw_tests.promises import PROMISES, touches_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hw_tests.field import Measure
    from hw_tests.findings import Finding

ONE_LINE = "one line"
EACH, WAYS = ("A", "B"), ("A>B", "B>A")
LINES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("unit", "line_voltage", "duplex", "dial_tone", "echo", "chip_keys", "load", "drift",
         "stream_end", "recovery", "recovery_usb", "recovery_power", "idle", "commands",
         "soak.caller_id", "ghosts", "drops"), EACH,
    ),
    **dict.fromkeys(
        ("ring", "caller_id", "answer", "level", "noise", "response", "swept", "keys", "keys_sent",
         "fax", "bytes", "content", "clipping",
         "soak.sound"), WAYS,
    ),
}  # fmt: skip
"""The lines that a key is found on, in a set-up of two; a key that is not here is one test."""


@dataclass(frozen=True, slots=True)
class Case:
    """What one test looks at: the findings of a key on a line, or a way; "" for all of the key."""

    measure: Measure
    key: str
    line: str = ""

    @property
    def name(self) -> str:
        """How the test is called: `drift-A`, `caller_id-A-to-B`, `soak`."""
        return f"{self.key}-{self.line.replace('>', '-to-')}" if self.line else self.key

    @property
    def promises(self) -> tuple[str, ...]:
        """The names of the promises that it proves or disproves."""
        return tuple(name for name, each in PROMISES.items() if self.key in (*each.by, *each.also))

    def touches(self, line: str) -> bool:
        """Tell whether it says something of a line."""
        return touches_line(self.key, self.line, line)

    def of(self, findings: Iterable[Finding]) -> list[Finding]:
        """Give those of a measurement's findings that are its own.

        What was found elsewhere than expected, on the whole set-up for one, belongs to each test of
        its key.
        """
        known = LINES.get(self.key, ())
        return [
            each
            for each in findings
            if each.key == self.key
            and (not self.line or each.line == self.line or each.line not in known)
        ]


def cases(measures: Iterable[Measure], kind: str) -> tuple[Case, ...]:
    """Give the tests of some measurements, in their order."""
    return tuple(
        Case(measure, key, line)
        for measure in measures
        for key in measure.keys
        for line in _lines(key, kind)
    )


def _lines(key: str, kind: str) -> tuple[str, ...]:
    lines = LINES.get(key, ("",))
    return tuple(line for line in lines if line == "A") or ("",) if kind == ONE_LINE else lines
