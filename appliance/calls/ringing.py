"""A call that rings: routed, then rung stage after stage until somebody or voicemail answers.

Handlers of the table (states.py): each takes the desk, the call, the event and the time, changes
the call and yields the orders.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from appliance.calls import (
    after_hours,
    callback,
    handing_over,
    notices,
    orders,
    outside,
    passing,
    positions,
    trunk_line,
    waiting,
)
from appliance.calls.announcements import greeting, tells_at_once, without_invitation
from appliance.calls.call import Call, office_display
from appliance.calls.desk import Desk
from appliance.calls.events import (
    CallerIdentified,
    DeclineReason,
    LineRang,
    OperatorAnswered,
    PhoneBusy,
    PhoneDeclined,
    PhoneHungUp,
    PhoneLost,
    PhoneUnreachable,
    Presentation,
)
from appliance.calls.hook import off_hook
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.routing import Decision, Missed, Way
from appliance.policy.sheets import Added

Orders = Iterator[Order]

OUTCOMES: dict[type, Missed] = {
    PhoneHungUp: Missed.NO_ANSWER,
    PhoneDeclined: Missed.DECLINED,
    PhoneBusy: Missed.BUSY,
    PhoneUnreachable: Missed.UNREACHABLE,
    PhoneLost: Missed.UNREACHABLE,
}
GRAVEST = (Missed.NO_ANSWER, Missed.DECLINED, Missed.BUSY, Missed.UNREACHABLE)
"""Of a stage whose phones ended differently, the first of these that occurred is told."""

AWAY = {Missed.UNATTENDED: "away"}
"""What the trail says of a phone whose position went away while it rang."""

BY_PEOPLE = {Way.SWITCHBOARD, Way.CITIZENS_DESK, Way.NOBODY}
"""Ways on which the line stays on hook until a person lifts."""
OUR_STAGES = {Way.SWITCHBOARD, Way.CITIZENS_DESK, Way.NOBODY}
"""Stages in which phones of the office itself have rung."""
RECORD_WAYS = {
    Way.SWITCHBOARD: orders.Way.SWITCHBOARD,
    Way.CITIZENS_DESK: orders.Way.CITIZENS_DESK,
    Way.WAITING: orders.Way.WAITING,
    Way.BRANCH: orders.Way.BRANCH,
    Way.VOICEMAIL: orders.Way.VOICEMAIL,
    Way.NOBODY: orders.Way.NONE,
}


def ring_at_once(desk: Desk, call: Call, event: LineRang, now: Now) -> Orders:
    """Ring phones at the first ring, whoever it is; nothing that is decided here asks who calls.

    Where no phone here is to ring, the identity is waited for (`take`).
    """
    if event.caller is not None:
        yield from route(desk, call, event, now)
    elif call.postponed is None:
        decision = _first(desk, call, now)
        if decision.way in BY_PEOPLE and not call.line.passes:
            yield from take(desk, call, decision, now)


def route(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The caller is settled, or the carrier never said so: decide, once for all (E1)."""
    if isinstance(event, CallerIdentified | LineRang) and event.caller is not None:
        call.note(f"caller.{event.caller.presentation}", caller=event.caller)
    else:
        call.note("caller.never_settled")
    call.settled = True
    yield from take(desk, call, _postponed(desk, call, now) or _first(desk, call, now), now)


def _postponed(desk: Desk, call: Call, now: Now) -> Decision | None:
    """Return what was decided while the identity was still to come; None where nothing was."""
    decision, call.postponed = call.postponed, None
    return decision and (routing.if_absent(desk.office, desk.service, now) or decision)


def _first(desk: Desk, call: Call, now: Now) -> Decision:
    return routing.route(desk.office, call.line, desk.facts_for(call.line, now), now)


def learn_caller(desk: Desk, call: Call, event: CallerIdentified, now: Now) -> Orders:
    """The identity comes after phones were rung: the record has it, and the phones show it."""
    code = "late" if call.settled else event.caller.presentation
    call.note(f"caller.{code}", caller=event.caller)
    call.settled = True
    office = call.transfer.leg if call.transfer else ""
    shown = _shown_on(desk, call)
    if legs := tuple(leg for leg in shown if leg != office):
        yield orders.ShowCaller(legs, call.display, event.caller.number)
    if call.transfer and office in shown:
        display = office_display(call, call.transfer.allowed.need.name)
        yield orders.ShowCaller((office,), display, event.caller.number)
    yield call.write()


def _shown_on(desk: Desk, call: Call) -> tuple[str, ...]:
    """Return the legs whose phones are to show who calls: not an ordinary telephone's, nor a
    branch's, and none where nobody knows more than before.
    """
    if call.record.caller.presentation is Presentation.UNKNOWN:
        return ()
    office = call.transfer.leg if call.transfer else ""
    legs = (*call.legs, call.leg, office) if call.stage is not Way.BRANCH else ()
    return tuple(leg for leg in legs if leg and leg not in desk.outside)


