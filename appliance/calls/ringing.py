"""Ringing and end of a call: routed, rung step after step, answered, and its one final record.

Handlers of the table (states.py): each takes the switchboard's state, the call, the event and the
time, changes the call and yields the orders. They are generators so that the orders given before a
programming error hold (confinement.py).
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

Orders = Iterator[Order]

OUTCOMES: dict[type, NotTaken] = {
    PhoneHungUp: NotTaken.NO_ANSWER,
    PhoneDeclined: NotTaken.DECLINED,
    PhoneBusy: NotTaken.BUSY,
    PhoneUnreachable: NotTaken.UNREACHABLE,
    PhoneLost: NotTaken.UNREACHABLE,
}
GRAVEST = (NotTaken.NO_ANSWER, NotTaken.DECLINED, NotTaken.BUSY, NotTaken.UNREACHABLE)
"""Order in which outcomes count when the phones of one ring step ended differently."""

AWAY = {NotTaken.UNATTENDED: "away"}
"""Trail word for a phone whose position went away while it rang."""

BY_PEOPLE = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK, Destination.NOBODY}
"""Destinations for which the line stays on hook until a person answers."""
OUR_STAGES = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK, Destination.NOBODY}
"""Ring steps in which the office's own phones ring."""
RECORD_WAYS = {
    Destination.SWITCHBOARD: orders.Way.SWITCHBOARD,
    Destination.CITIZENS_DESK: orders.Way.CITIZENS_DESK,
    Destination.WAITING: orders.Way.WAITING,
    Destination.BRANCH: orders.Way.BRANCH,
    Destination.VOICEMAIL: orders.Way.VOICEMAIL,
    Destination.NOBODY: orders.Way.NONE,
}


def ring_at_once(desk: Desk, call: Call, event: LineRang, now: Now) -> Orders:
    """Ring phones at the first ring; where none is to ring, wait for the caller's identity."""
    if event.caller is not None:
        yield from route(desk, call, event, now)
    elif call.postponed is None:
        # Who calls is no part of the decision (E1), so phones ring while the identity is to come.
        decision = _first(desk, call, now)
        # Behind a PBX the box answers by itself, and off hook no identity comes: wait for it.
        if decision.way in BY_PEOPLE and not call.line.passes:
            yield from follow_decision(desk, call, decision, now)


