"""Settings of the console: one frozen value, made by the command. A base: it imports no sibling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HeadOfficeFiles:
    """Where the announcements and the schedule lie of the settings that are in force."""

    prompts: Path
    schedule: Path


def _none() -> None:
    """There is no head office."""


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Where the console listens, what it reads, whom it asks.

    `redirect_port` is the plain port that leads to the secure one, 0 for none. `names` are the host
    names it answers to, beside every address of the appliance. `certificate` and `key` are the
    office's own files, both empty for an authority made here. `state` is the console's own folder;
    `records` (the database) and `voicemail` are only read; `door` is call control's socket.
    `announcements` are the folders laid over our recordings, the strongest first; in `drafts` lies
    what was dictated and no caller hears yet. `country` is the one by whose plan callers' numbers
    are compared. `per_person_reference` is the agreement that allows figures per position (E21), ""
    for none. Below `room_alarm` MB of free space the technician is told. `head_office` says where
    the head office's settings lie that are in force at the moment, None for none.
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
    head_office: Callable[[], HeadOfficeFiles | None] = _none
