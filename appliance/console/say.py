"""Translation for pages: sentences from gettext catalogues, days and times as each language has it.

The only babel import. Sentences in the code are English.
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
"""Languages of the pages; the first one is the default."""
LANGUAGE_NAMES: Final = {"it": "Italiano", "en": "English"}
"""Name of each language, in that language."""
Catalogue = Mapping[str, tuple[str, ...]]
"""Translations by English sentence: one form, or singular and plural."""


def N_(sentence: str) -> str:  # noqa: N802 - the customary name, by which catalogues are made
    """Mark a sentence for the catalogues; it is translated where it is shown."""
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
        # The sources themselves: no compiled file can be older than its source.
        if file.name.endswith(".po"):
            with file.open("rb") as text:
                found |= dict(_sentences(read_po(text, locale=language)))
    return found


def _sentences(catalogue: Iterable[Any]) -> Iterable[tuple[str, tuple[str, ...]]]:
    for message in catalogue:
        one = message.id[0] if isinstance(message.id, list | tuple) else message.id
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string)
        # Not the catalogue's header, whose id is empty, nor a sentence without its translation.
        if one and all(forms):
            yield one, forms


@dataclass(frozen=True, slots=True)
class Speaker:
    """Translator into one language, with the office's time zone; English where one is missing."""

    language: str
    zone: ZoneInfo
    catalogue: Catalogue

    def __call__(self, sentence: str, **values: object) -> str:
        """Translate a sentence and fill in its %(name)s."""
        # A sentence without translation is shown in English: no page fails for it.
        said = self.catalogue.get(sentence, (sentence,))[0]
        return said % values if values else said

    def plural(self, one: str, many: str, number: int, **values: object) -> str:
        """Translate the sentence for a number and fill in its %(number)s."""
        # Both languages have two forms.
        forms = self.catalogue.get(one, (one, many))
        return forms[0 if number == 1 else -1] % {"number": number, **values}

    def words(self, words: Words) -> str:
        """Return the policy's words in this language."""
        return str(getattr(words, self.language))

    def day(self, day: date | datetime) -> str:
        """Format a day: "gio 26 novembre 2026"."""
        return str(format_date(self._local(day), "EEE d MMMM y", locale=self.language))

    def month(self, day: date) -> str:
        """Format a month: "novembre 2026"."""
        return str(format_date(day, "MMMM y", locale=self.language))

    def month_shortly(self, day: date) -> str:
        """Format a month for a chart's axis: "nov", and January with its year."""
        name = str(format_date(day, "MMM", locale=self.language))
        return f"{name} {day.year}" if day.month == 1 else name

    def clock(self, at: datetime) -> str:
        """Format a time of day: "09:05"."""
        return str(format_time(self._local(at), "HH:mm", locale=self.language))

    def moment(self, at: datetime) -> str:
        """Format a day and time: "gio 26 novembre, 09:05"."""
        return str(format_datetime(self._local(at), "EEE d MMMM, HH:mm", locale=self.language))

    def _local(self, at: Any) -> Any:
        return at.astimezone(self.zone) if isinstance(at, datetime) else at


def choose_language(wanted: str | None, accepted: str, offered: tuple[str, ...]) -> str:
    """Choose a language: the person's, else the browser's first that is offered, else the default.

    `accepted` is the Accept-Language header (RFC 9110, 12.5.4).
    """
    # The office's languages, as far as there are catalogues for them.
    offered = tuple(one for one in offered if one in LANGUAGES) or LANGUAGES
    if wanted in offered:
        return str(wanted)
    return next((one for one in _by_quality(accepted) if one in offered), offered[0])


def _by_quality(accepted: str) -> list[str]:
    ranked = []
    # Cut: a browser names a few languages, anybody may send thousands.
    for part in accepted[:500].split(","):
        tag, _, quality = part.partition(";q=")
        try:
            ranked.append((-float(quality or 1), tag.strip().lower()[:2]))
        except ValueError:
            continue
    # By the quality alone: equal ones keep the header's order.
    return [tag for _, tag in sorted(ranked, key=lambda one: one[0])]
