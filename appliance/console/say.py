"""Translation for pages: sentences from the text catalogue, days and times as each language has it.

The only babel import. Sentences in the code are English.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time

from appliance.policy.hours import day_words, moment_words
from appliance.text import LANGUAGES, Words, translations

# Name of each language of the pages, in that language; the first one is the default.
LANGUAGE_NAMES: Final = {
    language: str(Locale(language).get_display_name(language)).capitalize()
    for language in LANGUAGES
}


def N_(sentence: str) -> str:  # noqa: N802 - the customary name, by which catalogues are made
    """Mark a sentence for the catalogues; it is translated where it is shown."""
    return sentence


@dataclass(frozen=True, slots=True)
class Speaker:
    """Translator into one language, with the office's time zone; English where one is missing."""

    language: str
    zone: ZoneInfo

    def __call__(self, sentence: str, **values: object) -> str:
        """Translate a sentence and fill in its {name}."""
        said = translations(self.language).gettext(sentence)
        return said.format(**values) if values else said

    def plural(self, one: str, many: str, number: int, **values: object) -> str:
        """Translate the sentence for a number and fill in its {number}."""
        said = translations(self.language).ngettext(one, many, number)
        return said.format(number=number, **values)

    def words(self, words: Words) -> str:
        """Return the policy's words in this language."""
        return words.text(self.language)

    def day(self, day: date | datetime) -> str:
        """Format a day: "gio 26 novembre 2026"."""
        return day_words(self._local(day), self.language)

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
        return moment_words(self._local(at), self.language, year=False)

    def is_midnight(self, at: datetime) -> bool:
        """Tell whether a moment is the end of a day."""
        return self.clock(at) == "00:00"

    def eve(self, at: datetime) -> datetime:
        """Return the last minute before a moment: before midnight it is of the day that ends."""
        return self._local(at) - timedelta(minutes=1)  # type: ignore[no-any-return]

    def end(self, at: datetime) -> str:
        """Format the moment at which something ends: "lun 30 novembre, 24:00"."""
        if not self.is_midnight(at):
            return self.moment(at)
        return f"{day_words(self.eve(at), self.language, year=False)}, 24:00"

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
