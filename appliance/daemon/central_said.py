"""What came of the last look for the head office's settings, kept for the desk and for people."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.daemon.central_place import bundle_folder
from appliance.files import atomic_write, load_text, make_shared
from appliance.policy.text import Words

if TYPE_CHECKING:
    from pathlib import Path

SAID: Final = "said.json"


class Outcome(enum.StrEnum):
    """How it ended: what holds is what the server has; refused; the server gave nothing."""

    GOOD = "good"
    REFUSED = "refused"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class Said:
    """When, how it ended, and the sentence; `good_at` is when it last ended well, if ever."""

    at: datetime
    outcome: Outcome
    words: Words
    good_at: datetime | None = None


def keep(state: Path, said: Said) -> None:
    """Keep it; when it last ended well is taken over. Raises OSError."""
    before = load(state)
    good_at = said.at if said.outcome is Outcome.GOOD else before.good_at if before else None
    told = {
        "at": said.at.isoformat(),
        "outcome": said.outcome.value,
        "it": said.words.it,
        "en": said.words.en,
        "good_at": good_at.isoformat() if good_at else "",
    }
    make_shared(bundle_folder(state))
    atomic_write(bundle_folder(state) / SAID, json.dumps(told, ensure_ascii=False))


def load(state: Path) -> Said | None:
    """Read it; None for none, or one that cannot be read."""
    try:
        told = json.loads(load_text(bundle_folder(state) / SAID))
        good_at = datetime.fromisoformat(told["good_at"]) if told["good_at"] else None
        words = Words(str(told["it"]), str(told["en"]))
        at, outcome = datetime.fromisoformat(told["at"]), Outcome(told["outcome"])
        return Said(at, outcome, words, good_at)
    except (ValueError, LookupError, TypeError):
        return None
