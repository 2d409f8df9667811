"""What is under way on one connection to a broker: states first, each as it is now, then events.

An event leaves the disk only once the broker has confirmed it, so it may arrive twice, under the
same id, and is never lost.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from appliance.errors import CentralinoError
from appliance.fleet.mqtt_topics import REFRESH_S, Message, availability
from appliance.workers import BEAT_S, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appliance.fleet.mqtt_topics import Event

TRIES: Final = 3
"""So often an event is tried that fails by a fault of ours, before it is set aside."""
LOOK_S: Final = 1.0
"""Whether a confirmation is late is looked at so often."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits, how much was dropped since ever, and when last ("" for never)."""

    waiting: int = 0
    dropped: int = 0
    dropped_at: str = ""


class Outbox(Protocol):
    """Where events wait and what stays at the broker is remembered. All raise StoreError."""

    def waiting(self, after: int, most: int) -> tuple[Event, ...]:
        """Return events beyond a number, oldest first."""

    def settle(self, numbers: Iterable[int]) -> None:
        """Forget what the broker has confirmed."""

    def set_aside(self, number: int) -> None:
        """Keep an event apart that cannot be published: those behind it go on."""

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
        self.is_taken = False
        """Whether the broker has confirmed anything: some let a box in and take nothing of it."""
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
                self._hand_over(event)
                self._handed = event.number

    def _hand_over(self, event: Event) -> None:
        """Publish an event; one that fails by a fault of ours each time holds back no other."""
        for left in reversed(range(TRIES)):
            try:
                self._events[self._line.publish(self._write(event))] = event.number
            except CentralinoError:
                raise  # the broker's, or the disk's: the same event follows
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this event's
                faults.report(error)
                if not left:
                    self._outbox.set_aside(event.number)
            else:
                return

    def hear(self) -> bool:
        """Forget what was confirmed; returns whether anything was, so that more may go."""
        confirmed = self._line.confirmed()
        events = [self._events.pop(mid) for mid in confirmed if mid in self._events]
        shown = [self._shown.pop(mid) for mid in confirmed if mid in self._shown]
        if events:
            self._outbox.settle(events)
        if emptied := [one.topic for one in shown if not one.payload]:
            self._outbox.release(emptied)
        self.is_taken = self.is_taken or bool(confirmed)
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
