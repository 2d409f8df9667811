"""State updates: changes of the switchboard's state by an event, before any call handles it.

Events of lines, phones, stores and the directory change `Desk` here, one small function an event;
none of it belongs to a single call. A seam: only switchboard.py reads the table.
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
        # With a call on it the line is freed by the end of that call.
        if not seat.call:
            seat.become(LineState.IDLE, now)
    yield from ()


def _line_gone(desk: Desk, event: LineIdle | LineLost, now: Now) -> Orders:
    seat = desk.seats.get(event.line)
    # With a call on it the line is the call's: it ends first, and frees the line itself.
    if seat is not None and not seat.call:
        state, reason = state_after(event)
        seat.become(state, now, reason)
    yield from ()


def _half_duplex(desk: Desk, event: LineHalfDuplex, _now: Now) -> Orders:
    """Serve a line as half duplex from the next call on; the status says why (B2)."""
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
    # No sound: the branch that sent these callers goes on with them at once (503).
    yield from branches.end_trunk_calls(desk)
    # Lines with a call are set out by that call's end.
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
    # Only the first time: people see since when the phone is unreachable.
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
    """Record which sheet answered (P2); the store does it for a call that is over."""
    call = desk.calls.get(event.call)
    if call is not None and call.use_sheet(event.sheet):
        yield call.write()


def _register_changed(desk: Desk, event: RegisterChanged, _now: Now) -> Orders:
    """Take the directory that offices have declared; it is in force at once (E12)."""
    # The event's fields are `object` to keep events.py a leaf: hence isinstance.
    if isinstance(event.register, Directory):
        desk.register = event.register
    if isinstance(event.officials, tuple):
        desk.officials = event.officials
    yield from ()


def _hours_changed(desk: Desk, event: HoursChanged, now: Now) -> Orders:
    """Take special hours, which the next call is routed by; earlier calls are served (E1).

    Manual states that end with the written hours end with the new ones.
    """
    if isinstance(event.entered, tuple):
        desk.office = office_with(desk.office, event.entered)
        yield from manual_states.become(
            desk, manual_states.with_hours(desk.office, desk.service, now)
        )


def _spoken_changed(desk: Desk, event: SpokenSheetsChanged, _now: Now) -> Orders:
    """Take the sheets that the next greeting offers; a caller who heard a menu keeps it."""
    if isinstance(event.menu, tuple):
        desk.menu = event.menu
    if isinstance(event.units, Mapping):
        desk.unit_names = event.units
    yield from ()


def with_national_number(desk: Desk, event: Event) -> Event:
    """Return an event with the caller's number in national form."""
    # Some exchanges send +39. A caller who rings back is known, however the number is sent.
    caller = getattr(event, "caller", None)
    if not isinstance(event, CallerIdentified | LineRang) or caller is None or not caller.number:
        return event
    number = canonical_number(caller.number, desk.office.outgoing.plan)
    return replace(event, caller=replace(caller, number=number))


def note_caller(desk: Desk, event: CallerIdentified, now: Now) -> Orders:
    """Remember a caller's number: it may be called back, or rings back for a case (E17)."""
    # The exchange's own time of the call is compared with the box's clock (status.other_time).
    local = desk.office.local(now.wall)
    desk.exchange = desk.exchange.hear(event.dated, local, now.monotonic)
    seat = desk.seats.get(event.line)
    if seat is not None:
        incoming.remember_number(desk, desk.calls.get(seat.call), event.caller.number, now)
    yield from ()


def _numbers_known(desk: Desk, event: NumbersKnown, _now: Now) -> Orders:
    """Take the numbers of the call log."""
    # Calls since the start are known here better than in what the log's thread has read.
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
"""Update of the state for each kind of event."""
