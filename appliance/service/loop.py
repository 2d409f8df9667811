"""Call control's loop: one thread takes events from an inbox and carries out commands."""

from __future__ import annotations

import contextlib
import logging
import queue
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, get_args

from appliance.calls import events, orders
from appliance.calls.commands import BringHead, TransferCall
from appliance.calls.events import Event
from appliance.calls.status import Status
from appliance.calls.switchboard import Switchboard
from appliance.calls.transfer import Offered
from appliance.media.messages import Marked, Measured, MediaHealth
from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.directory import Directory
from appliance.policy.office import Office
from appliance.policy.opening import ServiceState
from appliance.policy.text import Words
from appliance.service.clock import ClockWatch
from appliance.service.media_link import Legs, MediaLink
from appliance.service.reports import Figures
from appliance.service.stores import Stores
from appliance.workers import Reported, faults

# A fault that repeats ends the process, which its service manager starts anew: what is wrong in
# memory is gone then, and calls of a moment are a smaller loss than a desk that decides nothing.

log = logging.getLogger(__name__)
MOST: Final = 20
WITHIN_S: Final = 60.0
"""So many faults within this time are one that lasts: ending one call takes three at most."""
PAUSES_S: Final = (1.0, 300.0)
"""First and longest pause of a job that failed (s): each is twice the one before."""


