"""Writes a backup: one sealed file with records, messages, configuration, keys and prompts.

Beside a running desk: the records are copied by SQLite's online backup as of one moment, then come
the messages, so that every message the records know is there unless it was erased meanwhile; one
more, which the records do not know, is found again by the mailbox.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import appliance
from appliance.daemon.backup_places import (
    MADE,
    MANIFEST,
    OWN_COPY,
    STATE,
    Piece,
    contents,
    pieces,
)
from appliance.daemon.stores import database_path
from appliance.errors import StoreError
from appliance.files import PRIVATE, SHARED, acting_for, open_plain, replacing
from appliance.policy.supervision import in_words, words_of
from appliance.policy.text import Refused
from appliance.store.backup import SealingWriter
from appliance.store.database import open_reader

if TYPE_CHECKING:
    from appliance.config.schema import Settings

FORMAT = 1


@dataclass
class _Archive:
    """A tar being written, the digest of every file in it, what could not be read for it."""

    tar: tarfile.TarFile
    files: dict[str, str] = field(default_factory=dict)
    closed: list[Piece] = field(default_factory=list)

    def add_piece(self, piece: Piece) -> None:
        """Add all of a piece; one that this account may not read is noted. Raises OSError."""
        try:
            for name, path in contents(piece):
                # only the administrator's single files may be links
                self.add(name, path if piece.is_folder else path.resolve())
        except PermissionError:
            if piece.name == STATE:
                raise
            self.closed.append(piece)

    def add(self, name: str, path: Path) -> None:
        """Add a folder or file; one that was erased meanwhile is left out. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            if path.is_dir():
                self.tar.addfile(self.tar.gettarinfo(path, name))
                return
            with open_plain(path) as file:
                digest = _Digesting(file)
                self.tar.addfile(self.tar.gettarinfo(arcname=name, fileobj=file), digest)
                self.files[name] = digest.sha256.hexdigest()


class _Digesting:
    """Reads a file and digests what it read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a backup: the number of files in it, and what the configuration names that
    this account may not read.
    """

    files: int
    closed: tuple[str, ...] = ()


def size_of(state: Path) -> int:
    """Say how much a backup takes at the most: records and sounds; its copies are not in it."""
    sounds = sum(path.stat().st_size for path in (state / "voicemail").rglob("*") if path.is_file())
    return database_path(state).stat().st_size + sounds + (16 << 20)


def write(settings: Settings, config: Path, to: Path, passphrase: str, at: datetime) -> Written:
    """Write the backup into a new file, whole or not at all; returns what is in it.

    Raises Refused in words: where there are no records, they are damaged, or the disk fails.
    """
    if to.exists():
        raise Refused(
            f"{to} esiste già: dare un altro nome", f"{to} is there already: name another"
        )
    try:
        # the one that was asked for in a browser is fetched by the console
        mode = SHARED if to == Path(settings.folders.state) / MADE else PRIVATE
        with replacing(to, mode=mode) as file:
            written = into(settings, config, file, passphrase, at)
    except (OSError, sqlite3.Error) as error:
        why = words_of(error)
        raise Refused(
            f"la copia di sicurezza non si può scrivere: {why.it}",
            f"the backup cannot be written: {why.en}",
        ) from error
    return written


def to_stream(
    settings: Settings, config: Path, stream: IO[bytes], passphrase: str, at: datetime
) -> Written:
    """Write the backup to a pipe, as for `ssh box centralino backup -`; raises Refused in words."""
    try:
        written = into(settings, config, stream, passphrase, at)
        stream.flush()
    except (OSError, sqlite3.Error) as error:
        why = words_of(error)
        raise Refused(
            f"la copia di sicurezza non è arrivata intera: {why.it}",
            f"the backup did not arrive whole: {why.en}",
        ) from error
    return written


def into(
    settings: Settings, config: Path, file: IO[bytes], passphrase: str, at: datetime
) -> Written:
    """Write the backup into an open file, or a pipe; raises Refused, OSError, sqlite3.Error."""
    state = Path(settings.folders.state)
    sealing = SealingWriter(file, passphrase)
    with (
        _copied(state) as (records, schema),
        tarfile.open(fileobj=cast("IO[bytes]", sealing), mode="w|") as tar,
    ):
        archive = _Archive(tar)
        for piece in pieces(settings, config):
            archive.add_piece(piece)
            if piece.name == STATE:
                archive.add(f"{STATE}/{database_path(state).name}", records)
        _add_manifest(
            archive,
            {
                "site": settings.site.name,
                "made": at.isoformat(),
                "schema": schema,
                "closed": [piece.key or piece.name for piece in archive.closed],
            },
        )
    sealing.close()
    return Written(len(archive.files), tuple(piece.key for piece in archive.closed if piece.key))


def _add_manifest(archive: _Archive, told: dict[str, Any]) -> None:
    about = {"format": FORMAT, "centralino": appliance.__version__, **told}
    text = json.dumps({**about, "files": archive.files}).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size = len(text)
    archive.tar.addfile(member, io.BytesIO(text))


@contextlib.contextmanager
def _copied(state: Path) -> Iterator[tuple[Path, int]]:
    """Copy the records as of one moment beside themselves: they are no more open there."""
    path = database_path(state)
    if not path.exists():
        raise Refused(
            f"in {state} non c'è ancora nulla da salvare: il centralino non è mai partito",
            f"there is nothing in {state} to back up yet: the switchboard has never run",
        )
    for left in state.glob(f"{OWN_COPY}*"):  # of a backup that was killed
        shutil.rmtree(left)
    with contextlib.ExitStack() as stack:
        with acting_for(state):
            made = tempfile.TemporaryDirectory(prefix=OWN_COPY, dir=state)
            folder = stack.enter_context(made)
            copied = _copy(path, Path(folder) / path.name)
        yield copied


def _copy(path: Path, to: Path) -> tuple[Path, int]:
    try:
        with closing(open_reader(path)) as source, closing(sqlite3.connect(to)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
            said = str(copy.execute("PRAGMA integrity_check(1)").fetchone()[0])
            schema = int(copy.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as error:
        said = str(error)
    except StoreError as error:
        said = str(error)
    if said != "ok":
        what = in_words(said)
        raise Refused(
            f"la base di dati è danneggiata ({what.it}): nessuna copia di sicurezza è stata "
            "scritta",
            f"the records are damaged ({what.en}): no backup was written",
        )
    to.chmod(0o600)
    return to, schema
