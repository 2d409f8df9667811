"""Outgoing calls: what a position may dial (E17), the line it takes, emergencies first, the end."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from appliance.calls import announcements, model, orders
from appliance.calls.events import (
    CallBackAsked,
    Caller,
    CallerHungUp,
    DeadlinePassed,
    DigitPressed,
    Event,
    Evidence,
    FarEnd,
    FarEndProgressed,
    HoldWished,
    LineIdle,
    LineLost,
    LineNeeded,
    LineRestored,
    MediaGatewayLost,
    PhoneDialled,
    Presentation,
    PromptEnded,
    ResumeWished,
)
from appliance.calls.model import (
    NOT_IDLE,
    Actions,
    AutoAnswer,
    Call,
    Channel,
    LineState,
    PickUp,
    Side,
    SwitchboardState,
    state_after,
)
from appliance.calls.orders import CallRecord, Direction, Order, Result
from appliance.calls.side_states import DIALLED_TABLE, SideAction, SideState
from appliance.calls.states import Ignored, State, row_for
from appliance.policy.clock import Now
from appliance.policy.dialling import (
    DIAL_REFUSAL_WORDS,
    DialAllowed,
    DialReasonNeeded,
    DialRefusal,
    DialRefused,
    DialRequest,
    DialVerdict,
    PlacedCall,
    left_ms,
    may_dial,
)
from appliance.policy.lines import LinePurpose
from appliance.policy.numbering import NumberClass, canonical_number
from appliance.text import Words, _


@dataclass(slots=True)
class OutgoingCall(Side):
    """Call of a position to `number` outside, on `line` once it has one.

    `rung`: the box rings the phone (a call back). `gone`: the phone has hung up. `asks`: a reason
    is asked for. `refused`: prompts of a call that is not placed. `tried`: lines that were of no
    use. `freeing`: line that an emergency call waits for.
    """

    record: CallRecord = field(kw_only=True)
    number: str = field(kw_only=True, repr=False)
    emergency: bool = False
    rung: bool = False
    asks: bool = False
    refused: tuple[str, ...] = ()
    line: str = ""
    gone: bool = False
    tried: set[str] = field(default_factory=set)
    freeing: str = ""
    rounds: int = 0
    talking_since: float | None = None

    @property
    def legs(self) -> dict[str, str]:
        """The phone, while it is there."""
        return {} if self.gone else {self.leg: self.phone}

    def concerns(self, event: Event) -> bool:
        """True for events of its line, phone, announcements and limits, and for wishes of it."""
        if isinstance(event, HoldWished | ResumeWished):
            return (event.call, event.phone) == (self.record.call, self.phone)
        # E5: silence ends no conversation.
        if isinstance(event, CallerHungUp) and event.evidence is Evidence.SILENCE:
            return False
        line = getattr(event, "line", "")
        return line == self.line if line else Side.concerns(self, event)

    @property
    def keeps_line(self) -> bool:
        """True for an emergency call: none takes the line of another."""
        return self.emergency

    def abort(self, board: SwitchboardState, now: Now) -> Orders:
        """End it as any call, with a final record."""
        yield from Side.abort(self, board, now)
        if self.state is not SideState.ENDED:
            self.settle(self.so_far, "out.lost", Evidence.OWN)
            yield from end_dialled(board, self, now)

    def note(self, *codes: str, **changes: Any) -> None:
        """Add codes to the record's trail and change fields of the record."""
        self.record = replace(self.record, trail=self.record.trail + codes, **changes)

    @property
    def so_far(self) -> Result:
        """Result of the call, should it end now."""
        return Result.NOT_REACHED if self.talking_since is None else Result.ANSWERED

    def settle(self, result: Result, reason: str, evidence: Evidence) -> None:
        """Set the result and the evidence of its end; the first ones set stay."""
        if self.record.result is Result.OPEN:
            self.note(reason, result=result, reason=reason, evidence=evidence)


# ---- End of an outgoing call: one final record, the line proven idle (B1) ------------------------

Orders = Iterator[Order]


