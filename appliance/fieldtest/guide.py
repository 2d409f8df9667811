"""Asks a person, on a terminal or through a pipe: ok, no, repeat, skip."""

from __future__ import annotations

import os
import select
import termios
from typing import TYPE_CHECKING, Final

from appliance.fieldtest.messages import Asked, Lines
from appliance.fieldtest.shown import clean
from appliance.policy.text import Words
from hw_tests.person import HELP, KEYS, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S: Final = 0.2
AGAIN: Final = Words("«{}» non è una risposta.", "“{}” is no answer.")
NOBODY: Final = Words(
    "Nessuno risponde: ciò che chiede una persona viene saltato.",
    "Nobody answers: what asks a person is skipped.",
)


class Guide:
    """Puts the suite's questions to whoever reads `descriptor`; `say` writes to them.

    At the end of what can be read everything is skipped: nobody is there.
    """

    def __init__(self, descriptor: int, say: Callable[[Words], None]) -> None:
        self._descriptor = descriptor
        self._say = say
        self._lines = Lines()
        self._ready: list[bytes] = []
        self._is_over = False

    def ask(self, asked: Asked, is_over: Callable[[], bool]) -> Answer:
        """Ask and wait; what `is_over` finds over (the run, for one) is skipped."""
        self._say(Words(clean(asked.it), clean(asked.en)))
        self._say(Words(*HELP))
        if os.isatty(self._descriptor):  # what was typed before the question is no answer to it
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
        while (line := self._line(is_over)) is not None:
            said = " ".join(line.decode("utf-8", "replace").lower().split())
            if (answer := KEYS.get(said)) is not None:
                return answer
            self._say(Words(AGAIN.it.format(clean(said)), AGAIN.en.format(clean(said))))
            self._say(Words(*HELP))
        if self._is_over:
            self._say(NOBODY)
        return Answer.SKIP

    def _line(self, is_over: Callable[[], bool]) -> bytes | None:
        while not self._ready:
            if self._is_over or is_over():
                return None
            readable, _, _ = select.select([self._descriptor], [], [], LOOK_S)
            if readable:
                self._read()
        return self._ready.pop(0)

    def _read(self) -> None:
        data = os.read(self._descriptor, 4096)
        if not data:
            self._is_over = True
            self._ready += self._lines.rest()
        self._ready += self._lines.feed(data)
