"""Mailbox: the queue and worker thread that record messages; its callers never wait.

Sound is queued to one writer thread, at most `Limits.backlog_ms` of it for one recording: a card
that stalls for 20 s loses nothing, one that stalls for minutes leaves a gap that is told.
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
    """What one recording has in the queue. Each counter has one writer, so no lock is needed."""

    bytes_per_ms: int
    queued: int = 0  # counted by who brings sound
    written: int = 0  # counted by the writer thread
    lost: int = 0  # bytes refused since the last that were taken

    @property
    def waiting_ms(self) -> int:
        """Sound that the disk has not taken yet."""
        return (self.queued - self.written) // self.bytes_per_ms


class Mailbox:
    """Voicemail below `directory`; one thread of the desk speaks to it.

    `index` registers messages (`store.writer.DatabaseWriter`); `header` makes WAV headers. Events
    are posted from the writer's thread: MessageStored or StoreFailed for each `finish`, StoreFailed
    also as soon as a recording fails, RecordingGap, MessagesWaiting, RoomForMessages when that has
    changed; `on_trouble(None)` ends a trouble.
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
            lambda _: on_trouble(ENDED),
            begin=self._writer.recover,
            end=self._writer.close,
            pending=lambda: not self._commands.empty(),
        )
        self.has_room = True
        """False while messages cannot be recorded for want of space: callers are told so."""

    def start(self) -> Mailbox:
        """Start the writer; its first work is recovery, and its first fact MessagesWaiting."""
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """Do what is queued and end; a recording still open is finished by the next start.

        Raises Bug when a stalled disk outlives `limit` seconds.
        """
        self._worker.stopping.set()
        self._commands.put(None)  # wakes it
        self._worker.stop(limit)

    @property
    def is_alive(self) -> bool:
        """True while the writer runs."""
        return self._worker.is_alive

    @property
    def beat_at(self) -> float:
        """When the writer's loop last turned (monotonic s)."""
        return self._worker.beat_at

    def begin(self, recording: str, law: str, record: CallRecord) -> None:
        """Begin a recording of a call in the line's own law ("ulaw", "alaw", "linear8"...)."""
        if recording in self._intakes:
            log.warning("voicemail: recording %s was begun twice", recording)
            return
        self._intakes[recording] = Intake(_bytes_per_ms(law))
        ident = uuid.uuid4().hex  # never reused, whatever the desk calls its recordings
        self._commands.put(lambda: self._writer.begin(recording, ident, law, record))

    def append(self, recording: str, data: bytes) -> None:
        """Add sound as it arrives."""
        intake = self._intakes.get(recording)
        if intake is None or not data:
            return
        if intake.waiting_ms + len(data) // intake.bytes_per_ms > self._limits.backlog_ms:
            intake.lost += len(data)
            return
        self._tell_lost(recording, intake)
        intake.queued += len(data)
        self._commands.put(lambda: self._write(recording, intake, data))

    def gap(self, recording: str, ms: int) -> None:
        """Keep the place of `ms` of sound that was lost before it came here (RecordingGap)."""
        if recording in self._intakes and ms > 0:
            self._commands.put(lambda: self._writer.gap(recording, ms, announce=False))

    def finish(self, recording: str, trim_ms: int = 0, record: CallRecord | None = None) -> None:
        """Make the recording a message, without its last `trim_ms` (`StoreMessage`).

        `record` replaces the one given at `begin`.
        """
        intake = self._intakes.pop(recording, None)
        if intake is None:
            log.warning("voicemail: recording %s was never begun", recording)
            return
        self._tell_lost(recording, intake)
        self._commands.put(lambda: self._writer.finish(recording, trim_ms, record))

    def finish_request(self, recording: str, trim_ms: int, request: NewRequest) -> bool:
        """Make the recording the words of a request (`StoreRequest`); False: it never began."""
        intake = self._intakes.pop(recording, None)
        if intake is None:
            log.warning("voicemail: recording %s was never begun", recording)
            return False
        self._tell_lost(recording, intake)
        self._commands.put(lambda: self._writer.finish(recording, trim_ms, None, request))
        return True

    def drop(self, recording: str) -> None:
        """Forget a recording that is no message (`DropRecording`)."""
        if self._intakes.pop(recording, None):
            self._commands.put(lambda: self._writer.drop(recording))

    def recount(self) -> None:
        """Post MessagesWaiting again, after a message was closed."""
        self._commands.put(self._recount)

    def _tell_lost(self, recording: str, intake: Intake) -> None:
        lost_ms, intake.lost = intake.lost // intake.bytes_per_ms, 0
        if lost_ms:
            self._commands.put(lambda: self._writer.gap(recording, lost_ms, announce=True))

    # --- the thread ---

    def _turn(self) -> None:
        """Do one command, or wait until something is due; then what is due."""
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
        with contextlib.suppress(CentralinoError):  # the records tell their own trouble
            self._writer.recount()

    def _heard(self, trouble: Trouble | None) -> None:
        had_room, self.has_room = self.has_room, trouble != NO_ROOM
        if had_room is not self.has_room:
            self._post(RoomForMessages(self.has_room))
        self._on_trouble(trouble)


def _bytes_per_ms(law: str) -> int:
    """Return what an unknown law's bytes count for; the writer refuses it in a sentence."""
    with contextlib.suppress(CentralinoError):
        return storage.bytes_per_ms(law)
    return 1
