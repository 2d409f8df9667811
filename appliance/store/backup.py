"""Backup: policy copy, nightly copy of the database, encrypted stream of a whole backup.

The policy copy holds directory, special hours, sheets, address book and users.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from appliance.errors import StoreError
from appliance.files import atomic_write, fsync_directory
from appliance.policy.text import NotKept, error_text_words, technical_words
from appliance.store import age, backup_v1, database
from appliance.store.database import POLICY_NOT_COPIED, Noted, Trouble, open_reader, transaction
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# ---- policy copy -------------------------------------------------------------------------------
# `policy/policy.db` beside the database outlives a damaged one. It is written whole after every
# change and put in place by a rename (reliability.md 4, "Settings"). Numbers stay encrypted in it,
# passwords are hashes. Attachments of the directory lie beside it, one file each.

log = logging.getLogger(__name__)

FILE: Final = "policy.db"
TABLES: Final = (
    "register_changes",
    "register_units",
    "register_entries",
    "special_hours",
    "sheets",
    "address_book",
    "users",
)
"""Tables of the copy, in the order of their references."""
WITH_GONE: Final = frozenset({"sheets", "address_book"})
"""Tables whose removed rows stay, with `gone` = 1."""
_ATTACHED: Final = "name, change, sha256, length"
RESTORED: Final = "policy.restored"
"""Code in the audit log."""
BOX: Final = "box"


def folder_of(database: Path) -> Path:
    """Return the folder of the copy, beside the database."""
    return database.with_name("policy")


class PolicyCopy:
    """Writer of the copy; `on_trouble` is called when it cannot be written, None once it can."""

    def __init__(self, folder: Path, on_trouble: Callable[[Trouble | None], None]) -> None:
        self._folder = folder
        self._on_trouble = on_trouble
        self._kept = 0
        self._failed = False

    def look(self, connection: sqlite3.Connection) -> None:
        """Write the copy after a change; in the writer thread. Raises StoreError, sqlite3.Error."""
        now = version(connection)
        # Without a change nothing is written.
        if now == self._kept:
            return
        try:
            write(connection, self._folder, datetime.now(UTC))
        except OSError as error:
            self._tell(failed=True)
            raise NotKept(
                _(
                    "register, sheets and users cannot be copied: {error}",
                    error=technical_words(error, error_text_words(str(error))),
                ),
            ) from error
        self._kept = now
        self._tell(failed=False)

    def _tell(self, *, failed: bool) -> None:
        if failed != self._failed:
            self._on_trouble(POLICY_NOT_COPIED if failed else None)
        self._failed = failed


def version(connection: sqlite3.Connection) -> int:
    """Return the policy's version, which triggers raise at each change; 0 before the first."""
    return int(connection.execute("SELECT version FROM policy_version").fetchone()[0])


def write(connection: sqlite3.Connection, folder: Path, at: datetime) -> None:
    """Write the copy, whole or not at all; raises OSError, sqlite3.Error."""
    # Attachments first: the copy that names them takes its place last.
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
    """Restore the copy into a database without any entry; returns the copy's time.

    None if anything was entered, or there is no readable copy (logged).
    """
    # Version 0: nothing was ever entered, so nothing newer than the copy is lost (schema/014). What
    # is entered is what holds, whatever the copy says.
    if not (folder / FILE).exists() or version(connection):
        return None
    try:
        with _joined(connection, folder / FILE):
            _check(connection)
            return _put_back(connection, folder)
    except (sqlite3.Error, OSError, ValueError) as error:
        # The box starts all the same, with an empty policy, and the journal says why.
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
    """Fill the copy in one transaction of the database."""
    # No journal and no fsync of SQLite: a draft that is not whole is thrown away, `write` syncs it.
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
        database.note(connection, Noted(datetime.now(UTC), BOX, RESTORED, f"copy of {made}"))
    return at


def _put_back_table(connection: sqlite3.Connection, table: str) -> None:
    """Restore one table."""
    # Only columns that both have: the copy may be an older version's.
    ours, copied = (
        [row["name"] for row in connection.execute(f"PRAGMA {place}.table_info({table})")]
        for place in ("main", "copy")
    )
    names = ", ".join(name for name in copied if name in ours)
    # The copy is older than the table.
    if not names:
        return
    # What is removed is kept for the calls that name it, and those are lost.
    which = "WHERE gone = 0" if table in WITH_GONE else ""
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
        # What an office declared holds without the e-mail that it was read from.
        log.error("the attachment %s is lost: %s", row[0], error)
        return
    insert = f"INSERT INTO register_attachments ({_ATTACHED}, sealed) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - constant names
    connection.execute(insert, (*row, sealed))


