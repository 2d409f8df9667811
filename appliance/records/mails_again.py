"""A notice sent once more: a copy with a key and Message-ID of its own, in the same thread (P6).

The one before stays as it was sent; one that was given up is seen to by that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from appliance.policy.done_link import with_secret
from appliance.policy.outbox import MailState
from appliance.policy.refused import Refused
from appliance.records import outbox
from appliance.records.call_log import iso

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from appliance.records.outbox import Kept

AGAIN: Final = "-again-"
"""Between the key of a notice and what makes the copy's its own."""
MOST: Final = 5
"""Copies of one notice: who has sent so many calls the office instead."""
TOO_MANY: Final = (
    f"questa e-mail è già stata inviata di nuovo {MOST} volte: telefonare all'ufficio",
    f"this e-mail was sent again {MOST} times already: call the office",
)


def send(
    connection: sqlite3.Connection,
    kept: Kept,
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
    body, used = with_secret(kept.mail.body, token)
    mail = replace(
        kept.mail,
        key=f"{first}{AGAIN}{copy}",
        to=to,
        body=body,
        thread=kept.mail.thread or first,
        token=token if used else "",
    )
    if not outbox.is_known(connection, mail.key):
        if len(copies(connection, first)) >= MOST:
            raise Refused(*TOO_MANY)
        outbox.put(connection, mail, at, domain)
    number = outbox.number_of(connection, mail.key)
    if kept.state is MailState.DEAD:
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
