"""Sheets: rows and full-text search while a caller is on the line (P2).

SQLite FTS5 with diacritics folded ("citta" finds "città"). What a typed word stands for, its other
endings, synonyms, a mistake, is looked up among the words of the sheets (sheet_words.py).
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


# ---- sheet words -------------------------------------------------------------------------------
# The words that a typed word stands for: its other endings, the office's synonyms, a mistake.
#
# A search goes from what was typed to words that stand in the sheets. Endings are those of the
# Snowball stemmer ("residenze", "residenti": "residenza"). Synonyms are the house's own and the
# office's, which stand in the sheet `sinonimi`, a line of words that mean one thing to callers. One
# typing mistake (a letter too many, too few, another one, two exchanged) is forgiven where nothing
# else is found. The ONLY import of snowballstemmer.

SYNONYMS: Final = "sinonimi"
"""The sheet that holds the office's synonyms; no search finds it."""
WORD: Final = re.compile(r"[^\W_]+")
MOST_MEANINGS: Final = 40
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
    """The meanings of a typed word: phrases of the sheets, or `beginnings` of words in them."""

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
            return Meant(phrases[:MOST_MEANINGS], ())
        begun: tuple[str, ...] = (word,) if self.begins(word) else ()
        if not phrases and not begun and len(word) >= _LEAST_MISTAKEN:
            begun = tuple(self._near(word))[:MOST_MEANINGS]
        return Meant(phrases[:MOST_MEANINGS], begun or ((word,) if not phrases else ()))

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
    file = resources.files("appliance.store") / "synonyms.txt"
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


# ---- sheets ------------------------------------------------------------------------------------

CHANGED, REMOVED, IMPORTED = "sheet.change", "sheet.remove", "sheet.import"
"""Codes in the audit, each about a sheet's code; an import is noted for what it replaced."""
MOST_SHEETS_SHOWN: Final = 20
"""Sheets shown of a search: more cannot be read while somebody waits."""
_FIND: Final = """
    SELECT rowid FROM sheets_text WHERE sheets_text MATCH :words
    AND rowid NOT IN (SELECT rowid FROM sheets WHERE code = :synonyms)
    ORDER BY bm25(sheets_text, 10.0, 6.0, 3.0, 1.0), rowid LIMIT :most
"""
"""Only numbers are sorted: a row with its text and excerpt would be made for every match."""
_COLUMNS: Final = (
    "code", "title", "office", "needs", "keywords", "source", "link", "official", "updated", "body",
    "say", "language",
)  # fmt: skip
_UPSERT: Final = (
    f"INSERT INTO sheets ({', '.join(_COLUMNS)}) VALUES (:{', :'.join(_COLUMNS)}) "  # noqa: S608 - constant names
    "ON CONFLICT (code) DO UPDATE SET gone = 0, "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
)


@dataclass(frozen=True, slots=True)
class SheetHit:
    """A sheet that a search found, and the words around what matched."""

    sheet: Sheet
    excerpt: str


def store(
    connection: sqlite3.Connection, given: tuple[Sheet, ...], noted: Iterable[Noted] = ()
) -> dict[str, SheetChange]:
    """Make the given sheets the ones that are found; returns what changed, by code.

    One that is not among them is kept (calls name it) but no longer found; what is `noted` goes to
    the audit. The head office's stay as they are, and no other of their names is taken. Raises
    Refused, sqlite3.Error.
    """
    with transaction(connection):
        plan = planned(connection, given)
        lay(connection, plan.written, plan.gone)
        for each in noted:
            database.note(connection, each)
    return plan.found


@dataclass(frozen=True, slots=True)
class SheetChanges:
    """What becomes of each sheet, which are written, and which are found no more."""

    found: dict[str, SheetChange]
    written: tuple[Sheet, ...]
    gone: tuple[str, ...]


