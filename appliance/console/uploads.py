"""Uploads: backups, updates and settings that the pages' script sends, in pieces or whole.

A piece begins where the one before ended, so a broken connection costs the rest of one piece: the
script asks how much has come, and goes on from there (as tus.io and the IETF's draft "Resumable
Uploads for HTTP" do). A body without these headers is a whole file.

    request   Upload-File    name of the file that stays the same when it is chosen again
              Upload-Length  bytes of the whole file
              Upload-Offset  bytes that lie before this body; an empty body at 0 begins, or asks
    answer    202            with Upload-Offset, the bytes that have come: go on from there
              204            the file is whole
              409, 507       a sentence for the reader

Files are written to the console's own folder, the only one where it may write; call control or a
helper looks for them there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from appliance.console.accounts import user_of
from appliance.console.say import N_
from appliance.console.settings import ConsoleSettings
from appliance.files import PRIVATE, SHARED, fsync_directory, make_shared
from appliance.policy.text import Refused, os_error_words
from appliance.store.backup import MAGICS
from appliance.text import Words, sentence
from appliance.voicemail.storage import spare_bytes

# Path of an uploaded backup, below the console's folder; read by call control.
UPLOADED_BACKUP: Final = "restore/uploaded.backup"
# Path of an uploaded update, likewise; read by the helper.
UPLOADED_UPDATE: Final = "update/uploaded.raucb"
# Path of uploaded settings of the head office, likewise; read by call control.
UPLOADED_SETTINGS: Final = "central/uploaded.settings"

SILENCE_S: Final = 30.0
"""Seconds without a byte after which a connection counts as gone."""
# A computer that sleeps, or a link that is down for a while, does not lose its turn.
BUSY_S: Final = 120.0
"""Seconds for which a broken upload of one user keeps others from replacing it."""
KEPT_S: Final = 24 * 3600.0
"""Seconds for which a broken upload waits for its rest."""
SWEEP_S: Final = 3600.0
"""Seconds between two looks for broken uploads that nobody has gone on with."""
BUSY: Final = N_("Another file is being uploaded: wait for its end.")
FAILED: Final = N_("The file could not be kept: {why}")


@dataclass(frozen=True, slots=True)
class UploadKind:
    """Kind of an uploaded file: the first bytes that it may have, and the refusal of any other."""

    magics: tuple[bytes, ...]
    other: Words

    def may_begin_with(self, piece: bytes) -> bool:
        """Return whether such a file may begin with these bytes, few or many."""
        return any(piece.startswith(magic[: len(piece)]) for magic in self.magics)


BACKUP_FILE: Final = UploadKind(
    MAGICS,
    sentence("this file is no backup of the switchboard"),
)
UPDATE_FILE: Final = UploadKind(
    # A SquashFS, which every bundle is (RAUC, Bundle formats).
    (b"hsqs",),
    sentence("this file is no update (.raucb)"),
)
SETTINGS_FILE: Final = UploadKind(
    (b"centralino-settings-1\n",),
    sentence("this file holds no central settings (centralino box settings pack)"),
)
NOT_WHOLE: Final = sentence("the file has not come whole: try again")
NO_ROOM: Final = sentence("there is not enough free space on the disk: messages come first")


# ---- files on the box ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Stored file: its size in MB, and when it was written."""

    path: Path
    size: float
    at: datetime


def uploaded_backup_path(settings: ConsoleSettings) -> Path:
    """Return the path of an uploaded backup."""
    return settings.state / UPLOADED_BACKUP


def uploaded_update_path(settings: ConsoleSettings) -> Path:
    """Return the path of an uploaded update."""
    return settings.state / UPLOADED_UPDATE


def uploaded_settings_path(settings: ConsoleSettings) -> Path:
    """Return the path of uploaded settings of the head office."""
    return settings.state / UPLOADED_SETTINGS


def stored_file(path: Path) -> StoredFile | None:
    """Return a file's size and time; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return StoredFile(path, found.st_size / 1e6, datetime.fromtimestamp(found.st_mtime, UTC))


def uploads_of(path: Path) -> dict[str, StoredFile | None]:
    """Return what a page shows: the `uploaded` file, and what came of a `broken` upload."""
    broken = next((found for part in _parts(path) if (found := stored_file(part))), None)
    return {"uploaded": stored_file(path), "broken": broken if broken and broken.size else None}


def forget_upload(path: Path) -> None:
    """Delete an uploaded file, and what has come of another; raises OSError."""
    for each in (path, *_parts(path)):
        each.unlink(missing_ok=True)


async def sweep_uploads(app: Starlette) -> None:
    """Delete broken uploads that nobody goes on with, hour by hour: their room is the messages'."""
    while True:
        settings = app.state.settings
        with contextlib.suppress(OSError):
            await anyio.to_thread.run_sync(_sweep, settings)
        await anyio.sleep(SWEEP_S)


def _sweep(settings: ConsoleSettings) -> None:
    for name in (UPLOADED_BACKUP, UPLOADED_UPDATE, UPLOADED_SETTINGS):
        for part in _parts(settings.state / name):
            if _age(part) > KEPT_S:
                part.unlink(missing_ok=True)


def _parts(path: Path) -> list[Path]:
    return list(path.parent.glob(f".{path.name}.*.part"))


def _age(part: Path) -> float:
    """Return the seconds since a part's last byte came."""
    try:
        return time.time() - part.stat().st_mtime
    except FileNotFoundError:
        return 0.0


