"""A caller whom another branch, or a telephone system, hands over to us by SIP (B9).

Our positions ring as for any caller, and whoever lifts does with the caller whatever is done with
callers here; the leg is the call's line (trunk_line.py). Where nobody can take the call that is
said at once, and it is no call of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.calls import learnt, orders, ringing, trunk_line
from appliance.calls.call import Call
from appliance.calls.desk import Desk, LineState, TrunkSeat
from appliance.calls.events import BranchCalled
from appliance.calls.orders import CallRecord, Order
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.office import Line
from appliance.policy.privacy import canonical
from appliance.policy.routing import Decision, Way

UNNAMED = "sip"
"""Stands for the line of a caller of whom nobody says which branch it comes from."""
WAYS = {Way.SWITCHBOARD, Way.CITIZENS_DESK}


def begin(desk: Desk, event: BranchCalled, now: Now) -> Iterator[Order]:
    """Ring the free positions by the policy that holds for any caller, or refuse at once."""
    if event.leg in desk.trunks:
        return
    decision = _decide(desk, now)
    phones = desk.free(desk.group(decision.way)) if decision.way in WAYS else ()
    if not phones or not desk.carrier:
        yield orders.RefusePhone(event.leg, trunk_line.code_for(desk, decision))
        return
    call = _call(desk, event, now)
    desk.calls[call.id] = call
    desk.trunks[event.leg] = TrunkSeat(call.line, call.line, LineState.RINGING, call=call.id)
    learnt.hear_of(desk, call, call.record.caller.number, now)
    yield from ringing.take(desk, call, decision, now)


def _decide(desk: Desk, now: Now) -> Decision:
    """Decide as for a caller on a line of our own, who waits with whoever sent the call."""
    facts = replace(desk.facts(now), places=0)
    return routing.route(desk.office, Line(UNNAMED, duplex=True), facts, now)


def _call(desk: Desk, event: BranchCalled, now: Now) -> Call:
    number = canonical(event.caller.number, desk.office.outgoing.plan)
    origin = event.origin or UNNAMED
    record = CallRecord(
        desk.new_id(), origin, now.wall, now.clock_state.value,
        caller=replace(event.caller, number=number), trail=("rang", f"branch.from.{origin}"),
    )  # fmt: skip
    return Call(record.call, Line(event.leg, origin, duplex=True), record, settled=True)
