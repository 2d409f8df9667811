"""The office that never answers (E8): when an operator is told before trying again."""

from __future__ import annotations

from datetime import datetime

from appliance.policy.transfers import Unanswered
from tests.stories.offices import ROME

NOON = datetime(2026, 11, 25, 12, 30, tzinfo=ROME)
EVENING = datetime(2026, 11, 25, 17, tzinfo=ROME)


def after(*answers: bool) -> Unanswered:
    """Return the counts after transfers to one need in the morning."""
    counts = Unanswered()
    for answered in answers:
        counts = counts.heard("anagrafe", "residenza", NOON, answered=answered)
    return counts


def test_told_after_three_in_a_row() -> None:
    """Three unanswered ones, not two; an answer between them begins anew."""
    assert not after(False, False).tells("anagrafe", "residenza", NOON)
    assert after(False, False, False).tells("anagrafe", "residenza", NOON)
    assert not after(False, False, True, False).tells("anagrafe", "residenza", NOON)


def test_each_band_and_each_need_for_itself() -> None:
    """The afternoon begins at nought, and another need of the office is none of it."""
    counts = after(False, False, False)
    assert not counts.tells("anagrafe", "residenza", EVENING)
    assert not counts.tells("anagrafe", "aire", NOON)
    counts = counts.heard("anagrafe", "residenza", EVENING, answered=False)
    assert counts.count("anagrafe", "residenza", EVENING) == 1
