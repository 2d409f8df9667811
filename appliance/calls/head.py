"""The head of the front desk in a conversation (E10): caller, operator and head talk.

To the call the head's phone is nobody: it rings beside it, is let into the conversation, and
whatever happens to it touches nobody else. Only when the operator has gone does the head become
whom the caller talks with, and then does what an operator does.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from appliance.calls import announcements, orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import OperatorAnswered, PromptEnded
from appliance.calls.orders import Order
from appliance.calls.ringing import OUTCOMES, Orders, go_on_talking
from appliance.calls.side_states import SideDo, SideState
from appliance.calls.sides import Doings, Side
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.text import Words

TOGETHER = frozenset({State.TALKING, State.TRANSFER_KEYS})
"""Where the caller is on the line with the operator: three talk."""
CALLER_HELD = frozenset({State.TRANSFER_CHOICE, State.TRANSFER_RINGING, State.TRANSFER_CONSULT})
"""Where the operator is busy with an office and the caller held: so is the head."""
RINGS_IN = TOGETHER | {State.TRANSFER_CHOICE}
NOBODY = "nobody_there"
"""What the operator hears when the head will not come."""


RINGS = Words("squilla il/la responsabile", "the head is being rung")
WITH = Words("con il/la responsabile", "with the head")


class Hears(enum.Enum):
    """What the head hears of the call."""

    NOTHING = enum.auto()
    CALL = enum.auto()
    MUSIC = enum.auto()


@dataclass(slots=True)
class Head(Side):
    """The head's phones for `call`: those that ring, then the one that answered."""

    call: str = ""
    phones: dict[str, str] = field(default_factory=dict)
    hears: Hears = Hears.NOTHING

    @property
    def legs(self) -> dict[str, str]:
        """The phones that ring or talk, by leg."""
        return self.phones


def of(desk: Desk, call: Call) -> Head | None:
    """Return the head's part in a call, None for none."""
    heads = (side for side in desk.sides.values() if isinstance(side, Head))
    return next((side for side in heads if side.call == call.id), None)


@dataclass(frozen=True, slots=True)
class HeadStatus:
    """The head's part in a call, for anybody to see: phones that ring, or the one that is in."""

    phones: tuple[str, ...]
    talks: bool
    words: Words


def head_status(desk: Desk, call: Call) -> HeadStatus | None:
    """Describe it; None while the head has no part."""
    side = of(desk, call)
    if side is None:
        return None
    talks = side.state is SideState.TALKING
    return HeadStatus(tuple(side.phones.values()), talks, WITH if talks else RINGS)


def has_caller(desk: Desk, phone: str) -> bool:
    """True for a phone of the head's that is in a conversation."""
    heads = (side for side in desk.sides.values() if isinstance(side, Head))
    return any(s.state is SideState.TALKING and phone in s.phones.values() for s in heads)


def tell(desk: Desk, call: Call, prompt: str) -> Orders:
    """Have the operator hear something over the conversation; caller and head do not."""
    yield orders.Whisper(call.leg, announcements.for_staff(desk.office, prompt))


# --- what the head's phones do --------------------------------------------------------------------


def _join(desk: Desk, side: Head, event: OperatorAnswered, now: Now) -> Orders:
    """The first who lifts is in the conversation; `keep` lets the phone in."""
    phone = side.phones.pop(event.leg)
    yield from _stop_ringing(side, answered_elsewhere=True)
    side.phones = {event.leg: phone}
    call = desk.calls[side.call]
    call.note(f"head.answered.{phone}")
    yield call.write()


def _part(desk: Desk, side: Head, event: Any, now: Now) -> Orders:
    """A phone is out: after the last one the operator hears so; who was in has left."""
    call, phone = desk.calls[side.call], side.phones.pop(event.leg)
    if side.state is SideState.TALKING:
        call.note(f"head.left.{phone}")
    else:
        call.note(f"head.{OUTCOMES[type(event)]}.{phone}")
    if not side.phones:
        was, side.state = side.state, SideState.ENDED
        if was is SideState.RINGING:
            yield from tell(desk, call, NOBODY)
    yield call.write()


def _give_up(desk: Desk, side: Head, event: Any, now: Now) -> Orders:
    """Nobody lifted."""
    call = desk.calls[side.call]
    call.note("head.no_answer")
    yield from _stop_ringing(side)
    yield from tell(desk, call, NOBODY)
    yield call.write()


def _again(desk: Desk, side: Head, event: PromptEnded, now: Now) -> Orders:
    """Whoever waits is never left in silence."""
    if side.hears is Hears.MUSIC:
        yield from _music(desk, side)


DOINGS: Doings = {
    SideDo.JOIN: _join,
    SideDo.PART: _part,
    SideDo.GIVE_UP: _give_up,
    SideDo.SPEAK: _again,
}


def _music(desk: Desk, side: Head) -> Orders:
    (leg,) = side.phones
    words = announcements.for_staff(desk.office, "hold_music")
    yield orders.Play(side.new_play(), words, leg=leg)


def _stop_ringing(side: Head, *, answered_elsewhere: bool = False) -> Orders:
    for leg in side.phones:
        yield orders.StopRinging(leg, answered_elsewhere)


def dismiss(desk: Desk, side: Head) -> Orders:
    """Let the head's phones go, whether they ring or one talks."""
    del desk.sides[side.leg]
    if side.state is SideState.RINGING:
        yield from _stop_ringing(side)
    else:
        yield from (orders.HangUpPhone(leg) for leg in side.phones)


# --- what becomes of the call ---------------------------------------------------------------------


def keep(desk: Desk, given: Collection[Order], now: Now) -> Orders:
    """After every event: the head hears the caller while the operator does, else waits, or goes.

    `given` are the orders that the event led to: what is ordered of the line parts it from both.
    """
    for side in [side for side in desk.sides.values() if isinstance(side, Head)]:
        call = desk.calls.get(side.call)
        stays = RINGS_IN if side.state is SideState.RINGING else TOGETHER | CALLER_HELD
        if call is None or not call.leg or call.state not in stays:
            yield from dismiss(desk, side)
        elif side.state is SideState.TALKING:
            yield from _place(desk, call, side, given)


def _place(desk: Desk, call: Call, side: Head, given: Collection[Order]) -> Orders:
    """Let the head hear what it is to hear now."""
    if side.hears is Hears.CALL and any(_parts(order, call) for order in given):
        side.hears = Hears.NOTHING
    if call.state in CALLER_HELD and side.hears is not Hears.MUSIC:
        side.hears = Hears.MUSIC
        yield from _music(desk, side)
    elif call.state in TOGETHER and side.hears is not Hears.CALL:
        side.hears = Hears.CALL
        (leg,) = side.phones
        yield orders.BringIn(call.line.name, leg)


def _parts(order: Order, call: Call) -> bool:
    """True for an order that joins the caller to something else."""
    return isinstance(order, PARTING) and order.line == call.line.name


PARTING = orders.Connect | orders.Hold | orders.Play


def take_over(desk: Desk, call: Call, now: Now) -> Orders:
    """The operator has gone: caller and head talk on. Ask `is_in` first."""
    side = of(desk, call)
    assert side is not None, "only a head who is in takes over"
    del desk.sides[side.leg]
    ((call.leg, call.leg_phone),) = side.phones.items()
    call.leg_play = call.keyed = ""
    call.note(f"head.takes_over.{call.leg_phone}")
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TALKING, now)
    yield call.write()


def is_in(desk: Desk, call: Call) -> bool:
    """True while the head talks with the caller, or is held beside them."""
    side = of(desk, call)
    return side is not None and side.state is SideState.TALKING
