"""The life of a call: the one table. Everything that changes a call's state stands here.

Every state x every event is a row or ignored for a reason (a test proves it). A row names what is
done (handlers.py) and the states it may lead to. The rows stand by phase in rows_*.py, their words
in state_names.py. Calls between a phone and the box, or two phones, have smaller tables
(side_states.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from appliance.calls import (
    rows_menu,
    rows_message,
    rows_pbx,
    rows_ringing,
    rows_transfer,
    rows_waiting,
)
from appliance.calls.state_names import EVENTS, Do, Ignored, Row, Rows, State

__all__ = ["EVENTS", "LIMITS_MS", "TABLE", "Do", "Ignored", "Row", "State", "row_for"]

TABLE: Mapping[State, Rows] = {
    **rows_ringing.TABLE,
    **rows_waiting.TABLE,
    **rows_pbx.TABLE,
    **rows_menu.TABLE,
    **rows_transfer.TABLE,
    **rows_message.TABLE,
}

LIMITS_MS: Mapping[State, int] = {
    State.ARRIVED: 10_000,
    State.ANSWERING: 10_000,
    State.GREETING_PENDING: 10_000,
    State.CALLBACK_OFFERED: 30_000,
    State.CALLBACK_STORING: 20_000,
    State.PBX_PENDING: 10_000,
    State.PBX_GREETING: 30_000,
    State.PBX_CHECK: 2_000,
    State.PBX_OFFERING: 30_000,
    State.PBX_AWAITING_KEY: 6_000,
    State.PBX_RETURNING: 10_000,
    State.TRANSFER_KEYS: 5_000,
    State.TRANSFER_CHOICE: 60_000,
    State.TRANSFER_CONSULT: 600_000,
    State.TRANSFER_OFFER: 60_000,
    State.GREETING: 180_000,
    State.MENU: 120_000,
    State.SHEET: 90_000,
    State.TONE: 10_000,
    State.FAREWELL: 120_000,
    State.CLEARING: 30_000,
}
"""How long a state may last when nobody says anything: a line never stays seized (B1).

RINGING, HOLDING, QUEUED, TALKING, PBX_CALLING, TRANSFER_RINGING, TRANSFERRED, TRANSFER_RETURNING,
RECORDING, STORING and SAVING have the office's own limits.
"""


def row_for(state: State, kind: type) -> Row | Ignored:
    """Return what an event of this kind does in a state."""
    return TABLE[state][kind]
