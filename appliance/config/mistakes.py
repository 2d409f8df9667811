"""Mistakes in the configuration, all at once, each with its place; files with a password."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from appliance.errors import ConfigurationError
from appliance.policy.text import Words

# What systemd hands over lies in memory, readable by that one service alone, and its source may
# stay root's. What the appliance makes for itself, the phones' secrets and the register's key,
# stays in its state folder, 0600: it must be able to write it, and commands beside the service to
# read it.

MAIL_PASSWORD: Final = "mail-password"  # noqa: S105 - a name, no password
MQTT_PASSWORD: Final = "mqtt-password"  # noqa: S105 - a name, no password
BACKUP_PASSPHRASE: Final = "backup-passphrase"  # noqa: S105 - a name, no passphrase


def secret_file(configured: str, name: str) -> str:
    """Return where a secret lies: handed over under `name` if it was, else as configured."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    handed = Path(folder) / name
    return str(handed) if folder and _holds_something(handed) else configured


def _holds_something(path: Path) -> bool:
    """Tell whether there is a secret; an empty one is a unit's stand-in for a file that is not."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


T = TypeVar("T")
PLACES: Final = {
    "the file": "il file",
    "the sheet": "la scheda",
    "text": "testo",
    "the folder": "la cartella",
    "the spoken sheets": "ciò che si legge delle schede",
    "central settings": "le impostazioni centrali",
}
"""Places that are no key of the file, in Italian."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong: where (a dotted place and, when known, a line of the file) and what."""

    place: str
    text: str
    line: int = 0
    it: str = ""  # the Italian, where people of the front desk read it

    def __str__(self) -> str:
        at = f"line {self.line}, " if self.line else ""
        return f"{at}{self.place}: {self.text}"

    @property
    def words(self) -> Words:
        """Both languages; without an Italian text the English one."""
        at = f"riga {self.line}, " if self.line else ""
        place = ", ".join(PLACES.get(each, each) for each in self.place.split(", "))
        return Words(f"{at}{place}: {self.it or self.text}", str(self))


class BadConfiguration(ConfigurationError):  # noqa: N818 - reads as what it is
    """Raised with every mistake of a configuration file at once."""

    def __init__(self, path: str, mistakes: tuple[Mistake, ...]) -> None:
        self.path = path
        self.mistakes = mistakes
        said, place = [mistake.words for mistake in mistakes], PLACES.get(path, path)
        self.words = Words(
            "\n".join((f"{place} non si può usare:", *(f"  {each.it}" for each in said))),
            "\n".join((f"{path} cannot be used:", *(f"  {each.en}" for each in said))),
        )
        super().__init__(self.words.en)


class Mistakes:
    """What was found so far, in the order of reading."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    def attempt(self, place: str, make: Callable[[], T], otherwise: T) -> T:
        """Return what `make` makes; note its ConfigurationError under `place`."""
        try:
            return make()
        except (ConfigurationError, ValueError, KeyError) as error:
            self.found.append(Mistake(place, str(error), it=italian_of(error)))
            return otherwise

    def check(self, place: str, parse: Callable[[str], object], text: str, it: str = "") -> None:
        """Note a text that `parse` refuses; `it` says so where `parse` knows no Italian."""
        try:
            parse(text)
        except ConfigurationError as error:
            self.found.append(Mistake(place, str(error), it=italian_of(error) or it))

    def note(self, place: str, it: str, en: str) -> None:
        """Note what is wrong at a place, in both languages."""
        self.found.append(Mistake(place, en, it=it))

    def choice(self, place: str, value: str, known: tuple[str, ...]) -> None:
        """Note a value that is none of the known ones."""
        if value not in known:
            listed = ", ".join(known)
            self.note(
                place,
                f"{value!r} è sconosciuto: usare {listed}",
                f"{value!r} is unknown: use {listed}",
            )


def italian_of(error: Exception) -> str:
    """Return what an error says in Italian, "" where it knows English alone."""
    words = getattr(error, "words", None)
    return words.it if isinstance(words, Words) else str(getattr(error, "it", ""))
