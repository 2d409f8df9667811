"""Words that a search of sheets, address book and offices knows: endings, synonyms, mistakes.

From a typed word to words that stand there. Endings are those of the Snowball stemmers of Italian
and German ("residenze", "residenti": "residenza"). Synonyms are the delivered ones and the
office's own, in the sheet `sinonimi`: one line of words that mean the same to callers. One typing
mistake (a letter too many, too few, another one, two exchanged) is forgiven if nothing else is
found. The only module that imports snowballstemmer.
"""

from __future__ import annotations

import bisect
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from appliance.store import address_book, directory
from appliance.store.directory import folded

if TYPE_CHECKING:
    import sqlite3


# Code of the sheet with the office's synonyms; no search finds it.
SYNONYMS: Final = "sinonimi"
WORD: Final = re.compile(r"[^\W_]+")
# More would make a search slow and vague.
MOST_MEANINGS: Final = 40
"""Words that one typed word may stand for."""
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
# A shorter word with a mistake could be any other one.
_LEAST_MISTAKEN: Final = 4
"""Letters from which on a typing mistake is forgiven."""
_SHARED: Final = 3
"""Least number of first letters that all words of one stem share."""
_LIST: Final = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.sheet_words "
    "USING fts5vocab('main', 'sheets_text', 'row')"
)
# Averages and structure of the index, which change with every write (SQLite, fts5.html).
_VERSION: Final = "SELECT group_concat(hex(block)) FROM sheets_text_data WHERE id IN (1, 10)"
"""SQL of the version of the sheets' index."""
_POLICY_VERSION: Final = "SELECT version FROM policy_version"

STEMMED: Final = ("italian", "german")
"""Languages whose endings are known, by their names in snowballstemmer."""

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meant:
    """Meanings of a typed word: phrases of the sheets, or `beginnings` of their words."""

    phrases: tuple[Phrase, ...]
    beginnings: tuple[str, ...]

    def is_in(self, text: str) -> bool:
        """Tell whether a text of folded words, with a space around each, has a meaning."""
        phrases = (f" {' '.join(phrase)} " for phrase in self.phrases)
        return any(each in text for each in phrases) or any(
            f" {begun}" in text for begun in self.beginnings
        )


def folded_words(text: str) -> str:
    """Return the words of a text without diacritics, with a space around each."""
    return f" {' '.join(WORD.findall(folded(text)))} "


