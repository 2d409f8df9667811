"""A position's call to somebody outside: a line is seized and dialled, the phone hears all of it.

The phone is joined to the line as soon as the number is sent: the operator hears ring-back, busy
and announcements. What the box hears tells it when the call is over (B1).
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from appliance.calls import dialled_ends as ends
from appliance.calls import emergency, orders, refusals, sides
from appliance.calls.desk import Desk, LineState
from appliance.calls.dialled_side import Dialled
from appliance.calls.events import (
    CallerHungUp,
    DigitPressed,
    Evidence,
    FarEnd,
    FarEndProgressed,
)
from appliance.calls.orders import Order, Result
from appliance.calls.side_states import SideDo, SideState
from appliance.calls.sides import Doings
from appliance.policy.clock import Now
from appliance.policy.dialling import left_ms
from appliance.policy.office import LinePurpose

Orders = Iterator[Order]

RINGS_MS = 120_000
"""How long somebody is let ring; then nobody has answered."""
ROUNDS = 1
"""How often lines that were of no use are tried again: one may only have been released late."""
ANNOUNCED_MS = 30_000
"""An operator hears out why a number cannot be reached; then the line is let go."""
URGENT_KEY = "1"
NOT_DIALLED = {FarEnd.NO_DIAL_TONE, FarEnd.REFUSED}
"""The line was of no use; an emergency call tries the next one."""
OVER = {
    FarEnd.BUSY: Evidence.BUSY_TONE,
    FarEnd.CONGESTION: Evidence.CONGESTION_TONE,
    FarEnd.DIAL: Evidence.DIAL_TONE,
    FarEnd.NO_ANSWER: Evidence.LIMIT,
}
"""What is heard at the end of a call, and by what evidence it then was noticed."""


# --- beginning ----------------------------------------------------------------------------------


def begin(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """The phone is up: say what hinders, ask for the reason, or dial."""
    if side.refused:
        yield from ends.leave(desk, side, now, *side.refused)
    elif side.asks:
        side.enter(SideState.SPEAKING, now)
        yield from ends.say(desk, side, *refusals.ASK_REASON)
    else:
        yield from seize(desk, side, now)


def seize(desk: Desk, side: Dialled, now: Now) -> Orders:
    """Take a line; an emergency call waits until one is freed, any other is told there is none."""
    if side.emergency:
        line = emergency.idle_line(desk, side.tried)
    else:
        line = "" if side.tried else desk.spare_line(LinePurpose.CONVENIENCE)
    if line:
        yield from dial_on(desk, side, line, now)
    elif side.emergency and emergency.is_possible(desk):
        side.enter(SideState.SEEKING, now)
        yield from ends.say(desk, side, "please_wait")
    else:
        side.settle(Result.NOT_REACHED, "out.no_line", Evidence.OWN)
        yield from ends.leave(desk, side, now, *refusals.no_line(emergency=side.emergency))


def dial_on(desk: Desk, side: Dialled, line: str, now: Now) -> Orders:
    """Seize a line and dial."""
    seat = desk.seats[line]
    side.line, side.freeing, seat.call = line, "", side.leg
    seat.become(LineState.IN_USE, now)
    side.enter(SideState.DIALLING, now)
    side.note(f"line.{line}", line=line, called=seat.line.called_number)
    digits = desk.office.outgoing.dialled(side.number, side.emergency)
    yield orders.DialLeg(line, digits, RINGS_MS, side.emergency)
    yield orders.WriteCall(side.record)


def _obey(desk: Desk, side: Dialled, event: DigitPressed, now: Now) -> Orders:
    """Outside the civil band a person says that it is urgent; other keys mean nothing (E17)."""
    if event.digit == URGENT_KEY:
        side.note("urgent")
        yield from seize(desk, side, now)


# --- emergency calls without a line -------------------------------------------------------------


def waiting(desk: Desk) -> tuple[Dialled, ...]:
    """Return the emergency calls that wait for a line."""
    sides = desk.sides.values()
    return tuple(s for s in sides if isinstance(s, Dialled) and s.state is SideState.SEEKING)


def seek(desk: Desk, side: Dialled, now: Now) -> Orders:
    """Take an idle line as soon as there is one, or choose the one to be freed (`freeing`)."""
    if line := emergency.idle_line(desk, side.tried):
        yield from dial_on(desk, side, line, now)
    elif not side.freeing:
        side.freeing = emergency.to_be_freed(desk, side.tried)
        if side.freeing:
            side.note(f"freed.{side.freeing}.{desk.seats[side.freeing].call}")
        elif side.rounds == ROUNDS:
            side.settle(Result.NOT_REACHED, "out.no_line", Evidence.OWN)
            yield from ends.leave(desk, side, now, *refusals.no_line(emergency=side.emergency))


def _seek_on(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """The line that was to be freed does not come: the next one, or all of them once more."""
    if side.freeing:
        side.tried.add(side.freeing)
    else:
        side.tried.clear()
        side.rounds += 1
    side.freeing = ""
    side.enter(SideState.SEEKING, now)
    yield from ()


# --- on the line --------------------------------------------------------------------------------


def _hear(desk: Desk, side: Dialled, event: FarEndProgressed, now: Now) -> Orders:
    """Follow how the call gets on."""
    progress = event.progress
    if progress in NOT_DIALLED:
        yield from _next_line(desk, side, event, now)
    elif side.state is SideState.DIALLING:
        if progress is FarEnd.DIALLED:
            side.enter(SideState.CONNECTED, now)
            side.note("dialled")
            yield orders.Connect(side.line, side.leg)
    elif progress in OVER:
        yield from ends.far_left(desk, side, CallerHungUp(side.line, OVER[progress]), now)
    elif progress is FarEnd.ANSWERED and side.state is SideState.CONNECTED:
        yield from _talk(desk, side, now)
    else:
        side.note(f"far.{progress}")
        if progress is FarEnd.SIT:  # an announcement follows, behind it nothing is known any more
            side.deadline = now.monotonic + ANNOUNCED_MS / 1000


def _talk(desk: Desk, side: Dialled, now: Now) -> Orders:
    """Somebody seems to have answered: from now on time is counted."""
    office = desk.office
    limit_ms = office.longest_ms
    if not side.emergency:
        left = left_ms(office.outgoing, side.phone, desk.ledger, now)
        limit_ms = max(1000, min(limit_ms, left))
    side.enter(SideState.TALKING, now)
    side.deadline, side.talking_since = now.monotonic + limit_ms / 1000, now.monotonic
    side.note("far.answered", answered_at=now.wall)
    yield orders.WriteCall(side.record)


def _next_line(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """This line was of no use: an emergency call tries another one, any other call is told."""
    side.tried.add(side.line)
    side.note(f"line.useless.{side.line}")
    if not side.emergency:
        why = event.progress if isinstance(event, FarEndProgressed) else "late"
        side.settle(Result.NOT_REACHED, f"out.{why}", Evidence.OWN)
    yield from _put_down(desk, side, now)
    side.line = ""  # whoever hears of it from now on is the desk
    yield from seize(desk, side, now)


def _put_down(desk: Desk, side: Dialled, now: Now) -> Orders:
    seat = desk.seats[side.line]
    seat.call = ""
    seat.become(LineState.CLEARING, now)
    yield orders.HangUp(side.line)


def _forward(desk: Desk, side: Dialled, event: DigitPressed, now: Now) -> Orders:
    """The operator's keys reach whoever was called."""
    if event.leg:
        yield orders.PressKeys(side.line, event.digit)


def _lose(desk: Desk, side: Dialled, event: Any, now: Now) -> Orders:
    """The line went, or on hook by itself: an emergency call looks for another one."""
    ends.free(desk, side, event, now)
    if side.emergency and side.talking_since is None:
        side.tried.add(event.line)
        yield from seize(desk, side, now)
        return
    side.settle(side.so_far, "out.lost", Evidence.LOST)
    yield orders.HangUpPhone(side.leg)
    yield from ends.end(desk, side, now)


DOINGS: Doings = {
    SideDo.DIAL: begin,
    SideDo.WAIT: sides.forget,
    SideDo.OBEY: _obey,
    SideDo.SEEK: _seek_on,
    SideDo.HEAR: _hear,
    SideDo.GO_ON: _next_line,
    SideDo.FORWARD: _forward,
    SideDo.GIVE_LINE: ends.give_line,
    SideDo.FAR_LEFT: ends.far_left,
    SideDo.END_LONGEST: ends.end_longest,
    SideDo.PART: ends.part,
    SideDo.GIVE_UP: ends.give_up,
    SideDo.LOSE: _lose,
    SideDo.FREE_LINE: ends.free_line,
    SideDo.HANG_UP: ends.hang_up,
}
