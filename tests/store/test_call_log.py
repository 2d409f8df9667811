"""The call log: whole records, interrupted calls, lists."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import CallRecord, Result
from appliance.store import call_log, voicemail
from appliance.store.database import open_database
from tests.store.samples import TEN, a_call, a_message, an_ended_call


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    yield connection
    connection.close()


def result_of(db: sqlite3.Connection, call: str) -> Result:
    """Look up how a call ended."""
    found = call_log.find_call(db, call)
    assert found
    return found.result


@pytest.mark.parametrize("record", [a_call(), an_ended_call()], ids=["bare", "full"])
def test_a_record_comes_back_as_it_was_written(db: sqlite3.Connection, record: CallRecord) -> None:
    """Nothing of a call record is lost or changed, offsets and absent fields included."""
    call_log.upsert_calls(db, [record], "boot1")
    assert call_log.find_call(db, record.call) == record
    found = call_log.find_call(db, record.call)
    assert found
    assert found.rang_at.utcoffset() == record.rang_at.utcoffset()


def test_writing_a_record_again_replaces_it(db: sqlite3.Connection) -> None:
    """A call is one row, whole, as last written."""
    call_log.upsert_calls(db, [a_call()], "boot1")
    call_log.upsert_calls(db, [a_call(result=Result.GAVE_UP)] * 2, "boot1")
    assert call_log.list_calls(db) == (a_call(result=Result.GAVE_UP),)


def test_a_record_written_before_the_message_was_known_does_not_unlink_it(
    db: sqlite3.Connection,
) -> None:
    """The store links message and call; an older record of call control leaves the link."""
    voicemail.insert_message(db, a_message(), a_call(), "boot1")
    call_log.upsert_calls(db, [a_call(result=Result.MESSAGE)], "boot1")
    found = call_log.find_call(db, "a-1")
    assert found
    assert found.message == "m1"


def test_calls_found_open_at_start_are_interrupted(db: sqlite3.Connection) -> None:
    """E18: after a restart the open calls of earlier runs, and only those, are interrupted."""
    call_log.upsert_calls(
        db, [a_call("a-2", minute=2), a_call("a-1"), a_call("a-3", Result.ANSWERED)], "boot1"
    )
    call_log.upsert_calls(db, [a_call("b-1")], "boot2")
    found = call_log.close_interrupted(db, "boot2")
    assert [(r.call, r.result, r.trail, r.ended_at) for r in found] == [
        ("a-1", Result.INTERRUPTED, ("interrupted",), None),
        ("a-2", Result.INTERRUPTED, ("interrupted",), None),
    ]
    assert [result_of(db, c) for c in ("a-1", "a-3", "b-1")] == [
        Result.INTERRUPTED, Result.ANSWERED, Result.OPEN,
    ]  # fmt: skip
    assert call_log.close_interrupted(db, "boot2") == ()


def test_an_open_call_whose_message_is_whole_is_not_interrupted(db: sqlite3.Connection) -> None:
    """Power may go between the message and the call's last record: the caller had been told."""
    voicemail.insert_message(db, a_message(), a_call(), "boot1")
    voicemail.insert_message(
        db, replace(a_message("m2", "a-2"), interrupted=True), a_call("a-2"), "boot1"
    )
    call_log.close_interrupted(db, "boot2")
    assert [result_of(db, c) for c in ("a-1", "a-2")] == [Result.MESSAGE, Result.INTERRUPTED]


def test_the_list_is_newest_first_and_filtered(db: sqlite3.Connection) -> None:
    """Lists by time, line, result and number of rows."""
    other = replace(a_call("a-4", Result.GAVE_UP, 4), line="line2")
    call_log.upsert_calls(db, [a_call("a-1"), other, a_call("a-2", minute=2)], "b")

    def listed(**filters: object) -> list[str]:
        return [r.call for r in call_log.list_calls(db, **filters)]  # type: ignore[arg-type] # test shorthand

    assert listed() == ["a-4", "a-2", "a-1"]
    assert listed(limit=1) == ["a-4"]
    assert listed(line="line1") == ["a-2", "a-1"]
    assert listed(result=Result.GAVE_UP) == ["a-4"]
    assert listed(since=TEN + timedelta(minutes=2)) == ["a-4", "a-2"]


def test_an_unknown_call_is_none(db: sqlite3.Connection) -> None:
    """Looking up what is not there is no error."""
    assert call_log.find_call(db, "nothing") is None


def test_a_sidecar_of_an_older_programme_knows_of_no_sheets() -> None:
    """A message recovered after an update has a record without that column."""
    row = call_log.call_to_row(an_ended_call())
    del row["sheets"]
    assert call_log.call_from_row(row) == replace(an_ended_call(), sheets=())


def test_calls_to_one_public_number(db: sqlite3.Connection) -> None:
    """P1: toll-free and ordinary number are kept apart in the records."""
    for name, called in (("a-1", "800011837"), ("a-2", "051598111"), ("a-3", "800011837")):
        call_log.upsert_calls(db, [replace(a_call(name), called=called)], "boot1")
    found = call_log.list_calls(db, called="800011837")
    assert {record.call for record in found} == {"a-1", "a-3"}
    assert len(call_log.list_calls(db)) == 3


def test_calls_of_one_number(db: sqlite3.Connection) -> None:
    """What whoever calls has called about before (E9): newest first, as far back as is asked."""
    for minute in range(4):
        call_log.upsert_calls(db, [a_call(f"a-{minute}", minute=minute)], "boot1")
    call_log.upsert_calls(db, [replace(a_call("other"), caller=Caller())], "boot1")
    since = TEN + timedelta(minutes=1)
    found = call_log.calls_from_number(db, "051234567", since, 2)
    assert [record.call for record in found] == ["a-3", "a-2"]
    assert len(call_log.calls_from_number(db, "051234567", since, 9)) == 3
    assert call_log.calls_from_number(db, "", since, 9) == ()


@pytest.mark.parametrize("sent", ["+39051234567", "0039051234567", "51234567"])
def test_calls_of_one_number_however_it_was_sent(db: sqlite3.Connection, sent: str) -> None:
    """E9: another line's exchange sends the same number with the country's code; others' never."""
    caller = Caller(Presentation.SHOWN, sent)
    stranger = Caller(Presentation.SHOWN, "0511234567")
    calls = [
        a_call("a"),
        replace(a_call("b"), caller=caller),
        replace(a_call("c"), caller=stranger),
    ]
    call_log.upsert_calls(db, calls, "boot1")
    found = call_log.calls_from_number(db, "051 234567", TEN, 9)
    assert {record.call for record in found} == {"a", "b"}
