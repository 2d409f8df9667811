"""Events for the broker are on the disk with what they tell of, once, and never too many."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import CallRecord, Direction, Result
from appliance.errors import StoreError
from appliance.store import call_log, monitoring, requests, voicemail
from appliance.store.database import connect, open_database
from appliance.store.requests import NO_MAILS, RequestToStore
from appliance.store.writer import DatabaseWriter
from tests.store.samples import TEN, a_call, a_message, an_ended_call
from tests.store.test_requests import ASKED

KINDS = ("call_ended", "message_left", "request_made", "line_lost")
Row = dict[str, object]
ALL = ("calls", "messages", "requests")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database whose connection writes events of every topic, ten at most."""
    with contextlib.closing(open_database(tmp_path / "c.db", tmp_path / "corrupt").connection) as c:
        monitoring.prepare(c, ALL, KINDS, 10)
        yield c


def kinds(connection: sqlite3.Connection) -> list[str]:
    """List the kinds of the events that wait."""
    return [each.kind for each in monitoring.waiting(connection, 0, 100)]


def ended(call: str = "a-1") -> CallRecord:
    """Make a call that is over."""
    return replace(a_call(call, Result.ANSWERED), ended_at=TEN + timedelta(minutes=1))


def test_a_call_is_told_once_when_it_ends(connection: sqlite3.Connection) -> None:
    """Not while it goes on, not again when its record is written once more."""
    call_log.upsert_calls(connection, [a_call()], "boot")
    assert kinds(connection) == []
    call_log.upsert_calls(connection, [ended()], "boot")
    call_log.upsert_calls(connection, [ended()], "boot")
    (event,) = monitoring.waiting(connection, 0, 100)
    assert (event.kind, event.about["call"], event.about["result"]) == (
        "call_ended", "a-1", "answered",
    )  # fmt: skip
    monitoring.settle(connection, [event.number])
    call_log.upsert_calls(connection, [ended()], "boot")
    assert kinds(connection) == []


def test_a_call_that_is_written_only_at_its_end_is_told(connection: sqlite3.Connection) -> None:
    """So it is where the disk was stalled for all of the call."""
    call_log.upsert_calls(connection, [an_ended_call()], "boot")
    assert kinds(connection) == ["call_ended"]


def test_what_a_kill_left_open_is_told_by_the_next_start(connection: sqlite3.Connection) -> None:
    """E18: it is closed as interrupted; when it ended nobody knows."""
    call_log.upsert_calls(connection, [a_call()], "boot")
    call_log.close_interrupted(connection, "the next one")
    (event,) = monitoring.waiting(connection, 0, 100)
    assert (event.about["result"], event.about["ended_at"]) == ("interrupted", None)


def test_message_and_request_are_told_without_a_name(connection: sqlite3.Connection) -> None:
    """P7: of the person nothing stands in an event, however it is kept."""
    voicemail.insert_message(connection, a_message(), a_call(), "boot")
    for _ in range(2):  # an unknown outcome is tried again
        requests.insert_request(connection, RequestToStore("r1", ASKED, TEN), NO_MAILS)
    assert kinds(connection) == ["message_left", "request_made"]
    rows = connection.execute("SELECT about FROM fleet_outbox").fetchall()
    text = " ".join(str(row[0]) for row in rows)
    assert "Verdi" not in text
    assert "ROSSI" not in text
    assert "0000001" not in text
    assert "051234567" not in text


def test_a_callers_number_is_read_when_the_event_leaves(connection: sqlite3.Connection) -> None:
    """E20: one that was erased meanwhile does not leave; of a call out none ever does."""
    out = replace(ended("a-2"), direction=Direction.OUT)
    call_log.upsert_calls(connection, [ended(), out], "boot")
    shown, dialled = monitoring.waiting(connection, 0, 100)
    assert (shown.presentation, shown.caller) == ("shown", "051234567")
    assert (dialled.presentation, dialled.caller) == ("", "")
    connection.execute("UPDATE calls SET caller_number = ''")
    assert monitoring.waiting(connection, 0, 1)[0].caller == ""


