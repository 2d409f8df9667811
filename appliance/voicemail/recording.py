"""Recordings on disk: written, sealed into messages, recovered after a crash.

A seam: everything here runs in the mailbox's worker thread alone; `mailbox.py` is the queue before
it, and the crash tests drive these steps without a thread.
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
# One recording on disk: begun, grown, and sealed into a whole message.
#
# Used by the writer thread and by recovery alone. Order of sealing (reliability.md 4): header and
# SHA-256 → fsync → close → sidecar durable → rename → fsync of the directory. What follows, the
# records' transaction and only then "stored", is the writer's.


@dataclass(slots=True)
class Recording:
    """A growing `rec/ID.part`: header of no length, then sound in the line's own law."""

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
        """Make files and names durable before the first sound; raises OSError, StoreError.

        The part is empty until then: its name rides in the journal's commit of the sidecar, its
        header goes to the card with the first sound.
        """
        storage.bytes_per_ms(self.law)
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
        """Add sound; raises OSError, and may then be tried again with the same sound."""
        storage.write_at(self._descriptor, data, self._size)
        self._size += len(data)
        if self.dirty_since is None:
            self.dirty_since = now

    def gap(self, ms: int, now: float) -> None:
        """Keep the place of `ms` of lost sound with silence; raises OSError."""
        self.append(storage.silence(self.law, ms), now)
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
        """Close the file and leave it to recovery; raises OSError."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def drop(self) -> None:
        """Forget the recording; raises OSError."""
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
    """Make an open part a whole WAV file of its first `keep` bytes of sound, on disk and closed.

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
    done.rename(folders.meta(sidecar.id))
    folders.part(sidecar.id).chmod(SHARED)  # the console plays it
    folders.part(sidecar.id).rename(folders.wav(sidecar.id))
    fsync_directory(folders.new)
    fsync_directory(folders.rec)


def forget_recording(folders: MailboxFolders, ident: str) -> None:
    """Remove what `rec/` holds of a recording; raises OSError."""
    for path in (folders.part(ident), folders.begun(ident)):
        path.unlink(missing_ok=True)


def _write_header(header: Header, law: str, descriptor: int, keep: int) -> str:
    if keep <= 0:
        raise StoreError("the recording holds no sound: nothing was stored")
    head = header(law, keep)
    os.ftruncate(descriptor, len(head) + keep)
    storage.write_at(descriptor, head, 0)
    if keep % 2:  # RIFF chunks end at even places
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
# What a start finds: messages without a row, recordings without an end, things nobody understands.
#
# Each step may be cut short by the next power cut and done again (reliability.md 7, F2).

log = logging.getLogger(__name__)


class SetAsideError(StoreError):
    """Raised when files were moved to `corrupt/`: nothing is left to be tried again."""


@dataclass(frozen=True, slots=True)
class RecoveredMessage:
    """A whole message on disk that the records may not know yet."""

    message: Message
    record: CallRecord
    request: NewRequest | None = None


def unfinished_recordings(folders: MailboxFolders) -> list[str]:
    """List the recordings left in `rec/`; raises OSError.

    A sound that reached `new/` before its sidecar is taken back to be finished again.
    """
    for wav in folders.new.glob("*.wav"):
        if not folders.meta(wav.stem).exists() and folders.begun(wav.stem).exists():
            wav.rename(folders.part(wav.stem))
    return sorted(path.stem for path in folders.rec.glob("*.part"))


def finish_recording(
    folders: MailboxFolders, header: Header, ident: str, minimum_ms: int
) -> RecoveredMessage | None:
    """Finish a recording that was cut off, flagged `interrupted`; None when it was too short.

    Raises OSError; SetAsideError for a recording without a readable sidecar.
    """
    if folders.part(ident).stat().st_size <= storage.longest_head(header):
        # Begun on a full disk, perhaps with half a sidecar: nobody was told anything of it.
        log.warning("voicemail: recording %s never got any sound", ident)
        forget_recording(folders, ident)
        return None
    sidecar = _sidecar_or_aside(folders, folders.begun(ident), folders.part(ident))
    part = folders.part(ident)
    head = len(header(sidecar.law, 0))
    whole, gap_ms = storage.mend_sound(sidecar.law, part.read_bytes()[head:])
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
    """List the files of `new/` that the records do not know; raises OSError."""
    recording = {path.stem for path in folders.rec.glob("*.part")}
    return sorted({path.stem for path in folders.new.iterdir()} - known - recording)


