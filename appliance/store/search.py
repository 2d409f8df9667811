"""One search over sheets, address book and offices, while a caller is on the line (P2).

Sheets stand in the order of their full-text search; entries and offices come between them by where
the words stand: in a name, in keywords and needs, or in a text.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from appliance.policy.address_book import BookEntry
from appliance.policy.sheets import Sheet
from appliance.store import address_book, directory, sheets
from appliance.store.directory import excerpt
from appliance.store.vocabulary import (
    BODY,
    ENTRY,
    KEYWORDS,
    NEEDS,
    TITLE,
    Meant,
    Vocabulary,
    folded_words,
    vocabulary,
    weight_of,
)

if TYPE_CHECKING:
    import sqlite3


class FoundKind(enum.StrEnum):
    """What a search has found; of two that fit as well, the earlier kind comes first."""

    SHEET = "sheet"
    ENTRY = "entry"
    OFFICE = "office"


@dataclass(frozen=True, slots=True)
class FoundItem:
    """A sheet, an entry of the address book or an office: its code, title and a line about it."""

    kind: FoundKind
    code: str
    title: str
    line: str
    weight: int


_ORDER: Final = tuple(FoundKind)


def search(
    connection: sqlite3.Connection, typed: str, today: date, most: int
) -> tuple[FoundItem, ...]:
    """Find what contains a meaning of every typed word, the best first.

    An entry of the address book that holds no more is not found.
    """
    known = vocabulary(connection)
    meant = known.read(typed)
    queues = (
        [_of_sheet(hit, meant) for hit in sheets.search_meant(connection, meant, most)],
        list(_of_cards(connection, known, meant, today)),
    )
    return tuple(_merged(queues))[:most]


def search_entries(
    connection: sqlite3.Connection, typed: str, today: date
) -> tuple[BookEntry, ...]:
    """Find entries of the address book alone, also those that hold no more; the best first."""
    known = vocabulary(connection)
    found = (
        (address_book.known(connection, card.code), weight)
        for card, weight in known.index.search(known.read(typed))
        if card.kind == ENTRY
    )
    ranked = sorted(found, key=lambda each: (not each[0].is_valid(today), -each[1]))
    return tuple(entry for entry, _weight in ranked)


def _of_sheet(hit: sheets.SheetHit, meant: tuple[Meant, ...]) -> FoundItem:
    sheet = hit.sheet
    texts = tuple((weight, folded_words(text)) for weight, text in _texts(sheet))
    weight = sum(weight_of(texts, each) for each in meant)
    return FoundItem(FoundKind.SHEET, sheet.code, sheet.title, hit.excerpt, weight)


def _texts(sheet: Sheet) -> Iterator[tuple[int, str]]:
    yield TITLE, sheet.title
    yield KEYWORDS, ", ".join(sheet.keywords)
    yield NEEDS, ", ".join(sheet.needs)
    yield BODY, sheet.body


def _of_cards(
    connection: sqlite3.Connection, known: Vocabulary, meant: tuple[Meant, ...], today: date
) -> Iterator[FoundItem]:
    """Yield entries and offices, the best first."""
    found = list(known.index.search(meant))
    units = {unit.code: unit for unit in directory.units(connection)}
    made = []
    for card, weight in found:
        if card.kind == ENTRY:
            entry = address_book.known(connection, card.code)
            if entry.is_valid(today):
                line = _line_of(entry, meant)
                made.append(FoundItem(FoundKind.ENTRY, card.code, entry.name, line, weight))
        else:
            unit = units[card.code]
            service = units[unit.service].name if unit.service in units else ""
            made.append(FoundItem(FoundKind.OFFICE, unit.code, unit.name, service, weight))
    yield from sorted(made, key=_rank)


def _line_of(entry: BookEntry, meant: tuple[Meant, ...]) -> str:
    """Return the numbers of an entry that callers may be told, else what stands about it."""

    # Which of several numbers is meant: those whose label has a word of the search come first.
    def fits(label: str) -> bool:
        text = folded_words(label)
        return any(each.is_in(text) for each in meant)

    told = sorted(entry.told, key=lambda each: not fits(each.label))
    if told:
        return ", ".join(f"{each.label} {each.number}".strip() for each in told)
    return excerpt(entry.note or entry.address, [])


def _rank(item: FoundItem) -> tuple[int, int]:
    return -item.weight, _ORDER.index(item.kind)


def _merged(queues: tuple[list[FoundItem], ...]) -> Iterator[FoundItem]:
    """Yield all items, each time the best of those that stand first in their queues."""
    waiting = [list(reversed(queue)) for queue in queues if queue]
    while waiting:
        best = min(waiting, key=lambda queue: _rank(queue[-1]))
        yield best.pop()
        waiting = [queue for queue in waiting if queue]
