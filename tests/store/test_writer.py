"""The records' worker: in order, never waited for, alive whatever the disk does."""

from __future__ import annotations

import errno
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import workers
from appliance.calls.orders import CallRecord, Result
from appliance.errors import Bug, CentralinoError, OfficeError, StoreError
from appliance.policy.requests import RequestState
from appliance.policy.voicemail import MessageOutcome
from appliance.store import call_log, database, voicemail, writer
from appliance.store.database import DATABASE_UNSURE, Trouble, open_reader
from appliance.store.writer import DatabaseWriter
from appliance.workers import faults
from tests.store.samples import TEN, a_call, a_message

LIMIT = 20.0


class Collector:
    """Keeps what the worker tells call control."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "centralino.db"
        self.troubles: queue.SimpleQueue[Trouble | None] = queue.SimpleQueue()
        self.interrupted: queue.SimpleQueue[tuple[CallRecord, ...]] = queue.SimpleQueue()

    def records(self, boot: str = "boot1") -> DatabaseWriter:
        """Make a worker that is not started."""
        return DatabaseWriter(self.path, boot, self.troubles.put, self.interrupted.put)

    def trouble(self) -> Trouble | None:
        """Wait for the next trouble."""
        return self.troubles.get(timeout=LIMIT)

    def calls(self) -> list[CallRecord]:
        """Read the calls as a command would."""
        with closing(open_reader(self.path)) as reader:
            return list(call_log.list_calls(reader))


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    """Make a collector with its own folder."""
    return Collector(tmp_path)


@pytest.fixture
def records(collector: Collector) -> Iterator[DatabaseWriter]:
    """Start a worker."""
    records = collector.records().start()
    yield records
    if records.is_alive:
        records.stop()


def fail_once(error: sqlite3.Error) -> Callable[[sqlite3.Connection], int]:
    """Make a job that fails the first time and then says on how many connections it was tried."""
    seen: list[sqlite3.Connection] = []  # kept alive, so that no two have one id

    def job(connection: sqlite3.Connection) -> int:
        seen.append(connection)
        if len(seen) == 1:
            raise error
        return len({id(c) for c in seen})

    return job


def io_error() -> sqlite3.OperationalError:
    """Make the error of a COMMIT whose fsync failed: its outcome is unknown."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    return error


def hold(records: DatabaseWriter) -> threading.Event:
    """Stall the worker, as a card would, until the event is set."""
    go_on, reached = threading.Event(), threading.Event()

    def job(_: sqlite3.Connection) -> None:
        reached.set()
        go_on.wait(LIMIT)

    records.do(job)
    reached.wait(LIMIT)
    return go_on


def test_what_is_written_is_there_after_stop(collector: Collector, records: DatabaseWriter) -> None:
    """Stopping writes what is pending."""
    for i in range(50):
        records.write_call(a_call(f"a-{i}", minute=i))
    records.stop()
    assert {r.call for r in collector.calls()} == {f"a-{i}" for i in range(50)}


def test_a_call_is_readable_while_call_control_runs(
    collector: Collector, records: DatabaseWriter
) -> None:
    """A later job sees every call written before it: the order is kept."""
    records.write_call(a_call())
    assert records.ask(lambda c: call_log.find_call(c, "a-1")) == a_call()
    assert collector.calls() == [a_call()]


def test_others_changes_are_looked_for_within_a_second(collector: Collector) -> None:
    """E12: also while call control is busy with its own records, and on the writing connection."""
    records, seen = collector.records(), queue.SimpleQueue[int]()
    records.watch(lambda c: seen.put(c.execute("SELECT count(*) FROM calls").fetchone()[0]))
    records.start()
    try:
        assert seen.get(timeout=LIMIT) == 0
        records.write_call(a_call())
        began = time.monotonic()
        while seen.get(timeout=LIMIT) == 0:
            pass
        assert time.monotonic() - began < 1.0 + writer.LOOK_S
    finally:
        records.stop()