def take(desk: Desk, call: Call, decision: Decision, now: Now) -> Orders:
    """Go the decided way; to another branch rather than to voicemail, where one may be asked.

    Where the box itself would answer, or a branch be asked, the identity is waited for: off hook
    the line brings none any more, a message without a number is nobody's, and a branch would not
    learn it later.
    """
    if call.state is State.RINGING and not call.settled and decision.way not in BY_PEOPLE:
        call.postponed = decision
        call.enter(State.ARRIVED, now)
        return
    call.decision = decision
    call.missed = call.missed or decision.cause
    if decision.greeting == routing.GREETINGS[Missed.NO_ANSWER] and call.stage in OUR_STAGES:
        desk.attendance = desk.attendance.ring_in_vain(now.monotonic)
    if found := handing_over.next_for(desk, call, decision, now):
        yield from handing_over.begin(desk, call, decision, found, now)
        return
    if trunk_line.is_given_back(desk, call, decision):
        yield from trunk_line.give_back(desk, call, now)
        return
    way = RECORD_WAYS[decision.way]
    call.note(f"route.{decision.code}", way=way, reason=decision.code.value)
    if decision.way is Way.WAITING:
        yield from waiting.join(desk, call, now)
    elif decision.way is Way.VOICEMAIL:
        yield from _to_voicemail(desk, call, decision, now)
    elif call.line.passes:
        yield from passing.begin(desk, call, decision.way, now)
    else:
        yield from _ring(desk, call, decision.way, now)


def _ring(desk: Desk, call: Call, way: Way, now: Now) -> Orders:
    """Ring a group's free phones; for the ordinary phone beside the line there is none to ring."""
    group = desk.group(way)
    phones = () if way is Way.NOBODY else free_for(desk, call, way)
    call.stage, call.outcomes = way, []
    call.enter(State.HOLDING if call.off_hook else State.RINGING, now, group.ring_ms)
    call.rung_since = now.monotonic
    ringing = tuple(call.new_leg(phone) for phone in phones)
    if ringing:
        yield from notices.make_way(desk, phones)
        call.note(f"ring.{','.join(phones)}")
        yield orders.RingPhones(call.id, ringing, call.display, call.record.caller.number)
    elif way is not Way.NOBODY and (line := desk.outside_line(group, now)):
        call.enter(call.state, now, group.ring_ms + outside.DIALLING_MS)
        yield from outside.begin(desk, call, group, line, now)
    yield call.write()


def free_for(desk: Desk, call: Call, way: Way) -> tuple[str, ...]:
    """Return the phones to ring for this call: free, and not one that went away from it."""
    return tuple(p for p in desk.free(desk.group(way)) if p not in call.went_away)


def _to_voicemail(desk: Desk, call: Call, decision: Decision, now: Now) -> Orders:
    call.stage = None
    if callback.is_offered(call, decision):
        yield from callback.offer(desk, call, now)
        return
    if call.up:
        yield from start_greeting(desk, call, decision, now)
        return
    call.enter(State.GREETING_PENDING, now)
    if not call.off_hook:
        yield from off_hook(desk, call, now)
    yield call.write()


def start_greeting(desk: Desk, call: Call, decision: Decision, now: Now) -> Orders:
    """Greet by the reason of the decision; voicemail's limits follow."""
    call.enter(State.GREETING, now)
    added = after_hours.added(desk, decision, now)
    call.menu, call.untold = added.menu, bool(added.emergencies)
    call.note("greeting", answered_at=now.wall)
    if tells_at_once(desk.office, added):
        call.tell(added.told)
    yield from after_hours.warnings(desk, decision, now)
    yield from play_greeting(desk, call, decision, added, now)


def play_greeting(desk: Desk, call: Call, decision: Decision, added: Added, now: Now) -> Orders:
    """Say it in the language of the caller."""
    prompts = greeting(desk.office, decision, now, added, call.language)
    if not desk.has_room:  # nobody is asked to leave what cannot be kept
        prompts = without_invitation(prompts)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def answer(desk: Desk, call: Call, event: OperatorAnswered, now: Now) -> Orders:
    """The first who lifts has the call; the other phones stop, the line comes up (or is up)."""
    call.leg = event.leg
    phone = call.leg_phone = call.legs.pop(event.leg)
    call.note(f"answered.{phone}", phone=phone)
    if not call.off_hook:
        yield from off_hook(desk, call, now)
    yield orders.Connect(call.line.name, event.leg)
    yield from stop_ringing(call, answered_elsewhere=True)
    if call.up:
        yield from talk(desk, call, event, now)
    else:
        call.enter(State.ANSWERING, now)
        yield call.write()