class Confinement:
    """Counts the faults of the deciding thread; `is_spent` once they are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=MOST)
        self._rests: dict[str, tuple[float, float]] = {}
        self.count = 0

    def note(self, error: BaseException) -> None:
        """Report and count a fault, within the handler that caught it; one reported counts not."""
        if not isinstance(error, Reported):
            self.count += 1
            self._times.append(self._clock())
        faults.report(error)

    @property
    def is_spent(self) -> bool:
        """True once faults come so fast that only a new start can help."""
        return len(self._times) == MOST and self._clock() - self._times[0] <= WITHIN_S

    @contextlib.contextmanager
    def one(self, *passing: type[Exception]) -> Iterator[None]:
        """Confine what is done within: the thread goes on. Errors that are `passing` are raised."""
        try:
            yield
        except passing:
            raise
        except Exception as error:  # noqa: BLE001 - the top of the deciding thread
            self.note(error)

    def chore(self, name: str, job: Callable[[], object]) -> None:
        """Do what no call waits for; after a failure it rests, and ends no process however often.

        Callers are served without it, and would not be while the process starts.
        """
        until, pause = self._rests.get(name, (0.0, PAUSES_S[0]))
        if self._clock() < until:
            return
        try:
            job()
        except Exception as error:  # noqa: BLE001 - as `one`
            faults.report(error)
            self._rests[name] = self._clock() + pause, min(pause * 2, PAUSES_S[1])
        else:
            self._rests.pop(name, None)


class Inbox:
    """`post` from any thread; `take` in the deciding thread; `fileno` wakes its selector."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that is readable while something waits."""
        return self._reader.fileno()

    def post(self, event: Event) -> None:
        """Leave a fact; never blocks."""
        self._queue.put(event)
        with contextlib.suppress(BlockingIOError):  # a full pipe is awake already
            self._writer.send(b"x")

    def take(self) -> Iterator[Event]:
        """Yield what has been left, oldest first."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._queue.get_nowait()

    def close(self) -> None:
        """Close the wake-up pair."""
        self._reader.close()
        self._writer.close()


# The disk, the LAN and the sound are other threads' and another process's business; here stand the
# selector, the deadlines and the dispatch of orders (design/processes.md).

SLOW_S = 0.05
"""A turn of the deciding thread longer than this is named in the journal (Klipper's notifier)."""
PORT_S = 0.05
"""So long nothing else is done while phones wait for their ports, which takes a millisecond."""
CARRIER_ORDERS = get_args(orders.CarrierOrder)
PHONE_ORDERS = get_args(orders.PhoneOrder)


class CallControl:
    """Turns the Switchboard; `on_status` hears every change of what people see.

    `also_due` says when (monotonic s) a turn must end for something that is not call control's.
    `confinement` counts what fails by a fault of ours: it ends one call at most (calls.confining).
    """

    def __init__(
        self,
        switchboard: Switchboard,
        stores: Stores,
        inbox: Inbox,
        selector: selectors.BaseSelector,
        on_status: Callable[[Status], None],
        clock: ClockWatch | None = None,
    ) -> None:
        self.figures = Figures()
        self.confinement = Confinement()
        self.on_answer: Callable[[orders.AnswerAsked], None] = lambda _: None
        self.on_health: Callable[[MediaHealth], None] = lambda _: None
        self.also_due: Callable[[], float | None] = lambda: None
        self._switchboard = switchboard
        switchboard.on_fault = self._note_fault
        self._stores = stores
        self._inbox = inbox
        self._selector = selector
        self._on_status = on_status
        self.clock = clock or ClockWatch()
        self._carrier: MediaLink | None = None
        self._legs: Legs | None = None
        self._shown: Status | None = None
        self._told_clock: tuple[ClockState, Doubt] | None = None
        self._may_differ = False
        self._rings_by: float | None = None
        self._facts: deque[events.Event] = deque()
        selector.register(inbox, selectors.EVENT_READ, self._wake)

    def join(self, carrier: MediaLink, legs: Legs) -> None:
        """Set the media link and the legs, which need call control themselves."""
        self._carrier, self._legs = carrier, legs
        carrier.confine = self.confinement.one

    def now(self) -> Now:
        """Say what time it is, by all three clocks."""
        state = self.clock.state()
        return self._switchboard.judged(Now(time.monotonic(), datetime.now(UTC), state))

    def status(self) -> Status:
        """Say what people see at the moment."""
        return self._switchboard.status(self.now())

    def answer_to(self, request: TransferCall) -> Words | None:
        """Say why a transfer that a person wants would not be carried out now; None: it would be.

        Raises OfficeError where nobody talks with that caller, or for an unknown office.
        """
        return self._switchboard.answer_to(request, self.now())

    def offered(self) -> tuple[Offered, ...]:
        """List every office and need, and whether a caller may go there now (P5)."""
        return self._switchboard.offered(self.now())

    def answer_about_head(self, request: BringHead) -> Words | None:
        """Say why the head would not be brought in, or called off, now; None: it would be.

        Raises OfficeError where nobody talks with that caller.
        """
        return self._switchboard.answer_about_head(request, self.now())

    def refusal_of(self, request: object) -> Words | None:
        """Say why what a person asks of the manual states is refused (E19); None: it is done."""
        return self._switchboard.refusal_of(request)

    def call_for(self, request: TransferCall | BringHead) -> str:
        """Return the call that is meant; raises OfficeError for none."""
        return self._switchboard.call_for(request)

    @property
    def service(self) -> ServiceState:
        """The manual states as they are kept."""
        return self._switchboard.service

    @property
    def register(self) -> Directory:
        """The register of offices in force."""
        return self._switchboard.register

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""
        return self._switchboard.office

    def turn(self, limit: float | None = None) -> None:
        """Wait for something, at most `limit` seconds, and deal with all that has come."""
        one, timeout = self.confinement.one, limit
        with one():
            self._show_changes()
        with one():
            timeout = self._timeout(limit)
        ready = self._selector.select(timeout)
        began = time.monotonic()
        for key, _ in ready:
            with one():
                key.data()
        with one():
            self._due()
        took = time.monotonic() - began
        if took > SLOW_S:
            log.warning("the desk was busy for %.0f ms", took * 1000)

    @property
    def is_in_a_hurry(self) -> bool:
        """True while phones are about to ring: all that is not for them has time until they do.

        For PORT_S at most: a media gateway that reserves no port is no reason to show nothing.
        """
        if self._legs is None or not self._legs.is_waiting:
            self._rings_by = None
            return False
        now = self.now().monotonic
        if self._rings_by is None:
            self._rings_by = now + PORT_S
        return now < self._rings_by

    def fact(self, event: events.Event) -> None:
        """Hear a fact and carry out what the Switchboard orders.

        An order can bring a fact about at once: the carrier turns out to be gone. That one waits
        until the orders before it are carried out, or they would come after what it leads to, and
        a call's record be written once more after its end.

        Raises Reported, once all is done, where a fault befell it: whoever asked for it is told.
        """
        self._facts.append(event)
        if len(self._facts) > 1:
            return
        before = self.confinement.count
        while self._facts:
            with self.confinement.one():
                self._hear(self._facts[0])
            self._facts.popleft()
        if self.confinement.count > before:
            raise Reported(f"a fault in the programme befell {type(event).__name__}")

    def _hear(self, event: events.Event) -> None:
        now, one = self.now(), self.confinement.one
        with one():
            if self._legs is not None and self._legs.is_repeated(event, now.monotonic):
                return
        for hear in (self._before, self._tell_legs):
            with one():
                hear(event, now)
        self._may_differ = True
        waiting = deque(self._switchboard.handle(event, now))
        while waiting:
            order = waiting.popleft()
            try:
                self.figures.order(order, self.now().monotonic)
                self._dispatch(order)
            except Exception as error:  # noqa: BLE001 - its call is brought to safety
                self.confinement.note(error)
                if isinstance(order, (*CARRIER_ORDERS, *PHONE_ORDERS)):
                    waiting.extend(self._switchboard.failed(order, now))

    def _before(self, event: events.Event, now: Now) -> None:
        """Let stores and figures take an event before the Switchboard does."""
        self.figures.fact(event, now.monotonic)
        if isinstance(event, events.SpokenSheetsChanged):
            self._give_voice()
        if isinstance(event, events.RecordingEnded):
            self._stores.dictations.ended(event)

    def _tell_legs(self, event: events.Event, _now: Now) -> None:
        if self._legs is not None:
            self._legs.fact(event)

    def _note_fault(self) -> None:
        """Take note of a fault that the Switchboard has caught, within its handler."""
        error = sys.exception()
        assert error is not None, "called where a fault was caught"
        self.confinement.note(error)

    def measured(self, measured: Measured | Marked) -> None:
        """Keep a time that the media gateway took, or a moment in it."""
        self.figures.measured(measured)

    def health(self, health: MediaHealth) -> None:
        """Keep the media gateway's figures; say when they are bad."""
        self.figures.health = health
        self.on_health(health)
        if health.underruns or health.overruns or health.stuck_writes:
            log.warning("carrier: %s", health)

    def post(self, event: events.Event) -> None:
        """Take a fact from any thread."""
        self._inbox.post(event)

    def drain_inbox(self) -> None:
        """Hear every fact that threads have left."""
        for event in self._inbox.take():
            with self.confinement.one():
                self.fact(event)

    def _show_changes(self) -> None:
        """Tell what people see once a turn, after the orders: a phone rings first."""
        if self.is_in_a_hurry:
            return
        now = self.now()
        if not self._may_differ and self._told_clock == (now.clock_state, now.doubt):
            return
        self._told_clock = (now.clock_state, now.doubt)
        self._may_differ = False
        status, shown = self.status(), self._shown
        if shown is None or replace(status, at=shown.at) != shown:
            self._shown = status
            self._on_status(status)

    def _wake(self) -> None:
        self.drain_inbox()

    def _timeout(self, limit: float | None) -> float | None:
        times = [self._switchboard.next_deadline(), self.also_due()]
        if self._carrier is not None:
            times.append(self._carrier.next_deadline())
        now = self.now().monotonic
        if self._rings_by is not None and self._rings_by > now:
            times.append(self._rings_by)
        waits = [max(0.0, at - now) for at in times if at is not None]
        if limit is not None:
            waits.append(limit)
        return min(waits, default=None)

    def _due(self) -> None:
        one = self.confinement.one
        if self._carrier is not None:
            with one():
                self._carrier.timer(self.now().monotonic)
        for passed in self._switchboard.due(self.now()):
            with one():
                self.fact(passed)

    def _give_voice(self) -> None:
        """Hand the media gateway the sounds before any call is offered them."""
        sounds = self._stores.spoken.take()
        if sounds is not None and self._carrier is not None:
            self._carrier.speak(sounds)

    def _dispatch(self, order: Any) -> None:
        if isinstance(order, orders.LoadMessage):
            if self._carrier is not None:
                self._carrier.send(order, self._stores.memory(order))
        elif isinstance(order, CARRIER_ORDERS):
            if self._carrier is not None:
                self._carrier.send(order)
        elif isinstance(order, PHONE_ORDERS):
            if self._legs is not None:
                self._legs.order(order)
        elif isinstance(order, orders.AnswerAsked):
            self.on_answer(order)
        else:
            self._stores.order(order)
