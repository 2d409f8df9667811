"""Outbox: mails that wait for the mail server, frozen when they are queued (reliability.md 4)."""

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
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3

RETRIED: Final = "outbox.retry"
DROPPED: Final = "outbox.drop"
# Right-hand side of a Message-ID where no sender is configured yet (RFC 2606, 2).
NO_DOMAIN: Final = "centralino.invalid"


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One row of the outbox; `tries` attempts over `tried_ms` ms of running time."""

    number: int
    mail: Mail
    message_id: str
    queued_at: datetime
    state: MailState
    tries: int = 0
    # By the monotonic clock: the wall clock may be set (reliability.md 6).
    tried_ms: int = 0
    said: str = ""
    settled_at: datetime | None = None
    settled_by: str = ""
    reason: str = ""


# The same key twice is one mail: a change that is repeated after an unknown outcome queues no
# second one (schema/003).
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
    """Queue a mail, inside the caller's transaction; a key that exists changes nothing."""
    # Recipient, text and Message-ID are frozen here: each attempt sends the same mail, so that the
    # office can tell a duplicate (the server took it, and its reply was lost).
    #
    # A key may hold ":", which no Message-ID may (RFC 5322, 3.6.4).
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
    # Of the link that closes a request (E15) only the hash is kept: nobody who reads the database
    # can close anything with it (schema/017).
    if is_new and mail.token:
        link = (done_link_hash(mail.token), mail.request, at.isoformat())
        connection.execute(_INSERT_LINK, link)


def queue_mail(
    connection: sqlite3.Connection, mail: Mail, at: datetime, domain: str = NO_DOMAIN
) -> None:
    """Queue a mail in a transaction of its own."""
    with transaction(connection):
        put_mail(connection, mail, at, domain)


def list_mails(
    connection: sqlite3.Connection, *states: MailState, limit: int = 1000
) -> tuple[StoredMail, ...]:
    """List mails, oldest first: those of some states, or all."""
    wanted = json.dumps(states or tuple(MailState))
    rows = connection.execute(
        "SELECT * FROM outbox WHERE state IN (SELECT value FROM json_each(?)) "
        "ORDER BY number LIMIT ?",
        (wanted, limit),
    )
    return tuple(_from_row(row) for row in rows)


def mails_of_request(connection: sqlite3.Connection, request: int) -> tuple[StoredMail, ...]:
    """List the mails about a request, oldest first, of any recipient and state."""
    # The range is that of the keys "request-7-…": in ASCII the full stop follows the hyphen.
    rows = connection.execute(
        "SELECT * FROM outbox WHERE key = ?1 OR (key >= ?1 || '-' AND key < ?1 || '.') "
        "ORDER BY number",
        (f"request-{request}",),
    )
    return tuple(_from_row(row) for row in rows)


def latest_mails(
    connection: sqlite3.Connection, *states: MailState, limit: int = 200
) -> tuple[StoredMail, ...]:
    """List the latest mails of some states, newest first."""
    rows = connection.execute(
        "SELECT * FROM outbox WHERE state IN (SELECT value FROM json_each(?)) "
        "ORDER BY number DESC LIMIT ?",
        (json.dumps(states), limit),
    )
    return tuple(_from_row(row) for row in rows)


def mail_number(connection: sqlite3.Connection, key: str) -> int:
    """Return the number of a mail by its key; raises OfficeError for an unknown key."""
    row = connection.execute("SELECT number FROM outbox WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise Refused(
            _("there is no mail {key!r}: list them with `centralino box outbox list`", key=key),
        )
    return int(row[0])


def count_since(connection: sqlite3.Connection, beginning: str, since: datetime) -> int:
    """Count the mails queued since an instant whose key begins with `beginning`."""
    # datetime() compares instants, whatever their offset from UTC.
    row = connection.execute(
        "SELECT count(*) FROM outbox WHERE substr(key, 1, ?) = ? "
        "AND datetime(queued_at) >= datetime(?)",
        (len(beginning), beginning, since.isoformat()),
    )
    return int(row.fetchone()[0])


def keys_ending_in(connection: sqlite3.Connection, ending: str) -> frozenset[str]:
    """Return the keys of all mails, of any state, that end in `ending`."""
    rows = connection.execute(
        "SELECT key FROM outbox WHERE substr(key, ?) = ?", (-len(ending), ending)
    )
    return frozenset(str(row[0]) for row in rows)


def is_known(connection: sqlite3.Connection, key: str) -> bool:
    """Tell whether a mail with that key was ever queued, whatever its state."""
    return connection.execute("SELECT 1 FROM outbox WHERE key = ?", (key,)).fetchone() is not None


