"""Whether somebody may do what they ask of the desk: the console has asked already, the desk too.

Looked at in the records' thread, where the users are; in the same job as what is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.policy.refused import Refused
from appliance.policy.roles import Permission, permissions_of, refusal
from appliance.records import users

if TYPE_CHECKING:
    import sqlite3


def check_may(connection: sqlite3.Connection, by: str, permission: Permission) -> None:
    """Refuse what somebody has not the right to; raises Refused, sqlite3.Error."""
    user = users.find(connection, by)
    if user is None or user.disabled:
        raise Refused(
            f"«{by}» non è un utente che può entrare: entrare di nuovo",
            f"{by!r} is no user who may log in: log in again",
        )
    if permission not in permissions_of(user.roles):
        words = refusal(permission)
        raise Refused(words.it, words.en)
