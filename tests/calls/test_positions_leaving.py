"""Why a position may not be left (E19): a caller on hold, a return open; nothing else."""

from __future__ import annotations

import pytest

from appliance.calls.manual_states import HELD, RETURNS, why_not_away
from appliance.calls.states import State


@pytest.mark.parametrize("state", State)
def test_a_caller_held_and_an_open_return_keep_one_there(state: State) -> None:
    """Said with the position, and of a return with its office; whoever merely talks may leave."""
    words = why_not_away(state, "op1", "Anagrafe")
    if state in RETURNS:
        assert words is not None
        assert "op1 ha un ritorno aperto (Anagrafe)" in words.text("it")
        assert "op1 has a return open (Anagrafe)" in words.text("en")
    elif state in HELD:
        assert words is not None
        assert "op1 ha un utente in attesa" in words.text("it")
    else:
        assert words is None
