"""Messages on their way to a phone: read in the records' thread, handed to the carrier as a memfd.

The deciding thread never waits for the disk, and the carrier never opens a file.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.calls import events, orders
from appliance.dsp import g711, wav
from appliance.errors import CentralinoError
from appliance.policy.voicemail import Entry, HeldError, MessageStep, Outcome
from appliance.store import care, voicemail
from appliance.store.voicemail import Message
from appliance.store.writer import Records

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger(__name__)

KEPT = 4
"""Sounds that may wait to be taken; a phone that hung up meanwhile never takes its own."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The next open message, how many come after it, and the memfd of its sound."""

    message: Message
    left: int
    fd: int


class MessageSounds:
    """Reads and closes messages for phones; `post` takes MessageFetched and MessageClosed."""

    def __init__(
        self,
        directory: Path,
        records: Records,
        recount: Callable[[], None],
        post: Callable[[events.Event], None],
    ) -> None:
        self._directory = directory
        self._records = records
        self._recount = recount
        self._post = post
        self._ready: dict[str, int] = {}

    def fetch(self, order: orders.FetchMessage) -> None:
        """Read the next open message; MessageFetched follows."""

        def done(found: _Found | CentralinoError | None) -> None:
            self._post(self._fetched(order.listener, found))

        self._records.do(lambda connection: self._next(connection, order.after), done)

    def take(self, listener: str) -> int | None:
        """Return the memfd of the message fetched last for a leg, once; the taker closes it."""
        return self._ready.pop(listener, None)

    def close(self, order: orders.CloseMessage) -> None:
        """Close a message for good; MessageClosed follows."""

        def done(closed: object) -> None:
            failed = isinstance(closed, CentralinoError)
            if not failed:
                self._recount()
            reason = str(closed) if failed else ""
            self._post(events.MessageClosed(order.listener, reason, isinstance(closed, HeldError)))

        self._add(order.message, _entry(order.by, MessageStep.CLOSE, Outcome(order.outcome)), done)

    def mark(self, order: orders.MarkMessage) -> None:
        """Keep what a phone did about a message; MessageMarked follows, but for what was heard."""
        step = MessageStep(order.step)

        def done(kept: object) -> None:
            failed = isinstance(kept, CentralinoError)
            if step is MessageStep.HEAR:
                if failed:
                    log.error("that %s heard a message was not kept: %s", order.by, kept)
                return
            reason = str(kept) if failed else ""
            self._post(events.MessageMarked(order.listener, reason, isinstance(kept, HeldError)))

        self._add(order.message, _entry(order.by, step), done)

    def _add(self, message: str, entry: Entry, done: Callable[[object], None]) -> None:
        self._records.do(lambda c: care.add(c, care.Kind.MESSAGE, message, entry), done)

    def _next(self, connection: sqlite3.Connection, after: int) -> _Found | None:
        """Find the next message that can be read; one that cannot is named in the journal."""
        waiting = voicemail.open_after(connection, after)
        for number, message in enumerate(waiting, 1):
            try:
                fd = _memory(self._directory / message.path)
            except (OSError, wav.WavError) as error:
                log.error("message %s cannot be played: %s", message.number, error)
                continue
            return _Found(message, len(waiting) - number, fd)
        return None

    def _fetched(
        self, listener: str, found: _Found | CentralinoError | None
    ) -> events.MessageFetched:
        if found is None:
            return events.MessageFetched(listener)
        if isinstance(found, CentralinoError):
            return events.MessageFetched(listener, reason=str(found))
        self._keep(listener, found.fd)
        message = found.message
        return events.MessageFetched(
            listener, message.id, message.number, message.caller, message.received_at, found.left,
            holder=message.taken_by,
        )  # fmt: skip

    def _keep(self, listener: str, fd: int) -> None:
        earlier = self._ready.pop(listener, None)
        if len(self._ready) >= KEPT:
            earlier = self._ready.pop(next(iter(self._ready)))
        self._ready[listener] = fd
        if earlier is not None:
            os.close(earlier)


def _entry(by: str, step: MessageStep, outcome: Outcome | None = None) -> Entry:
    return Entry(datetime.now(UTC), by, step, outcome)


def _memory(path: Path) -> int:
    """Return a memfd with a WAV's sound, 16-bit; raises WavError or OSError."""
    sound = wav.parse(path.read_bytes())
    fd = os.memfd_create("centralino-message", os.MFD_CLOEXEC)
    os.write(fd, g711.decode(sound.data, sound.law))
    return fd
