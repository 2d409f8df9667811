"""Speaks to people in their language: sentences from catalogues, days and times as written there.

The ONLY babel import. The catalogues are the .po files themselves, read into memory at start: there
is no compiled file that could be older than its source. Sentences in the code are English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.messages.pofile import read_po

from appliance.policy.text import Words

LANGUAGES: Final = ("it", "en")
"""Languages of the catalogues; English is the sentences' own."""
LANGUAGE_NAMES: Final = {"it": "Italiano", "en": "English"}
"""Each language's name in itself."""
Catalogue = Mapping[str, tuple[str, ...]]
"""From an English sentence to its forms: one, and one more where it has a plural."""


def N_(sentence: str) -> str:  # noqa: N802 - the customary name, by which catalogues are made
    """Mark a sentence that is said elsewhere."""
    return sentence


def load_catalogues() -> dict[str, Catalogue]:
    """Read every catalogue of every language, once at start."""
    return {language: _load(language) for language in LANGUAGES}


def _load(language: str) -> Catalogue:
    folder = resources.files("appliance.console") / "locale" / language
    found: dict[str, tuple[str, ...]] = {}
    if not folder.is_dir():
        return found
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".po"):
            with file.open("rb") as text:
                found |= dict(_sentences(read_po(text, locale=language)))
    return found


def _sentences(catalogue: Iterable[Any]) -> Iterable[tuple[str, tuple[str, ...]]]:
    for message in catalogue:
        one = message.id[0] if isinstance(message.id, list | tuple) else message.id
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string)
        if one and all(forms):
            yield one, forms


@dataclass(frozen=True, slots=True)
class Speaker:
    """One language and the office's zone; a sentence without translation is said in English."""

    language: str
    zone: ZoneInfo
    catalogue: Catalogue

    def __call__(self, sentence: str, **values: object) -> str:
        """Say a sentence, with %(name)s filled in."""
        said = self.catalogue.get(sentence, (sentence,))[0]
        return said % values if values else said

    def plural(self, one: str, many: str, number: int, **values: object) -> str:
        """Say the sentence for a number, %(number)s in it; both languages have two forms."""
        forms = self.catalogue.get(one, (one, many))
        return forms[0 if number == 1 else -1] % {"number": number, **values}

    def words(self, words: Words) -> str:
        """Say words of the policy."""
        return str(getattr(words, self.language))

    def day(self, day: date | datetime) -> str:
        """Write a day: "gio 26 novembre 2026"."""
        return str(format_date(self._local(day), "EEE d MMMM y", locale=self.language))

    def month(self, day: date) -> str:
        """Write a month: "novembre 2026"."""
        return str(format_date(day, "MMMM y", locale=self.language))

    def month_shortly(self, day: date) -> str:
        """Write a month for the foot of a chart: "nov", the year below where it begins one."""
        name = str(format_date(day, "MMM", locale=self.language))
        return f"{name} {day.year}" if day.month == 1 else name

    def clock(self, at: datetime) -> str:
        """Write a time of day: "09:05"."""
        return str(format_time(self._local(at), "HH:mm", locale=self.language))

    def moment(self, at: datetime) -> str:
        """Write a day and time: "gio 26 novembre, 09:05"."""
        return str(format_datetime(self._local(at), "EEE d MMMM, HH:mm", locale=self.language))

    def _local(self, at: Any) -> Any:
        return at.astimezone(self.zone) if isinstance(at, datetime) else at


def choose_language(wanted: str | None, accepted: str, offered: tuple[str, ...]) -> str:
    """Choose a language: what a person chose, else the browser's first that is offered, else ours.

    `accepted` is the Accept-Language header (RFC 9110, 12.5.4).
    """
    offered = tuple(one for one in offered if one in LANGUAGES) or LANGUAGES
    if wanted in offered:
        return str(wanted)
    return next((one for one in _by_quality(accepted) if one in offered), offered[0])


def _by_quality(accepted: str) -> list[str]:
    ranked = []
    for part in accepted[:500].split(","):
        tag, _, quality = part.partition(";q=")
        try:
            ranked.append((-float(quality or 1), tag.strip().lower()[:2]))
        except ValueError:
            continue
    return [tag for _, tag in sorted(ranked, key=lambda one: one[0])]