def route(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Decide the destination once the identity is settled or its time limit has passed (E1)."""
    if isinstance(event, CallerIdentified | LineRang) and event.caller is not None:
        call.note(f"caller.{event.caller.presentation}", caller=event.caller)
    else:
        call.note("caller.never_settled")
    call.settled = True
    yield from follow_decision(
        desk, call, _postponed(desk, call, now) or _first(desk, call, now), now
    )


def _postponed(desk: Desk, call: Call, now: Now) -> Decision | None:
    """Return the decision made while the identity was still to come; None without one."""
    decision, call.postponed = call.postponed, None
    # "All absent" may have been set in between: then no phone rings (E4).
    return decision and (routing.if_absent(desk.office, desk.service, now) or decision)


def _first(desk: Desk, call: Call, now: Now) -> Decision:
    return routing.route(desk.office, call.line, desk.facts_for(call.line, now), now)


def learn_caller(desk: Desk, call: Call, event: CallerIdentified, now: Now) -> Orders:
    """Record an identity that arrives after phones were rung, and show it on them."""
    code = "late" if call.settled else event.caller.presentation
    call.note(f"caller.{code}", caller=event.caller)
    call.settled = True
    office = call.transfer.leg if call.transfer else ""
    shown = _shown_on(desk, call)
    if legs := tuple(leg for leg in shown if leg != office):
        yield orders.ShowCaller(legs, call.display, event.caller.number)
    # The office's phone goes on showing the front desk and the need, with the caller.
    if call.transfer and office in shown:
        display = office_display(call, call.transfer.allowed.need.name)
        yield orders.ShowCaller((office,), display, event.caller.number)
    yield call.write()


def _shown_on(desk: Desk, call: Call) -> tuple[str, ...]:
    """Return the legs whose phones can show the caller: no ordinary telephone's, no branch's."""
    # Nothing new to show.
    if call.record.caller.presentation is Presentation.UNKNOWN:
        return ()
    office = call.transfer.leg if call.transfer else ""
    legs = (*call.legs, call.leg, office) if call.stage is not Destination.BRANCH else ()
    return tuple(leg for leg in legs if leg and leg not in desk.outside)


def follow_decision(desk: Desk, call: Call, decision: Decision, now: Now) -> Orders:
    """Carry a decision out; ask another branch before voicemail where one may be asked.

    Postponed while the caller's identity is still to come and the destination needs it.
    """
    # Off hook the line brings no identity any more, a message without a number is nobody's, and a
    # branch would not learn it later: so it is waited for before the box answers or asks a branch.
    if call.state is State.RINGING and not call.settled and decision.way not in BY_PEOPLE:
        call.postponed = decision
        call.enter(State.ARRIVED, now)
        return
    call.decision = decision
    call.missed = call.missed or decision.cause
    # While no clock is trusted, calls that ring in vain tell that nobody is here (policy/clock.py).
    if (
        decision.greeting == routing.NOT_TAKEN_GREETINGS[NotTaken.NO_ANSWER]
        and call.stage in OUR_STAGES
    ):
        desk.attendance = desk.attendance.ring_in_vain(now.monotonic)
    # Here and nowhere else: to the table a branch is one more phone that rings, not a state.
    if found := branches.next_branch(desk, call, decision, now):
        yield from branches.ring_branch(desk, call, decision, found, now)
        return
    # Nobody has answered here: the branch that sent the caller still has them, and decides.
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
    """Ring a group's free phones, else its ordinary telephone over a second line (B4)."""
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
        # The group's ringing time begins once the number is dialled.
        call.enter(call.state, now, group.ring_ms + outside_call.DIALLING_MS)
        yield from outside_call.ring_telephone(desk, call, group, line, now)
    yield call.write()


def free_for(desk: Desk, call: Call, way: Destination) -> tuple[str, ...]:
    """Return the phones to ring for this call: free, and none that hung up on it at once."""
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
    """Play the greeting for the decision's reason; voicemail's limits hold from here on."""
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
    """Play the greeting in the caller's language."""
    prompts = greeting(desk.office, decision, now, added, call.language)
    # Nobody is asked to leave a message that cannot be kept.
    if not desk.has_room:
        prompts = without_invitation(prompts)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def answer(desk: Desk, call: Call, event: OperatorAnswered, now: Now) -> Orders:
    """Give the call to the first phone that answers; stop the others, take the line off hook."""
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
    """Begin the conversation: the line is up and joined to the phone."""
    was_up, call.up = call.up, True
    # A trunk leg has no sound before it is up (branches.for_its_leg drops the Connect): join now.
    if desk.came_over(call) and not was_up:
        yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TALKING, now)
    call.note("talking", answered_at=now.wall)
    yield call.write()


def go_on_talking(desk: Desk, call: Call, state: State, now: Now) -> None:
    """Enter a conversation or return to it."""
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
    """Note a phone that will not answer; after the last one go to the next ring step at once."""
    outcome = OUTCOMES[type(event)]
    call.outcomes.append(outcome)
    phone = call.legs.pop(event.leg)
    call.note(f"{_word_for(event)}.{phone}")
    # E3: a busy phone, or one that declined, has missed no call.
    if outcome is NotTaken.NO_ANSWER:
        yield from positions.missed(desk, (phone,), call.rung_since, now)
    if call.legs:
        return
    yield from go_on(desk, call, gravest(call.outcomes), now)


def _word_for(event: LegEnded) -> str:
    """Return the trail's word for why a phone is out."""
    # A call forward on the phone (3xx) is never followed (P5); the trail says that one is set.
    if isinstance(event, PhoneDeclined) and event.reason is DeclineReason.REDIRECTED:
        return event.reason.value
    return OUTCOMES[type(event)].value


