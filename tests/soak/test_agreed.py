"""Desk and carrier die at any moment and find each other again: what each believes is then true."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from appliance.calls.model import LineState
from appliance.calls.orders import Result
from appliance.errors import PeerError
from appliance.modem.fork_server import ForkServer
from appliance.modem.table import LineStage
from appliance.simulator.exchange.call import CallPlan
from tests.soak import mix
from tests.soak.mix import Script
from tests.soak.test_mended import until
from tests.soak.world import World

TALK = CallPlan(rings=30, hang_up_after_ms=90_000, clips=(mix.SPEECH,), repeat_say=True)
AGREED_S = 12.0
"""A farewell is 8 s; then the modem is put on hook."""
RESTING = {LineStage.IDLE, LineStage.CHECKING}


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A box that is up; the seed is the test's parameter."""
    made = World(tmp_path, getattr(request, "param", 1))
    made.run(6.0)
    yield made
    made.close()


def place(world: World, line: str, talk_s: float) -> None:
    """Have somebody call who is answered soon and talks for so long."""
    after = dict.fromkeys(mix.PHONES, 0.2)
    world.place(line, Script(world.number(), "talk", TALK, after_s=after, talk_s=talk_s))


def kill_desk(world: World) -> None:
    """SIGKILL of the desk; the carrier, a unit of its own, lives on."""
    assert world.desk is not None
    world.desk.die()
    world.phones.forget_desk(world.desk)
    world.desk = None
    world.after(world.dice.choice((0.04, 0.5, 3.0)), world.boot)


def kill_carrier(world: World) -> None:
    """SIGKILL of the carrier."""
    assert world.carrier is not None
    world.carrier.die()


def disagreed(world: World) -> list[str]:
    """Say what each side believes of each line."""
    desk, carrier = world.desk, world.carrier
    if desk is None or carrier is None:
        return ["one is gone"]
    shown = {line.name: line for line in desk.status().lines}
    return [
        f"{name}: {line.driver.stage}, {line.call}; {shown[name].state}, {shown[name].call}"
        for name, line in carrier.switch.lines.items()
    ]


def is_agreed(world: World) -> bool:
    """Tell whether desk, carrier and what it has told at the link are of one mind on every line."""
    desk, carrier = world.desk, world.carrier
    if desk is None or carrier is None or not carrier.lives or not desk.side.connected:
        return False
    shown = {line.name: line for line in desk.status().lines}
    for name, line in carrier.switch.lines.items():
        rests = line.call is None and line.driver.stage in RESTING
        if rests != (shown[name].state is LineState.IDLE):
            return False
        if rests and shown[name].call:
            return False
    return len(carrier.switch.lines) == len(shown)


def until_agreed(world: World) -> None:
    """Let time go by until all agree."""
    end = world.now + AGREED_S
    while not is_agreed(world):
        assert world.now < end, disagreed(world)
        world.step()


def open_calls(world: World) -> set[str]:
    """Name the calls whose record has no end."""
    return {name for name, record in world.store.records.items() if record.result is Result.OPEN}


@pytest.mark.parametrize("world", [1, 2], indirect=True)
def test_after_any_death_both_sides_agree_and_no_call_is_forgotten(world: World) -> None:
    """Eight deaths at random moments of calls: each time desk, carrier and exchange are of one
    mind within 12 s, every call of the dead is on record as interrupted or lost (E18), and in the
    end every line takes a call.
    """
    dice = random.Random(world.dice.random())
    for _ in range(8):
        for line in world.free_lines():
            if dice.random() < 0.7:
                place(world, line, dice.choice((1.0, 5.0, 60.0)))
        world.run(dice.choice((0.1, 0.7, 2.5, 6.0)))
        world.watch.disturb("death")
        cut, is_desk = open_calls(world), dice.random() < 0.5
        (kill_desk if is_desk else kill_carrier)(world)
        world.run(0.1)
        until_agreed(world)
        if is_desk:
            ended = {world.store.records[name].result for name in cut}
            assert ended <= {Result.INTERRUPTED}, ended
        else:
            assert not cut & open_calls(world), "the desk holds calls that nobody carries"
    world.run(100.0)
    until_agreed(world)
    assert open_calls(world) == set()
    for line in world.outlets:
        assert world.watch.is_idle(line), line


def test_a_nursery_that_dies_takes_the_carrier_with_it_once_it_is_idle(world: World) -> None:
    """No port could be opened again: the carrier ends, and the next one is as good as new."""
    carrier = world.carrier
    assert carrier is not None
    nursery = carrier.nursery

    class Dead:
        def receive(self) -> None:
            raise PeerError("the nursery of the port keepers has died")

        def fileno(self) -> int:
            return nursery.fileno()

    place(world, "line1", 5.0)
    until(world, lambda: world.watch._state_of("line1") == "talking", 10.0)
    assert carrier.switch.in_use
    carrier.lines._nursery = cast(ForkServer, Dead())
    carrier._born()
    assert not carrier._finished()
    until(world, carrier._finished, 60.0)