def adopt_orphan(folders: MailboxFolders, ident: str) -> RecoveredMessage:
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
    return RecoveredMessage(message, record, sidecar.request)


def sweep_recordings(folders: MailboxFolders) -> None:
    """Remove what interrupted steps leave in `rec/` beside recordings; raises OSError."""
    for path in sorted(folders.rec.iterdir()):
        leftover = path.suffix in {".copy", ".done"}
        if leftover or (path.suffix == ".meta" and not folders.part(path.stem).exists()):
            path.unlink()


def set_aside(folders: MailboxFolders, *paths: Path) -> None:
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


def _sidecar_or_aside(folders: MailboxFolders, meta: Path, wav: Path) -> Sidecar:
    try:
        return decode_sidecar(meta.read_bytes())
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
        return storage.file_sha256(descriptor)
    finally:
        os.close(descriptor)


# ---- writer ------------------------------------------------------------------------------------
# What the mailbox's thread does: every disk operation of voicemail, one after the other.
#
# Nothing here raises for a disk's sake: each failure ends in StoreFailed with one sentence, and
# what reached the disk stays for recovery, which is tried again until it succeeds.

T = TypeVar("T")
LOOK_S: Final = 30.0
"""How much room there is is looked at so often."""


class MessageIndex(Protocol):
    """Where messages are registered: `store.writer.DatabaseWriter`. All raise StoreError."""

    def store_message(self, message: Message, record: CallRecord) -> int:
        """Commit a message with its call, durably; the same one twice is one."""

    def store_request(self, message: Message, request: NewRequest) -> int:
        """Commit a request whose words the sound of `message` holds; returns its number.

        The same one twice is one. Raises OfficeError when it cannot be taken.
        """

    def known_messages(self) -> frozenset[str]:
        """Return the ids of all messages, and of the requests: their words lie there too."""

    def messages_waiting(self) -> int:
        """Count the open messages."""


@dataclass(frozen=True, slots=True)
class WriterContext:
    """What the writer needs of the world: where, whom to tell, what time (monotonic s) it is."""

    folders: MailboxFolders
    header: Header
    index: MessageIndex
    post: Callable[[Event], None]
    on_trouble: Callable[[Trouble | None], None]
    clock: Callable[[], float]


