"""Voicemail: greeting, menu of sheets, tone, recording (P9, E5).

A caller is told "stored" only after MessageStored or RequestStored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from appliance.calls import announcements, orders, returning, ringing
from appliance.calls.events import (
    CallerHungUp,
    DeadlinePassed,
    DigitPressed,
    Evidence,
    LineIdle,
    LineRestored,
    LineTaken,
    MessageStored,
    RecordingEnded,
    RecordingGap,
    RecordingStop,
    RequestStored,
    StoreFailed,
)
from appliance.calls.model import Call, SwitchboardState, hang_up_line
from appliance.calls.orders import Result
from appliance.calls.ringing import (
    GONE,
    Orders,
    end_call,
    free_line_of,
    note_evidence,
    note_lost,
    note_unasked,
    play_greeting,
    say_farewell,
    start_greeting,
    without_message,
)
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.office import GreetingLength
from appliance.policy.sheets import GreetingOffer, SpokenSheet, sheet_at_key

Stored = MessageStored | RequestStored

RECORDING_MARGIN_MS = 30_000
"""Time after a message's longest length in which its RecordingEnded may still come, ms."""
CALLER_WAITS = (RecordingStop.KEY, RecordingStop.SILENCE, RecordingStop.LIMIT)
"""Ends of a recording after which the caller may still be on the line to hear an answer."""
NOT_A_MESSAGE = {
    # The person at the parallel telephone has heard the caller.
    RecordingStop.TAKEN: Result.TAKEN,
    # Nobody spoke before the machine did.
    RecordingStop.FAX: Result.FAX,
}
"""Result of a call by how its recording ended, when that is too short to be a message."""
STOP_KEY = "#"
LINE_GONE = (*GONE, LineIdle, LineRestored)


