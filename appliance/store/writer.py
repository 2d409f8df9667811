"""Writer thread: the only thread that writes the database; deciding threads never wait for it."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import queue
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from appliance.errors import Bug, CentralinoError
from appliance.policy.text import NotKept, error_text_words, technical_words
from appliance.store import backup, call_log, requests, voicemail
from appliance.store.database import (
    DATABASE_FAILING,
    DATABASE_OVERFLOW,
    DATABASE_UNSURE,
    RECORDS_ENDED,
    Trouble,
    is_busy,
    is_io_error,
    open_database,
    policy_restored,
    sole_writer,
)
from appliance.store.requests import NO_MAILS, RequestMails, RequestSound, RequestToStore
from appliance.text import _
from appliance.workers import BEAT_S, JOIN_LIMIT, Worker, one_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.policy.voicemail import MessageOutcome
    from appliance.store.voicemail import Message


PROC: Final = Path("/proc")
# Offset of WAL_WRITE_LOCK, the writer's byte in the -shm file (SQLite, walformat.html 2.3).
WRITE_LOCK: Final = 120
UNITS: Final = ("centralino-console",)
"""systemd units that read the database, and that may be restarted without ending a call."""


class LockHolder(NamedTuple):
    """A process that holds a lock: its name, and its unit if that is one of UNITS, else ""."""

    pid: int
    name: str
    unit: str


def lock_holder(database: Path, proc: Path = PROC) -> LockHolder | None:
    """Find the process, other than this one, whose lock keeps writers of a database out."""
    # A file that may be read may be locked: a reader, the console above all, can keep this process
    # from writing for as long as it likes, on purpose or by a fault (proc_locks(5)).
    wanted = {_inode(database.with_name(f"{database.name}-shm")): "POSIX"}
    # The folder's lock is that of `database.sole_writer`.
    wanted[_inode(database.parent)] = "FLOCK"
    for line in _text(proc / "locks").splitlines():
        # "1: POSIX  ADVISORY  WRITE 3568 fd:00:2531452 0 EOF" (proc_locks(5)), padded if shorter.
        _, kind, _, _, pid, file, start, end = (*line.split(), *[""] * 8)[:8]
        inode = file.rpartition(":")[2]
        # A lock of our own, or on another file, keeps no writer out.
        ours = not pid.isdigit() or int(pid) in {0, os.getpid()}
        if ours or not inode.isdigit() or wanted.get(int(inode)) != kind:
            continue
        if kind == "FLOCK" or int(start) <= WRITE_LOCK <= (10**9 if end == "EOF" else int(end)):
            return _named(int(pid), proc)
    return None


def locked_trouble(by: LockHolder) -> Trouble:
    """Write the trouble that names the process with the lock, and the command that ends it."""
    program = f"{by.name}, {by.pid}".strip(", ")
    command = f"sudo systemctl restart {by.unit}" if by.unit else f"sudo kill {by.pid}"
    return Trouble(
        "records.locked",
        _(
            "Another program ({program}) keeps the call log locked: calls go on and are "
            "not recorded. Unlock it: {command}; if it happens again, report it: that "
            "program may be compromised.",
            program=program,
            command=command,
        ),
    )


def _named(pid: int, proc: Path) -> LockHolder:
    groups = _text(proc / str(pid) / "cgroup")
    unit = next((one for one in UNITS if f"/{one}.service" in groups), "")
    return LockHolder(pid, unit or _text(proc / str(pid) / "comm").strip(), unit)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


log = logging.getLogger(__name__)

T = TypeVar("T")

# Call records kept in memory while the disk takes none: weeks of calls of a front desk.
CALLS_LIMIT: Final = 10_000
JOBS_LIMIT: Final = 1_000
# A stalled card comes back within seconds or not at all.
ASK_LIMIT_S: Final = 30.0
RETRY_S: Final = 5.0
# A change that another process wrote is to be in force within a second (E12).
LOOK_S: Final = 0.5


def _ignore(*_: object) -> None:
    """Do nothing: the default callback."""


class WriterSession:
    """The writing connection: opened when needed, closed after an error; for one thread.

    `on_trouble` is called when a corrupt database was replaced.
    """

    def __init__(
        self,
        path: Path,
        on_trouble: Callable[[Trouble | None], None],
        on_open: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._path = path
        self._on_trouble = on_trouble
        self._on_open = on_open
        self._connection: sqlite3.Connection | None = None
        self._lock, self._is_sole = contextlib.ExitStack(), False
        self.io_errors = 0

    def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job, a second time on a new connection if it fails; raises StoreError."""
        # After an I/O error the outcome of a write is unknown: it is tried once more on a new
        # connection, so every job must be idempotent (reliability.md 4, "Errors").
        try:
            return self._once(job)
        except sqlite3.Error as error:
            again = "trying again" if is_busy(error) else "opening the database again"
            log.warning("records: %s; %s", error, again)
        try:
            return self._once(job)
        except sqlite3.Error as error:
            why = error_text_words(str(error))
            raise NotKept(
                _("the records cannot be written ({why}): check the disk", why=why),
            ) from error

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _once(self, job: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with one_job(sqlite3.Error, OSError):
                result = job(self._connected())
        except Bug:
            # Closing rolls back what the failed job has begun.
            self.close()
            raise
        except sqlite3.Error as error:
            self.io_errors += is_io_error(error)
            # Another process's lock says nothing against this connection; after any other error
            # only a fresh one is trusted.
            if not is_busy(error):
                self.close()
            raise
        except OSError as error:
            # Opening the database calls fsync outside SQLite (database.fsync_directory).
            self.io_errors += error.errno == errno.EIO
            raise
        self.io_errors = 0
        return result

    def end(self) -> None:
        """Close the connection and release the lock of the sole writer."""
        self.close()
        self._lock.close()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self._is_sole:
                self._lock.enter_context(sole_writer(self._path))
                self._is_sole = True
            opened = open_database(self._path, self._path.parent / "corrupt")
            self._connection = opened.connection
            # Directory, sheets and users outlive a damaged database by their copy (P4, P5).
            copied = backup.restore(opened.connection, backup.folder_of(self._path))
            trouble = policy_restored(opened.trouble, copied) if copied else opened.trouble
            if trouble:
                self._on_trouble(trouble)
            self._on_open(opened.connection)
        return self._connection


class DatabaseWriter:
    """The writer thread and its queue of jobs; `boot` identifies this run of call control.

    Callbacks run in the writer thread: `on_trouble(Trouble)` when the store degrades,
    `on_trouble(None)` when it recovers; `on_interrupted(records)` once, with the calls that the
    last run left open (E18).
    """

    def __init__(
        self,
        path: Path,
        boot: str,
        on_trouble: Callable[[Trouble | None], None] = _ignore,
        on_interrupted: Callable[[tuple[CallRecord, ...]], None] = _ignore,
    ) -> None:
        self._boot = boot
        self.letters: RequestMails = NO_MAILS
        """Mails to queue with a request that a caller recorded."""
        self._on_trouble = on_trouble
        self._on_interrupted = on_interrupted
        self._latest: dict[str, CallRecord] = {}
        self._jobs: queue.Queue[Callable[[WriterSession], None] | None] = queue.Queue(JOBS_LIMIT)
        self._path = path
        self._session = WriterSession(path, on_trouble, self._close_interrupted)
        self._worker = Worker(
            "records",
            self._turn,
            # Nothing is written any more: call control reports it and leaves when lines are idle.
            lambda _: on_trouble(RECORDS_ENDED),
            end=self._end,
            pending=lambda: not self._jobs.empty(),
        )
        self._trouble: Trouble | None = None
        self._looks: list[Callable[[sqlite3.Connection], object]] = []
        self.prepare: Callable[[sqlite3.Connection], object] = _ignore
        """Called with every new connection before anything is written; set it before `start`."""
        self._look_at = 0.0

    def watch(self, look: Callable[[sqlite3.Connection], object]) -> None:
        """Register a callback for every LOOK_S in the writer thread; call this before `start`.

        It should read a row or two, which are in the page cache: the disk is not kept busy.
        """
        self._looks.append(look)

    def start(self) -> DatabaseWriter:
        """Start the thread; it opens the database itself, so a stalled disk delays no caller."""
        self._wake()
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """Write pending records and end; raises Bug when the disk stalls longer than `limit` s."""
        self._worker.stopping.set()
        self._wake()
        self._worker.stop(limit)

    @property
    def is_alive(self) -> bool:
        """True while the worker runs."""
        return self._worker.is_alive

    @property
    def beat_at(self) -> float:
        """Time of the loop's last turn (monotonic s)."""
        return self._worker.beat_at

    def write_call(self, record: CallRecord) -> None:
        """Queue a call record (`WriteCall`); never waits, never raises."""
        # Beyond the bound new calls are not recorded, which is reported; known ones are updated.
        if len(self._latest) >= CALLS_LIMIT and record.call not in self._latest:
            self._tell(DATABASE_OVERFLOW)
            return
        # Kept by call until it is written, a newer one in place of the older: a stalled disk costs
        # memory once per call.
        self._latest[record.call] = record
        # Any job in the queue makes `_turn` write `_latest` too: no second wake-up is needed.
        if self._jobs.empty():
            self._wake()

    def keep_call(
        self, record: CallRecord, done: Callable[[CentralinoError | None], None] = _ignore
    ) -> None:
        """Write a call record; `done` gets None or the error, in the writer thread."""
        self.do(lambda c: call_log.upsert_calls(c, (record,), self._boot), done)

    def do(
        self,
        job: Callable[[sqlite3.Connection], T],
        done: Callable[[T | CentralinoError], None] = _ignore,
    ) -> None:
        """Queue an idempotent job; `done` gets its result or its error, in the writer thread."""
        try:
            self._jobs.put_nowait(lambda session: done(_attempt(session, job)))
        except queue.Full:
            done(
                NotKept(
                    _("the records have been stalled for too long: check the disk"),
                )
            )

    def ask(self, job: Callable[[sqlite3.Connection], T], limit_s: float = ASK_LIMIT_S) -> T:
        """Run an idempotent job and wait for its result; not for call control's main thread.

        Raises StoreError, OfficeError; after `limit_s` seconds the outcome is unknown: the job may
        yet be done.
        """
        box: queue.SimpleQueue[T | CentralinoError] = queue.SimpleQueue()
        self.do(job, box.put)
        try:
            result = box.get(timeout=limit_s)
        except queue.Empty:
            # The job stays in the queue: a stalled disk may still take it.
            raise NotKept(
                _("the records gave no answer in {limit_s:g} s: check the disk", limit_s=limit_s),
            ) from None
        if isinstance(result, CentralinoError):
            raise result
        return result

    # The mailbox calls what follows, from its own worker thread (voicemail.recording.MessageIndex).

    def store_message(self, message: Message, record: CallRecord) -> int:
        """Commit a message with its call; returns the count of open messages; raises StoreError."""
        return self.ask(lambda c: voicemail.insert_message(c, message, record, self._boot))

    def store_request(self, message: Message, request: NewRequest) -> int:
        """Commit a request that a caller recorded; raises OfficeError, StoreError."""
        sound = RequestSound(f"voicemail/{message.path}", message.sha256)
        taking = RequestToStore(message.id, request, request.at, sound)
        number = self.ask(lambda c: requests.insert_request(c, taking, self.letters)).number
        self.letters.queued()
        return number

    def known_messages(self) -> frozenset[str]:
        """Return the ids of all messages and requests in the database; raises StoreError."""
        return self.ask(lambda c: voicemail.message_ids(c) | requests.request_ids(c))

    def messages_waiting(self) -> int:
        """Count the open messages; raises StoreError."""
        return self.ask(voicemail.count_waiting)

    def close_message(
        self, name: str, by: str, outcome: MessageOutcome, at: datetime, note: str = ""
    ) -> Message:
        """Close a message; raises OfficeError, StoreError."""
        return self.ask(lambda c: voicemail.close_message(c, name, by, outcome, at, note))

    # What follows runs in the writer thread.

    def _turn(self) -> None:
        job = self._next()
        # Calls first: a later job sees every call that was queued before it.
        self._write_calls()
        if job:
            job(self._session)
            self._note_errors()
        self._look()

    def _end(self) -> None:
        try:
            self._write_calls()
        finally:
            self._session.end()

    def _next(self) -> Callable[[WriterSession], None] | None:
        """Wait for a job; None after a pause: to retry a failing disk, or to run the callbacks."""
        with contextlib.suppress(queue.Empty):
            return self._jobs.get(timeout=self._pause())
        return None

    def _pause(self) -> float:
        if self._latest or self._trouble:
            return RETRY_S
        return max(0.0, self._look_at - time.monotonic()) if self._looks else BEAT_S

    def _look(self) -> None:
        """Run the callbacks of `watch`; after a failure again in RETRY_S."""
        if self._trouble or time.monotonic() < self._look_at:
            return
        found = [_attempt(self._session, look) for look in self._looks]
        failed = any(isinstance(each, CentralinoError) for each in found)
        self._look_at = time.monotonic() + (RETRY_S if failed else LOOK_S)

    def _write_calls(self) -> None:
        batch = [self._latest.pop(call) for call in list(self._latest)]
        result = _attempt(self._session, lambda c: self._write(c, batch))
        if isinstance(result, Bug):
            # One record of the batch cannot be written by a fault of ours: the others can.
            for record in batch:
                self._write_alone(record)
            return
        if isinstance(result, CentralinoError):
            for record in batch:
                self._keep_in_memory(record)
        self._judge(result)

    def _write_alone(self, record: CallRecord) -> None:
        """Write one record; one that a fault of ours keeps out is given up, and logged."""
        result = _attempt(self._session, lambda c: self._write(c, [record]))
        if isinstance(result, Bug):
            log.error("records: call %s cannot be written and is given up", record.call)
        elif isinstance(result, CentralinoError):
            self._keep_in_memory(record)

    def _keep_in_memory(self, record: CallRecord) -> None:
        """Queue a record again, unless a newer one has come meanwhile."""
        self._latest.setdefault(record.call, record)

    def _write(self, connection: sqlite3.Connection, batch: list[CallRecord]) -> None:
        """Write a batch; without one, and in trouble, test whether the database can be written."""
        if batch:
            call_log.upsert_calls(connection, batch, self._boot)
        elif self._trouble:
            # A read proves nothing about the disk: the same version is written once more.
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {version}")

    def _note_errors(self) -> None:
        """Report a job that the disk refused twice; `_judge` does so for call records alone."""
        if self._session.io_errors > 1:
            self._tell(DATABASE_UNSURE)

    def _judge(self, result: object) -> None:
        if not isinstance(result, CentralinoError):
            self._tell(None)
        elif self._session.io_errors > 1:
            self._tell(DATABASE_UNSURE)
        elif by := lock_holder(self._path):
            self._tell(locked_trouble(by))
        else:
            self._tell(DATABASE_FAILING)

    def _tell(self, trouble: Trouble | None) -> None:
        if trouble != self._trouble:
            log.warning("records: %s", trouble.words if trouble else "well again")
            self._on_trouble(trouble)
        self._trouble = trouble

    def _close_interrupted(self, connection: sqlite3.Connection) -> None:
        # First the monitoring triggers: the calls that a kill left open are to make events, too.
        self.prepare(connection)
        interrupted = call_log.close_interrupted(connection, self._boot)
        if interrupted:
            self._on_interrupted(interrupted)

    def _wake(self) -> None:
        # A full queue keeps the thread awake by itself.
        with contextlib.suppress(queue.Full):
            self._jobs.put_nowait(None)


def _attempt(session: WriterSession, job: Callable[[sqlite3.Connection], T]) -> T | CentralinoError:
    """Run a job and return its error instead of raising it: no disk fault ends the thread."""
    try:
        return session.run(job)
    except CentralinoError as error:
        # An OfficeError is an answer to the caller, no failure of the disk.
        return error
    except (sqlite3.Error, OSError) as error:
        return NotKept(
            _(
                "the records cannot be reached ({error}): check the disk",
                error=technical_words(error, error_text_words(str(error))),
            ),
        )
