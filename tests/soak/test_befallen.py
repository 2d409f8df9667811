"""A fault of ours in the deciding thread of a whole box, on the virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.calls import events, orders
from appliance.calls.model import LineState
from appliance.calls.states import CallAction
from appliance.service.loop import MOST, Confinement
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.line import SubscriberLineState as Wire
from tests.calls.failing_handlers import planted
from tests.soak import mix
from tests.soak.mix import Script
from tests.soak.world import World

CALL = CallPlan(rings=30, hang_up_after_ms=8_000, clips=(mix.SPEECH,), repeat_say=True)


class Befallen(World):
    """A box whose call control confines faults; what callers meet is looked at by the tests
    themselves.
    """

    def prepare(self) -> None:
        """Confine, and judge nothing: a caller who meets a fault is not served as the mix wants."""
        self.confinement = Confinement(lambda: self.now)

    def fail(self, why: str) -> None:
        """Judge nothing: the tests look themselves."""

    def call(self, line: str, number: int = 1) -> None:
        """Have somebody call whom an operator answers, talk, and hang up."""
        after = dict.fromkeys(mix.PHONES, 0.2)
        self.place(line, Script(number, "talk", CALL, after_s=after, talk_s=300.0))

    def records(self, line: str) -> list[orders.CallRecord]:
        """Return the final records of a line's calls."""
        kept = self.store.records.values()
        return [each for each in kept if each.line == line and each.ended_at is not None]

    def is_idle(self, line: str) -> bool:
        """Tell whether call control and exchange have a line that rests."""
        assert self.control is not None
        channel = self.control.switchboard._board.channels[line]
        at_exchange = self.outlets[line].station.line.state
        return channel.state is LineState.IDLE and not channel.call and at_exchange is Wire.IDLE


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Befallen]:
    """A box that is up."""
    made = Befallen(tmp_path, 1)
    made.run(6.0)
    yield made
    made.close()


@pytest.mark.whole
@pytest.mark.parametrize(
    "does",
    [
        CallAction.RING_AT_ONCE,
        CallAction.ANSWER,
        CallAction.TALK,
        CallAction.CALLER_LEFT,
        CallAction.END,
    ],
    ids=str,
)
def test_a_fault_ends_one_call_and_frees_its_line(world: Befallen, does: CallAction) -> None:
    """Whichever step of a call fails, also one that is about its end: a conversation on another
    line goes on, the line is idle again, the record final, and the next caller is served.
    """
    once = iter([0])
    with planted(lambda what: next(once, None) if what is does else None):
        world.call("line1")
        world.run(5.0)
        world.call("line2", 2)
        world.run(60.0)
    assert world.confinement is not None
    assert world.confinement.count == 1
    (first,), (second,) = world.records("line1"), world.records("line2")
    assert "fault" in first.trail
    assert "talking" in second.trail
    assert "fault" not in second.trail
    world.run(60.0)
    assert world.is_idle("line1")
    world.call("line1", 3)
    world.run(60.0)
    assert "talking" in world.records("line1")[-1].trail


def test_facts_behind_one_that_fails_are_heard(world: Befallen) -> None:
    """An event of the box, of phones, of the disk and a deadline that fail are those alone."""
    control = world.control
    assert control is not None
    failing = (events.MessagesWaiting(3), events.PhoneGone("op1"), events.DeadlinePassed("x", "y"))
    kinds = tuple(type(event) for event in failing)
    was = control.switchboard.handle

    def handle(event: Any, now: Any) -> Any:
        if isinstance(event, kinds):
            raise KeyError(type(event).__name__)
        return was(event, now)

    control.switchboard.handle = handle  # type: ignore[method-assign] # the planted fault
    for event in (*failing, events.MessagesWaiting(4)):
        world.post(event, control)
    world.post(events.RoomForMessages(has_room=False), control)
    world.run(1.0)
    assert world.confinement is not None
    assert world.confinement.count == len(failing) + 1
    assert control.switchboard._board.has_room is False
    assert not world.confinement.is_spent


def test_a_fault_that_stays_asks_for_a_new_start(world: Befallen) -> None:
    """Every turn fails: after so many in a minute the service leaves, as its main loop asks."""
    with planted(lambda _: 0):
        for number in range(MOST):
            world.post(events.PhoneDialled(f"k{number}", "op1", "*85"), world.control)
        world.run(1.0)
    assert world.confinement is not None
    assert world.confinement.is_spent
    world.run(61.0)
    assert not world.confinement.is_spent
