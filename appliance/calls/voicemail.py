"""Voicemail: greeting, menu of sheets, tone, recording; only what is stored is said to be (P9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from appliance.calls import announcements, orders, queue, returning
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
from appliance.calls.model import Call, Desk, hang_up_line
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
    start_greeting,
    without_message,
)
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.office import GreetingLength
from appliance.policy.sheets import GreetingOffer, SpokenSheet, sheet_at_key

# ---- messages ----------------------------------------------------------------------------------
# Voicemail: greeting, tone, recording, and only what is stored is told to be stored (P9, E5).

Stored = MessageStored | RequestStored

RECORDING_MARGIN_MS = 30_000
"""How long after the limit of a message its recording may still be missing."""
CALLER_WAITS = (RecordingStop.KEY, RecordingStop.SILENCE, RecordingStop.LIMIT)
"""Ends of a recording after which the caller may still be on the line to hear an answer."""
NOT_A_MESSAGE = {
    RecordingStop.TAKEN: Result.TAKEN,  # who lifted the telephone has heard the caller
    RecordingStop.FAX: Result.FAX,  # nobody spoke before the machine did
}
"""What a call was whose recording ended so and is too short to be a message."""
STOP_KEY = "#"
LINE_GONE = (*GONE, LineIdle, LineRestored)


def greet_caller(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line is up for voicemail."""
    call.up = True
    assert call.decision is not None, "voicemail is always decided"
    yield from start_greeting(desk, call, call.decision, now)


