"""Hundreds of calls in real time through all processes: every line idle, nothing has grown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.real import ROUND, WARM_UP, WELL, soak
from tests.soak.size import slope

GROWTH_KB = 3.0
"""A call, of all processes together: what a call leaves behind is more, were it not let go of."""
SPARE = 2
"""So many more of a kind may be there: what is under way at the moment of the count."""


def test_a_slope_is_that_of_the_straight_line() -> None:
    """The ruler itself: a steady growth is told as it is, noise on a level as nothing."""
    assert slope([(0, 5.0), (10, 7.0), (20, 9.0)]) == pytest.approx(0.2)
    assert slope([(0, 5.0), (10, 8.0), (20, 5.0)]) == pytest.approx(0.0)


@pytest.mark.system
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_hundreds_of_calls_through_all_processes_leave_nothing_behind(tmp_path: Path) -> None:
    """5 % of the calls of the mix with a fault at the modem or on the wire. At the end every line
    is idle in the exchange's own eyes; no thread, no descriptor and no process is left, and each
    call has its record. Once the box has warmed up, its processes' own memory grows by less than
    3 kB a call, and desk and carrier hold no more objects of the product's than before.
    """
    rounds = 4
    outcome = soak(tmp_path, rounds)
    assert outcome.calls == WARM_UP + rounds * 2 * ROUND
    assert outcome.stuck == []
    assert set(outcome.results) <= {str(result) for result in WELL}
    (_, before), *_, (_, after) = outcome.sizes
    assert after.processes == before.processes
    assert after.threads == before.threads
    assert after.files <= before.files
    assert outcome.kb_a_call < GROWTH_KB, outcome.sizes
    first, last = outcome.counted
    for then, now in zip(first, last, strict=True):
        assert now.grown(then, SPARE) == {}
