"""Voicemail, and how a call ends: these states of the table (states.py)."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.calls.events import (
    CallerHungUp,
    DeadlinePassed,
    DigitPressed,
    FaxCalled,
    LineAnswered,
    LineNeeded,
    LineTaken,
    MessageStored,
    PromptEnded,
    RecordingEnded,
    RecordingGap,
    RequestStored,
    StoreFailed,
)
from appliance.calls.row_parts import (
    AFTER,
    CORRECTS,
    FAX,
    HANDS_OVER,
    KEEPS,
    LEAVES,
    LINE_GONE,
    LISTENS,
    NO_PROMPT,
    NOTES_FAX,
    ON_HOOK,
    UP,
    each,
)
from appliance.calls.state_names import EVENTS, Do, Row, Rows, State

_S = State
_D = Do

TABLE: Mapping[State, Rows] = {
    _S.GREETING_PENDING: LISTENS
    | HANDS_OVER
    | each((FaxCalled,), "the line is not up: nothing is heard on it")
    | NO_PROMPT
    | LEAVES
    | {
        LineAnswered: Row(_D.GREET, (_S.GREETING,)),
        DeadlinePassed: Row(_D.NEVER_UP, (_S.CLEARING,)),
    },
    _S.GREETING: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES
    | {
        PromptEnded: Row(_D.SOUND_TONE, (_S.TONE, _S.FAREWELL)),
        DigitPressed: Row(_D.CHOOSE, (_S.TONE, _S.SHEET, _S.MENU, _S.FAREWELL), stays=True),
        DeadlinePassed: Row(_D.SOUND_TONE, (_S.TONE, _S.FAREWELL)),
    },
    _S.TONE: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES
    | {
        PromptEnded: Row(_D.RECORD, (_S.RECORDING,)),
        DeadlinePassed: Row(_D.RECORD, (_S.RECORDING,)),
    },
    _S.RECORDING: LISTENS
    | NO_PROMPT
    | NOTES_FAX
    | each((CallerHungUp, LineTaken, DeadlinePassed, *LINE_GONE, *ON_HOOK), KEEPS)
    | each((MessageStored, RequestStored), "the recording is not closed yet")
    | {
        StoreFailed: Row(_D.BREAK_OFF, (_S.FAREWELL,)),
        LineNeeded: Row(_D.GIVE_LINE_RECORDING, (_S.SAVING, _S.CLEARING)),
        RecordingGap: Row(_D.NOTE_GAP, stays=True),
        DigitPressed: Row(_D.END_BY_KEY, stays=True),
        RecordingEnded: Row(_D.KEEP, (_S.STORING, _S.SAVING, _S.FAREWELL, _S.CLEARING)),
    },
    _S.STORING: LISTENS
    | NO_PROMPT
    | each((FaxCalled,), "the message is being stored; then the box hangs up")
    | each((RecordingEnded, RecordingGap), "the recording is closed")
    | each((StoreFailed, DeadlinePassed), Row(_D.NOT_STORED, (_S.FAREWELL,)))
    | each((*LINE_GONE, *ON_HOOK), Row(_D.LINE_WENT, (_S.SAVING,)))
    | {
        **each((MessageStored, RequestStored), Row(_D.STORED, (_S.FAREWELL,))),
        CallerHungUp: Row(_D.CALLER_WENT, (_S.SAVING,)),
        LineTaken: Row(_D.HAND_OVER_SAVING, (_S.SAVING,)),
        LineNeeded: Row(_D.GIVE_LINE_SAVING, (_S.SAVING,)),
    },
    _S.SAVING: AFTER
    | each((*LINE_GONE, *ON_HOOK), Row(_D.FREE_LINE, stays=True))
    | each((StoreFailed, DeadlinePassed), Row(_D.NOT_SAVED, (_S.CLEARING, _S.ENDED)))
    | {
        **each((MessageStored, RequestStored), Row(_D.SAVED, (_S.CLEARING, _S.ENDED))),
        CallerHungUp: Row(_D.NOTE_RELEASE, stays=True),
    },
    _S.FAREWELL: AFTER
    | UP
    | each((*LINE_GONE, *ON_HOOK), Row(_D.END, (_S.ENDED,)))
    | {
        PromptEnded: Row(_D.HANG_UP, (_S.CLEARING,)),
        DeadlinePassed: Row(_D.HANG_UP, (_S.CLEARING,)),
        CallerHungUp: Row(_D.HANG_UP, (_S.CLEARING,)),
        LineTaken: Row(_D.HAND_OVER, (_S.CLEARING,)),
        LineNeeded: Row(_D.GIVE_LINE, (_S.CLEARING,)),
    },
    _S.CLEARING: AFTER
    | each((*LINE_GONE, *ON_HOOK), Row(_D.END, (_S.ENDED,)))
    | {
        CallerHungUp: Row(_D.NOTE_RELEASE, stays=True),
        DeadlinePassed: Row(_D.NOT_IDLE, (_S.ENDED,)),
    },
    _S.ENDED: each(EVENTS, "the call is over") | CORRECTS,
}
