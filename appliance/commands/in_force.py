"""The office with the hours in force: the configuration's, and what the head entered over them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.config.office import build_office
from appliance.errors import StoreError
from appliance.policy.hours_changes import Special, office_with
from appliance.service.loop import database_path
from appliance.store import hours
from appliance.store.database import open_reader

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.policy.office import Office


def office_in_force(settings: Settings, year: int, where: str = "") -> Office:
    """Build the office; raises ConfigurationError.

    Where there are no records, or they cannot be read, the configuration's hours are what is
    known: the second is said.
    """
    return office_with(build_office(settings, year, where), hours_entered(settings))


def hours_entered(settings: Settings) -> tuple[Special, ...]:
    """Return what was entered; nothing where the records cannot be read, which is said."""
    path = database_path(Path(settings.folders.state))
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where the folder is closed
        return ()
    try:
        with closing(open_reader(path)) as connection:
            return hours.load(connection) if _is_there(connection) else ()
    except (StoreError, sqlite3.Error) as error:
        click.echo(f"openings and closures that were entered are not counted: {error}", err=True)
        return ()


def _is_there(connection: sqlite3.Connection) -> bool:
    """Tell whether the records know of special hours: an older programme's do not."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'special_hours'")
    return found.fetchone() is not None
