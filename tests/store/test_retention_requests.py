"""Requests and mails past their time: gone, recorded, and never one that somebody waits for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.policy.mail import MailState, QueuedMail
from appliance.policy.requests import RequestStep
from appliance.store import outbox, requests, retention
from appliance.store.database import open_database
from appliance.store.requests import RequestSound, RequestToStore
from appliance.store.retention import due_mails, due_requests, empty_mails, erase_requests
from tests.store.test_requests import AT, DIARY, LETTERS, WANTED, step

YEARS = AT + timedelta(days=1100)
SOUND = RequestSound("voicemail/new/r1.wav", "ab" * 32)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database with a request that is done, one that is not, and their mails."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    for name in ("r1", "r2"):
        requests.insert_request(connection, RequestToStore(name, WANTED, AT, SOUND, DIARY), LETTERS)
    requests.apply_step(connection, 1, step("s1", RequestStep.CLOSE, "Anagrafe"))
    requests.settle_mail(connection, MailState.SENT, QueuedMail(1, 1), "250 OK", AT)
    yield connection
    connection.close()


def test_a_mail_that_left_loses_its_text_and_no_other(db: sqlite3.Connection) -> None:
    """That one left, and when, stays; to whom and what it said goes, once."""
    assert due_mails(db, 180, AT + timedelta(days=179)) == ()
    assert due_mails(db, 0, YEARS) == ()
    assert due_mails(db, 180, YEARS) == (1,)
    empty_mails(db, (1,), 180, YEARS)
    left, waits = outbox.list_mails(db)
    assert (left.mail.to, left.mail.subject, left.mail.body, left.said) == ("", "", "", "")
    assert (left.state, left.settled_at) == (MailState.SENT, AT)
    assert waits.mail.body
    assert due_mails(db, 180, YEARS) == ()


def test_a_request_that_is_done_goes_with_all_of_it(db: sqlite3.Connection) -> None:
    """Its history, its slot and its mails; one that nobody closed stays for ever."""
    assert due_requests(db, 1095, AT + timedelta(days=1094)) == ()
    assert due_requests(db, 0, YEARS) == ()
    assert due_requests(db, 1095, YEARS) == ((1, SOUND.path),)
    erase_requests(db, (1,), 1095, YEARS)
    assert [kept.request.number for kept in requests.list_requests(db)] == [2]
    assert [kept.mail.key for kept in outbox.list_mails(db)] == ["request-2"]
    for table in ("bookings", "request_steps"):
        assert db.execute(f"SELECT count(*) FROM {table} WHERE request = 1").fetchone()[0] == 0


def test_what_went_is_recorded_in_words(db: sqlite3.Connection) -> None:
    """How many and when, never whose; nothing where nothing went."""
    empty_mails(db, (), 180, YEARS)
    empty_mails(db, (1,), 180, YEARS)
    erase_requests(db, (1,), 1095, YEARS)
    deleted = retention.deletions(db)
    assert [(each.what, each.days, each.ids) for each in deleted] == [
        ("requests", 1095, ("1",)),
        ("mails", 180, ("1",)),
    ]
    told = list(retention.retention_lines(retention.RetentionDays(), deleted, "it"))
    assert any("Richieste concluse: 1" in row for row in told)
    assert any("Testi di e-mail partite: 1" in row for row in told)
