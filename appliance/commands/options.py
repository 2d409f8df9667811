"""Options that several commands share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.commands.shell import (
    CONFIG_NAMED,
    DEFAULT_CONFIG,
    LANGUAGES,
    language_of,
    note_chosen,
    note_site,
)
from appliance.errors import ConfigurationError
from appliance.policy.text import Refused

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.policy.text import Words

Command = Callable[..., Any]


def config_option(command: Command) -> Command:
    """Add --config; the environment may name it too."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        default=DEFAULT_CONFIG,
        envvar=CONFIG_NAMED,
        show_default=True,
        help="The configuration file.",
    )(command)


def language_option(command: Command) -> Command:
    """Add --language, for the answers of this command."""
    return click.option(
        "--language",
        type=click.Choice(LANGUAGES),
        callback=note_chosen,
        expose_value=False,
        help="In which to answer: else LANG's, else the site's.",
    )(command)


def load_settings(path: Path) -> Settings:
    """Read the configuration; raises ConfigurationError with every mistake."""
    # Imported here: `centralino run` reads its configuration apart (config/reload.py).
    from appliance.config import read as config

    try:
        settings = config.load(path)
    except ConfigurationError:
        note_site(config.language_in(path))
        raise
    note_site(settings.site.languages[0])
    return settings


def desk_socket(settings: Settings) -> Path:
    """Say where the running desk answers."""
    return Path(settings.folders.run) / "desk.sock"


def in_house(settings: Settings, words: Words) -> str:
    """Return words in the reader's language, else the first one of the house."""
    return words.it if language_of(settings) == "it" else words.en


@contextlib.contextmanager
def reading(settings: Settings) -> Iterator[sqlite3.Connection]:
    """Open the records for reading, beside a running desk or not; raises Refused, StoreError.

    A database that an older programme made is brought up to date by the desk's next start alone.
    """
    from appliance.service.loop import records_made
    from appliance.store.database import migrations, open_reader

    path = records_made(Path(settings.folders.state))
    connection = open_reader(path)
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version < migrations()[-1][0]:
            raise Refused(
                f"gli archivi in {path} sono di una versione precedente: avviare centralino",
                f"the records at {path} are of an older version: start centralino",
            )
        yield connection
    finally:
        connection.close()
