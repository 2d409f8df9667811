"""State updates: what the switchboard notes of an event before any call hears of it.

Events of lines, phones, stores and the directory change `SwitchboardState` here, one small function
an event: none of it is one call's business. A seam: only switchboard.py reads the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Never, TypeVar

from appliance.calls import branches, incoming, manual_states
from appliance.calls.events import (
    BoxStopped,
    CallerIdentified,
    CarrierLost,
    CarrierRestored,
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
from appliance.calls.model import Desk, LineState, no_carrier, state_after
from appliance.calls.orders import Order
from appliance.policy.clock import Now
from appliance.policy.dialling import DialLedger
from appliance.policy.directory import Directory
from appliance.policy.hours_changes import office_with
from appliance.policy.numbering import canonical_number
from appliance.policy.text import Words

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
    yield from branches.end_trunk_calls(desk)
    for seat in desk.seats.values():
        if not seat.call:
            seat.become(LineState.OUT, now, no_carrier(event.reason))


def _stopped(desk: Desk, _event: BoxStopped, _now: Now) -> Orders:
    yield from branches.end_trunk_calls(desk)


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


def with_national_number(desk: Desk, event: Event) -> Event:
    """Return an event with the caller's number as it is dialled here: some exchanges send +39."""
    caller = getattr(event, "caller", None)
    if not isinstance(event, CallerIdentified | LineRang) or caller is None or not caller.number:
        return event
    number = canonical_number(caller.number, desk.office.outgoing.plan)
    return replace(event, caller=replace(caller, number=number))


def note_caller(desk: Desk, event: CallerIdentified, now: Now) -> Orders:
    """Who has called may be called back; who was called rings back for that case (E17).

    The exchange's time is kept, to be compared with ours.
    """
    local = desk.office.local(now.wall)
    desk.exchange = desk.exchange.hear(event.dated, local, now.monotonic)
    seat = desk.seats.get(event.line)
    if seat is not None:
        incoming.remember_number(desk, desk.calls.get(seat.call), event.caller.number, now)
    yield from ()


def _numbers_known(desk: Desk, event: NumbersKnown, _now: Now) -> Orders:
    """The call log was read: what has happened since the start is known better here."""
    if isinstance(event.ledger, DialLedger):
        newer = desk.ledger.forget(event.forgotten)
        desk.ledger = event.ledger.with_newer(newer)
    yield from ()


E = TypeVar("E")
Update = Callable[[Desk, Never, Now], Orders]


def _row(kind: type[E], learn: Callable[[Desk, E, Now], Orders]) -> tuple[type, Update]:
    """Return a row of UPDATES; mypy sees that the function takes its event."""
    return kind, learn


UPDATES: Mapping[type, Update] = dict(
    (
        _row(LineRestored, _restored),
        _row(LineHalfDuplex, _half_duplex),
        _row(LineIdle, _line_gone),
        _row(LineLost, _line_gone),
        _row(LineProbed, _probed),
        _row(CarrierLost, _carrier_lost),
        _row(BoxStopped, _stopped),
        _row(CarrierRestored, _carrier_restored),
        _row(PhoneRegistered, _registered),
        _row(PhoneGone, _gone),
        _row(CallerIdentified, note_caller),
        _row(NumbersKnown, _numbers_known),
        _row(MessagesWaiting, _messages_waiting),
        _row(RoomForMessages, _room_for_messages),
        _row(RegisterChanged, _register_changed),
        _row(HoursChanged, _hours_changed),
        _row(SheetUsed, _sheet_used),
        _row(SpokenSheetsChanged, _spoken_changed),
    )
)
"""What is learnt of an event."""
