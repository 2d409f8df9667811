"""Conference with the supervisor (E10): brought in by an operator's key or a command.

Caller and operator talk on while the supervisor's phones ring; the operator hears a short tone.
These phones are no part of the caller's call: a failure of theirs affects neither caller nor
operator. After the operator hangs up, the supervisor has the caller and does what operators do.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from appliance.calls import announcements, orders, positions
from appliance.calls.commands import BringHead
from appliance.calls.events import (
    CallerHungUp,
    Evidence,
    HeadWished,
    LegEnded,
    OperatorAnswered,
    PromptEnded,
)
from appliance.calls.model import Actions, Call, Desk, Side, caller_words
from appliance.calls.orders import Order, Result
from appliance.calls.ringing import OUTCOMES, Orders, clear_call, go_on_talking, note_evidence
from appliance.calls.side_states import HEAD_TABLE, SideAction, SideState
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.text import Words

TOGETHER = frozenset({State.TALKING, State.TRANSFER_KEYS})
"""States in which caller and operator talk: the supervisor joins them."""
CALLER_HELD = frozenset({State.TRANSFER_CHOICE, State.TRANSFER_RINGING, State.TRANSFER_CONSULT})
"""States in which the operator is busy with an office: caller and supervisor are held."""
RINGS_IN = TOGETHER | {State.TRANSFER_CHOICE}
"""States in which the supervisor's phones go on ringing."""
NOBODY_CAME = "nobody_there"
"""Prompt for the operator when the supervisor does not answer."""


RINGS = Words("squilla il/la responsabile", "the head is being rung")
WITH = Words("con il/la responsabile", "with the head")


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


RING_SIGN, STOP_SIGN = "tone_ok", announcements.TONE
"""Tones for the operator: the supervisor is being rung; no longer."""
REFUSED = "state_refused"
# On the supervisor's phone: who asks for help, and the caller. Phones of the office speak Italian.
ASKS = "Chiede aiuto {}: {}"


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


SENTENCES: Mapping[SupervisorHindrance, Words] = {
    SupervisorHindrance.NO_PHONE: Words(
        "Il responsabile non ha un telefono: chiedere al tecnico di indicarlo.",
        "The head has no phone: ask the technician to name it.",
    ),
    SupervisorHindrance.OUTSIDE: Words(
        "Chi parla usa un telefono esterno: il responsabile non si può far entrare.",
        "Whoever talks does so on a telephone outside: the head cannot be brought in.",
    ),
    SupervisorHindrance.CAME_OVER: Words(
        "L'utente arriva da un'altra sede: il responsabile non si può far entrare.",
        "The caller comes from another branch: the head cannot be brought in.",
    ),
    SupervisorHindrance.ALL_ABSENT: Words(
        "Tutti assenti: non squilla nessun telefono.", "All absent: no phone rings."
    ),
    SupervisorHindrance.UNREACHABLE: Words(
        "Il telefono del responsabile non è raggiungibile.", "The head's phone is unreachable."
    ),
    SupervisorHindrance.AWAY: Words("Il responsabile è assente.", "The head is away."),
    SupervisorHindrance.BUSY: Words("Il responsabile è al telefono.", "The head is on the phone."),
    SupervisorHindrance.THERE: Words(
        "Il responsabile è già in conversazione.", "The head is in the conversation already."
    ),
    SupervisorHindrance.NOT_RUNG: Words(
        "Il responsabile non sta squillando.", "The head's phone is not ringing."
    ),
}
"""Answer to the command, for each hindrance; without numbers (P7)."""
HEARD: Mapping[SupervisorHindrance, str] = {
    SupervisorHindrance.NO_PHONE: REFUSED,
    SupervisorHindrance.OUTSIDE: REFUSED,
    SupervisorHindrance.CAME_OVER: REFUSED,
    SupervisorHindrance.THERE: REFUSED,
    SupervisorHindrance.NOT_RUNG: REFUSED,
}
"""Prompt for the operator who pressed the key, for each hindrance; NOBODY_CAME for the others."""


def hindrance(desk: Desk, call: Call, now: Now) -> SupervisorHindrance | None:
    """Return why the supervisor's phones cannot ring for a call now, or None."""
    phones = desk.office.head
    there = [phone for phone in phones if phone in desk.reachable]
    # The first that holds is told.
    reasons = {
        SupervisorHindrance.THERE: supervisor_of(desk, call) is not None,
        SupervisorHindrance.NO_PHONE: not phones,
        # BringIn adds a phone to a line and a phone; this operator's telephone is a line.
        SupervisorHindrance.OUTSIDE: call.leg in desk.outside,
        # A trunk leg takes no third voice (docs/design/call.md, "Between branches").
        SupervisorHindrance.CAME_OVER: desk.came_over(call),
        # E4: no phone rings.
        SupervisorHindrance.ALL_ABSENT: routing.if_absent(desk.office, desk.service, now)
        is not None,
        SupervisorHindrance.UNREACHABLE: not there,
        SupervisorHindrance.AWAY: all(desk.service.is_away(phone, now.wall) for phone in there),
        SupervisorHindrance.BUSY: not desk.free_of(phones),
    }
    return next((why for why, holds in reasons.items() if holds), None)


