"""A group's ordinary telephone, called over a second line when none of its phones can be reached.

With no LAN at all the office still has its analog lines (B4): the box dials the number on one that
is idle, whoever answers is told of the call, a key accepts it, and the two lines are joined. To the
call this is one more phone that rings: what is heard of it is told as a phone's word, and what is
ordered of that phone is turned into orders for its line.
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
from appliance.calls.model import NOT_IDLE, Actions, Call, Desk, Dials, LineState, Side, state_after
from appliance.calls.orders import Order
from appliance.calls.pbx import ACCEPT_KEY, OFFERS
from appliance.calls.side_states import OUTSIDE_TABLE, SideAction, SideState
from appliance.policy.clock import Now
from appliance.policy.office import Group

Orders = Iterator[Order]

STAR = "*"
STARS_S = 3.0
"""So soon after the first one the second star follows."""
DIALLING_MS = 15_000
"""What seizing the line, dialling and a last word may take beside the time it rings."""
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
    """One such leg, on `line`; `told` waits to be told to the call.

    `of_office`: an office's number (transfer.py), whose last star was heard at `starred_at`.
    """

    line: str = ""
    offers: int = 0
    of_office: bool = False
    starred_at: float = -math.inf
    told: list[Event] = field(default_factory=list)

    def concerns(self, event: Event) -> bool:
        """Its line's events, its announcements and its limits; a listener's silence is none."""
        if isinstance(event, CallerHungUp) and event.evidence is Evidence.SILENCE:
            return False
        if getattr(event, "line", "") == self.line:
            return True
        return not hasattr(event, "leg") and Side.concerns(self, event)

    def take_told(self) -> tuple[Event, ...]:
        """Return and forget what the call is to hear."""
        told, self.told = tuple(self.told), []
        return told


def ring_telephone(desk: Desk, call: Call, group: Group, line: str, now: Now) -> Orders:
    """Dial the group's telephone on a line; its leg rings for the call."""
    leg = call.new_leg(group.outside_name).leg
    call.note(f"ring.{group.outside_name}")
    called = Dials(group.outside_name, group.outside, group.ring_ms)
    yield from dial_number(desk, leg, called, line, now)


def dial_number(
    desk: Desk, leg: str, called: Dials, line: str, now: Now, *, of_office: bool = False
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
    desk.add_side(side, now)
    desk.sides[leg].deadline = now.monotonic + (called.ring_ms + DIALLING_MS) / 1000
    desk.outside[leg] = line
    seat = desk.seats[line]
    seat.call = leg
    seat.become(LineState.IN_USE, now)
    yield orders.DialLeg(line, called.digits, called.ring_ms)


def for_its_line(desk: Desk, order: Order, now: Now) -> list[Order]:
    """Turn an order to such a phone into orders to its line; any other order stays as it is."""
    match order:
        case orders.StopRinging(leg) | orders.HangUpPhone(leg) if leg in desk.outside:
            return _let_go(desk, leg, now)
        case orders.Connect(line, leg) if leg in desk.outside:
            return [orders.JoinLines(line, desk.outside[leg])]
        case orders.Join(leg, other) if other in desk.outside:
            return [orders.Connect(desk.outside[other], leg)]
    return [order]


def _let_go(desk: Desk, leg: str, now: Now) -> list[Order]:
    """Put its line on hook, once; it is free when it has proven itself idle."""
    side = desk.sides.get(leg)
    if not isinstance(side, OutsideCall) or side.state is SideState.LEAVING:
        return []  # its line has gone before
    side.enter(SideState.LEAVING, now)
    desk.seats[side.line].become(LineState.CLEARING, now)
    return [orders.HangUp(side.line)]


def _hear(desk: Desk, side: OutsideCall, event: FarEndProgressed, now: Now) -> Orders:
    """Follow how the telephone gets on."""
    if event.progress is FarEnd.ANSWERED and side.state is SideState.RINGING:
        yield from _offer(desk, side, event, now)
    elif event.progress is FarEnd.RINGING and side.state is not SideState.RINGING:
        side.enter(SideState.RINGING, now)
        yield orders.Listen(side.line)
    elif event.progress in GONE:
        side.told.append(GONE[event.progress](side.leg))
        yield from _let_go(desk, side.leg, now)


def _offer(desk: Desk, side: OutsideCall, event: object, now: Now) -> Orders:
    """Tell whoever is there that a key takes the call."""
    side.offers += 1
    side.enter(SideState.SPEAKING, now)
    prompts = announcements.for_staff(desk.office, "offer_call")
    yield orders.Play(side.new_play(), prompts, line=side.line)


def _listen(desk: Desk, side: OutsideCall, event: object, now: Now) -> Orders:
    """The announcement was heard: a key now, or never."""
    yield orders.Listen(side.line)


def _offer_again(desk: Desk, side: OutsideCall, event: object, now: Now) -> Orders:
    """No key came: once more, then nobody has answered."""
    if side.offers < OFFERS:
        yield from _offer(desk, side, event, now)
    else:
        yield from _give_up(desk, side, event, now)


def _give_up(desk: Desk, side: OutsideCall, event: object, now: Now) -> Orders:
    """Nobody took the call, or whoever did has hung up."""
    side.told.append(PhoneHungUp(side.leg))
    yield from _let_go(desk, side.leg, now)


def _accept(desk: Desk, side: OutsideCall, event: DigitPressed, now: Now) -> Orders:
    """A person took the call; other keys mean nothing."""
    if event.digit == ACCEPT_KEY:
        side.enter(SideState.TALKING, now)
        side.told.append(OperatorAnswered(side.leg, side.phone))
    yield from ()


def _press(desk: Desk, side: OutsideCall, event: DigitPressed, now: Now) -> Orders:
    """Two stars of an office, one soon after the other, are its key that sends back (E7)."""
    # The keys stand in the sound: the caller hears any other by itself. A voice that is taken for
    # one star is hardly taken for two.
    if event.digit == STAR and side.of_office:
        if now.monotonic - side.starred_at <= STARS_S:
            side.told += [replace(event, line="", leg=side.leg)] * 2
        side.starred_at = now.monotonic
    yield from ()


def _lost(desk: Desk, side: OutsideCall, event: object, now: Now) -> Orders:
    """Its line went away, or on hook by itself."""
    side.told.append(PhoneLost(side.leg, "its line is gone"))
    yield from _free(desk, side, event, now)


def _free(desk: Desk, side: OutsideCall, event: object, now: Now) -> Orders:
    """The line is the exchange's again."""
    seat = desk.seats[side.line]
    seat.call = ""
    state, reason = state_after(event)
    if isinstance(event, DeadlinePassed):
        state, reason = LineState.CLEARING, NOT_IDLE
    seat.become(state, now, reason)
    yield from ()


def _give_line(desk: Desk, side: OutsideCall, event: LineNeeded, now: Now) -> Orders:
    """An emergency call needs its line: for the call it is as if nobody had taken it."""
    for call in [call for call in desk.calls.values() if call.owns(side.leg)]:
        call.note("freed.emergency")
    yield from _give_up(desk, side, event, now)


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
