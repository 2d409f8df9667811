"""A copy of register, special hours, sheets and users, which outlives a damaged database.

`policy/policy.db` beside the database, written whole after every change and put in place by a
rename (reliability.md 4, "Settings"); numbers stay sealed in it, and of passwords there are
hashes only. What is attached to the register lies beside it, each file written once: nothing
entered is ever changed (P4).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.files import atomic_write, fsync_directory
from appliance.policy.refused import NotKept
from appliance.policy.system_words import in_words
from appliance.records import audit
from appliance.records.audit import Noted
from appliance.records.database import transaction
from appliance.records.trouble import POLICY_NOT_COPIED, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

FILE: Final = "policy.db"
TABLES: Final = (
    "register_changes",
    "register_units",
    "register_entries",
    "special_hours",
    "sheets",
    "users",
)
"""In the order in which they refer to one another."""
_ATTACHED: Final = "name, change, sha256, length"
RESTORED: Final = "policy.restored"
"""The code in the audit."""
BOX: Final = "box"


def folder_of(database: Path) -> Path:
    """Say where the copy lies: beside the database."""
    return database.with_name("policy")


class PolicyCopy:
    """Keeps the copy as the records are; `on_trouble` hears when it cannot be written."""

    def __init__(self, folder: Path, on_trouble: Callable[[Trouble | None], None]) -> None:
        self._folder = folder
        self._on_trouble = on_trouble
        self._kept = 0
        self._failed = False

    def look(self, connection: sqlite3.Connection) -> None:
        """Copy what has changed since; in the records' thread. Raises StoreError, sqlite3.Error."""
        now = version(connection)
        if now == self._kept:
            return
        try:
            write(connection, self._folder, datetime.now(UTC))
        except OSError as error:
            self._tell(failed=True)
            raise NotKept(
                f"rubrica, schede e utenti non si possono copiare: {in_words(str(error)).it}",
                f"register, sheets and users cannot be copied: {error}",
            ) from error
        self._kept = now
        self._tell(failed=False)

    def _tell(self, *, failed: bool) -> None:
        if failed != self._failed:
            self._on_trouble(POLICY_NOT_COPIED if failed else None)
        self._failed = failed


def version(connection: sqlite3.Connection) -> int:
    """Return the number that changes with what is copied, 0 while nothing was entered."""
    return int(connection.execute("SELECT version FROM policy_version").fetchone()[0])


def write(connection: sqlite3.Connection, folder: Path, at: datetime) -> None:
    """Write the copy, whole or not at all; raises OSError, sqlite3.Error."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _write_attachments(connection, folder)
    draft = folder / "policy.tmp"
    _make_empty(draft)
    with _joined(connection, draft):
        _fill(connection, at)
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(folder / FILE)
    fsync_directory(folder)


def restore(connection: sqlite3.Connection, folder: Path) -> datetime | None:
    """Put the copy into records in which nothing was ever entered; returns of when it is.

    None where something was entered, or there is no copy that can be read: that is logged.
    """
    if not (folder / FILE).exists() or version(connection):
        return None
    try:
        with _joined(connection, folder / FILE):
            _check(connection)
            return _put_back(connection, folder)
    except (sqlite3.Error, OSError, ValueError) as error:
        log.error("the copy of register, sheets and users cannot be put back: %s", error)
        return None


@contextlib.contextmanager
def _joined(connection: sqlite3.Connection, copy: Path) -> Iterator[None]:
    connection.execute("ATTACH ? AS copy", (str(copy),))
    try:
        yield
    finally:
        connection.execute("DETACH copy")


def _fill(connection: sqlite3.Connection, at: datetime) -> None:
    """Copy it as of one moment; no journal: a draft that is not whole is thrown away."""
    connection.execute("PRAGMA copy.journal_mode = OFF")
    connection.execute("PRAGMA copy.synchronous = OFF")
    with transaction(connection):
        for table in TABLES:
            rows = f"SELECT * FROM main.{table} ORDER BY rowid"  # noqa: S608 - constant names
            connection.execute(f"CREATE TABLE copy.{table} AS {rows}")
        attached = f"SELECT {_ATTACHED} FROM main.register_attachments"  # noqa: S608 - constant names
        connection.execute(f"CREATE TABLE copy.attached AS {attached}")
        connection.execute(
            "CREATE TABLE copy.made AS SELECT version, ? AS at FROM main.policy_version",
            (at.isoformat(),),
        )


def _check(connection: sqlite3.Connection) -> None:
    verdict = connection.execute("PRAGMA copy.quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"it is damaged ({verdict})")


def _put_back(connection: sqlite3.Connection, folder: Path) -> datetime:
    kept, made = connection.execute("SELECT version, at FROM copy.made").fetchone()
    at = datetime.fromisoformat(made)
    with transaction(connection):
        for table in TABLES:
            _put_back_table(connection, table)
        for row in connection.execute(f"SELECT {_ATTACHED} FROM copy.attached").fetchall():  # noqa: S608 - constant names
            _put_back_attachment(connection, folder, tuple(row))
        connection.execute("UPDATE policy_version SET version = ?", (kept,))
        audit.note(connection, Noted(datetime.now(UTC), BOX, RESTORED, f"copy of {made}"))
    return at


def _put_back_table(connection: sqlite3.Connection, table: str) -> None:
    """Take the columns that both know: the copy may be an older programme's."""
    ours, copied = (
        [row["name"] for row in connection.execute(f"PRAGMA {place}.table_info({table})")]
        for place in ("main", "copy")
    )
    names = ", ".join(name for name in copied if name in ours)
    if not names:  # a copy of before there was such a table
        return
    # a sheet that is gone is only named by calls, which are lost
    which = "WHERE gone = 0" if table == "sheets" else ""
    connection.execute(
        f"INSERT INTO main.{table} ({names}) "  # noqa: S608 - names of our own schema
        f"SELECT {names} FROM copy.{table} {which} ORDER BY rowid"
    )


def _put_back_attachment(
    connection: sqlite3.Connection, folder: Path, row: tuple[object, ...]
) -> None:
    path = _attachment(folder, str(row[0]))
    try:
        sealed = path.read_bytes()
    except OSError as error:
        log.error("the attachment %s is lost: %s", row[0], error)
        return
    insert = f"INSERT INTO register_attachments ({_ATTACHED}, sealed) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - constant names
    connection.execute(insert, (*row, sealed))


def _write_attachments(connection: sqlite3.Connection, folder: Path) -> None:
    for row in connection.execute("SELECT name FROM register_attachments").fetchall():
        path = _attachment(folder, row["name"])
        if not path.exists():
            _write_attachment(connection, row["name"], path)


def _write_attachment(connection: sqlite3.Connection, name: str, path: Path) -> None:
    found = connection.execute("SELECT sealed FROM register_attachments WHERE name = ?", (name,))
    atomic_write(path, found.fetchone()["sealed"])


def _attachment(folder: Path, name: str) -> Path:
    """Name its file by its name's digest: a name may hold whatever a person typed."""
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()}.sealed"


def _make_empty(path: Path) -> None:
    """Make a file that nobody else can read, in place of what an earlier try has left."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
