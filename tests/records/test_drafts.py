"""What is half typed outlives a browser and a box, for its writer alone and a day at most (E18)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from appliance.records import drafts, users
from appliance.records.database import open_database
from tests.records.test_users import ANNA, BY_ANNA, CARLA, HASH

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
    drafts.keep(records, "carla", "desk", '{"note": "a"}', AT)
    drafts.keep(records, "carla", "desk", '{"note": "ab"}', AT)
    drafts.keep(records, "anna", "desk", '{"note": "x"}', AT)
    assert drafts.find(records, "carla", "desk", AT) == '{"note": "ab"}'
    assert drafts.find(records, "anna", "desk", AT) == '{"note": "x"}'
    assert drafts.find(records, "carla", "declare:anagrafe", AT) == ""


def test_what_was_used_is_gone_from_the_file(records: sqlite3.Connection, tmp_path: Path) -> None:
    """An empty one forgets it, whatever it held."""
    drafts.keep(records, "carla", "desk", '{"note": "Ada Rossi 3470000001"}', AT)
    drafts.keep(records, "carla", "desk", "", AT)
    assert drafts.find(records, "carla", "desk", AT) == ""
    records.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for path in tmp_path.glob("c.db*"):
        assert b"3470000001" not in path.read_bytes()


def test_after_a_day_it_is_gone(records: sqlite3.Connection) -> None:
    """Not shown any more, and erased; by the instant, however its offset is written."""
    rome = AT.astimezone(timezone(timedelta(hours=1)))
    drafts.keep(records, "carla", "desk", '{"note": "a"}', rome)
    late = AT + drafts.KEPT
    for now, found in ((late - timedelta(seconds=1), '{"note": "a"}'), (late, "")):
        assert drafts.find(records, "carla", "desk", now) == found
        drafts.forget_old(records, now)
        left = records.execute("SELECT count(*) FROM drafts").fetchone()[0]
        assert left == bool(found)


def test_nobody_fills_the_disk(records: sqlite3.Connection) -> None:
    """A few places a user; the one not typed in for longest goes."""
    for number in range(drafts.MOST + 2):
        drafts.keep(records, "anna", f"declare:{number}", "{}", AT + timedelta(minutes=number))
    drafts.keep(records, "carla", "desk", "{}", AT)
    kept = records.execute("SELECT place FROM drafts WHERE user = 'anna'").fetchall()
    assert sorted(row[0] for row in kept) == [f"declare:{n}" for n in range(2, drafts.MOST + 2)]
    assert drafts.find(records, "carla", "desk", AT) == "{}"
