"""Confinement: what becomes of a call that a fault of ours befell in the middle of a handler.

What a handler ordered before it failed holds, and so does what it changed: here the call is brought
from there to something safe, and no other call hears of it. The caller keeps a conversation that
is whole, else comes to voicemail; what was recorded is kept; the line is released in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from appliance.calls import announcements, branches, events, orders, pbx, voicemail
from appliance.calls.model import Call, Desk, LineState, Side, hang_up_line, off_hook
from appliance.calls.orders import Order, Result
from appliance.calls.outgoing import OutgoingCall, end_dialled
from appliance.calls.outside_call import OutsideCall
from appliance.calls.ringing import (
    GONE,
    WAITS_FOR_PERSON,
    end_call,
    free_line_of,
    note_evidence,
    note_lost,
    note_unasked,
    release_phones,
    start_greeting,
    without_message,
)
from appliance.calls.side_states import SideState
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.opening import REASON_SENTENCES, ReasonCode
from appliance.policy.routing import NOT_TAKEN_GREETINGS, Decision, Destination, NotTaken

Orders = Iterator[Order]
Report = Callable[[], None]
"""Takes note of a fault, within the handler that caught it."""
Step = Callable[[Desk, Call, object, Now], Orders]

TRAIL: Final = "fault"
"""What the trail of a call says that a fault befell."""
FALLBACK: Final = Decision(
    Destination.VOICEMAIL,
    ReasonCode.FAULT,
    REASON_SENTENCES[ReasonCode.FAULT],
    NOT_TAKEN_GREETINGS[NotTaken.UNREACHABLE],
)
INFORM: Final = (
    events.CallerIdentified,
    events.DigitPressed,
    events.FaxCalled,
    events.HeadWished,
    events.LineHalfDuplex,
    events.LineRang,
    events.RecordingGap,
    events.ServiceStateChanged,
    events.TransferAsked,
    events.TransferWished,
)
"""Events without which a call goes on as it was."""
LINE_GONE: Final = (*GONE, events.LineIdle, events.LineRestored)
LEAVES: Final = (events.CallerHungUp, events.LineTaken, events.LineNeeded)
"""Events after which the box has nobody to speak to on a line, or must let go of it."""
TALKS: Final = frozenset({State.TALKING, State.TRANSFERRED})
PARTS: Final = (events.PhoneHungUp, events.DeadlinePassed)
"""What ends a conversation, beside its caller."""
KEEPS: Final = frozenset({State.STORING, State.SAVING})
AT_PBX: Final = frozenset({State.PBX_CALLING, State.PBX_OFFERING, State.PBX_AWAITING_KEY})
"""The caller is on hold at a PBX, and hears nothing of ours."""
GREETED: Final = frozenset(
    {State.GREETING_PENDING, State.GREETING, State.MENU, State.SHEET, State.CALLBACK_OFFERED}
)
"""Voicemail itself has failed, or what stands before it."""
WITHOUT_VOICEMAIL: Final = GREETED | KEEPS | {State.TONE, State.RECORDING, State.FAREWELL}
OUTCOMES: Final = (
    events.MessageStored, events.RequestStored, events.StoreFailed, events.DeadlinePassed
)  # fmt: skip
"""After these nothing more is heard of what was to be stored."""

Seen = tuple[object, ...]


def seen(call: Call) -> Seen:
    """Return what must be as it was for a call to go on as if nothing had come."""
    office = call.transfer.leg if call.transfer else ""
    return call.state, tuple(call.legs), call.leg, office


def of_call(
    desk: Desk, call: Call, event: object, before: Seen | None, now: Now, report: Report
) -> Orders:
    """Bring a call to safety; a step that fails itself is followed by a plainer one."""
    if desk.calls.get(call.id) is not call:
        return  # it is over: nothing can befall its caller
    call.note(TRAIL)
    call.up = call.up or isinstance(event, events.LineAnswered)
    for step in _ladder(desk, call, event, before):
        try:
            yield from step(desk, call, event, now)
        except Exception:  # noqa: BLE001 - whatever it is: the plainer step follows
            report()
        else:
            return
    desk.calls.pop(call.id, None)
    tidy(desk, now)


def _ladder(desk: Desk, call: Call, event: object, before: Seen | None) -> tuple[Step, ...]:
    """Choose the steps: the first one that is carried out is the last."""
    state = call.state if before is None else before[0]
    if isinstance(event, LINE_GONE):
        return _lose, _drop
    if state is State.CLEARING and isinstance(event, events.DeadlinePassed):
        return (_drop,)
    whole = before == seen(call) and state is not State.ARRIVED
    if state is State.CLEARING or (whole and isinstance(event, INFORM)):
        return _go_on, _drop
    if isinstance(event, LEAVES) or (state in TALKS and isinstance(event, PARTS)):
        return _let_go, _drop
    if state in AT_PBX:
        return pbx.take_back, _let_go, _drop
    if state in GREETED and call.up and desk.has_room:
        return _tone, _let_go, _drop
    if state in WITHOUT_VOICEMAIL:
        return _let_go, _drop
    return _voicemail, _let_go, _drop


# --- steps --------------------------------------------------------------------------------------


def _go_on(_desk: Desk, call: Call, _event: object, _now: Now) -> Orders:
    yield call.write()


def _voicemail(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Let phones go; the caller hears that there is a technical problem, and may leave words.

    A caller whom another branch hands over and nobody has answered is theirs again.
    """
    yield from _release(call, event)
    call.stage, call.decision, call.settled = None, FALLBACK, True
    if branches.is_given_back(desk, call, FALLBACK):
        yield from branches.give_caller_back(desk, call, now)
        return
    call.note(f"route.{ReasonCode.FAULT}", way=orders.Way.VOICEMAIL, reason=ReasonCode.FAULT.value)
    if call.up:
        yield from start_greeting(desk, call, FALLBACK, now)
        return
    call.enter(State.GREETING_PENDING, now)
    if not call.off_hook:
        yield from off_hook(desk, call, now)
    yield call.write()


