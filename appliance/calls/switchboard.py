"""The Switchboard: facts in, orders out. It decides; it opens nothing and reads no clock.

`handle(event, now)` returns the orders to carry out, in order. `next_deadline()` says when `due`
must be asked; the events it returns are handled like any other. The service translates around it:
it reserves an RTP port before a phone is rung, and keeps records and recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Never, TypeVar, cast

from appliance.calls import (
    branches,
    conference,
    confinement,
    dictation,
    keycodes,
    model,
    orders,
    outgoing,
    outside_call,
    positions,
    queue,
    returning,
    ringing,
    timers,
    transfer,
)
from appliance.calls.commands import BringHead, TransferCall
from appliance.calls.events import (
    BoxStopped,
    BranchCalled,
    CallBackAsked,
    CallerHungUp,
    CallerIdentified,
    CarrierLost,
    DeadlinePassed,
    DictationAsked,
    Event,
    Evidence,
    LineNeeded,
    LineRang,
    OperatorAnswered,
    PhoneDialled,
    ServiceStateChanged,
    TransferAsked,
)
from appliance.calls.handlers import HANDLERS
from appliance.calls.manual_states import become, requested
from appliance.calls.model import Call, Desk, LineState
from appliance.calls.orders import CallRecord, Order
from appliance.calls.states import Ignored, State, row_for
from appliance.calls.status import Status, status
from appliance.calls.transfer import Offered
from appliance.policy.clock import Now
from appliance.policy.directory import Directory
from appliance.policy.office import Office
from appliance.policy.opening import NO_MANUAL_STATES, ServiceState
from appliance.policy.text import SaidError, Words

EXPIRY = "service_state"
"""`what` of the deadline at which a manual state ends by itself."""

Orders = Iterator[Order]
Rescue = Callable[[tuple[Order, ...]], Orders]
"""Says what is ordered instead, once a step has failed after what it is given."""


class Switchboard:
    """One office's calls. `prefix` makes call ids unique over restarts: ids are "prefix-1", ...

    `state` is what was kept of the manual states. Not thread-safe: one thread decides. `on_fault`
    is called within the handler that has caught a fault of ours, which is confined to the call that
    it befell (confining.py); without it faults are raised.
    """

    def __init__(
        self,
        office: Office,
        prefix: str,
        state: ServiceState = NO_MANUAL_STATES,
        on_fault: Callable[[], None] | None = None,
    ) -> None:
        self.on_fault = on_fault
        self._desk = Desk(office, prefix, state)
        self._expiry = None if state.next_expiry() is None else 0.0
        self._heeded = NO_MANUAL_STATES

    def handle(self, event: Event, now: Now) -> tuple[Order, ...]:
        """Take a fact and return the orders it leads to.

        Of a leg that is no phone's but an ordinary telephone's, only its line can tell.
        """
        desk = self._desk
        now, event = self._prepared(event, now)
        if getattr(event, "leg", "") in desk.outside:
            return ()
        told = self._told
        given = told(
            self._first(event, now), now, lambda got: confinement.unheard(desk, event, got)
        )
        given += told(self._dispatch(event, now), now, lambda _: self._all_of(event, now))
        given += told(returning.seek(desk, now), now, lambda _: self._returns(now))
        given += told(self._seize(now), now, lambda _: self._seekers(now))
        heeded = told(self._heed_states(now), now)
        kept = told(ringing.keep(desk, given, now), now, lambda _: self._heads())
        told(self._planned(now), now)
        served = told(queue.serve(desk, now), now, lambda _: self._waiting(now))
        freed = told(self._free_trunks(now), now)
        return given + kept + heeded + served + freed

    def failed(self, order: Order, now: Now) -> tuple[Order, ...]:
        """Return what becomes of the call of an order that could not be carried out."""
        return self._told(self._all_of(order, now), now)

    def _prepared(self, event: Event, now: Now) -> tuple[Now, Event]:
        """Return an event as it is heard here, and the moment as it is judged."""
        desk, meant = self._desk, event
        try:
            now, meant = desk.judged(now), branches.heard(desk, event)
            meant = timers.at_home(desk, meant)
            phone = getattr(meant, "phone", "")
            if isinstance(meant, BY_PEOPLE) and not branches.is_elsewhere(desk, phone):
                self.somebody_is_there(now)
                now = desk.judged(now)
        except Exception:  # noqa: BLE001 - a fault of ours, which is confined
            self._note_fault()
        return now, meant

    # --- faults of ours ------------------------------------------------------------------------

    def _told(self, step: Orders, now: Now, rescue: Rescue | None = None) -> tuple[Order, ...]:
        """Take a step. What it ordered before a fault holds, then `rescue` says what follows."""
        given: list[Order] = []
        try:
            for order in self._given(step, now):
                given.append(order)  # noqa: PERF402 - what came before a fault stays
        except Exception:  # noqa: BLE001 - a fault of ours, which is confined
            self._note_fault()
            if rescue is not None:
                given += self._told(rescue(tuple(given)), now)
            confinement.tidy(self._desk, now)
        return tuple(given)

    def _note_fault(self) -> None:
        """Have a fault noted; raises it where nobody takes note."""
        if self.on_fault is None:
            raise
        self.on_fault()

    def _confined(self, calls: Iterable[Call], event: object, now: Now) -> Orders:
        for call in tuple(calls):
            yield from confinement.of_call(self._desk, call, event, None, now, self._note_fault)

    def _all_of(self, event: Event | Order, now: Now) -> Orders:
        """Bring to safety whoever an event, or an order, concerns: nothing else is known."""
        leg = getattr(event, "leg", "")
        for side in [side for side in self._desk.sides.values() if leg in side.legs]:
            yield from confinement.of_side(self._desk, side, None, None, now, self._note_fault)
        yield from self._confined(self._calls_of(event), event, now)

    def _returns(self, now: Now) -> Orders:
        """Nobody can be sought for those who come back."""
        calls = self._desk.calls.values()
        returns = [call for call in calls if call.state is State.TRANSFER_RETURNING]
        yield from self._confined(returns, None, now)

    def _waiting(self, now: Now) -> Orders:
        """Nobody can be rung for those who wait."""
        calls = self._desk.calls.values()
        yield from self._confined([c for c in calls if c.state is State.QUEUED], None, now)

    def _seekers(self, now: Now) -> Orders:
        """No line can be found for those who call for help."""
        for side in outgoing.waiting(self._desk):
            yield from confinement.of_side(self._desk, side, None, None, now, self._note_fault)

    def _heads(self) -> Orders:
        """Let the head go from every conversation, which goes on."""
        desk = self._desk
        for side in [side for side in desk.sides.values() if isinstance(side, ringing.Head)]:
            yield from ringing.dismiss(desk, side)

    def _free_trunks(self, now: Now) -> Orders:
        """Nobody need tell that a leg which was let go is idle."""
        for idle in branches.freed(self._desk):
            yield from self._dispatch(idle, now)

    def _first(self, event: Event, now: Now) -> Orders:
        """Do what comes before any call hears of an event."""
        if own := OWN.get(type(event)):
            yield from own(self, cast("Never", event), now)
        elif learn := timers.LEARNS.get(type(event)):
            yield from learn(self._desk, cast("Never", event), now)

    def _seize(self, now: Now) -> Orders:
        """An emergency call without a line takes the first idle one, or has one freed."""
        for side in outgoing.waiting(self._desk):
            freeing = side.freeing
            yield from outgoing.seek(self._desk, side, now)
            if side.freeing and side.freeing != freeing:
                yield from self._dispatch(LineNeeded(side.freeing), now)

    def _given(self, given: Orders, now: Now) -> Orders:
        """Name lines where a leg is no phone's, at the moment that an order is given."""
        ours = outside_call.translate(self._desk, given, now)
        return branches.translate(self._desk, ours)

    def _heed_states(self, now: Now) -> Orders:
        """Follow a change of the manual states, once calls have heard of it."""
        desk, before = self._desk, self._heeded
        if desk.service is not before:
            self._heeded = desk.service
            yield from positions.heed(desk, before, now)

    def next_deadline(self) -> float | None:
        """Return the monotonic second at which `due` has something, or None."""
        times = (*timers.times(self._desk), *(() if self._expiry is None else (self._expiry,)))
        return min(times, default=None)

    def due(self, now: Now) -> tuple[DeadlinePassed, ...]:
        """Return the deadlines that have come, each once; give them to `handle`."""
        passed = []
        if self._expiry is not None and self._expiry <= now.monotonic:
            self._expiry = None
            passed.append(DeadlinePassed(EXPIRY))
        passed += timers.take_due(self._desk, now)
        return tuple(passed)

    @property
    def service(self) -> ServiceState:
        """The manual states as they are kept."""
        return self._desk.service

    @property
    def register(self) -> Directory:
        """The register of offices in force."""
        return self._desk.register

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""
        return self._desk.office

    def answer_to(self, request: TransferCall, now: Now) -> Words | None:
        """Say why a person's wish would not be carried out now (E23); None: TransferWished will do.

        Raises OfficeError where nobody talks with that caller, or for an unknown office.
        """
        self.call_for(request)
        return transfer.answer_to(self._desk, request, self.judged(now))

    def offered(self, now: Now) -> tuple[Offered, ...]:
        """List every office and need, and whether a caller may go there now (P5)."""
        return transfer.offered(self._desk, self.judged(now))

    def answer_about_head(self, request: BringHead, now: Now) -> Words | None:
        """Say why the head would not be brought in, or called off, now; None: HeadWished will do.

        Raises OfficeError where nobody talks with that caller.
        """
        call = self._desk.calls[self.call_for(request)]
        return conference.answer_to(self._desk, call, request, self.judged(now))

    def refusal_of(self, request: object) -> Words | None:
        """Say why what a person asks of the manual states is refused (E19); None: it is done."""
        return positions.refusal(self._desk, request)

    def call_for(self, request: TransferCall | BringHead) -> str:
        """Return the call that a person means, by its name or by the phone that talks with it.

        Raises OfficeError for none.
        """
        for call in self._desk.calls.values():
            if call.state is State.TALKING and request.call in {call.id, call.leg_phone}:
                return call.id
        raise SaidError(
            Words(
                f"«{request.call}» non sta parlando con nessun utente.",
                f"{request.call!r} talks with no caller: name a call or a phone that does",
            )
        )

    def status(self, now: Now) -> Status:
        """Describe everything at a moment."""
        return status(self._desk, self.judged(now))

    def judged(self, now: Now) -> Now:
        """Return a moment with what holds at it instead of the hours, where nobody trusts it."""
        return self._desk.judged(now)

    def somebody_is_there(self, now: Now) -> None:
        """Take note that a person has done something: while the time is not known, that counts."""
        self._desk.attendance = self._desk.attendance.see(now.monotonic)

    # --- what is not one call's business -------------------------------------------------------

    def _on_rang(self, event: LineRang, now: Now) -> Orders:
        """A line rings that has no call: one begins, and its record before anything else (E18)."""
        desk = self._desk
        seat = desk.seats.get(event.line)
        if seat is None or seat.call:
            return
        number = seat.line.called_number
        seat.call = call_id = desk.new_id()
        clock = now.clock_state.value
        record = CallRecord(call_id, event.line, now.wall, clock, called=number, trail=("rang",))
        call = desk.calls[call_id] = Call(call_id, seat.line, record)
        call.enter(call.state, now)
        seat.become(LineState.RINGING, now)
        if event.caller is not None:
            known = CallerIdentified(event.line, event.caller, event.dated)
            yield from timers.identified(desk, known, now)
        yield call.write()

    def _on_call_back(self, event: CallBackAsked, now: Now) -> Orders:
        yield from outgoing.call_back(self._desk, event, now)

    def _on_branch(self, event: BranchCalled, now: Now) -> Orders:
        yield from timers.begin(self._desk, event, now)

    def _on_dictation(self, event: DictationAsked, now: Now) -> Orders:
        yield from dictation.ask(self._desk, event, now)

    def _on_dialled(self, event: PhoneDialled, now: Now) -> Orders:
        """A key code or a number; what a code asks for is done at once, then said."""
        if event.leg in (*self._desk.sides, *self._desk.trunks):
            return  # a leg dials once: whatever goes on on it goes on
        yield from positions.present(self._desk, event.phone)
        yield from keycodes.dialled(self._desk, event, now)
        request = keycodes.asked_by(self._desk, event, now)
        if request is not None:
            change = ServiceStateChanged(request)
            yield from self._on_request(change, now)
            yield from self._dispatch(change, now)

    def _on_transfer(self, event: TransferAsked, now: Now) -> Orders:
        """A phone may ask while it talks with a caller; anybody else is refused."""
        calls = self._calls_of(event)
        for call in calls:
            if isinstance(row_for(call.state, TransferAsked), Ignored):
                yield from transfer.refuse_refer(call, event, now)
        if not calls:
            yield orders.TellTransfer(event.leg, event.fault or orders.DECLINED)

    def _on_request(self, event: ServiceStateChanged, now: Now) -> Orders:
        desk = self._desk
        left = positions.open_call(desk, event.request)
        if left is not None:  # E19: it would be left behind
            yield from positions.refuse(left, getattr(event.request, "by", ""))
            return
        yield from become(desk, requested(desk.office, desk.service, event.request, now))

    def _on_lifted(self, event: OperatorAnswered, now: Now) -> Orders:
        """Whoever lifts is there (E3)."""
        yield from positions.present(self._desk, event.phone)

    def _on_deadline(self, event: DeadlinePassed, now: Now) -> Orders:
        """A manual state may have come to its end; a position may be away for long."""
        desk = self._desk
        ended = desk.service.expired(now.wall)
        all_back = desk.service.absent is not None and ended.absent is None
        yield from become(desk, ended)
        if all_back:
            yield from positions.all_back(desk, now)
        if event.what == positions.REMIND:
            yield from positions.remind(desk, event.call, now)

    def _planned(self, now: Now) -> Orders:
        """Turn the next end by wall clock into a monotonic deadline; the clock may be set."""
        yield from ()
        at = self._desk.service.next_expiry()
        wait = None if at is None else (at - now.wall).total_seconds()
        self._expiry = None if wait is None else now.monotonic + max(wait, 0.0)

    # --- to the calls --------------------------------------------------------------------------

    def _dispatch(self, event: Event, now: Now) -> Orders:
        """Give an event to the calls it concerns, by the table."""
        concerned = tuple(side for side in self._desk.sides.values() if side.concerns(event))
        for side in concerned:
            yield from self._follow_side(side, event, now)
            for told in side.take_told():
                yield from self._dispatch(told, now)
        calls = self._calls_of(event)
        for call in calls:
            yield from self._follow(call, event, now)
        if isinstance(event, OperatorAnswered) and not calls and not concerned:
            yield orders.HangUpPhone(event.leg)  # it crossed the order to stop ringing

    def _follow(self, call: Call, event: Event, now: Now) -> Orders:
        if isinstance(event, CallerHungUp) and event.evidence is Evidence.SILENCE:
            call.note("silence.ignored")  # E5: a listener is silent; recordings have their own rule
            return
        row = row_for(call.state, type(event))
        if isinstance(row, Ignored):
            return
        before = confinement.seen(call)
        try:
            yield from HANDLERS[row.do](self._desk, call, cast("Never", event), now)
        except Exception:  # noqa: BLE001 - a fault of ours, which is confined
            self._note_fault()
            note = self._note_fault
            yield from confinement.of_call(self._desk, call, event, before, now, note)

    def _follow_side(self, side: model.Side, event: Event, now: Now) -> Orders:
        before = side.state, tuple(side.legs)
        try:
            yield from model.follow(self._desk, side, event, now)
        except Exception:  # noqa: BLE001 - a fault of ours, which is confined
            self._note_fault()
            note = self._note_fault
            yield from confinement.of_side(self._desk, side, event, before, now, note)

    def _calls_of(self, event: object) -> tuple[Call, ...]:
        """Return the calls an event concerns; an event of a call that is over concerns none."""
        desk = self._desk
        if isinstance(event, CarrierLost | BoxStopped | ServiceStateChanged):
            return tuple(desk.calls.values())
        call = desk.calls.get(self._call_id(event)) or desk.late.get(self._call_id(event))
        play = getattr(event, "play", "")
        if call is None or (play and play not in {call.play, call.leg_play}):
            return ()
        if isinstance(event, DeadlinePassed) and event.what != call.state.value:
            return ()
        return (call,)

    def _call_id(self, event: object) -> str:
        """Find the call an event names: itself, by its line, its leg, or within a play's name."""
        line, leg = getattr(event, "line", ""), getattr(event, "leg", "")
        if line:
            seat = self._desk.seat(line)
            return seat.call if seat else ""
        if leg:
            legs = (leg, getattr(event, "other", ""))  # a phone's other call, of a REFER
            owned = (c.id for each in legs for c in self._desk.calls.values() if c.owns(each))
            return next(owned, "")
        play = getattr(event, "play", "")
        if play:
            return str(play).rpartition(".")[0]
        return str(getattr(event, "call", "") or getattr(event, "recording", ""))


BY_PEOPLE = (OperatorAnswered, PhoneDialled, ServiceStateChanged, CallBackAsked)
"""What shows that somebody is there."""
E = TypeVar("E")
OwnHandler = Callable[[Switchboard, Never, Now], Orders]


def _own(kind: type[E], do: Callable[[Switchboard, E, Now], Orders]) -> tuple[type, OwnHandler]:
    """Return a row of OWN; mypy sees that the method takes its event."""
    return kind, do


OWN: Mapping[type, OwnHandler] = dict(
    (
        _own(LineRang, Switchboard._on_rang),
        _own(OperatorAnswered, Switchboard._on_lifted),
        _own(PhoneDialled, Switchboard._on_dialled),
        _own(BranchCalled, Switchboard._on_branch),
        _own(CallBackAsked, Switchboard._on_call_back),
        _own(DictationAsked, Switchboard._on_dictation),
        _own(TransferAsked, Switchboard._on_transfer),
        _own(ServiceStateChanged, Switchboard._on_request),
        _own(DeadlinePassed, Switchboard._on_deadline),
    )
)
"""What an event does before any call hears of it, where that leads to more than the desk's
knowing (cf. learnt)."""