def by_key(desk: Desk, call: Call, now: Now) -> Orders:
    """Ring the supervisor by the operator's key, or call them off while they ring."""
    side = supervisor_of(desk, call)
    # The same key again while it rings calls the supervisor off.
    if side is not None and side.state is SideState.RINGING:
        yield from _stop(desk, call, side)
        return
    why = hindrance(desk, call, now)
    if why is None:
        yield from _ring(desk, call, now)
        return
    call.note(f"head.refused.{why}")
    yield from whisper(desk, call, HEARD.get(why, NOBODY_CAME))
    yield call.write()


def by_person(desk: Desk, call: Call, event: HeadWished, now: Now) -> Orders:
    """Ring the supervisor, or call them off, by a command; `answer_to` has told the outcome."""
    request, side = event.request, supervisor_of(desk, call)
    if not isinstance(request, BringHead) or answer_to(desk, call, request, now) is not None:
        return
    if side is None:
        yield from _ring(desk, call, now)
    else:
        yield from _stop(desk, call, side)


def answer_to(desk: Desk, call: Call, request: BringHead, now: Now) -> Words | None:
    """Return why a command would be refused now, or None."""
    side = supervisor_of(desk, call)
    if request.on:
        why = hindrance(desk, call, now)
    else:
        rings = side is not None and side.state is SideState.RINGING
        why = None if rings else SupervisorHindrance.NOT_RUNG
    return None if why is None else SENTENCES[why]


def _ring(desk: Desk, call: Call, now: Now) -> Orders:
    """Ring the supervisor's free phones; the conversation goes on."""
    # Legs of this call by name only: `Call.legs` would make them phones that ring for the caller.
    phones = desk.free_of(desk.office.head)
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
    yield from positions.make_way(desk, phones)
    desk.add_side(side, now)
    call.note(f"head.ring.{','.join(phones)}")
    ringing = tuple(orders.Ringing(leg, phone) for leg, phone in rung.items())
    own = desk.office.extension_of(call.leg_phone)
    asks = (own.label if own else "") or call.leg_phone
    display = ASKS.format(asks, caller_words(call.record.caller))
    yield orders.RingPhones(side.leg, ringing, display, call.record.caller.number)
    yield from whisper(desk, call, RING_SIGN)
    yield call.write()


def _stop(desk: Desk, call: Call, side: SupervisorCall) -> Orders:
    call.note("head.called_off")
    yield from dismiss_supervisor(desk, side)
    yield from whisper(desk, call, STOP_SIGN)
    yield call.write()


def supervisor_of(desk: Desk, call: Call) -> SupervisorCall | None:
    """Return the supervisor's part in a call, or None."""
    heads = (side for side in desk.sides.values() if isinstance(side, SupervisorCall))
    return next((side for side in heads if side.call == call.id), None)


@dataclass(frozen=True, slots=True)
class SupervisorStatus:
    """Supervisor's part in a call as anybody may see it: the phones that ring, or the one in it."""

    phones: tuple[str, ...]
    talks: bool
    words: Words


def supervisor_status(desk: Desk, call: Call) -> SupervisorStatus | None:
    """Return the supervisor's part in a call for the status; None while there is none."""
    side = supervisor_of(desk, call)
    if side is None:
        return None
    talks = side.state is SideState.TALKING
    return SupervisorStatus(tuple(side.phones.values()), talks, WITH if talks else RINGS)


def supervisor_has_caller(desk: Desk, phone: str) -> bool:
    """True for a supervisor's phone that is in a conversation."""
    heads = (side for side in desk.sides.values() if isinstance(side, SupervisorCall))
    return any(s.state is SideState.TALKING and phone in s.phones.values() for s in heads)


def whisper(desk: Desk, call: Call, prompt: str) -> Orders:
    """Play a prompt to the operator over the conversation; nobody else hears it."""
    yield orders.Whisper(call.leg, announcements.for_staff(desk.office, prompt))


def _join(desk: Desk, side: SupervisorCall, event: OperatorAnswered, now: Now) -> Orders:
    """Keep the first phone that answers, and stop the others."""
    # Its sound is joined by `place_supervisor`, after every other order of this event.
    phone = side.phones.pop(event.leg)
    # `answered_elsewhere` spares the other phones a missed call.
    yield from _stop_ringing(side, answered_elsewhere=True)
    side.phones = {event.leg: phone}
    call = desk.calls[side.call]
    call.note(f"head.answered.{phone}")
    yield call.write()


