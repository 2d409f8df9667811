"""State table of a call: every state x every event is a row, or is ignored for a written reason.

A row names its action (switchboard.HANDLERS) and the states it may lead to. In this order: states,
row parts that several states share, rows by phase, TABLE and its limits. Calls that phones make
have smaller tables (side_states.py).
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.calls import events
from appliance.calls.events import (
    AlternateWished,
    AnswerWished,
    BoxStopped,
    BranchCalled,
    CallBackAsked,
    CallBackStored,
    CallerHungUp,
    CallerIdentified,
    DeadlinePassed,
    DictationAsked,
    DigitPressed,
    DirectoryChanged,
    FarEndProgressed,
    FaxCalled,
    HandOverWished,
    HangUpWished,
    HeadWished,
    HoldWished,
    HoursChanged,
    LegEnded,
    LegProgressed,
    LineAnswered,
    LineFlashed,
    LineHalfDuplex,
    LineIdle,
    LineLost,
    LineNeeded,
    LineProbed,
    LineRang,
    LineRestored,
    LineTaken,
    MediaAgreed,
    MediaGatewayLost,
    MediaGatewayRestored,
    MessageClosed,
    MessageFetched,
    MessageMarked,
    MessageStored,
    MessagesWaiting,
    NumbersKnown,
    NumberTold,
    OperatorAnswered,
    PhoneDialled,
    PhoneGone,
    PhoneLost,
    PhonePrepared,
    PhoneRegistered,
    PhoneSilent,
    PinChecked,
    PromptEnded,
    RecordingEnded,
    RecordingGap,
    RequestStored,
    ResumeWished,
    RingTried,
    RoomForMessages,
    ServiceStateChanged,
    SheetUsed,
    SpokenSheetsChanged,
    StoreFailed,
    TakeKept,
    TransferAsked,
    TransferWished,
)


class State(enum.StrEnum):
    """State of a caller's call."""

    ARRIVED = "arrived"  # the line rings, no phone does: the caller's identity is not settled
    RINGING = "ringing"  # a group's phones ring, the line is not answered
    ANSWERING = "answering"  # a phone has answered, the line is going off hook
    HOLDING = "holding"  # that phone is gone again: the caller is held, phones ring
    QUEUED = "queued"  # all are busy: the caller waits, off hook, for a free position
    CALLBACK_OFFERED = "callback_offered"  # after waiting in vain the caller may be called back
    CALLBACK_STORING = "callback_storing"  # the call back is being stored
    TALKING = "talking"
    ON_HOLD = "on_hold"  # the operator has put the caller on hold at the screen, and stays
    PBX_PENDING = "pbx_pending"  # the line is going off hook, to pass the call to a PBX (B2)
    PBX_GREETING = "pbx_greeting"  # "connecting" is played to the caller
    PBX_CHECK = "pbx_check"  # the caller came back from the PBX: listen for a release
    PBX_CALLING = "pbx_calling"  # the caller is on hold at the PBX, an extension is called
    PBX_OFFERING = "pbx_offering"  # the extension seems to have answered: the offer is played
    PBX_AWAITING_KEY = "pbx_awaiting_key"  # only a key accepts it
    PBX_RETURNING = "pbx_returning"  # not accepted: a second flash brings the caller back
    TRANSFER_KEYS = "transfer_keys"  # the operator keys a code, the caller is on the line
    TRANSFER_CHOICE = "transfer_choice"  # the operator is asked something, the caller is held
    TRANSFER_RINGING = "transfer_ringing"  # the office rings
    TRANSFER_CONSULT = "transfer_consult"  # operator and clerk talk, the caller is held
    OFFICE_WAITS = "office_waits"  # the operator is back with the caller, the clerk is held
    TRANSFERRED = "transferred"  # caller and clerk talk
    TRANSFER_RETURNING = "transfer_returning"  # it comes back: operators are rung, or waited for
    TRANSFER_OFFER = "transfer_offer"  # the caller is asked: stay, or leave words
    GREETING_PENDING = "greeting_pending"  # the line is going off hook for voicemail
    GREETING = "greeting"
    MENU = "menu"  # the sheets that can be heard are offered again
    SHEET = "sheet"  # a sheet is read aloud
    TONE = "tone"
    RECORDING = "recording"
    STORING = "storing"  # the caller waits to hear whether the message was stored
    SAVING = "saving"  # the caller has gone, the message is being stored
    FAREWELL = "farewell"
    CLEARING = "clearing"  # hung up, the line has not proven itself idle yet
    ENDED = "ended"


