"""The configuration in force: the file's, else the last good one, else an empty one.

A configuration error never ends the service (design/failures.md, What must hold when things fail).
"""

from __future__ import annotations

import logging
import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import read
from appliance.config.office import build_office
from appliance.config.phones import with_entered
from appliance.config.read import kept_name
from appliance.config.schema import Folders, Settings
from appliance.errors import ConfigurationError
from appliance.files import atomic_write, make_private
from appliance.policy.office import Office
from appliance.policy.text import Words, words_of

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)

# Folder with copies of the modems' profiles that the last good configuration names.
PROFILES = "last_good_profiles"
NOTHING = """
[site]
name = "Centralino"
patron = "01-01"
[hours]
[sip]
address = "127.0.0.1"
"""
"""Configuration of an appliance that has never had a good one: no line, no phone."""


def in_force(path: Path, year: int | None = None) -> tuple[Settings, Office, Words]:
    """Return settings, office and the mistakes of the file at `path`, empty for none."""
    return with_written(path, year)[1:]


def with_written(path: Path, year: int | None = None) -> tuple[Settings, Settings, Office, Words]:
    """Return the same, preceded by the settings without the phones entered in the console."""
    year = year or datetime.now(UTC).year
    try:
        written, settings, office = _read(path, year)
    except ConfigurationError as error:
        log.error("%s", error)
        return *_otherwise(path, year), words_of(error)
    _keep(path, settings)
    return written, settings, office, Words()


def state_folder(path: Path) -> Path:
    """Return the state folder of a configuration that may be broken."""
    # The last good one lies there: its place must be found also in a file with mistakes.
    try:
        folders = tomllib.loads(read.read_text(path)).get("folders", {})
        return Path(str(folders["state"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Path(os.environ.get("STATE_DIRECTORY", Folders().state))


def _read(path: Path, year: int, kept: Path | None = None) -> tuple[Settings, Settings, Office]:
    written = read.load_written(path, kept)
    settings = with_entered(written)
    return written, settings, build_office(settings, year, str(path))


def _otherwise(path: Path, year: int) -> tuple[Settings, Settings, Office]:
    last_good = state_folder(path) / "last_good.toml"
    try:
        found = _read(last_good, year, last_good.parent / PROFILES)
    except ConfigurationError:
        log.warning("there is no last good configuration: no line is in service")
        settings = read.parse(NOTHING)
        return settings, settings, build_office(settings, year)
    log.warning("the last good configuration is in force: %s", last_good)
    return found


def _keep(path: Path, settings: Settings) -> None:
    """Store a good file and its profiles as the last good ones, each whole or not at all."""
    folder = Path(settings.folders.state)
    try:
        for profile in sorted({line.profile for line in settings.lines if line.profile}):
            _keep_file(Path(profile), folder / PROFILES / kept_name(profile))
        _keep_file(path, folder / "last_good.toml")
    except OSError as error:
        log.warning("the configuration cannot be kept as the last good one: %s", error)


def _keep_file(path: Path, kept: Path) -> None:
    # The start waits for this: a flush to the card would keep callers waiting after every restart.
    if _is_kept(path, kept):
        return
    make_private(kept.parent)
    atomic_write(kept, path.read_bytes())


def _is_kept(path: Path, kept: Path) -> bool:
    """Return whether a file is the last good one already."""
    try:
        return kept.read_bytes() == path.read_bytes()
    except OSError:
        return False