def _tone(desk: Desk, call: Call, _event: object, now: Now) -> Orders:
    """No greeting can be said: the tone alone, and words can be left all the same."""
    call.enter(State.TONE, now)
    yield orders.Play(call.new_play(), announcements.tone(desk.office), line=call.line.name)
    yield call.write()


def _let_go(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Hang up; what was recorded is kept. A line that rings on begins a call anew."""
    yield from _release(call, event)
    if isinstance(event, events.CallerHungUp):
        note_evidence(call, event)
    yield from _keep_words(desk, call, event, now)
    if not call.off_hook and not desk.came_over(call):
        desk.leave_line(call, LineState.IDLE, now)
        call.settle(Result.LOST)
        yield from end_call(desk, call, now)
        return
    if call.on_line:
        yield from hang_up_line(desk, call, now)
    if call.state in KEEPS:
        call.state = State.SAVING
        yield call.write()
        return
    call.settle(_result(call))
    if call.on_line:
        call.enter(State.CLEARING, now)
        yield call.write()
    else:
        yield from end_call(desk, call, now)


def _lose(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line is gone, or idle: what was recorded is kept, the call is over."""
    yield from _release(call, event)
    yield from _keep_words(desk, call, event, now)
    if call.on_line:
        note_lost(call, event)
        note_unasked(call)
        free_line_of(desk, call, event, now)
    if call.state in KEEPS:
        call.state = State.SAVING
        yield call.write()
        return
    call.settle(Result.STOPPED if isinstance(event, events.BoxStopped) else _result(call))
    yield from end_call(desk, call, now)


def _drop(desk: Desk, call: Call, _event: object, now: Now) -> Orders:
    """Forget the call by nothing that could fail: each leg is hung up, and the line."""
    transfer = call.transfer
    legs = dict.fromkeys((*call.legs, call.leg, transfer.leg if transfer else ""))
    for leg in legs:
        if leg:
            yield orders.HangUpPhone(leg)
    if call.off_hook and call.on_line:
        yield orders.HangUp(call.line.name)
    if call.on_line:
        desk.leave_line(call, LineState.CLEARING if call.off_hook else LineState.IDLE, now)
    call.settle(_result(call))
    yield from end_call(desk, call, now)


def _release(call: Call, event: object) -> Orders:
    """Let every phone of the call go, also one that has just lifted."""
    yield from release_phones(call)
    if isinstance(event, events.OperatorAnswered):
        yield orders.HangUpPhone(event.leg)


def _keep_words(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Have what is recorded stored; of what was being stored note how that went."""
    if call.state is State.RECORDING:
        call.enter(State.SAVING, now, desk.office.voicemail.store_ms)
        yield voicemail.to_be_stored(call)
        return
    if call.state not in KEEPS:
        return
    if isinstance(event, events.MessageStored) and not call.record.message:
        call.note("stored", result=Result.MESSAGE, message=event.message)
    if isinstance(event, OUTCOMES):
        call.settle(Result.ANSWERED if call.request is not None else Result.NOT_STORED)
        call.state = State.FAREWELL


def _result(call: Call) -> Result:
    """Say what a call is that ends so."""
    if call.talking_since is not None:
        return Result.ANSWERED
    waited = call.state in WAITS_FOR_PERSON or not call.up
    return Result.LOST if waited else without_message(call)


# --- calls that phones make, and what is no call's ----------------------------------------------


def of_side(
    desk: Desk, side: Side, event: object, before: Seen | None, now: Now, report: Report
) -> Orders:
    """End a call that a phone made, unless it is whole and loses nothing without the event."""
    is_whole = before == (side.state, tuple(side.legs)) and isinstance(event, INFORM)
    if is_whole or desk.sides.get(side.leg) is not side:
        return
    try:
        yield from _end_side(desk, side, now)
    except Exception:  # noqa: BLE001 - as of_call
        report()
    desk.sides.pop(side.leg, None)


def _end_side(desk: Desk, side: Side, now: Now) -> Orders:
    """Let its phones go and its line; the call that waits for one of them hears so."""
    if isinstance(side, OutsideCall):
        side.told.append(events.PhoneHungUp(side.leg))
    else:
        yield from (orders.HangUpPhone(leg) for leg in side.legs)
    for seat in desk.seats.values():
        if seat.call == side.leg:
            seat.call = ""
            seat.become(LineState.CLEARING, now)
            yield orders.HangUp(seat.line.name)
    if isinstance(side, OutgoingCall) and side.state is not SideState.ENDED:
        side.settle(side.so_far, "out.lost", events.Evidence.OWN)
        yield from end_dialled(desk, side, now)


def unheard(desk: Desk, event: events.Event, given: Iterable[Order]) -> Orders:
    """Answer a phone whose call, or whose wish, could not even be begun."""
    leg = getattr(event, "leg", "")
    match event:
        case events.PhoneDialled() | events.BranchCalled():
            if leg in desk.sides or leg in desk.trunks:
                return  # it has begun: its own limits end it
            up = any(isinstance(o, orders.AcceptPhone) and o.leg == leg for o in given)
            yield orders.HangUpPhone(leg) if up else orders.RefusePhone(leg, branches.NO_SERVICE)
        case events.TransferAsked():
            yield orders.TellTransfer(leg, orders.DECLINED)


def tidy(desk: Desk, now: Now) -> None:
    """Free the lines whose call was never begun: their next ring begins one."""
    for seat in desk.seats.values():
        if seat.call and seat.call not in desk.calls and seat.call not in desk.sides:
            seat.call = ""
            seat.become(LineState.IDLE, now)