def test_a_look_that_fails_harms_nothing(collector: Collector) -> None:
    """It is tried again in a while; records go on being written."""
    records, looks = collector.records(), queue.SimpleQueue[bool]()

    def look(_: sqlite3.Connection) -> None:
        looks.put(True)
        raise StoreError("unreadable")

    records.watch(look)
    records.start()
    try:
        assert looks.get(timeout=LIMIT)
        records.write_call(a_call())
        assert records.ask(lambda c: call_log.find_call(c, "a-1")) == a_call()
        assert looks.empty()
    finally:
        records.stop()
    assert collector.troubles.empty()


def test_a_stalled_disk_costs_one_record_a_call(
    collector: Collector, records: DatabaseWriter
) -> None:
    """While the disk stalls nobody waits, and of each call only the newest record is kept."""
    go_on = hold(records)
    for result in (Result.OPEN, Result.ANSWERED):
        for i in range(2000):
            records.write_call(a_call(f"a-{i}", result))
    assert len(records._latest) == 2000
    assert records._jobs.qsize() <= 2
    go_on.set()
    records.stop()
    assert len(collector.calls()) == 100
    with closing(open_reader(collector.path)) as reader:
        assert {r.result for r in call_log.list_calls(reader, limit=5000)} == {Result.ANSWERED}


