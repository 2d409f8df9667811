"""Restoring a backup by atomic renames; resumable after a crash."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import re
import shutil
import socket
import sqlite3
import tarfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Final, cast

from appliance.config import read as configuration
from appliance.config.schema import Settings
from appliance.errors import ConfigurationError
from appliance.files import atomic_write, fsync_directory
from appliance.policy.text import Refused, error_text_words
from appliance.service import card_values
from appliance.service.backup import (
    APART,
    BEFORE,
    CONFIG,
    CONSOLE_TLS,
    MANIFEST,
    PLACING,
    STAGED,
    STATE,
    BackupPiece,
    backup_contents,
    backup_pieces,
)
from appliance.service.nightly import NIGHTLY
from appliance.store.backup import SealedReader
from appliance.store.database import database_path, migrations
from appliance.text import NOTHING, Words, _
from appliance.voicemail.storage import MailboxFolders

if TYPE_CHECKING:
    from collections.abc import Iterator


# The plan is one small file beside the state folder. Until it exists the appliance is unchanged;
# from then on every step may be repeated, call control does not start, and `centralino box restore
# --finish` goes on to the end. Replaced files are kept beside, under a name with the time. A folder
# that is a mount point (an SSD, for instance) cannot be renamed: its entries are moved within it.


def at_no_point(_: str) -> None:
    """Do nothing after a step; tests stop a restore there."""


MOUNTS: Final = Path("/proc/self/mountinfo")
# Folder in the root of every ext4 file system.
OF_THE_DISK: Final = "lost+found"


def is_mount(path: Path) -> bool:
    """Return whether a path is a mount point: another disk, or a bind mount."""
    # Not os.path.ismount: it does not see a folder bound from the same disk.
    lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    points = (line.split(" ")[4] for line in lines)
    unescaped = {re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), point) for point in points}
    return os.path.realpath(path) in unescaped


def staged(path: Path) -> Path:
    """Return where a piece waits: beside its place, or within it if that is a mount point."""
    return path / STAGED if is_mount(path) else path.with_name(f".{path.name}.restore")


def aside(path: Path, stamp: str, *, inside: bool = False) -> Path:
    """Return where replaced files are kept, by the restore's time `stamp`."""
    return path / f"{BEFORE}{stamp}" if inside else path.with_name(f"{path.name}.before-{stamp}")


def workplace(state: Path) -> Path:
    """Return the folder for unpacking: on the same disk, so that pieces can be renamed."""
    return state if is_mount(state) else state.parent


def check_places(found: Iterable[BackupPiece]) -> None:
    """Raise Refused for a file that is a mount point: it cannot be replaced."""
    for piece in found:
        if not piece.is_folder and is_mount(piece.path):
            raise Refused(
                _(
                    "{path} is a mount point and cannot be replaced: unmount it, restore, "
                    "mount it again",
                    path=piece.path,
                ),
            )


def plan_path(state: Path) -> Path:
    """Return the plan's path: beside the state folder, which is itself replaced."""
    return state.with_name(f".{state.name}.restore-plan")


def write_plan(found: Iterable[BackupPiece], stamp: str) -> Path:
    """Write the plan, durably: from now on a restore only goes forward. Raises OSError."""
    # Reversed: the configuration, the last piece, is placed first, because it names the state
    # folder beside which the plan lies.
    moved = tuple(found)
    path = plan_path(moved[0].path)
    places = [
        {
            "path": str(piece.path),
            "folder": piece.is_folder,
            "inside": piece.is_folder and is_mount(piece.path),
        }
        for piece in reversed(moved)
    ]
    atomic_write(path, json.dumps({"stamp": stamp, "pieces": places}))
    return path


def finish(plan: Path, at_point: Callable[[str], None] = at_no_point) -> tuple[Path, ...]:
    """Do the plan's remaining steps; return the paths of replaced files. Raises OSError."""
    told: dict[str, Any] = json.loads(plan.read_text(encoding="utf-8"))
    kept: list[Path] = []
    for piece in told["pieces"]:
        path, inside = Path(piece["path"]), bool(piece.get("inside"))
        put = _put_inside if inside else _put_folder if piece["folder"] else _put_file
        kept.append(aside(path, told["stamp"], inside=inside))
        put(path, kept[-1], at_point)
        fsync_directory(path.parent)
        at_point(f"put {path.name}")
    # The plan goes last: after an interruption its steps are repeated, which is safe.
    plan.unlink()
    fsync_directory(plan.parent)
    return tuple(path for path in kept if path.exists())


