"""Call control's loop: one thread takes events from an inbox and carries out orders."""

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
from appliance.calls.commands import BringHead, ControlPhone, TransferCall
from appliance.calls.events import Event
from appliance.calls.phone_control import PhoneVerdict
from appliance.calls.status import Status
from appliance.calls.switchboard import Switchboard
from appliance.calls.transfer import Offered
from appliance.media.messages import Marked, Measured
from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.directory import Directory
from appliance.policy.office import Office
from appliance.policy.opening import ServiceState
from appliance.policy.supervision import MediaHealth
from appliance.service.clock import ClockWatch
from appliance.service.media_link import Legs, MediaLink
from appliance.service.reports import Figures
from appliance.service.stores import Stores
from appliance.text import Words
from appliance.workers import Reported, faults

# A fault that repeats ends the process, and its service manager starts it anew: a wrong state in
# memory is gone then, and the present calls are a smaller loss than call control that decides
# nothing.

log = logging.getLogger(__name__)
# Ending one call takes three faults at most: twenty within a minute are one that lasts.
MOST: Final = 20
WITHIN_S: Final = 60.0
# First and longest pause of a job that failed (s): each is twice the one before.
PAUSES_S: Final = (1.0, 300.0)


class Confinement:
    """Counter of the deciding thread's faults; `is_spent` once there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=MOST)
        self._rests: dict[str, tuple[float, float]] = {}
        self.count = 0

    def note(self, error: BaseException) -> None:
        """Report and count a fault, within the handler that caught it."""
        # Reported stands for a fault that was counted where it happened.
        if not isinstance(error, Reported):
            self.count += 1
            self._times.append(self._clock())
        faults.report(error)

    @property
    def is_spent(self) -> bool:
        """True once MOST faults lie within WITHIN_S: only a new process can help."""
        return len(self._times) == MOST and self._clock() - self._times[0] <= WITHIN_S

    @contextlib.contextmanager
    def one(self, *passing: type[Exception]) -> Iterator[None]:
        """Confine the faults of a block: report them, raise only errors of the types `passing`."""
        try:
            yield
        except passing:
            raise
        except Exception as error:  # noqa: BLE001 - the top of the deciding thread
            self.note(error)

    def run_job(self, name: str, job: Callable[[], object]) -> None:
        """Run a job that no call waits for; after a fault it pauses (PAUSES_S)."""
        # Not counted as `one` does: callers are served without the job, and would not be while
        # the process restarts.
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
    """Queue of events from every thread: `post` from any, `take` in the deciding thread.

    `fileno` becomes readable and wakes that thread's selector.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that is readable while an event waits."""
        return self._reader.fileno()

    def post(self, event: Event) -> None:
        """Queue an event; never blocks."""
        self._queue.put(event)
        # A full pipe has woken the reader already.
        with contextlib.suppress(BlockingIOError):
            self._writer.send(b"x")

    def take(self) -> Iterator[Event]:
        """Yield the queued events, oldest first."""
        # The pipe is emptied before the queue: an event posted in between wakes the next turn.
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._queue.get_nowait()

    def close(self) -> None:
        """Close the wake-up sockets."""
        self._reader.close()
        self._writer.close()


# Disk, LAN and sound belong to other threads and to the media gateway; this part has the selector,
# the deadlines and the dispatch of orders (design/processes.md).

# A longer turn of the deciding thread (s) is logged, as Klipper does.
SLOW_S = 0.05
# Reserving a port takes a millisecond: a media gateway that reserves none is not waited for.
PORT_S = 0.05
MEDIA_ORDERS = get_args(orders.MediaOrder)
PHONE_ORDERS = get_args(orders.PhoneOrder)


