"""Deadlines, learnt timings, inbound trunk calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Never, TypeVar

from appliance.calls import branches, incoming, manual_states, orders, ringing
from appliance.calls.events import (
    BoxStopped,
    BranchCalled,
    CallerIdentified,
    CarrierLost,
    CarrierRestored,
    DeadlinePassed,
    Event,
    HoursChanged,
    LineHalfDuplex,
    LineIdle,
    LineLost,
    LineProbed,
    LineRang,
    LineRestored,
    MessagesWaiting,
    NumbersKnown,
    PhoneGone,
    PhoneRegistered,
    RegisterChanged,
    RoomForMessages,
    SheetUsed,
    SpokenSheetsChanged,
)
from appliance.calls.model import Call, Desk, LineState, TrunkSeat, no_carrier, state_after
from appliance.calls.orders import CallRecord, Order
from appliance.calls.positions import REMIND
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.dialling import DialLedger
from appliance.policy.directory import Directory
from appliance.policy.hours_changes import office_with
from appliance.policy.numbering import canonical_number
from appliance.policy.office import Line
from appliance.policy.routing import Decision, Destination
from appliance.policy.text import Words

# ---- deadlines ---------------------------------------------------------------------------------
# When something is due: in calls, in calls that phones make, at positions that are away.


def times(desk: Desk) -> Iterator[float]:
    """Yield every monotonic second at which something is due."""
    found = [call.deadline for call in desk.calls.values()]
    found += [side.deadline for side in desk.sides.values()]
    yield from (at for at in (*found, *desk.reminders.values()) if at is not None)


def take_due(desk: Desk, now: Now) -> Iterator[DeadlinePassed]:
    """Yield what has come by now, each once."""
    for call in desk.calls.values():
        if call.deadline is not None and call.deadline <= now.monotonic:
            call.deadline = None
            yield DeadlinePassed(call.state.value, call.id)
    for side in desk.sides.values():
        if side.deadline is not None and side.deadline <= now.monotonic:
            side.deadline = None
            yield DeadlinePassed(side.state.value, side.leg)
    for phone, at in desk.reminders.items():
        if at is not None and at <= now.monotonic:
            desk.reminders[phone] = None
            yield DeadlinePassed(REMIND, phone)


# ---- learnt ------------------------------------------------------------------------------------
# What the desk learns of lines, phones, stores and register before any call hears of it.
#
# One small function an event: none of it is one call's business.

Orders = Iterator[Order]


def _restored(desk: Desk, event: LineRestored, now: Now) -> Orders:
    seat = desk.seats.get(event.line)
    if seat is not None:
        seat.learn(event.modem, event.duplex)
        if not seat.call:
            seat.become(LineState.IDLE, now)
    yield from ()


def _line_gone(desk: Desk, event: LineIdle | LineLost, now: Now) -> Orders:
    seat = desk.seats.get(event.line)
    if seat is not None and not seat.call:
        state, reason = state_after(event)
        seat.become(state, now, reason)
    yield from ()


def _half_duplex(desk: Desk, event: LineHalfDuplex, _now: Now) -> Orders:
    """From the next call on the line is served as what it is; people see why."""
    if seat := desk.seats.get(event.line):
        seat.learn(seat.modem, duplex=False)
        seat.half = Words(event.reason_it or event.reason, event.reason)
    yield from ()


def _probed(desk: Desk, event: LineProbed, now: Now) -> Orders:
    seat = desk.seats.get(event.line)
    if seat is not None:
        seat.measure(event.condition, now)
        yield from incoming.taken_unseen(seat, now)


def _carrier_lost(desk: Desk, event: CarrierLost, now: Now) -> Orders:
    desk.carrier = False
    yield from branches.end_all(desk)
    for seat in desk.seats.values():
        if not seat.call:
            seat.become(LineState.OUT, now, no_carrier(event.reason))


def _stopped(desk: Desk, _event: BoxStopped, _now: Now) -> Orders:
    yield from branches.end_all(desk)


def _carrier_restored(desk: Desk, _event: CarrierRestored, _now: Now) -> Orders:
    desk.carrier = True
    yield from ()


def _registered(desk: Desk, event: PhoneRegistered, _now: Now) -> Orders:
    desk.reachable.add(event.phone)
    desk.gone.pop(event.phone, None)
    yield from ()


def _gone(desk: Desk, event: PhoneGone, now: Now) -> Orders:
    if event.phone in desk.reachable:
        desk.gone[event.phone] = now.wall
    desk.reachable.discard(event.phone)
    yield from ()


def _messages_waiting(desk: Desk, event: MessagesWaiting, _now: Now) -> Orders:
    desk.waiting = event.count
    yield from ()


def _room_for_messages(desk: Desk, event: RoomForMessages, _now: Now) -> Orders:
    desk.has_room = event.has_room
    yield from ()


def _sheet_used(desk: Desk, event: SheetUsed, _now: Now) -> Orders:
    """Keep which sheet answered (P2); for a call that is over the records have done it."""
    call = desk.calls.get(event.call)
    if call is not None and call.use_sheet(event.sheet):
        yield call.write()


def _register_changed(desk: Desk, event: RegisterChanged, _now: Now) -> Orders:
    """What offices declare holds from this moment (E12); what rings already is not cut."""
    if isinstance(event.register, Directory):
        desk.register = event.register
    if isinstance(event.officials, tuple):
        desk.officials = event.officials
    yield from ()


def _hours_changed(desk: Desk, event: HoursChanged, now: Now) -> Orders:
    """The next call asks them; whoever rang before is served to the end (E1).

    Manual states that end with the written hours end with these.
    """
    if isinstance(event.entered, tuple):
        desk.office = office_with(desk.office, event.entered)
        yield from manual_states.become(
            desk, manual_states.with_hours(desk.office, desk.service, now)
        )


def _spoken_changed(desk: Desk, event: SpokenSheetsChanged, _now: Now) -> Orders:
    """The next greeting offers them; a caller who heard the menu keeps it."""
    if isinstance(event.menu, tuple):
        desk.menu = event.menu
    if isinstance(event.units, Mapping):
        desk.unit_names = event.units
    yield from ()


def at_home(desk: Desk, event: Event) -> Event:
    """Return an event with the caller's number as it is dialled here: some exchanges send +39."""
    caller = getattr(event, "caller", None)
    if not isinstance(event, CallerIdentified | LineRang) or caller is None or not caller.number:
        return event
    number = canonical_number(caller.number, desk.office.outgoing.plan)
    return replace(event, caller=replace(caller, number=number))


