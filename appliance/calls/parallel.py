"""An ordinary telephone beside the line is lifted: whoever lifted it has the caller (B1, E18).

Nobody is cut off by it: the box lets go of a line on which it speaks for the office, and stays
where a person of the office talks. Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from dataclasses import replace

from appliance.calls import head, orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk, LineSeat, LineState
from appliance.calls.ending import clear, end
from appliance.calls.events import Evidence, LineCondition, LineTaken, PhoneLost
from appliance.calls.hook import hang_up_line
from appliance.calls.orders import CallRecord, Result
from appliance.calls.ringing import Orders, ring_on, stop_ringing
from appliance.calls.states import State
from appliance.policy.clock import Now

UNSEEN_S = 10.0
"""The ringing stopped and a telephone is found lifted within this time: it took that call."""
CODE = "taken"
"""What the trail says of it."""


def taken_ringing(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """Lifted while it rang: the office's phones stop, the call is the handset's."""
    yield from stop_ringing(call, answered_elsewhere=True)
    _note(call, now)
    call.settle(Result.TAKEN)
    desk.leave_line(call, LineState.IN_USE_OUTSIDE, now)
    yield from end(desk, call, now)


def hand_over(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """Lifted while the box speaks, holds the caller or is about to: it lets go of the line."""
    _note(call, now)
    yield from stop_ringing(call, answered_elsewhere=True)
    yield from clear(desk, call, now, Result.TAKEN)


def hand_over_saving(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """Lifted while the caller waits to hear of a message: it is stored all the same."""
    _note(call, now)
    yield from hang_up_line(desk, call, now)
    call.state = State.SAVING


def share(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """Lifted in a conversation: three talk, as on any line with two telephones; nobody is cut.

    When the operator hangs up, the box lets go and the handset keeps the caller.
    """
    call.shared = True
    call.note("shared")
    yield call.write()


def note_taken(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """The box has let go already: it belongs to the record all the same."""
    _note(call, now)
    yield call.write()


def operator_lost(desk: Desk, call: Call, event: PhoneLost, now: Now) -> Orders:
    """The operator's phone went without a word: the caller is held, not hung up, others ring.

    With a telephone lifted beside the line, or the head in the conversation, the caller is not
    alone: no music into their talk.
    """
    call.note("operator_lost")
    if head.is_in(desk, call):
        yield from head.take_over(desk, call, now)
        return
    if call.shared:
        call.forget_leg()
        yield from clear(desk, call, now, Result.ANSWERED)
        return
    yield orders.Hold(call.line.name)
    yield from ring_on(desk, call, event, now)


def taken_unseen(seat: LineSeat, now: Now) -> Orders:
    """Correct the record of a caller who seemed to give up and was taken by a telephone.

    Some modems report no lifted telephone on hook: then the ringing stops, and soon after it the
    line is measured.
    """
    record, ended = seat.gave_up or (None, 0.0)
    if record is None or seat.condition is not LineCondition.IN_USE:
        return
    seat.gave_up = None
    if now.monotonic - ended <= UNSEEN_S:
        yield orders.WriteCall(_taken(record))


def _taken(record: CallRecord) -> CallRecord:
    evidence, trail = Evidence.PARALLEL_PHONE, (*record.trail, CODE)
    return replace(record, result=Result.TAKEN, evidence=evidence, trail=trail)


def _note(call: Call, now: Now) -> None:
    evidence = call.record.evidence or Evidence.PARALLEL_PHONE
    call.note(CODE, evidence=evidence, answered_at=call.record.answered_at or now.wall)
