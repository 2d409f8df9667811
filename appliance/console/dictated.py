"""Drafts of announcements for the pages: what somebody dictated at a phone and no caller hears yet.

Read where the desk has laid them down (ConsoleSettings.drafts). Blocking: for threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from appliance.calls.status import DRAFT_KEPT
from appliance.console.announcements import NoSound, telephone_sound
from appliance.console.say import N_
from appliance.dsp import g711, progress, wav

CLOSE_DB: Final = 3.0
"""So near to the others' level nobody hears a difference."""
ALIKE: Final = N_("like the others")
LOW: Final = N_("lower than the others: it will be raised")
HIGH: Final = N_("higher than the others: it will be lowered")
GONE: Final = N_("This recording is no longer there: record it again.")


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft: its length, a sentence about its loudness (a catalogue's), until when it stays."""

    seconds: float
    loudness: str
    until: datetime


def find(folder: Path, language: str, key: str) -> Draft | None:
    """Return the draft of an announcement, None where there is none that can be heard."""
    try:
        found = wav.parse(_contents(folder, language, key))
        laid_down = _path(folder, language, key).stat().st_mtime
    except (NoSound, wav.WavError, OSError):
        return None
    level = progress.active_dbm0(g711.decode(found.data, found.law))
    until = datetime.fromtimestamp(laid_down, UTC) + DRAFT_KEPT
    return Draft(found.duration_ms / 1000, _loudness(level - progress.ACTIVE_DBM0), until)


def sound(folder: Path, language: str, key: str) -> bytes:
    """Return a draft as callers would hear it, A-law at 8 kHz; raises NoSound."""
    return telephone_sound(_contents(folder, language, key))


def _contents(folder: Path, language: str, key: str) -> bytes:
    """Read the file; the names are those of an announcement that there is."""
    try:
        return _path(folder, language, key).read_bytes()
    except OSError as error:
        raise NoSound(GONE) from error


def _path(folder: Path, language: str, key: str) -> Path:
    return folder / language / f"{key}.wav"


def _loudness(above_db: float) -> str:
    if abs(above_db) <= CLOSE_DB:
        return ALIKE
    return HIGH if above_db > 0 else LOW
