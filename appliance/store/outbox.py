"""Outbox: mails that wait for the mail server, frozen when they were written (reliability.md 4)."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.policy.mail import Mail, MailState, OutgoingMail, QueuedMail
from appliance.policy.requests import done_link_hash, with_new_done_link
from appliance.policy.text import Refused
from appliance.store import database
from appliance.store.call_log import iso, moment
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

RETRIED: Final = "outbox.retry"
DROPPED: Final = "outbox.drop"
NO_DOMAIN: Final = "centralino.invalid"
"""Right-hand side of a Message-ID where no sender is configured yet (RFC 2606, 2)."""


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A notice as it is kept; `tried_ms` is for how long it has been tried, by running time."""

    number: int
    mail: Mail
    message_id: str
    queued_at: datetime
    state: MailState
    tries: int = 0
    tried_ms: int = 0
    said: str = ""
    settled_at: datetime | None = None
    settled_by: str = ""
    reason: str = ""


_INSERT: Final = """
    INSERT INTO outbox (key, message_id, recipient, subject, body, thread, attachments, calendar,
        request, queued_at, state)
    VALUES (:key, :message_id, :to, :subject, :body, :thread, :attachments, :calendar,
        :request, :at, 'queued')
    ON CONFLICT (key) DO NOTHING
"""

_INSERT_LINK: Final = "INSERT INTO request_links (sha256, request, made_at) VALUES (?, ?, ?)"


def put_mail(
    connection: sqlite3.Connection, mail: Mail, at: datetime, domain: str = NO_DOMAIN
) -> None:
    """Keep a notice, within the caller's transaction; a key that is known changes nothing.

    Of the link in it that closes a request (E15) the hash is kept.
    """
    # Recipient, text and Message-ID are frozen here: every try sends the same mail, so that one
    # that arrives twice (the server took it, and we never heard) is known for the same.
    unique = f"{re.sub(r'[^A-Za-z0-9-]+', '-', mail.key)}.{secrets.token_hex(6)}"
    values = {
        "key": mail.key,
        "message_id": f"<{unique}@{domain}>",
        "to": mail.to,
        "subject": mail.subject,
        "body": mail.body,
        "thread": mail.thread,
        "attachments": json.dumps(mail.attachments),
        "calendar": mail.calendar,
        "request": mail.request,
        "at": at.isoformat(),
    }
    is_new = connection.execute(_INSERT, values).rowcount
    if is_new and mail.token:
        link = (done_link_hash(mail.token), mail.request, at.isoformat())
        connection.execute(_INSERT_LINK, link)


def queue_mail(
    connection: sqlite3.Connection, mail: Mail, at: datetime, domain: str = NO_DOMAIN
) -> None:
    """Keep a notice, durably."""
    with transaction(connection):
        put_mail(connection, mail, at, domain)


def list_mails(
    connection: sqlite3.Connection, *states: MailState, limit: int = 1000
) -> tuple[StoredMail, ...]:
    """List notices, oldest first: those of some states, or all."""
    wanted = json.dumps(states or tuple(MailState))
    rows = connection.execute(
        "SELECT * FROM outbox WHERE state IN (SELECT value FROM json_each(?)) "
        "ORDER BY number LIMIT ?",
        (wanted, limit),
    )
    return tuple(_from_row(row) for row in rows)


def mails_of_request(connection: sqlite3.Connection, request: int) -> tuple[StoredMail, ...]:
    """List the notices about a request, oldest first, to whomever and whatever became of them."""
    rows = connection.execute(
        "SELECT * FROM outbox WHERE key = ?1 OR (key >= ?1 || '-' AND key < ?1 || '.') "
        "ORDER BY number",  # the full stop follows the hyphen
        (f"request-{request}",),
    )
    return tuple(_from_row(row) for row in rows)


def latest_mails(
    connection: sqlite3.Connection, *states: MailState, limit: int = 200
) -> tuple[StoredMail, ...]:
    """List the latest notices of some states, newest first."""
    rows = connection.execute(
        "SELECT * FROM outbox WHERE state IN (SELECT value FROM json_each(?)) "
        "ORDER BY number DESC LIMIT ?",
        (json.dumps(states), limit),
    )
    return tuple(_from_row(row) for row in rows)


