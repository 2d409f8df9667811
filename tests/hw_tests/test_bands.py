"""The limits' three bands: what is good is allowed, and the guides say the same as the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from hw_tests import limits
from hw_tests.findings import Figure, Limit
from hw_tests.limits import BANDS, Band

ROOT = Path(__file__).resolve().parents[2]
GUIDES = {lang: f"docs/field-test.{lang}.md" for lang in ("en", "it")}


@pytest.mark.parametrize("language", GUIDES)
def test_the_guides_have_every_band(language: str) -> None:
    """Each row as it is, in both languages."""
    lines = (ROOT / GUIDES[language]).read_text(encoding="utf-8").splitlines()
    assert len(limits.rows(language)) == len(BANDS) >= 20
    assert [row for row in limits.rows(language) if row not in lines] == []


@pytest.mark.parametrize("band", BANDS.values(), ids=BANDS)
def test_what_is_good_is_allowed(band: Band) -> None:
    """The inner band lies within the outer one, and says where it comes from."""
    for end in (band.wanted.low, band.wanted.high):
        assert end is None or band.allowed.holds(end)
    assert band.source or band.own


@pytest.mark.parametrize(
    ("value", "good", "attention"),
    [(1.0, True, False), (2.0, True, False), (3.0, True, True), (4.1, False, False),
     (None, False, False)],
)  # fmt: skip
def test_attention_lies_between_good_and_bad(
    value: float | None, good: bool, attention: bool
) -> None:
    """Beyond what is wanted and within what is allowed."""
    figure = Figure("swing", value, "dB", Limit(None, 4.0), Limit(None, 2.0))
    assert (figure.good, figure.needs_attention) == (good, attention)
