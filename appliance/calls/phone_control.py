"""Call control at the screen for the phone of one's position: answer, hold, resume, hang up.

A phone cannot be lifted from outside. Told to pick up (auto-answer), some makes do and others ring
on until somebody lifts them: which of both a phone does is known once it was seen, never before.
The caller and the other phones notice nothing until a phone has answered.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from appliance.calls import (
    announcements,
    conference,
    incoming,
    manual_states,
    orders,
    outgoing,
    returning,
    ringing,
)
from appliance.calls.commands import ControlPhone, PhoneAct
from appliance.calls.events import (
    AlternateWished,
    AnswerWished,
    DigitPressed,
    HandOverWished,
    HangUpWished,
    HoldWished,
    LegEnded,
    OperatorAnswered,
    PhoneGone,
    PhoneRegistered,
    PromptEnded,
    ResumeWished,
)
from appliance.calls.internal import Intercom
from appliance.calls.model import (
    AutoAnswer,
    Call,
    LearnedPhone,
    PickUp,
    ReturnCause,
    Side,
    SwitchboardState,
)
from appliance.calls.outgoing import OutgoingCall
from appliance.calls.ringing import Orders
from appliance.calls.side_states import SideState
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.routing import NotTaken
from appliance.text import NOTHING, Words, _

PICK_UP_S: Final = 4.0
"""Time in which a phone that picks up by itself has done so, s; it may sound a tone before."""
ANSWERABLE: Final = frozenset(
    {State.RINGING, State.HOLDING, State.QUEUED, State.TRANSFER_RETURNING}
)
"""States in which a phone may take the caller."""
TAKEN_BACK: Final = frozenset(
    {
        State.TRANSFER_CHOICE,
        State.TRANSFER_RINGING,
        State.TRANSFER_CONSULT,
        State.OFFICE_WAITS,
    }
)
"""States, beside ON_HOLD, from which the operator can go back to the caller."""
ANNOUNCED: Final = frozenset({State.TRANSFER_CONSULT, State.OFFICE_WAITS})
"""States in which an office has answered and the operator has not handed the caller over."""

# ---- What may be done, and why not -------------------------------------------------------------


class PhoneHindrance(enum.StrEnum):
    """Why a command for the phone of a position is not carried out."""

    NO_PHONE = "no_phone"
    UNREACHABLE = "unreachable"
    AWAY = "away"
    ENGAGED = "engaged"
    NOTHING_RINGS = "nothing_rings"
    OVER = "over"
    TAKEN = "taken"
    MINE = "mine"
    ELSEWHERE = "elsewhere"
    NO_CALL = "no_call"
    HELD = "held"
    NOT_HELD = "not_held"
    OFFICE = "office"
    NOT_YET = "not_yet"
    SHARED = "shared"
    NO_OFFICE = "no_office"
    OFFICE_WAITS = "office_waits"
    FIRST_RESUME = "first_resume"
    EMERGENCY = "emergency"
    CHANGED = "changed"


PHONE_SENTENCES: Final[Mapping[PhoneHindrance, Words]] = {
    PhoneHindrance.NO_PHONE: outgoing.NO_POSITION,
    PhoneHindrance.UNREACHABLE: outgoing.NOT_REACHED,
    PhoneHindrance.AWAY: _("{position} is away: come back first, then answer."),
    PhoneHindrance.ENGAGED: outgoing.ENGAGED,
    PhoneHindrance.NOTHING_RINGS: _("No call is waiting for you."),
    PhoneHindrance.OVER: _("This call is over: the caller has hung up."),
    PhoneHindrance.TAKEN: _("{other} has answered this call."),
    PhoneHindrance.MINE: _("You have this call already."),
    PhoneHindrance.ELSEWHERE: _("This call cannot be answered from here now."),
    PhoneHindrance.NO_CALL: _("You have no call now."),
    PhoneHindrance.HELD: _("The caller is on hold already."),
    PhoneHindrance.NOT_HELD: _("Nobody is on hold: you are talking."),
    PhoneHindrance.OFFICE: _("The caller is waiting already while you speak with the office."),
    PhoneHindrance.NOT_YET: _("The call is being connected: try again in a moment."),
    PhoneHindrance.SHARED: _(
        "Another telephone takes part in the conversation: the caller cannot be put on hold."
    ),
    PhoneHindrance.NO_OFFICE: _("No office has answered: there is nobody to hand the caller to."),
    PhoneHindrance.OFFICE_WAITS: _(
        "The office is waiting: go back to it, hand the call over or let the office go."
    ),
    PhoneHindrance.FIRST_RESUME: _("A caller is on hold: take the caller back, then hang up."),
    PhoneHindrance.EMERGENCY: _("A call for help is not put on hold."),
    PhoneHindrance.CHANGED: _("That call is no longer at your phone: nothing was done."),
}
"""Sentences for the person who asked; without numbers (P7)."""

PICKS_UP: Final = _("Your phone is answering.")
MAY_RING: Final = _("Your phone is being asked to answer: if it goes on ringing, lift it.")
LIFT: Final = _("Lift your phone to answer: it does not answer by itself.")
ON_HOLD: Final = _("The caller is on hold and hears music.")
RESUMED: Final = _("You are talking with the caller again.")
WITH_OFFICE: Final = _("You are talking with the office, the caller hears music.")
WITH_CALLER: Final = _("You are talking with the caller, the office hears music.")
HANDED_OVER: Final = _("The call is handed over to the office.")
HUNG_UP: Final = _("You have hung up.")
DONE: Final[Mapping[PhoneAct, Words]] = {
    PhoneAct.HOLD: ON_HOLD,
    PhoneAct.RESUME: RESUMED,
    PhoneAct.HAND_OVER: HANDED_OVER,
    PhoneAct.HANG_UP: HUNG_UP,
}
ANSWERS: Final[Mapping[AutoAnswer, Words]] = {
    AutoAnswer.UNKNOWN: MAY_RING,
    AutoAnswer.SEEN: PICKS_UP,
    AutoAnswer.RINGS: LIFT,
}
"""Sentence after an answer command, by what was seen of the phone."""

Wish = AnswerWished | HoldWished | ResumeWished | AlternateWished | HandOverWished | HangUpWished


@dataclass(frozen=True, slots=True)
class PhoneVerdict:
    """Outcome of a command: the event that carries it out, None if refused, and the sentence.

    `call`: id of the caller's call, "" for none; `auto_answer`: what was seen of the phone.
    """

    event: Wish | None
    said: Words
    call: str = ""
    auto_answer: AutoAnswer = AutoAnswer.UNKNOWN


def judge(board: SwitchboardState, asked: ControlPhone, now: Now) -> PhoneVerdict:
    """Decide on a command for the phone of a position."""
    why, other = _common(board, asked, now), ""
    call = ""
    if why is None:
        why, call, other = _FINDERS[asked.act](board, asked, now)
    if why is None and _has_changed(board, asked, call):
        why = PhoneHindrance.CHANGED
    if why is not None:
        said = PHONE_SENTENCES[why]
        position, colleague = board.label_of(asked.position), board.label_of(other)
        return PhoneVerdict(None, said.filled(position=position, other=colleague))
    phone = asked.position
    seen = board.auto_answer.get(phone, AutoAnswer.UNKNOWN)
    events: Mapping[PhoneAct, Wish] = {
        PhoneAct.ANSWER: AnswerWished(call, phone),
        PhoneAct.HOLD: HoldWished(call, phone),
        PhoneAct.RESUME: ResumeWished(call, phone),
        PhoneAct.ALTERNATE: AlternateWished(call, phone),
        PhoneAct.HAND_OVER: HandOverWished(call, phone),
        PhoneAct.HANG_UP: HangUpWished(phone),
    }
    return PhoneVerdict(events[asked.act], _said(board, asked.act, call, seen), call, seen)


def _said(board: SwitchboardState, act: PhoneAct, call: str, seen: AutoAnswer) -> Words:
    """Return what is told to the person whose command is carried out."""
    if act is PhoneAct.ANSWER:
        return ANSWERS[seen]
    if act is PhoneAct.ALTERNATE:
        is_back = board.calls[call].state is State.OFFICE_WAITS
        return WITH_OFFICE if is_back else WITH_CALLER
    return DONE[act]


def _common(board: SwitchboardState, asked: ControlPhone, now: Now) -> PhoneHindrance | None:
    """Return what stands against any command for this phone, or None."""
    phone = asked.position
    if phone not in board.office.known_phones:
        return PhoneHindrance.NO_PHONE
    # A phone that is up is there, whatever its registration says.
    if phone not in board.reachable and not own_leg(board, phone):
        return PhoneHindrance.UNREACHABLE
    return None


def _has_changed(board: SwitchboardState, asked: ControlPhone, call: str) -> bool:
    """Tell whether the call that the person saw is over, or `call` has taken its place."""
    # Pressed as the call changes: a caller's only call is not hung up in another one's place.
    seen = asked.call
    return bool(seen) and (seen not in board.calls or call not in {"", seen})


Found = tuple[PhoneHindrance | None, str, str]
"""What stands against it, the call's id ("" for none), the phone that has the call."""