def mail_number(connection: sqlite3.Connection, key: str) -> int:
    """Return the number of the notice of a key; raises OfficeError when there is none."""
    row = connection.execute("SELECT number FROM outbox WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise Refused(
            f"non c'è l'e-mail {key!r}: elencarle con `centralino outbox list`",
            f"there is no mail {key!r}: list them with `centralino outbox list`",
        )
    return int(row[0])


def count_since(connection: sqlite3.Connection, beginning: str, since: datetime) -> int:
    """Count the notices whose key begins so and that were queued since an instant."""
    row = connection.execute(
        "SELECT count(*) FROM outbox WHERE substr(key, 1, ?) = ? "
        "AND datetime(queued_at) >= datetime(?)",
        (len(beginning), beginning, since.isoformat()),
    )
    return int(row.fetchone()[0])


def keys_ending_in(connection: sqlite3.Connection, ending: str) -> frozenset[str]:
    """Return the keys of all notices, whatever became of them, that end so."""
    rows = connection.execute(
        "SELECT key FROM outbox WHERE substr(key, ?) = ?", (-len(ending), ending)
    )
    return frozenset(str(row[0]) for row in rows)


def is_known(connection: sqlite3.Connection, key: str) -> bool:
    """Tell whether a notice of that key was ever kept, whatever became of it."""
    return connection.execute("SELECT 1 FROM outbox WHERE key = ?", (key,)).fetchone() is not None


def find_mail(connection: sqlite3.Connection, number: int) -> StoredMail | None:
    """Look a notice up."""
    row = connection.execute("SELECT * FROM outbox WHERE number = ?", (number,)).fetchone()
    return _from_row(row) if row else None


def thread_ids(connection: sqlite3.Connection, mail: Mail) -> tuple[str, ...]:
    """Return the Message-IDs of the mails it follows up, oldest first (RFC 5322, 3.6.4)."""
    if not mail.thread:
        return ()
    rows = connection.execute(
        "SELECT message_id FROM outbox WHERE key = :thread OR (thread = :thread AND number < "
        "(SELECT number FROM outbox WHERE key = :key)) ORDER BY number",
        {"thread": mail.thread, "key": mail.key},
    )
    return tuple(str(row[0]) for row in rows)


def retry_mail(connection: sqlite3.Connection, number: int, by: str, at: datetime) -> StoredMail:
    """Queue a notice anew that was given up or dropped, and note who did; raises OfficeError."""
    with transaction(connection):
        found = required_mail(connection, number)
        if found.state is MailState.SENT:
            raise Refused(
                f"l'e-mail {number} è già partita: {found.said}",
                f"mail {number} has left already: {found.said}",
            )
        connection.execute(
            "UPDATE outbox SET state = 'queued', tries = 0, tried_ms = 0, settled_at = NULL, "
            "settled_by = '', reason = '' WHERE number = ?",
            (number,),
        )
        database.note(connection, Noted(at, by, RETRIED, str(number)))
    return found


def drop_mail(
    connection: sqlite3.Connection, number: int, by: str, reason: str, at: datetime
) -> StoredMail:
    """Give a notice up for a reason; it stays listed; raises OfficeError."""
    if not reason.strip() or not by.strip():
        raise Refused(
            "un'e-mail si annulla per un motivo: dire chi e perché",
            "a mail is dropped by somebody, for a reason: say both",
        )
    with transaction(connection):
        found = required_mail(connection, number)
        if found.state is MailState.SENT:
            raise Refused(
                f"l'e-mail {number} è già partita: {found.said}",
                f"mail {number} has left already: {found.said}",
            )
        connection.execute(
            "UPDATE outbox SET state = 'dropped', settled_at = ?, settled_by = ?, reason = ? "
            "WHERE number = ?",
            (iso(at), by, reason, number),
        )
        database.note(connection, Noted(at, by, DROPPED, str(number)))
    return found


