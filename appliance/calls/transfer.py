"""Transfer of a caller to an office: asked by keys, REFER or a person; decided; made (P3, P5).

All ways of asking end in `ask`, and nobody is put through beside it.
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
    Desk,
    Dials,
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
from appliance.policy.numbering import Purpose
from appliance.policy.office import HalfDuplexDaytime, LinePurpose
from appliance.policy.routing import NotTaken
from appliance.policy.text import NOTHING, Words
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

# ---- transferring ------------------------------------------------------------------------------
# A transfer is carried out: the numbers of the need in declared order, within one time (P3, E7).
#
# The caller hears an announcement, then hold sound. What rings already is not cut by a band that
# closes or a variation.

Rung = Generator[Order, None, NotTaken | None]
"""Orders, and why a number could not be tried: None when it was."""
LEAST_RING_MS = 3_000
"""With less of the total time left no further number is tried."""


def begin_transfer(
    desk: Desk, call: Call, wish: TransferWish, allowed: TransferAllowed, now: Now
) -> Orders:
    """Tell the caller, and ring the first number; a blind transfer lets the operator go."""
    start_transfer(desk, call, wish, allowed, now)
    words = announcements.in_languages(desk.office, "connecting")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    if not wish.attended:
        yield from let_operator_go(call)
    elif wish.asked is TransferMethod.REFER:
        yield orders.TellTransfer(call.leg, orders.RINGING)
    else:
        yield from _ring_back(call)
    yield from next_number(desk, call, now)
    yield call.write()


def start_transfer(
    desk: Desk, call: Call, wish: TransferWish, allowed: TransferAllowed, now: Now
) -> Transfer:
    """Remember a transfer and note what of it is kept with the call."""
    ends_at = now.monotonic + desk.office.transfer_ms / 1000
    call.transfer = Transfer(wish, allowed, call.leg_phone, ends_at)
    call.about, call.refused, reason = None, NOTHING, wish.reason or ""
    code = f"{allowed.unit.code}.{allowed.need.code}"
    call.note(f"transfer.{code}.{reason}.{wish.asked}")
    call.note(
        unit=allowed.unit.code, need=allowed.need.code, transfer_reason=str(reason),
        declaration=allowed.declaration, target="", returned="",
    )  # fmt: skip
    return call.transfer


def _ring_back(call: Call) -> Orders:
    """The operator, who waits for an answer, hears what any caller hears: that it rings."""
    yield orders.Play(call.new_leg_play(), (announcements.RING_BACK,), leg=call.leg)


def prompt_over(desk: Desk, call: Call, event: PromptEnded, now: Now) -> Orders:
    """Nobody is left in silence: hold sound for the caller, ring-back for the operator."""
    transfer = transfer_of(call)
    if event.play == call.leg_play:
        yield from _ring_back(call)
        return
    transfer.announced = True
    yield orders.Hold(call.line.name)


# --- one number after the other -------------------------------------------------------------------


def next_number(desk: Desk, call: Call, now: Now) -> Orders:
    """Ring the next number that can be rung; with none left the call comes back."""
    transfer = transfer_of(call)
    targets = transfer.allowed.targets
    while transfer.position < len(targets):
        left_ms = int((transfer.ends_at - now.monotonic) * 1000)
        if left_ms < LEAST_RING_MS:
            break
        ring_ms = left_ms // (len(targets) - transfer.position)
        transfer.position += 1
        missed = yield from RING[transfer.target.reach](desk, call, transfer, ring_ms, now)
        if missed is None:
            return
        _note_missed(call, transfer, missed)
    why = next((kind for kind in GRAVEST if kind in transfer.outcomes), NotTaken.NO_ANSWER)
    yield from come_back(desk, call, CAUSES[why], now)


def _note_missed(call: Call, transfer: Transfer, missed: NotTaken) -> None:
    transfer.outcomes.append(missed)
    call.note(f"{missed}.{transfer.name}")


def _ring_phone(desk: Desk, call: Call, transfer: Transfer, ring_ms: int, now: Now) -> Rung:
    """Ring a SIP phone, if it is there and free; it shows who transfers, the need, the caller."""
    phone = transfer.target.number.reveal(Purpose.RING)
    onward = desk.came_over(call) and branches.is_elsewhere(desk, phone)
    if phone not in desk.reachable or onward:  # who came over goes on to no third branch
        return NotTaken.UNREACHABLE
    if phone in desk.engaged():
        return NotTaken.BUSY
    _rings(call, transfer, phone, ring_ms, now)
    number = call.record.caller.number
    passed = branches.diversion_to(desk, call, phone)
    display = office_display(call, transfer.allowed.need.name)
    yield orders.RingPhones(call.id, (Ringing(transfer.leg, phone),), display, number, passed)
    return None


def _ring_outside(desk: Desk, call: Call, transfer: Transfer, ring_ms: int, now: Now) -> Rung:
    """Call an outside number over a second line; the caller never learns it."""
    line = desk.spare_line(LinePurpose.CONVENIENCE)
    if not line:
        call.note("transfer.no_line")
        return NotTaken.BUSY
    _rings(call, transfer, transfer.name, ring_ms, now)
    called = Dials(transfer.name, transfer.target.number.reveal(Purpose.DIAL), ring_ms)
    yield from outside_call.dial_number(desk, transfer.leg, called, line, now, of_office=True)
    return None


def _call_extension(desk: Desk, call: Call, transfer: Transfer, ring_ms: int, now: Now) -> Rung:
    """Flash, and have the PBX behind the line call an extension; no operator can stay with that."""
    if call.line.daytime is not HalfDuplexDaytime.PBX_TRANSFER:
        call.note("transfer.no_pbx")
        return NotTaken.UNREACHABLE
    yield from let_operator_go(call)
    digits = transfer.target.number.reveal(Purpose.DIAL)
    call.dials, call.returned = Dials(transfer.name, digits, ring_ms), transfer.announced
    if transfer.announced:
        yield from pbx.call_next_extension(desk, call, now)
    else:
        call.enter(State.PBX_GREETING, now)  # "connecting" is being played
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


def number_out(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """A phone is out: the operator's, who need not wait, or the office's, after which the next."""
    transfer = transfer_of(call)
    if event.leg == call.leg:
        call.forget_leg()
        call.note("operator_left")
        yield call.write()
        return
    transfer.leg = ""
    _note_missed(call, transfer, OUTCOMES[type(event)])
    yield from next_number(desk, call, now)
    yield call.write()


def number_silent(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Nobody has answered in this number's share of the time."""
    transfer = transfer_of(call)
    yield from transfer.let_go()
    _note_missed(call, transfer, NotTaken.NO_ANSWER)
    yield from next_number(desk, call, now)
    yield call.write()


