"""How a command says what came of it: in the language of the house, or as JSON in both.

As JSON it is what the desk asks for that has a command run for a browser (service/jobs.py).
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.commands.options import load_settings
from appliance.commands.shell import chosen_language
from appliance.errors import CentralinoError, ConfigurationError, TechnicianError
from appliance.policy.supervision import words_of
from appliance.policy.text import Words

if TYPE_CHECKING:
    from appliance.commands.options import Command


def both_option(command: Command) -> Command:
    """Add --json: one object with `it` and `en`."""
    return click.option("--json", "as_json", is_flag=True, help="As JSON, in both languages.")(
        command
    )


@contextlib.contextmanager
def answering(
    config: Path, *, as_json: bool, is_beside: bool = False
) -> Iterator[Callable[[Words], None]]:
    """Yield what says the command's result; what it raises of ours or the system's is said, too.

    With `is_beside` it is said on standard error: standard output carries something else.
    """
    try:
        yield lambda words: click.echo(_written(words, config, as_json=as_json), err=is_beside)
    except (CentralinoError, OSError) as error:
        words = words_of(error)
        if as_json:
            click.echo(_written(words, config, as_json=True), err=is_beside)
            raise SystemExit(1) from error
        raise TechnicianError(in_house_of(config, words)) from error


def in_house_of(config: Path, words: Words) -> str:
    """Say it in the reader's language, else the first of a file that may be broken; in both where
    none is named.
    """
    chosen = chosen_language()
    languages = (chosen,) if chosen else _languages(config)
    if not languages:
        return words.it if words.it == words.en else f"{words.it}\n{words.en}"
    return words.it if languages[0] == "it" else words.en


def lines_of(many: Iterable[Words]) -> Words:
    """Write sentences below each other."""
    known = tuple(many)
    return Words("\n".join(one.it for one in known), "\n".join(one.en for one in known))


def _languages(config: Path) -> tuple[str, ...]:
    try:
        return load_settings(config).site.languages
    except ConfigurationError:
        pass
    try:
        return tuple(tomllib.loads(config.read_text(encoding="utf-8"))["site"]["languages"])
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def _written(words: Words, config: Path, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(asdict(words), ensure_ascii=False)
    return in_house_of(config, words)