class CallAction(enum.StrEnum):
    """Action of a row; switchboard.HANDLERS maps it to its function."""

    ROUTE = "route"
    RING_AT_ONCE = "ring_at_once"
    TURN_HALF_DUPLEX = "turn_half_duplex"
    LEARN_CALLER = "learn_caller"
    GIVE_UP = "give_up"
    ANSWER = "answer"
    LEG_OUT = "leg_out"
    NEXT_STAGE = "next_stage"
    PBX_GO = "pbx_go"
    PBX_CALL = "pbx_call"
    PBX_HEAR = "pbx_hear"
    PBX_AWAIT_KEY = "pbx_await_key"
    PBX_OFFER_AGAIN = "pbx_offer_again"
    PBX_ACCEPT = "pbx_accept"
    PBX_TAKE_BACK = "pbx_take_back"
    PBX_CALLER_BACK = "pbx_caller_back"
    PBX_GREET = "pbx_greet"
    PBX_APPLY_ABSENCE = "pbx_apply_absence"
    APPLY_ABSENCE = "apply_absence"
    RING_ON = "ring_on"
    HOLD = "hold"
    QUEUE_GREET = "queue_greet"
    QUEUE_HOLD = "queue_hold"
    QUEUE_KEY = "queue_key"
    QUEUE_LEG_OUT = "queue_leg_out"
    QUEUE_TICK = "queue_tick"
    QUEUE_FOLLOW_STATES = "queue_follow_states"
    CALLBACK_AWAIT_KEY = "callback_await_key"
    CALLBACK_OBEY = "callback_obey"
    CALLBACK_STORED = "callback_stored"
    CALLBACK_DECLINED = "callback_declined"
    TALK = "talk"
    PICK_UP = "pick_up"
    PUT_ON_HOLD = "put_on_hold"
    RESUME = "resume"
    RESUME_BY_KEY = "resume_by_key"
    RECALL = "recall"
    HOLD_ON = "hold_on"
    BACK_TO_CALLER = "back_to_caller"
    TAKE_BACK_AT_SCREEN = "take_back_at_screen"
    OPERATOR_LEFT = "operator_left"
    OPERATOR_LOST = "operator_lost"
    CALLER_LEFT = "caller_left"
    LEAVE = "leave"
    LEAVE_BEFORE_TONE = "leave_before_tone"
    LOSE_BEFORE_TONE = "lose_before_tone"
    GIVE_LINE_BEFORE_TONE = "give_line_before_tone"
    NEVER_UP = "never_up"
    GREET = "greet"
    SOUND_TONE = "sound_tone"
    CHOOSE = "choose"
    KEY_IN_SHEET = "key_in_sheet"
    OFFER_AGAIN = "offer_again"
    RECORD = "record"
    NOTE_GAP = "note_gap"
    END_BY_KEY = "end_by_key"
    KEEP = "keep"
    KEEP_AS_IS = "keep_as_is"
    BREAK_OFF = "break_off"
    STORED = "stored"
    NOT_STORED = "not_stored"
    SAVED = "saved"
    NOT_SAVED = "not_saved"
    CALLER_WENT = "caller_went"
    LINE_WENT = "line_went"
    FREE_LINE = "free_line"
    HANG_UP = "hang_up"
    NOTE_RELEASE = "note_release"
    END_LONGEST = "end_longest"
    TAKEN_RINGING = "taken_ringing"
    HAND_OVER = "hand_over"
    HAND_OVER_SAVING = "hand_over_saving"
    SHARE = "share"
    NOTE_TAKEN = "note_taken"
    FORWARD_KEY = "forward_key"
    COLLECT_KEY = "collect_key"
    NO_MORE_KEYS = "no_more_keys"
    CHOICE_HEARD = "choice_heard"
    CHOICE_KEY = "choice_key"
    CHOICE_OVER = "choice_over"
    ASK_BY_REFER = "ask_by_refer"
    ASK_FOR = "ask_for"
    BRING_HEAD = "bring_head"
    TRANSFER_HOLD = "transfer_hold"
    NUMBER_OUT = "number_out"
    NUMBER_SILENT = "number_silent"
    OFFICE_ANSWERED = "office_answered"
    TAKE_BACK = "take_back"
    CONSULT_OVER = "consult_over"
    CONSULT_KEY = "consult_key"
    CONSULT_TOO_LONG = "consult_too_long"
    ALTERNATE = "alternate"
    HAND_OVER_AT_SCREEN = "hand_over_at_screen"
    OFFICE_HOLD_ON = "office_hold_on"
    OFFICE_KEY = "office_key"
    OFFICE_LOST = "office_lost"
    RETURN_PHONE_OUT = "return_phone_out"
    RETURN_NOBODY = "return_nobody"
    RETURN_HOLD = "return_hold"
    RETURN_ANSWERED = "return_answered"
    RETURN_APPLY_ABSENCE = "return_apply_absence"
    RETURN_STAY = "return_stay"
    LEAVE_WORDS = "leave_words"
    TURN_FAX_AWAY = "turn_fax_away"
    NOTE_FAX = "note_fax"
    NOTE_FAX_IN_CONVERSATION = "note_fax_in_conversation"
    GIVE_LINE = "give_line"
    GIVE_LINE_RECORDING = "give_line_recording"
    GIVE_LINE_SAVING = "give_line_saving"
    CORRECT = "correct"
    END = "end"
    NOT_IDLE = "not_idle"
    LOSE = "lose"


@dataclass(frozen=True, slots=True)
class TableRow:
    """Action and the states it may lead to; with `stays` the state may also stay as it is."""

    do: CallAction
    to: tuple[State, ...] = ()
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """Reason why an event changes nothing in a state."""

    because: str


EVENTS: tuple[type, ...] = typing.get_args(events.Event)

Rows = dict[type, TableRow | Ignored]
"""One state's part of the table."""


# ---- Row parts that several states share; `state_rows` puts them together ------------------------

_S = State
_D = CallAction

LEG = typing.get_args(LegEnded)
LINE_GONE = (LineLost, MediaGatewayLost, BoxStopped)
ON_HOOK = (LineIdle, LineRestored)

