"""Outside telephone of a group or office, called over a second line (B4).

Without a LAN the office still has its analog lines: the box dials on an idle one, plays an
announcement to the person who answers, a key accepts the call, and the two lines are joined. To the
call this is one more phone that rings: events of its line become events of a phone's leg, and
orders to that leg become orders to its line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from appliance.calls import announcements, orders
from appliance.calls.events import (
    CallerHungUp,
    DeadlinePassed,
    DigitPressed,
    Event,
    Evidence,
    FarEnd,
    FarEndProgressed,
    LineNeeded,
    OperatorAnswered,
    PhoneBusy,
    PhoneHungUp,
    PhoneLost,
    PhoneUnreachable,
)
from appliance.calls.model import (
    NOT_IDLE,
    Actions,
    Call,
    Dials,
    LineState,
    Side,
    SwitchboardState,
    state_after,
)
from appliance.calls.orders import Order
from appliance.calls.pbx import ACCEPT_KEY, OFFERS
from appliance.calls.side_states import OUTSIDE_TABLE, SideAction, SideState
from appliance.policy.clock import Now
from appliance.policy.office import Group

Orders = Iterator[Order]

STAR = "*"
STARS_S = 3.0
"""Longest time between the two stars that send a call back, s."""
DIALLING_MS = 15_000
"""Time for seizing the line, dialling and a last word, beside the time it rings, ms."""
GONE: Mapping[FarEnd, type[PhoneBusy | PhoneHungUp | PhoneUnreachable]] = {
    FarEnd.BUSY: PhoneBusy,
    FarEnd.NO_ANSWER: PhoneHungUp,
    FarEnd.CONGESTION: PhoneUnreachable,
    FarEnd.SIT: PhoneUnreachable,
    FarEnd.DIAL: PhoneUnreachable,
    FarEnd.NO_DIAL_TONE: PhoneUnreachable,
    FarEnd.REFUSED: PhoneUnreachable,
}


@dataclass(slots=True)
class OutsideCall(Side):
    """Leg of an outside telephone on `line`; `told` are its events for the caller's call.

    `of_office`: an office's number (transfer.py), whose last star was heard at `starred_at`
    (monotonic s).
    """

    line: str = ""
    offers: int = 0
    of_office: bool = False
    starred_at: float = -math.inf
    told: list[Event] = field(default_factory=list)

    def concerns(self, event: Event) -> bool:
        """True for events of its line, announcements and limits."""
        # E5: a listener is silent, so silence ends nothing.
        if isinstance(event, CallerHungUp) and event.evidence is Evidence.SILENCE:
            return False
        if getattr(event, "line", "") == self.line:
            return True
        return not hasattr(event, "leg") and Side.concerns(self, event)

    @property
    def carries_caller(self) -> bool:
        """True once a key has accepted the call: the two lines are joined."""
        return self.state is SideState.TALKING

    def abort(self, board: SwitchboardState, now: Now) -> Orders:
        """Hang up its line; to the caller's call, which waits for it, the telephone has hung up."""
        self.told.append(PhoneHungUp(self.leg))
        yield from self.release_line(board, now)

    def take_told(self) -> tuple[Event, ...]:
        """Return the events for the caller's call, and clear them."""
        told, self.told = tuple(self.told), []
        return told


def ring_telephone(
    board: SwitchboardState, call: Call, group: Group, line: str, now: Now
) -> Orders:
    """Dial the group's telephone on a line; its leg rings for the call."""
    leg = call.new_leg(group.outside_name).leg
    call.note(f"ring.{group.outside_name}")
    called = Dials(group.outside_name, group.outside, group.ring_ms)
    yield from dial_number(board, leg, called, line, now)


def dial_number(
    board: SwitchboardState,
    leg: str,
    called: Dials,
    line: str,
    now: Now,
    *,
    of_office: bool = False,
) -> Orders:
    """Dial a number on an idle line; its leg rings for a call under the number's name."""
    side = OutsideCall(
        leg,
        called.name,
        OUTSIDE_TABLE,
        OUTSIDE_ACTIONS,
        SideState.RINGING,
        line=line,
        of_office=of_office,
    )
    board.add_side(side, now)
    board.sides[leg].deadline = now.monotonic + (called.ring_ms + DIALLING_MS) / 1000
    board.outside[leg] = line
    channel = board.channels[line]
    channel.call = leg
    channel.become(LineState.IN_USE, now)
    yield orders.DialLeg(line, called.digits, called.ring_ms)


def for_its_line(board: SwitchboardState, order: Order, now: Now) -> list[Order]:
    """Map an order to such a leg to orders to its line; return other orders unchanged."""
    match order:
        case orders.StopRinging(leg) | orders.HangUpPhone(leg) if leg in board.outside:
            return _let_go(board, leg, now)
        case orders.Connect(line, leg) if leg in board.outside:
            return [orders.JoinLines(line, board.outside[leg])]
        case orders.Join(leg, other) if other in board.outside:
            return [orders.Connect(board.outside[other], leg)]
        case orders.Play(play, prompts, _, leg) if leg in board.outside:
            return [orders.Play(play, prompts, line=board.outside[leg])]
    return [order]


