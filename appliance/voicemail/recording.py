"""One recording on disk: begun, grown, and sealed into a whole message.

Used by the writer thread and by recovery alone. Order of sealing (reliability.md 4): header and
SHA-256 → fsync → close → sidecar durable → rename → fsync of the directory. What follows, the
records' transaction and only then "stored", is the writer's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from appliance.errors import StoreError
from appliance.files import SHARED, fsync_directory
from appliance.store.voicemail import Message
from appliance.voicemail import files, sound
from appliance.voicemail.sidecar import Sidecar, encode

if TYPE_CHECKING:
    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.voicemail.files import Folders
    from appliance.voicemail.sound import Header


@dataclass(slots=True)
class Recording:
    """A growing `rec/ID.part`: header of no length, then sound in the line's own law."""

    folders: Folders
    header: Header
    id: str
    law: str
    record: CallRecord
    request: NewRequest | None = None
    failed: str = ""
    gap_ms: int = 0
    dirty_since: float | None = None
    _descriptor: int = field(default=-1, repr=False)
    _size: int = 0
    _message: Message | None = None

    def create(self) -> None:
        """Make files and names durable before the first sound; raises OSError, StoreError.

        The part is empty until then: its name rides in the journal's commit of the sidecar, its
        header goes to the card with the first sound.
        """
        sound.bytes_per_ms(self.law)
        if self._descriptor < 0:
            self._descriptor = files.create(self.folders.part(self.id))
        files.write_durably(
            self.folders.begun(self.id), encode(Sidecar(self.id, self.law, self.record))
        )
        fsync_directory(self.folders.rec)
        head = self.header(self.law, 0)
        files.write_at(self._descriptor, head, 0)
        self._size = len(head)

    def append(self, data: bytes, now: float) -> None:
        """Add sound; raises OSError, and may then be tried again with the same sound."""
        files.write_at(self._descriptor, data, self._size)
        self._size += len(data)
        if self.dirty_since is None:
            self.dirty_since = now

    def gap(self, ms: int, now: float) -> None:
        """Keep the place of `ms` of lost sound with silence; raises OSError."""
        self.append(sound.silence(self.law, ms), now)
        self.gap_ms += ms

    def sync(self) -> None:
        """Bring what was appended to the disk; raises OSError, after which nothing is certain."""
        self.dirty_since = None
        os.fdatasync(self._descriptor)

    def seal(self, trim_ms: int) -> Message:
        """Make the recording a whole message without its last `trim_ms`.

        Raises OSError, StoreError. When only the publishing failed, for want of space,
        it may be tried again.
        """
        sidecar = Sidecar(self.id, self.law, self.record, request=self.request)
        if self._message is None:
            keep = (
                self._size - len(self.header(self.law, 0)) - trim_ms * sound.bytes_per_ms(self.law)
            )
            descriptor, self._descriptor = self._descriptor, -1
            self._message = complete(self.header, sidecar, descriptor, keep, gap_ms=self.gap_ms)
        publish(self.folders, replace(sidecar, message=self._message))
        return self._message

    def abandon(self) -> None:
        """Close the file and leave it to recovery; raises OSError."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def drop(self) -> None:
        """Forget the recording; raises OSError."""
        self.abandon()
        forget(self.folders, self.id)


def complete(
    header: Header,
    sidecar: Sidecar,
    descriptor: int,
    keep: int,
    *,
    gap_ms: int = 0,
    interrupted: bool = False,
) -> Message:
    """Make an open part a whole WAV file of its first `keep` bytes of sound, on disk and closed.

    Closes `descriptor` in any case. Raises OSError, StoreError.
    """
    try:
        digest = _write_header(header, sidecar.law, descriptor, keep)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return _message(sidecar, digest, keep, gap_ms, interrupted)


def publish(folders: Folders, sidecar: Sidecar) -> None:
    """Rename a complete, synced part into `new/`, its sidecar first; raises OSError."""
    done = folders.begun(sidecar.id).with_suffix(".done")
    files.write_durably(done, encode(sidecar))
    done.rename(folders.meta(sidecar.id))
    folders.part(sidecar.id).chmod(SHARED)  # the console plays it
    folders.part(sidecar.id).rename(folders.wav(sidecar.id))
    fsync_directory(folders.new)
    fsync_directory(folders.rec)


def forget(folders: Folders, ident: str) -> None:
    """Remove what `rec/` holds of a recording; raises OSError."""
    for path in (folders.part(ident), folders.begun(ident)):
        path.unlink(missing_ok=True)


def _write_header(header: Header, law: str, descriptor: int, keep: int) -> str:
    if keep <= 0:
        raise StoreError("the recording holds no sound: nothing was stored")
    head = header(law, keep)
    os.ftruncate(descriptor, len(head) + keep)
    files.write_at(descriptor, head, 0)
    if keep % 2:  # RIFF chunks end at even places
        files.write_at(descriptor, b"\0", len(head) + keep)
    return files.file_sha256(descriptor)


def _message(sidecar: Sidecar, digest: str, keep: int, gap_ms: int, interrupted: bool) -> Message:
    record = sidecar.record
    return Message(
        id=sidecar.id,
        call=record.call,
        path=f"new/{sidecar.id}.wav",
        law=sidecar.law,
        length_ms=sound.length_ms(sidecar.law, keep),
        sha256=digest,
        received_at=record.rang_at,
        clock_state=record.clock_state,
        line=record.line,
        caller=record.caller,
        called=record.called,
        interrupted=interrupted,
        gap_ms=gap_ms,
    )