def next_stage(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Go to the next ring step: nobody answered within the group's ringing time."""
    call.note(f"no_answer.{call.stage}")
    yield from positions.missed(desk, call.legs.values(), call.rung_since, now)
    yield from go_on(desk, call, NotTaken.NO_ANSWER, now)


def go_on(desk: Desk, call: Call, missed: NotTaken, now: Now) -> Orders:
    """Decide the next ring step by the state of this moment, and go there."""
    yield from stop_ringing(call)
    office, facts = desk.office, desk.facts_for(call.line, now)
    # Nobody waits twice: a call whose time in the queue is over gets no place there again.
    if call.waited:
        facts = replace(facts, places=0)
    # The decision from before the branch was asked: the call goes where it would have gone.
    if call.stage is Destination.BRANCH and call.decision is not None:
        decision = call.decision
    elif call.pbx_fault:
        decision = routing.pbx_fault(office, facts, now)
    # E2: what counts is the counter's state when the call reaches it.
    elif call.stage is Destination.SWITCHBOARD:
        decision = routing.overflow(office, facts, now, missed)
    elif call.stage is Destination.CITIZENS_DESK:
        decision = routing.after_counter(office, facts, now, call.missed or missed, missed)
    else:
        decision = routing.parallel_unanswered(office, facts, now)
    yield from follow_decision(desk, call, decision, now)


def caller_back(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Go on with a caller who is back from the PBX: next extension, next group, or voicemail."""
    call.note("pbx.returned")
    left = desk.group(call.stage or Destination.SWITCHBOARD).pbx_numbers[call.position :]
    absent = routing.if_absent(desk.office, desk.service, now)
    # After a fault of PBX or modem the next extension would fare no better (pbx.FAULTS).
    if left and not call.pbx_fault and absent is None:
        yield from pbx.call_next_extension(desk, call, now)
        return
    yield from go_on(desk, call, gravest(call.outcomes), now)


def gravest(outcomes: Collection[NotTaken]) -> NotTaken:
    """Return the outcome that counts for a ring step whose phones ended differently."""
    return next(kind for kind in GRAVEST if kind in outcomes)


def heed_absence(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Follow a change of the manual states while phones ring.

    All absent: stop ringing, tell the caller why (E4). A position that went away: stop its phone
    (E3). Any other change: ring on (E1).
    """
    # The other branch's people are not absent: it rings on.
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
    """Stop some phones; when they were the last ones, go to the next ring step."""
    gone = [leg for leg, phone in call.legs.items() if phone in phones]
    for leg in gone:
        call.note(f"{AWAY.get(why, why)}.{call.legs.pop(leg)}")
        yield orders.StopRinging(leg)
    if gone and not call.legs:
        yield from go_on(desk, call, why, now)


def ring_on(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """Ring other phones: the operator hung up before the line was up."""
    # That phone is not rung for this call again.
    call.went_away.add(call.leg_phone)
    yield from ring_again(desk, call, event, now)


def ring_again(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """Ring the stage's free phones after the call's phone is gone; with none, go on."""
    outcome, stage = OUTCOMES[type(event)], call.stage or Destination.SWITCHBOARD
    call.note(f"{outcome}.{call.leg_phone}", phone="")
    call.forget_leg()
    absent = routing.if_absent(desk.office, desk.service, now)
    if absent is None and stage is not Destination.BRANCH and free_for(desk, call, stage):
        yield from _ring(desk, call, stage, now)
    else:
        yield from go_on(desk, call, outcome, now)


def turn_half_duplex(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Hang up the phones and route anew: the line turns out to be half duplex (B2)."""
    # updates.py has put the line into half duplex already; the call began on the duplex one.
    call.line = desk.seat_of(call).line
    call.note("half_duplex")
    yield from stop_ringing(call)
    if call.leg:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
    facts = desk.facts_for(call.line, now)
    yield from follow_decision(desk, call, routing.turned_half_duplex(desk.office, facts, now), now)


def hold_caller(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Play the hold prompt: the line came up after its operator left, other phones ring."""
    call.up = True
    call.note("held")
    yield orders.Hold(call.line.name)


# ---- End of a call: by a release, by a lost line, by an idle line; one final record each ---------

GONE = (LineLost, CarrierLost, BoxStopped)
"""Events after which no order can reach the line."""


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
"""Off-hook states in which the caller has not yet spoken with anybody."""


def release_phones(call: Call) -> Orders:
    """Stop or hang up every phone of the call, also that of a transfer."""
    yield from stop_ringing(call)
    if call.leg:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
    if call.transfer is not None:
        yield from call.transfer.let_go()


def note_evidence(call: Call, event: CallerHungUp) -> None:
    """Record how the release was noticed and how long that took, ms; the first one counts (B1)."""
    if call.record.evidence is None:
        code = f"released.{event.evidence}"
        call.note(code, evidence=event.evidence, release_ms=event.after_ms)


def note_lost(call: Call, event: object) -> None:
    """Record that line or media gateway went away under the call, or that the box was stopped."""
    if isinstance(event, GONE):
        evidence = Evidence.STOPPED if isinstance(event, BoxStopped) else Evidence.LOST
        note_evidence(call, CallerHungUp(call.line.name, evidence))


def note_unasked(call: Call) -> None:
    """Record a line that went on hook without an order as lost."""
    note_evidence(call, CallerHungUp(call.line.name, Evidence.LOST))


def give_up(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """End a call whose ringing stopped before anybody answered."""
    yield from positions.missed(desk, call.legs.values(), call.rung_since, now)
    yield from stop_ringing(call)
    note_evidence(call, event)
    # A caller handed over by a branch has not given up: that branch still has them.
    call.settle(Result.NOT_REACHED if desk.came_over(call) else Result.GAVE_UP)
    seat = desk.seat_of(call)
    desk.leave_line(call, LineState.IDLE, now)
    yield from end_call(desk, call, now)
    # A measurement of the line may yet show that a parallel telephone took it (`taken_unseen`).
    seat.gave_up = (call.record, now.monotonic)


def caller_left(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """End a call whose caller hung up after a conversation."""
    note_evidence(call, event)
    yield from clear_call(desk, call, now, Result.ANSWERED)


def leave(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """End a call whose caller hung up before a conversation, or before leaving a message."""
    note_evidence(call, event)
    yield from positions.missed(desk, call.legs.values(), call.rung_since, now)
    gave_up = call.state in WAITS_FOR_PERSON and not call.heard
    # Transfer or request: the caller has spoken with an operator.
    met = call.transfer is not None or call.request is not None
    result = Result.GAVE_UP if gave_up else without_message(call)
    # The branch that sent the caller still has them.
    if desk.came_over(call) and not call.up:
        result = Result.NOT_REACHED
    yield from clear_call(desk, call, now, Result.ANSWERED if met else result)


def without_message(call: Call) -> Result:
    """Return the result of a call without a message: INFORMED where a sheet was heard (P1)."""
    # Only an operator opens a request: the caller has spoken with one.
    if call.request is not None:
        return Result.ANSWERED
    return Result.INFORMED if call.heard else Result.NO_MESSAGE


def never_up(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line did not come up within its limit."""
    # B1: a line that does not come up is hung up; a line never stays seized.
    call.note("line.never_up")
    note_evidence(call, CallerHungUp(call.line.name, Evidence.LOST))
    yield from clear_call(desk, call, now, Result.LOST)


def hang_up(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Hang up after the farewell, or when the caller hangs up during it."""
    if isinstance(event, CallerHungUp):
        note_evidence(call, event)
    yield from clear_call(desk, call, now, call.record.result)


def clear_call(desk: Desk, call: Call, now: Now, result: Result) -> Orders:
    """Hang up phones and line; a result that is set already stays."""
    yield from release_phones(call)
    yield from hang_up_line(desk, call, now)
    call.settle(result)
    call.enter(State.CLEARING, now)
    yield call.write()


def lose_line(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line was lost or went on hook by itself."""
    yield from release_phones(call)
    note_lost(call, event)
    note_unasked(call)
    call.settle(Result.STOPPED if isinstance(event, BoxStopped) else Result.LOST)
    yield from finish_call(desk, call, event, now)


def note_release(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """Record evidence of a release that arrives after the hang-up was ordered."""
    note_evidence(call, event)
    yield call.write()


def not_idle(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line has not proven itself idle in time."""
    # The line stays CLEARING: nobody knows whether it is on hook.
    call.note("line.not_idle")
    desk.leave_line(call, LineState.CLEARING, now, NOT_IDLE)
    yield from end_call(desk, call, now)


def finish_call(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line is idle or gone."""
    free_line_of(desk, call, event, now)
    yield from end_call(desk, call, now)


def free_line_of(desk: Desk, call: Call, event: object, now: Now) -> None:
    """Detach the line from its call, in the state that the event tells."""
    state, reason = state_after(event)
    desk.leave_line(call, desk.seat_of(call).after(call.record, state), now, reason)


def end_call(desk: Desk, call: Call, now: Now) -> Orders:
    """Write the final record and drop the call."""
    # Every record says how its call ended, also where nobody's release was noticed.
    if call.record.evidence is None:
        call.note(evidence=call.ended_by or Evidence.OWN, release_ms=call.ended_ms)
    call.note("ended", ended_at=now.wall)
    desk.forget(call)
    yield call.write()
