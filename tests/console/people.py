"""People who may use the console in tests: one of each kind, all with one password."""

from __future__ import annotations

import functools
import sqlite3
from datetime import UTC, datetime
from typing import Final

from appliance.console.accounts import Passwords
from appliance.policy.users import Role, User
from appliance.store import users
from appliance.store.users import ChangeRequester

AT: Final = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
PHRASE: Final = "pane burro alici"
ANNA: Final = User("anna", "Anna Verdi", frozenset({Role.HEAD}))
BEPPE: Final = User("beppe", "Beppe Neri", frozenset({Role.TECHNICIAN}))
CARLA: Final = User("carla", "Carla Blu", frozenset({Role.OPERATOR}), position="op1")
DINO: Final = User("dino", "Dino Rosa", frozenset({Role.CLERK}), position="sportello1")
VITO: Final = User("vito", "Vito Ceri", frozenset({Role.DEPUTY}))
EVERYBODY: Final = (ANNA, BEPPE, CARLA, DINO, VITO)


@functools.cache
def kept() -> str:
    """Return what is kept of their password."""
    return Passwords().hashed(PHRASE)


def enter(connection: sqlite3.Connection) -> None:
    """Put them into the records, as call control does."""
    for user in EVERYBODY:
        users.add(connection, user, kept(), ChangeRequester("test", AT, shell=True))
