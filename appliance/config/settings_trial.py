"""Trials of changed settings: what call control ends without the configuration's reader."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from appliance.files import open_plain

FOLDER: Final = "settings"
TRIAL: Final = "trial.json"
TRIAL_S: Final = 60.0
LARGEST: Final = 4_000_000
"""Bytes of a file in the folder: an entry of the history has a text and its words."""
BY_ITSELF: Final = "centralino"
"""Who undoes a trial that nobody has confirmed."""


@dataclass(frozen=True, slots=True)
class SettingsTrial:
    """A change that holds until `until` (monotonic s of start `boot`) unless `by` confirms it."""

    number: int
    by: str
    boot: str
    until: float


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One moment: wall time, monotonic seconds, and the id of the box's start."""

    at: datetime
    monotonic: float
    boot: str


def digest_of(text: str) -> str:
    """Return a text's revision."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_trial(folder: Path) -> SettingsTrial | None:
    """Read the change that waits for its confirmation, None for none."""
    told = load_object(folder / TRIAL)
    try:
        return SettingsTrial(**told) if told else None
    except TypeError:
        return None


def load_object(path: Path) -> dict[str, Any]:
    """Read a JSON object, {} where it is missing or malformed."""
    try:
        with open_plain(path) as file:
            told = json.loads(file.read(LARGEST))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
