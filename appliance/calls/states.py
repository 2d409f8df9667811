"""The life of a call: the one table. Everything that changes a call's state stands here.

Every state x every event is a row or ignored for a reason (a test proves it). A row names what is
done (handlers.py) and the states it may lead to. Calls between a phone and the box, or two phones,
have smaller tables (side_states.py).
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.calls import events
from appliance.calls.events import (
    BoxStopped,
    CallerHungUp,
    CallerIdentified,
    CarrierLost,
    CarrierRestored,
    DeadlinePassed,
    DigitPressed,
    FarEndProgressed,
    FaxCalled,
    LegProgressed,
    LineAnswered,
    LineFlashed,
    LineIdle,
    LineLost,
    LineProbed,
    LineRang,
    LineRestored,
    LineTaken,
    MediaAgreed,
    MessageClosed,
    MessageFetched,
    MessageStored,
    MessagesWaiting,
    OperatorAnswered,
    PhoneBusy,
    PhoneDeclined,
    PhoneDialled,
    PhoneGone,
    PhoneHungUp,
    PhoneLost,
    PhonePrepared,
    PhoneRegistered,
    PhoneSilent,
    PhoneUnreachable,
    PromptEnded,
    RecordingEnded,
    RecordingGap,
    ServiceStateChanged,
    StoreFailed,
    TransferAsked,
)


class State(enum.StrEnum):
    """Where a call is in its life."""

    ARRIVED = "arrived"  # it rings; the caller's identity is not settled
    RINGING = "ringing"  # a group's phones ring, the line is not answered
    ANSWERING = "answering"  # an operator lifted, the line is going off hook
    HOLDING = "holding"  # that operator went away again: the caller is held, phones ring
    TALKING = "talking"
    PBX_PENDING = "pbx_pending"  # the line is going off hook, to pass the call to a PBX (B2)
    PBX_GREETING = "pbx_greeting"  # the caller is told to hold the line
    PBX_CHECK = "pbx_check"  # the caller came back: is somebody still there?
    PBX_CALLING = "pbx_calling"  # the caller is on hold at the PBX, an extension is called
    PBX_OFFERING = "pbx_offering"  # who seems to have answered there is told of the call
    PBX_AWAITING_KEY = "pbx_awaiting_key"  # only a key accepts it
    PBX_RETURNING = "pbx_returning"  # nobody did: a second flash brings the caller back
    GREETING_PENDING = "greeting_pending"  # the line is going off hook for voicemail
    GREETING = "greeting"
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
    TALK = "talk"
    OPERATOR_LEFT = "operator_left"
    OPERATOR_LOST = "operator_lost"
    CALLER_LEFT = "caller_left"
    LEAVE = "leave"
    NEVER_UP = "never_up"
    GREET = "greet"
    SOUND_TONE = "sound_tone"
    SKIP_GREETING = "skip_greeting"
    RECORD = "record"
    NOTE_GAP = "note_gap"
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
    TURN_FAX_AWAY = "turn_fax_away"
    NOTE_FAX = "note_fax"
    NOTE_FAX_IN_CONVERSATION = "note_fax_in_conversation"
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

_S, _D = State, Do

_LEG = (PhoneHungUp, PhoneDeclined, PhoneBusy, PhoneUnreachable, PhoneLost)
_LINE_GONE = (LineLost, CarrierLost, BoxStopped)
_ON_HOOK = (LineIdle, LineRestored)

_NOT_A_CALLS: dict[type, str] = {
    PhonePrepared: "ports are the service's business",
    MediaAgreed: "sound is the carrier's business",
    LegProgressed: "a phone that rings is expected to say so",
    PhoneRegistered: "concerns the groups; a stage rings the phones it found",
    PhoneGone: "concerns the groups; the leg itself says how it ended",
    PhoneDialled: "is a key code's own call",
    PhoneSilent: "the phones' room asks it whether it is there; PhoneLost follows if not",
    TransferAsked: "the Switchboard answers it for every call alike",
    MessagesWaiting: "concerns the message lamp",
    MessageFetched: "concerns a phone that hears messages",
    MessageClosed: "concerns a phone that hears messages",
    LineProbed: "concerns the line; while a call is on it nothing is measured",
    CarrierRestored: "its lines follow one by one",
    FarEndProgressed: "the box calls nobody over this line now: it crossed an order",
    LineFlashed: "no flash was ordered that matters to the call now",
}


Rows = dict[type, Row | Ignored]


def _each(kinds: tuple[type, ...], row: Row | str) -> Rows:
    return {kind: Ignored(row) if isinstance(row, str) else row for kind in kinds}


def _state(*parts: Rows) -> Rows:
    """Put a state's rows together; the later part wins."""
    whole: Rows = {kind: Ignored(why) for kind, why in _NOT_A_CALLS.items()}
    for part in parts:
        whole |= part
    return whole


