"""Which line an emergency call takes: an idle one, else whose call gives way, in a fixed order.

Calls out first, then voicemail, callers who wait, the longest transfer, and only when nothing else
is left the longest conversation. Another emergency call is never touched.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping

from appliance.calls.call import Call
from appliance.calls.desk import Desk, LineSeat, LineState
from appliance.calls.events import LineNeeded
from appliance.calls.outside import Outside
from appliance.calls.side_states import SideState
from appliance.calls.sides import Side
from appliance.calls.states import Ignored, State, row_for
from appliance.policy.office import Line


class Rank(enum.IntEnum):
    """The order in which calls give way."""

    LEAVING = 0  # the line is on its way on hook: it need only be waited for
    OUTGOING = 1
    VOICEMAIL = 2
    QUEUE = 3
    TRANSFER = 4
    TALK = 5


RANKS: Mapping[State, Rank] = {
    State.ARRIVED: Rank.QUEUE,
    State.RINGING: Rank.QUEUE,
    State.ANSWERING: Rank.QUEUE,
    State.HOLDING: Rank.QUEUE,
    State.QUEUED: Rank.QUEUE,
    State.CALLBACK_OFFERED: Rank.VOICEMAIL,
    State.CALLBACK_STORING: Rank.VOICEMAIL,
    State.TALKING: Rank.TALK,
    State.PBX_PENDING: Rank.QUEUE,
    State.PBX_GREETING: Rank.QUEUE,
    State.PBX_CHECK: Rank.QUEUE,
    State.PBX_CALLING: Rank.TRANSFER,
    State.PBX_OFFERING: Rank.TRANSFER,
    State.PBX_AWAITING_KEY: Rank.TRANSFER,
    State.PBX_RETURNING: Rank.TRANSFER,
    State.TRANSFER_KEYS: Rank.TALK,
    State.TRANSFER_CHOICE: Rank.TALK,
    State.TRANSFER_RINGING: Rank.TRANSFER,
    State.TRANSFER_CONSULT: Rank.TRANSFER,
    State.TRANSFERRED: Rank.TRANSFER,
    State.TRANSFER_RETURNING: Rank.TRANSFER,
    State.TRANSFER_OFFER: Rank.TRANSFER,
    State.GREETING_PENDING: Rank.VOICEMAIL,
    State.GREETING: Rank.VOICEMAIL,
    State.MENU: Rank.VOICEMAIL,
    State.SHEET: Rank.VOICEMAIL,
    State.TONE: Rank.VOICEMAIL,
    State.RECORDING: Rank.VOICEMAIL,
    State.STORING: Rank.VOICEMAIL,
    State.SAVING: Rank.LEAVING,
    State.FAREWELL: Rank.LEAVING,
    State.CLEARING: Rank.LEAVING,
    State.ENDED: Rank.LEAVING,
}
"""Every state of a call has one (a test says so)."""


def carries(line: Line) -> bool:
    """True for a line on which a person of the office can talk."""
    return line.duplex is not False


def is_possible(desk: Desk) -> bool:
    """True while some line in service could carry an emergency call."""
    return any(_in_service(seat) for seat in desk.seats.values())


def idle_line(desk: Desk, tried: set[str]) -> str:
    """Name an idle line not `tried` in vain, "" for none; none is kept from emergencies."""
    idle = (
        seat.line.name
        for seat in desk.seats.values()
        if _in_service(seat) and seat.state is LineState.IDLE and not seat.call
    )
    return next((name for name in idle if name not in tried), "")


def to_be_freed(desk: Desk, tried: set[str]) -> str:
    """Name the line whose call gives way, "" for none."""
    seats = (s for s in desk.seats.values() if _in_service(s) and s.line.name not in tried)
    ranked = sorted(_ranked(desk, seats))
    return ranked[0][2] if ranked else ""


def _ranked(desk: Desk, seats: Iterator[LineSeat]) -> Iterator[tuple[Rank, float, str]]:
    """Yield rank, since when (the longest first) and name of every line that can be freed."""
    for seat in seats:
        call, side = desk.calls.get(seat.call), desk.sides.get(seat.call)
        if call is not None and _stays(call):
            continue
        if call is not None:
            began = call.record.answered_at or call.record.rang_at
            yield RANKS[call.state], began.timestamp(), seat.line.name
        elif side is not None and not getattr(side, "emergency", False):
            yield rank_of(side), 0.0, seat.line.name
        elif side is None and seat.state is LineState.CLEARING:
            yield Rank.LEAVING, 0.0, seat.line.name


def _stays(call: Call) -> bool:
    """True for a call whose caller a PBX holds: hung up, it would join the two."""
    waited_for = RANKS[call.state] is Rank.LEAVING
    return not waited_for and isinstance(row_for(call.state, LineNeeded), Ignored)


def rank_of(side: Side) -> Rank:
    """Rank a call of the box's own; a caller joined to a telephone outside is a transfer."""
    if side.state in {SideState.LEAVING, SideState.CLEARING}:
        return Rank.LEAVING
    is_joined = isinstance(side, Outside) and side.state is SideState.TALKING
    return Rank.TRANSFER if is_joined else Rank.OUTGOING


def _in_service(seat: LineSeat) -> bool:
    usable = {LineState.IDLE, LineState.RINGING, LineState.IN_USE, LineState.CLEARING}
    return carries(seat.line) and seat.state in usable
