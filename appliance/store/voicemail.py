"""Messages and missed calls: rows, and the entries of what people did about them (P9, E16, E24).

Entries are only added; the state of a message is their sum (policy.voicemail.care_of).
"""

from __future__ import annotations

import enum
import functools
import json
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import NOBODY, CallRecord, Direction, Result
from appliance.errors import StoreError
from appliance.policy.numbering import HOME_PLAN, NumberingPlan, canonical_number, number_tail
from appliance.policy.text import SaidError
from appliance.policy.voicemail import (
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageState,
    MessageStep,
    care_of,
    check_entry,
    standing,
)
from appliance.store import call_log, users
from appliance.store.call_log import (
    call_from_row,
    caller_from_row,
    caller_to_row,
    iso,
    moment,
    to_ms,
)
from appliance.store.database import transaction
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping

    from appliance.store.call_log import Value


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `path` is the sound file below the mailbox, `sha256` that of the whole file.

    `number` is the short number that people use, from the database; `interrupted`: a power cut or
    fault ended the recording; `gap_ms` is lost sound, replaced by silence.
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
    outcome: MessageOutcome | None = None
    closed_by: str = ""
    closed_at: datetime | None = None
    note: str = ""
    # Short enough to be read aloud (schema/001).
    number: int = 0


_MESSAGE_COLUMNS: Final = (
    "id", "call", "path", "law", "length_ms", "sha256", "interrupted", "gap_ms", "received_at",
    "received_ms", "clock_state", "line", "called", "caller_presentation", "caller_number",
    "caller_name", "state", "outcome", "closed_by", "closed_at", "note",
)  # fmt: skip
_INSERT_MESSAGE: Final = (
    f"INSERT INTO messages ({', '.join(_MESSAGE_COLUMNS)}) "  # noqa: S608 - constant names
    f"VALUES (:{', :'.join(_MESSAGE_COLUMNS)}) "
    "ON CONFLICT (id) DO NOTHING"
)
# A call that was open at a restart, and whose message then proves to be whole, was no interrupted
# one. A call whose message was given up, and is found on the disk after all, is one with a message.
_LINK_CALL: Final = """
    UPDATE calls SET message = :id,
        result = CASE
            WHEN result = 'interrupted' AND NOT :interrupted THEN 'message'
            WHEN result = 'not_stored' AND :interrupted THEN 'interrupted'
            WHEN result = 'not_stored' THEN 'message'
            ELSE result END
    WHERE call = :call
"""
# The column knows 'new' and 'closed' alone, as the version before care does: a message that is
# taken is 'new' with `assigned_to` (schema/004).
_STATE: Final = "CASE WHEN state = 'new' AND assigned_to <> '' THEN 'taken' ELSE state END"
"""SQL of a message's state."""


def insert_message(
    connection: sqlite3.Connection, message: Message, record: CallRecord, boot: str
) -> int:
    """Commit a message with its call in one transaction; returns the count of open messages.

    Raises StoreError when the id belongs to another sound.
    """
    # The same message twice is one: a commit with an unknown outcome is simply tried again
    # (reliability.md 4, "Errors").
    #
    # Message and call are one transaction: no message is ever without its caller.
    with transaction(connection):
        call_log.insert_if_new(connection, record, boot)
        connection.execute(_INSERT_MESSAGE, message_to_row(message))
        stored = find_message(connection, message.id)
        if stored is None or stored.sha256 != message.sha256:
            raise StoreError(
                f"message {message.id} is known with another sound: keep both files, tell support"
            )
        connection.execute(
            _LINK_CALL, {"id": message.id, "interrupted": message.interrupted, "call": message.call}
        )
    return count_waiting(connection)


def count_waiting(connection: sqlite3.Connection) -> int:
    """Count the open messages."""
    # 'new' counts messages that somebody has taken, too: they are not closed (schema/004).
    return int(
        connection.execute("SELECT count(*) FROM messages WHERE state = 'new'").fetchone()[0]
    )


