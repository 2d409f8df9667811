"""Watches the table while calls go on: no call may go where its row does not lead."""

from __future__ import annotations

from appliance.calls import events, incoming
from appliance.calls.model import Call
from appliance.calls.states import State, TableRow, row_for
from appliance.calls.switchboard import Switchboard

TOLD = (
    events.OperatorAnswered,
    events.PhoneBusy,
    events.PhoneHungUp,
    events.PhoneLost,
    events.PhoneUnreachable,
)
Seen = list[tuple[Call, State]]


def states_of(switchboard: Switchboard) -> Seen:
    """Return every call that goes on and the state it is in now."""
    return [(call, call.state) for call in switchboard._board.calls.values()]


def meant(switchboard: Switchboard, event: events.Event) -> events.Event:
    """Return an event as the calls hear it: of a leg that is a line, a fact of the line's."""
    return switchboard._board.line_event(event)


def check_rows(seen: Seen, event: events.Event) -> None:
    """Raise AssertionError when an event led a call where the row of its state does not lead."""
    if isinstance(event, events.PhoneDialled):
        event = events.ServiceStateChanged(None)  # what a key code asks for
    if isinstance(event, events.HangUpWished):
        event = events.PhoneHungUp("")  # what a handset that is put down does
    for call, was in seen:
        freed = (events.LineNeeded,) if incoming.FREED_CODE in call.record.trail else ()
        kinds = (type(event), *freed, *(TOLD if _outside(call) else ()))
        rows = [row_for(was, kind) for kind in kinds]
        leads = [to for row in rows if isinstance(row, TableRow) for to in row.to]
        if _came_over(call):
            then = [row_for(to, events.LineIdle) for to in leads]  # so it is at once
            leads += [to for row in then if isinstance(row, TableRow) for to in row.to]
        assert call.state in (was, *leads), (was, type(event).__name__, call.state)


def _came_over(call: Call) -> bool:
    return any(code.startswith("branch.from.") for code in call.record.trail)


def _outside(call: Call) -> bool:
    """True for a call that a telephone outside rings for: what its line says is told."""
    if call.transfer is not None and call.transfer.phone == call.transfer.name:
        return True
    return any(code.startswith("ring.") and code.endswith(".outside") for code in call.record.trail)