_BEFORE_ANSWER = _each(
    (LineAnswered, PromptEnded, RecordingEnded, RecordingGap, MessageStored, StoreFailed),
    "nothing of that was ordered yet",
) | _each((DigitPressed, FaxCalled), "a line on hook is not listened to")
_RINGS = _each((LineRang,), "the call is known already") | _each(
    _ON_HOOK, "a ringing line is on hook; only the caller's giving up ends it"
)
_NO_LEGS = _each((OperatorAnswered, *_LEG), "no phone belongs to the call now")
_NO_MESSAGE = _each((RecordingEnded, RecordingGap, MessageStored, StoreFailed), "nothing records")
_NO_PROMPT = _each((PromptEnded,), "nothing is played that matters to the call")
_OFF_HOOK = _each((LineRang,), "an engaged line cannot ring: a burst crossed the answer")
_UP = _each((LineAnswered,), "the line is up already")
_NO_KEYS = _each((DigitPressed,), "keys mean nothing here")
_SERVED = _each((ServiceStateChanged,), "what is being served is served to its end (E1, E4)")
_LATE_NAME: Rows = {CallerIdentified: Row(_D.LEARN_CALLER, stays=True)}
_LOST = _each((*_LINE_GONE, *_ON_HOOK), Row(_D.LOSE, (_S.ENDED,)))
_TALKS = _state(_OFF_HOOK, _NO_MESSAGE, _NO_PROMPT, _NO_KEYS, _SERVED, _LATE_NAME, _LOST)
_LISTENS = _state(_OFF_HOOK, _UP, _NO_LEGS, _NO_MESSAGE, _NO_KEYS, _SERVED, _LATE_NAME, _LOST)
_LEAVES: Rows = {CallerHungUp: Row(_D.LEAVE, (_S.CLEARING,))}
# With the caller on hold at a PBX a release would be the extension's; that is FarEndProgressed.
_ON_HOLD = _state(
    _OFF_HOOK, _UP, _NO_LEGS, _NO_MESSAGE, _NO_PROMPT, _NO_KEYS, _SERVED, _LATE_NAME, _LOST,
    _LEAVES,
    _each((FaxCalled,), "what is heard is the PBX or an extension, not the caller"),
)  # fmt: skip
_ABSENT_MEANWHILE: Rows = {ServiceStateChanged: Row(_D.HEED_ABSENCE, (_S.GREETING,), stays=True)}
_BACK = _each((DeadlinePassed,), Row(_D.PBX_TAKE_BACK, (_S.PBX_RETURNING,)))
_KEEPS = Row(_D.KEEP_AS_IS, (_S.SAVING, _S.CLEARING, _S.ENDED))
_FAX: Rows = {FaxCalled: Row(_D.TURN_FAX_AWAY, (_S.CLEARING,))}
_NOTES_FAX: Rows = {FaxCalled: Row(_D.NOTE_FAX, stays=True)}
_CORRECTS: Rows = {MessageStored: Row(_D.CORRECT, stays=True)}
_TAKEN_RINGING: Rows = {LineTaken: Row(_D.TAKEN_RINGING, (_S.ENDED,))}
_HANDS_OVER: Rows = {LineTaken: Row(_D.HAND_OVER, (_S.CLEARING,))}
_AFTER = _state(
    _OFF_HOOK,
    _NO_LEGS,
    _NO_PROMPT,
    _NO_KEYS,
    _SERVED,
    _LATE_NAME,
    _each((LineAnswered,), "it crossed the order to hang up"),
    _each((RecordingEnded, RecordingGap), "the recording is closed"),
    _each((StoreFailed,), "the record says so already"),
    _each((FaxCalled,), "the call ends in any case"),
    _CORRECTS,
    {LineTaken: Row(_D.NOTE_TAKEN, stays=True)},
)

