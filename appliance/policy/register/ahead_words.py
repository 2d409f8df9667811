"""What is said of the special times to come, of the house and of units (E14)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from appliance.policy.dates import Closure, Holiday, NewWeek, Opening, Period
from appliance.policy.local_time import day_phrase, day_words
from appliance.policy.register.ahead import Ahead
from appliance.policy.register.declarations import Declaration, Variation
from appliance.policy.register.words import (
    AS_DECLARED,
    KINDS,
    week_words,
)
from appliance.policy.words import Words, in_language

HOUSE = Words("tutto il centralino", "the whole house")
HOLIDAY, CLOSED, OPEN = (
    Words("festa", "holiday"),
    Words("chiuso", "closed"),
    Words("aperto", "open"),
)
EVERY_WEEK = Words("ogni settimana", "every week")
CONFIGURED = Words("l'orario configurato", "the configured hours")
NOTHING_AHEAD = Words("Niente di speciale in vista.", "Nothing special lies ahead.")


def ahead_rows(found: Iterable[Ahead], language: str) -> Iterator[str]:
    """Say each in a row: when, of whom, what holds."""
    for each in found:
        whom = each.unit or in_language(HOUSE, language)
        yield f"{_when(each.first, each.last, language):<47} {whom:<20} {what(each, language)}"


def _when(first: date, last: date | None, language: str) -> str:
    if last is None:
        return day_phrase("dal" if language == "it" else "from", first, language)
    begins = day_words(first, language)
    return begins if first == last else f"{begins} – {day_words(last, language)}"


def what(each: Ahead, language: str) -> str:
    """Say what holds then: its bands and its notice, or why it is closed."""
    match each.what:
        case Holiday(name=name):
            return _named(HOLIDAY, name, language)
        case Closure(reason=reason):
            return _named(CLOSED, reason, language)
        case Opening(bands=bands, reason=reason):
            hours = " ".join(map(str, bands))
            return f"{in_language(OPEN, language)} {hours}{_behind(reason, language)}"
        case Period(name=name, week=week) if not week.ever_opens:
            return _named(CLOSED, name, language)
        case Period(name=name, week=week, notice=notice):
            said = f"{in_language(name, language)}: {week_words(week, language)}"
            return f"{said}{_behind(notice, language)}"
        case NewWeek(week=new):
            hours = week_words(new, language) if new else in_language(CONFIGURED, language)
            return f"{in_language(EVERY_WEEK, language)}: {hours}"
        case Variation(week=week, notice=text, needs=needs):
            hours = week_words(week, language) if week else in_language(AS_DECLARED, language)
            only = f" ({', '.join(needs)})" if needs else ""
            return f"{hours}{only}{_behind(Words(text, text), language)}"
    return _declared(each.what, language)


def _declared(declaration: Declaration, language: str) -> str:
    kind = in_language(KINDS[Declaration], language)
    return f"{kind} {declaration.entry.number}: {week_words(declaration.week, language)}"


def _named(kind: Words, name: Words, language: str) -> str:
    return f"{in_language(kind, language)}{_behind(name, language)}"


def _behind(words: Words, language: str) -> str:
    said = in_language(words, language)
    return f", «{said}»" if said else ""
