"""The demonstration's people: an operator and the head, for who tries the console."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from appliance.console.accounts.passwords import Passwords
from appliance.daemon import first_user
from appliance.policy.accounts import User
from appliance.policy.roles import Role
from appliance.records import users
from appliance.records.database import connect
from appliance.records.users import Asked

PHRASE: Final = "mare sole vento"
"""Everybody's: it is printed, and the demonstration listens on this computer alone."""
OPERATOR: Final = User("operatore", "Olga Operatrice", frozenset({Role.OPERATOR}), position="op1")
HEAD: Final = User("responsabile", "Rita Responsabile", frozenset({Role.HEAD}), position="op1")


def enter(database: Path, state: Path) -> str:
    """Make them beside the running desk; returns how one logs in."""
    asked = Asked("demo", datetime.now(UTC), shell=True)  # noqa: S604 - no command: from the shell
    with closing(connect(database)) as connection:
        for user in (OPERATOR, HEAD):
            users.add(connection, user, Passwords().hashed(PHRASE), asked)
    first_user.keep_code(state, is_wanted=False)
    names = " or ".join(user.name for user in (OPERATOR, HEAD))
    return f"Log in there as {names}, password: {PHRASE}"
