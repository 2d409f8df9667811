"""State tables of the calls that phones make: to a key code, a phone, messages, a number outside.

One table a kind; no caller is on these calls. A row names what is done and the states it may lead
to; an event without a row is not the call's own.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from appliance.calls.events import (
    BoxStopped,
    CallerHungUp,
    DeadlinePassed,
    DigitPressed,
    FarEndProgressed,
    HoldWished,
    LegEnded,
    LineIdle,
    LineLost,
    LineNeeded,
    LineRestored,
    MediaGatewayLost,
    MessageClosed,
    MessageFetched,
    MessageMarked,
    OperatorAnswered,
    PinChecked,
    PromptEnded,
    RecordingEnded,
    ResumeWished,
    TakeKept,
)


class SideState(enum.StrEnum):
    """State of a call that a phone makes."""

    RINGING = "ringing"  # the other phone rings
    ACCEPTING = "accepting"  # the phone that dialled is being answered
    SPEAKING = "speaking"  # prompts are played to it
    TALKING = "talking"  # with the other phone
    ON_HOLD = "on_hold"  # the far end hears music, the phone stays
    RECORDING = "recording"  # an announcement is dictated
    ASKING = "asking"  # the code is being entered
    CHECKING = "checking"  # the code is being compared
    FETCHING = "fetching"  # the next message is being read from the disk
    PLAYING = "playing"
    WAITING = "waiting"  # for a key, after the message was heard
    SEEKING = "seeking"  # an emergency call waits for a line that is being freed
    DIALLING = "dialling"  # a line is seized, the number is sent
    CONNECTED = "connected"  # the phone hears the line: ring-back, busy tone, an answer
    CLOSING = "closing"  # the step about a message, or a draft, is being stored
    LEAVING = "leaving"  # the last sentence is played to the phone
    CLEARING = "clearing"  # the phone has gone, the line is not proven idle yet
    ENDED = "ended"


class SideAction(enum.StrEnum):
    """Action of a row; each kind of call maps it to its function (internal.py, outgoing.py …)."""

    SPEAK = "speak"
    HANG_UP = "hang_up"
    FORGET = "forget"
    ACCEPT = "accept"
    JOIN = "join"
    PART = "part"
    GIVE_UP = "give_up"
    TELL = "tell"
    WAIT = "wait"
    OBEY = "obey"
    GO_ON = "go_on"
    TELL_CLOSED = "tell_closed"
    TELL_MARKED = "tell_marked"
    HEARD = "heard"
    BEGIN = "begin"
    KEY_IN = "key_in"
    JUDGE = "judge"
    TELL_FAULT = "tell_fault"
    HEAR = "hear"
    LOSE = "lose"
    FORWARD = "forward"
    PUT_ON_HOLD = "put_on_hold"
    HOLD_ON = "hold_on"
    RESUME = "resume"
    DIAL = "dial"
    SEEK = "seek"
    FAR_LEFT = "far_left"
    END_LONGEST = "end_longest"
    GIVE_LINE = "give_line"
    FREE_LINE = "free_line"
    RECORD = "record"
    END_TAKE = "end_take"
    REVIEW = "review"
    LEAVE = "leave"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class SideRow:
    """Action and the states it may lead to; with several the action chooses."""

    do: SideAction
    to: tuple[SideState, ...]


_S = SideState
_D = SideAction
_NO_SOUND = (MediaGatewayLost, BoxStopped)
_LEG = get_args(LegEnded)
Rows = Mapping[type, SideRow]
SideTable = Mapping[SideState, Rows]


def _row(do: SideAction, *to: SideState) -> SideRow:
    return SideRow(do, to)


def _each(kinds: tuple[type, ...], do: SideAction) -> Rows:
    return dict.fromkeys(kinds, _row(do, _S.ENDED))


_OVER: Rows = {**_each((DeadlinePassed, *_NO_SOUND), _D.HANG_UP), **_each(_LEG, _D.FORGET)}

# A key code: carried out when it was dialled, this call only plays the outcome (internal.py).
KEY_TABLE: SideTable = {
    _S.ACCEPTING: {**_OVER, OperatorAnswered: _row(_D.SPEAK, _S.SPEAKING)},
    _S.SPEAKING: {**_OVER, PromptEnded: _row(_D.HANG_UP, _S.ENDED)},
    _S.ENDED: {},
}

# Notice: a phone rings twice, the person who answers hears a prompt (manual_states.py).
NOTICE_TABLE: SideTable = {
    _S.RINGING: {
        OperatorAnswered: _row(_D.SPEAK, _S.SPEAKING),
        **_each((DeadlinePassed, *_NO_SOUND), _D.GIVE_UP),
        **_each(_LEG, _D.FORGET),
    },
    _S.SPEAKING: KEY_TABLE[_S.SPEAKING],
    _S.ENDED: {},
}

# The phone that dialled is answered only after the other one: until then it hears ring-back.
# Intercom: a phone of the office calls another one (internal.py).
INTERCOM_TABLE: SideTable = {
    _S.RINGING: {
        OperatorAnswered: _row(_D.ACCEPT, _S.ACCEPTING),
        **_each((DeadlinePassed, *_NO_SOUND), _D.GIVE_UP),
        **_each(_LEG, _D.PART),
    },
    _S.ACCEPTING: {
        OperatorAnswered: _row(_D.JOIN, _S.TALKING),
        **_each((DeadlinePassed, *_NO_SOUND), _D.HANG_UP),
        **_each(_LEG, _D.PART),
    },
    _S.TALKING: {**_each(_NO_SOUND, _D.HANG_UP), **_each(_LEG, _D.PART)},
    _S.ENDED: {},
}

# No row for the end of a conversation or of the media gateway: it ends with its call, by
# conference.place_supervisor.
HEAD_TABLE: SideTable = {
    _S.RINGING: {
        OperatorAnswered: _row(_D.JOIN, _S.TALKING),
        **dict.fromkeys(_LEG, _row(_D.PART, _S.RINGING, _S.ENDED)),
        DeadlinePassed: _row(_D.GIVE_UP, _S.ENDED),
    },
    _S.TALKING: {
        **_each(_LEG, _D.PART),
        PromptEnded: _row(_D.SPEAK, _S.TALKING),
    },
    _S.ENDED: {},
}
"""Supervisor beside a conversation, then in it (conference.py)."""

LISTENING_TABLE: SideTable = {
    _S.ACCEPTING: {
        **_OVER,
        OperatorAnswered: _row(_D.BEGIN, _S.FETCHING, _S.ASKING, _S.LEAVING),
    },
    _S.ASKING: {**_OVER, DigitPressed: _row(_D.KEY_IN, _S.ASKING, _S.CHECKING)},
    _S.CHECKING: {
        **_OVER,
        PinChecked: _row(_D.JUDGE, _S.FETCHING, _S.ASKING, _S.LEAVING),
        DeadlinePassed: _row(_D.TELL_FAULT, _S.LEAVING),
    },
    _S.FETCHING: {
        **_OVER,
        MessageFetched: _row(_D.TELL, _S.PLAYING, _S.LEAVING),
        DeadlinePassed: _row(_D.TELL_FAULT, _S.LEAVING),
    },
    _S.PLAYING: {
        **_OVER,
        PromptEnded: _row(_D.HEARD, _S.WAITING),
        DigitPressed: _row(_D.OBEY, _S.PLAYING, _S.FETCHING, _S.CLOSING, _S.ENDED),
    },
    _S.WAITING: {
        **_OVER,
        DigitPressed: _row(_D.OBEY, _S.PLAYING, _S.WAITING, _S.FETCHING, _S.CLOSING, _S.ENDED),
        # E5: without a key the next message follows.
        DeadlinePassed: _row(_D.GO_ON, _S.FETCHING),
    },
    _S.CLOSING: {
        **_OVER,
        MessageClosed: _row(_D.TELL_CLOSED, _S.FETCHING, _S.PLAYING, _S.LEAVING),
        MessageMarked: _row(_D.TELL_MARKED, _S.PLAYING, _S.LEAVING),
        DeadlinePassed: _row(_D.TELL_FAULT, _S.LEAVING),
    },
    _S.LEAVING: {**_OVER, PromptEnded: _row(_D.HANG_UP, _S.ENDED)},
    _S.ENDED: {},
}
"""Messages that nobody has closed, oldest first, heard on a phone of the office (internal.py)."""

_LINE = (LineIdle, LineLost, LineRestored)
_LINE_GONE: Rows = {**_each(_LINE, _D.LOSE), **_each(_NO_SOUND, _D.FORGET)}
_HEARD: Rows = {FarEndProgressed: _row(_D.HEAR, _S.RINGING, _S.SPEAKING, _S.WAITING, _S.LEAVING)}

_NEEDED: Rows = {LineNeeded: _row(_D.GIVE_LINE, _S.LEAVING)}

OUTSIDE_TABLE: SideTable = {
    _S.RINGING: {
        **_LINE_GONE,
        **_HEARD,
        **_NEEDED,
        DeadlinePassed: _row(_D.GIVE_UP, _S.LEAVING),
    },
    _S.SPEAKING: {
        **_LINE_GONE,
        **_NEEDED,
        **_HEARD,
        PromptEnded: _row(_D.WAIT, _S.WAITING),
        DigitPressed: _row(_D.OBEY, _S.SPEAKING, _S.TALKING),
        DeadlinePassed: _row(_D.GIVE_UP, _S.LEAVING),
    },
    _S.WAITING: {
        **_LINE_GONE,
        **_HEARD,
        **_NEEDED,
        DigitPressed: _row(_D.OBEY, _S.WAITING, _S.TALKING),
        DeadlinePassed: _row(_D.GO_ON, _S.SPEAKING, _S.LEAVING),
    },
    _S.TALKING: {
        **_LINE_GONE,
        **_NEEDED,
        CallerHungUp: _row(_D.GIVE_UP, _S.LEAVING),
        DigitPressed: _row(_D.FORWARD, _S.TALKING),
    },
    _S.LEAVING: _each((*_LINE, *_NO_SOUND, DeadlinePassed), _D.FORGET),
    _S.ENDED: {},
}
"""Outside telephone of a group or office, called over a second line (outside_call.py)."""

_OFF = (_S.CLEARING, _S.ENDED)
_HANDSET: Rows = {
    **dict.fromkeys(_LEG, _row(_D.PART, *_OFF)),
    **_each(_NO_SOUND, _D.HANG_UP),
}
_ON_LINE: Rows = {
    **_HANDSET,
    **dict.fromkeys(_LINE, _row(_D.LOSE, _S.SEEKING, _S.DIALLING, _S.LEAVING, _S.ENDED)),
    LineNeeded: _row(_D.GIVE_LINE, _S.LEAVING),
}
_BEGUN = (_S.DIALLING, _S.SEEKING, _S.LEAVING)

DIALLED_TABLE: SideTable = {
    _S.ACCEPTING: {
        **_HANDSET,
        OperatorAnswered: _row(_D.DIAL, _S.SPEAKING, *_BEGUN),
        DeadlinePassed: _row(_D.GIVE_UP, _S.ENDED),
    },
    _S.SPEAKING: {
        **_HANDSET,
        PromptEnded: _row(_D.WAIT, _S.WAITING),
        DigitPressed: _row(_D.OBEY, _S.SPEAKING, *_BEGUN),
        DeadlinePassed: _row(_D.HANG_UP, _S.ENDED),
    },
    _S.WAITING: {
        **_HANDSET,
        DigitPressed: _row(_D.OBEY, _S.WAITING, *_BEGUN),
        DeadlinePassed: _row(_D.HANG_UP, _S.ENDED),
    },
    # An emergency call without a line: after each limit the next line is freed.
    _S.SEEKING: {**_HANDSET, DeadlinePassed: _row(_D.SEEK, _S.SEEKING)},
    _S.DIALLING: {
        **_ON_LINE,
        FarEndProgressed: _row(_D.HEAR, _S.CONNECTED, *_BEGUN),
        DeadlinePassed: _row(_D.GO_ON, *_BEGUN),
    },
    _S.CONNECTED: {
        **_ON_LINE,
        FarEndProgressed: _row(_D.HEAR, _S.CONNECTED, _S.TALKING, _S.CLEARING),
        CallerHungUp: _row(_D.FAR_LEFT, _S.CLEARING),
        DigitPressed: _row(_D.FORWARD, _S.CONNECTED),
        DeadlinePassed: _row(_D.FAR_LEFT, _S.CLEARING),
    },
    _S.TALKING: {
        **_ON_LINE,
        FarEndProgressed: _row(_D.HEAR, _S.TALKING, _S.CLEARING),
        CallerHungUp: _row(_D.FAR_LEFT, _S.CLEARING),
        DigitPressed: _row(_D.FORWARD, _S.TALKING),
        HoldWished: _row(_D.PUT_ON_HOLD, _S.TALKING, _S.ON_HOLD),
        DeadlinePassed: _row(_D.END_LONGEST, _S.LEAVING),
    },
    _S.ON_HOLD: {
        **_ON_LINE,
        FarEndProgressed: _row(_D.HEAR, _S.ON_HOLD, _S.CLEARING),
        CallerHungUp: _row(_D.FAR_LEFT, _S.CLEARING),
        PromptEnded: _row(_D.HOLD_ON, _S.ON_HOLD),
        DigitPressed: _row(_D.RESUME, _S.ON_HOLD, _S.TALKING),
        ResumeWished: _row(_D.RESUME, _S.ON_HOLD, _S.TALKING),
        DeadlinePassed: _row(_D.END_LONGEST, _S.LEAVING),
    },
    # The line is hung up while the phone still hears its last sentence: either may end first.
    _S.LEAVING: {
        **dict.fromkeys(_LINE, _row(_D.FREE_LINE, _S.LEAVING)),
        **dict.fromkeys((PromptEnded, DeadlinePassed, *_LEG), _row(_D.PART, *_OFF)),
        **_each(_NO_SOUND, _D.HANG_UP),
    },
    _S.CLEARING: {
        **_each((*_LINE, DeadlinePassed), _D.FREE_LINE),
        **_each(_NO_SOUND, _D.HANG_UP),
    },
    _S.ENDED: {},
}
"""A position's call to somebody outside over an analog line (outgoing.py)."""

