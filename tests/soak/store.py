"""Records and mailbox in memory, with the ways in which a disk can fail; they outlive a crash."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from appliance.calls import events, orders
from appliance.calls.orders import CallRecord, Result
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.media.messages import RecordingStarted

if TYPE_CHECKING:
    from tests.soak.world import World

DISK_S = 0.03
"""A healthy card seals a message in so long."""
LATE_S = 12.0
"""Longer than call control waits for a message to be stored."""
WAYS = ("begin", "finish", "late", "stalled", "slow")
"""A disk: full as a recording begins, or ends; late with success, with failure; slow."""


@dataclass
class Sounds:
    """Messages on their way to a phone (appliance.service.housekeeping)."""

    store: Store
    ready: dict[str, int] = field(default_factory=dict)

    def take(self, listener: str) -> int | None:
        """Return the memfd fetched last for a leg."""
        return self.ready.pop(listener, None)

    def put(self, listener: str, sound: bytes) -> None:
        """Keep the sound of a message for a leg."""
        earlier = self.ready.pop(listener, None)
        if earlier is not None:
            os.close(earlier)
        fd = os.memfd_create("soak-message", os.MFD_CLOEXEC)
        os.write(fd, sound)
        self.ready[listener] = fd

    def close(self) -> None:
        """Close what nobody took."""
        for fd in self.ready.values():
            os.close(fd)
        self.ready.clear()


@dataclass
class Message:
    """One stored message."""

    number: int
    record: CallRecord
    sound: bytes
    law: Law
    closed: bool = False


class Dictations:
    """Nobody dictates here."""

    def ended(self, event: events.RecordingEnded) -> None:
        """It was a message's."""


@dataclass
class Store:
    """Takes call control's orders; what it answers comes after a disk's time to `post`."""

    world: World
    records: dict[str, CallRecord] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    open: dict[str, tuple[Law, bytearray]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    way: str = ""
    faulty: list[str] = field(default_factory=list)
    state: object = None

    def __post_init__(self) -> None:
        self.sounds = Sounds(self)
        self._numbers = itertools.count(1)
        self.dictations = Dictations()

    # --- what call control asks ------------------------------------------------------------------

    def order(self, order: orders.StoreOrder) -> None:
        """Carry out one order."""
        match order:
            case orders.WriteCall(record):
                self._write(record)
            case orders.StoreMessage():
                self._finish(order)
            case orders.DropRecording(recording):
                self.open.pop(recording, None)
            case orders.FetchMessage():
                self._fetch(order)
            case orders.CloseMessage(listener, message):
                self.messages[message].closed = True
                self._answer(events.MessageClosed(listener))
            case orders.SaveServiceState(state):
                self.state = state

    def memory(self, order: orders.LoadMessage) -> int | None:
        """Hand over what a phone is to hear."""
        return self.sounds.take(order.leg)

    def begin(self, started: RecordingStarted) -> None:
        """A recording begins; one whose call is over already (they crossed) is none."""
        record = self.records.get(started.recording)
        if record is None or record.result is not Result.OPEN:
            return
        if started.recording in self.open:
            self.world.fail(f"recording {started.recording} began twice")
        self.open[started.recording] = (Law(started.law), bytearray())
        if self.way == "begin":
            self.failed.add(started.recording)
            self._answer(events.StoreFailed(started.recording, "the disk is full"))

    def append(self, recording: str, data: bytes) -> None:
        """Take sound."""
        if recording in self.open:
            self.open[recording][1].extend(data)

    def interrupt(self) -> None:
        """Do what a new start does: open calls were interrupted, open recordings are kept."""
        for call, record in self.records.items():
            if record.result is Result.OPEN:
                self.records[call] = replace(
                    record, result=Result.INTERRUPTED, ended_at=self.world.clock().wall
                )
        for recording in tuple(self.open):
            self.open.pop(recording)
        self.sounds.close()

    # --- within ------------------------------------------------------------------------------

    def _write(self, record: CallRecord) -> None:
        known = self.records.get(record.call)
        if known is not None and known.ended_at is not None:
            corrected = known.result is Result.NOT_STORED and record.result is Result.MESSAGE
            if not corrected:
                self.faulty.append(f"{record.call} was written after its end: {record.trail[-3:]}")
        if record.ended_at is not None and record.result is Result.OPEN:
            self.faulty.append(f"{record.call} ended without a result")
        self.records[record.call] = record
        self.world.watch.recorded(record)

    def _finish(self, order: orders.StoreMessage) -> None:
        opened = self.open.pop(order.recording, None)
        if opened is None:
            return  # never begun: the mailbox only notes it
        law, sound = opened
        way = "finish" if order.recording in self.failed else self.way
        if way in {"finish", "begin"}:
            self._answer(events.StoreFailed(order.call, "the disk is full"))
        elif way == "stalled":
            self._answer(events.StoreFailed(order.call, "the disk has failed"), LATE_S)
        else:
            wait = {"late": LATE_S, "slow": 1.5}.get(way, DISK_S)
            trim = min(order.trim_ms * 8, len(sound))
            kept = bytes(sound[: len(sound) - trim])
            self.world.after(wait, self._sealed(order, kept, law))

    def _sealed(self, order: orders.StoreMessage, kept: bytes, law: Law) -> Callable[[], None]:
        control = self.world.control

        def sealed() -> None:
            name = f"m-{order.call}"
            self.messages[name] = Message(next(self._numbers), order.record, kept, law)
            self.world.post(events.MessageStored(order.call, name, len(kept) // 8), control)
            self.world.post(events.MessagesWaiting(len(self._waiting())), control)

        return sealed

    def _fetch(self, order: orders.FetchMessage) -> None:
        waiting = [m for m in self._waiting() if self.messages[m].number > order.after]
        if not waiting:
            self._answer(events.MessageFetched(order.listener))
            return
        name = waiting[0]
        message = self.messages[name]
        self.sounds.put(order.listener, g711.decode(message.sound[:4000], message.law))
        self._answer(
            events.MessageFetched(
                order.listener,
                name,
                message.number,
                message.record.caller,
                message.record.rang_at,
                len(waiting) - 1,
            )
        )

    def _waiting(self) -> list[str]:
        return [name for name, message in self.messages.items() if not message.closed]

    def _answer(self, event: events.Event, wait: float = DISK_S) -> None:
        control = self.world.control
        self.world.after(wait, lambda: self.world.post(event, control))
