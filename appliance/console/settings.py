"""Settings of the console: a frozen value, made by `centralino console`; some are read anew.

Imports no sibling.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import anyio.to_thread

from appliance.errors import CentralinoError
from appliance.policy.standards import ServiceTargets
from appliance.text import NOTHING, Words

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeadOfficeFiles:
    """Paths of the announcements and the schedule among the head office's settings in force."""

    prompts: Path
    schedule: Path


def _none() -> None:
    """Return None: no head office."""


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Addresses, files and limits of the console.

    `redirect_port` is the plain HTTP port that redirects to TLS, 0 for none. `names` are the host
    names it answers to, beside every address of the appliance. `certificate` and `key` are the
    office's own files, both empty for an authority made here. `state` is the console's own folder;
    `records` (the database) and `voicemail` are only read; `control_socket` is the path of call
    control's. `announcements` are the folders that override the product's recordings, the first one
    first; `drafts` holds dictated announcements that callers do not hear yet. `country` selects the
    numbering plan by which callers' numbers are compared. `per_person_reference` is the agreement
    that allows figures per position (E21), "" for none; `targets` are the charter's promises;
    `contacts` are the lines of a letterhead below the office's name. Below `room_alarm` MB of free
    space the technician is warned. `head_office` returns the files of the head office's settings in
    force, None without a head office. `image_note` warns on every page of a test image.
    """

    site: str
    zone: str
    languages: tuple[str, ...]
    listen: str
    port: int
    redirect_port: int
    names: tuple[str, ...]
    certificate: str
    key: str
    state: Path
    records: Path
    voicemail: Path
    control_socket: Path
    is_secure: bool = True
    announcements: tuple[Path, ...] = ()
    voice: str = "auto"
    per_person_reference: str = ""
    targets: ServiceTargets = ServiceTargets()
    contacts: tuple[str, ...] = ()
    country: str = "it"
    drafts: Path = Path("drafts")
    room_alarm: int = 256
    # A function: another bundle of the head office may come into force while the console runs.
    head_office: Callable[[], HeadOfficeFiles | None] = _none
    image_note: Words = NOTHING


Load = Callable[[], ConsoleSettings]
Mark = tuple[int, ...]
"""What differs once a file is another one; empty while there is none."""

READ_ANEW: Final = (
    "site",
    "languages",
    "voice",
    "per_person_reference",
    "targets",
    "contacts",
    "room_alarm",
)
"""Settings that pages and papers show: the console takes them up without a restart."""


class FreshSettings:
    """The console's settings, of which READ_ANEW are read again once the file has changed."""

    def __init__(self, settings: ConsoleSettings, path: Path, mark: Mark, load: Load) -> None:
        self._settings, self._path, self._read, self._load = settings, path, mark, load
        self._reading = asyncio.Lock()

    async def newest(self) -> ConsoleSettings:
        """Return the settings as the file has them now; the last good ones if it has mistakes."""
        if mark_of(self._path) != self._read:
            # One reads, the others wait: the page after a change must show it.
            async with self._reading:
                await self._read_anew()
        return self._settings

    async def _read_anew(self) -> None:
        now = mark_of(self._path)
        if now == self._read:
            return
        try:
            found = await anyio.to_thread.run_sync(self._load)
        except (CentralinoError, OSError) as error:
            log.warning("the pages keep the settings they have: %s", error)
        else:
            anew = {name: getattr(found, name) for name in READ_ANEW}
            self._settings = replace(self._settings, **anew)
        self._read = now


def mark_of(path: Path) -> Mark:
    """Return a file's mark."""
    try:
        # No thread for it: the name is in the system's memory.
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ino, found.st_size
