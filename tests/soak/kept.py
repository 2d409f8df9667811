"""The soak's stores with a disk below them: what they are told is written by the real workers.

The real workers have threads and take real time; the soak waits for them wherever it matters, so
that its own time, and what it decides, stay the same from run to run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from appliance.calls import events, orders
from appliance.calls.events import StoreFailed
from appliance.calls.orders import CallRecord, Result
from appliance.dsp.wav import Law
from appliance.media.messages import RecordingStarted
from appliance.policy.mail import Mail
from appliance.store import outbox, voicemail
from appliance.store.database import open_reader
from appliance.store.voicemail import Message
from appliance.voicemail.storage import MailboxLimits
from tests.soak.store import Store
from tests.voicemail.box import Box

MANY = 1_000_000
"""More messages than a soak leaves: the list for people ends earlier."""
LIMITS = MailboxLimits(ballast_bytes=64 << 10, low_water_bytes=0, high_water_bytes=0)


@dataclass
class Told:
    """A file of lines: what was told must be remembered, but not in the memory that is measured."""

    path: Path

    def say(self, *words: str) -> None:
        """Add a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write("\t".join(words) + "\n")

    def lines(self) -> Iterator[list[str]]:
        """Yield the words of each line."""
        if self.path.exists():
            with self.path.open(encoding="utf-8") as file:
                for line in file:
                    yield line.rstrip("\n").split("\t")


@dataclass
class KeptStore(Store):
    """Keeps what it is told below `folder`, too; of calls long over it remembers nothing itself."""

    folder: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.box = Box(self.folder, LIMITS)
        self.is_up = False
        self._ended: dict[str, float] = {}
        self.calls, self.sounds_told = (
            Told(self.folder / "calls.told"),
            Told(self.folder / "messages.told"),
        )

    # --- what call control asks ------------------------------------------------------------------

    def order(self, order: orders.StoreOrder) -> None:
        """Carry out one order."""
        if isinstance(order, orders.CloseMessage) and order.message not in self.messages:
            self._answer(events.MessageClosed(order.listener))  # forgotten meanwhile
            return
        super().order(order)
        if isinstance(order, orders.DropRecording):
            self.box.mailbox.drop(order.recording)
        elif isinstance(order, orders.QueueMail):
            self.queue(order.mail)

    def queue(self, mail: Mail) -> None:
        """Keep a mail that wants to leave."""
        at = self.world.clock().wall
        self.box.records.ask(lambda c: outbox.queue_mail(c, mail, at, outbox.NO_DOMAIN))

    def begin(self, started: RecordingStarted) -> None:
        """A recording begins."""
        super().begin(started)
        if started.recording in self.open:
            record = self.records[started.recording]
            self.box.mailbox.begin(started.recording, started.law, record)

    def append(self, recording: str, data: bytes) -> None:
        """Take sound."""
        super().append(recording, data)
        if recording in self.open:
            self.box.mailbox.append(recording, data)

    def interrupt(self) -> None:
        """Do what a new start does, and start the workers anew."""
        super().interrupt()
        self.close()
        self.box.start()
        self.is_up = True

    def close(self) -> None:
        """Stop the workers."""
        if self.is_up:
            self.box.stop()
        self.is_up = False

    def forget(self, before: float) -> None:
        """Forget the calls that were over before a moment (monotonic s): the disk has them."""
        for call, ended in tuple(self._ended.items()):
            if ended < before:
                del self._ended[call]
                self.records.pop(call, None)
                self.messages.pop(f"m-{call}", None)
                self.world.watch.forget(call)

    # --- within ------------------------------------------------------------------------------

    def _write(self, record: CallRecord) -> None:
        super()._write(record)
        if record.ended_at is not None:
            self._ended[record.call] = self.world.now
        self.calls.say(record.call, record.result)
        self.box.records.write_call(record)

    def _finish(self, order: orders.StoreMessage) -> None:
        opened = self.open.get(order.recording)
        super()._finish(order)
        if opened is None:
            return
        if self.way in {"begin", "finish", "stalled"} or order.recording in self.failed:
            self.failed.discard(order.recording)
            self.box.mailbox.drop(order.recording)
            return
        self._seal(order, *opened)

    def _seal(self, order: orders.StoreMessage, law: Law, sound: bytearray) -> None:
        """Have the message stored for good, and wait for it."""
        self.box.mailbox.finish(order.recording, order.trim_ms, order.record)
        for fact in self.box.settle():
            if isinstance(fact, StoreFailed):
                self.world.fail(f"the real mailbox refused {fact.call}: {fact.reason}")
        kept = bytes(sound[: len(sound) - min(order.trim_ms * 8, len(sound))])
        self.sounds_told.say(order.call, hashlib.sha256(kept).hexdigest())

    # --- what lies there ---------------------------------------------------------------------

    def wrong(self) -> list[str]:
        """Compare what was told with what the disk holds, once all is written."""
        told = dict(self.calls.lines())
        said = list(self.sounds_told.lines())
        with closing(open_reader(self.folder / "centralino.db")) as reader:
            rows = list(reader.execute("SELECT call, result FROM calls"))
        kept = dict(rows)
        found = [f"{call} has {rows.count((call, kept[call]))} rows" for call in kept
                 if len(kept) != len(rows)]  # fmt: skip
        found += [f"{call} has no row" for call in told if call not in kept]
        found += [f"nobody told of {call}" for call in kept if call not in told]
        found += [
            f"{call} was told as {result}, and is {kept[call]}"
            for call, result in told.items()
            if call in kept and kept[call] not in {result, Result.INTERRUPTED, Result.MESSAGE}
        ]
        return found + self._wrong_sounds(said)

    def _wrong_sounds(self, said: list[list[str]]) -> list[str]:
        listed: dict[str, list[str]] = {}
        for message in self.stored():
            if not message.interrupted:
                sound = hashlib.sha256(self.box.sound(message)).hexdigest()
                listed.setdefault(message.call, []).append(sound)
        found = [
            f"{call} was told {sound[:8]}, the disk has {listed.get(call)}"
            for call, sound in said
            if listed.get(call) != [sound]
        ]
        return found + [f"nobody told of the message of {c}" for c in listed.keys() - dict(said)]

    def stored(self) -> tuple[Message, ...]:
        """Read all messages there are."""
        with closing(open_reader(self.folder / "centralino.db")) as reader:
            return voicemail.list_messages(reader, limit=MANY)
