"""Requests that are appointments of some days: what people and printed weeks show (P6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from appliance.records import requests

if TYPE_CHECKING:
    import sqlite3

    from appliance.records.request_rows import Kept

MOST: Final = 1000
_BETWEEN: Final = (
    "SELECT number FROM requests WHERE starts IS NOT NULL AND datetime(starts) >= datetime(?) "
    "AND datetime(starts) < datetime(?) AND ? IN ('', unit) ORDER BY datetime(starts), number "
    "LIMIT ?"
)


def between(
    connection: sqlite3.Connection, since: datetime, until: datetime, unit: str = ""
) -> tuple[Kept, ...]:
    """List the appointments of a time, by their start, those not wanted any more left out.

    Of one unit, or ("") of all; at most 1000.
    """
    span = (since.astimezone(UTC).isoformat(), until.astimezone(UTC).isoformat())
    rows = connection.execute(_BETWEEN, (*span, unit, MOST)).fetchall()
    found = (requests.required(connection, int(row["number"])) for row in rows)
    return tuple(kept for kept in found if not _cancelled(kept))


def _cancelled(kept: Kept) -> bool:
    closing = kept.request.closing
    return closing is not None and closing.cancelled
