"""What a start finds: messages without a row, recordings without an end, things nobody understands.

Each step may be cut short by the next power cut and done again (reliability.md 7, F2).
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.calls.orders import Result
from appliance.errors import StoreError
from appliance.files import fsync_directory
from appliance.voicemail import files, sound
from appliance.voicemail.recording import complete, forget, publish
from appliance.voicemail.sidecar import Sidecar, decode

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.store.voicemail import Message
    from appliance.voicemail.files import Folders
    from appliance.voicemail.sound import Header

log = logging.getLogger(__name__)


class SetAsideError(StoreError):
    """Raised when files were moved to `corrupt/`: nothing is left to be tried again."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A whole message on disk that the records may not know yet."""

    message: Message
    record: CallRecord
    request: NewRequest | None = None


def unfinished(folders: Folders) -> list[str]:
    """List the recordings left in `rec/`; raises OSError.

    A sound that reached `new/` before its sidecar is taken back to be finished again.
    """
    for wav in folders.new.glob("*.wav"):
        if not folders.meta(wav.stem).exists() and folders.begun(wav.stem).exists():
            wav.rename(folders.part(wav.stem))
    return sorted(path.stem for path in folders.rec.glob("*.part"))


def finish(folders: Folders, header: Header, ident: str, minimum_ms: int) -> Recovered | None:
    """Finish a recording that was cut off, flagged `interrupted`; None when it was too short.

    Raises OSError; SetAsideError for a recording without a readable sidecar.
    """
    if folders.part(ident).stat().st_size <= sound.longest_head(header):
        # Begun on a full disk, perhaps with half a sidecar: nobody was told anything of it.
        log.warning("voicemail: recording %s never got any sound", ident)
        forget(folders, ident)
        return None
    sidecar = _sidecar_or_aside(folders, folders.begun(ident), folders.part(ident))
    part = folders.part(ident)
    head = len(header(sidecar.law, 0))
    whole, gap_ms = sound.mend(sidecar.law, part.read_bytes()[head:])
    if sound.length_ms(sidecar.law, len(whole)) < minimum_ms:
        log.warning("voicemail: a recording of call %s was too short", sidecar.record.call)
        forget(folders, ident)
        return None
    files.rewrite(part, header(sidecar.law, 0) + whole)
    descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    message = complete(header, sidecar, descriptor, len(whole), gap_ms=gap_ms, interrupted=True)
    publish(folders, replace(sidecar, message=message))
    return Recovered(message, _closed(sidecar.record, Result.INTERRUPTED))


def orphans(folders: Folders, known: frozenset[str]) -> list[str]:
    """List the files of `new/` that the records do not know; raises OSError."""
    recording = {path.stem for path in folders.rec.glob("*.part")}
    return sorted({path.stem for path in folders.new.iterdir()} - known - recording)


def adopt(folders: Folders, ident: str) -> Recovered:
    """Take up a message of `new/` by its sidecar, its sound verified.

    Raises OSError; SetAsideError for what is not whole.
    """
    meta, wav = folders.meta(ident), folders.wav(ident)
    sidecar = _sidecar_or_aside(folders, meta, wav)
    message = sidecar.message
    if message is None or _sha256(wav) != message.sha256:
        set_aside(folders, meta, wav)
        raise SetAsideError(f"message {ident} is not whole: it was moved to corrupt/")
    fsync_directory(folders.new)  # its rename may be what failed
    record = sidecar.record if sidecar.request else _closed(sidecar.record, Result.MESSAGE)
    return Recovered(message, record, sidecar.request)


def sweep(folders: Folders) -> None:
    """Remove what interrupted steps leave in `rec/` beside recordings; raises OSError."""
    for path in sorted(folders.rec.iterdir()):
        leftover = path.suffix in {".copy", ".done"}
        if leftover or (path.suffix == ".meta" and not folders.part(path.stem).exists()):
            path.unlink()


def set_aside(folders: Folders, *paths: Path) -> None:
    """Move files into `corrupt/`, those that exist, over nothing that is there; raises OSError."""
    for path in paths:
        target = folders.corrupt / path.name
        n = 0
        while target.exists():
            n += 1
            target = folders.corrupt / f"{path.name}.{n}"
        with contextlib.suppress(FileNotFoundError):
            path.rename(target)
    for folder in {folders.corrupt, *(path.parent for path in paths)}:
        fsync_directory(folder)


def _closed(record: CallRecord, result: Result) -> CallRecord:
    """Close the record for a database that does not know the call; a known call keeps its own."""
    return replace(record, result=result) if record.result is Result.OPEN else record


def _sidecar_or_aside(folders: Folders, meta: Path, wav: Path) -> Sidecar:
    try:
        return decode(meta.read_bytes())
    except FileNotFoundError:
        reason = f"{wav.name} has no description: it was moved to corrupt/"
    except StoreError as error:
        reason = str(error)
    set_aside(folders, meta, wav)
    raise SetAsideError(reason)


def _sha256(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        return files.file_sha256(descriptor)
    finally:
        os.close(descriptor)
