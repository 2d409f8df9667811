"""A day of every year as people type it: 24 giugno, 24/6, June 24, 06-24."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from appliance.policy.hours import date_words, month_words
from appliance.text import LANGUAGES

LONGEST_DAY: Final = 40
"""Characters of a day as it is typed."""
LEAP: Final = 2024
"""A year in which every day of the year is there."""
SHORTEST: Final = 3
"""Letters of a month's name at least: "giu"."""
_FILES: Final = re.compile(r"(?P<month>\d\d)-(?P<day>\d\d)")
_FIGURES: Final = re.compile(r"(?P<day>\d{1,2})\s*[-/. ]\s*(?P<month>\d{1,2})\.?")
_ORDINAL: Final = r"(?:[.°º]|st|nd|rd|th)?"
_ARTICLE: Final = r"(?:il |l'|the |am |der )?"
_NAMED: Final = (
    re.compile(rf"{_ARTICLE}(?P<day>\d{{1,2}}){_ORDINAL}\s*(?:di |of )?(?P<name>[^\W\d_]+)\.?"),
    re.compile(rf"(?P<name>[^\W\d_]+)\.?\s+(?P<day>\d{{1,2}}){_ORDINAL}"),
)


def typed_day(text: str) -> str:
    """Return the day that a text names as the file has it ("06-24"), "" for none."""
    text = " ".join(text.casefold().split())
    if found := _FILES.fullmatch(text) or _FIGURES.fullmatch(text):
        day, month = int(found["day"]), int(found["month"])
        # The other way round only where it can mean nothing else: 06/24.
        return _written(day, month) or _written(month, day)
    for pattern in _NAMED:
        if found := pattern.fullmatch(text):
            return _written(int(found["day"]), _month(found["name"]))
    return ""


def shown_day(text: str, language: str) -> str:
    """Return a day of the file ("06-24") as people read it: "24 giugno"."""
    month, _, day = typed_day(text).partition("-")
    return date_words(date(LEAP, int(month), int(day)), language, year=False) if month else text


def _written(day: int, month: int) -> str:
    try:
        return f"{date(LEAP, month, day):%m-%d}"
    except ValueError:
        return ""


def _month(name: str) -> int:
    """Return the month that a name or its beginning means in any language, 0 for none."""
    found = {
        month
        for language in LANGUAGES
        for month in range(1, 13)
        if month_words(date(LEAP, month, 1), language).casefold().startswith(name)
    }
    return found.pop() if len(name) >= SHORTEST and len(found) == 1 else 0