def _find_ringing(board: SwitchboardState, asked: ControlPhone, now: Now) -> Found:
    """Find the call that an answer is for; a phone that rings for a colleague has no caller."""
    phone = asked.position
    named = board.calls.get(asked.call)
    if asked.call and named is None:
        return PhoneHindrance.OVER, "", ""
    if named is not None and named.leg:
        mine = named.leg_phone == phone
        why = PhoneHindrance.MINE if mine else PhoneHindrance.TAKEN
        return why, "", named.leg_phone
    if named is not None and named.state not in ANSWERABLE:
        return PhoneHindrance.ELSEWHERE, "", ""
    if is_engaged(board, phone):
        return PhoneHindrance.ENGAGED, "", ""
    found = named or next(iter(answerable(board, phone)), None)
    if found is None and ringing_leg(board, phone):
        return None, "", ""
    if found is None:
        return PhoneHindrance.NOTHING_RINGS, "", ""
    # A phone that rings already may answer: only a call that rings elsewhere is fetched.
    if phone not in found.legs.values():
        if board.service.is_away(phone, now.wall):
            return PhoneHindrance.AWAY, "", ""
        if not may_fetch(found):
            return PhoneHindrance.ELSEWHERE, "", ""
    return None, found.id, ""


def _find_talking(board: SwitchboardState, asked: ControlPhone, now: Now) -> Found:
    """Find the caller whom the operator puts on hold, or who was called."""
    call = call_of(board, asked.position)
    if call is None:
        return *_placed_talks(placed_by(board, asked.position)), ""
    if call.state is State.ON_HOLD:
        return PhoneHindrance.HELD, "", ""
    if call.state is State.OFFICE_WAITS:
        return PhoneHindrance.OFFICE_WAITS, "", ""
    if call.state in TAKEN_BACK:
        return PhoneHindrance.OFFICE, "", ""
    if call.state is not State.TALKING:
        return PhoneHindrance.NOT_YET, "", ""
    return (PhoneHindrance.SHARED if call.shared else None), call.id, ""


