"""The one table of a line's life: whole, without dead ends, and only it moves a line."""

from __future__ import annotations

import pytest

from appliance.errors import Bug
from appliance.modem.line import LineMachine
from appliance.modem.scripts import LineSettings
from appliance.modem.table import (
    HEARING,
    IGNORED,
    SIGNALLING,
    TABLE,
    TIMERS,
    Announce,
    LineInput,
    LineStage,
    Script,
)


@pytest.mark.parametrize("stage", LineStage)
def test_every_stage_knows_every_input(stage: LineStage) -> None:
    """Each stage times input is a row, or has a reason for having none."""
    for what in LineInput:
        assert what in TABLE[stage] or len(IGNORED[what]) > 20


@pytest.mark.parametrize("stage", LineStage)
def test_every_stage_is_reached_and_can_be_left(stage: LineStage) -> None:
    """No dead ends: from everywhere a line can be started anew; all are reached from off."""
    reached, new = set[LineStage](), {LineStage.OFF}
    while new - reached:
        reached |= new
        new = {rule.to for at in reached for rule in TABLE[at].values()}
    assert stage in reached
    assert TABLE[stage][LineInput.START].to is LineStage.SYNCING


@pytest.mark.parametrize("stage", LineStage)
def test_a_lost_port_fails_every_stage(stage: LineStage) -> None:
    """A port may go at any moment."""
    assert TABLE[stage][LineInput.LOST].to is LineStage.FAILED


def test_a_stage_whose_script_runs_hears_of_its_end() -> None:
    """Who starts a script has rows for its success and its failure."""
    for rules in TABLE.values():
        for rule in rules.values():
            if rule.run:
                assert {LineInput.DONE, LineInput.TROUBLE} <= set(TABLE[rule.to])


def test_every_script_and_saying_is_used() -> None:
    """No command list and no event without a row that needs it."""
    rules = [rule for rows in TABLE.values() for rule in rows.values()]
    assert {rule.run for rule in rules} - {None} == set(Script)
    assert {rule.say for rule in rules} - {None} == set(Announce)


def test_timers_run_where_they_have_a_row() -> None:
    """A timer that nobody hears would be a mistake."""
    for stage, timers in TIMERS.items():
        assert timers <= set(TABLE[stage])


def test_sound_and_signals_belong_to_a_line_off_hook() -> None:
    """Sound is a part of what an off-hook line tells."""
    assert HEARING < SIGNALLING
    assert LineStage.IDLE not in SIGNALLING


@pytest.mark.parametrize(
    ("stage", "what"),
    [
        (LineStage.IDENTIFYING, LineInput.IDENTITY_LIMIT),
        (LineStage.CONFIGURING, LineInput.DONE),
        (LineStage.SYNCING, LineInput.TROUBLE),
        (LineStage.IDLE, LineInput.TROUBLE),
    ],
)
def test_a_state_that_cannot_be_is_a_bug(stage: LineStage, what: LineInput) -> None:
    """Ringing before it was up, up without a format, failed without a reason: said loudly."""
    life = LineMachine(LineSettings(dialect="generic"))
    life.stage = stage
    life.runner.kept["formats"] = ()
    with pytest.raises(Bug):
        life.step(what, 0.0)
