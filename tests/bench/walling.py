"""How long the wall's figures take with 10,000 calls on record (100 ms at p95), on a console."""

from __future__ import annotations

import random
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from appliance.calls.orders import Result
from appliance.console.wall import chart_of
from appliance.store import call_log
from appliance.store.database import open_database, open_reader
from appliance.store.wall import DayReader
from tests.bench.table import Row, row
from tests.store.random_calls import ROME, TODAY, a_random_call, midnight

CALLS = 10_000
READINGS = 100
OPEN = ((8.0, 13.0), (14.5, 18.0))


def rows(folder: Path) -> list[Row]:
    """Store the calls, half of them of today, then read after each change, by a new connection."""
    path, chance = folder / "centralino.db", random.Random(21)
    now, reader = midnight(TODAY) + timedelta(hours=12), DayReader(ROME)
    calls = [a_random_call(chance, number) for number in range(CALLS)]
    took: list[tuple[float, float]] = []
    with closing(open_database(path, folder / "corrupt").connection) as writer:
        call_log.upsert_calls(writer, calls, "b")
        for number in range(READINGS + 1):
            changed = replace(calls[number], result=Result.GAVE_UP)
            call_log.upsert_calls(writer, [changed], "b")
            began, own = time.perf_counter(), time.process_time()
            with closing(open_reader(path)) as connection:
                chart_of(reader.read(connection, now, OPEN))
            took.append(((time.perf_counter() - began) * 1000, (time.process_time() - own) * 1000))
    (first, _first_own), *others = took
    waited, own_cpu = zip(*others, strict=True)
    return [
        row("Wall: figures of today after a change, 10,000 calls", waited, aim=("p95", 100.0)),
        row("Wall: the same, its own CPU", own_cpu, aim=("p95", 100.0)),
        row("Wall: the first figures of a day, with the four weeks before", (first,)),
    ]