NOT_A_CALLS: dict[type, str] = {
    PhonePrepared: "ports are the service's business",
    MediaAgreed: "sound is the carrier's business",
    LegProgressed: "a phone that rings is expected to say so",
    PhoneRegistered: "concerns the groups; a stage rings the phones it found",
    PhoneGone: "concerns the groups; the leg itself says how it ended",
    BranchCalled: "is a call of its own: a caller whom others hand over",
    PhoneDialled: "is a key code's own call",
    CallBackAsked: "concerns the phone that is to call",
    DictationAsked: "concerns the phone at which an announcement is said",
    RingTried: "concerns the phone that is to ring",
    TakeKept: "concerns the phone at which an announcement is said",
    NumbersKnown: "concerns who may be called back",
    PhoneSilent: "the phones' room asks it whether it is there; PhoneLost follows if not",
    TransferAsked: "only an operator who talks with a caller can ask; the phone is told so",
    TransferWished: "only an operator who talks with a caller can ask; who asked is told so",
    HeadWished: "only who talks with a caller can bring the head in; who asked is told so",
    AnswerWished: "no phone of the office can take the call now; who asked is told so",
    HoldWished: "only who talks with a caller can hold; who asked is told so",
    ResumeWished: "nobody waits for this phone; who asked is told so",
    AlternateWished: "no office has answered this phone's caller; who asked is told so",
    HandOverWished: "no office has answered this phone's caller; who asked is told so",
    HangUpWished: "the Switchboard puts the phone down: PhoneHungUp follows",
    MessagesWaiting: "concerns the message lamp",
    RoomForMessages: "the next tone asks whether there is room; what is recorded goes on",
    MessageFetched: "concerns a phone that hears messages",
    MessageClosed: "concerns a phone that hears messages",
    MessageMarked: "concerns a phone that hears messages",
    PinChecked: "concerns a phone that hears messages",
    CallBackStored: "no caller of this call waits to hear of a call back",
    RequestStored: "no caller of this call waits to hear of a request",
    LineHalfDuplex: "concerns the line: whoever is on it is served to the end",
    LineProbed: "concerns the line; while a call is on it nothing is measured",
    MediaGatewayRestored: "its lines follow one by one",
    SpokenSheetsChanged: "the next greeting offers them; a menu that was heard holds",
    SheetUsed: "the Switchboard notes it with every call alike",
    NumberTold: "the Switchboard notes it with every call alike",
    HoursChanged: "the next call asks the new hours; what rang before is served to its end (E1)",
    DirectoryChanged: "the next transfer asks the new one; what rings already is not cut (E12)",
    FarEndProgressed: "the box calls nobody over this line now: it crossed an order",
    LineFlashed: "no flash was ordered that matters to the call now",
}


def on_each(kinds: tuple[type, ...], row: TableRow | str) -> Rows:
    """Give several events one row, or one reason for being ignored."""
    return {kind: Ignored(row) if isinstance(row, str) else row for kind in kinds}


# In every state, unless its own rows say otherwise: an emergency call needs the line.
GIVES_WAY: Rows = {LineNeeded: TableRow(_D.GIVE_LINE, (_S.FAREWELL, _S.CLEARING))}
PASSES_ON = on_each((LineNeeded,), "a line that passes its calls on carries no emergency call")


def state_rows(*parts: Rows) -> Rows:
    """Merge a state's rows; a later part overrides an earlier one."""
    whole: Rows = {kind: Ignored(why) for kind, why in NOT_A_CALLS.items()}
    whole |= GIVES_WAY
    for part in parts:
        whole |= part
    return whole


BEFORE_ANSWER = on_each(
    (LineAnswered, PromptEnded, RecordingEnded, RecordingGap, MessageStored, StoreFailed),
    "nothing of that was ordered yet",
) | on_each((DigitPressed, FaxCalled), "a line on hook is not listened to")
RINGS = on_each((LineRang,), "the call is known already") | on_each(
    ON_HOOK, "a ringing line is on hook; only the caller's giving up ends it"
)
NO_LEGS = on_each((OperatorAnswered, *LEG), "no phone belongs to the call now")
NO_MESSAGE = on_each((RecordingEnded, RecordingGap, MessageStored, StoreFailed), "nothing records")
NO_PROMPT = on_each((PromptEnded,), "nothing is played that matters to the call")
OFF_HOOK = on_each((LineRang,), "an engaged line cannot ring: a burst crossed the answer")
UP = on_each((LineAnswered,), "the line is up already")
NO_KEYS = on_each((DigitPressed,), "keys mean nothing here")
SERVED = on_each((ServiceStateChanged,), "what is being served is served to its end (E1, E4)")
LATE_NAME: Rows = {CallerIdentified: TableRow(_D.LEARN_CALLER, stays=True)}
LOST = on_each((*LINE_GONE, *ON_HOOK), TableRow(_D.LOSE, (_S.ENDED,)))
TALKS = state_rows(OFF_HOOK, NO_MESSAGE, NO_PROMPT, NO_KEYS, SERVED, LATE_NAME, LOST)
LISTENS = state_rows(OFF_HOOK, UP, NO_LEGS, NO_MESSAGE, NO_KEYS, SERVED, LATE_NAME, LOST)
LEAVES: Rows = {CallerHungUp: TableRow(_D.LEAVE, (_S.CLEARING,))}
# P6: an office's request may have been begun for this caller.
LEAVES_BEFORE_TONE: Rows = {
    CallerHungUp: TableRow(_D.LEAVE_BEFORE_TONE, (_S.CLEARING, _S.SAVING)),
    LineNeeded: TableRow(_D.GIVE_LINE_BEFORE_TONE, (_S.FAREWELL, _S.CLEARING, _S.SAVING)),
    **on_each((*LINE_GONE, *ON_HOOK), TableRow(_D.LOSE_BEFORE_TONE, (_S.ENDED, _S.SAVING))),
}
# With the caller on hold at a PBX a release heard is the extension's: FarEndProgressed tells it.
ON_HOLD = state_rows(
    PASSES_ON,
    OFF_HOOK, UP, NO_LEGS, NO_MESSAGE, NO_PROMPT, NO_KEYS, SERVED, LATE_NAME, LOST,
    LEAVES,
    on_each((FaxCalled,), "what is heard is the PBX or an extension, not the caller"),
)  # fmt: skip
ABSENT_MEANWHILE: Rows = {
    ServiceStateChanged: TableRow(_D.APPLY_ABSENCE, (_S.GREETING,), stays=True)
}
BACK = on_each((DeadlinePassed,), TableRow(_D.PBX_TAKE_BACK, (_S.PBX_RETURNING,)))
KEEPS = TableRow(_D.KEEP_AS_IS, (_S.SAVING, _S.CLEARING, _S.ENDED))
FAX: Rows = {FaxCalled: TableRow(_D.TURN_FAX_AWAY, (_S.CLEARING,))}
NOTES_FAX: Rows = {FaxCalled: TableRow(_D.NOTE_FAX, stays=True)}
CORRECTS = on_each((MessageStored, RequestStored), TableRow(_D.CORRECT, stays=True))
TAKEN_RINGING: Rows = {LineTaken: TableRow(_D.TAKEN_RINGING, (_S.ENDED,))}
# A caller waits for a person on a line that turns out to be half duplex (B2).
HALF: Rows = {
    LineHalfDuplex: TableRow(_D.TURN_HALF_DUPLEX, (_S.GREETING_PENDING, _S.GREETING), stays=True)
}
HANDS_OVER: Rows = {LineTaken: TableRow(_D.HAND_OVER, (_S.CLEARING,))}
AFTER = state_rows(
    on_each((LineNeeded,), "the line is on its way on hook"),
    OFF_HOOK,
    NO_LEGS,
    NO_PROMPT,
    NO_KEYS,
    SERVED,
    LATE_NAME,
    on_each((LineAnswered,), "it crossed the order to hang up"),
    on_each((RecordingEnded, RecordingGap), "the recording is closed"),
    on_each((StoreFailed,), "the record says so already"),
    on_each((FaxCalled,), "the call ends in any case"),
    CORRECTS,
    {LineTaken: TableRow(_D.NOTE_TAKEN, stays=True)},
)


