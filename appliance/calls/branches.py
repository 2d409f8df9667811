"""Overflow to another branch, and the line of a caller whom another branch hands over (B9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from appliance.calls import orders
from appliance.calls.events import (
    CallerHungUp,
    DigitPressed,
    Event,
    Evidence,
    LineAnswered,
    LineIdle,
    OperatorAnswered,
    Passed,
    PhoneHungUp,
    PhoneLost,
    Presentation,
)
from appliance.calls.model import Call, Desk, hang_up_line
from appliance.calls.orders import Order, Result
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.office import OverflowCause
from appliance.policy.routing import (
    BranchDestination,
    Decision,
    Destination,
    NotTaken,
    branch_destinations,
    overflow_cause,
)

# ---- handing over ------------------------------------------------------------------------------
# A caller whom nobody here can take is handed over to another branch, before voicemail (B9).
#
# To the call the branch is one more phone that rings: it answers, is busy, or is not to be had, and
# then the next one is asked; after the last one the call goes where it would have gone without.

TRANSFERRED = "deflection"
"""RFC 5806 4.2: somebody here has sent the caller on."""
WORDS: Mapping[OverflowCause, str] = {
    OverflowCause.BUSY: "user-busy",
    OverflowCause.NO_ANSWER: "no-answer",
    OverflowCause.UNATTENDED: "away",
    OverflowCause.UNREACHABLE: "unavailable",
    OverflowCause.CLOSED: "time-of-day",
}
"""What the branch is told of why (RFC 5806 4.2)."""


def next_branch(desk: Desk, call: Call, decision: Decision, now: Now) -> BranchDestination | None:
    """Return the next branch that may be asked instead of voicemail, each once; None for none."""
    rules, line = desk.office.branches, call.line
    if decision.way is not Destination.VOICEMAIL or line.duplex is False or not desk.carrier:
        return None
    if desk.came_over(call):  # no third branch, and no way back: whoever sent the caller decides
        return None
    if overflow_cause(decision.code, decision.greeting) not in rules.when:
        return None
    calendar = desk.office.switchboard.schedule
    found = branch_destinations(rules, desk.register, calendar, now)
    return next((d for d in found if d.name in desk.reachable and d not in call.handed), None)


def ring_branch(
    desk: Desk, call: Call, decision: Decision, to: BranchDestination, now: Now
) -> Iterator[Order]:
    """Ring a branch; the caller, who may be on hold, hears what any caller hears."""
    cause = overflow_cause(decision.code, decision.greeting)
    assert cause is not None, "only a call with a cause is handed over"
    call.handed.add(to)
    call.stage, call.outcomes = Destination.BRANCH, []
    call.note(
        f"branch.{cause}.{to.unit}.{to.need}", way=orders.Way.BRANCH, reason=decision.code.value
    )
    waited = call.state is State.QUEUED
    state = State.HOLDING if call.off_hook else State.RINGING
    call.enter(state, now, desk.office.branches.ring_ms)
    call.rung_since = now.monotonic
    ringing = (call.new_leg(to.name),)
    call.note(f"ring.{to.name}")
    number = call.record.caller.number
    yield orders.RingPhones(call.id, ringing, call.display, number, diversion(call, WORDS[cause]))
    if waited and call.up:
        yield orders.Hold(call.line.name)
    yield call.write()


def diversion(call: Call, why: str) -> Passed:
    """Say why a caller goes on, and whether the number may be told."""
    return Passed(why, call.record.caller.presentation is Presentation.WITHHELD)


def diversion_to(desk: Desk, call: Call, phone: str) -> Passed | None:
    """Say the same where somebody transfers to a phone that is another branch; None for others."""
    return diversion(call, TRANSFERRED) if is_elsewhere(desk, phone) else None


def is_elsewhere(desk: Desk, phone: str) -> bool:
    """Tell whether it is people of another branch who are there, none of ours."""
    return phone in desk.office.branches.names


# ---- trunk line --------------------------------------------------------------------------------
# The line of a caller whom another branch, or a telephone system, hands over by SIP (B9).
#
# To its call the leg is a line like any other, by the leg's own name: what is ordered of the line
# is turned into orders for the leg, and what is told of the leg into facts of the line (cf.
# outside_call.py, which does the reverse). Only it is never answered but for a person: whoever sent
# the caller keeps them until somebody lifts here, and decides what comes next where nobody does.

Orders = Iterator[Order]

BUSY, NOT_THERE, NO_SERVICE = 486, 480, 503
"""What whoever sent the caller is told (RFC 3261 21): all busy, nobody takes it, no sound."""
WITHOUT_PEOPLE = {Destination.VOICEMAIL, Destination.WAITING}
"""Ways on which nobody has lifted, and the line would be answered all the same."""


def code_for(desk: Desk, decision: Decision | None) -> int:
    """Say by what code a caller is given back for whom a decision leads to nobody."""
    if not desk.carrier:
        return NO_SERVICE
    if decision is None:
        return NOT_THERE
    busy = (
        decision.greeting == routing.NOT_TAKEN_GREETINGS[NotTaken.BUSY]
        or decision.way is Destination.WAITING
    )
    return BUSY if busy else NOT_THERE


def is_given_back(desk: Desk, call: Call, decision: Decision) -> bool:
    """Tell whether a decision is not ours: nobody here has answered the caller yet."""
    return desk.came_over(call) and not call.off_hook and decision.way in WITHOUT_PEOPLE


def give_caller_back(desk: Desk, call: Call, now: Now) -> Orders:
    """Let whoever sent the caller decide what comes next; they have not been answered."""
    call.settle(Result.NOT_REACHED)
    yield from hang_up_line(desk, call, now)
    call.enter(State.CLEARING, now)
    yield call.write()


# --- what is told of the leg ----------------------------------------------------------------------


def as_line_event(desk: Desk, event: Event) -> Event:
    """Turn what is told of such a leg into a fact of the call's line."""
    leg = getattr(event, "leg", "")
    seat = desk.trunks.get(leg)
    match event:
        case _ if seat is None:
            return event
        case OperatorAnswered():
            return LineAnswered(leg)
        case PhoneHungUp() | PhoneLost():
            seat.gone = True
            return CallerHungUp(leg, _evidence(desk, seat.call, event))
        case DigitPressed():
            return replace(event, line=leg, leg="")
    return event


