"""Whom a field test asks to do something: somebody at the terminal, or nobody."""

from __future__ import annotations

import enum
import os
import select
from typing import TYPE_CHECKING, Protocol, TextIO

from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Callable


WORK_S = 0.02
"""How often lines are looked after while somebody thinks."""
LONGEST_LINE = 200


class Answer(enum.StrEnum):
    """What a person says to "do this, then tell me"."""

    OK = "ok"
    NO = "no"  # it was done, and it is not as it should be
    REPEAT = "repeat"
    SKIP = "skip"
    ABSENT = "absent"  # there is no such thing here

    @property
    def is_left_out(self) -> bool:
        """True when nothing was done."""
        return self in {Answer.SKIP, Answer.ABSENT}


KEYS = {
    "": Answer.OK, "o": Answer.OK, "s": Answer.OK, "y": Answer.OK, "n": Answer.NO,
    "r": Answer.REPEAT, "k": Answer.SKIP, "x": Answer.ABSENT,
    **{answer.value: answer for answer in Answer},
}  # fmt: skip
"""What may be typed; the first letters of "sì" and "yes" too."""
HELP = _("[Enter] = done and well, n = not well, r = repeat, k = skip, x = there is none here")


class Person(Protocol):
    """Somebody who does what a test cannot do by itself."""

    def tell(self, what: Words) -> None:
        """Let the person read a sentence that needs no answer."""

    def ask(self, what: Words, meanwhile: Callable[[], None]) -> Answer:
        """Ask for something to be done, or whether it was so; until then call `meanwhile`."""


class Nobody:
    """Nobody is there: what would need a person is skipped."""

    def tell(self, what: Words) -> None:
        """Nobody reads it."""

    def ask(self, what: Words, meanwhile: Callable[[], None]) -> Answer:
        """Nobody does it."""
        return Answer.SKIP


class Reader(Nobody):
    """Somebody reads how far the test is, and is not there to do anything."""

    def __init__(self, read: Callable[[Words], None]) -> None:
        self._read = read

    def tell(self, what: Words) -> None:
        """Let it be read."""
        self._read(what)


class Terminal:
    """A person who reads `out` and types lines into a descriptor (a terminal, or a pipe)."""

    def __init__(self, typed: int, out: TextIO, language: str = "it") -> None:
        self._typed = typed
        self._out = out
        self._language = language
        self._line = b""
        self._ended = False

    def tell(self, what: Words) -> None:
        """Write a sentence."""
        self._out.write(f"{what.text(self._language)}\n")
        self._out.flush()

    def ask(self, what: Words, meanwhile: Callable[[], None]) -> Answer:
        """Write the question until something known is typed; an end of input is a skip."""
        while True:
            self.tell(what)
            self.tell(HELP)
            line = self._read_line(meanwhile)
            if line is None:
                return Answer.SKIP
            if (answer := KEYS.get(line.strip().lower())) is not None:
                return answer

    def _read_line(self, meanwhile: Callable[[], None]) -> str | None:
        """Give the next line without its end; None once there will be none."""
        while b"\n" not in self._line:
            if self._ended:
                return None
            meanwhile()
            if select.select([self._typed], [], [], WORK_S)[0]:
                data = os.read(self._typed, LONGEST_LINE)
                self._ended = not data
                self._line += data
        line, _, self._line = self._line.partition(b"\n")
        return line.decode("utf-8", "replace")
