"""A backup that comes from a browser: written to the console's own folder, piece by piece."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import anyio.to_thread

from appliance.console.plant import LIMITS
from appliance.console.settings import ConsoleSettings
from appliance.policy.refused import Refused
from appliance.records.sealed_stream import MAGIC

MADE: Final = "backups/console.backup"
"""Where, below the desk's state folder, the backup lies that was asked for here."""
UPLOADED: Final = "restore/uploaded.backup"
"""Where, below the console's folder, the desk looks for one that came from a browser."""


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


def stored(path: Path) -> Stored | None:
    """Look at a backup's file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Stored(path, found.st_size / 1e6, datetime.fromtimestamp(found.st_mtime, UTC))


async def receive(pieces: AsyncIterator[bytes], length: int, path: Path) -> None:
    """Write an upload, whole or not at all; raises Refused, OSError.

    There must be room for it twice, whoever looks through it unpacks it, and for messages beside.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    free = shutil.disk_usage(path.parent).free - LIMITS.high_water_bytes
    if 2 * length > free:
        raise Refused(
            "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
            "there is not enough free space on the disk: messages come first",
        )
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            await _write(pieces, length, file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


async def _write(pieces: AsyncIterator[bytes], length: int, file: IO[bytes]) -> None:
    taken = 0
    async for piece in pieces:
        if taken == 0 and not piece.startswith(MAGIC[: len(piece)]):
            raise Refused(
                "questo file non è una copia di sicurezza del centralino",
                "this file is no backup of the switchboard",
            )
        taken += len(piece)
        await anyio.to_thread.run_sync(file.write, piece)
    if taken != length or length <= len(MAGIC):
        raise Refused(
            "il file non è arrivato intero: riprovare", "the file has not come whole: try again"
        )
    await anyio.to_thread.run_sync(_to_disk, file)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
