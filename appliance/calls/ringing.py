"""Ringing, waiting and the end of a call: rung step after step, queued, answered, one final record.

Handlers of the table (states.py): each takes the switchboard's state, the call, the event and the
time, changes the call and yields the orders. They are generators so that the orders given before a
programming error hold (confinement.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from appliance.calls import (
    announcements,
    branches,
    manual_states,
    orders,
    outside_call,
    pbx,
)
from appliance.calls.announcements import greeting, tells_at_once, without_invitation
from appliance.calls.events import (
    BoxStopped,
    CallerHungUp,
    CallerIdentified,
    DeclineReason,
    DigitPressed,
    Evidence,
    LegEnded,
    LineLost,
    LineRang,
    MediaGatewayLost,
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
    LineState,
    SwitchboardState,
    hang_up_line,
    off_hook,
    office_display,
    state_after,
)
from appliance.calls.orders import Order, Result
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.office import Group, share_phones
from appliance.policy.opening import ReasonCode
from appliance.policy.routing import Decision, Destination, GroupState, NotTaken, group_open
from appliance.policy.sheets import GreetingOffer

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

# Destinations for which the line stays on hook until a person answers.
BY_PEOPLE = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK, Destination.NOBODY}
# Destinations for which the box itself would answer the line, without a person.
WITHOUT_PEOPLE = {Destination.VOICEMAIL, Destination.WAITING}
OUR_STAGES = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK, Destination.NOBODY}
"""Ring steps in which the office's own phones ring."""


def ring_at_once(board: SwitchboardState, call: Call, event: LineRang, now: Now) -> Orders:
    """Ring phones at the first ring; where none is to ring, wait for the caller's identity."""
    if event.caller is not None:
        yield from route(board, call, event, now)
    elif call.postponed is None:
        # Who calls is no part of the decision (E1), so phones ring while the identity is to come.
        decision = _first(board, call, now)
        # Behind a PBX the box answers by itself, and off hook no identity comes: wait for it.
        if decision.way in BY_PEOPLE and not call.line.passes:
            yield from follow_decision(board, call, decision, now)