def _placed_talks(placed: OutgoingCall | None) -> tuple[PhoneHindrance | None, str]:
    """Return why whom the phone has called is not put on hold, or None, and the call."""
    if placed is None:
        return PhoneHindrance.NO_CALL, ""
    if placed.emergency:
        return PhoneHindrance.EMERGENCY, ""
    if placed.state is SideState.ON_HOLD:
        return PhoneHindrance.HELD, ""
    talks = placed.state is SideState.TALKING
    return (None if talks else PhoneHindrance.NOT_YET), placed.record.call


def _find_held(board: SwitchboardState, asked: ControlPhone, now: Now) -> Found:
    """Find the caller to whom the operator goes back."""
    call, placed = call_of(board, asked.position), placed_by(board, asked.position)
    if call is None and placed is not None:
        held = placed.state is SideState.ON_HOLD
        return (None if held else PhoneHindrance.NOT_HELD), placed.record.call, ""
    if call is None:
        return PhoneHindrance.NO_CALL, "", ""
    if call.state is not State.ON_HOLD and call.state not in TAKEN_BACK:
        return PhoneHindrance.NOT_HELD, "", ""
    return None, call.id, ""


def _find_announced(board: SwitchboardState, asked: ControlPhone, now: Now) -> Found:
    """Find the caller whom the operator announces to an office that has answered."""
    call = call_of(board, asked.position)
    if call is None:
        return PhoneHindrance.NO_CALL, "", ""
    if call.state not in ANNOUNCED:
        return PhoneHindrance.NO_OFFICE, "", ""
    return None, call.id, ""