def _evidence(desk: Desk, name: str, event: PhoneHungUp | PhoneLost) -> Evidence:
    call = desk.calls.get(name)
    if isinstance(event, PhoneLost):
        return Evidence.LOST
    return Evidence.SIGNALLED if call is not None and call.up else Evidence.GAVE_UP


# --- what is ordered of the line ------------------------------------------------------------------


def for_its_leg(desk: Desk, order: Order) -> list[Order]:
    """Turn an order to such a line into orders to its leg; any other order stays as it is.

    An order that means nothing to a leg is dropped.
    """
    if getattr(order, "line", "") not in desk.trunks:
        return [order]
    match order:
        case orders.AnswerLine(leg):
            return [orders.AcceptPhone(leg)]
        case orders.HangUp(leg):
            return _let_go(desk, leg)
        # Before it is up the leg has no sound: ringing.begin_talk joins it then.
        case orders.Connect(leg, other) if desk.calls[desk.trunks[leg].call].up:
            return [orders.Join(leg, other)]
        case orders.JoinLines(leg, line):
            return [orders.Connect(line, leg)]
        case orders.Hold(leg):
            return [orders.Hold(leg=leg)]
        case orders.Play(play, prompts, leg):
            return [orders.Play(play, prompts, leg=leg, keys=True)]
        case orders.Listen(leg):
            return [orders.Listen(leg=leg)]
        case orders.Record(recording, leg, limit_ms, silence_ms, grace_ms):
            return [orders.RecordLeg(recording, leg, limit_ms, silence_ms, grace_ms, keys=True)]
    # PressKeys among them: keys would have to be sent as events (RFC 4733), which none of our
    # phones does.
    return []


def _let_go(desk: Desk, leg: str) -> list[Order]:
    """Give the caller back, or hang up on them; the line is idle at once."""
    desk.freed.append(leg)
    call = desk.calls[desk.trunks[leg].call]
    return _end(desk, leg, code_for(desk, call.decision))


def _end(desk: Desk, leg: str, code: int) -> list[Order]:
    seat = desk.trunks[leg]
    if seat.gone:
        return []
    seat.gone = True
    off_hook = desk.calls[seat.call].off_hook
    return [orders.HangUpPhone(leg) if off_hook else orders.RefusePhone(leg, code)]


def idle_trunks(desk: Desk) -> tuple[LineIdle, ...]:
    """Return, once, that lines are idle which were let go."""
    told = tuple(LineIdle(leg) for leg in desk.freed)
    desk.freed.clear()
    return told


def end_trunk_calls(desk: Desk) -> Orders:
    """There is no sound any more, or the box stops: nobody is kept on such a line."""
    for leg in desk.trunks:
        yield from _end(desk, leg, NO_SERVICE)
