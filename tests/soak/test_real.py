"""Hundreds of calls in real time through all processes: every line idle, nothing has grown."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.figures import Figures
from tests.soak.real import ROUND, WARM_UP, WELL, soak
from tests.soak.real_outcome import Count, Outcome
from tests.soak.size import Census, counting, slope

GROWTH_KB = 4.0
"""A call, of call control and media gateway: pages that are written to. Seen: 0.5 to 2.6; the
interpreter keeps tuples and the like for reuse, up to two thousand of each size, and what lies
among them stays.
"""
HELD_KB = 0.5
"""A call, of what they hold. Seen: 0.1, of what is kept in a bounded number and is not full yet."""
PORT_SERVER_KB = 2500.0
"""What one port server takes; one started anew, for one that hung, takes 0.35 MB more."""
SPARE = 2
"""So many more of a kind may be there: what is under way at the moment of the count."""


def test_a_slope_is_that_of_the_straight_line() -> None:
    """The ruler itself: a steady growth is told as it is, noise on a level as nothing."""
    assert slope([(0, 5.0), (10, 7.0), (20, 9.0)]) == pytest.approx(0.2)
    assert slope([(0, 5.0), (10, 8.0), (20, 5.0)]) == pytest.approx(0.0)


FREED = """
import ctypes
from sitecustomize import in_use
malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
in_use()
pieces = [malloc(1000) for _ in range(7)]
held = in_use()
for piece in pieces:
    free(piece)
print(held - in_use())
"""
COUNTED = """
from array import array
from sitecustomize import count, in_use
held = array("q", [0] * 10)
for n in range(10):
    count(0, None)
    held[n] = in_use()
print(held[9] - held[4])
"""
ASKED = """
import json, os, sqlite3
from sitecustomize import count
def counted():
    count(0, None)
    with open(f"{os.environ['CENSUS_FOLDER']}/{os.getpid()}.json", "rb") as file:
        return json.load(file)["in_use"]
def ask(times):
    for n in range(times):
        connection.execute("SELECT 1").fetchall()
connection = sqlite3.connect(":memory:")
ask(201)
least = min(counted() for n in range(5))
ask(190)
print(counted() - least)
"""
LOOKED_UP = """
import re
from sitecustomize import count, in_use
pattern = re.compile("a")
def look(times):
    for n in range(times):
        (0 for found in pattern.finditer("b"))
count(0, None)
held = in_use()
look(1000)
count(0, None)
print(in_use() - held)
"""


@pytest.fixture
def told(tmp_path: Path) -> Callable[[str], int]:
    """Run a programme in a process that is counted; return the number that it prints."""

    def run(programme: str) -> int:
        command = [sys.executable, "-c", programme]
        environment = os.environ | counting(tmp_path)
        return int(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)

    return run


def test_what_malloc_keeps_for_reuse_is_not_held(told: Callable[[str], int]) -> None:
    """In a process that is counted, what was freed is free: no thread's cache hides a slope."""
    assert told(FREED) > 3500


def test_what_a_database_keeps_of_its_last_questions_is_not_held(
    told: Callable[[str], int],
) -> None:
    """sqlite3 forgets its cursors two hundred at a time: of 19 kB there is their list, 7 kB."""
    assert told(ASKED) < 9000


def test_what_the_interpreter_has_looked_up_is_not_held(told: Callable[[str], int]) -> None:
    """Its cache keeps hundreds of names, each once for each time that it was asked for."""
    assert told(LOOKED_UP) < 1000


def test_counting_leaves_nothing_itself(told: Callable[[str], int]) -> None:
    """Once it has loaded what it needs, a count finds what the one before has found."""
    assert told(COUNTED) == 0


def counted(*held_kb: float) -> Outcome:
    """Return what came of a soak in which so much was held, counted every ten minutes."""
    return Outcome(
        1,
        counted=[
            Count(100 * n, 600.0 * n, (Census(round(1024 * kb), Counter()), Census(0, Counter())))
            for n, kb in enumerate(held_kb)
        ],
    )


def test_an_hour_is_flat_where_that_is_shown() -> None:
    """What scatters less than it may grow is; what grows by 6 KiB an hour is not, nor what scatters
    so much that it might, nor what grew once; of two counts nobody can tell.
    """
    level = counted(300, 300.5, 300, 299.5, 300, 300.5, 300)
    assert level.kib_an_hour == pytest.approx(0.1, abs=0.1)
    assert level.is_flat
    growing = counted(300, 301, 302, 303, 304, 305, 306)
    assert growing.kib_an_hour == pytest.approx(6.0)
    assert not growing.is_flat
    scattered = counted(300, 306, 296, 304, 298, 303, 299)
    assert scattered.kib_an_hour == pytest.approx(-1.5, abs=0.1)
    assert scattered.error_kib == pytest.approx(4.3, abs=0.1)
    assert not scattered.is_flat
    assert not counted(300, 300, 300, 306, 306, 306, 306).is_flat
    short = counted(100, 100)
    assert (short.kib_an_hour, short.is_flat) == (None, False)
    assert counted(100, 200, 900).held_kb_a_call == pytest.approx(4 * 1.024)


@pytest.mark.system
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_hundreds_of_calls_through_all_processes_leave_nothing_behind(
    tmp_path: Path, figures: Figures
) -> None:
    """5 % of the calls of the mix with a fault at the modem or on the wire. At the end every line
    is idle in the exchange's own eyes; no thread, no descriptor and no process is left, and each
    call has its record. Once the box has warmed up, call control and media gateway grow by less
    than 4 kB a call, what is in use in them by less than 0.5 kB, and they hold no more objects of
    the product's than before; no port server is ever large.
    """
    rounds = 4
    outcome = soak(tmp_path, rounds)
    figures.say(outcome.words())
    assert outcome.calls == WARM_UP + (1 + 2 * rounds) * ROUND
    assert outcome.stuck == []
    assert set(outcome.results) <= {str(result) for result in WELL}
    (_, before), *_, (_, after) = outcome.sizes
    assert after.processes == before.processes
    assert after.threads == before.threads
    assert after.files <= before.files
    assert outcome.kb_a_call < GROWTH_KB, outcome.sizes
    assert max(size.server_kb for _, size in outcome.sizes) < PORT_SERVER_KB
    assert outcome.held_kb_a_call < HELD_KB, [count.in_use for count in outcome.counted]
    first, *_, last = outcome.counted
    for then, now in zip(first.held, last.held, strict=True):
        assert now.grown(then, SPARE) == {}
