"""The same in real time, through all processes: hundreds of calls, then nothing has grown."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from appliance.calls.orders import Result
from appliance.exchange import client
from appliance.exchange.call import CallPlan
from tests.helpers.box import Box, wait
from tests.soak.mix import RELEASES, SPEECH
from tests.soak.size import Census, Size, census, counting, size_of, slope
from tests.system.calls import is_at_rest

LINES = 6
WARM_UP = 96
"""Brisk calls before the first look, and one round of the mix: by then every part has been loaded,
every buffer and cache filled that a call fills; the desk remembers the last 64 calls.
"""
ROUND = 24
"""After so many calls of the mix, and as many brisk ones, memory is looked at again."""
IDLE_S = 90.0
"""A line whose modem was unplugged or wedged is idle again by then."""
CALL_S = 60.0
HANG_UP_S = 1.0
"""Within this the desk has closed what was asked of it."""
REST_S = 34.0
"""SIP forgets a call 32 s after its end (RFC 3261 17.1.1.2: 64 * T1)."""


@dataclass
class Outcome:
    """What came of the calls; `stuck` are the lines that were not idle at the end."""

    seed: int
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)
    sizes: list[tuple[int, Size]] = field(default_factory=list)
    counted: list[tuple[Census, ...]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def kb_a_call(self) -> float:
        """By how many kB a call desk and carrier grow after the warm-up."""
        return slope([(calls, size.own_kb) for calls, size in self.sizes])


# --- what is broken -----------------------------------------------------------------------------

Knobs = Mapping[str, object]
FAULTS: Mapping[str, tuple[Knobs, float, Knobs]] = {
    "lost result": ({"lose_results": 2}, 0.0, {}),
    "spurious event": ({"report": "d"}, 0.0, {}),
    "line cut": ({"cut": True}, 1.0, {"cut": False}),
    "extension": ({"extension": True}, 2.0, {"extension": False}),
    "unplugged": ({"plugged": False}, 1.5, {"plugged": True}),
    "wedged": ({"wedged": True}, 4.0, {"wedged": False}),
}
"""The knobs that are turned, for how long (s), and how they are turned back."""


# --- calls --------------------------------------------------------------------------------------


def _plan(dice: random.Random) -> CallPlan:
    """One caller in ten gives up, or is answered just before and hangs up; the others talk, or
    (both operators are busy) leave a message.
    """
    if dice.random() < 0.1:
        return CallPlan(caller="withheld", rings=1, hang_up_after_ms=2000)
    return CallPlan(
        caller="0511234567",
        hang_up_after_ms=dice.randrange(4500, 6500),
        release=dice.choice(RELEASES[:4]),
    )


BRISK = CallPlan(caller="0511234567", hang_up_after_ms=700, release="loop")
"""Answered by a person or by the greeting, over at once: many of them in little time."""


def _speak(call: client.RunningCall) -> None:
    """`#` leads past a greeting to the tone; who has met a person says as much."""
    call.wait_for("answered", CALL_S)
    wait(1.2)
    call.press("#")
    wait(1.0)
    call.say(SPEECH)


@dataclass
class RealSoak:
    """Calls on all lines of a box at once, each line in a thread of its own."""

    box: Box
    seed: int
    share: float
    outcome: Outcome
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self, calls: int, brisk: bool = False) -> None:
        """Place so many calls, brisk ones or of the mix; returns when all are over."""
        with ThreadPoolExecutor(LINES) as lines:
            done = [
                lines.submit(self._on_line, line, calls // LINES + (line <= calls % LINES), brisk)
                for line in range(1, LINES + 1)
            ]
            for each in done:
                each.result()

    def _on_line(self, line: int, calls: int, brisk: bool) -> None:
        dice = random.Random(f"{self.seed}-{line}-{self.outcome.calls}")
        for _ in range(calls):
            self.box.wait_until(lambda: self._idle(line), IDLE_S, f"line{line} was not idle")
            self._one(line, dice, brisk)

    def _one(self, line: int, dice: random.Random, brisk: bool) -> None:
        plan = BRISK if brisk else _plan(dice)
        broken = not brisk and dice.random() < self.share
        call = client.start_call(self.box.folder / "lines", line, plan)
        try:
            if broken:
                self._break(line, dice)
            elif plan.rings > 1 and not brisk:
                _speak(call)
            call.wait(CALL_S)
        except TimeoutError:
            told = [event["event"] for event in call.events]
            found = client.status(self.box.folder / "lines")["lines"]
            self.outcome.stuck.append(f"line{line}, {plan.release}, {told}: {found}")
        finally:
            call.close()
        with self._lock:
            self.outcome.calls += 1

    def _break(self, line: int, dice: random.Random) -> None:
        name = dice.choice(list(FAULTS))
        knobs, seconds, back = FAULTS[name]
        with self._lock:
            self.outcome.faults[name] += 1
        wait(dice.uniform(0.0, 3.0))
        client.set_line(self.box.folder / "lines", line, **knobs)
        if back:
            wait(seconds)
            client.set_line(self.box.folder / "lines", line, **back)

    def _idle(self, line: int) -> bool:
        return bool(self.box.status()["lines"][line - 1]["state"] == "idle")


def soak(folder: Path, rounds: int = 4, share: float = 0.05, seed: int = 1) -> Outcome:
    """Start a box and let it be called, first to warm up; look after each round what has grown."""
    began = time.monotonic()
    box = Box(
        folder,
        lines=LINES,
        operators=("op1", "op2"),
        counters=(),
        ring=6,
        environment=counting(folder / "census"),
    )
    outcome = Outcome(seed)
    with box:
        for name in box.phones:
            phone = box.phone(name)
            phone.answer_mode("auto", 200)
            phone.say(SPEECH, repeat=True)
        soaked = RealSoak(box, seed, share, outcome)
        soaked.place(WARM_UP, brisk=True)
        soaked.place(ROUND)
        _count(box, outcome)
        for _ in range(rounds):
            _measure(box, outcome)
            soaked.place(ROUND)
            soaked.place(ROUND, brisk=True)
        _measure(box, outcome)
        _count(box, outcome)
        outcome.results = Counter(str(record.result) for record in box.records())
    outcome.seconds = time.monotonic() - began
    return outcome


def _measure(box: Box, outcome: Outcome) -> None:
    """Look at the processes while nobody calls and nobody asks."""
    _rest(box, outcome)
    wait(HANG_UP_S)
    outcome.sizes.append((outcome.calls, size_of(box.processes())))


def _count(box: Box, outcome: Outcome) -> None:
    """Have desk and carrier count what they hold, once the last calls are forgotten."""
    _rest(box, outcome)
    wait(REST_S)
    desk_and_carrier = box.processes()[:2]
    folder = box.folder / "census"
    outcome.counted.append(tuple(census(box, folder, pid) for pid in desk_and_carrier))


def _rest(box: Box, outcome: Outcome) -> None:
    """Wait until every line is idle in the desk's and in the exchange's own eyes."""
    for line in range(1, LINES + 1):
        if not _becomes(lambda line=line: is_at_rest(box, line) and _seat(box, line), IDLE_S):  # type: ignore[misc]  # a default
            outcome.stuck.append(f"line{line}")


def _seat(box: Box, line: int) -> bool:
    return bool(box.status()["lines"][line - 1]["state"] == "idle")


def _becomes(is_so: Callable[[], bool], limit: float) -> bool:
    deadline = time.monotonic() + limit
    while not is_so():
        if time.monotonic() > deadline:
            return False
        wait(0.1)
    return True


WELL = {Result.ANSWERED, Result.MESSAGE, Result.NO_MESSAGE, Result.GAVE_UP, Result.LOST}
"""How calls may end; LOST is that of a line whose modem was taken away."""
