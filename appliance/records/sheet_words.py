"""The words that a typed word stands for: its other endings, the office's synonyms, a mistake.

A search goes from what was typed to words that stand in the sheets. Endings are those of the
Snowball stemmer ("residenze", "residenti": "residenza"). Synonyms are the house's own and the
office's, which stand in the sheet `sinonimi`, a line of words that mean one thing to callers. One
typing mistake (a letter too many, too few, another one, two exchanged) is forgiven where nothing
else is found. The ONLY import of snowballstemmer.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from appliance.records.excerpts import folded

if TYPE_CHECKING:
    import sqlite3

SYNONYMS: Final = "sinonimi"
"""The sheet that holds the office's synonyms; no search finds it."""
WORD: Final = re.compile(r"[^\W_]+")
MOST: Final = 40
"""Words that one typed word may stand for: more would make a search slow and vague."""
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_LEAST_MISTAKEN: Final = 4
"""A shorter word with a mistake could be any other one."""
_SHARED: Final = 3
"""Letters that all words of one stem begin with, at least."""
_LIST: Final = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.sheet_words "
    "USING fts5vocab('main', 'sheets_text', 'row')"
)
_VERSION: Final = "SELECT group_concat(hex(block)) FROM sheets_text_data WHERE id IN (1, 10)"
"""Averages and structure of the index (sqlite.org/fts5.html): they change with its every write."""

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meant:
    """What a typed word stands for: phrases of the sheets, or `beginnings` of words there."""

    phrases: tuple[Phrase, ...]
    beginnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words of the sheets, sorted, and the groups of synonyms, by the stems of their words."""

    words: tuple[str, ...]
    synonyms: Mapping[str, tuple[Phrase, ...]]

    def meant(self, typed: str, *, is_last: bool) -> Meant:
        """Return what a word stands for; the last one may be at its beginning still."""
        word = folded(typed)
        alike = tuple(self.alike(word))
        phrases = tuple(dict.fromkeys([*((each,) for each in alike), *self._others(word)]))
        if phrases and not (is_last and len(word) < _SHARED):
            return Meant(phrases[:MOST], ())
        begun: tuple[str, ...] = (word,) if self.begins(word) else ()
        if not phrases and not begun and len(word) >= _LEAST_MISTAKEN:
            begun = tuple(self._near(word))[:MOST]
        return Meant(phrases[:MOST], begun or ((word,) if not phrases else ()))

    def alike(self, word: str) -> Iterator[str]:
        """Yield the words of the sheets that have the word's stem: its other endings."""
        stem = stem_of(word)
        for each in self.beginning(word[: max(_SHARED, min(len(word), len(stem)) - 2)]):
            if each == word or stem_of(each) == stem:
                yield each

    def beginning(self, start: str) -> Iterator[str]:
        """Yield the words that begin so."""
        at = bisect.bisect_left(self.words, start)
        while at < len(self.words) and self.words[at].startswith(start):
            yield self.words[at]
            at += 1

    def begins(self, start: str) -> bool:
        """Tell whether a word begins so."""
        return next(self.beginning(start), None) is not None

    def _others(self, word: str) -> Iterator[Phrase]:
        for phrase in self.synonyms.get(stem_of(word), ()):
            if len(phrase) > 1:
                yield phrase
            else:
                yield from ((each,) for each in self.alike(phrase[0]))

    def _near(self, word: str) -> Iterator[str]:
        """Yield what begins some word and is one mistake away; whole words of that length first."""
        found = [each for each in dict.fromkeys(mistakes(word)) if self.begins(each)]
        yield from sorted(found, key=lambda each: (self._is_word(each) is False, -len(each)))

    def _is_word(self, word: str) -> bool:
        at = bisect.bisect_left(self.words, word)
        return at < len(self.words) and self.words[at] == word


def mistakes(word: str) -> Iterator[str]:
    """Yield every word that is one typing mistake away; the first letter is right."""
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
def stem_of(word: str) -> str:
    """Return a word's stem."""
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    """Load the stemmers: only who searches pays for the megabytes of all languages."""
    import snowballstemmer

    return snowballstemmer.stemmer("italian")


def groups(text: str) -> Iterator[tuple[Phrase, ...]]:
    """Read lines of synonyms, words or phrases between commas; headings are passed over."""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        parts = line.lstrip(" -*").split(",")
        phrases = tuple(tuple(WORD.findall(folded(part))) for part in parts)
        if len(found := tuple(filter(None, phrases))) > 1:
            yield found


def by_stem(found: Iterable[tuple[Phrase, ...]]) -> dict[str, tuple[Phrase, ...]]:
    """Return for the stem of each word that stands alone in a line what else is meant by it.

    Lines with a word in common are one: the office's own words go with the delivered ones.
    """
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
    """Yield the stems of the words of a line that stand alone."""
    yield from (stem_of(phrase[0]) for phrase in line if len(phrase) == 1)


@lru_cache(maxsize=1)
def house_synonyms() -> str:
    """Return the lines that are delivered."""
    file = resources.files("appliance.records") / "synonyms.txt"
    return file.read_text(encoding="utf-8")


_KNOWN: dict[str, tuple[str, Vocabulary]] = {}
"""The vocabulary of each database, with the version of the index that it was read from."""


def vocabulary(connection: sqlite3.Connection) -> Vocabulary:
    """Return the words of the sheets as they are now; read anew after a change alone."""
    path = str(connection.execute("PRAGMA database_list").fetchone()["file"])
    version = str(connection.execute(_VERSION).fetchone()[0])
    known = _KNOWN.get(path)
    if path and known is not None and known[0] == version:
        return known[1]
    found = _read(connection)
    _KNOWN.clear()  # one database a process, but for tests
    _KNOWN[path] = (version, found)
    return found


def _read(connection: sqlite3.Connection) -> Vocabulary:
    connection.execute(_LIST)
    words = tuple(sorted(row["term"] for row in connection.execute("SELECT term FROM sheet_words")))
    own = connection.execute(
        "SELECT body FROM sheets WHERE code = ? AND gone = 0", (SYNONYMS,)
    ).fetchone()
    lines = f"{house_synonyms()}\n{own['body'] if own else ''}"
    return Vocabulary(words, by_stem(groups(lines)))
