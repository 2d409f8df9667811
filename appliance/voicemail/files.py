"""Files that are whole or not there: the system calls of the durability protocol, in its order.

Layout below the mailbox's directory (reliability.md 4): `rec/` what is being recorded, `new/` whole
messages, `corrupt/` what could not be understood (never deleted), `ballast` space to give back.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.files import PRIVATE, fsync_directory, make_private, make_shared

if TYPE_CHECKING:
    from pathlib import Path

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the mailbox keeps what; `make` creates them, durably."""

    root: Path

    @property
    def rec(self) -> Path:
        """Recordings going on: `ID.part` (sound) and `ID.meta` (whose it is)."""
        return self.root / "rec"

    @property
    def new(self) -> Path:
        """Whole messages: `ID.wav` and `ID.meta`."""
        return self.root / "new"

    @property
    def corrupt(self) -> Path:
        """What recovery could not understand."""
        return self.root / "corrupt"

    @property
    def ballast(self) -> Path:
        """Allocated space that is given back when the disk is full."""
        return self.root / "ballast"

    def part(self, ident: str) -> Path:
        """Name the sound of a recording."""
        return self.rec / f"{ident}.part"

    def begun(self, ident: str) -> Path:
        """Name the sidecar of a recording."""
        return self.rec / f"{ident}.meta"

    def wav(self, ident: str) -> Path:
        """Name the sound of a whole message."""
        return self.new / f"{ident}.wav"

    def meta(self, ident: str) -> Path:
        """Name the sidecar of a whole message."""
        return self.new / f"{ident}.meta"

    def make(self) -> None:
        """Create the folders; raises OSError."""
        for folder, make in (
            (self.root, make_shared),
            (self.rec, make_private),
            (self.new, make_shared),
            (self.corrupt, make_private),
        ):
            make(folder)
        fsync_directory(self.root)


def create(path: Path) -> int:
    """Open a new file for writing and reading, never an old one; raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`; may be done again after an error; raises OSError."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset += written
        view = view[written:]


def write_durably(path: Path, data: bytes) -> None:
    """Put `data` on disk in a file; its *name* needs `fsync_directory`; raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # what an interrupted attempt left
    descriptor = create(path)
    try:
        write_at(descriptor, data, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rewrite(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file's contents, all or nothing; raises OSError.

    After a failed fsync the kernel holds pages for clean that never reached the disk: only a fresh
    copy can be trusted (reliability.md 4, "Errors").
    """
    copy = path.with_suffix(".copy")
    write_durably(copy, data)
    copy.rename(path)


def file_sha256(descriptor: int) -> str:
    """Return the SHA-256 of a whole open file, in hexadecimal; raises OSError."""
    size = os.fstat(descriptor).st_size
    return hashlib.sha256(os.pread(descriptor, size, 0)).hexdigest()


def free_bytes(folder: Path) -> int:
    """Return what an ordinary user may still write; raises OSError."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def total_bytes(folder: Path) -> int:
    """Return how large the disk is; raises OSError."""
    state = os.statvfs(folder)
    return state.f_blocks * state.f_frsize


def set_ballast(path: Path, n_bytes: int) -> None:
    """Allocate the ballast, unless it is there; raises OSError."""
    if n_bytes == 0 or (path.exists() and path.stat().st_size == n_bytes):
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, n_bytes)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def release_ballast(path: Path) -> bool:
    """Give the ballast's space back; tell whether there was any; raises OSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    fsync_directory(path.parent)  # ext4 hands freed blocks out again once the unlink is committed
    return True