def check_idle(run: Path) -> None:
    """Raise Refused while call control accepts connections at its control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        try:
            visitor.connect(str(run / "desk.sock"))
        except OSError:
            return
    raise Refused(
        _(
            "the switchboard is running: stop it first (systemctl stop "
            "centralino-console centralino)"
        ),
    )


def check_finished(state: Path) -> None:
    """Raise Refused if a restore was interrupted."""
    if plan_path(state).exists():
        raise Refused(
            _("a restore was interrupted: finish it with `centralino box restore --finish`"),
        )


def _put_folder(path: Path, kept: Path, at_point: Callable[[str], None]) -> None:
    new = path.with_name(f".{path.name}.restore")
    if not new.exists():
        # Done before an interruption.
        return
    if path.exists():
        path.rename(kept)
        at_point(f"set aside {path.name}")
    new.rename(path)


def _put_inside(path: Path, kept: Path, at_point: Callable[[str], None]) -> None:
    """Exchange the contents of a mount point; STAGED or PLACING marks the progress."""
    # Without its disk the folder below the mount point would be filled instead.
    if not is_mount(path):
        raise Refused(
            _(
                "the disk of {path} is not mounted: mount it, then "
                "`centralino box restore --finish`",
                path=path,
            ),
        )
    new, placing = path / STAGED, path / PLACING
    if new.exists():
        kept.mkdir(mode=0o700, exist_ok=True)
        for old in _own(path):
            old.rename(kept / old.name)
            at_point(f"set aside {old.name}")
        fsync_directory(kept)
        new.rename(placing)
        fsync_directory(path)
    if not placing.exists():
        # Done before an interruption.
        return
    for one in sorted(placing.iterdir()):
        one.rename(path / one.name)
        at_point(f"placed {one.name}")
    like = placing.stat()
    path.chmod(like.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(path, like.st_uid, like.st_gid)
    fsync_directory(path)
    placing.rmdir()


def _own(path: Path) -> list[Path]:
    """Return a mount point's entries, except those of a restore and the disk's own."""
    return sorted(
        one for one in path.iterdir() if not one.name.startswith(APART) and one.name != OF_THE_DISK
    )


def _put_file(path: Path, kept: Path, at_point: Callable[[str], None]) -> None:
    """Replace a file by its staged one."""
    # A link keeps the old one and the rename replaces it: the file is never missing meanwhile.
    new = path.with_name(f".{path.name}.restore")
    if not new.exists():
        return
    if path.exists() and not kept.exists():
        os.link(path, kept)
        at_point(f"set aside {path.name}")
    new.replace(path)


# A backup is unpacked next to its destination, checked there (passphrase, damage, digests, the
# database's integrity and version, the configuration), and flushed to the disk before the plan is
# written: until then the appliance is unchanged. `finish` does the rest.

BLOCK: Final = 1 << 20
NO_AUTHORITY: Final = _(
    "The console's certificate authority is not in this backup: whoever made it could not read it. "
    "A box without one makes a new one when it starts: install that on the computers, or put back "
    "a backup made on a stick or by hand."
)


@dataclass(frozen=True, slots=True)
class RestorableBackup:
    """A backup that can be restored: its manifest, its configuration, its pieces."""

    about: dict[str, Any]
    settings: Settings
    folder: Path
    pieces: tuple[BackupPiece, ...]

    @property
    def lacking(self) -> Words:
        """Sentence on the console's authority if whoever made the backup could not read it."""
        return NO_AUTHORITY if CONSOLE_TLS in self.about.get("closed", ()) else NOTHING


def unpack(file: Path, folder: Path, passphrase: str, config: Path) -> RestorableBackup:
    """Unpack a backup to a new folder and check everything; raises Refused, OSError."""
    with file.open("rb") as sealed:
        reader = SealedReader(sealed, passphrase)
        digests = _extract(reader, folder)
        reader.finish()
    about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if about["files"] != digests:
        raise Refused(
            _("the backup does not hold what it says it holds: use another one"),
        )
    check_records(folder / database_path(Path(STATE)))
    settings = _settings(folder / CONFIG)
    # Placed with the state folder, whole or not at all.
    card_values.keep_note(folder / STATE, about.get("card"))
    found = [one for one in backup_pieces(settings, config) if (folder / one.name).exists()]
    # Half an authority would take the place of a whole one.
    if CONSOLE_TLS in about.get("closed", ()):
        found = [one for one in found if one.name != CONSOLE_TLS]
    return RestorableBackup(about, settings, folder, tuple(found))


def stage_backup(
    checked: RestorableBackup, stamp: str, at_point: Callable[[str], None] = at_no_point
) -> Path:
    """Move every piece next to its place, durably, and write the plan; return its path.

    Raises OSError, Refused, before anything in force has changed.
    """
    check_places(checked.pieces)
    try:
        for piece in checked.pieces:
            piece.path.parent.mkdir(parents=True, exist_ok=True)
            clear_restore(staged(piece.path))
            _move(checked.folder / piece.name, staged(piece.path))
            if piece.name == CONSOLE_TLS:
                _give_to_whose_folder_it_is(staged(piece.path))
            to_disk(staged(piece.path))
            at_point(f"staged {piece.name}")
        return write_plan(checked.pieces, stamp)
    except OSError:
        for piece in checked.pieces:
            clear_restore(staged(piece.path))
        raise


def read_whole(file: Path, passphrase: str) -> None:
    """Check a backup by reading it to its end without unpacking; raises Refused."""
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
            _("the backup does not hold what it says it holds: use another one"),
        )


