"""Conference with the supervisor (E10): brought in by an operator's key or a command.

Caller and operator talk on while the supervisor's phones ring; the operator hears a short tone.
These phones are no part of the caller's call: a failure of theirs affects neither caller nor
operator. After the operator hangs up, the supervisor has the caller and does what operators do.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from appliance.calls import announcements, manual_states, orders
from appliance.calls.commands import BringHead
from appliance.calls.events import (
    CallerHungUp,
    Evidence,
    HeadWished,
    LegEnded,
    OperatorAnswered,
    PromptEnded,
)
from appliance.calls.model import (
    Actions,
    Call,
    Side,
    SwitchboardState,
    caller_words,
)
from appliance.calls.orders import Order, Result
from appliance.calls.ringing import OUTCOMES, Orders, clear_call, go_on_talking, note_evidence
from appliance.calls.side_states import HEAD_TABLE, SideAction, SideState
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.text import Words, _

# States in which caller and operator talk: the supervisor joins them.
TOGETHER = frozenset({State.TALKING, State.TRANSFER_KEYS, State.OFFICE_WAITS})
CALLER_HELD = frozenset(
    {State.ON_HOLD, State.TRANSFER_CHOICE, State.TRANSFER_RINGING, State.TRANSFER_CONSULT}
)
"""States in which the caller waits for the operator: caller and supervisor are held."""
RINGS_IN = TOGETHER | {State.ON_HOLD, State.TRANSFER_CHOICE}
"""States in which the supervisor's phones go on ringing."""
NOBODY_CAME = "nobody_there"
"""Prompt for the operator when the supervisor does not answer."""


RINGS = _("the head is being rung")
WITH = _("with the head")


class Hears(enum.Enum):
    """Sound that the supervisor is given."""

    NOTHING = enum.auto()
    CALL = enum.auto()
    MUSIC = enum.auto()


@dataclass(slots=True)
class SupervisorCall(Side):
    """Supervisor's phones for `call`: those that ring, then the one that answered."""

    call: str = ""
    phones: dict[str, str] = field(default_factory=dict)
    hears: Hears = Hears.NOTHING

    @property
    def legs(self) -> dict[str, str]:
        """The phones that ring or talk, by leg."""
        return self.phones


# Tones for the operator: the supervisor is being rung; no longer.
RING_SIGN, STOP_SIGN = "tone_ok", announcements.TONE
REFUSED = "state_refused"
# On the supervisor's phone.
ASKS = _("{position} asks for help: {caller}")


class SupervisorHindrance(enum.StrEnum):
    """Why the supervisor cannot be brought in now."""

    NO_PHONE = "no_phone"
    OUTSIDE = "outside"
    CAME_OVER = "came_over"
    ALL_ABSENT = "all_absent"
    UNREACHABLE = "unreachable"
    AWAY = "away"
    BUSY = "busy"
    THERE = "there"
    NOT_RUNG = "not_rung"


# Answer to the command, for each hindrance; without numbers (P7).
SENTENCES: Mapping[SupervisorHindrance, Words] = {
    SupervisorHindrance.NO_PHONE: _("The head has no phone: ask the technician to name it."),
    SupervisorHindrance.OUTSIDE: _(
        "Whoever talks does so on a telephone outside: the head cannot be brought in."
    ),
    SupervisorHindrance.CAME_OVER: _(
        "The caller comes from another branch: the head cannot be brought in."
    ),
    SupervisorHindrance.ALL_ABSENT: _("All absent: no phone rings."),
    SupervisorHindrance.UNREACHABLE: _("The head's phone is unreachable."),
    SupervisorHindrance.AWAY: _("The head is away."),
    SupervisorHindrance.BUSY: _("The head is on the phone."),
    SupervisorHindrance.THERE: _("The head is in the conversation already."),
    SupervisorHindrance.NOT_RUNG: _("The head's phone is not ringing."),
}
# Prompt for the operator who pressed the key, for each hindrance; NOBODY_CAME for the others.
HEARD: Mapping[SupervisorHindrance, str] = {
    SupervisorHindrance.NO_PHONE: REFUSED,
    SupervisorHindrance.OUTSIDE: REFUSED,
    SupervisorHindrance.CAME_OVER: REFUSED,
    SupervisorHindrance.THERE: REFUSED,
    SupervisorHindrance.NOT_RUNG: REFUSED,
}


def hindrance(board: SwitchboardState, call: Call, now: Now) -> SupervisorHindrance | None:
    """Return why the supervisor's phones cannot ring for a call now, or None."""
    phones = board.office.head
    there = [phone for phone in phones if phone in board.reachable]
    # The first that holds is told.
    reasons = {
        SupervisorHindrance.THERE: supervisor_of(board, call) is not None,
        SupervisorHindrance.NO_PHONE: not phones,
        # BringIn adds a phone to a line and a phone; this operator's telephone is a line.
        SupervisorHindrance.OUTSIDE: call.leg in board.outside,
        # So far only a caller from another branch has such a line, which the answer says.
        SupervisorHindrance.CAME_OVER: not call.line.can.conference,
        # E4: no phone rings.
        SupervisorHindrance.ALL_ABSENT: routing.if_absent(board.office, board.service, now)
        is not None,
        SupervisorHindrance.UNREACHABLE: not there,
        SupervisorHindrance.AWAY: all(board.service.is_away(phone, now.wall) for phone in there),
        SupervisorHindrance.BUSY: not board.free_of(phones),
    }
    return next((why for why, holds in reasons.items() if holds), None)