def _find_other(board: SwitchboardState, asked: ControlPhone, now: Now) -> Found:
    """Find the caller from whom, or to whom, the operator goes while an office is on the line."""
    why, call, other = _find_announced(board, asked, now)
    # Another telephone talks with the caller: music would play into their talk.
    if why is None and board.calls[call].shared:
        return PhoneHindrance.SHARED, "", ""
    return why, call, other


def _find_up(board: SwitchboardState, asked: ControlPhone, now: Now) -> Found:
    """Find whether there is a call to hang up; nobody on hold is dropped."""
    call = call_of(board, asked.position)
    if call is not None and call.state in {State.ON_HOLD, State.TRANSFER_CHOICE}:
        return PhoneHindrance.FIRST_RESUME, "", ""
    placed = placed_by(board, asked.position)
    if placed is not None and placed.state is SideState.ON_HOLD:
        return PhoneHindrance.FIRST_RESUME, "", ""
    if not own_leg(board, asked.position):
        return PhoneHindrance.NO_CALL, "", ""
    return None, call.id if call else "", ""


_FINDERS: Final = {
    PhoneAct.ANSWER: _find_ringing,
    PhoneAct.HOLD: _find_talking,
    PhoneAct.RESUME: _find_held,
    PhoneAct.ALTERNATE: _find_other,
    PhoneAct.HAND_OVER: _find_announced,
    PhoneAct.HANG_UP: _find_up,
}


# ---- The calls of a phone ----------------------------------------------------------------------


def call_of(board: SwitchboardState, phone: str) -> Call | None:
    """Return the caller's call that a phone has answered, or None."""
    calls = board.calls.values()
    return next((call for call in calls if call.leg and call.leg_phone == phone), None)


def placed_by(board: SwitchboardState, phone: str) -> OutgoingCall | None:
    """Return the call outside that a phone has placed, or None."""
    sides = (side for side in board.sides.values() if isinstance(side, OutgoingCall))
    return next((side for side in sides if phone in side.legs.values()), None)


def answerable(board: SwitchboardState, phone: str) -> tuple[Call, ...]:
    """Return the calls that a phone may answer: a return first (E6), those that ring it next."""
    able = [call for call in board.calls.values() if call.state in ANSWERABLE and not call.leg]
    able = [call for call in able if phone in call.legs.values() or may_fetch(call)]
    return tuple(
        sorted(
            able,
            key=lambda call: (
                phone not in call.legs.values(),
                call.state is not State.TRANSFER_RETURNING,
            ),
        )
    )


def may_fetch(call: Call) -> bool:
    """True for a caller whom any phone of the office may take, as by the key for picking up."""
    if call.state is State.QUEUED:
        return True
    return call.state in {State.RINGING, State.HOLDING} and call.stage in incoming.SERVED_BY_PHONES


