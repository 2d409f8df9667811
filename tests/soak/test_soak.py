"""The soak: its calls leave nothing behind, it is repeatable, and it notices what is wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.simulator.exchange.audio import IDENTITY_FAULTS as ID_FAULTS
from appliance.simulator.exchange.call import CallPlan
from tests.helpers.figures import Figures
from tests.soak import mix
from tests.soak.faults import FAULTS
from tests.soak.mix import KINDS, Script
from tests.soak.soak import Outcome, soak
from tests.soak.world import SoakFailure, World

LONG_CALL = CallPlan(rings=30, hang_up_after_ms=8_000, clips=(mix.SPEECH,), repeat_say=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A box that is up, with a conversation on line1 whose caller hangs up after 8 s."""
    made = World(tmp_path, 1)
    made.run(6.0)
    after = dict.fromkeys(mix.PHONES, 0.2)
    made.place("line1", Script(1, "talk", LONG_CALL, after_s=after, talk_s=300.0))
    made.run(5.0)
    yield made
    made.close()


def checked(outcome: Outcome) -> Outcome:
    """Fail with a soak's own sentence and how to replay it."""
    replay = f"python -m tests.soak --calls {outcome.calls} --seed {outcome.seed}"
    assert not outcome.failure, f"{outcome.failure}\n{replay} --faults ..."
    return outcome


@pytest.mark.parametrize("calls", [25, pytest.param(100, marks=pytest.mark.long)])
def test_a_hundred_calls_with_faults_leave_every_line_idle(calls: int, figures: Figures) -> None:
    """F25: whatever callers and phones do, and with a fault in every fifth call: each line is idle
    after each call, no caller is left in silence, records are whole, what was said to be stored is.
    """
    outcome = checked(soak(calls, 0.20, 2))
    faults = sum(outcome.faults.values())
    assert sum(outcome.results.values()) >= 0.85 * calls
    assert faults >= 0.1 * calls
    assert outcome.refused > 0
    figures.say(
        f"F25 {calls} calls on a virtual clock, {faults} with a fault: each line idle after each"
    )


@pytest.mark.whole
def test_the_same_seed_is_the_same_soak() -> None:
    """A failing seed can be replayed: the same facts and orders at the same moments."""
    first, again, other = (checked(soak(6, 0.5, seed)) for seed in (7, 7, 8))
    assert first.digest == again.digest != other.digest


def test_a_line_that_stays_seized_is_noticed(world: World) -> None:
    """A box that does not hang up is told of with what everybody knows of the line."""
    gateway = world.gateway
    assert gateway is not None
    gateway.switch.lines["line1"].hang_up = _does_nothing  # type: ignore[method-assign]  # planted
    with pytest.raises(SoakFailure, match="line1 is stuck: exchange released by the far end"):
        world.run(120.0)


def _does_nothing(now: float) -> None:
    """Stand for a box that forgets to hang up."""


def test_a_caller_in_silence_is_noticed(world: World) -> None:
    """Nothing heard for more than 3 s in a conversation is a breach, when nothing was broken."""
    for leg in world.phones.legs.values():
        leg.mute = True
    with pytest.raises(SoakFailure, match="hearing nothing"):
        world.run(5.0)


def test_a_message_that_is_only_said_to_be_stored_is_noticed(world: World) -> None:
    """MessageStored of a message that is not there is a breach as soon as the caller is told."""
    world.run(20.0)
    world.place("line2", Script(2, "x", LONG_CALL, mix.Speaks.STAYS, after_s={}, talk_s=1.0))
    world.watch.lines["line2"].disturbed = True
    world.phones.off.update(mix.PHONES)
    world.store.way = "late"
    with pytest.raises(SoakFailure, match="was told that its message is stored; it is not"):
        lie(world)


def lie(world: World) -> None:
    """Say that the message of the call on line2 is stored, while the disk still takes its time."""
    for _ in range(3000):
        world.step()
        if world.watch._state_of("line2") == "storing":
            world.post(events.MessageStored("b1-2", "m-b1-2", 5000), world.control)


def test_every_row_of_the_tables_happens() -> None:
    """2,000 calls meet each kind of call and each fault: none is drawn too seldom to matter."""
    drawn = [mix.draw(number, random.Random(number)) for number in range(2000)]
    assert {each.kind for each in drawn} == set(KINDS)
    assert {each.plan.id_fault for each in drawn} == {"", *ID_FAULTS}
    assert {each.plan.caller for each in drawn} >= {"withheld", "unavailable", "none"}
    assert len(FAULTS) >= 24


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_thousand_calls_with_faults_leave_every_line_idle(seed: int) -> None:
    """The same for 2,000 calls on 4 lines, 5 % of them with a fault."""
    outcome = checked(soak(2000, 0.05, seed))
    assert set(outcome.kinds) == set(KINDS)
    assert outcome.results["fax"] > 0
    assert outcome.refused > 0
    assert set(outcome.faults) >= set(FAULTS) - {"no RTP port"}
