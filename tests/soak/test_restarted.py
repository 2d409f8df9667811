"""A line that a technician restarts, in a whole box on a virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.media.messages import RestartLine
from tests.soak.test_mended import talking, until
from tests.soak.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A box that is up."""
    made = World(tmp_path, 1)
    made.run(6.0)
    yield made
    made.close()


def restart(world: World) -> None:
    """Have the media gateway told, as call control does."""
    world.watch.disturb("line restarted")
    assert world.gateway is not None
    world.gateway._take(RestartLine("line1"))


def test_a_restart_by_hand_ends_the_call_and_no_other(world: World) -> None:
    """The caller of that line is let go, the line is idle again within seconds; the conversation
    on the other line is not touched, and no telephone stays off hook.
    """
    talking(world, "line1")
    talking(world, "line2")
    restart(world)
    until(world, lambda: world.watch._state_of("line1") != "talking", 1.0)
    until(world, lambda: world.watch.is_idle("line1"), 10.0)
    assert world.watch._state_of("line2") == "talking"


def test_an_idle_line_is_back_within_seconds(world: World) -> None:
    """It is out meanwhile, and takes the next call."""
    assert world.watch.is_idle("line1")
    restart(world)
    until(world, lambda: not world.watch.is_idle("line1"), 1.0)
    until(world, lambda: world.watch.is_idle("line1"), 10.0)
    talking(world, "line1")
