"""What soaks have found, and was mended: each once more, by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.simulator.exchange.call import CallPlan
from tests.soak import mix
from tests.soak.mix import Script
from tests.soak.world import World

A_MINUTE = CallPlan(rings=30, hang_up_after_ms=60_000, clips=(mix.SPEECH,), repeat_say=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A box that is up."""
    made = World(tmp_path, 1)
    made.run(6.0)
    yield made
    made.close()


def talking(world: World, line: str = "line1") -> None:
    """Bring about a conversation."""
    after = dict.fromkeys(mix.PHONES, 0.2)
    world.place(line, Script(1, "talk", A_MINUTE, after_s=after, talk_s=300.0))
    until(world, lambda: world.watch._state_of(line) == "talking", 10.0)


def until(world: World, is_so: object, limit_s: float) -> None:
    """Let time go by until something is so; fails after `limit_s`."""
    assert callable(is_so)
    end = world.now + limit_s
    while not is_so():
        assert world.now < end, f"not within {limit_s} s"
        world.step()


@pytest.mark.parametrize("away_s", [0.1, 3.0])
def test_call_control_that_is_back_at_once_leaves_no_line_seized(
    world: World, away_s: float
) -> None:
    """Killed in a conversation and started again within the farewell: new call control knows
    nothing of the caller, so the media gateway sees the farewell through, and the line is idle.
    """
    talking(world)
    assert world.control is not None
    world.control.die()
    world.phones.forget_control(world.control)
    world.control = None
    world.watch.disturb("desk killed")
    world.run(away_s)
    world.boot()
    until(world, lambda: world.watch.is_idle("line1"), 12.0)
