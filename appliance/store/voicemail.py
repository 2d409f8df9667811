"""Messages and missed calls: rows, lists, follow-up."""

from __future__ import annotations

import functools
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import TYPE_CHECKING, Final

from appliance.calls.events import Caller, Evidence, Presentation
from appliance.calls.orders import NOBODY, CallRecord, Direction, Result
from appliance.calls.status import Names, transfers_of
from appliance.errors import StoreError
from appliance.policy.hours import moment_words
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.numbering import (
    HOME_PLAN,
    NumberingPlan,
    are_same_number,
    canonical_number,
    is_number_like,
    number_tail,
)
from appliance.policy.text import Words, in_language
from appliance.policy.voicemail import (
    CallAlerts,
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageState,
    MessageStep,
    due_alerts,
    due_call_alerts,
    is_digest_time,
    is_late,
    looked_at,
)
from appliance.store import call_log, care, requests
from appliance.store.call_log import (
    call_from_row,
    call_to_row,
    caller_from_row,
    caller_to_row,
    iso,
    moment,
    to_ms,
)
from appliance.store.care import Kind
from appliance.store.database import transaction
from appliance.store.requests import tell_overdue

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection
    from datetime import date

    from appliance.policy.hours import Schedule
    from appliance.policy.requests import Request
    from appliance.store.call_log import Value


# ---- calls shown -------------------------------------------------------------------------------
# Calls as a page shows them: those of a day, those of a number, and all that is kept of one.

MOST: Final = 500
COMMON: Final = 2
"""So many last digits of what was typed stand in every number that it finds, however written."""
_ONE: Final = "SELECT rowid, * FROM calls WHERE call = ?"
_OF_DAY: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND rang_ms < ? "
    "ORDER BY rang_ms DESC, rowid DESC LIMIT ?"
)
_LIKE: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND caller_number LIKE ? "
    "AND caller_number <> '' ORDER BY rang_ms DESC, rowid DESC"
)
_REQUESTS: Final = "SELECT number FROM requests WHERE call = ? ORDER BY number"
_MESSAGE: Final = "SELECT number FROM messages WHERE call = ?"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A call with its short number."""

    number: int
    record: CallRecord


@dataclass(frozen=True, slots=True)
class About:
    """All that is kept of one call; `back` are the calls back, newest first.

    `message` is the number of the message that it left, 0 for none; `entries` what was done and
    noted, oldest first.
    """

    one: Numbered
    entries: tuple[MessageEntry, ...]
    requests: tuple[Request, ...]
    message: int
    back: tuple[CallRecord, ...]


def of_day(
    connection: sqlite3.Connection, since: datetime, until: datetime, most: int = MOST
) -> tuple[Numbered, ...]:
    """List the calls that rang or were dialled in a time, newest first."""
    return _numbered(connection.execute(_OF_DAY, (to_ms(since), to_ms(until), most)))


def of_number(
    connection: sqlite3.Connection,
    number: str,
    since: datetime,
    plan: NumberingPlan = HOME_PLAN,
    most: int = MOST,
) -> tuple[Numbered, ...]:
    """List the calls from and to a number since an instant, however it was sent; newest first.

    Part of a number finds all that begin or end with it (see policy.same_number.is_like).
    """
    ends = number_tail(number)[-COMMON:]
    rows = connection.execute(_LIKE, (to_ms(since), f"%{ends}%"))
    same = (row for row in rows if is_number_like(str(row["caller_number"]), number, plan))
    return _numbered(islice(same, most))


def about(connection: sqlite3.Connection, call: str) -> About | None:
    """Gather all that is kept of a call; None where there is no such call."""
    row = connection.execute(_ONE, (call,)).fetchone()
    if row is None:
        return None
    message = connection.execute(_MESSAGE, (call,)).fetchone()
    numbers = [int(found["number"]) for found in connection.execute(_REQUESTS, (call,))]
    return About(
        Numbered(int(row["rowid"]), call_from_row(row)),
        care.history(connection, care.Kind.CALL, call),
        tuple(requests.required_request(connection, number).request for number in numbers),
        int(message["number"]) if message else 0,
        call_log.called_back(connection, (f"call:{call}",)).get(f"call:{call}", ()),
    )


def _numbered(rows: Iterable[sqlite3.Row]) -> tuple[Numbered, ...]:
    return tuple(Numbered(int(row["rowid"]), call_from_row(row)) for row in rows)


# ---- listing -----------------------------------------------------------------------------------
# What `centralino calls` shows: each call in one line, and by what its end was noticed (B1).

Back = Mapping[str, Sequence[CallRecord]]
"""Calls that were placed for a case ("call:ID"), newest first."""

RESULTS: Final[Mapping[Result, Words]] = {
    Result.OPEN: Words("in corso", "going on"),
    Result.ANSWERED: Words("risposta", "answered"),
    Result.MESSAGE: Words("messaggio", "message"),
    Result.NO_MESSAGE: Words("senza messaggio", "no message"),
    Result.INFORMED: Words("ha sentito una scheda", "heard a sheet"),
    Result.GAVE_UP: Words("ha rinunciato", "gave up"),
    Result.NOT_STORED: Words("messaggio non registrato", "message not stored"),
    Result.FAX: Words("fax", "fax"),
    Result.TAKEN: Words("presa da un altro apparecchio", "taken by another telephone"),
    Result.NOT_REACHED: Words("non raggiunto", "not reached"),
    Result.REFUSED: Words("numero non consentito", "number not allowed"),
    Result.LOST: Words("linea persa", "line lost"),
    Result.STOPPED: Words("apparecchio fermato", "box stopped"),
    Result.INTERRUPTED: Words("interrotta", "interrupted"),
}
"""How a call ended, in the front desk's words."""

