"""Transfer of a caller to an office: requested by keys, REFER or a person; decided; made (P3, P5).

Every way of requesting one ends in `ask`; no other code puts a caller through.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.calls import (
    announcements,
    branches,
    conference,
    internal,
    orders,
    outside_call,
    pbx,
    returning,
    ringing,
)
from appliance.calls.commands import TransferCall
from appliance.calls.events import (
    DigitPressed,
    LegEnded,
    PhoneDialled,
    PromptEnded,
    TransferAsked,
    TransferKind,
    TransferWished,
)
from appliance.calls.internal import Intercom
from appliance.calls.model import (
    CAUSES,
    About,
    Act,
    Call,
    Dials,
    SwitchboardState,
    Transfer,
    TransferMethod,
    TransferWish,
    office_display,
)
from appliance.calls.orders import Order, Ringing
from appliance.calls.returning import come_back, let_operator_go, transfer_of
from appliance.calls.ringing import GRAVEST, OUTCOMES, Orders, go_on_talking, gravest
from appliance.calls.side_states import SideState
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.directory import Reach, ReturnRule, TransferHindrance, Unit, need_by_keys
from appliance.policy.lines import LinePurpose
from appliance.policy.numbering import Purpose
from appliance.policy.office import PositionState
from appliance.policy.routing import NotTaken
from appliance.policy.transfers import (
    TransferAllowed,
    TransferLater,
    TransferReason,
    later_words,
    may_join,
    may_transfer,
    place_of,
    unanswered_words,
)
from appliance.text import NOTHING, Words

# ---- Carrying out: the numbers of the need in declared order, within one time (E7) ---------------
# The caller hears an announcement, then hold sound. A variation, or the end of a time window, does
# not cut a number that rings already (E12).

# Orders of one number's attempt; returns None when it rings, else why it does not.
Rung = Generator[Order, None, NotTaken | None]
LEAST_RING_MS = 3_000
"""With less of the total time left, ms, no further number is tried."""


def begin_transfer(
    board: SwitchboardState, call: Call, wish: TransferWish, allowed: TransferAllowed, now: Now
) -> Orders:
    """Tell the caller and ring the first number; a blind transfer hangs up the operator."""
    start_transfer(board, call, wish, allowed, now)
    words = announcements.in_languages(board.office, "connecting")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    if not wish.attended:
        yield from let_operator_go(call)
    elif wish.asked is TransferMethod.REFER:
        yield orders.TellTransfer(call.leg, orders.RINGING)
    else:
        yield from _ring_back(call)
    yield from next_number(board, call, now)
    yield call.write()


def start_transfer(
    board: SwitchboardState, call: Call, wish: TransferWish, allowed: TransferAllowed, now: Now
) -> Transfer:
    """Begin a transfer in the call's state and record."""
    ends_at = now.monotonic + board.office.transfer_ms / 1000
    call.transfer = Transfer(wish, allowed, call.leg_phone, ends_at)
    # E23: the words of an earlier refusal are gone once the call goes on to an office.
    call.about, call.refused, reason = None, NOTHING, wish.reason or ""
    code = f"{allowed.unit.code}.{allowed.need.code}"
    call.note(f"transfer.{code}.{reason}.{wish.asked}")
    # The record holds the last transfer alone: what an earlier one left is cleared.
    call.note(
        unit=allowed.unit.code, need=allowed.need.code, transfer_reason=str(reason),
        declaration=allowed.declaration, target="", returned="",
    )  # fmt: skip
    return call.transfer


def _ring_back(call: Call) -> Orders:
    """Play the ring-back tone to the operator who waits for the office."""
    yield orders.Play(call.new_leg_play(), (announcements.RING_BACK,), leg=call.leg)


def prompt_over(board: SwitchboardState, call: Call, event: PromptEnded, now: Now) -> Orders:
    """Play hold sound to the caller, or ring-back to the operator, after an announcement."""
    transfer = transfer_of(call)
    # RING_BACK is one period of the tone: it is played again until the office answers.
    if event.play == call.leg_play:
        yield from _ring_back(call)
        return
    transfer.announced = True
    yield orders.Hold(call.line.name)


