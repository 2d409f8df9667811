"""The rollout's file: read back as it was written; every mistake with its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from appliance.config.rollout_file import parse_rollout, rollout_text
from appliance.config.values import BadConfiguration
from appliance.policy.rollout import Rollout, Stage

GIVEN = Rollout("1.4.0", Stage.SHARE, "nord", datetime(2026, 12, 1, 8, 0, tzinfo=UTC), 20, 48)


@pytest.mark.parametrize("stage", list(Stage))
def test_what_is_written_is_read(stage: Stage) -> None:
    """In any stage, and from any zone."""
    zone = timezone(timedelta(hours=1))
    given = Rollout("1.4.0~rc1", stage, 'a "b"', datetime(2026, 12, 1, 9, 0, tzinfo=zone), 1, 0)
    assert parse_rollout(rollout_text(given), "updates.toml") == given


@pytest.mark.parametrize(
    ("old", "new", "place", "why"),
    [
        ('"share"', '"half"', "rollout.stage", "first, share, all, stopped"),
        ('"1.4.0"', '"next"', "rollout", "no version"),
        ("percent = 20", "percent = 0", "rollout", "1 to 100"),
        ("percent = 20", "per_cent = 20", "rollout.per_cent", "percent"),
        ("+00:00", "", "rollout.since", "offset"),
    ],
)
def test_a_mistake_has_its_place(old: str, new: str, place: str, why: str) -> None:
    """As in every file of the configuration."""
    text = rollout_text(GIVEN)
    assert text.count(old) == 1
    with pytest.raises(BadConfiguration) as caught:
        parse_rollout(text.replace(old, new), "updates.toml")
    (mistake,) = caught.value.mistakes
    assert (mistake.place.startswith(place), why in str(mistake.words)) == (True, True), mistake
