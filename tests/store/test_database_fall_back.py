"""After an update that went back the older programme works on the newer database; nothing is lost.

So migrations only add. This is held to by looking at the schema before and after each of them.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from appliance.calls.events import MessageStored
from appliance.store.database import connect, migrations, open_database
from tests.voicemail.box import Box, speech
from tests.voicemail.test_mailbox import record_message

NEWER: Final = """
ALTER TABLE calls ADD COLUMN mood TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN mood TEXT;
CREATE TABLE moods (mood TEXT PRIMARY KEY) STRICT;
CREATE INDEX messages_by_mood ON messages (mood);
UPDATE messages SET mood = 'told by the newer one';
PRAGMA user_version = 99;
"""
REBUILT: Final = """
CREATE TABLE new_drafts (user TEXT, place TEXT, body TEXT, kept_at TEXT, tone TEXT NOT NULL);
DROP TABLE drafts;
ALTER TABLE new_drafts RENAME TO drafts;
"""


@dataclass(frozen=True)
class Schema:
    """Columns by table: type, whether it must be given, and what makes a row the only one."""

    columns: dict[tuple[str, str], tuple[str, bool]]
    unique: frozenset[tuple[str, tuple[str, ...]]]


def schema(connection: sqlite3.Connection) -> Schema:
    """Read the schema as an INSERT meets it."""
    names = [
        str(row[0])
        for row in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    ]
    columns = {}
    unique = set()
    for name in names:
        for column in connection.execute(f"PRAGMA table_info({name})"):
            must = bool(column["notnull"]) and column["dflt_value"] is None and not column["pk"]
            columns[name, str(column["name"])] = (str(column["type"]), must)
        for index in connection.execute(f"PRAGMA index_list({name})").fetchall():
            if index["unique"]:
                parts = connection.execute(f"PRAGMA index_info({index['name']})")
                unique.add((name, tuple(str(part["name"]) for part in parts)))
    return Schema(columns, frozenset(unique))


def takes_away(before: Schema, after: Schema) -> list[str]:
    """List what an older programme would miss, or could not write any more."""
    tables = {table for table, _ in before.columns}
    gone = [f"{'.'.join(one)} is gone" for one in before.columns if one not in after.columns]
    for one, (kind, must) in after.columns.items():
        table, _ = one
        if one in before.columns and before.columns[one] != (kind, must):
            gone.append(f"{'.'.join(one)} is another one")
        if one not in before.columns and table in tables and must:
            gone.append(f"{'.'.join(one)} must be given, which nobody did before")
    new = after.unique - before.unique
    gone += [f"{table} has a new {parts} that must be unique" for table, parts in new
             if table in tables]  # fmt: skip
    return gone


def test_every_migration_only_adds(tmp_path: Path) -> None:
    """No table, no column and no freedom of the version before is taken away."""
    with closing(connect(tmp_path / "centralino.db")) as connection:
        before = schema(connection)
        for number, script in migrations():
            connection.executescript(script)
            after = schema(connection)
            wrong = takes_away(before, after)
            assert wrong == [], f"migration {number}: {wrong}"
            before = after


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE messages DROP COLUMN length_ms",
        "ALTER TABLE calls RENAME COLUMN line TO wire",
        "DROP TABLE drafts",
        REBUILT,
        "CREATE UNIQUE INDEX one_a_line ON calls (line)",
    ],
)
def test_what_takes_away_is_seen(tmp_path: Path, script: str) -> None:
    """The check can fail."""
    with closing(open_database(tmp_path / "a.db", tmp_path / "corrupt").connection) as connection:
        before = schema(connection)
        connection.executescript(script)
        assert takes_away(before, schema(connection))


def test_a_message_of_the_trial_is_there_after_it(tmp_path: Path) -> None:
    """Left to the newer version, kept by the older one, which takes the next; forward again too."""
    box = Box(tmp_path).start()
    record_message(box, speech(1, 3000), "before")
    box.wait_for(MessageStored)
    box.stop()
    with closing(connect(tmp_path / "centralino.db")) as connection:
        connection.executescript(NEWER)
    box.start()  # the older one, after it went back
    assert box.troubles == []
    record_message(box, speech(2, 3000), "after")
    box.wait_for(MessageStored)
    assert len(box.listed()) == 2
    box.stop()
    with closing(connect(tmp_path / "centralino.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 99
        moods = [row[0] for row in connection.execute("SELECT mood FROM messages ORDER BY number")]
        assert moods == ["told by the newer one", None]
        assert connection.execute("SELECT DISTINCT mood FROM calls").fetchall()[0][0] == ""