def _part(desk: Desk, side: SupervisorCall, event: LegEnded, now: Now) -> Orders:
    """Note a phone that is out or has left; tell the operator when the last one is out."""
    call, phone = desk.calls[side.call], side.phones.pop(event.leg)
    # Whichever phone goes, the media gateway goes on with the two that are left, without an order.
    if side.state is SideState.TALKING:
        call.note(f"head.left.{phone}")
    else:
        call.note(f"head.{OUTCOMES[type(event)]}.{phone}")
    if not side.phones:
        was, side.state = side.state, SideState.ENDED
        if was is SideState.RINGING:
            yield from whisper(desk, call, NOBODY_CAME)
    yield call.write()


def _nobody_lifted(desk: Desk, side: SupervisorCall, event: object, now: Now) -> Orders:
    """Stop ringing and tell the operator: nobody answered."""
    call = desk.calls[side.call]
    call.note("head.no_answer")
    yield from _stop_ringing(side)
    yield from whisper(desk, call, NOBODY_CAME)
    yield call.write()


def _again(desk: Desk, side: SupervisorCall, event: PromptEnded, now: Now) -> Orders:
    """Play the hold music again: nobody is left in silence."""
    if side.hears is Hears.MUSIC:
        yield from _music(desk, side)


SUPERVISOR_ACTIONS: Actions = {
    SideAction.JOIN: _join,
    SideAction.PART: _part,
    SideAction.GIVE_UP: _nobody_lifted,
    SideAction.SPEAK: _again,
}


def _music(desk: Desk, side: SupervisorCall) -> Orders:
    (leg,) = side.phones
    words = announcements.for_staff(desk.office, "hold_music")
    yield orders.Play(side.new_play(), words, leg=leg)


def _stop_ringing(side: SupervisorCall, *, answered_elsewhere: bool = False) -> Orders:
    for leg in side.phones:
        yield orders.StopRinging(leg, answered_elsewhere)


def dismiss_supervisor(desk: Desk, side: SupervisorCall) -> Orders:
    """Stop or hang up the supervisor's phones."""
    del desk.sides[side.leg]
    if side.state is SideState.RINGING:
        yield from _stop_ringing(side)
    else:
        yield from (orders.HangUpPhone(leg) for leg in side.phones)


def place_supervisor(desk: Desk, given: Collection[Order], now: Now) -> Orders:
    """Join the supervisor with caller and operator, hold or dismiss them, after every event.

    `given`: the orders of the event so far; one that joins the line elsewhere parts it from both.
    """
    for side in [side for side in desk.sides.values() if isinstance(side, SupervisorCall)]:
        call = desk.calls.get(side.call)
        stays = RINGS_IN if side.state is SideState.RINGING else TOGETHER | CALLER_HELD
        # The call is over, its operator has gone, or the caller is elsewhere.
        if call is None or not call.leg or call.state not in stays:
            yield from dismiss_supervisor(desk, side)
        elif side.state is SideState.TALKING:
            yield from _place(desk, call, side, given)


def _place(desk: Desk, call: Call, side: SupervisorCall, given: Collection[Order]) -> Orders:
    """Give the supervisor the sound that fits the call's state."""
    # An order to the line has ended the conference: BringIn is needed again.
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


def supervisor_takes_over(desk: Desk, call: Call, now: Now) -> Orders:
    """Give the caller to the supervisor after the operator has gone; needs `supervisor_is_in`."""
    side = supervisor_of(desk, call)
    assert side is not None, "only a supervisor who is in takes over"
    del desk.sides[side.leg]
    ((call.leg, call.leg_phone),) = side.phones.items()
    # A code that the operator had begun is nobody's any more.
    call.leg_play = call.keyed = ""
    call.note(f"head.takes_over.{call.leg_phone}")
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TALKING, now)
    yield call.write()


def supervisor_is_in(desk: Desk, call: Call) -> bool:
    """True while the supervisor talks with the caller, or is held beside them."""
    side = supervisor_of(desk, call)
    return side is not None and side.state is SideState.TALKING


def operator_left(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """End a call whose operator hung up, unless the supervisor is in the conversation (E10)."""
    call.note("operator_left")
    if supervisor_is_in(desk, call):
        yield from supervisor_takes_over(desk, call, now)
        return
    note_evidence(call, CallerHungUp(call.line.name, Evidence.OPERATOR))
    call.forget_leg()
    yield from clear_call(desk, call, now, Result.ANSWERED)
