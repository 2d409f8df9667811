"""Work that tests would do again and again with the same outcome, done once in a process.

An empty database gets its schema as a copy of one that the migrations made; a text is given a voice
once. Everything else goes the product's own way.
"""

from __future__ import annotations

import functools
import sqlite3
import threading
from typing import Final

from appliance.api import speech
from appliance.store import database

really_migrate: Final = database.migrate
"""Runs every migration: for tests of the migrations themselves."""
KEPT_VOICES: Final = 256
_ONE_AT_A_TIME: Final = threading.Lock()


def install() -> None:
    """Put the prepared work in the product's place, before tests import it."""
    for module, name, quick in (
        (database, "migrate", migrate),
        (speech, "speak", functools.lru_cache(KEPT_VOICES)(speech.speak)),
    ):
        setattr(module, name, quick)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date as the product does; an empty database gets a copy."""
    if _is_empty(connection) and not connection.in_transaction:
        with _ONE_AT_A_TIME:
            _schema().backup(connection)
    else:
        really_migrate(connection)


def _is_empty(connection: sqlite3.Connection) -> bool:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return int(version) == 0 and int(tables) == 0


@functools.cache
def _schema() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    really_migrate(made)
    return made