def test_memory_is_bounded_and_the_loss_is_told(
    collector: Collector, records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound calls are not recorded, which is said; known calls go on being updated."""
    monkeypatch.setattr(writer, "CALLS_LIMIT", 2)
    go_on = hold(records)
    for i in range(3):
        records.write_call(a_call(f"a-{i}"))
    records.write_call(a_call("a-0", Result.ANSWERED))
    trouble = collector.trouble()
    assert trouble
    assert trouble.code == "records.overflow"
    go_on.set()
    records.stop()
    assert {(r.call, r.result) for r in collector.calls()} == {
        ("a-0", Result.ANSWERED),
        ("a-1", Result.OPEN),
    }


def test_a_full_queue_of_jobs_is_an_error_and_no_wait(
    records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs beyond the bound are refused at once."""
    go_on = hold(records)
    results: list[object] = []
    for _ in range(writer.JOBS_LIMIT + 1):
        records.do(lambda _: None, results.append)
    assert [isinstance(r, StoreError) for r in results] == [True]
    go_on.set()
    records.stop()
    assert results[1:] == [None] * writer.JOBS_LIMIT


def test_an_unknown_outcome_is_tried_again_on_a_new_connection(records: DatabaseWriter) -> None:
    """IOERR is neither done nor undone: reopen and do the idempotent job once more."""
    assert records.ask(fail_once(io_error())) == 2


def test_a_row_that_was_there_after_all_is_not_doubled(records: DatabaseWriter) -> None:
    """A commit that failed with IOERR may stand: giving the message again finds it."""
    first = [True]

    def store(connection: sqlite3.Connection) -> int:
        count = voicemail.insert_message(connection, a_message(), a_call(), "boot1")
        if first.pop() if first else False:
            raise io_error()
        return count

    assert records.ask(store) == 1


def test_two_failures_are_an_error_and_the_thread_lives(records: DatabaseWriter) -> None:
    """A job that cannot be done gives a sentence; the next one is done."""

    def broken(_: sqlite3.Connection) -> None:
        raise io_error()

    with pytest.raises(StoreError, match="check the disk"):
        records.ask(broken)
    assert records.ask(lambda c: c.execute("SELECT 1").fetchone()[0]) == 1


def test_a_job_that_is_refused_twice_is_a_trouble_until_something_is_written(
    collector: Collector, records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F5: a message's commit counts as much as a call's, and reading alone proves nothing."""
    monkeypatch.setattr(writer, "RETRY_S", 0.02)
    failing, proofs = [True], threading.Event()
    real = DatabaseWriter._write

    def write(
        self: DatabaseWriter, connection: sqlite3.Connection, batch: list[CallRecord]
    ) -> None:
        real(self, connection, batch)
        if failing:
            proofs.set()
            raise io_error()

    def broken(_: sqlite3.Connection) -> None:
        raise io_error()

    monkeypatch.setattr(DatabaseWriter, "_write", write)
    records.do(broken)
    trouble = collector.trouble()
    assert trouble
    assert trouble.restart
    assert records.ask(lambda c: c.execute("SELECT 1").fetchone()[0]) == 1
    proofs.clear()
    assert proofs.wait(LIMIT), "it is tried again by itself"
    assert records._trouble == trouble
    failing.clear()
    assert collector.trouble() is None


def test_the_proof_that_all_is_well_again_writes(
    collector: Collector, records: DatabaseWriter
) -> None:
    """What is tried while in trouble reaches the disk: a database that only reads is not well."""
    records.ask(lambda _: None)  # the thread has made the file
    with closing(sqlite3.connect(f"file:{collector.path}?mode=ro", uri=True)) as reading:
        records._trouble = DATABASE_UNSURE
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            records._write(reading, [])
        records._trouble = None
        records._write(reading, [])  # without a trouble nothing has to be proven


def test_calls_survive_a_disk_that_fails_and_comes_back(
    collector: Collector, records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls wait in memory while the disk refuses them, the trouble is shown, then it ends."""
    failing = [True]
    real = call_log.upsert_calls

    def upsert(connection: sqlite3.Connection, batch: list[CallRecord], boot: str) -> None:
        if failing:
            records.write_call(a_call(result=Result.GAVE_UP))  # newer, while the old one is written
            raise io_error()
        real(connection, batch, boot)

    monkeypatch.setattr(call_log, "upsert_calls", upsert)
    records.write_call(a_call())
    trouble = collector.trouble()
    assert trouble
    assert (trouble.code, trouble.restart) == ("records.unsure", True)
    failing.clear()
    records.write_call(a_call("a-2"))
    assert collector.trouble() is None
    records.ask(lambda _: None)
    assert {(r.call, r.result) for r in collector.calls()} == {
        ("a-1", Result.GAVE_UP),
        ("a-2", Result.OPEN),
    }


def test_a_folder_that_cannot_be_synced_is_an_io_error_too(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F5: the database is opened anew after an error, and the card refuses that as well."""

    def refuse(_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(database, "fsync_directory", refuse)
    records = collector.records().start()
    records.write_call(a_call())
    found = [collector.trouble()]
    monkeypatch.setattr(writer, "RETRY_S", 0.02)
    while found[-1] != DATABASE_UNSURE:
        found.append(collector.trouble())
    monkeypatch.undo()
    records.write_call(a_call("a-2"))
    assert collector.trouble() is None
    records.stop()


def test_a_failing_disk_without_an_io_error_asks_for_no_restart(
    collector: Collector, tmp_path: Path
) -> None:
    """A database that cannot be opened degrades call control; calls go on."""
    collector.path.mkdir()
    records = collector.records().start()
    records.write_call(a_call())
    trouble = collector.trouble()
    assert trouble
    assert (trouble.code, trouble.restart) == ("records.failing", False)
    collector.path.rmdir()
    records.write_call(a_call("a-2"))
    assert collector.trouble() is None
    records.stop()
    assert len(collector.calls()) == 2


def test_the_next_run_is_told_of_interrupted_calls(collector: Collector) -> None:
    """E18: whoever starts learns which calls were cut off, once."""
    first = collector.records("boot1").start()
    first.write_call(a_call())
    first.stop()
    second = collector.records("boot2").start()
    second.stop()
    assert collector.interrupted.get(timeout=LIMIT) == (
        replace(a_call(result=Result.INTERRUPTED), trail=("interrupted",)),
    )
    collector.records("boot3").start().stop()
    assert collector.interrupted.empty()


def test_a_damaged_database_is_told_and_call_control_goes_on(collector: Collector) -> None:
    """The alarm is a sentence in both languages; calls are recorded anew."""
    collector.path.write_bytes(b"no database " * 1000)
    records = collector.records().start()
    trouble = collector.trouble()
    assert trouble
    assert trouble.code == "records.set_aside"
    assert trouble.words.text("it") != trouble.words.text("en")
    records.write_call(a_call())
    records.stop()
    assert collector.calls() == [a_call()]


def test_the_mailbox_asks_and_waits(records: DatabaseWriter) -> None:
    """Messages are stored, known, counted and closed through the one writing connection."""
    assert records.store_message(a_message(), a_call()) == 1
    assert records.known_messages() == {"m1"}
    assert records.messages_waiting() == 1
    assert records.close_message("m1", "op1", MessageOutcome.NOT_NEEDED, TEN).closed_by == "op1"
    assert records.messages_waiting() == 0
    with pytest.raises(OfficeError):
        records.close_message("m9", "op1", MessageOutcome.NOT_NEEDED, TEN)


def test_no_answer_in_time_is_an_unknown_outcome(records: DatabaseWriter) -> None:
    """A thread that waits does so within a limit."""
    go_on = hold(records)
    with pytest.raises(StoreError, match=r"no answer in 0\.01 s"):
        records.ask(lambda _: None, 0.01)
    go_on.set()


def test_a_fault_that_stays_ends_in_a_trouble_that_asks_for_a_restart(
    collector: Collector, records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written any more, whatever is asked: it is not borne silently."""
    monkeypatch.setattr(workers, "PAUSES_S", (0.001, 0.001))
    monkeypatch.setattr(records, "_pause", lambda: 1 // 0)
    records.do(lambda _: None)
    trouble = collector.trouble()
    assert trouble
    assert (trouble.code, trouble.restart) == ("records.ended", True)


def test_errors_of_people_are_not_retried(records: DatabaseWriter) -> None:
    """An OfficeError is an answer, not a failure of the disk."""
    tries: list[int] = []

    def job(_: sqlite3.Connection) -> None:
        tries.append(1)
        raise OfficeError("no")

    with pytest.raises(CentralinoError, match="no"):
        records.ask(job)
    assert tries == [1]


# --- faults of ours -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [StopIteration, KeyError("state"), ValueError("newer"), Bug("no")]
)
def test_a_job_with_a_fault_of_ours_is_told_and_the_next_is_done(
    records: DatabaseWriter, fault: Exception | type[Exception]
) -> None:
    """An unknown value of a newer version, a forgotten case: who asked hears so, at once."""

    def job(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        raise fault

    before = faults.by_thread().get("records", 0)
    with pytest.raises(Bug):
        records.ask(job, limit_s=LIMIT)
    assert records.ask(lambda c: c.execute("SELECT 1").fetchone()[0]) == 1
    assert records.is_alive
    assert faults.by_thread()["records"] == before + 1


def test_what_such_a_job_has_begun_is_rolled_back(
    collector: Collector, records: DatabaseWriter
) -> None:
    """Half a change is none: also where the job has no transaction of its own."""

    def job(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM calls")
        raise KeyError("state")

    records.keep_call(a_call())
    with pytest.raises(Bug):
        records.ask(job)
    records.keep_call(a_call("a-2", minute=1))
    records.stop()
    assert {call.call for call in collector.calls()} == {"a-1", "a-2"}


def test_a_waiter_that_fails_is_no_harm(records: DatabaseWriter) -> None:
    """What is called with an outcome fails: the thread goes on."""
    records.do(lambda _: 1, lambda _: [][0])
    assert records.ask(lambda _: 2) == 2


def test_a_look_that_fails_keeps_nothing_else_from_being_looked_at(collector: Collector) -> None:
    """Another process has written a value that is unknown here; calls are written all the same."""
    records, seen = collector.records(), queue.SimpleQueue[bool]()
    records.watch(lambda _: RequestState("of a newer version"))
    records.watch(lambda _: seen.put(True))
    records.start()
    try:
        assert seen.get(timeout=LIMIT)
        records.write_call(a_call())
        assert records.ask(lambda c: call_log.find_call(c, "a-1")) == a_call()
    finally:
        records.stop()


def test_a_call_that_no_disk_would_take_keeps_no_other_back(
    collector: Collector, records: DatabaseWriter
) -> None:
    """It is given up by name; those beside it are written, and the records are not "failing"."""
    go_on = hold(records)
    bad = replace(a_call("bad"), rang_at="not a time")  # type: ignore[arg-type]
    for record in (a_call("a"), bad, a_call("b", minute=1)):
        records.write_call(record)
    go_on.set()
    assert records.ask(lambda _: True)
    records.stop()
    assert {call.call for call in collector.calls()} == {"a", "b"}
