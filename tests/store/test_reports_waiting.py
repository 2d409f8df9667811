"""What waits in the records is counted truly, and nothing else of it is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.policy.mail import Mail, MailState, QueuedMail
from appliance.policy.reports import NOTHING_STORED
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.store import outbox, requests, voicemail
from appliance.store.database import open_database
from appliance.store.reports import stored
from appliance.store.requests import NO_MAILS, RequestToStore
from appliance.store.voicemail import CaseKind
from tests.store.samples import TEN, a_call, a_message
from tests.store.test_requests import ASKED

STATES = ("open", "sent", "taken", "done")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    yield connection
    connection.close()


def test_an_empty_box_has_nothing(db: sqlite3.Connection) -> None:
    """Zeros, for every state there is; the disk as it was measured."""
    none = tuple((state, 0) for state in STATES)
    assert stored(db) == replace(NOTHING_STORED, requests=none)
    assert stored(db, (3, 7)) == replace(NOTHING_STORED, requests=none, disk_free=3, disk_size=7)


def test_messages_wait_until_they_are_heard_and_closed(db: sqlite3.Connection) -> None:
    """Open is not unheard: the oldest that nobody has heard has an age, a closed one none."""
    for minute, ident in enumerate(("m1", "m2", "m3")):
        kept = replace(a_message(ident, f"a-{ident}"), received_at=TEN + timedelta(minutes=minute))
        voicemail.insert_message(db, kept, a_call(f"a-{ident}", Result.MESSAGE), "b")
    found = stored(db)
    assert (found.open_messages, found.unheard, found.open_ms) == (3, 3, 3 * 61_500)
    assert found.oldest_unheard_at == TEN.timestamp()
    voicemail.add_entry(db, CaseKind.MESSAGE, "m1", MessageEntry(TEN, "op1", MessageStep.HEAR))
    found = stored(db)
    assert (found.open_messages, found.unheard) == (3, 2)
    assert found.oldest_unheard_at == TEN.timestamp() + 60
    for ident in ("m2", "m3"):
        closing = MessageEntry(TEN, "op1", MessageStep.CLOSE, MessageOutcome.CALLED_BACK)
        voicemail.add_entry(db, CaseKind.MESSAGE, ident, closing)
    found = stored(db)
    assert (found.open_messages, found.unheard, found.oldest_unheard_at) == (1, 0, None)


def test_requests_are_counted_by_how_far_they_are(db: sqlite3.Connection) -> None:
    """One that was taken over a moment ago is open."""
    requests.insert_request(db, RequestToStore("r1", ASKED, ASKED.at), NO_MAILS)
    assert dict(stored(db).requests) == {**dict.fromkeys(STATES, 0), "open": 1}


def test_mails_wait_or_were_given_up(db: sqlite3.Connection) -> None:
    """The age is of the oldest that still waits; one that has left counts for nothing."""
    for minute, key in enumerate("abc"):
        mail = Mail(key, "a@b.example", "s", "t")
        outbox.queue_mail(db, mail, TEN + timedelta(minutes=minute), "box.example")
    for number, state in ((1, MailState.SENT), (2, MailState.DEAD)):
        requests.settle_mail(db, state, QueuedMail(number), "", TEN)
    found = stored(db)
    assert (found.mail_queued, found.mail_dead) == (1, 1)
    assert found.oldest_mail_at == TEN.timestamp() + 120
