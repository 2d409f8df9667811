"""Sheets: rows and full-text search while a caller is on the line (P2).

SQLite FTS5 with diacritics folded ("citta" finds "città"). The meanings of a typed word (other
endings, synonyms, one typing mistake) are looked up among the words of the sheets. The only module
that imports snowballstemmer.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from appliance.policy.sheets import OfficialInCharge, Sheet, SheetChange, sheet_changes
from appliance.store import database, managed_config
from appliance.store.database import Noted, transaction
from appliance.store.directory import excerpt, folded

if TYPE_CHECKING:
    import sqlite3


# ---- words -------------------------------------------------------------------------------------
# From a typed word to words of the sheets. Endings are those of the Snowball stemmer ("residenze",
# "residenti": "residenza"). Synonyms are the delivered ones and the office's own, in the sheet
# `sinonimi`: one line of words that mean the same to callers. One typing mistake (a letter too
# many, too few, another one, two exchanged) is forgiven if nothing else is found.

SYNONYMS: Final = "sinonimi"
"""Code of the sheet with the office's synonyms; no search finds it."""
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
"""SQL of the version of the index."""

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meant:
    """Meanings of a typed word: phrases of the sheets, or `beginnings` of their words."""

    phrases: tuple[Phrase, ...]
    beginnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words of the sheets, sorted, and the groups of synonyms by the stems of their words."""

    words: tuple[str, ...]
    synonyms: Mapping[str, tuple[Phrase, ...]]

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
        """Yield the words of the sheets with the word's stem."""
        stem = stem_of(word)
        # Only words with the first letters in common are stemmed.
        for each in self.beginning(word[: max(_SHARED, min(len(word), len(stem)) - 2)]):
            if each == word or stem_of(each) == stem:
                yield each

    def beginning(self, start: str) -> Iterator[str]:
        """Yield the words that begin with `start`."""
        at = bisect.bisect_left(self.words, start)
        while at < len(self.words) and self.words[at].startswith(start):
            yield self.words[at]
            at += 1

    def begins(self, start: str) -> bool:
        """Tell whether any word begins with `start`."""
        return next(self.beginning(start), None) is not None

    def _others(self, word: str) -> Iterator[Phrase]:
        for phrase in self.synonyms.get(stem_of(word), ()):
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
def stem_of(word: str) -> str:
    """Return a word's Italian stem."""
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    """Return the Italian stemmer."""
    # The library loads all languages, which is megabytes: only a process that searches pays.
    import snowballstemmer

    return snowballstemmer.stemmer("italian")


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
    yield from (stem_of(phrase[0]) for phrase in line if len(phrase) == 1)


@lru_cache(maxsize=1)
def house_synonyms() -> str:
    """Return the delivered lines of synonyms."""
    file = resources.files("appliance.store") / "synonyms.txt"
    return file.read_text(encoding="utf-8")


_KNOWN: dict[str, tuple[str, Vocabulary]] = {}
"""Vocabulary by database, with the version of the index that it was read from."""


def vocabulary(connection: sqlite3.Connection) -> Vocabulary:
    """Return the words of the sheets; read again only after a change."""
    path = str(connection.execute("PRAGMA database_list").fetchone()["file"])
    version = str(connection.execute(_VERSION).fetchone()[0])
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
    words = tuple(sorted(row["term"] for row in connection.execute("SELECT term FROM sheet_words")))
    own = connection.execute(
        "SELECT body FROM sheets WHERE code = ? AND gone = 0", (SYNONYMS,)
    ).fetchone()
    lines = f"{house_synonyms()}\n{own['body'] if own else ''}"
    return Vocabulary(words, by_stem(groups(lines)))


# ---- sheets ------------------------------------------------------------------------------------

