"""Personal data of one person: found, exported, erased (E20)."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.policy.text import Refused
from appliance.policy.voicemail import MessageOutcome, MessageStep
from appliance.store import call_log, database, drafts, outbox, requests, voicemail
from appliance.store.database import Noted, transaction
from appliance.store.voicemail import CaseKind, needs_somebody
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from appliance.policy.mail import Mail
    from appliance.policy.numbering import SameNumber


# ---- finding -----------------------------------------------------------------------------------
# All data of one person, for an erasure by the supervisor or an export (E20): by number, or around
# one chosen record.


@dataclass(frozen=True, slots=True)
class Chosen:
    """Subject of an erasure: a number, or one record by `kind` ("call", "message", "request")."""

    number: SameNumber | None = None
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mailed:
    """One e-mail that was sent, and cannot be erased there: recipient, time (ISO), request or 0."""

    to: str
    at: str
    request: int = 0


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Data to erase: ids of calls and messages, numbers of requests and mails, files of sounds.

    `texts`: count of texts that name the number. `mailed`: mails that were sent. `numbers`: as
    stored, for other parts that hold them in memory. `going_on`: one of the calls is open.
    """

    calls: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    message_numbers: tuple[int, ...] = ()
    requests: tuple[int, ...] = ()
    open_requests: tuple[int, ...] = ()
    going_on: bool = False
    mails: tuple[int, ...] = ()
    mailed: tuple[Mailed, ...] = ()
    texts: int = 0
    sounds: tuple[str, ...] = ()
    numbers: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def any(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.calls or self.messages or self.requests or self.mails or self.texts)


TEXTS: Final = (
    ("calls", "reason"), ("calls", "trail"), ("messages", "note"), ("messages", "caller_name"),
    ("care", "note"), ("care", "by"), ("requests", "subject"), ("requests", "asked"),
    ("requests", "name"), ("request_steps", "words"), ("request_steps", "said_by"),
    ("outbox", "subject"), ("outbox", "body"), ("outbox", "calendar"), ("outbox", "said"),
    ("outbox", "reason"), ("drafts", "body"),
)  # fmt: skip
"""Columns with free text, of people or the box, which may name a number."""


