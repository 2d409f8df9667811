"""A request written as a PDF for the protocol office (E15), without the offices' numbers (P7)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from appliance.commands.options import reading
from appliance.config.office import build_office
from appliance.config.schema import Settings
from appliance.files import atomic_write
from appliance.paper import child
from appliance.service.loop import database_path
from appliance.service.mailroom import Papers, papers_of
from appliance.store import directory as register_store
from appliance.store import requests as stored
from appliance.store.directory import key_path
from appliance.store.requests import Due


def papers(settings: Settings) -> Papers:
    """Return what writes the papers of a configuration."""
    return papers_of(settings, build_office(settings, datetime.now(UTC).year))


def write(settings: Settings, number: int, folder: Path, due: Due) -> Path:
    """Write request `number` into a folder and return the file.

    Raises OfficeError where there is none, StoreError without the key of the register's numbers:
    nobody could tell then which numbers may not stand in it.
    """
    key = key_path(database_path(Path(settings.folders.state)))
    with reading(settings) as connection:
        kept = stored.required_request(connection, number)
        register = register_store.load(connection, key)
        names = papers(settings).names(connection)
    path = folder / f"request-{number}.pdf"
    document = papers(settings).request_document(kept, due, register, names)
    atomic_write(path, child.made(document))
    return path
