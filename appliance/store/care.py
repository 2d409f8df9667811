"""What was done about messages and missed calls, in the database: entries only added (P9, E16).

Checking and adding are one transaction: of two people who take the same message at once the second
is refused, and told who has it.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.policy.text import SaidError, Words
from appliance.policy.voicemail import (
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageStep,
    care_of,
    check_entry,
)
from appliance.store.call_log import iso
from appliance.store.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable


class Kind(enum.StrEnum):
    """What is dealt with."""

    MESSAGE = "message"
    CALL = "call"  # one that left no message


_NONE: Final = {
    Kind.MESSAGE: "Non c'è il messaggio {}",
    Kind.CALL: "Non c'è la chiamata {}",
}
_INSERT: Final = """
    INSERT INTO care (kind, subject, at, by, step, outcome, note, given_by)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (kind, subject, at, by, step) DO NOTHING
"""
_OF: Final = "SELECT * FROM care WHERE kind = ? AND subject = ? ORDER BY entry"
_OF_KIND: Final = "SELECT * FROM care WHERE kind = ? ORDER BY entry"
_CLOSED: Final = """
    SELECT closed_at AS at, closed_by AS by, 'close' AS step, outcome, note, '' AS given_by
    FROM messages
    WHERE id = ? AND state = 'closed'
"""
_BY_NAME: Final = {
    Kind.MESSAGE: "SELECT id, number FROM messages WHERE id = :name OR CAST(number AS TEXT) = :name"
    " ORDER BY id = :name DESC",
    Kind.CALL: "SELECT call, rowid FROM calls WHERE call = :name OR CAST(rowid AS TEXT) = :name"
    " ORDER BY call = :name DESC",
}
_SHORT: Final = """
    UPDATE messages SET state = :state, assigned_to = :holder, outcome = :outcome,
        closed_by = :closed_by, closed_at = :closed_at,
        note = CASE :note WHEN '' THEN note ELSE :note END,
        heard_by = :heard_by, heard_at = :heard_at
    WHERE id = :id
"""
"""The message's own columns, as the programme before this one reads them."""


def add(
    connection: sqlite3.Connection, kind: Kind, name: str, entry: MessageEntry
) -> tuple[int, MessageCare]:
    """Add an entry about a message or call (its short number or id).

    Returns its number and how it stands now; the same entry twice is one. Raises OfficeError
    when there is none of that name, or where policy.messages refuses.
    """
    with transaction(connection):
        subject, number = find(connection, kind, name)
        entries = history(connection, kind, subject)
        if entry not in entries and check_entry(care_of(entries), entry, f"{kind} {number}"):
            _insert(connection, kind, subject, entry)
            entries = (*entries, entry)
        care = care_of(entries)
        if kind is Kind.MESSAGE:
            connection.execute(_SHORT, _short(subject, care, entry))
    return number, care


def find(connection: sqlite3.Connection, kind: Kind, name: str) -> tuple[str, int]:
    """Return the id and the short number of a message or call; raises OfficeError."""
    row = connection.execute(_BY_NAME[kind], {"name": name}).fetchone()
    if row is None:
        where = "centralino messages" if kind is Kind.MESSAGE else "centralino calls --missed"
        raise SaidError(
            Words(
                f"{_NONE[kind].format(name)}: guardare nell'elenco.",
                f"there is no {kind} {name}: list them with `{where}`",
            )
        )
    return str(row[0]), int(row[1])


def history(connection: sqlite3.Connection, kind: Kind, subject: str) -> tuple[MessageEntry, ...]:
    """Return what was done about one message or call, oldest first.

    What the programme before this one closed, after a fall-back to it, stands in the message alone.
    """
    entries = tuple(_entry(row) for row in connection.execute(_OF, (kind, subject)))
    if kind is Kind.MESSAGE and care_of(entries).closing is None:
        row = connection.execute(_CLOSED, (subject,)).fetchone()
        return (*entries, _entry(row)) if row else entries
    return entries


def cares(connection: sqlite3.Connection, kind: Kind) -> dict[str, MessageCare]:
    """Return how all stand about which anything was done, by id."""
    found: dict[str, list[MessageEntry]] = {}
    for row in connection.execute(_OF_KIND, (kind,)):
        found.setdefault(str(row["subject"]), []).append(_entry(row))
    return {subject: care_of(entries) for subject, entries in found.items()}


def note_alert(
    connection: sqlite3.Connection, kind: Kind, ids: Iterable[str], entry: MessageEntry
) -> None:
    """Keep that desk and head were told of messages or calls; in the caller's transaction."""
    for ident in ids:
        _insert(connection, kind, ident, entry)


def _insert(connection: sqlite3.Connection, kind: Kind, subject: str, entry: MessageEntry) -> None:
    outcome = entry.outcome.value if entry.outcome else None
    step, by, giver = (
        (MessageStep.TAKE, entry.to, entry.by)
        if entry.step is MessageStep.GIVE
        else (entry.step, entry.by, "")
    )
    values = (kind, subject, iso(entry.at), by, step.value, outcome, entry.note, giver)
    connection.execute(_INSERT, values)


def _entry(row: sqlite3.Row) -> MessageEntry:
    if giver := row["given_by"]:
        at = datetime.fromisoformat(row["at"])
        return MessageEntry(at, giver, MessageStep.GIVE, note=row["note"], to=row["by"])
    return MessageEntry(
        datetime.fromisoformat(row["at"]),
        row["by"],
        MessageStep(row["step"]),
        MessageOutcome(row["outcome"]) if row["outcome"] else None,
        row["note"],
    )


def _short(subject: str, care: MessageCare, entry: MessageEntry) -> dict[str, object]:
    closing = care.closing
    heard_by, heard_at = care.heard[0] if care.heard else ("", None)
    return {
        "id": subject,
        "state": "closed" if closing else "new",
        "holder": care.holder,
        "outcome": closing.outcome if closing else None,
        "closed_by": closing.by if closing else "",
        "closed_at": iso(closing.at) if closing else None,
        "note": entry.note,
        "heard_by": heard_by,
        "heard_at": iso(heard_at),
    }
