"""The deciding loop: stores, inbox, callbacks."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import selectors
import socket
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

from appliance.api.speech import SpokenSounds
from appliance.calls import events, orders
from appliance.calls.commands import BringHead, CallBack, TransferCall
from appliance.calls.events import Event
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.calls.status import Status
from appliance.calls.switchboard import Switchboard
from appliance.calls.transfer import Offered
from appliance.config.state_folder import drafts_of, speech_folder
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.errors import CentralinoError
from appliance.files import atomic_write, load_text, make_private
from appliance.media.messages import Marked, Measured, MediaHealth, RecordingStarted
from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.dialling import DIAL_REFUSAL_WORDS, DialLedger, DialRefusal, DialRules
from appliance.policy.directory import Directory
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.numbering import NumberClass
from appliance.policy.office import Office
from appliance.policy.opening import ManualState, ServiceState, StateMark
from appliance.policy.requests import Request
from appliance.policy.text import Words
from appliance.service.announcements import Dictations
from appliance.service.clock import ClockWatch
from appliance.service.housekeeping import MessageSounds, Pins, in_vain
from appliance.service.live_policy import LiveDirectory, LiveHours
from appliance.service.media_link import Legs, MediaLink
from appliance.service.reports import Figures
from appliance.store import call_log, care, requests
from appliance.store.backup import PolicyCopy
from appliance.store.backup import folder_of as folder_of_copy
from appliance.store.database import Trouble, database_path
from appliance.store.directory import key_path
from appliance.store.requests import Taking
from appliance.store.writer import Records
from appliance.voicemail.mailbox import DEFAULT_LIMITS, Mailbox
from appliance.voicemail.storage import Limits
from appliance.workers import Reported, faults

# ---- confinement -------------------------------------------------------------------------------
# Confinement of faults of ours in the deciding thread: each is reported, the thread goes on.
#
# A fault that repeats ends the process, which its service manager starts anew: what is wrong in
# memory is gone then, and calls of a moment are a smaller loss than a desk that decides nothing.

log = logging.getLogger(__name__)

MOST: Final = 20
WITHIN_S: Final = 60.0
"""So many faults within this time are one that stays. A call takes three at most to its end."""
PAUSES_S: Final = (1.0, 300.0)
"""How long a chore that failed is left alone: each time twice as long, up to the longest."""


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


# ---- inbox -------------------------------------------------------------------------------------
# The desk's inbox: facts from every thread, taken in order by the one that decides.


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


# ---- outgoing log ------------------------------------------------------------------------------
# What the journal says of calls out: refusals, and calls for help; never a number (P7).


def log_outgoing(record: CallRecord) -> None:
    """Say in the journal what of a written record is worth it: once, when the call is over."""
    if record.direction is not Direction.OUT or record.ended_at is None:
        return
    if record.result is Result.REFUSED:
        log.warning(
            "%s may not call out: %s",
            record.phone,
            DIAL_REFUSAL_WORDS[DialRefusal(record.reason)].en,
        )
    elif record.number_class == NumberClass.EMERGENCY:
        freed = " ".join(code for code in record.trail if code.startswith("freed."))
        log.warning("emergency call from %s: %s %s", record.phone, record.result, freed)


# ---- stores ------------------------------------------------------------------------------------
# Records and mailbox as the desk sees them: orders in, facts out through the inbox, no waiting.

STOP_LIMIT_S = 10.0
AWAY = "away:"


def _not_counted(result: object) -> None:
    if isinstance(result, CentralinoError):
        log.info("a call back in vain was not counted: %s", result)


class Stores:
    """Owns the two workers; remembers each open call's record, which a recording begins with."""

    def __init__(
        self,
        state: Path,
        boot: str,
        post: Callable[[events.Event], None],
        on_trouble: Callable[[str, Trouble | None], None],
        site: Path | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        make_private(state)
        self._post = post
        self._bindings_file = state / "phone_bindings.json"
        self._service_file = state_file(state)
        self.records = Records(
            database_path(state),
            boot,
            lambda trouble: on_trouble("records", trouble),
            self._interrupted,
        )
        self.mailbox = Mailbox(
            state / "voicemail",
            self.records,
            lambda law, length: wav.header(Law(law), length),
            post,
            lambda trouble: on_trouble("voicemail", trouble),
            limits,
        )
        self.on_call: Callable[[orders.CallRecord], None] = lambda _: None
        """Told of every record of a call, as it is written."""
        self.on_care: Callable[[], None] = lambda: None
        """Told when somebody has dealt with a message or a missed call."""
        self.pins = Pins(state, self.records, post)
        self.sounds = MessageSounds(state / "voicemail", self.records, self.mailbox.recount, post)
        self.register = LiveDirectory(
            self.records,
            key_path(database_path(state)),
            post,
            lambda trouble: on_trouble("register", trouble),
        )
        self.hours = LiveHours(self.records, post, lambda trouble: on_trouble("hours", trouble))
        self._policy = PolicyCopy(
            folder_of_copy(database_path(state)), lambda trouble: on_trouble("policy", trouble)
        )
        self.records.watch(self.register.look)
        self.records.watch(self.hours.look)
        self.records.watch(self._policy.look)
        self.spoken = SpokenSounds(speech_folder(state), site, self.records, post)
        self.dictations = Dictations(drafts_of(state), self.records, post)
        self._calls: dict[str, orders.CallRecord] = {}
        self._outgoing = DialRules()
        self._asked_by: dict[tuple[str, str], str] = {}

    def start(self) -> None:
        """Start both workers; nothing here waits for the disk."""
        self.records.start()
        self.mailbox.start()
        self.register.load()
        self.hours.load()

    def stop(self, hear: Callable[[], None]) -> None:
        """Write what is queued and end; a disk that stalls on is left to the next start.

        `hear` is called once the mailbox has told its last, which the records can still keep.
        """
        with contextlib.suppress(CentralinoError):
            self.mailbox.stop(STOP_LIMIT_S)
        hear()
        with contextlib.suppress(CentralinoError):
            self.records.stop(STOP_LIMIT_S)

    def order(self, order: orders.StoreOrder) -> None:
        """Carry out one order of the Switchboard."""
        match order:
            case orders.WriteCall(record):
                self._keep(record)
                self.on_call(record)
                log_outgoing(record)
                self.records.write_call(record)
                self._count_in_vain(record)
            case orders.StoreMessage():
                self.mailbox.finish(order.recording, order.trim_ms, order.record)
            case orders.StoreCallBack(record):
                self._store_call_back(record)
            case orders.StoreRequest():
                self._store_request(order)
            case orders.QueueMail(mail):
                self.queue_mail(mail)
            case orders.DropRecording(recording):
                self.mailbox.drop(recording)
            case orders.KeepTake() | orders.DropTake() | orders.TakeWent():
                self.dictations.order(order)
            case (
                orders.FetchMessage()
                | orders.CloseMessage()
                | orders.MarkMessage()
                | orders.CheckPin()
            ):
                self._for_listener(order)
            case orders.SaveServiceState(state) if isinstance(state, ServiceState):
                self.records.do(lambda _: save_state(self._service_file, state))

    def _for_listener(self, order: orders.ListenerOrder) -> None:
        """Carry out what a phone that hears messages asks for."""
        match order:
            case orders.FetchMessage():
                self.sounds.fetch(order)
            case orders.CloseMessage():
                self.sounds.close(order)
            case orders.MarkMessage():
                self.sounds.mark(order)
            case orders.CheckPin():
                self.pins.check(order)

    def called_back(self, asked: CallBack) -> None:
        """Remember who asks for a call back until it is over; a position makes one at a time."""
        self._asked_by = {k: v for k, v in self._asked_by.items() if k[0] != asked.position}
        self._asked_by[asked.position, asked.case] = asked.by

    def _count_in_vain(self, record: orders.CallRecord) -> None:
        """Count a call back that met nobody; one that a colleague has taken meanwhile is theirs."""
        if record.ended_at is None:
            return
        asked_by = self._asked_by.pop((record.phone, record.case), "")
        counted = in_vain(record, asked_by)
        if counted is not None:
            kind, name, entry = counted
            self.records.do(lambda c: care.add(c, kind, name, entry), _not_counted)

    def forget_numbers(self, numbers: tuple[str, ...]) -> None:
        """Have the desk forget numbers that were erased (E20)."""
        self.load_numbers(self._outgoing, numbers)

    def load_numbers(self, outgoing: DialRules, forgotten: tuple[str, ...] = ()) -> None:
        """Read who has called and what was dialled; NumbersKnown tells the desk (E17)."""
        self._outgoing = outgoing

        def told(found: DialLedger | CentralinoError) -> None:
            if isinstance(found, CentralinoError):
                log.error("who has called cannot be read, nobody is called back: %s", found)
            else:
                self._post(events.NumbersKnown(found, forgotten))

        now = datetime.now(UTC)
        self.records.do(lambda c: call_log.ledger(c, outgoing.plan, now, outgoing.known_days), told)

    def queue_mail(self, mail: Mail) -> None:
        """Keep a notice in the outbox; none to a head who has no address: nobody would read it."""
        at, letters = datetime.now(UTC), self.records.letters
        if mail.to == TO_HEAD and not letters.head:
            log.info("%s: the head is not told, [mail] head is empty", mail.key)
            return

        def told(result: CentralinoError | None) -> None:
            if isinstance(result, CentralinoError):
                log.error("mail %s could not be kept: %s", mail.key, result)
            else:
                letters.queued()

        self.records.do(lambda c: requests.queue(c, mail, at, letters.domain), told)

    def _store_request(self, order: orders.StoreRequest) -> None:
        """Store a request at once, or, with the caller's words, once they are on the disk."""
        if order.recording:
            if not self.mailbox.finish_request(order.recording, order.trim_ms, order.request):
                self._post(events.StoreFailed(order.call, "the caller's words were never recorded"))
            return
        taking = Taking(uuid.uuid4().hex, order.request, datetime.now(UTC))
        letters = self.records.letters

        def told(result: Request | CentralinoError) -> None:
            if isinstance(result, CentralinoError):
                self._post(events.StoreFailed(order.call, str(result)))
            else:
                letters.queued()
                self._post(events.RequestStored(order.call, result.number))
                self.load_numbers(self._outgoing)  # who asked may be called back

        self.records.do(lambda c: requests.insert(c, taking, letters), told)

    def _store_call_back(self, record: orders.CallRecord) -> None:
        """Keep the wish to be called back; only then may it be promised."""
        self._keep(record)

        def done(error: CentralinoError | None) -> None:
            failed = isinstance(error, CentralinoError)
            self._post(
                events.StoreFailed(record.call, str(error))
                if failed
                else events.CallBackStored(record.call)
            )

        self.records.keep_call(record, done)

    def begin(self, started: RecordingStarted) -> None:
        """A recording begins: its sound follows."""
        if self.dictations.begin(started):
            return
        record = self._calls.get(started.recording)
        if record is None:
            log.error("voicemail: recording %s belongs to no call", started.recording)
        else:
            self.mailbox.begin(started.recording, started.law, record)

    def append(self, recording: str, data: bytes) -> None:
        """Add sound of a recording as it arrives."""
        if not self.dictations.append(recording, data):
            self.mailbox.append(recording, data)

    def memory(self, order: orders.LoadMessage) -> int | None:
        """Return the memfd of what a phone is to hear, for the carrier; the taker closes it."""
        own = self.dictations.memory(order)
        return self.sounds.take(order.leg) if own is None else own

    def load_service_state(self) -> ServiceState:
        """Return the manual states of the last run; none when there is nothing to read."""
        return load_state(self._service_file)

    def load_bindings(self) -> str:
        """Return what was kept of the phones' registrations, "" for nothing."""
        return load_text(self._bindings_file)

    def save_bindings(self, text: str) -> None:
        """Keep the phones' registrations; in the worker's thread."""
        self.records.do(lambda _: atomic_write(self._bindings_file, text))

    def save_left(self, file: Path, text: str) -> None:
        """Keep what calls of phones are up, in a file of the run folder: that is memory."""
        self.records.do(lambda _: atomic_write(file, text, is_durable=False))

    def _keep(self, record: orders.CallRecord) -> None:
        if record.result is orders.Result.OPEN:
            self._calls[record.call] = record
        else:
            self._calls.pop(record.call, None)

    def _interrupted(self, records: tuple[orders.CallRecord, ...]) -> None:
        for record in records:
            log.warning("call %s on %s was interrupted by the last stop", record.call, record.line)


def state_file(state: Path) -> Path:
    """Say where the manual states lie below the state folder."""
    return state / "service_state.json"


def save_state(path: Path, state: ServiceState) -> None:
    """Write the manual states."""
    atomic_write(path, json.dumps(state_to_json(state)))


def load_state(path: Path) -> ServiceState:
    """Read the manual states; a missing or broken file means none, and is said."""
    try:
        return state_from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ServiceState()
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s cannot be read (%s): no manual state is in force", path, error)
        return ServiceState()


def state_to_json(state: ServiceState) -> dict[str, dict[str, str | bool | None]]:
    """Write the marks that are on, times in ISO form; those of phones as "away:NAME"."""
    marks = state.marks() | {f"{AWAY}{phone}": mark for phone, mark in state.away}
    return {
        name: {
            "by": mark.by,
            "since": mark.since.isoformat(),
            "until": mark.until.isoformat() if mark.until else None,
            "by_hours": mark.by_hours,
        }
        for name, mark in marks.items()
    }


def state_from_json(data: dict[str, Any]) -> ServiceState:
    """Read marks; raises ValueError, KeyError or TypeError when it is none of ours."""
    state = ServiceState()
    for name, mark in data.items():
        until = datetime.fromisoformat(mark["until"]) if mark["until"] else None
        since = datetime.fromisoformat(mark["since"])
        read = StateMark(str(mark["by"]), since, until, mark.get("by_hours") is True)
        if name.startswith(AWAY):
            state = state.go_away(name.removeprefix(AWAY), read)
        else:
            state = state.set(ManualState(name), read)
    return state


# ---- desk --------------------------------------------------------------------------------------
# The desk: one thread that decides. Facts in, the Switchboard's orders out, no waiting.
#
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

    `also_due` says when (monotonic s) a turn must end for something that is not the desk's.
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
        """Give the desk the two sides that need the desk themselves."""
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

        For PORT_S at most: a carrier that reserves no port is no reason to show nothing.
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
        """Do what the desk's own parts do of an event, before any call hears of it."""
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
        """Keep a time that the carrier took, or a moment in it."""
        self.figures.measured(measured)

    def health(self, health: MediaHealth) -> None:
        """Keep the carrier's figures; say when they are bad."""
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

    # --- within ------------------------------------------------------------------------------

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
        """Hand the carrier the sounds before any call is offered them."""
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


# ---- records made ------------------------------------------------------------------------------
# Where the records are that the desk has made: a command never makes them itself.
