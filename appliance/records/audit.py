"""Who did what, and when: rows that are only ever added, and never hold a number (P7, E20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Noted:
    """One row; `what` is a stable code ("register.import"), `about` what it concerned, in words.

    `corrected` is true where `at` was put right once the clock was known.
    """

    at: datetime
    by: str
    what: str
    about: str = ""
    corrected: bool = False


def note(connection: sqlite3.Connection, noted: Noted) -> None:
    """Add a row, inside the caller's transaction; raises sqlite3.Error."""
    connection.execute(
        "INSERT INTO audit (at, by_whom, what, about) VALUES (?, ?, ?, ?)",
        (noted.at.isoformat(), noted.by, noted.what, noted.about),
    )


def latest(connection: sqlite3.Connection, prefix: str = "", most: int = 100) -> tuple[Noted, ...]:
    """Return the last rows whose code begins so, newest first."""
    rows = connection.execute(
        "SELECT * FROM audit WHERE substr(what, 1, ?) = ? ORDER BY number DESC LIMIT ?",
        (len(prefix), prefix, most),
    )
    return tuple(_noted(row) for row in rows)


def between(
    connection: sqlite3.Connection, since: datetime, until: datetime, by: str = "", most: int = 500
) -> tuple[Noted, ...]:
    """Return the rows of a time, `until` not included, newest first, of one person where named."""
    rows = connection.execute(
        "SELECT * FROM audit WHERE datetime(coalesce(corrected_at, at)) >= datetime(?) "
        "AND datetime(coalesce(corrected_at, at)) < datetime(?) "
        "AND (?3 = '' OR by_whom = ?3) ORDER BY number DESC LIMIT ?4",
        (since.astimezone(UTC).isoformat(), until.astimezone(UTC).isoformat(), by, most),
    )
    return tuple(_noted(row) for row in rows)


def who(connection: sqlite3.Connection) -> tuple[str, ...]:
    """List everybody who ever did something."""
    rows = connection.execute("SELECT DISTINCT by_whom FROM audit ORDER BY by_whom")
    return tuple(str(row[0]) for row in rows)


def _noted(row: sqlite3.Row) -> Noted:
    at = datetime.fromisoformat(row["corrected_at"] or row["at"])
    return Noted(at, row["by_whom"], row["what"], row["about"], row["corrected_at"] is not None)
