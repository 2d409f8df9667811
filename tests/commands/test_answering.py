"""Prompts for passwords: on a real terminal nothing typed is shown, and nothing of it is lost."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from appliance.commands.answering import LOCAL_MODES

ASKS = (
    "from appliance.commands.answering import ask_secret;"
    "print('kept', ask_secret('Password', is_confirmed={confirmed})[::-1])"
)
LIMIT_S = 30.0
SECRET = "mare sole vento"
KEPT = f"kept {SECRET[::-1]}"


class Screen:
    """A terminal with a program in it."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self.shown = ""

    def echoes(self) -> bool:
        """Tell whether what is typed would be shown."""
        return bool(termios.tcgetattr(self._terminal)[LOCAL_MODES] & termios.ECHO)

    def type(self, text: str) -> None:
        """Type at once, as a paste does."""
        os.write(self._terminal, text.encode())

    def wait_for(self, words: str, times: int = 1) -> None:
        """Read until some words are shown so often."""
        end = time.monotonic() + LIMIT_S
        while self.shown.count(words) < times:
            assert time.monotonic() < end, self.shown
            if select.select([self._terminal], [], [], 0.2)[0]:
                self.shown += os.read(self._terminal, 4096).decode()


@contextmanager
def asking(*, confirmed: bool) -> Iterator[tuple[Screen, subprocess.Popen[bytes]]]:
    """Have a program ask for a password on a terminal of its own."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", ASKS.format(confirmed=confirmed)]
    child = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        yield Screen(ours), child
    finally:
        child.kill()
        child.wait()
        os.close(ours)


@pytest.mark.parametrize("confirmed", [True, False])
def test_what_is_typed_as_the_prompt_appears_is_taken_and_not_shown(confirmed: bool) -> None:
    """Typed in the same moment, and both answers in one paste: they count, unseen."""
    with asking(confirmed=confirmed) as (screen, child):
        screen.wait_for("Password: ")
        screen.type(f"{SECRET}\n{SECRET}\n")
        screen.wait_for(KEPT)
        child.wait(LIMIT_S)
        assert SECRET not in screen.shown
        assert child.returncode == 0


@pytest.mark.usefixtures("italian")
def test_unlike_answers_are_asked_for_again() -> None:
    """Neither counts; an empty one is asked for again, too."""
    with asking(confirmed=True) as (screen, _):
        screen.wait_for("Password: ")
        screen.type(f"\n{SECRET}\nmare\n")
        screen.wait_for("Non sono uguali")
        screen.wait_for("Password: ", times=3)
        screen.type(f"{SECRET}\n{SECRET}\n")
        screen.wait_for(KEPT)


def test_an_interruption_leaves_the_terminal_as_it_was() -> None:
    """After Ctrl-D the shell's typing is shown again."""
    with asking(confirmed=False) as (screen, child):
        screen.wait_for("Password: ")
        screen.type("\x04")
        child.wait(LIMIT_S)
        assert child.returncode == 1
        assert screen.echoes()