@dataclass(frozen=True, slots=True)
class Card:
    """An entry of the address book or an office, as a search sees it: its texts by their weight."""

    kind: str
    code: str
    texts: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class CardIndex:
    """Cards by their words. Some hundreds in memory: no index on disk is as quick."""

    cards: tuple[Card, ...] = ()

    @cached_property
    def places(self) -> dict[str, set[int]]:
        """Places of the cards that have a word, by word."""
        found: dict[str, set[int]] = {}
        for place, card in enumerate(self.cards):
            for _weight, text in card.texts:
                for word in text.split():
                    found.setdefault(word, set()).add(place)
        return found

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words, sorted."""
        return tuple(sorted(self.places))

    def search(self, meant: tuple[Meant, ...]) -> Iterator[tuple[Card, int]]:
        """Yield each card that has a meaning of every word, with its weight, in their order."""
        if not meant:
            return
        for place in sorted(set.intersection(*map(self._with_words_of, meant))):
            card = self.cards[place]
            weights = [weight_of(card.texts, each) for each in meant]
            # A phrase has to stand there as a whole.
            if all(weights):
                yield card, sum(weights)

    def _with_words_of(self, meant: Meant) -> set[int]:
        places: set[int] = set()
        for phrase in meant.phrases:
            places |= set.intersection(*(self.places.get(word, set()) for word in phrase))
        for begun in meant.beginnings:
            for word in beginning(self.words, begun):
                places |= self.places[word]
        return places


def weight_of(texts: tuple[tuple[int, str], ...], meant: Meant) -> int:
    """Return the greatest weight of the texts that have a meaning, 0 for none."""
    return max((weight for weight, text in texts if meant.is_in(text)), default=0)


def beginning(words: tuple[str, ...], start: str) -> Iterator[str]:
    """Yield those of sorted words that begin with `start`."""
    at = bisect.bisect_left(words, start)
    while at < len(words) and words[at].startswith(start):
        yield words[at]
        at += 1


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words that can be found, sorted, and groups of synonyms by the stems of their words."""

    words: tuple[str, ...]
    synonyms: Mapping[str, tuple[Phrase, ...]]
    index: CardIndex = CardIndex()

    def read(self, typed: str) -> tuple[Meant, ...]:
        """Return the meanings of each typed word."""
        words = WORD.findall(typed)
        return tuple(self.meant(word, is_last=word is words[-1]) for word in words)

    def meant(self, typed: str, *, is_last: bool) -> Meant:
        """Return the meanings of a word; the last one may still be incomplete."""
        word = folded(typed)
        alike = tuple(self.alike(word))
        phrases = tuple(dict.fromkeys([*((each,) for each in alike), *self._others(word)]))
        # The operator is still typing the last word: short, it is a beginning, too.
        if phrases and not (is_last and len(word) < _SHARED):
            return Meant(phrases[:MOST_MEANINGS], ())
        # A whole word that is known finds no longer ones; anything else may be a beginning.
        begun: tuple[str, ...] = (word,) if self.begins(word) else ()
        if not phrases and not begun and len(word) >= _LEAST_MISTAKEN:
            begun = tuple(self._near(word))[:MOST_MEANINGS]
        return Meant(phrases[:MOST_MEANINGS], begun or ((word,) if not phrases else ()))

    def alike(self, word: str) -> Iterator[str]:
        """Yield the words of the sheets with a stem of the word's."""
        stems = stems_of(word)
        # Only words with the first letters in common are stemmed.
        for each in self.beginning(word[: max(_SHARED, min(len(word), *map(len, stems)) - 2)]):
            if each == word or not stems.isdisjoint(stems_of(each)):
                yield each

    def beginning(self, start: str) -> Iterator[str]:
        """Return the words that begin with `start`."""
        return beginning(self.words, start)

    def begins(self, start: str) -> bool:
        """Tell whether any word begins with `start`."""
        return next(self.beginning(start), None) is not None

    def _others(self, word: str) -> Iterator[Phrase]:
        meant = (phrase for stem in stems_of(word) for phrase in self.synonyms.get(stem, ()))
        for phrase in dict.fromkeys(meant):
            if len(phrase) > 1:
                yield phrase
            else:
                yield from ((each,) for each in self.alike(phrase[0]))

    def _near(self, word: str) -> Iterator[str]:
        """Yield beginnings of words that are one typing mistake away; whole and long ones first."""
        found = [each for each in dict.fromkeys(mistakes(word)) if self.begins(each)]
        yield from sorted(found, key=lambda each: (self._is_word(each) is False, -len(each)))

    def _is_word(self, word: str) -> bool:
        at = bisect.bisect_left(self.words, word)
        return at < len(self.words) and self.words[at] == word


def mistakes(word: str) -> Iterator[str]:
    """Yield every word that is one typing mistake away, with the same first letter."""
    for at in range(1, len(word)):
        before, letter, after = word[:at], word[at], word[at + 1 :]
        yield before + after
        if after:
            yield before + after[0] + letter + after[1:]
        for other in _ALPHABET:
            yield before + other + after
            yield before + other + letter + after
    yield from (word + other for other in _ALPHABET)


@lru_cache(maxsize=20_000)
def stems_of(word: str) -> frozenset[str]:
    """Return a word's Italian and German stems."""
    return frozenset(str(each.stemWord(word)) for each in _stemmers())


_OF_THREAD: Final = threading.local()


def _stemmers() -> tuple[Any, ...]:
    """Return this thread's stemmers, one a language of the front desk."""
    # It keeps the word that it works on: two readers of the database would spoil each other's.
    if not hasattr(_OF_THREAD, "stemmers"):
        # The library loads all languages, which is megabytes: only a process that searches pays.
        import snowballstemmer

        _OF_THREAD.stemmers = tuple(map(snowballstemmer.stemmer, STEMMED))
    return tuple(_OF_THREAD.stemmers)


def groups(text: str) -> Iterator[tuple[Phrase, ...]]:
    """Yield the groups of lines of synonyms, words or phrases between commas, without headings."""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        parts = line.lstrip(" -*").split(",")
        phrases = tuple(tuple(WORD.findall(folded(part))) for part in parts)
        if len(found := tuple(filter(None, phrases))) > 1:
            yield found


