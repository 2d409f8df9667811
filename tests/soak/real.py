"""The same in real time, through all processes: hundreds of calls, then nothing has grown.

`python -m tests.soak.real --minutes 60` does it for an hour; status 1 when a line was stuck, or it
is not shown that what call control and media gateway hold grew by less than 5 KiB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from appliance.calls.orders import Result
from appliance.store.database import database_path, open_reader
from tests.helpers.box import Box, wait
from tests.soak.mix import SPEECH
from tests.soak.real_calls import LINES, RealSoak, rest
from tests.soak.real_outcome import Count, Outcome
from tests.soak.size import census, counting, size_of

WARM_UP = 96
"""Brisk calls before the first look, and one round of the mix: by then every part has been loaded,
every buffer and cache filled that a call fills; call control remembers the last 64 calls.
"""
ROUND = 24
"""After so many calls of the mix, and as many brisk ones, memory is looked at again."""
HANG_UP_S = 1.0
"""Within this call control has closed what was asked of it."""
COUNT_S = 120.0
"""So often call control and media gateway count what they hold: it takes REST_S in which nobody
calls.
"""
REST_S = 34.0
"""SIP forgets a call 32 s after its end (RFC 3261 17.1.1.2: 64 * T1)."""


def soak(
    folder: Path,
    rounds: int = 4,
    share: float = 0.05,
    seed: int = 1,
    minutes: float = 0.0,
    tell: Callable[[str], object] = str,
) -> Outcome:
    """Start a box and let it be called, first to warm up; look after each round what has grown.

    There are so many rounds, and more until so many minutes after the warm-up are over; where
    minutes are asked for, what comes later than a warm-up is brought about first: a message that
    waits, and a full history of each line's faults. Each count is told.
    """
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
        soaked = RealSoak(box, seed, outcome)
        if minutes:
            soaked.leave_waiting()
        for name in box.phones:
            phone = box.phone(name)
            phone.answer_mode("auto", 200)
            phone.say(SPEECH, repeat=True)
        soaked.place(WARM_UP, brisk=True)
        if minutes:
            soaked.fill_histories()
        soaked.place(ROUND, share)
        _count(box, outcome, tell)
        began, done = time.monotonic(), 0
        while done < rounds or time.monotonic() - began < 60 * minutes:
            _measure(box, outcome)
            soaked.place(ROUND, share)
            soaked.place(ROUND, brisk=True)
            done += 1
            if time.monotonic() - outcome.counted[-1].at >= COUNT_S:
                _count(box, outcome, tell)
        _measure(box, outcome)
        _count(box, outcome, tell)
        outcome.results = _results(box)
        outcome.records = outcome.results.total()
        outcome.log_bytes = box.log_path.stat().st_size
    outcome.seconds = time.monotonic() - began
    return outcome


def _measure(box: Box, outcome: Outcome) -> None:
    """Look at the processes while nobody calls and nobody asks."""
    rest(box, outcome)
    wait(HANG_UP_S)
    outcome.sizes.append((outcome.calls, size_of(box.processes())))
    wal = database_path(box.state).with_name("centralino.db-wal")
    outcome.wal_bytes = max(outcome.wal_bytes, wal.stat().st_size)


def _count(box: Box, outcome: Outcome, tell: Callable[[str], object]) -> None:
    """Have call control and media gateway count what they hold, once the last calls are gone."""
    rest(box, outcome)
    wait(REST_S)
    control_and_gateway = box.processes()[:2]
    folder = box.folder / "census"
    held = tuple(census(box, folder, pid) for pid in control_and_gateway)
    outcome.counted.append(Count(outcome.calls, time.monotonic(), held))
    tell(outcome.last_count())


def _results(box: Box) -> Counter[str]:
    """Count what all calls came to, of which the log lists the latest only."""
    with closing(open_reader(database_path(box.state))) as reader:
        return Counter(str(row[0]) for row in reader.execute("SELECT result FROM calls"))


WELL = {Result.ANSWERED, Result.MESSAGE, Result.NO_MESSAGE, Result.GAVE_UP, Result.LOST}
"""How calls may end; LOST is that of a line whose modem was taken away."""


def _tell(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> int:
    """Soak for so long, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.real", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="centralino-real-") as folder:
        outcome = soak(Path(folder), 1, seed=asked.seed, minutes=asked.minutes, tell=_tell)
    for calls, size in outcome.sizes:
        sys.stdout.write(f"{calls} {size}\n")
    counted = f"{dict(outcome.results)} {dict(outcome.faults)}"
    sys.stdout.write("\n".join([counted, outcome.words(), *outcome.stuck]) + "\n")
    return int(bool(outcome.stuck) or not outcome.is_flat)


if __name__ == "__main__":
    sys.exit(main())
