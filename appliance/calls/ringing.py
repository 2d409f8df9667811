"""Ringing and end of a call: routed, rung step after step, answered, and its one final record.

Handlers of the table (states.py): each takes the switchboard's state, the call, the event and the
time, changes the call and yields the orders. They are generators so that what was ordered before a
fault holds (confinement.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from appliance.calls import announcements, branches, orders, outside_call, pbx, positions, queue
from appliance.calls.announcements import greeting, tells_at_once, without_invitation
from appliance.calls.events import (
    BoxStopped,
    CallerHungUp,
    CallerIdentified,
    CarrierLost,
    DeclineReason,
    Evidence,
    LegEnded,
    LineLost,
    LineRang,
    OperatorAnswered,
    PhoneBusy,
    PhoneDeclined,
    PhoneHungUp,
    PhoneLost,
    PhoneUnreachable,
    Presentation,
)
from appliance.calls.model import (
    NOT_IDLE,
    Call,
    Desk,
    LineState,
    hang_up_line,
    off_hook,
    office_display,
    state_after,
)
from appliance.calls.orders import Order, Result
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.routing import Decision, Destination, NotTaken
from appliance.policy.sheets import GreetingOffer

# ---- ringing -----------------------------------------------------------------------------------
# A call that rings: routed, then rung stage after stage until somebody or voicemail answers.
#
# Handlers of the table (states.py): each takes the desk, the call, the event and the time, changes
# the call and yields the orders.

Orders = Iterator[Order]

OUTCOMES: dict[type, NotTaken] = {
    PhoneHungUp: NotTaken.NO_ANSWER,
    PhoneDeclined: NotTaken.DECLINED,
    PhoneBusy: NotTaken.BUSY,
    PhoneUnreachable: NotTaken.UNREACHABLE,
    PhoneLost: NotTaken.UNREACHABLE,
}
GRAVEST = (NotTaken.NO_ANSWER, NotTaken.DECLINED, NotTaken.BUSY, NotTaken.UNREACHABLE)
"""Of a stage whose phones ended differently, the first of these that occurred is told."""

AWAY = {NotTaken.UNATTENDED: "away"}
"""What the trail says of a phone whose position went away while it rang."""

BY_PEOPLE = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK, Destination.NOBODY}
"""Ways on which the line stays on hook until a person lifts."""
OUR_STAGES = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK, Destination.NOBODY}
"""Stages in which phones of the office itself have rung."""
RECORD_WAYS = {
    Destination.SWITCHBOARD: orders.Way.SWITCHBOARD,
    Destination.CITIZENS_DESK: orders.Way.CITIZENS_DESK,
    Destination.WAITING: orders.Way.WAITING,
    Destination.BRANCH: orders.Way.BRANCH,
    Destination.VOICEMAIL: orders.Way.VOICEMAIL,
    Destination.NOBODY: orders.Way.NONE,
}


def ring_at_once(desk: Desk, call: Call, event: LineRang, now: Now) -> Orders:
    """Ring phones at the first ring, whoever it is; nothing that is decided here asks who calls.

    Where no phone here is to ring, the identity is waited for (`take`).
    """
    if event.caller is not None:
        yield from route(desk, call, event, now)
    elif call.postponed is None:
        # Who calls is no part of the decision (E1), so phones ring while the identity is to come.
        decision = _first(desk, call, now)
        if decision.way in BY_PEOPLE and not call.line.passes:
            yield from follow_decision(desk, call, decision, now)


def route(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The caller is settled, or the carrier never said so: decide, once for all (E1)."""
    if isinstance(event, CallerIdentified | LineRang) and event.caller is not None:
        call.note(f"caller.{event.caller.presentation}", caller=event.caller)
    else:
        call.note("caller.never_settled")
    call.settled = True
    yield from follow_decision(
        desk, call, _postponed(desk, call, now) or _first(desk, call, now), now
    )


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
    legs = (*call.legs, call.leg, office) if call.stage is not Destination.BRANCH else ()
    return tuple(leg for leg in legs if leg and leg not in desk.outside)


