"""Sheets: rows and full-text search while a caller is on the line (P2).

SQLite FTS5 with diacritics folded ("citta" finds "città"). The meanings of a typed word (other
endings, synonyms, one typing mistake) are looked up in the vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from appliance.policy.sheets import OfficialInCharge, Sheet, SheetChange, sheet_changes
from appliance.store import database, managed_config
from appliance.store.database import Noted, transaction
from appliance.store.directory import excerpt
from appliance.store.vocabulary import SYNONYMS, Meant, vocabulary

if TYPE_CHECKING:
    import sqlite3


# Codes in the audit log, about a sheet's code; an import is noted for each sheet it replaced.
CHANGED, REMOVED, IMPORTED = "sheet.change", "sheet.remove", "sheet.import"
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


def titles_of(connection: sqlite3.Connection, codes: Iterable[str]) -> dict[str, str]:
    """Map codes to titles, in their order; those of sheets that are gone are missing."""
    found = {code: find(connection, code) for code in dict.fromkeys(codes)}
    return {code: sheet.title for code, sheet in found.items() if sheet}


def search(
    connection: sqlite3.Connection, typed: str, most: int = MOST_SHEETS_SHOWN
) -> tuple[SheetHit, ...]:
    """Find the sheets that contain a meaning of every typed word; the best first."""
    return search_meant(connection, vocabulary(connection).read(typed), most)


def search_meant(
    connection: sqlite3.Connection, meant: tuple[Meant, ...], most: int = MOST_SHEETS_SHOWN
) -> tuple[SheetHit, ...]:
    """Find the sheets that contain one of each word's meanings; the best first."""
    if not meant:
        return ()
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
