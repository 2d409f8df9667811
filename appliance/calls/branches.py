"""Overflow: a caller whom nobody here can take goes to another branch, before voicemail (B9).

To the call the branch is one more phone that rings: it answers, is busy or unreachable, and then
the next one is asked; after the last one the call goes where it would have gone without branches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from appliance.calls import orders
from appliance.calls.events import (
    Passed,
    Presentation,
)
from appliance.calls.model import Call, SwitchboardState
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.office import OverflowCause
from appliance.policy.routing import (
    BranchDestination,
    Decision,
    Destination,
    branch_destinations,
    overflow_cause,
)

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


def next_branch(
    board: SwitchboardState, call: Call, decision: Decision, now: Now
) -> BranchDestination | None:
    """Return the next branch to be asked instead of voicemail, each once a call, or None."""
    rules, line = board.office.branches, call.line
    # A half-duplex line carries no conversation (B2); without the media gateway there is no sound.
    if decision.way is not Destination.VOICEMAIL or line.is_half_duplex or not board.has_media:
        return None
    # No loops: no third branch, and not back to the one that sent the caller, which decides itself.
    if not line.can.hand_over:
        return None
    if overflow_cause(decision.code, decision.greeting) not in rules.when:
        return None
    calendar = board.office.switchboard.schedule
    found = branch_destinations(rules, board.directory, calendar, now)
    # `reachable`: the SIP thread asks each branch by OPTIONS through the proxy.
    return next((d for d in found if d.name in board.reachable and d not in call.handed), None)


def ring_branch(
    board: SwitchboardState, call: Call, decision: Decision, to: BranchDestination, now: Now
) -> Iterator[Order]:
    """Ring a branch for a call, as a phone would be rung."""
    cause = overflow_cause(decision.code, decision.greeting)
    assert cause is not None, "only a call with a cause is handed over"
    call.handed.add(to)
    call.stage, call.outcomes = Destination.BRANCH, []
    call.note(
        f"branch.{cause}.{to.unit}.{to.need}", way=Destination.BRANCH, reason=decision.code.value
    )
    waited = call.state is State.QUEUED
    state = State.HOLDING if call.off_hook else State.RINGING
    call.enter(state, now, board.office.branches.ring_ms)
    call.rung_since = now.monotonic
    ringing = (call.new_leg(to.name),)
    call.note(f"ring.{to.name}")
    number = call.record.caller.number
    yield orders.RingPhones(
        call.id,
        ringing,
        call.display(board.office.staff_language),
        number,
        diversion(call, WORDS[cause]),
    )
    # A queue's announcement may be playing: from now on hold music, as for any caller who is held.
    if waited and call.up:
        yield orders.Hold(call.line.name)
    yield call.write()


def diversion(call: Call, why: str) -> Passed:
    """Return the reason for a diversion, and whether the caller withholds the number."""
    return Passed(why, call.record.caller.presentation is Presentation.WITHHELD)


def diversion_to(board: SwitchboardState, call: Call, phone: str) -> Passed | None:
    """Return the diversion of a transfer to another branch; None for a phone of the office."""
    return diversion(call, TRANSFERRED) if is_elsewhere(board, phone) else None


def is_elsewhere(board: SwitchboardState, phone: str) -> bool:
    """Tell whether a phone is another branch's account."""
    return phone in board.office.branches.names