def planned(connection: sqlite3.Connection, given: tuple[Sheet, ...]) -> SheetChanges:
    """Say what it takes to have the given sheets alone found; raises Refused, sqlite3.Error."""
    ours, given = _own(connection, given)
    found = sheet_changes(ours, given)
    written = tuple(sheet for sheet in given if found[sheet.code] is not SheetChange.SAME)
    gone = tuple(code for code, change in found.items() if change is SheetChange.GONE)
    return SheetChanges(found, written, gone)


def lay(connection: sqlite3.Connection, given: Iterable[Sheet], gone: Iterable[str]) -> None:
    """Write sheets, let others be found no more, inside the caller's transaction."""
    for sheet in given:
        connection.execute(_UPSERT, _to_row(sheet))
    for code in gone:
        connection.execute("UPDATE sheets SET gone = 1 WHERE code = ?", (code,))


def _own(
    connection: sqlite3.Connection, given: tuple[Sheet, ...]
) -> tuple[tuple[Sheet, ...], tuple[Sheet, ...]]:
    """Return the branch's own sheets, and those given that are; raises Refused."""
    theirs = managed_config.sheets(connection)
    known = all_sheets(connection)
    same = {sheet.code: sheet for sheet in known if sheet.code in theirs}
    rest = tuple(sheet for sheet in given if same.get(sheet.code) != sheet)
    managed_config.check_own_sheets(connection, [sheet.code for sheet in rest])
    return tuple(sheet for sheet in known if sheet.code not in theirs), rest


def edited(connection: sqlite3.Connection) -> dict[str, Noted]:
    """Return who last changed or removed which sheet by hand, by code, but for imports since."""
    newest_last = reversed(database.latest(connection, "sheet.", -1))
    found = {noted.about: noted for noted in newest_last}
    return {code: noted for code, noted in found.items() if noted.what in (CHANGED, REMOVED)}


def put(connection: sqlite3.Connection, sheet: Sheet, noted: Noted) -> SheetChange:
    """Keep one sheet, noted in the audit; the same once more is no change. Raises sqlite3.Error."""
    with transaction(connection):
        before = find(connection, sheet.code)
        if before == sheet:
            return SheetChange.SAME
        managed_config.check_own_sheets(connection, [sheet.code])
        connection.execute(_UPSERT, _to_row(sheet))
        database.note(connection, noted)
    return SheetChange.CHANGED if before else SheetChange.NEW


def remove(connection: sqlite3.Connection, code: str, noted: Noted) -> None:
    """Let a sheet be found no more, noted in the audit; calls that name it still may."""
    with transaction(connection):
        managed_config.check_own_sheets(connection, [code])
        if find(connection, code) is not None:
            connection.execute("UPDATE sheets SET gone = 1 WHERE code = ?", (code,))
            database.note(connection, noted)


def all_sheets(connection: sqlite3.Connection) -> tuple[Sheet, ...]:
    """Return the sheets that can be found, by code."""
    rows = connection.execute("SELECT * FROM sheets WHERE gone = 0 ORDER BY code")
    return tuple(_from_row(row) for row in rows)


def officials(connection: sqlite3.Connection) -> tuple[OfficialInCharge, ...]:
    """Return whom the sheets that can be found make public as in charge, by the sheets' codes."""
    rows = connection.execute(
        "SELECT office, needs, official FROM sheets WHERE gone = 0 AND official <> '' ORDER BY code"
    )
    return tuple(
        OfficialInCharge(r["office"], r["official"], tuple(json.loads(r["needs"]))) for r in rows
    )


def find(connection: sqlite3.Connection, code: str) -> Sheet | None:
    """Return the sheet of that code, None when it is not among those that can be found."""
    row = connection.execute("SELECT * FROM sheets WHERE code = ? AND gone = 0", (code,)).fetchone()
    return _from_row(row) if row else None


def search(
    connection: sqlite3.Connection, typed: str, most: int = MOST_SHEETS_SHOWN
) -> tuple[SheetHit, ...]:
    """Find sheets that have every typed word, or one that it stands for; the best first."""
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
    """Write one of these for the index; each part is letters and digits alone."""
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
