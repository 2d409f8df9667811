"""What the mailbox's thread does: every disk operation of voicemail, one after the other.

Nothing here raises for a disk's sake: each failure ends in StoreFailed with one sentence, and what
reached the disk stays for recovery, which is tried again until it succeeds.
"""

from __future__ import annotations

import contextlib
import errno
import logging
from dataclasses import dataclass
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
from appliance.errors import Bug, CentralinoError
from appliance.store.database import VOICEMAIL_UNSURE
from appliance.voicemail import recovery
from appliance.voicemail.recording import Recording
from appliance.voicemail.recovery import SetAsideError
from appliance.voicemail.space import FAILING, NO_ROOM, SET_ASIDE, Space, no_space
from appliance.workers import one_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.store.database import Trouble
    from appliance.store.voicemail import Message
    from appliance.voicemail.files import Folders
    from appliance.voicemail.recovery import Recovered
    from appliance.voicemail.sound import Header
    from appliance.voicemail.space import Limits

log = logging.getLogger(__name__)

T = TypeVar("T")
LOOK_S: Final = 30.0
"""How much room there is is looked at so often."""


class MessageIndex(Protocol):
    """Where messages are registered: `records.worker.Records`. All raise StoreError."""

    def store_message(self, message: Message, record: CallRecord) -> int:
        """Commit a message with its call, durably; the same one twice is one."""

    def store_request(self, message: Message, request: NewRequest) -> int:
        """Commit a request whose words the sound of `message` holds; returns its number.

        The same one twice is one. Raises OfficeError when it cannot be taken.
        """

    def known_messages(self) -> frozenset[str]:
        """Return the ids of all messages, and of the requests: their words lie there too."""

    def messages_waiting(self) -> int:
        """Count the messages nobody has closed."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the writer needs of the world: where, whom to tell, what time (monotonic s) it is."""

    folders: Folders
    header: Header
    index: MessageIndex
    post: Callable[[Event], None]
    on_trouble: Callable[[Trouble | None], None]
    clock: Callable[[], float]


class Writer:
    """The thread's side of the mailbox; its methods are called by that thread alone."""

    def __init__(self, outside: Outside, limits: Limits) -> None:
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
        """Say how many messages wait: at start, and when somebody closed one; raises StoreError."""
        self._to.post(MessagesWaiting(self._to.index.messages_waiting()))

    def _recover_files(self, known: frozenset[str]) -> None:
        folders = self._to.folders
        going_on = {handle.id for handle in self._open.values()}
        left = [ident for ident in recovery.unfinished(folders) if ident not in going_on]
        for ident in left:
            self._recovered(
                partial(recovery.finish, folders, self._to.header, ident, self._limits.minimum_ms)
            )
        for ident in recovery.orphans(folders, known.union(going_on, left)):
            self._recovered(partial(recovery.adopt, folders, ident))
        recovery.sweep(folders)

    def _recovered(self, step: Callable[[], Recovered | None]) -> None:
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
        """Commit the row; `quiet` for a message of an earlier run, whose call nobody follows."""
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
        """What a failure is told as: after a second failed fsync no page in memory is trusted."""
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