def greet_caller(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Play the greeting, once the line is up for voicemail."""
    call.up = True
    assert call.decision is not None, "voicemail is always decided"
    yield from start_greeting(board, call, call.decision, now)


def sound_tone(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Play the tone after the greeting; the caller speaks after it."""
    # With a full disk the caller is told before speaking in vain.
    if not board.has_room:
        call.note("store.full")
        if returning.is_to_call_back(board, call):
            yield from store_number(board, call, now, State.STORING)
            return
        call.settle(Result.NOT_STORED)
        yield from say_farewell(board, call, now, "mailbox_full")
        return
    call.enter(State.TONE, now)
    yield orders.Play(call.new_play(), announcements.tone(board.office), line=call.line.name)


def leave_before_tone(board: SwitchboardState, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """End a call whose caller hung up before speaking; store an office's request all the same."""
    # P6: the operator has promised that the office calls back; words may be missing, a number not.
    if not returning.is_to_call_back(board, call):
        yield from ringing.leave(board, call, event, now)
        return
    note_evidence(call, event)
    yield from hang_up_line(board, call, now)
    yield from store_number(board, call, now, State.SAVING)


def lose_before_tone(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """End a call whose line went before its caller spoke; store an office's request (P6)."""
    if not returning.is_to_call_back(board, call):
        yield from ringing.lose_line(board, call, event, now)
        return
    yield from line_went(board, call, event, now)
    yield from store_number(board, call, now, State.SAVING)


def store_number(board: SwitchboardState, call: Call, now: Now, state: State) -> Orders:
    """Store an office's request without words, with the number to call back."""
    assert call.request is not None, "only a request is to be called back"
    call.enter(state, now, board.office.voicemail.store_ms)
    yield orders.StoreRequest(call.id, call.request)
    yield call.write()


def begin_recording(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Start the recording after the tone."""
    limits = board.office.voicemail
    # The media gateway ends it at the limit; the margin is for one whose end is never reported.
    call.enter(State.RECORDING, now, limits.limit_ms + RECORDING_MARGIN_MS)
    call.recording_since = now.monotonic
    call.note("recording")
    # E5: silence ends no message in its first 10 s (`grace_ms`). Named by the call, one a call.
    yield orders.Record(
        call.id, call.line.name, limits.limit_ms, limits.silence_ms, limits.grace_ms
    )


def end_by_key(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """End a recording by `#` on a line that does not do so by itself."""
    # A modem's recording ends by the key itself (orders.Record); a leg's waits for EndRecording.
    if not call.line.can.end_recording and event.line and event.digit == STOP_KEY:
        yield orders.EndRecording(call.line.name)


def note_gap(board: SwitchboardState, call: Call, event: RecordingGap, now: Now) -> Orders:
    """Note lost sound in the call's trail: a gap is never hidden."""
    call.note(f"recording.gap.{event.gap_ms}")
    yield from ()


def keep_message(board: SwitchboardState, call: Call, event: RecordingEnded, now: Now) -> Orders:
    """Store a recording that ended as a message or request; drop one that is too short.

    Of a request too short to say anything, whom to call back is kept (P6).
    """
    call.note(f"recorded.{event.stop}")
    _note_end(board, call, event)
    # Words before a fax machine's tone are kept, the tone is not.
    length_ms = event.length_ms - event.trim_ms
    waits = event.stop in CALLER_WAITS
    # E5: hanging up after the tone leaves a call without a message, not an empty message.
    short = length_ms < board.office.voicemail.minimum_ms
    if short and (event.stop in NOT_A_MESSAGE or not returning.is_to_call_back(board, call)):
        call.settle(NOT_A_MESSAGE.get(event.stop, without_message(call)))
        yield from _too_short(board, call, now, waits=waits)
        return
    # Nobody is there to hear the outcome: the line is free before the message is stored.
    if not waits:
        yield from hang_up_line(board, call, now)
    call.full = event.stop is RecordingStop.LIMIT
    yield from _store(board, call, now, event.trim_ms, waits=waits)


def _note_end(board: SwitchboardState, call: Call, event: RecordingEnded) -> None:
    """Remember silence or limit as the call's end, for a call whose release is never noticed."""
    limits = board.office.voicemail
    if event.stop is RecordingStop.SILENCE:
        call.ended_by, call.ended_ms = Evidence.SILENCE, limits.silence_ms
    elif event.stop is RecordingStop.LIMIT:
        call.ended_by, call.ended_ms = Evidence.LIMIT, limits.limit_ms


def keep_as_is(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Store what was recorded of a call that broke off; its length is taken from the clock."""
    told = isinstance(event, CallerHungUp) and event.evidence is Evidence.SIGNALLED
    call.note(f"recorded.{RecordingStop.RELEASE}" if told else "recording.cut")
    trim_ms, taken = 0, isinstance(event, LineTaken)
    if isinstance(event, CallerHungUp):
        # The tone or silence by which the release was noticed is at the recording's end.
        trim_ms = event.after_ms
        note_evidence(call, event)
    elif isinstance(event, DeadlinePassed):
        call.ended_by, call.ended_ms = Evidence.LIMIT, board.office.voicemail.limit_ms
    # What was said before is kept as a message, nothing of the talk at that telephone is.
    if taken:
        call.note("taken", evidence=Evidence.PARALLEL_PHONE)
    yield from _clear(board, call, event, now)
    length_ms = int((now.monotonic - call.recording_since) * 1000)
    short = length_ms - trim_ms < board.office.voicemail.minimum_ms
    # A caller whom a parallel telephone has taken is served: nobody need call back.
    if not short or (not taken and returning.is_to_call_back(board, call)):
        yield from _store(board, call, now, trim_ms, waits=False)
        return
    yield orders.DropRecording(call.id)
    call.settle(Result.TAKEN if taken else without_message(call))
    yield from _after_saving(board, call, now)


def break_off(board: SwitchboardState, call: Call, event: StoreFailed, now: Now) -> Orders:
    """Tell the caller at once, not at the message's end, that the disk refuses it."""
    _note_not_stored(call, event)
    # Closes the recording all the same: what reached the disk is kept for recovery.
    yield to_be_stored(call)
    yield from say_farewell(board, call, now, "message_not_stored")


def _clear(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Put the line on hook, or note that it is gone or on hook already."""
    if isinstance(event, LINE_GONE):
        yield from line_went(board, call, event, now)
    else:
        yield from hang_up_line(board, call, now)


def _too_short(board: SwitchboardState, call: Call, now: Now, *, waits: bool) -> Orders:
    yield orders.DropRecording(call.id)
    call.settle(without_message(call))
    if waits:
        yield from say_farewell(board, call, now, "message_too_short")
        return
    yield from hang_up_line(board, call, now)
    call.enter(State.CLEARING, now)
    yield call.write()


def _store(board: SwitchboardState, call: Call, now: Now, trim_ms: int, *, waits: bool) -> Orders:
    # `store_ms`: a stalled disk keeps a waiting caller so long at most (B5).
    call.enter(State.STORING if waits else State.SAVING, now, board.office.voicemail.store_ms)
    yield to_be_stored(call, trim_ms)
    yield call.write()


def to_be_stored(call: Call, trim_ms: int = 0) -> orders.Order:
    """Return the order that stores a recording: as a message, or as an office's request (P6)."""
    if call.request is None:
        return orders.StoreMessage(call.id, call.id, call.record, trim_ms)
    return orders.StoreRequest(call.id, call.request, call.id, trim_ms)


def message_stored(board: SwitchboardState, call: Call, event: Stored, now: Now) -> Orders:
    """Tell the caller that the message is stored, and of a request its number (E15)."""
    _note_stored(call, event)
    told: tuple[str, ...] = ("message_full",) if call.full else ()
    if isinstance(event, RequestStored):
        told += ("word_request", *(f"digit_{digit}" for digit in str(event.number)))
    yield from say_farewell(
        board, call, now, *told, "callback_noted" if call.brief else "message_stored"
    )


def not_stored(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Tell the caller to call again: not stored, or not in time (`correct` follows a late one)."""
    _note_not_stored(call, event)
    yield from say_farewell(board, call, now, "message_not_stored")


def message_saved(board: SwitchboardState, call: Call, event: Stored, now: Now) -> Orders:
    """Note that the message was stored after the caller had gone."""
    _note_stored(call, event)
    yield from _after_saving(board, call, now)


def not_saved(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Note in the record that the message was not stored; the caller has gone."""
    _note_not_stored(call, event)
    yield from _after_saving(board, call, now)


def correct(board: SwitchboardState, call: Call, event: Stored, now: Now) -> Orders:
    """Correct the record of a message that was given up and turns out to be stored."""
    # The record follows the disk, once: a result other than NOT_STORED is right already.
    is_ours = isinstance(event, RequestStored) is (call.request is not None)
    if call.record.result is Result.NOT_STORED and is_ours:
        _note_stored(call, event)
        yield call.write()


def _note_stored(call: Call, event: Stored) -> None:
    if isinstance(event, RequestStored):
        call.note(f"request.stored.{event.number}", result=Result.ANSWERED)
        return
    call.note("stored", result=Result.MESSAGE, message=event.message)


def _note_not_stored(call: Call, event: object) -> None:
    call.note("store.failed" if isinstance(event, StoreFailed) else "store.late")
    call.settle(Result.NOT_STORED)


def _after_saving(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """End the call, or wait for its line to be idle."""
    if call.on_line:
        call.enter(State.CLEARING, now)
        yield call.write()
    else:
        yield from end_call(board, call, now)


def caller_went(board: SwitchboardState, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """Go on storing a message whose caller hung up before hearing the outcome."""
    note_evidence(call, event)
    yield from hang_up_line(board, call, now)
    call.state = State.SAVING


def line_went(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Go on storing a message whose line was lost meanwhile."""
    yield from free_line(board, call, event, now)
    note_unasked(call)
    call.state = State.SAVING


def free_line(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Detach the line, free or out, from a call whose message is still being stored."""
    # MediaGatewayLost goes to every call, also to one that has left its line already.
    if call.on_line:
        note_lost(call, event)
        free_line_of(board, call, event, now)
    yield from ()


# ---- Keys after hours: sheets read aloud, whom to call in need, the other language ---------------
# Pressing none leads to voicemail (E5).

SKIP_KEY = "#"
VOICEMAIL_KEY = "0"
MORE_KEY = "*"
"""Key for what the greeting has not said, and from a sheet back to the menu."""
LANGUAGE_KEY = "9"
# Seconds. No sheet is longer: the queue plays no announcement over one.
SHEET_S = 60.0
# Sheets that one caller may hear, and turns to more or to the other language: a caller who presses
# keys for ever must give the line back (B1).
MOST_CHOICES = 12


def choose_sheet(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Carry out a key in the greeting.

    A sheet's key reads it aloud, `*` plays the rest, 9 turns to the other language, `#` and, with
    a menu, 0 lead to the tone.
    """
    sheet = sheet_at_key(call.menu, event.digit)
    # Not while a caller is asked to speak for an office's rule (P6): no greeting was played then.
    if event.digit in TURNS and call.request is None:
        yield from _turn(board, call, event.digit, now)
        return
    if sheet is not None and len(call.heard) < MOST_CHOICES:
        yield from _read(board, call, sheet, now)
    elif sheet or event.digit == SKIP_KEY or (call.menu and event.digit == VOICEMAIL_KEY):
        call.note("greeting.skipped")
        yield from sound_tone(board, call, event, now)


def _turn(board: SwitchboardState, call: Call, digit: str, now: Now) -> Orders:
    """Play the rest or the other language; ignore the key after MOST_CHOICES turns."""
    if call.turns < MOST_CHOICES:
        call.turns += 1
        yield from TURNS[digit](board, call, now)


def tell_more(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Play whom to call in need (E11), the address and the sheets; then how to leave a message."""
    added = _added(board, call, now)
    language = call.language or board.office.languages[0]
    prompts = announcements.more(board.office, added, language)
    if not prompts:
        return
    call.note_emergencies_told(added.told)
    call.enter(State.MENU, now)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def turn_language(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Play the greeting in the office's other language, which stays the call's language."""
    language = announcements.other_language(board.office, call.language)
    # The long greeting has been said in both languages already.
    if not language or board.office.voicemail.greeting is GreetingLength.LONG:
        return
    assert call.decision is not None, "voicemail is always decided"
    call.language = language
    call.note(f"language.{language}")
    call.enter(State.GREETING, now)
    yield from play_greeting(board, call, call.decision, _added(board, call, now), now)


def _added(board: SwitchboardState, call: Call, now: Now) -> GreetingOffer:
    """Return what the greeting offers now, with this caller's menu."""
    assert call.decision is not None, "voicemail is always decided"
    # The menu that was heard holds, also when other sheets were imported meanwhile.
    return replace(announcements.added(board, call.decision, now), menu=call.menu)


TURNS: Final = {MORE_KEY: tell_more, LANGUAGE_KEY: turn_language}


def key_in_sheet(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Go back to the menu by `*` during a sheet; other keys are those of the menu."""
    if event.digit == MORE_KEY:
        yield from offer_again(board, call, event, now)
    else:
        yield from choose_sheet(board, call, event, now)


def _read(board: SwitchboardState, call: Call, sheet: SpokenSheet, now: Now) -> Orders:
    call.enter(State.SHEET, now)
    _choose(call, sheet)
    # Without the title, by which it was offered.
    yield orders.Play(call.new_play(), sheet.prompts[1:], line=call.line.name)
    yield call.write()


def _choose(call: Call, sheet: SpokenSheet) -> None:
    call.heard += (sheet.sheet,)
    # Heard once more: `use_sheet` notes a sheet only the first time.
    if not call.use_sheet(sheet.sheet):
        call.note(f"sheet.{sheet.sheet}")


def key_in_queue(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Read a sheet to a waiting caller (P1); phones go on ringing, the wait is not prolonged."""
    sheet = sheet_at_key(call.menu, event.digit)
    if sheet is None or len(call.heard) >= MOST_CHOICES:
        return
    _choose(call, sheet)
    # No announcement of the queue is played over the sheet.
    call.announced_at = now.monotonic + SHEET_S
    ringing.plan_deadline(board, call, now)
    # Without the keys that lead on from it, too: in the queue they mean nothing.
    yield orders.Play(call.new_play(), sheet.prompts[1:2], line=call.line.name)
    yield call.write()


def offer_again(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Play the menu again after a sheet, in that sheet's language."""
    call.enter(State.MENU, now)
    last = next(sheet for sheet in call.menu if sheet.sheet == call.heard[-1])
    prompts = announcements.menu_again(call.menu, last.language)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