class RecordingWriter:
    """The thread's side of the mailbox; its methods are called by that thread alone."""

    def __init__(self, outside: WriterContext, limits: MailboxLimits) -> None:
        self._to = outside
        self._limits = limits
        self._space = Space(outside.folders, limits)
        self._open: dict[str, Recording] = {}
        self._owed: set[str] = (
            set()
        )  # ids of whole messages whose callers' calls were told "failed"
        self._refused = 0  # recordings in a row that ended in EIO
        self._unsettled = False  # files lie there that recovery must look at again
        self._set_aside = False
        self._tried_at = self._looked_at = outside.clock()
        self._trouble: Trouble | None = None

    # --- one recording ---

    def begin(self, recording: str, ident: str, law: str, record: CallRecord) -> None:
        """Make the files of a recording."""
        handle = Recording(self._to.folders, self._to.header, ident, law, record)
        self._open[recording] = handle
        self._do(handle, self._space.require)
        self._do(handle, handle.create)

    def append(self, recording: str, data: bytes) -> None:
        """Write sound; that of a recording that failed has nowhere to go."""
        handle = self._open[recording]
        self._do(handle, lambda: handle.append(data, self._to.clock()))

    def gap(self, recording: str, ms: int, announce: bool) -> None:
        """Write silence in the place of lost sound; `announce` it where the loss was ours."""
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
        """Seal a recording, register it, and only then say that it is stored."""
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
        """Forget a recording; what cannot be removed now is too short for recovery to keep."""
        handle = self._open.pop(recording)
        try:
            handle.drop()
        except OSError as error:
            log.warning("voicemail: recording %s could not be removed: %s", handle.id, error)

    # --- the rhythm ---

    def due_in(self) -> float | None:
        """Say in how many seconds `tick` has something to do; None: nothing before a command."""
        now = self._to.clock()
        waits = [since + self._limits.sync_s - now for since in self._dirty().values()]
        if self._unsettled:
            waits.append(self._tried_at + self._limits.retry_s - now)
        return max(0.0, min(waits)) if waits else None

    def tick(self) -> None:
        """Bring sound older than `sync_s` to the disk; try again what failed."""
        now = self._to.clock()
        for recording, since in self._dirty().items():
            if now - since >= self._limits.sync_s:
                self._do(self._open[recording], self._open[recording].sync)
        if self._unsettled and now - self._tried_at >= self._limits.retry_s:
            self.recover()
        if now - self._looked_at >= LOOK_S:
            self._look()  # room goes and comes without any message, too

    def close(self) -> None:
        """Leave what is still open to the recovery of the next start, as durable as may be."""
        for handle in self._open.values():
            self._do(handle, handle.sync)
            with contextlib.suppress(OSError):
                handle.abandon()
        self._open.clear()

    # --- recovery ---

    def recover(self) -> None:
        """Finish and adopt what lies on the disk; what the disk refuses is tried again later."""
        self._unsettled = False
        self._tried_at = self._to.clock()
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
        """Post the count of open messages, at start and after a closing; raises StoreError."""
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
        """Take one step; whatever it fails with, the others are recovered all the same."""
        try:
            with one_job(OSError):
                found = self._space.spending(step)
        except (SetAsideError, Bug) as error:
            self._set_aside = True
            log.warning("voicemail: %s", error)
        except (OSError, CentralinoError) as error:  # this one may be read, or have room, later
            self._unsettled = True
            log.warning("voicemail: left for a later try: %s", error)
        else:
            if found:
                log.warning("voicemail: message %s was recovered", found.message.id)
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
        """Commit the row; `quiet` for a message of an earlier run: its call is over."""
        try:
            with one_job(OSError):
                told = self._space.spending(lambda: self._commit(message, record, request))
        except (OSError, CentralinoError) as error:  # StoreError is both
            self._unsettled = True
            if not quiet and message.id not in self._owed:
                self._owed.add(message.id)
                self._to.post(StoreFailed(message.call, str(error)))
            return
        self._owed.discard(message.id)
        with contextlib.suppress(OSError):  # a sidecar left in rec/ is swept at the next start
            self._to.folders.begun(message.id).unlink(missing_ok=True)
        for event in told[1:] if quiet else told:
            self._to.post(event)

    def _commit(
        self, message: Message, record: CallRecord, request: NewRequest | None
    ) -> tuple[Event, ...]:
        """Make a whole recording a message, or the words of a request; first what to tell its call.

        Raises StoreError, OfficeError.
        """
        index = self._to.index
        if request is None:
            count = index.store_message(message, record)
            stored = MessageStored(message.call, message.id, message.length_ms)
            return stored, MessagesWaiting(count)
        return (RequestStored(message.call, index.store_request(message, request)),)

    def _give_up(self, handle: Recording) -> None:
        """Say so, and let recovery save what reached the disk, as an interrupted message."""
        self._to.post(StoreFailed(handle.record.call, handle.failed))
        with contextlib.suppress(OSError):
            handle.abandon()
        self.recover()

    def _do(self, handle: Recording, action: Callable[[], T]) -> T | None:
        """Do what may fail; a recording fails once, and says so at once."""
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
        """Return the trouble; after a second failed fsync no page in memory is trusted."""
        return VOICEMAIL_UNSURE if self._refused > 1 else FAILING

    def _look(self) -> None:
        """Tell the worst that holds now, or that all is well."""
        self._looked_at = self._to.clock()
        try:
            trouble = self._space.check()
        except OSError:
            trouble = FAILING
        is_failing = self._unsettled or self._refused > 1
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
