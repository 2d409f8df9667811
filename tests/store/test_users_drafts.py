"""What is half typed outlives a browser and a box, for its writer alone and a day at most (E18)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from appliance.store import users
from appliance.store.database import open_database
from tests.store.test_users import ANNA, BY_ANNA, CARLA, HASH

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Records with a head and an operator."""
    with closing(open_database(tmp_path / "c.db", tmp_path / "corrupt").connection) as c:
        users.add_first(c, ANNA, HASH, AT)
        users.add(c, CARLA, HASH, BY_ANNA)
        yield c


def test_a_draft_is_its_writers(records: sqlite3.Connection) -> None:
    """The last one of a place; another's, or another place's, is another."""
    users.keep(records, "carla", "desk", '{"note": "a"}', AT)
    users.keep(records, "carla", "desk", '{"note": "ab"}', AT)
    users.keep(records, "anna", "desk", '{"note": "x"}', AT)
    assert users.find_draft(records, "carla", "desk", AT) == '{"note": "ab"}'
    assert users.find_draft(records, "anna", "desk", AT) == '{"note": "x"}'
    assert users.find_draft(records, "carla", "declare:anagrafe", AT) == ""


def test_what_was_used_is_gone_from_the_file(records: sqlite3.Connection, tmp_path: Path) -> None:
    """An empty one forgets it, whatever it held."""
    users.keep(records, "carla", "desk", '{"note": "Ada Rossi 3470000001"}', AT)
    users.keep(records, "carla", "desk", "", AT)
    assert users.find_draft(records, "carla", "desk", AT) == ""
    records.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for path in tmp_path.glob("c.db*"):
        assert b"3470000001" not in path.read_bytes()


def test_after_a_day_it_is_gone(records: sqlite3.Connection) -> None:
    """Not shown any more, and erased; by the instant, however its offset is written."""
    rome = AT.astimezone(timezone(timedelta(hours=1)))
    users.keep(records, "carla", "desk", '{"note": "a"}', rome)
    late = AT + users.KEPT
    for now, found in ((late - timedelta(seconds=1), '{"note": "a"}'), (late, "")):
        assert users.find_draft(records, "carla", "desk", now) == found
        users.forget_old(records, now)
        left = records.execute("SELECT count(*) FROM drafts").fetchone()[0]
        assert left == bool(found)


def test_nobody_fills_the_disk(records: sqlite3.Connection) -> None:
    """A few places a user; the one not typed in for longest goes."""
    for number in range(users.MOST + 2):
        users.keep(records, "anna", f"declare:{number}", "{}", AT + timedelta(minutes=number))
    users.keep(records, "carla", "desk", "{}", AT)
    kept = records.execute("SELECT place FROM drafts WHERE user = 'anna'").fetchall()
    assert sorted(row[0] for row in kept) == [f"declare:{n}" for n in range(2, users.MOST + 2)]
    assert users.find_draft(records, "carla", "desk", AT) == "{}"