EVIDENCES: Final[Mapping[Evidence, Words]] = {
    Evidence.GAVE_UP: Words("non squillava più", "the ringing stopped"),
    Evidence.BUSY_TONE: Words("tono di occupato", "busy tone"),
    Evidence.CONGESTION_TONE: Words("tono di congestione", "congestion tone"),
    Evidence.DIAL_TONE: Words("tono di centrale", "dial tone"),
    Evidence.CHIP_BUSY: Words("occupato, dal modem", "busy, told by the modem"),
    Evidence.CHIP_DIAL: Words("tono di centrale, dal modem", "dial tone, told by the modem"),
    Evidence.LOOP: Words("corrente di linea interrotta", "the line's current was interrupted"),
    Evidence.PARALLEL_PHONE: Words("altro apparecchio sollevato", "another telephone was lifted"),
    Evidence.SILENCE: Words("silenzio", "silence"),
    Evidence.LIMIT: Words("durata massima", "longest duration"),
    Evidence.FAX: Words("segnale di fax", "fax tone"),
    Evidence.EMERGENCY: Words(
        "linea liberata per un'emergenza", "the line was freed for an emergency"
    ),
    Evidence.SIGNALLED: Words("detto dall'altra sede", "told by the other branch"),
    Evidence.OPERATOR: Words("ha chiuso l'operatore", "the operator hung up"),
    Evidence.OWN: Words("ha chiuso il centralino", "the box hung up"),
    Evidence.LOST: Words("linea persa", "the line was lost"),
    Evidence.STOPPED: Words("apparecchio fermato", "the box was stopped"),
}
"""By what the end of a call was noticed."""

_ABSENT: Final[Mapping[Presentation, Words]] = {
    Presentation.WITHHELD: Words("numero riservato", "number withheld"),
    Presentation.UNAVAILABLE: Words("numero non disponibile", "number unavailable"),
    Presentation.UNKNOWN: Words("numero sconosciuto", "number unknown"),
}
_ERASED: Final = Words("numero cancellato", "number erased")
"""What is shown of a caller past the time for which numbers are kept (retention.py)."""
_NONE: Final = Words("Nessuna chiamata.", "No calls.")
_TO: Final = Words("a", "to")
_BACK: Final = Words("richiamato alle {at} ({result})", "called back at {at} ({result})")
_CALLED: Final = Words("Chiamato", "Called")
_UNKNOWN: Final = Words("non noto", "not known")
_SHEETS: Final = Words("Schede", "Sheets")
_TRANSFERS: Final = Words("Trasferimenti", "Transfers")
_HEADER: Final = Words(
    "Ricevuta|Linea|Utente|Telefono|Esito|Fine", "Received|Line|Caller|Phone|Result|End"
)


