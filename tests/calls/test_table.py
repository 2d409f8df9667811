"""The one table: every state and every event, and the handlers it names."""

from __future__ import annotations

import pytest

from appliance.calls import diagram
from appliance.calls.handlers import HANDLERS
from appliance.calls.keycodes import DOINGS
from appliance.calls.states import (
    EVENTS,
    KEY_LIMITS_MS,
    KEY_TABLE,
    LIMITS_MS,
    TABLE,
    Do,
    Ignored,
    KeyDo,
    KeyState,
    Row,
    State,
    row_for,
)


@pytest.mark.parametrize("state", State)
def test_every_event_is_a_row_or_ignored_for_a_reason(state: State) -> None:
    """Every state x every event stands in the table: done, or ignored because."""
    assert set(TABLE[state]) == set(EVENTS)
    for event in EVENTS:
        row = row_for(state, event)
        assert isinstance(row, Row) or len(row.because) > 10, (state, event)
        assert isinstance(row, Ignored) or row.to or row.stays, (state, event)


def test_every_row_has_its_handler_and_every_handler_its_row() -> None:
    """What the table says is done by exactly one function, and no function waits for nothing."""
    rows = [row for rows in TABLE.values() for row in rows.values() if isinstance(row, Row)]
    assert {row.do for row in rows} == set(Do) == set(HANDLERS)
    assert {do for rows in KEY_TABLE.values() for do, _ in rows.values()} == set(KeyDo)
    assert set(DOINGS) == set(KeyDo)


def test_every_state_can_be_reached_and_left() -> None:
    """No state is a trap, none is dead."""
    reached = {
        to
        for state, rows in TABLE.items()
        for row in rows.values()
        if isinstance(row, Row)
        for to in row.to
        if to is not state
    }
    assert reached == set(State) - {State.ARRIVED}
    for state in set(State) - {State.ENDED}:
        rows = [row for row in TABLE[state].values() if isinstance(row, Row)]
        assert any(to is not state for row in rows for to in row.to), state


def test_every_state_but_a_conversation_has_a_limit() -> None:
    """A line never stays seized (B1): nobody need say anything for a call to go on."""
    own = {State.RINGING, State.HOLDING, State.RECORDING, State.STORING, State.SAVING}
    assert set(LIMITS_MS) | own == set(State) - {State.TALKING, State.ENDED}
    assert set(KEY_LIMITS_MS) == set(KeyState) - {KeyState.ENDED}


def test_diagrams_are_drawn_from_the_table() -> None:
    """The picture in the docs shows every way from state to state, and nothing else."""
    text = diagram.call_diagram()
    edges = {
        f"    {state} --> {to}:"
        for state, rows in TABLE.items()
        for row in rows.values()
        if isinstance(row, Row)
        for to in row.to
    }
    drawn = {line.split(":")[0] + ":" for line in text.splitlines()[2:-1]}
    assert drawn == edges
    assert text.splitlines()[:2] == ["stateDiagram-v2", "    [*] --> arrived"]
    assert "    ringing --> answering: OperatorAnswered" in text
    assert "    speaking --> ended: CarrierLost, DeadlinePassed, PhoneBusy" in diagram.key_diagram()


def test_the_table_as_text_is_whole() -> None:
    """The documentation's table has a line for every pair, with the reason where ignored."""
    lines = diagram.call_table().splitlines()
    assert len(lines) == 2 + len(State) * len(EVENTS)
    assert "| talking | DeadlinePassed | ignored: a conversation has no limit |  |" in lines
    assert "| ringing | PhoneBusy | `leg_out` | ringing, greeting_pending |" in lines