def required_mail(connection: sqlite3.Connection, number: int) -> StoredMail:
    """Look a notice up; raises OfficeError when there is none."""
    found = find_mail(connection, number)
    if found is None:
        raise Refused(
            f"l'e-mail {number} non c'è: guardare nell'elenco",
            f"there is no mail {number}: list them with `centralino outbox list`",
        )
    return found


def _from_row(row: sqlite3.Row) -> StoredMail:
    mail = Mail(
        str(row["key"]),
        str(row["recipient"]),
        str(row["subject"]),
        str(row["body"]),
        str(row["thread"]),
        tuple(json.loads(row["attachments"])),
        str(row["calendar"]),
        int(row["request"]),
    )
    return StoredMail(
        int(row["number"]),
        mail,
        str(row["message_id"]),
        datetime.fromisoformat(str(row["queued_at"])),
        MailState(str(row["state"])),
        int(row["tries"]),
        int(row["tried_ms"]),
        str(row["said"]),
        moment(row["settled_at"]),
        str(row["settled_by"]),
        str(row["reason"]),
    )


AGAIN: Final = "-again-"
"""Between the key of a notice and what makes the copy's its own."""
MOST_COPIES: Final = 5
"""Copies of one notice: who has sent so many calls the office instead."""
TOO_MANY: Final = (
    f"questa e-mail è già stata inviata di nuovo {MOST_COPIES} volte: telefonare all'ufficio",
    f"this e-mail was sent again {MOST_COPIES} times already: call the office",
)


def resend(
    connection: sqlite3.Connection,
    kept: StoredMail,
    to: str,
    copy: str,
    token: str,
    by: str,
    at: datetime,
    domain: str,
) -> int:
    """Queue a copy of a notice to an address; returns its number.

    `copy` makes its key, the same twice is one; `token` is the secret of its own link that closes
    the request. Within the caller's transaction; raises Refused.
    """
    first = kept.mail.key.partition(AGAIN)[0]
    body, used = with_new_done_link(kept.mail.body, token)
    mail = replace(
        kept.mail,
        key=f"{first}{AGAIN}{copy}",
        to=to,
        body=body,
        thread=kept.mail.thread or first,
        token=token if used else "",
    )
    if not is_known(connection, mail.key):
        if len(copies(connection, first)) >= MOST_COPIES:
            raise Refused(*TOO_MANY)
        put_mail(connection, mail, at, domain)
    number = mail_number(connection, mail.key)
    if kept.state is MailState.DEAD:  # a mail that was given up is settled by its copy
        connection.execute(
            "UPDATE outbox SET state = 'dropped', settled_at = ?, settled_by = ?, reason = ? "
            "WHERE number = ?",
            (iso(at), by, f"sent again: {number}", kept.number),
        )
    return number


def copies(connection: sqlite3.Connection, key: str) -> tuple[str, ...]:
    """Return the keys of the copies of a notice."""
    beginning = f"{key}{AGAIN}"
    rows = connection.execute(
        "SELECT key FROM outbox WHERE substr(key, 1, ?) = ?", (len(beginning), beginning)
    )
    return tuple(str(row[0]) for row in rows)


def waiting_mails(connection: sqlite3.Connection) -> tuple[QueuedMail, ...]:
    """Return what is queued, oldest first."""
    rows = connection.execute(
        "SELECT number, tries, tried_ms FROM outbox WHERE state = 'queued' ORDER BY number"
    )
    return tuple(QueuedMail(*map(int, row)) for row in rows)


def count_dead(connection: sqlite3.Connection) -> int:
    """Count the mails that were given up and neither retried nor dropped since."""
    row = connection.execute("SELECT count(*) FROM outbox WHERE state = 'dead'").fetchone()
    return int(row[0])


def load_letter(connection: sqlite3.Connection, number: int) -> OutgoingMail:
    """Return a notice as it leaves; raises OfficeError when there is none."""
    kept = required_mail(connection, number)
    references = thread_ids(connection, kept.mail)
    return OutgoingMail(kept.mail, kept.message_id, references, kept.queued_at)