# ---- Rows: sheets read aloud after hours, chosen by keys -----------------------------------------

MENU_ROWS: Mapping[State, Rows] = {
    _S.MENU: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES
    | on_each((PromptEnded, DeadlinePassed), TableRow(_D.SOUND_TONE, (_S.TONE, _S.FAREWELL)))
    | {
        DigitPressed: TableRow(_D.CHOOSE, (_S.TONE, _S.SHEET, _S.GREETING, _S.FAREWELL), stays=True)
    },
    _S.SHEET: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES
    | on_each((PromptEnded, DeadlinePassed), TableRow(_D.OFFER_AGAIN, (_S.MENU,)))
    | {DigitPressed: TableRow(_D.KEY_IN_SHEET, (_S.MENU, _S.TONE, _S.GREETING), stays=True)},
}


# ---- Rows: voicemail, and the end of a call ------------------------------------------------------

MESSAGE_ROWS: Mapping[State, Rows] = {
    _S.GREETING_PENDING: LISTENS
    | HANDS_OVER
    | on_each((FaxCalled,), "the line is not up: nothing is heard on it")
    | NO_PROMPT
    | LEAVES
    | {
        LineAnswered: TableRow(_D.GREET, (_S.GREETING,)),
        DeadlinePassed: TableRow(_D.NEVER_UP, (_S.CLEARING,)),
    },
    _S.GREETING: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES_BEFORE_TONE
    | {
        # With no room for words, the number of whoever is to be called back is stored at once.
        **on_each(
            (PromptEnded, DeadlinePassed),
            TableRow(_D.SOUND_TONE, (_S.TONE, _S.STORING, _S.FAREWELL)),
        ),
        DigitPressed: TableRow(
            _D.CHOOSE, (_S.TONE, _S.STORING, _S.SHEET, _S.MENU, _S.FAREWELL), stays=True
        ),
    },
    _S.TONE: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES_BEFORE_TONE
    | {
        PromptEnded: TableRow(_D.RECORD, (_S.RECORDING,)),
        DeadlinePassed: TableRow(_D.RECORD, (_S.RECORDING,)),
    },
    _S.RECORDING: LISTENS
    | NO_PROMPT
    | NOTES_FAX
    # What was recorded is kept, however the call ends.
    | on_each((CallerHungUp, LineTaken, DeadlinePassed, *LINE_GONE, *ON_HOOK), KEEPS)
    | on_each((MessageStored, RequestStored), "the recording is not closed yet")
    | {
        StoreFailed: TableRow(_D.BREAK_OFF, (_S.FAREWELL,)),
        LineNeeded: TableRow(_D.GIVE_LINE_RECORDING, (_S.SAVING, _S.CLEARING)),
        RecordingGap: TableRow(_D.NOTE_GAP, stays=True),
        DigitPressed: TableRow(_D.END_BY_KEY, stays=True),
        RecordingEnded: TableRow(_D.KEEP, (_S.STORING, _S.SAVING, _S.FAREWELL, _S.CLEARING)),
    },
    # The caller waits to hear "stored", and may hear it only once it is (B5).
    _S.STORING: LISTENS
    | NO_PROMPT
    | on_each((FaxCalled,), "the message is being stored; then the box hangs up")
    | on_each((RecordingEnded, RecordingGap), "the recording is closed")
    | on_each((StoreFailed, DeadlinePassed), TableRow(_D.NOT_STORED, (_S.FAREWELL,)))
    | on_each((*LINE_GONE, *ON_HOOK), TableRow(_D.LINE_WENT, (_S.SAVING,)))
    | {
        **on_each((MessageStored, RequestStored), TableRow(_D.STORED, (_S.FAREWELL,))),
        CallerHungUp: TableRow(_D.CALLER_WENT, (_S.SAVING,)),
        LineTaken: TableRow(_D.HAND_OVER_SAVING, (_S.SAVING,)),
        LineNeeded: TableRow(_D.GIVE_LINE_SAVING, (_S.SAVING,)),
    },
    # The line may be free, and ring for another call, before the message is stored.
    _S.SAVING: AFTER
    | on_each((*LINE_GONE, *ON_HOOK), TableRow(_D.FREE_LINE, stays=True))
    | on_each((StoreFailed, DeadlinePassed), TableRow(_D.NOT_SAVED, (_S.CLEARING, _S.ENDED)))
    | {
        **on_each((MessageStored, RequestStored), TableRow(_D.SAVED, (_S.CLEARING, _S.ENDED))),
        CallerHungUp: TableRow(_D.NOTE_RELEASE, stays=True),
    },
    _S.FAREWELL: AFTER
    | UP
    | on_each((*LINE_GONE, *ON_HOOK), TableRow(_D.END, (_S.ENDED,)))
    | {
        PromptEnded: TableRow(_D.HANG_UP, (_S.CLEARING,)),
        DeadlinePassed: TableRow(_D.HANG_UP, (_S.CLEARING,)),
        CallerHungUp: TableRow(_D.HANG_UP, (_S.CLEARING,)),
        LineTaken: TableRow(_D.HAND_OVER, (_S.CLEARING,)),
        LineNeeded: TableRow(_D.GIVE_LINE, (_S.CLEARING,)),
    },
    # B1: a call ends only when its line has proven itself idle, or with a line in doubt.
    _S.CLEARING: AFTER
    | on_each((*LINE_GONE, *ON_HOOK), TableRow(_D.END, (_S.ENDED,)))
    | {
        CallerHungUp: TableRow(_D.NOTE_RELEASE, stays=True),
        DeadlinePassed: TableRow(_D.NOT_IDLE, (_S.ENDED,)),
    },
    # A message that was given up may turn out to be stored: the record then follows the disk.
    _S.ENDED: on_each(EVENTS, "the call is over") | CORRECTS,
}