def calls_as_json(found: Iterable[CallRecord]) -> str:
    """Write calls for programmes: the columns of the call log, the trail as a list."""
    rows = [
        {**call_to_row(record), "trail": list(record.trail), "sheets": list(record.sheets)}
        for record in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_text(
    found: Iterable[CallRecord],
    language: str,
    zone: tzinfo,
    back: Back | None = None,
    names: Names | None = None,
) -> str:
    """Write calls for people, one a line, in columns; `back` are the calls placed for each case.

    The number called has a column where several were (P1), the sheets where one was used (P2), and
    transfers with their returns where there was one (P3, P6); `names` are those of the offices.
    """
    records = tuple(found)
    rows = [_row(record, language, zone, back or {}) for record in records]
    rows = [one_call(_HEADER, language).split("|"), *rows]
    if not records:
        return one_call(_NONE, language)
    if len({record.called for record in records if record.direction is Direction.IN}) > 1:
        numbers = (one_call(_CALLED, language), *(_called(record, language) for record in records))
        rows = [[*row[:2], number, *row[2:]] for row, number in zip(rows, numbers, strict=True)]
    if any(record.sheets for record in records):
        sheets = (one_call(_SHEETS, language), *(" ".join(record.sheets) for record in records))
        rows = [[*row, codes] for row, codes in zip(rows, sheets, strict=True)]
    moves = [transfers_of(record, names or {}) for record in records]
    if any(moves):
        said = ("; ".join(one_call(words, language) for words in each) for each in moves)
        heads = (one_call(_TRANSFERS, language), *said)
        rows = [[*row, cell] for row, cell in zip(rows, heads, strict=True)]
    return call_columns(rows)


def _called(record: CallRecord, language: str) -> str:
    """Return the public number called, in words where it is not known, "" for a call out."""
    if record.direction is not Direction.IN:
        return ""
    return record.called or one_call(_UNKNOWN, language)


def call_columns(rows: list[list[str]]) -> str:
    """Write rows of cells, each column as wide as its widest cell."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def end_words(record: CallRecord, language: str) -> str:
    """Say by what the end was noticed, and how long that took from its first sign."""
    if record.evidence is None:
        return ""
    words = one_call(EVIDENCES[record.evidence], language)
    return f"{words}, {record.release_ms / 1000:.1f} s" if record.release_ms else words


def one_call(words: Words, language: str) -> str:
    """Return a text in one language."""
    return in_language(words, language)


def _row(record: CallRecord, language: str, zone: tzinfo, back: Back) -> list[str]:
    calls = back.get(f"call:{record.call}")
    ended = (end_words(record, language), back_words(calls, language, zone))
    return [
        moment_words(record.rang_at.astimezone(zone), language),
        record.line,
        _outside(record, language),
        record.phone,
        one_call(RESULTS[record.result], language),
        "; ".join(filter(None, ended)),
    ]


def _outside(record: CallRecord, language: str) -> str:
    """Say who called, or "to" whom the office did; an office's number is its unit's name (P7)."""
    if record.direction is Direction.IN:
        return caller_words(record.caller, language)
    caller = record.caller
    return f"{one_call(_TO, language)} {' '.join(filter(None, (caller.number, caller.name)))}"


def back_words(calls: Sequence[CallRecord] | None, language: str, zone: tzinfo) -> str:
    """Say when somebody was last called back and how that went, "" when nobody was (E17)."""
    if not calls:
        return ""
    last = calls[0]
    result = one_call(RESULTS[last.result], language)
    return one_call(_BACK, language).format(
        at=f"{last.rang_at.astimezone(zone):%H:%M}", result=result
    )


def caller_words(caller: Caller, language: str) -> str:
    """Say who called: number and name, or in words why there is none."""
    if caller.presentation is Presentation.SHOWN:
        shown = " ".join(filter(None, (caller.number, caller.name)))
        return shown or one_call(_ERASED, language)
    return one_call(_ABSENT[caller.presentation], language)


# ---- messages ----------------------------------------------------------------------------------
# Messages as the front desk sees them: waiting until somebody closes them with an outcome (P9).


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
    outcome: MessageOutcome | None = None
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
        connection.execute(_INSERT, message_to_row(message))
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
    """List the messages above number `after` that nobody closed, oldest first."""
    rows = connection.execute(
        "SELECT * FROM messages WHERE state = 'new' AND number > ? ORDER BY number", (after,)
    )
    return tuple(message_from_row(row) for row in rows)


def find(connection: sqlite3.Connection, name: str) -> Message | None:
    """Look a message up by its id or its number ("17")."""
    row = connection.execute(
        "SELECT * FROM messages WHERE id = :name OR CAST(number AS TEXT) = :name "
        "ORDER BY id = :name DESC",
        {"name": name},
    ).fetchone()
    return message_from_row(row) if row else None


def close(
    connection: sqlite3.Connection,
    name: str,
    by: str,
    outcome: MessageOutcome,
    at: datetime,
    note: str = "",
) -> Message:
    """Close a message with its outcome (P9) and return it; raises OfficeError.

    Closing it twice in the same words changes nothing: the first time stands.
    """
    entry = MessageEntry(at, by, MessageStep.CLOSE, outcome, note)
    care.add(connection, care.Kind.MESSAGE, name, entry)
    closed = find(connection, name)
    assert closed is not None
    return closed


def message_to_row(message: Message) -> dict[str, Value]:
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


def message_from_row(row: Mapping[str, object] | sqlite3.Row) -> Message:
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
        outcome=MessageOutcome(str(row["outcome"])) if row["outcome"] else None,
        closed_by=str(row["closed_by"]),
        closed_at=moment(row["closed_at"]),
        note=str(row["note"]),
        number=int(str(row["number"])) if _has(row, "number") else 0,
    )


def _has(row: Mapping[str, object] | sqlite3.Row, name: str) -> bool:
    """Tell whether a row has a column: a message's description beside its sound has fewer."""
    return name in row.keys()  # noqa: SIM118 - sqlite3.Row iterates values


# ---- missed ------------------------------------------------------------------------------------
# Calls that left no message, and interrupted ones: a list with the states of messages (E18, E24).
#
# Whoever called again and was answered, or left a message then, is served: the earlier call needs
# nobody any more, and is shown with the later one.


def _names(results: Iterable[Result]) -> str:
    """Write results as a list of SQL."""
    return ", ".join(f"'{result}'" for result in results)


MISSED: Final = (
    Result.GAVE_UP, Result.NO_MESSAGE, Result.NOT_STORED, Result.LOST, Result.STOPPED,
    Result.INTERRUPTED,
)  # fmt: skip
"""How a call ends whose caller was not served to the end, for all that is known."""
SERVED: Final = (Result.ANSWERED, Result.MESSAGE)
CALLBACK_WANTED: Final = "callback_wanted"
"""In the trail of a call: the caller asked, by a key, to be called back."""
HINT_WITHIN: Final = timedelta(minutes=10)
"""A call so long before a message without a number may be the same person's (E16)."""
DAYS: Final = 30
"""How far back missed calls are listed: nobody calls back after a month."""
NONE: Final = 0
"""The short number of no call."""
_MAYBE: Final = (
    "SELECT rowid, * FROM calls WHERE rang_ms >= ? AND message = '' "  # noqa: S608 - constants
    f"AND (result IN ({_names(MISSED)}) OR instr(trail, '{CALLBACK_WANTED}')) "
    "ORDER BY rang_ms DESC, rowid DESC"
)
"""What may be in the list: `needs_somebody` decides."""
_SERVED: Final = (
    "SELECT rowid, caller_number, rang_ms, rang_at FROM calls "  # noqa: S608 - constants
    "WHERE rang_ms >= ? AND caller_number <> '' "
    f"AND result IN ({_names(SERVED)}) ORDER BY rang_ms, rowid"
)
_THOSE: Final = "SELECT rowid, * FROM calls WHERE rowid IN (SELECT value FROM json_each(?))"
_BETWEEN: Final = "SELECT * FROM calls WHERE rang_ms BETWEEN ? AND ? ORDER BY rang_ms, rowid"


@dataclass(frozen=True, slots=True)
class Missed:
    """A call that left no message; `number` is its short one, `again` the caller's next call
    that was served, `wanted` whether the caller asked to be called back."""

    number: int
    record: CallRecord
    care: MessageCare = MessageCare()
    again: CallRecord | None = None
    wanted: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether somebody should call back: nobody closed it, nobody was served since."""
        return self.care.state is not MessageState.CLOSED and self.again is None


def missed_calls(
    connection: sqlite3.Connection, since: datetime, plan: NumberingPlan = HOME_PLAN
) -> tuple[Missed, ...]:
    """List the missed calls that rang since an instant, newest first; open or not.

    Every call is looked at once, and most are not decoded: the list is asked for every minute.
    """
    ms = to_ms(since)
    cares = care.cares(connection, care.Kind.CALL)
    rows = connection.execute(_MAYBE, (ms,))
    maybe = ((int(row["rowid"]), call_from_row(row)) for row in rows)
    found = [(number, record) for number, record in maybe if needs_somebody(record)]
    tails = {number_tail(record.caller.number) for _, record in found if record.caller.number}
    served = _Served(connection, ms, tails, plan)
    again = {number: served.after(record) for number, record in found}
    later = _those(connection, again.values())
    return tuple(
        Missed(
            number,
            record,
            cares.get(record.call, MessageCare()),
            later.get(again[number]),
            is_wanted(record),
        )
        for number, record in found
    )


def _those(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, CallRecord]:
    """Read calls by their short numbers, in one query; what is none is left out."""
    rows = connection.execute(_THOSE, (json.dumps(sorted(set(numbers))),))
    return {int(row["rowid"]): call_from_row(row) for row in rows}


class _Served:
    """The calls since an instant whose callers were served, by number, in the order they rang.

    Of numbers with one of some `tails` alone: others are nobody's who is missed.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        since_ms: int,
        tails: Collection[str],
        plan: NumberingPlan,
    ) -> None:
        self._canonical = functools.cache(lambda number: canonical_number(number, plan))
        self._of: dict[str, list[tuple[int, int, str]]] = {}
        """For each number (ms, rowid, ISO time) of its calls, ascending."""
        for row in connection.execute(_SERVED, (since_ms,)):
            number = row["caller_number"]
            if number_tail(number) in tails:
                calls = self._of.setdefault(self._canonical(number), [])
                calls.append((row["rang_ms"], row["rowid"], row["rang_at"]))

    def after(self, record: CallRecord) -> int:
        """Find the first later call from the same number that was served, NONE for none."""
        calls = self._of.get(self._canonical(record.caller.number), [])
        ms = to_ms(record.rang_at)
        for rang_ms, number, rang_at in calls[bisect_left(calls, (ms, 0, "")) :]:
            if rang_ms > ms or datetime.fromisoformat(rang_at) > record.rang_at:
                return number
        return NONE


