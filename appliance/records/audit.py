"""Who did what, and when: rows that are only ever added, and never hold a number (P7, E20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Noted:
    """One row; `what` is a stable code ("register.import"), `about` what it concerned, in words."""

    at: datetime
    by: str
    what: str
    about: str = ""


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
    return tuple(
        Noted(datetime.fromisoformat(row["at"]), row["by_whom"], row["what"], row["about"])
        for row in rows
    )