def _digest(source: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while data := source.read(BLOCK):
        digest.update(data)
    return digest.hexdigest()


def _extract(reader: SealedReader, folder: Path) -> dict[str, str]:
    """Unpack a backup to a folder; return the digest of every file except the manifest."""
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
            _("the backup does not hold its list: use another one"),
        )
    return digests


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    # A tar can name paths outside the folder.
    if path.is_absolute() or ".." in path.parts:
        raise Refused(
            _("the backup holds a name that cannot be: use another one"),
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
    """Set an unpacked file's owner (by name, as root only), permissions and time."""
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
    """Raise Refused for a database that is damaged or was written by a newer programme."""
    try:
        # Immutable: a database at rest, with no -wal beside it.
        with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as records:
            said = str(records.execute("PRAGMA integrity_check(1)").fetchone()[0])
            version = int(records.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as error:
        said, version = str(error), 0
    if said != "ok":
        what = error_text_words(said)
        raise Refused(
            _("the records in the backup are damaged ({what}): use another one", what=what),
        )
    known = migrations()[-1][0]
    if version > known:
        raise Refused(
            _(
                "the backup comes from a newer programme (records {version}, here "
                "{known}): update this one first",
                version=version,
                known=known,
            ),
        )


def _settings(path: Path) -> Settings:
    try:
        return configuration.load(path)
    except ConfigurationError as error:
        raise Refused(
            _(
                "the configuration in the backup does not hold for this programme: {error}",
                error=error,
            ),
        ) from error


def _move(path: Path, to: Path) -> None:
    """Move a file or folder, also to another disk, and keep its owners."""
    # Between disks shutil.move copies, and a copy would be root's.
    owners = {one.relative_to(path): one.stat() for one in (path, *path.rglob("*"))}
    shutil.move(path, to)
    if os.geteuid() == 0:
        for inner, owner in owners.items():
            os.chown(to / inner, owner.st_uid, owner.st_gid)


def _give_to_whose_folder_it_is(path: Path) -> None:
    """Give a piece to the owner of its folder."""
    # The console's files, also from a backup of the time when it had no account of its own.
    if os.geteuid() == 0:
        owner = path.parent.stat()
        for each in (path, *path.rglob("*")):
            os.chown(each, owner.st_uid, owner.st_gid, follow_symlinks=False)


def clear_restore(path: Path) -> None:
    """Delete a file, or a folder with its contents, if present; raises OSError."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Flush a file, or a folder with its contents, to the disk; raises OSError."""
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


# A night's copy. A new state folder is built beside the one in force: its files, the copy's
# database, and every sound of both. Messages that came since that night are adopted by their
# sidecar files at the next start.

SOUNDS: Final = "voicemail/new"


def copy_of(state: Path, day: str) -> Path:
    """Return the checked copy of the night of `day` (ISO date); raises Refused."""
    days = sorted(path.name for path in (state / NIGHTLY).glob("????-??-??"))
    if day not in days:
        raise Refused(
            _(
                "no copy of the night of {day}: there are those of {days}",
                day=day,
                days=", ".join(days),
            )
            if days
            else _("no copy of the night of {day}: there is none yet", day=day)
        )
    copy = state / NIGHTLY / day
    check_records(copy / database_path(state).name)
    return copy


def stage_night_copy(state: Path, copy: Path, stamp: str) -> Path:
    """Build the new state folder, durably, and write the plan; return its path.

    Raises OSError, before anything in force has changed.
    """
    piece, to = BackupPiece(STATE, state, is_folder=True), staged(state)
    clear_restore(to)
    try:
        for path, inner in _all_of_it(piece, copy):
            _bring(path, to, inner)
        _give_to_the_owner(to, state)
        to_disk(to)
        return write_plan((piece,), stamp)
    except OSError:
        clear_restore(to)
        raise


def _all_of_it(piece: BackupPiece, copy: Path) -> Iterator[tuple[Path, PurePosixPath]]:
    """Yield each path with its place in the new folder, a folder before its contents."""
    state = piece.path
    for name, path in backup_contents(piece):
        yield path, PurePosixPath(name).relative_to(STATE)
    copies, sounds = state / NIGHTLY, MailboxFolders(state / "voicemail").new
    for path in (copies.parent, copies, *sorted(copies.rglob("*")), sounds.parent, sounds):
        yield path, PurePosixPath(path.relative_to(state))
    yield copy / database_path(state).name, PurePosixPath(database_path(state).name)
    for path in sorted((copy / sounds.name).iterdir()):
        yield path, PurePosixPath(SOUNDS, path.name)


def _bring(path: Path, to: Path, inner: PurePosixPath) -> None:
    """Make a folder, or copy or link a file, in the new state folder."""
    # Sounds and nightly copies are never written again: they are linked, which takes no room.
    if path.is_dir():
        (to / inner).mkdir(mode=0o700, exist_ok=True)
    elif not any(inner.is_relative_to(final) for final in (SOUNDS, NIGHTLY)):
        shutil.copy2(path, to / inner, follow_symlinks=False)
    elif not (to / inner).exists():
        os.link(path, to / inner)


def _give_to_the_owner(folder: Path, state: Path) -> None:
    """Give the new state folder to the owner of the one in force."""
    owner = state.stat()
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
