"""Why a position may not be left now, made of the desk's status (E19). Pure: values in, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.calls import positions
from appliance.calls.states import State
from appliance.policy.text import Words


def left_behind(status: Mapping[str, Any], position: str) -> tuple[Words, ...]:
    """Say what would be left behind for nobody: callers held, returns open; none for no position.

    The same words with which the desk refuses whoever asks to be away.
    """
    found = (_why_not(one, position) for one in status["calls"])
    return tuple(words for words in found if words is not None)


def _why_not(one: Mapping[str, Any], position: str) -> Words | None:
    transfer = one["transfer"] or {"operator": "", "office": ""}
    if not position or position not in (one["phone"], transfer["operator"]):
        return None
    return positions.why_not(State(one["state"]), position, transfer["office"])
