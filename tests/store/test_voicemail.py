"""Messages in the records: with their call, once, until closed with an outcome (P9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.errors import OfficeError, StoreError
from appliance.policy.voicemail import MessageOutcome, MessageState
from appliance.store import call_log, voicemail
from appliance.store.database import open_database
from tests.store.samples import TEN, WITHHELD, a_call, a_message


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    yield connection
    connection.close()


def test_a_message_brings_its_call_and_comes_back_as_it_was(db: sqlite3.Connection) -> None:
    """Message and call are one transaction: a message never stands without its caller."""
    message = replace(
        a_message(), interrupted=True, gap_ms=40, clock_state="stale", caller=WITHHELD
    )
    assert voicemail.insert_message(db, message, a_call(), "b") == 1
    assert voicemail.find_message(db, "m1") == replace(message, number=1)
    assert call_log.find_call(db, "a-1") == replace(a_call(), message="m1")


def test_the_same_message_twice_is_one(db: sqlite3.Connection) -> None:
    """After an unknown outcome the same message may be given again."""
    counts = [voicemail.insert_message(db, a_message(), a_call(), "b") for _ in range(2)]
    assert (counts, len(voicemail.list_messages(db))) == ([1, 1], 1)


def test_one_id_never_stands_for_two_sounds(db: sqlite3.Connection) -> None:
    """A second sound under a known id is refused, and the first stays."""
    voicemail.insert_message(db, a_message(), a_call(), "b")
    with pytest.raises(StoreError, match="another sound"):
        voicemail.insert_message(db, a_message(sha256="cd" * 32), a_call(), "b")
    assert [m.sha256 for m in voicemail.list_messages(db)] == ["ab" * 32]


def test_a_whole_message_found_after_a_restart_mends_its_call(db: sqlite3.Connection) -> None:
    """A call taken for interrupted becomes a message once its whole message is adopted."""
    call_log.upsert_calls(
        db, [a_call("a-1", Result.INTERRUPTED), a_call("a-2", Result.INTERRUPTED)], "b"
    )
    voicemail.insert_message(db, a_message(), a_call(), "b")
    voicemail.insert_message(
        db, replace(a_message("m2", "a-2"), interrupted=True), a_call("a-2"), "b"
    )
    assert [r.result for r in call_log.list_calls(db, limit=5)] == [
        Result.INTERRUPTED,
        Result.MESSAGE,
    ]


@pytest.mark.parametrize(("whole", "result"), [(True, "message"), (False, "interrupted")])
def test_a_message_that_was_given_up_and_is_found_is_one_in_its_calls_record(
    db: sqlite3.Connection, whole: bool, result: str
) -> None:
    """The caller was told that it was not stored; recovery finds it: nobody looks for a call
    without a message any more.
    """
    call_log.upsert_calls(db, [a_call("a-3", Result.NOT_STORED)], "b")
    voicemail.insert_message(
        db, replace(a_message("m3", "a-3"), interrupted=not whole), a_call("a-3"), "b"
    )
    row = db.execute("SELECT result, message FROM calls WHERE call = 'a-3'").fetchone()
    assert tuple(row) == (result, "m3")


def test_a_message_waits_until_it_is_closed_with_an_outcome(db: sqlite3.Connection) -> None:
    """P9: closed by somebody, at a time, with an outcome; then it no longer waits."""
    voicemail.insert_message(db, a_message(), a_call(), "b")
    voicemail.insert_message(db, a_message("m2", "a-2"), a_call("a-2"), "b")
    closed = voicemail.close_message(
        db, "1", "op1", MessageOutcome.CALLED_BACK, TEN, "richiamato alle 11"
    )
    assert closed == replace(
        a_message(),
        number=1,
        state=MessageState.CLOSED,
        outcome=MessageOutcome.CALLED_BACK,
        closed_by="op1",
        closed_at=TEN,
        note="richiamato alle 11",
    )
    assert voicemail.count_waiting(db) == 1
    assert [m.id for m in voicemail.list_messages(db, MessageState.NEW)] == ["m2"]
    assert [m.id for m in voicemail.list_messages(db, MessageState.CLOSED)] == ["m1"]
    assert voicemail.message_ids(db) == {"m1", "m2"}


def test_closing_again_in_the_same_words_changes_nothing(db: sqlite3.Connection) -> None:
    """The first closing stands; another person's or outcome's is refused in words."""
    voicemail.insert_message(db, a_message(), a_call(), "b")
    first = voicemail.close_message(db, "m1", "op1", MessageOutcome.NO_NUMBER, TEN)
    assert (
        voicemail.close_message(db, "m1", "op1", MessageOutcome.NO_NUMBER, TEN + timedelta(hours=1))
        == first
    )
    with pytest.raises(OfficeError, match="already closed by op1"):
        voicemail.close_message(db, "m1", "op2", MessageOutcome.NO_NUMBER, TEN)


def test_closing_what_is_not_there_says_so(db: sqlite3.Connection) -> None:
    """An unknown message is the office's mistake, told in a sentence."""
    with pytest.raises(OfficeError, match="no message 7"):
        voicemail.close_message(db, "7", "op1", MessageOutcome.NOT_NEEDED, TEN)


def test_a_closed_message_without_an_outcome_cannot_exist(db: sqlite3.Connection) -> None:
    """The schema itself holds P9."""
    voicemail.insert_message(db, a_message(), a_call(), "b")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE messages SET state = 'closed'")
