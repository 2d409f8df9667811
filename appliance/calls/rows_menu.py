"""Sheets read aloud after hours, chosen by keys: these states of the table (states.py)."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.calls.events import DeadlinePassed, DigitPressed, PromptEnded
from appliance.calls.row_parts import FAX, HANDS_OVER, LEAVES, LISTENS, each
from appliance.calls.state_names import Do, Row, Rows, State

_S = State
_D = Do

TABLE: Mapping[State, Rows] = {
    _S.MENU: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES
    | each((PromptEnded, DeadlinePassed), Row(_D.SOUND_TONE, (_S.TONE, _S.FAREWELL)))
    | {DigitPressed: Row(_D.CHOOSE, (_S.TONE, _S.SHEET, _S.GREETING, _S.FAREWELL), stays=True)},
    _S.SHEET: LISTENS
    | HANDS_OVER
    | FAX
    | LEAVES
    | each((PromptEnded, DeadlinePassed), Row(_D.OFFER_AGAIN, (_S.MENU,)))
    | {DigitPressed: Row(_D.KEY_IN_SHEET, (_S.MENU, _S.TONE, _S.GREETING), stays=True)},
}