def needs_somebody(record: CallRecord) -> bool:
    """Tell whether a call belongs in the list; one that left a message is in the other."""
    if record.direction is not Direction.IN:
        return False
    return not record.message and (record.result in MISSED or is_wanted(record))


def is_wanted(record: CallRecord) -> bool:
    """Tell whether the caller asked to be called back, or spoke and was told that it is not kept.

    Below the low-water mark this is what stays of a message: whom to call back (reliability.md 4).
    """
    return CALLBACK_WANTED in record.trail or record.result is Result.NOT_STORED


def hints(connection: sqlite3.Connection, message: Message) -> tuple[CallRecord, ...]:
    """Find whose message without a number it may be: calls of the ten minutes before it (E16).

    From a shown number, and without a message of their own; newest first. None for a message that
    has its number.
    """
    if not without_number(message):
        return ()
    span = to_ms(message.received_at - HINT_WITHIN), to_ms(message.received_at)
    rows = connection.execute(_BETWEEN, span)
    found = [record for record in map(call_from_row, rows) if _may_be(record, message)]
    return tuple(reversed(found))


def without_number(message: Message) -> bool:
    """Tell whether there is no number to call back."""
    return not message.caller.number


def _may_be(record: CallRecord, message: Message) -> bool:
    shown = record.caller.presentation is Presentation.SHOWN
    earlier = record.call != message.call and record.rang_at <= message.received_at
    return bool(shown and earlier and needs_somebody(record))


def as_json_rows(found: Iterable[Missed]) -> list[dict[str, object]]:
    """Write missed calls for programmes; the keys are kept stable."""
    return [_json_row(one) for one in found]


def missed_as_json(found: Iterable[Missed]) -> str:
    """Write the list for programmes."""
    return json.dumps(as_json_rows(found), ensure_ascii=False, indent=2)


def _json_row(one: Missed) -> dict[str, object]:
    record, closing = one.record, one.care.closing
    return {
        "number": one.number,
        "call": record.call,
        "line": record.line,
        "rang": record.rang_at.isoformat(),
        "caller": record.caller.number or None,
        "caller_name": record.caller.name or None,
        "presentation": record.caller.presentation.value,
        "called": record.called or None,
        "phone": record.phone or None,
        "stage": record.trail[-1] if record.trail else None,
        "result": record.result.value,
        "callback_wanted": one.wanted,
        "state": one.care.state.value,
        "open": one.is_open,
        "taken_by": one.care.holder or None,
        "outcome": closing.outcome if closing else None,
        "failed": [at.isoformat() for at in one.care.failed],
        "served_later": one.again.rang_at.isoformat() if one.again else None,
    }


# ---- care words --------------------------------------------------------------------------------
# What is said of dealing with messages and missed calls, in both languages.

