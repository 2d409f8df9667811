"""Consultation, hand-over and return of a transfer (P6, E6, E7), with the operator's choices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.calls import announcements, conference, orders, positions, ringing
from appliance.calls.events import DigitPressed, LegEnded, OperatorAnswered, PhoneLost
from appliance.calls.model import (
    About,
    Act,
    Call,
    Choices,
    Desk,
    ReturnCause,
    Transfer,
    TransferMethod,
    TransferStep,
    TransferWish,
)
from appliance.calls.orders import Order
from appliance.calls.ringing import OUTCOMES, Orders, follow_decision, go_on_talking, stop_ringing
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule
from appliance.policy.office import Group
from appliance.policy.requests import spoken_request
from appliance.policy.routing import NotTaken

# ---- returning ---------------------------------------------------------------------------------
# A transferred call comes back (P6): who is rung, in the order of E6, and what the caller hears.
#
# The operator who sent it; the other operators; up to a minute on hold, in which whoever becomes
# free is rung before any new call; the counter; then the caller may leave words or stay. The busy
# operator's own call is never touched.

WAIT_MS = 60_000
"""So long a return is held while every operator is busy (E6)."""
OFFERS = 2
"""How often the caller is asked; who says nothing twice comes to voicemail (E5)."""
WORDS_KEY = "1"
UNANSWERED = {
    ReturnCause.NO_ANSWER,
    ReturnCause.BUSY,
    ReturnCause.UNREACHABLE,
    ReturnCause.DECLINED,
}
"""Why a call comes back of which its caller hears that the office did not answer; of the others
that somebody looks after them."""
NEXT = {
    TransferStep.OPERATOR: TransferStep.OTHERS,
    TransferStep.OTHERS: TransferStep.WAIT,
    TransferStep.WAIT: TransferStep.COUNTER,
}


def begin_return(desk: Desk, call: Call, now: Now) -> Orders:
    """The caller hears that the office did not answer, and the operator is rung."""
    transfer = _of(call)
    transfer.rang, transfer.offers = set(), 0
    said = "office_no_answer" if call.record.returned in UNANSWERED else "please_wait"
    words = announcements.in_languages(desk.office, said)
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield from _go_to(desk, call, TransferStep.OPERATOR, now)


def _of(call: Call) -> Transfer:
    assert call.transfer is not None, "only a transferred call comes back"
    return call.transfer


def _go_to(desk: Desk, call: Call, step: TransferStep, now: Now) -> Orders:
    """Go to a step, or past it when it has nobody to ring. While all are absent none rings (E4)."""
    transfer = _of(call)
    absent = routing.if_absent(desk.office, desk.service, now)
    if absent is not None:
        yield from follow_decision(desk, call, absent, now)
        return
    transfer.step = step
    phones = _phones(desk, transfer, step, now)
    if step is TransferStep.WAIT:
        transfer.wait_until = now.monotonic + WAIT_MS / 1000
        call.note("return.waiting")
        call.enter(State.TRANSFER_RETURNING, now, WAIT_MS)
        yield call.write()
    elif phones:
        yield from _ring(desk, call, phones, now)
    elif step in NEXT:
        yield from _go_to(desk, call, NEXT[step], now)
    else:
        yield from _offer(desk, call, now)


def _phones(desk: Desk, transfer: Transfer, step: TransferStep, now: Now) -> tuple[str, ...]:
    """Return whom a step rings: free, there, and not one who let it ring before."""
    group = _group(desk, transfer)
    if step is TransferStep.OPERATOR:
        wanted: tuple[str, ...] = (transfer.operator,)
    elif step is TransferStep.COUNTER:
        counter = desk.office.citizens_desk
        wanted = counter.phones if counter and routing.group_open(counter, now) else ()
    else:
        wanted = tuple(phone for phone in group.phones if phone != transfer.operator)
    free = desk.free_of(wanted)
    return tuple(phone for phone in free if phone not in transfer.rang)


def _group(desk: Desk, transfer: Transfer) -> Group:
    """Return the operator's group: the counter's staff do what an operator does (E2)."""
    counter = desk.office.citizens_desk
    if counter is not None and transfer.operator in counter.phones:
        return counter
    return desk.office.switchboard


def _ring(desk: Desk, call: Call, phones: tuple[str, ...], now: Now) -> Orders:
    """Ring them; their screens say what the call is: "Ritorno: Anagrafe" (P6)."""
    transfer = _of(call)
    transfer.rang.update(phones)
    yield from positions.make_way(desk, phones)
    ringing = tuple(call.new_leg(phone) for phone in phones)
    call.note(f"return.ring.{','.join(phones)}")
    group = desk.office.switchboard
    if transfer.step is TransferStep.COUNTER and desk.office.citizens_desk is not None:
        group = desk.office.citizens_desk
    call.enter(State.TRANSFER_RETURNING, now, group.ring_ms)
    display = f"Ritorno: {transfer.unit.name}"
    yield orders.RingPhones(call.id, ringing, display, call.record.caller.number)
    yield call.write()


def seek(desk: Desk, now: Now) -> Orders:
    """Ring for the returns that wait, oldest first, whoever has become free meanwhile (E6)."""
    for call in desk.calls.values():
        transfer = call.transfer
        waits = transfer is not None and transfer.step is TransferStep.WAIT and not call.legs
        if call.state is not State.TRANSFER_RETURNING or transfer is None or not waits:
            continue
        operator = _phones(desk, transfer, TransferStep.OPERATOR, now)
        phones = operator or _phones(desk, transfer, TransferStep.OTHERS, now)
        if phones:
            yield from _ring(desk, call, phones, now)


def prompt_over(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The caller has heard it: hold sound, never silence."""
    yield orders.Hold(call.line.name)


