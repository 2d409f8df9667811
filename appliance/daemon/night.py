"""What came of the last night's work, as it is kept for the desk and told to people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.files import atomic_write, load_text
from appliance.policy.text import Words

if TYPE_CHECKING:
    from pathlib import Path

NIGHTLY: Final = "backups/nightly"
"""Below the state folder: one folder a night, and what came of the last one."""
SAID: Final = "said.json"


@dataclass(frozen=True, slots=True)
class Night:
    """What came of a night: whether all is well, whether the records are damaged, and the words."""

    at: datetime
    well: bool
    damaged: bool
    words: Words


def load(state: Path) -> Night | None:
    """Read what came of the last night; None for no night yet."""
    try:
        said = json.loads(load_text(state / NIGHTLY / SAID))
        words = Words(str(said["it"]), str(said["en"]))
        at = datetime.fromisoformat(said["at"])
        return Night(at, bool(said["well"]), bool(said["damaged"]), words)
    except (ValueError, KeyError, TypeError):
        return None


def keep(state: Path, night: Night) -> None:
    """Keep it for the desk that comes after; raises OSError."""
    said = {
        "at": night.at.isoformat(),
        "well": night.well,
        "damaged": night.damaged,
        "it": night.words.it,
        "en": night.words.en,
    }
    atomic_write(state / NIGHTLY / SAID, json.dumps(said))
