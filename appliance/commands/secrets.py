"""Asks for what nobody else may read: nothing typed at the prompt is shown, nothing of it is lost.

click writes its prompt first and turns the terminal's echo off after it, throwing away what was
typed in between: a password pasted or typed at once stood on the screen, and then did not count.
"""

from __future__ import annotations

import contextlib
import sys
import termios
from collections.abc import Callable, Iterator
from typing import Any, Final

import click

from appliance.commands.shell import in_language
from appliance.policy.text import Words

AGAIN: Final = Words("Ripetere per conferma", "Repeat for confirmation")
UNLIKE: Final = Words("Non sono uguali: scrivere di nuovo.", "They are not the same: type again.")
LOCAL_MODES: Final = 3
"""Where `tcgetattr` has the flags of echo."""


def ask_secret(text: str, *, is_confirmed: bool = False, err: bool = False) -> str:
    """Ask until something is typed, twice the same where it is to be confirmed; raises Abort."""
    if not sys.stdin.isatty():
        answer: str = click.prompt(
            text, hide_input=True, confirmation_prompt=is_confirmed and in_language(AGAIN), err=err
        )
        return answer
    with no_echo(sys.stdin.fileno()):
        while True:
            first = _line(text, err=err)
            if not first:
                continue
            if not is_confirmed or _line(in_language(AGAIN), err=err) == first:
                return first
            click.echo(in_language(UNLIKE), err=err)


@contextlib.contextmanager
def no_echo(terminal: int) -> Iterator[None]:
    """Have a terminal show the ends of lines alone; what was typed before still counts."""
    before = termios.tcgetattr(terminal)
    quiet = termios.tcgetattr(terminal)
    quiet[LOCAL_MODES] = (quiet[LOCAL_MODES] & ~termios.ECHO) | termios.ECHONL
    termios.tcsetattr(terminal, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _line(text: str, *, err: bool) -> str:
    click.echo(f"{text}: ", nl=False, err=err)
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        raise click.Abort from None
    if not line:
        raise click.Abort
    return line.rstrip("\n")


class SecretOption(click.Option):
    """An option that is asked for, twice, where it was left out."""

    def prompt_for_value(self, ctx: click.Context) -> Any:
        """Ask for it."""
        return self.process_value(ctx, ask_secret(str(self.prompt), is_confirmed=True))


def password_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --password, which is asked for when left out."""
    return click.option(
        "--password",
        cls=SecretOption,
        prompt="Password",
        hide_input=True,
        help="Asked for when left out, and not shown.",
    )(command)