def route(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Decide the destination once the identity is settled or its time limit has passed (E1)."""
    if isinstance(event, CallerIdentified | LineRang) and event.caller is not None:
        call.note(f"caller.{event.caller.presentation}", caller=event.caller)
    else:
        call.note("caller.never_settled")
    call.settled = True
    yield from follow_decision(
        board, call, _postponed(board, call, now) or _first(board, call, now), now
    )


def _postponed(board: SwitchboardState, call: Call, now: Now) -> Decision | None:
    """Return the decision made while the identity was still to come; None without one."""
    decision, call.postponed = call.postponed, None
    # "All absent" may have been set in between: then no phone rings (E4).
    return decision and (routing.if_absent(board.office, board.service, now) or decision)


def _first(board: SwitchboardState, call: Call, now: Now) -> Decision:
    return routing.route(board.office, call.line, board.facts_for(call.line, now), now)


def learn_caller(board: SwitchboardState, call: Call, event: CallerIdentified, now: Now) -> Orders:
    """Record an identity that arrives after phones were rung, and show it on them."""
    code = "late" if call.settled else event.caller.presentation
    call.note(f"caller.{code}", caller=event.caller)
    call.settled = True
    office = call.transfer.leg if call.transfer else ""
    shown = _shown_on(board, call)
    if legs := tuple(leg for leg in shown if leg != office):
        yield orders.ShowCaller(
            legs, call.display(board.office.staff_language), event.caller.number
        )
    # The office's phone goes on showing the front desk and the need, with the caller.
    if call.transfer and office in shown:
        display = office_display(call, call.transfer.allowed.need.name, board.office.staff_language)
        yield orders.ShowCaller((office,), display, event.caller.number)
    yield call.write()


def _shown_on(board: SwitchboardState, call: Call) -> tuple[str, ...]:
    """Return the legs whose phones can show the caller: no ordinary telephone's, no branch's."""
    # Nothing new to show.
    if call.record.caller.presentation is Presentation.UNKNOWN:
        return ()
    office = call.transfer.leg if call.transfer else ""
    legs = (*call.legs, call.leg, office) if call.stage is not Destination.BRANCH else ()
    return tuple(leg for leg in legs if leg and leg not in board.outside)


def follow_decision(board: SwitchboardState, call: Call, decision: Decision, now: Now) -> Orders:
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
        board.attendance = board.attendance.ring_in_vain(now.monotonic)
    # Here and nowhere else: to the table a branch is one more phone that rings, not a state.
    if found := branches.next_branch(board, call, decision, now):
        yield from branches.ring_branch(board, call, decision, found, now)
        return
    # Nobody has answered here: the branch that sent the caller still has them, and decides.
    if is_given_back(call, decision):
        yield from give_caller_back(board, call, now)
        return
    # At the ordinary phone beside the line nobody of ours serves the caller.
    way = None if decision.way is Destination.NOBODY else decision.way
    call.note(f"route.{decision.code}", way=way, reason=decision.code.value)
    if decision.way is Destination.WAITING:
        yield from join_queue(board, call, now)
    elif decision.way is Destination.VOICEMAIL:
        yield from _to_voicemail(board, call, decision, now)
    elif call.line.passes:
        yield from pbx.begin_passing(board, call, decision.way, now)
    else:
        yield from _ring(board, call, decision.way, now)


def is_given_back(call: Call, decision: Decision) -> bool:
    """Tell whether the sender decides instead of us: nobody here has answered the caller yet."""
    return call.line.can.give_back and not call.off_hook and decision.way in WITHOUT_PEOPLE


def give_caller_back(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Let the unanswered line go: its sender decides what comes next."""
    call.settle(Result.NOT_REACHED)
    yield from hang_up_line(board, call, now)
    call.enter(State.CLEARING, now)
    yield call.write()


def _ring(board: SwitchboardState, call: Call, way: Destination, now: Now) -> Orders:
    """Ring a group's free phones, else its ordinary telephone over a second line (B4)."""
    group = board.group(way)
    phones = () if way is Destination.NOBODY else free_for(board, call, way)
    call.stage, call.outcomes = way, []
    call.enter(State.HOLDING if call.off_hook else State.RINGING, now, group.ring_ms)
    call.rung_since = now.monotonic
    ringing = tuple(call.new_leg(phone) for phone in phones)
    if ringing:
        yield from manual_states.make_way(board, phones)
        call.note(f"ring.{','.join(phones)}")
        yield orders.RingPhones(
            call.id, ringing, call.display(board.office.staff_language), call.record.caller.number
        )
    elif way is not Destination.NOBODY and (line := board.outside_line(group, now)):
        # The group's ringing time begins once the number is dialled.
        call.enter(call.state, now, group.ring_ms + outside_call.DIALLING_MS)
        yield from outside_call.ring_telephone(board, call, group, line, now)
    yield call.write()


def free_for(board: SwitchboardState, call: Call, way: Destination) -> tuple[str, ...]:
    """Return the phones to ring for this call: free, and none that hung up on it at once."""
    return tuple(p for p in board.free(board.group(way)) if p not in call.went_away)


def _to_voicemail(board: SwitchboardState, call: Call, decision: Decision, now: Now) -> Orders:
    call.stage = None
    if callback_is_offered(call, decision):
        yield from offer_callback(board, call, now)
        return
    if call.up:
        yield from start_greeting(board, call, decision, now)
        return
    call.enter(State.GREETING_PENDING, now)
    if not call.off_hook:
        yield from off_hook(board, call, now)
    yield call.write()


def start_greeting(board: SwitchboardState, call: Call, decision: Decision, now: Now) -> Orders:
    """Play the greeting for the decision's reason; voicemail's limits hold from here on."""
    call.enter(State.GREETING, now)
    added = announcements.added(board, decision, now)
    call.menu, call.untold = added.menu, bool(added.emergencies)
    call.note("greeting", answered_at=now.wall)
    if tells_at_once(board.office, added):
        call.note_emergencies_told(added.told)
    yield from announcements.warnings(board, decision, now)
    yield from play_greeting(board, call, decision, added, now)


def play_greeting(
    board: SwitchboardState, call: Call, decision: Decision, added: GreetingOffer, now: Now
) -> Orders:
    """Play the greeting in the caller's language."""
    prompts = greeting(board.office, decision, now, added, call.language)
    # Nobody is asked to leave a message that cannot be kept.
    if not board.has_room:
        prompts = without_invitation(prompts)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def answer(board: SwitchboardState, call: Call, event: OperatorAnswered, now: Now) -> Orders:
    """Give the call to the first phone that answers; stop the others, take the line off hook."""
    call.leg = event.leg
    phone = call.leg_phone = call.legs.pop(event.leg)
    call.note(f"answered.{phone}", phone=phone)
    if not call.off_hook:
        yield from off_hook(board, call, now)
    yield orders.Connect(call.line.name, event.leg)
    yield from stop_ringing(call, answered_elsewhere=True)
    if call.up:
        yield from begin_talk(board, call, event, now)
    else:
        call.enter(State.ANSWERING, now)
        yield call.write()


def begin_talk(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Begin the conversation: the line is up and joined to the phone."""
    was_up, call.up = call.up, True
    # The Connect of `answer` came too early for a line that has no sound before it is up.
    if not call.line.can.join_early and not was_up:
        yield orders.Connect(call.line.name, call.leg)
    go_on_talking(board, call, State.TALKING, now)
    call.note("talking", answered_at=now.wall)
    yield call.write()


def go_on_talking(board: SwitchboardState, call: Call, state: State, now: Now) -> None:
    """Enter a conversation or return to it."""
    # The longest call (B1) is counted from the first conversation on, whoever talks since.
    if call.talking_since is None:
        call.talking_since = now.monotonic
    talked_ms = int((now.monotonic - call.talking_since) * 1000)
    call.enter(state, now, board.office.longest_ms - talked_ms)


def stop_ringing(call: Call, *, answered_elsewhere: bool = False) -> Orders:
    """Stop every phone that still rings for the call."""
    for leg in call.legs:
        yield orders.StopRinging(leg, answered_elsewhere)
    call.legs.clear()


def leg_out(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Note a phone that will not answer; after the last one go to the next ring step at once."""
    outcome = OUTCOMES[type(event)]
    call.outcomes.append(outcome)
    phone = call.legs.pop(event.leg)
    call.note(f"{_word_for(event)}.{phone}")
    # E3: a busy phone, or one that declined, has missed no call.
    if outcome is NotTaken.NO_ANSWER:
        yield from manual_states.count_missed(board, (phone,), call.rung_since, now)
    if call.legs:
        return
    yield from go_on(board, call, gravest(call.outcomes), now)


def _word_for(event: LegEnded) -> str:
    """Return the trail's word for why a phone is out."""
    # A call forward on the phone (3xx) is never followed (P5); the trail says that one is set.
    if isinstance(event, PhoneDeclined) and event.reason is DeclineReason.REDIRECTED:
        return event.reason.value
    return OUTCOMES[type(event)].value


def next_stage(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Go to the next ring step: nobody answered within the group's ringing time."""
    call.note(f"no_answer.{call.stage}")
    yield from manual_states.count_missed(board, call.legs.values(), call.rung_since, now)
    yield from go_on(board, call, NotTaken.NO_ANSWER, now)


def go_on(board: SwitchboardState, call: Call, missed: NotTaken, now: Now) -> Orders:
    """Decide the next ring step by the state of this moment, and go there."""
    yield from stop_ringing(call)
    office, facts = board.office, board.facts_for(call.line, now)
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
    yield from follow_decision(board, call, decision, now)


def caller_back(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Go on with a caller who is back from the PBX: next extension, next group, or voicemail."""
    call.note("pbx.returned")
    left = board.group(call.stage or Destination.SWITCHBOARD).pbx_numbers[call.position :]
    absent = routing.if_absent(board.office, board.service, now)
    # After a fault of PBX or modem the next extension would fare no better (pbx.FAULTS).
    if left and not call.pbx_fault and absent is None:
        yield from pbx.call_next_extension(board, call, now)
        return
    yield from go_on(board, call, gravest(call.outcomes), now)


def gravest(outcomes: Collection[NotTaken]) -> NotTaken:
    """Return the outcome that counts for a ring step whose phones ended differently."""
    return next(kind for kind in GRAVEST if kind in outcomes)


def apply_absence(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Follow a change of the manual states while phones ring.

    All absent: stop ringing, tell the caller why (E4). A position that went away: stop its phone
    (E3). Any other change: ring on (E1).
    """
    # The other branch's people are not absent: it rings on.
    if call.stage is Destination.BRANCH:
        return
    decision = routing.if_absent(board.office, board.service, now)
    if decision is not None:
        yield from stop_ringing(call)
        yield from follow_decision(board, call, decision, now)
        return
    away = {phone for phone in call.legs.values() if board.service.is_away(phone, now.wall)}
    yield from ring_no_more(board, call, away, NotTaken.UNATTENDED, now)


def ring_no_more(
    board: SwitchboardState, call: Call, phones: Collection[str], why: NotTaken, now: Now
) -> Orders:
    """Stop some phones; when they were the last ones, go to the next ring step."""
    gone = [leg for leg, phone in call.legs.items() if phone in phones]
    for leg in gone:
        call.note(f"{AWAY.get(why, why)}.{call.legs.pop(leg)}")
        yield orders.StopRinging(leg)
    if gone and not call.legs:
        yield from go_on(board, call, why, now)


def ring_on(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Ring other phones: the operator hung up before the line was up."""
    # That phone is not rung for this call again.
    call.went_away.add(call.leg_phone)
    yield from ring_again(board, call, event, now)


def ring_again(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Ring the stage's free phones after the call's phone is gone; with none, go on."""
    outcome, stage = OUTCOMES[type(event)], call.stage or Destination.SWITCHBOARD
    call.note(f"{outcome}.{call.leg_phone}", phone="")
    call.forget_leg()
    absent = routing.if_absent(board.office, board.service, now)
    if absent is None and stage is not Destination.BRANCH and free_for(board, call, stage):
        yield from _ring(board, call, stage, now)
    else:
        yield from go_on(board, call, outcome, now)


def turn_half_duplex(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Hang up the phones and route anew: the line turns out to be half duplex (B2)."""
    # updates.py has put the line into half duplex already; the call began on the duplex one.
    call.line = board.channel_of(call).line
    call.note("half_duplex")
    yield from stop_ringing(call)
    if call.leg:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
    facts = board.facts_for(call.line, now)
    yield from follow_decision(
        board, call, routing.turned_half_duplex(board.office, facts, now), now
    )


def hold_caller(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Play the hold prompt: the line came up after its operator left, other phones ring."""
    call.up = True
    call.note("held")
    yield orders.Hold(call.line.name)


# ---- Queue of waiting callers: order, phones rung for them, announcements, the call-back offer ---

CALLBACK_KEY = "1"
CALLBACK_KEY_MS = 5_000
"""Time for the key after the call-back offer, ms."""
# Trail code of a call whose caller asked to be called back; store/ searches for it.
CALLBACK_WANTED = "callback_wanted"


def callback_is_offered(call: Call, decision: Decision) -> bool:
    """True for a caller who has waited in vain and whose number is shown."""
    shown = call.record.caller.presentation is Presentation.SHOWN
    # Not while all are absent (E4): the caller hears that reason, then voicemail.
    return call.waited and call.up and shown and decision.code is not ReasonCode.ABSENT


def offer_callback(board: SwitchboardState, call: Call, now: Now) -> Iterator[Order]:
    """Offer a call back by one key."""
    call.enter(State.CALLBACK_OFFERED, now)
    call.note("callback_offered")
    prompts = announcements.in_languages(board.office, "callback_offer")
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


Orders = Iterator[Order]

LINE_UP_MS = 10_000
"""Longest time for a waiting call's line to come up, ms."""
SPARED_S = 15.0
"""Time in which a phone that did not take a waiting call is not rung for it again, s."""


def join_queue(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Put a call into the queue: take its line off hook, then tell the caller why it waits."""
    call.stage, call.waiting_since = None, now.monotonic
    call.enter(State.QUEUED, now)
    call.note("waiting")
    if call.up:
        yield from greet_waiting(board, call, now)
    elif not call.off_hook:
        yield from off_hook(board, call, now)
    plan_deadline(board, call, now)
    yield call.write()


def greet_waiting(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Play that all are busy, which sheets can be heard meanwhile (P1), and to hold the line."""
    call.menu, call.announced_at = board.menu, now.monotonic
    before = ("greeting_busy", *_place_in_queue(board, call))
    named = announcements.for_staff(board.office, "welcome")
    prompts = announcements.with_menu(board.office, before, call.menu, ("hold",))
    yield orders.Play(call.new_play(), (*named, *prompts), line=call.line.name)


def announce_again(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Repeat the announcement to hold the line."""
    yield from _announce_waiting(board, call, now, *_place_in_queue(board, call), "hold")


def _announce_waiting(board: SwitchboardState, call: Call, now: Now, *keys: str) -> Orders:
    call.announced_at = now.monotonic
    prompts = announcements.in_languages(board.office, *keys)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)


def _place_in_queue(board: SwitchboardState, call: Call) -> tuple[str, ...]:
    # E22: the place in the queue is not announced by default.
    if not board.office.waiting.announce_place:
        return ()
    return ("queue_place", f"digit_{board.queue.index(call) + 1}")


def plan_deadline(board: SwitchboardState, call: Call, now: Now) -> None:
    """Set a waiting call's deadline to the first of its limits, announcements and retries."""
    rules, times = board.office.waiting, [_wait_ends(board, call)]
    if call.legs:
        times.append(ring_ends(board, call))
    # A spared phone may be rung for it again then.
    times += [until for until in call.spared.values() if until > now.monotonic]
    if call.up:
        times.append(call.announced_at + rules.every_ms / 1000)
    else:
        times.append(call.waiting_since + LINE_UP_MS / 1000)
    # Nobody waits for nobody: the call leaves the queue at once.
    if not has_hope(board, now):
        times.append(now.monotonic)
    call.deadline = max(min(times), now.monotonic)


def _wait_ends(board: SwitchboardState, call: Call) -> float:
    return call.waiting_since + board.office.waiting.longest_ms / 1000


def ring_ends(board: SwitchboardState, call: Call) -> float:
    """Return when a waiting call's phones have rung for the group's time (monotonic s)."""
    return call.rung_since + board.group(call.stage or Destination.SWITCHBOARD).ring_ms / 1000


def has_waited_enough(board: SwitchboardState, call: Call, now: Now) -> bool:
    """True for a call that has waited for the longest time, or when nobody can take it."""
    return now.monotonic >= _wait_ends(board, call) or not has_hope(board, now)


def has_hope(board: SwitchboardState, now: Now) -> bool:
    """True while a position that may serve a waiting call is attended."""
    able = {GroupState.FREE, GroupState.BUSY}
    return any(board.group_state(group) in able for _, group in _serving_groups(board, now))


def _serving_groups(board: SwitchboardState, now: Now) -> Iterator[tuple[Destination, Group]]:
    """Yield the groups that may serve waiting calls, in the order of ringing."""
    # P8: an unattended switchboard does not ring, and (E2) nor does a closed counter.
    if board.service.expired(now.wall).unattended is None:
        yield Destination.SWITCHBOARD, board.office.switchboard
    counter = board.office.citizens_desk
    if counter and group_open(counter, now) and not board.office.waiting.before_counter:
        yield Destination.CITIZENS_DESK, counter


def serve_queue(board: SwitchboardState, now: Now) -> Orders:
    """Ring the free positions for the waiting calls, in the queue's order."""
    # A call for which phones ring already waits for their outcome.
    waiting = [call for call in board.queue if not call.legs]
    for way, group in _serving_groups(board, now) if waiting else ():
        yield from _deal_phones(board, way, waiting, board.free(group), now)
        waiting = [call for call in waiting if not call.legs]
    for call in board.queue:
        plan_deadline(board, call, now)


def _deal_phones(
    board: SwitchboardState, way: Destination, waiting: list[Call], free: tuple[str, ...], now: Now
) -> Orders:
    """Deal a group's free phones out to waiting calls, except those spared for a call."""
    for call, phones in zip(
        waiting, share_phones(free, len(waiting)) if waiting else (), strict=True
    ):
        ringing = [p for p in phones if call.spared.get(p, 0.0) <= now.monotonic]
        if not ringing:
            continue
        call.stage, call.rung_since = way, now.monotonic
        legs = tuple(call.new_leg(phone) for phone in ringing)
        yield from manual_states.make_way(board, ringing)
        call.note(f"ring.{','.join(ringing)}", way=way)
        yield orders.RingPhones(
            call.id, legs, call.display(board.office.staff_language), call.record.caller.number
        )
        yield call.write()


def spare_phone(call: Call, phone: str, now: Now) -> None:
    """Keep a phone from ringing for this call again for SPARED_S."""
    call.spared[phone] = now.monotonic + SPARED_S


def queue_line_up(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Play that all are busy, once the line is up."""
    call.up = True
    yield from greet_waiting(board, call, now)


def hold_waiting(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Play hold music after an announcement or a sheet."""
    # A sheet had put the next announcement off (voicemail.SHEET_S); it ended before that.
    if call.announced_at > now.monotonic:
        call.announced_at = now.monotonic
        plan_deadline(board, call, now)
    yield orders.Hold(call.line.name)


def queue_leg_out(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Note a phone that will not take this caller; the others ring on, the caller waits on."""
    outcome, phone = OUTCOMES[type(event)], call.legs.pop(event.leg)
    call.note(f"{outcome}.{phone}")
    spare_phone(call, phone, now)
    # E3: a busy phone, or one that declined, has missed no call.
    if outcome is NotTaken.NO_ANSWER:
        yield from manual_states.count_missed(board, (phone,), call.rung_since, now)
    yield call.write()


def waiting_due(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Carry out what is due: end of waiting or ringing, an announcement, a phone once more."""
    if has_waited_enough(board, call, now):
        yield from _leave_queue(board, call, now)
    elif not call.up and now.monotonic >= call.waiting_since + LINE_UP_MS / 1000:
        yield from never_up(board, call, event, now)
    elif call.legs and now.monotonic >= ring_ends(board, call):
        yield from _nobody_lifted(board, call, now)
    elif call.up and now.monotonic >= call.announced_at + board.office.waiting.every_ms / 1000:
        yield from announce_again(board, call, now)


def _nobody_lifted(board: SwitchboardState, call: Call, now: Now) -> Orders:
    phones = tuple(call.legs.values())
    call.note(f"no_answer.{call.stage}")
    yield from let_phones_go(board, call, phones, now)
    yield from manual_states.count_missed(board, phones, call.rung_since, now)
    yield call.write()


def let_phones_go(board: SwitchboardState, call: Call, phones: Collection[str], now: Now) -> Orders:
    """Stop phones that ring for a waiting call, and spare them for it."""
    for leg in [leg for leg, phone in call.legs.items() if phone in phones]:
        spare_phone(call, call.legs.pop(leg), now)
        yield orders.StopRinging(leg)


def queue_follow_states(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End waiting when all are absent (E4); else stop phones whose positions went away (E3)."""
    decision = routing.if_absent(board.office, board.service, now)
    if decision is not None:
        yield from stop_ringing(call)
        yield from follow_decision(board, call, decision, now)
        return
    away = [phone for phone in call.legs.values() if board.service.is_away(phone, now.wall)]
    if away:
        call.note(*(f"away.{phone}" for phone in away))
        yield from let_phones_go(board, call, away, now)
        yield call.write()


def _leave_queue(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Leave the queue: to the counter where it comes last, else to voicemail."""
    # From now on the call is not queued again, and may be offered a call back.
    call.waited = True
    call.note("waited")
    yield from stop_ringing(call)
    decision = routing.after_waiting(board.office, board.facts_for(call.line, now), now)
    # An announcement may be playing: the caller hears music while the counter rings.
    if call.up and decision.way is not Destination.VOICEMAIL:
        yield orders.Hold(call.line.name)
    yield from follow_decision(board, call, decision, now)


def await_callback_key(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Wait for the call-back key after the offer; without one voicemail follows (E5)."""
    call.enter(State.CALLBACK_OFFERED, now, CALLBACK_KEY_MS)
    yield orders.Listen(call.line.name)


def obey_callback_key(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Store a call-back by its key; ignore other keys."""
    if event.digit == CALLBACK_KEY:
        # Not confirmed yet: only what is stored is promised.
        call.note(CALLBACK_WANTED)
        call.enter(State.CALLBACK_STORING, now)
        yield orders.Listen(call.line.name)
        yield orders.StoreCallBack(call.record)


def callback_stored(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Promise the call back, which is stored among the missed calls now."""
    call.settle(Result.NO_MESSAGE)
    yield from say_farewell(board, call, now, "callback_noted")


def callback_declined(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Go on to voicemail: no key was pressed, or the call-back could not be stored."""
    # Set while the call back was offered (E4).
    absent = routing.if_absent(board.office, board.service, now)
    if absent is not None:
        yield from follow_decision(board, call, absent, now)
        return
    assert call.decision is not None, "voicemail is always decided"
    yield from start_greeting(board, call, call.decision, now)


# ---- End of a call: by a release, by a lost line, by an idle line; one final record each ---------

GONE = (LineLost, MediaGatewayLost, BoxStopped)
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


def give_up(board: SwitchboardState, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """End a call whose ringing stopped before anybody answered."""
    yield from manual_states.count_missed(board, call.legs.values(), call.rung_since, now)
    yield from stop_ringing(call)
    note_evidence(call, event)
    # A caller handed over by a branch has not given up: that branch still has them.
    call.settle(Result.NOT_REACHED if call.line.can.give_back else Result.GAVE_UP)
    channel = board.channel_of(call)
    board.leave_line(call, LineState.IDLE, now)
    yield from end_call(board, call, now)
    # A measurement of the line may yet show that a parallel telephone took it (`taken_unseen`).
    channel.gave_up = (call.record, now.monotonic)


def caller_left(board: SwitchboardState, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """End a call whose caller hung up after a conversation."""
    note_evidence(call, event)
    yield from clear_call(board, call, now, Result.ANSWERED)


def leave(board: SwitchboardState, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """End a call whose caller hung up before a conversation, or before leaving a message."""
    note_evidence(call, event)
    yield from manual_states.count_missed(board, call.legs.values(), call.rung_since, now)
    gave_up = call.state in WAITS_FOR_PERSON and not call.heard
    # Transfer or request: the caller has spoken with an operator.
    met = call.transfer is not None or call.request is not None
    result = Result.GAVE_UP if gave_up else without_message(call)
    # The branch that sent the caller still has them.
    if call.line.can.give_back and not call.up:
        result = Result.NOT_REACHED
    yield from clear_call(board, call, now, Result.ANSWERED if met else result)


def without_message(call: Call) -> Result:
    """Return the result of a call without a message: INFORMED where a sheet was heard (P1)."""
    # Only an operator opens a request: the caller has spoken with one.
    if call.request is not None:
        return Result.ANSWERED
    return Result.INFORMED if call.heard else Result.NO_MESSAGE


def say_farewell(board: SwitchboardState, call: Call, now: Now, *keys: str) -> Orders:
    """Play the outcome to the waiting caller, and whom to call in need (E11); then hang up."""
    call.enter(State.FAREWELL, now)
    # E5, nobody needs a key: a caller who pressed none hears the emergency numbers here.
    told = (*keys, *announcements.told_at_last(board, call, now))
    prompts = announcements.in_languages(board.office, *told, language=call.language)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def never_up(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line did not come up within its limit."""
    # B1: a line that does not come up is hung up; a line never stays seized.
    call.note("line.never_up")
    note_evidence(call, CallerHungUp(call.line.name, Evidence.LOST))
    yield from clear_call(board, call, now, Result.LOST)


def hang_up(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Hang up after the farewell, or when the caller hangs up during it."""
    if isinstance(event, CallerHungUp):
        note_evidence(call, event)
    yield from clear_call(board, call, now, call.record.result)


def clear_call(board: SwitchboardState, call: Call, now: Now, result: Result) -> Orders:
    """Hang up phones and line; a result that is set already stays."""
    yield from release_phones(call)
    yield from hang_up_line(board, call, now)
    call.settle(result)
    call.enter(State.CLEARING, now)
    yield call.write()


def lose_line(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line was lost or went on hook by itself."""
    yield from release_phones(call)
    note_lost(call, event)
    note_unasked(call)
    call.settle(Result.STOPPED if isinstance(event, BoxStopped) else Result.LOST)
    yield from finish_call(board, call, event, now)


def note_release(board: SwitchboardState, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """Record evidence of a release that arrives after the hang-up was ordered."""
    note_evidence(call, event)
    yield call.write()


def not_idle(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line has not proven itself idle in time."""
    # The line stays CLEARING: nobody knows whether it is on hook.
    call.note("line.not_idle")
    board.leave_line(call, LineState.CLEARING, now, NOT_IDLE)
    yield from end_call(board, call, now)


def finish_call(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line is idle or gone."""
    free_line_of(board, call, event, now)
    yield from end_call(board, call, now)


def free_line_of(board: SwitchboardState, call: Call, event: object, now: Now) -> None:
    """Detach the line from its call, in the state that the event tells."""
    state, reason = state_after(event)
    board.leave_line(call, board.channel_of(call).after(call.record, state), now, reason)


def end_call(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Write the final record and drop the call."""
    # Every record says how its call ended, also where nobody's release was noticed.
    if call.record.evidence is None:
        call.note(evidence=call.ended_by or Evidence.OWN, release_ms=call.ended_ms)
    call.note("ended", ended_at=now.wall)
    board.forget(call)
    yield call.write()