def test_beyond_the_bound_the_oldest_goes_and_is_counted(connection: sqlite3.Connection) -> None:
    """Ten fit: of thirteen the last ten wait, three are counted."""
    for number in range(13):
        call_log.upsert_calls(connection, [ended(f"a-{number}")], "boot")
    waiting = monitoring.waiting(connection, 0, 100)
    assert [each.about["call"] for each in waiting] == [f"a-{n}" for n in range(3, 13)]
    depth = monitoring.depth(connection)
    assert (depth.waiting, depth.dropped) == (10, 3)
    assert depth.dropped_at
    assert monitoring.last(connection) == waiting[-1].number


def put(connection: sqlite3.Connection, at: str) -> None:
    """Keep an event of a moment."""
    connection.execute(
        "INSERT INTO fleet_outbox (id, kind, key, at, about) VALUES (?, 'line_lost', ?, ?, '{}')",
        (at, at, at),
    )


def test_what_nobody_waits_for_goes_after_a_week(connection: sqlite3.Connection) -> None:
    """Seven days, however the moment was written; it is counted with what went before."""
    for at in ("2026-11-18T08:59:59.999Z", "2026-11-18T08:59:59+00:00", "2026-11-18T09:00:01Z"):
        put(connection, at)
    assert monitoring.forget_unwanted(connection, TEN) == 2
    assert monitoring.forget_unwanted(connection, TEN) == 0
    assert [each.at for each in monitoring.waiting(connection, 0, 9)] == ["2026-11-18T09:00:01Z"]
    depth = monitoring.depth(connection)
    assert (depth.waiting, depth.dropped) == (1, 2)
    assert depth.dropped_at == "2026-11-25T09:00:00+00:00"
    assert monitoring.forget_unwanted(connection, TEN + timedelta(days=1)) == 1
    assert monitoring.depth(connection).dropped == 3


def test_a_topic_that_is_not_asked_for_writes_nothing(tmp_path: Path) -> None:
    """Each is off unless it stands in the configuration."""
    with contextlib.closing(open_database(tmp_path / "c.db", tmp_path / "corrupt").connection) as c:
        monitoring.prepare(c, ("messages",), KINDS, 10)
        call_log.upsert_calls(c, [ended()], "boot")
        assert kinds(c) == []
        voicemail.insert_message(c, a_message(), a_call(), "boot")
        assert kinds(c) == ["message_left"]


def test_what_is_no_longer_wanted_is_not_told(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    """A group that was taken out of the configuration leaves with what waits of it."""
    voicemail.insert_message(connection, a_message(), a_call(), "boot")
    call_log.upsert_calls(connection, [ended("a-2")], "boot")
    with contextlib.closing(connect(tmp_path / "c.db")) as next_one:
        monitoring.prepare(next_one, ("calls",), ("call_ended",), 10)
    assert kinds(connection) == ["call_ended"]


def test_facts_and_their_events_are_kept_together(connection: sqlite3.Connection) -> None:
    """Tried again, the same facts are no difference."""

    def differences(before: Row | None, after: Row) -> list[tuple[str, Row]]:
        return [] if before == after else [("line_lost", {"line": "line1"})]

    for _ in range(2):
        monitoring.note(connection, lambda _: {"is": 1}, differences, TEN.isoformat(), "stamp")
    assert kinds(connection) == ["line_lost"]
    assert monitoring.facts(connection) == {"is": 1}


def test_topics_that_stay_at_the_broker_are_remembered(connection: sqlite3.Connection) -> None:
    """So that what is no longer published can be taken away there."""
    monitoring.retain(connection, ["a/b", "a/c"])
    monitoring.retain(connection, ["a/b"])
    assert monitoring.retained(connection) == {"a/b", "a/c"}
    monitoring.release(connection, ["a/b"])
    assert monitoring.retained(connection) == {"a/c"}


def test_every_connection_of_the_worker_is_prepared(tmp_path: Path) -> None:
    """Also the one that is opened after an error, and before what a kill left is closed."""
    path = tmp_path / "c.db"
    first = DatabaseWriter(path, "first").start()
    first.keep_call(a_call())
    first.stop()
    second = DatabaseWriter(path, "second")
    second.prepare = lambda c: monitoring.prepare(c, ALL, KINDS, 10)
    second.start()
    try:
        assert second.ask(kinds) == ["call_ended"]
        with pytest.raises(StoreError):
            second.ask(lambda c: c.execute("SELECT nothing FROM nowhere"))
        second.ask(lambda c: call_log.upsert_calls(c, [ended("a-2")], "second"))
        assert second.ask(kinds) == ["call_ended", "call_ended"]
    finally:
        second.stop()
