"""The same in real time, through all processes: hundreds of calls, then nothing has grown.

`python -m tests.soak.real --minutes 60` does it for an hour; status 1 when a line was stuck, or
what desk and carrier hold still grew in the second half of it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from appliance.calls.orders import Result
from appliance.daemon.stores import database_path
from appliance.errors import OfficeError
from appliance.exchange import client
from appliance.exchange.call import CallPlan
from appliance.records.database import open_reader
from tests.helpers.box import Box, wait
from tests.soak.mix import RELEASES, SPEECH
from tests.soak.real_outcome import Count, Outcome
from tests.soak.size import census, counting, size_of
from tests.system.calls import is_at_rest, modem

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
COUNT_S = 300.0
"""So often desk and carrier count what they hold: it takes REST_S in which nobody calls."""
REST_S = 34.0
"""SIP forgets a call 32 s after its end (RFC 3261 17.1.1.2: 64 * T1)."""


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


BRISK = CallPlan(caller="0511234567", hang_up_after_ms=2000, release="loop")
"""Answered by a person or by the greeting, over at once: many of them in little time.

Not at once on the wire: a loop that breaks while the line settles (`carrier.release.SETTLE_MS`, of
the sound that has come, which on a busy machine comes late) is nobody's hanging up. A person who
then hears nothing hangs up; the phones here talk on for ever, and the line would never be idle.
"""


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
            if not _becomes(lambda: _seat(self.box, line), IDLE_S):
                self.outcome.stuck.append(self._seen(line))
                return
            self._one(line, dice, brisk)

    def _seen(self, line: int) -> str:
        """Say how desk and exchange see a line that should be idle, and what the journal told."""
        told = [words for words in self.box.log().splitlines() if f"line{line}:" in words]
        seen = f"{self.box.status()['lines'][line - 1]}; {modem(self.box, line)}"
        return "\n  ".join([f"line{line}: {seen}", *told[-8:]])

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
            self.outcome.stuck.append(f"{plan.release}, {told}: {self._seen(line)}")
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


def soak(
    folder: Path,
    rounds: int = 4,
    share: float = 0.05,
    seed: int = 1,
    minutes: float = 0.0,
    count_s: float = COUNT_S,
) -> Outcome:
    """Start a box and let it be called, first to warm up; look after each round what has grown.

    There are so many rounds, and more until so many minutes are over.
    """
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
        done = 0
        while done < rounds or time.monotonic() - began < 60 * minutes:
            _measure(box, outcome)
            soaked.place(ROUND)
            soaked.place(ROUND, brisk=True)
            done += 1
            if time.monotonic() - outcome.counted[-1].at >= count_s:
                _count(box, outcome)
        _measure(box, outcome)
        _count(box, outcome)
        outcome.results = _results(box)
        outcome.records = outcome.results.total()
        outcome.log_bytes = box.log_path.stat().st_size
    outcome.seconds = time.monotonic() - began
    return outcome


def _measure(box: Box, outcome: Outcome) -> None:
    """Look at the processes while nobody calls and nobody asks."""
    _rest(box, outcome)
    wait(HANG_UP_S)
    outcome.sizes.append((outcome.calls, size_of(box.processes())))
    wal = database_path(box.state).with_name("centralino.db-wal")
    outcome.wal_bytes = max(outcome.wal_bytes, wal.stat().st_size)


def _count(box: Box, outcome: Outcome) -> None:
    """Have desk and carrier count what they hold, once the last calls are forgotten."""
    _rest(box, outcome)
    wait(REST_S)
    desk_and_carrier = box.processes()[:2]
    folder = box.folder / "census"
    held = tuple(census(box, folder, pid) for pid in desk_and_carrier)
    outcome.counted.append(Count(outcome.calls, time.monotonic(), held))


def _rest(box: Box, outcome: Outcome) -> None:
    """Wait until every line is idle in the desk's and in the exchange's own eyes."""
    for line in range(1, LINES + 1):
        if not _becomes(lambda line=line: is_at_rest(box, line) and _seat(box, line), IDLE_S):  # type: ignore[misc]  # a default
            outcome.stuck.append(f"line{line}")


def _results(box: Box) -> Counter[str]:
    """Count what all calls came to, of which the log lists the latest only."""
    with closing(open_reader(database_path(box.state))) as reader:
        return Counter(str(row[0]) for row in reader.execute("SELECT result FROM calls"))


def _seat(box: Box, line: int) -> bool:
    """Tell whether the desk says that a line is idle; one that is slow to answer is asked again."""
    try:
        return bool(box.status()["lines"][line - 1]["state"] == "idle")
    except OfficeError:
        return False


def _becomes(is_so: Callable[[], bool], limit: float) -> bool:
    deadline = time.monotonic() + limit
    while not is_so():
        if time.monotonic() > deadline:
            return False
        wait(0.1)
    return True


WELL = {Result.ANSWERED, Result.MESSAGE, Result.NO_MESSAGE, Result.GAVE_UP, Result.LOST}
"""How calls may end; LOST is that of a line whose modem was taken away."""


def main() -> int:
    """Soak for so long, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.real", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="centralino-real-") as folder:
        outcome = soak(Path(folder), 1, seed=asked.seed, minutes=asked.minutes)
    for calls, size in outcome.sizes:
        sys.stdout.write(f"{calls} {size}\n")
    for count in outcome.counted:
        held = [(each.in_use, each.database) for each in count.held]
        sys.stdout.write(
            f"{count.calls} calls: bytes of desk and carrier, SQLite's of them {held}\n"
        )
    counted = f"{dict(outcome.results)} {dict(outcome.faults)}"
    sys.stdout.write("\n".join([counted, outcome.words(), *outcome.stuck]) + "\n")
    return int(bool(outcome.stuck) or outcome.grows)


if __name__ == "__main__":
    sys.exit(main())
