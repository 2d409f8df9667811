"""The one table: every state and every event, and the handlers it names."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator

import pytest

from appliance.calls import conference, dictation, internal, manual_states, outgoing, outside_call
from appliance.calls.model import Actions
from appliance.calls.orders import Order
from appliance.calls.side_states import (
    DIALLED_TABLE,
    DICTATION_TABLE,
    HEAD_TABLE,
    INTERCOM_TABLE,
    KEY_TABLE,
    LISTENING_TABLE,
    NOTICE_TABLE,
    OUTSIDE_TABLE,
    SIDE_LIMITS_MS,
    SideState,
    SideTable,
)
from appliance.calls.states import (
    EVENTS,
    LIMITS_MS,
    TABLE,
    CallAction,
    Ignored,
    State,
    TableRow,
    row_for,
)
from appliance.calls.switchboard import HANDLERS
from scripts import draw_calls

SIDES = [
    (KEY_TABLE, internal.KEY_CALL_ACTIONS),
    (NOTICE_TABLE, manual_states.NOTICE_ACTIONS),
    (INTERCOM_TABLE, internal.INTERCOM_ACTIONS),
    (HEAD_TABLE, conference.SUPERVISOR_ACTIONS),
    (LISTENING_TABLE, internal.LISTENING_ACTIONS),
    (OUTSIDE_TABLE, outside_call.OUTSIDE_ACTIONS),
    (DIALLED_TABLE, outgoing.DIALLED_ACTIONS),
    (DICTATION_TABLE, dictation.DICTATION_ACTIONS),
]
SIDE_NAMES = [
    "key code",
    "notice",
    "two phones",
    "head",
    "messages",
    "outside",
    "dialled",
    "dictation",
]


@pytest.mark.parametrize("state", State)
def test_every_event_is_a_row_or_ignored_for_a_reason(state: State) -> None:
    """Every state x every event stands in the table: done, or ignored because."""
    assert set(TABLE[state]) == set(EVENTS)
    for event in EVENTS:
        row = row_for(state, event)
        assert isinstance(row, TableRow) or len(row.because) > 10, (state, event)
        assert isinstance(row, Ignored) or row.to or row.stays, (state, event)


def test_every_row_has_its_handler_and_every_handler_its_row() -> None:
    """What the table says is done by exactly one function, and no function waits for nothing."""
    rows = [row for rows in TABLE.values() for row in rows.values() if isinstance(row, TableRow)]
    assert {row.do for row in rows} == set(CallAction) == set(HANDLERS)


@pytest.mark.parametrize(("table", "actions"), SIDES, ids=SIDE_NAMES)
def test_a_phones_own_call_has_a_whole_table(table: SideTable, actions: Actions) -> None:
    """Each row has its function, no state but a conversation lasts for ever, none is a trap."""
    rows = [row for rows in table.values() for row in rows.values()]
    assert {row.do for row in rows} <= set(actions)
    assert all(row.to for row in rows)
    assert {to for row in rows for to in row.to} | {next(iter(table))} == set(table)
    for state in set(table) - {SideState.ENDED}:
        assert any(to is not state for row in table[state].values() for to in row.to)
        assert (state in SIDE_LIMITS_MS) is (state not in {SideState.TALKING, SideState.ON_HOLD})


def test_every_state_can_be_reached_and_left() -> None:
    """No state is a trap, none is dead."""
    reached = {
        to
        for state, rows in TABLE.items()
        for row in rows.values()
        if isinstance(row, TableRow)
        for to in row.to
        if to is not state
    }
    assert reached == set(State)
    for state in set(State) - {State.ENDED}:
        rows = [row for row in TABLE[state].values() if isinstance(row, TableRow)]
        assert any(to is not state for row in rows for to in row.to), state


def test_every_state_but_a_conversation_has_a_limit() -> None:
    """A line never stays seized (B1): nobody need say anything for a call to go on."""
    own = {
        State.RINGING,
        State.HOLDING,
        State.ON_HOLD,
        State.QUEUED,
        State.PBX_CALLING,
        State.TRANSFER_RINGING,
        State.TRANSFER_RETURNING,
        State.RECORDING,
        State.STORING,
        State.SAVING,
    }
    assert set(LIMITS_MS) | own == set(State) - {State.TALKING, State.TRANSFERRED, State.ENDED}


def test_diagrams_are_drawn_from_the_table() -> None:
    """The picture in the docs shows every way from state to state, and nothing else."""
    text = draw_calls.call_diagram()
    edges = {
        f"    {state} --> {to}:"
        for state, rows in TABLE.items()
        for row in rows.values()
        if isinstance(row, TableRow)
        for to in row.to
    }
    drawn = {line.split(":")[0] + ":" for line in text.splitlines()[2:-1]}
    assert drawn == edges
    assert text.splitlines()[:2] == ["stateDiagram-v2", "    [*] --> arrived"]
    assert "    ringing --> answering: OperatorAnswered" in text
    drawn_key = draw_calls.side_diagram(KEY_TABLE)
    assert "    speaking --> ended: BoxStopped, DeadlinePassed, MediaGatewayLost" in drawn_key
    assert drawn_key.splitlines()[1] == "    [*] --> accepting"
    assert "    [*] --> ringing" in draw_calls.side_diagram(INTERCOM_TABLE)
    assert "playing --> playing" not in draw_calls.side_diagram(LISTENING_TABLE)


def _takes(handler: Callable[..., Iterator[Order]], kind: type) -> bool:
    """Tell whether a handler's own annotation admits an event."""
    hints = typing.get_type_hints(handler)
    wanted = hints.get("event", hints.get("_event"))
    return any(issubclass(kind, each) for each in typing.get_args(wanted) or (wanted,))


def test_every_handler_takes_the_events_of_its_rows() -> None:
    """What mypy cannot see: the rows that name a handler bring only events that it is made for."""
    wrong = [
        (state, kind, row.do)
        for state, rows in TABLE.items()
        for kind, row in rows.items()
        if isinstance(row, TableRow) and not _takes(HANDLERS[row.do], kind)
    ]
    assert wrong == []


@pytest.mark.parametrize(("table", "actions"), SIDES, ids=SIDE_NAMES)
def test_a_phones_own_call_takes_the_events_of_its_rows(table: SideTable, actions: Actions) -> None:
    """The same of calls that phones make."""
    wrong = [
        (state, kind, row.do)
        for state, rows in table.items()
        for kind, row in rows.items()
        if not _takes(actions[row.do], kind)
    ]
    assert wrong == []