CHANGED, REMOVED, IMPORTED = "sheet.change", "sheet.remove", "sheet.import"
"""Codes in the audit log, about a sheet's code; an import is noted for each sheet it replaced."""
# More cannot be read while a caller waits.
MOST_SHEETS_SHOWN: Final = 20
"""Sheets shown of a search."""
# Only row numbers are sorted: a row with its text and excerpt would be made for every match.
_FIND: Final = """
    SELECT rowid FROM sheets_text WHERE sheets_text MATCH :words
    AND rowid NOT IN (SELECT rowid FROM sheets WHERE code = :synonyms)
    ORDER BY bm25(sheets_text, 10.0, 6.0, 3.0, 1.0), rowid LIMIT :most
"""

_COLUMNS: Final = (
    "code", "title", "office", "needs", "keywords", "source", "link", "official", "updated", "body",
    "say", "language",
)  # fmt: skip
# A removed sheet may come back: it is found again.
_UPSERT: Final = (
    f"INSERT INTO sheets ({', '.join(_COLUMNS)}) VALUES (:{', :'.join(_COLUMNS)}) "  # noqa: S608 - constant names
    "ON CONFLICT (code) DO UPDATE SET gone = 0, "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
)


@dataclass(frozen=True, slots=True)
class SheetHit:
    """A sheet that a search found, and the words around the match."""

    sheet: Sheet
    excerpt: str


def store(
    connection: sqlite3.Connection, given: tuple[Sheet, ...], noted: Iterable[Noted] = ()
) -> dict[str, SheetChange]:
    """Replace the branch's sheets by the given ones; returns the change of each, by code.

    Sheets of the head office stay; a given one with such a code is refused. `noted` goes to the
    audit log. Raises Refused, sqlite3.Error.
    """
    with transaction(connection):
        plan = planned(connection, given)
        lay(connection, plan.written, plan.gone)
        for each in noted:
            database.note(connection, each)
    return plan.found


@dataclass(frozen=True, slots=True)
class SheetChanges:
    """Change of each sheet by code; the sheets to write, and the codes to remove."""

    found: dict[str, SheetChange]
    written: tuple[Sheet, ...]
    gone: tuple[str, ...]


def planned(connection: sqlite3.Connection, given: tuple[Sheet, ...]) -> SheetChanges:
    """Plan the replacement of the branch's sheets; raises Refused, sqlite3.Error."""
    ours, given = _own(connection, given)
    found = sheet_changes(ours, given)
    written = tuple(sheet for sheet in given if found[sheet.code] is not SheetChange.SAME)
    gone = tuple(code for code, change in found.items() if change is SheetChange.GONE)
    return SheetChanges(found, written, gone)


def lay(connection: sqlite3.Connection, given: Iterable[Sheet], gone: Iterable[str]) -> None:
    """Write sheets and remove others, inside the caller's transaction."""
    for sheet in given:
        connection.execute(_UPSERT, _to_row(sheet))
    # A removed sheet stays for the calls that name it; no search finds it.
    for code in gone:
        connection.execute("UPDATE sheets SET gone = 1 WHERE code = ?", (code,))


def _own(
    connection: sqlite3.Connection, given: tuple[Sheet, ...]
) -> tuple[tuple[Sheet, ...], tuple[Sheet, ...]]:
    """Return the branch's own sheets, stored and given; raises Refused."""
    theirs = managed_config.sheets(connection)
    known = all_sheets(connection)
    same = {sheet.code: sheet for sheet in known if sheet.code in theirs}
    rest = tuple(sheet for sheet in given if same.get(sheet.code) != sheet)
    managed_config.check_own_sheets(connection, [sheet.code for sheet in rest])
    return tuple(sheet for sheet in known if sheet.code not in theirs), rest


def edited(connection: sqlite3.Connection) -> dict[str, Noted]:
    """Return the last change or removal by hand of each sheet, by code, unless imported since."""
    # An import keeps what was edited in the console, and says so.
    # A negative LIMIT is none (SQLite, lang_select.html).
    newest_last = reversed(database.latest(connection, "sheet.", -1))
    found = {noted.about: noted for noted in newest_last}
    return {code: noted for code, noted in found.items() if noted.what in (CHANGED, REMOVED)}


