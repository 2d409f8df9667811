"""A call that goes on to an office, and comes back: these states of the table (states.py)."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.calls.events import (
    CallerHungUp,
    DeadlinePassed,
    DigitPressed,
    FaxCalled,
    LineTaken,
    OperatorAnswered,
    PhoneLost,
    PromptEnded,
    ServiceStateChanged,
)
from appliance.calls.row_parts import GIVES_WAY, HANDS_OVER, LEG, TALKS, UP, each
from appliance.calls.rows_ringing import FAILED
from appliance.calls.state_names import Do, Row, Rows, State

_S = State
_D = Do

FAX_MET = each((FaxCalled,), "a person was met before: people decide about a fax")
NO_ANSWERS = each((OperatorAnswered,), "nobody is rung: it crossed the order to stop")
_CALLER_GOES: Rows = {CallerHungUp: Row(_D.CALLER_LEFT, (_S.CLEARING,))}
_MET = TALKS | UP | FAX_MET | GIVES_WAY | _CALLER_GOES
_RULE = (_S.TRANSFER_RINGING, _S.PBX_GREETING, _S.GREETING)
_LOST = (_S.TRANSFER_RETURNING, _S.TRANSFER_OFFER, _S.GREETING)
_BACK = (_S.TALKING, _S.TRANSFER_CHOICE, _S.TRANSFER_RETURNING, _S.GREETING)

TABLE: Mapping[State, Rows] = {
    _S.TRANSFER_KEYS: _MET
    | NO_ANSWERS
    | each(LEG, Row(_D.OPERATOR_LEFT, (_S.CLEARING, *FAILED, _S.TALKING)))
    | {
        PhoneLost: Row(_D.OPERATOR_LOST, (_S.HOLDING, _S.GREETING, _S.CLEARING, _S.TALKING)),
        LineTaken: Row(_D.SHARE, stays=True),
        DigitPressed: Row(_D.COLLECT_KEY, (_S.TALKING, _S.TRANSFER_CHOICE), stays=True),
        DeadlinePassed: Row(_D.NO_MORE_KEYS, (_S.TALKING, _S.TRANSFER_CHOICE)),
    },
    _S.TRANSFER_CHOICE: _MET
    | NO_ANSWERS
    | HANDS_OVER
    | each(LEG, Row(_D.OPERATOR_LOST, (_S.HOLDING, _S.GREETING, _S.CLEARING, _S.TALKING)))
    | {
        PromptEnded: Row(_D.CHOICE_HEARD, (_S.TALKING,), stays=True),
        DigitPressed: Row(_D.CHOICE_KEY, (_S.TALKING, *_RULE), stays=True),
        DeadlinePassed: Row(_D.CHOICE_OVER, (_S.TALKING,)),
    },
    _S.TRANSFER_RINGING: _MET
    | HANDS_OVER
    | each(LEG, Row(_D.NUMBER_OUT, (*_BACK, _S.PBX_GREETING), stays=True))
    | {
        PromptEnded: Row(_D.TRANSFER_HOLD, stays=True),
        OperatorAnswered: Row(_D.OFFICE_ANSWERED, (_S.TRANSFER_CONSULT, _S.TRANSFERRED)),
        DigitPressed: Row(_D.TAKE_BACK, (_S.TALKING,), stays=True),
        DeadlinePassed: Row(_D.NUMBER_SILENT, (*_BACK, _S.PBX_GREETING), stays=True),
    },
    _S.TRANSFER_CONSULT: _MET
    | HANDS_OVER
    | each((OperatorAnswered,), "the office has one phone on the call")
    | each(LEG, Row(_D.CONSULT_OVER, (_S.TRANSFERRED, _S.TALKING)))
    | {
        DigitPressed: Row(_D.CONSULT_KEY, (_S.TRANSFERRED, _S.TALKING), stays=True),
        DeadlinePassed: Row(_D.CONSULT_TOO_LONG, (_S.TALKING,)),
    },
    _S.TRANSFERRED: _MET
    | NO_ANSWERS
    | each(LEG, Row(_D.OPERATOR_LEFT, (_S.CLEARING, *_LOST)))
    | {
        PhoneLost: Row(_D.OFFICE_LOST, _LOST),
        LineTaken: Row(_D.SHARE, stays=True),
        DigitPressed: Row(
            _D.OFFICE_KEY, (_S.TRANSFER_RETURNING, _S.TRANSFER_OFFER, _S.GREETING), stays=True
        ),
        DeadlinePassed: Row(_D.END_LONGEST, (_S.FAREWELL, _S.CLEARING)),
    },
    _S.TRANSFER_RETURNING: _MET
    | HANDS_OVER
    | each(LEG, Row(_D.RETURN_PHONE_OUT, (_S.TRANSFER_OFFER, _S.GREETING), stays=True))
    | {
        PromptEnded: Row(_D.RETURN_HOLD, stays=True),
        OperatorAnswered: Row(_D.RETURN_ANSWERED, (_S.TALKING,)),
        DigitPressed: Row(_D.LEAVE_WORDS, (_S.GREETING,), stays=True),
        ServiceStateChanged: Row(_D.RETURN_HEED_ABSENCE, (_S.GREETING,), stays=True),
        DeadlinePassed: Row(_D.RETURN_NOBODY, (_S.TRANSFER_OFFER, _S.GREETING), stays=True),
    },
    _S.TRANSFER_OFFER: _MET
    | HANDS_OVER
    | NO_ANSWERS
    | each(LEG, "no phone rings while the caller is asked")
    | {
        PromptEnded: Row(_D.RETURN_STAY, (_S.TRANSFER_RETURNING, _S.GREETING), stays=True),
        DigitPressed: Row(_D.LEAVE_WORDS, (_S.GREETING,), stays=True),
        DeadlinePassed: Row(_D.RETURN_STAY, (_S.TRANSFER_RETURNING, _S.GREETING), stays=True),
    },
}