def talk(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The line is up and joined to the phone.

    A leg that others hand over has no sound before it is up: only now it is joined.
    """
    was_up, call.up = call.up, True
    if desk.came_over(call) and not was_up:
        yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TALKING, now)
    call.note("talking", answered_at=now.wall)
    yield call.write()


def go_on_talking(desk: Desk, call: Call, state: State, now: Now) -> None:
    """Enter a conversation; the longest call is counted from the first one on."""
    if call.talking_since is None:
        call.talking_since = now.monotonic
    talked_ms = int((now.monotonic - call.talking_since) * 1000)
    call.enter(state, now, desk.office.longest_ms - talked_ms)


def stop_ringing(call: Call, *, answered_elsewhere: bool = False) -> Orders:
    """Stop every phone that still rings for the call."""
    for leg in call.legs:
        yield orders.StopRinging(leg, answered_elsewhere)
    call.legs.clear()


def leg_out(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """A phone will not answer; when it was the stage's last one, the call goes on at once."""
    outcome = OUTCOMES[type(event)]
    call.outcomes.append(outcome)
    phone = call.legs.pop(event.leg)
    call.note(f"{_word_for(event)}.{phone}")
    if outcome is Missed.NO_ANSWER:
        yield from positions.missed(desk, (phone,), call.rung_since, now)
    if call.legs:
        return
    yield from go_on(desk, call, gravest(call.outcomes), now)


def _word_for(event: Any) -> str:
    """Say in the trail why a phone is out; a call forward on the phone has its own word."""
    if isinstance(event, PhoneDeclined) and event.reason is DeclineReason.REDIRECTED:
        return event.reason.value
    return OUTCOMES[type(event)].value


def next_stage(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """Nobody lifted within the group's time."""
    call.note(f"no_answer.{call.stage}")
    yield from positions.missed(desk, call.legs.values(), call.rung_since, now)
    yield from go_on(desk, call, Missed.NO_ANSWER, now)


def go_on(desk: Desk, call: Call, missed: Missed, now: Now) -> Orders:
    """Leave a stage for the next one, deciding by what holds at this moment."""
    yield from stop_ringing(call)
    office, facts = desk.office, desk.facts_for(call.line, now)
    if call.waited:
        facts = replace(facts, places=0)
    if call.stage is Way.BRANCH and call.decision is not None:
        decision = call.decision  # what was decided before the branch was asked
    elif call.pbx_fault:
        decision = routing.pbx_fault(office, facts, now)
    elif call.stage is Way.SWITCHBOARD:
        decision = routing.overflow(office, facts, now, missed)
    elif call.stage is Way.CITIZENS_DESK:
        decision = routing.after_desk(office, facts, now, call.missed or missed, missed)
    else:
        decision = routing.parallel_unanswered(office, facts, now)
    yield from take(desk, call, decision, now)


def caller_back(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The caller is back from the PBX: the next extension, the next group, or voicemail."""
    call.note("pbx.returned")
    left = desk.group(call.stage or Way.SWITCHBOARD).pbx_numbers[call.position :]
    absent = routing.if_absent(desk.office, desk.service, now)
    if left and not call.pbx_fault and absent is None:
        yield from passing.again(desk, call, now)
        return
    yield from go_on(desk, call, gravest(call.outcomes), now)


def gravest(outcomes: Collection[Missed]) -> Missed:
    """Return what is told of a stage whose phones ended differently."""
    return next(kind for kind in GRAVEST if kind in outcomes)


def heed_absence(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """All absent: no phone rings any more, the caller hears why (E4). Else it rings on (E1).

    A position that has just gone away rings no more; the last one sends the call on (E3). Another
    branch is not absent.
    """
    if call.stage is Way.BRANCH:
        return
    decision = routing.if_absent(desk.office, desk.service, now)
    if decision is not None:
        yield from stop_ringing(call)
        yield from take(desk, call, decision, now)
        return
    away = {phone for phone in call.legs.values() if desk.service.is_away(phone, now.wall)}
    yield from ring_no_more(desk, call, away, Missed.UNATTENDED, now)


def ring_no_more(desk: Desk, call: Call, phones: Collection[str], why: Missed, now: Now) -> Orders:
    """Let some phones ring no more; when they were the last ones, the call goes on."""
    gone = [leg for leg, phone in call.legs.items() if phone in phones]
    for leg in gone:
        call.note(f"{AWAY.get(why, why)}.{call.legs.pop(leg)}")
        yield orders.StopRinging(leg)
    if gone and not call.legs:
        yield from go_on(desk, call, why, now)


def ring_on(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The operator hung up before the line was up: the caller has met nobody, others are rung."""
    call.went_away.add(call.leg_phone)
    yield from ring_again(desk, call, event, now)


def ring_again(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """Whoever had the call has it no more: whoever is free is rung, for want of any it goes on."""
    outcome, stage = OUTCOMES[type(event)], call.stage or Way.SWITCHBOARD
    call.note(f"{outcome}.{call.leg_phone}", phone="")
    call.forget_leg()
    absent = routing.if_absent(desk.office, desk.service, now)
    if absent is None and stage is not Way.BRANCH and free_for(desk, call, stage):
        yield from _ring(desk, call, stage, now)
    else:
        yield from go_on(desk, call, outcome, now)


def turn_half_duplex(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The line turns out to carry no conversation: phones let go, the caller gets voicemail."""
    call.line = desk.seat_of(call).line
    call.note("half_duplex")
    yield from stop_ringing(call)
    if call.leg:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
    facts = desk.facts_for(call.line, now)
    yield from take(desk, call, routing.turned_half_duplex(desk.office, facts, now), now)


def hold(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The line came up while other phones ring: the caller hears that somebody is being sought."""
    call.up = True
    call.note("held")
    yield orders.Hold(call.line.name)
