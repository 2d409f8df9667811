"""`python -m tests.trace_call`: the files that a call passes, from RING to INVITE, and on to talk.

A whole box on a virtual clock takes one call that an operator answers; every function of the
product that runs meanwhile is noted with its file. Simulators are left out. `-v` names the files.
`--night` follows a call outside the hours instead, from RING to the greeting and to voicemail.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import FrameType

import appliance
from tests.soak import mix
from tests.soak.mix import Script
from tests.soak.test_mended import A_MINUTE
from tests.soak.world import World

ROOT = Path(appliance.__file__).parent
SIMULATORS = {"exchange", "testphone", "simulator"}
LIMIT_S = 15.0
BY_DAY = {"INVITE": "ringing", "conversation": "talking"}
BY_NIGHT = {"greeting": "greeting", "voicemail": "recording"}
"""States of the call at which the figures are taken, by the name that they are printed with."""
NIGHT_HOUR = 2


class Trace:
    """Functions of the product that were entered, with the file of each."""

    def __init__(self) -> None:
        self.calls = 0
        self.functions: set[tuple[str, int]] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note a call (sys.setprofile)."""
        if event != "call" or not (name := frame.f_code.co_filename).startswith(str(ROOT)):
            return
        if Path(name).relative_to(ROOT).parts[0] not in SIMULATORS:
            self.calls += 1
            self.functions.add((name, frame.f_code.co_firstlineno))

    @property
    def files(self) -> list[str]:
        """The files, below the package, in their order."""
        return sorted({str(Path(name).relative_to(ROOT)) for name, _ in self.functions})

    def __str__(self) -> str:
        return f"{len(self.files)} files, {len(self.functions)} functions, {self.calls} calls"


def trace(folder: Path, *, night: bool = False) -> tuple[dict[str, str], list[str]]:
    """Run the call; returns what was passed at each of its two states, and all files."""
    world = World(folder, 1)
    if night:
        world.start = world.start.replace(hour=NIGHT_HOUR)
    world.run(6.0)
    after = dict.fromkeys(mix.PHONES, 0.2)
    world.place("line1", Script(1, "talk", A_MINUTE, after_s=after, talk_s=300.0))
    traced = Trace()
    sys.setprofile(traced)
    states = BY_NIGHT if night else BY_DAY
    passed = {name: _until(world, state, traced) for name, state in states.items()}
    sys.setprofile(None)
    world.close()
    return passed, traced.files


def _until(world: World, state: str, traced: Trace) -> str:
    """Let time go by until the call is in a state; returns what was passed so far."""
    end = world.now + LIMIT_S
    while world.watch._state_of("line1") != state:
        if world.now > end:
            raise SystemExit(f"the call is not {state} within {LIMIT_S} s")
        world.step()
    return str(traced)


def main() -> None:
    """Print both figures; with `-v` the files."""
    with tempfile.TemporaryDirectory() as folder:
        passed, files = trace(Path(folder), night="--night" in sys.argv)
    listed = files if "-v" in sys.argv else []
    rows = [*(f"RING to {name}: {figures}" for name, figures in passed.items()), *listed]
    sys.stdout.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
