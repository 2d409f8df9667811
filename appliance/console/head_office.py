"""What of a page is the head office's, so that whoever edits it sees that first.

Read anew for each page: another bundle may have come into force since. Blocking: for threads.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from appliance.console.say import N_
from appliance.store import managed_config

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class HeadOffice:
    """Where the announcements and the schedule lie of the settings that are in force."""

    prompts: Path
    schedule: Path


@dataclass(frozen=True, slots=True)
class Theirs:
    """The codes of the head office's units, the numbers of the register's entries it brought."""

    units: frozenset[str] = frozenset()
    entries: frozenset[int] = frozenset()


PARTS: Final = {
    "hours": N_("the hours of every week"),
    "citizens_desk": N_("the counter's hours of every week"),
    "closures": N_("closures"),
    "openings": N_("special openings"),
    "periods": N_("periods with other hours"),
}
"""What may be the head office's of the hours, by the table of its schedule."""
WEEKS: Final = {"switchboard": "hours", "citizens_desk": "citizens_desk"}
"""Whose week stands in which table."""


@dataclass(frozen=True, slots=True)
class TheirHours:
    """What of the hours is the head office's, said in a line, and whose weeks."""

    said: str = ""
    weeks: frozenset[str] = frozenset()


async def of_hours(request: Request) -> TheirHours:
    """Read what of the hours is the head office's."""
    tables = await anyio.to_thread.run_sync(_scheduled, request.app.state.settings.head_office)
    say = request.state.speaker
    return TheirHours(
        ", ".join(say(words) for table, words in PARTS.items() if table in tables),
        frozenset(whose for whose, table in WEEKS.items() if table in tables),
    )


def _scheduled(find: Callable[[], HeadOffice | None]) -> frozenset[str]:
    """Name the tables of the schedule; none for one that cannot be read."""
    office = find()
    try:
        text = office.schedule.read_text(encoding="utf-8") if office else ""
        return frozenset(tomllib.loads(text))
    except (OSError, ValueError):
        return frozenset()


async def of_register(request: Request) -> Theirs:
    """Read what of the register is the head office's; raises StoreError."""
    found: Theirs = await request.app.state.reading.do(_theirs)
    return found


def _theirs(connection: sqlite3.Connection) -> Theirs:
    return Theirs(managed_config.units(connection), managed_config.brought(connection))
