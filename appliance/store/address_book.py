"""Address book: rows of other bodies that callers want, and their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from appliance.policy.address_book import BookEntry, BookNumber, no_entry
from appliance.policy.numbering import NumberingPlan, are_same_number, typed_number
from appliance.policy.text import Refused
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

# Codes in the audit log, about an entry's code.
CHANGED, REMOVED, CONFIRMED, IMPORTED = "book.change", "book.remove", "book.confirm", "book.import"

_COLUMNS: Final = (
    "code", "name", "keywords", "numbers", "address", "website", "note", "say", "checked_by",
    "checked_on", "check_by", "last",
)  # fmt: skip
# A removed entry may come back: it is found again.
_UPSERT: Final = (
    f"INSERT INTO address_book ({', '.join(_COLUMNS)}) VALUES (:{', :'.join(_COLUMNS)}) "  # noqa: S608 - constant names
    "ON CONFLICT (code) DO UPDATE SET gone = 0, "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
)
_REMOVE: Final = "UPDATE address_book SET gone = 1 WHERE code = ?"


def put(connection: sqlite3.Connection, entry: BookEntry, noted: Noted) -> None:
    """Store one entry, audited; raises sqlite3.Error."""
    with transaction(connection):
        lay(connection, (entry,), ())
        database.note(connection, noted)


def remove(connection: sqlite3.Connection, code: str, noted: Noted) -> BookEntry:
    """Remove an entry, audited, and return it; its row stays for the calls that name it.

    Raises Refused, sqlite3.Error.
    """
    with transaction(connection):
        entry = known(connection, code)
        connection.execute(_REMOVE, (code,))
        database.note(connection, noted)
    return entry


def lay(connection: sqlite3.Connection, given: Iterable[BookEntry], gone: Iterable[str]) -> None:
    """Write entries and remove others, inside the caller's transaction."""
    for entry in given:
        connection.execute(_UPSERT, _to_row(entry))
    for code in gone:
        connection.execute(_REMOVE, (code,))


def all_entries(connection: sqlite3.Connection) -> tuple[BookEntry, ...]:
    """Return all entries but removed ones, by name; none in an older schema."""
    # A reader may meet the database before call control has migrated it.
    has = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'address_book'").fetchone()
    if not has:
        return ()
    rows = connection.execute(
        "SELECT * FROM address_book WHERE gone = 0 ORDER BY name COLLATE NOCASE, code"
    )
    return tuple(_from_row(row) for row in rows)


def holds_number(
    connection: sqlite3.Connection, number: str, today: date, plan: NumberingPlan
) -> bool:
    """Tell whether a number stands in an entry that holds today."""
    entries = (entry for entry in all_entries(connection) if entry.is_valid(today))
    written = (typed_number(each.number) for entry in entries for each in entry.numbers)
    return any(are_same_number(number, one, plan) for one in written)


def find(connection: sqlite3.Connection, code: str) -> BookEntry | None:
    """Look an entry up by its code; None for a removed or unknown one."""
    row = connection.execute(
        "SELECT * FROM address_book WHERE code = ? AND gone = 0", (code,)
    ).fetchone()
    return _from_row(row) if row else None


def known(connection: sqlite3.Connection, code: str) -> BookEntry:
    """Look an entry up; raises Refused for a removed or unknown one."""
    entry = find(connection, code)
    if entry is None:
        raise Refused(no_entry(code))
    return entry


def codes(connection: sqlite3.Connection) -> frozenset[str]:
    """Return all codes that are taken, also those of removed entries."""
    # A new body never takes the code of another one that calls name.
    return frozenset(row["code"] for row in connection.execute("SELECT code FROM address_book"))


def names_of(connection: sqlite3.Connection, wanted: Iterable[str]) -> dict[str, str]:
    """Map codes to names, also of removed entries."""
    find_name = "SELECT name FROM address_book WHERE code = ?"
    rows = {code: connection.execute(find_name, (code,)).fetchone() for code in wanted}
    return {code: str(row["name"]) for code, row in rows.items() if row}


def entry_from(fields: dict[str, Any]) -> BookEntry:
    """Make an entry of its fields as JSON holds them; raises KeyError, ValueError, TypeError."""
    days = {name: date.fromisoformat(fields[name]) for name in ("checked_on", "check_by")}
    return BookEntry(
        **fields
        | days
        | {
            "numbers": tuple(BookNumber(**each) for each in fields["numbers"]),
            "keywords": tuple(map(str, fields["keywords"])),
            "last": date.fromisoformat(fields["last"]) if fields["last"] else None,
        }
    )


def _to_row(entry: BookEntry) -> dict[str, str]:
    row = asdict(entry)
    for name in ("keywords", "numbers"):
        row[name] = json.dumps(row[name], ensure_ascii=False)
    for name in ("checked_on", "check_by", "last"):
        row[name] = row[name].isoformat() if row[name] else ""
    return row


def _from_row(row: sqlite3.Row) -> BookEntry:
    fields = {name: row[name] for name in _COLUMNS}
    return entry_from(fields | {name: json.loads(fields[name]) for name in ("keywords", "numbers")})