def find_mail(connection: sqlite3.Connection, number: int) -> StoredMail | None:
    """Look a mail up by its number."""
    row = connection.execute("SELECT * FROM outbox WHERE number = ?", (number,)).fetchone()
    return _from_row(row) if row else None


def thread_ids(connection: sqlite3.Connection, mail: Mail) -> tuple[str, ...]:
    """Return the Message-IDs of the thread before a mail, oldest first (RFC 5322, 3.6.4)."""
    if not mail.thread:
        return ()
    rows = connection.execute(
        "SELECT message_id FROM outbox WHERE key = :thread OR (thread = :thread AND number < "
        "(SELECT number FROM outbox WHERE key = :key)) ORDER BY number",
        {"thread": mail.thread, "key": mail.key},
    )
    return tuple(str(row[0]) for row in rows)


def retry_mail(connection: sqlite3.Connection, number: int, by: str, at: datetime) -> StoredMail:
    """Queue a mail again that was given up or dropped, audited; raises OfficeError."""
    with transaction(connection):
        found = required_mail(connection, number)
        if found.state is MailState.SENT:
            raise Refused(
                _("mail {number} has left already: {said}", number=number, said=found.said),
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
    """Drop a mail for a reason, audited; it stays listed; raises OfficeError."""
    # No mail leaves the outbox silently: who dropped it, and why, is kept.
    if not reason.strip() or not by.strip():
        raise Refused(
            _("a mail is dropped by somebody, for a reason: say both"),
        )
    with transaction(connection):
        found = required_mail(connection, number)
        # The mail server has it: nobody can say any more that it was not sent.
        if found.state is MailState.SENT:
            raise Refused(
                _("mail {number} has left already: {said}", number=number, said=found.said),
            )
        connection.execute(
            "UPDATE outbox SET state = 'dropped', settled_at = ?, settled_by = ?, reason = ? "
            "WHERE number = ?",
            (iso(at), by, reason, number),
        )
        database.note(connection, Noted(at, by, DROPPED, str(number)))
    return found


def required_mail(connection: sqlite3.Connection, number: int) -> StoredMail:
    """Look a mail up by its number; raises OfficeError for an unknown number."""
    found = find_mail(connection, number)
    if found is None:
        raise Refused(
            _(
                "there is no mail {number}: list them with `centralino box outbox list`",
                number=number,
            ),
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
"""Separator between the key of a mail and the suffix of its copy."""
# After five copies the sender is told to call the office instead.
MOST_COPIES: Final = 5
"""Largest number of copies of one mail."""
TOO_MANY: Final = _(
    "this e-mail was sent again {most_copies} times already: call the office",
    most_copies=MOST_COPIES,
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
    """Queue a copy of a mail to an address, inside the caller's transaction; returns its number.

    `copy` is the suffix of its key, the same twice is one; `token` the secret of the copy's own
    link that closes the request. Raises Refused.
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
            raise Refused(TOO_MANY)
        put_mail(connection, mail, at, domain)
    number = mail_number(connection, mail.key)
    # A mail that was given up is settled by its copy: it raises no alarm any more.
    if kept.state is MailState.DEAD:
        connection.execute(
            "UPDATE outbox SET state = 'dropped', settled_at = ?, settled_by = ?, reason = ? "
            "WHERE number = ?",
            (iso(at), by, f"sent again: {number}", kept.number),
        )
    return number


def copies(connection: sqlite3.Connection, key: str) -> tuple[str, ...]:
    """Return the keys of a mail's copies."""
    beginning = f"{key}{AGAIN}"
    rows = connection.execute(
        "SELECT key FROM outbox WHERE substr(key, 1, ?) = ?", (len(beginning), beginning)
    )
    return tuple(str(row[0]) for row in rows)


def waiting_mails(connection: sqlite3.Connection) -> tuple[QueuedMail, ...]:
    """Return the queued mails, oldest first."""
    rows = connection.execute(
        "SELECT number, tries, tried_ms FROM outbox WHERE state = 'queued' ORDER BY number"
    )
    return tuple(QueuedMail(*map(int, row)) for row in rows)


def count_dead(connection: sqlite3.Connection) -> int:
    """Count the mails that were given up and neither retried nor dropped since."""
    row = connection.execute("SELECT count(*) FROM outbox WHERE state = 'dead'").fetchone()
    return int(row[0])


def load_letter(connection: sqlite3.Connection, number: int) -> OutgoingMail:
    """Return a mail as it is sent; raises OfficeError for an unknown number."""
    kept = required_mail(connection, number)
    references = thread_ids(connection, kept.mail)
    return OutgoingMail(kept.mail, kept.message_id, references, kept.queued_at)
