"""`python -m tests.soak.day`: 2,000 calls in 24 virtual hours in one process; what has it cost?

One modem flaps all day, 5 % of the calls have a fault; records and messages go to a real disk. Each
hour memory, threads, descriptors and the database's log are looked at. Status 1 when something was
wrong. Memory is what malloc has given out and not got back: PYTHONMALLOC=malloc sees to it that
this is all of it, so the day runs as a process of its own (`apart`).
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.service import nightly
from tests.soak.kept import KeptStore
from tests.soak.size import in_use, resident_kb, slope
from tests.soak.soak import Soak, open_files
from tests.soak.world import SoakFailure, World

ROOT = Path(__file__).resolve().parents[2]
HOUR_S = 3600.0
FLAP_S = 600.0
FLAPS = "line2"
GONE_S = 4.0
"""The modem that flaps is away for so long, every ten minutes."""
REMEMBERED_S = 300.0
REST_LIMIT_S = 300.0
BRISKER = 0.95
"""So much shorter are the pauses between calls: none comes where every line is taken."""
DIALS = 400
"""So often somebody of the office dials in the day."""
KEPT_LINES = 2000
WARM_H = 6
"""Hours after which nothing still fills that is kept in a bounded number: 500 figures of a kind."""


@dataclass(frozen=True, slots=True)
class Hour:
    """What the process took at the end of an hour; of the database's log, the most in it."""

    hour: int
    calls: int
    heap_bytes: int
    rss_kb: int
    threads: int
    files: int
    wal_bytes: int


@dataclass
class Day:
    """What came of a day; `failure` and `wrong` are empty when all was well, `given_back_kb`
    is what is resident once malloc's free pages are given back, as the box does each night.
    """

    calls: int = 0
    failure: str = ""
    wrong: list[str] = field(default_factory=list)
    hours: list[Hour] = field(default_factory=list)
    results: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    log_bytes: int = 0
    messages: int = 0
    given_back_kb: int = 0

    @property
    def kib_an_hour(self) -> float:
        """How much memory grows an hour, once all is warm (least squares)."""
        warm = [(each.hour, each.heap_bytes / 1024) for each in self.hours if each.hour >= WARM_H]
        return slope(warm) if len(warm) > 1 else 0.0

    def words(self) -> str:
        """Say it in a line of figures."""
        last, wal = self.hours[-1], max(hour.wal_bytes for hour in self.hours)
        threads = sorted({hour.threads for hour in self.hours})
        files = sorted({hour.files for hour in self.hours})
        faults, flapped = sum(self.faults.values()), self.faults.get("flapping", 0)
        return (
            f"F25 {last.hour} virtual h in one process, {self.calls} calls, {faults} faults "
            f"({flapped} of a modem that flaps): {len(self.wrong)} records or messages lost or "
            f"doubled ({self.messages} messages); memory in use {self.kib_an_hour:+.1f} KiB/h "
            f"(resident {self.hours[0].rss_kb / 1024:.0f} MB after an hour, "
            f"{last.rss_kb / 1024:.0f} MB at the end, {self.given_back_kb / 1024:.0f} MB once free "
            f"pages are given back), threads {threads}, "
            f"descriptors {files}, WAL {wal / 1e6:.1f} MB, log {self.log_bytes / 1e6:.2f} MB"
        )


