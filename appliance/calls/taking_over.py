"""A caller whom another branch, or a telephone system, hands over to us by SIP (B9).

Whoever sent the caller keeps the line and decides what comes next: so our positions ring as for any
caller, and where none takes the call that is said at once, without voicemail, without waiting and
never on to a third branch. The sound goes from phone to phone and is never recorded (E21).
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from appliance.calls import notices, orders, sides
from appliance.calls.call import caller_words
from appliance.calls.desk import Desk
from appliance.calls.events import (
    BoxStopped,
    BranchCalled,
    CarrierLost,
    Evidence,
    PhoneHungUp,
    PhoneLost,
)
from appliance.calls.orders import CallRecord, Order, Result
from appliance.calls.side_states import BRANCH_TABLE, SideDo, SideState
from appliance.calls.sides import Doings, Side
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.office import Line
from appliance.policy.routing import Decision, Missed, Way
from appliance.policy.same_number import canonical

Orders = Iterator[Order]

BUSY, NOT_THERE, NO_SERVICE = 486, 480, 503
"""What whoever sent the caller is told (RFC 3261 21): all busy, nobody takes it, no sound."""
UNNAMED = "sip"
"""Stands for the line of a caller of whom nobody says which branch it comes from."""
WAYS = {
    Way.SWITCHBOARD: orders.Way.SWITCHBOARD,
    Way.CITIZENS_DESK: orders.Way.CITIZENS_DESK,
}


@dataclass(slots=True)
class TakenOver(Side):
    """Such a call on `leg`: `others` ring for it (leg -> phone), or the one that has it."""

    record: CallRecord = field(kw_only=True)
    others: dict[str, str] = field(default_factory=dict)

    @property
    def legs(self) -> dict[str, str]:
        """Every leg; that of the caller is no phone's of ours."""
        return {self.leg: f"{self.phone}:{self.leg}", **self.others}

    def note(self, *codes: str, **changes: Any) -> None:
        """Add codes to the record's trail and change fields of the record."""
        self.record = replace(self.record, trail=self.record.trail + codes, **changes)

    def settle(self, result: Result, now: Now, evidence: Evidence | None = None) -> Orders:
        """Write how the call ended."""
        self.note("ended", result=result, ended_at=now.wall, evidence=evidence)
        yield orders.WriteCall(self.record)


def begin(desk: Desk, event: BranchCalled, now: Now) -> Orders:
    """Ring the free positions by the policy that holds for any caller, or refuse at once."""
    if event.leg in desk.sides:
        return
    decision = _decide(desk, now)
    phones = desk.free(desk.group(decision.way)) if decision.way in WAYS else ()
    if not phones or not desk.carrier:
        code = BUSY if _all_busy(desk, decision) else NOT_THERE
        yield orders.RefusePhone(event.leg, code if desk.carrier else NO_SERVICE)
        return
    side = TakenOver(
        event.leg, "trunk", BRANCH_TABLE, DOINGS, SideState.RINGING,
        record=_record(desk, event, decision, now),
    )  # fmt: skip
    sides.begin(desk, side, now)
    group = desk.group(decision.way)
    side.deadline = now.monotonic + group.ring_ms / 1000
    side.others = {f"{event.leg}.{n}": phone for n, phone in enumerate(phones, 1)}
    side.note(f"ring.{','.join(phones)}")
    yield from notices.make_way(desk, phones)
    ringing = tuple(orders.Ringing(leg, phone) for leg, phone in side.others.items())
    caller = side.record.caller
    display = f"{side.record.line} {caller_words(caller)}"
    yield orders.WriteCall(side.record)
    yield orders.RingPhones(side.leg, ringing, display, caller.number)


def _decide(desk: Desk, now: Now) -> Decision:
    """Decide as for a caller on a line of our own, who waits with whoever sent the call."""
    facts = replace(desk.facts(now), places=0)
    return routing.route(desk.office, Line(UNNAMED, duplex=True), facts, now)


def _all_busy(desk: Desk, decision: Decision) -> bool:
    return decision.greeting == routing.GREETINGS[Missed.BUSY]


def _record(desk: Desk, event: BranchCalled, decision: Decision, now: Now) -> CallRecord:
    number = canonical(event.caller.number, desk.office.outgoing.plan)
    origin = event.origin or UNNAMED
    return CallRecord(
        desk.new_id(), origin, now.wall, now.clock_state.value,
        caller=replace(event.caller, number=number),
        way=WAYS[decision.way], reason=decision.code.value,
        trail=("rang", f"branch.from.{origin}", f"route.{decision.code}"),
    )  # fmt: skip


def _accept(desk: Desk, side: TakenOver, event: Any, now: Now) -> Orders:
    """The first who lifts has the caller; the others ring no more."""
    if event.leg not in side.others:
        return
    phone = side.others.pop(event.leg)
    for leg in side.others:
        yield orders.StopRinging(leg, answered_elsewhere=True)
    side.others = {event.leg: phone}
    side.note(f"answered.{phone}", phone=phone)
    side.enter(SideState.ACCEPTING, now)
    yield orders.AcceptPhone(side.leg)


def _join(desk: Desk, side: TakenOver, event: Any, now: Now) -> Orders:
    """Both are up."""
    side.note("talking", answered_at=now.wall)
    yield orders.Join(side.leg, next(iter(side.others)))
    yield orders.WriteCall(side.record)


def _out(desk: Desk, side: TakenOver, event: Any, now: Now) -> Orders:
    """A position does not take it, or whoever sent the caller takes the call back."""
    if event.leg == side.leg:
        side.enter(SideState.ENDED, now)
        for leg in side.others:
            yield orders.StopRinging(leg)
        yield from side.settle(Result.NOT_REACHED, now, Evidence.GAVE_UP)
        return
    side.note(f"declined.{side.others.pop(event.leg)}")
    if not side.others:
        side.enter(SideState.ENDED, now)
        yield orders.RefusePhone(side.leg, NOT_THERE)
        yield from side.settle(Result.NOT_REACHED, now)


def _give_up(desk: Desk, side: TakenOver, event: Any, now: Now) -> Orders:
    """Nobody lifted in time, or there is no sound to be had."""
    for leg in side.others:
        yield orders.StopRinging(leg)
    yield orders.RefusePhone(side.leg, NOT_THERE if desk.carrier else NO_SERVICE)
    yield from side.settle(Result.NOT_REACHED, now)


def _part(desk: Desk, side: TakenOver, event: Any, now: Now) -> Orders:
    """One of the two has gone: the other one is told."""
    for leg in side.legs:
        if leg != event.leg:
            yield orders.HangUpPhone(leg)
    was_up = side.state is SideState.TALKING
    by_us = isinstance(event, PhoneHungUp) and event.leg != side.leg
    lost = Evidence.LOST if isinstance(event, PhoneLost) else None
    result = Result.ANSWERED if was_up else Result.NOT_REACHED
    yield from side.settle(result, now, Evidence.OPERATOR if by_us else lost)


def _hang_up(desk: Desk, side: TakenOver, event: Any, now: Now) -> Orders:
    """There is no sound any more, or the caller's leg never came up."""
    yield from sides.hang_up(desk, side, event, now)
    ends = {CarrierLost: Result.LOST, BoxStopped: Result.STOPPED}
    yield from side.settle(ends.get(type(event), Result.NOT_REACHED), now)


DOINGS: Doings = {
    SideDo.ACCEPT: _accept,
    SideDo.JOIN: _join,
    SideDo.GO_ON: _out,
    SideDo.PART: _part,
    SideDo.GIVE_UP: _give_up,
    SideDo.HANG_UP: _hang_up,
}
