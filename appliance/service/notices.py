"""Notices of root's helpers: troubles that call control shows for another process.

One small file each beside call control's run folder, with its text by language, or with one of
HELPERS_TEXTS in English and what that speaks of. A notice is a trouble as long as its file exists.
Where no such helper is installed the folder is missing, and there are no notices. Root's helpers
import this: it loads nothing of the service.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.files import READABLE, atomic_write
from appliance.service.helper_requests import LIMIT
from appliance.store.database import Trouble
from appliance.text import Words, _, stored

FOLDER: Final = Path("/run/centralino-notices")
"""The folder on the image."""
LOOKS_S: Final = 5.0
# Another account writes the folder: the number of files read, and the bytes of each, are bounded.
MOST: Final = 16
# A text in three languages: 150 characters of a mistake in each (bootfile/card.py), of which one
# may need twelve bytes.
LONGEST_BYTES: Final = 2 * LIMIT
KEY: Final = "notice:"
HELPERS_TEXTS: Final = (
    _(
        "The memory card cannot be read or written: the box answers, but messages and "
        "configuration are lost when it is switched off; replace the card and restore the "
        "backup."
    ),
    _(
        "The memory card was damaged and has been repaired: look through the recent "
        "messages and the backup; if it happens again, replace the card."
    ),
    _(
        "The memory card can no longer be written to: new messages are lost; replace the "
        "card and restore the backup."
    ),
    _(
        "The entry [encryption] of the card's centralino.toml cannot be read, and the data "
        "partition has not been made yet: correct it and start the box again; until then "
        "it answers, but takes no messages."
    ),
    _(
        "The data partition is encrypted and the USB stick with its key is missing: plug "
        "it in, and the box starts again with all its data; until then it answers, but "
        "takes no messages."
    ),
    _(
        "The data partition is to be encrypted and there is no USB stick named CHIAVE to "
        "write its key on: plug one in, and the box prepares it; until then it answers, "
        "but takes no messages."
    ),
    _(
        "The data partition is encrypted and the USB stick holds another card's key: plug "
        "in the right one, or look through the key that was typed; until then the box "
        "answers, but takes no messages."
    ),
    _(
        "The data partition could not be encrypted: try another USB stick named CHIAVE and "
        "start the box again, or write the card anew; until then it answers, but takes no "
        "messages."
    ),
    _(
        "The memory card was damaged beyond repair and was made anew: restore the backup; "
        "what could be saved is in {where}, to be removed afterwards."
    ),
)
"""What the image's shell helpers say (`notice`), which have no catalogue of their own."""
_TEXTS: Final = {text.msgid: text for text in HELPERS_TEXTS}


def folder_of(run: Path) -> Path:
    """Return the folder of notices for a run folder."""
    # Beside it, not in it: root must not trust a folder that call control's account owns.
    return run.with_name(f"{run.name}-notices")


def post_notice(name: str, words: Words, folder: Path = FOLDER) -> None:
    """Show a notice in the status until it is withdrawn; raises OSError."""
    folder.mkdir(mode=0o755, exist_ok=True)
    text = json.dumps(words.by_language())
    # Not durable: /run is memory.
    atomic_write(folder / f"{name}.json", text, mode=READABLE, is_durable=False)


def withdraw_notice(name: str, folder: Path = FOLDER) -> None:
    """Withdraw a notice; raises OSError."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def read_notices(folder: Path) -> dict[str, Words]:
    """Read all notices; malformed files are skipped. {} without a folder."""
    found = {}
    for path in sorted(folder.glob("*.json"))[:MOST]:
        try:
            with path.open("rb") as file:
                told = json.loads(file.read(LONGEST_BYTES))
            found[path.stem] = _said(told) if "text" in told else stored(told)
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return found


def _said(told: dict[str, str]) -> Words:
    return _TEXTS[told["text"]].filled(where=told["where"])


class Notices:
    """Reader of notices that passes changes to `say`; for the deciding thread alone."""

    def __init__(self, say: Callable[[str, Trouble | None], None], folder: Path) -> None:
        self._say, self._folder = say, folder
        self._said: dict[str, Words] = {}
        self._at = 0.0

    def look(self, now: float) -> bool:
        """Read the notices every LOOKS_S (`now`: monotonic s); return whether any changed."""
        if now < self._at:
            return False
        self._at = now + LOOKS_S
        return self._hand_on(read_notices(self._folder))

    def _hand_on(self, told: dict[str, Words]) -> bool:
        if told == self._said:
            return False
        for name in self._said.keys() - told.keys():
            self._say(f"{KEY}{name}", None)
        for name, words in told.items():
            if words != self._said.get(name):
                self._say(f"{KEY}{name}", Trouble(f"{KEY}{name}", words))
        self._said = told
        return True
