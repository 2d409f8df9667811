"""The fleet's thread: states as they are now, events in their order, whatever the broker does.

It alone waits for the broker; who tells it of something never does.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.errors import Bug, CentralinoError
from appliance.fleet.mqtt_broker import BrokerError
from appliance.fleet.mqtt_session import Depth, Session
from appliance.fleet.mqtt_topics import Message, availability
from appliance.policy.text import NOTHING, Words
from appliance.workers import BEAT_S, JOIN_LIMIT, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.fleet.mqtt_session import Line, Outbox
    from appliance.fleet.mqtt_topics import Event

log = logging.getLogger(__name__)

FIRST_S, MOST_S = 1.0, 120.0
"""A broker that is away is tried after 1, 2, 4 … seconds, at last every two minutes."""
STEADY_S: Final = 60.0
"""A connection that held so long was a good one: after its end the first pause is short again."""


@dataclass(frozen=True, slots=True)
class Health:
    """How it is: `why` says what keeps the broker away, `misset` that waiting mends nothing."""

    connected: bool = False
    why: Words = NOTHING
    misset: bool = False
    depth: Depth = Depth()


class Sender:
    """Publishes below `prefix`. `connect` makes a connection, `write` an event's message.

    `on_health` hears, in this thread, how it is, whenever that has changed; `on_failure` that a
    fault of ours keeps the thread from its work.
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
        self._worker = Worker("fleet", self._turn, on_failure)

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

    def _turn(self) -> None:
        """Serve one connection to its end, and wait before the next."""
        stopping, began = self._worker.stopping, time.monotonic()
        try:
            self._serve(stopping)
        except BrokerError as error:
            self._failed(error, time.monotonic() - began)
        except Bug:
            raise
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
                if look and session.is_taken:
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
