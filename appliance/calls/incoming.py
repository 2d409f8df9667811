"""Incoming calls beside ringing: fax, parallel telephone, emergency, longest call, pick-up, trunk.

Handlers of the table (states.py), and the beginning of a call that arrives over the SIP trunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.calls import announcements, conference, orders, returning, ringing, sip_line
from appliance.calls.events import (
    BranchCalled,
    CallerHungUp,
    Evidence,
    FaxCalled,
    LegEnded,
    LineCondition,
    LineNeeded,
    LineTaken,
    PhoneDialled,
)
from appliance.calls.model import (
    Call,
    Channel,
    LineState,
    SwitchboardState,
    hang_up_line,
    off_hook,
)
from appliance.calls.orders import CallRecord, Order, Result
from appliance.calls.ringing import (
    Orders,
    clear_call,
    end_call,
    note_evidence,
    release_phones,
    ring_no_more,
    ring_on,
    say_farewell,
    stop_ringing,
)
from appliance.calls.states import State
from appliance.calls.voicemail import keep_as_is, store_number
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.lines import Line, sip_trunk_line
from appliance.policy.numbering import canonical_number
from appliance.policy.routing import Decision, Destination, NotTaken


def end_longest(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a conversation that has reached the longest duration: hang up the phone, tell why."""
    # Silence ends no conversation (E5): a handset beside its cradle and a far end that went in
    # silence would hold the line for ever.
    evidence = CallerHungUp(call.line.name, Evidence.LIMIT, board.office.longest_ms)
    note_evidence(call, evidence)
    # With a telephone lifted beside the line the caller is not alone: nothing is said into it.
    if call.shared:
        yield from clear_call(board, call, now, Result.ANSWERED)
        return
    yield from release_phones(call)
    call.settle(Result.ANSWERED)
    yield from say_farewell(board, call, now, "call_limit")


# ---- Fax: nobody is there to be greeted or to leave a message ------------------------------------
# The box hangs up whatever it was playing, and the call is listed as a fax. In a conversation the
# person at the phone decides.


def turn_fax_away(board: SwitchboardState, call: Call, event: FaxCalled, now: Now) -> Orders:
    """Hang up on a fax machine that is heard while the box plays, waits or holds the caller."""
    _note_fax(call, event)
    yield from clear_call(board, call, now, Result.FAX)


def note_fax(board: SwitchboardState, call: Call, event: FaxCalled, now: Now) -> Orders:
    """Note a fax machine that is heard while a message is recorded."""
    # The tone ends the recording: voicemail.keep_message decides whether somebody spoke before it.
    _note_fax(call, event)
    yield call.write()


def note_fax_in_conversation(
    board: SwitchboardState, call: Call, event: FaxCalled, now: Now
) -> Orders:
    """Note a fax machine that the modem's chip hears during a conversation."""
    # The person at the phone hears the tone too, and hangs up if they like.
    call.note(f"fax_heard.{event.source}")
    yield call.write()


def _note_fax(call: Call, event: FaxCalled) -> None:
    call.note(f"fax.{event.source}")
    note_evidence(call, CallerHungUp(event.line, Evidence.FAX, event.after_ms))


# ---- Emergency: the call on a line ends so that an emergency call can use it ---------------------
# The one exception to "the box drops no caller"; the records of both calls say so. outgoing.py
# chooses the line.

FREED_CODE = "freed.emergency"
"""Trail code of a call whose line was given to an emergency call."""


def give_line(board: SwitchboardState, call: Call, event: LineNeeded, now: Now) -> Orders:
    """Hang up phones and line; tell the caller why in one sentence where the line is up."""
    _note_freed(call)
    result = Result.NO_MESSAGE if call.talking_since is None else Result.ANSWERED
    if not call.up or call.state is State.FAREWELL:
        # A line that rings is answered and hung up: only so does it become free to dial.
        if not call.off_hook:
            yield from off_hook(board, call, now)
        yield from clear_call(board, call, now, result)
        return
    yield from release_phones(call)
    call.settle(result)
    call.enter(State.FAREWELL, now)
    # In one language only: seconds count.
    words = announcements.for_staff(board.office, "line_needed")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield call.write()


