"""Voicemail traffic whose acknowledgements are written down; with a planted bug on demand.

`python -m tests.faults.workload ROOT ACKS LOG FIRST LAST BUG THREADS`: messages FIRST to LAST are
brought; LOG is the disk's log ("-": none), THREADS is "threads" for the real threads or "inline" to
do it all in one, so that system calls can be counted. ACKS gets one JSON line a fact: [kind, call,
log position, id or bytes].
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.calls.events import Event, MessageStored, RequestStored, StoreFailed
from appliance.calls.orders import CallRecord
from appliance.errors import StoreError
from appliance.policy.directory import ReturnRule
from appliance.policy.mail import Mail
from appliance.policy.requests import NewRequest, spoken_request
from appliance.policy.voicemail import MessageOutcome
from appliance.store import requests, voicemail
from appliance.store.requests import RequestMails, RequestSound, RequestToStore
from appliance.store.voicemail import Message
from appliance.store.writer import DatabaseWriter, WriterSession
from appliance.voicemail import recording, storage
from appliance.voicemail.mailbox import Mailbox
from appliance.voicemail.recording import RecordingWriter, WriterContext
from appliance.voicemail.storage import MailboxLimits
from tests.faults.planted import system_stub
from tests.store.samples import TEN, a_call
from tests.voicemail.box import header, speech

LIMITS = MailboxLimits(ballast_bytes=64 << 10, low_water_bytes=0, high_water_bytes=0, sync_s=0.05)
LETTERS = RequestMails(
    lambda kept, _: (Mail(f"request-{kept.request.number}", "a@b.example", "S", "B"),)
)


def sound_of(call: str) -> bytes:
    """Return what the caller of a call says, never the same: some seconds, or on and on."""
    if call.startswith("long"):
        return speech(1000 + int(call[4:]), 60_000)
    return speech(int(call[1:]), 2000 + 317 * (int(call[1:]) % 7))


class Acks:
    """What callers were told, with the place in the disk's log where they were told it."""

    def __init__(self, path: str, log: str) -> None:
        self._log = log
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.outcomes: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def say(self, kind: str, call: str, what: str | int) -> None:
        """Write one fact down, in one system call."""
        position = Path(self._log).stat().st_size if self._log != "-" else 0
        os.write(self._file, json.dumps([kind, call, position, what]).encode() + b"\n")

    def post(self, fact: Event) -> None:
        """Take the mailbox's facts."""
        if isinstance(fact, MessageStored):
            self.say("stored", fact.call, fact.message)
        if isinstance(fact, RequestStored):
            self.say("requested", fact.call, fact.number)
        if isinstance(fact, (MessageStored, RequestStored, StoreFailed)):
            self.outcomes.put(fact)


class Inline:
    """The records in the caller's own thread."""

    def __init__(self, path: Path) -> None:
        self._session = WriterSession(path, print, lambda _: None)

    def store_message(self, message: Message, record: CallRecord) -> int:
        """See MessageIndex."""
        return self._session.run(lambda c: voicemail.insert_message(c, message, record, "boot"))

    def store_request(self, message: Message, request: NewRequest) -> int:
        """See MessageIndex."""
        sound = RequestSound(f"voicemail/{message.path}", message.sha256)
        taking = RequestToStore(message.id, request, request.at, sound)
        return self._session.run(lambda c: requests.insert_request(c, taking, LETTERS)).number

    def known_messages(self) -> frozenset[str]:
        """See MessageIndex."""
        return self._session.run(lambda c: voicemail.message_ids(c) | requests.request_ids(c))

    def messages_waiting(self) -> int:
        """See MessageIndex."""
        return self._session.run(voicemail.count_waiting)

    def close_message(self, name: str, by: str, outcome: MessageOutcome, at: datetime) -> Message:
        """See Records."""
        return self._session.run(lambda c: voicemail.close_message(c, name, by, outcome, at))


def tell_synced(acks: Acks) -> None:
    """Write down how much of a recording was brought to the disk while the caller spoke."""
    real = recording.Recording.sync

    def sync(self: recording.Recording) -> None:
        size = self._size
        real(self)
        acks.say("synced", self.record.call, size - len(header(self.law, 0)))

    recording.Recording.sync = sync  # type: ignore[method-assign]


