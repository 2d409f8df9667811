"""Retention: for how long messages, numbers, calls, requests and mails are kept.

Deletions are recorded by id and number of rows, never by whom they concerned.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.policy.hours import moment_words
from appliance.policy.voicemail import MessageState
from appliance.store import call_log, voicemail
from appliance.store.call_log import moment, to_ms
from appliance.store.database import transaction
from appliance.store.voicemail import SERVED_RESULTS, needs_somebody
from appliance.text import Words, _

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class RetentionDays:
    """Retention periods in days, 0 for ever.

    `messages_closed` counts from the closing, `numbers` (of callers, in the call log) and `calls`
    from the ring. Texts of mails go with `numbers`, closed requests with `calls`.
    """

    messages_closed: int = 90
    numbers: int = 180
    calls: int = 1095


@dataclass(frozen=True, slots=True)
class DueForDeletion:
    """Rows past their retention period: messages (id, number, file), and calls by id."""

    messages: tuple[tuple[str, int, str], ...] = ()
    numbers: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Tell whether anything is due."""
        return bool(self.messages or self.numbers or self.calls)


@dataclass(frozen=True, slots=True)
class Deletion:
    """One recorded deletion: when, what kind, its retention period in days, and the ids."""

    at: datetime
    what: str
    days: int
    ids: tuple[str, ...]


# An open message is never deleted by age (P9).
_MESSAGES: Final = """
    SELECT id, number, path, closed_at FROM messages WHERE state = 'closed' ORDER BY number
"""
# A call with an open message keeps its number: somebody is to call back. Notes about a caller go
# with the number, also of a call without one (E10).
_NUMBERS: Final = """
    SELECT call FROM calls WHERE rang_ms < :before AND result <> 'open'
        AND (caller_number <> '' OR caller_name <> '' OR EXISTS (
            SELECT 1 FROM care WHERE kind = 'call' AND subject = calls.call AND note <> ''
        ))
        AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.call = calls.call AND state = 'new')
    ORDER BY rang_ms
"""
_CALLS: Final = """
    SELECT call FROM calls WHERE rang_ms < :before AND result <> 'open'
        AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.call = calls.call)
    ORDER BY rang_ms
"""
_LAST_SERVED: Final = """
    SELECT caller_number, max(rang_ms) FROM calls WHERE result IN (?, ?) AND caller_number <> ''
    GROUP BY caller_number
"""
"""When each caller was last answered, or left a message."""


def due_for_deletion(
    connection: sqlite3.Connection, keeping: RetentionDays, now: datetime
) -> DueForDeletion:
    """Find the rows past their retention period."""
    days = keeping.messages_closed
    rows = connection.execute(_MESSAGES).fetchall() if days else ()
    return DueForDeletion(
        tuple(
            (str(row["id"]), int(row["number"]), str(row["path"]))
            for row in rows
            if _is_past(row["closed_at"], days, now)
        ),
        _calls_before(connection, _NUMBERS, keeping.numbers, now),
        _calls_before(connection, _CALLS, keeping.calls, now),
    )


def count_open_calls(connection: sqlite3.Connection, what: DueForDeletion) -> int:
    """Count the missed calls among those due that were neither closed nor served (E24)."""
    # A caller whose number is deleted cannot be called back: the supervisor is to know before.
    last_served = dict(connection.execute(_LAST_SERVED, tuple(SERVED_RESULTS)).fetchall())
    cares = voicemail.care_by_id(connection, voicemail.CaseKind.CALL)
    closed = {call for call, care in cares.items() if care.state is MessageState.CLOSED}
    going = {*what.numbers, *what.calls} - closed
    found = (call_log.find_call(connection, call) for call in going)
    missed = (each for each in found if each is not None and needs_somebody(each))
    return sum(last_served.get(each.caller.number, 0) <= to_ms(each.rang_at) for each in missed)


