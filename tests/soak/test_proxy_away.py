"""B9 on one virtual clock: the proxy between branches is away for a day, and then it is back.

Exchange, media gateway, call control and what the box says to the proxy are the real ones; who
lifts at a branch is the script's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.calls.orders import CallRecord, Result
from appliance.policy.office import BranchRules, OverflowCause
from appliance.policy.routing import Destination
from appliance.simulator.exchange.call import CallPlan
from appliance.sip.trunk import RegistrationState
from tests.helpers.figures import Figures
from tests.sip.test_trunk_registrar_away import BACK_S, Away
from tests.soak import mix, office
from tests.soak.mix import Manner, Script, Speaks
from tests.soak.offline import LEAVES_WORDS, TALKS
from tests.soak.world import BEGAN, World
from tests.stories.directories import SEATS

pytestmark = pytest.mark.system

BRANCH = "sede1"
"""The branch Savena as the stories' directory names it; it is open on working days, 8 to 20."""
BEGINS = datetime(2026, 11, 24, 10, 0, tzinfo=office.ROME)
BACK = datetime(2026, 11, 25, 10, 0, tzinfo=office.ROME)
"""A Tuesday, and the Wednesday after it."""
LOOK_S = 2.0


@dataclass(frozen=True, slots=True)
class Town(Script):
    """A script in which the branch lifts whatever the own operators do."""

    def manner_of(self, phone: str) -> tuple[Manner, float]:
        """Say what is done at a phone, and after how long."""
        own = Script.manner_of
        return (Manner.ANSWERS, 1.0) if phone == BRANCH else own(self, phone)


class TownWorld(World):
    """A world whose box hands callers over to a branch, by a proxy that is away."""

    def prepare(self) -> None:
        """Begin on a Tuesday, without the proxy."""
        self.start = BEGINS
        rules = BranchRules((BRANCH,), (("savena", "pubblico"),), frozenset(OverflowCause), 15_000)
        self.office = replace(office.OFFICE, citizens_desk=None, branches=rules)
        self.proxy = Away(branch=BRANCH)
        self.told: list[events.Event] = []
        self.after(LOOK_S, self._look)

    def _look(self) -> None:
        """Let the SIP side do what it does by now; call control hears of it."""
        self.after(LOOK_S, self._look)
        for event in self.proxy.pass_by(self.now - BEGAN - self.proxy.now):
            self.told.append(event)
            self.post(event, self.control)

    def until(self, wall: datetime) -> None:
        """Let time go by up to a moment."""
        while self.clock().wall < wall:
            self.doze()

    def call(self, plan: CallPlan, operators: Manner) -> CallRecord:
        """Have somebody call on the first line and see the call to its end."""
        known = set(self.store.records)
        speaks = Speaks.MESSAGE_KEY if plan is LEAVES_WORDS else Speaks.TALKS
        after = dict.fromkeys(mix.PHONES, 1.0)
        kept = Town(len(known) + 1, "planned", plan, speaks, operators, after_s=after, talk_s=8.0)
        self.place("line1", kept)
        end = self.now + 120.0
        while self.watch.lines["line1"].caller is not None or not self.watch.is_idle("line1"):
            self.step()
            assert self.now < end, self.watch.describe("line1")
        (name,) = set(self.store.records) - known
        return self.store.records[name]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TownWorld]:
    """A box that has not seen its proxy since it was started."""
    made = TownWorld(tmp_path, 5, kept_lines=4000)
    made.post(events.DirectoryChanged(SEATS), made.control)
    yield made
    made.close()


def moment(day: int, clock: str) -> datetime:
    """Name a moment of these days."""
    return datetime.fromisoformat(f"2026-11-{day} {clock}").replace(tzinfo=office.ROME)


def test_a_day_without_the_proxy(world: TownWorld, figures: Figures) -> None:
    """Operators have their callers; when all are busy, and at night, callers leave their message at
    once, without a ring at the branch; once the proxy is back the branch has the next one.
    """
    answered, words = [], []
    for when in (moment(24, "10:01"), moment(24, "15:00"), moment(25, "09:00")):
        world.until(when)
        answered.append(world.call(TALKS, Manner.ANSWERS))
        words.append(world.call(LEAVES_WORDS, Manner.BUSY))
    world.until(moment(25, "09:50"))
    words.append(world.call(LEAVES_WORDS, Manner.BUSY))
    world.until(BACK)
    tries = len(world.proxy.tries)
    world.proxy.is_back = True
    while world.proxy.state is not RegistrationState.REGISTERED or len(world.told) < 2:
        world.step()
        assert world.clock().wall < BACK.replace(minute=1), "the proxy was not found again"
    back_s = (world.clock().wall - BACK).total_seconds()
    handed = world.call(TALKS, Manner.BUSY)
    figures.say(
        f"B9 a virtual day without the proxy: {len(answered)} callers talked, {len(words)} left a "
        f"message, {tries} tries of registration; back after {back_s:.0f} s"
    )
    assert [(record.result, record.way) for record in answered] == [
        (Result.ANSWERED, Destination.SWITCHBOARD)
    ] * len(answered)
    assert [(record.result, record.way) for record in words] == [
        (Result.MESSAGE, Destination.VOICEMAIL)
    ] * len(words)
    assert not [code for record in words for code in record.trail if BRANCH in code]
    assert world.told == [
        events.PhoneGone(BRANCH, "nothing answers at its address"),
        events.PhoneRegistered(BRANCH),
    ]
    assert back_s <= BACK_S + LOOK_S
    assert tries < 86_400 / 19
    assert (handed.result, handed.way, handed.phone) == (
        Result.ANSWERED,
        Destination.BRANCH,
        BRANCH,
    )
    assert handed.trail.count(f"ring.{BRANCH}") == 1