class CallControl:
    """The deciding thread's loop around Switchboard; `on_status` gets every changed status.

    `also_due` returns a deadline of other parts (monotonic s) at which a turn must end.
    `confinement` counts faults of ours: each ends one call at most (calls/confinement.py).
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
        self._media_link: MediaLink | None = None
        self._legs: Legs | None = None
        self._shown: Status | None = None
        self._told_clock: tuple[ClockState, Doubt] | None = None
        self._may_differ = False
        self._rings_by: float | None = None
        self._facts: deque[events.Event] = deque()
        selector.register(inbox, selectors.EVENT_READ, self._wake)

    def join(self, media_link: MediaLink, legs: Legs) -> None:
        """Set the media link and the legs."""
        # Not in the constructor: both are made with call control's own methods as callbacks.
        self._media_link, self._legs = media_link, legs
        media_link.confine = self.confinement.one

    def now(self) -> Now:
        """Return the time: monotonic, wall, and how far the wall clock is trusted."""
        # Durations go by the monotonic clock; the wall clock is for display and opening hours alone
        # (reference/reliability.md 6).
        state = self.clock.state()
        return self._switchboard.judged(Now(time.monotonic(), datetime.now(UTC), state))

    def status(self) -> Status:
        """Return the present status, as people see it."""
        return self._switchboard.status(self.now())

    def answer_to(self, request: TransferCall) -> Words | None:
        """Return the reason to refuse a transfer now; None if it would be carried out.

        Raises OfficeError if nobody talks with that caller, or for an unknown office.
        """
        return self._switchboard.answer_to(request, self.now())

    def offered(self) -> tuple[Offered, ...]:
        """List every office and need with whether a caller may be transferred there now (P5)."""
        return self._switchboard.offered(self.now())

    def answer_about_head(self, request: BringHead) -> Words | None:
        """Return the reason not to bring in, or call off, the supervisor now; None if none.

        Raises OfficeError if nobody talks with that caller.
        """
        return self._switchboard.answer_about_head(request, self.now())

    def about_phone(self, request: ControlPhone) -> PhoneVerdict:
        """Decide on a command for the phone of a position."""
        return self._switchboard.about_phone(request, self.now())

    def why_no_ring(self, phone: str) -> Words | None:
        """Return why a phone cannot ring for a try now, None if it can."""
        return self._switchboard.why_no_ring(phone)

    def refusal_of(self, request: object) -> Words | None:
        """Return the reason to refuse a change of a manual state (E19); None if it is done."""
        return self._switchboard.refusal_of(request)

    def call_for(self, request: TransferCall | BringHead) -> str:
        """Return the id of the call that a command names; raises OfficeError for none."""
        return self._switchboard.call_for(request)

    @property
    def service(self) -> ServiceState:
        """The manual states: unattended, closed, absent and the like."""
        return self._switchboard.service

    @property
    def directory(self) -> Directory:
        """The directory of offices in force."""
        return self._switchboard.directory

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""
        return self._switchboard.office

    def turn(self, limit: float | None = None) -> None:
        """Wait for events, at most `limit` seconds, and handle all that have come."""
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
            log.warning("call control was busy for %.0f ms", took * 1000)

    @property
    def is_in_a_hurry(self) -> bool:
        """True while phones wait for their RTP ports: jobs that are not theirs wait, PORT_S (s) at
        most.
        """
        if self._legs is None or not self._legs.is_waiting:
            self._rings_by = None
            return False
        now = self.now().monotonic
        if self._rings_by is None:
            self._rings_by = now + PORT_S
        return now < self._rings_by

    def fact(self, event: events.Event) -> None:
        """Handle an event and carry out the Switchboard's orders.

        Raises Reported after all orders if a fault of ours occurred, so that the asker is told.
        """
        # An order can cause an event at once: the media gateway turns out to be gone. That event
        # waits until the orders before it are carried out; they would else come after its own
        # orders, and a call's record would be written once more after its end.
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
            # Some phones send each key by RTP and by INFO; the Switchboard gets it once.
            if self._legs is not None and self._legs.is_repeated(event, now.monotonic):
                return
        for hear in (self._before, self._tell_legs):
            with one():
                hear(event, now)
        self._may_differ = True
        waiting = deque(self._switchboard.handle(event, now))
        while waiting:
            order = waiting.popleft()
            if isinstance(order, orders.Play):
                log.debug("%s hears %s", order.line or order.leg, " ".join(order.prompts))
            try:
                self.figures.order(order, self.now().monotonic)
                self._dispatch(order)
            except Exception as error:  # noqa: BLE001 - its call is brought to safety
                self.confinement.note(error)
                if isinstance(order, (*MEDIA_ORDERS, *PHONE_ORDERS)):
                    waiting.extend(self._switchboard.failed(order, now))

    def _before(self, event: events.Event, now: Now) -> None:
        """Pass an event to stores and figures before the Switchboard gets it."""
        self.figures.fact(event, now.monotonic)
        if isinstance(event, events.SpokenSheetsChanged):
            self._give_voice()
        if isinstance(event, events.RecordingEnded):
            self._stores.dictations.ended(event)

    def _tell_legs(self, event: events.Event, _now: Now) -> None:
        if self._legs is not None:
            self._legs.fact(event)

    def _note_fault(self) -> None:
        """Count a fault that the Switchboard has caught; called within its `except` block."""
        error = sys.exception()
        assert error is not None, "called where a fault was caught"
        self.confinement.note(error)

    def measured(self, measured: Measured | Marked) -> None:
        """Keep a duration, or a moment, that the media gateway has measured."""
        self.figures.measured(measured)

    def health(self, health: MediaHealth) -> None:
        """Keep the media gateway's figures; log underruns, overruns and stuck writes."""
        self.figures.health = health
        self.on_health(health)
        if health.underruns or health.overruns or health.stuck_writes:
            log.warning("media gateway: %s", health)

    def post(self, event: events.Event) -> None:
        """Queue an event from any thread."""
        self._inbox.post(event)

    def drain_inbox(self) -> None:
        """Handle every event in the inbox; the fault of one does not keep back the next."""
        for event in self._inbox.take():
            with self.confinement.one():
                self.fact(event)

    def _show_changes(self) -> None:
        """Show a changed status once a turn."""
        # A phone rings first.
        if self.is_in_a_hurry:
            return
        now = self.now()
        # Without an event only the clock's trust can have changed.
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
        if self._media_link is not None:
            times.append(self._media_link.next_deadline())
        now = self.now().monotonic
        if self._rings_by is not None and self._rings_by > now:
            times.append(self._rings_by)
        waits = [max(0.0, at - now) for at in times if at is not None]
        if limit is not None:
            waits.append(limit)
        return min(waits, default=None)

    def _due(self) -> None:
        one = self.confinement.one
        if self._media_link is not None:
            with one():
                self._media_link.timer(self.now().monotonic)
        for passed in self._switchboard.due(self.now()):
            with one():
                self.fact(passed)

    def _give_voice(self) -> None:
        """Send changed spoken sheets to the media gateway before a call can be offered them."""
        # A second memfd beside the Setup's: what plays already plays on.
        sounds = self._stores.spoken.take()
        if sounds is not None and self._media_link is not None:
            self._media_link.speak(sounds)

    def _dispatch(self, order: Any) -> None:
        if isinstance(order, orders.LoadMessage):
            if self._media_link is not None:
                self._media_link.send(order, self._stores.memory(order))
        elif isinstance(order, MEDIA_ORDERS):
            if self._media_link is not None:
                self._media_link.send(order)
        elif isinstance(order, PHONE_ORDERS):
            if self._legs is not None:
                self._legs.order(order)
        elif isinstance(order, orders.AnswerAsked):
            self.on_answer(order)
        else:
            self._stores.order(order)
