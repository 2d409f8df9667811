"""Counts what waits in the records, for who watches many boxes; a few short queries, no text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.policy.box_figures import Stored
from appliance.policy.messages import Step
from appliance.policy.requests import State

if TYPE_CHECKING:
    import sqlite3

_OPEN: Final = (
    "SELECT count(*), coalesce(sum(length_ms), 0) FROM messages WHERE state = 'new'"
)  # fmt: skip
_UNHEARD: Final = """
    SELECT count(*), min(received_ms) FROM messages WHERE state = 'new' AND NOT EXISTS (
        SELECT 1 FROM care WHERE kind = 'message' AND subject = messages.id AND step = ?)
"""
_REQUESTS: Final = "SELECT state, count(*) FROM requests GROUP BY state"
_MAILS: Final = (
    "SELECT state, count(*), min(queued_at) FROM outbox WHERE state IN ('queued', 'dead') "
    "GROUP BY state"
)


def stored(connection: sqlite3.Connection, disk: tuple[int, int] = (0, 0)) -> Stored:
    """Count what waits; `disk` is what is free and all there is, in bytes. Raises sqlite3.Error."""
    number, length_ms = connection.execute(_OPEN).fetchone()
    unheard, since_ms = connection.execute(_UNHEARD, (Step.HEAR,)).fetchone()
    counted = {str(state): int(count) for state, count in connection.execute(_REQUESTS)}
    mails = {row[0]: (int(row[1]), row[2]) for row in connection.execute(_MAILS)}
    queued, since = mails.get("queued", (0, None))
    return Stored(
        int(number),
        int(length_ms),
        int(unheard),
        since_ms / 1000 if since_ms is not None else None,
        tuple((state.value, counted.get(state.value, 0)) for state in State),
        queued,
        mails.get("dead", (0, None))[0],
        datetime.fromisoformat(since).timestamp() if since else None,
        *disk,
    )