def _let_go(board: SwitchboardState, leg: str, now: Now) -> list[Order]:
    """Put its line on hook, once; LineIdle frees it."""
    side = board.sides.get(leg)
    # Its line is gone, or hung up already.
    if not isinstance(side, OutsideCall) or side.state is SideState.LEAVING:
        return []
    side.enter(SideState.LEAVING, now)
    board.channels[side.line].become(LineState.CLEARING, now)
    return [orders.HangUp(side.line)]


def _hear(board: SwitchboardState, side: OutsideCall, event: FarEndProgressed, now: Now) -> Orders:
    """Follow the progress of the call to the telephone."""
    if event.progress is FarEnd.ANSWERED and side.state is SideState.RINGING:
        yield from _offer(board, side, event, now)
    # ANSWERED was presumed from the sound only, and wrong: it rings all the same.
    elif event.progress is FarEnd.RINGING and side.state is not SideState.RINGING:
        side.enter(SideState.RINGING, now)
        yield orders.Listen(side.line)
    elif event.progress in GONE:
        side.told.append(GONE[event.progress](side.leg))
        yield from _let_go(board, side.leg, now)


def _offer(board: SwitchboardState, side: OutsideCall, event: object, now: Now) -> Orders:
    """Play the announcement that a key takes the call."""
    # Only a key is certain: an analog line has no answer signal, and a machine may have answered.
    side.offers += 1
    side.enter(SideState.SPEAKING, now)
    prompts = announcements.for_staff(board.office, "offer_call")
    yield orders.Play(side.new_play(), prompts, line=side.line)


def _listen(board: SwitchboardState, side: OutsideCall, event: object, now: Now) -> Orders:
    """Listen for the key after the announcement."""
    yield orders.Listen(side.line)


def _offer_again(board: SwitchboardState, side: OutsideCall, event: object, now: Now) -> Orders:
    """Play the announcement once more; after the last time nobody has answered."""
    if side.offers < OFFERS:
        yield from _offer(board, side, event, now)
    else:
        yield from _give_up(board, side, event, now)


def _give_up(board: SwitchboardState, side: OutsideCall, event: object, now: Now) -> Orders:
    """Hang up: nobody took the call, or the person who did has hung up."""
    side.told.append(PhoneHungUp(side.leg))
    yield from _let_go(board, side.leg, now)


def _accept(board: SwitchboardState, side: OutsideCall, event: DigitPressed, now: Now) -> Orders:
    """Give the call to the person who presses the key; ignore other keys."""
    if event.digit == ACCEPT_KEY:
        side.enter(SideState.TALKING, now)
        side.told.append(OperatorAnswered(side.leg, side.phone))
    yield from ()


def _press(board: SwitchboardState, side: OutsideCall, event: DigitPressed, now: Now) -> Orders:
    """Send the call back by two stars of an office, one soon after the other (E7)."""
    # Keys are in-band here: the caller hears every other one without our doing. A voice that is
    # mistaken for one star is hardly mistaken for two.
    # Of a group's telephone the stars are the far end's: only an office has a key.
    if event.digit == STAR and side.of_office:
        if now.monotonic - side.starred_at <= STARS_S:
            side.told += [replace(event, line="", leg=side.leg)] * 2
        side.starred_at = now.monotonic
    yield from ()


def _lost(board: SwitchboardState, side: OutsideCall, event: object, now: Now) -> Orders:
    """End the leg: its line was lost or went on hook by itself."""
    side.told.append(PhoneLost(side.leg, "its line is gone"))
    yield from _free(board, side, event, now)


def _free(board: SwitchboardState, side: OutsideCall, event: object, now: Now) -> Orders:
    """Detach the line, in the state that the event tells."""
    channel = board.channels[side.line]
    channel.call = ""
    state, reason = state_after(event)
    if isinstance(event, DeadlinePassed):
        state, reason = LineState.CLEARING, NOT_IDLE
    channel.become(state, now, reason)
    yield from ()


def _give_line(board: SwitchboardState, side: OutsideCall, event: LineNeeded, now: Now) -> Orders:
    """Give the line to an emergency call; to the caller's call nobody has answered."""
    for call in [call for call in board.calls.values() if call.owns(side.leg)]:
        call.note("freed.emergency")
    yield from _give_up(board, side, event, now)


OUTSIDE_ACTIONS: Actions = {
    SideAction.GIVE_LINE: _give_line,
    SideAction.HEAR: _hear,
    SideAction.WAIT: _listen,
    SideAction.OBEY: _accept,
    SideAction.FORWARD: _press,
    SideAction.GO_ON: _offer_again,
    SideAction.GIVE_UP: _give_up,
    SideAction.LOSE: _lost,
    SideAction.FORGET: _free,
}
