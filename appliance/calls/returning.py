"""A transferred call comes back (P6): who is rung, in the order of E6, and what the caller hears.

The operator who sent it; the other operators; up to a minute on hold, in which whoever becomes
free is rung before any new call; the counter; then the caller may leave words or stay. The busy
operator's own call is never touched. Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from typing import Any

from appliance.calls import announcements, notices, orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import DigitPressed, OperatorAnswered
from appliance.calls.ringing import OUTCOMES, Orders, go_on_talking, stop_ringing, take
from appliance.calls.states import State
from appliance.calls.transfer_call import Cause, Step, Transfer
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.office import Group
from appliance.policy.routing import Missed

WAIT_MS = 60_000
"""So long a return is held while every operator is busy (E6)."""
OFFERS = 2
"""How often the caller is asked; who says nothing twice comes to voicemail (E5)."""
WORDS_KEY = "1"
UNANSWERED = {Cause.NO_ANSWER, Cause.BUSY, Cause.UNREACHABLE, Cause.DECLINED}
"""Why a call comes back of which its caller hears that the office did not answer; of the others
that somebody looks after them."""
NEXT = {Step.OPERATOR: Step.OTHERS, Step.OTHERS: Step.WAIT, Step.WAIT: Step.COUNTER}


def begin(desk: Desk, call: Call, now: Now) -> Orders:
    """The caller hears that the office did not answer, and the operator is rung."""
    transfer = _of(call)
    transfer.rang, transfer.offers = set(), 0
    said = "office_no_answer" if call.record.returned in UNANSWERED else "please_wait"
    words = announcements.in_languages(desk.office, said)
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield from _go_to(desk, call, Step.OPERATOR, now)


def _of(call: Call) -> Transfer:
    assert call.transfer is not None, "only a transferred call comes back"
    return call.transfer


def _go_to(desk: Desk, call: Call, step: Step, now: Now) -> Orders:
    """Go to a step, or past it when it has nobody to ring. While all are absent none rings (E4)."""
    transfer = _of(call)
    absent = routing.if_absent(desk.office, desk.service, now)
    if absent is not None:
        yield from take(desk, call, absent, now)
        return
    transfer.step = step
    phones = _phones(desk, transfer, step, now)
    if step is Step.WAIT:
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


def _phones(desk: Desk, transfer: Transfer, step: Step, now: Now) -> tuple[str, ...]:
    """Return whom a step rings: free, there, and not one who let it ring before."""
    group = _group(desk, transfer)
    if step is Step.OPERATOR:
        wanted: tuple[str, ...] = (transfer.operator,)
    elif step is Step.COUNTER:
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
    yield from notices.make_way(desk, phones)
    ringing = tuple(call.new_leg(phone) for phone in phones)
    call.note(f"return.ring.{','.join(phones)}")
    group = desk.office.switchboard
    if transfer.step is Step.COUNTER and desk.office.citizens_desk is not None:
        group = desk.office.citizens_desk
    call.enter(State.TRANSFER_RETURNING, now, group.ring_ms)
    display = f"Ritorno: {transfer.unit.name}"
    yield orders.RingPhones(call.id, ringing, display, call.record.caller.number)
    yield call.write()


def seek(desk: Desk, now: Now) -> Orders:
    """Ring for the returns that wait, oldest first, whoever has become free meanwhile (E6)."""
    for call in desk.calls.values():
        transfer = call.transfer
        waits = transfer is not None and transfer.step is Step.WAIT and not call.legs
        if call.state is not State.TRANSFER_RETURNING or transfer is None or not waits:
            continue
        operator = _phones(desk, transfer, Step.OPERATOR, now)
        phones = operator or _phones(desk, transfer, Step.OTHERS, now)
        if phones:
            yield from _ring(desk, call, phones, now)


def prompt_over(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The caller has heard it: hold sound, never silence."""
    yield orders.Hold(call.line.name)


def phone_out(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """A phone will not answer; after the last one the next step."""
    call.note(f"return.{OUTCOMES[type(event)]}.{call.legs.pop(event.leg)}")
    if not call.legs:
        yield from _unanswered(desk, call, now)


def nobody(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """Its time is over."""
    yield from stop_ringing(call)
    yield from _unanswered(desk, call, now)


def _unanswered(desk: Desk, call: Call, now: Now) -> Orders:
    """Go on: within the wait for what is left of it, else to the next step."""
    transfer = _of(call)
    left_ms = int((transfer.wait_until - now.monotonic) * 1000)
    if transfer.step is Step.WAIT and left_ms > 0:
        call.enter(State.TRANSFER_RETURNING, now, left_ms)
    elif transfer.step in NEXT:
        yield from _go_to(desk, call, NEXT[transfer.step], now)
    else:
        yield from _offer(desk, call, now)


def answered(desk: Desk, call: Call, event: OperatorAnswered, now: Now) -> Orders:
    """An operator has the caller again, with the office and its rule (P6)."""
    call.leg = event.leg
    call.leg_phone = call.legs.pop(event.leg)
    call.note(f"return.answered.{call.leg_phone}")
    yield orders.Connect(call.line.name, call.leg)
    yield from stop_ringing(call, answered_elsewhere=True)
    go_on_talking(desk, call, State.TALKING, now)
    yield call.write()


def heed_absence(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """All absent: no phone rings any more (E4). Whoever goes away alone lets it ring elsewhere."""
    absent = routing.if_absent(desk.office, desk.service, now)
    if absent is not None:
        yield from stop_ringing(call)
        yield from take(desk, call, absent, now)


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


def stay(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The caller stays: everybody is asked once more."""
    _of(call).rang.clear()
    yield orders.Hold(call.line.name)
    yield from _go_to(desk, call, Step.OPERATOR, now)


def leave_words(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """The caller's key, once it was offered: voicemail."""
    if event.line and event.digit == WORDS_KEY and _of(call).offers:
        call.note("return.left_words")
        yield from stop_ringing(call)
        yield from _to_voicemail(desk, call, now)


def _to_voicemail(desk: Desk, call: Call, now: Now) -> Orders:
    facts = desk.facts_for(call.line, now)
    first, then = Missed.NO_ANSWER, Missed.NO_ANSWER
    yield from take(desk, call, routing.after_desk(desk.office, facts, now, first, then), now)
