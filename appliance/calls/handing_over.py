"""A caller whom nobody here can take is handed over to another branch, before voicemail (B9).

To the call the branch is one more phone that rings: it answers, is busy, or is not to be had, and
then the next one is asked; after the last one the call goes where it would have gone without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from appliance.calls import orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import Passed, Presentation
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.office import Cause, Destination, cause_of, destinations
from appliance.policy.routing import Decision, Way

TRANSFERRED = "deflection"
"""RFC 5806 4.2: somebody here has sent the caller on."""
WORDS: Mapping[Cause, str] = {
    Cause.BUSY: "user-busy",
    Cause.NO_ANSWER: "no-answer",
    Cause.UNATTENDED: "away",
    Cause.UNREACHABLE: "unavailable",
    Cause.CLOSED: "time-of-day",
}
"""What the branch is told of why (RFC 5806 4.2)."""


def next_for(desk: Desk, call: Call, decision: Decision, now: Now) -> Destination | None:
    """Return the next branch that may be asked instead of voicemail, each once; None for none."""
    rules, line = desk.office.branches, call.line
    if decision.way is not Way.VOICEMAIL or line.duplex is False or not desk.carrier:
        return None
    if desk.came_over(call):  # no third branch, and no way back: whoever sent the caller decides
        return None
    if cause_of(decision.code, decision.greeting) not in rules.when:
        return None
    calendar = desk.office.switchboard.schedule
    found = destinations(rules, desk.register, calendar, now)
    return next((d for d in found if d.name in desk.reachable and d not in call.handed), None)


def begin(desk: Desk, call: Call, decision: Decision, to: Destination, now: Now) -> Iterator[Order]:
    """Ring a branch; the caller, who may be on hold, hears what any caller hears."""
    cause = cause_of(decision.code, decision.greeting)
    assert cause is not None, "only a call with a cause is handed over"
    call.handed.add(to)
    call.stage, call.outcomes = Way.BRANCH, []
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
    yield orders.RingPhones(call.id, ringing, call.display, number, passed(call, WORDS[cause]))
    if waited and call.up:
        yield orders.Hold(call.line.name)
    yield call.write()


def passed(call: Call, why: str) -> Passed:
    """Say why a caller goes on, and whether the number may be told."""
    return Passed(why, call.record.caller.presentation is Presentation.WITHHELD)


def passed_to(desk: Desk, call: Call, phone: str) -> Passed | None:
    """Say the same where somebody transfers to a phone that is another branch; None for others."""
    return passed(call, TRANSFERRED) if is_elsewhere(desk, phone) else None


def is_elsewhere(desk: Desk, phone: str) -> bool:
    """Tell whether it is people of another branch who are there, none of ours."""
    return phone in desk.office.branches.names
