"""The mailbox's directory: file layout, free space, sound files and sidecars.

Each write follows the durability protocol: write, fsync, rename, fsync of the directory.
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

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.store.voicemail import Message


# ---- files -------------------------------------------------------------------------------------
# Files that are whole or not there: the system calls of the durability protocol, in its order.
#
# Layout below the mailbox's directory (reliability.md 4): `rec/` what is being recorded, `new/`
# whole messages, `corrupt/` what could not be understood (never deleted), `ballast` space to give
# back.

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class MailboxFolders:
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


def create_file(path: Path) -> int:
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
    descriptor = create_file(path)
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


# ---- sidecar -----------------------------------------------------------------------------------
# The `.meta` beside every sound file: all that is needed to rebuild the records from the files.
#
# While a caller speaks it says whose recording this is; once the message is whole it also holds the
# message with the sound's length and SHA-256.

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Whose sound a file is; `message` is None until it is whole.

    `request`: the words are no message but those of a request that the desk took (P6).
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
    """Read a sidecar; raises StoreError when it is torn or not one of ours."""
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
# The little the mailbox must know of sound: how long bytes last, and what silence looks like.

Header = Callable[[str, int], bytes]
"""`header(law, n_bytes)`: the WAV header before that much sound; its length depends on the law
alone. The daemon hands in `media.wav.header`."""

_BYTES_PER_MS: Final = {"ulaw": 8, "alaw": 8, "linear8": 8, "linear16": 16}
"""8 kHz mono (G.711; v253.md 2.2 lists what a modem's +VSM offers)."""
_SILENCE: Final = {"ulaw": b"\xff", "alaw": b"\xd5", "linear8": b"\x80", "linear16": b"\0\0"}

_TAIL: Final = re.compile(rb"\0{16,}\Z")
_HOLE: Final = re.compile(rb"\0{64,}")


def bytes_per_ms(law: str) -> int:
    """Return the bytes in 1 ms; raises StoreError for a law that is not one of the four."""
    try:
        return _BYTES_PER_MS[law]
    except KeyError:
        raise StoreError(
            f"sound of law {law!r} cannot be stored: use one of {', '.join(_BYTES_PER_MS)}"
        ) from None


def longest_head(header: Header) -> int:
    """Return the bytes of the longest header: in a file no longer there is not 2 ms of sound."""
    return max(len(header(law, 0)) for law in _BYTES_PER_MS)


def length_ms(law: str, n_bytes: int) -> int:
    """Return how long `n_bytes` of sound last, in whole ms (rounded down)."""
    return n_bytes // bytes_per_ms(law)


def silence(law: str, ms: int) -> bytes:
    """Return `ms` of silence."""
    return _SILENCE[law] * (ms * bytes_per_ms(law) // len(_SILENCE[law]))


def mend_sound(law: str, sound: bytes) -> tuple[bytes, int]:
    """Take out what a power cut puts into a growing file; returns the sound and its holes in ms.

    ext4 may have made the new length durable and not yet the last block's bytes: up to 4095 zeros
    were seen at the end in 54 of 300 crash states. A zero byte is full scale in G.711, half a
    second of it is no voice: at the end it is cut off, inside it becomes silence.
    """
    whole = _TAIL.sub(b"", sound)
    whole = whole[: len(whole) - len(whole) % len(_SILENCE[law])]
    if law == "linear16":  # there zeros are silence
        return whole, 0
    holes = sum(len(hole) for hole in _HOLE.findall(whole))
    return _HOLE.sub(lambda hole: _SILENCE[law] * len(hole[0]), whole), length_ms(law, holes)


# ---- space -------------------------------------------------------------------------------------
# How full the disk may get: limits, the ballast, and what is said about it.
#
# A full ext4 takes neither files nor SQL, not even DELETE (reliability.md 2, R4): so space is kept
# in a file that can be given back. Messages nobody has closed are never removed to make room.

MB: Final = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MailboxLimits:
    """The mailbox's limits: bytes of free space, ms of sound, seconds of patience.

    Below `high_water_bytes` the technician is told; below `low_water_bytes` no message is begun.
    On a small disk both are less: a third and a sixth of it (`marks`). `minimum_ms` is what an
    interrupted recording must hold to be kept, `backlog_ms` the sound kept in memory for one
    recording while the disk stalls.
    """

    ballast_bytes: int = 8 * MB
    low_water_bytes: int = 64 * MB
    high_water_bytes: int = 256 * MB
    minimum_ms: int = 2_000
    backlog_ms: int = 60_000
    sync_s: float = 2.0
    retry_s: float = 30.0


NO_ROOM: Final = Trouble(
    "voicemail.full",
    "La segreteria non ha più spazio: i messaggi non vengono registrati; chiudere i messaggi già "
    "trattati o sostituire la scheda di memoria.",
    "Voicemail is out of space: messages are not recorded; close the messages already dealt with "
    "or replace the memory card.",
)
LITTLE_ROOM: Final = Trouble(
    "voicemail.low",
    "Lo spazio per la segreteria sta finendo: liberare la scheda di memoria.",
    "Space for voicemail is running out: free some on the memory card.",
)
FAILING: Final = Trouble(
    "voicemail.failing",
    "Un messaggio non è stato registrato con certezza: controllare la scheda di memoria e l'elenco "
    "dei messaggi.",
    "A message was not surely stored: check the memory card and the list of messages.",
)
SET_ASIDE: Final = Trouble(
    "voicemail.set_aside",
    "Dei file della segreteria erano danneggiati: sono conservati in corrupt/.",
    "Some voicemail files were damaged: they are kept in corrupt/.",
)
ENDED: Final = Trouble(
    "voicemail.ended",
    "La segreteria si è fermata per un errore del programma: il servizio va riavviato "
    "a linee libere.",
    "Voicemail stopped because of a fault in the programme: the service must restart when the "
    "lines are idle.",
    restart=True,
)


def no_space(error: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, is a full disk (SQLite's says so in words only)."""
    while error is not None:
        if getattr(error, "errno", None) in NO_SPACE or "disk is full" in str(error):
            return True
        error = error.__cause__
    return False


def water_marks(limits: MailboxLimits, total_bytes: int) -> tuple[int, int]:
    """Return low and high water of a disk in bytes: the limits, or less where it is small."""
    low = min(limits.low_water_bytes, total_bytes // 6)
    return low, min(limits.high_water_bytes, max(low, total_bytes // 3))


def spare_bytes(folder: Path) -> int:
    """Return what anything but messages may take of a disk, which is less than nothing where they
    want for room themselves: what is free above the high water; raises OSError.
    """
    usage = shutil.disk_usage(folder)
    return usage.free - water_marks(MailboxLimits(), usage.total)[1]


class Space:
    """The disk's room for messages; used by the writer thread alone."""

    def __init__(self, folders: MailboxFolders, limits: MailboxLimits) -> None:
        self._folders = folders
        self._limits = limits

    def check(self) -> Trouble | None:
        """Return the trouble with space or None; restore the ballast if plenty; raises OSError."""
        free, (low, high) = free_bytes(self._folders.root), self._marks()
        if free < low:
            return NO_ROOM
        if free < high:
            return LITTLE_ROOM
        set_ballast(self._folders.ballast, self._limits.ballast_bytes)
        return None

    def require(self) -> None:
        """Raise StoreError when no new message may be begun; the ballast is not for that."""
        low, _ = self._marks()
        if free_bytes(self._folders.root) < low:
            raise StoreError(
                "too little space is left to record messages: free some on the memory card"
            )

    def _marks(self) -> tuple[int, int]:
        return water_marks(self._limits, total_bytes(self._folders.root))

    def spending(self, action: Callable[[], T]) -> T:
        """Do what takes space, once more after giving the ballast back; raises what it raises."""
        try:
            return action()
        except OSError as error:  # StoreError is one
            if not (no_space(error) and release_ballast(self._folders.ballast)):
                raise
        return action()