OUTCOMES: Final[Mapping[MessageOutcome, Words]] = {
    MessageOutcome.CALLED_BACK: Words("richiamato", "called back"),
    MessageOutcome.NOT_REACHABLE: Words("non raggiungibile", "not reachable"),
    MessageOutcome.NO_NUMBER: Words("senza numero", "no number"),
    MessageOutcome.NOT_NEEDED: Words("non necessario", "not needed"),
    MessageOutcome.PASSED_TO_OFFICE: Words("passato a un ufficio", "passed to an office"),
}
"""P9's outcomes."""
STEPS: Final[Mapping[MessageStep, Words]] = {
    MessageStep.HEAR: Words("ascolto", "heard"),
    MessageStep.TAKE: Words("presa in carico", "taken"),
    MessageStep.RELEASE: Words("lasciato libero", "released"),
    MessageStep.GIVE: Words("consegna", "handed over"),
    MessageStep.FAIL: Words("richiamata a vuoto", "call-back in vain"),
    MessageStep.NOTE: Words("nota", "note"),
    MessageStep.CLOSE: Words("chiusura", "closed"),
    MessageStep.REOPEN: Words("riapertura", "reopened"),
    MessageStep.ALERT_UNHEARD: Words(
        "avviso: non ascoltato, non visto", "alert: not heard, not looked at"
    ),
    MessageStep.ALERT_UNCLOSED: Words("avviso: non chiuso", "alert: not closed"),
}
"""What was done, in the history of one."""
OPEN: Final = Words("da trattare", "to be dealt with")
TAKEN: Final = Words("in carico a {}", "taken by {}")
IN_VAIN: Final = Words("{} a vuoto", "{} in vain")
WANTED: Final = Words("chiede di essere richiamato", "asks to be called back")
AGAIN: Final = Words("ha richiamato {}", "called again {}")
NO_HISTORY: Final = Words("Nessuno se n'è occupato.", "Nobody has dealt with it.")
NO_MISSED: Final = Words("Nessuna chiamata senza messaggio.", "No call without a message.")
MISSED_HEADER: Final = Words(
    "N.|Ricevuta|Linea|Utente|Telefono|Esito|Stato", "No.|Received|Line|Caller|Phone|Result|State"
)
_NAMES: Final[Mapping[Kind, Words]] = {
    Kind.MESSAGE: Words("Il messaggio {}", "Message {}"),
    Kind.CALL: Words("La chiamata {}", "Call {}"),
}
_DONE: Final[Mapping[MessageStep, Words]] = {
    MessageStep.HEAR: Words("{what}: ascolto annotato.", "{what}: noted as heard."),
    MessageStep.TAKE: Words("{what} è in carico a {by}.", "{what} is taken by {by}."),
    MessageStep.RELEASE: Words("{what} è di nuovo liber{o}.", "{what} is free again."),
    MessageStep.FAIL: Words(
        "{what}: richiamata a vuoto annotata, {n} in tutto.",
        "{what}: call-back in vain noted, {n} in all.",
    ),
    MessageStep.NOTE: Words("Nota aggiunta.", "Note added."),
    MessageStep.CLOSE: Words("{what} è chius{o}: {outcome}.", "{what} is closed: {outcome}."),
    MessageStep.REOPEN: Words("{what} è di nuovo apert{o}.", "{what} is open again."),
}


def done(kind: Kind, number: int, step: MessageStep, care: MessageCare) -> Words:
    """Say what has just been done."""
    return Words(_done(kind, number, step, care, "it"), _done(kind, number, step, care, "en"))


def _done(kind: Kind, number: int, step: MessageStep, care: MessageCare, language: str) -> str:
    outcome = care.closing.outcome if care.closing else None
    return one_call(_DONE[step], language).format(
        what=one_call(_NAMES[kind], language).format(number),
        by=care.holder,
        n=len(care.failed),
        o="o" if kind is Kind.MESSAGE else "a",
        outcome=one_call(OUTCOMES[outcome], language) if outcome else "",
    )


def state_text(care: MessageCare, language: str) -> str:
    """Say how something stands: its outcome, who has it, or that nobody does; tries in vain."""
    if care.closing is not None and care.closing.outcome is not None:
        words = one_call(OUTCOMES[care.closing.outcome], language)
    elif care.state is MessageState.TAKEN:
        words = one_call(TAKEN, language).format(care.holder)
    else:
        words = one_call(OPEN, language)
    tries = f", {one_call(IN_VAIN, language).format(len(care.failed))}" if care.failed else ""
    return words + tries


def history_lines(entries: Iterable[MessageEntry], zone: tzinfo, language: str) -> Iterator[str]:
    """Say what was done, one line an entry: when, who, what, with which words."""
    empty = True
    for entry in entries:
        empty = False
        outcome = f": {one_call(OUTCOMES[entry.outcome], language)}" if entry.outcome else ""
        note = f" → {entry.to}" if entry.to else ""
        note += f" ({entry.note})" if entry.note else ""
        when = moment_words(entry.at.astimezone(zone), language)
        yield f"{when}  {entry.by}  {one_call(STEPS[entry.step], language)}{outcome}{note}"
    if empty:
        yield one_call(NO_HISTORY, language)


def history_rows(entries: Iterable[MessageEntry]) -> list[dict[str, str | None]]:
    """Spread what was done for programmes."""
    return [
        {
            "at": entry.at.isoformat(),
            "by": entry.by,
            "step": entry.step.value,
            "outcome": entry.outcome.value if entry.outcome else None,
            "note": entry.note,
            "to": entry.to or None,
        }
        for entry in entries
    ]


def missed_text(found: Iterable[Missed], language: str, zone: tzinfo) -> str:
    """Write missed calls for people, one a line, in columns."""
    rows = [_missed_row(each, language, zone) for each in found]
    if not rows:
        return one_call(NO_MISSED, language)
    return call_columns([one_call(MISSED_HEADER, language).split("|"), *rows])


