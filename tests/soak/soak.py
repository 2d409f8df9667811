"""One soak: so many calls, some with faults, people at their phones; then everything is idle."""

from __future__ import annotations

import gc
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak import faults, mix
from tests.soak.caller import Caller
from tests.soak.faults import FAULTS, MOMENTS
from tests.soak.world import SoakFailure, World

GAP_S = 3.0
"""Mean time between two calls to the office."""
DIALS_S = 25.0
"""Mean time between two things that people do at their phones."""
QUIET_S = 150.0
"""After the last call everything is idle within this."""
REST_S = 10.0
"""So long in a row: somebody may still undo what was dialled, or a port server look for it."""
CODES = (
    "*811", "*810", "*821", "*820", "*831", "*830", "*841", "*840", "*85", "*86", "11", "12", "21",
    "99", "*00",
)  # fmt: skip
UNDO = ("*810", "*820", "*830", "*840")
PHONES = ("op1", "op2", "desk1", "desk2")


@dataclass
class Outcome:
    """What a soak told: its trace's digest, counts, virtual and real seconds.

    `refused` are the transfers which phones asked for by themselves and did not get.
    """

    seed: int
    calls: int
    digest: str = ""
    failure: str = ""
    kinds: dict[str, int] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    virtual_s: float = 0.0
    cpu_s: float = 0.0
    longest_silence_s: float = 0.0
    refused: int = 0
    trace: list[str] = field(default_factory=list, repr=False)


@dataclass
class Soak:
    """Drives a world: `share` of the calls have a fault."""

    world: World
    calls: int
    share: float
    gap_s: float = GAP_S
    dials_s: float = DIALS_S
    placed: int = 0
    files: int = 0
    pack: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Let the box come up, then let people call."""
        world = self.world
        world.run(20.0)
        for name in world.outlets:
            if not world.watch.is_idle(name):
                world.fail(f"{name} did not come up: {world.watch.describe(name)}")
        self.files = open_files()
        world.after(0.0, self._next_call)
        world.after(self.dials_s, self._next_dial)

    def run(self) -> None:
        """Place every call, then see every line idle and nothing left over."""
        self.begin()
        world = self.world
        while self.placed < self.calls or any(w.caller for w in world.watch.lines.values()):
            world.step()
        deadline, quiet_since = world.now + QUIET_S, world.now
        while world.now < deadline and world.now - quiet_since < REST_S:
            world.step()
            if self.left_over():
                quiet_since = world.now
        if self.left_over():
            world.fail(f"at the end: {self.left_over()}")
        world.store.sounds.close()  # what a phone fetched and did not stay to hear
        gc.collect()  # media gateways that were killed
        if open_files() > self.files:
            world.fail(f"at the end: {open_files()} open files, {self.files} at the beginning")

    def left_over(self) -> str:
        """Say what is not as it should be when nobody calls any more, "" for nothing."""
        world = self.world
        for name in world.outlets:
            if not world.watch.is_idle(name):
                return f"{name} is not idle: {world.watch.describe(name)}"
        gateway, control = world.gateway, world.control
        assert gateway is not None
        assert control is not None
        board = control.switchboard._board
        left = {
            "calls": tuple(board.calls),
            "calls of phones": tuple(board.sides),
            "legs of the media gateway": tuple(gateway.switch.legs),
            "legs of call control": (*control.box_legs._open, *control.box_legs._waiting),
            "legs of phones": tuple(n for n, leg in world.phones.legs.items() if not leg.over),
            "announcers": tuple(gateway.switch.announcers),
            "joins": tuple(gateway.switch.joins),
            "recordings": tuple(world.store.open),
            "sockets": tuple(world.lan.bound),
            "carriers": tuple(world.gateways[1:]),
        }
        return "; ".join(f"{what}: {which}" for what, which in left.items() if which)

    # --- people ------------------------------------------------------------------------------

    def _next_call(self) -> None:
        world, dice = self.world, self.world.dice
        if self.placed >= self.calls:
            return
        world.after(dice.expovariate(1 / self.gap_s), self._next_call)
        lines = world.free_lines()
        if not lines:
            return
        self.placed += 1
        line = dice.choice(lines)
        caller = world.place(line, mix.draw(self.placed, dice))
        if dice.random() < self.share:
            self._plan_fault(line, caller)

    def _plan_fault(self, line: str, caller: Caller) -> None:
        """Have something break at a moment of this call, or so many seconds after it began."""
        dice = self.world.dice
        name = self._next_fault()
        if dice.random() < 0.4:
            self.world.after(dice.uniform(0.0, 14.0), lambda: faults.strike(self.world, name, line))
        else:
            moment = dice.choice(MOMENTS)
            self._await(line, caller, moment, name, dice.uniform(0.0, 0.6))

    def _next_fault(self) -> str:
        """Draw from a shuffled pack: each fault has happened before any happens again."""
        if not self.pack:
            self.pack = self.world.dice.sample(list(FAULTS), len(FAULTS))
        return self.pack.pop()

    def _await(self, line: str, caller: Caller, moment: str, name: str, wait: float) -> None:
        """Strike once the call is in a state; a call that never is gets it at its end."""
        world = self.world
        if world.watch._state_of(line) == moment or world.watch.lines[line].caller is not caller:
            world.after(wait, lambda: faults.strike(world, name, line))
        else:
            world.after(0.02, lambda: self._await(line, caller, moment, name, wait))

    def _next_dial(self) -> None:
        world, dice = self.world, self.world.dice
        if self.placed >= self.calls:
            return
        world.after(dice.expovariate(1 / self.dials_s), self._next_dial)
        phone, digits = dice.choice(PHONES), dice.choice(CODES)
        if not world.phones.dial(phone, digits, dice.uniform(1.0, 25.0)):
            return
        world.trace(f"{phone} dials {digits}")
        for wait in (4.0, 6.0, 9.0):
            digit = dice.choice("12345#")
            world.after(wait, lambda digit=digit: world.phones.press(phone, digit))  # type: ignore[misc]  # a default
        if digits in CODES[:8]:
            undo = UNDO[CODES.index(digits) // 2]
            world.after(dice.uniform(10.0, 60.0), lambda: self._undo(phone, undo))

    def _undo(self, phone: str, digits: str) -> None:
        """Undo a manual state; a phone that is engaged tries again."""
        if not self.world.phones.dial(phone, digits, 8.0):
            self.world.after(2.0, lambda: self._undo(phone, digits))


def open_files() -> int:
    """Count this process's descriptors."""
    return len(list(Path("/proc/self/fd").iterdir()))


def soak(calls: int, share: float, seed: int) -> Outcome:
    """Run one soak; a failure is told in the outcome, with the whole trace."""
    began = time.process_time()
    outcome = Outcome(seed, calls)
    with tempfile.TemporaryDirectory(prefix="centralino-soak-") as folder:
        world = World(Path(folder), seed)
        try:
            Soak(world, calls, share).run()
        except SoakFailure as failure:
            outcome.failure = str(failure)
        finally:
            world.close()
    watch = world.watch
    outcome.digest, outcome.trace = world.digest, list(world.lines)
    outcome.kinds, outcome.results = dict(watch.kinds), dict(watch.results)
    outcome.faults = dict(watch.faults)
    outcome.virtual_s, outcome.cpu_s = world.now, time.process_time() - began
    outcome.longest_silence_s = watch.longest_silence
    outcome.refused = world.phones.refused
    return outcome
