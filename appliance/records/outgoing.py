"""The outbox as the mail thread sees it: what waits, a notice as it leaves, what a try came to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from appliance.policy.done_link import without_secrets
from appliance.policy.outbox import Letter, MailState, Waiting
from appliance.policy.requests import Step
from appliance.records import outbox, requests
from appliance.records.call_log import iso
from appliance.records.database import transaction
from appliance.records.request_rows import Happened

if TYPE_CHECKING:
    import sqlite3


def waiting(connection: sqlite3.Connection) -> tuple[Waiting, ...]:
    """Return what is queued, oldest first."""
    rows = connection.execute(
        "SELECT number, tries, tried_ms FROM outbox WHERE state = 'queued' ORDER BY number"
    )
    return tuple(Waiting(*map(int, row)) for row in rows)


def dead(connection: sqlite3.Connection) -> int:
    """Count the notices that were given up and that nobody has seen to."""
    row = connection.execute("SELECT count(*) FROM outbox WHERE state = 'dead'").fetchone()
    return int(row[0])


def load(connection: sqlite3.Connection, number: int) -> Letter:
    """Return a notice as it leaves; raises OfficeError when there is none."""
    kept = outbox.required(connection, number)
    references = outbox.thread_ids(connection, kept.mail)
    return Letter(kept.mail, kept.message_id, references, kept.queued_at)


def settle(
    connection: sqlite3.Connection, state: MailState, after: Waiting, said: str, at: datetime
) -> None:
    """Keep what a try came to; what a person decided meanwhile stands.

    A request whose mail the server has taken is "sent", in the same transaction.
    """
    with transaction(connection):
        changed = connection.execute(
            "UPDATE outbox SET state = ?, tries = ?, tried_ms = ?, said = ?, settled_at = ? "
            "WHERE number = ? AND state = 'queued'",
            (
                state.value,
                after.tries,
                after.tried_ms,
                said,
                None if state is MailState.QUEUED else iso(at),
                after.number,
            ),
        ).rowcount
        kept = outbox.find(connection, after.number)
        if changed and kept and state is MailState.SENT:
            _take_secrets_out(connection, kept)
        if changed and kept and kept.mail.request and state is MailState.SENT:
            step = Happened(kept.message_id, Step.MAILED, at, "", words=said)
            requests.mailed(connection, kept.mail.request, step)


def _take_secrets_out(connection: sqlite3.Connection, kept: outbox.Kept) -> None:
    """Leave no link that closes a request here once it has left: till then every try needs it."""
    body = without_secrets(kept.mail.body)
    if body != kept.mail.body:
        values = (body, kept.number)
        connection.execute("UPDATE outbox SET body = ? WHERE number = ?", values)
