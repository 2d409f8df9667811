"""The patron saint's day is typed as people write days."""

from __future__ import annotations

import pytest

from appliance.console.day_typed import shown_day, typed_day


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("06-24", "06-24"), ("24/6", "06-24"), ("24.6.", "06-24"), ("24 6", "06-24"),
        ("24-6", "06-24"), ("24-06", "06-24"), ("06/24", "06-24"), ("4/10", "10-04"),
        ("24 giugno", "06-24"), ("il 24 Giugno", "06-24"), ("24 giu.", "06-24"),
        ("1\u00b0 gennaio", "01-01"), ("June 24th", "06-24"), ("the 24th of June", "06-24"),
        ("24. Juni", "06-24"), ("29 febbraio", "02-29"), ("3 M\u00c4RZ", "03-03"),
        ("24", ""), ("30 febbraio", ""), ("24/13", ""), ("24 gi", ""), ("24 pippo", ""),
        ("", ""), ("24/6/2026", ""), ("0/0", ""),
    ],
)  # fmt: skip
def test_a_day_as_people_type_it(typed: str, day: str) -> None:
    """Day first; the file's own form is known by its two figures and its hyphen."""
    assert typed_day(typed) == day


@pytest.mark.parametrize(
    ("language", "shown"), [("it", "24 giugno"), ("en", "24 June"), ("de", "24. Juni")]
)
def test_a_day_as_people_read_it(language: str, shown: str) -> None:
    """What is shown may be typed again; what is no day stays as it was."""
    assert shown_day("06-24", language) == shown
    assert typed_day(shown) == "06-24"
    assert shown_day("x", language) == "x"
