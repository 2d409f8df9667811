"""The fleet's thread: states as they are now, events in their order, whatever the broker does.

It alone waits for the broker; who tells it of something never does. An event leaves the disk only
once the broker has confirmed it, so it may arrive twice, under the same id, and is never lost.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from appliance.errors import CentralinoError
from appliance.fleet.mqtt_broker import BrokerError
from appliance.fleet.mqtt_topics import REFRESH_S, Message, availability
from appliance.policy.words import NOTHING, Words
from appliance.workers import BEAT_S, JOIN_LIMIT, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appliance.fleet.mqtt_topics import Event

log = logging.getLogger(__name__)

FIRST_S, MOST_S = 1.0, 120.0
"""A broker that is away is tried after 1, 2, 4 … seconds, at last every two minutes."""
LOOK_S: Final = 1.0
"""Whether a confirmation is late is looked at so often."""
STEADY_S: Final = 60.0
"""A connection that held so long was a good one: after its end the first pause is short again."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits, how much was dropped since ever, and when last ("" for never)."""

    waiting: int = 0
    dropped: int = 0
    dropped_at: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """How it is: `why` says what keeps the broker away, `misset` that waiting mends nothing."""

    connected: bool = False
    why: Words = NOTHING
    misset: bool = False
    depth: Depth = Depth()


class Outbox(Protocol):
    """Where events wait and what stays at the broker is remembered. All raise StoreError."""

    def waiting(self, after: int, most: int) -> tuple[Event, ...]:
        """Return events beyond a number, oldest first."""

    def settle(self, numbers: Iterable[int]) -> None:
        """Forget what the broker has confirmed."""

    def depth(self) -> Depth:
        """Count them."""

    def retained(self) -> frozenset[str]:
        """Return the topics under which the broker may hold something of ours."""

    def retain(self, topics: Iterable[str]) -> None:
        """Remember topics before something is published to stay there."""

    def release(self, topics: Iterable[str]) -> None:
        """Forget topics under which nothing is left."""


class Line(Protocol):
    """A connection, as fleet.mqtt.Connection is one."""

    def open(self) -> None:
        """Connect."""

    def turn(self, timeout: float) -> None:
        """Read and write, waiting at most so long."""

    def publish(self, message: Message) -> int:
        """Hand a message over."""

    def confirmed(self) -> list[int]:
        """Return what was confirmed."""

    def wake(self) -> None:
        """End a wait."""

    def abort(self) -> None:
        """Break off."""

    def close(self, last: Message | None = None) -> None:
        """Take leave."""

    @property
    def opening_since(self) -> float | None:
        """Since when it is being opened."""

    @property
    def window(self) -> int:
        """How many messages may wait for their confirmation at once."""


