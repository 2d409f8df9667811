"""Incoming calls beside ringing: fax, parallel telephone, emergency, longest call, pick-up, trunk.

Handlers of the table (states.py), and the beginning of a call that another branch or a telephone
system hands over by SIP.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.calls import announcements, branches, conference, orders, ringing
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
from appliance.calls.model import Call, Desk, LineSeat, LineState, TrunkSeat, hang_up_line, off_hook
from appliance.calls.orders import CallRecord, Order, Result
from appliance.calls.ringing import (
    Orders,
    clear_call,
    end_call,
    note_evidence,
    release_phones,
    ring_no_more,
    ring_on,
    stop_ringing,
)
from appliance.calls.states import State
from appliance.calls.voicemail import keep_as_is, say_farewell
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.numbering import canonical_number
from appliance.policy.office import Line
from appliance.policy.routing import Decision, Destination, NotTaken

# ---- the longest call ---------------------------------------------------------------------------


def end_longest(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The conversation has lasted as long as any may: the phone is let go, the caller is told."""
    # Silence ends no conversation (E5): a handset beside its cradle and a far end that went in
    # silence would hold the line for ever.
    evidence = CallerHungUp(call.line.name, Evidence.LIMIT, desk.office.longest_ms)
    note_evidence(call, evidence)
    # With a telephone lifted beside the line the caller is not alone: nothing is said into it.
    if call.shared:
        yield from clear_call(desk, call, now, Result.ANSWERED)
        return
    yield from release_phones(call)
    call.settle(Result.ANSWERED)
    yield from say_farewell(desk, call, now, "call_limit")


# ---- fax ---------------------------------------------------------------------------------------
# A fax machine calls: nobody is there to be greeted or to leave a message.
#
# The box lets go of the line politely, whatever it was saying, and the call is listed as a fax.
# Where a person of the office talks, the person decides.


def turn_fax_away(desk: Desk, call: Call, event: FaxCalled, now: Now) -> Orders:
    """Heard while the box speaks, waits or holds the caller: it hangs up."""
    _note_fax(call, event)
    yield from clear_call(desk, call, now, Result.FAX)


def note_fax(desk: Desk, call: Call, event: FaxCalled, now: Now) -> Orders:
    """Heard while a recording ends by it: `keep` decides whether somebody spoke before."""
    _note_fax(call, event)
    yield call.write()


def note_fax_in_conversation(desk: Desk, call: Call, event: FaxCalled, now: Now) -> Orders:
    """Heard by the chip while a person talks: they hear it too, and hang up if they like."""
    call.note(f"fax_heard.{event.source}")
    yield call.write()


def _note_fax(call: Call, event: FaxCalled) -> None:
    call.note(f"fax.{event.source}")
    note_evidence(call, CallerHungUp(event.line, Evidence.FAX, event.after_ms))


# ---- giving way --------------------------------------------------------------------------------
# An emergency call needs the line: whoever is on it gives way, and hears why where possible.
#
# It is the one exception to "no caller is dropped by the box", and both records say so. Handlers of
# the table (states.py), as in ringing.py; which line is freed says outgoing.py.

FREED_CODE = "freed.emergency"
"""What the trail of a call says whose line was taken."""


def give_line(desk: Desk, call: Call, event: LineNeeded, now: Now) -> Orders:
    """Let phones go; tell the caller in one sentence, or hang up where nobody would hear it."""
    _note_freed(call)
    result = Result.NO_MESSAGE if call.talking_since is None else Result.ANSWERED
    if not call.up or call.state is State.FAREWELL:
        # A line that rings is answered and hung up: only so does it become free to dial.
        if not call.off_hook:
            yield from off_hook(desk, call, now)
        yield from clear_call(desk, call, now, result)
        return
    yield from release_phones(call)
    call.settle(result)
    call.enter(State.FAREWELL, now)
    words = announcements.for_staff(desk.office, "line_needed")  # one language: seconds count
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield call.write()