def put(connection: sqlite3.Connection, sheet: Sheet, noted: Noted) -> SheetChange:
    """Store one sheet, audited; an equal one is no change. Raises Refused, sqlite3.Error."""
    with transaction(connection):
        before = find(connection, sheet.code)
        if before == sheet:
            return SheetChange.SAME
        managed_config.check_own_sheets(connection, [sheet.code])
        connection.execute(_UPSERT, _to_row(sheet))
        database.note(connection, noted)
    return SheetChange.CHANGED if before else SheetChange.NEW


def remove(connection: sqlite3.Connection, code: str, noted: Noted) -> None:
    """Remove a sheet, audited; its row stays for the calls that name it. Raises Refused."""
    with transaction(connection):
        managed_config.check_own_sheets(connection, [code])
        if find(connection, code) is not None:
            connection.execute("UPDATE sheets SET gone = 1 WHERE code = ?", (code,))
            database.note(connection, noted)


def all_sheets(connection: sqlite3.Connection) -> tuple[Sheet, ...]:
    """Return all sheets but removed ones, by code."""
    rows = connection.execute("SELECT * FROM sheets WHERE gone = 0 ORDER BY code")
    return tuple(_from_row(row) for row in rows)


def officials(connection: sqlite3.Connection) -> tuple[OfficialInCharge, ...]:
    """Return the officials in charge whom the sheets make public, by the sheets' codes."""
    rows = connection.execute(
        "SELECT office, needs, official FROM sheets WHERE gone = 0 AND official <> '' ORDER BY code"
    )
    return tuple(
        OfficialInCharge(r["office"], r["official"], tuple(json.loads(r["needs"]))) for r in rows
    )


def find(connection: sqlite3.Connection, code: str) -> Sheet | None:
    """Look a sheet up by its code; None for a removed or unknown one."""
    row = connection.execute("SELECT * FROM sheets WHERE code = ? AND gone = 0", (code,)).fetchone()
    return _from_row(row) if row else None


def search(
    connection: sqlite3.Connection, typed: str, most: int = MOST_SHEETS_SHOWN
) -> tuple[SheetHit, ...]:
    """Find the sheets that contain a meaning of every typed word; the best first."""
    words = WORD.findall(typed)
    if not words:
        return ()
    known = vocabulary(connection)
    meant = [known.meant(word, is_last=word is words[-1]) for word in words]
    asked = {
        "words": " AND ".join(map(_any_of, meant)),
        "most": most,
        "synonyms": SYNONYMS,
    }
    numbers = [row["rowid"] for row in connection.execute(_FIND, asked)]
    show = "SELECT * FROM sheets WHERE rowid = ?"
    found = (_from_row(connection.execute(show, (number,)).fetchone()) for number in numbers)
    shown = [each for one in meant for each in (*one.beginnings, *(p[0] for p in one.phrases))]
    return tuple(SheetHit(sheet, excerpt(sheet.body, shown)) for sheet in found)


def _any_of(meant: Meant) -> str:
    """Write the meanings of a word as an FTS5 query, joined by OR."""
    # Each part is letters and digits alone (WORD): nothing typed can break out of the quotes.
    phrases = [f'"{" ".join(phrase)}"' for phrase in meant.phrases]
    beginnings = [f'"{begun}"*' for begun in meant.beginnings]
    return f"({' OR '.join(phrases + beginnings)})"


def _to_row(sheet: Sheet) -> dict[str, str]:
    return {
        "code": sheet.code,
        "title": sheet.title,
        "office": sheet.office,
        "needs": json.dumps(sheet.needs),
        "keywords": json.dumps(sheet.keywords, ensure_ascii=False),
        "source": sheet.source,
        "link": sheet.link,
        "official": sheet.official,
        "updated": sheet.updated.isoformat(),
        "body": sheet.body,
        "say": sheet.say,
        "language": sheet.language,
    }


def _from_row(row: sqlite3.Row) -> Sheet:
    return Sheet(
        row["code"],
        row["title"],
        row["office"],
        row["source"],
        date.fromisoformat(row["updated"]),
        row["body"],
        tuple(json.loads(row["needs"])),
        tuple(json.loads(row["keywords"])),
        row["link"],
        row["official"],
        row["say"],
        row["language"],
    )