# ---- Rows: a call that is passed to a PBX by a hook flash (B2) -----------------------------------

BACK_FROM_PBX = (
    _S.PBX_GREETING,
    _S.GREETING,
    _S.TRANSFER_RINGING,
    _S.TRANSFER_RETURNING,
    _S.TRANSFER_OFFER,
)

PBX_ROWS: Mapping[State, Rows] = {
    _S.PBX_PENDING: LISTENS
    | HANDS_OVER
    | PASSES_ON
    | on_each((FaxCalled,), "the line is not up: nothing is heard on it")
    | NO_PROMPT
    | LEAVES
    | {
        LineAnswered: TableRow(_D.PBX_GREET, (_S.PBX_GREETING,)),
        ServiceStateChanged: TableRow(_D.APPLY_ABSENCE, (_S.GREETING_PENDING,), stays=True),
        DeadlinePassed: TableRow(_D.NEVER_UP, (_S.CLEARING,)),
    },
    _S.PBX_GREETING: LISTENS
    | HANDS_OVER
    | PASSES_ON
    | FAX
    | LEAVES
    | ABSENT_MEANWHILE
    | on_each((PromptEnded, DeadlinePassed), TableRow(_D.PBX_GO, (_S.PBX_CALLING, _S.PBX_CHECK))),
    # The caller was on hold at the PBX, where a release is not heard: listen before the next flash.
    _S.PBX_CHECK: LISTENS
    | HANDS_OVER
    | PASSES_ON
    | FAX
    | NO_PROMPT
    | LEAVES
    | ABSENT_MEANWHILE
    | {DeadlinePassed: TableRow(_D.PBX_CALL, (_S.PBX_CALLING,))},
    _S.PBX_CALLING: ON_HOLD
    | HANDS_OVER
    | BACK
    | on_each((DigitPressed,), "the call was not offered yet: no key accepts what nobody heard of")
    | {
        FarEndProgressed: TableRow(_D.PBX_HEAR, (_S.PBX_OFFERING, _S.PBX_RETURNING), stays=True),
        ServiceStateChanged: TableRow(_D.PBX_APPLY_ABSENCE, (_S.PBX_RETURNING,), stays=True),
    },
    _S.PBX_OFFERING: ON_HOLD
    | HANDS_OVER
    | BACK
    | {
        PromptEnded: TableRow(_D.PBX_AWAIT_KEY, (_S.PBX_AWAITING_KEY,)),
        DigitPressed: TableRow(_D.PBX_ACCEPT, (_S.CLEARING,), stays=True),
        FarEndProgressed: TableRow(_D.PBX_HEAR, (_S.PBX_CALLING, _S.PBX_RETURNING), stays=True),
    },
    # Only a key is certain to be a person: an analog line has no answer signal.
    _S.PBX_AWAITING_KEY: ON_HOLD
    | HANDS_OVER
    | {
        DeadlinePassed: TableRow(_D.PBX_OFFER_AGAIN, (_S.PBX_OFFERING, _S.PBX_RETURNING)),
        DigitPressed: TableRow(_D.PBX_ACCEPT, (_S.CLEARING,), stays=True),
        FarEndProgressed: TableRow(_D.PBX_HEAR, (_S.PBX_CALLING, _S.PBX_RETURNING), stays=True),
    },
    _S.PBX_RETURNING: ON_HOLD
    | HANDS_OVER
    | on_each((LineFlashed, DeadlinePassed), TableRow(_D.PBX_CALLER_BACK, BACK_FROM_PBX)),
}


# ---- Rows: ringing and conversation --------------------------------------------------------------

ROUTED = (_S.RINGING, _S.QUEUED, _S.PBX_PENDING, _S.GREETING_PENDING)
RINGS_NO_MORE = (_S.ARRIVED, _S.QUEUED, _S.GREETING_PENDING, _S.CLEARING)
HELD_NO_MORE = (_S.QUEUED, _S.CALLBACK_OFFERED, _S.GREETING_PENDING, _S.GREETING)
"""Next states once the caller is settled (ROUTED), once a ring step is over (RINGS_NO_MORE), the
caller being held (HELD_NO_MORE). CLEARING: its sender is given back the caller (sip_line.py)."""
FAILED = (_S.TRANSFER_RETURNING, _S.TRANSFER_OFFER, _S.HOLDING, *HELD_NO_MORE)
"""Next states of a caller whose operator's phone hung up by itself (returning.py)."""
# Next states of a transfer request; straight back when no number can be rung.
ASKED = (
    _S.TRANSFER_RINGING,
    _S.PBX_GREETING,
    _S.TRANSFER_CHOICE,
    _S.TRANSFER_RETURNING,
    _S.TRANSFER_OFFER,
)