def is_engaged(board: SwitchboardState, phone: str) -> bool:
    """True for a phone that is up in a call or hears an announcement; ringing does not count."""
    return bool(own_leg(board, phone))


def ringing_leg(board: SwitchboardState, phone: str) -> str:
    """Return the leg on which a phone rings without a caller: a colleague, a call back; or ""."""
    rings = ((leg, side.legs[leg]) for side in board.sides.values() for leg in _rings(side))
    return next((leg for leg, other in rings if other == phone), "")


def _rings(side: Side) -> Iterator[str]:
    """Yield the legs of a phone's own call that ring."""
    if isinstance(side, OutgoingCall):
        if side.rung and side.state is SideState.ACCEPTING:
            yield side.leg
    elif isinstance(side, Intercom):
        if side.state is SideState.RINGING:
            yield side.other_leg
    elif side.state is SideState.RINGING:
        yield from side.legs


def own_leg(board: SwitchboardState, phone: str) -> str:
    """Return the leg on which a phone is up, or "" for none."""
    for call in board.calls.values():
        if call.leg and call.leg_phone == phone:
            return call.leg
        if call.transfer and call.transfer.up and call.transfer.phone == phone:
            return call.transfer.leg
    for side in board.sides.values():
        rings = set(_rings(side))
        for leg, other in side.legs.items():
            if other == phone and leg not in rings and leg not in board.outside:
                return leg
    return ""


# ---- Answer ------------------------------------------------------------------------------------


def pick_up(board: SwitchboardState, call: Call, event: AnswerWished, now: Now) -> Orders:
    """Have the position's phone answer the call: it rings already, or is rung for it alone."""
    phone = event.phone
    if call.leg or is_engaged(board, phone) or phone not in board.reachable:
        return
    leg = next((leg for leg, other in call.legs.items() if other == phone), "")
    if leg:
        call.note(f"pick_up.{phone}")
        yield from ask_to_pick_up(board, leg, phone, now)
    elif may_fetch(call) and phone in board.office.known_phones:
        yield from _fetch(board, call, phone, now)
    yield call.write()


def ask_to_pick_up(board: SwitchboardState, leg: str, phone: str, now: Now) -> Orders:
    """Have a ringing phone answer by itself, unless it was seen to ring on."""
    # It would ring anew for nothing: its person lifts it.
    if board.auto_answer.get(phone) is AutoAnswer.RINGS:
        return
    known = board.pick_ups.get(phone)
    # Pressed twice: the INVITE that asks for it is on its way.
    if known is None or known.leg != leg:
        board.pick_ups[phone] = PickUp(leg, now.monotonic)
        yield orders.PickUpPhone(leg)


def _fetch(board: SwitchboardState, call: Call, phone: str, now: Now) -> Orders:
    """Ring the phone for a call that rings elsewhere or waits; it stops ringing for any other."""
    yield from _make_free(board, call, phone, now)
    if not call.legs:
        call.rung_since = now.monotonic
    rung = call.new_leg(phone)
    call.note(f"pick_up.{phone}")
    board.pick_ups[phone] = PickUp(rung.leg, now.monotonic)
    yield orders.RingPhones(
        call.id,
        (rung,),
        call.display(board.office.staff_language),
        call.record.caller.number,
        picks_up=True,
    )


def _make_free(board: SwitchboardState, call: Call, phone: str, now: Now) -> Orders:
    """Stop a phone from ringing for anything but `call`, which its person wants to answer."""
    yield from manual_states.make_way(board, (phone,))
    for other in [other for other in board.calls.values() if other is not call]:
        if phone not in other.legs.values():
            continue
        # A call that waits keeps its place; a return goes on to the other operators (E6).
        if other.state is State.QUEUED:
            other.note(f"{NotTaken.BUSY}.{phone}")
            yield from ringing.let_phones_go(board, other, {phone}, now)
        elif other.state is State.TRANSFER_RETURNING:
            yield from returning.ring_elsewhere(board, other, phone, now)
        else:
            yield from ringing.ring_no_more(board, other, {phone}, NotTaken.BUSY, now)
        yield other.write()


