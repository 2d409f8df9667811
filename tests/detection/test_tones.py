"""Every form of every country's tones at all levels, noises and deviations of the page's table."""

from __future__ import annotations

import pytest

from appliance.dsp.progress import ToneKind
from tests.bench.table import percentile
from tests.detection import trials

RELEASES = {ToneKind.BUSY, ToneKind.CONGESTION}
FORMS = trials.forms()
NEAR = [form for form in FORMS if form[0] == "gb"]
"""Britain's chords lie nearest to each other, and so are the first to be confused."""


def check(country: str, kind: ToneKind, place: int) -> None:
    """Each is named once and as nothing else; busy and congestion within 3 s at p95."""
    done = trials.named(country, kind, place)
    assert done.tried == 27
    assert done.wrong == 0
    if kind in RELEASES:
        assert percentile(done.after_ms, 0.95) <= trials.BUSY_LIMIT_MS


@pytest.mark.parametrize(("country", "kind", "place"), NEAR)
def test_tones_that_lie_near_each_other_are_told_apart(
    country: str, kind: ToneKind, place: int
) -> None:
    """A frame that holds a part of a burst fits any neighbour: it begins no other tone."""
    check(country, kind, place)


@pytest.mark.long
@pytest.mark.parametrize(("country", "kind", "place"), FORMS)
def test_every_tone_is_named_under_all_conditions(country: str, kind: ToneKind, place: int) -> None:
    """-8 to -36 dBm0, down to 12 dB above noise, 1 % off either way, through A-law."""
    check(country, kind, place)
