"""Mistakes in the configuration, all at once, each with its place; files with a password."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from appliance.errors import ConfigurationError
from appliance.policy.text import Words

# Credentials (systemd.exec(5), LoadCredential=) lie in memory, readable by that one service alone,
# and their source may stay root's. Secrets that the appliance makes itself, the phones' and the
# directory's key, stay in its state folder, mode 0600: the service must be able to write them, and
# commands beside it to read them.

MAIL_PASSWORD: Final = "mail-password"  # noqa: S105 - a name, no password
MQTT_PASSWORD: Final = "mqtt-password"  # noqa: S105 - a name, no password
BACKUP_PASSPHRASE: Final = "backup-passphrase"  # noqa: S105 - a name, no passphrase


def secret_file(configured: str, name: str) -> str:
    """Return a secret's path: systemd's credential `name` if there is one, else the configured."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    handed = Path(folder) / name
    return str(handed) if folder and _holds_something(handed) else configured


def _holds_something(path: Path) -> bool:
    """Return whether a file has contents."""
    # A unit hands over an empty credential in the place of a missing file.
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
"""Places that are no key of a file, in Italian."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: its place (dotted keys), its line if known (0: unknown), its text."""

    place: str
    text: str
    line: int = 0
    # The Italian text, for mistakes that the front desk reads.
    it: str = ""

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
    """Collector of mistakes, in the order of reading, so that all are reported at once."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    def attempt(self, place: str, make: Callable[[], T], otherwise: T) -> T:
        """Return the result of `make`; after an error note it under `place`, return `otherwise`."""
        # Building goes on with a stand-in, so that later mistakes are found as well.
        try:
            return make()
        except (ConfigurationError, ValueError, KeyError) as error:
            self.found.append(Mistake(place, str(error), it=italian_of(error)))
            return otherwise

    def check(self, place: str, parse: Callable[[str], object], text: str, it: str = "") -> None:
        """Note a text that `parse` refuses; `it` is used if its error has no Italian text."""
        try:
            parse(text)
        except ConfigurationError as error:
            self.found.append(Mistake(place, str(error), it=italian_of(error) or it))

    def note(self, place: str, it: str, en: str) -> None:
        """Note a mistake at a place, in both languages."""
        self.found.append(Mistake(place, en, it=it))

    def choice(self, place: str, value: str, known: tuple[str, ...]) -> None:
        """Note a value that is not one of the known ones."""
        if value not in known:
            listed = ", ".join(known)
            self.note(
                place,
                f"{value!r} è sconosciuto: usare {listed}",
                f"{value!r} is unknown: use {listed}",
            )


def italian_of(error: Exception) -> str:
    """Return an error's Italian text, "" if it has none."""
    words = getattr(error, "words", None)
    return words.it if isinstance(words, Words) else str(getattr(error, "it", ""))