# Longest duration of a state without an event, ms; TALKING and ON_HOLD have the call's own.
SIDE_LIMITS_MS: Mapping[SideState, int] = {
    # A phone that called waits 32 s for an answer at most.
    _S.RINGING: 30_000,
    _S.ACCEPTING: 10_000,
    _S.SPEAKING: 30_000,
    # Longer than an announcement may be (dictation.LONGEST_MS): the limit ends it before this.
    _S.RECORDING: 40_000,
    _S.ASKING: 20_000,
    _S.CHECKING: 10_000,
    _S.FETCHING: 10_000,
    _S.PLAYING: 300_000,
    _S.WAITING: 10_000,
    # An emergency call waits so long for a freed line, then has the next one freed.
    _S.SEEKING: 8_000,
    _S.DIALLING: 40_000,
    _S.CONNECTED: 180_000,
    _S.CLOSING: 10_000,
    _S.LEAVING: 30_000,
    _S.CLEARING: 30_000,
}


_STUCK = dict.fromkeys((DeadlinePassed, *_NO_SOUND), SideRow(_D.HANG_UP, (_S.ENDED,)))
_GOES = dict.fromkeys(_LEG, SideRow(_D.PART, (_S.ENDED,)))
_DONE = dict.fromkeys(_LEG, SideRow(_D.FORGET, (_S.ENDED,)))