def take_request(box: Any, call: str, acks: Acks) -> None:
    """Take a request in the caller's own words; told once words, row and mail are on the disk."""
    sound = sound_of(call)
    box.begin(call, "ulaw", a_call(call))
    box.append(call, sound)
    asked = spoken_request(ReturnRule.EMAIL, "anagrafe", "aire", call, "051", call, TEN, "op1")
    if isinstance(box, RecordingWriter):
        box.finish(call, 0, None, asked)
    else:
        box.finish_request(call, 0, asked)
    outcome(call, acks)


def outcome(call: str, acks: Acks) -> MessageStored | None:
    """Wait for what becomes of a call's recording; returns its message, if it is one."""
    while True:
        fact = acks.outcomes.get(timeout=20)
        if getattr(fact, "call", call) != call:
            continue  # a failure is told at once and once more at the end
        if isinstance(fact, StoreFailed):
            acks.say("refused", call, fact.reason)
        return fact if isinstance(fact, MessageStored) else None


def close(stored: MessageStored, acks: Acks, index: Any) -> None:
    """Have call control close a message; a disk that fails is call control's to tell."""
    with contextlib.suppress(StoreError):
        index.close_message(stored.message, "op1", MessageOutcome.NOT_NEEDED, TEN)
        acks.say("closed", stored.call, stored.message)


def traffic(box: Any, numbers: range, acks: Acks, index: Any) -> None:
    """Bring messages, one after the other, beside a recording that goes on all the time.

    Each is stored, then closed by call control, before the next one comes.
    """
    long = f"long{numbers.start}"
    box.begin(long, "alaw", a_call(long))
    for n, i in enumerate(numbers):
        call = f"c{i}"
        sound = sound_of(call)
        box.begin(call, "ulaw", a_call(call))
        for at in range(0, len(sound), 8000):
            box.append(call, sound[at : at + 8000])
        box.append(long, sound_of(long)[8000 * n : 8000 * (n + 1)])
        box.finish(call, 0, None)
        stored = outcome(call, acks)
        if stored:
            close(stored, acks, index)
        take_request(box, f"r{i}", acks)


class Counted(RecordingWriter):
    """A writer that is called directly, as the mailbox's thread would."""

    def begin(self, recording: str, *arguments: Any) -> None:
        """Name the message after its call."""
        super().begin(recording, f"id-{recording}", *arguments)

    def append(self, recording: str, data: bytes) -> None:
        """Append and bring it to the disk at once: time must not decide what is called."""
        super().append(recording, data)
        self._do(self._open[recording], self._open[recording].sync)


def sync(folder: Path) -> None:
    """Bring a file system to its disk: this one alone, others may be busy."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        assert ctypes.CDLL(None).syncfs(descriptor) == 0
    finally:
        os.close(descriptor)


def main() -> None:
    """Do the traffic, then end without tidying up, as a power cut would have it."""
    root, ack_path, log, first, last, bug, threads = sys.argv[1:]
    numbers = range(int(first), int(last) + 1)
    acks = Acks(ack_path, log)
    system_stub(bug, acks)
    tell_synced(acks)
    database_path, home = Path(root) / "centralino.db", Path(root) / "voicemail"
    if threads == "inline":
        index = Inline(database_path)
        ticks = iter(range(1 << 30))
        outside = WriterContext(
            storage.MailboxFolders(home),
            header,
            index,
            acks.post,
            lambda _: None,
            lambda: next(ticks) / 1e6,
        )
        writer = Counted(outside, LIMITS)
        writer.recover()
        acks.say("ready", "", 0)
        traffic(writer, numbers, acks, index)
    else:
        records = DatabaseWriter(database_path, "boot")
        records.letters = LETTERS
        records.start()
        mailbox = Mailbox(home, records, header, acks.post, lambda _: None, LIMITS).start()
        started = threading.Event()
        mailbox._commands.put(started.set)
        started.wait(20)
        sync(Path(root))
        acks.say("ready", "", 0)
        traffic(mailbox, numbers, acks, records)
    os._exit(0)


if __name__ == "__main__":
    main()
