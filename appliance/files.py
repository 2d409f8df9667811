"""Atomic file writer and link-free reader: a file is written whole or not at all.

A draft of a random name takes the old file's place once its bytes are on the disk, and the folder
is brought to the disk after that: a kill, a full disk or a power cut leaves the old file or the new
one. Everything is done in the folder's own descriptor and nothing is followed, so that whoever may
write in a folder cannot lead the administrator's hand elsewhere: what root makes in a folder of
somebody's is theirs from the beginning.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

PRIVATE: Final = 0o600
"""For the owner alone: it may hold callers' numbers, passwords and keys."""
SHARED: Final = 0o640
"""What the console may read too: its account is of the service's group, and of no more."""
READABLE: Final = 0o644
"""What everybody on the box may read: results of root's helpers, which have UMask=0077."""
DRAFT: Final = ".tmp"
LEFT_S: Final = 3600.0
"""Age (s) at which a draft has no writer any more: its power was cut."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Owner = tuple[int, int]
"""User and group, by their numbers."""


def atomic_write(
    path: Path,
    data: str | bytes,
    *,
    mode: int = PRIVATE,
    owner: Owner | None = None,
    is_durable: bool = True,
) -> None:
    """Write a file whole or not at all, in the place of one that is there; raises OSError.

    It belongs to `owner`; else to the folder's owner where root writes, to the writer elsewhere.
    Without `is_durable` nothing waits for the disk: for folders in memory.
    """
    with replacing(path, mode=mode, owner=owner, is_durable=is_durable) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextlib.contextmanager
def replacing(
    path: Path, *, mode: int = PRIVATE, owner: Owner | None = None, is_durable: bool = True
) -> Iterator[IO[bytes]]:
    """Give a file to write into, which takes the place of `path` at the end, as `atomic_write`."""
    with _opened(path.parent) as folder:
        with _draft(folder, path.name) as (draft, file):
            yield file
            _finish(file, folder, mode, owner, is_durable=is_durable)
            os.replace(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        if is_durable:
            os.fsync(folder)


def create_once(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write a new file whole or not at all; raises FileExistsError for one that is there."""
    with _opened(path.parent) as folder:
        with _draft(folder, path.name) as (draft, file):
            file.write(data)
            _finish(file, folder, mode, None, is_durable=True)
            _name_once(folder, draft, path.name)
        os.fsync(folder)


def _name_once(folder: int, draft: str, name: str) -> None:
    """Give a draft its name; unlike a rename, a link never takes another file's place."""
    try:
        os.link(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except PermissionError:  # a FAT stick has no links
        if name in os.listdir(folder):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from None
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(draft, dir_fd=folder)


def make_private(folder: Path) -> None:
    """Make a folder, and what is missing above it, for its owner alone; raises OSError."""
    _make(folder, 0o700)


def make_shared(folder: Path) -> None:
    """Make a folder, and what is missing above it, which the console may enter; raises OSError.

    One that is there, and was made for its owner alone, is opened to it.
    """
    _make(folder, 0o750)
    with _opened(folder) as made:
        if not os.fstat(made).st_mode & stat.S_IXGRP:
            os.fchmod(made, 0o750)


def _make(folder: Path, mode: int) -> None:
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        _make(folder.parent, mode)
    # two at once are both content
    with _opened(folder.parent) as above, contextlib.suppress(FileExistsError):
        os.mkdir(folder.name, 0o700, dir_fd=above)
        made = os.open(folder.name, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
        try:
            os.fchmod(made, mode)
            _give(made, above, None)
        finally:
            os.close(made)


@contextlib.contextmanager
def acting_for(folder: Path) -> Iterator[None]:
    """Act as a folder's owner meanwhile, where root does: for what works by paths (SQLite)."""
    found = folder.stat()
    if os.geteuid() != 0 or found.st_uid == 0:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(found.st_gid)
    os.seteuid(found.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def move_leaving_a_link(path: Path, folder: Path) -> None:
    """Move a file into a folder beside it, durably, and leave a link; raises OSError."""
    with _opened(path.parent) as here, _opened(folder) as there:
        os.replace(path.name, path.name, src_dir_fd=here, dst_dir_fd=there)
        os.fsync(there)
        os.symlink(f"{folder.name}/{path.name}", path.name, dir_fd=here)
        os.fsync(here)


def fsync_directory(folder: Path) -> None:
    """Bring a folder's names to the disk; raises OSError."""
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_text(path: Path) -> str:
    """Return what a small file holds, "" for nothing that can be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def open_plain(path: Path) -> IO[bytes]:
    """Open a plain file for reading, where somebody else may write.

    A link is not followed, a pipe or a device neither waited for nor touched: they are no file.
    Raises FileNotFoundError for them and for none, OSError.
    """
    try:
        with _opened(path.parent) as folder:
            descriptor = os.open(path.name, _PLAIN, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise _no_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_file(path)
    return os.fdopen(descriptor, "rb")


def _no_file(path: Path) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "no plain file", str(path))


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Open a folder; as root no link is followed that somebody else may have planted."""
    descriptor = os.open(folder, _FOLDER) if os.geteuid() else _walked(folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _walked(folder: Path) -> int:
    """Open a folder name by name: links count where root alone can have put them."""
    here = os.open("/", _FOLDER)
    try:
        for name in folder.absolute().parts[1:]:
            inner = os.open(name, _FOLDER | (0 if _is_roots(here) else os.O_NOFOLLOW), dir_fd=here)
            os.close(here)
            here = inner
    except OSError as error:
        os.close(here)
        error.filename = str(folder)
        raise
    return here


def _is_roots(folder: int) -> bool:
    found = os.fstat(folder)
    return found.st_uid == 0 and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@contextlib.contextmanager
def _draft(folder: int, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Make a draft with an unpredictable name; it is removed if it is not finished."""
    _sweep(folder, name)
    draft = f".{name}.{secrets.token_hex(8)}{DRAFT}"
    descriptor = os.open(draft, _NEW, PRIVATE, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield draft, file
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise


def _finish(
    file: IO[bytes], folder: int, mode: int, owner: Owner | None, *, is_durable: bool
) -> None:
    file.flush()
    _give(file.fileno(), folder, owner)
    os.fchmod(file.fileno(), mode)
    if is_durable:
        os.fsync(file.fileno())


def _give(made: int, folder: int, owner: Owner | None) -> None:
    """Give what root has made to `owner`, by default to the folder's owner."""
    above = os.fstat(folder)
    if owner is None and os.fstat(made).st_uid == 0 != above.st_uid:
        owner = (above.st_uid, above.st_gid)
    if owner is not None:
        os.fchown(made, *owner)


def _sweep(folder: int, name: str) -> None:
    """Remove a file's drafts that power cuts have left."""
    for left in os.listdir(folder):
        if left.startswith(f".{name}.") and left.endswith(DRAFT):
            with contextlib.suppress(OSError):  # its writer was as fast
                age = time.time() - os.stat(left, dir_fd=folder, follow_symlinks=False).st_mtime
                if age > LEFT_S:
                    os.unlink(left, dir_fd=folder)


def write_private_json(path: Path, value: Any) -> None:
    """Write a JSON file of the state folder whole or not at all."""
    make_private(path.parent)
    atomic_write(path, json.dumps(value, indent=1, sort_keys=True))
