"""Rows of the address book: kept whole, never quite gone, copied beside the records."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from appliance.policy.address_book import BookEntry, BookNumber
from appliance.policy.text import Refused
from appliance.store import address_book, backup, call_log, database
from appliance.store.database import Noted, connect, migrations, open_database
from appliance.store.policy_change import PolicyChange, basis, from_json, to_json, write
from tests.store.samples import a_call

TODAY = date(2026, 11, 30)
AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
FULL = BookEntry(
    "ausl", "Azienda USL", "anna", TODAY, date(2027, 11, 30),
    (BookNumber("800 884 888", "CUP", "lun-ven"), BookNumber("051 6478999", may_tell=False)),
    ("asl", "città"), "via Castiglione 29", "https://www.ausl.example", "Nota.", "Chiami il CUP.",
    date(2028, 1, 1),
)  # fmt: skip
BARE = BookEntry("poste", "Poste", "anna", TODAY, TODAY)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Records with two entries."""
    opened = open_database(tmp_path / "records.sqlite", tmp_path / "corrupt").connection
    for entry in (BARE, FULL):
        address_book.put(opened, entry, noted("book.change", entry.code))
    yield opened
    opened.close()


def noted(what: str, code: str) -> Noted:
    """Return an audit row."""
    return Noted(AT, "anna", what, code)


def test_what_is_kept_is_read_back(connection: sqlite3.Connection) -> None:
    """All fields; by name; each change in the list of changes."""
    assert address_book.all_entries(connection) == (FULL, BARE)
    address_book.put(connection, replace(BARE, name="A. Poste"), noted("book.change", "poste"))
    assert address_book.find(connection, "poste") == replace(BARE, name="A. Poste")
    assert len(database.latest(connection, "book.")) == 3


def test_what_is_removed_keeps_its_code_and_name(connection: sqlite3.Connection) -> None:
    """Calls name it; a new body does not get its code; entered again it is there again."""
    address_book.remove(connection, "poste", noted("book.remove", "poste"))
    assert address_book.find(connection, "poste") is None
    assert address_book.codes(connection) == {"ausl", "poste"}
    assert address_book.names_of(connection, ["poste", "x"]) == {"poste": "Poste"}
    with pytest.raises(Refused, match="no entry 'poste'"):
        address_book.remove(connection, "poste", noted("book.remove", "poste"))
    address_book.put(connection, BARE, noted("book.change", "poste"))
    assert address_book.known(connection, "poste") == BARE


def test_a_change_of_the_command_line_passes_the_socket(connection: sqlite3.Connection) -> None:
    """Entries and removals, written all or none; the next one is made from the new version."""
    made = PolicyChange(basis(connection), book=(FULL, replace(BARE, code="x")), struck=("poste",))
    assert not made.is_nothing
    assert from_json(to_json(made)) == made
    write(connection, made)
    assert [each.code for each in address_book.all_entries(connection)] == ["ausl", "x"]
    assert basis(connection) > made.basis


def test_it_outlives_a_damaged_database(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """It is in the copy beside the records, without what was removed."""
    address_book.remove(connection, "poste", noted("book.remove", "poste"))
    backup.write(connection, tmp_path / "policy", AT)
    lost = open_database(tmp_path / "new.sqlite", tmp_path / "corrupt").connection
    assert backup.restore(lost, tmp_path / "policy") == AT
    assert address_book.all_entries(lost) == (FULL,)
    assert address_book.codes(lost) == {"ausl"}
    lost.close()


def test_an_older_database_has_none(tmp_path: Path) -> None:
    """A page may read it before call control has migrated it."""
    older = connect(tmp_path / "older.db")
    for number, script in migrations():
        if number < 23:
            older.executescript(script)
    assert address_book.all_entries(older) == ()
    older.close()


def test_numbers_told_are_kept_with_the_call(connection: sqlite3.Connection) -> None:
    """Each once; a record of call control that was made before undoes nothing."""
    call_log.upsert_calls(connection, [a_call("c-1")], "boot")
    assert call_log.note_told(connection, "c-1", "ausl").told == ("ausl",)
    call_log.note_told(connection, "c-1", "poste")
    assert call_log.note_told(connection, "c-1", "ausl").told == ("ausl", "poste")
    call_log.upsert_calls(connection, [a_call("c-1")], "boot")
    record = call_log.find_call(connection, "c-1")
    assert record is not None
    assert record.told == ("ausl", "poste")
    call_log.upsert_calls(connection, [replace(record, told=("inps",))], "boot")
    changed = call_log.find_call(connection, "c-1")
    assert changed is not None
    assert changed.told == ("inps",)