# Dictation of an announcement at a phone (dictation.py): one person, never a talk (E21).
DICTATION_TABLE: SideTable = {
    _S.RINGING: {
        OperatorAnswered: SideRow(_D.SPEAK, (_S.SPEAKING,)),
        **dict.fromkeys((DeadlinePassed, *_NO_SOUND), SideRow(_D.GIVE_UP, (_S.ENDED,))),
        **dict.fromkeys(_LEG, SideRow(_D.LOSE, (_S.ENDED,))),
    },
    _S.SPEAKING: {**_STUCK, **_GOES, PromptEnded: SideRow(_D.RECORD, (_S.RECORDING,))},
    _S.RECORDING: {
        **_STUCK,
        **_GOES,
        DigitPressed: SideRow(_D.END_TAKE, (_S.RECORDING, _S.ENDED)),
        RecordingEnded: SideRow(_D.REVIEW, (_S.PLAYING, _S.SPEAKING, _S.LEAVING)),
    },
    _S.PLAYING: {
        **_STUCK,
        **_GOES,
        PromptEnded: SideRow(_D.WAIT, (_S.WAITING,)),
        DigitPressed: SideRow(_D.OBEY, (_S.PLAYING, _S.SPEAKING, _S.CLOSING, _S.ENDED)),
    },
    _S.WAITING: {
        **_STUCK,
        **_GOES,
        DigitPressed: SideRow(_D.OBEY, (_S.WAITING, _S.SPEAKING, _S.CLOSING, _S.ENDED)),
        DeadlinePassed: SideRow(_D.LEAVE, (_S.ENDED,)),
    },
    # From here on nothing is discarded: the draft is being kept, whatever the phone does.
    _S.CLOSING: {
        **_DONE,
        **dict.fromkeys(_NO_SOUND, SideRow(_D.FORGET, (_S.ENDED,))),
        TakeKept: SideRow(_D.TELL, (_S.LEAVING,)),
        DeadlinePassed: SideRow(_D.TELL_FAULT, (_S.LEAVING,)),
    },
    _S.LEAVING: {
        **_DONE,
        **dict.fromkeys(_NO_SOUND, SideRow(_D.FORGET, (_S.ENDED,))),
        **dict.fromkeys((PromptEnded, DeadlinePassed), SideRow(_D.FINISH, (_S.ENDED,))),
    },
    _S.ENDED: {},
}