def _write_attachments(connection: sqlite3.Connection, folder: Path) -> None:
    # Each file is written once: an attachment is never changed (P4).
    for row in connection.execute("SELECT name FROM register_attachments").fetchall():
        path = _attachment(folder, row["name"])
        if not path.exists():
            _write_attachment(connection, row["name"], path)


def _write_attachment(connection: sqlite3.Connection, name: str, path: Path) -> None:
    found = connection.execute("SELECT sealed FROM register_attachments WHERE name = ?", (name,))
    atomic_write(path, found.fetchone()["sealed"])


def _attachment(folder: Path, name: str) -> Path:
    """Return the path of an attachment's file."""
    # Named by a digest: a person typed the attachment's name, and it may hold anything.
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()}.sealed"


def _make_empty(path: Path) -> None:
    """Create an empty file that its owner alone can read, in place of one of an earlier try."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


# ---- nightly copy -------------------------------------------------------------------------------
# The nightly copy of the database: checked whole, then written by VACUUM INTO. It runs in a child
# process beside call control, on a connection that only reads.


def damage_of(path: Path) -> str:
    """Check a whole database, indexes included; returns the first damage, "" for none.

    Raises NotKept if there is no database.
    """
    if not path.exists():
        raise NotKept(
            _("there are no records at {path}: has the service ever run here?", path=path),
        )
    try:
        with closing(open_reader(path)) as connection:
            said = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except (sqlite3.DatabaseError, StoreError) as error:
        # It is damaged so that it cannot even be checked.
        return str(error)
    return "" if said == "ok" else said


def copy_database(path: Path, to: Path) -> None:
    """Copy the database as of one moment into a new file, for its owner alone, and fsync it.

    The name of the file's folder still needs `fsync_directory`. Raises StoreError, OSError.
    """
    # SQLite takes an empty file for VACUUM INTO; created here it has the owner's rights alone.
    descriptor = os.open(to, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with closing(open_reader(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(to),))
        os.fsync(descriptor)
    except sqlite3.Error as error:
        raise NotKept(
            _(
                "the records cannot be copied ({error}): check the disk",
                error=technical_words(error, error_text_words(str(error))),
            ),
        ) from error
    finally:
        os.close(descriptor)
    fsync_directory(to.parent)


# ---- encrypted stream --------------------------------------------------------------------------
# A backup on a stick or server: an age file under a passphrase. A file of the former format is
# known by its first line and still read.

_READERS: Final = {age.VERSION_LINE: age.chunks, backup_v1.MAGIC: backup_v1.pieces}
"""Generator of a file's contents by its first line."""
MAGICS: Final = (age.MAGIC, backup_v1.MAGIC)
"""First bytes of an encrypted stream, the present format's first."""


def is_sealed(file: IO[bytes]) -> bool:
    """Return whether an open file begins as an encrypted stream."""
    return file.read(max(map(len, MAGICS))).startswith(MAGICS)


def check_sealed(file: Path) -> None:
    """Raise Refused for a file that does not begin as a backup does, OSError for none."""
    with file.open("rb") as sealed:
        begin = sealed.read(max(map(len, MAGICS)))
    # One that is cut off even there is found incomplete as it is read.
    if not any(begin.startswith(magic) or magic.startswith(begin) for magic in MAGICS):
        raise age.no_backup()


class SealedReader:
    """Reader of an encrypted stream; raises Refused for a wrong passphrase and for any damage."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        reader = _READERS.get(file.readline(len(age.VERSION_LINE)))
        if reader is None:
            raise age.no_backup()
        self._pieces, self._kept = reader(file, passphrase), bytearray()

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        while len(self._kept) < size and (piece := next(self._pieces, None)) is not None:
            self._kept += piece
        taken = bytes(self._kept[:size])
        del self._kept[:size]
        return taken

    def finish(self) -> None:
        """Read on to the last piece, with which the file must end."""
        # Damage behind the last byte that was wanted is found here.
        for _unused in self._pieces:
            pass
