"""Call control and media gateway die at any moment and find each other again: what each believes is
then true.
"""

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


def kill_control(world: World) -> None:
    """SIGKILL of call control; the media gateway, a unit of its own, lives on."""
    assert world.control is not None
    world.control.die()
    world.phones.forget_control(world.control)
    world.control = None
    world.after(world.dice.choice((0.04, 0.5, 3.0)), world.boot)


def kill_gateway(world: World) -> None:
    """SIGKILL of the media gateway."""
    assert world.gateway is not None
    world.gateway.die()


def disagreed(world: World) -> list[str]:
    """Say what each side believes of each line."""
    control, gateway = world.control, world.gateway
    if control is None or gateway is None:
        return ["one is gone"]
    shown = {line.name: line for line in control.status().lines}
    return [
        f"{name}: {line.driver.stage}, {line.call}; {shown[name].state}, {shown[name].call}"
        for name, line in gateway.switch.lines.items()
    ]


def is_agreed(world: World) -> bool:
    """Tell whether call control, media gateway and what it has told at the link are of one mind on
    every line.
    """
    control, gateway = world.control, world.gateway
    if control is None or gateway is None or not gateway.lives or not control.side.connected:
        return False
    shown = {line.name: line for line in control.status().lines}
    for name, line in gateway.switch.lines.items():
        rests = line.call is None and line.driver.stage in RESTING
        if rests != (shown[name].state is LineState.IDLE):
            return False
        if rests and shown[name].call:
            return False
    return len(gateway.switch.lines) == len(shown)


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
    """Eight deaths at random moments of calls: each time call control, media gateway and exchange
    are of one mind within 12 s, every call of the dead is on record as interrupted or lost (E18),
    and in the end every line takes a call.
    """
    dice = random.Random(world.dice.random())
    for _ in range(8):
        for line in world.free_lines():
            if dice.random() < 0.7:
                place(world, line, dice.choice((1.0, 5.0, 60.0)))
        world.run(dice.choice((0.1, 0.7, 2.5, 6.0)))
        world.watch.disturb("death")
        cut, is_control = open_calls(world), dice.random() < 0.5
        (kill_control if is_control else kill_gateway)(world)
        world.run(0.1)
        until_agreed(world)
        if is_control:
            ended = {world.store.records[name].result for name in cut}
            assert ended <= {Result.INTERRUPTED}, ended
        else:
            assert not cut & open_calls(world), "call control holds calls that nobody carries"
    world.run(100.0)
    until_agreed(world)
    assert open_calls(world) == set()
    for line in world.outlets:
        assert world.watch.is_idle(line), line


def test_a_fork_server_that_dies_takes_the_media_gateway_with_it_once_it_is_idle(
    world: World,
) -> None:
    """No port could be opened again: the media gateway ends, and the next one is as good as new."""
    gateway = world.gateway
    assert gateway is not None
    fork_server = gateway.fork_server

    class Dead:
        def receive(self) -> None:
            raise PeerError("the fork server of the port servers has died")

        def fileno(self) -> int:
            return fork_server.fileno()

    place(world, "line1", 5.0)
    until(world, lambda: world.watch._state_of("line1") == "talking", 10.0)
    assert gateway.switch.in_use
    gateway.lines._fork_server = cast(ForkServer, Dead())
    gateway._born()
    assert not gateway._finished()
    until(world, gateway._finished, 60.0)