def message_ids(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the id of every message in the database."""
    return frozenset(str(row[0]) for row in connection.execute("SELECT id FROM messages"))


def list_messages(
    connection: sqlite3.Connection, state: MessageState | None = None, limit: int = 1000
) -> tuple[Message, ...]:
    """List messages, newest first: all, or those of one state."""
    rows = connection.execute(
        f"SELECT * FROM messages WHERE :state IN ('', {_STATE}) "  # noqa: S608 - constant
        "ORDER BY received_ms DESC, number DESC LIMIT :limit",
        {"state": state or "", "limit": limit},
    )
    return tuple(message_from_row(row) for row in rows)


def open_after(connection: sqlite3.Connection, after: int) -> tuple[Message, ...]:
    """List the open messages above number `after`, oldest first."""
    rows = connection.execute(
        "SELECT * FROM messages WHERE state = 'new' AND number > ? ORDER BY number", (after,)
    )
    return tuple(message_from_row(row) for row in rows)


def find_message(connection: sqlite3.Connection, name: str) -> Message | None:
    """Look a message up by its id or its number ("17")."""
    row = connection.execute(
        "SELECT * FROM messages WHERE id = :name OR CAST(number AS TEXT) = :name "
        "ORDER BY id = :name DESC",
        {"name": name},
    ).fetchone()
    return message_from_row(row) if row else None


def close_message(
    connection: sqlite3.Connection,
    name: str,
    by: str,
    outcome: MessageOutcome,
    at: datetime,
    note: str = "",
) -> Message:
    """Close a message with its outcome (P9) and return it; raises OfficeError.

    A second closing with the same outcome and words changes nothing.
    """
    entry = MessageEntry(at, by, MessageStep.CLOSE, outcome, note)
    add_entry(connection, CaseKind.MESSAGE, name, entry)
    closed = find_message(connection, name)
    assert closed is not None
    return closed


def message_to_row(message: Message) -> dict[str, Value]:
    """Map a message to its columns, without its number: the database gives that."""
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


def message_from_row(row: Mapping[str, object] | sqlite3.Row) -> Message:
    """Make a message of its columns; raises KeyError, IndexError, ValueError."""
    # `row` may be a sidecar, which has neither `number` nor `assigned_to`.
    state = MessageState(str(row["state"]))
    taken_by = str(row["assigned_to"]) if _has_column(row, "assigned_to") else ""
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
        outcome=MessageOutcome(str(row["outcome"])) if row["outcome"] else None,
        closed_by=str(row["closed_by"]),
        closed_at=moment(row["closed_at"]),
        note=str(row["note"]),
        number=int(str(row["number"])) if _has_column(row, "number") else 0,
    )


def _has_column(row: Mapping[str, object] | sqlite3.Row, name: str) -> bool:
    """Tell whether a row has a column; the sidecar of a message has fewer."""
    return name in row.keys()  # noqa: SIM118 - sqlite3.Row iterates values


def _sql_list(results: Iterable[Result]) -> str:
    """Write results as a list of SQL."""
    return ", ".join(f"'{result}'" for result in results)


MISSED_RESULTS: Final = (
    Result.GAVE_UP, Result.NO_MESSAGE, Result.NOT_STORED, Result.LOST, Result.STOPPED,
    Result.INTERRUPTED,
)  # fmt: skip
"""Results of a call whose caller was not served, as far as is known."""
SERVED_RESULTS: Final = (Result.ANSWERED, Result.MESSAGE)
# Code in a call's trail: the caller asked, by a key, to be called back.
CALLBACK_WANTED: Final = "callback_wanted"
# Longest time from a call to a message without a number that may be the same person's (E16).
HINT_WITHIN: Final = timedelta(minutes=10)
# Nobody calls back after a month.
MISSED_DAYS: Final = 30
"""Days back for which missed calls are listed."""
NO_CALL: Final = 0
"""Short number that no call has."""
_MAYBE_MISSED: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND message = '' "  # noqa: S608 - constants
    f"AND (result IN ({_sql_list(MISSED_RESULTS)}) OR instr(trail, '{CALLBACK_WANTED}')) "
    "ORDER BY rang_ms DESC, rowid DESC"
)
"""Candidates for the list of missed calls: `needs_somebody` decides."""
_SERVED: Final = (
    "SELECT rowid, caller_number, rang_ms, rang_at FROM calls "  # noqa: S608 - constants
    "WHERE rang_ms >= ? AND caller_number <> '' "
    f"AND result IN ({_sql_list(SERVED_RESULTS)}) ORDER BY rang_ms, rowid"
)
_CALLS_BY_NUMBER: Final = (
    "SELECT rowid, * FROM calls WHERE rowid IN (SELECT value FROM json_each(?))"
)
_CALLS_BETWEEN: Final = "SELECT * FROM calls WHERE rang_ms BETWEEN ? AND ? ORDER BY rang_ms, rowid"


@dataclass(frozen=True, slots=True)
class MissedCall:
    """A call without a message; `number` is its short number.

    `again` is the caller's next call that was served; `wanted`: the caller asked for a call back.
    """

    number: int
    record: CallRecord
    care: MessageCare = MessageCare()
    again: CallRecord | None = None
    wanted: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether the call awaits a call back: not closed, and the caller not served since."""
        return self.care.state is not MessageState.CLOSED and self.again is None


def missed_calls(
    connection: sqlite3.Connection, since: datetime, plan: NumberingPlan = HOME_PLAN
) -> tuple[MissedCall, ...]:
    """List the missed calls since an instant, newest first; open or not."""
    # The list is asked for every minute: one pass over the calls, and most are not decoded.
    ms = to_ms(since)
    cares = care_by_id(connection, CaseKind.CALL)
    rows = connection.execute(_MAYBE_MISSED, (ms,))
    maybe = ((int(row["rowid"]), call_from_row(row)) for row in rows)
    found = [(number, record) for number, record in maybe if needs_somebody(record)]
    tails = {number_tail(record.caller.number) for _, record in found if record.caller.number}
    served = _ServedCalls(connection, ms, tails, plan)
    # A caller who called again and was answered, or left a message then, is served: the earlier
    # call is not open any more, and is shown with the later one.
    again = {number: served.after(record) for number, record in found}
    later = _calls_by_number(connection, again.values())
    return tuple(
        MissedCall(
            number,
            record,
            cares.get(record.call, MessageCare()),
            later.get(again[number]),
            is_callback_wanted(record),
        )
        for number, record in found
    )


def _calls_by_number(
    connection: sqlite3.Connection, numbers: Iterable[int]
) -> dict[int, CallRecord]:
    """Read calls by their short numbers, in one query; unknown numbers are left out."""
    rows = connection.execute(_CALLS_BY_NUMBER, (json.dumps(sorted(set(numbers))),))
    return {int(row["rowid"]): call_from_row(row) for row in rows}


class _ServedCalls:
    """The served calls since an instant, by caller's number, in the order they rang.

    Numbers that end in none of `tails` are left out: no missed caller has them.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        since_ms: int,
        tails: Collection[str],
        plan: NumberingPlan,
    ) -> None:
        self._canonical = functools.cache(lambda number: canonical_number(number, plan))
        # Grouped by number, so that the work grows with the calls and not with their square: 0.4 s
        # in place of 40 s when each was compared with each (tests/store).
        self._of: dict[str, list[tuple[int, int, str]]] = {}
        """(ms, rowid, ISO time) of each number's calls, ascending."""
        for row in connection.execute(_SERVED, (since_ms,)):
            number = row["caller_number"]
            if number_tail(number) in tails:
                calls = self._of.setdefault(self._canonical(number), [])
                calls.append((row["rang_ms"], row["rowid"], row["rang_at"]))

    def after(self, record: CallRecord) -> int:
        """Find the first later served call from the same number; NO_CALL if there is none."""
        calls = self._of.get(self._canonical(record.caller.number), [])
        ms = to_ms(record.rang_at)
        # Calls of the same millisecond are told apart by their ISO time, which has microseconds.
        for rang_ms, number, rang_at in calls[bisect_left(calls, (ms, 0, "")) :]:
            if rang_ms > ms or datetime.fromisoformat(rang_at) > record.rang_at:
                return number
        return NO_CALL


def needs_somebody(record: CallRecord) -> bool:
    """Tell whether a call is missed: incoming, without a message, not served or to be called back.

    A call with a message is in the list of messages.
    """
    if record.direction is not Direction.IN:
        return False
    # Of a message that could not be stored the caller's number is all there is.
    return not record.message and (record.result in MISSED_RESULTS or is_callback_wanted(record))


def is_callback_wanted(record: CallRecord) -> bool:
    """Tell whether the caller asked for a call back, or left a message that could not be stored."""
    # Below the low-water mark no sound is recorded: the call that asks for a call back is what
    # stays of the message (reliability.md 4, "Disk full").
    return CALLBACK_WANTED in record.trail or record.result is Result.NOT_STORED


def possible_callers(connection: sqlite3.Connection, message: Message) -> tuple[CallRecord, ...]:
    """List the calls that a message without a number may come from, newest first (E16).

    Those are calls of the ten minutes before it, from a shown number, without a message of their
    own. Empty for a message with a number.
    """
    if not has_no_number(message):
        return ()
    span = to_ms(message.received_at - HINT_WITHIN), to_ms(message.received_at)
    rows = connection.execute(_CALLS_BETWEEN, span)
    found = [record for record in map(call_from_row, rows) if _may_be(record, message)]
    return tuple(reversed(found))


def has_no_number(message: Message) -> bool:
    """Tell whether there is no number to call back."""
    return not message.caller.number


def _may_be(record: CallRecord, message: Message) -> bool:
    shown = record.caller.presentation is Presentation.SHOWN
    earlier = record.call != message.call and record.rang_at <= message.received_at
    return bool(shown and earlier and needs_somebody(record))


class CaseKind(enum.StrEnum):
    """Kind of a case: a message, or a call without one."""

    MESSAGE = "message"
    CALL = "call"


_NO_SUCH: Final = {
    CaseKind.MESSAGE: _("there is no message {name}: list them with `centralino messages list`"),
    CaseKind.CALL: _("there is no call {name}: list them with `centralino calls list --missed`"),
}
TAKEN_BACK_MARK: Final = MessageOutcome.NOT_NEEDED.value
"""Outcome, which no note has, of the row that takes a note or an attempt back."""
_INSERT_ENTRY: Final = """
    INSERT INTO care (kind, subject, at, by, step, outcome, note, given_by)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (kind, subject, at, by, step) DO NOTHING
"""
_ENTRIES: Final = "SELECT * FROM care WHERE kind = ? AND subject = ? ORDER BY entry"
_ENTRIES_OF_KIND: Final = "SELECT * FROM care WHERE kind = ? ORDER BY entry"
_CLOSED_BEFORE: Final = """
    SELECT closed_at AS at, closed_by AS by, 'close' AS step, outcome, note, '' AS given_by
    FROM messages
    WHERE id = ? AND state = 'closed'
"""
_BY_NAME: Final = {
    CaseKind.MESSAGE: "SELECT id, number FROM messages "
    "WHERE id = :name OR CAST(number AS TEXT) = :name ORDER BY id = :name DESC",
    CaseKind.CALL: "SELECT call, rowid FROM calls WHERE call = :name OR CAST(rowid AS TEXT) = :name"
    " ORDER BY call = :name DESC",
}
# The message's own columns repeat its entries in short: after a fall-back to the other system slot
# the program before care reads them (schema/004).
_UPDATE_MESSAGE: Final = """
    UPDATE messages SET state = :state, assigned_to = :holder, outcome = :outcome,
        closed_by = :closed_by, closed_at = :closed_at,
        note = CASE WHEN :is_back THEN :note WHEN :note = '' THEN note ELSE :note END,
        heard_by = :heard_by, heard_at = :heard_at
    WHERE id = :id
"""


def add_entry(
    connection: sqlite3.Connection,
    kind: CaseKind,
    name: str,
    entry: MessageEntry,
    zone: tzinfo | None = None,
) -> tuple[int, MessageCare]:
    """Add an entry about a message or call, given by its short number or id.

    Returns its short number and its care; the same entry twice is one. Raises OfficeError for an
    unknown name, or when policy.voicemail.check_entry refuses; `zone` is the site's.
    """

    def person(login: str) -> str:
        return users.shown_name(connection, login)

    # Checking and adding are one transaction: of two people who take the same message at once the
    # second is refused, and told who has it.
    with transaction(connection):
        subject, number = find_case(connection, kind, name)
        entries = _all_entries(connection, kind, subject)
        # An entry that is there is accepted, also if it would now be refused: it is the same one,
        # repeated after an unknown outcome.
        called = f"{kind} {number}"
        if entry not in entries and check_entry(care_of(entries), entry, called, zone, person):
            _insert_entry(connection, kind, subject, entry)
            entries = (*entries, entry)
        care = care_of(entries)
        if kind is CaseKind.MESSAGE:
            connection.execute(_UPDATE_MESSAGE, _care_columns(subject, care, entry))
    return number, care


def find_case(connection: sqlite3.Connection, kind: CaseKind, name: str) -> tuple[str, int]:
    """Return the id and the short number of a message or call; raises OfficeError."""
    row = connection.execute(_BY_NAME[kind], {"name": name}).fetchone()
    if row is None:
        raise SaidError(_NO_SUCH[kind].filled(name=name))
    return str(row[0]), int(row[1])


def list_entries(
    connection: sqlite3.Connection, kind: CaseKind, subject: str
) -> tuple[MessageEntry, ...]:
    """Return the entries about one message or call that hold, oldest first."""
    return standing(_all_entries(connection, kind, subject))


def _all_entries(
    connection: sqlite3.Connection, kind: CaseKind, subject: str
) -> tuple[MessageEntry, ...]:
    """Return all entries, also those that were taken back."""
    entries = tuple(_entry_from_row(row) for row in connection.execute(_ENTRIES, (kind, subject)))
    # A message that an older version closed, after a fall-back to it, has no entry for that: its
    # own columns tell.
    if kind is CaseKind.MESSAGE and care_of(entries).closing is None:
        row = connection.execute(_CLOSED_BEFORE, (subject,)).fetchone()
        return (*entries, _entry_from_row(row)) if row else entries
    return entries


def care_by_id(connection: sqlite3.Connection, kind: CaseKind) -> dict[str, MessageCare]:
    """Return the care of every message or call with an entry, by id."""
    found: dict[str, list[MessageEntry]] = {}
    for row in connection.execute(_ENTRIES_OF_KIND, (kind,)):
        found.setdefault(str(row["subject"]), []).append(_entry_from_row(row))
    return {subject: care_of(entries) for subject, entries in found.items()}


def insert_alerts(
    connection: sqlite3.Connection, kind: CaseKind, ids: Iterable[str], entry: MessageEntry
) -> None:
    """Add the entry of an alert about messages or calls, inside the caller's transaction."""
    for ident in ids:
        _insert_entry(connection, kind, ident, entry)


def _insert_entry(
    connection: sqlite3.Connection, kind: CaseKind, subject: str, entry: MessageEntry
) -> None:
    outcome = entry.outcome.value if entry.outcome else None
    # What is taken back is stored as a note without words, which the program before this one
    # passes over; its outcome tells it from a note whose words were erased.
    if entry.step is MessageStep.TAKE_BACK:
        note, at = MessageStep.NOTE.value, iso(entry.at)
        row = (kind, subject, at, entry.by, note, TAKEN_BACK_MARK, "", "")
        connection.execute(_INSERT_ENTRY, row)
        return
    # A handover is stored as taken by the receiver, with the giver beside it: the program before
    # this one reads it rightly (schema/016).
    step, by, giver = (
        (MessageStep.TAKE, entry.to, entry.by)
        if entry.step is MessageStep.GIVE
        else (entry.step, entry.by, "")
    )
    values = (kind, subject, iso(entry.at), by, step.value, outcome, entry.note, giver)
    connection.execute(_INSERT_ENTRY, values)


def _entry_from_row(row: sqlite3.Row) -> MessageEntry:
    if giver := row["given_by"]:
        at = datetime.fromisoformat(row["at"])
        return MessageEntry(at, giver, MessageStep.GIVE, note=row["note"], to=row["by"])
    if row["step"] == MessageStep.NOTE and row["outcome"]:
        return MessageEntry(datetime.fromisoformat(row["at"]), row["by"], MessageStep.TAKE_BACK)
    return MessageEntry(
        datetime.fromisoformat(row["at"]),
        row["by"],
        MessageStep(row["step"]),
        MessageOutcome(row["outcome"]) if row["outcome"] else None,
        row["note"],
    )


def _care_columns(subject: str, care: MessageCare, entry: MessageEntry) -> dict[str, object]:
    closing = care.closing
    heard_by, heard_at = care.heard[0] if care.heard else ("", None)
    notes, is_back = care.notes, entry.step is MessageStep.TAKE_BACK
    return {
        "id": subject,
        "state": "closed" if closing else "new",
        "holder": care.holder,
        "outcome": closing.outcome if closing else None,
        "closed_by": closing.by if closing else "",
        "closed_at": iso(closing.at) if closing else None,
        "note": notes[-1].note if is_back and notes else entry.note,
        "is_back": is_back,
        "heard_by": heard_by,
        "heard_at": iso(heard_at),
    }
