"""A request written as a PDF for the protocol office (E15), without the offices' numbers (P7)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from appliance.commands.options import reading
from appliance.daemon.office import build_office
from appliance.daemon.settings import Settings
from appliance.daemon.stores import database_path
from appliance.policy.undisclosed import masked
from appliance.records import register as register_store
from appliance.records import request_paper
from appliance.records import requests as stored
from appliance.records.request_listing import Due
from appliance.records.vault import key_path


def write(settings: Settings, number: int, folder: Path, due: Due) -> Path:
    """Write request `number` into a folder and return the file.

    Raises OfficeError where there is none, StoreError without the key of the register's numbers:
    nobody could tell then which numbers may not stand in it.
    """
    from appliance.mail import paper  # here: no other command needs its library

    key = key_path(database_path(Path(settings.folders.state)))
    with reading(settings) as connection:
        kept = stored.required(connection, number)
        register = register_store.load(connection, key)
    plan = build_office(settings, datetime.now(UTC).year).outgoing.plan

    def hide(text: str) -> str:
        return masked(text, register, plan)

    language, zone = settings.site.languages[0], ZoneInfo(settings.site.zone)
    title = request_paper.title(kept, settings.site.name, language)
    rows = request_paper.rows(kept, language, zone, due, hide)
    path = folder / f"request-{number}.pdf"
    path.write_bytes(paper.pdf(title, rows))
    return path
