"""Hundreds of calls in real time through all processes: every line idle, nothing has grown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.figures import Figures
from tests.soak.real import ROUND, WARM_UP, WELL, soak
from tests.soak.size import slope

GROWTH_KB = 2.0
"""A call, of desk and carrier. Seen: 0.5, the desk's figures, of which 500 of a kind are kept."""
KEEPER_KB = 2500.0
"""What one keeper takes; one that was started anew, for another that hung, takes 0.35 MB more."""
SPARE = 2
"""So many more of a kind may be there: what is under way at the moment of the count."""


def test_a_slope_is_that_of_the_straight_line() -> None:
    """The ruler itself: a steady growth is told as it is, noise on a level as nothing."""
    assert slope([(0, 5.0), (10, 7.0), (20, 9.0)]) == pytest.approx(0.2)
    assert slope([(0, 5.0), (10, 8.0), (20, 5.0)]) == pytest.approx(0.0)


@pytest.mark.system
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_hundreds_of_calls_through_all_processes_leave_nothing_behind(
    tmp_path: Path, figures: Figures
) -> None:
    """5 % of the calls of the mix with a fault at the modem or on the wire. At the end every line
    is idle in the exchange's own eyes; no thread, no descriptor and no process is left, and each
    call has its record. Once the box has warmed up, desk and carrier grow by less than 2 kB a call
    and hold no more objects of the product's than before; no keeper is ever large.
    """
    rounds = 4
    outcome = soak(tmp_path, rounds)
    figures.say(outcome.words())
    assert outcome.calls == WARM_UP + (1 + 2 * rounds) * ROUND
    assert outcome.stuck == []
    assert set(outcome.results) <= {str(result) for result in WELL}
    (_, before), *_, (_, after) = outcome.sizes
    assert after.processes == before.processes
    assert after.threads == before.threads
    assert after.files <= before.files
    assert outcome.kb_a_call < GROWTH_KB, outcome.sizes
    assert max(size.keeper_kb for _, size in outcome.sizes) < KEEPER_KB
    first, last = outcome.counted
    for then, now in zip(first, last, strict=True):
        assert now.grown(then, SPARE) == {}
