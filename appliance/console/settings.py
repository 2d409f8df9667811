"""Settings of the console: one frozen value, made by `centralino console`. Imports no sibling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


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
    `records` (the database) and `voicemail` are only read; `door` is the control socket.
    `announcements` are the folders that override the product's recordings, the first one first;
    `drafts` holds dictated announcements that callers do not hear yet. `country` selects the
    numbering plan by which callers' numbers are compared. `per_person_reference` is the agreement
    that allows figures per position (E21), "" for none. Below `room_alarm` MB of free space the
    technician is warned. `head_office` returns the files of the head office's settings in force,
    None without a head office.
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
    door: Path
    is_secure: bool = True
    announcements: tuple[Path, ...] = ()
    voice: str = "auto"
    per_person_reference: str = ""
    country: str = "it"
    drafts: Path = Path("drafts")
    room_alarm: int = 256
    # A function: another bundle of the head office may come into force while the console runs.
    head_office: Callable[[], HeadOfficeFiles | None] = _none