def follow_decision(desk: Desk, call: Call, decision: Decision, now: Now) -> Orders:
    """Go the decided way; to another branch rather than to voicemail, where one may be asked.

    A decision that asks for the identity waits for it.
    """
    # Off hook the line brings no identity any more, a message without a number is nobody's, and a
    # branch would not learn it later: so it is waited for before the box answers or asks a branch.
    if call.state is State.RINGING and not call.settled and decision.way not in BY_PEOPLE:
        call.postponed = decision
        call.enter(State.ARRIVED, now)
        return
    call.decision = decision
    call.missed = call.missed or decision.cause
    if (
        decision.greeting == routing.NOT_TAKEN_GREETINGS[NotTaken.NO_ANSWER]
        and call.stage in OUR_STAGES
    ):
        desk.attendance = desk.attendance.ring_in_vain(now.monotonic)
    # The one place where a way is taken: so the table needs no state for a branch, which is one
    # more phone that rings.
    if found := branches.next_branch(desk, call, decision, now):
        yield from branches.ring_branch(desk, call, decision, found, now)
        return
    # Nobody has lifted here: whoever sent the caller has them still and decides what comes next.
    if branches.is_given_back(desk, call, decision):
        yield from branches.give_caller_back(desk, call, now)
        return
    way = RECORD_WAYS[decision.way]
    call.note(f"route.{decision.code}", way=way, reason=decision.code.value)
    if decision.way is Destination.WAITING:
        yield from queue.join_queue(desk, call, now)
    elif decision.way is Destination.VOICEMAIL:
        yield from _to_voicemail(desk, call, decision, now)
    elif call.line.passes:
        yield from pbx.begin_passing(desk, call, decision.way, now)
    else:
        yield from _ring(desk, call, decision.way, now)


def _ring(desk: Desk, call: Call, way: Destination, now: Now) -> Orders:
    """Ring a group's free phones; for the ordinary phone beside the line there is none to ring."""
    group = desk.group(way)
    phones = () if way is Destination.NOBODY else free_for(desk, call, way)
    call.stage, call.outcomes = way, []
    call.enter(State.HOLDING if call.off_hook else State.RINGING, now, group.ring_ms)
    call.rung_since = now.monotonic
    ringing = tuple(call.new_leg(phone) for phone in phones)
    if ringing:
        yield from positions.make_way(desk, phones)
        call.note(f"ring.{','.join(phones)}")
        yield orders.RingPhones(call.id, ringing, call.display, call.record.caller.number)
    elif way is not Destination.NOBODY and (line := desk.outside_line(group, now)):
        call.enter(call.state, now, group.ring_ms + outside_call.DIALLING_MS)
        yield from outside_call.ring_telephone(desk, call, group, line, now)
    yield call.write()


def free_for(desk: Desk, call: Call, way: Destination) -> tuple[str, ...]:
    """Return the phones to ring for this call: free, and not one that went away from it."""
    return tuple(p for p in desk.free(desk.group(way)) if p not in call.went_away)


def _to_voicemail(desk: Desk, call: Call, decision: Decision, now: Now) -> Orders:
    call.stage = None
    if queue.callback_is_offered(call, decision):
        yield from queue.offer_callback(desk, call, now)
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
    added = announcements.added(desk, decision, now)
    call.menu, call.untold = added.menu, bool(added.emergencies)
    call.note("greeting", answered_at=now.wall)
    if tells_at_once(desk.office, added):
        call.note_emergencies_told(added.told)
    yield from announcements.warnings(desk, decision, now)
    yield from play_greeting(desk, call, decision, added, now)


def play_greeting(
    desk: Desk, call: Call, decision: Decision, added: GreetingOffer, now: Now
) -> Orders:
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
        yield from begin_talk(desk, call, event, now)
    else:
        call.enter(State.ANSWERING, now)
        yield call.write()


