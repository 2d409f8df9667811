"""A call that waits for a free position, and the call-back that is offered then (states.py)."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.calls.events import (
    CallBackStored,
    DeadlinePassed,
    DigitPressed,
    FaxCalled,
    LineAnswered,
    OperatorAnswered,
    PromptEnded,
    ServiceStateChanged,
    StoreFailed,
)
from appliance.calls.row_parts import (
    FAX,
    HALF,
    HANDS_OVER,
    LEAVES,
    LEG,
    LISTENS,
    TALKS,
    each,
)
from appliance.calls.state_names import Do, Row, Rows, State

_S = State
_D = Do

ON = (_S.HOLDING, _S.CALLBACK_OFFERED, _S.GREETING, _S.GREETING_PENDING)
"""Where a call goes that has waited for long enough, or for nobody."""

TABLE: Mapping[State, Rows] = {
    _S.QUEUED: TALKS
    | HANDS_OVER
    | HALF
    | FAX
    | LEAVES
    | each(LEG, Row(_D.QUEUE_LEG_OUT, stays=True))
    | {
        LineAnswered: Row(_D.QUEUE_GREET, stays=True),
        PromptEnded: Row(_D.QUEUE_HOLD, stays=True),
        DigitPressed: Row(_D.QUEUE_KEY, stays=True),
        OperatorAnswered: Row(_D.ANSWER, (_S.ANSWERING, _S.TALKING)),
        DeadlinePassed: Row(_D.QUEUE_TICK, (*ON, _S.CLEARING), stays=True),
        ServiceStateChanged: Row(_D.QUEUE_HEED, ON, stays=True),
    },
    _S.CALLBACK_OFFERED: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES
    | {
        PromptEnded: Row(_D.CALLBACK_AWAIT_KEY, stays=True),
        DigitPressed: Row(_D.CALLBACK_OBEY, (_S.CALLBACK_STORING,), stays=True),
        DeadlinePassed: Row(_D.CALLBACK_DECLINED, (_S.GREETING,)),
    },
    _S.CALLBACK_STORING: LISTENS
    | HANDS_OVER
    | LEAVES
    | each((FaxCalled,), "the wish is being stored; then the box hangs up")
    | each((PromptEnded,), "what was played has been cut short by the key")
    | {
        CallBackStored: Row(_D.CALLBACK_STORED, (_S.FAREWELL,)),
        StoreFailed: Row(_D.CALLBACK_DECLINED, (_S.GREETING,)),
        DeadlinePassed: Row(_D.CALLBACK_DECLINED, (_S.GREETING,)),
    },
}
