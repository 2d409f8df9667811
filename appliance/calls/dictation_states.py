"""The life of a dictation: a phone rings, an announcement is said, heard again, and kept or not.

The table of dictation.py, as those of side_states.py.
"""

from __future__ import annotations

from appliance.calls.events import (
    BoxStopped,
    CarrierLost,
    DeadlinePassed,
    DigitPressed,
    OperatorAnswered,
    PhoneBusy,
    PhoneDeclined,
    PhoneHungUp,
    PhoneLost,
    PhoneUnreachable,
    PromptEnded,
    RecordingEnded,
    TakeKept,
)
from appliance.calls.side_states import SideDo, SideRow, SideState, SideTable

_S = SideState
_D = SideDo
_LEG = (PhoneHungUp, PhoneDeclined, PhoneBusy, PhoneUnreachable, PhoneLost)
_NO_SOUND = (CarrierLost, BoxStopped)
_STUCK = dict.fromkeys((DeadlinePassed, *_NO_SOUND), SideRow(_D.HANG_UP, (_S.ENDED,)))
_GOES = dict.fromkeys(_LEG, SideRow(_D.PART, (_S.ENDED,)))
_DONE = dict.fromkeys(_LEG, SideRow(_D.FORGET, (_S.ENDED,)))

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
"""An announcement of the office's own, said at a phone: one person alone, never a conversation."""