def note_answer(board: SwitchboardState, event: OperatorAnswered, now: Now) -> None:
    """Learn whether a phone that was told to pick up did so, or rang until it was lifted."""
    asked = board.pick_ups.get(event.phone)
    if asked is None or asked.leg != event.leg:
        return
    del board.pick_ups[event.phone]
    soon = now.monotonic - asked.since <= PICK_UP_S
    board.auto_answer[event.phone] = AutoAnswer.SEEN if soon else AutoAnswer.RINGS


def note_agent(board: SwitchboardState, event: PhoneRegistered) -> None:
    """Forget what was seen of a phone in whose place another make, or firmware, has registered."""
    # Not every registration says it: a phone that answers again is the one that it was.
    if not event.agent:
        return
    if board.agents.get(event.phone, event.agent) != event.agent:
        board.auto_answer.pop(event.phone, None)
    board.agents[event.phone] = event.agent


def note_gone(board: SwitchboardState, event: PhoneGone) -> None:
    """Keep only that a phone picks up by itself, if it will be known again by what it is."""
    board.pick_ups.pop(event.phone, None)
    # What rings until it is lifted may come back with other settings.
    is_sure = board.auto_answer.get(event.phone) is AutoAnswer.SEEN
    if not (is_sure and event.phone in board.agents):
        board.auto_answer.pop(event.phone, None)


def learned(board: SwitchboardState) -> tuple[LearnedPhone, ...]:
    """Return what was seen of phones, for the next run."""
    seen = sorted(board.auto_answer.items())
    return tuple(LearnedPhone(phone, what, board.agents.get(phone, "")) for phone, what in seen)


def recall_learned(board: SwitchboardState, kept: tuple[LearnedPhone, ...]) -> None:
    """Take over what the last run has seen of phones."""
    for one in kept:
        board.auto_answer[one.phone] = one.answer
        if one.agent:
            board.agents[one.phone] = one.agent


# ---- Hold and resume ---------------------------------------------------------------------------


def put_on_hold(board: SwitchboardState, call: Call, event: HoldWished, now: Now) -> Orders:
    """Play music to the caller; the operator's phone stays up, and hears a soft sign at times."""
    if event.phone != call.leg_phone or call.shared:
        return
    call.note("on_hold")
    # The longest conversation goes on being counted (B1).
    ringing.go_on_talking(board, call, State.ON_HOLD, now)
    yield orders.Hold(call.line.name)
    yield from _sign(call)
    yield call.write()


def _sign(call: Call) -> Orders:
    yield orders.Play(call.new_leg_play(), (announcements.HOLD_SIGN,), leg=call.leg)


def hold_on(board: SwitchboardState, call: Call, event: PromptEnded, now: Now) -> Orders:
    """Repeat the operator's sign: nobody forgets who waits, and the phone is never sent nothing."""
    if event.play == call.leg_play:
        yield from _sign(call)


def resume(board: SwitchboardState, call: Call, event: ResumeWished, now: Now) -> Orders:
    """Join the caller on hold with the operator again."""
    if event.phone == call.leg_phone:
        call.note("resumed")
        yield from returning.back_to_caller(board, call, event, now)


