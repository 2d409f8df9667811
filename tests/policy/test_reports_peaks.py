"""How many lines were engaged at once (P8)."""

from __future__ import annotations

import pytest

from appliance.policy.reports import LineUse, Peak, peak_of


@pytest.mark.parametrize(
    ("uses", "of", "found"),
    [
        ([], 2, Peak(0, 2)),
        ([(10, 20)], 2, Peak(1, 2, 10)),
        ([(10, 20), (20, 30)], 2, Peak(1, 2, 10)),  # one ends as the other begins
        ([(10, 30), (20, 40)], 2, Peak(2, 2, 20, 10)),
        ([(10, 30), (20, 40)], 3, Peak(2, 3, 20)),
        ([(10, 30), (20, 40), (25, 28)], 3, Peak(3, 3, 25, 3)),
        ([(0, 5), (90, 300)], 1, Peak(1, 1, 90, 10)),  # before, and into what is not asked for
        ([(10, 20)], 0, Peak(1, 0, 10)),  # lines that are no longer configured
    ],
)
def test_the_peak_of_a_time(uses: list[LineUse], of: int, found: Peak) -> None:
    """P8: the most lines at once, when that was first, and for how long all were engaged."""
    assert peak_of(uses, of, 9, 100) == found