def give_line_recording(board: SwitchboardState, call: Call, event: LineNeeded, now: Now) -> Orders:
    """Give the line away during a recording; keep what was recorded as a message."""
    _note_freed(call)
    yield from keep_as_is(board, call, event, now)


def give_line_before_tone(
    board: SwitchboardState, call: Call, event: LineNeeded, now: Now
) -> Orders:
    """Give the line away before a caller has spoken; store an office's request (P6)."""
    if not returning.is_to_call_back(board, call):
        yield from give_line(board, call, event, now)
        return
    _note_freed(call)
    yield from hang_up_line(board, call, now)
    yield from store_number(board, call, now, State.SAVING)


def give_line_saving(board: SwitchboardState, call: Call, event: LineNeeded, now: Now) -> Orders:
    """Give the line away while a message is stored: it is stored, its caller is not told."""
    _note_freed(call)
    yield from hang_up_line(board, call, now)
    call.state = State.SAVING
    yield call.write()


def _note_freed(call: Call) -> None:
    note_evidence(call, CallerHungUp(call.line.name, Evidence.EMERGENCY))
    call.note(FREED_CODE)


# ---- Parallel telephone: an ordinary telephone on the line's pair is lifted (B1, E18) ------------
# It cuts nobody off: the box hangs up where only the box speaks, and stays in a conversation.

# Seconds. Some modems report no lifted telephone while on hook: the ringing stops, and the next
# measurement of the idle line shows one. Within this time it took that call.
UNSEEN_S = 10.0
TAKEN_CODE = "taken"
"""Trail code of a call that a parallel telephone has taken."""


def taken_ringing(board: SwitchboardState, call: Call, event: LineTaken, now: Now) -> Orders:
    """End a ringing call that a parallel telephone answers: the office's phones stop."""
    yield from stop_ringing(call, answered_elsewhere=True)
    _note_taken(call, now)
    call.settle(Result.TAKEN)
    board.leave_line(call, LineState.IN_USE_OUTSIDE, now)
    yield from end_call(board, call, now)


def leave_to_parallel(board: SwitchboardState, call: Call, event: LineTaken, now: Now) -> Orders:
    """Hang up where the box speaks or holds the caller: the parallel telephone has the call."""
    _note_taken(call, now)
    yield from stop_ringing(call, answered_elsewhere=True)
    yield from clear_call(board, call, now, Result.TAKEN)


def leave_to_parallel_saving(
    board: SwitchboardState, call: Call, event: LineTaken, now: Now
) -> Orders:
    """Hang up while a message is being stored; it is stored all the same."""
    _note_taken(call, now)
    yield from hang_up_line(board, call, now)
    call.state = State.SAVING


def share_line(board: SwitchboardState, call: Call, event: LineTaken, now: Now) -> Orders:
    """Let three talk when a parallel telephone is lifted in a conversation."""
    # As on any line with two telephones. When the operator hangs up, the box lets the line go and
    # the handset keeps the caller.
    call.shared = True
    call.note("shared")
    yield call.write()


def note_taken(board: SwitchboardState, call: Call, event: LineTaken, now: Now) -> Orders:
    """Note a parallel telephone that is lifted after the box has hung up."""
    _note_taken(call, now)
    yield call.write()


