"""A call that rings and is talked about: these states of the table (states.py)."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.calls.events import (
    CallerHungUp,
    CallerIdentified,
    DeadlinePassed,
    DigitPressed,
    FaxCalled,
    HeadWished,
    LineAnswered,
    LineRang,
    LineTaken,
    OperatorAnswered,
    PhoneLost,
    ServiceStateChanged,
    TransferAsked,
    TransferWished,
)
from appliance.calls.row_parts import (
    BEFORE_ANSWER,
    FAX,
    HALF,
    HANDS_OVER,
    LATE_NAME,
    LEG,
    LINE_GONE,
    NO_LEGS,
    RINGS,
    TAKEN_RINGING,
    TALKS,
    UP,
    each,
    state,
)
from appliance.calls.state_names import Do, Row, Rows, State

_S = State
_D = Do

ROUTED = (_S.RINGING, _S.QUEUED, _S.PBX_PENDING, _S.GREETING_PENDING)
RINGS_NO_MORE = (_S.ARRIVED, _S.QUEUED, _S.GREETING_PENDING, _S.CLEARING)
HELD_NO_MORE = (_S.QUEUED, _S.CALLBACK_OFFERED, _S.GREETING_PENDING, _S.GREETING)
"""Where a call goes whose caller is settled, whose stage is over, who was held meanwhile; who came
over from another branch is given back (trunk_line.py)."""
FAILED = (_S.TRANSFER_RETURNING, _S.TRANSFER_OFFER, _S.HOLDING, *HELD_NO_MORE)
"""Whither a caller goes whose operator's phone hung up by itself (put_through.py)."""
ASKED = (
    _S.TRANSFER_RINGING,
    _S.PBX_GREETING,
    _S.TRANSFER_CHOICE,
    _S.TRANSFER_RETURNING,
    _S.TRANSFER_OFFER,
)
"""Where asking for a transfer may lead: also straight back, when no number can be rung."""

TABLE: Mapping[State, Rows] = {
    _S.ARRIVED: state(
        BEFORE_ANSWER,
        RINGS,
        NO_LEGS,
        each((ServiceStateChanged,), "the call is routed by what holds once its caller is known"),
        {
            LineRang: Row(_D.RING_AT_ONCE, ROUTED, stays=True),
            CallerIdentified: Row(_D.ROUTE, ROUTED),
            DeadlinePassed: Row(_D.ROUTE, ROUTED),
            CallerHungUp: Row(_D.GIVE_UP, (_S.ENDED,)),
        },
        TAKEN_RINGING,
        each(LINE_GONE, Row(_D.LOSE, (_S.ENDED,))),
    ),
    _S.RINGING: state(
        BEFORE_ANSWER,
        RINGS,
        LATE_NAME,
        each(LEG, Row(_D.LEG_OUT, RINGS_NO_MORE, stays=True)),
        {
            OperatorAnswered: Row(_D.ANSWER, (_S.ANSWERING,)),
            DeadlinePassed: Row(_D.NEXT_STAGE, RINGS_NO_MORE, stays=True),
            ServiceStateChanged: Row(_D.HEED_ABSENCE, RINGS_NO_MORE, stays=True),
            CallerHungUp: Row(_D.GIVE_UP, (_S.ENDED,)),
        },
        TAKEN_RINGING,
        each(LINE_GONE, Row(_D.LOSE, (_S.ENDED,))),
    ),
    _S.ANSWERING: TALKS
    | HANDS_OVER
    | HALF
    | each((FaxCalled,), "the line is not up: nothing is heard on it")
    | each(LEG, Row(_D.RING_ON, (_S.HOLDING, *HELD_NO_MORE)))
    | each((OperatorAnswered,), "the first who lifted has the call; others are hung up")
    | {
        LineAnswered: Row(_D.TALK, (_S.TALKING,)),
        CallerHungUp: Row(_D.LEAVE, (_S.CLEARING,)),
        DeadlinePassed: Row(_D.NEVER_UP, (_S.CLEARING,)),
    },
    _S.HOLDING: TALKS
    | HANDS_OVER
    | HALF
    | FAX
    | each(LEG, Row(_D.LEG_OUT, HELD_NO_MORE, stays=True))
    | {
        LineAnswered: Row(_D.HOLD, stays=True),
        OperatorAnswered: Row(_D.ANSWER, (_S.ANSWERING, _S.TALKING)),
        DeadlinePassed: Row(_D.NEXT_STAGE, HELD_NO_MORE, stays=True),
        ServiceStateChanged: Row(_D.HEED_ABSENCE, HELD_NO_MORE, stays=True),
        CallerHungUp: Row(_D.LEAVE, (_S.CLEARING,)),
    },
    _S.TALKING: TALKS
    | UP
    | each(LEG, Row(_D.OPERATOR_LEFT, (_S.CLEARING, *FAILED), stays=True))
    | {PhoneLost: Row(_D.OPERATOR_LOST, (_S.HOLDING, *HELD_NO_MORE, _S.CLEARING), stays=True)}
    | each((OperatorAnswered,), "the first who lifted has the call; others are hung up")
    | {DeadlinePassed: Row(_D.END_LONGEST, (_S.FAREWELL, _S.CLEARING))}
    | {
        CallerHungUp: Row(_D.CALLER_LEFT, (_S.CLEARING,)),
        LineTaken: Row(_D.SHARE, stays=True),
        FaxCalled: Row(_D.NOTE_FAX_IN_CONVERSATION, stays=True),
        DigitPressed: Row(_D.FORWARD_KEY, (_S.TRANSFER_KEYS,), stays=True),
        TransferAsked: Row(_D.ASK_BY_REFER, (*ASKED, _S.TRANSFERRED), stays=True),
        TransferWished: Row(_D.ASK_FOR, ASKED, stays=True),
        HeadWished: Row(_D.BRING_HEAD, stays=True),
    },
}
