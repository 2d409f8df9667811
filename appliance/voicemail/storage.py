"""The mailbox's directory: file layout, free space, sound files and sidecars.

Each write follows the durability protocol: write, fsync, rename, fsync of the directory
(reliability.md 4).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from appliance.errors import OfficeError, StoreError
from appliance.files import PRIVATE, fsync_directory, make_private, make_shared
from appliance.store import call_log, requests, voicemail
from appliance.store.database import Trouble
from appliance.text import _

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.store.voicemail import Message


# ---- files -------------------------------------------------------------------------------------
# The system calls of the durability protocol, in its order: a file is whole, or not there.

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class MailboxFolders:
    """Folders of the mailbox (reliability.md 4); `make` creates them durably."""

    root: Path

    @property
    def rec(self) -> Path:
        """Recordings in progress: `ID.part` (sound) and `ID.meta` (sidecar)."""
        return self.root / "rec"

    @property
    def new(self) -> Path:
        """Whole messages: `ID.wav` and `ID.meta`."""
        return self.root / "new"

    @property
    def corrupt(self) -> Path:
        """Files that recovery could not read; never deleted."""
        return self.root / "corrupt"

    @property
    def ballast(self) -> Path:
        """A file of allocated space, deleted when the disk is full."""
        return self.root / "ballast"

    def part(self, ident: str) -> Path:
        """Return the path of a recording's sound."""
        return self.rec / f"{ident}.part"

    def begun(self, ident: str) -> Path:
        """Return the path of a recording's sidecar."""
        return self.rec / f"{ident}.meta"

    def wav(self, ident: str) -> Path:
        """Return the path of a whole message's sound."""
        return self.new / f"{ident}.wav"

    def meta(self, ident: str) -> Path:
        """Return the path of a whole message's sidecar."""
        return self.new / f"{ident}.meta"

    def make(self) -> None:
        """Create the folders; raises OSError."""
        # The console plays messages: it may enter `new`, but neither `rec` nor `corrupt`.
        for folder, make in (
            (self.root, make_shared),
            (self.rec, make_private),
            (self.new, make_shared),
            (self.corrupt, make_private),
        ):
            make(folder)
        fsync_directory(self.root)


def create_file(path: Path) -> int:
    """Create a file for reading and writing; raises OSError, also for one that exists."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`; raises OSError, and may then be repeated."""
    view = memoryview(data)
    # pwrite(2) may write less than it was given.
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset += written
        view = view[written:]


