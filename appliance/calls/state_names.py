"""The words of a call's table (states.py): its states, what a row does, rows and reasons."""

from __future__ import annotations

import enum
import typing
from dataclasses import dataclass

from appliance.calls import events


class State(enum.StrEnum):
    """Where a call is in its life."""

    ARRIVED = "arrived"  # it rings, no phone does: the caller's identity is not settled
    RINGING = "ringing"  # a group's phones ring, the line is not answered
    ANSWERING = "answering"  # an operator lifted, the line is going off hook
    HOLDING = "holding"  # that operator went away again: the caller is held, phones ring
    QUEUED = "queued"  # all are busy: the caller waits, off hook, for whoever becomes free first
    CALLBACK_OFFERED = "callback_offered"  # who waited in vain may ask to be called back
    CALLBACK_STORING = "callback_storing"  # that wish is being stored
    TALKING = "talking"
    PBX_PENDING = "pbx_pending"  # the line is going off hook, to pass the call to a PBX (B2)
    PBX_GREETING = "pbx_greeting"  # the caller is told to hold the line
    PBX_CHECK = "pbx_check"  # the caller came back: is somebody still there?
    PBX_CALLING = "pbx_calling"  # the caller is on hold at the PBX, an extension is called
    PBX_OFFERING = "pbx_offering"  # who seems to have answered there is told of the call
    PBX_AWAITING_KEY = "pbx_awaiting_key"  # only a key accepts it
    PBX_RETURNING = "pbx_returning"  # nobody did: a second flash brings the caller back
    TRANSFER_KEYS = "transfer_keys"  # the operator keys a code, the caller is on the line
    TRANSFER_CHOICE = "transfer_choice"  # the operator is asked something, the caller is held
    TRANSFER_RINGING = "transfer_ringing"  # the office rings
    TRANSFER_CONSULT = "transfer_consult"  # operator and clerk talk, the caller is held
    TRANSFERRED = "transferred"  # caller and clerk talk
    TRANSFER_RETURNING = "transfer_returning"  # it comes back: operators are rung, or waited for
    TRANSFER_OFFER = "transfer_offer"  # the caller is asked: stay, or leave words
    GREETING_PENDING = "greeting_pending"  # the line is going off hook for voicemail
    GREETING = "greeting"
    MENU = "menu"  # the sheets that can be heard are offered again
    SHEET = "sheet"  # one is read aloud
    TONE = "tone"
    RECORDING = "recording"
    STORING = "storing"  # the caller waits to hear whether the message was stored
    SAVING = "saving"  # the caller has gone, the message is being stored
    FAREWELL = "farewell"
    CLEARING = "clearing"  # hung up, waiting for the line to be idle
    ENDED = "ended"


class Do(enum.StrEnum):
    """What a row does; handlers.py says how."""

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
    PBX_HEED_ABSENCE = "pbx_heed_absence"
    HEED_ABSENCE = "heed_absence"
    RING_ON = "ring_on"
    HOLD = "hold"
    QUEUE_GREET = "queue_greet"
    QUEUE_HOLD = "queue_hold"
    QUEUE_KEY = "queue_key"
    QUEUE_LEG_OUT = "queue_leg_out"
    QUEUE_TICK = "queue_tick"
    QUEUE_HEED = "queue_heed"
    CALLBACK_AWAIT_KEY = "callback_await_key"
    CALLBACK_OBEY = "callback_obey"
    CALLBACK_STORED = "callback_stored"
    CALLBACK_DECLINED = "callback_declined"
    TALK = "talk"
    OPERATOR_LEFT = "operator_left"
    OPERATOR_LOST = "operator_lost"
    CALLER_LEFT = "caller_left"
    LEAVE = "leave"
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
    OFFICE_KEY = "office_key"
    OFFICE_LOST = "office_lost"
    RETURN_PHONE_OUT = "return_phone_out"
    RETURN_NOBODY = "return_nobody"
    RETURN_HOLD = "return_hold"
    RETURN_ANSWERED = "return_answered"
    RETURN_HEED_ABSENCE = "return_heed_absence"
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
class Row:
    """What is done and the states it may lead to; with `stays` also none but its own."""

    do: Do
    to: tuple[State, ...] = ()
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that changes nothing in this state, and why that is right."""

    because: str


EVENTS: tuple[type, ...] = typing.get_args(events.Event)

Rows = dict[type, Row | Ignored]
"""One state's part of the table."""