RINGING_ROWS: Mapping[State, Rows] = {
    # The line is on hook: the caller hears the network's ringing tone and pays nothing.
    _S.ARRIVED: state_rows(
        BEFORE_ANSWER,
        RINGS,
        NO_LEGS,
        on_each(
            (ServiceStateChanged,), "the call is routed by what holds once its caller is known"
        ),
        {
            LineRang: TableRow(_D.RING_AT_ONCE, ROUTED, stays=True),
            CallerIdentified: TableRow(_D.ROUTE, ROUTED),
            DeadlinePassed: TableRow(_D.ROUTE, ROUTED),
            CallerHungUp: TableRow(_D.GIVE_UP, (_S.ENDED,)),
        },
        TAKEN_RINGING,
        on_each(LINE_GONE, TableRow(_D.LOSE, (_S.ENDED,))),
    ),
    _S.RINGING: state_rows(
        BEFORE_ANSWER,
        RINGS,
        LATE_NAME,
        on_each(LEG, TableRow(_D.LEG_OUT, RINGS_NO_MORE, stays=True)),
        {
            OperatorAnswered: TableRow(_D.ANSWER, (_S.ANSWERING,)),
            DeadlinePassed: TableRow(_D.NEXT_STAGE, RINGS_NO_MORE, stays=True),
            ServiceStateChanged: TableRow(_D.APPLY_ABSENCE, RINGS_NO_MORE, stays=True),
            CallerHungUp: TableRow(_D.GIVE_UP, (_S.ENDED,)),
        },
        TAKEN_RINGING,
        # The phone stops ringing for every other call, which may then go on.
        {AnswerWished: TableRow(_D.PICK_UP, RINGS_NO_MORE, stays=True)},
        on_each(LINE_GONE, TableRow(_D.LOSE, (_S.ENDED,))),
    ),
    # A phone has answered, the modem is still going off hook.
    _S.ANSWERING: TALKS
    | HANDS_OVER
    | HALF
    | on_each((FaxCalled,), "the line is not up: nothing is heard on it")
    # The caller has met nobody yet: other phones ring.
    | on_each(LEG, TableRow(_D.RING_ON, (_S.HOLDING, *HELD_NO_MORE)))
    | on_each((OperatorAnswered,), "the first who lifted has the call; others are hung up")
    | {
        LineAnswered: TableRow(_D.TALK, (_S.TALKING,)),
        CallerHungUp: TableRow(_D.LEAVE, (_S.CLEARING,)),
        DeadlinePassed: TableRow(_D.NEVER_UP, (_S.CLEARING,)),
    },
    # Nobody talks with the caller, who is held: a parallel telephone may take the call (B1).
    _S.HOLDING: TALKS
    | HANDS_OVER
    | HALF
    | FAX
    | {AnswerWished: TableRow(_D.PICK_UP, HELD_NO_MORE, stays=True)}
    | on_each(LEG, TableRow(_D.LEG_OUT, HELD_NO_MORE, stays=True))
    | {
        LineAnswered: TableRow(_D.HOLD, stays=True),
        OperatorAnswered: TableRow(_D.ANSWER, (_S.ANSWERING, _S.TALKING)),
        DeadlinePassed: TableRow(_D.NEXT_STAGE, HELD_NO_MORE, stays=True),
        ServiceStateChanged: TableRow(_D.APPLY_ABSENCE, HELD_NO_MORE, stays=True),
        CallerHungUp: TableRow(_D.LEAVE, (_S.CLEARING,)),
    },
    _S.TALKING: TALKS
    | UP
    | on_each(LEG, TableRow(_D.OPERATOR_LEFT, (_S.CLEARING, *FAILED), stays=True))
    # A phone that is lost has not hung up: its caller is held and not dropped.
    | {PhoneLost: TableRow(_D.OPERATOR_LOST, (_S.HOLDING, *HELD_NO_MORE, _S.CLEARING), stays=True)}
    | on_each((OperatorAnswered,), "the first who lifted has the call; others are hung up")
    | {DeadlinePassed: TableRow(_D.END_LONGEST, (_S.FAREWELL, _S.CLEARING))}
    | {
        CallerHungUp: TableRow(_D.CALLER_LEFT, (_S.CLEARING,)),
        # A parallel telephone cuts nobody off where people talk (B1).
        LineTaken: TableRow(_D.SHARE, stays=True),
        FaxCalled: TableRow(_D.NOTE_FAX_IN_CONVERSATION, stays=True),
        DigitPressed: TableRow(_D.FORWARD_KEY, (_S.TRANSFER_KEYS,), stays=True),
        TransferAsked: TableRow(_D.ASK_BY_REFER, (*ASKED, _S.TRANSFERRED), stays=True),
        TransferWished: TableRow(_D.ASK_FOR, ASKED, stays=True),
        # E10: caller and operator talk on while the supervisor's phones ring.
        HeadWished: TableRow(_D.BRING_HEAD, stays=True),
        HoldWished: TableRow(_D.PUT_ON_HOLD, (_S.ON_HOLD,), stays=True),
    },
    # The caller hears music, the operator stays: a parallel telephone may take the call (B1).
    _S.ON_HOLD: TALKS
    | UP
    | HANDS_OVER
    | on_each((FaxCalled,), "a person was met before: people decide about a fax")
    | on_each((OperatorAnswered,), "the first who lifted has the call; others are hung up")
    # A caller on hold is not dropped, however the operator's phone ends: phones ring again.
    | on_each(LEG, TableRow(_D.RECALL, (_S.HOLDING, *HELD_NO_MORE, _S.TALKING)))
    | {PhoneLost: TableRow(_D.OPERATOR_LOST, (_S.HOLDING, *HELD_NO_MORE, _S.CLEARING, _S.TALKING))}
    | {
        CallerHungUp: TableRow(_D.CALLER_LEFT, (_S.CLEARING,)),
        ResumeWished: TableRow(_D.RESUME, (_S.TALKING,), stays=True),
        DigitPressed: TableRow(_D.RESUME_BY_KEY, (_S.TALKING,), stays=True),
        TransferAsked: TableRow(_D.ASK_BY_REFER, (*ASKED, _S.TRANSFERRED), stays=True),
        TransferWished: TableRow(_D.ASK_FOR, ASKED, stays=True),
        PromptEnded: TableRow(_D.HOLD_ON, stays=True),
        DeadlinePassed: TableRow(_D.END_LONGEST, (_S.FAREWELL, _S.CLEARING)),
    },
}


# ---- Rows: transfer to an office, and the return -------------------------------------------------

