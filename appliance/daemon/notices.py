"""Troubles that the machine's own helpers tell of: a card made anew, a file that is wrong.

One small file each, of root's, beside the desk's run folder: `{"it": ..., "en": ...}`. It is a
trouble as long as it is there. Without such helpers there is no folder, and nothing is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.files import READABLE, atomic_write
from appliance.policy.text import Words
from appliance.store.database import Trouble

FOLDER: Final = Path("/run/centralino-notices")
"""The image's."""
LOOKS_S: Final = 5.0
MOST: Final = 16
"""Notices read at most, and of each so many bytes: the folder is another's."""
LIMIT: Final = 4096
KEY: Final = "notice:"


def folder_of(run: Path) -> Path:
    """Say where notices lie: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-notices")


def tell(name: str, words: Words, folder: Path = FOLDER) -> None:
    """Have the desk say it, from now on and until it is taken back; raises OSError."""
    folder.mkdir(mode=0o755, exist_ok=True)
    text = json.dumps({"it": words.it, "en": words.en})
    atomic_write(folder / f"{name}.json", text, mode=READABLE, is_durable=False)


def take_back(name: str, folder: Path = FOLDER) -> None:
    """Have the desk say it no more; raises OSError."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def read(folder: Path) -> dict[str, Words]:
    """Read what is told; a file that is no notice is none. {} where there is no folder."""
    found = {}
    for path in sorted(folder.glob("*.json"))[:MOST]:
        try:
            with path.open("rb") as file:
                told = json.loads(file.read(LIMIT))
            found[path.stem] = Words(str(told["it"]), str(told["en"]))
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return found


class Notices:
    """Looks now and then, and hands on what has changed; the deciding thread's own."""

    def __init__(self, say: Callable[[str, Trouble | None], None], folder: Path) -> None:
        self._say, self._folder = say, folder
        self._said: dict[str, Words] = {}
        self._at = 0.0

    def look(self, now: float) -> bool:
        """Look, at `now` (monotonic s), whether something is told or over; returns whether so."""
        if now < self._at:
            return False
        self._at = now + LOOKS_S
        return self._hand_on(read(self._folder))

    def _hand_on(self, told: dict[str, Words]) -> bool:
        if told == self._said:
            return False
        for name in self._said.keys() - told.keys():
            self._say(f"{KEY}{name}", None)
        for name, words in told.items():
            if words != self._said.get(name):
                self._say(f"{KEY}{name}", Trouble(f"{KEY}{name}", words.it, words.en))
        self._said = told
        return True
