"""The state machines' tables: whole, and reached."""

from __future__ import annotations

import pytest

from appliance.sip import call, transactions
from appliance.sip.call import ACTIONS
from appliance.sip.transactions import Kind, State

PAIRS = [(state, what) for state in call.State for what in call.Input]


@pytest.mark.parametrize(("state", "what"), PAIRS, ids=str)
def test_every_state_and_input_is_a_row_or_ignored_for_a_reason(
    state: call.State, what: call.Input
) -> None:
    """Totality: nothing can happen to a leg that nobody has thought of."""
    assert what in call.TABLE[state] or call.ignored_because(state, what)


def test_the_check_sees_a_missing_row() -> None:
    """Of the rows that matter none would be missed unseen: without it there is no reason."""
    rows = {(state, what) for state, row in call.TABLE.items() for what in row}
    excused = {pair for pair in rows if call.ignored_because(*pair)}
    assert {pair for pair in excused if pair[0] is not call.State.ENDED} == {
        (call.State.STOPPING, call.Input.OVER),
        (call.State.CANCELLING, call.Input.OVER),
        (call.State.CONFIRMED, call.Input.ANSWERED),
        (call.State.CONFIRMED, call.Input.ANSWERED_BADLY),
    }


def test_every_leg_can_end() -> None:
    """From each state ENDED can be reached, and from ENDED nothing else."""
    for state in call.State:
        seen, ahead = {state}, [state]
        while ahead:
            steps = call.TABLE[ahead.pop()].values()
            ahead += [s.state for s in steps if s.state not in seen]
            seen |= {s.state for s in steps}
        assert call.State.ENDED in seen
    ended = call.TABLE[call.State.ENDED].values()
    assert {step.state for step in ended} == {call.State.ENDED}


def test_every_action_has_its_method() -> None:
    """What the table orders, the leg can do."""
    assert set(ACTIONS) == set(call.Do)


@pytest.mark.parametrize("kind", Kind)
def test_every_transaction_ends(kind: Kind) -> None:
    """From each reachable state a timer or an answer leads to TERMINATED (no leak)."""
    table = transactions.TABLES[kind]
    reachable = {transactions.BEGINNING[kind]} | {step.state for step in table.values()}
    for state in reachable - {State.TERMINATED}:
        seen, ahead = {state}, [state]
        while ahead:
            here = ahead.pop()
            following = {step.state for (at, _), step in table.items() if at is here}
            ahead += list(following - seen)
            seen |= following
        assert State.TERMINATED in seen


@pytest.mark.parametrize(("kind", "state"), transactions.TIMERS, ids=str)
def test_every_timer_has_its_row(kind: Kind, state: State) -> None:
    """A timer that fires in a state leads somewhere."""
    for timer in transactions.TIMERS[kind, state]:
        assert (state, timer.fires) in transactions.TABLES[kind]