TABLE: Mapping[State, Rows] = {
    _S.ARRIVED: _state(
        _BEFORE_ANSWER,
        _RINGS,
        _NO_LEGS,
        _each((ServiceStateChanged,), "the call is routed by what holds once its caller is known"),
        {
            CallerIdentified: Row(_D.ROUTE, (_S.RINGING, _S.PBX_PENDING, _S.GREETING_PENDING)),
            DeadlinePassed: Row(_D.ROUTE, (_S.RINGING, _S.PBX_PENDING, _S.GREETING_PENDING)),
            CallerHungUp: Row(_D.GIVE_UP, (_S.ENDED,)),
        },
        _TAKEN_RINGING,
        _each(_LINE_GONE, Row(_D.LOSE, (_S.ENDED,))),
    ),
    _S.RINGING: _state(
        _BEFORE_ANSWER,
        _RINGS,
        _LATE_NAME,
        _each(_LEG, Row(_D.LEG_OUT, (_S.GREETING_PENDING,), stays=True)),
        {
            OperatorAnswered: Row(_D.ANSWER, (_S.ANSWERING,)),
            DeadlinePassed: Row(_D.NEXT_STAGE, (_S.GREETING_PENDING,), stays=True),
            ServiceStateChanged: Row(_D.HEED_ABSENCE, (_S.GREETING_PENDING,), stays=True),
            CallerHungUp: Row(_D.GIVE_UP, (_S.ENDED,)),
        },
        _TAKEN_RINGING,
        _each(_LINE_GONE, Row(_D.LOSE, (_S.ENDED,))),
    ),
    _S.ANSWERING: _TALKS
    | _HANDS_OVER
    | _each((FaxCalled,), "the line is not up: nothing is heard on it")
    | _each(_LEG, Row(_D.RING_ON, (_S.HOLDING, _S.GREETING_PENDING)))
    | _each((OperatorAnswered,), "the first who lifted has the call; others are hung up")
    | {
        LineAnswered: Row(_D.TALK, (_S.TALKING,)),
        CallerHungUp: Row(_D.LEAVE, (_S.CLEARING,)),
        DeadlinePassed: Row(_D.NEVER_UP, (_S.CLEARING,)),
    },
    _S.HOLDING: _TALKS
    | _HANDS_OVER
    | _FAX
    | _each(_LEG, Row(_D.LEG_OUT, (_S.GREETING_PENDING, _S.GREETING), stays=True))
    | {
        LineAnswered: Row(_D.HOLD, stays=True),
        OperatorAnswered: Row(_D.ANSWER, (_S.ANSWERING, _S.TALKING)),
        DeadlinePassed: Row(_D.NEXT_STAGE, (_S.GREETING_PENDING, _S.GREETING), stays=True),
        ServiceStateChanged: Row(_D.HEED_ABSENCE, (_S.GREETING_PENDING, _S.GREETING), stays=True),
        CallerHungUp: Row(_D.LEAVE, (_S.CLEARING,)),
    },
    _S.TALKING: _TALKS
    | _UP
    | _each(_LEG, Row(_D.OPERATOR_LEFT, (_S.CLEARING,)))
    | {PhoneLost: Row(_D.OPERATOR_LOST, (_S.HOLDING, _S.GREETING, _S.CLEARING))}
    | _each((OperatorAnswered,), "the first who lifted has the call; others are hung up")
    | {DeadlinePassed: Row(_D.END_LONGEST, (_S.FAREWELL, _S.CLEARING))}
    | {
        CallerHungUp: Row(_D.CALLER_LEFT, (_S.CLEARING,)),
        LineTaken: Row(_D.SHARE, stays=True),
        FaxCalled: Row(_D.NOTE_FAX_IN_CONVERSATION, stays=True),
        DigitPressed: Row(_D.FORWARD_KEY, stays=True),
    },
    _S.PBX_PENDING: _LISTENS
    | _HANDS_OVER
    | _each((FaxCalled,), "the line is not up: nothing is heard on it")
    | _NO_PROMPT
    | _LEAVES
    | {
        LineAnswered: Row(_D.PBX_GREET, (_S.PBX_GREETING,)),
        ServiceStateChanged: Row(_D.HEED_ABSENCE, (_S.GREETING_PENDING,), stays=True),
        DeadlinePassed: Row(_D.NEVER_UP, (_S.CLEARING,)),
    },
    _S.PBX_GREETING: _LISTENS
    | _HANDS_OVER
    | _FAX
    | _LEAVES
    | _ABSENT_MEANWHILE
    | _each((PromptEnded, DeadlinePassed), Row(_D.PBX_GO, (_S.PBX_CALLING, _S.PBX_CHECK))),
    _S.PBX_CHECK: _LISTENS
    | _HANDS_OVER
    | _FAX
    | _NO_PROMPT
    | _LEAVES
    | _ABSENT_MEANWHILE
    | {DeadlinePassed: Row(_D.PBX_CALL, (_S.PBX_CALLING,))},
    _S.PBX_CALLING: _ON_HOLD
    | _HANDS_OVER
    | _BACK
    | _each((DigitPressed,), "the call was not offered yet: no key accepts what nobody heard of")
    | {
        FarEndProgressed: Row(_D.PBX_HEAR, (_S.PBX_OFFERING, _S.PBX_RETURNING), stays=True),
        ServiceStateChanged: Row(_D.PBX_HEED_ABSENCE, (_S.PBX_RETURNING,), stays=True),
    },
    _S.PBX_OFFERING: _ON_HOLD
    | _HANDS_OVER
    | _BACK
    | {
        PromptEnded: Row(_D.PBX_AWAIT_KEY, (_S.PBX_AWAITING_KEY,)),
        DigitPressed: Row(_D.PBX_ACCEPT, (_S.CLEARING,), stays=True),
        FarEndProgressed: Row(_D.PBX_HEAR, (_S.PBX_CALLING, _S.PBX_RETURNING), stays=True),
    },
    _S.PBX_AWAITING_KEY: _ON_HOLD
    | _HANDS_OVER
    | {
        DeadlinePassed: Row(_D.PBX_OFFER_AGAIN, (_S.PBX_OFFERING, _S.PBX_RETURNING)),
        DigitPressed: Row(_D.PBX_ACCEPT, (_S.CLEARING,), stays=True),
        FarEndProgressed: Row(_D.PBX_HEAR, (_S.PBX_CALLING, _S.PBX_RETURNING), stays=True),
    },
    _S.PBX_RETURNING: _ON_HOLD
    | _HANDS_OVER
    | _each((LineFlashed, DeadlinePassed), Row(_D.PBX_CALLER_BACK, (_S.PBX_GREETING, _S.GREETING))),
    _S.GREETING_PENDING: _LISTENS
    | _HANDS_OVER
    | _each((FaxCalled,), "the line is not up: nothing is heard on it")
    | _NO_PROMPT
    | _LEAVES
    | {
        LineAnswered: Row(_D.GREET, (_S.GREETING,)),
        DeadlinePassed: Row(_D.NEVER_UP, (_S.CLEARING,)),
    },
    _S.GREETING: _LISTENS
    | _HANDS_OVER
    | _FAX
    | _LEAVES
    | {
        PromptEnded: Row(_D.SOUND_TONE, (_S.TONE,)),
        DigitPressed: Row(_D.SKIP_GREETING, (_S.TONE,), stays=True),
        DeadlinePassed: Row(_D.SOUND_TONE, (_S.TONE,)),
    },
    _S.TONE: _LISTENS
    | _HANDS_OVER
    | _FAX
    | _LEAVES
    | {
        PromptEnded: Row(_D.RECORD, (_S.RECORDING,)),
        DeadlinePassed: Row(_D.RECORD, (_S.RECORDING,)),
    },
    _S.RECORDING: _LISTENS
    | _NO_PROMPT
    | _NOTES_FAX
    | _each((CallerHungUp, LineTaken, DeadlinePassed, *_LINE_GONE, *_ON_HOOK), _KEEPS)
    | _each((MessageStored,), "the recording is not closed yet")
    | {
        StoreFailed: Row(_D.BREAK_OFF, (_S.FAREWELL,)),
        RecordingGap: Row(_D.NOTE_GAP, stays=True),
        RecordingEnded: Row(_D.KEEP, (_S.STORING, _S.SAVING, _S.FAREWELL, _S.CLEARING)),
    },
    _S.STORING: _LISTENS
    | _NO_PROMPT
    | _each((FaxCalled,), "the message is being stored; then the box hangs up")
    | _each((RecordingEnded, RecordingGap), "the recording is closed")
    | _each((StoreFailed, DeadlinePassed), Row(_D.NOT_STORED, (_S.FAREWELL,)))
    | _each((*_LINE_GONE, *_ON_HOOK), Row(_D.LINE_WENT, (_S.SAVING,)))
    | {
        MessageStored: Row(_D.STORED, (_S.FAREWELL,)),
        CallerHungUp: Row(_D.CALLER_WENT, (_S.SAVING,)),
        LineTaken: Row(_D.HAND_OVER_SAVING, (_S.SAVING,)),
    },
    _S.SAVING: _AFTER
    | _each((*_LINE_GONE, *_ON_HOOK), Row(_D.FREE_LINE, stays=True))
    | _each((StoreFailed, DeadlinePassed), Row(_D.NOT_SAVED, (_S.CLEARING, _S.ENDED)))
    | {
        MessageStored: Row(_D.SAVED, (_S.CLEARING, _S.ENDED)),
        CallerHungUp: Row(_D.NOTE_RELEASE, stays=True),
    },
    _S.FAREWELL: _AFTER
    | _UP
    | _each((*_LINE_GONE, *_ON_HOOK), Row(_D.END, (_S.ENDED,)))
    | {
        PromptEnded: Row(_D.HANG_UP, (_S.CLEARING,)),
        DeadlinePassed: Row(_D.HANG_UP, (_S.CLEARING,)),
        CallerHungUp: Row(_D.HANG_UP, (_S.CLEARING,)),
        LineTaken: Row(_D.HAND_OVER, (_S.CLEARING,)),
    },
    _S.CLEARING: _AFTER
    | _each((*_LINE_GONE, *_ON_HOOK), Row(_D.END, (_S.ENDED,)))
    | {
        CallerHungUp: Row(_D.NOTE_RELEASE, stays=True),
        DeadlinePassed: Row(_D.NOT_IDLE, (_S.ENDED,)),
    },
    _S.ENDED: _each(EVENTS, "the call is over") | _CORRECTS,
}

LIMITS_MS: Mapping[State, int] = {
    State.ARRIVED: 10_000,
    State.ANSWERING: 10_000,
    State.GREETING_PENDING: 10_000,
    State.PBX_PENDING: 10_000,
    State.PBX_GREETING: 30_000,
    State.PBX_CHECK: 2_000,
    State.PBX_OFFERING: 30_000,
    State.PBX_AWAITING_KEY: 6_000,
    State.PBX_RETURNING: 10_000,
    State.GREETING: 180_000,
    State.TONE: 10_000,
    State.FAREWELL: 60_000,
    State.CLEARING: 30_000,
}
"""How long a state may last when nobody says anything: a line never stays seized (B1).

RINGING, HOLDING, TALKING, PBX_CALLING, RECORDING, STORING and SAVING have the office's own
limits.
"""


def row_for(state: State, kind: type) -> Row | Ignored:
    """Return what an event of this kind does in a state."""
    return TABLE[state][kind]