class Sender:
    """Publishes below `prefix`. `connect` makes a connection, `write` an event's message.

    `on_health` hears, in this thread, how it is, whenever that has changed; `on_failure` that the
    thread has ended by a fault of ours.
    """

    def __init__(
        self,
        prefix: str,
        outbox: Outbox,
        connect: Callable[[Message], Line],
        write: Callable[[Event], Message],
        on_health: Callable[[Health], None],
        on_failure: Callable[[BaseException], None] | None = None,
        pauses: tuple[float, float] = (FIRST_S, MOST_S),
    ) -> None:
        self._prefix, self._outbox = prefix, outbox
        self._connect, self._write, self._on_health = connect, write, on_health
        self._pauses = pauses
        self._health = Health()
        self._states: tuple[Message, ...] = ()
        self._line: Line | None = None
        self._news = threading.Event()  # there may be events that nobody has handed over
        self._failures = 0
        self._worker = Worker("fleet", self._work, on_failure)

    def start(self) -> Sender:
        """Start the thread."""
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """End; what waits is sent after the next start."""
        self._worker.stopping.set()
        self.wake()
        if self._line is not None and self._line.opening_since is not None:
            self._line.abort()
        self._worker.stop(limit)

    @property
    def beat_at(self) -> float:
        """When the loop last turned (monotonic s)."""
        return self._worker.beat_at

    @property
    def opening_since(self) -> float | None:
        """Since when (monotonic s) a connection is being opened, None when none is."""
        line = self._line
        return line.opening_since if line is not None else None

    def abort(self) -> None:
        """Break off what goes on; it is tried again after a pause."""
        line = self._line
        if line is not None:
            line.abort()

    def show(self, states: tuple[Message, ...]) -> None:
        """Take the states as they are now; from any thread, never waits."""
        if states != self._states:
            self._states = states
            line = self._line
            if line is not None:
                line.wake()

    def wake(self) -> None:
        """An event was kept; from any thread."""
        self._news.set()
        line = self._line
        if line is not None:
            line.wake()

    # --- the thread ---

    def _work(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._worker.beat()
            began = time.monotonic()
            try:
                self._serve(stopping)
            except BrokerError as error:
                self._failed(error, time.monotonic() - began)
            except CentralinoError as error:
                log.warning("fleet: %s", error)
                self._failures += 1
            self._pause(stopping)

    def _serve(self, stopping: threading.Event) -> None:
        """Connect and publish until told to stop; raises BrokerError, StoreError."""
        self._line = line = self._connect(availability(self._prefix, online=False))
        last = None
        try:
            line.open()
            session = Session(self._prefix, self._outbox, line, self._write)
            last = availability(self._prefix, online=False)
            look = True
            while not stopping.is_set():
                self._worker.beat()
                session.step(self._states, look)
                if look:
                    self._tell(connected=True)
                line.turn(session.wait_s())
                look = session.hear() or self._news.is_set()
                if look:
                    self._news.clear()  # before the disk is asked: nothing is overlooked
        finally:
            self._line = None
            line.close(last)

    def _failed(self, error: BrokerError, lasted: float) -> None:
        self._failures = 1 if lasted > STEADY_S else self._failures + 1
        if error.words != self._health.why:
            log.warning("mqtt: the broker %s", error)
        self._tell(connected=False, why=error.words, misset=error.misset)

    def _tell(self, *, connected: bool, why: Words = NOTHING, misset: bool = False) -> None:
        """Tell how it is, with what waits on the disk."""
        depth = self._health.depth
        with suppress(CentralinoError):
            depth = self._outbox.depth()
        health = Health(connected, why, misset, depth)
        if connected and not self._health.connected:
            log.info("mqtt: connected, %d events wait", depth.waiting)
        if health != self._health:
            self._health = health
            self._on_health(health)

    def _pause(self, stopping: threading.Event) -> None:
        """Wait before the next try: longer each time, and not all boxes of a town at once."""
        first, most = self._pauses
        wait = min(first * 2 ** min(max(self._failures - 1, 0), 16), most)
        until = time.monotonic() + wait * random.uniform(0.5, 1.0)
        while not stopping.is_set() and (left := until - time.monotonic()) > 0:
            self._worker.beat()
            if self._news.wait(min(left, BEAT_S)):
                self._news.clear()
                self._tell(connected=False, why=self._health.why, misset=self._health.misset)


class Session:
    """What is under way on one connection: states first, each as it is now, then events."""

    def __init__(
        self, prefix: str, outbox: Outbox, line: Line, write: Callable[[Event], Message]
    ) -> None:
        self._outbox, self._line, self._write = outbox, line, write
        self._here = availability(prefix, online=True)
        self._events: dict[int, int] = {}
        self._shown: dict[int, Message] = {}
        self._due: dict[str, Message] = {}
        self._told: dict[str, Message] = {}
        self._known = outbox.retained()
        self._is_swept = False
        self._handed = 0
        self._refresh_at = time.monotonic() + REFRESH_S

    def step(self, states: tuple[Message, ...], look: bool) -> None:
        """Hand over what has changed, what is due anew, and, asked to `look`, the next events.

        As many as may be under way; the rest follows what is confirmed. Raises StoreError.
        """
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + REFRESH_S
            self._told = {topic: one for topic, one in self._told.items() if not one.expiry_s}
        self._learn((self._here, *states))
        if states and not self._is_swept:
            self._is_swept = True
            self._sweep(states)
        while self._due and self._room():
            one = self._due.pop(next(iter(self._due)))
            self._shown[self._line.publish(one)] = one
        if look and self._room():
            for event in self._outbox.waiting(self._handed, self._room()):
                self._events[self._line.publish(self._write(event))] = event.number
                self._handed = event.number

    def hear(self) -> bool:
        """Forget what was confirmed; returns whether anything was, so that more may go."""
        confirmed = self._line.confirmed()
        events = [self._events.pop(mid) for mid in confirmed if mid in self._events]
        shown = [self._shown.pop(mid) for mid in confirmed if mid in self._shown]
        if events:
            self._outbox.settle(events)
        if emptied := [one.topic for one in shown if not one.payload]:
            self._outbox.release(emptied)
        return bool(confirmed)

    def wait_s(self) -> float:
        """Say how long nothing needs be done unless somebody wakes."""
        most = LOOK_S if self._events or self._shown else BEAT_S
        return min(most, max(0.0, self._refresh_at - time.monotonic()))

    def _room(self) -> int:
        return self._line.window - len(self._events) - len(self._shown)

    def _learn(self, states: tuple[Message, ...]) -> None:
        """Take what differs from what was told; topics are remembered before anything is there."""
        changed = [one for one in states if self._told.get(one.topic) != one]
        new = {one.topic for one in changed} - self._known
        if new:
            self._outbox.retain(new)
            self._known |= new
        for one in changed:
            self._due[one.topic] = self._told[one.topic] = one

    def _sweep(self, states: tuple[Message, ...]) -> None:
        """Empty the topics of lines, phones, prefixes that are no more."""
        stays = {one.topic for one in (self._here, *states)}
        for topic in sorted(self._known - stays):
            self._due[topic] = Message(topic, b"", retain=True)
        self._known &= stays