def by_stem(found: Iterable[tuple[Phrase, ...]]) -> dict[str, tuple[Phrase, ...]]:
    """Map the stem of each single word of a line to all phrases of its group."""
    # Lines with a word in common are one group: an office's own words go with the delivered ones.
    lines: dict[str, list[tuple[Phrase, ...]]] = {}
    for line in found:
        for stem in _alone(line):
            lines.setdefault(stem, []).append(line)
    meant = {}
    for stem, own in lines.items():
        near = {other for line in own for other in _alone(line)}
        every = (
            phrase for each in (stem, *sorted(near)) for line in lines[each] for phrase in line
        )
        meant[stem] = tuple(dict.fromkeys(every))
    return meant


def _alone(line: tuple[Phrase, ...]) -> Iterator[str]:
    """Yield the stems of the single words of a line, without its phrases."""
    yield from (stem for phrase in line if len(phrase) == 1 for stem in sorted(stems_of(phrase[0])))


@lru_cache(maxsize=1)
def office_synonyms() -> str:
    """Return the delivered lines of synonyms."""
    file = resources.files("appliance.store") / "synonyms.txt"
    return file.read_text(encoding="utf-8")


_KNOWN: dict[str, tuple[str, Vocabulary]] = {}
"""Vocabulary by database, with the version of the index that it was read from."""


def vocabulary(connection: sqlite3.Connection) -> Vocabulary:
    """Return the words of sheets, address book and offices; read again only after a change."""
    path = str(connection.execute("PRAGMA database_list").fetchone()["file"])
    versions = (connection.execute(sql).fetchone()[0] for sql in (_VERSION, _POLICY_VERSION))
    version = " ".join(map(str, versions))
    known = _KNOWN.get(path)
    if path and known is not None and known[0] == version:
        return known[1]
    found = _read(connection)
    # A process has one database; tests have several.
    _KNOWN.clear()
    _KNOWN[path] = (version, found)
    return found


def _read(connection: sqlite3.Connection) -> Vocabulary:
    connection.execute(_LIST)
    index = CardIndex((*_entries(connection), *_offices(connection)))
    of_sheets = (row["term"] for row in connection.execute("SELECT term FROM sheet_words"))
    words = tuple(sorted({*of_sheets, *index.words}))
    own = connection.execute(
        "SELECT body FROM sheets WHERE code = ? AND gone = 0", (SYNONYMS,)
    ).fetchone()
    lines = f"{office_synonyms()}\n{own['body'] if own else ''}"
    return Vocabulary(words, by_stem(groups(lines)), index)


ENTRY, OFFICE = "entry", "office"
# Weights as of a sheet's title, keywords, needs and body (store.sheets). Those of an office are
# lower: between two that fit as well, a sheet or a number answers and a transfer is the exception
# (P3).
TITLE, KEYWORDS, NEEDS, BODY = 10, 6, 3, 1
_LESS: Final = 1


def _entries(connection: sqlite3.Connection) -> Iterator[Card]:
    for entry in address_book.all_entries(connection):
        numbers = (f"{each.label} {each.number} {_digits(each.number)}" for each in entry.numbers)
        texts = (
            (TITLE, entry.name),
            (KEYWORDS, ", ".join(entry.keywords)),
            (NEEDS, ", ".join(numbers)),
            (BODY, ", ".join((entry.address, entry.note, entry.say))),
        )
        yield _card(ENTRY, entry.code, texts)


def _offices(connection: sqlite3.Connection) -> Iterator[Card]:
    held = directory.load_masked(connection)
    names = {unit.code: unit.name for unit in held.units}
    # The newest declaration of a unit, or of its service, whether it holds yet or not.
    newest = {d.unit: d for d in sorted(held.declarations, key=lambda each: each.entry.number)}
    for unit in held.units:
        declared = newest.get(unit.code) or newest.get(unit.service)
        needs = (need.name for need in declared.needs) if declared else ()
        texts = (
            (TITLE - _LESS, unit.name),
            (KEYWORDS - _LESS, ", ".join(needs)),
            (NEEDS - _LESS, names.get(unit.service, "")),
        )
        yield _card(OFFICE, unit.code, texts)


def _card(kind: str, code: str, texts: tuple[tuple[int, str], ...]) -> Card:
    return Card(kind, code, tuple((weight, folded_words(text)) for weight, text in texts))


def _digits(number: str) -> str:
    return "".join(filter(str.isdecimal, number))
