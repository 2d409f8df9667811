"""The sheets in the database, found by full text while a caller is on the line (P2).

SQLite FTS5 with diacritics folded ("citta" finds "città"). What a typed word stands for, its other
endings, synonyms, a mistake, is looked up among the words of the sheets (sheet_words.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from appliance.policy.sheets import Change, InCharge, Sheet, changes
from appliance.records import audit, central, sheet_words
from appliance.records.audit import Noted
from appliance.records.database import transaction
from appliance.records.excerpts import excerpt
from appliance.records.sheet_words import Meant

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

CHANGED, REMOVED, IMPORTED = "sheet.change", "sheet.remove", "sheet.import"
"""Codes in the audit, each about a sheet's code; an import is noted for what it replaced."""
MOST: Final = 20
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
class Found:
    """A sheet that a search found, and the words around what matched."""

    sheet: Sheet
    excerpt: str


def store(
    connection: sqlite3.Connection, given: tuple[Sheet, ...], noted: Iterable[Noted] = ()
) -> dict[str, Change]:
    """Make the given sheets the ones that are found; returns what changed, by code.

    One that is not among them is kept (calls name it) but no longer found; what is `noted` goes to
    the audit. The head office's stay as they are, and no other of their names is taken. Raises
    Refused, sqlite3.Error.
    """
    with transaction(connection):
        plan = planned(connection, given)
        lay(connection, plan.written, plan.gone)
        for each in noted:
            audit.note(connection, each)
    return plan.found


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of each sheet, which are written, and which are found no more."""

    found: dict[str, Change]
    written: tuple[Sheet, ...]
    gone: tuple[str, ...]


def planned(connection: sqlite3.Connection, given: tuple[Sheet, ...]) -> Plan:
    """Say what it takes to have the given sheets alone found; raises Refused, sqlite3.Error."""
    ours, given = _own(connection, given)
    found = changes(ours, given)
    written = tuple(sheet for sheet in given if found[sheet.code] is not Change.SAME)
    gone = tuple(code for code, change in found.items() if change is Change.GONE)
    return Plan(found, written, gone)


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
    theirs = central.sheets(connection)
    known = all_sheets(connection)
    same = {sheet.code: sheet for sheet in known if sheet.code in theirs}
    rest = tuple(sheet for sheet in given if same.get(sheet.code) != sheet)
    central.check_own_sheets(connection, [sheet.code for sheet in rest])
    return tuple(sheet for sheet in known if sheet.code not in theirs), rest


def edited(connection: sqlite3.Connection) -> dict[str, Noted]:
    """Return who last changed or removed which sheet by hand, by code, but for imports since."""
    newest_last = reversed(audit.latest(connection, "sheet.", -1))
    found = {noted.about: noted for noted in newest_last}
    return {code: noted for code, noted in found.items() if noted.what in (CHANGED, REMOVED)}


def put(connection: sqlite3.Connection, sheet: Sheet, noted: Noted) -> Change:
    """Keep one sheet, noted in the audit; the same once more is no change. Raises sqlite3.Error."""
    with transaction(connection):
        before = find(connection, sheet.code)
        if before == sheet:
            return Change.SAME
        central.check_own_sheets(connection, [sheet.code])
        connection.execute(_UPSERT, _to_row(sheet))
        audit.note(connection, noted)
    return Change.CHANGED if before else Change.NEW


def remove(connection: sqlite3.Connection, code: str, noted: Noted) -> None:
    """Let a sheet be found no more, noted in the audit; calls that name it still may."""
    with transaction(connection):
        central.check_own_sheets(connection, [code])
        if find(connection, code) is not None:
            connection.execute("UPDATE sheets SET gone = 1 WHERE code = ?", (code,))
            audit.note(connection, noted)


def all_sheets(connection: sqlite3.Connection) -> tuple[Sheet, ...]:
    """Return the sheets that can be found, by code."""
    rows = connection.execute("SELECT * FROM sheets WHERE gone = 0 ORDER BY code")
    return tuple(_from_row(row) for row in rows)


def officials(connection: sqlite3.Connection) -> tuple[InCharge, ...]:
    """Return whom the sheets that can be found make public as in charge, by the sheets' codes."""
    rows = connection.execute(
        "SELECT office, needs, official FROM sheets WHERE gone = 0 AND official <> '' ORDER BY code"
    )
    return tuple(InCharge(r["office"], r["official"], tuple(json.loads(r["needs"]))) for r in rows)


def find(connection: sqlite3.Connection, code: str) -> Sheet | None:
    """Return the sheet of that code, None when it is not among those that can be found."""
    row = connection.execute("SELECT * FROM sheets WHERE code = ? AND gone = 0", (code,)).fetchone()
    return _from_row(row) if row else None


def search(connection: sqlite3.Connection, typed: str, most: int = MOST) -> tuple[Found, ...]:
    """Find sheets that have every typed word, or one that it stands for; the best first."""
    words = sheet_words.WORD.findall(typed)
    if not words:
        return ()
    known = sheet_words.vocabulary(connection)
    meant = [known.meant(word, is_last=word is words[-1]) for word in words]
    asked = {
        "words": " AND ".join(map(_any_of, meant)),
        "most": most,
        "synonyms": sheet_words.SYNONYMS,
    }
    numbers = [row["rowid"] for row in connection.execute(_FIND, asked)]
    show = "SELECT * FROM sheets WHERE rowid = ?"
    found = (_from_row(connection.execute(show, (number,)).fetchone()) for number in numbers)
    shown = [each for one in meant for each in (*one.beginnings, *(p[0] for p in one.phrases))]
    return tuple(Found(sheet, excerpt(sheet.body, shown)) for sheet in found)


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
