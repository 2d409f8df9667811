"""State updates: changes of the switchboard's state by an event, before any call handles it.

Events of lines, phones, stores and the directory change `SwitchboardState` here, one small function
an event; none of it belongs to a single call. A seam: only switchboard.py reads the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Never, TypeVar

from appliance.calls import incoming, manual_states, phone_control
from appliance.calls.events import (
    BoxStopped,
    CallerIdentified,
    DirectoryChanged,
    Event,
    HoursChanged,
    LineHalfDuplex,
    LineIdle,
    LineLost,
    LineProbed,
    LineRang,
    LineRestored,
    MediaGatewayLost,
    MediaGatewayRestored,
    MessagesWaiting,
    NumbersKnown,
    NumberTold,
    PhoneGone,
    PhoneRegistered,
    RoomForMessages,
    SheetUsed,
    SpokenSheetsChanged,
)
from appliance.calls.model import LineState, SwitchboardState, no_media_gateway, state_after
from appliance.calls.orders import Order
from appliance.policy.clock import Now
from appliance.policy.dialling import DialLedger
from appliance.policy.directory import Directory
from appliance.policy.hours_changes import office_with
from appliance.policy.numbering import canonical_number

Orders = Iterator[Order]


def _restored(board: SwitchboardState, event: LineRestored, now: Now) -> Orders:
    channel = board.channels.get(event.line)
    if channel is not None:
        channel.learn(event.modem, event.duplex)
        # With a call on it the line is freed by the end of that call.
        if not channel.call:
            channel.become(LineState.IDLE, now)
    yield from ()


def _line_gone(board: SwitchboardState, event: LineIdle | LineLost, now: Now) -> Orders:
    channel = board.channels.get(event.line)
    # With a call on it the line is the call's: it ends first, and frees the line itself.
    if channel is not None and not channel.call:
        state, reason = state_after(event)
        channel.become(state, now, reason)
    yield from ()


def _half_duplex(board: SwitchboardState, event: LineHalfDuplex, _now: Now) -> Orders:
    """Serve a line as half duplex from the next call on; the status says why (B2)."""
    if channel := board.channels.get(event.line):
        channel.learn(channel.modem, duplex=False)
        channel.half = event.reason
    yield from ()


def _probed(board: SwitchboardState, event: LineProbed, now: Now) -> Orders:
    channel = board.channels.get(event.line)
    if channel is not None:
        channel.measure(event.condition, now)
        yield from incoming.taken_unseen(channel, now)


def _gateway_lost(board: SwitchboardState, event: MediaGatewayLost, now: Now) -> Orders:
    board.has_media = False
    yield from _drop_calls(board)
    # Lines with a call are set out by that call's end.
    for channel in board.channels.values():
        if not channel.call:
            channel.become(LineState.OUT, now, no_media_gateway(event.reason))


def _drop_calls(board: SwitchboardState) -> Orders:
    """End the calls of lines that outlast the media gateway, but have no sound without it."""
    for channel in board.channels.values():
        yield from channel.drop(board)


def _stopped(board: SwitchboardState, _event: BoxStopped, _now: Now) -> Orders:
    yield from _drop_calls(board)


def _gateway_restored(board: SwitchboardState, _event: MediaGatewayRestored, _now: Now) -> Orders:
    board.has_media = True
    yield from ()


def _registered(board: SwitchboardState, event: PhoneRegistered, _now: Now) -> Orders:
    board.reachable.add(event.phone)
    board.gone.pop(event.phone, None)
    phone_control.note_agent(board, event)
    yield from ()


def _gone(board: SwitchboardState, event: PhoneGone, now: Now) -> Orders:
    # Only the first time: people see since when the phone is unreachable.
    if event.phone in board.reachable:
        board.gone[event.phone] = now.wall
    board.reachable.discard(event.phone)
    phone_control.note_gone(board, event)
    yield from ()


def _messages_waiting(board: SwitchboardState, event: MessagesWaiting, _now: Now) -> Orders:
    board.waiting = event.count
    yield from ()


def _room_for_messages(board: SwitchboardState, event: RoomForMessages, _now: Now) -> Orders:
    board.has_room = event.has_room
    yield from ()


def _sheet_used(board: SwitchboardState, event: SheetUsed, _now: Now) -> Orders:
    """Record which sheet answered (P2); the store does it for a call that is over."""
    call = board.calls.get(event.call)
    if call is not None and call.use_sheet(event.sheet):
        yield call.write()


def _number_told(board: SwitchboardState, event: NumberTold, _now: Now) -> Orders:
    """Record whose number the caller was told; the store does it for a call that is over."""
    call = board.calls.get(event.call)
    if call is not None and call.tell_number(event.entry):
        yield call.write()


def _directory_changed(board: SwitchboardState, event: DirectoryChanged, _now: Now) -> Orders:
    """Take the directory that offices have declared; it is in force at once (E12)."""
    # The event's fields are `object` to keep events.py a leaf: hence isinstance.
    if isinstance(event.directory, Directory):
        board.directory = event.directory
    if isinstance(event.officials, tuple):
        board.officials = event.officials
    yield from ()


def _hours_changed(board: SwitchboardState, event: HoursChanged, now: Now) -> Orders:
    """Take special hours, which the next call is routed by; earlier calls are served (E1).

    Manual states that end with the written hours end with the new ones.
    """
    if isinstance(event.entered, tuple):
        board.office = office_with(board.office, event.entered)
        yield from manual_states.become(
            board, manual_states.with_hours(board.office, board.service, now)
        )


def _spoken_changed(board: SwitchboardState, event: SpokenSheetsChanged, _now: Now) -> Orders:
    """Take the sheets that the next greeting offers; a caller who heard a menu keeps it."""
    if isinstance(event.menu, tuple):
        board.menu = event.menu
    if isinstance(event.units, Mapping):
        board.unit_names = event.units
    yield from ()


def with_national_number(board: SwitchboardState, event: Event) -> Event:
    """Return an event with the caller's number in national form."""
    # Some exchanges send +39. A caller who rings back is known, however the number is sent.
    caller = getattr(event, "caller", None)
    if not isinstance(event, CallerIdentified | LineRang) or caller is None or not caller.number:
        return event
    number = canonical_number(caller.number, board.office.outgoing.plan)
    return replace(event, caller=replace(caller, number=number))