FAX_MET = on_each((FaxCalled,), "a person was met before: people decide about a fax")
NO_ANSWERS = on_each((OperatorAnswered,), "nobody is rung: it crossed the order to stop")
_CALLER_GOES: Rows = {CallerHungUp: TableRow(_D.CALLER_LEFT, (_S.CLEARING,))}
_MET = TALKS | UP | FAX_MET | GIVES_WAY | _CALLER_GOES
_RULE = (_S.TRANSFER_RINGING, _S.PBX_GREETING, _S.GREETING)
_LOST = (_S.TRANSFER_RETURNING, _S.TRANSFER_OFFER, _S.GREETING)
_BACK = (_S.TALKING, _S.TRANSFER_CHOICE, _S.TRANSFER_RETURNING, _S.GREETING)

TRANSFER_ROWS: Mapping[State, Rows] = {
    _S.TRANSFER_KEYS: _MET
    | NO_ANSWERS
    | on_each(LEG, TableRow(_D.OPERATOR_LEFT, (_S.CLEARING, *FAILED, _S.TALKING)))
    | {
        PhoneLost: TableRow(_D.OPERATOR_LOST, (_S.HOLDING, _S.GREETING, _S.CLEARING, _S.TALKING)),
        LineTaken: TableRow(_D.SHARE, stays=True),
        DigitPressed: TableRow(_D.COLLECT_KEY, (_S.TALKING, _S.TRANSFER_CHOICE), stays=True),
        DeadlinePassed: TableRow(_D.NO_MORE_KEYS, (_S.TALKING, _S.TRANSFER_CHOICE)),
    },
    # The caller is held: however the operator's phone ends, the caller is kept and others ring.
    _S.TRANSFER_CHOICE: _MET
    | NO_ANSWERS
    | HANDS_OVER
    | on_each(LEG, TableRow(_D.OPERATOR_LOST, (_S.HOLDING, _S.GREETING, _S.CLEARING, _S.TALKING)))
    | {
        PromptEnded: TableRow(_D.CHOICE_HEARD, (_S.TALKING,), stays=True),
        DigitPressed: TableRow(_D.CHOICE_KEY, (_S.TALKING, *_RULE), stays=True),
        ResumeWished: TableRow(_D.BACK_TO_CALLER, (_S.TALKING,), stays=True),
        DeadlinePassed: TableRow(_D.CHOICE_OVER, (_S.TALKING,)),
    },
    _S.TRANSFER_RINGING: _MET
    | HANDS_OVER
    | on_each(LEG, TableRow(_D.NUMBER_OUT, (*_BACK, _S.PBX_GREETING), stays=True))
    | {
        PromptEnded: TableRow(_D.TRANSFER_HOLD, stays=True),
        OperatorAnswered: TableRow(_D.OFFICE_ANSWERED, (_S.TRANSFER_CONSULT, _S.TRANSFERRED)),
        DigitPressed: TableRow(_D.TAKE_BACK, (_S.TALKING,), stays=True),
        ResumeWished: TableRow(_D.TAKE_BACK_AT_SCREEN, (_S.TALKING,), stays=True),
        DeadlinePassed: TableRow(_D.NUMBER_SILENT, (*_BACK, _S.PBX_GREETING), stays=True),
    },
    # P3: operator and clerk talk for ten minutes at most (LIMITS_MS), while the caller is held.
    _S.TRANSFER_CONSULT: _MET
    | HANDS_OVER
    | on_each((OperatorAnswered,), "the office has one phone on the call")
    | on_each(LEG, TableRow(_D.CONSULT_OVER, (_S.TRANSFERRED, _S.TALKING)))
    | {
        DigitPressed: TableRow(_D.CONSULT_KEY, (_S.TRANSFERRED, _S.TALKING), stays=True),
        ResumeWished: TableRow(_D.TAKE_BACK_AT_SCREEN, (_S.TALKING,), stays=True),
        AlternateWished: TableRow(_D.ALTERNATE, (_S.OFFICE_WAITS,), stays=True),
        HandOverWished: TableRow(_D.HAND_OVER_AT_SCREEN, (_S.TRANSFERRED,), stays=True),
        DeadlinePassed: TableRow(_D.CONSULT_TOO_LONG, (_S.TALKING,)),
    },
    # The same announcement, its other half: the limit goes on from where it was.
    _S.OFFICE_WAITS: _MET
    | on_each((OperatorAnswered,), "the office has one phone on the call")
    | on_each(LEG, TableRow(_D.CONSULT_OVER, (_S.TRANSFERRED, _S.TALKING)))
    | {
        LineTaken: TableRow(_D.SHARE, stays=True),
        PromptEnded: TableRow(_D.OFFICE_HOLD_ON, stays=True),
        DigitPressed: TableRow(_D.CONSULT_KEY, (_S.TRANSFERRED, _S.TALKING), stays=True),
        ResumeWished: TableRow(_D.TAKE_BACK_AT_SCREEN, (_S.TALKING,), stays=True),
        AlternateWished: TableRow(_D.ALTERNATE, (_S.TRANSFER_CONSULT,), stays=True),
        HandOverWished: TableRow(_D.HAND_OVER_AT_SCREEN, (_S.TRANSFERRED,), stays=True),
        DeadlinePassed: TableRow(_D.CONSULT_TOO_LONG, (_S.TALKING,)),
    },
    # E7: the office's phone may send the call back by a key, and may not transfer it onwards.
    _S.TRANSFERRED: _MET
    | NO_ANSWERS
    | on_each(LEG, TableRow(_D.OPERATOR_LEFT, (_S.CLEARING, *_LOST)))
    | {
        PhoneLost: TableRow(_D.OFFICE_LOST, _LOST),
        LineTaken: TableRow(_D.SHARE, stays=True),
        DigitPressed: TableRow(
            _D.OFFICE_KEY, (_S.TRANSFER_RETURNING, _S.TRANSFER_OFFER, _S.GREETING), stays=True
        ),
        DeadlinePassed: TableRow(_D.END_LONGEST, (_S.FAREWELL, _S.CLEARING)),
    },
    _S.TRANSFER_RETURNING: _MET
    | HANDS_OVER
    | {AnswerWished: TableRow(_D.PICK_UP, (_S.TRANSFER_OFFER, _S.GREETING), stays=True)}
    | on_each(LEG, TableRow(_D.RETURN_PHONE_OUT, (_S.TRANSFER_OFFER, _S.GREETING), stays=True))
    | {
        PromptEnded: TableRow(_D.RETURN_HOLD, stays=True),
        OperatorAnswered: TableRow(_D.RETURN_ANSWERED, (_S.TALKING,)),
        DigitPressed: TableRow(_D.LEAVE_WORDS, (_S.GREETING,), stays=True),
        ServiceStateChanged: TableRow(_D.RETURN_APPLY_ABSENCE, (_S.GREETING,), stays=True),
        DeadlinePassed: TableRow(_D.RETURN_NOBODY, (_S.TRANSFER_OFFER, _S.GREETING), stays=True),
    },
    # E6: only after everybody was rung may the caller stay or leave words.
    _S.TRANSFER_OFFER: _MET
    | HANDS_OVER
    | NO_ANSWERS
    | on_each(LEG, "no phone rings while the caller is asked")
    | {
        PromptEnded: TableRow(_D.RETURN_STAY, (_S.TRANSFER_RETURNING, _S.GREETING), stays=True),
        DigitPressed: TableRow(_D.LEAVE_WORDS, (_S.GREETING,), stays=True),
        DeadlinePassed: TableRow(_D.RETURN_STAY, (_S.TRANSFER_RETURNING, _S.GREETING), stays=True),
    },
}


