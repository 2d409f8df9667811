"""Links that close a request, as they are kept: by their hash alone (E15, policy/done_link.py)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from appliance.policy import done_link
from appliance.policy.done_link import Standing, hash_of
from appliance.policy.refused import Refused
from appliance.policy.requests import State, Step
from appliance.records import audit, requests
from appliance.records.audit import Noted
from appliance.records.database import transaction
from appliance.records.request_rows import Happened, Kept

if TYPE_CHECKING:
    import sqlite3

CODE = "request.link"
"""The code in the audit."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How a link stands and the request that it is for, None for a link that is unknown."""

    standing: Standing
    kept: Kept | None = None


UNKNOWN = Looked(Standing.UNKNOWN)


def look(connection: sqlite3.Connection, token: str, now: datetime) -> Looked:
    """Look a link up by its hash: whatever was given takes the same look."""
    digest = hash_of(token)
    row = connection.execute(
        "SELECT request, made_at FROM request_links WHERE sha256 = ?", (digest,)
    ).fetchone()
    kept = requests.find(connection, int(row["request"])) if row else None
    if kept is None:
        return UNKNOWN
    is_used = any(each.id == _step_id(digest) for each in kept.steps)
    is_done = kept.request.state is State.DONE
    made_at = datetime.fromisoformat(row["made_at"])
    return Looked(done_link.standing(is_used, is_done, made_at, now), kept)


def close(connection: sqlite3.Connection, token: str, said_by: str, now: datetime) -> int:
    """Close the link's request, durably, and return its number; raises Refused.

    That it is used, that it is done and the audit are one transaction: the step bears the hash.
    """
    with transaction(connection):
        looked = look(connection, token, now)
        if looked.kept is None or looked.standing is not Standing.OPEN:
            words = done_link.SAID[looked.standing]
            raise Refused(words.it, words.en)
        number = looked.kept.request.number
        ident = _step_id(hash_of(token))
        done = Happened(ident, Step.CLOSE, now, done_link.BY, said_by)
        requests.change_within(connection, number, done)
        audit.note(connection, Noted(now, done_link.BY, CODE, str(number)))
    return number


def _step_id(digest: str) -> str:
    return f"link-{digest}"