def begin_talk(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line is up and joined to the phone."""
    was_up, call.up = call.up, True
    # A leg that another branch hands over has no sound before it is up: only now it is joined.
    if desk.came_over(call) and not was_up:
        yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TALKING, now)
    call.note("talking", answered_at=now.wall)
    yield call.write()


def go_on_talking(desk: Desk, call: Call, state: State, now: Now) -> None:
    """Enter a conversation, or come back to it."""
    # The longest call (B1) is counted from the first conversation on, whoever talks since.
    if call.talking_since is None:
        call.talking_since = now.monotonic
    talked_ms = int((now.monotonic - call.talking_since) * 1000)
    call.enter(state, now, desk.office.longest_ms - talked_ms)


def stop_ringing(call: Call, *, answered_elsewhere: bool = False) -> Orders:
    """Stop every phone that still rings for the call."""
    for leg in call.legs:
        yield orders.StopRinging(leg, answered_elsewhere)
    call.legs.clear()


def leg_out(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """A phone will not answer; when it was the stage's last one, the call goes on at once."""
    outcome = OUTCOMES[type(event)]
    call.outcomes.append(outcome)
    phone = call.legs.pop(event.leg)
    call.note(f"{_word_for(event)}.{phone}")
    if outcome is NotTaken.NO_ANSWER:
        yield from positions.missed(desk, (phone,), call.rung_since, now)
    if call.legs:
        return
    yield from go_on(desk, call, gravest(call.outcomes), now)


def _word_for(event: LegEnded) -> str:
    """Say in the trail why a phone is out; a call forward on the phone has its own word."""
    if isinstance(event, PhoneDeclined) and event.reason is DeclineReason.REDIRECTED:
        return event.reason.value
    return OUTCOMES[type(event)].value


def next_stage(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Nobody lifted within the group's time."""
    call.note(f"no_answer.{call.stage}")
    yield from positions.missed(desk, call.legs.values(), call.rung_since, now)
    yield from go_on(desk, call, NotTaken.NO_ANSWER, now)


def go_on(desk: Desk, call: Call, missed: NotTaken, now: Now) -> Orders:
    """Leave a stage for the next one, deciding by what holds at this moment."""
    yield from stop_ringing(call)
    office, facts = desk.office, desk.facts_for(call.line, now)
    if call.waited:
        facts = replace(facts, places=0)
    if call.stage is Destination.BRANCH and call.decision is not None:
        decision = call.decision  # what was decided before the branch was asked
    elif call.pbx_fault:
        decision = routing.pbx_fault(office, facts, now)
    elif call.stage is Destination.SWITCHBOARD:
        decision = routing.overflow(office, facts, now, missed)
    elif call.stage is Destination.CITIZENS_DESK:
        decision = routing.after_counter(office, facts, now, call.missed or missed, missed)
    else:
        decision = routing.parallel_unanswered(office, facts, now)
    yield from follow_decision(desk, call, decision, now)


def caller_back(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The caller is back from the PBX: the next extension, the next group, or voicemail."""
    call.note("pbx.returned")
    left = desk.group(call.stage or Destination.SWITCHBOARD).pbx_numbers[call.position :]
    absent = routing.if_absent(desk.office, desk.service, now)
    if left and not call.pbx_fault and absent is None:
        yield from pbx.call_next_extension(desk, call, now)
        return
    yield from go_on(desk, call, gravest(call.outcomes), now)


def gravest(outcomes: Collection[NotTaken]) -> NotTaken:
    """Return what is told of a stage whose phones ended differently."""
    return next(kind for kind in GRAVEST if kind in outcomes)


def heed_absence(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """All absent: no phone rings any more, the caller hears why (E4). Else it rings on (E1).

    A position that has just gone away rings no more; the last one sends the call on (E3). Another
    branch is not absent.
    """
    if call.stage is Destination.BRANCH:
        return
    decision = routing.if_absent(desk.office, desk.service, now)
    if decision is not None:
        yield from stop_ringing(call)
        yield from follow_decision(desk, call, decision, now)
        return
    away = {phone for phone in call.legs.values() if desk.service.is_away(phone, now.wall)}
    yield from ring_no_more(desk, call, away, NotTaken.UNATTENDED, now)


def ring_no_more(
    desk: Desk, call: Call, phones: Collection[str], why: NotTaken, now: Now
) -> Orders:
    """Let some phones ring no more; when they were the last ones, the call goes on."""
    gone = [leg for leg, phone in call.legs.items() if phone in phones]
    for leg in gone:
        call.note(f"{AWAY.get(why, why)}.{call.legs.pop(leg)}")
        yield orders.StopRinging(leg)
    if gone and not call.legs:
        yield from go_on(desk, call, why, now)


def ring_on(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """The operator hung up before the line was up: the caller has met nobody, others are rung."""
    call.went_away.add(call.leg_phone)
    yield from ring_again(desk, call, event, now)


def ring_again(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """Whoever had the call has it no more: whoever is free is rung, for want of any it goes on."""
    outcome, stage = OUTCOMES[type(event)], call.stage or Destination.SWITCHBOARD
    call.note(f"{outcome}.{call.leg_phone}", phone="")
    call.forget_leg()
    absent = routing.if_absent(desk.office, desk.service, now)
    if absent is None and stage is not Destination.BRANCH and free_for(desk, call, stage):
        yield from _ring(desk, call, stage, now)
    else:
        yield from go_on(desk, call, outcome, now)


def turn_half_duplex(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line turns out to carry no conversation: phones let go, the caller gets voicemail."""
    call.line = desk.seat_of(call).line
    call.note("half_duplex")
    yield from stop_ringing(call)
    if call.leg:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
    facts = desk.facts_for(call.line, now)
    yield from follow_decision(desk, call, routing.turned_half_duplex(desk.office, facts, now), now)


def hold_caller(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line came up while other phones ring: the caller hears that somebody is being sought."""
    call.up = True
    call.note("held")
    yield orders.Hold(call.line.name)


# ---- ending ------------------------------------------------------------------------------------
# How calls end: somebody hangs up, a line goes, the line is idle again. One final record each.

GONE = (LineLost, CarrierLost, BoxStopped)
"""Facts after which nothing can be ordered of the line any more; each says why."""


WAITS_FOR_PERSON = {
    State.ANSWERING,
    State.HOLDING,
    State.QUEUED,
    State.PBX_PENDING,
    State.PBX_GREETING,
    State.PBX_CHECK,
    State.PBX_CALLING,
    State.PBX_OFFERING,
    State.PBX_AWAITING_KEY,
    State.PBX_RETURNING,
}
"""Off hook, and nobody of the office was met yet."""
"""Why a line stays in doubt whose call is over."""


def release_phones(call: Call) -> Orders:
    """Let every phone of the call go: those that ring and the one that talks."""
    yield from stop_ringing(call)
    if call.leg:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
    if call.transfer is not None:
        yield from call.transfer.let_go()


def note_evidence(call: Call, event: CallerHungUp) -> None:
    """Keep by what the release was noticed and how long that took; the first one counts (B1)."""
    if call.record.evidence is None:
        code = f"released.{event.evidence}"
        call.note(code, evidence=event.evidence, release_ms=event.after_ms)


def note_lost(call: Call, event: object) -> None:
    """Keep that line or carrier went away under the call, or that the box was stopped."""
    if isinstance(event, GONE):
        evidence = Evidence.STOPPED if isinstance(event, BoxStopped) else Evidence.LOST
        note_evidence(call, CallerHungUp(call.line.name, evidence))


def note_unasked(call: Call) -> None:
    """Keep that the line went on hook by itself: nobody ordered it, so it was lost."""
    note_evidence(call, CallerHungUp(call.line.name, Evidence.LOST))


def give_up(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """The ringing stopped before anybody answered."""
    yield from positions.missed(desk, call.legs.values(), call.rung_since, now)
    yield from stop_ringing(call)
    note_evidence(call, event)
    call.settle(Result.NOT_REACHED if desk.came_over(call) else Result.GAVE_UP)
    seat = desk.seat_of(call)
    desk.leave_line(call, LineState.IDLE, now)
    yield from end_call(desk, call, now)
    seat.gave_up = (call.record, now.monotonic)


def caller_left(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """The caller hung up after a conversation."""
    note_evidence(call, event)
    yield from clear_call(desk, call, now, Result.ANSWERED)


def leave(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """The caller hung up before anybody spoke with them, or before leaving a message."""
    note_evidence(call, event)
    yield from positions.missed(desk, call.legs.values(), call.rung_since, now)
    gave_up = call.state in WAITS_FOR_PERSON and not call.heard
    met = call.transfer is not None or call.request is not None
    result = Result.GAVE_UP if gave_up else without_message(call)
    if desk.came_over(call) and not call.up:
        result = Result.NOT_REACHED  # whoever sent the caller has them still
    yield from clear_call(desk, call, now, Result.ANSWERED if met else result)


def without_message(call: Call) -> Result:
    """Say what a call is whose caller left no message: answered by a sheet, where one was heard.

    One whose words were to become a request has spoken with an operator.
    """
    if call.request is not None:
        return Result.ANSWERED
    return Result.INFORMED if call.heard else Result.NO_MESSAGE


def never_up(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line never came up."""
    call.note("line.never_up")
    note_evidence(call, CallerHungUp(call.line.name, Evidence.LOST))
    yield from clear_call(desk, call, now, Result.LOST)


def hang_up(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The farewell was heard, or the caller did not wait for its end."""
    if isinstance(event, CallerHungUp):
        note_evidence(call, event)
    yield from clear_call(desk, call, now, call.record.result)


def clear_call(desk: Desk, call: Call, now: Now, result: Result) -> Orders:
    """Let phones and line go; what was settled before holds."""
    yield from release_phones(call)
    yield from hang_up_line(desk, call, now)
    call.settle(result)
    call.enter(State.CLEARING, now)
    yield call.write()


def lose_line(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line went away, or on hook by itself, under the call: nothing more can be done for it."""
    yield from release_phones(call)
    note_lost(call, event)
    note_unasked(call)
    call.settle(Result.STOPPED if isinstance(event, BoxStopped) else Result.LOST)
    yield from finish_call(desk, call, event, now)


def note_release(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """The evidence came after the hang-up was ordered: it belongs to the record all the same."""
    note_evidence(call, event)
    yield call.write()


def not_idle(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line has not proven itself idle in time: the call ends, the line stays in doubt."""
    call.note("line.not_idle")
    desk.leave_line(call, LineState.CLEARING, now, NOT_IDLE)
    yield from end_call(desk, call, now)


def finish_call(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line is idle, or gone: the call is over."""
    free_line_of(desk, call, event, now)
    yield from end_call(desk, call, now)


def free_line_of(desk: Desk, call: Call, event: object, now: Now) -> None:
    """Part call and line by what was said of the line."""
    state, reason = state_after(event)
    desk.leave_line(call, desk.seat_of(call).after(call.record, state), now, reason)


def end_call(desk: Desk, call: Call, now: Now) -> Orders:
    """Write the final record and forget the call; every record says by what its call ended."""
    if call.record.evidence is None:
        call.note(evidence=call.ended_by or Evidence.OWN, release_ms=call.ended_ms)
    call.note("ended", ended_at=now.wall)
    desk.forget(call)
    yield call.write()