# ---- Rows: waiting for a free position, and the call-back offered at its end ---------------------

ON = (_S.HOLDING, _S.CALLBACK_OFFERED, _S.GREETING, _S.GREETING_PENDING)
"""Next states of a call that has waited for the longest time, or when nobody can take it."""

WAITING_ROWS: Mapping[State, Rows] = {
    # Off hook: a caller who waits hears announcements, music and sheets.
    _S.QUEUED: TALKS
    | HANDS_OVER
    | HALF
    | FAX
    | LEAVES
    | {AnswerWished: TableRow(_D.PICK_UP, stays=True)}
    | on_each(LEG, TableRow(_D.QUEUE_LEG_OUT, stays=True))
    | {
        LineAnswered: TableRow(_D.QUEUE_GREET, stays=True),
        PromptEnded: TableRow(_D.QUEUE_HOLD, stays=True),
        DigitPressed: TableRow(_D.QUEUE_KEY, stays=True),
        OperatorAnswered: TableRow(_D.ANSWER, (_S.ANSWERING, _S.TALKING)),
        DeadlinePassed: TableRow(_D.QUEUE_TICK, (*ON, _S.CLEARING), stays=True),
        ServiceStateChanged: TableRow(_D.QUEUE_FOLLOW_STATES, ON, stays=True),
    },
    # E5: pressing no key leads to voicemail.
    _S.CALLBACK_OFFERED: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES
    | {
        PromptEnded: TableRow(_D.CALLBACK_AWAIT_KEY, stays=True),
        DigitPressed: TableRow(_D.CALLBACK_OBEY, (_S.CALLBACK_STORING,), stays=True),
        DeadlinePassed: TableRow(_D.CALLBACK_DECLINED, (_S.GREETING,)),
    },
    # The call back is promised only once it is stored.
    _S.CALLBACK_STORING: LISTENS
    | HANDS_OVER
    | LEAVES
    | on_each((FaxCalled,), "the wish is being stored; then the box hangs up")
    | on_each((PromptEnded,), "what was played has been cut short by the key")
    | {
        CallBackStored: TableRow(_D.CALLBACK_STORED, (_S.FAREWELL,)),
        StoreFailed: TableRow(_D.CALLBACK_DECLINED, (_S.GREETING,)),
        DeadlinePassed: TableRow(_D.CALLBACK_DECLINED, (_S.GREETING,)),
    },
}


# tests/calls/test_states.py checks that every state has a row, or a reason, for every event.
TABLE: Mapping[State, Rows] = {
    **RINGING_ROWS,
    **WAITING_ROWS,
    **PBX_ROWS,
    **MENU_ROWS,
    **TRANSFER_ROWS,
    **MESSAGE_ROWS,
}

# B1: a line never stays seized, so a state ends also when no event comes. RINGING, HOLDING, QUEUED,
# TALKING, ON_HOLD, PBX_CALLING, TRANSFER_RINGING, TRANSFERRED, TRANSFER_RETURNING, RECORDING,
# STORING and SAVING are missing here: their limits are the office's own, or are computed on
# entering them.
LIMITS_MS: Mapping[State, int] = {
    State.ARRIVED: 10_000,
    State.ANSWERING: 10_000,
    State.GREETING_PENDING: 10_000,
    State.CALLBACK_OFFERED: 30_000,
    State.CALLBACK_STORING: 20_000,
    State.PBX_PENDING: 10_000,
    State.PBX_GREETING: 30_000,
    State.PBX_CHECK: 2_000,
    State.PBX_OFFERING: 30_000,
    State.PBX_AWAITING_KEY: 6_000,
    State.PBX_RETURNING: 10_000,
    State.TRANSFER_KEYS: 5_000,
    State.TRANSFER_CHOICE: 60_000,
    State.TRANSFER_CONSULT: 600_000,
    State.OFFICE_WAITS: 600_000,
    State.TRANSFER_OFFER: 60_000,
    State.GREETING: 180_000,
    State.MENU: 120_000,
    State.SHEET: 90_000,
    State.TONE: 10_000,
    State.FAREWELL: 120_000,
    State.CLEARING: 30_000,
}
"""Longest duration of a state without an event, ms."""


def row_for(state: State, kind: type) -> TableRow | Ignored:
    """Return the row of a kind of event in a state."""
    return TABLE[state][kind]
