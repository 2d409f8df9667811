"""Stages of an update: who may take it now, when the next stage begins, what stops all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.rollout import (
    BoxReport,
    Outcome,
    Rollout,
    Stage,
    advanced,
    box_words,
    check_rollout,
    hindrance,
    is_in_stage,
    outcome,
    place_of,
    stage_words,
)
from appliance.policy.text import Refused
from appliance.policy.updates import UpdateState
from appliance.text import NOTHING

AT = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=24)
FIRST = Rollout("1.4.0", Stage.FIRST, "nord", AT, percent=13)
SHARE, ALL = replace(FIRST, stage=Stage.SHARE), replace(FIRST, stage=Stage.ALL)
STOPPED = replace(FIRST, stage=Stage.STOPPED)
OLD, NEW = BoxReport("1.3.0"), BoxReport("1.4.0", UpdateState.GOOD, "1.4.0")
TRIED = BoxReport("1.4.0", UpdateState.TRIAL, "1.4.0")
WENT_BACK = BoxReport("1.3.0", UpdateState.BACK, "1.4.0")
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)


@given(NAMES, st.integers(1, 100))
def test_a_box_of_a_stage_belongs_to_every_later_one(branch: str, percent: int) -> None:
    """Else it would have the version and hold a stage up that does not count it."""
    first, share, everybody = (
        is_in_stage(replace(FIRST, stage=stage, percent=percent), branch)
        for stage in (Stage.FIRST, Stage.SHARE, Stage.ALL)
    )
    assert first <= share <= everybody
    assert 0 <= place_of(branch) < 100


def test_the_place_of_a_name_never_changes() -> None:
    """Head office and box compute it apart, on different versions."""
    assert [round(place_of(name), 1) for name in ("centro", "nord", "ponte")] == [12.2, 46.8, 78.5]
    many = [place_of(f"sede-{number}") < 10 for number in range(2000)]
    assert 150 < sum(many) < 250


@pytest.mark.parametrize(
    ("rollout", "taking"),
    [(FIRST, ["nord"]), (SHARE, ["nord", "centro"]), (ALL, ["nord", "centro", "ponte", ""]),
     (STOPPED, [])],
)  # fmt: skip
def test_who_may_take_it(rollout: Rollout, taking: list[str]) -> None:
    """A box without a name is of the last stage alone; whoever may not is told the stage."""
    for branch in ("nord", "centro", "ponte", ""):
        said = hindrance(rollout, branch, "1.4")
        assert said == (NOTHING if branch in taking else stage_words(rollout))


def test_another_version_is_taken_by_nobody() -> None:
    """What the head office has not named comes by hand; without a rollout the server decides."""
    assert "1.5.0" in hindrance(ALL, "nord", "1.5.0").text("en")
    assert hindrance(None, "nord", "1.5.0") == NOTHING


@pytest.mark.parametrize(
    ("report", "what"),
    [(None, Outcome.SILENT), (OLD, Outcome.WAITING), (TRIED, Outcome.WAITING),
     (WENT_BACK, Outcome.BACK), (NEW, Outcome.GOOD),
     (BoxReport("1.4.0"), Outcome.GOOD), (BoxReport("1.5.0"), Outcome.GOOD),
     (BoxReport("1.3.0", UpdateState.BACK, "1.3.9"), Outcome.WAITING),
     (BoxReport("1.4.0", UpdateState.BACK, "1.4.1"), Outcome.GOOD)],
)  # fmt: skip
def test_what_has_become_of_it(report: BoxReport | None, what: Outcome) -> None:
    """A card written anew with the version is good; going back from another one is another's."""
    assert outcome(FIRST, report) is what
    assert box_words(ALL, "nord", report).text("en").startswith("Box of nord: ")


def test_a_stage_follows_once_all_of_the_one_before_are_good_for_its_hours() -> None:
    """The boxes whose turn it is not yet are not waited for."""
    boxes = {"nord": NEW, "centro": OLD, "ponte": OLD}
    assert advanced(FIRST, boxes, LATER - timedelta(seconds=1)) == FIRST
    assert advanced(FIRST, {**boxes, "nord": TRIED}, LATER) == FIRST
    assert advanced(FIRST, {**boxes, "nord": None}, LATER) == FIRST
    share = advanced(FIRST, boxes, LATER)
    assert share == replace(SHARE, since=LATER)
    assert advanced(share, {**boxes, "centro": NEW}, LATER) == share
    after = LATER + timedelta(hours=24)
    assert advanced(share, boxes, after) == share
    everybody = advanced(share, {**boxes, "centro": NEW}, after)
    assert everybody == replace(ALL, since=after)
    assert advanced(everybody, dict.fromkeys(boxes, NEW), after + timedelta(days=9)) == everybody


def test_a_share_without_a_box_of_its_own_is_passed_over() -> None:
    """Of few boxes none may belong to it."""
    assert advanced(FIRST, {"nord": NEW, "ponte": OLD}, LATER) == replace(ALL, since=LATER)


@pytest.mark.parametrize("rollout", [FIRST, SHARE, ALL])
def test_the_first_that_goes_back_stops_it(rollout: Rollout) -> None:
    """At once, whatever the others are; it stays stopped until somebody begins anew."""
    boxes = {"nord": NEW, "centro": NEW, "ponte": WENT_BACK}
    stopped = advanced(rollout, boxes, AT)
    assert stopped == replace(STOPPED, since=AT)
    assert advanced(stopped, boxes, LATER) == stopped
    assert advanced(stopped, dict.fromkeys(boxes, NEW), LATER) == stopped


def test_figures_out_of_range_are_refused() -> None:
    """As is a first box that is none of the boxes: no stage would ever end."""
    check_rollout(FIRST)
    for wrong in (
        replace(FIRST, version="next"),
        replace(FIRST, percent=0),
        replace(FIRST, percent=101),
        replace(FIRST, hours=-1),
        replace(FIRST, hours=721),
    ):
        with pytest.raises(Refused):
            check_rollout(wrong)
    with pytest.raises(Refused, match="nord"):
        advanced(FIRST, {"centro": OLD}, LATER)


def test_a_box_outside_the_stage_is_said_so() -> None:
    """So that nobody waits for it."""
    assert box_words(FIRST, "ponte", OLD).text("en").endswith("not its turn")
    assert not box_words(FIRST, "nord", OLD).text("en").endswith("not its turn")
