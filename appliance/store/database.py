"""SQLite database: opening, migrations, transactions, audit log, faults of the disk."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.files import PRIVATE, SHARED, fsync_directory
from appliance.policy.hours import moment_phrase_words
from appliance.policy.text import (
    NO_RIGHT,
    NotKept,
    Refused,
    error_text_words,
    technical_words,
)
from appliance.text import Words, _, in_context, joined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# Audit log: who did what, and when. Triggers of the schema refuse every change of a row, and no row
# ever holds a telephone number (P7, E20).


@dataclass(frozen=True, slots=True)
class Noted:
    """One row of the audit log; `what` is a stable code ("register.import"), `about` the object.

    `corrected`: `at` was corrected at the first synchronisation of the clock (reliability.md 6).
    """

    at: datetime
    by: str
    what: str
    about: str = ""
    corrected: bool = False


def note(connection: sqlite3.Connection, noted: Noted) -> None:
    """Add a row, inside the caller's transaction; raises sqlite3.Error."""
    connection.execute(
        "INSERT INTO audit (at, by_whom, what, about) VALUES (?, ?, ?, ?)",
        (noted.at.isoformat(), noted.by, noted.what, noted.about),
    )


def latest(connection: sqlite3.Connection, prefix: str = "", most: int = 100) -> tuple[Noted, ...]:
    """Return the last `most` rows whose code begins with `prefix`, newest first."""
    rows = connection.execute(
        "SELECT * FROM audit WHERE substr(what, 1, ?) = ? ORDER BY number DESC LIMIT ?",
        (len(prefix), prefix, most),
    )
    return tuple(_noted(row) for row in rows)


def between(
    connection: sqlite3.Connection, since: datetime, until: datetime, by: str = "", most: int = 500
) -> tuple[Noted, ...]:
    """Return the rows from `since` to before `until`, newest first; of `by` alone if given."""
    # A time that was put right counts by its correction; what was first written stays beside it
    # (schema 019, reliability.md 6).
    rows = connection.execute(
        "SELECT * FROM audit WHERE datetime(coalesce(corrected_at, at)) >= datetime(?) "
        "AND datetime(coalesce(corrected_at, at)) < datetime(?) "
        "AND (?3 = '' OR by_whom = ?3) ORDER BY number DESC LIMIT ?4",
        (since.astimezone(UTC).isoformat(), until.astimezone(UTC).isoformat(), by, most),
    )
    return tuple(_noted(row) for row in rows)


def who(connection: sqlite3.Connection) -> tuple[str, ...]:
    """List the names of all persons in the audit log."""
    rows = connection.execute("SELECT DISTINCT by_whom FROM audit ORDER BY by_whom")
    return tuple(str(row[0]) for row in rows)


def _noted(row: sqlite3.Row) -> Noted:
    at = datetime.fromisoformat(row["corrected_at"] or row["at"])
    return Noted(at, row["by_whom"], row["what"], row["about"], row["corrected_at"] is not None)


# Degraded states: a stable code for programs, one sentence a language for the person who must act.


@dataclass(frozen=True, slots=True)
class Trouble:
    """A degraded state of a store, for the fault LED, `STATUS=` and the console.

    `restart` asks call control for one restart when no call is going on.
    """

    code: str
    words: Words
    # After a second failed fsync the page cache cannot be trusted any more: only a new process has
    # a fresh view of the disk (reliability.md 4, "Errors").
    restart: bool = False


DATABASE_SET_ASIDE = Trouble(
    "records.set_aside",
    _(
        "The call log was damaged: it was moved to corrupt/ and a new one was "
        "begun; messages were taken up again from their files."
    ),
)
POLICY_NOT_COPIED = Trouble(
    "records.policy_not_copied",
    _(
        "The copy of the register of offices, the sheets and the users cannot be "
        "written: check free space and the memory card."
    ),
)


def policy_restored(aside: Trouble | None, at: datetime) -> Trouble:
    """Write the trouble of a policy restored from its copy of `at`; appended to `aside`."""
    restored = _(
        "Register of offices, sheets and users: restored from the copy {of_moment}; "
        "enter again what is newer.",
        of_moment=moment_phrase_words(in_context("moment", "of"), at.astimezone()),
    )
    said = joined(" ", (aside.words, restored)) if aside else restored
    return Trouble("records.policy_restored", said)