def give_line(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """Give the line to an emergency call; tell the operator, note it in the record."""
    side.note("freed.emergency")
    side.settle(side.so_far, "out.freed", Evidence.EMERGENCY)
    yield from leave_dialled(board, side, now, "line_needed")


def far_left(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """Hang up the phone: the far end is busy, has hung up, or never answered."""
    evidence = event.evidence if isinstance(event, CallerHungUp) else Evidence.LIMIT
    side.settle(side.so_far, f"out.{evidence}", evidence)
    yield orders.HangUpPhone(side.leg)
    side.gone = True
    yield from clear(board, side, now)


def end_longest(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """End a call at its longest duration."""
    # No line stays seized for ever (B1), and no position talks beyond its minutes: toll fraud.
    side.settle(Result.ANSWERED, "out.limit", Evidence.LIMIT)
    yield from leave_dialled(board, side, now, "call_limit")


def leave_dialled(board: SwitchboardState, side: OutgoingCall, now: Now, *keys: str) -> Orders:
    """Play the last sentences to the phone; hang up the line meanwhile."""
    side.enter(SideState.LEAVING, now)
    if side.line:
        board.channels[side.line].become(LineState.CLEARING, now)
        yield orders.HangUp(side.line)
    yield from say_to_dialler(board, side, *keys)


def say_to_dialler(board: SwitchboardState, side: OutgoingCall, *keys: str) -> Orders:
    """Play prompts to the phone."""
    yield orders.Play(side.new_play(), announcements.staff_words(board.office, keys), leg=side.leg)


def part_dialled(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """End the phone's part: it has hung up, or heard the last sentence."""
    leaving = side.state is SideState.LEAVING
    # An event without a leg is the end of a prompt or a limit: the phone is still there.
    if not side.gone and not hasattr(event, "leg"):
        yield orders.HangUpPhone(side.leg)
    side.gone = True
    side.settle(side.so_far, "out.hung_up", Evidence.OPERATOR)
    # `leave_dialled` has hung up the line already.
    if side.line and leaving:
        side.enter(SideState.CLEARING, now)
    else:
        yield from clear(board, side, now)


def clear(board: SwitchboardState, side: OutgoingCall, now: Now) -> Orders:
    """Put the line on hook and wait until it is idle; without a line end the call."""
    if side.line:
        board.channels[side.line].become(LineState.CLEARING, now)
        side.enter(SideState.CLEARING, now)
        yield orders.HangUp(side.line)
    else:
        yield from end_dialled(board, side, now)


def _let_go(side: OutgoingCall) -> Order:
    """Return the order that releases the phone."""
    # A call back rings the position's phone first: until it answers there is nothing to hang up.
    rings = side.rung and side.state is SideState.ACCEPTING
    return orders.StopRinging(side.leg) if rings else orders.HangUpPhone(side.leg)


def give_up_dialling(
    board: SwitchboardState, side: OutgoingCall, event: object, now: Now
) -> Orders:
    """End a call whose phone did not answer the call back, or never came up."""
    side.settle(Result.NOT_REACHED, "out.position", Evidence.OWN)
    yield _let_go(side)
    yield from end_dialled(board, side, now)


def free_dialled(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> None:
    """Detach the line from the call, in the state that the event tells."""
    if not side.line:
        return
    state, reason = state_after(event)
    if isinstance(event, DeadlinePassed):
        state, reason = LineState.CLEARING, NOT_IDLE
    channel = board.channels[side.line]
    channel.call = side.line = ""
    channel.become(state, now, reason)


def free_line(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """Free the line; a phone that still hears its last sentence hears it to the end."""
    free_dialled(board, side, event, now)
    if side.state is SideState.CLEARING:
        yield from end_dialled(board, side, now)


def hang_up_dialled(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """Hang up the phone: there is no sound any more, or no key was pressed."""
    stopped = Evidence.LOST if isinstance(event, MediaGatewayLost) else Evidence.STOPPED
    why = "out.no_reason" if isinstance(event, DeadlinePassed) else "out.lost"
    evidence = Evidence.OWN if isinstance(event, DeadlinePassed) else stopped
    side.settle(side.so_far, why, evidence)
    if not side.gone:
        yield _let_go(side)
    free_dialled(board, side, event, now)
    yield from end_dialled(board, side, now)


def end_dialled(board: SwitchboardState, side: OutgoingCall, now: Now) -> Orders:
    """Write the final record, once."""
    side.state = SideState.ENDED
    side.note("ended", ended_at=now.wall)
    # E17: the time talked counts for the position's limit of the day.
    talked = 0.0 if side.talking_since is None else now.monotonic - side.talking_since
    record = side.record
    placed = PlacedCall(record.call, side.phone, side.number, record.rang_at, record.case, talked)
    board.ledger = board.ledger.place(placed)
    yield orders.WriteCall(record)


# ---- Emergency calls: the line they take, an idle one or that of a call that gives way -----------
# Outgoing calls give way first, then voicemail, callers who wait, the longest transfer, and only
# when nothing else is left the longest conversation. Another emergency call never does.


class Rank(enum.IntEnum):
    """Order in which calls give way to an emergency call."""

    LEAVING = 0  # the line is on its way on hook: waiting is enough
    OUTGOING = 1
    VOICEMAIL = 2
    QUEUE = 3
    TRANSFER = 4
    TALK = 5


# Rank of a call by its state; a test checks that every state has one.
RANKS: Mapping[State, Rank] = {
    State.ARRIVED: Rank.QUEUE,
    State.RINGING: Rank.QUEUE,
    State.ANSWERING: Rank.QUEUE,
    State.HOLDING: Rank.QUEUE,
    State.QUEUED: Rank.QUEUE,
    State.CALLBACK_OFFERED: Rank.VOICEMAIL,
    State.CALLBACK_STORING: Rank.VOICEMAIL,
    State.TALKING: Rank.TALK,
    State.ON_HOLD: Rank.TALK,
    State.PBX_PENDING: Rank.QUEUE,
    State.PBX_GREETING: Rank.QUEUE,
    State.PBX_CHECK: Rank.QUEUE,
    State.PBX_CALLING: Rank.TRANSFER,
    State.PBX_OFFERING: Rank.TRANSFER,
    State.PBX_AWAITING_KEY: Rank.TRANSFER,
    State.PBX_RETURNING: Rank.TRANSFER,
    State.TRANSFER_KEYS: Rank.TALK,
    State.TRANSFER_CHOICE: Rank.TALK,
    State.TRANSFER_RINGING: Rank.TRANSFER,
    State.TRANSFER_CONSULT: Rank.TRANSFER,
    State.OFFICE_WAITS: Rank.TRANSFER,
    State.TRANSFERRED: Rank.TRANSFER,
    State.TRANSFER_RETURNING: Rank.TRANSFER,
    State.TRANSFER_OFFER: Rank.TRANSFER,
    State.GREETING_PENDING: Rank.VOICEMAIL,
    State.GREETING: Rank.VOICEMAIL,
    State.MENU: Rank.VOICEMAIL,
    State.SHEET: Rank.VOICEMAIL,
    State.TONE: Rank.VOICEMAIL,
    State.RECORDING: Rank.VOICEMAIL,
    State.STORING: Rank.VOICEMAIL,
    State.SAVING: Rank.LEAVING,
    State.FAREWELL: Rank.LEAVING,
    State.CLEARING: Rank.LEAVING,
    State.ENDED: Rank.LEAVING,
}


def emergency_is_possible(board: SwitchboardState) -> bool:
    """True while some line in service could carry an emergency call."""
    return any(_in_service(channel) for channel in board.channels.values())


def idle_line(board: SwitchboardState, tried: set[str]) -> str:
    """Return an idle line that was not `tried` in vain, "" for none."""
    # Not `spare_line`: no line is kept from emergencies (P8 keeps one for callers).
    idle = (
        channel.line.name
        for channel in board.channels.values()
        if _in_service(channel) and channel.state is LineState.IDLE and not channel.call
    )
    return next((name for name in idle if name not in tried), "")


def to_be_freed(board: SwitchboardState, tried: set[str]) -> str:
    """Return the line whose call gives way, "" for none."""
    channels = (s for s in board.channels.values() if _in_service(s) and s.line.name not in tried)
    ranked = sorted(_ranked(board, channels))
    return ranked[0][2] if ranked else ""


def _ranked(
    board: SwitchboardState, channels: Iterator[Channel]
) -> Iterator[tuple[Rank, float, str]]:
    """Yield rank, start (the longest first) and name of every line that can be freed."""
    for channel in channels:
        call, side = board.calls.get(channel.call), board.sides.get(channel.call)
        if call is not None and _stays(call):
            continue
        if call is not None:
            began = call.record.answered_at or call.record.rang_at
            yield RANKS[call.state], began.timestamp(), channel.line.name
        elif side is not None and not side.keeps_line:
            yield rank_of(side), 0.0, channel.line.name
        # Another call has just hung it up: nobody need give way.
        elif side is None and channel.state is LineState.CLEARING:
            yield Rank.LEAVING, 0.0, channel.line.name


def _stays(call: Call) -> bool:
    """True for a call whose line cannot be freed by hanging up."""
    # A PBX holds the caller: hung up, it would join caller and extension.
    waited_for = RANKS[call.state] is Rank.LEAVING
    return not waited_for and isinstance(row_for(call.state, LineNeeded), Ignored)


def rank_of(side: Side) -> Rank:
    """Return the rank of a call that the box makes."""
    if side.state in {SideState.LEAVING, SideState.CLEARING}:
        return Rank.LEAVING
    return Rank.TRANSFER if side.carries_caller else Rank.OUTGOING


def _in_service(channel: Channel) -> bool:
    # A half-duplex line carries no conversation: its caller would be dropped for nothing. A line in
    # use outside, without voltage or without modem cannot be freed.
    usable = {LineState.IDLE, LineState.RINGING, LineState.IN_USE, LineState.CLEARING}
    return channel.line.can.dial and not channel.line.is_half_duplex and channel.state in usable


# ---- Refusals: prompts that the phone hears when an outgoing call is not placed (E17) ------------

Keys = tuple[str, ...]

NOT_HERE: Final[Keys] = ("cannot_dial",)
"""This phone may not call this number at any hour."""
NOT_NOW: Final[Keys] = ("cannot_dial", "try_later")
SAY_NO_LINE: Final[Keys] = ("no_line", "try_later")
# An emergency caller is told at once what else to do.
NO_LINE_FOR_HELP: Final[Keys] = ("no_line", "use_mobile")
SAY_TWICE: Final[Keys] = ("message_held",)
ASK_REASON: Final[Keys] = ("off_hours", "dial_urgent")
SAID: Mapping[DialRefusal, Keys] = {
    DialRefusal.NO_NUMBER: NOT_HERE,
    DialRefusal.CLASS: NOT_HERE,
    DialRefusal.NOT_KNOWN: ("dial_not_known",),
    DialRefusal.NIGHT: ("off_hours", "dial_not_known"),
    DialRefusal.NOT_READY: NOT_NOW,
    DialRefusal.CALLS: ("dial_limit", "try_later"),
    DialRefusal.MINUTES: ("dial_limit",),
}
"""Prompts for each refusal, as policy.dialling.DIAL_REFUSAL_WORDS are its words on the pages."""


def no_line_keys(*, emergency: bool) -> Keys:
    """Return the prompts that say that there is no line."""
    return NO_LINE_FOR_HELP if emergency else SAY_NO_LINE


# ---- Dialling: a line is seized and dialled, and the operator hears all of it --------------------
# The phone is joined to the line as soon as the number is sent: the operator hears ring-back, busy
# tone and announcements. The sound tells the box when the call is over (B1): an analog line has no
# answer signal.

# Longest ringing at the far end, ms; then nobody has answered.
RINGS_MS = 120_000
# How often useless lines are tried again: one may only have been released late.
ROUNDS = 1
# Time for an operator to hear why a number cannot be reached, ms; then the line is hung up.
ANNOUNCED_MS = 30_000
URGENT_KEY = "1"
RESUME_KEY = "*"
# Outcomes of a useless line; an emergency call tries the next one.
NOT_DIALLED = {FarEnd.NO_DIAL_TONE, FarEnd.REFUSED}
OVER = {
    FarEnd.BUSY: Evidence.BUSY_TONE,
    FarEnd.CONGESTION: Evidence.CONGESTION_TONE,
    FarEnd.DIAL: Evidence.DIAL_TONE,
    FarEnd.NO_ANSWER: Evidence.LIMIT,
}
"""Evidence of a release for each sound that ends a call."""


def begin_dialling(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """Play the refusal, ask for the reason, or dial, once the phone is up."""
    if side.refused:
        yield from leave_dialled(board, side, now, *side.refused)
    elif side.asks:
        side.enter(SideState.SPEAKING, now)
        yield from say_to_dialler(board, side, *ASK_REASON)
    else:
        yield from seize(board, side, now)


def seize(board: SwitchboardState, side: OutgoingCall, now: Now) -> Orders:
    """Seize a line; without one an emergency call waits, any other is refused."""
    if side.emergency:
        # Any idle line, from any phone and at any hour.
        line = idle_line(board, side.tried)
    else:
        # One try: only an emergency call goes on to a second line.
        line = "" if side.tried else board.spare_line(LinePurpose.CONVENIENCE)
    if line:
        yield from dial_on(board, side, line, now)
    elif side.emergency and emergency_is_possible(board):
        side.enter(SideState.SEEKING, now)
        yield from say_to_dialler(board, side, "please_wait")
    else:
        side.settle(Result.NOT_REACHED, "out.no_line", Evidence.OWN)
        yield from leave_dialled(board, side, now, *no_line_keys(emergency=side.emergency))


def dial_on(board: SwitchboardState, side: OutgoingCall, line: str, now: Now) -> Orders:
    """Seize a line and dial."""
    channel = board.channels[line]
    side.line, side.freeing, channel.call = line, "", side.leg
    channel.become(LineState.IN_USE, now)
    side.enter(SideState.DIALLING, now)
    side.note(f"line.{line}", line=line, called=channel.line.called_number)
    digits = board.office.outgoing.dialled(side.number, side.emergency)
    yield orders.DialLeg(line, digits, RINGS_MS, side.emergency)
    yield orders.WriteCall(side.record)


def _obey(board: SwitchboardState, side: OutgoingCall, event: DigitPressed, now: Now) -> Orders:
    """Dial outside the hours for calling back, by the key for "urgent" (E17); ignore others."""
    if event.digit == URGENT_KEY:
        side.note("urgent")
        yield from seize(board, side, now)


def waiting(board: SwitchboardState) -> tuple[OutgoingCall, ...]:
    """Return the emergency calls that wait for a line."""
    sides = board.sides.values()
    return tuple(s for s in sides if isinstance(s, OutgoingCall) and s.state is SideState.SEEKING)


def seek(board: SwitchboardState, side: OutgoingCall, now: Now) -> Orders:
    """Dial on an idle line, or choose the line to be freed (`freeing`)."""
    if line := idle_line(board, side.tried):
        yield from dial_on(board, side, line, now)
    elif not side.freeing:
        side.freeing = to_be_freed(board, side.tried)
        if side.freeing:
            side.note(f"freed.{side.freeing}.{board.channels[side.freeing].call}")
        elif side.rounds == ROUNDS:
            side.settle(Result.NOT_REACHED, "out.no_line", Evidence.OWN)
            yield from leave_dialled(board, side, now, *no_line_keys(emergency=side.emergency))


def _seek_on(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """Try the next line, or all once more: the line to be freed has not become idle in time."""
    if side.freeing:
        side.tried.add(side.freeing)
    else:
        side.tried.clear()
        side.rounds += 1
    side.freeing = ""
    side.enter(SideState.SEEKING, now)
    yield from ()


def _hear(board: SwitchboardState, side: OutgoingCall, event: FarEndProgressed, now: Now) -> Orders:
    """Follow the progress of the call."""
    progress = event.progress
    if progress in NOT_DIALLED:
        yield from _next_line(board, side, event, now)
    # Until the digits are sent what is heard is the exchange's, not the far end's.
    elif side.state is SideState.DIALLING:
        if progress is FarEnd.DIALLED:
            side.enter(SideState.CONNECTED, now)
            side.note("dialled")
            yield orders.Connect(side.line, side.leg)
    elif progress in OVER:
        yield from far_left(board, side, CallerHungUp(side.line, OVER[progress]), now)
    elif progress is FarEnd.ANSWERED and side.state is SideState.CONNECTED:
        yield from _talk(board, side, now)
    else:
        side.note(f"far.{progress}")
        # An announcement follows the tones (SIT); behind it nothing is known any more.
        if progress is FarEnd.SIT:
            side.deadline = now.monotonic + ANNOUNCED_MS / 1000


def _talk(board: SwitchboardState, side: OutgoingCall, now: Now) -> Orders:
    """Begin to count the time: somebody seems to have answered."""
    office = board.office
    limit_ms = office.longest_ms
    # An emergency call is not bound to the position's minutes of the day.
    if not side.emergency:
        left = left_ms(office.outgoing, side.phone, board.ledger, now)
        limit_ms = max(1000, min(limit_ms, left))
    side.enter(SideState.TALKING, now)
    side.deadline, side.talking_since = now.monotonic + limit_ms / 1000, now.monotonic
    side.note("far.answered", answered_at=now.wall)
    yield orders.WriteCall(side.record)


def _next_line(board: SwitchboardState, side: OutgoingCall, event: object, now: Now) -> Orders:
    """Give up a useless line: an emergency call tries another one, any other call is refused."""
    side.tried.add(side.line)
    side.note(f"line.useless.{side.line}")
    if not side.emergency:
        why = event.progress if isinstance(event, FarEndProgressed) else "late"
        side.settle(Result.NOT_REACHED, f"out.{why}", Evidence.OWN)
    yield from _put_down(board, side, now)
    # Its LineIdle is not this call's any more: updates.py notes it for the line.
    side.line = ""
    yield from seize(board, side, now)


def _put_down(board: SwitchboardState, side: OutgoingCall, now: Now) -> Orders:
    channel = board.channels[side.line]
    channel.call = ""
    channel.become(LineState.CLEARING, now)
    yield orders.HangUp(side.line)


def _forward(board: SwitchboardState, side: OutgoingCall, event: DigitPressed, now: Now) -> Orders:
    """Pass the operator's keys on to the far end."""
    if event.leg:
        yield orders.PressKeys(side.line, event.digit)


def _put_on_hold(
    board: SwitchboardState, side: OutgoingCall, event: HoldWished, now: Now
) -> Orders:
    """Play music to the far end; the phone stays up, and hears a soft sign at times."""
    # Whoever helps is never put on hold.
    if side.emergency:
        return
    side.note("on_hold")
    _go_on(side, SideState.ON_HOLD, now)
    yield orders.Hold(side.line)
    yield from _sign(side)
    yield orders.WriteCall(side.record)


def _go_on(side: OutgoingCall, state: SideState, now: Now) -> None:
    """Enter or leave the hold within the same longest duration."""
    deadline = side.deadline
    side.enter(state, now)
    side.deadline = deadline


def _sign(side: OutgoingCall) -> Orders:
    yield orders.Play(side.new_play(), (announcements.HOLD_SIGN,), leg=side.leg)


def _hold_on(board: SwitchboardState, side: OutgoingCall, event: PromptEnded, now: Now) -> Orders:
    """Repeat the sign of the hold."""
    yield from _sign(side)


def _resume(
    board: SwitchboardState, side: OutgoingCall, event: ResumeWished | DigitPressed, now: Now
) -> Orders:
    """Join the far end with the phone again, by the screen or by a star of the phone."""
    if isinstance(event, DigitPressed) and (not event.leg or event.digit != RESUME_KEY):
        return
    side.note("resumed")
    _go_on(side, SideState.TALKING, now)
    yield orders.Connect(side.line, side.leg)
    yield orders.WriteCall(side.record)


def _lose(
    board: SwitchboardState, side: OutgoingCall, event: LineIdle | LineLost | LineRestored, now: Now
) -> Orders:
    """End a call whose line was lost or went on hook; an emergency call takes another line."""
    free_dialled(board, side, event, now)
    # Once somebody has spoken, no other line is dialled without the caller's doing.
    if side.emergency and side.talking_since is None:
        side.tried.add(event.line)
        yield from seize(board, side, now)
        return
    side.settle(side.so_far, "out.lost", Evidence.LOST)
    yield orders.HangUpPhone(side.leg)
    yield from end_dialled(board, side, now)


DIALLED_ACTIONS: Actions = {
    SideAction.DIAL: begin_dialling,
    SideAction.WAIT: model.forget,
    SideAction.OBEY: _obey,
    SideAction.SEEK: _seek_on,
    SideAction.HEAR: _hear,
    SideAction.GO_ON: _next_line,
    SideAction.FORWARD: _forward,
    SideAction.PUT_ON_HOLD: _put_on_hold,
    SideAction.HOLD_ON: _hold_on,
    SideAction.RESUME: _resume,
    SideAction.GIVE_LINE: give_line,
    SideAction.FAR_LEFT: far_left,
    SideAction.END_LONGEST: end_longest,
    SideAction.PART: part_dialled,
    SideAction.GIVE_UP: give_up_dialling,
    SideAction.LOSE: _lose,
    SideAction.FREE_LINE: free_line,
    SideAction.HANG_UP: hang_up_dialled,
}


# ---- Beginning: a phone dials, is rung to call back, or is up already (`begin_for`) --------------

RING_MS = 25_000
"""Time that a position's phone rings for a call back, ms."""
NO_DUPLEX = "out.half_duplex"
TWICE_CODE = "out.twice"

NO_NUMBER = _("There is no number to call back.")
NO_POSITION = _("This position has no phone: ask the technician to add one.")
NOT_REACHED = _(
    "The phone of {position} cannot be reached: see whether it is switched on and plugged in."
)
ENGAGED = _("You have a call already: end it or pass it on first.")
RINGS_ALREADY = _("Your phone is ringing: answer it first, or wait until it stops.")
OUT_OF_BAND = _("Outside the band for calling back: only what is urgent is called back.")
NO_LINE_SHOWN = _("No line can be used now.")
RINGS = _("The phone rings: lift it to call.")
PICKS_UP = _("Your phone is answering: the number is dialled then.")
CALLING_BACK = _("Calling back: {caller}")
CALLING = _("Calling: {caller}")
"""On the phone's screen while it rings."""


def dial(board: SwitchboardState, event: PhoneDialled, number: str, now: Now) -> Orders:
    """Answer a phone that dialled a number outside, then place the call or play the refusal."""
    asked = DialRequest(event.phone, number)
    side = _side(board, event.leg, asked, _verdict(board, asked, now), now)
    yield from _begin(board, side, now)
    # Also a refused one: the phone hears why (E17).
    yield orders.AcceptPhone(side.leg)


def begin_for(board: SwitchboardState, before: Side, number: str, case: str, now: Now) -> Orders:
    """Call back from a phone that is up in another call, `before`, which must be ENDED.

    The phone's leg goes on in the new call. `case`: "message:12", "request:7", "call:ID".
    """
    number = canonical_number(number, board.office.outgoing.plan)
    asked = DialRequest(before.phone, number, case)
    side = _side(board, before.leg, asked, _verdict(board, asked, now), now)
    # The names of announcements must stay unique on the leg that both calls share.
    side.plays = before.plays
    yield from _begin(board, side, now)
    yield from begin_dialling(board, side, None, now)


def call_back(board: SwitchboardState, event: CallBackAsked, now: Now) -> Orders:
    """Ring the position's phone for a call back; the number is dialled when it answers (E17)."""
    number = canonical_number(event.number, board.office.outgoing.plan)
    asked = DialRequest(event.phone, number, event.case, event.urgent, event.in_book)
    verdict = _verdict(board, asked, now)
    hindrance = _hindrance(board, asked, verdict)
    seen = board.auto_answer.get(event.phone)
    told = PICKS_UP if event.picks_up and seen is AutoAnswer.SEEN else RINGS
    yield orders.AnswerAsked(event.ask, hindrance is None, hindrance or told)
    if hindrance is not None:
        return
    # A leg of its own: no phone has dialled.
    leg = f"{board.new_id()}.1"
    side = _side(board, leg, asked, verdict, now, name=event.name)
    side.rung = True
    if event.urgent:
        side.note("urgent")
    yield from _begin(board, side, now)
    side.deadline = now.monotonic + RING_MS / 1000
    shown = CALLING_BACK if event.case else CALLING
    shown = shown.filled(caller=event.name or side.record.caller.name or number)
    ringing = (orders.Ringing(leg, event.phone),)
    if event.picks_up:
        board.pick_ups[event.phone] = PickUp(leg, now.monotonic)
    yield orders.RingPhones(
        leg,
        ringing,
        shown.text(board.office.staff_language),
        side.record.caller.number,
        picks_up=event.picks_up,
    )


def _hindrance(board: SwitchboardState, asked: DialRequest, verdict: DialVerdict) -> Words | None:
    """Return why a call back does not ring the phone, or None."""
    phone = asked.phone
    if not asked.number:
        return NO_NUMBER
    if why := _phone_hindrance(board, phone):
        return why
    if isinstance(verdict, DialRefused):
        return DIAL_REFUSAL_WORDS[verdict.why]
    if other := _calls_already(board, asked.case):
        return _("{other} is calling back already.", other=board.label_of(other))
    if isinstance(verdict, DialReasonNeeded):
        return OUT_OF_BAND
    return None if emergency_is_possible(board) else NO_LINE_SHOWN


def _phone_hindrance(board: SwitchboardState, phone: str) -> Words | None:
    """Return why the phone itself cannot be rung for a call outside, or None."""
    if phone not in board.office.known_phones:
        return NO_POSITION
    if phone not in board.reachable:
        return NOT_REACHED.filled(position=board.label_of(phone))
    if any(phone in call.legs.values() for call in board.calls.values()):
        return RINGS_ALREADY
    return ENGAGED if phone in board.engaged() else None


def _calls_already(board: SwitchboardState, case: str) -> str:
    """Return the position that calls back for a case now, "" for none."""
    # E16: two people cannot call back the same message at once.
    dialled_now = (side for side in board.sides.values() if isinstance(side, OutgoingCall))
    return next((s.phone for s in dialled_now if case and s.record.case == case), "")


def _verdict(board: SwitchboardState, asked: DialRequest, now: Now) -> DialVerdict:
    office = board.office
    ledger = board.ledger
    return may_dial(office.outgoing, asked, ledger, board.directory, office.calling_hours, now)


def _side(
    board: SwitchboardState,
    leg: str,
    asked: DialRequest,
    verdict: DialVerdict,
    now: Now,
    name: str = "",
) -> OutgoingCall:
    """Create the call by its verdict."""
    # P7: an office's own number is masked, and shown by the office's name.
    unit = verdict.unit if isinstance(verdict, DialAllowed) else ""
    masked = Caller(Presentation.UNAVAILABLE, "", unit)
    caller = masked if unit else Caller(Presentation.SHOWN, asked.number, name)
    record = CallRecord(
        board.new_id(),
        "",
        now.wall,
        now.clock_state.value,
        caller=caller,
        phone=asked.phone,
        trail=("dials",),
        direction=Direction.OUT,
        number_class=verdict.number_class.value,
        case=asked.case,
    )
    side = OutgoingCall(
        leg,
        asked.phone,
        DIALLED_TABLE,
        DIALLED_ACTIONS,
        record=record,
        number=asked.number,
        emergency=verdict.number_class is NumberClass.EMERGENCY,
        asks=isinstance(verdict, DialReasonNeeded),
    )
    _refuse(board, side, verdict)
    return side


def _refuse(board: SwitchboardState, side: OutgoingCall, verdict: DialVerdict) -> None:
    """Set the refusal of a call that cannot be placed; the phone hears it once it is up."""
    if isinstance(verdict, DialRefused):
        side.refused = SAID[verdict.why]
        side.settle(Result.REFUSED, verdict.why, Evidence.OWN)
        board.refusal = (side.phone, verdict.why, side.record.rang_at)
    elif _calls_already(board, side.record.case):
        side.refused = SAY_TWICE
        side.settle(Result.NOT_REACHED, TWICE_CODE, Evidence.OWN)
    elif not emergency_is_possible(board):
        side.refused = no_line_keys(emergency=side.emergency)
        side.settle(Result.NOT_REACHED, NO_DUPLEX, Evidence.OWN)


def _begin(board: SwitchboardState, side: OutgoingCall, now: Now) -> Orders:
    """Add the call, count it, and write its record before anything else (E18)."""
    board.add_side(side, now)
    # A refused call has one record: it is written when the phone has heard the refusal.
    if side.refused:
        return
    record = side.record
    placed = PlacedCall(record.call, side.phone, side.number, now.wall, record.case)
    board.ledger = board.ledger.without_old(now.wall, board.office.outgoing.known_days).place(
        placed
    )
    yield orders.WriteCall(record)