def find_of_person(connection: sqlite3.Connection, chosen: Chosen) -> PersonalData:
    """Find all data to erase; raises OfficeError for an unknown record."""
    calls = _calls_found(connection, chosen)
    messages = _messages_found(connection, chosen, calls)
    # A chosen message brings its call, and that its requests: hence this order.
    calls |= {str(row["call"]) for row in messages}
    asked = _requests_found(connection, chosen, calls)
    numbers = tuple(int(row["number"]) for row in asked)
    idents = tuple(str(row["id"]) for row in messages)
    calls |= _about(connection, calls, messages, numbers)
    mails = [row for row in connection.execute("SELECT * FROM outbox ORDER BY number")
             if _concerns(row, idents, numbers)]  # fmt: skip
    named = _named(connection, chosen.number)
    sent = [row for row in mails if row["state"] == "sent"]
    going = {row["number"] for row in mails}
    sent += [row for row in _sent_naming(connection, chosen.number) if row["number"] not in going]
    return PersonalData(
        tuple(sorted(calls)),
        idents,
        tuple(int(row["number"]) for row in messages),
        numbers,
        tuple(int(row["number"]) for row in asked if row["state"] != "done"),
        _is_going_on(connection, calls),
        tuple(int(row["number"]) for row in mails),
        tuple(Mailed(row["recipient"], row["settled_at"] or "", row["request"]) for row in sent),
        len(named),
        (*(str(row["path"]) for row in messages), *_spoken(asked)),
        _numbers(connection, calls, messages, asked),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Invited:
    """The last invitation to an appointment that may have reached an office."""

    request: int
    to: str
    calendar: str


# A mail that was tried and is not 'sent' may have arrived all the same: the server took it, and its
# reply was lost. Invitations to citizens are left out: this is for offices.
_INVITED: Final = """
    SELECT key, recipient, calendar, request FROM outbox
    WHERE calendar <> '' AND recipient <> '' AND (state = 'sent' OR tries > 0)
    AND key NOT LIKE '%-citizen%' ORDER BY number
"""


def invited(connection: sqlite3.Connection, numbers: tuple[int, ...]) -> tuple[Invited, ...]:
    """Return the last invitation of each of these requests that was, or may have been, sent."""
    found = {}
    for row in connection.execute(_INVITED):
        if _concerns(row, (), numbers):
            number = _number_of(row)
            found[number] = Invited(number, row["recipient"], row["calendar"])
    return tuple(found.values())


def _number_of(row: sqlite3.Row) -> int:
    """Return the request of a mail: from its key ("request-7-…") if its column is empty."""
    return int(row["request"] or str(row["key"]).split("-")[1])


def named_in(
    connection: sqlite3.Connection, number: SameNumber
) -> tuple[tuple[str, str, int, str], ...]:
    """Return table, column, rowid and text of every text that names a number."""
    return tuple(
        (table, column, int(row[0]), str(row[1]))
        for table, column in TEXTS
        for row in connection.execute(f"SELECT rowid, {column} FROM {table}")  # noqa: S608 - constant names
        if row[1] and number.is_in(str(row[1]))
    )


def _calls_found(connection: sqlite3.Connection, chosen: Chosen) -> set[str]:
    if chosen.number is not None:
        rows = connection.execute("SELECT call, caller_number FROM calls WHERE caller_number <> ''")
        return {str(row[0]) for row in rows if chosen.number.is_(str(row[1]))}
    if chosen.kind == "call":
        return {voicemail.find_case(connection, CaseKind.CALL, chosen.name)[0]}
    return set()


def _messages_found(
    connection: sqlite3.Connection, chosen: Chosen, calls: set[str]
) -> list[sqlite3.Row]:
    wanted = ""
    if chosen.kind == "message":
        wanted, _ = voicemail.find_case(connection, CaseKind.MESSAGE, chosen.name)
    return [
        row
        for row in connection.execute("SELECT * FROM messages ORDER BY number")
        if row["id"] == wanted
        or row["call"] in calls
        or (chosen.number is not None and chosen.number.is_(str(row["caller_number"])))
    ]


def _requests_found(
    connection: sqlite3.Connection, chosen: Chosen, calls: set[str]
) -> list[sqlite3.Row]:
    wanted = 0
    if chosen.kind == "request":
        if not chosen.name.isdecimal():
            raise Refused(
                _("{name!r} is no number of a request: look with list", name=chosen.name),
            )
        wanted = requests.required_request(connection, int(chosen.name)).request.number
    return [
        row
        for row in connection.execute("SELECT * FROM requests ORDER BY number")
        if row["number"] == wanted
        or (row["call"] and row["call"] in calls)
        or (chosen.number is not None and chosen.number.is_(str(row["phone"])))
    ]


def _about(
    connection: sqlite3.Connection,
    calls: set[str],
    messages: list[sqlite3.Row],
    numbers: tuple[int, ...],
) -> set[str]:
    """Return the outgoing calls that were placed for these calls, messages and requests."""
    cases = {f"call:{call}" for call in calls} | {f"request:{number}" for number in numbers}
    cases |= {f"message:{row['number']}" for row in messages}
    rows = connection.execute("SELECT call, about FROM calls WHERE about <> ''")
    return {str(row[0]) for row in rows if row[1] in cases}


def _concerns(row: sqlite3.Row, messages: tuple[str, ...], numbers: tuple[int, ...]) -> bool:
    key = str(row["key"])
    own = (f"request-{number}" for number in numbers)
    return (
        key.removeprefix("message:") in messages
        or row["request"] in numbers
        or any(key == each or key.startswith(f"{each}-") for each in own)
    )


def _named(
    connection: sqlite3.Connection, number: SameNumber | None
) -> tuple[tuple[str, str, int, str], ...]:
    return named_in(connection, number) if number is not None else ()


def _sent_naming(
    connection: sqlite3.Connection, number: SameNumber | None
) -> tuple[sqlite3.Row, ...]:
    """Return all sent mails, about other persons too, that contain the number."""
    if number is None:
        return ()
    rows = connection.execute("SELECT * FROM outbox WHERE state = 'sent' ORDER BY number")
    return tuple(
        row for row in rows if number.is_in(f"{row['subject']}\n{row['body']}\n{row['calendar']}")
    )


def _spoken(asked: list[sqlite3.Row]) -> tuple[str, ...]:
    """Return the files of the requests' sounds, below the mailbox's folder."""
    files = (str(row["recording"]) for row in asked)
    return tuple(file.removeprefix("voicemail/") for file in files if file)


def _numbers(
    connection: sqlite3.Connection,
    calls: set[str],
    messages: list[sqlite3.Row],
    asked: list[sqlite3.Row],
) -> frozenset[str]:
    rows = connection.execute("SELECT call, caller_number FROM calls WHERE caller_number <> ''")
    return frozenset(
        {str(row[1]) for row in rows if row[0] in calls}
        | {str(row["caller_number"]) for row in messages}
        | {str(row["phone"]) for row in asked}
    ) - {""}


def _is_going_on(connection: sqlite3.Connection, calls: set[str]) -> bool:
    open_ones = connection.execute("SELECT call FROM calls WHERE result = 'open'")
    return any(str(row[0]) in calls for row in open_ones)


# ---- erasure -----------------------------------------------------------------------------------
# Erasure by the supervisor (E20). Audited are author, time and counts, never the person.

ERASURE: Final = "erasure"
"""Code in the audit log."""
# Enough to read some hundred megabytes from a slow card; after that the file is written anew
# instead.
GREP_LIMIT_S: Final = 60.0
# Exit status of grep when no line matches (POSIX).
_NOT_FOUND: Final = 1
# The bare call stays for the figures: when, on which line, how it ended.
_BARE: Final = """
    UPDATE calls SET caller_number = '', caller_name = '', message = '', about = '' WHERE call = ?
"""
_CLOSED: Final = """
    INSERT INTO care (kind, subject, at, by, step, outcome, note) VALUES ('call', ?, ?, ?, ?, ?, '')
"""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order to erase: by whom, why and when; `close_requests` allows closing open requests."""

    by: str
    reason: str
    at: datetime
    close_requests: bool = False


def check(found: PersonalData, chosen: Chosen, ordered: Ordered) -> None:
    """Raise OfficeError for data that cannot be erased yet, or the number in name or reason."""
    if not found.any:
        raise Refused(
            _("nothing of that is kept: there is nothing to erase"),
        )
    if found.going_on:
        raise Refused(
            _("one of these calls is going on: erase when it has ended"),
        )
    if chosen.number and chosen.number.is_in(f"{ordered.by}\n{ordered.reason}"):
        raise Refused(
            _("the audit never holds the number: leave it out of --by and --reason"),
        )
    if found.open_requests and not ordered.close_requests:
        listed = ", ".join(str(number) for number in found.open_requests)
        raise Refused(
            _(
                "not closed yet: requests {listed}. Close them before, or with the "
                "erasure, for the reason given",
                listed=listed,
            ),
        )


def erase(
    connection: sqlite3.Connection,
    found: PersonalData,
    chosen: Chosen,
    ordered: Ordered,
    letters: Iterable[Mail] = (),
    domain: str = outbox.NO_DOMAIN,
) -> None:
    """Erase the rows, in one transaction with the audit; their sounds must be deleted before.

    `letters` are queued with it: notices to offices about what is erased.
    """
    check(found, chosen, ordered)
    # SQLite overwrites what is erased: the number is to be in no file.
    connection.execute("PRAGMA secure_delete = ON")
    with transaction(connection):
        # With this row the triggers let what was done about a case be changed; it is deleted at the
        # end of the transaction, so that nobody else ever sees it (schema/012).
        connection.execute("INSERT INTO erasing (one) VALUES (1)")
        still_missed = _missed(connection, found.calls)
        _erase_mails(connection, found.mails)
        _erase_requests(connection, found.requests)
        _erase_messages(connection, found)
        _bare_calls(connection, found.calls)
        drafts.erase(connection, _of_drafts(connection, found, chosen, ordered.at))
        # A caller without a number cannot be called back: the missed call is closed.
        for call in still_missed:
            said = (
                call,
                ordered.at.isoformat(),
                ordered.by,
                MessageStep.CLOSE,
                MessageOutcome.NOT_NEEDED,
            )
            connection.execute(_CLOSED, said)
        if chosen.number is not None:
            _take_out(connection, chosen.number)
        for mail in letters:
            outbox.put_mail(connection, mail, ordered.at, domain)
        database.note(connection, Noted(ordered.at, ordered.by, ERASURE, counted(found, ordered)))
        connection.execute("DELETE FROM erasing")


def counted(found: PersonalData, ordered: Ordered) -> str:
    """Write for the audit log how much was erased and why, never of which person."""
    closed = f", {len(found.open_requests)} of them closed for it" if found.open_requests else ""
    return (
        f"{len(found.calls)} calls, {len(found.messages)} messages, {len(found.requests)} requests"
        f"{closed}, {len(found.mails)} mails, {found.texts} texts: {ordered.reason}"
    )


def cut_log(connection: sqlite3.Connection, path: Path, number: SameNumber | None) -> bool:
    """Remove the number from the database files; False while a reader keeps the write-ahead log."""
    try:
        cut = _checkpoint(connection)
        # SQLite may have moved rows about within its pages before: should the digits still be in
        # the file, it is written anew.
        if cut and number is not None and not _is_gone(path, number.digits):
            connection.execute("VACUUM")
            cut = _checkpoint(connection)
    except sqlite3.OperationalError:
        # The database is locked.
        return False
    return cut


def _is_gone(path: Path, digits: str) -> bool:
    """Tell whether a file holds no such digits; False if that is not known."""
    # grep looks, in a process of its own: were the file opened and closed here, this process would
    # lose all locks that SQLite holds on it ("how to corrupt" 2.2), and the next command would take
    # the write-ahead log away. The digits go through stdin, as everybody can read a command line.
    words = ["grep", "--quiet", "--fixed-strings", "--file=-", "--", str(path)]
    try:
        found = subprocess.run(words, input=digits.encode(), timeout=GREP_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == _NOT_FOUND


def _checkpoint(connection: sqlite3.Connection) -> bool:
    return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _of_drafts(
    connection: sqlite3.Connection, found: PersonalData, chosen: Chosen, at: datetime
) -> drafts.Erasure:
    paths = drafts.paths_of(connection, found.calls, found.message_numbers, found.requests)
    return drafts.Erasure(at, frozenset(found.calls), paths, chosen.number)


def _missed(connection: sqlite3.Connection, calls: tuple[str, ...]) -> list[str]:
    found = (call_log.find_call(connection, call) for call in calls)
    return [record.call for record in found if record is not None and needs_somebody(record)]


def _erase_mails(connection: sqlite3.Connection, numbers: tuple[int, ...]) -> None:
    connection.executemany("DELETE FROM outbox WHERE number = ?", [(n,) for n in numbers])


def _erase_requests(connection: sqlite3.Connection, numbers: tuple[int, ...]) -> None:
    chosen = [(number,) for number in numbers]
    connection.executemany("DELETE FROM bookings WHERE request = ?", chosen)
    connection.executemany("DELETE FROM request_links WHERE request = ?", chosen)
    connection.executemany("DELETE FROM request_steps WHERE request = ?", chosen)
    connection.executemany("DELETE FROM requests WHERE number = ?", chosen)
    _unlink(connection, [f"request:{number}" for number in numbers])


def _erase_messages(connection: sqlite3.Connection, found: PersonalData) -> None:
    chosen = [(ident,) for ident in found.messages]
    connection.executemany("UPDATE calls SET message = '' WHERE message = ?", chosen)
    connection.executemany("DELETE FROM messages WHERE id = ?", chosen)
    connection.executemany("DELETE FROM care WHERE kind = 'message' AND subject = ?", chosen)
    _unlink(connection, [f"message:{number}" for number in found.message_numbers])


def _bare_calls(connection: sqlite3.Connection, calls: tuple[str, ...]) -> None:
    chosen = [(call,) for call in calls]
    connection.executemany(_BARE, chosen)
    connection.executemany("DELETE FROM care WHERE kind = 'call' AND subject = ?", chosen)
    _unlink(connection, [f"call:{call}" for call in calls])


def _unlink(connection: sqlite3.Connection, cases: list[str]) -> None:
    connection.execute(
        "UPDATE calls SET about = '' WHERE about IN (SELECT value FROM json_each(?))",
        (json.dumps(cases),),
    )


def _take_out(connection: sqlite3.Connection, number: SameNumber) -> None:
    """Remove the number from texts about others."""
    for table, column, row, text in named_in(connection, number):
        # Of mails whole lines go: a name may stand beside the number.
        lines = table == "outbox" and column == "body"
        left = number.without_lines(text) if lines else number.without(text)
        connection.execute(
            f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608 - constant names
            (left, row),
        )


# ---- export ------------------------------------------------------------------------------------
# All stored data of one caller, to be given to that person; audited by counts alone.

EXPORTED: Final = "export"
"""Code in the audit log."""
Rows = list[dict[str, Any]]


def exported(
    connection: sqlite3.Connection, number: SameNumber, by: str, at: datetime
) -> dict[str, Rows]:
    """Return the rows of a number by kind, without the sounds; audited. Raises sqlite3.Error."""
    found = find_of_person(connection, Chosen(number))
    rows = kept_of(connection, found)
    with transaction(connection):
        counted = ", ".join(f"{len(some)} {kind}" for kind, some in rows.items())
        database.note(connection, Noted(at, by, EXPORTED, counted))
    return rows


def kept_of(connection: sqlite3.Connection, found: PersonalData) -> dict[str, Rows]:
    """Return the stored rows of the found data by kind."""
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
