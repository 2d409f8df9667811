"""What was written before the clock was known is put right once it is, whole or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import CallRecord, Result
from appliance.policy.clock import ClockReading, ClockSteps
from appliance.store import call_log, database, monitoring, voicemail
from appliance.store.call_log import calls_between
from appliance.store.clock import correct_times, note_machine_start
from appliance.store.database import Noted, open_database
from tests.store.samples import a_call, a_message

FALSE = datetime(1980, 1, 1, tzinfo=UTC)
TRUE = datetime(2027, 3, 1, 8, tzinfo=UTC)
"""The true time of the moment at which the clock said FALSE."""
SYNCED_AT = 1000.0
STEPS = (
    ClockSteps()
    .see(ClockReading(0.0, FALSE.timestamp()))
    .know(ClockReading(SYNCED_AT, TRUE.timestamp() + SYNCED_AT))
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database with a call of an earlier start, and this start begun."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    early = replace(wrong("early", 5), result=Result.ANSWERED)
    call_log.upsert_calls(connection, [early], "before")
    note_machine_start(connection, "start")
    note_machine_start(connection, "start")
    yield connection
    connection.close()


def wrong(call: str, seconds: int, result: Result = Result.ANSWERED) -> CallRecord:
    """Make a call that rang so long after the start, by the wrong clock."""
    rang = FALSE + timedelta(seconds=seconds)
    return replace(
        a_call(call, result),
        rang_at=rang,
        clock_state="unset",
        answered_at=rang + timedelta(seconds=9),
        ended_at=None if result is Result.OPEN else rang + timedelta(seconds=60),
    )


def right(seconds: int) -> datetime:
    """Return the true time so long after the start."""
    return TRUE + timedelta(seconds=seconds)


def found(db: sqlite3.Connection, call: str) -> CallRecord:
    """Look a call up."""
    record = call_log.find_call(db, call)
    assert record is not None
    return record


def test_a_call_is_put_right_and_what_was_written_is_kept(db: sqlite3.Connection) -> None:
    """All its times move by what the clock was off; its day's list has it; an earlier start's, for
    which nobody knows by how much, stays as it is.
    """
    call_log.upsert_calls(db, [wrong("a", 100)], "b")
    assert correct_times(db, "start", STEPS) == 0
    record = found(db, "a")
    assert (record.rang_at, record.clock_state) == (right(100), "corrected")
    assert (record.answered_at, record.ended_at) == (right(109), right(160))
    assert [one.record.call for one in calls_between(db, TRUE, right(3600))] == ["a"]
    (kept,) = db.execute("SELECT written FROM calls WHERE call = 'a'").fetchone()
    assert json.loads(kept) == {
        "rang_at": "1980-01-01T00:01:40+00:00",
        "answered_at": "1980-01-01T00:01:49+00:00",
        "ended_at": "1980-01-01T00:02:40+00:00",
        "clock_state": "unset",
    }
    assert found(db, "early").rang_at.year == 1980


def test_the_same_once_more_changes_nothing(db: sqlite3.Connection) -> None:
    """Nor does a record that is written late, from memory, with the time of then."""
    call_log.upsert_calls(db, [wrong("a", 100)], "b")
    database.note(db, Noted(FALSE + timedelta(seconds=50), "ada", "hours.enter"))
    correct_times(db, "start", STEPS)
    before = list(db.iterdump())
    assert correct_times(db, "start", STEPS) == 0
    assert list(db.iterdump()) == before
    call_log.upsert_calls(db, [replace(wrong("a", 100), message="m1")], "b")
    assert (found(db, "a").rang_at, found(db, "a").message) == (right(100), "m1")
    assert [one.record.call for one in calls_between(db, TRUE, right(3600))] == ["a"]


def test_a_call_that_goes_on_is_put_right_when_it_is_over(db: sqlite3.Connection) -> None:
    """It rang before the clock was known and ended after: only the first is wrong."""
    call_log.upsert_calls(db, [wrong("a", 990, Result.OPEN)], "b")
    assert correct_times(db, "start", STEPS) == 1
    assert found(db, "a").rang_at.year == 1980
    ended = replace(wrong("a", 990), ended_at=right(1100))
    call_log.upsert_calls(db, [ended], "b")
    assert correct_times(db, "start", STEPS) == 0
    assert (found(db, "a").rang_at, found(db, "a").ended_at) == (right(990), right(1100))


def test_a_call_settled_but_not_over_keeps_its_end(db: sqlite3.Connection) -> None:
    """The message is stored, the line not yet idle, when the clock becomes known: when it ended
    is written all the same, and told to who is told of ended calls.
    """
    settled = replace(wrong("a", 990, Result.MESSAGE), answered_at=None, ended_at=None)
    call_log.upsert_calls(db, [settled], "b")
    monitoring.prepare(db, ("calls",), ("call_ended",), 100)
    correct_times(db, "start", STEPS)
    ended = replace(settled, answered_at=right(1010), ended_at=right(1100))
    call_log.upsert_calls(db, [ended], "b")
    record = found(db, "a")
    assert (record.rang_at, record.clock_state) == (right(990), "corrected")
    assert (record.answered_at, record.ended_at) == (right(1010), right(1100))
    assert [event.kind for event in monitoring.waiting(db, 0, 9)] == ["call_ended"]


def test_an_end_by_the_wrong_clock_is_not_taken_for_right(db: sqlite3.Connection) -> None:
    """A record written late, from memory, with the time of then: no end is better than a false."""
    settled = replace(wrong("a", 900, Result.MESSAGE), answered_at=None, ended_at=None)
    call_log.upsert_calls(db, [settled], "b")
    correct_times(db, "start", STEPS)
    call_log.upsert_calls(db, [wrong("a", 900, Result.MESSAGE)], "b")
    assert found(db, "a").ended_at is None


def test_messages_requests_and_the_audit_list(db: sqlite3.Connection) -> None:
    """Each has the true time, and the one that was written beside it; the audit list stands as it
    was written, and says the true time.
    """
    then = FALSE + timedelta(seconds=200)
    message = replace(a_message("m1", "a"), received_at=then, clock_state="unset")
    voicemail.insert_message(db, message, wrong("a", 150), "b")
    db.execute(
        "INSERT INTO requests (id, rule, unit, need, subject, asked, at, at_ms, by_whom, call, "
        "sheet, name, phone, email, prefers, language, spoken, recording, sha256, state) VALUES "
        "('r','email','u','n','s','', ?, 1, 'ada','','','','','','','it',0,'','','open')",
        (then.isoformat(),),
    )
    database.note(db, Noted(then, "ada", "hours.enter"))
    correct_times(db, "start", STEPS)
    heard = voicemail.find_message(db, "m1")
    assert heard is not None
    assert (heard.received_at, heard.clock_state) == (right(200), "corrected")
    request = db.execute("SELECT at, at_ms, written_at FROM requests").fetchone()
    assert tuple(request) == (
        right(200).isoformat(), round(right(200).timestamp() * 1000), then.isoformat(),
    )  # fmt: skip
    (noted,) = database.latest(db)
    assert (noted.at, noted.corrected) == (right(200), True)
    assert database.between(db, TRUE, right(3600)) == (noted,)
    assert db.execute("SELECT at FROM audit").fetchone()[0] == then.isoformat()
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE audit SET corrected_at = NULL")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE audit SET by_whom = 'eva', corrected_at = NULL")


def test_what_comes_after_is_right_as_it_is(tmp_path: Path) -> None:
    """A clock that was ahead: what is written just after it was put back has the time of what was
    written just before; it is not moved, not even by call control that is started anew.
    """
    ahead = ClockSteps().see(ClockReading(0.0, right(600).timestamp()))
    ahead = ahead.know(ClockReading(1000.0, right(1000).timestamp()))
    db = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    note_machine_start(db, "start")
    database.note(db, Noted(right(600 + 900), "ada", "before"))
    correct_times(db, "start", ahead)
    database.note(db, Noted(right(1100), "ada", "after"))
    correct_times(db, "start", ahead)
    after, before = database.latest(db)
    assert (before.at, before.corrected) == (right(900), True)
    assert (after.at, after.corrected) == (right(1100), False)
    assert correct_times(db, "another", ahead) == 0
    db.close()


def test_all_or_nothing(db: sqlite3.Connection) -> None:
    """What fails in the middle leaves everything as it was, to be done by the next start."""
    call_log.upsert_calls(db, [wrong("a", 100), wrong("b", 200)], "b")
    database.note(db, Noted(FALSE, "ada", "hours.enter"))
    before = list(db.iterdump())
    db.execute(
        "CREATE TEMP TRIGGER fails BEFORE UPDATE ON main.calls WHEN new.call = 'b' "
        "BEGIN SELECT RAISE(ABORT, 'the power went'); END"
    )
    with pytest.raises(sqlite3.IntegrityError, match="the power went"):
        correct_times(db, "start", STEPS)
    db.execute("DROP TRIGGER temp.fails")
    assert list(db.iterdump()) == before
    correct_times(db, "start", STEPS)
    assert found(db, "b").rang_at == right(200)
