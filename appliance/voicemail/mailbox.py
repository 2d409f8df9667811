"""Mailbox: the queue and worker thread that record messages; its callers never wait.

Sound is queued to one writer thread, at most `MailboxLimits.backlog_ms` for one recording: a card
that stalls for 20 s loses nothing, one that stalls for minutes leaves a gap that is reported.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.calls.events import RoomForMessages
from appliance.errors import CentralinoError
from appliance.voicemail import storage
from appliance.voicemail.recording import RecordingWriter, WriterContext
from appliance.voicemail.storage import ENDED, NO_ROOM, MailboxFolders, MailboxLimits
from appliance.workers import BEAT_S, JOIN_LIMIT, Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.calls.events import Event
    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.store.database import Trouble
    from appliance.voicemail.recording import MessageIndex
    from appliance.voicemail.storage import Header

log = logging.getLogger(__name__)

DEFAULT_LIMITS: Final = MailboxLimits()


@dataclass(slots=True)
class Intake:
    """Byte counters of one recording's sound in the queue."""

    # Each counter is written by one thread alone, so no lock is needed: `written` by the worker
    # thread, the others by the thread that brings the sound.
    bytes_per_ms: int
    queued: int = 0
    written: int = 0
    lost: int = 0
    """Bytes refused since the last ones that were taken."""

    @property
    def waiting_ms(self) -> int:
        """Sound (ms) that is not on the disk yet."""
        return (self.queued - self.written) // self.bytes_per_ms


class Mailbox:
    """Voicemail below `directory`; called by one thread of call control.

    `index` registers messages (`store.writer.DatabaseWriter`); `header` makes WAV headers. Events
    are posted from the worker thread: MessageStored or StoreFailed for each `finish`, StoreFailed
    also as soon as a recording fails, RecordingGap, MessagesWaiting, RoomForMessages on a change;
    `on_trouble(None)` ends a trouble.
    """

    def __init__(
        self,
        directory: Path,
        index: MessageIndex,
        header: Header,
        post: Callable[[Event], None],
        on_trouble: Callable[[Trouble | None], None],
        limits: MailboxLimits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._on_trouble, self._post = on_trouble, post
        self._intakes: dict[str, Intake] = {}
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._writer = RecordingWriter(
            WriterContext(MailboxFolders(directory), header, index, post, self._heard, clock),
            limits,
        )
        self._worker = Worker(
            "voicemail",
            self._turn,
            # Nothing is recorded any more: that is reported, and the service restarts when idle.
            lambda _: on_trouble(ENDED),
            begin=self._writer.recover,
            end=self._writer.close,
            pending=lambda: not self._commands.empty(),
        )
        self.has_room = True
        """False while the disk is too full for messages: callers are told so."""

    def start(self) -> Mailbox:
        """Start the thread; it begins with recovery, and its first event is MessagesWaiting."""
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """Run the queued commands and end; an open recording is finished by the next start.

        Raises Bug when the disk stalls longer than `limit` seconds.
        """
        self._worker.stopping.set()
        # Wakes the thread, which may wait for BEAT_S else.
        self._commands.put(None)
        self._worker.stop(limit)

    @property
    def is_alive(self) -> bool:
        """True while the writer runs."""
        return self._worker.is_alive

    @property
    def beat_at(self) -> float:
        """Time of the loop's last turn (monotonic s)."""
        return self._worker.beat_at

    def begin(self, recording: str, law: str, record: CallRecord) -> None:
        """Begin a recording of a call in the line's own law ("ulaw", "alaw", "linear8"...)."""
        # A late or doubled order of call control is no error of this thread.
        if recording in self._intakes:
            log.warning("voicemail: recording %s was begun twice", recording)
            return
        self._intakes[recording] = Intake(_bytes_per_ms(law))
        # Never reused, however call control names its recordings.
        ident = uuid.uuid4().hex
        self._commands.put(lambda: self._writer.begin(recording, ident, law, record))

    def append(self, recording: str, data: bytes) -> None:
        """Add sound as it arrives."""
        intake = self._intakes.get(recording)
        # Sound of an unknown recording is ignored, like any other late order.
        if intake is None or not data:
            return
        # Beyond the bound sound becomes a gap of its length, which `_tell_lost` announces.
        if intake.waiting_ms + len(data) // intake.bytes_per_ms > self._limits.backlog_ms:
            intake.lost += len(data)
            return
        self._tell_lost(recording, intake)
        intake.queued += len(data)
        self._commands.put(lambda: self._write(recording, intake, data))

    def gap(self, recording: str, ms: int) -> None:
        """Append silence for `ms` of sound lost before the mailbox; no RecordingGap is posted."""
        if recording in self._intakes and ms > 0:
            self._commands.put(lambda: self._writer.gap(recording, ms, announce=False))

    def finish(self, recording: str, trim_ms: int = 0, record: CallRecord | None = None) -> None:
        """Seal the recording as a message, without its last `trim_ms` (`StoreMessage`).

        `record` replaces the one given to `begin`.
        """
        intake = self._intakes.pop(recording, None)
        if intake is None:
            log.warning("voicemail: recording %s was never begun", recording)
            return
        self._tell_lost(recording, intake)
        self._commands.put(lambda: self._writer.finish(recording, trim_ms, record))

    def finish_request(self, recording: str, trim_ms: int, request: NewRequest) -> bool:
        """Seal the recording as a request's words (`StoreRequest`); False if it never began."""
        intake = self._intakes.pop(recording, None)
        if intake is None:
            log.warning("voicemail: recording %s was never begun", recording)
            return False
        self._tell_lost(recording, intake)
        self._commands.put(lambda: self._writer.finish(recording, trim_ms, None, request))
        return True

    def drop(self, recording: str) -> None:
        """Delete a recording that is no message (`DropRecording`)."""
        if self._intakes.pop(recording, None):
            self._commands.put(lambda: self._writer.drop(recording))

    def recount(self) -> None:
        """Post MessagesWaiting again, after a message was closed."""
        self._commands.put(self._recount)

    def _tell_lost(self, recording: str, intake: Intake) -> None:
        lost_ms, intake.lost = intake.lost // intake.bytes_per_ms, 0
        if lost_ms:
            self._commands.put(lambda: self._writer.gap(recording, lost_ms, announce=True))

    # What follows runs in the worker thread.

    def _turn(self) -> None:
        """Run one command, or wait until something is due; then run `tick`."""
        due = self._writer.due_in()
        command = None
        with contextlib.suppress(queue.Empty):
            command = self._commands.get(timeout=BEAT_S if due is None else min(due, BEAT_S))
        if command:
            command()
        if not self._worker.stopping.is_set():
            self._writer.tick()

    def _write(self, recording: str, intake: Intake, data: bytes) -> None:
        self._writer.append(recording, data)
        intake.written += len(data)

    def _recount(self) -> None:
        # The database writer reports its own trouble.
        with contextlib.suppress(CentralinoError):
            self._writer.recount()

    def _heard(self, trouble: Trouble | None) -> None:
        # Callers are told before the tone that no message can be kept, each change once.
        had_room, self.has_room = self.has_room, trouble != NO_ROOM
        if had_room is not self.has_room:
            self._post(RoomForMessages(self.has_room))
        self._on_trouble(trouble)


def _bytes_per_ms(law: str) -> int:
    """Return the bytes of 1 ms of sound, 1 for an unknown law."""
    # The writer refuses an unknown law, in a sentence: here it must only not raise.
    with contextlib.suppress(CentralinoError):
        return storage.bytes_per_ms(law)
    return 1
