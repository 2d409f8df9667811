"""The state machines' tables: whole, and reached."""

from __future__ import annotations

import pytest

from appliance.sip import call_states, pyvoip, transactions
from appliance.sip.call import ACTIONS
from appliance.sip.transactions import TransactionKind, TransactionState

PAIRS = [(state, what) for state in call_states.CallLegState for what in call_states.LegInput]


@pytest.mark.parametrize(("state", "what"), PAIRS, ids=str)
def test_every_state_and_input_is_a_row_or_ignored_for_a_reason(
    state: call_states.CallLegState, what: call_states.LegInput
) -> None:
    """Totality: nothing can happen to a leg that nobody has thought of."""
    assert what in call_states.TABLE[state] or call_states.ignored_because(state, what)


def test_the_check_sees_a_missing_row() -> None:
    """Of the rows that matter none would be missed unseen: without it there is no reason."""
    rows = {(state, what) for state, row in call_states.TABLE.items() for what in row}
    excused = {pair for pair in rows if call_states.ignored_because(*pair)}
    assert {pair for pair in excused if pair[0] is not call_states.CallLegState.ENDED} == {
        (call_states.CallLegState.TAKING_BACK, call_states.LegInput.OVER),
        (call_states.CallLegState.RENEWING, call_states.LegInput.OVER),
        (call_states.CallLegState.STOPPING, call_states.LegInput.OVER),
        (call_states.CallLegState.CANCELLING, call_states.LegInput.OVER),
        (call_states.CallLegState.CONFIRMED, call_states.LegInput.ANSWERED),
        (call_states.CallLegState.CONFIRMED, call_states.LegInput.ANSWERED_BADLY),
    }


def test_every_leg_can_end() -> None:
    """From each state ENDED can be reached, and from ENDED nothing else."""
    for state in call_states.CallLegState:
        seen, ahead = {state}, [state]
        while ahead:
            steps = call_states.TABLE[ahead.pop()].values()
            ahead += [s.state for s in steps if s.state not in seen]
            seen |= {s.state for s in steps}
        assert call_states.CallLegState.ENDED in seen
    ended = call_states.TABLE[call_states.CallLegState.ENDED].values()
    assert {step.state for step in ended} == {call_states.CallLegState.ENDED}


def test_every_action_has_its_method() -> None:
    """What the table orders, the leg can do."""
    assert set(ACTIONS) == set(call_states.LegAction)


@pytest.mark.parametrize("kind", TransactionKind)
def test_every_transaction_ends(kind: TransactionKind) -> None:
    """From each reachable state a timer or an answer leads to TERMINATED (no leak)."""
    table = transactions.TABLES[kind]
    reachable = {transactions.BEGINNING[kind]} | {step.state for step in table.values()}
    for state in reachable - {TransactionState.TERMINATED}:
        seen, ahead = {state}, [state]
        while ahead:
            here = ahead.pop()
            following = {step.state for (at, _), step in table.items() if at is here}
            ahead += list(following - seen)
            seen |= following
        assert TransactionState.TERMINATED in seen


@pytest.mark.parametrize(("kind", "state"), transactions.TIMERS, ids=str)
def test_every_timer_has_its_row(kind: TransactionKind, state: TransactionState) -> None:
    """A timer that fires in a state leads somewhere."""
    for timer in transactions.TIMERS[kind, state]:
        assert (state, timer.fires) in transactions.TABLES[kind]


def test_every_state_has_pyvoips_name() -> None:
    """The SIP thread mirrors each call into pyVoIP's shells after every turn."""
    assert set(pyvoip.STATES) == set(call_states.CallLegState)
