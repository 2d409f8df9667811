"""The quick run and the full run of the properties."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.helpers.examples import FULL_DEFAULT, IS_FULL, QUICK_DEFAULT, examples


@pytest.mark.parametrize(
    ("full", "quick"), [(1500, 250), (60, 10), (61, 10), (30, 10), (10, 10), (4, 4), (1, 1)]
)
def test_a_sixth_and_at_least_ten_in_the_quick_run(full: int, quick: int) -> None:
    """The quick run tries a sixth of the examples, at least ten, never more than the full one."""
    assert examples(full, is_full=False) == quick
    assert examples(full, is_full=True) == full


def test_a_dear_property_names_its_number_itself() -> None:
    """Only the quick run's number is named: the full run tries all."""
    assert examples(120, quick=8, is_full=False) == 8
    assert examples(120, quick=8, is_full=True) == 120


def test_the_quick_run_is_the_same_each_time() -> None:
    """Only the full run draws examples at random, and more where a property names no number."""
    assert settings.default is not None
    assert settings.default.derandomize is not IS_FULL
    assert settings.default.max_examples == (FULL_DEFAULT if IS_FULL else QUICK_DEFAULT)
    assert settings.default.deadline is None
