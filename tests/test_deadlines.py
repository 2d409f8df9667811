"""The next of several deadlines, and whether one has passed."""

from __future__ import annotations

import pytest

from appliance.deadlines import earliest, is_due


@pytest.mark.parametrize(
    ("deadlines", "found"),
    [((), None), ((None, None), None), ((3.0, None, 2.0), 2.0), ((0.0, 1.0), 0.0)],
)
def test_the_next_deadline_is_the_earliest_that_is_set(
    deadlines: tuple[float | None, ...], found: float | None
) -> None:
    """A time of 0 is one; without any there is nothing to wait for."""
    assert earliest(deadlines) == found


@pytest.mark.parametrize(
    ("deadline", "due"), [(None, False), (0.0, True), (4.9, True), (5.0, True), (5.1, False)]
)
def test_a_deadline_is_due_from_its_moment_on(deadline: float | None, due: bool) -> None:
    """A loop that waits exactly until then must not wait again."""
    assert is_due(deadline, 5.0) is due