def _calls_before(
    connection: sqlite3.Connection, query: str, days: int, now: datetime
) -> tuple[str, ...]:
    if not days:
        return ()
    before = to_ms(now - timedelta(days=days))
    return tuple(str(row[0]) for row in connection.execute(query, {"before": before}))


def erase(
    connection: sqlite3.Connection, what: DueForDeletion, keeping: RetentionDays, now: datetime
) -> None:
    """Erase the due rows and record it, in one transaction; their sounds must be deleted before."""
    # A sound without a row would be taken for a message that a power cut kept out of the database,
    # and be recovered (voicemail/recording.py, adopt_orphan).
    #
    # SQLite overwrites erased rows in the file: a number is not found there any more once the
    # write-ahead log is cut, which is done each night (docs/reliability.md, "Each night").
    connection.execute("PRAGMA secure_delete = ON")
    with transaction(connection):
        _erase_messages(connection, tuple(ident for ident, _, _ in what.messages))
        _erase_numbers(connection, what.numbers)
        _erase_calls(connection, what.calls)
        for name, days, ids in (
            ("messages", keeping.messages_closed, tuple(ident for ident, _, _ in what.messages)),
            ("numbers", keeping.numbers, what.numbers),
            ("calls", keeping.calls, what.calls),
        ):
            _note_deletion(connection, name, days, ids, now)


def deletions(connection: sqlite3.Connection, limit: int = 20) -> tuple[Deletion, ...]:
    """List the recorded deletions, newest first."""
    rows = connection.execute("SELECT * FROM deletions ORDER BY deletion DESC LIMIT ?", (limit,))
    return tuple(
        Deletion(
            datetime.fromisoformat(row["at"]),
            row["what"],
            int(row["days"]),
            tuple(json.loads(row["ids"])),
        )
        for row in rows
    )


def _erase_messages(connection: sqlite3.Connection, ids: tuple[str, ...]) -> None:
    chosen = [(ident,) for ident in ids]
    connection.executemany("UPDATE calls SET message = '' WHERE message = ?", chosen)
    # The message first: a trigger keeps its entries as long as it is there (schema/004).
    connection.executemany("DELETE FROM messages WHERE id = ?", chosen)
    connection.executemany("DELETE FROM care WHERE kind = 'message' AND subject = ?", chosen)


def _erase_numbers(connection: sqlite3.Connection, calls: tuple[str, ...]) -> None:
    # The call itself stays: the figures of a report are needed longer than its caller's number.
    # The number goes first: a trigger lets a note be emptied only once that is gone (schema/011).
    connection.executemany(
        "UPDATE calls SET caller_number = '', caller_name = '' WHERE call = ?",
        [(call,) for call in calls],
    )
    connection.executemany(
        "UPDATE care SET note = '' WHERE kind = 'call' AND subject = ? AND note <> ''",
        [(call,) for call in calls],
    )


def _erase_calls(connection: sqlite3.Connection, calls: tuple[str, ...]) -> None:
    chosen = [(call,) for call in calls]
    # The call first: a trigger keeps its entries as long as it is there (schema/004).
    connection.executemany("DELETE FROM calls WHERE call = ?", chosen)
    connection.executemany("DELETE FROM care WHERE kind = 'call' AND subject = ?", chosen)


# Neither an open request nor a mail that still waits is deleted by age.
_MAILS_LEFT: Final = """
    SELECT number, settled_at FROM outbox WHERE state IN ('sent', 'dropped') AND body <> ''
"""
_REQUESTS_DONE: Final = """
    SELECT requests.number, recording, max(request_steps.at) AS ended FROM requests
    JOIN request_steps ON request_steps.request = requests.number
    WHERE state = 'done' GROUP BY requests.number
"""
_EMPTY_MAIL: Final = """
    UPDATE outbox SET recipient = '', subject = '', body = '', calendar = '', attachments = '[]',
        said = '' WHERE number = ?
"""
_AUDIT: Final = "INSERT INTO deletions (at, what, days, ids) VALUES (?, ?, ?, ?)"


