"""The technician's way of filling in centralino.toml: as the file's own comments and the guide say.

The same edits are made to the file of the fast journey and to that of a flashed card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self

from tests.helpers.box import ROME

OFFICE: Final = "Comune di Prova"
NUMBER: Final = "051 598 111"
"""The public number that the file itself has as its example."""
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass
class Editor:
    """A text editor with the card's file open in it; lines end as they did."""

    lines: list[str]

    @classmethod
    def open(cls, text: str) -> Self:
        """Open a file."""
        return cls(text.splitlines(keepends=True))

    def saved(self) -> str:
        """Return the file as it is saved."""
        return "".join(self.lines)

    def write(self, entry: str, value: str) -> None:
        """Give an entry that stands there empty its value; the comment behind it stays."""
        empty = '""' if value.startswith('"') else "[]"
        at = self._only(lambda line: line.startswith(f"{entry} ") and f"= {empty}" in line, entry)
        self.lines[at] = self.lines[at].replace(f"= {empty}", f"= {value}", 1)

    def use(self, entry: str, but: Iterable[str] = ()) -> None:
        """Take the `#` away before every line of the block in which an entry stands."""
        at = self._only(lambda line: line.startswith(f"#{entry}"), entry)
        first, last = at, at
        while self.lines[first - 1].startswith("#"):
            first -= 1
        while last + 1 < len(self.lines) and self.lines[last + 1].startswith("#"):
            last += 1
        for n in range(first, last + 1):
            if not self.lines[n].startswith(tuple(f"#{one}" for one in but)):
                self.lines[n] = self.lines[n].removeprefix("#")

    def add(self, text: str) -> None:
        """Write something at the end."""
        self.lines.append(text)

    def _only(self, is_it: Callable[[str], bool], entry: str) -> int:
        """Return the place of the one line that is meant."""
        found = [n for n, line in enumerate(self.lines) if is_it(line)]
        assert len(found) == 1, f"{entry}: {len(found)} lines of the file may be meant"
        return found[0]


def what_is_known(text: str, days: Iterable[date]) -> str:
    """Fill in what the guide asks for first: office, patron, hours, phones; no line yet.

    The office is open at all hours, and on `days` whatever the calendar says of them.
    """
    editor = Editor.open(text)
    editor.write("name", f'"{OFFICE}"')
    editor.write("patron", '"10-04"')
    for weekday in DAYS:
        editor.write(weekday, '["00:00-24:00"]')
    for phone in ("op1", "sportello1"):
        editor.use(f'name = "{phone}"')
    editor.use("[switchboard]")
    editor.use("[citizens_desk]")
    for day in days:
        editor.add(f'\n[[openings]]\nday = {day.isoformat()}\nhours = ["00:00-24:00"]\n')
    return editor.saved()


def days_ahead() -> tuple[date, date]:
    """Return today and tomorrow where the office is: a journey may go on over midnight."""
    today = datetime.now(ROME).date()
    return today, today + timedelta(days=1)


def with_the_line(text: str, port: str) -> str:
    """Complete the file: the line at the socket that centralino-result.txt names."""
    editor = Editor.open(text)
    editor.use('name = "line1"', but=("daytime",))
    editor.write("port", f'"{port}"')
    return editor.saved()


SLIPS: Final = (
    ('name = "Comune di Prova"', "name = “Comune di Prova”"),
    ('patron = "10-04"', 'patron = "4 ottobre"'),
    ('monday    = ["00:00-24:00"]', 'monday    = ["18:00-9:00"]'),
    ('name = "op1"', 'name = "Operatore 1"'),
)
"""What somebody in a hurry writes, and what they should have written before it."""


def with_slips(text: str) -> str:
    """Make five mistakes in a file that is filled in: four slips, and a `#` that was left before
    `[[lines]]` when it was taken away below.
    """
    for right, wrong in SLIPS:
        assert text.count(right) == 1, right
        text = text.replace(right, wrong)
    editor = Editor.open(text)
    editor.use('name = "line1"', but=("daytime", "[[lines]]", "port"))
    return editor.saved()


def corrected(text: str) -> str:
    """Correct those five, each at the line that the result on the card names."""
    for right, wrong in SLIPS:
        text = text.replace(wrong, right)
    return text.replace("#[[lines]]", "[[lines]]", 1)
