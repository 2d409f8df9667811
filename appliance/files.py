"""Atomic file writer and link-free reader: a file is written whole or not at all.

A draft with a random name replaces the old file once its bytes are on the disk, and then the folder
is synced: a kill, a full disk or a power cut leaves the old file or the new one. Everything works
relative to the folder's descriptor and no link is followed, so that an account that may write in a
folder cannot redirect what root writes there. What root makes in another account's folder belongs
to that account from the beginning.
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

# The owner alone: the file may hold callers' numbers, passwords and keys.
PRIVATE: Final = 0o600
# The console too: its account is in the service's group, and in no other.
SHARED: Final = 0o640
# Every account: results of root's helpers, whose units have UMask=0077.
READABLE: Final = 0o644
DRAFT: Final = ".tmp"
# Age in seconds at which a draft has no writer any more: its power was cut.
LEFT_S: Final = 3600.0
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_EXCL and O_NOFOLLOW: neither a file nor a link that was planted under the name is written to.
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe in the file's place must not wait for a writer.
_PLAIN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Owner = tuple[int, int]
"""User id and group id."""


def atomic_write(
    path: Path,
    data: str | bytes,
    *,
    mode: int = PRIVATE,
    owner: Owner | None = None,
    is_durable: bool = True,
) -> None:
    """Write a file whole or not at all, replacing an existing one; raises OSError.

    It belongs to `owner`; by default to the folder's owner where root writes, else to the writer.
    Without `is_durable` nothing is synced to the disk: for folders in memory.
    """
    with replacing(path, mode=mode, owner=owner, is_durable=is_durable) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextlib.contextmanager
def replacing(
    path: Path, *, mode: int = PRIVATE, owner: Owner | None = None, is_durable: bool = True
) -> Iterator[IO[bytes]]:
    """Yield a file to write into, which replaces `path` at the end, as in `atomic_write`."""
    with _naming(path), _opened(path.parent) as folder:
        with _draft(folder, path.name) as (draft, file):
            yield file
            # Synced before the rename: else a power cut could leave the new name without its bytes.
            _finish(file, folder, mode, owner, is_durable=is_durable)
            os.replace(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        # The rename itself is on the disk only once the folder is.
        if is_durable:
            os.fsync(folder)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in an error that names its draft, or a full disk without a name."""
    try:
        yield
    except OSError as error:
        is_full = error.errno in _FULL and error.filename is None
        if is_full or str(error.filename).endswith(DRAFT):
            error.filename = str(path)
        raise


def create_once(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write a new file whole or not at all; raises FileExistsError where it exists."""
    with _naming(path), _opened(path.parent) as folder:
        with _draft(folder, path.name) as (draft, file):
            file.write(data)
            _finish(file, folder, mode, None, is_durable=True)
            _name_once(folder, draft, path.name)
        os.fsync(folder)


def _name_once(folder: int, draft: str, name: str) -> None:
    """Give a draft its final name; raises FileExistsError where that exists."""
    try:
        # A link, not a rename: it never replaces another file.
        os.link(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except PermissionError:
        # A FAT stick has no links.
        if name in os.listdir(folder):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from None
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(draft, dir_fd=folder)


def make_private(folder: Path) -> None:
    """Make a folder and its missing parents, for its owner alone; raises OSError."""
    _make(folder, 0o700)


def make_shared(folder: Path) -> None:
    """Make a folder that the console may enter, and its missing parents; raises OSError.

    An existing folder that was made for its owner alone is opened to the group.
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
    # Two processes may make it at once: either is content with the other's.
    with _opened(folder.parent) as above, contextlib.suppress(FileExistsError):
        # Private until it has its owner; `mode` is set by fchmod, which no umask narrows.
        os.mkdir(folder.name, 0o700, dir_fd=above)
        made = os.open(folder.name, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
        try:
            os.fchmod(made, mode)
            _give(made, above, None)
        finally:
            os.close(made)


@contextlib.contextmanager
def acting_for(folder: Path) -> Iterator[None]:
    """Run the body as the folder's owner when this process is root: for SQLite.

    SQLite opens its files by path, so the descriptors of this module do not protect it.
    """
    found = folder.stat()
    if os.geteuid() != 0 or found.st_uid == 0:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    # The user last: after it the process may not change its groups any more.
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
    """Move a file into a folder beside it, durably, and leave a symbolic link; raises OSError."""
    with _opened(path.parent) as here, _opened(folder) as there:
        os.replace(path.name, path.name, src_dir_fd=here, dst_dir_fd=there)
        # The file's new place first: the link must not be on the disk before it.
        os.fsync(there)
        os.symlink(f"{folder.name}/{path.name}", path.name, dir_fd=here)
        os.fsync(here)


def fsync_directory(folder: Path) -> None:
    """Sync a folder's entries to the disk; raises OSError."""
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_text(path: Path) -> str:
    """Return the text of a small file, "" where it is absent or cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def open_plain(path: Path) -> IO[bytes]:
    """Open a regular file for reading in a folder where other accounts may write.

    Raises FileNotFoundError where it is absent, a link, a pipe or a device, which are neither
    followed nor waited for; raises OSError otherwise.
    """
    try:
        with _opened(path.parent) as folder:
            descriptor = os.open(path.name, _PLAIN, dir_fd=folder)
    except OSError as error:
        # open(2): ELOOP for a link under O_NOFOLLOW, ENXIO for a socket or a device without driver.
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
    """Open a folder; as root follow no link that another account may have planted."""
    descriptor = os.open(folder, _FOLDER) if os.geteuid() else _walked(folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _walked(folder: Path) -> int:
    """Open a folder name by name; follow links only in folders that root alone can write."""
    here = os.open("/", _FOLDER)
    try:
        for name in folder.absolute().parts[1:]:
            inner = os.open(name, _FOLDER | (0 if _is_roots(here) else os.O_NOFOLLOW), dir_fd=here)
            os.close(here)
            here = inner
    except OSError as error:
        os.close(here)
        # Else the error would name the last part of the path alone.
        error.filename = str(folder)
        raise
    return here


def _is_roots(folder: int) -> bool:
    found = os.fstat(folder)
    return found.st_uid == 0 and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@contextlib.contextmanager
def _draft(folder: int, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Make a draft with an unpredictable name; remove it when the body fails."""
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
    """Give a file or folder to `owner`; by default what root made to the folder's owner."""
    above = os.fstat(folder)
    if owner is None and os.fstat(made).st_uid == 0 != above.st_uid:
        owner = (above.st_uid, above.st_gid)
    if owner is not None:
        os.fchown(made, *owner)


def _sweep(folder: int, name: str) -> None:
    """Remove drafts of a file that power cuts have left."""
    for left in os.listdir(folder):
        if left.startswith(f".{name}.") and left.endswith(DRAFT):
            # Gone meanwhile: its writer has renamed or removed it.
            with contextlib.suppress(OSError):
                age = time.time() - os.stat(left, dir_fd=folder, follow_symlinks=False).st_mtime
                if age > LEFT_S:
                    os.unlink(left, dir_fd=folder)


def write_private_json(path: Path, value: Any) -> None:
    """Write a private JSON file whole or not at all; make its folder where it is missing."""
    make_private(path.parent)
    atomic_write(path, json.dumps(value, indent=1, sort_keys=True))
