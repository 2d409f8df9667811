"""Output of commands: in the reader's language, or as JSON in each.

Call control uses the JSON when it runs a command for a browser (service/jobs.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import termios
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from appliance.commands.options import in_language, language_of, system_error_words
from appliance.config.office import build_office
from appliance.errors import CentralinoError, StoreError, TechnicianError
from appliance.policy.hours_changes import HoursEntry, office_with
from appliance.policy.text import Refused, words_of
from appliance.store import hours
from appliance.store.database import database_path, open_reader
from appliance.text import Words, _, joined

if TYPE_CHECKING:
    from appliance.commands.options import Command
    from appliance.config.schema import Settings
    from appliance.policy.office import Office


def both_option(command: Command) -> Command:
    """Add --json: one object, each text in every language by its code."""
    return click.option("--json", "as_json", is_flag=True, help="As JSON, in every language.")(
        command
    )


@contextlib.contextmanager
def answering(
    config: Path, *, as_json: bool, is_beside: bool = False
) -> Iterator[Callable[[Words], None]]:
    """Yield a function that prints the result; also print errors of ours and the system's.

    With `is_beside` it prints to standard error, as standard output has other data.
    """
    try:
        yield lambda words: click.echo(_written(words, config, as_json=as_json), err=is_beside)
    except (CentralinoError, OSError) as error:
        # click ends a command silently whose reader has gone.
        if isinstance(error, BrokenPipeError):
            raise
        words = system_error_words(error) if isinstance(error, OSError) else words_of(error)
        # Call control reads the JSON also of a failed command.
        if as_json:
            click.echo(_written(words, config, as_json=True), err=is_beside)
            raise SystemExit(1) from error
        raise TechnicianError(in_language_of_site(config, words)) from error


def in_language_of_site(config: Path, words: Words) -> str:
    """Return words in the reader's language, else the configuration's first."""
    return words.text(language_of(file=config))


def lines_of(many: Iterable[Words]) -> Words:
    """Join sentences, one a line."""
    return joined("\n", many)


def _written(words: Words, config: Path, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(words.by_language(), ensure_ascii=False)
    return in_language_of_site(config, words)


def office_in_force(settings: Settings, year: int, where: str = "") -> Office:
    """Build the office with the entered hours; raises ConfigurationError.

    Without a readable database the configuration's hours are used.
    """
    return office_with(build_office(settings, year, where), hours_entered(settings))


def hours_entered(settings: Settings) -> tuple[HoursEntry, ...]:
    """Return the entered hours; () without a database, or with a warning if unreadable."""
    path = database_path(Path(settings.folders.state))
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where the folder is closed
        return ()
    try:
        with closing(open_reader(path)) as connection:
            return hours.load(connection) if _is_there(connection) else ()
    except (StoreError, sqlite3.Error) as error:
        told = _("openings and closures that were entered are not counted: {error}", error=error)
        click.echo(in_language(told), err=True)
        return ()


def _is_there(connection: sqlite3.Connection) -> bool:
    """True if the database has the table of special hours, which older versions lack."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'special_hours'")
    return found.fetchone() is not None


# Reading of secrets. click prompts before it turns the terminal's echo off, and discards what was
# typed in between: a password that was pasted at once was shown on the screen and lost.

PASSWORD: Final = _("Password")
AGAIN: Final = _("Repeat for confirmation")
NO_SECRET: Final = _("no password was given: type it at a terminal, or write it to the input")
UNLIKE_LINES: Final = _("the two lines of the input are not the same")
UNLIKE: Final = _("They are not the same: type again.")
LOCAL_MODES: Final = 3
"""Index of the local modes, with the echo flags, in the list of `tcgetattr`."""


def ask_secret(text: str, *, is_confirmed: bool = False, err: bool = False) -> str:
    """Prompt until something is typed, twice the same if confirmed; raises Abort.

    Without a terminal the next line is read, and the one behind it if confirmed; raises Refused.
    """
    if not sys.stdin.isatty():
        return _piped(is_confirmed=is_confirmed)
    with no_echo(sys.stdin.fileno()):
        while True:
            first = _line(text, err=err)
            if not first:
                continue
            if not is_confirmed or _line(in_language(AGAIN), err=err) == first:
                return first
            click.echo(in_language(UNLIKE), err=err)


def _piped(*, is_confirmed: bool) -> str:
    first = sys.stdin.readline().rstrip("\r\n")
    if not first:
        raise Refused(NO_SECRET)
    # A script that knows its password need not repeat it.
    if is_confirmed and sys.stdin.readline().rstrip("\r\n") not in {"", first}:
        raise Refused(UNLIKE_LINES)
    return first


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


def password_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --password, None where it is left out: then `given_or_asked` asks for it.

    The command asks once all else is checked: nobody types a password in vain.
    """
    return click.option("--password", help="Asked for when left out, and not shown.")(command)


def given_or_asked(password: str | None) -> str:
    """Return the password, asked for twice where it was left out; raises Abort, Refused."""
    if password is not None:
        return password
    return ask_secret(in_language(PASSWORD), is_confirmed=True)
