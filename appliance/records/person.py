"""All that is kept of one caller, as values that can be handed over; audited, never whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from appliance.records import audit
from appliance.records.audit import Noted
from appliance.records.database import transaction
from appliance.records.erasure_found import Chosen, Found, find

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from appliance.policy.same_number import SameNumber

EXPORTED: Final = "export"
"""The code in the audit."""
Rows = list[dict[str, Any]]


def exported(
    connection: sqlite3.Connection, number: SameNumber, by: str, at: datetime
) -> dict[str, Rows]:
    """Return the rows by kind; recordings stay where they are. Raises sqlite3.Error."""
    found = find(connection, Chosen(number))
    rows = kept_of(connection, found)
    with transaction(connection):
        counted = ", ".join(f"{len(some)} {kind}" for kind, some in rows.items())
        audit.note(connection, Noted(at, by, EXPORTED, counted))
    return rows


def kept_of(connection: sqlite3.Connection, found: Found) -> dict[str, Rows]:
    """Return the rows of what was found, as they are kept."""
    ids = [*found.calls, *found.messages]
    return {
        "calls": _rows(connection, "calls", "call", found.calls),
        "messages": _rows(connection, "messages", "id", found.messages),
        "notes": _rows(connection, "care", "subject", ids),
        "requests": _rows(connection, "requests", "number", found.requests),
        "steps": _rows(connection, "request_steps", "request", found.requests),
        "mails": _rows(connection, "outbox", "number", found.mails),
    }


def _rows(
    connection: sqlite3.Connection, table: str, column: str, wanted: tuple[Any, ...] | list[str]
) -> Rows:
    query = f"SELECT * FROM {table} WHERE {column} = ?"  # noqa: S608 - constant names
    return [dict(row) for each in wanted for row in connection.execute(query, (each,))]
