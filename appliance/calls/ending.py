"""How calls end: somebody hangs up, a line goes, the line is idle again. One final record each.

Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from typing import Any

from appliance.calls import head, orders, positions
from appliance.calls.call import Call
from appliance.calls.desk import NOT_IDLE, Desk, LineState, state_after
from appliance.calls.events import BoxStopped, CallerHungUp, CarrierLost, Evidence, LineLost
from appliance.calls.hook import hang_up_line
from appliance.calls.orders import Result
from appliance.calls.ringing import Orders, stop_ringing
from appliance.calls.states import State
from appliance.policy.clock import Now

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


def note_lost(call: Call, event: Any) -> None:
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
    yield from end(desk, call, now)
    seat.gave_up = (call.record, now.monotonic)


def operator_left(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The operator hung up: so does the box, unless the head is in the conversation (E10)."""
    call.note("operator_left")
    if head.is_in(desk, call):
        yield from head.take_over(desk, call, now)
        return
    note_evidence(call, CallerHungUp(call.line.name, Evidence.OPERATOR))
    call.forget_leg()
    yield from clear(desk, call, now, Result.ANSWERED)


def caller_left(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """The caller hung up after a conversation."""
    note_evidence(call, event)
    yield from clear(desk, call, now, Result.ANSWERED)


def leave(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """The caller hung up before anybody spoke with them, or before leaving a message."""
    note_evidence(call, event)
    yield from positions.missed(desk, call.legs.values(), call.rung_since, now)
    gave_up = call.state in WAITS_FOR_PERSON and not call.heard
    met = call.transfer is not None or call.request is not None
    result = Result.GAVE_UP if gave_up else without_message(call)
    if desk.came_over(call) and not call.up:
        result = Result.NOT_REACHED  # whoever sent the caller has them still
    yield from clear(desk, call, now, Result.ANSWERED if met else result)


def without_message(call: Call) -> Result:
    """Say what a call is whose caller left no message: answered by a sheet, where one was heard.

    One whose words were to become a request has spoken with an operator.
    """
    if call.request is not None:
        return Result.ANSWERED
    return Result.INFORMED if call.heard else Result.NO_MESSAGE


def never_up(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The line never came up."""
    call.note("line.never_up")
    note_evidence(call, CallerHungUp(call.line.name, Evidence.LOST))
    yield from clear(desk, call, now, Result.LOST)


def hang_up(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The farewell was heard, or the caller did not wait for its end."""
    if isinstance(event, CallerHungUp):
        note_evidence(call, event)
    yield from clear(desk, call, now, call.record.result)


def clear(desk: Desk, call: Call, now: Now, result: Result) -> Orders:
    """Let phones and line go; what was settled before holds."""
    yield from release_phones(call)
    yield from hang_up_line(desk, call, now)
    call.settle(result)
    call.enter(State.CLEARING, now)
    yield call.write()


def lose(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The line went away, or on hook by itself, under the call: nothing more can be done for it."""
    yield from release_phones(call)
    note_lost(call, event)
    note_unasked(call)
    call.settle(Result.STOPPED if isinstance(event, BoxStopped) else Result.LOST)
    yield from finish(desk, call, event, now)


def note_release(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """The evidence came after the hang-up was ordered: it belongs to the record all the same."""
    note_evidence(call, event)
    yield call.write()


def not_idle(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The line has not proven itself idle in time: the call ends, the line stays in doubt."""
    call.note("line.not_idle")
    desk.leave_line(call, LineState.CLEARING, now, NOT_IDLE)
    yield from end(desk, call, now)


def finish(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The line is idle, or gone: the call is over."""
    free_line_of(desk, call, event, now)
    yield from end(desk, call, now)


def free_line_of(desk: Desk, call: Call, event: Any, now: Now) -> None:
    """Part call and line by what was said of the line."""
    state, reason = state_after(event)
    desk.leave_line(call, desk.seat_of(call).after(call.record, state), now, reason)


def end(desk: Desk, call: Call, now: Now) -> Orders:
    """Write the final record and forget the call; every record says by what its call ended."""
    if call.record.evidence is None:
        call.note(evidence=call.ended_by or Evidence.OWN, release_ms=call.ended_ms)
    call.note("ended", ended_at=now.wall)
    desk.forget(call)
    yield call.write()
