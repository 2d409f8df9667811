"""Messages as the front desk sees them: waiting until somebody closes them with an outcome (P9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.calls.events import Caller
from appliance.calls.orders import NOBODY, CallRecord
from appliance.errors import StoreError
from appliance.policy.messages import Entry, MessageState, Outcome, Step
from appliance.records import call_log, care
from appliance.records.call_log import caller_from_row, caller_to_row, iso, moment, to_ms
from appliance.records.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from appliance.records.call_log import Value


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `path` is the sound file below the mailbox, `sha256` that of the whole file.

    `number` is the short one people use, given by the database; `interrupted` marks a message
    closed by a power cut or fault; `gap_ms` is sound lost on the way.
    """

    id: str
    call: str
    path: str
    law: str
    length_ms: int
    sha256: str
    received_at: datetime
    clock_state: str = "synced"
    line: str = ""
    caller: Caller = NOBODY
    called: str = ""
    interrupted: bool = False
    gap_ms: int = 0
    state: MessageState = MessageState.NEW
    taken_by: str = ""
    outcome: Outcome | None = None
    closed_by: str = ""
    closed_at: datetime | None = None
    note: str = ""
    number: int = 0


_COLUMNS: Final = (
    "id", "call", "path", "law", "length_ms", "sha256", "interrupted", "gap_ms", "received_at",
    "received_ms", "clock_state", "line", "called", "caller_presentation", "caller_number",
    "caller_name", "state", "outcome", "closed_by", "closed_at", "note",
)  # fmt: skip
_INSERT: Final = (
    f"INSERT INTO messages ({', '.join(_COLUMNS)}) VALUES (:{', :'.join(_COLUMNS)}) "  # noqa: S608 - constant names
    "ON CONFLICT (id) DO NOTHING"
)
_LINK: Final = """
    UPDATE calls SET message = :id,
        result = CASE
            WHEN result = 'interrupted' AND NOT :interrupted THEN 'message'
            WHEN result = 'not_stored' AND :interrupted THEN 'interrupted'
            WHEN result = 'not_stored' THEN 'message'
            ELSE result END
    WHERE call = :call
"""
"""A call found open at a restart whose message then turns out whole was no interrupted one; one
whose message was given up, and is found on the disk after all, is none that was not stored."""
_STATE: Final = "CASE WHEN state = 'new' AND assigned_to <> '' THEN 'taken' ELSE state END"
"""The state, of which the schema's own column knows two (schema: care)."""


def insert(connection: sqlite3.Connection, message: Message, record: CallRecord, boot: str) -> int:
    """Commit a message with its call in one transaction; returns how many messages wait.

    The same message twice is one message, so that an unknown outcome may simply be tried again.
    Raises StoreError when its id stands for another sound.
    """
    with transaction(connection):
        call_log.insert_if_new(connection, record, boot)
        connection.execute(_INSERT, to_row(message))
        stored = find(connection, message.id)
        if stored is None or stored.sha256 != message.sha256:
            raise StoreError(
                f"message {message.id} is known with another sound: keep both files, tell support"
            )
        connection.execute(
            _LINK, {"id": message.id, "interrupted": message.interrupted, "call": message.call}
        )
    return waiting(connection)


def waiting(connection: sqlite3.Connection) -> int:
    """Count the messages nobody has closed."""
    return int(
        connection.execute("SELECT count(*) FROM messages WHERE state = 'new'").fetchone()[0]
    )


def ids(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the id of every message known."""
    return frozenset(str(row[0]) for row in connection.execute("SELECT id FROM messages"))


def messages(
    connection: sqlite3.Connection, state: MessageState | None = None, limit: int = 1000
) -> tuple[Message, ...]:
    """List messages, newest first: all, or those of one state."""
    rows = connection.execute(
        f"SELECT * FROM messages WHERE :state IN ('', {_STATE}) "  # noqa: S608 - constant
        "ORDER BY received_ms DESC, number DESC LIMIT :limit",
        {"state": state or "", "limit": limit},
    )
    return tuple(from_row(row) for row in rows)


def open_after(connection: sqlite3.Connection, after: int) -> tuple[Message, ...]:
    """List the messages above number `after` that nobody closed, oldest first."""
    rows = connection.execute(
        "SELECT * FROM messages WHERE state = 'new' AND number > ? ORDER BY number", (after,)
    )
    return tuple(from_row(row) for row in rows)


def find(connection: sqlite3.Connection, name: str) -> Message | None:
    """Look a message up by its id or its number ("17")."""
    row = connection.execute(
        "SELECT * FROM messages WHERE id = :name OR CAST(number AS TEXT) = :name "
        "ORDER BY id = :name DESC",
        {"name": name},
    ).fetchone()
    return from_row(row) if row else None


def close(
    connection: sqlite3.Connection,
    name: str,
    by: str,
    outcome: Outcome,
    at: datetime,
    note: str = "",
) -> Message:
    """Close a message with its outcome (P9) and return it; raises OfficeError.

    Closing it twice in the same words changes nothing: the first time stands.
    """
    entry = Entry(at, by, Step.CLOSE, outcome, note)
    care.add(connection, care.Kind.MESSAGE, name, entry)
    closed = find(connection, name)
    assert closed is not None
    return closed


def to_row(message: Message) -> dict[str, Value]:
    """Spread a message over its columns (its number is the database's)."""
    return {
        "id": message.id,
        "call": message.call,
        "path": message.path,
        "law": message.law,
        "length_ms": message.length_ms,
        "sha256": message.sha256,
        "interrupted": int(message.interrupted),
        "gap_ms": message.gap_ms,
        "received_at": message.received_at.isoformat(),
        "received_ms": to_ms(message.received_at),
        "clock_state": message.clock_state,
        "line": message.line,
        "called": message.called,
        **caller_to_row(message.caller),
        "state": "closed" if message.state is MessageState.CLOSED else "new",
        "outcome": message.outcome.value if message.outcome else None,
        "closed_by": message.closed_by,
        "closed_at": iso(message.closed_at),
        "note": message.note,
    }


def from_row(row: Mapping[str, object] | sqlite3.Row) -> Message:
    """Gather a message from its columns; raises KeyError, IndexError, ValueError."""
    state = MessageState(str(row["state"]))
    taken_by = str(row["assigned_to"]) if _has(row, "assigned_to") else ""
    return Message(
        id=str(row["id"]),
        call=str(row["call"]),
        path=str(row["path"]),
        law=str(row["law"]),
        length_ms=int(str(row["length_ms"])),
        sha256=str(row["sha256"]),
        received_at=datetime.fromisoformat(str(row["received_at"])),
        clock_state=str(row["clock_state"]),
        line=str(row["line"]),
        caller=caller_from_row(row),
        called=str(row["called"]),
        interrupted=bool(row["interrupted"]),
        gap_ms=int(str(row["gap_ms"])),
        state=MessageState.TAKEN if taken_by and not row["outcome"] else state,
        taken_by=taken_by,
        outcome=Outcome(str(row["outcome"])) if row["outcome"] else None,
        closed_by=str(row["closed_by"]),
        closed_at=moment(row["closed_at"]),
        note=str(row["note"]),
        number=int(str(row["number"])) if _has(row, "number") else 0,
    )


def _has(row: Mapping[str, object] | sqlite3.Row, name: str) -> bool:
    """Tell whether a row has a column: a message's description beside its sound has fewer."""
    return name in row.keys()  # noqa: SIM118 - sqlite3.Row iterates values
