"""What somebody has half typed, until it is saved or left, for a day at most (E18)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.records.database import transaction

if TYPE_CHECKING:
    import sqlite3

KEPT: Final = timedelta(days=1)
"""Who has not come back to it by then types anew: it holds what citizens have said."""
MOST: Final = 5
"""Drafts of one user; one more takes the place of the oldest."""
_KEEP: Final = """
    INSERT INTO drafts (user, place, body, kept_at) VALUES (:user, :place, :body, :at)
    ON CONFLICT (user, place) DO UPDATE SET body = :body, kept_at = :at
"""
_FEWER: Final = """
    DELETE FROM drafts WHERE user = :user AND place NOT IN (
        SELECT place FROM drafts WHERE user = :user ORDER BY julianday(kept_at) DESC LIMIT :most
    )
"""


def keep(connection: sqlite3.Connection, user: str, place: str, body: str, at: datetime) -> None:
    """Keep what a user has typed in a place, in the stead of what was there; "" forgets it."""
    with transaction(connection):
        if not body:
            values = (user, place)
            connection.execute("DELETE FROM drafts WHERE user = ? AND place = ?", values)
            return
        row = {"user": user, "place": place, "body": body, "at": at.isoformat(), "most": MOST}
        connection.execute(_KEEP, row)
        connection.execute(_FEWER, row)


def find(connection: sqlite3.Connection, user: str, place: str, now: datetime) -> str:
    """Return what a user has typed in a place within the last day, "" for nothing."""
    row = connection.execute(
        "SELECT body FROM drafts WHERE user = ? AND place = ? "
        "AND julianday(kept_at) > julianday(?)",
        (user, place, (now - KEPT).isoformat()),
    ).fetchone()
    return str(row[0]) if row else ""


def forget_old(connection: sqlite3.Connection, now: datetime) -> None:
    """Erase what is older than a day; what never was is not written about."""
    before = ((now - KEPT).isoformat(),)
    old = "julianday(kept_at) <= julianday(?)"
    if connection.execute(f"SELECT 1 FROM drafts WHERE {old} LIMIT 1", before).fetchone():  # noqa: S608 - constant
        connection.execute(f"DELETE FROM drafts WHERE {old}", before)  # noqa: S608 - constant