def write_durably(path: Path, data: bytes) -> None:
    """Write a file and fsync it; its *name* still needs `fsync_directory`; raises OSError."""
    # An interrupted attempt may have left one.
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    descriptor = create_file(path)
    try:
        write_at(descriptor, data, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rewrite(path: Path, data: bytes) -> None:
    """Replace the contents of a file by `data`, all or nothing; raises OSError."""
    # A new file, not the old one once more: after a failed fsync the kernel takes pages for clean
    # that never reached the disk (reliability.md 4, "Errors").
    copy = path.with_suffix(".copy")
    write_durably(copy, data)
    copy.rename(path)


def file_sha256(descriptor: int) -> str:
    """Return the SHA-256 of a whole open file, in hexadecimal; raises OSError."""
    size = os.fstat(descriptor).st_size
    return hashlib.sha256(os.pread(descriptor, size, 0)).hexdigest()


def free_bytes(folder: Path) -> int:
    """Return the free bytes of a disk for an unprivileged user; raises OSError."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def total_bytes(folder: Path) -> int:
    """Return the size of a disk in bytes; raises OSError."""
    state = os.statvfs(folder)
    return state.f_blocks * state.f_frsize


def set_ballast(path: Path, n_bytes: int) -> None:
    """Allocate the ballast, unless it is there; raises OSError."""
    # A full ext4 takes neither files nor SQL, not even DELETE (reliability.md 2, R4): an unlink
    # makes room, so there is a file to unlink.
    if n_bytes == 0 or (path.exists() and path.stat().st_size == n_bytes):
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, n_bytes)
        # Its blocks are brought to the card: after a power cut there is something to give back.
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def release_ballast(path: Path) -> bool:
    """Delete the ballast; tell whether there was one; raises OSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    # ext4 hands freed blocks out again only once the unlink is committed.
    fsync_directory(path.parent)
    return True


# ---- sidecar -----------------------------------------------------------------------------------
# The `.meta` file beside every sound: the database can be rebuilt from sidecars alone. During the
# recording it holds the call; once the message is whole also the message, with length and SHA-256.

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Description of a sound file; `message` is None until the message is whole.

    `request`: the sound is no message, but the caller's words of a request for an office (P6).
    """

    id: str
    law: str
    record: CallRecord
    message: Message | None = None
    request: NewRequest | None = None


def encode_sidecar(sidecar: Sidecar) -> bytes:
    """Write a sidecar as JSON."""
    message = voicemail.message_to_row(sidecar.message) if sidecar.message else None
    value = {
        "version": VERSION,
        "id": sidecar.id,
        "law": sidecar.law,
        "call": call_log.call_to_row(sidecar.record),
        "message": message,
        "request": requests.new_request_to_json(sidecar.request) if sidecar.request else None,
    }
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def decode_sidecar(contents: bytes) -> Sidecar:
    """Read a sidecar; raises StoreError for one that is torn or no sidecar."""
    # A torn sidecar is refused as a whole, never half understood.
    try:
        value = json.loads(contents)
        message = voicemail.message_from_row(value["message"]) if value["message"] else None
        record = call_log.call_from_row(value["call"])
        taken = value.get("request")
        request = requests.new_request_from_json(taken) if taken else None
        return Sidecar(str(value["id"]), str(value["law"]), record, message, request)
    except (ValueError, KeyError, TypeError, IndexError, OfficeError) as error:
        raise StoreError(
            f"a message's description cannot be read ({error}): its sound is in corrupt/"
        ) from error


# ---- sound -------------------------------------------------------------------------------------
# Length of sound and silence by companding law: all that the mailbox knows of sound.

Header = Callable[[str, int], bytes]
"""`header(law, n_bytes)`: the WAV header of that much sound; its length depends on the law alone.
Call control passes `dsp.wav.header`."""

# 8 kHz mono (G.711); v253.md 2.2 lists the formats that a modem's +VSM offers.
_BYTES_PER_MS: Final = {"ulaw": 8, "alaw": 8, "linear8": 8, "linear16": 16}
_SILENCE: Final = {"ulaw": b"\xff", "alaw": b"\xd5", "linear8": b"\x80", "linear16": b"\0\0"}

_TAIL: Final = re.compile(rb"\0{16,}\Z")
_HOLE: Final = re.compile(rb"\0{64,}")


def bytes_per_ms(law: str) -> int:
    """Return the bytes of 1 ms of sound; raises StoreError for an unknown law."""
    try:
        return _BYTES_PER_MS[law]
    except KeyError:
        raise StoreError(
            f"sound of law {law!r} cannot be stored: use one of {', '.join(_BYTES_PER_MS)}"
        ) from None


def longest_head(header: Header) -> int:
    """Return the bytes of the longest header: a file no longer holds less than 2 ms of sound."""
    return max(len(header(law, 0)) for law in _BYTES_PER_MS)


def length_ms(law: str, n_bytes: int) -> int:
    """Return the length of `n_bytes` of sound in whole ms (rounded down)."""
    return n_bytes // bytes_per_ms(law)


def silence(law: str, ms: int) -> bytes:
    """Return `ms` of silence."""
    return _SILENCE[law] * (ms * bytes_per_ms(law) // len(_SILENCE[law]))


def mend_sound(law: str, sound: bytes) -> tuple[bytes, int]:
    """Remove the zeros that a power cut leaves in a growing file; returns sound and holes in ms."""
    # ext4 may have made the new length durable before the last block's bytes: up to 4095 zeros
    # were seen at the end in 54 of 300 crash states. A zero byte is full scale in G.711, and half a
    # second of it no voice: at the end it is cut off, inside it becomes silence.
    whole = _TAIL.sub(b"", sound)
    # A 16-bit sample may be torn between its two bytes.
    whole = whole[: len(whole) - len(whole) % len(_SILENCE[law])]
    # In linear 16-bit sound zeros are silence.
    if law == "linear16":
        return whole, 0
    holes = sum(len(hole) for hole in _HOLE.findall(whole))
    return _HOLE.sub(lambda hole: _SILENCE[law] * len(hole[0]), whole), length_ms(law, holes)


# ---- space -------------------------------------------------------------------------------------
# Limits of free space and the ballast (reliability.md 4, "Disk full"). No message that is open is
# ever removed to make room.

MB: Final = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MailboxLimits:
    """The mailbox's limits: bytes of free space, ms of sound, seconds between tries.

    Below `high_water_bytes` an alarm is raised; below `low_water_bytes` no message is begun. On a
    small disk both are less: a third and a sixth of it (`water_marks`). An interrupted recording
    shorter than `minimum_ms` is not kept; `backlog_ms` of sound are kept in memory for one
    recording while the disk stalls.
    """

    ballast_bytes: int = 8 * MB
    low_water_bytes: int = 64 * MB
    high_water_bytes: int = 256 * MB
    # Of anything shorter the call's row alone is kept (reliability.md 4, "Voicemail").
    minimum_ms: int = 2_000
    # A card that stalls for 20 s loses nothing (F8).
    backlog_ms: int = 60_000
    # What a power cut may cost of a message that is being spoken (F4).
    sync_s: float = 2.0
    retry_s: float = 30.0


NO_ROOM: Final = Trouble(
    "voicemail.full",
    _(
        "Voicemail is out of space: messages are not recorded; close the messages "
        "already dealt with or replace the memory card."
    ),
)
LITTLE_ROOM: Final = Trouble(
    "voicemail.low",
    _("Space for voicemail is running out: free some on the memory card."),
)
FAILING: Final = Trouble(
    "voicemail.failing",
    _("A message was not surely stored: check the memory card and the list of messages."),
)
SET_ASIDE: Final = Trouble(
    "voicemail.set_aside",
    _("Some voicemail files were damaged: they are kept in corrupt/."),
)
ENDED: Final = Trouble(
    "voicemail.ended",
    _(
        "Voicemail stopped because of a fault in the programme: the service must "
        "restart when the lines are idle."
    ),
    restart=True,
)


def no_space(error: BaseException | None) -> bool:
    """Tell whether an error, or its cause, is a full disk."""
    while error is not None:
        # SQLite's error has no errno: it says so in words only.
        if getattr(error, "errno", None) in NO_SPACE or "disk is full" in str(error):
            return True
        error = error.__cause__
    return False


def water_marks(limits: MailboxLimits, total_bytes: int) -> tuple[int, int]:
    """Return the low and high water mark of a disk in bytes: the limits, less on a small disk."""
    # Else a card of 256 MB would alarm for ever, and one of 64 MB take no message at all.
    low = min(limits.low_water_bytes, total_bytes // 6)
    return low, min(limits.high_water_bytes, max(low, total_bytes // 3))


def spare_bytes(folder: Path) -> int:
    """Return the free bytes above the high water mark, for anything but messages; raises OSError.

    Negative when messages themselves are short of room.
    """
    usage = shutil.disk_usage(folder)
    return usage.free - water_marks(MailboxLimits(), usage.total)[1]


class Space:
    """The disk's room for messages; used by the writer thread alone."""

    def __init__(self, folders: MailboxFolders, limits: MailboxLimits) -> None:
        self._folders = folders
        self._limits = limits

    def check(self) -> Trouble | None:
        """Return the trouble with space or None; above high water restore the ballast.

        Raises OSError.
        """
        free, (low, high) = free_bytes(self._folders.root), self._marks()
        if free < low:
            return NO_ROOM
        if free < high:
            return LITTLE_ROOM
        set_ballast(self._folders.ballast, self._limits.ballast_bytes)
        return None

    def require(self) -> None:
        """Raise StoreError when no new message may be begun."""
        # The ballast stays: it is for finishing what was begun.
        low, _ = self._marks()
        if free_bytes(self._folders.root) < low:
            raise StoreError(
                "too little space is left to record messages: free some on the memory card"
            )

    def _marks(self) -> tuple[int, int]:
        return water_marks(self._limits, total_bytes(self._folders.root))

    def spending(self, action: Callable[[], T]) -> T:
        """Run an action; on a full disk once more without the ballast; raises what it raises."""
        try:
            return action()
        # A StoreError is an OSError, too.
        except OSError as error:
            if not (no_space(error) and release_ballast(self._folders.ballast)):
                raise
        return action()


def forget_sounds(folders: MailboxFolders, paths: tuple[str, ...]) -> None:
    """Delete messages' sounds and descriptions, durably; raises OSError."""
    for path in paths:
        sound = folders.root / path
        for file in (sound, sound.with_suffix(".meta")):
            with contextlib.suppress(FileNotFoundError):
                file.unlink()
    if paths and folders.new.is_dir():
        fsync_directory(folders.new)
