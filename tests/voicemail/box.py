"""A mailbox with its records in a folder, for tests: facts are collected, time is real."""

from __future__ import annotations

import queue
import random
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from appliance.calls.events import Event, MessagesWaiting
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.store import voicemail
from appliance.store.database import Trouble, open_reader
from appliance.store.voicemail import Message
from appliance.store.writer import DatabaseWriter
from appliance.voicemail.mailbox import Mailbox
from appliance.voicemail.storage import MailboxLimits

LIMIT = 20.0
SMALL = MailboxLimits(
    ballast_bytes=4096, low_water_bytes=0, high_water_bytes=0, sync_s=0.01, retry_s=0.02
)
"""Limits of a mailbox whose disk is as good as endless, and which is quick to try again."""

E = TypeVar("E")


def header(law: str, n_bytes: int) -> bytes:
    """Make a WAV header as the daemon lets the mailbox do."""
    return wav.header(Law(law), n_bytes)


def speech(seed: int, ms: int) -> bytes:
    """Make `ms` of sound that is like no other: G.711, 8 bytes a ms."""
    return random.Random(seed).randbytes(8 * ms)


@dataclass
class Box:
    """One folder with records and mailbox; `boot` counts the runs, `prepare` is the records'."""

    folder: Path
    limits: MailboxLimits = SMALL
    boot: int = 0
    facts: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    troubles: list[Trouble | None] = field(default_factory=list)
    prepare: Callable[[sqlite3.Connection], object] = lambda _: None

    @property
    def home(self) -> Path:
        """Where the mailbox keeps its files."""
        return self.folder / "voicemail"

    def start(self) -> Box:
        """Start records and mailbox, as the daemon does; recovery is over when this returns."""
        self.boot += 1
        self.records = DatabaseWriter(
            self.folder / "centralino.db", f"boot{self.boot}", self.troubles.append
        )
        self.records.prepare = self.prepare
        self.records.start()
        self.mailbox = Mailbox(
            self.home, self.records, header, self.facts.put, self.troubles.append, self.limits
        ).start()
        return self

    def stop(self) -> None:
        """Stop both, the mailbox first."""
        self.mailbox.stop(LIMIT)
        self.records.stop(LIMIT)

    def settle(self) -> list[Event]:
        """Wait until the writer has done all it was given; return the facts since the last time."""
        done = threading.Event()
        self.mailbox._commands.put(done.set)
        assert done.wait(LIMIT)
        return self.drain()

    def drain(self) -> list[Event]:
        """Return the facts that have come."""
        found: list[Event] = []
        while not self.facts.empty():
            found.append(self.facts.get())
        return found

    def wait_for(self, kind: type[E]) -> E:
        """Wait for a fact of a kind, passing over others."""
        while True:
            fact: object = self.facts.get(timeout=LIMIT)
            if isinstance(fact, kind):
                return fact

    def listed(self) -> tuple[Message, ...]:
        """Read the messages as a command would, newest first."""
        with closing(open_reader(self.folder / "centralino.db")) as reader:
            return voicemail.list_messages(reader)

    def sound(self, message: Message) -> bytes:
        """Read a message's sound, through the house's own WAV reader."""
        return wav.parse((self.home / message.path).read_bytes()).data

    def names(self, folder: str) -> set[str]:
        """List what lies in a folder of the mailbox."""
        return {path.name for path in (self.home / folder).iterdir()}


def hold(box: Box) -> threading.Event:
    """Stall the writer, as a card would, until the event is set."""
    go_on, reached = threading.Event(), threading.Event()

    def stall() -> None:
        reached.set()
        go_on.wait(LIMIT)

    box.mailbox._commands.put(stall)
    reached.wait(LIMIT)
    return go_on


def without_counts(facts: list[Event]) -> list[Event]:
    """Leave out how many messages wait."""
    return [fact for fact in facts if not isinstance(fact, MessagesWaiting)]