def identified(desk: Desk, event: CallerIdentified, now: Now) -> Orders:
    """Who has called may be called back; who was called rings back for that case (E17).

    The exchange's time is kept, to be compared with ours.
    """
    local = desk.office.local(now.wall)
    desk.exchange = desk.exchange.hear(event.dated, local, now.monotonic)
    seat = desk.seats.get(event.line)
    if seat is not None:
        learn_of_trunk(desk, desk.calls.get(seat.call), event.caller.number, now)
    yield from ()


def learn_of_trunk(desk: Desk, call: Call | None, number: str, now: Now) -> None:
    """Keep that a number has called, and in its call the case for which it was called before."""
    if not number:
        return
    if call is not None and (case := desk.ledger.case_of(number)):
        call.note("rings_back", case=case)
    desk.ledger = desk.ledger.hear(number, now.wall)


def _numbers_known(desk: Desk, event: NumbersKnown, _now: Now) -> Orders:
    """The call log was read: what has happened since the start is known better here."""
    if isinstance(event.ledger, DialLedger):
        newer = desk.ledger.forget(event.forgotten)
        desk.ledger = event.ledger.with_newer(newer)
    yield from ()


E = TypeVar("E")
Learner = Callable[[Desk, Never, Now], Orders]


def _learnt_of(kind: type[E], learn: Callable[[Desk, E, Now], Orders]) -> tuple[type, Learner]:
    """Return a row of LEARNS; mypy sees that the function takes its event."""
    return kind, learn


LEARNS: Mapping[type, Learner] = dict(
    (
        _learnt_of(LineRestored, _restored),
        _learnt_of(LineHalfDuplex, _half_duplex),
        _learnt_of(LineIdle, _line_gone),
        _learnt_of(LineLost, _line_gone),
        _learnt_of(LineProbed, _probed),
        _learnt_of(CarrierLost, _carrier_lost),
        _learnt_of(BoxStopped, _stopped),
        _learnt_of(CarrierRestored, _carrier_restored),
        _learnt_of(PhoneRegistered, _registered),
        _learnt_of(PhoneGone, _gone),
        _learnt_of(CallerIdentified, identified),
        _learnt_of(NumbersKnown, _numbers_known),
        _learnt_of(MessagesWaiting, _messages_waiting),
        _learnt_of(RoomForMessages, _room_for_messages),
        _learnt_of(RegisterChanged, _register_changed),
        _learnt_of(HoursChanged, _hours_changed),
        _learnt_of(SheetUsed, _sheet_used),
        _learnt_of(SpokenSheetsChanged, _spoken_changed),
    )
)
"""What is learnt of an event."""


# ---- taking over -------------------------------------------------------------------------------
# A caller whom another branch, or a telephone system, hands over to us by SIP (B9).
#
# Our positions ring as for any caller, and whoever lifts does with the caller whatever is done with
# callers here; the leg is the call's line (trunk_line.py). Where nobody can take the call that is
# said at once, and it is no call of ours.

UNNAMED = "sip"
"""Stands for the line of a caller of whom nobody says which branch it comes from."""
WAYS = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK}


def begin(desk: Desk, event: BranchCalled, now: Now) -> Iterator[Order]:
    """Ring the free positions by the policy that holds for any caller, or refuse at once."""
    if event.leg in desk.trunks:
        return
    decision = _decide(desk, now)
    phones = desk.free(desk.group(decision.way)) if decision.way in WAYS else ()
    if not phones or not desk.carrier:
        yield orders.RefusePhone(event.leg, branches.code_for(desk, decision))
        return
    call = _call(desk, event, now)
    desk.calls[call.id] = call
    desk.trunks[event.leg] = TrunkSeat(call.line, call.line, LineState.RINGING, call=call.id)
    learn_of_trunk(desk, call, call.record.caller.number, now)
    yield from ringing.take(desk, call, decision, now)


def _decide(desk: Desk, now: Now) -> Decision:
    """Decide as for a caller on a line of our own, who waits with whoever sent the call."""
    facts = replace(desk.facts(now), places=0)
    return routing.route(desk.office, Line(UNNAMED, duplex=True), facts, now)


def _call(desk: Desk, event: BranchCalled, now: Now) -> Call:
    number = canonical_number(event.caller.number, desk.office.outgoing.plan)
    origin = event.origin or UNNAMED
    record = CallRecord(
        desk.new_id(), origin, now.wall, now.clock_state.value,
        caller=replace(event.caller, number=number), trail=("rang", f"branch.from.{origin}"),
    )  # fmt: skip
    return Call(record.call, Line(event.leg, origin, duplex=True), record, settled=True)