# ---- pieces that arrive --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """Piece of a file: `start` and `length` of the file in bytes, and who sends which file."""

    start: int
    length: int
    user: str
    file: str
    is_whole: bool = False

    def part(self, path: Path) -> Path:
        """Return where the file's bytes are gathered until it is whole."""
        return path.with_name(f".{path.name}.{_short(self.user)}.{_short(self.file)}.part")

    def is_of_one_user(self, part: Path) -> bool:
        """Tell whether the same user has sent another part."""
        return part.name.split(".")[-3] == _short(self.user)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def receive_piece(
    pieces: AsyncIterator[bytes], piece: Piece, path: Path, kind: UploadKind
) -> int:
    """Add a piece to its file, which takes its place once it is whole; raises Refused, OSError.

    Returns the bytes of the file that have come. What a broken connection has brought is kept.
    """
    # Call control reads it.
    make_shared(path.parent)
    part = piece.part(path)
    have = await anyio.to_thread.run_sync(_begin, piece, path, part)
    if have != piece.start:
        return have
    try:
        with _appending(part) as file:
            have = await _write(pieces, file, piece, kind)
            await anyio.to_thread.run_sync(_flush_to_disk, file)
    except BaseException as error:
        # A wrong file, a disk that is full (messages come first), or a body whose rest cannot come.
        if piece.is_whole or isinstance(error, (Refused, OSError)):
            part.unlink(missing_ok=True)
        raise
    if have == piece.length:
        await anyio.to_thread.run_sync(_put_in_place, part, path)
    elif piece.is_whole:
        part.unlink(missing_ok=True)
        raise Refused(NOT_WHOLE)
    return have


def _is_anothers(piece: Piece, path: Path) -> bool:
    """Tell whether another user is uploading: two at once would each begin anew for ever."""
    return any(not piece.is_of_one_user(each) and _age(each) < BUSY_S for each in _parts(path))


def _begin(piece: Piece, path: Path, part: Path) -> int:
    """Return the bytes of a part that have come; make the part for the first ones."""
    have = part.stat().st_size if part.exists() else 0
    # Only the beginning of a file may replace another: not a piece that comes late.
    if piece.length == 0 or (have == 0 < piece.start):
        raise Refused(NOT_WHOLE)
    for other in _parts(path):
        if other != part:
            other.unlink(missing_ok=True)
    # Room for it twice, since checking unpacks or copies it, and for messages beside.
    if 2 * piece.length - have > spare_bytes(path.parent):
        part.unlink(missing_ok=True)
        raise Refused(NO_ROOM)
    return have


@contextlib.contextmanager
def _appending(part: Path) -> Iterator[IO[bytes]]:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, PRIVATE), "ab") as file:
        yield file


async def _write(
    pieces: AsyncIterator[bytes], file: IO[bytes], piece: Piece, kind: UploadKind
) -> int:
    """Write a body behind the bytes that have come; returns how many there are then."""
    have = piece.start
    with contextlib.suppress(TimeoutError):
        async for each in _heard(pieces):
            # A wrong file is refused at its first bytes, not after gigabytes.
            if have == 0 and not kind.may_begin_with(each):
                raise Refused(kind.other)
            have += len(each)
            if have > piece.length:
                raise Refused(NOT_WHOLE)
            await anyio.to_thread.run_sync(file.write, each)
    if have == piece.length and have <= min(map(len, kind.magics)):
        raise Refused(NOT_WHOLE)
    return have


async def _heard(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of a body that are any; raises TimeoutError when nothing comes any more."""
    while True:
        with anyio.fail_after(SILENCE_S):
            each = await anext(pieces, None)
        if each is None:
            return
        if each:
            yield each


def _flush_to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _put_in_place(part: Path, path: Path) -> None:
    """Give a whole file its name; the file that was there stays until then."""
    part.chmod(SHARED)
    part.replace(path)
    fsync_directory(path.parent)


# ---- requests ------------------------------------------------------------------------------------


async def keep_upload(request: Request, path: Path, kind: UploadKind) -> Response:
    """Store a piece of an upload at a path, if it is of that kind; one at a time."""
    say, lock = request.state.speaker, request.app.state.uploading
    try:
        # One at a time: room on the disk is checked for one. The piece before may still hang in
        # a connection that is gone.
        with anyio.fail_after(SILENCE_S + 1):
            await lock.acquire()
    except TimeoutError:
        return Response(say(BUSY), 409)
    try:
        piece = _piece_of(request)
        if await anyio.to_thread.run_sync(_is_anothers, piece, path):
            return Response(say(BUSY), 409)
        have = await receive_piece(request.stream(), piece, path, kind)
    except Refused as refused:
        return Response(say.words(refused.words), 409)
    except OSError as error:
        return Response(say(FAILED, why=say.words(os_error_words(error))), 507)
    finally:
        lock.release()
    if have < piece.length:
        return Response(status_code=202, headers={"upload-offset": str(have)})
    return Response(status_code=204)


def _piece_of(request: Request) -> Piece:
    """Return what a request's headers say of its body; raises Refused."""
    user = user_of(request)
    name = user.name if user else ""
    if "upload-offset" not in request.headers:
        # No other body is a part of it.
        return Piece(
            0, _number(request, "content-length"), name, secrets.token_hex(8), is_whole=True
        )
    start, length = _number(request, "upload-offset"), _number(request, "upload-length")
    return Piece(start, length, name, f"{request.headers.get('upload-file', '')} {length}")


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
