"""The longest call: whatever keeps a line seized, it ends (B1). A handler of the table.

A handset beside its cradle and a far end that went in silence would hold a line for ever: silence
ends no conversation (E5), so time does, and the caller is told.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from typing import Any

from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.ending import clear, note_evidence, release_phones
from appliance.calls.events import CallerHungUp, Evidence
from appliance.calls.messages import say
from appliance.calls.orders import Result
from appliance.calls.ringing import Orders
from appliance.policy.clock import Now


def end_longest(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The conversation has lasted as long as any may: the phone is let go, the caller is told.

    With a telephone lifted beside the line the caller is not alone: nothing is said into it.
    """
    evidence = CallerHungUp(call.line.name, Evidence.LIMIT, desk.office.longest_ms)
    note_evidence(call, evidence)
    if call.shared:
        yield from clear(desk, call, now, Result.ANSWERED)
        return
    yield from release_phones(call)
    call.settle(Result.ANSWERED)
    yield from say(desk, call, now, "call_limit")