def resume_by_key(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Take the caller back by a star of the operator's phone; ignore other keys."""
    if event.leg and event.leg == call.leg and event.digit == outgoing.RESUME_KEY:
        call.note("resumed")
        yield from returning.back_to_caller(board, call, event, now)


def recall(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Ring phones again, this one too: a caller on hold is not dropped by a handset put down."""
    if conference.supervisor_is_in(board, call):
        yield from conference.supervisor_takes_over(board, call, now)
        return
    call.note("recalled")
    yield from ringing.ring_again(board, call, event, now)


def back_to_caller(board: SwitchboardState, call: Call, event: ResumeWished, now: Now) -> Orders:
    """Go back to the caller while the operator is asked something."""
    if event.phone == call.leg_phone:
        yield from returning.back_to_caller(board, call, event, now)


def take_back(board: SwitchboardState, call: Call, event: ResumeWished, now: Now) -> Orders:
    """Take the caller back from an office that rings or is being spoken with (P6)."""
    # The operator may have left the transfer to itself: then there is nobody to come back to.
    if not call.leg or event.phone != call.leg_phone:
        return
    met = call.state in ANNOUNCED
    cause = ReturnCause.REFUSED if met else ReturnCause.TAKEN_BACK
    yield from returning.come_back(board, call, cause, now)


def alternate(board: SwitchboardState, call: Call, event: AlternateWished, now: Now) -> Orders:
    """Go from the office back to the caller, or to the office again."""
    if event.phone == call.leg_phone and not call.shared:
        yield from returning.alternate(board, call, now)


def hand_over(board: SwitchboardState, call: Call, event: HandOverWished, now: Now) -> Orders:
    """Hand the announced caller over to the office; the operator's phone is free."""
    if event.phone == call.leg_phone:
        yield from returning.complete(board, call, now)


# ---- Status of a position's phone, for the call bar --------------------------------------------


@dataclass(frozen=True, slots=True)
class PhoneControl:
    """What the person at a position can do with its phone now.

    `mine`: id of the call that the phone is in, "" for none; `can_answer`: ids of the calls that it
    may take, the one meant without a choice first; `rings`: it rings without a caller, for a
    colleague or a call back. `lift`: it was told to pick up and rings on, or is known to; `words`
    says so.
    """

    phone: str
    label: str
    mine: str = ""
    can_answer: tuple[str, ...] = ()
    rings: bool = False
    can_hold: bool = False
    can_resume: bool = False
    can_hang_up: bool = False
    can_dial: bool = False
    can_alternate: bool = False
    can_hand_over: bool = False
    auto_answer: AutoAnswer = AutoAnswer.UNKNOWN
    lift: bool = False
    words: Words = NOTHING


def control_of(board: SwitchboardState, phone: str, now: Now) -> PhoneControl:
    """Return what can be done with the phone of a position now."""

    def may(act: PhoneAct, call: str = "") -> bool:
        return judge(board, ControlPhone(phone, act, "", call), now).event is not None

    call, placed = call_of(board, phone), placed_by(board, phone)
    able = tuple(c for c in answerable(board, phone) if may(PhoneAct.ANSWER, c.id))
    lift = _is_to_be_lifted(board, phone, able, now)
    return PhoneControl(
        phone,
        board.label_of(phone),
        call.id if call else placed.record.call if placed else "",
        tuple(each.id for each in able),
        bool(ringing_leg(board, phone)),
        can_hold=may(PhoneAct.HOLD),
        can_resume=may(PhoneAct.RESUME),
        can_hang_up=may(PhoneAct.HANG_UP),
        can_dial=phone in board.reachable and phone not in board.engaged(),
        can_alternate=may(PhoneAct.ALTERNATE),
        can_hand_over=may(PhoneAct.HAND_OVER),
        auto_answer=board.auto_answer.get(phone, AutoAnswer.UNKNOWN),
        lift=lift,
        words=LIFT if lift else NOTHING,
    )


def _is_to_be_lifted(board: SwitchboardState, phone: str, able: tuple[Call, ...], now: Now) -> bool:
    """True for a phone that rings, was told to pick up and has not: it is to be lifted."""
    legs = {leg for call in able for leg, other in call.legs.items() if other == phone}
    legs |= {leg} if (leg := ringing_leg(board, phone)) else set()
    if not legs:
        return False
    if board.auto_answer.get(phone) is AutoAnswer.RINGS:
        return True
    asked = board.pick_ups.get(phone)
    return asked is not None and asked.leg in legs and now.monotonic - asked.since > PICK_UP_S
