"""Local wall-clock times: as moments, also when the clock is changed; written and read by people.

One format everywhere: "lun 30 novembre 2026, 14:30" in Italian, "Mon 30 November 2026, 14:30" in
English; the year is left out where it goes without saying. Within a sentence, behind an article or
a preposition: "del 30 novembre 2026 alle 14:30", "dall'8 novembre 2026", "all'01:30".
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from appliance.policy.refused import Refused

_WEEKDAYS: Final = {
    "it": ("lun", "mar", "mer", "gio", "ven", "sab", "dom"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS: Final = {
    "it": (
        "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto",
        "settembre", "ottobre", "novembre", "dicembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
}  # fmt: skip
_VOWEL_DAYS: Final = (8, 11)
"""Days of a month whose Italian name, otto, undici, drops the article's vowel."""
_TIME: Final = re.compile(r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::\d{2})?")
_DAY: Final = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"|(?P<day2>\d{1,2})[/.](?P<month2>\d{1,2})[/.](?P<year2>\d{4})"
)
_NEAR: Final = {"oggi": 0, "today": 0, "domani": 1, "tomorrow": 1}


def day_words(day: date, language: str, *, year: bool = True) -> str:
    """Write a day as people read it: "lun 30 novembre 2026"."""
    tongue = "it" if language == "it" else "en"
    words = f"{_WEEKDAYS[tongue][day.weekday()]} {day.day} {_MONTHS[tongue][day.month - 1]}"
    return f"{words} {day.year}" if year else words


def date_words(day: date, language: str, *, year: bool = True) -> str:
    """Write a day as a letter does: "30 novembre 2026", "1° dicembre 2026"."""
    tongue = "it" if language == "it" else "en"
    number = "1°" if (tongue, day.day) == ("it", 1) else str(day.day)
    words = f"{number} {_MONTHS[tongue][day.month - 1]}"
    return f"{words} {day.year}" if year else words


def moment_words(at: datetime, language: str, *, year: bool = True) -> str:
    """Write a local time as people read it: "lun 30 novembre 2026, 14:30"."""
    return f"{day_words(at.date(), language, year=year)}, {at:%H:%M}"


def day_phrase(word: str, day: date, language: str, *, year: bool = True) -> str:
    """Write a day behind a word of a sentence: "il 1° dicembre 2026", "dall'8 novembre 2026".

    `word` ends in "il", "al", "dal", "del" in Italian; "" where none stands before the day.
    """
    said = date_words(day, language, year=year)
    if language == "it" and word and day.day in _VOWEL_DAYS:
        return f"{word.removesuffix('il')}l'{said}"
    return f"{word} {said}".lstrip()


def clock_phrase(word: str, at: datetime | time, language: str) -> str:
    """Write a time of day behind a word: "alle 14:30", "dall'01:30", "at 14:30"."""
    if language == "it" and at.hour == 1:
        return f"{word[:-1]}'{at:%H:%M}"
    return f"{word} {at:%H:%M}"


def moment_phrase(word: str, at: datetime, language: str, *, year: bool = True) -> str:
    """Write a local time behind a word of a sentence: "del 30 novembre 2026 alle 14:30"."""
    clock = clock_phrase("alle" if language == "it" else "at", at, language)
    return f"{day_phrase(word, at.date(), language, year=year)} {clock}"


def month_words(day: date, language: str) -> str:
    """Write the month of a day: "novembre 2026"."""
    return f"{_MONTHS['it' if language == 'it' else 'en'][day.month - 1]} {day.year}"


def read_day(text: str, today: date) -> date:
    """Read a day as people write it: oggi, domani, 2026-11-30, 30/11/2026, 30.11.2026.

    Raises Refused.
    """
    plain = text.strip().lower()
    if plain in _NEAR:
        return today + timedelta(days=_NEAR[plain])
    found = _DAY.fullmatch(plain)
    try:
        if found is not None:
            numbers = found.groupdict()
            return date(
                *(int(numbers[name] or numbers[f"{name}2"]) for name in ("year", "month", "day"))
            )
    except ValueError:
        pass
    raise Refused(
        f"«{text}» non è un giorno: si scrive oggi, domani, 30/11/2026 o 2026-11-30",
        f"{text!r} is no day: write today, tomorrow, 30/11/2026 or 2026-11-30",
    )


def read_moment(text: str, now: datetime) -> datetime:
    """Read a time in the zone of `now` as people write it: "14:30", "domani 8:00", with any day.

    A time alone is today's. Raises Refused.
    """
    zone = now.tzinfo
    if not isinstance(zone, ZoneInfo):
        raise TypeError("the present is given in the site's zone")
    day, _, clock = text.strip().replace("T", " ").rpartition(" ")
    found = _TIME.fullmatch(clock)
    if found is None or int(found["hour"]) > 23 or int(found["minute"]) > 59:
        raise Refused(
            f"«{text}» non è un'ora: si scrive 14:30, domani 8:00 o 30/11/2026 14:30",
            f"{text!r} is no time: write 14:30, tomorrow 8:00 or 30/11/2026 14:30",
        )
    on = read_day(day.rstrip(","), now.date()) if day else now.date()
    return local_moment(datetime.combine(on, time(int(found["hour"]), int(found["minute"]))), zone)


def local_moment(naive: datetime, zone: ZoneInfo) -> datetime:
    """Return the aware moment of a naive local time in `zone`.

    A time that comes twice is the first one; one that is skipped is the moment after the gap.
    """
    moment = naive.replace(tzinfo=zone)
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive:
        return moment
    return _end_of_gap(naive, zone)


def _end_of_gap(naive: datetime, zone: ZoneInfo) -> datetime:
    """Find by halving, to the second, when the clock was put forward over `naive`."""
    late = naive.replace(tzinfo=zone).astimezone(UTC)
    early = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0).astimezone(zone)
