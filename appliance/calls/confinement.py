"""Confinement: bring a call to safety after a programming error in one of its handlers.

The handler's orders and changes before the error hold; the call goes on from there, and no other
call is affected. The caller keeps a conversation that is whole, else comes to voicemail; what was
recorded is kept; the line is released in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from appliance.calls import announcements, events, orders, pbx, sip_line, voicemail
from appliance.calls.model import Call, LineState, Side, SwitchboardState, hang_up_line, off_hook
from appliance.calls.orders import Order, Result
from appliance.calls.ringing import (
    GONE,
    WAITS_FOR_PERSON,
    end_call,
    free_line_of,
    give_caller_back,
    is_given_back,
    note_evidence,
    note_lost,
    note_unasked,
    release_phones,
    start_greeting,
    without_message,
)
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.opening import REASON_SENTENCES, ReasonCode
from appliance.policy.routing import NOT_TAKEN_GREETINGS, Decision, Destination, NotTaken

Orders = Iterator[Order]
Report = Callable[[], None]
"""Reports the exception being handled."""
Step = Callable[[SwitchboardState, Call, object, Now], Orders]

TRAIL: Final = "fault"
"""Trail code of a call that was hit by a programming error."""
FALLBACK: Final = Decision(
    Destination.VOICEMAIL,
    ReasonCode.FAULT,
    REASON_SENTENCES[ReasonCode.FAULT],
    NOT_TAKEN_GREETINGS[NotTaken.UNREACHABLE],
)
# Events that a call can miss without harm: it goes on as it was.
INFORM: Final = (
    events.AlternateWished,
    events.AnswerWished,
    events.CallerIdentified,
    events.DigitPressed,
    events.FaxCalled,
    events.HandOverWished,
    events.HeadWished,
    events.HoldWished,
    events.LineHalfDuplex,
    events.LineRang,
    events.RecordingGap,
    events.ResumeWished,
    events.ServiceStateChanged,
    events.TransferAsked,
    events.TransferWished,
)
LINE_GONE: Final = (*GONE, events.LineIdle, events.LineRestored)
# Events after which nobody listens on a line, or the box must release it.
LEAVES: Final = (events.CallerHungUp, events.LineTaken, events.LineNeeded)
TALKS: Final = frozenset({State.TALKING, State.TRANSFERRED})
# Events that end a conversation, other than the caller's.
PARTS: Final = (events.PhoneHungUp, events.DeadlinePassed)
KEEPS: Final = frozenset({State.STORING, State.SAVING})
# The caller is on hold at the PBX: no announcement of the box reaches them before a second flash.
AT_PBX: Final = frozenset({State.PBX_CALLING, State.PBX_OFFERING, State.PBX_AWAITING_KEY})
GREETED: Final = frozenset(
    {State.GREETING_PENDING, State.GREETING, State.MENU, State.SHEET, State.CALLBACK_OFFERED}
)
"""States in which the greeting, or what precedes it, has failed."""
WITHOUT_VOICEMAIL: Final = GREETED | KEEPS | {State.TONE, State.RECORDING, State.FAREWELL}
OUTCOMES: Final = (
    events.MessageStored, events.RequestStored, events.StoreFailed, events.DeadlinePassed
)  # fmt: skip
"""Last events about a message or request that is being stored."""

Seen = tuple[object, ...]


def seen(call: Call) -> Seen:
    """Return what must be unchanged for a call to go on as if the event had not come."""
    office = call.transfer.leg if call.transfer else ""
    return call.state, tuple(call.legs), call.leg, office


def of_call(
    board: SwitchboardState,
    call: Call,
    event: object,
    before: Seen | None,
    now: Now,
    report: Report,
) -> Orders:
    """Bring a call to safety by the first step of its ladder that does not fail itself."""
    # It is over: no caller is on it.
    if board.calls.get(call.id) is not call:
        return
    call.note(TRAIL)
    # The handler that would have noted this has failed.
    call.up = call.up or isinstance(event, events.LineAnswered)
    for step in _ladder(board, call, event, before):
        try:
            yield from step(board, call, event, now)
        except Exception:  # noqa: BLE001 - whatever it is: the plainer step follows
            report()
        else:
            return
    # Every step has failed: forget the call, so that its line can ring again.
    board.calls.pop(call.id, None)
    tidy(board, now)


def _ladder(
    board: SwitchboardState, call: Call, event: object, before: Seen | None
) -> tuple[Step, ...]:
    """Return the steps to try, plainer ones later; the first that succeeds is the last."""
    state = call.state if before is None else before[0]
    # No order can reach the caller any more.
    if isinstance(event, LINE_GONE):
        return _lose, _drop
    # The line has not proven itself idle in time: no other event need come.
    if state is State.CLEARING and isinstance(event, events.DeadlinePassed):
        return (_drop,)
    # The handler has changed nothing, and the event was only for information: the conversation is
    # whole. Not in ARRIVED, where the identity is what routes the call.
    whole = before == seen(call) and state is not State.ARRIVED
    if state is State.CLEARING or (whole and isinstance(event, INFORM)):
        return _go_on, _drop
    # The conversation is over, or nobody listens: nothing is played.
    if isinstance(event, LEAVES) or (state in TALKS and isinstance(event, PARTS)):
        return _let_go, _drop
    # Only a second flash brings the caller back to where the box is heard.
    if state in AT_PBX:
        return pbx.take_back, _let_go, _drop
    # The greeting has failed; a message can be left without it.
    if state in GREETED and call.up and board.has_room:
        return _tone, _let_go, _drop
    # Voicemail itself has failed: what was recorded is kept, more cannot be done.
    if state in WITHOUT_VOICEMAIL:
        return _let_go, _drop
    return _voicemail, _let_go, _drop


def _go_on(_board: SwitchboardState, call: Call, _event: object, _now: Now) -> Orders:
    yield call.write()


def _voicemail(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Hang up the phones and send the caller to voicemail, with the greeting for a fault."""
    yield from _release(call, event)
    call.stage, call.decision, call.settled = None, FALLBACK, True
    # The branch that sent a caller whom nobody has answered decides what comes next.
    if is_given_back(call, FALLBACK):
        yield from give_caller_back(board, call, now)
        return
    call.note(f"route.{ReasonCode.FAULT}", way=Destination.VOICEMAIL, reason=ReasonCode.FAULT.value)
    if call.up:
        yield from start_greeting(board, call, FALLBACK, now)
        return
    call.enter(State.GREETING_PENDING, now)
    if not call.off_hook:
        yield from off_hook(board, call, now)
    yield call.write()