DATABASE_FAILING = Trouble(
    "records.failing",
    _("The call log cannot be written: calls go on; check free space and the memory card."),
)
DATABASE_UNSURE = Trouble(
    "records.unsure",
    _(
        "The memory card failed to write repeatedly: the service must restart when "
        "the lines are idle; if it happens again, replace the card."
    ),
    restart=True,
)
VOICEMAIL_UNSURE = Trouble(
    "voicemail.unsure",
    _(
        "The memory card refused voicemail repeatedly: the service must restart "
        "when the lines are idle; if it happens again, replace the card."
    ),
    restart=True,
)
DATABASE_OVERFLOW = Trouble(
    "records.overflow",
    _("The call log has been stopped for too long: some calls are not recorded."),
)
RECORDS_ENDED = Trouble(
    "records.ended",
    _(
        "The call log stopped because of a fault in the programme: calls go on; "
        "the service must restart when the lines are idle."
    ),
    restart=True,
)


BUSY_MS: Final = 5_000
"""Time (ms) a writer waits for another one (a command beside call control) before it gives up."""
_LOOK_S: Final = 0.05
_FULL: Final = 2
# (name, value as set, value as read back): each pragma is read back and compared, because Python's
# default journal_mode, DELETE, loses acknowledged rows (reliability.md 2, R1).
_PRAGMAS: Final = (
    # WAL with FULL is the one common setting that lost nothing in simulated power cuts: NORMAL lost
    # 115 acknowledged rows in 120 crash states, DELETE with FULL 20 (reliability.md 2, R1).
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", _FULL),
    ("foreign_keys", "ON", 1),
    ("busy_timeout", str(BUSY_MS), BUSY_MS),
    # Checkpoints as rarely as possible: only they write the main file (SQLite wal.html).
    ("wal_autocheckpoint", "1000", 1000),
    # Erased rows are overwritten, also where SQLite moved rows about before (E20).
    ("secure_delete", "ON", 1),
    # A negative value is KiB. Rows are written, and looked up by key: a larger cache would only
    # fill with pages over months of calls, 2 MB as SQLite's default is.
    ("cache_size", "-256", -256),
)
_CORRUPT_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(frozen=True, slots=True)
class OpenedDatabase:
    """An open database; `trouble` is set if it replaces a corrupt one."""

    connection: sqlite3.Connection
    trouble: Trouble | None = None


def open_database(path: Path, corrupt: Path) -> OpenedDatabase:
    """Open, check and migrate the database; a corrupt one is moved to `corrupt`, never deleted.

    Raises StoreError when the disk cannot be read or written.
    """
    try:
        return OpenedDatabase(_open_checked(path))
    except sqlite3.Error as error:
        # A disk that fails, is full or read-only is no corruption: the file stays where it is, and
        # may be sound once the disk is.
        if not is_corruption(error):
            raise NotKept(
                _(
                    "the database {name} cannot be opened ({error}): check the disk",
                    name=path.name,
                    error=technical_words(error, error_text_words(str(error))),
                ),
            ) from error
    # Damage stops nothing and deletes nothing: the file goes to corrupt/, a new database is begun,
    # and messages are recovered from their sidecars.
    set_aside(path, corrupt)
    try:
        return OpenedDatabase(_open_checked(path), DATABASE_SET_ASIDE)
    except sqlite3.Error as error:
        raise NotKept(
            _(
                "no new database can be made ({error}): check the disk",
                error=technical_words(error, error_text_words(str(error))),
            ),
        ) from error


def connect(path: Path) -> sqlite3.Connection:
    """Open a writing connection with the durable pragmas; raises sqlite3.Error, StoreError."""
    # isolation_level None: sqlite3 begins no transaction by itself, `transaction` does.
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        for name, value, expected in _PRAGMAS:
            _set_pragma(connection, name, value, expected)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a read-only connection beside running call control; raises StoreError."""
    try:
        return _reader(path, "mode=ro")
    except sqlite3.Error as error:
        first = error
    try:
        # A database at rest on a read-only medium has no -shm file, and SQLite may not create one
        # (SQLITE_CANTOPEN, reliability.md 0.4): it is read as immutable, as nobody can change it.
        # Not with a WAL: immutable would overlook the rows in it.
        if not _has_wal(path):
            return _reader(path, "mode=ro&immutable=1")
    except sqlite3.Error as error:
        first = error
    if path.exists() and not os.access(path, os.R_OK, effective_ids=True):
        raise NotKept(NO_RIGHT.filled(path=path)) from first
    raise NotKept(
        _(
            "the records {path} cannot be read ({first}): has the service ever run here?",
            path=path,
            first=technical_words(first, error_text_words(str(first))),
        ),
    )


@contextlib.contextmanager
def sole_writer(database: Path, limit_s: float = BUSY_MS / 1000) -> Iterator[None]:
    """Lock of the one process that writes a database; raises StoreError after `limit_s` seconds."""
    # flock(2) on the folder, and on no file in it: a process loses its POSIX locks on a file when
    # it closes *any* descriptor of that file (SQLite, "how to corrupt" 2.2).
    descriptor = os.open(database.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + limit_s
        while not _is_locked(descriptor):
            if time.monotonic() >= end:
                raise NotKept(
                    _(
                        "the records in {parent} are being written by another process: try again "
                        "in a moment",
                        parent=database.parent,
                    ),
                )
            time.sleep(_LOOK_S)
        yield
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit all or nothing; after an error in COMMIT the outcome is *unknown*.

    A commit that failed with SQLITE_IOERR_FSYNC was found in the reopened database
    (reliability.md 0.4): the job must be idempotent.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # SQLite rolls back by itself after some errors: ROLLBACK is then an error of its own.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, one numbered file and one transaction at a time."""
    # A schema newer than the program is left alone: after a fall-back to the older system slot the
    # older program works on it, because migrations only add (schema/001).
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for number, script in migrations():
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
            )


