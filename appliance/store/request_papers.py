"""Links, papers and retention of requests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.policy import requests
from appliance.policy.requests import DoneLinkState, RequestState, RequestStep, done_link_hash
from appliance.policy.text import Refused
from appliance.store import database
from appliance.store import requests as store_requests
from appliance.store.database import Noted, transaction
from appliance.store.requests import Happened, StoredRequest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable


# ---- request links -----------------------------------------------------------------------------
# Links that close a request, as they are kept: by their hash alone (E15, policy/requests.py).

CODE = "request.link"
"""The code in the audit."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How a link stands and the request that it is for, None for a link that is unknown."""

    standing: DoneLinkState
    kept: StoredRequest | None = None


UNKNOWN = Looked(DoneLinkState.UNKNOWN)


def look(connection: sqlite3.Connection, token: str, now: datetime) -> Looked:
    """Look a link up by its hash: whatever was given takes the same look."""
    digest = done_link_hash(token)
    row = connection.execute(
        "SELECT request, made_at FROM request_links WHERE sha256 = ?", (digest,)
    ).fetchone()
    kept = store_requests.find_request(connection, int(row["request"])) if row else None
    if kept is None:
        return UNKNOWN
    is_used = any(each.id == _step_id(digest) for each in kept.steps)
    is_done = kept.request.state is RequestState.DONE
    made_at = datetime.fromisoformat(row["made_at"])
    return Looked(requests.done_link_state(is_used, is_done, made_at, now), kept)


def close(connection: sqlite3.Connection, token: str, said_by: str, now: datetime) -> int:
    """Close the link's request, durably, and return its number; raises Refused.

    That it is used, that it is done and the audit are one transaction: the step bears the hash.
    """
    with transaction(connection):
        looked = look(connection, token, now)
        if looked.kept is None or looked.standing is not DoneLinkState.OPEN:
            words = requests.DONE_LINK_WORDS[looked.standing]
            raise Refused(words.it, words.en)
        number = looked.kept.request.number
        ident = _step_id(done_link_hash(token))
        done = Happened(ident, RequestStep.CLOSE, now, requests.DONE_LINK_AUTHOR, said_by)
        store_requests.change_within(connection, number, done)
        database.note(connection, Noted(now, requests.DONE_LINK_AUTHOR, CODE, str(number)))
    return number


def _step_id(digest: str) -> str:
    return f"link-{digest}"


# ---- request retention -------------------------------------------------------------------------
# How long requests and the texts of mails are kept: they hold citizens' numbers and addresses.
#
# A request that nobody closed never goes by age, nor does a mail that has not left. What went is
# recorded by how many, never whose.

_MAILS: Final = """
    SELECT number, settled_at FROM outbox WHERE state IN ('sent', 'dropped') AND body <> ''
"""
_REQUESTS: Final = """
    SELECT requests.number, recording, max(request_steps.at) AS ended FROM requests
    JOIN request_steps ON request_steps.request = requests.number
    WHERE state = 'done' GROUP BY requests.number
"""
_EMPTY: Final = """
    UPDATE outbox SET recipient = '', subject = '', body = '', calendar = '', attachments = '[]',
        said = '' WHERE number = ?
"""
_AUDIT: Final = "INSERT INTO deletions (at, what, days, ids) VALUES (?, ?, ?, ?)"


def due_mails(connection: sqlite3.Connection, days: int, now: datetime) -> tuple[int, ...]:
    """Find the mails that left, or were given up, so long ago; 0 days is for ever."""
    rows = connection.execute(_MAILS).fetchall() if days else ()
    return tuple(int(row["number"]) for row in rows if _is_past(row["settled_at"], days, now))


def due_requests(
    connection: sqlite3.Connection, days: int, now: datetime
) -> tuple[tuple[int, str], ...]:
    """Find the requests that ended so long ago, with the files of their words ("" for none)."""
    rows = connection.execute(_REQUESTS).fetchall() if days else ()
    return tuple(
        (int(row["number"]), str(row["recording"]))
        for row in rows
        if _is_past(row["ended"], days, now)
    )


def empty_mails(
    connection: sqlite3.Connection, numbers: Iterable[int], days: int, now: datetime
) -> None:
    """Take out of mails whatever says whom they concerned; that one left, and when, stays."""
    chosen = tuple(numbers)
    with transaction(connection):
        connection.executemany(_EMPTY, [(number,) for number in chosen])
        _note(connection, "mails", days, chosen, now)


def erase_requests(
    connection: sqlite3.Connection, numbers: Iterable[int], days: int, now: datetime
) -> None:
    """Erase requests whose sounds are gone already, their history, slots and mails."""
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
        _note(connection, "requests", days, chosen, now)


def _note(
    connection: sqlite3.Connection, what: str, days: int, ids: tuple[int, ...], now: datetime
) -> None:
    if ids:
        connection.execute(_AUDIT, (now.isoformat(), what, days, json.dumps([str(n) for n in ids])))


def _is_past(at: str, days: int, now: datetime) -> bool:
    return datetime.fromisoformat(at) < now - timedelta(days=days)
