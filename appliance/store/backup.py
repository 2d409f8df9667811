"""Backup: the copy of directory, special hours, sheets and users; encrypted streams."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import sqlite3
import struct
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from appliance.errors import StoreError
from appliance.files import atomic_write, fsync_directory
from appliance.policy.text import NotKept, Refused, error_text_words
from appliance.store import database
from appliance.store.database import POLICY_NOT_COPIED, Noted, Trouble, transaction
from appliance.store.directory import KEY_BYTES, Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# ---- policy copy -------------------------------------------------------------------------------
# A copy of register, special hours, sheets and users, which outlives a damaged database.
#
# `policy/policy.db` beside the database, written whole after every change and put in place by a
# rename (reliability.md 4, "Settings"); numbers stay sealed in it, and of passwords there are
# hashes only. What is attached to the register lies beside it, each file written once: nothing
# entered is ever changed (P4).

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
                "rubrica, schede e utenti non si possono copiare: "
                f"{error_text_words(str(error)).it}",
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
        database.note(connection, Noted(datetime.now(UTC), BOX, RESTORED, f"copy of {made}"))
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


# ---- sealed stream -----------------------------------------------------------------------------
# A stream sealed with a passphrase, piece by piece: what a backup is, on a stick or a server.
#
# The key is made of the passphrase by scrypt (RFC 7914); each piece is sealed with AES-256-GCM and
# authenticated with its place in the stream and with whether it is the last (the STREAM
# construction, Hoang and others 2015), so that nothing can be taken out, put in, moved or cut off
# unseen. One piece at a time is in memory.

MAGIC: Final = b"centralino-backup-1\n"
SALT_BYTES: Final = 16
PIECE_BYTES: Final = 1 << 20
COST: Final = 1 << 16
"""scrypt's N, with r = 8: 64 MB and a second of a small board for every passphrase tried."""
BLOCK: Final = 8
MEMORY: Final = 2 * 128 * COST * BLOCK
LEAST_PASSPHRASE: Final = 12
_HEAD: Final = struct.Struct(">BI")
_LONGEST: Final = PIECE_BYTES + 64


class SealingWriter:
    """A file to write to; nothing of it can be read before `close` has written the last piece."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        salt = secrets.token_bytes(SALT_BYTES)
        self._file, self._vault = file, _vault(passphrase, salt)
        self._kept, self._number = bytearray(), 0
        file.write(MAGIC + salt)

    def write(self, data: bytes) -> int:
        """Take bytes; raises OSError."""
        self._kept += data
        while len(self._kept) > PIECE_BYTES:
            self._seal(bytes(self._kept[:PIECE_BYTES]), is_last=False)
            del self._kept[:PIECE_BYTES]
        return len(data)

    def close(self) -> None:
        """Write the last piece; the file itself stays open. Raises OSError."""
        self._seal(bytes(self._kept), is_last=True)

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        sealed = self._vault.seal_bytes(piece, _place(self._number, is_last=is_last))
        self._file.write(_HEAD.pack(is_last, len(sealed)) + sealed)
        self._number += 1


class SealedReader:
    """Reads what was written; raises Refused for another passphrase and for every damage."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        if file.read(len(MAGIC)) != MAGIC:
            raise Refused(
                "questo file non è una copia di sicurezza del centralino",
                "this file is no backup of the switchboard",
            )
        self._file, self._vault = file, _vault(passphrase, _exactly(file, SALT_BYTES))
        self._kept, self._number, self._ended = bytearray(), 0, False

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, less only at the end."""
        while len(self._kept) < size and not self._ended:
            self._kept += self._open()
        taken = bytes(self._kept[:size])
        del self._kept[:size]
        return taken

    def finish(self) -> None:
        """Read on to the end, which must be there and be the end of the file too."""
        while not self._ended:
            self._open()

    def _open(self) -> bytes:
        is_last, length = _HEAD.unpack(_exactly(self._file, _HEAD.size))
        if is_last > 1 or length > _LONGEST:
            raise _damaged()
        sealed = _exactly(self._file, length)
        try:
            piece = self._vault.open_bytes(sealed, _place(self._number, is_last=bool(is_last)))
        except StoreError as error:
            raise (_damaged() if self._number else _wrong()) from error
        self._number, self._ended = self._number + 1, bool(is_last)
        if self._ended and self._file.read(1):
            raise _damaged()
        return piece


def checked_passphrase(text: str) -> str:
    """Return a passphrase that will do; raises Refused for one that is soon guessed."""
    if len(text) < LEAST_PASSPHRASE:
        raise Refused(
            f"la frase segreta ha meno di {LEAST_PASSPHRASE} caratteri: sceglierne una più lunga, "
            "per esempio quattro parole",
            f"the passphrase has fewer than {LEAST_PASSPHRASE} characters: choose a longer one, "
            "four words for instance",
        )
    return text


def _vault(passphrase: str, salt: bytes) -> Vault:
    """Make the key; the same letters typed on another keyboard are the same passphrase."""
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    key = hashlib.scrypt(secret, salt=salt, n=COST, r=BLOCK, p=1, maxmem=MEMORY, dklen=KEY_BYTES)
    return Vault(key, Path("passphrase"))


def _place(number: int, *, is_last: bool) -> str:
    return f"centralino backup {number}{' last' if is_last else ''}"


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise Refused(
            "la copia di sicurezza è incompleta: il file è stato troncato, usarne un altro",
            "the backup is not whole: its file was cut short, use another one",
        )
    return data


def _wrong() -> Refused:
    return Refused(
        "la frase segreta non è quella di questa copia, oppure il file è danneggiato all'inizio",
        "the passphrase is not this backup's, or the file is damaged at its beginning",
    )


def _damaged() -> Refused:
    return Refused(
        "la copia di sicurezza è danneggiata: usarne un'altra",
        "the backup is damaged: use another one",
    )
