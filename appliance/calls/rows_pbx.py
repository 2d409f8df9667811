"""A call that is passed to a PBX by a hook flash: these states of the table (states.py)."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.calls.events import (
    DeadlinePassed,
    DigitPressed,
    FarEndProgressed,
    FaxCalled,
    LineAnswered,
    LineFlashed,
    PromptEnded,
    ServiceStateChanged,
)
from appliance.calls.row_parts import (
    ABSENT_MEANWHILE,
    BACK,
    FAX,
    HANDS_OVER,
    LEAVES,
    LISTENS,
    NO_PROMPT,
    ON_HOLD,
    PASSES_ON,
    each,
)
from appliance.calls.state_names import Do, Row, Rows, State

_S = State
_D = Do

BACK_FROM_PBX = (
    _S.PBX_GREETING,
    _S.GREETING,
    _S.TRANSFER_RINGING,
    _S.TRANSFER_RETURNING,
    _S.TRANSFER_OFFER,
)

TABLE: Mapping[State, Rows] = {
    _S.PBX_PENDING: LISTENS
    | HANDS_OVER
    | PASSES_ON
    | each((FaxCalled,), "the line is not up: nothing is heard on it")
    | NO_PROMPT
    | LEAVES
    | {
        LineAnswered: Row(_D.PBX_GREET, (_S.PBX_GREETING,)),
        ServiceStateChanged: Row(_D.HEED_ABSENCE, (_S.GREETING_PENDING,), stays=True),
        DeadlinePassed: Row(_D.NEVER_UP, (_S.CLEARING,)),
    },
    _S.PBX_GREETING: LISTENS
    | HANDS_OVER
    | PASSES_ON
    | FAX
    | LEAVES
    | ABSENT_MEANWHILE
    | each((PromptEnded, DeadlinePassed), Row(_D.PBX_GO, (_S.PBX_CALLING, _S.PBX_CHECK))),
    _S.PBX_CHECK: LISTENS
    | HANDS_OVER
    | PASSES_ON
    | FAX
    | NO_PROMPT
    | LEAVES
    | ABSENT_MEANWHILE
    | {DeadlinePassed: Row(_D.PBX_CALL, (_S.PBX_CALLING,))},
    _S.PBX_CALLING: ON_HOLD
    | HANDS_OVER
    | BACK
    | each((DigitPressed,), "the call was not offered yet: no key accepts what nobody heard of")
    | {
        FarEndProgressed: Row(_D.PBX_HEAR, (_S.PBX_OFFERING, _S.PBX_RETURNING), stays=True),
        ServiceStateChanged: Row(_D.PBX_HEED_ABSENCE, (_S.PBX_RETURNING,), stays=True),
    },
    _S.PBX_OFFERING: ON_HOLD
    | HANDS_OVER
    | BACK
    | {
        PromptEnded: Row(_D.PBX_AWAIT_KEY, (_S.PBX_AWAITING_KEY,)),
        DigitPressed: Row(_D.PBX_ACCEPT, (_S.CLEARING,), stays=True),
        FarEndProgressed: Row(_D.PBX_HEAR, (_S.PBX_CALLING, _S.PBX_RETURNING), stays=True),
    },
    _S.PBX_AWAITING_KEY: ON_HOLD
    | HANDS_OVER
    | {
        DeadlinePassed: Row(_D.PBX_OFFER_AGAIN, (_S.PBX_OFFERING, _S.PBX_RETURNING)),
        DigitPressed: Row(_D.PBX_ACCEPT, (_S.CLEARING,), stays=True),
        FarEndProgressed: Row(_D.PBX_HEAR, (_S.PBX_CALLING, _S.PBX_RETURNING), stays=True),
    },
    _S.PBX_RETURNING: ON_HOLD
    | HANDS_OVER
    | each((LineFlashed, DeadlinePassed), Row(_D.PBX_CALLER_BACK, BACK_FROM_PBX)),
}
