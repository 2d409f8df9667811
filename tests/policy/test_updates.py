"""How an update goes: its table, which version may follow, when a trial is over, when it starts."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.text import Refused
from appliance.policy.updates import (
    FAILED_BEFORE,
    HEALTHY_S,
    LONGEST_S,
    QUIET,
    TRIAL_LIMIT_S,
    StartMoment,
    Trial,
    TrialHealth,
    TrialVerdict,
    UpdateState,
    UpdateStep,
    check_server,
    check_version,
    may_start,
    may_take,
    refused,
    update_state_after,
    update_words,
    version_order,
    what_is_missing,
)
from appliance.text import NOTHING
from tests.helpers.words import pair

WELL = TrialHealth(60.0, carrier=True, working=frozenset({"line1"}), out=frozenset())
LINES = frozenset({"line1"})
VERSIONS = st.builds(
    lambda numbers, rc: ".".join(map(str, numbers)) + rc,
    st.lists(st.integers(0, 30), min_size=2, max_size=4),
    st.sampled_from(["", "~rc1", "~rc2", "~beta"]),
)
HEALTHS = st.none() | st.builds(
    TrialHealth,
    st.sampled_from([0.0, 1.0, 500.0]),
    st.booleans(),
    st.just(frozenset[str]()),
    st.sampled_from([frozenset[str](), LINES]),
    st.integers(0, 2),
)


def run(*steps: UpdateStep, state: UpdateState = UpdateState.NONE) -> UpdateState:
    """Take steps one after the other."""
    for step in steps:
        state = update_state_after(state, step)
    return state


def test_an_update_goes_its_way() -> None:
    """From a file to a version that has proved itself."""
    way = (
        UpdateStep.FETCHED,
        UpdateStep.CHECKED,
        UpdateStep.INSTALLED,
        UpdateStep.STARTED_NEW,
        UpdateStep.PROVED,
    )
    assert run(*way) is UpdateState.GOOD
    assert run(*way, UpdateStep.STARTED_NEW) is UpdateState.GOOD
    assert (
        run(UpdateStep.INSTALLED, UpdateStep.STARTED_NEW, UpdateStep.PROVED, state=UpdateState.GOOD)
        is UpdateState.GOOD
    )


@given(st.lists(st.sampled_from(UpdateStep), max_size=12))
def test_only_what_was_checked_and_proved_is_good(steps: list[UpdateStep]) -> None:
    """No other way leads there: every GOOD has been proved in a trial of what was installed."""
    state, proved = UpdateState.NONE, False
    for step in steps:
        before, state = state, update_state_after(state, step)
        if state is UpdateState.GOOD and before is not UpdateState.GOOD:
            assert (before, step) == (UpdateState.TRIAL, UpdateStep.PROVED)
            proved = True
        if state is UpdateState.TRIAL:
            assert before in {UpdateState.INSTALLED, UpdateState.TRIAL}
    assert state is not UpdateState.GOOD or proved


@given(st.lists(st.sampled_from(UpdateStep), max_size=12))
def test_the_old_slot_found_again_is_said(steps: list[UpdateStep]) -> None:
    """Whatever was to be started, or was: a start from the other slot is BACK, and rests there."""
    state = run(*steps)
    expected = (
        UpdateState.BACK
        if state in {*(UpdateState.INSTALLED, UpdateState.TRIAL, UpdateState.GOOD)}
        else None
    )
    found = update_state_after(state, UpdateStep.STARTED_OLD)
    assert found is (
        expected or (UpdateState.BACK if state is UpdateState.BACK else UpdateState.NONE)
    )
    assert update_state_after(found, UpdateStep.STARTED_OLD) is found


def test_the_other_slot_is_left_alone_while_it_is_needed() -> None:
    """In a trial it is what the box goes back to; one that waits is started or given up first."""
    assert [state for state in UpdateState if not may_take(state)] == [
        UpdateState.INSTALLED,
        UpdateState.TRIAL,
    ]
    for state in UpdateState:
        assert may_take(state) or update_state_after(state, UpdateStep.FETCHED) is state
    assert update_state_after(UpdateState.INSTALLED, UpdateStep.GIVEN_UP) is UpdateState.NONE


@given(VERSIONS, VERSIONS)
def test_versions_are_in_one_order(one: str, other: str) -> None:
    """Of two different ones exactly one is newer, and only that one is taken."""
    newer = [version_order(one) > version_order(other), version_order(other) > version_order(one)]
    assert sum(newer) == (version_order(one) != version_order(other))
    check_version(one, other, even_older=True)
    if newer[0]:
        check_version(one, other, even_older=False)
    else:
        with pytest.raises(Refused, match="not newer"):
            check_version(one, other, even_older=False)


def test_what_comes_before_a_version_is_older() -> None:
    """A candidate before it, whatever its number; 1.10 after 1.9; 1.4 is 1.4.0."""
    names = ["0.9", "1.4.0~beta", "1.4.0~rc1", "1.4.0~rc10", "1.4", "1.4.1", "1.9.9", "1.10.0"]
    assert sorted(names, key=version_order) == names
    assert version_order("1.4") == version_order("1.4.0")


@pytest.mark.parametrize("text", ["", "1", "v1.0", "1.0-rc1", "1.0.0.0.0", "1.0\n", "²1.0"])
def test_what_is_no_version_is_said(text: str) -> None:
    """Also where even an older one is taken."""
    with pytest.raises(Refused, match="no version"):
        check_version(text, "1.0.0", even_older=True)


def test_two_minutes_of_health_are_needed() -> None:
    """Without a gap: whatever is missing meanwhile begins them anew."""
    trial = Trial(LINES)
    for up_s in range(30, 30 + int(HEALTHY_S)):
        trial = trial.seen(WELL, float(up_s))
        assert trial.verdict(up_s) is TrialVerdict.WAIT
    assert trial.verdict(30 + HEALTHY_S) is TrialVerdict.GOOD
    gap = trial.seen(None, 149.0)
    assert gap.missing != NOTHING
    assert gap.seen(WELL, 151.0).verdict(151.0) is TrialVerdict.WAIT


def test_a_part_that_was_started_again_is_a_gap() -> None:
    """Even where it is there again at the next look."""
    trial = Trial(LINES).seen(WELL, 30.0)
    again = TrialHealth(90.0, carrier=True, working=LINES, out=frozenset(), restarts=1)
    later = trial.seen(again, 120.0)
    assert later.well_since == 120.0
    assert later.seen(again, 125.0).well_since == 120.0


def test_what_worked_before_must_work() -> None:
    """A line that was out already is declared out, and keeps nothing back."""
    out = TrialHealth(60.0, carrier=True, working=frozenset(), out=LINES)
    assert "line1" in what_is_missing(out, LINES).text("it")
    assert what_is_missing(out, frozenset()) == NOTHING
    assert what_is_missing(TrialHealth(0.0, True, LINES, frozenset()), LINES) != NOTHING
    assert what_is_missing(TrialHealth(9.0, False, LINES, frozenset()), LINES) != NOTHING


@given(st.lists(st.tuples(HEALTHS, st.floats(0.1, 200.0)), max_size=30))
def test_a_trial_ends_either_way(looks: list[tuple[TrialHealth | None, float]]) -> None:
    """Good only after two minutes in which nothing lacked; by its limit it is one or the other."""
    trial, up_s, well_s = Trial(LINES), 0.0, 0.0
    last: TrialHealth | None = None
    for health, pause in looks:
        up_s += pause
        is_well = what_is_missing(health, LINES) == NOTHING
        well_s = well_s + pause if is_well and last is not None else 0.0
        last = health if is_well else None
        trial = trial.seen(health, up_s)
        verdict = trial.verdict(up_s)
        if verdict is TrialVerdict.GOOD:
            assert is_well
            assert well_s >= HEALTHY_S - 1e-6
        if up_s >= TRIAL_LIMIT_S:
            assert verdict is not TrialVerdict.WAIT


@given(st.times(), st.booleans(), st.floats(0, 2 * LONGEST_S), st.booleans(), st.booleans())
def test_nobody_is_cut_off(
    local: time, trusted: bool, since_s: float, idle: bool, at_once: bool
) -> None:
    """It starts with nobody on the phone alone; else in the quiet hour, or late, or when asked."""
    may = may_start(StartMoment(local, trusted, since_s, idle, at_once))
    is_quiet = trusted and QUIET[0] <= local < QUIET[1]
    assert may == (idle and (at_once or is_quiet or since_s >= LONGEST_S))


@pytest.mark.parametrize(
    "address", ["", "updates.example", "http://updates.example/", "https://", "https://[::1/", "x:"]
)
def test_what_is_no_https_address_is_refused(address: str) -> None:
    """Also what no parser takes for an address at all."""
    with pytest.raises(Refused, match="no https address"):
        check_server(address)


def test_an_https_address_is_taken() -> None:
    """With a port and a path, too."""
    check_server("https://updates.example:8443/centralino/")


@pytest.mark.parametrize("state", UpdateState)
def test_the_state_of_an_update_is_a_sentence(state: UpdateState) -> None:
    """It begins with a capital letter, ends with a full stop, and names the version once known."""
    said = update_words(state, "1.2.3")
    has_version = state not in {UpdateState.NONE, UpdateState.FETCHED}
    for text in (said.text("it"), said.text("en")):
        assert text[0].isupper()
        assert text.endswith(".")
        assert not text.endswith("..")
        assert ("1.2.3" in text) is has_version
        assert "{" not in text
    assert said.text("it") != said.text("en")


def test_an_update_in_use_is_named() -> None:
    """The sentence that stays on the page after a good update."""
    assert update_words(UpdateState.GOOD, "1.2.3") == pair(
        "La versione 1.2.3 è in uso.", "Version 1.2.3 is in use."
    )


def test_a_refused_update_names_the_version() -> None:
    """A version that failed here once is refused by its number, with the way round."""
    assert str(refused(FAILED_BEFORE, version="1.2.3")) == (
        "version 1.2.3 has been tried here and did not stand: it is not tried again by itself, "
        "only by the console or the command"
    )