def give_line_recording(desk: Desk, call: Call, event: LineNeeded, now: Now) -> Orders:
    """What was recorded so far is kept as a message."""
    _note_freed(call)
    yield from keep_as_is(desk, call, event, now)


def give_line_saving(desk: Desk, call: Call, event: LineNeeded, now: Now) -> Orders:
    """The message is stored all the same; its caller no longer hears so."""
    _note_freed(call)
    yield from hang_up_line(desk, call, now)
    call.state = State.SAVING
    yield call.write()


def _note_freed(call: Call) -> None:
    note_evidence(call, CallerHungUp(call.line.name, Evidence.EMERGENCY))
    call.note(FREED_CODE)


# ---- parallel ----------------------------------------------------------------------------------
# An ordinary telephone beside the line is lifted: whoever lifted it has the caller (B1, E18).
#
# Nobody is cut off by it: the box lets go of a line on which it speaks for the office, and stays
# where a person of the office talks.

UNSEEN_S = 10.0
"""The ringing stopped and a telephone is found lifted within this time: it took that call."""
TAKEN_CODE = "taken"
"""What the trail says of it."""


def taken_ringing(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """Lifted while it rang: the office's phones stop, the call is the handset's."""
    yield from stop_ringing(call, answered_elsewhere=True)
    _note_taken(call, now)
    call.settle(Result.TAKEN)
    desk.leave_line(call, LineState.IN_USE_OUTSIDE, now)
    yield from end_call(desk, call, now)


def leave_to_parallel(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """Lifted while the box speaks, holds the caller or is about to: it lets go of the line."""
    _note_taken(call, now)
    yield from stop_ringing(call, answered_elsewhere=True)
    yield from clear_call(desk, call, now, Result.TAKEN)


def leave_to_parallel_saving(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """Lifted while the caller waits to hear of a message: it is stored all the same."""
    _note_taken(call, now)
    yield from hang_up_line(desk, call, now)
    call.state = State.SAVING


def share_line(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """Lifted in a conversation: three talk, as on any line with two telephones; nobody is cut.

    When the operator hangs up, the box lets go and the handset keeps the caller.
    """
    call.shared = True
    call.note("shared")
    yield call.write()


def note_taken(desk: Desk, call: Call, event: LineTaken, now: Now) -> Orders:
    """The box has let go already: it belongs to the record all the same."""
    _note_taken(call, now)
    yield call.write()


def operator_lost(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """The operator's phone went without a word: the caller is held, not hung up, others ring."""
    # With the supervisor in the conversation, or a telephone lifted beside the line, the caller is
    # not alone: no music into their talk.
    call.note("operator_lost")
    if conference.supervisor_is_in(desk, call):
        yield from conference.supervisor_takes_over(desk, call, now)
        return
    if call.shared:
        call.forget_leg()
        yield from clear_call(desk, call, now, Result.ANSWERED)
        return
    yield orders.Hold(call.line.name)
    yield from ring_on(desk, call, event, now)


def taken_unseen(seat: LineSeat, now: Now) -> Orders:
    """Correct the record of a caller who seemed to give up and was taken by a telephone."""
    # Some modems report no lifted telephone on hook: then the ringing stops, and soon after it the
    # line is measured.
    record, ended = seat.gave_up or (None, 0.0)
    if record is None or seat.condition is not LineCondition.IN_USE:
        return
    seat.gave_up = None
    if now.monotonic - ended <= UNSEEN_S:
        yield orders.WriteCall(_taken(record))


def _taken(record: CallRecord) -> CallRecord:
    evidence, trail = Evidence.PARALLEL_PHONE, (*record.trail, TAKEN_CODE)
    return replace(record, result=Result.TAKEN, evidence=evidence, trail=trail)


def _note_taken(call: Call, now: Now) -> None:
    evidence = call.record.evidence or Evidence.PARALLEL_PHONE
    call.note(TAKEN_CODE, evidence=evidence, answered_at=call.record.answered_at or now.wall)


# ---- pickup ------------------------------------------------------------------------------------
# Picking up: a phone takes a call that rings elsewhere in the office.

SERVED_BY_PHONES = (Destination.SWITCHBOARD, Destination.CITIZENS_DESK)


def longest_waiting(desk: Desk, phone: str) -> Call | None:
    """Return the call that has been ringing or waiting longest for the office, or None.

    None, too, for a phone that has a caller already, held or not: no phone has two.
    """
    if conference.supervisor_has_caller(desk, phone) or any(
        phone in c.phones_on for c in desk.calls.values()
    ):
        return None
    waiting = (
        call
        for call in desk.calls.values()
        if call.state is State.QUEUED
        or (call.state in {State.RINGING, State.HOLDING} and call.stage in SERVED_BY_PHONES)
    )
    return next(waiting, None)  # calls are kept in the order in which they came


def pick_up(desk: Desk, call: Call, event: PhoneDialled, now: Now) -> Iterator[orders.Order]:
    """Let the phone that dialled be one more that rings, and answer it: it will be the first.

    It rings for nothing else from then on, not even for this call.
    """
    earlier = [leg for leg, phone in call.legs.items() if phone == event.phone]
    call.legs[event.leg] = event.phone
    call.note(f"picked_up.{event.phone}")
    for leg in earlier:
        del call.legs[leg]
        yield orders.StopRinging(leg)
    for other in [other for other in desk.calls.values() if other is not call]:
        yield from ring_no_more(desk, other, {event.phone}, NotTaken.BUSY, now)
    yield orders.AcceptPhone(event.leg)


# ---- inbound trunk calls ----

UNNAMED = "sip"
"""Stands for the line of a caller of whom nobody says which branch it comes from."""
WAYS = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK}


def begin_trunk_call(desk: Desk, event: BranchCalled, now: Now) -> Iterator[Order]:
    """Ring the free positions by the policy that holds for any caller, or refuse at once."""
    if event.leg in desk.trunks:
        return
    decision = _decide_for_trunk(desk, now)
    phones = desk.free(desk.group(decision.way)) if decision.way in WAYS else ()
    if not phones or not desk.carrier:
        yield orders.RefusePhone(event.leg, branches.code_for(desk, decision))
        return
    call = _new_trunk_call(desk, event, now)
    desk.calls[call.id] = call
    desk.trunks[event.leg] = TrunkSeat(call.line, call.line, LineState.RINGING, call=call.id)
    remember_number(desk, call, call.record.caller.number, now)
    yield from ringing.follow_decision(desk, call, decision, now)


def _decide_for_trunk(desk: Desk, now: Now) -> Decision:
    """Decide as for a caller on a line of our own, who waits with whoever sent the call."""
    facts = replace(desk.facts(now), places=0)
    return routing.route(desk.office, Line(UNNAMED, duplex=True), facts, now)


def _new_trunk_call(desk: Desk, event: BranchCalled, now: Now) -> Call:
    number = canonical_number(event.caller.number, desk.office.outgoing.plan)
    origin = event.origin or UNNAMED
    record = CallRecord(
        desk.new_id(), origin, now.wall, now.clock_state.value,
        caller=replace(event.caller, number=number), trail=("rang", f"branch.from.{origin}"),
    )  # fmt: skip
    return Call(record.call, Line(event.leg, origin, duplex=True), record, settled=True)


def remember_number(desk: Desk, call: Call | None, number: str, now: Now) -> None:
    """Keep that a number has called, and in its call the case for which it was called before."""
    if not number:
        return
    if call is not None and (case := desk.ledger.case_of(number)):
        call.note("rings_back", case=case)
    desk.ledger = desk.ledger.hear(number, now.wall)