def migrations() -> list[tuple[int, str]]:
    """List (number, SQL) of `schema/NNN_*.sql`, in order."""
    folder = resources.files("appliance.store") / "schema"
    found = [f for f in folder.iterdir() if f.name.endswith(".sql")]
    return sorted((int(f.name.split("_")[0]), f.read_text(encoding="utf-8")) for f in found)


def set_aside(path: Path, corrupt: Path) -> None:
    """Move a database and its -wal and -shm into `corrupt`, under a name that was never used."""
    corrupt.mkdir(mode=0o700, exist_ok=True)
    # The wall clock alone may give a name twice, as it may be set back.
    stamp = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{time.monotonic_ns()}"
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        with contextlib.suppress(FileNotFoundError):
            source.rename(corrupt / f"{path.name}.{stamp}{suffix}")
    for folder in (corrupt, path.parent):
        fsync_directory(folder)


def is_corruption(error: sqlite3.Error) -> bool:
    """Tell a damaged file from a disk that fails, is full or read-only."""
    return _primary_code(error) in _CORRUPT_CODES


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another connection holds the lock."""
    return _primary_code(error) == sqlite3.SQLITE_BUSY


def is_io_error(error: BaseException | None) -> bool:
    """Tell an I/O error, after which the outcome is unknown (reliability.md 0.4)."""
    return isinstance(error, sqlite3.Error) and _primary_code(error) == sqlite3.SQLITE_IOERR


def _primary_code(error: sqlite3.Error) -> int:
    # The low byte of an extended result code is its primary code (SQLite, rescode.html).
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _open_checked(path: Path) -> sqlite3.Connection:
    _keep_ours(path)
    connection = connect(path)
    try:
        quick_check(connection)
        migrate(connection)
        fsync_directory(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _keep_ours(path: Path) -> None:
    """Create the file, writable by its owner and readable by the console alone."""
    # An error here is an error of SQLite a moment later, which says better what it is.
    with contextlib.suppress(OSError):
        # O_EXCL: an existing file is never opened. To close it would drop the POSIX locks that
        # another connection of this process holds (SQLite, "how to corrupt" 2.2).
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
        # SQLite gives a new -wal or -shm the rights of the database; these may be older.
        for suffix in ("", "-wal", "-shm"):
            _set_rights(path.with_name(path.name + suffix))


def _set_rights(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) != SHARED:
            path.chmod(SHARED)


def quick_check(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError (SQLITE_CORRUPT) unless `PRAGMA quick_check` says "ok"."""
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        error = sqlite3.DatabaseError(str(verdict))
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _set_pragma(connection: sqlite3.Connection, name: str, value: str, expected: object) -> None:
    connection.execute(f"PRAGMA {name} = {value}")
    found = connection.execute(f"PRAGMA {name}").fetchone()[0]
    # WAL cannot be had in memory or on a network share: nothing is called durable there.
    if found != expected:
        raise NotKept(
            _(
                "SQLite refuses {name}={value} (it says {found}): messages would not be safe here",
                name=name,
                value=value,
                found=found,
            ),
        )


def _reader(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{_uri_path(path)}?{options}", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        # SQLite reads the file at the first statement only: an error is to come here.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _uri_path(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _has_wal(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def database_path(state: Path) -> Path:
    """Return the path of the database below the state folder."""
    return state / "centralino.db"


def records_made(state: Path) -> Path:
    """Return the path of an existing database; raises Refused before call control has made one.

    Raises PermissionError where this account may not look for it.
    """
    path = database_path(state)
    # No command creates the database: it would belong to the account that ran the command.
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused(
            _(
                "there are no records in {state} yet: start centralino once, then again",
                state=state,
            ),
        ) from error
    return path