def _missed_row(each: Missed, language: str, zone: tzinfo) -> list[str]:
    record = each.record
    result = one_call(RESULTS[record.result], language)
    wanted = f", {one_call(WANTED, language)}" if each.wanted else ""
    return [
        str(each.number),
        moment_words(record.rang_at.astimezone(zone), language),
        record.line,
        caller_words(record.caller, language),
        record.phone,
        result + wanted,
        _missed_state(each, language, zone),
    ]


def _missed_state(each: Missed, language: str, zone: tzinfo) -> str:
    if each.again is not None and each.care.state is not MessageState.CLOSED:
        again = each.again.rang_at.astimezone(zone)
        return one_call(AGAIN, language).format(moment_words(again, language, year=False))
    return state_text(each.care, language)


# ---- care mails --------------------------------------------------------------------------------
# What is mailed about messages: a new one to the desk, a late one to desk and head (E16).


@dataclass(frozen=True, slots=True)
class Notices:
    """To whom notices go: `desk` is an address or "" for none; with the sound or without it.

    `head`: the head of the front desk has an address, too. `calls`: of which calls without a
    message they are told. `plan`: by which a caller's numbers are compared. `page` is the address
    of the console's page of messages, "" for none; `labels` are what positions are called.
    """

    desk: str = ""
    sound: bool = False
    language: str = "it"
    head: bool = True
    calls: CallAlerts = CallAlerts.ALL
    plan: NumberingPlan = HOME_PLAN
    page: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def alerted(self) -> tuple[str, ...]:
        """The recipients of an alert: the head and the desk, those that have an address."""
        return tuple(to for to in (TO_HEAD if self.head else "", self.desk) if to)


NEW: Final = Words("Segreteria: messaggio {} da {}", "Voicemail: message {} from {}")
NEW_BODY: Final = Words(
    "È arrivato un messaggio in segreteria.\n\n{line}\n\n{where}\n\nChi se ne occupa lo prende in "
    "carico, così nessun altro richiama.\n",
    "A message has come in.\n\n{line}\n\n{where}\n\nWhoever deals with it takes it, so that nobody "
    "else calls back.\n",
)
ON_A_PHONE: Final = Words(
    "Si ascolta da un telefono con *86. Poi: 1 riascoltare, 2 prossimo, 3 richiamato, "
    "4 non occorre, 5 prendere in carico, 6 chiamato a vuoto, 7 richiamare subito.",
    "It is heard on a phone with *86. Then: 1 again, 2 next, 3 called back, 4 not needed, 5 take "
    "it, 6 called in vain, 7 call back now.",
)
ON_THE_PAGE: Final = Words(
    "Si ascolta e si chiude nella pagina Messaggi: {}", "It is heard and closed on the page: {}"
)
MESSAGE_LINE: Final = Words(
    "Messaggio {number}: {caller}, ricevuto {when}, durata {length}",
    "Message {number}: {caller}, received {when}, length {length}",
)
ALERTS: Final[Mapping[MessageStep, tuple[Words, Words]]] = {
    MessageStep.ALERT_UNHEARD: (
        Words("Segreteria: messaggi non ascoltati ({})", "Voicemail: messages not heard ({})"),
        Words(
            "Da trenta minuti l'ufficio è aperto e nessuno ha ancora ascoltato:\n\n{}\n\n"
            "Si ascoltano da un telefono con *86.\n",
            "The office has been open for thirty minutes and nobody has heard yet:\n\n{}\n\n"
            "They are heard on a phone with *86.\n",
        ),
    ),
    MessageStep.ALERT_UNCLOSED: (
        Words("Segreteria: messaggi non chiusi ({})", "Voicemail: messages not closed ({})"),
        Words(
            "È passato un giorno lavorativo e nessuno ha chiuso:\n\n{}\n\n"
            "Ogni messaggio si chiude con il suo esito.\n",
            "A working day has passed and nobody has closed:\n\n{}\n\n"
            "Every message is closed with its outcome.\n",
        ),
    ),
}


def new_message_mail(message: Message, notices: Notices, zone: tzinfo) -> Mail:
    """Write the notice of a new message; the sound goes with it only where that is wanted."""
    language = notices.language
    caller = caller_words(message.caller, language)
    page = [one_call(ON_THE_PAGE, language).format(notices.page)] if notices.page else []
    where = "\n".join((*page, one_call(ON_A_PHONE, language)))
    return Mail(
        f"message:{message.id}",
        notices.desk,
        one_call(NEW, language).format(message.number, caller),
        one_call(NEW_BODY, language).format(
            line=_message_line(message, zone, notices), where=where
        ),
        attachments=(f"voicemail/{message.path}",) if notices.sound else (),
    )


def alert_mails(
    step: MessageStep, late: tuple[Message, ...], notices: Notices, zone: tzinfo
) -> Iterator[Mail]:
    """Write one alert of all messages that became late at once, for each who is to know."""
    subject, body = (one_call(words, notices.language) for words in ALERTS[step])
    lines = "\n".join(_message_line(message, zone, notices) for message in late)
    for to in notices.alerted:
        who = "head" if to == TO_HEAD else "desk"
        key = f"{step}:{who}:{late[0].id}"
        yield Mail(key, to, subject.format(len(late)), body.format(lines))


def _message_line(message: Message, zone: tzinfo, notices: Notices) -> str:
    seconds, language = message.length_ms // 1000, notices.language
    holder = notices.labels.get(message.taken_by, message.taken_by)
    taken = f", {one_call(TAKEN, language).format(holder)}" if holder else ""
    said = one_call(MESSAGE_LINE, language).format(
        number=message.number,
        caller=caller_words(message.caller, language),
        when=moment_words(message.received_at.astimezone(zone), language),
        length=f"{seconds // 60}:{seconds % 60:02}",
    )
    return said + taken


