"""An emergency call needs the line: whoever is on it gives way, and hears why where possible.

It is the one exception to "no caller is dropped by the box", and both records say so. Handlers of
the table (states.py), as in ringing.py; which line is freed says emergency.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from appliance.calls import announcements, orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.ending import clear, note_evidence, release_phones
from appliance.calls.events import CallerHungUp, Evidence, LineNeeded
from appliance.calls.hook import hang_up_line, off_hook
from appliance.calls.messages import keep_as_is
from appliance.calls.orders import Result
from appliance.calls.ringing import Orders
from appliance.calls.states import State
from appliance.policy.clock import Now

CODE = "freed.emergency"
"""What the trail of a call says whose line was taken."""


def give_line(desk: Desk, call: Call, event: LineNeeded, now: Now) -> Orders:
    """Let phones go; tell the caller in one short sentence, or hang up where nobody would hear it.

    A line that rings is answered and hung up: only so does it become free to dial.
    """
    _note(call)
    result = Result.NO_MESSAGE if call.talking_since is None else Result.ANSWERED
    if not call.up or call.state is State.FAREWELL:
        if not call.off_hook:
            yield from off_hook(desk, call, now)
        yield from clear(desk, call, now, result)
        return
    yield from release_phones(call)
    call.settle(result)
    call.enter(State.FAREWELL, now)
    words = announcements.for_staff(desk.office, "line_needed")  # one language: seconds count
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield call.write()


def give_line_recording(desk: Desk, call: Call, event: LineNeeded, now: Now) -> Orders:
    """What was recorded so far is kept as a message."""
    _note(call)
    yield from keep_as_is(desk, call, event, now)


def give_line_saving(desk: Desk, call: Call, event: LineNeeded, now: Now) -> Orders:
    """The message is stored all the same; its caller no longer hears so."""
    _note(call)
    yield from hang_up_line(desk, call, now)
    call.state = State.SAVING
    yield call.write()


def _note(call: Call) -> None:
    note_evidence(call, CallerHungUp(call.line.name, Evidence.EMERGENCY))
    call.note(CODE)
