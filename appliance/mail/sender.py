"""The mail thread: one notice after the other out of the outbox, whatever the network does.

It alone waits for the mail server; who queues a notice never does (reliability.md 4).
"""

from __future__ import annotations

import contextlib
import logging
import queue
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from appliance.errors import Bug, CentralinoError
from appliance.policy.directory_review import without_addresses
from appliance.policy.requests import Health, MailState, Reply, Round, Verdict
from appliance.workers import JOIN_LIMIT, Worker, one_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.policy.requests import Letter, Waiting

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
"""The outbox is looked at so often at least, whoever has queued something without a word."""


class Outbox(Protocol):
    """Where notices are kept. All raise StoreError."""

    def waiting(self) -> tuple[Waiting, ...]:
        """Return what is queued."""

    def dead(self) -> int:
        """Count the notices that were given up."""

    def load(self, number: int) -> Letter:
        """Return a notice as it leaves."""

    def settle(self, now: MailState, after: Waiting, said: str) -> None:
        """Keep what a try came to, durably."""


class Sender:
    """Sends what waits. `deliver` tries one notice, `give_up` ends a try that goes on.

    `on_health` hears, in the mail thread, how the outbox is, whenever that has changed;
    `on_failure` that a fault of ours keeps the thread from its work.
    """

    def __init__(
        self,
        outbox: Outbox,
        deliver: Callable[[Letter], Reply],
        give_up: Callable[[], None],
        on_health: Callable[[Health], None],
        on_failure: Callable[[BaseException], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._deliver = deliver
        self._give_up = give_up
        self._on_health = on_health
        self._clock = clock
        self._round = Round()
        self._health = Health()
        self._why = Reply(Verdict.SENT, "")
        self._asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._worker = Worker("mail", self._turn, on_failure)

    def start(self) -> Sender:
        """Start the thread; what earlier runs left in the outbox is tried at once."""
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """End, in the middle of a try if need be: it is tried again at the next start."""
        self._worker.stopping.set()
        self._asked.put(False)
        self._give_up()
        self._worker.stop(limit)

    @property
    def beat_at(self) -> float:
        """When the loop last turned (monotonic s)."""
        return self._worker.beat_at

    def wake(self, hurry: bool = False) -> None:
        """Something was queued; with `hurry` somebody asks for another try of all now."""
        self._asked.put(hurry)

    def _turn(self) -> None:
        try:
            wait = self._step()
        except Bug:
            raise
        except CentralinoError as error:
            log.warning("mail: %s", error)
            wait = LOOK_S
        if not self._worker.stopping.is_set():
            self._pause(wait)

    def _pause(self, wait: float | None) -> None:
        """Wait for the next turn, or until woken; all that was asked meanwhile is heard."""
        if wait == 0.0:
            return
        with contextlib.suppress(queue.Empty):
            hurry = self._asked.get(timeout=LOOK_S if wait is None else min(wait, LOOK_S))
            while not self._asked.empty():
                hurry = self._asked.get() or hurry
            if hurry:
                self._round.hurry(self._clock())

    def _step(self) -> float | None:
        """Try one notice, if one is due; returns how long to wait. Raises StoreError."""
        self._round.learn(self._outbox.waiting(), self._clock())
        number = self._round.next(self._clock())
        if number is not None:
            self._try(number)
        self._tell()
        return self._round.wait_s(self._clock())

    def _try(self, number: int) -> None:
        reply = self._delivered(number)
        if self._worker.stopping.is_set() and reply.verdict is not Verdict.SENT:
            return  # broken off by us: not the server's doing
        state, after = self._round.heard(number, reply.verdict, self._clock())
        level = logging.INFO if reply.verdict is Verdict.SENT else logging.WARNING
        told = replace(reply, said=without_addresses(reply.said))
        log.log(level, "mail %d: %s (%s)", number, told.verdict, told.said)
        if reply.verdict is not Verdict.REFUSED:
            self._why = told
        self._outbox.settle(state, after, reply.said)

    def _delivered(self, number: int) -> Reply:
        """Try one notice; one that our fault keeps back waits its turn, and the others go."""
        try:
            with one_job(OSError):
                return self._deliver(self._outbox.load(number))
        except Bug as error:
            return Reply(Verdict.LATER, str(error))

    def _tell(self) -> None:
        blocked = self._why.verdict in {Verdict.AWAY, Verdict.MISSET}
        health = Health(
            len(self._outbox.waiting()),
            self._outbox.dead(),
            self._why.said if blocked else "",
            misset=self._why.verdict is Verdict.MISSET,
        )
        if health != self._health:
            self._health = health
            self._on_health(health)