# ---- missed watch ------------------------------------------------------------------------------
# Calls without a message that nobody looks at or calls back: desk and head are told (E16, E24).
#
# One digest a working day of each kind, half an hour after opening, so that a busy day floods
# nobody; what becomes late after today's stands in the next one.

BOX: Final = "box"
"""Who gives an alert."""
MOST_LINES: Final = 30
"""So many calls stand in one digest; of the others it says how many there are."""
MISSED_LINE: Final = Words("Chiamata {}: {}, {}{}", "Call {}: {}, {}{}")
MORE: Final = Words("… e altre {}.", "… and {} more.")
DIGESTS: Final[Mapping[MessageStep, tuple[Words, Words]]] = {
    MessageStep.ALERT_UNHEARD: (
        Words("Chiamate senza messaggio mai guardate ({})", "Missed calls not looked at ({})"),
        Words(
            "Da almeno trenta minuti l'ufficio è aperto e nessuno se n'è occupato:\n\n{}\n\n"
            "Si vedono con centralino calls --missed; ognuna si chiude con il suo esito.\n",
            "The office has been open for thirty minutes or more and nobody has dealt with:"
            "\n\n{}\n\nSee centralino calls --missed; each is closed with its outcome.\n",
        ),
    ),
    MessageStep.ALERT_UNCLOSED: (
        Words("Chiamate senza messaggio da richiamare ({})", "Missed calls not called back ({})"),
        Words(
            "È passato un giorno lavorativo e nessuno ha richiamato o chiuso:\n\n{}\n\n"
            "Si vedono con centralino calls --missed; ognuna si chiude con il suo esito.\n",
            "A working day has passed and nobody has called back or closed:\n\n{}\n\n"
            "See centralino calls --missed; each is closed with its outcome.\n",
        ),
    ),
}


def tell_missed(
    connection: sqlite3.Connection,
    calls: tuple[Missed, ...],
    calendar: Schedule,
    notices: Notices,
    now: datetime,
    domain: str,
) -> tuple[Missed, ...]:
    """Queue today's digests, in the caller's transaction; return the calls as they stand then."""
    if not is_digest_time(calendar, now):
        return calls
    today = now.astimezone(calendar.zone).date()
    for step in DIGESTS:
        if not any(
            requests.is_known_notice(connection, _key(step, who, today)) for who in ("head", "desk")
        ):
            calls = _tell(connection, calls, step, calendar, notices, now, domain)
    return calls


def _tell(
    connection: sqlite3.Connection,
    calls: tuple[Missed, ...],
    step: MessageStep,
    calendar: Schedule,
    notices: Notices,
    now: datetime,
    domain: str,
) -> tuple[Missed, ...]:
    late = {
        each.record.call: each
        for each in calls
        if is_to_call_back(each)
        and step in due_call_alerts(each.care, each.record.rang_at, calendar, now, notices.calls)
    }
    care.note_alert(connection, Kind.CALL, late, MessageEntry(now, BOX, step))
    for mail in digests(step, tuple(late.values()), notices, calendar.zone, now):
        requests.put_notice(connection, mail, now, domain)
    return tuple(_alerted(each, step) if each.record.call in late else each for each in calls)


def _alerted(each: Missed, step: MessageStep) -> Missed:
    return replace(each, care=replace(each.care, alerted=each.care.alerted | {step}))


def is_to_call_back(each: Missed) -> bool:
    """Tell whether somebody can and should: of a number nobody knows no one can be reminded."""
    return each.is_open and bool(each.record.caller.number)


def digests(
    step: MessageStep, late: tuple[Missed, ...], notices: Notices, zone: tzinfo, now: datetime
) -> Iterator[Mail]:
    """Write one digest for each who is to know; nothing where nothing is late."""
    if not late:
        return
    subject, body = (one_call(words, notices.language) for words in DIGESTS[step])
    lines = [_missed_line(each, zone, notices.language) for each in late[:MOST_LINES]]
    if len(late) > MOST_LINES:
        lines.append(one_call(MORE, notices.language).format(len(late) - MOST_LINES))
    day = now.astimezone(zone).date()
    for to in notices.alerted:
        key = _key(step, "head" if to == TO_HEAD else "desk", day)
        yield Mail(key, to, subject.format(len(late)), body.format("\n".join(lines)))


def missed_counts(calls: tuple[Missed, ...]) -> tuple[int, int]:
    """Count the calls that were told of and wait still: not looked at, not called back."""
    waiting = [each.care for each in calls if is_to_call_back(each)]
    unseen = [c for c in waiting if MessageStep.ALERT_UNHEARD in c.alerted and not looked_at(c)]
    unclosed = [c for c in waiting if MessageStep.ALERT_UNCLOSED in c.alerted]
    return len(unseen), len(unclosed)


def _key(step: MessageStep, who: str, day: date) -> str:
    return f"calls_{step}:{who}:{day}"


def _missed_line(each: Missed, zone: tzinfo, language: str) -> str:
    when = moment_words(each.record.rang_at.astimezone(zone), language)
    told = f", {one_call(WANTED, language)}" if each.wanted else ""
    told += f", {one_call(TAKEN, language).format(each.care.holder)}" if each.care.holder else ""
    caller = caller_words(each.record.caller, language)
    return one_call(MISSED_LINE, language).format(each.number, caller, when, told)


# ---- care watch --------------------------------------------------------------------------------
# What has to be looked after among messages and missed calls: notices, alerts, and how many (E16).
#
# One job in the records' thread: what is told and that it was told are one transaction, so that a
# power cut in between neither loses an alert nor tells it twice.