def sound_tone(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The greeting is over (or its limit): the tone after which the caller speaks.

    With a full disk the caller hears so instead, before speaking in vain.
    """
    if not desk.has_room:
        call.note("store.full")
        call.settle(Result.NOT_STORED)
        yield from say_farewell(desk, call, now, "mailbox_full")
        return
    call.enter(State.TONE, now)
    yield orders.Play(call.new_play(), announcements.tone(desk.office), line=call.line.name)


def begin_recording(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The tone is over: record."""
    limits = desk.office.voicemail
    call.enter(State.RECORDING, now, limits.limit_ms + RECORDING_MARGIN_MS)
    call.recording_since = now.monotonic
    call.note("recording")
    yield orders.Record(
        call.id, call.line.name, limits.limit_ms, limits.silence_ms, limits.grace_ms
    )


def end_by_key(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """`#` ends it: a line's own recording ends by itself, that of a leg is told to."""
    if desk.came_over(call) and event.line and event.digit == STOP_KEY:
        yield orders.EndRecording(call.line.name)


def note_gap(desk: Desk, call: Call, event: RecordingGap, now: Now) -> Orders:
    """Lost sound is never silent about itself."""
    call.note(f"recording.gap.{event.gap_ms}")
    yield from ()


def keep_message(desk: Desk, call: Call, event: RecordingEnded, now: Now) -> Orders:
    """The recording ended: a message if long enough, else a call without one.

    Of a request too short to say anything there stays whom to call back (P6).
    """
    call.note(f"recorded.{event.stop}")
    _note_end(desk, call, event)
    length_ms = event.length_ms - event.trim_ms
    waits = event.stop in CALLER_WAITS
    short = length_ms < desk.office.voicemail.minimum_ms
    if short and (event.stop in NOT_A_MESSAGE or not returning.is_to_call_back(call)):
        call.settle(NOT_A_MESSAGE.get(event.stop, without_message(call)))
        yield from _too_short(desk, call, now, waits=waits)
        return
    if not waits:
        yield from hang_up_line(desk, call, now)
    call.full = event.stop is RecordingStop.LIMIT
    yield from _store(desk, call, now, event.trim_ms, waits=waits)


def _note_end(desk: Desk, call: Call, event: RecordingEnded) -> None:
    """Remember what ended the recording, where it was no sign of a release."""
    limits = desk.office.voicemail
    if event.stop is RecordingStop.SILENCE:
        call.ended_by, call.ended_ms = Evidence.SILENCE, limits.silence_ms
    elif event.stop is RecordingStop.LIMIT:
        call.ended_by, call.ended_ms = Evidence.LIMIT, limits.limit_ms


def keep_as_is(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The call broke off and nobody closed the recording: keep what there is, by the clock."""
    told = isinstance(event, CallerHungUp) and event.evidence is Evidence.SIGNALLED
    call.note(f"recorded.{RecordingStop.RELEASE}" if told else "recording.cut")
    trim_ms, taken = 0, isinstance(event, LineTaken)
    if isinstance(event, CallerHungUp):
        trim_ms = event.after_ms
        note_evidence(call, event)
    elif isinstance(event, DeadlinePassed):
        call.ended_by, call.ended_ms = Evidence.LIMIT, desk.office.voicemail.limit_ms
    if taken:
        call.note("taken", evidence=Evidence.PARALLEL_PHONE)
    yield from _clear(desk, call, event, now)
    length_ms = int((now.monotonic - call.recording_since) * 1000)
    short = length_ms - trim_ms < desk.office.voicemail.minimum_ms
    if not short or (not taken and returning.is_to_call_back(call)):
        yield from _store(desk, call, now, trim_ms, waits=False)
        return
    yield orders.DropRecording(call.id)
    call.settle(Result.TAKEN if taken else without_message(call))
    yield from _after_saving(desk, call, now)


def break_off(desk: Desk, call: Call, event: StoreFailed, now: Now) -> Orders:
    """The disk refuses a message while the caller speaks: they are told at once, not at its end.

    The recording is closed all the same: what reached the disk is kept for recovery.
    """
    _note_not_stored(call, event)
    yield to_be_stored(call)
    yield from say_farewell(desk, call, now, "message_not_stored")


def _clear(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Put the line on hook, or take note that it is gone or on hook already."""
    if isinstance(event, LINE_GONE):
        yield from line_went(desk, call, event, now)
    else:
        yield from hang_up_line(desk, call, now)


def _too_short(desk: Desk, call: Call, now: Now, *, waits: bool) -> Orders:
    yield orders.DropRecording(call.id)
    call.settle(without_message(call))
    if waits:
        yield from say_farewell(desk, call, now, "message_too_short")
        return
    yield from hang_up_line(desk, call, now)
    call.enter(State.CLEARING, now)
    yield call.write()


def _store(desk: Desk, call: Call, now: Now, trim_ms: int, *, waits: bool) -> Orders:
    call.enter(State.STORING if waits else State.SAVING, now, desk.office.voicemail.store_ms)
    yield to_be_stored(call, trim_ms)
    yield call.write()


def to_be_stored(call: Call, trim_ms: int = 0) -> orders.Order:
    """Return the order that keeps the words: as a message, or as a request of an office (P6)."""
    if call.request is None:
        return orders.StoreMessage(call.id, call.id, call.record, trim_ms)
    return orders.StoreRequest(call.id, call.request, call.id, trim_ms)


def say_farewell(desk: Desk, call: Call, now: Now, *keys: str) -> Orders:
    """Tell the waiting caller how it went, and whom to call in need (E11); then hang up."""
    call.enter(State.FAREWELL, now)
    told = (*keys, *announcements.told_at_last(desk, call, now))
    prompts = announcements.in_languages(desk.office, *told, language=call.language)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def message_stored(desk: Desk, call: Call, event: Stored, now: Now) -> Orders:
    """On disk, whole: now the caller may be told, and of a request its number (E15)."""
    _note_stored(call, event)
    told: tuple[str, ...] = ("message_full",) if call.full else ()
    if isinstance(event, RequestStored):
        told += ("word_request", *(f"digit_{digit}" for digit in str(event.number)))
    yield from say_farewell(
        desk, call, now, *told, "callback_noted" if call.brief else "message_stored"
    )


def not_stored(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Not, or not in time: the caller is told to call again. A late success corrects the record."""
    _note_not_stored(call, event)
    yield from say_farewell(desk, call, now, "message_not_stored")


def message_saved(desk: Desk, call: Call, event: Stored, now: Now) -> Orders:
    """Stored after the caller had gone."""
    _note_stored(call, event)
    yield from _after_saving(desk, call, now)


def not_saved(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Not stored, and nobody is there to be told; the record says so."""
    _note_not_stored(call, event)
    yield from _after_saving(desk, call, now)


def correct(desk: Desk, call: Call, event: Stored, now: Now) -> Orders:
    """A message given up turned out to be stored: the record follows the disk."""
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


def _after_saving(desk: Desk, call: Call, now: Now) -> Orders:
    """The message is settled: the call ends with its line."""
    if call.on_line:
        call.enter(State.CLEARING, now)
        yield call.write()
    else:
        yield from end_call(desk, call, now)


def caller_went(desk: Desk, call: Call, event: CallerHungUp, now: Now) -> Orders:
    """The caller did not wait to hear; the message is stored all the same."""
    note_evidence(call, event)
    yield from hang_up_line(desk, call, now)
    call.state = State.SAVING


def line_went(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line went while the message was being recorded or stored."""
    yield from free_line(desk, call, event, now)
    note_unasked(call)
    call.state = State.SAVING


def free_line(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The line is free for the next call, or out; the message is still being stored."""
    if call.on_line:  # else the carrier was lost, which is told to every call
        note_lost(call, event)
        free_line_of(desk, call, event, now)
    yield from ()


# ---- menu --------------------------------------------------------------------------------------
# After hours keys lead to sheets read aloud, to whom to call in need, to the other language.
#
# Doing nothing leads to voicemail (E5).

SKIP_KEY = "#"
VOICEMAIL_KEY = "0"
MORE_KEY = "*"
"""Leads to what the greeting has not said, and from a sheet back to it."""
LANGUAGE_KEY = "9"
SHEET_S = 60.0
"""No sheet is longer: nothing is said over one to a caller who waits."""
MOST_CHOICES = 12
"""Sheets that one caller may hear, and turns to elsewhere: whoever goes on pressing keys gives the
line back (B1)."""


def choose_sheet(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A sheet's key reads it, `*` says the rest, 9 turns to the other language.

    `#` leads to the tone, and so does 0 where there is a menu.
    """
    sheet = sheet_at_key(call.menu, event.digit)
    if event.digit in TURNS and call.request is None:
        yield from _turn(desk, call, event.digit, now)
        return
    if sheet is not None and len(call.heard) < MOST_CHOICES:
        yield from _read(desk, call, sheet, now)
    elif sheet or event.digit == SKIP_KEY or (call.menu and event.digit == VOICEMAIL_KEY):
        call.note("greeting.skipped")
        yield from sound_tone(desk, call, event, now)


def _turn(desk: Desk, call: Call, digit: str, now: Now) -> Orders:
    """Turn to what the greeting has not said; ignored where there is nothing of it."""
    if call.turns < MOST_CHOICES:
        call.turns += 1
        yield from TURNS[digit](desk, call, now)


def tell_more(desk: Desk, call: Call, now: Now) -> Orders:
    """Say whom to call in need (E11), the address and the sheets; then how to leave a message."""
    added = _added(desk, call, now)
    language = call.language or desk.office.languages[0]
    prompts = announcements.more(desk.office, added, language)
    if not prompts:
        return
    call.note_emergencies_told(added.told)
    call.enter(State.MENU, now)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def turn_language(desk: Desk, call: Call, now: Now) -> Orders:
    """Greet once more, in the office's other language; what follows is said in that one too."""
    language = announcements.other_language(desk.office, call.language)
    if not language or desk.office.voicemail.greeting is GreetingLength.LONG:
        return
    assert call.decision is not None, "voicemail is always decided"
    call.language = language
    call.note(f"language.{language}")
    call.enter(State.GREETING, now)
    yield from play_greeting(desk, call, call.decision, _added(desk, call, now), now)


def _added(desk: Desk, call: Call, now: Now) -> GreetingOffer:
    """Return what is offered now, with the menu that this caller has heard of."""
    assert call.decision is not None, "voicemail is always decided"
    return replace(announcements.added(desk, call.decision, now), menu=call.menu)


TURNS: Final = {MORE_KEY: tell_more, LANGUAGE_KEY: turn_language}


def key_in_sheet(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """`*` leads back to the menu; the other keys are those of the menu."""
    if event.digit == MORE_KEY:
        yield from offer_again(desk, call, event, now)
    else:
        yield from choose_sheet(desk, call, event, now)


def _read(desk: Desk, call: Call, sheet: SpokenSheet, now: Now) -> Orders:
    call.enter(State.SHEET, now)
    _choose(call, sheet)
    yield orders.Play(call.new_play(), sheet.prompts[1:], line=call.line.name)
    yield call.write()


def _choose(call: Call, sheet: SpokenSheet) -> None:
    call.heard += (sheet.sheet,)
    if not call.use_sheet(sheet.sheet):
        call.note(f"sheet.{sheet.sheet}")  # heard once more


def key_in_queue(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Whoever waits hears a sheet meanwhile: phones ring all the same, the wait goes on."""
    sheet = sheet_at_key(call.menu, event.digit)
    if sheet is None or len(call.heard) >= MOST_CHOICES:
        return
    _choose(call, sheet)
    call.announced_at = now.monotonic + SHEET_S
    queue.plan_deadline(desk, call, now)
    yield orders.Play(call.new_play(), sheet.prompts[1:2], line=call.line.name)
    yield call.write()


def offer_again(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The sheet is over, or the caller goes back: the menu once more, in that sheet's language."""
    call.enter(State.MENU, now)
    last = next(sheet for sheet in call.menu if sheet.sheet == call.heard[-1])
    prompts = announcements.menu_again(call.menu, last.language)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