def note_caller(board: SwitchboardState, event: CallerIdentified, now: Now) -> Orders:
    """Remember a caller's number: it may be called back, or rings back for a case (E17)."""
    # The exchange's own time of the call is compared with the box's clock (status.other_time).
    local = board.office.local(now.wall)
    board.exchange = board.exchange.hear(event.dated, local, now.monotonic)
    channel = board.channels.get(event.line)
    if channel is not None:
        incoming.remember_number(board, board.calls.get(channel.call), event.caller.number, now)
    yield from ()


def _numbers_known(board: SwitchboardState, event: NumbersKnown, _now: Now) -> Orders:
    """Take the numbers of the call log."""
    # Calls since the start are known here better than in what the log's thread has read.
    if isinstance(event.ledger, DialLedger):
        newer = board.ledger.forget(event.forgotten)
        board.ledger = event.ledger.with_newer(newer)
    yield from ()


E = TypeVar("E")
Update = Callable[[SwitchboardState, Never, Now], Orders]


def _row(kind: type[E], learn: Callable[[SwitchboardState, E, Now], Orders]) -> tuple[type, Update]:
    """Return a row of UPDATES; mypy sees that the function takes its event."""
    return kind, learn


UPDATES: Mapping[type, Update] = dict(
    (
        _row(LineRestored, _restored),
        _row(LineHalfDuplex, _half_duplex),
        _row(LineIdle, _line_gone),
        _row(LineLost, _line_gone),
        _row(LineProbed, _probed),
        _row(MediaGatewayLost, _gateway_lost),
        _row(BoxStopped, _stopped),
        _row(MediaGatewayRestored, _gateway_restored),
        _row(PhoneRegistered, _registered),
        _row(PhoneGone, _gone),
        _row(CallerIdentified, note_caller),
        _row(NumbersKnown, _numbers_known),
        _row(MessagesWaiting, _messages_waiting),
        _row(RoomForMessages, _room_for_messages),
        _row(DirectoryChanged, _directory_changed),
        _row(HoursChanged, _hours_changed),
        _row(SheetUsed, _sheet_used),
        _row(NumberTold, _number_told),
        _row(SpokenSheetsChanged, _spoken_changed),
    )
)
"""Update of the state for each kind of event."""
