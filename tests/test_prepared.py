"""What tests get prepared is what the product makes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from appliance.store import database
from appliance.store.database import connect
from tests.helpers import prepared


def _contents(connection: sqlite3.Connection) -> tuple[object, ...]:
    """Return all that tells one database from another, but its page counts."""
    names = (
        "user_version",
        "journal_mode",
        "page_size",
        "auto_vacuum",
        "encoding",
        "secure_delete",
    )
    found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    return (*found, *connection.iterdump())


def test_the_copied_schema_is_the_migrated_one(tmp_path: Path) -> None:
    """A database made from the copy cannot be told from one that every migration went over."""
    with (
        closing(connect(tmp_path / "copied.db")) as copied,
        closing(connect(tmp_path / "migrated.db")) as migrated,
    ):
        assert database.migrate.__module__ == prepared.__name__
        database.migrate(copied)
        prepared.really_migrate(migrated)
        assert _contents(copied) == _contents(migrated)


def test_an_older_database_is_migrated(tmp_path: Path) -> None:
    """Only an empty database gets the copy: rows of an older one stay."""
    with closing(connect(tmp_path / "older.db")) as older:
        number, script = database.migrations()[0]
        older.executescript(f"{script}; PRAGMA user_version = {number}; CREATE TABLE own (a)")
        older.execute("INSERT INTO own VALUES (7)")
        database.migrate(older)
        assert older.execute("PRAGMA user_version").fetchone()[0] == database.migrations()[-1][0]
        assert older.execute("SELECT a FROM own").fetchone()[0] == 7