def due_mails(connection: sqlite3.Connection, days: int, now: datetime) -> tuple[int, ...]:
    """Find the mails sent or dropped more than `days` ago; none for 0 days."""
    rows = connection.execute(_MAILS_LEFT).fetchall() if days else ()
    return tuple(int(row["number"]) for row in rows if _is_past(row["settled_at"], days, now))


def due_requests(
    connection: sqlite3.Connection, days: int, now: datetime
) -> tuple[tuple[int, str], ...]:
    """Find the requests done more than `days` ago, with the file of their sound ("" for none)."""
    rows = connection.execute(_REQUESTS_DONE).fetchall() if days else ()
    return tuple(
        (int(row["number"]), str(row["recording"]))
        for row in rows
        if _is_past(row["ended"], days, now)
    )


def empty_mails(
    connection: sqlite3.Connection, numbers: Iterable[int], days: int, now: datetime
) -> None:
    """Empty mails of all personal data; that a mail was sent, and when, stays."""
    chosen = tuple(numbers)
    with transaction(connection):
        connection.executemany(_EMPTY_MAIL, [(number,) for number in chosen])
        _note_deletion(connection, "mails", days, chosen, now)


def erase_requests(
    connection: sqlite3.Connection, numbers: Iterable[int], days: int, now: datetime
) -> None:
    """Erase requests, their steps, slots, links and mails; their sounds must be deleted before."""
    chosen = tuple(numbers)
    with transaction(connection):
        for number in chosen:
            connection.execute("DELETE FROM bookings WHERE request = ?", (number,))
            connection.execute("DELETE FROM request_links WHERE request = ?", (number,))
            connection.execute("DELETE FROM request_steps WHERE request = ?", (number,))
            connection.execute(
                "DELETE FROM outbox WHERE state IN ('sent', 'dropped') AND "
                "(key = :key OR key LIKE :key || '-%')",
                {"key": f"request-{number}"},
            )
            connection.execute("DELETE FROM requests WHERE number = ?", (number,))
        _note_deletion(connection, "requests", days, chosen, now)


def _note_deletion(
    connection: sqlite3.Connection,
    what: str,
    days: int,
    ids: tuple[int, ...] | tuple[str, ...],
    now: datetime,
) -> None:
    # A night without a deletion writes nothing to the card.
    if ids:
        connection.execute(_AUDIT, (now.isoformat(), what, days, json.dumps([str(n) for n in ids])))


def _is_past(at: str, days: int, now: datetime) -> bool:
    return datetime.fromisoformat(at) < now - timedelta(days=days)


DAYS_AHEAD: Final = 30
_CLOSED_AT: Final = "SELECT closed_at FROM messages WHERE id = ?"
_UNCLOSED: Final = """
    SELECT (SELECT count(*) FROM messages WHERE state <> 'closed'),
        (SELECT received_at FROM messages WHERE state <> 'closed' ORDER BY received_ms LIMIT 1),
        (SELECT count(*) FROM requests WHERE state <> 'done'),
        (SELECT at FROM requests WHERE state <> 'done' ORDER BY at_ms LIMIT 1),
        (SELECT count(*) FROM outbox WHERE state = 'queued')
"""


@dataclass(frozen=True, slots=True)
class UpcomingDeletions:
    """What will be deleted until `until`: messages (number, due instant), and counts of the rest.

    `open_calls` of the calls are missed calls that are neither closed nor served.
    """

    until: datetime
    messages: tuple[tuple[int, datetime], ...]
    numbers: int
    calls: int
    mails: int
    requests: int
    open_calls: int


@dataclass(frozen=True, slots=True)
class UnclosedCounts:
    """Counts of what is open, and so never deleted by age, and the instant of the oldest."""

    messages: int
    oldest_message: datetime | None
    requests: int
    oldest_request: datetime | None
    mails: int