def by_key(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Ring the supervisor by the operator's key, or call them off while they ring."""
    side = supervisor_of(board, call)
    # The same key again while it rings calls the supervisor off.
    if side is not None and side.state is SideState.RINGING:
        yield from _stop(board, call, side)
        return
    why = hindrance(board, call, now)
    if why is None:
        yield from _ring(board, call, now)
        return
    call.note(f"head.refused.{why}")
    yield from whisper(board, call, HEARD.get(why, NOBODY_CAME))
    yield call.write()


def by_person(board: SwitchboardState, call: Call, event: HeadWished, now: Now) -> Orders:
    """Ring the supervisor, or call them off, by a command; `answer_to` has told the outcome."""
    request, side = event.request, supervisor_of(board, call)
    if not isinstance(request, BringHead) or answer_to(board, call, request, now) is not None:
        return
    if side is None:
        yield from _ring(board, call, now)
    else:
        yield from _stop(board, call, side)


def answer_to(board: SwitchboardState, call: Call, request: BringHead, now: Now) -> Words | None:
    """Return why a command would be refused now, or None."""
    side = supervisor_of(board, call)
    if request.on:
        why = hindrance(board, call, now)
    else:
        rings = side is not None and side.state is SideState.RINGING
        why = None if rings else SupervisorHindrance.NOT_RUNG
    return None if why is None else SENTENCES[why]


def _ring(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Ring the supervisor's free phones; the conversation goes on."""
    # Legs of this call by name only: `Call.legs` would make them phones that ring for the caller.
    phones = board.free_of(board.office.head)
    rung = {call.new_leg_name(): phone for phone in phones}
    first = next(iter(rung))
    side = SupervisorCall(
        first,
        rung[first],
        HEAD_TABLE,
        SUPERVISOR_ACTIONS,
        SideState.RINGING,
        call=call.id,
        phones=rung,
    )
    yield from manual_states.make_way(board, phones)
    board.add_side(side, now)
    call.note(f"head.ring.{','.join(phones)}")
    ringing = tuple(orders.Ringing(leg, phone) for leg, phone in rung.items())
    asks = board.label_of(call.leg_phone)
    language = board.office.staff_language
    display = ASKS.filled(position=asks, caller=caller_words(call.record.caller, language))
    yield orders.RingPhones(side.leg, ringing, display.text(language), call.record.caller.number)
    yield from whisper(board, call, RING_SIGN)
    yield call.write()


def _stop(board: SwitchboardState, call: Call, side: SupervisorCall) -> Orders:
    call.note("head.called_off")
    yield from dismiss_supervisor(board, side)
    yield from whisper(board, call, STOP_SIGN)
    yield call.write()


def supervisor_of(board: SwitchboardState, call: Call) -> SupervisorCall | None:
    """Return the supervisor's part in a call, or None."""
    heads = (side for side in board.sides.values() if isinstance(side, SupervisorCall))
    return next((side for side in heads if side.call == call.id), None)


@dataclass(frozen=True, slots=True)
class SupervisorStatus:
    """Supervisor's part in a call as anybody may see it: the phones that ring, or the one in it."""

    phones: tuple[str, ...]
    talks: bool
    words: Words


def supervisor_status(board: SwitchboardState, call: Call) -> SupervisorStatus | None:
    """Return the supervisor's part in a call for the status; None while there is none."""
    side = supervisor_of(board, call)
    if side is None:
        return None
    talks = side.state is SideState.TALKING
    return SupervisorStatus(tuple(side.phones.values()), talks, WITH if talks else RINGS)


def supervisor_has_caller(board: SwitchboardState, phone: str) -> bool:
    """True for a supervisor's phone that is in a conversation."""
    heads = (side for side in board.sides.values() if isinstance(side, SupervisorCall))
    return any(s.state is SideState.TALKING and phone in s.phones.values() for s in heads)


def whisper(board: SwitchboardState, call: Call, prompt: str) -> Orders:
    """Play a prompt to the operator over the conversation; nobody else hears it."""
    yield orders.Whisper(call.leg, announcements.for_staff(board.office, prompt))


def _join(
    board: SwitchboardState, side: SupervisorCall, event: OperatorAnswered, now: Now
) -> Orders:
    """Keep the first phone that answers, and stop the others."""
    # Its sound is joined by `place_supervisor`, after every other order of this event.
    phone = side.phones.pop(event.leg)
    # `answered_elsewhere` spares the other phones a missed call.
    yield from _stop_ringing(side, answered_elsewhere=True)
    side.phones = {event.leg: phone}
    call = board.calls[side.call]
    call.note(f"head.answered.{phone}")
    yield call.write()


def _part(board: SwitchboardState, side: SupervisorCall, event: LegEnded, now: Now) -> Orders:
    """Note a phone that is out or has left; tell the operator when the last one is out."""
    call, phone = board.calls[side.call], side.phones.pop(event.leg)
    # Whichever phone goes, the media gateway goes on with the two that are left, without an order.
    if side.state is SideState.TALKING:
        call.note(f"head.left.{phone}")
    else:
        call.note(f"head.{OUTCOMES[type(event)]}.{phone}")
    if not side.phones:
        was, side.state = side.state, SideState.ENDED
        if was is SideState.RINGING:
            yield from whisper(board, call, NOBODY_CAME)
    yield call.write()


def _nobody_lifted(
    board: SwitchboardState, side: SupervisorCall, event: object, now: Now
) -> Orders:
    """Stop ringing and tell the operator: nobody answered."""
    call = board.calls[side.call]
    call.note("head.no_answer")
    yield from _stop_ringing(side)
    yield from whisper(board, call, NOBODY_CAME)
    yield call.write()


def _again(board: SwitchboardState, side: SupervisorCall, event: PromptEnded, now: Now) -> Orders:
    """Play the hold music again: nobody is left in silence."""
    if side.hears is Hears.MUSIC:
        yield from _music(board, side)


SUPERVISOR_ACTIONS: Actions = {
    SideAction.JOIN: _join,
    SideAction.PART: _part,
    SideAction.GIVE_UP: _nobody_lifted,
    SideAction.SPEAK: _again,
}


def _music(board: SwitchboardState, side: SupervisorCall) -> Orders:
    (leg,) = side.phones
    words = announcements.for_staff(board.office, "hold_music")
    yield orders.Play(side.new_play(), words, leg=leg)


def _stop_ringing(side: SupervisorCall, *, answered_elsewhere: bool = False) -> Orders:
    for leg in side.phones:
        yield orders.StopRinging(leg, answered_elsewhere)


def dismiss_supervisor(board: SwitchboardState, side: SupervisorCall) -> Orders:
    """Stop or hang up the supervisor's phones."""
    del board.sides[side.leg]
    if side.state is SideState.RINGING:
        yield from _stop_ringing(side)
    else:
        yield from (orders.HangUpPhone(leg) for leg in side.phones)


def place_supervisor(board: SwitchboardState, given: Collection[Order], now: Now) -> Orders:
    """Join the supervisor with caller and operator, hold or dismiss them, after every event.

    `given`: the orders of the event so far; one that joins the line elsewhere parts it from both.
    """
    for side in [side for side in board.sides.values() if isinstance(side, SupervisorCall)]:
        call = board.calls.get(side.call)
        stays = RINGS_IN if side.state is SideState.RINGING else TOGETHER | CALLER_HELD
        # The call is over, its operator has gone, or the caller is elsewhere.
        if call is None or not call.leg or call.state not in stays:
            yield from dismiss_supervisor(board, side)
        elif side.state is SideState.TALKING:
            yield from _place(board, call, side, given)


def _place(
    board: SwitchboardState, call: Call, side: SupervisorCall, given: Collection[Order]
) -> Orders:
    """Give the supervisor the sound that fits the call's state."""
    # An order to the line has ended the conference: BringIn is needed again.
    if side.hears is Hears.CALL and any(_parts(order, call) for order in given):
        side.hears = Hears.NOTHING
    if call.state in CALLER_HELD and side.hears is not Hears.MUSIC:
        side.hears = Hears.MUSIC
        yield from _music(board, side)
    elif call.state in TOGETHER and side.hears is not Hears.CALL:
        side.hears = Hears.CALL
        (leg,) = side.phones
        yield orders.BringIn(call.line.name, leg)


def _parts(order: Order, call: Call) -> bool:
    """True for an order that joins the caller to something else."""
    return isinstance(order, PARTING) and order.line == call.line.name


PARTING = orders.Connect | orders.Hold | orders.Play


def supervisor_takes_over(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Give the caller to the supervisor after the operator has gone; needs `supervisor_is_in`."""
    side = supervisor_of(board, call)
    assert side is not None, "only a supervisor who is in takes over"
    del board.sides[side.leg]
    ((call.leg, call.leg_phone),) = side.phones.items()
    # A code that the operator had begun is nobody's any more.
    call.leg_play = call.keyed = ""
    call.note(f"head.takes_over.{call.leg_phone}")
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(board, call, State.TALKING, now)
    yield call.write()


def supervisor_is_in(board: SwitchboardState, call: Call) -> bool:
    """True while the supervisor talks with the caller, or is held beside them."""
    side = supervisor_of(board, call)
    return side is not None and side.state is SideState.TALKING


def operator_left(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a call whose operator hung up, unless the supervisor is in the conversation (E10)."""
    call.note("operator_left")
    if supervisor_is_in(board, call):
        yield from supervisor_takes_over(board, call, now)
        return
    note_evidence(call, CallerHungUp(call.line.name, Evidence.OPERATOR))
    call.forget_leg()
    yield from clear_call(board, call, now, Result.ANSWERED)
