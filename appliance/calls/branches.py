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

# ---- Overflow: a caller whom nobody here can take goes to another branch, before voicemail -------
# To the call the branch is one more phone that rings: it answers, is busy or unreachable, and then
# the next one is asked; after the last one the call goes where it would have gone without branches.

# RFC 5806 4.2: the Diversion reason when an operator has sent the caller on.
TRANSFERRED = "deflection"
# RFC 5806 4.2: the Diversion reason that the branch is told for an overflow.
WORDS: Mapping[OverflowCause, str] = {
    OverflowCause.BUSY: "user-busy",
    OverflowCause.NO_ANSWER: "no-answer",
    OverflowCause.UNATTENDED: "away",
    OverflowCause.UNREACHABLE: "unavailable",
    OverflowCause.CLOSED: "time-of-day",
}


def next_branch(desk: Desk, call: Call, decision: Decision, now: Now) -> BranchDestination | None:
    """Return the next branch to be asked instead of voicemail, each once a call, or None."""
    rules, line = desk.office.branches, call.line
    # A half-duplex line carries no conversation (B2); without the media gateway there is no sound.
    if decision.way is not Destination.VOICEMAIL or line.duplex is False or not desk.carrier:
        return None
    # No loops: no third branch, and not back to the one that sent the caller, which decides itself.
    if desk.came_over(call):
        return None
    if overflow_cause(decision.code, decision.greeting) not in rules.when:
        return None
    calendar = desk.office.switchboard.schedule
    found = branch_destinations(rules, desk.register, calendar, now)
    # `reachable`: the SIP thread asks each branch by OPTIONS through the proxy.
    return next((d for d in found if d.name in desk.reachable and d not in call.handed), None)


def ring_branch(
    desk: Desk, call: Call, decision: Decision, to: BranchDestination, now: Now
) -> Iterator[Order]:
    """Ring a branch for a call, as a phone would be rung."""
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
    # A queue's announcement may be playing: from now on hold music, as for any caller who is held.
    if waited and call.up:
        yield orders.Hold(call.line.name)
    yield call.write()


def diversion(call: Call, why: str) -> Passed:
    """Return the reason for a diversion, and whether the caller withholds the number."""
    return Passed(why, call.record.caller.presentation is Presentation.WITHHELD)


def diversion_to(desk: Desk, call: Call, phone: str) -> Passed | None:
    """Return the diversion of a transfer to another branch; None for a phone of the office."""
    return diversion(call, TRANSFERRED) if is_elsewhere(desk, phone) else None


def is_elsewhere(desk: Desk, phone: str) -> bool:
    """Tell whether a phone is another branch's account."""
    return phone in desk.office.branches.names


# ---- Trunk line: the leg of a caller whom a branch or telephone system hands over by SIP (B9) ----
# To its call the leg is a line, named by the leg: orders to the line become orders to the leg, and
# events of the leg become events of the line (outside_call.py does the reverse). It is answered for
# a person only: the sender keeps the caller until somebody answers here, and decides what comes
# next when nobody does.

Orders = Iterator[Order]

# RFC 3261 21: the SIP answer to the sender when all are busy, when nobody takes the call, and when
# there is no sound.
BUSY, NOT_THERE, NO_SERVICE = 486, 480, 503
WITHOUT_PEOPLE = {Destination.VOICEMAIL, Destination.WAITING}
"""Destinations for which the box itself would answer the line, without a person."""


def code_for(desk: Desk, decision: Decision | None) -> int:
    """Return the SIP code by which a caller is given back after a decision."""
    if not desk.carrier:
        return NO_SERVICE
    if decision is None:
        return NOT_THERE
    # With places to wait too: the sender has the caller, and is told that all are busy.
    busy = (
        decision.greeting == routing.NOT_TAKEN_GREETINGS[NotTaken.BUSY]
        or decision.way is Destination.WAITING
    )
    return BUSY if busy else NOT_THERE


def is_given_back(desk: Desk, call: Call, decision: Decision) -> bool:
    """Tell whether the sender decides instead of us: nobody here has answered the caller yet."""
    return desk.came_over(call) and not call.off_hook and decision.way in WITHOUT_PEOPLE


def give_caller_back(desk: Desk, call: Call, now: Now) -> Orders:
    """Refuse the unanswered trunk leg: its sender decides what comes next."""
    call.settle(Result.NOT_REACHED)
    yield from hang_up_line(desk, call, now)
    call.enter(State.CLEARING, now)
    yield call.write()


def as_line_event(desk: Desk, event: Event) -> Event:
    """Map the event of a trunk leg to the corresponding line event; return others unchanged."""
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
    # A BYE ends an answered call; before that it is the caller who gives up (CANCEL).
    return Evidence.SIGNALLED if call is not None and call.up else Evidence.GAVE_UP


def for_its_leg(desk: Desk, order: Order) -> list[Order]:
    """Map an order to a trunk line to orders to its leg; return other orders unchanged.

    An order without a meaning for a leg is dropped.
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
    """Refuse or hang up a trunk leg, and report its line idle."""
    # No modem has to prove it: `idle_trunks` reports the line after this event's orders.
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
    """Return LineIdle, once, for each trunk line that was let go."""
    told = tuple(LineIdle(leg) for leg in desk.freed)
    desk.freed.clear()
    return told


def end_trunk_calls(desk: Desk) -> Orders:
    """End every trunk leg: there is no sound any more, or the box stops."""
    for leg in desk.trunks:
        yield from _end(desk, leg, NO_SERVICE)