def caller_back(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The caller is back from the PBX: the next number, where a transfer had led there."""
    if call.dials is None:
        yield from ringing.caller_back(desk, call, event, now)
        return
    transfer = transfer_of(call)
    call.dials = None
    call.note("pbx.returned")
    transfer.announced = True
    _note_missed(call, transfer, gravest(call.outcomes))
    call.outcomes = []
    yield orders.Hold(call.line.name)
    yield from next_number(desk, call, now)
    yield call.write()


# ---- transfer ----------------------------------------------------------------------------------
# An operator asks for an office: by code, by the phone's transfer key, or by a person's command.
#
# All of them end in `ask`, and nobody is put through beside it (P5). Handlers of the table
# (states.py), as in ringing.py.

REASON_KEYS = {
    "": TransferReason.OTHER,
    "1": TransferReason.TOPIC,
    "2": TransferReason.DEPTH,
    "3": TransferReason.OTHER,
}
"""What a phone may dial behind a code, as in `31*2`, to say why by its own transfer key."""


def decide_transfer(desk: Desk, wish: TransferWish, now: Now) -> TransferAllowed | TransferLater:
    """Say whether the call may go on now; raises OfficeError for a unit that is not there.

    While all are absent no phone rings (E4).
    """
    calendar = desk.office.switchboard.schedule
    answer = may_transfer(desk.register, calendar, wish.unit, wish.need, now)
    if isinstance(answer, TransferAllowed) and routing.if_absent(desk.office, desk.service, now):
        return TransferLater(answer.unit, wish.need, TransferHindrance.ABSENT, answer.rules)
    return answer


def ask(desk: Desk, call: Call, wish: TransferWish, now: Now) -> Orders:
    """Put the call through, or say why not and offer the office's rule (P5): the one way."""
    answer = decide_transfer(desk, wish, now)
    if isinstance(answer, TransferLater):
        yield from refuse(desk, call, wish, answer, now)
    elif _is_told_first(desk, wish, answer):
        yield from _warn(desk, call, wish, _about(wish, answer), now)
    elif wish.reason is None:
        yield from returning.offer_reasons(desk, call, wish, answer.need.code_keys, now)
    else:
        yield from begin_transfer(desk, call, wish, answer, now)


def _is_told_first(desk: Desk, wish: TransferWish, allowed: TransferAllowed) -> bool:
    """True for an office that has not answered of late (E8); a phone's transfer key cannot hear."""
    unanswered = desk.unanswered.tells(allowed.unit.code, wish.need, allowed.band_ends)
    return unanswered and not wish.anyway and wish.asked is not TransferMethod.REFER


def _about(wish: TransferWish, answer: TransferAllowed | TransferLater) -> About:
    return About(answer.unit, wish.need, answer.rules, wish.by)


def refuse(
    desk: Desk, call: Call, wish: TransferWish, later: TransferLater, now: Now, asked_on: str = ""
) -> Orders:
    """Not now: noted, told, and the rule opens at once (P5); `asked_on` is the leg of a REFER."""
    about = _about(wish, later)
    why = later.why.removeprefix("transfer.")
    call.note(f"transfer_refused.{wish.unit}.{wish.need}.{why}")
    call.about = about
    call.refused = later_words(later, desk.office.local(now.wall))
    if wish.asked is TransferMethod.REFER:
        yield from returning.tell_failed(call, asked_on or call.leg, orders.DECLINED, now)
    elif wish.asked is TransferMethod.KEYS:
        words = announcements.not_now_words(desk, later, now)
        yield from returning.offer_rules(desk, call, about, words, now)
    yield call.write()


def _warn(desk: Desk, call: Call, wish: TransferWish, about: About, now: Now) -> Orders:
    """It has not answered of late: the rule may be opened straight away (E8)."""
    call.note(f"transfer_warned.{wish.unit}.{wish.need}")
    call.about = about
    if wish.asked is TransferMethod.KEYS:
        yield from returning.offer_rules(desk, call, about, ("nobody_there",), now, wish)
    yield call.write()


# --- the three ways -------------------------------------------------------------------------------


def by_code(desk: Desk, call: Call, code: str, now: Now) -> Orders:
    """An operator has keyed a code."""
    coded = need_by_keys(desk.register, code, desk.office.today(now.wall))
    if coded is None:
        call.note("transfer_refused.no_such_code")
        yield from returning.ask_operator(desk, call, ("state_refused",), now)
        return
    yield from ask(desk, call, TransferWish(coded.unit, coded.need.code, call.leg_phone), now)


def by_refer(desk: Desk, call: Call, event: TransferAsked, now: Now) -> Orders:
    """The phone's own transfer key: to a code of the register, and nowhere else."""
    code, _, reason = event.target.partition("*")
    coded = need_by_keys(desk.register, code, desk.office.today(now.wall))
    if event.leg != call.leg or coded is None or reason not in REASON_KEYS:
        yield from refuse_refer(call, event, now)
        return
    why = REASON_KEYS[reason]
    wish = TransferWish(coded.unit, coded.need.code, call.leg_phone, TransferMethod.REFER, why)
    yield from ask(desk, call, wish, now)


def refuse_refer(call: Call, event: TransferAsked, now: Now, code: int = orders.DECLINED) -> Orders:
    """Not to be had: noted, and the phone is told so."""
    call.note(f"transfer_refused.{event.kind}")
    yield call.write()
    yield from returning.tell_failed(call, event.leg, code, now)


def by_person(desk: Desk, call: Call, event: TransferWished, now: Now) -> Orders:
    """Console or command; who asks was told by `answer_to` what will come of it."""
    request = event.request
    if not isinstance(request, TransferCall) or desk.register.unit(request.unit) is None:
        return
    wish = wish_of(request)
    if call.leg in desk.outside:
        wish = replace(wish, attended=False)  # an ordinary telephone hears no announcements
    yield from ask(desk, call, wish, now)


def wish_of(request: TransferCall) -> TransferWish:
    """Return what a person asks for."""
    r = request
    return TransferWish(r.unit, r.need, r.by, TransferMethod.PERSON, r.reason, r.attended, r.anyway)


def answer_to(desk: Desk, request: TransferCall, now: Now) -> Words | None:
    """Say why a person's wish would not be carried out now, in the words of E23; None: it would be.

    Raises OfficeError for a unit that is not in the register.
    """
    wish = wish_of(request)
    answer = decide_transfer(desk, wish, now)
    if isinstance(answer, TransferLater):
        return later_words(answer, desk.office.local(now.wall))
    if _is_told_first(desk, wish, answer):
        count = desk.unanswered.count(answer.unit.code, wish.need, answer.band_ends)
        return unanswered_words(answer, count)
    return None


# ---- attended ----------------------------------------------------------------------------------
# A phone has consulted an office and joins it with its caller by its own key (RFC 5589, Replaces).
#
# The phone names its two calls; both must be its own and up, and the register must allow the office
# now (P5). Whatever else it names is refused with SIP's own code, and both its calls go on.
#


def attended_by_refer(desk: Desk, call: Call, event: TransferAsked, now: Now) -> Orders:
    """The phone's own transfer key: to a code, or to whom it has spoken with meanwhile.

    Whoever talks at another branch, or behind a telephone system, asks in vain: only ours decide.
    """
    if branches.is_elsewhere(desk, call.leg_phone):
        yield from refuse_refer(call, event, now)
        return
    if event.kind is TransferKind.BLIND:
        yield from by_refer(desk, call, event, now)
        return
    consultation = consultation_of(desk, call, event)
    if consultation is None:
        yield from refuse_refer(call, event, now, event.fault or orders.NO_SUCH_CALL)
        return
    side, leg = consultation
    phone = side.legs[side.across(leg)]
    answer = side.consulted or _decide(desk, phone, now)
    if answer is None:
        yield from refuse_refer(call, event, now)
    elif isinstance(answer, TransferLater):
        wish = _wish(call, side, answer)
        yield from refuse(desk, call, wish, answer, now, event.leg)
    else:
        yield from _join(desk, call, event, side, leg, answer, now)


def consultation_of(desk: Desk, call: Call, event: TransferAsked) -> tuple[Intercom, str] | None:
    """Find the asking phone's conversation with another one, and its leg there.

    It may ask in either of its calls, and may have dialled or been rung for the other.
    """
    legs = {event.leg, event.other} - {call.leg}
    if call.leg not in {event.leg, event.other} or len(legs) != 1:
        return None
    leg = legs.pop()
    sides = (side for side in desk.sides.values() if isinstance(side, Intercom))
    side = next((side for side in sides if side.across(leg)), None)
    return (side, leg) if side is not None and side.legs.get(leg) == call.leg_phone else None


def _decide(desk: Desk, phone: str, now: Now) -> TransferAllowed | TransferLater | None:
    return may_join(desk.register, desk.office.switchboard.schedule, phone, now)


def _wish(call: Call, side: Intercom, answer: TransferAllowed | TransferLater) -> TransferWish:
    need = answer.need if isinstance(answer, TransferLater) else answer.need.code
    return TransferWish(answer.unit.code, need, call.leg_phone, TransferMethod.REFER, side.reason)


def _join(
    desk: Desk,
    call: Call,
    event: TransferAsked,
    side: Intercom,
    leg: str,
    allowed: TransferAllowed,
    now: Now,
) -> Orders:
    """Caller and office talk; both calls of the operator's phone end."""
    made = start_transfer(desk, call, _wish(call, side, allowed), allowed, now)
    made.leg = side.across(leg)
    made.phone = side.legs[made.leg]
    made.position, made.announced = place_of(allowed.targets, made.phone), True
    call.note("transfer.attended")
    returning.note_met(desk, call, made)
    side.state = SideState.ENDED
    del desk.sides[side.leg]
    yield orders.TellTransfer(event.leg, orders.TRANSFER_DONE)
    yield orders.HangUpPhone(leg)
    yield from returning.hand_over(desk, call, now)


# ---- choice keys -------------------------------------------------------------------------------
# Keys of an operator who was asked something while the caller is held (returning.py).

BACK_KEY = "*"


def press(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A key of the operator; one that means nothing is none."""
    if event.leg != call.leg:
        return
    assert call.choices is not None, "choices are always set before their state is entered"
    act, wish = call.choices.keys.get(event.digit), call.choices.wish
    if event.digit == BACK_KEY:
        yield from returning.back_to_caller(desk, call, event, now)
    elif act in {Act.APPOINTMENT, Act.EMAIL}:
        assert call.about is not None, "a rule is offered for an office"
        yield from returning.begin_rule(desk, call, ReturnRule(act.value), call.about, now)
    elif act is Act.TRY and wish is not None:
        yield from ask(desk, call, replace(wish, anyway=True), now)
    elif act is not None and wish is not None:
        yield from ask(desk, call, replace(wish, reason=TransferReason(act.value)), now)


# ---- consulting --------------------------------------------------------------------------------
# A position dials an office's code to speak with it first; its caller is on hold meanwhile.
#
# The register is asked as for a transfer (P5): not now, and the phone hears when the office takes
# calls again (E23). Whoever answers can then be joined with the caller by the phone's own key
# (`attended_by_refer`); a band that ends meanwhile cuts nothing (E12).


def wished(desk: Desk, event: PhoneDialled, now: Now) -> TransferWish | None:
    """Return what a position asks for by a code of the register, as in `31` or `31*2`."""
    code, _, reason = event.digits.partition("*")
    coded = need_by_keys(desk.register, code, desk.office.today(now.wall))
    talking = (call for call in desk.calls.values() if call.state is State.TALKING)
    talks = any(call.leg_phone == event.phone for call in talking)
    if coded is None or not talks or reason not in REASON_KEYS:
        return None
    why = REASON_KEYS[reason]
    return TransferWish(coded.unit, coded.need.code, event.phone, TransferMethod.REFER, why)


def begin_consultation(
    desk: Desk, event: PhoneDialled, wish: TransferWish, now: Now
) -> Iterator[Order]:
    """Ring the first of the office's phones that can be rung, or say when it takes calls again."""
    answer = decide_transfer(desk, wish, now)
    if isinstance(answer, TransferLater):
        words = announcements.not_now_words(desk, answer, now)
        never = () if answer.resumes_at else ("state_refused",)
        yield from internal.answer_and_say(desk, event, (*words, *never), now)
        return
    phones = [phone for phone in _phones(answer) if phone in desk.reachable]
    if not phones:
        yield orders.RefusePhone(event.leg, internal.NOT_THERE)
        return
    free = next((phone for phone in phones if phone not in desk.engaged()), phones[0])
    yield from internal.ring_phone(
        desk, event, free, now, answer, wish.reason or TransferReason.OTHER
    )


def _phones(allowed: TransferAllowed) -> Iterator[str]:
    """Return the SIP phones of a need, in declared order; other numbers go by `**` and the code."""
    for target in allowed.targets:
        if target.reach is Reach.PHONE:
            yield target.number.reveal(Purpose.RING)


# ---- offered -----------------------------------------------------------------------------------
# What the front desk may offer a caller now: every office and need, open ones and later ones (P5).
#
# The same answer that a transfer would get, asked of all at once.


@dataclass(frozen=True, slots=True)
class Offered:
    """One need of one unit; no number is in it (P7).

    `open`: a transfer would be carried out; `until` when the band ends, `resumes_at` when the next
    one opens (None: not known). `words` say why not, or that nobody there has answered of late
    (`unanswered`, E8). `need` and `need_name` are "" for a unit that has declared none.
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


def offered(desk: Desk, now: Now) -> tuple[Offered, ...]:
    """List them, the open ones first, else in the register's order."""
    every = [
        _offered(desk, unit, code, name, now)
        for unit in desk.register.units
        for code, name in _needs(desk, unit, now)
    ]
    return tuple(sorted(every, key=lambda one: not one.open))


def _needs(desk: Desk, unit: Unit, now: Now) -> Iterator[tuple[str, str]]:
    """Yield code and name of what a unit has last declared, in force or not."""
    held = desk.register.declaration(unit, desk.office.today(now.wall))
    if held is None or not held.needs:
        yield "", ""
    else:
        yield from ((need.code, need.name) for need in held.needs)


def _offered(desk: Desk, unit: Unit, need: str, name: str, now: Now) -> Offered:
    answer = decide_transfer(desk, TransferWish(unit.code, need, ""), now)
    if not isinstance(answer, TransferAllowed):
        words = later_words(answer, desk.office.local(now.wall))
        return Offered(unit, need, name, False, answer.rules, words, resumes_at=answer.resumes_at)
    ends = answer.band_ends
    if not desk.unanswered.tells(unit.code, need, ends):
        return Offered(unit, need, name, True, answer.rules, until=ends)
    words = unanswered_words(answer, desk.unanswered.count(unit.code, need, ends))
    return Offered(unit, need, name, True, answer.rules, words, ends, unanswered=True)


# ---- operator keys -----------------------------------------------------------------------------
# Keys that an operator presses while the caller is on the line: for a transfer (P5), for the head.
#
# `**`, the code of a need, `#`; `***` brings the head in (E10). A star alone, and every other key,
# is for the far end, which may be a machine that asks for keys; of a code that was begun nothing
# reaches it.

STAR, END = "*", "#"
BEGIN = STAR * 2
SECOND_STAR_MS = 1_000
"""A second star within this time begins a code; a star alone is passed on after it."""
NEXT_KEY_MS = 5_000
LONGEST_CODE = 4


def pass_on(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """The far end may be a machine that asks for keys; the caller's own concern nobody.

    Where there is neither a register nor a head's phone no code can be begun, and a star is a key
    like any other; so it is of whoever talks at another branch: nothing is begun from there.
    """
    if not event.leg or event.leg != call.leg:
        return
    known = bool(desk.register.units or desk.office.head)
    if event.digit == STAR and known and not branches.is_elsewhere(desk, call.leg_phone):
        call.keyed = STAR
        call.enter(State.TRANSFER_KEYS, now, SECOND_STAR_MS)
        return
    yield orders.PressKeys(call.line.name, event.digit)


def collect(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """One more key of a code."""
    if event.leg != call.leg:
        return
    if call.keyed == STAR and event.digit != STAR:
        yield orders.PressKeys(call.line.name, STAR + event.digit)
        go_on_talking(desk, call, State.TALKING, now)
    elif event.digit == END:
        yield from _ended(desk, call, now)
    elif event.digit == STAR and call.keyed == BEGIN:
        go_on_talking(desk, call, State.TALKING, now)
        yield from conference.by_key(desk, call, now)
    elif event.digit == STAR and call.keyed != STAR:
        go_on_talking(desk, call, State.TALKING, now)  # taken back
    else:
        yield from _go_on(desk, call, event.digit, now)


def _go_on(desk: Desk, call: Call, digit: str, now: Now) -> Orders:
    call.keyed += digit
    if len(call.keyed) > len(BEGIN) + LONGEST_CODE:
        yield from returning.ask_operator(desk, call, ("state_refused",), now)
    else:
        call.enter(State.TRANSFER_KEYS, now, NEXT_KEY_MS)


def _ended(desk: Desk, call: Call, now: Now) -> Orders:
    """`#`: a code, or none for the rule of the office that the call came back from."""
    code = call.keyed.removeprefix(BEGIN)
    if code:
        yield from by_code(desk, call, code, now)
    elif call.about is not None:
        yield from returning.offer_rules(desk, call, call.about, (), now)
    else:
        yield from returning.ask_operator(desk, call, ("state_refused",), now)


def give_up(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """No further key came: a star alone is the far end's, of a code nothing is."""
    if call.keyed == STAR:
        yield orders.PressKeys(call.line.name, STAR)
        go_on_talking(desk, call, State.TALKING, now)
    else:
        yield from returning.ask_operator(desk, call, ("state_refused",), now)
