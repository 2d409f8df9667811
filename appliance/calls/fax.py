"""A fax machine calls: nobody is there to be greeted or to leave a message.

The box lets go of the line politely, whatever it was saying, and the call is listed as a fax.
Where a person of the office talks, the person decides. Handlers of the table (states.py), as in
ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.ending import clear, note_evidence
from appliance.calls.events import CallerHungUp, Evidence, FaxCalled
from appliance.calls.orders import Result
from appliance.calls.ringing import Orders
from appliance.policy.clock import Now


def turn_away(desk: Desk, call: Call, event: FaxCalled, now: Now) -> Orders:
    """Heard while the box speaks, waits or holds the caller: it hangs up."""
    _note(call, event)
    yield from clear(desk, call, now, Result.FAX)


def note_fax(desk: Desk, call: Call, event: FaxCalled, now: Now) -> Orders:
    """Heard while a recording ends by it: `keep` decides whether somebody spoke before."""
    _note(call, event)
    yield call.write()


def note_in_conversation(desk: Desk, call: Call, event: FaxCalled, now: Now) -> Orders:
    """Heard by the chip while a person talks: they hear it too, and hang up if they like."""
    call.note(f"fax_heard.{event.source}")
    yield call.write()


def _note(call: Call, event: FaxCalled) -> None:
    call.note(f"fax.{event.source}")
    note_evidence(call, CallerHungUp(event.line, Evidence.FAX, event.after_ms))