def upcoming_deletions(
    connection: sqlite3.Connection, keeping: RetentionDays, now: datetime
) -> UpcomingDeletions:
    """Find what will be deleted within DAYS_AHEAD; changes nothing; raises sqlite3.Error."""
    until = now + timedelta(days=DAYS_AHEAD)
    found = due_for_deletion(connection, keeping, until)
    kept = timedelta(days=keeping.messages_closed)
    messages = (
        (number, _closed_at(connection, ident) + kept) for ident, number, _path in found.messages
    )
    return UpcomingDeletions(
        until,
        tuple(sorted(messages, key=lambda each: (each[1], each[0]))),
        len(found.numbers),
        len(found.calls),
        len(due_mails(connection, keeping.numbers, until)),
        len(due_requests(connection, keeping.calls, until)),
        count_open_calls(connection, found),
    )


def count_unclosed(connection: sqlite3.Connection) -> UnclosedCounts:
    """Count what is open, whatever its age; raises sqlite3.Error."""
    messages, message, requests, request, mails = connection.execute(_UNCLOSED).fetchone()
    return UnclosedCounts(messages, moment(message), requests, moment(request), mails)


def _closed_at(connection: sqlite3.Connection, ident: str) -> datetime:
    return datetime.fromisoformat(connection.execute(_CLOSED_AT, (ident,)).fetchone()[0])


KIND_LABELS: Final[Mapping[str, Words]] = {
    "messages": _("Messages, after closing"),
    "numbers": _("Callers' numbers"),
    "calls": _("Calls"),
    "mails": _("Texts of mails that left"),
    "requests": _("Requests that were done"),
}
DAYS_LABEL: Final = _("{days} days")
FOR_EVER: Final = _("for ever")
OPEN_IS_KEPT: Final = _("A message that nobody has closed is never deleted by age.")
DELETED: Final = _("Deleted:")
NONE_DELETED: Final = _("Nothing was deleted so far.")
NONE_DUE: Final = _("Nothing would go tonight.")
DUE_LABELS: Final[Mapping[str, Words]] = {
    "messages": _("Messages: {numbers}"),
    "numbers": _("Numbers of {calls} calls"),
    "calls": _("{calls} calls"),
}

STILL_OPEN: Final = _("Of these, without a message and open: {calls}")


def retention_lines(
    keeping: RetentionDays, deleted: Iterable[Deletion], language: str
) -> Iterator[str]:
    """Write the retention periods and the latest deletions, line by line."""
    days = {
        "messages": keeping.messages_closed, "numbers": keeping.numbers, "calls": keeping.calls,
    }  # fmt: skip
    for what, limit in days.items():
        words = DAYS_LABEL.filled(days=limit).text(language) if limit else FOR_EVER.text(language)
        yield f"{KIND_LABELS[what].text(language)}: {words}"
    yield OPEN_IS_KEPT.text(language)
    rows = [_deletion_line(each, language) for each in deleted]
    yield DELETED.text(language) if rows else NONE_DELETED.text(language)
    yield from rows


def preview_lines(due: DueForDeletion, language: str, still_open: int = 0) -> Iterator[str]:
    """Write what would be deleted: messages by their numbers, calls by their count.

    `still_open` of the calls are missed calls that are neither closed nor served.
    """
    if not due.any:
        yield NONE_DUE.text(language)
    if due.messages:
        numbers = ", ".join(str(number) for _, number, _ in due.messages)
        yield DUE_LABELS["messages"].filled(numbers=numbers).text(language)
    if due.numbers:
        yield DUE_LABELS["numbers"].filled(calls=len(due.numbers)).text(language)
    if due.calls:
        yield DUE_LABELS["calls"].filled(calls=len(due.calls)).text(language)
    if still_open:
        yield STILL_OPEN.filled(calls=still_open).text(language)


def _deletion_line(each: Deletion, language: str) -> str:
    what = KIND_LABELS[each.what].text(language)
    return f"  {moment_words(each.at, language)}  {what}: {len(each.ids)}"