NOTICE_WITHIN: Final = timedelta(days=1)
"""A message older than that is no news: an address entered today is not sent a year's messages."""
_OPEN_MESSAGES: Final = "SELECT * FROM messages WHERE state = 'new' ORDER BY number"
_UNTOLD: Final = """
    SELECT * FROM messages WHERE state = 'new'
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE key = 'message:' || messages.id)
    ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """What waits for somebody: late messages, open missed calls, of them the interrupted ones.

    `requests` are those that offices have not answered, `overdue` the late ones of them.
    `calls_unseen` and `calls_unclosed` are the missed calls that were told of and wait still.
    """

    unheard: int = 0
    unclosed: int = 0
    missed: int = 0
    interrupted: int = 0
    wanted: int = 0
    requests: int = 0
    overdue: int = 0
    calls_unseen: int = 0
    calls_unclosed: int = 0

    @property
    def late(self) -> bool:
        """Tell whether a message is late."""
        return bool(self.unheard or self.unclosed)


NOTHING_WATCHED: Final = Watched()


def watch(
    connection: sqlite3.Connection,
    calendar: Schedule,
    notices: Notices,
    now: datetime,
    domain: str = requests.NO_DOMAIN,
) -> Watched:
    """Queue what is to be told, each once, and count what waits; raises sqlite3.Error."""
    with transaction(connection):
        _tell_new(connection, calendar, notices, now, domain)
        _tell_late(connection, calendar, notices, now, domain)
        requests, overdue = tell_overdue(connection, calendar, notices, now, domain)
        calls = missed_calls(connection, now - timedelta(days=DAYS), notices.plan)
        calls = tell_missed(connection, calls, calendar, notices, now, domain)
    return replace(_counted(connection, calls), requests=requests, overdue=overdue)


def _tell_new(
    connection: sqlite3.Connection, calendar: Schedule, notices: Notices, now: datetime, domain: str
) -> None:
    if not notices.desk:
        return
    for message in map(message_from_row, connection.execute(_UNTOLD).fetchall()):
        if now - message.received_at < NOTICE_WITHIN:
            requests.put_notice(
                connection, new_message_mail(message, notices, calendar.zone), now, domain
            )


def _tell_late(
    connection: sqlite3.Connection, calendar: Schedule, notices: Notices, now: datetime, domain: str
) -> None:
    cares = care.cares(connection, Kind.MESSAGE)
    late: dict[MessageStep, list[Message]] = {}
    for message in map(message_from_row, connection.execute(_OPEN_MESSAGES).fetchall()):
        stands = cares.get(message.id, MessageCare())
        for step in due_alerts(stands, message.received_at, calendar, now):
            late.setdefault(step, []).append(message)
    for step, found in late.items():
        ids = (message.id for message in found)
        care.note_alert(connection, Kind.MESSAGE, ids, MessageEntry(now, BOX, step))
        for mail in alert_mails(step, tuple(found), notices, calendar.zone):
            requests.put_notice(connection, mail, now, domain)


def _counted(connection: sqlite3.Connection, calls: tuple[Missed, ...]) -> Watched:
    cares = [c for c in care.cares(connection, Kind.MESSAGE).values() if is_late(c)]
    unheard = [c for c in cares if not c.heard and c.state is MessageState.NEW]
    unclosed = [c for c in cares if MessageStep.ALERT_UNCLOSED in c.alerted]
    calls_unseen, calls_unclosed = missed_counts(calls)
    waiting = [each for each in calls if each.is_open]
    return Watched(
        len(unheard),
        len(unclosed),
        len(waiting),
        sum(each.record.result is Result.INTERRUPTED for each in waiting),
        sum(each.wanted for each in waiting),
        calls_unseen=calls_unseen,
        calls_unclosed=calls_unclosed,
    )


# ---- open cases --------------------------------------------------------------------------------
# What is open of one number: messages and calls that somebody should call back (E17).
#
# Whoever rings back after a call in vain finds it on the operator's screen.

_OPEN_STATES = (MessageState.NEW, MessageState.TAKEN)


@dataclass(frozen=True, slots=True)
class OpenCase:
    """One message or call, by its short number: since when, who has it, calls back in vain."""

    kind: Kind
    number: int
    at: datetime
    holder: str = ""
    failed: int = 0


def open_cases(
    connection: sqlite3.Connection, number: str, now: datetime, plan: NumberingPlan = HOME_PLAN
) -> tuple[OpenCase, ...]:
    """List what is open of a number, newest first; none for ""."""
    found = (*_messages(connection, number, plan), *_calls(connection, number, now, plan))
    return tuple(sorted(found, key=lambda case: case.at, reverse=True))


def _messages(connection: sqlite3.Connection, number: str, plan: NumberingPlan) -> list[OpenCase]:
    cares = care.cares(connection, Kind.MESSAGE)
    return [
        OpenCase(
            Kind.MESSAGE,
            one.number,
            one.received_at,
            one.taken_by,
            len(cares.get(one.id, MessageCare()).failed),
        )
        for state in _OPEN_STATES
        for one in list_messages(connection, state)
        if are_same_number(one.caller.number, number, plan)
    ]


def _calls(
    connection: sqlite3.Connection, number: str, now: datetime, plan: NumberingPlan
) -> list[OpenCase]:
    since = now - timedelta(days=DAYS)
    return [
        OpenCase(Kind.CALL, one.number, one.record.rang_at, one.care.holder, len(one.care.failed))
        for one in missed_calls(connection, since, plan)
        if one.is_open and are_same_number(one.record.caller.number, number, plan)
    ]