def _tone(board: SwitchboardState, call: Call, _event: object, now: Now) -> Orders:
    """Play the tone without a greeting: a message can be left all the same."""
    call.enter(State.TONE, now)
    yield orders.Play(call.new_play(), announcements.tone(board.office), line=call.line.name)
    yield call.write()


def _let_go(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Hang up and keep what was recorded."""
    yield from _release(call, event)
    if isinstance(event, events.CallerHungUp):
        note_evidence(call, event)
    yield from _keep_words(board, call, event, now)
    # The line still rings: its next ring begins a new call.
    if not call.off_hook and call.line.can.ring_again:
        board.leave_line(call, LineState.IDLE, now)
        call.settle(Result.LOST)
        yield from end_call(board, call, now)
        return
    if call.on_line:
        yield from hang_up_line(board, call, now)
    if call.state in KEEPS:
        call.state = State.SAVING
        yield call.write()
        return
    call.settle(_result(call))
    if call.on_line:
        call.enter(State.CLEARING, now)
        yield call.write()
    else:
        yield from end_call(board, call, now)


def _lose(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line is gone or idle, and keep what was recorded."""
    yield from _release(call, event)
    yield from _keep_words(board, call, event, now)
    if call.on_line:
        note_lost(call, event)
        note_unasked(call)
        free_line_of(board, call, event, now)
    if call.state in KEEPS:
        call.state = State.SAVING
        yield call.write()
        return
    call.settle(Result.STOPPED if isinstance(event, events.BoxStopped) else _result(call))
    yield from end_call(board, call, now)


def _drop(board: SwitchboardState, call: Call, _event: object, now: Now) -> Orders:
    """Hang up every leg and the line, and drop the call."""
    # The last step: no handler is called but `end_call`, so that there is little left to fail.
    transfer = call.transfer
    legs = dict.fromkeys((*call.legs, call.leg, transfer.leg if transfer else ""))
    for leg in legs:
        if leg:
            yield orders.HangUpPhone(leg)
    # Not answered: the sender of a line that cannot ring again would ring it until its own limit.
    if call.on_line and (call.off_hook or not call.line.can.ring_again):
        yield orders.HangUp(call.line.name)
    if call.on_line:
        board.leave_line(call, LineState.CLEARING if call.off_hook else LineState.IDLE, now)
    call.settle(_result(call))
    yield from end_call(board, call, now)


def _release(call: Call, event: object) -> Orders:
    """Hang up every phone of the call."""
    yield from release_phones(call)
    # A phone that has just answered may not be the call's yet.
    if isinstance(event, events.OperatorAnswered):
        yield orders.HangUpPhone(event.leg)


def _keep_words(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Store a running recording; note the outcome of one that is being stored."""
    if call.state is State.RECORDING:
        call.enter(State.SAVING, now, board.office.voicemail.store_ms)
        yield voicemail.to_be_stored(call)
        return
    if call.state not in KEEPS:
        return
    # What failed is only what follows the storing: a stored message is one.
    if isinstance(event, events.MessageStored) and not call.record.message:
        call.note("stored", result=Result.MESSAGE, message=event.message)
    if isinstance(event, OUTCOMES):
        call.settle(Result.ANSWERED if call.request is not None else Result.NOT_STORED)
        call.state = State.FAREWELL


def _result(call: Call) -> Result:
    """Return the result of a call that is ended here."""
    if call.talking_since is not None:
        return Result.ANSWERED
    waited = call.state in WAITS_FOR_PERSON or not call.up
    return Result.LOST if waited else without_message(call)


def of_side(
    board: SwitchboardState,
    side: Side,
    event: object,
    before: Seen | None,
    now: Now,
    report: Report,
) -> Orders:
    """End a call that a phone made, unless it is unchanged and can miss the event."""
    is_whole = before == (side.state, tuple(side.legs)) and isinstance(event, INFORM)
    if is_whole or board.sides.get(side.leg) is not side:
        return
    # By orders that can hardly fail; if they do, the call is forgotten all the same.
    try:
        yield from side.abort(board, now)
    except Exception:  # noqa: BLE001 - as of_call
        report()
    board.sides.pop(side.leg, None)


def unheard(board: SwitchboardState, event: events.Event, given: Iterable[Order]) -> Orders:
    """Refuse a phone whose call, or whose transfer request, could not be begun."""
    leg = getattr(event, "leg", "")
    match event:
        case events.PhoneDialled() | events.BranchCalled():
            # It has begun: its own limits end it.
            if leg in board.sides or leg in board.channels:
                return
            up = any(isinstance(o, orders.AcceptPhone) and o.leg == leg for o in given)
            yield orders.HangUpPhone(leg) if up else orders.RefusePhone(leg, sip_line.NO_SERVICE)
        case events.TransferAsked():
            yield orders.TellTransfer(leg, orders.DECLINED)


def tidy(board: SwitchboardState, now: Now) -> None:
    """Free lines whose call does not exist (any more): their next ring begins one."""
    for name, channel in tuple(board.channels.items()):
        if channel.call and channel.call not in board.calls and channel.call not in board.sides:
            channel.call = ""
            channel.become(LineState.IDLE, now)
            if not channel.line.can.ring_again:
                del board.channels[name]
