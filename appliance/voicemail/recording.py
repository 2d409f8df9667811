"""Recordings on disk: written, sealed into messages, recovered after a crash.

Everything here runs in the mailbox's worker thread alone. It is apart from that thread's queue
(mailbox.py) so that the crash tests run these steps without a thread.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from appliance.calls.events import (
    Event,
    MessageStored,
    MessagesWaiting,
    RecordingGap,
    RequestStored,
    StoreFailed,
)
from appliance.calls.orders import Result
from appliance.errors import Bug, CentralinoError, StoreError
from appliance.files import SHARED, fsync_directory
from appliance.store.database import VOICEMAIL_UNSURE
from appliance.store.voicemail import Message
from appliance.voicemail import storage
from appliance.voicemail.storage import (
    FAILING,
    NO_ROOM,
    SET_ASIDE,
    Sidecar,
    Space,
    decode_sidecar,
    encode_sidecar,
    no_space,
)
from appliance.workers import one_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.store.database import Trouble
    from appliance.voicemail.storage import Header, MailboxFolders, MailboxLimits


# ---- recording ---------------------------------------------------------------------------------
# One recording, from its empty file to a whole message. Order of sealing (reliability.md 4): header
# and SHA-256 → fsync → close → sidecar durable → rename → fsync of the directory. Then follow the
# database's transaction, and only after that "stored" (RecordingWriter._register).


@dataclass(slots=True)
class Recording:
    """A growing `rec/ID.part`: a header of length 0, then sound in the line's companding law."""

    folders: MailboxFolders
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
        """Create the files, names durable before the first sound; raises OSError, StoreError."""
        # Raises StoreError for an unknown law before there is any file.
        storage.bytes_per_ms(self.law)
        # The part stays empty until its name is durable: the name shares the journal's commit of
        # the sidecar, and the header goes to the card with the first sound.
        if self._descriptor < 0:
            self._descriptor = storage.create_file(self.folders.part(self.id))
        storage.write_durably(
            self.folders.begun(self.id), encode_sidecar(Sidecar(self.id, self.law, self.record))
        )
        fsync_directory(self.folders.rec)
        head = self.header(self.law, 0)
        storage.write_at(self._descriptor, head, 0)
        self._size = len(head)

    def append(self, data: bytes, now: float) -> None:
        """Append sound; raises OSError, and may then be repeated with the same sound."""
        storage.write_at(self._descriptor, data, self._size)
        self._size += len(data)
        if self.dirty_since is None:
            self.dirty_since = now

    def gap(self, ms: int, now: float) -> None:
        """Append silence in place of `ms` of lost sound; raises OSError."""
        self.append(storage.silence(self.law, ms), now)
        self.gap_ms += ms

    def sync(self) -> None:
        """Bring appended sound to the disk; raises OSError: then nothing of it is certain."""
        self.dirty_since = None
        os.fdatasync(self._descriptor)

    def seal(self, trim_ms: int) -> Message:
        """Seal the recording, without its last `trim_ms`, into a whole message.

        Raises OSError, StoreError. May be repeated when only the publishing failed (disk full).
        """
        sidecar = Sidecar(self.id, self.law, self.record, request=self.request)
        # Set already in a repeated try: the descriptor was closed then.
        if self._message is None:
            keep = (
                self._size
                - len(self.header(self.law, 0))
                - trim_ms * storage.bytes_per_ms(self.law)
            )
            descriptor, self._descriptor = self._descriptor, -1
            self._message = complete_recording(
                self.header, sidecar, descriptor, keep, gap_ms=self.gap_ms
            )
        publish_recording(self.folders, replace(sidecar, message=self._message))
        return self._message

    def abandon(self) -> None:
        """Close the file and leave it for recovery; raises OSError."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def drop(self) -> None:
        """Delete the recording; raises OSError."""
        self.abandon()
        forget_recording(self.folders, self.id)


def complete_recording(
    header: Header,
    sidecar: Sidecar,
    descriptor: int,
    keep: int,
    *,
    gap_ms: int = 0,
    interrupted: bool = False,
) -> Message:
    """Complete an open part to a WAV file of its first `keep` bytes of sound; fsync and close it.

    Closes `descriptor` in any case. Raises OSError, StoreError.
    """
    try:
        digest = _write_header(header, sidecar.law, descriptor, keep)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return _message(sidecar, digest, keep, gap_ms, interrupted)


def publish_recording(folders: MailboxFolders, sidecar: Sidecar) -> None:
    """Rename a complete, synced part into `new/`, its sidecar first; raises OSError."""
    done = folders.begun(sidecar.id).with_suffix(".done")
    storage.write_durably(done, encode_sidecar(sidecar))
    # The sidecar goes first: a sound in `new/` without one goes back to be finished anew
    # (unfinished_recordings).
    done.rename(folders.meta(sidecar.id))
    # The console plays it.
    folders.part(sidecar.id).chmod(SHARED)
    folders.part(sidecar.id).rename(folders.wav(sidecar.id))
    fsync_directory(folders.new)
    fsync_directory(folders.rec)


def forget_recording(folders: MailboxFolders, ident: str) -> None:
    """Delete the files of a recording in `rec/`; raises OSError."""
    for path in (folders.part(ident), folders.begun(ident)):
        path.unlink(missing_ok=True)


def _write_header(header: Header, law: str, descriptor: int, keep: int) -> str:
    # Nothing was recorded, or the trimmed tone was all of it.
    if keep <= 0:
        raise StoreError("the recording holds no sound: nothing was stored")
    head = header(law, keep)
    os.ftruncate(descriptor, len(head) + keep)
    storage.write_at(descriptor, head, 0)
    # RIFF chunks end at even offsets.
    if keep % 2:
        storage.write_at(descriptor, b"\0", len(head) + keep)
    return storage.file_sha256(descriptor)


def _message(sidecar: Sidecar, digest: str, keep: int, gap_ms: int, interrupted: bool) -> Message:
    record = sidecar.record
    return Message(
        id=sidecar.id,
        call=record.call,
        path=f"new/{sidecar.id}.wav",
        law=sidecar.law,
        length_ms=storage.length_ms(sidecar.law, keep),
        sha256=digest,
        received_at=record.rang_at,
        clock_state=record.clock_state,
        line=record.line,
        caller=record.caller,
        called=record.called,
        interrupted=interrupted,
        gap_ms=gap_ms,
    )


# ---- recovery ----------------------------------------------------------------------------------
# At a start: messages without a row, recordings without an end, files that cannot be read. Each
# step may be cut short by the next power cut and is then repeated (reliability.md 7, F2).

log = logging.getLogger(__name__)


class SetAsideError(StoreError):
    """Raised when files were moved to `corrupt/`: there is nothing left to try again."""


@dataclass(frozen=True, slots=True)
class RecoveredMessage:
    """A whole message on disk that may not be in the database yet."""

    message: Message
    record: CallRecord
    request: NewRequest | None = None


def unfinished_recordings(folders: MailboxFolders) -> list[str]:
    """List the recordings left in `rec/`; raises OSError."""
    # A file system may reorder the two renames of publish_recording: a sound that reached `new/`
    # before its sidecar goes back to be finished again.
    for wav in folders.new.glob("*.wav"):
        if not folders.meta(wav.stem).exists() and folders.begun(wav.stem).exists():
            wav.rename(folders.part(wav.stem))
    return sorted(path.stem for path in folders.rec.glob("*.part"))


def finish_recording(
    folders: MailboxFolders, header: Header, ident: str, minimum_ms: int
) -> RecoveredMessage | None:
    """Complete a recording that was cut off, flagged `interrupted`; None if it was too short.

    Raises OSError; SetAsideError for a recording without a readable sidecar.
    """
    if folders.part(ident).stat().st_size <= storage.longest_head(header):
        # Begun on a full disk, perhaps with half a sidecar: the caller was promised nothing, and it
        # is no damaged file.
        log.warning("voicemail: recording %s never got any sound", ident)
        forget_recording(folders, ident)
        return None
    sidecar = _sidecar_or_aside(folders, folders.begun(ident), folders.part(ident))
    part = folders.part(ident)
    head = len(header(sidecar.law, 0))
    whole, gap_ms = storage.mend_sound(sidecar.law, part.read_bytes()[head:])
    # Too short to understand: the call's row stays, the sound does not.
    if storage.length_ms(sidecar.law, len(whole)) < minimum_ms:
        log.warning("voicemail: a recording of call %s was too short", sidecar.record.call)
        forget_recording(folders, ident)
        return None
    storage.rewrite(part, header(sidecar.law, 0) + whole)
    descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    message = complete_recording(
        header, sidecar, descriptor, len(whole), gap_ms=gap_ms, interrupted=True
    )
    publish_recording(folders, replace(sidecar, message=message))
    return RecoveredMessage(message, _closed(sidecar.record, Result.INTERRUPTED))


def orphaned_messages(folders: MailboxFolders, known: frozenset[str]) -> list[str]:
    """List the ids of files in `new/` that are not in the database; raises OSError."""
    recording = {path.stem for path in folders.rec.glob("*.part")}
    return sorted({path.stem for path in folders.new.iterdir()} - known - recording)


def adopt_orphan(folders: MailboxFolders, ident: str) -> RecoveredMessage:
    """Recover a message of `new/` from its sidecar, its sound verified by SHA-256.

    Raises OSError; SetAsideError for a message that is not whole.
    """
    meta, wav = folders.meta(ident), folders.wav(ident)
    sidecar = _sidecar_or_aside(folders, meta, wav)
    message = sidecar.message
    if message is None or _sha256(wav) != message.sha256:
        set_aside(folders, meta, wav)
        raise SetAsideError(f"message {ident} is not whole: it was moved to corrupt/")
    # The fsync of its rename may be what failed: the name must be durable before the row is.
    fsync_directory(folders.new)
    record = sidecar.record if sidecar.request else _closed(sidecar.record, Result.MESSAGE)
    return RecoveredMessage(message, record, sidecar.request)


def sweep_recordings(folders: MailboxFolders) -> None:
    """Delete leftovers of interrupted steps in `rec/`; raises OSError."""
    for path in sorted(folders.rec.iterdir()):
        leftover = path.suffix in {".copy", ".done"}
        if leftover or (path.suffix == ".meta" and not folders.part(path.stem).exists()):
            path.unlink()


def set_aside(folders: MailboxFolders, *paths: Path) -> None:
    """Move existing files into `corrupt/`, overwriting nothing there; raises OSError."""
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
    """Close the record of an open call, for a database without it; a known call keeps its row."""
    return replace(record, result=result) if record.result is Result.OPEN else record


def _sidecar_or_aside(folders: MailboxFolders, meta: Path, wav: Path) -> Sidecar:
    try:
        return decode_sidecar(meta.read_bytes())
    except FileNotFoundError:
        reason = f"{wav.name} has no description: it was moved to corrupt/"
    except StoreError as error:
        reason = str(error)
    # A sound whose call is not known is kept, not guessed at; recovery goes on with the others.
    set_aside(folders, meta, wav)
    raise SetAsideError(reason)


def _sha256(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        return storage.file_sha256(descriptor)
    finally:
        os.close(descriptor)


# ---- writer ------------------------------------------------------------------------------------
# All disk operations of voicemail, one after the other, in the mailbox's thread. No disk error is
# raised here: it ends in StoreFailed with one sentence, and what reached the disk stays for
# recovery, which is retried until it succeeds.

T = TypeVar("T")
LOOK_S: Final = 30.0
"""Interval (s) at which free space is checked."""


class MessageIndex(Protocol):
    """Index of the messages: `store.writer.DatabaseWriter`. All methods raise StoreError."""

    def store_message(self, message: Message, record: CallRecord) -> int:
        """Commit a message with its call; the same message twice is one."""

    def store_request(self, message: Message, request: NewRequest) -> int:
        """Commit a request whose words are the sound of `message`; returns its number.

        The same request twice is one. Raises OfficeError for a request that is refused.
        """

    def known_messages(self) -> frozenset[str]:
        """Return the ids of all messages and requests: both have sounds in the mailbox."""

    def messages_waiting(self) -> int:
        """Count the open messages."""


@dataclass(frozen=True, slots=True)
class WriterContext:
    """Folders, index, callbacks and clock (monotonic s) of the writer."""

    folders: MailboxFolders
    header: Header
    index: MessageIndex
    post: Callable[[Event], None]
    on_trouble: Callable[[Trouble | None], None]
    clock: Callable[[], float]


class RecordingWriter:
    """Writer of the mailbox; its methods are called by the worker thread alone."""

    def __init__(self, outside: WriterContext, limits: MailboxLimits) -> None:
        self._to = outside
        self._limits = limits
        self._space = Space(outside.folders, limits)
        self._open: dict[str, Recording] = {}
        # Whole messages, by id, whose calls were told StoreFailed: their MessageStored is owed.
        self._owed: set[str] = set()
        # Recordings in a row that ended in EIO.
        self._refused = 0
        # True while recovery must look at files again.
        self._unsettled = False
        self._set_aside = False
        self._tried_at = self._looked_at = outside.clock()
        self._trouble: Trouble | None = None

    # --- one recording ---

    def begin(self, recording: str, ident: str, law: str, record: CallRecord) -> None:
        """Create the files of a recording."""
        handle = Recording(self._to.folders, self._to.header, ident, law, record)
        self._open[recording] = handle
        # Below the low-water mark no message is begun: the caller is told at once.
        self._do(handle, self._space.require)
        self._do(handle, handle.create)

    def append(self, recording: str, data: bytes) -> None:
        """Write sound; discarded once the recording has failed."""
        handle = self._open[recording]
        self._do(handle, lambda: handle.append(data, self._to.clock()))

    def gap(self, recording: str, ms: int, announce: bool) -> None:
        """Write silence for `ms` of lost sound; `announce`: post a RecordingGap, too."""
        handle = self._open[recording]
        if announce:
            self._to.post(RecordingGap(recording, ms))
        self._do(handle, lambda: handle.gap(ms, self._to.clock()))

    def finish(
        self,
        recording: str,
        trim_ms: int,
        record: CallRecord | None,
        request: NewRequest | None = None,
    ) -> None:
        """Seal a recording, register it, and only then post that it is stored."""
        handle = self._open.pop(recording)
        handle.record, handle.request = record or handle.record, request
        message = self._do(handle, lambda: handle.seal(trim_ms))
        if message:
            self._refused = 0
            self._register(message, handle.record, request)
        else:
            self._give_up(handle)
        self._look()

    def drop(self, recording: str) -> None:
        """Delete a recording that is no message."""
        handle = self._open.pop(recording)
        # A file that cannot be deleted is too short for recovery to make a message of it.
        try:
            handle.drop()
        except OSError as error:
            log.warning("voicemail: recording %s could not be removed: %s", handle.id, error)

    def due_in(self) -> float | None:
        """Return in how many seconds `tick` is due; None: not before the next command."""
        now = self._to.clock()
        waits = [since + self._limits.sync_s - now for since in self._dirty().values()]
        if self._unsettled:
            waits.append(self._tried_at + self._limits.retry_s - now)
        return max(0.0, min(waits)) if waits else None

    def tick(self) -> None:
        """Sync sound older than `sync_s`; retry a recovery that failed."""
        now = self._to.clock()
        for recording, since in self._dirty().items():
            if now - since >= self._limits.sync_s:
                self._do(self._open[recording], self._open[recording].sync)
        if self._unsettled and now - self._tried_at >= self._limits.retry_s:
            self.recover()
        if now - self._looked_at >= LOOK_S:
            # Free space changes without any message, too.
            self._look()

    def close(self) -> None:
        """Sync and close open recordings, for the recovery of the next start."""
        for handle in self._open.values():
            self._do(handle, handle.sync)
            with contextlib.suppress(OSError):
                handle.abandon()
        self._open.clear()

    # --- recovery ---

    def recover(self) -> None:
        """Finish cut-off recordings and adopt orphans; after a disk error again in `retry_s`."""
        self._unsettled = False
        self._tried_at = self._to.clock()
        # Without a folder there is no voicemail until a later try; calls are not affected.
        try:
            self._to.folders.make()
            self._recover_files(self._to.index.known_messages())
            self.recount()
        except (OSError, CentralinoError) as error:
            self._unsettled = True
            log.warning(
                "voicemail: recovery is tried again in %g s: %s", self._limits.retry_s, error
            )
        self._look()

    def recount(self) -> None:
        """Post the count of open messages; raises StoreError."""
        self._to.post(MessagesWaiting(self._to.index.messages_waiting()))

    def _recover_files(self, known: frozenset[str]) -> None:
        folders = self._to.folders
        going_on = {handle.id for handle in self._open.values()}
        left = [ident for ident in unfinished_recordings(folders) if ident not in going_on]
        for ident in left:
            self._recovered(
                partial(finish_recording, folders, self._to.header, ident, self._limits.minimum_ms)
            )
        for ident in orphaned_messages(folders, known.union(going_on, left)):
            self._recovered(partial(adopt_orphan, folders, ident))
        sweep_recordings(folders)

    def _recovered(self, step: Callable[[], RecoveredMessage | None]) -> None:
        """Run one step of recovery; its failure holds back no other."""
        try:
            with one_job(OSError):
                found = self._space.spending(step)
        except (SetAsideError, Bug) as error:
            self._set_aside = True
            log.warning("voicemail: %s", error)
        except (OSError, CentralinoError) as error:
            # The disk may be read, or have room, later.
            self._unsettled = True
            log.warning("voicemail: left for a later try: %s", error)
        else:
            if found:
                log.warning("voicemail: message %s was recovered", found.message.id)
                # Only a whole message whose row could not be written in this run still owes its
                # call an outcome: all others are of calls that are over, or were told "failed".
                quiet = found.message.id not in self._owed
                self._register(found.message, found.record, found.request, quiet=quiet)

    # --- the outcome ---

    def _register(
        self,
        message: Message,
        record: CallRecord,
        request: NewRequest | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        """Commit the row and post the outcome; `quiet`: post no outcome to the call."""
        try:
            with one_job(OSError):
                told = self._space.spending(lambda: self._commit(message, record, request))
        except (OSError, CentralinoError) as error:
            self._unsettled = True
            if not quiet and message.id not in self._owed:
                self._owed.add(message.id)
                self._to.post(StoreFailed(message.call, str(error)))
            return
        self._owed.discard(message.id)
        # A sidecar left in `rec/` is swept at the next start.
        with contextlib.suppress(OSError):
            self._to.folders.begun(message.id).unlink(missing_ok=True)
        for event in told[1:] if quiet else told:
            self._to.post(event)

    def _commit(
        self, message: Message, record: CallRecord, request: NewRequest | None
    ) -> tuple[Event, ...]:
        """Commit a recording as a message or request; returns the events, first that for its call.

        Raises StoreError, OfficeError.
        """
        index = self._to.index
        if request is None:
            count = index.store_message(message, record)
            stored = MessageStored(message.call, message.id, message.length_ms)
            return stored, MessagesWaiting(count)
        return (RequestStored(message.call, index.store_request(message, request)),)

    def _give_up(self, handle: Recording) -> None:
        """Post StoreFailed, and let recovery save the sound on disk as an interrupted message."""
        self._to.post(StoreFailed(handle.record.call, handle.failed))
        with contextlib.suppress(OSError):
            handle.abandon()
        self.recover()

    def _do(self, handle: Recording, action: Callable[[], T]) -> T | None:
        """Run an action, unless the recording has failed; a failure posts StoreFailed at once."""
        if handle.failed:
            return None
        try:
            with one_job(OSError):
                return self._space.spending(action)
        except (OSError, CentralinoError) as error:
            handle.failed = _sentence(error)
            log.warning("voicemail: call %s: %s", handle.record.call, handle.failed)
            self._to.post(StoreFailed(handle.record.call, handle.failed))
            self._refused += isinstance(error, OSError) and error.errno == errno.EIO
            self._tell(self._failing)
            return None

    def _dirty(self) -> dict[str, float]:
        return {
            name: handle.dirty_since
            for name, handle in self._open.items()
            if handle.dirty_since is not None and not handle.failed
        }

    @property
    def _failing(self) -> Trouble:
        """Return the trouble of a failing disk."""
        # After a second failed fsync no page in memory is trusted (reliability.md 4, "Errors").
        return VOICEMAIL_UNSURE if self._refused > 1 else FAILING

    def _look(self) -> None:
        """Report the worst trouble there is now, or None."""
        self._looked_at = self._to.clock()
        try:
            trouble = self._space.check()
        except OSError:
            # Not even the free space can be read.
            trouble = FAILING
        is_failing = self._unsettled or self._refused > 1
        # A failing disk is worse than one with little room, not than one with none: then callers
        # must hear that no message can be recorded (Mailbox.has_room).
        if is_failing and trouble != NO_ROOM:
            trouble = self._failing
        self._tell(trouble or (SET_ASIDE if self._set_aside else None))

    def _tell(self, trouble: Trouble | None) -> None:
        if trouble != self._trouble:
            self._to.on_trouble(trouble)
        self._trouble = trouble


def _sentence(error: Exception) -> str:
    if isinstance(error, CentralinoError):
        return str(error)
    if no_space(error):
        return "the disk is full: the message could not be recorded to its end"
    return f"the disk failed ({error}): the message is not surely stored"
