"""A backup, or an update, that comes from a browser: written to the console's own folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import anyio.to_thread

from appliance.console.settings import ConsoleSettings
from appliance.files import SHARED, make_shared, replacing
from appliance.policy.text import Refused, Words
from appliance.store.backup import MAGIC
from appliance.voicemail.storage import spare_bytes

MADE: Final = "backups/console.backup"
"""Where, below the desk's state folder, the backup lies that was asked for here."""
UPLOADED: Final = "restore/uploaded.backup"
"""Where, below the console's folder, the desk looks for one that came from a browser."""
UPLOADED_UPDATE: Final = "update/uploaded.raucb"
"""Likewise, where root's helper looks for an update."""

UPLOADED_CENTRAL: Final = "central/uploaded.settings"
"""Likewise, where the desk looks for the head office's settings."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file of some kind begins with, and what is said of one that does not."""

    magic: bytes
    other: Words


BACKUP: Final = Kind(
    MAGIC,
    Words(
        "questo file non è una copia di sicurezza del centralino",
        "this file is no backup of the switchboard",
    ),
)
UPDATE: Final = Kind(
    b"hsqs",  # a SquashFS, which every bundle is (RAUC, Bundle formats)
    Words("questo file non è un aggiornamento (.raucb)", "this file is no update (.raucb)"),
)

CENTRAL: Final = Kind(
    b"centralino-settings-1\n",
    Words(
        "questo file non contiene impostazioni centrali (centralino settings pack)",
        "this file holds no central settings (centralino settings pack)",
    ),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A backup's file: its size in MB, and when it was written."""

    path: Path
    size: float
    at: datetime


def made_path(settings: ConsoleSettings) -> Path:
    """Say where the desk lays a backup down."""
    return settings.records.parent / MADE


def uploaded_path(settings: ConsoleSettings) -> Path:
    """Say where an upload lies."""
    return settings.state / UPLOADED


def update_path(settings: ConsoleSettings) -> Path:
    """Say where an uploaded update lies."""
    return settings.state / UPLOADED_UPDATE


def central_path(settings: ConsoleSettings) -> Path:
    """Say where uploaded central settings lie."""
    return settings.state / UPLOADED_CENTRAL


def stored(path: Path) -> Stored | None:
    """Look at a backup's file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Stored(path, found.st_size / 1e6, datetime.fromtimestamp(found.st_mtime, UTC))


async def receive(
    pieces: AsyncIterator[bytes], length: int, path: Path, kind: Kind = BACKUP
) -> None:
    """Write an upload, whole or not at all; raises Refused, OSError.

    There must be room for it twice, whoever looks through it unpacks or copies it, and for messages
    beside.
    """
    make_shared(path.parent)  # the service looks through it
    if 2 * length > spare_bytes(path.parent):
        raise Refused(
            "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
            "there is not enough free space on the disk: messages come first",
        )
    with replacing(path, mode=SHARED) as file:
        await _write(pieces, length, file, kind)


async def _write(pieces: AsyncIterator[bytes], length: int, file: IO[bytes], kind: Kind) -> None:
    taken = 0
    async for piece in pieces:
        if taken == 0 and not piece.startswith(kind.magic[: len(piece)]):
            raise Refused(kind.other.it, kind.other.en)
        taken += len(piece)
        await anyio.to_thread.run_sync(file.write, piece)
    if taken != length or length <= len(kind.magic):
        raise Refused(
            "il file non è arrivato intero: riprovare", "the file has not come whole: try again"
        )
    await anyio.to_thread.run_sync(_to_disk, file)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
