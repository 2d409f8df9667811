"""Erases what the head has chosen, whole (E20): of a call there stays that there was one.

The bare call (when, on which line, how it ended) stays for the figures. What was erased is audited
by who, when and how much, never whose. In the file it is overwritten (SQLite secure_delete), and
the write-ahead log is cut.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.policy.messages import Outcome, Step
from appliance.policy.refused import Refused
from appliance.records import audit, call_log, outbox
from appliance.records.audit import Noted
from appliance.records.database import transaction
from appliance.records.erasure_found import Chosen, Found, named_in
from appliance.records.missed import needs_somebody

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from appliance.policy.mail import Mail
    from appliance.policy.same_number import SameNumber

ERASURE: Final = "erasure"
"""The code in the audit."""
GREP_LIMIT_S: Final = 60.0
"""Reading some hundred megabytes from a slow card; after that the file is written anew instead."""
_NOT_FOUND: Final = 1
"""grep's status where no line has the words (POSIX)."""
_BARE: Final = """
    UPDATE calls SET caller_number = '', caller_name = '', message = '', about = '' WHERE call = ?
"""
_CLOSED: Final = """
    INSERT INTO care (kind, subject, at, by, step, outcome, note) VALUES ('call', ?, ?, ?, ?, ?, '')
"""


@dataclass(frozen=True, slots=True)
class Ordered:
    """Who has it erased, why and when; open requests are closed with that reason where allowed."""

    by: str
    reason: str
    at: datetime
    close_requests: bool = False


def check(found: Found, chosen: Chosen, ordered: Ordered) -> None:
    """Raise OfficeError for what cannot be erased yet, or would keep the number in the audit."""
    if not found.any:
        raise Refused(
            "di questo non si tiene nulla: non c'è niente da cancellare",
            "nothing of that is kept: there is nothing to erase",
        )
    if found.going_on:
        raise Refused(
            "una di queste chiamate è in corso: cancellare quando è finita",
            "one of these calls is going on: erase when it has ended",
        )
    if chosen.number and chosen.number.is_in(f"{ordered.by}\n{ordered.reason}"):
        raise Refused(
            "il registro delle modifiche non contiene mai il numero: toglierlo dal motivo",
            "the audit never holds the number: leave it out of --by and --reason",
        )
    if found.open_requests and not ordered.close_requests:
        listed = ", ".join(str(number) for number in found.open_requests)
        raise Refused(
            f"prese in carico non chiuse: {listed}. Chiuderle prima, o insieme alla cancellazione "
            "per il motivo dato",
            f"not closed yet: requests {listed}. Close them before, or with the erasure, for the "
            "reason given",
        )


def erase(
    connection: sqlite3.Connection,
    found: Found,
    chosen: Chosen,
    ordered: Ordered,
    letters: Iterable[Mail] = (),
    domain: str = outbox.NO_DOMAIN,
) -> None:
    """Erase the rows, in one transaction with the audit; the sounds must be gone before.

    `letters` are queued with it: what offices must hear of what goes.
    """
    check(found, chosen, ordered)
    connection.execute("PRAGMA secure_delete = ON")
    with transaction(connection):
        connection.execute("INSERT INTO erasing (one) VALUES (1)")
        still_missed = _missed(connection, found.calls)
        _erase_mails(connection, found.mails)
        _erase_requests(connection, found.requests)
        _erase_messages(connection, found)
        _bare_calls(connection, found.calls)
        for call in still_missed:  # nobody is to call back whose number is gone
            said = (call, ordered.at.isoformat(), ordered.by, Step.CLOSE, Outcome.NOT_NEEDED)
            connection.execute(_CLOSED, said)
        if chosen.number is not None:
            _take_out(connection, chosen.number)
        for mail in letters:
            outbox.put(connection, mail, ordered.at, domain)
        audit.note(connection, Noted(ordered.at, ordered.by, ERASURE, counted(found, ordered)))
        connection.execute("DELETE FROM erasing")


def counted(found: Found, ordered: Ordered) -> str:
    """Say for the audit how much went and why, never whose."""
    closed = f", {len(found.open_requests)} of them closed for it" if found.open_requests else ""
    return (
        f"{len(found.calls)} calls, {len(found.messages)} messages, {len(found.requests)} requests"
        f"{closed}, {len(found.mails)} mails, {found.texts} texts: {ordered.reason}"
    )


def cut_log(connection: sqlite3.Connection, path: Path, number: SameNumber | None) -> bool:
    """Leave no digit of it in the files; False where somebody who reads keeps the log.

    What SQLite moved about within its pages before is written anew where it still stands there.
    """
    try:
        cut = _checkpoint(connection)
        if cut and number is not None and not _is_gone(path, number.digits):
            connection.execute("VACUUM")
            cut = _checkpoint(connection)
    except sqlite3.OperationalError:  # locked
        return False
    return cut


def _is_gone(path: Path, digits: str) -> bool:
    """Tell whether a file holds no such digits; a child looks, and False where it cannot.

    This process never opens the file beside SQLite: to close it would drop all locks that SQLite
    holds on it ("how to corrupt" 2.2), and the next command would take the log away.
    """
    words = ["grep", "--quiet", "--fixed-strings", "--file=-", "--", str(path)]
    try:
        found = subprocess.run(words, input=digits.encode(), timeout=GREP_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == _NOT_FOUND


def _checkpoint(connection: sqlite3.Connection) -> bool:
    return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _missed(connection: sqlite3.Connection, calls: tuple[str, ...]) -> list[str]:
    found = (call_log.find(connection, call) for call in calls)
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


def _erase_messages(connection: sqlite3.Connection, found: Found) -> None:
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
    """Take the number out of what was written about others; of mails, whole lines."""
    for table, column, row, text in named_in(connection, number):
        lines = table == "outbox" and column == "body"
        left = number.without_lines(text) if lines else number.without(text)
        connection.execute(
            f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608 - constant names
            (left, row),
        )
