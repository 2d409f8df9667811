"""The database file: durable settings, damage, migrations, readers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.errors import StoreError
from appliance.store import database
from appliance.store.database import connect, migrations, open_database, open_reader
from tests.helpers.prepared import really_migrate


@pytest.fixture(autouse=True)
def _no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every migration run, as it does on a box."""
    monkeypatch.setattr(database, "migrate", really_migrate)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database file that does not exist yet."""
    return tmp_path / "centralino.db"


def pragma(connection: sqlite3.Connection, name: str) -> object:
    """Ask SQLite for a setting."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_every_writing_connection_has_the_durable_settings(path: Path) -> None:
    """WAL, synchronous=FULL, foreign keys and a busy time-out hold, without anybody's default."""
    with closing(connect(path)) as c:
        found = [
            pragma(c, n) for n in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 2, 1, 5000]


def test_a_setting_that_sqlite_refuses_is_an_error_and_not_a_hope() -> None:
    """Where WAL cannot be had (memory, a network share) nothing is called durable."""
    with pytest.raises(StoreError, match="journal_mode=WAL"):
        connect(Path(":memory:"))


def test_the_schema_is_made_by_numbered_migrations_once(path: Path) -> None:
    """`user_version` ends at the highest migration, and migrating again changes nothing."""
    with closing(open_database(path, path.parent / "corrupt").connection) as c:
        schema = list(c.iterdump())
        really_migrate(c)
        assert (pragma(c, "user_version"), list(c.iterdump())) == (migrations()[-1][0], schema)


def test_migrations_are_numbered_without_a_gap() -> None:
    """A migration's number is its place in the order."""
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    """After a fall-back to the older slot the older programme opens the newer database."""
    with closing(open_database(path, path.parent / "corrupt").connection) as c:
        c.execute("ALTER TABLE calls ADD COLUMN from_the_future TEXT")
        c.execute("PRAGMA user_version = 99")
    opened = open_database(path, path.parent / "corrupt")
    with closing(opened.connection) as c:
        assert (opened.trouble, pragma(c, "user_version")) == (None, 99)


@pytest.mark.parametrize("damage", ["not a database", "torn page"])
def test_a_damaged_database_is_set_aside_whole_and_a_new_one_begun(path: Path, damage: str) -> None:
    """Damage never stops the box and never deletes: the file lies in corrupt/, trouble is shown."""
    if damage == "torn page":
        with closing(open_database(path, path.parent / "corrupt").connection) as c:
            c.executemany(
                "INSERT INTO calls (call, boot, line, rang_at, rang_ms, clock_state, called, way, "
                "caller_presentation, caller_number, caller_name, reason, phone, result, message, "
                "trail) VALUES (?,'b','l','t',?,'s','','w','s','','','','','open','','[]')",
                [(f"c{i}", i) for i in range(500)],
            )
            c.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        contents = bytearray(path.read_bytes())
        contents[8192:40960] = b"\x5a" * 32768
    else:
        contents = bytearray(b"these are not the bytes of a database " * 200)
    path.write_bytes(contents)
    opened = open_database(path, path.parent / "corrupt")
    with closing(opened.connection) as c:
        assert c.execute("SELECT count(*) FROM calls").fetchone()[0] == 0
    kept = [p for p in (path.parent / "corrupt").iterdir() if p.suffix == ".db" or ".db." in p.name]
    assert opened.trouble is not None
    assert opened.trouble.code == "records.set_aside"
    assert bytes(contents) in [p.read_bytes() for p in kept]


def test_setting_aside_twice_keeps_both(path: Path) -> None:
    """What lies in corrupt/ is never written over."""
    for text in (b"one", b"two"):
        path.write_bytes(text)
        database.set_aside(path, path.parent / "corrupt")
    assert {p.read_bytes() for p in (path.parent / "corrupt").iterdir()} == {b"one", b"two"}


def test_a_disk_that_cannot_be_read_is_no_damage(tmp_path: Path) -> None:
    """An unreadable place is told as such and nothing is moved."""
    place = tmp_path / "centralino.db"
    place.mkdir()
    with pytest.raises(StoreError, match="check the disk"):
        open_database(place, tmp_path / "corrupt")
    assert place.is_dir()
    assert not (tmp_path / "corrupt").exists()


def test_a_reader_reads_beside_the_daemon_and_after_it(path: Path) -> None:
    """Commands and the console read while the daemon writes, and when it is stopped."""
    writer = open_database(path, path.parent / "corrupt").connection
    with closing(open_reader(path)) as reader:
        assert reader.execute("SELECT count(*) FROM calls").fetchone()[0] == 0
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM calls")
    writer.close()
    with closing(open_reader(path)) as reader:
        assert reader.execute("SELECT count(*) FROM messages").fetchone()[0] == 0


def test_a_reader_of_nothing_says_so(path: Path) -> None:
    """Where no daemon ever ran the sentence asks about it, and no file is made."""
    with pytest.raises(StoreError, match="has the service ever run here"):
        open_reader(path)
    assert not path.exists()


def insert_twice(connection: sqlite3.Connection) -> None:
    """Make a table and break its key, in one transaction."""
    with database.transaction(connection):
        connection.execute("CREATE TABLE t (x PRIMARY KEY)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), (1,)])


def test_a_failed_transaction_leaves_nothing(path: Path) -> None:
    """All or nothing, whatever interrupts it."""
    with closing(open_database(path, path.parent / "corrupt").connection) as c:
        with pytest.raises(sqlite3.IntegrityError):
            insert_twice(c)
        assert c.execute("SELECT count(*) FROM sqlite_schema WHERE name = 't'").fetchone()[0] == 0
        assert not c.in_transaction