def phone_out(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """A phone will not answer; after the last one the next step."""
    call.note(f"return.{OUTCOMES[type(event)]}.{call.legs.pop(event.leg)}")
    if not call.legs:
        yield from _unanswered(desk, call, now)


def return_unanswered(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Its time is over."""
    yield from stop_ringing(call)
    yield from _unanswered(desk, call, now)


def _unanswered(desk: Desk, call: Call, now: Now) -> Orders:
    """Go on: within the wait for what is left of it, else to the next step."""
    transfer = _of(call)
    left_ms = int((transfer.wait_until - now.monotonic) * 1000)
    if transfer.step is TransferStep.WAIT and left_ms > 0:
        call.enter(State.TRANSFER_RETURNING, now, left_ms)
    elif transfer.step in NEXT:
        yield from _go_to(desk, call, NEXT[transfer.step], now)
    else:
        yield from _offer(desk, call, now)


def operator_answered(desk: Desk, call: Call, event: OperatorAnswered, now: Now) -> Orders:
    """An operator has the caller again, with the office and its rule (P6)."""
    call.leg = event.leg
    call.leg_phone = call.legs.pop(event.leg)
    call.note(f"return.answered.{call.leg_phone}")
    yield orders.Connect(call.line.name, call.leg)
    yield from stop_ringing(call, answered_elsewhere=True)
    go_on_talking(desk, call, State.TALKING, now)
    yield call.write()


def heed_absence(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """All absent: no phone rings any more (E4). Whoever goes away alone lets it ring elsewhere."""
    absent = routing.if_absent(desk.office, desk.service, now)
    if absent is not None:
        yield from stop_ringing(call)
        yield from follow_decision(desk, call, absent, now)


# --- nobody can be had ----------------------------------------------------------------------------


def _offer(desk: Desk, call: Call, now: Now) -> Orders:
    """Only now the caller is asked: stay, or leave words by a key (E6)."""
    transfer = _of(call)
    transfer.offers += 1
    if transfer.offers > OFFERS:
        yield from _to_voicemail(desk, call, now)
        return
    call.note("return.offer")
    call.enter(State.TRANSFER_OFFER, now)
    words = announcements.in_languages(desk.office, "hold", "message_offer")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield call.write()


def offer_over(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The caller stays: everybody is asked once more."""
    _of(call).rang.clear()
    yield orders.Hold(call.line.name)
    yield from _go_to(desk, call, TransferStep.OPERATOR, now)


def leave_words(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """The caller's key, once it was offered: voicemail."""
    if event.line and event.digit == WORDS_KEY and _of(call).offers:
        call.note("return.left_words")
        yield from stop_ringing(call)
        yield from _to_voicemail(desk, call, now)


def _to_voicemail(desk: Desk, call: Call, now: Now) -> Orders:
    facts = desk.facts_for(call.line, now)
    first, then = NotTaken.NO_ANSWER, NotTaken.NO_ANSWER
    yield from follow_decision(
        desk, call, routing.after_counter(desk.office, facts, now, first, then), now
    )


# ---- put through -------------------------------------------------------------------------------
# The office has answered, or the call comes back from it (P6, E7).

STAR, THROUGH = "*", "#"
"""Keys while operator and clerk talk: not this call, or put it through."""
BY_ITSELF_S = 2.0
"""Whoever hangs up so soon after a transfer failed is a phone, not a person."""
UNHEARD = (ReturnCause.TAKEN_BACK, ReturnCause.REFUSED, ReturnCause.SENT_BACK, ReturnCause.LOST)
"""Returns of which an operator who is there need not be told: they were part of them."""


def transfer_of(call: Call) -> Transfer:
    """Return the call's transfer; its states are entered with one only."""
    assert call.transfer is not None, "no state of a transfer without one"
    return call.transfer


def tell_failed(call: Call, leg: str, code: int, now: Now) -> Orders:
    """Tell the phone that its own transfer key has led nowhere."""
    call.failed = leg, now.monotonic
    yield orders.TellTransfer(leg, code)


def operator_left(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """The operator hung up: so does the box, unless the phone did it by itself."""
    # Some phones end the call when they are told that a transfer has failed (baresip does): then
    # nobody meant it, and the caller comes back (P6).
    leg, failed_at = call.failed
    meant = leg != call.leg or now.monotonic - failed_at > BY_ITSELF_S
    if meant or call.shared or conference.supervisor_is_in(desk, call):
        yield from conference.operator_left(desk, call, event, now)
        return
    call.note("transfer.hung_up_by_itself")
    if call.state is State.TRANSFERRED:
        yield from office_lost(desk, call, event, now)
    elif call.transfer is None:
        yield orders.Hold(call.line.name)
        yield from ringing.ring_again(desk, call, event, now)
    else:
        call.forget_leg()
        yield from begin_return(desk, call, now)


def let_operator_go(call: Call) -> Orders:
    """The operator's part is done."""
    if call.leg:
        yield orders.HangUpPhone(call.leg)
    call.forget_leg()


def office_answered(desk: Desk, call: Call, event: OperatorAnswered, now: Now) -> Orders:
    """The office has answered: first the operator, who stayed, else the caller."""
    transfer = transfer_of(call)
    if event.leg != transfer.leg:
        return
    note_met(desk, call, transfer)
    if call.leg and transfer.wish.asked is not TransferMethod.REFER:
        yield from _consult(desk, call, transfer, now)
    else:
        yield from complete(desk, call, now)


def note_met(desk: Desk, call: Call, transfer: Transfer) -> None:
    """Somebody of the office is on its leg."""
    transfer.up = transfer.met = True
    call.note(f"answered.{transfer.name}", target=transfer.shown)
    _count(desk, transfer, answered=True)


def _count(desk: Desk, transfer: Transfer, *, answered: bool) -> None:
    """Count for E8."""
    unit, need = transfer.unit.code, transfer.allowed.need.code
    ends = transfer.allowed.band_ends
    desk.unanswered = desk.unanswered.heard(unit, need, ends, answered=answered)


def _consult(desk: Desk, call: Call, transfer: Transfer, now: Now) -> Orders:
    call.leg_play = ""
    call.enter(State.TRANSFER_CONSULT, now)
    if not transfer.announced:
        transfer.announced = True
        yield orders.Hold(call.line.name)
    yield orders.Join(call.leg, transfer.leg)
    yield call.write()


def consult_over(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """One of the two has hung up: the operator puts the call through by it, the clerk refuses."""
    if event.leg == call.leg:
        call.forget_leg()
        yield from complete(desk, call, now)
        return
    transfer_of(call).leg = ""
    lost = isinstance(event, PhoneLost)
    yield from come_back(desk, call, ReturnCause.LOST if lost else ReturnCause.REFUSED, now)


def consult_key(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A star of either takes the caller back, `#` of the operator puts the call through (E7)."""
    if event.leg == call.leg and event.digit == THROUGH:
        yield from complete(desk, call, now)
    elif event.leg and event.digit == STAR:
        cause = ReturnCause.REFUSED if event.leg == call.leg else ReturnCause.SENT_BACK
        yield from come_back(desk, call, cause, now)


def consult_too_long(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Nobody holds a caller for ever: back to the operator."""
    yield from come_back(desk, call, ReturnCause.TAKEN_BACK, now)


def take_back(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A star of the operator while the office rings: the caller is theirs again."""
    if event.leg and event.leg == call.leg and event.digit == STAR:
        yield from come_back(desk, call, ReturnCause.TAKEN_BACK, now)


def complete(desk: Desk, call: Call, now: Now) -> Orders:
    """Caller and office talk; the operator is free."""
    if call.leg and transfer_of(call).wish.asked is TransferMethod.REFER:
        yield orders.TellTransfer(call.leg, orders.TRANSFER_DONE)
    yield from hand_over(desk, call, now)


def hand_over(desk: Desk, call: Call, now: Now) -> Orders:
    """The operator is let go; the line is joined to the office's phone."""
    transfer = transfer_of(call)
    yield from let_operator_go(call)
    call.leg, call.leg_phone, call.keyed = transfer.leg, transfer.phone, ""
    transfer.leg, transfer.up = "", False
    call.note(f"transferred.{transfer.unit.code}")
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TRANSFERRED, now)
    yield call.write()


def office_key(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Two stars of the office send the call back (E7); other keys are for the far end."""
    if not event.leg or event.leg != call.leg:
        return
    star = call.keyed == STAR
    call.keyed = ""
    if event.digit != STAR:
        yield orders.PressKeys(call.line.name, (STAR if star else "") + event.digit)
    elif star:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
        yield from come_back(desk, call, ReturnCause.SENT_BACK, now)
    else:
        call.keyed = STAR


def office_lost(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """The office's phone went without a word: the caller is not dropped but comes back."""
    call.forget_leg()
    yield from come_back(desk, call, ReturnCause.LOST, now)


def come_back(desk: Desk, call: Call, cause: ReturnCause, now: Now) -> Orders:
    """The call could not be put in contact: back to the operator, with the office's rule (P6)."""
    transfer = transfer_of(call)
    if not transfer.met and cause is not ReturnCause.TAKEN_BACK:
        _count(desk, transfer, answered=False)
    yield from transfer.let_go()
    need, operator = transfer.allowed.need.code, transfer.operator
    call.about = About(transfer.unit, need, transfer.allowed.rules, operator)
    call.note(f"returned.{transfer.unit.code}.{cause}", returned=cause.value)
    if not call.leg:
        yield from begin_return(desk, call, now)
    elif transfer.wish.asked is TransferMethod.REFER:
        yield from tell_failed(call, call.leg, orders.NOT_THERE, now)
        yield from back_to_caller(desk, call, None, now)
    elif cause in UNHEARD:
        yield from back_to_caller(desk, call, None, now)
    else:
        yield from offer_rules(desk, call, call.about, ("nobody_there",), now)


# ---- rule by key -------------------------------------------------------------------------------
# The office's rule, opened by a key of the operator's phone (P6): the caller speaks for it.
#
# The words are recorded like a message and stored as a request of the office; only what is stored
# is told to be (voicemail.py).

SUBJECT = "Richiesta a voce, {}"
"""What the office reads of it; offices read Italian."""
TO_CALL_BACK = "Da richiamare, parole troppo brevi: {}"
"""What it reads where the caller's words are too short to say anything."""


def begin_rule(desk: Desk, call: Call, rule: ReturnRule, about: About, now: Now) -> Iterator[Order]:
    """The operator is free; the caller is told to say name, number and what it is about."""
    call.request = spoken_request(
        rule, about.unit.code, about.need, SUBJECT.format(about.unit.name),
        call.record.caller.number, call.id, now.wall, about.by,
    )  # fmt: skip
    call.note(f"request.{about.unit.code}.{about.need}.{rule}")
    yield orders.HangUpPhone(call.leg)
    call.forget_leg()
    call.enter(State.GREETING, now)
    words = announcements.in_languages(desk.office, "leave_message")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield call.write()


def is_to_call_back(call: Call) -> bool:
    """Make a request whose words are too short one to call back; False: nobody could be.

    The office has the number that was shown, and the words all the same.
    """
    request = call.request
    if request is None or not request.citizen.phone:
        return False
    call.note("request.brief")
    call.brief, call.request = True, replace(request, subject=TO_CALL_BACK.format(request.subject))
    return True


# ---- choices ----

KEY_WAIT_MS = 10_000
"""So long after the announcement a key is waited for; then the caller is connected again."""
REASONS = {"1": Act.TOPIC, "2": Act.DEPTH, "3": Act.OTHER}
RULES = {"1": Act.APPOINTMENT, "2": Act.EMAIL}
TRY_KEY = "3"


def ask_operator(
    desk: Desk, call: Call, keys: tuple[str, ...], now: Now, offered: Choices | None = None
) -> Orders:
    """Hold the caller and tell the operator something; with no choice the caller is back then."""
    call.choices = offered or Choices()
    call.enter(State.TRANSFER_CHOICE, now)
    yield orders.Hold(call.line.name)
    yield orders.Play(
        call.new_leg_play(), announcements.staff_words(desk.office, keys), leg=call.leg
    )


def offer_reasons(desk: Desk, call: Call, wish: TransferWish, code: str, now: Now) -> Orders:
    """Say the code again; a key says why the call goes on, and confirms (P3)."""
    keys = tuple(f"digit_{digit}" for digit in code)
    for key, act in REASONS.items():
        keys += (f"word_{act}", f"digit_{key}")
    yield from ask_operator(desk, call, keys, now, Choices(REASONS, wish))


def offer_rules(
    desk: Desk,
    call: Call,
    about: About,
    before: tuple[str, ...],
    now: Now,
    wish: TransferWish | None = None,
) -> Orders:
    """Offer the office's rule by a key (P5, P6); with a wish also to try all the same (E8)."""
    acts = {key: act for key, act in RULES.items() if ReturnRule(act.value) in about.rules}
    if wish is not None:
        acts[TRY_KEY] = Act.TRY
    keys = before
    for key, act in acts.items():
        keys += (f"word_{act}", f"digit_{key}")
    call.about = about
    yield from ask_operator(desk, call, keys, now, Choices(acts, wish))


def choice_heard(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The operator has heard it: a key now, else the caller again."""
    assert call.choices is not None, "choices are always set before their state is entered"
    if call.choices.keys:
        call.enter(State.TRANSFER_CHOICE, now, KEY_WAIT_MS)
    else:
        yield from back_to_caller(desk, call, event, now)


def back_to_caller(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The caller is connected with the operator again."""
    call.leg_play = ""
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TALKING, now)
    yield call.write()