class DaySoak(Soak):
    """A soak whose calls come over so many hours, watched once an hour."""

    pausing = False
    store: KeptStore
    found: Day

    def live(self, hours: int, found: Day) -> None:
        """Let the day go by."""
        self.found, world = found, self.world
        assert isinstance(world.store, KeptStore)
        self.store = world.store
        end = HOUR_S * hours
        self.gap_s, self.dials_s = BRISKER * end / self.calls, end / DIALS
        self.begin()
        world.after(FLAP_S, self._flap)
        began = world.now
        for hour in range(1, hours + 1):
            while world.now < began + hour * HOUR_S:
                world.doze()
            self._rest()
            self._look(hour)
        nightly.trim_heap()
        found.given_back_kb = resident_kb()

    def _rest(self) -> None:
        """Let nobody call until all that goes on has come to its end; a fault may take its time."""
        world, self.pausing = self.world, True
        end = world.now + REST_LIMIT_S
        while self.left_over():
            world.doze()
            if world.now > end:
                world.fail(f"does not come to rest: {self.left_over()}")
        self.pausing = False

    def _next_call(self) -> None:
        if self.pausing:
            self.world.after(1.0, self._next_call)
        else:
            super()._next_call()

    def _next_dial(self) -> None:
        if self.pausing:
            self.world.after(1.0, self._next_dial)
        else:
            super()._next_dial()

    def _flap(self) -> None:
        """A modem is gone, and back; nobody knows why."""
        world, outlet = self.world, self.world.outlets[FLAPS]
        world.after(FLAP_S, self._flap)
        world.watch.disturb("flapping", FLAPS, 12.0)
        if outlet.port is not None:
            outlet.unplug()
            world.after(GONE_S, outlet.plug_in)

    def _look(self, hour: int) -> None:
        self.store.forget(self.world.now - REMEMBERED_S)
        self.store.sounds.close()  # what a phone fetched and did not stay to hear
        self.store.box.settle()
        self.store.box.records.ask(lambda _: None)
        self.store.box.drain()
        self.store.box.troubles.clear()
        gc.collect()
        wal = (self.store.folder / "centralino.db-wal").stat().st_size
        self.found.hours.append(
            Hour(
                hour, self.placed, in_use(), resident_kb(), threading.active_count(),
                open_files(), wal,
            )
        )  # fmt: skip


@contextmanager
def journal(path: Path) -> Iterator[None]:
    """Write what the box says to a file, as it stands in the journal."""
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s"
    )
    yield
    logging.shutdown()


def a_day(folder: Path, calls: int, hours: int, seed: int, share: float = 0.05) -> Day:
    """Live a day in this process."""
    found, log = Day(calls), folder / "journal"
    with journal(log):
        world = World(
            folder, seed, lambda world: KeptStore(world, folder=folder / "state"), KEPT_LINES
        )
        store = world.store
        assert isinstance(store, KeptStore)
        try:
            DaySoak(world, calls, share).live(hours, found)
        except SoakFailure as failure:
            found.failure = "\n".join([*list(world.lines)[-60:], str(failure)])
        finally:
            world.close()
            store.close()
    found.calls = sum(world.watch.kinds.values())
    found.wrong = store.wrong()
    found.messages = len(store.stored())
    found.results, found.faults = dict(world.watch.results), dict(world.watch.faults)
    found.log_bytes = log.stat().st_size
    return found


def apart(calls: int = 2000, hours: int = 24, seed: int = 1, limit_s: float = 3000.0) -> Day:
    """Live a day in a process of its own, whose memory is all malloc's."""
    command = [sys.executable, "-m", "tests.soak.day", "--json"]
    command += ["--calls", str(calls), "--hours", str(hours), "--seed", str(seed)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONMALLOC": "malloc"}, timeout=limit_s,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not done.stdout:
        raise AssertionError(done.stderr)
    told = json.loads(done.stdout)
    return Day(**{**told, "hours": [Hour(**hour) for hour in told["hours"]]})


def main() -> int:
    """Live a day, and print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.day", description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="in this process, for who measures it")
    asked = parser.parse_args()
    if not asked.json:
        found = apart(asked.calls, asked.hours, asked.seed)
        for hour in found.hours:
            sys.stdout.write(f"{hour}\n")
        sys.stdout.write("\n".join([found.words(), *found.wrong, found.failure]) + "\n")
        return int(bool(found.failure or found.wrong))
    with tempfile.TemporaryDirectory(prefix="centralino-day-") as folder:
        found = a_day(Path(folder), asked.calls, asked.hours, asked.seed)
    sys.stdout.write(json.dumps(dataclasses.asdict(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
