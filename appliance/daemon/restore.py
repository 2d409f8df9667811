"""Reads a backup whole, beside what stands on the box, and only then has it put in its place.

Everything is unpacked next to where it is to stand, checked there (passphrase, damage, digests, the
records' integrity, their version, the configuration), and on the disk before the plan of what is to
be moved is written: until then the box is as it was (`putting_back.py` does the rest).
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, cast

from appliance.config import read as configuration
from appliance.config.schema import Settings
from appliance.daemon.backup_places import CONFIG, CONSOLE_TLS, MANIFEST, STATE, Piece, pieces
from appliance.daemon.putting_back import at_no_point, check_places, staged, write_plan
from appliance.daemon.stores import database_path
from appliance.errors import ConfigurationError
from appliance.files import fsync_directory
from appliance.policy.supervision import in_words
from appliance.policy.text import Refused
from appliance.store.backup import SealedReader
from appliance.store.database import migrations

BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that can be put back: what it says of itself, its configuration, its pieces."""

    about: dict[str, Any]
    settings: Settings
    folder: Path
    pieces: tuple[Piece, ...]


def unpack(file: Path, folder: Path, passphrase: str, config: Path) -> Checked:
    """Unpack into a new folder and check everything; raises Refused in words, OSError."""
    with file.open("rb") as sealed:
        reader = SealedReader(sealed, passphrase)
        digests = _extract(reader, folder)
        reader.finish()
    about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if about["files"] != digests:
        raise Refused(
            "la copia di sicurezza non contiene ciò che dichiara: usarne un'altra",
            "the backup does not hold what it says it holds: use another one",
        )
    check_records(folder / database_path(Path(STATE)))
    settings = _settings(folder / CONFIG)
    found = tuple(one for one in pieces(settings, config) if (folder / one.name).exists())
    return Checked(about, settings, folder, found)


def stage(checked: Checked, stamp: str, at_point: Callable[[str], None] = at_no_point) -> Path:
    """Bring every piece next to its place, durably, and write the plan; returns the plan's path.

    Raises OSError, Refused, before anything that stands has changed.
    """
    check_places(checked.pieces)
    try:
        for piece in checked.pieces:
            piece.path.parent.mkdir(parents=True, exist_ok=True)
            clear(staged(piece.path))
            _move(checked.folder / piece.name, staged(piece.path))
            if piece.name == CONSOLE_TLS:
                _give_to_whose_folder_it_is(staged(piece.path))
            to_disk(staged(piece.path))
            at_point(f"staged {piece.name}")
        return write_plan(checked.pieces, stamp)
    except OSError:
        for piece in checked.pieces:
            clear(staged(piece.path))
        raise


def read_whole(file: Path, passphrase: str) -> None:
    """Read a backup to its end without unpacking it; raises Refused where it is not whole."""
    digests: dict[str, str] = {}
    about: dict[str, Any] = {}
    with file.open("rb") as sealed:
        reader = SealedReader(sealed, passphrase)
        with tarfile.open(fileobj=cast("IO[bytes]", reader), mode="r|") as tar:
            for member in tar:
                if member.name == MANIFEST:
                    about = json.load(cast("IO[bytes]", tar.extractfile(member)))
                elif member.isfile():
                    digests[member.name] = _digest(cast("IO[bytes]", tar.extractfile(member)))
        reader.finish()
    if about.get("files") != digests:
        raise Refused(
            "la copia di sicurezza non contiene ciò che dichiara: usarne un'altra",
            "the backup does not hold what it says it holds: use another one",
        )


def _digest(source: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while data := source.read(BLOCK):
        digest.update(data)
    return digest.hexdigest()


def _extract(reader: SealedReader, folder: Path) -> dict[str, str]:
    """Write what is in it below the folder; returns the digest of every file, but the manifest."""
    digests: dict[str, str] = {}
    with tarfile.open(fileobj=cast("IO[bytes]", reader), mode="r|") as tar:
        for member in tar:
            path = folder / _safe(member.name)
            if member.isdir():
                path.mkdir(mode=0o700)
            elif member.isfile():
                digests[member.name] = _write(cast("IO[bytes]", tar.extractfile(member)), path)
            _mark(path, member)
    if digests.pop(MANIFEST, None) is None:
        raise Refused(
            "la copia di sicurezza non contiene il suo elenco: usarne un'altra",
            "the backup does not hold its list: use another one",
        )
    return digests


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise Refused(
            "la copia di sicurezza contiene un nome che non può essere: usarne un'altra",
            "the backup holds a name that cannot be: use another one",
        )
    return path


def _write(source: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while data := source.read(BLOCK):
            digest.update(data)
            file.write(data)
    return digest.hexdigest()


def _mark(path: Path, member: tarfile.TarInfo) -> None:
    """Give it the owner it had, by name and as root only, its rights and its time."""
    if os.geteuid() == 0:
        os.chown(path, _uid(member.uname), _gid(member.gname))
    path.chmod(member.mode & 0o777)
    os.utime(path, (member.mtime, member.mtime))


def _uid(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return -1


def _gid(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def check_records(path: Path) -> None:
    """Raise Refused for records that are damaged, or that a newer programme has written."""
    try:
        with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as records:
            said = str(records.execute("PRAGMA integrity_check(1)").fetchone()[0])
            version = int(records.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as error:
        said, version = str(error), 0
    if said != "ok":
        what = in_words(said)
        raise Refused(
            f"la base di dati nella copia è danneggiata ({what.it}): usarne un'altra",
            f"the records in the backup are damaged ({what.en}): use another one",
        )
    known = migrations()[-1][0]
    if version > known:
        raise Refused(
            f"la copia viene da un programma più nuovo (base di dati {version}, qui {known}): "
            "aggiornare prima questo",
            f"the backup comes from a newer programme (records {version}, here {known}): "
            "update this one first",
        )


def _settings(path: Path) -> Settings:
    try:
        return configuration.load(path)
    except ConfigurationError as error:
        raise Refused(
            f"la configurazione nella copia non vale per questo programma: {error}",
            f"the configuration in the backup does not hold for this programme: {error}",
        ) from error


def _move(path: Path, to: Path) -> None:
    """Move a file or folder, to another disk too, where a copy would be root's own."""
    owners = {one.relative_to(path): one.stat() for one in (path, *path.rglob("*"))}
    shutil.move(path, to)
    if os.geteuid() == 0:
        for inner, owner in owners.items():
            os.chown(to / inner, owner.st_uid, owner.st_gid)


def _give_to_whose_folder_it_is(path: Path) -> None:
    """Let the console have its own again, also out of a backup of when it had no account."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        for each in (path, *path.rglob("*")):
            os.chown(each, owner.st_uid, owner.st_gid, follow_symlinks=False)


def clear(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there; raises OSError."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Have a file, or a folder with all that is in it, on the disk; raises OSError."""
    for each in (path, *path.rglob("*")):
        if each.is_dir():
            fsync_directory(each)
        else:
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    fsync_directory(path.parent)