def operator_lost(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Hold the caller whose operator's phone is lost without a BYE, and ring other phones."""
    # With the supervisor in the conversation, or a parallel telephone lifted, the caller is not
    # alone: no music into their talk.
    call.note("operator_lost")
    if conference.supervisor_is_in(board, call):
        yield from conference.supervisor_takes_over(board, call, now)
        return
    if call.shared:
        call.forget_leg()
        yield from clear_call(board, call, now, Result.ANSWERED)
        return
    yield orders.Hold(call.line.name)
    yield from ring_on(board, call, event, now)


def taken_unseen(channel: Channel, now: Now) -> Orders:
    """Correct the record of a call that seemed given up and was taken by a parallel telephone."""
    record, ended = channel.gave_up or (None, 0.0)
    if record is None or channel.condition is not LineCondition.IN_USE:
        return
    channel.gave_up = None
    if now.monotonic - ended <= UNSEEN_S:
        yield orders.WriteCall(_taken(record))


def _taken(record: CallRecord) -> CallRecord:
    evidence, trail = Evidence.PARALLEL_PHONE, (*record.trail, TAKEN_CODE)
    return replace(record, result=Result.TAKEN, evidence=evidence, trail=trail)


def _note_taken(call: Call, now: Now) -> None:
    evidence = call.record.evidence or Evidence.PARALLEL_PHONE
    # A release that was noticed before stays the evidence.
    call.note(TAKEN_CODE, evidence=evidence, answered_at=call.record.answered_at or now.wall)


SERVED_BY_PHONES = (Destination.SWITCHBOARD, Destination.CITIZENS_DESK)


def longest_waiting(board: SwitchboardState, phone: str) -> Call | None:
    """Return the call to be picked up by a phone: the longest ringing or waiting one, or None."""
    # No phone has two callers, held or not (found by the property tests).
    if conference.supervisor_has_caller(board, phone) or any(
        phone in c.phones_on for c in board.calls.values()
    ):
        return None
    waiting = (
        call
        for call in board.calls.values()
        if call.state is State.QUEUED
        or (call.state in {State.RINGING, State.HOLDING} and call.stage in SERVED_BY_PHONES)
    )
    # `calls` keeps the order of arrival.
    return next(waiting, None)


def pick_up(
    board: SwitchboardState, call: Call, event: PhoneDialled, now: Now
) -> Iterator[orders.Order]:
    """Give a call to the phone that dialled the pick-up code.

    Its leg becomes one more that rings, and is answered at once. The phone stops ringing for every
    call, this one too.
    """
    earlier = [leg for leg, phone in call.legs.items() if phone == event.phone]
    call.legs[event.leg] = event.phone
    call.note(f"picked_up.{event.phone}")
    for leg in earlier:
        del call.legs[leg]
        yield orders.StopRinging(leg)
    for other in [other for other in board.calls.values() if other is not call]:
        yield from ring_no_more(board, other, {event.phone}, NotTaken.BUSY, now)
    yield orders.AcceptPhone(event.leg)


# ---- Inbound trunk calls: another branch or a telephone system hands a caller over (B9) ----------

UNNAMED = "sip"
"""Line name of a trunk call that does not name its branch."""
WAYS = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK}


def begin_trunk_call(board: SwitchboardState, event: BranchCalled, now: Now) -> Iterator[Order]:
    """Ring the free positions by the policy for any caller, or refuse at once."""
    # A leg comes once: a repeated event begins no second call.
    if event.leg in board.channels:
        return
    line = sip_trunk_line(event.leg, event.origin or UNNAMED)
    decision = _decide_for_trunk(board, line, now)
    phones = board.free(board.group(decision.way)) if decision.way in WAYS else ()
    # The sender keeps the caller until somebody here answers, and decides what comes next.
    if not phones or not board.has_media:
        yield orders.RefusePhone(event.leg, sip_line.code_for(board, decision))
        return
    call = _new_trunk_call(board, line, event, now)
    board.calls[call.id] = call
    board.channels[event.leg] = sip_line.SipChannel(line, line, LineState.RINGING, call=call.id)
    remember_number(board, call, call.record.caller.number, now)
    yield from ringing.follow_decision(board, call, decision, now)


def _decide_for_trunk(board: SwitchboardState, line: Line, now: Now) -> Decision:
    """Decide as for a caller on a line of our own."""
    # No place in our queue: the caller waits with the branch that sent the call.
    facts = replace(board.facts(now), places=0)
    return routing.route(board.office, line, facts, now)


def _new_trunk_call(board: SwitchboardState, line: Line, event: BranchCalled, now: Now) -> Call:
    number = canonical_number(event.caller.number, board.office.outgoing.plan)
    record = CallRecord(
        board.new_id(), line.origin, now.wall, now.clock_state.value,
        caller=replace(event.caller, number=number), trail=("rang", f"branch.from.{line.origin}"),
    )  # fmt: skip
    # The INVITE names the caller or nobody, and no identity follows it.
    return Call(record.call, line, record, settled=not line.can.identify_late)


def remember_number(board: SwitchboardState, call: Call | None, number: str, now: Now) -> None:
    """Keep that a number has called, and note in its call the case it was called for (E17)."""
    if not number:
        return
    if call is not None and (case := board.ledger.case_of(number)):
        call.note("rings_back", case=case)
    board.ledger = board.ledger.hear(number, now.wall)
