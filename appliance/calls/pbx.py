"""PBX transfer: the caller of a half-duplex line is passed to an extension by a hook flash (B2).

Flash, digits, listen. The person who seems to answer hears an announcement and accepts by a key;
then the box hangs up and the PBX joins the two. Else a second flash brings the caller back.
Handlers of the table (states.py). Records name extensions as "switchboard.1", without digits (P7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from appliance.calls import announcements, orders
from appliance.calls.events import DigitPressed, FarEnd, FarEndProgressed
from appliance.calls.model import Call, Dials, SwitchboardState, hang_up_line, off_hook
from appliance.calls.orders import Order, Result
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.routing import Destination, NotTaken

Orders = Iterator[Order]

ACCEPT_KEY = "1"
OFFERS = 2
"""How often an extension hears the announcement before the caller is brought back."""
DIALLING_MS = 15_000
"""Time for flash, dial tone, digits and a last word, beside the time it rings, ms."""
# The PBX did not understand the flash, or the modem cannot flash: the next extension would fare no
# better.
FAULTS = {FarEnd.NO_DIAL_TONE, FarEnd.REFUSED}
MISSED: Mapping[FarEnd, NotTaken] = {
    FarEnd.BUSY: NotTaken.BUSY,
    FarEnd.CONGESTION: NotTaken.UNREACHABLE,
    FarEnd.SIT: NotTaken.UNREACHABLE,
    FarEnd.DIAL: NotTaken.UNREACHABLE,
    FarEnd.NO_ANSWER: NotTaken.NO_ANSWER,
    FarEnd.NO_DIAL_TONE: NotTaken.UNREACHABLE,
    FarEnd.REFUSED: NotTaken.UNREACHABLE,
}


def begin_passing(board: SwitchboardState, call: Call, way: Destination, now: Now) -> Orders:
    """Pass the call to a group's extensions, from the first one on."""
    call.stage, call.outcomes, call.position = way, [], 0
    if call.up:
        yield from call_next_extension(board, call, now)
        return
    call.enter(State.PBX_PENDING, now)
    yield from off_hook(board, call, now)
    yield call.write()


def greet_passed(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Begin the transfer, once the line is up."""
    call.up = True
    call.note("pbx.greeting")
    yield from call_next_extension(board, call, now)


def call_next_extension(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Tell the caller that the call is passed on, then go on to the extension."""
    call.enter(State.PBX_GREETING, now)
    # In every language only before the first extension. Later the caller has waited already: a
    # brief "please wait" in one language.
    key = "please_wait" if call.returned else "connecting"
    languages = board.office.languages[:1] if call.returned else board.office.languages
    prompts = tuple(f"{language}/{key}" for language in languages)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def pass_on(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Call the extension after the announcement."""
    if not call.returned:
        yield from call_extension(board, call, event, now)
        return
    # A caller who was on hold may have hung up there, unheard: listen before the next flash.
    call.enter(State.PBX_CHECK, now)
    yield orders.Listen(call.line.name)


def call_extension(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Flash, and have the PBX call the next extension."""
    dials = call.dials or _next_of_group(board, call)
    call.offers = 0
    call.note(f"pbx.{dials.name}")
    # The media gateway reports NO_ANSWER itself; this limit is for no report at all (`take_back`).
    call.enter(State.PBX_CALLING, now, dials.ring_ms + DIALLING_MS)
    yield orders.Flash(call.line.name, dials.digits, dials.ring_ms)
    yield call.write()


def _next_of_group(board: SwitchboardState, call: Call) -> Dials:
    """Return the extension of the group's next position."""
    group = board.group(call.stage or Destination.SWITCHBOARD)
    number = group.pbx_numbers[call.position]
    call.position += 1
    return Dials(name_of(board, call), number, group.ring_ms)


def name_of(board: SwitchboardState, call: Call) -> str:
    """Return the record name of the extension that is being called, without its digits (P7)."""
    if call.dials is not None:
        return call.dials.name
    return board.group(call.stage or Destination.SWITCHBOARD).positions[call.position - 1]


def hear_far_end(board: SwitchboardState, call: Call, event: FarEndProgressed, now: Now) -> Orders:
    """Follow the progress of the call to the extension."""
    call.note(f"pbx.{event.progress}")
    if event.progress is FarEnd.ANSWERED and call.state is State.PBX_CALLING:
        yield from _offer(board, call, now)
    # ANSWERED is presumed from the sound, and may turn out to have been ringing.
    elif event.progress is FarEnd.RINGING and call.state is not State.PBX_CALLING:
        yield from _ring_on(board, call, now)
    elif event.progress in MISSED:
        call.pbx_fault = call.pbx_fault or event.progress in FAULTS
        # Answered, heard the announcement, hung up: declined.
        went = call.state is not State.PBX_CALLING
        yield from _back(call, NotTaken.DECLINED if went else MISSED[event.progress], now)


def _ring_on(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Go back to ringing: the presumed answer was none."""
    group = board.group(call.stage or Destination.SWITCHBOARD)
    call.enter(State.PBX_CALLING, now, call.dials.ring_ms if call.dials else group.ring_ms)
    yield orders.Listen(call.line.name)


def _offer(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Play to the extension, in the office's first language, that a key takes the call."""
    call.offers += 1
    call.enter(State.PBX_OFFERING, now)
    prompts = announcements.for_staff(board.office, "offer_call")
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def await_key(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Listen for the key after the announcement."""
    call.enter(State.PBX_AWAITING_KEY, now)
    yield orders.Listen(call.line.name)


def offer_again(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Play the announcement once more; after the last time the call is not accepted."""
    if call.offers < OFFERS:
        yield from _offer(board, call, now)
        return
    call.note("pbx.no_key")
    yield from _back(call, NotTaken.NO_ANSWER, now)


def take_back(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Bring the caller back: the media gateway reported no progress in time."""
    call.note("pbx.never_told")
    yield from _back(call, NotTaken.NO_ANSWER, now)


def apply_absence(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Bring the caller back to hear the reason when all are absent (E4)."""
    absent = routing.if_absent(board.office, board.service, now)
    # A transfer's office that rings already is not cut (E12).
    if absent is not None and call.dials is None:
        call.note("pbx.all_absent")
        yield from _back(call, NotTaken.NO_ANSWER, now)


def _back(call: Call, missed: NotTaken, now: Now) -> Orders:
    """Bring the caller back with a second flash."""
    call.outcomes.append(missed)
    call.returned = True
    call.enter(State.PBX_RETURNING, now)
    yield orders.Flash(call.line.name)
    yield call.write()


def accept_key(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Hang up when the key accepts the call: the PBX joins the two. Ignore other keys."""
    if event.digit != ACCEPT_KEY:
        return
    # P7: by its name, so that no extension's digits are in the record.
    name = name_of(board, call)
    call.note(f"answered.{name}")
    if call.transfer is not None:
        call.note(f"transferred.{call.transfer.unit.code}", target=call.transfer.shown)
    else:
        call.note(phone=name, answered_at=now.wall)
    yield from hang_up_line(board, call, now)
    call.settle(Result.ANSWERED)
    call.enter(State.CLEARING, now)
    yield call.write()