def next_number(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Ring the next number that can be rung; with none left the call returns (P6)."""
    # E4: once all are absent no further phone rings; the one that rings already is served.
    transfer = transfer_of(call)
    targets = transfer.allowed.targets
    while transfer.position < len(targets):
        left_ms = int((transfer.ends_at - now.monotonic) * 1000)
        if left_ms < LEAST_RING_MS or routing.if_absent(board.office, board.service, now):
            break
        # An equal share of what is left: time that a busy number did not use goes to the others.
        ring_ms = left_ms // (len(targets) - transfer.position)
        transfer.position += 1
        missed = yield from RING[transfer.target.reach](board, call, transfer, ring_ms, now)
        if missed is None:
            return
        _note_missed(call, transfer, missed)
    why = next((kind for kind in GRAVEST if kind in transfer.outcomes), NotTaken.NO_ANSWER)
    yield from come_back(board, call, CAUSES[why], now)


def _note_missed(call: Call, transfer: Transfer, missed: NotTaken) -> None:
    transfer.outcomes.append(missed)
    call.note(f"{missed}.{transfer.name}")


def _ring_phone(
    board: SwitchboardState, call: Call, transfer: Transfer, ring_ms: int, now: Now
) -> Rung:
    """Ring a SIP phone that is registered and free; it shows front desk, need and caller."""
    phone = transfer.target.number.reveal(Purpose.RING)
    # No loops: a caller who came from one branch goes on to no third one (B9).
    onward = not call.line.can.hand_over and branches.is_elsewhere(board, phone)
    if phone not in board.reachable or onward:
        return NotTaken.UNREACHABLE
    # E7: not even rung; a clerk who has a call is not asked to take another.
    if phone in board.engaged():
        return NotTaken.BUSY
    _rings(call, transfer, phone, ring_ms, now)
    number = call.record.caller.number
    passed = branches.diversion_to(board, call, phone)
    display = office_display(call, transfer.allowed.need.name, board.office.staff_language)
    yield orders.RingPhones(call.id, (Ringing(transfer.leg, phone),), display, number, passed)
    return None


def _ring_outside(
    board: SwitchboardState, call: Call, transfer: Transfer, ring_ms: int, now: Now
) -> Rung:
    """Call an outside number over a second line; the caller never learns the number (P7)."""
    # P8: a transfer never takes the line that is kept free to answer.
    line = board.spare_line(LinePurpose.CONVENIENCE)
    if not line:
        call.note("transfer.no_line")
        return NotTaken.BUSY
    _rings(call, transfer, transfer.name, ring_ms, now)
    called = Dials(transfer.name, transfer.target.number.reveal(Purpose.DIAL), ring_ms)
    yield from outside_call.dial_number(board, transfer.leg, called, line, now, of_office=True)
    return None


def _call_extension(
    board: SwitchboardState, call: Call, transfer: Transfer, ring_ms: int, now: Now
) -> Rung:
    """Have the PBX behind the line call an extension, by a hook flash (B2)."""
    if not call.line.can.flash:
        call.note("transfer.no_pbx")
        return NotTaken.UNREACHABLE
    # The PBX holds the caller meanwhile: there is no sound for an operator to stay with.
    yield from let_operator_go(call)
    digits = transfer.target.number.reveal(Purpose.DIAL)
    call.dials, call.returned = Dials(transfer.name, digits, ring_ms), transfer.announced
    if transfer.announced:
        yield from pbx.call_next_extension(board, call, now)
    else:
        # `begin_transfer` has begun to play "connecting": flash once it is over.
        call.enter(State.PBX_GREETING, now)
    return None


RING = {
    Reach.PHONE: _ring_phone,
    Reach.OUTSIDE: _ring_outside,
    Reach.PBX: _call_extension,
}


def _rings(call: Call, transfer: Transfer, phone: str, ring_ms: int, now: Now) -> None:
    transfer.leg, transfer.phone, transfer.up = call.new_leg_name(), phone, False
    call.note(f"ring.{transfer.name}")
    call.enter(State.TRANSFER_RINGING, now, ring_ms)


def number_out(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Note the operator's phone that hung up, or ring the next number after the office's is out."""
    transfer = transfer_of(call)
    # The operator need not wait: the transfer goes on without them.
    if event.leg == call.leg:
        call.forget_leg()
        call.note("operator_left")
        yield call.write()
        return
    transfer.leg = ""
    _note_missed(call, transfer, OUTCOMES[type(event)])
    yield from next_number(board, call, now)
    yield call.write()


def number_silent(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Ring the next number: nobody answered in this one's share of the time."""
    transfer = transfer_of(call)
    yield from transfer.let_go()
    _note_missed(call, transfer, NotTaken.NO_ANSWER)
    yield from next_number(board, call, now)
    yield call.write()


def caller_back(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Go on with a caller who is back from the PBX: with a transfer to its next number."""
    if call.dials is None:
        yield from ringing.caller_back(board, call, event, now)
        return
    transfer = transfer_of(call)
    call.dials = None
    call.note("pbx.returned")
    transfer.announced = True
    _note_missed(call, transfer, gravest(call.outcomes))
    call.outcomes = []
    yield orders.Hold(call.line.name)
    yield from next_number(board, call, now)
    yield call.write()


# ---- Requesting: by code, by the phone's transfer key, or by a command; all end in `ask` (P5) ----

# Reason (P3) that a phone may dial behind a code for its own transfer key, as in `31*2`.
REASON_KEYS = {
    "": TransferReason.OTHER,
    "1": TransferReason.TOPIC,
    "2": TransferReason.DEPTH,
    "3": TransferReason.OTHER,
}


def decide_transfer(
    board: SwitchboardState, wish: TransferWish, now: Now
) -> TransferAllowed | TransferLater:
    """Decide whether a call may be transferred now; raises OfficeError for an unknown unit."""
    calendar = board.office.switchboard.schedule
    answer = may_transfer(board.directory, calendar, wish.unit, wish.need, now)
    # While all are absent no phone rings (E4), whatever the office has declared.
    if isinstance(answer, TransferAllowed) and routing.if_absent(board.office, board.service, now):
        return TransferLater(answer.unit, wish.need, TransferHindrance.ABSENT, answer.rules)
    return answer


def ask(board: SwitchboardState, call: Call, wish: TransferWish, now: Now) -> Orders:
    """Transfer the call, or refuse and offer the office's rule (P5); the only way to an office."""
    answer = decide_transfer(board, wish, now)
    if isinstance(answer, TransferLater):
        yield from refuse(board, call, wish, answer, now)
    elif _is_told_first(board, wish, answer):
        yield from _warn(board, call, wish, _about(wish, answer), now)
    elif wish.reason is None:
        yield from returning.offer_reasons(board, call, wish, answer.need.code_keys, now)
    else:
        yield from begin_transfer(board, call, wish, answer, now)


def _is_told_first(board: SwitchboardState, wish: TransferWish, allowed: TransferAllowed) -> bool:
    """True for an office that has not answered of late, which the operator is to know (E8)."""
    unanswered = board.unanswered.tells(allowed.unit.code, wish.need, allowed.band_ends)
    # Not by REFER: a phone that uses its own transfer key hears no announcement.
    return unanswered and not wish.anyway and wish.asked is not TransferMethod.REFER


def _about(wish: TransferWish, answer: TransferAllowed | TransferLater) -> About:
    return About(answer.unit, wish.need, answer.rules, wish.by)


def refuse(
    board: SwitchboardState,
    call: Call,
    wish: TransferWish,
    later: TransferLater,
    now: Now,
    asked_on: str = "",
) -> Orders:
    """Refuse a transfer for now and offer the office's rule (P5); `asked_on`: leg of the REFER."""
    about = _about(wish, later)
    why = later.why.removeprefix("transfer.")
    call.note(f"transfer_refused.{wish.unit}.{wish.need}.{why}")
    call.about = about
    call.refused = later_words(later, board.office.local(now.wall))
    if wish.asked is TransferMethod.REFER:
        yield from returning.tell_failed(call, asked_on or call.leg, orders.DECLINED, now)
    elif wish.asked is TransferMethod.KEYS:
        words = announcements.not_now_words(board, later, now)
        yield from returning.offer_rules(board, call, about, words, now)
    yield call.write()


def _warn(
    board: SwitchboardState, call: Call, wish: TransferWish, about: About, now: Now
) -> Orders:
    """Warn that the office has not answered of late, and offer its rule (E8)."""
    call.note(f"transfer_warned.{wish.unit}.{wish.need}")
    call.about = about
    if wish.asked is TransferMethod.KEYS:
        yield from returning.offer_rules(board, call, about, ("nobody_there",), now, wish)
    yield call.write()


def by_code(board: SwitchboardState, call: Call, code: str, now: Now) -> Orders:
    """Request a transfer by the code that an operator has keyed."""
    coded = need_by_keys(board.directory, code, board.office.today(now.wall))
    if coded is None:
        call.note("transfer_refused.no_such_code")
        yield from returning.ask_operator(board, call, ("state_refused",), now)
        return
    yield from ask(board, call, TransferWish(coded.unit, coded.need.code, call.leg_phone), now)


def by_refer(board: SwitchboardState, call: Call, event: TransferAsked, now: Now) -> Orders:
    """Request a transfer by the phone's own transfer key (REFER), to a code of the directory."""
    code, _, reason = event.target.partition("*")
    coded = need_by_keys(board.directory, code, board.office.today(now.wall))
    if event.leg != call.leg or coded is None or reason not in REASON_KEYS:
        yield from refuse_refer(call, event, now)
        return
    why = REASON_KEYS[reason]
    wish = TransferWish(coded.unit, coded.need.code, call.leg_phone, TransferMethod.REFER, why)
    yield from ask(board, call, wish, now)


def refuse_refer(call: Call, event: TransferAsked, now: Now, code: int = orders.DECLINED) -> Orders:
    """Refuse a REFER: note it, and tell the phone by NOTIFY (RFC 3515)."""
    call.note(f"transfer_refused.{event.kind}")
    yield call.write()
    yield from returning.tell_failed(call, event.leg, code, now)


def by_person(board: SwitchboardState, call: Call, event: TransferWished, now: Now) -> Orders:
    """Request a transfer by console or command; `answer_to` has told the person the outcome."""
    request = event.request
    if not isinstance(request, TransferCall) or board.directory.unit(request.unit) is None:
        return
    wish = wish_of(request)
    # An ordinary telephone over a second line hears no announcements.
    if call.leg in board.outside:
        wish = replace(wish, attended=False)
    yield from ask(board, call, wish, now)


def wish_of(request: TransferCall) -> TransferWish:
    """Return the transfer that a command requests."""
    r = request
    return TransferWish(r.unit, r.need, r.by, TransferMethod.PERSON, r.reason, r.attended, r.anyway)


def answer_to(board: SwitchboardState, request: TransferCall, now: Now) -> Words | None:
    """Return why a transfer command would be refused now, in the words of E23, or None.

    Raises OfficeError for a unit that is not in the directory.
    """
    wish = wish_of(request)
    answer = decide_transfer(board, wish, now)
    if isinstance(answer, TransferLater):
        return later_words(answer, board.office.local(now.wall))
    if _is_told_first(board, wish, answer):
        count = board.unanswered.count(answer.unit.code, wish.need, answer.band_ends)
        return unanswered_words(answer, count)
    return None


# ---- Attended REFER: a phone joins its caller with the office it has consulted (RFC 5589) --------
# The REFER names the phone's two calls by Replaces. Both must be its own and up, and the directory
# must allow the office now (P5); anything else is refused with SIP's code, and both calls go on.


def attended_by_refer(
    board: SwitchboardState, call: Call, event: TransferAsked, now: Now
) -> Orders:
    """Carry out a REFER: blind to a code, or attended to the office that the phone consulted."""
    # Only the office's own people decide: no phone of another branch or telephone system.
    if branches.is_elsewhere(board, call.leg_phone):
        yield from refuse_refer(call, event, now)
        return
    if event.kind is TransferKind.BLIND:
        yield from by_refer(board, call, event, now)
        return
    consultation = consultation_of(board, call, event)
    if consultation is None:
        yield from refuse_refer(call, event, now, event.fault or orders.NO_SUCH_CALL)
        return
    side, leg = consultation
    phone = side.legs[side.across(leg)]
    answer = side.consulted or _decide(board, phone, now)
    if answer is None:
        yield from refuse_refer(call, event, now)
    elif isinstance(answer, TransferLater):
        wish = _wish(call, side, answer)
        yield from refuse(board, call, wish, answer, now, event.leg)
    else:
        yield from _join(board, call, event, side, leg, answer, now)


def consultation_of(
    board: SwitchboardState, call: Call, event: TransferAsked
) -> tuple[Intercom, str] | None:
    """Return the conversation with another phone that a REFER names, and the phone's leg in it."""
    # The REFER may come in either of the phone's calls, and the phone may have dialled or been rung
    # for the other one.
    legs = {event.leg, event.other} - {call.leg}
    # Nor for a phone that names the same call twice.
    if call.leg not in {event.leg, event.other} or len(legs) != 1:
        return None
    leg = legs.pop()
    sides = (side for side in board.sides.values() if isinstance(side, Intercom))
    side = next((side for side in sides if side.across(leg)), None)
    # The leg must be the asking phone's own, also where the SIP thread has let another one pass.
    return (side, leg) if side is not None and side.legs.get(leg) == call.leg_phone else None


def _decide(
    board: SwitchboardState, phone: str, now: Now
) -> TransferAllowed | TransferLater | None:
    return may_join(board.directory, board.office.switchboard.schedule, phone, now)


def _wish(call: Call, side: Intercom, answer: TransferAllowed | TransferLater) -> TransferWish:
    need = answer.need if isinstance(answer, TransferLater) else answer.need.code
    return TransferWish(answer.unit.code, need, call.leg_phone, TransferMethod.REFER, side.reason)


def _join(
    board: SwitchboardState,
    call: Call,
    event: TransferAsked,
    side: Intercom,
    leg: str,
    allowed: TransferAllowed,
    now: Now,
) -> Orders:
    """Join caller and office; end both calls of the operator's phone."""
    made = start_transfer(board, call, _wish(call, side, allowed), allowed, now)
    made.leg = side.across(leg)
    made.phone = side.legs[made.leg]
    made.position, made.announced = place_of(allowed.targets, made.phone), True
    call.note("transfer.attended")
    # E8: a consultation counts as an answer of the office.
    returning.note_met(board, call, made)
    side.state = SideState.ENDED
    del board.sides[side.leg]
    # The phone's consultation ends here, its call with the caller in `hand_over`; the office's leg
    # goes on in the caller's call.
    yield orders.TellTransfer(event.leg, orders.TRANSFER_DONE)
    yield orders.HangUpPhone(leg)
    yield from returning.hand_over(board, call, now)


BACK_KEY = "*"


def press(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Carry out a key of an operator who was asked something (returning.py); ignore others."""
    # The caller's keys and the office's mean nothing while the operator is asked.
    if event.leg != call.leg:
        return
    assert call.choices is not None, "choices are always set before their state is entered"
    act, wish = call.choices.keys.get(event.digit), call.choices.wish
    if event.digit == BACK_KEY:
        yield from returning.back_to_caller(board, call, event, now)
    elif act in {Act.APPOINTMENT, Act.EMAIL}:
        assert call.about is not None, "a rule is offered for an office"
        yield from returning.begin_rule(board, call, ReturnRule(act.value), call.about, now)
    elif act is Act.TRY and wish is not None:
        yield from ask(board, call, replace(wish, anyway=True), now)
    elif act is not None and wish is not None:
        yield from ask(board, call, replace(wish, reason=TransferReason(act.value)), now)


# ---- Consultation: a position dials an office's code while its caller is on hold -----------------
# The directory decides as for a transfer (P5); refused, the phone hears when the office takes calls
# again (E23). The office that answers can then be joined with the caller by the phone's own key
# (`attended_by_refer`); the end of its time window cuts nothing (E12).


WITH_CALLER = frozenset({State.TALKING, State.ON_HOLD})
"""States of a caller whom an operator may transfer."""


def wished(board: SwitchboardState, event: PhoneDialled, now: Now) -> TransferWish | None:
    """Return the transfer that a dialled directory code stands for, as in `31` or `31*2`."""
    code, _, reason = event.digits.partition("*")
    coded = need_by_keys(board.directory, code, board.office.today(now.wall))
    # A consultation is for a caller: without one the digits are no code of an office.
    with_caller = (call for call in board.calls.values() if call.state in WITH_CALLER)
    talks = any(call.leg_phone == event.phone for call in with_caller)
    if coded is None or not talks or reason not in REASON_KEYS:
        return None
    why = REASON_KEYS[reason]
    return TransferWish(coded.unit, coded.need.code, event.phone, TransferMethod.REFER, why)


def begin_consultation(
    board: SwitchboardState, event: PhoneDialled, wish: TransferWish, now: Now
) -> Iterator[Order]:
    """Ring the office's first phone that can be rung, or say when it takes calls again (E23)."""
    answer = decide_transfer(board, wish, now)
    if isinstance(answer, TransferLater):
        words = announcements.not_now_words(board, answer, now)
        never = () if answer.resumes_at else ("state_refused",)
        yield from internal.answer_and_say(board, event, (*words, *never), now)
        return
    phones = [phone for phone in _phones(answer) if phone in board.reachable]
    if not phones:
        yield orders.RefusePhone(event.leg, internal.NOT_THERE)
        return
    # With none free the first one: `ring_phone` refuses it as busy.
    free = next((phone for phone in phones if phone not in board.engaged()), phones[0])
    yield from internal.ring_phone(
        board, event, free, now, answer, wish.reason or TransferReason.OTHER
    )


def _phones(allowed: TransferAllowed) -> Iterator[str]:
    """Yield the SIP phones of a need, in declared order."""
    # A need's other numbers cannot be consulted: they are reached by `**` and the code.
    for target in allowed.targets:
        if target.reach is Reach.PHONE:
            yield target.number.reveal(Purpose.RING)


# ---- Offered: the decision of a transfer for every office and need, for the front desk's pages ---


@dataclass(frozen=True, slots=True)
class Offered:
    """Need of a unit and whether a transfer there is allowed now; without numbers (P7).

    `open`: allowed; `until`: end of the time window; `resumes_at`: start of the next one (None: not
    known). `words`: why not, or that nobody there has answered of late (`unanswered`, E8). `need`
    and `need_name` are "" for a unit without declared needs. `phone`: state of the clerks' phones,
    None where it is not known.
    """

    unit: Unit
    need: str
    need_name: str
    open: bool
    rules: tuple[ReturnRule, ...]
    words: Words = NOTHING
    until: datetime | None = None
    resumes_at: datetime | None = None
    unanswered: bool = False
    phone: PositionState | None = None


def offered(board: SwitchboardState, now: Now) -> tuple[Offered, ...]:
    """List every need of every unit, open ones first, else in the directory's order."""
    every = [
        _offered(board, unit, code, name, now)
        for unit in board.directory.units
        for code, name in _needs(board, unit, now)
    ]
    return tuple(sorted(every, key=lambda one: not one.open))


def _needs(board: SwitchboardState, unit: Unit, now: Now) -> Iterator[tuple[str, str]]:
    """Yield code and name of what a unit has last declared, in force or not."""
    # E13: a unit without a declaration is listed too, with its rule.
    held = board.directory.declaration(unit, board.office.today(now.wall))
    if held is None or not held.needs:
        yield "", ""
    else:
        yield from ((need.code, need.name) for need in held.needs)


def _offered(board: SwitchboardState, unit: Unit, need: str, name: str, now: Now) -> Offered:
    answer = decide_transfer(board, TransferWish(unit.code, need, ""), now)
    if not isinstance(answer, TransferAllowed):
        words = later_words(answer, board.office.local(now.wall))
        return Offered(unit, need, name, False, answer.rules, words, resumes_at=answer.resumes_at)
    ends, phone = answer.band_ends, _phone_state(board, answer)
    if not board.unanswered.tells(unit.code, need, ends):
        return Offered(unit, need, name, True, answer.rules, until=ends, phone=phone)
    words = unanswered_words(answer, board.unanswered.count(unit.code, need, ends))
    return Offered(unit, need, name, True, answer.rules, words, ends, unanswered=True, phone=phone)


def _phone_state(board: SwitchboardState, answer: TransferAllowed) -> PositionState | None:
    """Return the state of a need's phones: free while one of them is; None where not known."""
    phones = set(_phones(answer))
    there = phones & board.reachable
    if there - board.engaged():
        return PositionState.FREE
    # Extensions and outside numbers are tried, too, and nobody knows whether they are free.
    if any(target.reach is not Reach.PHONE for target in answer.targets):
        return None
    return PositionState.BUSY if there else PositionState.UNREACHABLE


# ---- Operator's keys during a conversation: `**CODE#` transfers, `***` calls the supervisor ------
# Two stars, because the far end may be a machine that asks for keys: a single star and every other
# key are passed on to it. Nothing of a code that was begun reaches it.

STAR, END = "*", "#"
BEGIN = STAR * 2
# A second star within this time, ms, begins a code; a star alone is passed on after it.
SECOND_STAR_MS = 1_000
NEXT_KEY_MS = 5_000
LONGEST_CODE = 4


def pass_on(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Pass the operator's key on to the far end, or begin a code by a star."""
    # Keys that the caller presses mean nothing in a conversation.
    if not event.leg or event.leg != call.leg:
        return
    # Without directory and supervisor's phone there is no code to begin, and people of another
    # branch begin nothing here: then a star is a key like any other.
    known = bool(board.directory.units or board.office.head)
    if event.digit == STAR and known and not branches.is_elsewhere(board, call.leg_phone):
        call.keyed = STAR
        call.enter(State.TRANSFER_KEYS, now, SECOND_STAR_MS)
        return
    yield orders.PressKeys(call.line.name, event.digit)


def collect(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Add a key to the code that an operator is keying."""
    if event.leg != call.leg:
        return
    if call.keyed == STAR and event.digit != STAR:
        yield orders.PressKeys(call.line.name, STAR + event.digit)
        go_on_talking(board, call, State.TALKING, now)
    elif event.digit == END:
        yield from _ended(board, call, now)
    elif event.digit == STAR and call.keyed == BEGIN:
        go_on_talking(board, call, State.TALKING, now)
        yield from conference.by_key(board, call, now)
    elif event.digit == STAR and call.keyed != STAR:
        # A star within the code cancels it.
        go_on_talking(board, call, State.TALKING, now)
    else:
        yield from _go_on(board, call, event.digit, now)


def _go_on(board: SwitchboardState, call: Call, digit: str, now: Now) -> Orders:
    call.keyed += digit
    if len(call.keyed) > len(BEGIN) + LONGEST_CODE:
        yield from returning.ask_operator(board, call, ("state_refused",), now)
    else:
        call.enter(State.TRANSFER_KEYS, now, NEXT_KEY_MS)


def _ended(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Carry out a keyed code; without one offer the rule of the office the call came back from."""
    code = call.keyed.removeprefix(BEGIN)
    if code:
        yield from by_code(board, call, code, now)
    elif call.about is not None:
        yield from returning.offer_rules(board, call, call.about, (), now)
    else:
        yield from returning.ask_operator(board, call, ("state_refused",), now)


def give_up(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a code after NEXT_KEY_MS without a key; a star alone is passed on to the far end."""
    if call.keyed == STAR:
        yield orders.PressKeys(call.line.name, STAR)
        go_on_talking(board, call, State.TALKING, now)
    else:
        yield from returning.ask_operator(board, call, ("state_refused",), now)
