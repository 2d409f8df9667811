"""One rule for every thread: a failing job is reported and the thread lives (Rule 7 of
CONTRIBUTING).
"""

from __future__ import annotations

import ast
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import workers
from appliance.errors import Bug, OfficeError
from appliance.workers import LASTING, Faults, Worker, one_job

ROOT = Path(__file__).resolve().parent.parent / "appliance"
MAKERS = {
    "Thread", "Timer", "ThreadPoolExecutor", "ThreadPool", "start_new_thread", "run_in_executor",
}  # fmt: skip
"""What starts a thread, by the last part of its name; anyio's are awaited by who asked."""
LIMIT_S = 20.0


def threads_made(text: str) -> list[str]:
    """Return the names by which a source starts threads."""
    found: list[str] = []
    if "thread" not in text and "concurrent" not in text and "executor" not in text:
        return found  # a Timer of something else
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            found += [name] if name in MAKERS else []
        elif isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            found += sorted(bases & MAKERS)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "import threading as t\nt.Thread(target=print).start()",
        "from threading import Timer\nTimer(1.0, print)",
        "class Mine(threading.Thread):\n    pass",
        "pool = concurrent.futures.ThreadPoolExecutor()",
        "await loop.run_in_executor(None, print)",
    ],
)
def test_a_thread_beside_the_rule_is_found(text: str) -> None:
    """Whichever way it is started."""
    assert threads_made(text)


def test_every_thread_is_a_worker() -> None:
    """No thread is started that would die of one job: all of them are made by workers.Worker."""
    made = {
        path.relative_to(ROOT).as_posix(): threads_made(path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
    }
    assert {where: names for where, names in made.items() if names} == {"workers.py": ["Thread"]}


# --- the rule -----------------------------------------------------------------------------------


class Jobs:
    """Jobs for one worker; what it was told, and what it has done at its begin and end."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self.failures: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self.ended = threading.Event()
        self.turns = 0
        self.worker = Worker(
            "jobs",
            self._turn,
            self.failures.put,
            begin=lambda: 1 / 0,
            end=self.ended.set,
            pending=lambda: not self.queue.empty(),
        )

    def _turn(self) -> None:
        self.turns += 1
        self.queue.get(timeout=LIMIT_S)()

    def done(self) -> threading.Event:
        """Queue a job that can be waited for."""
        event = threading.Event()
        self.queue.put(event.set)
        return event


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    """Start a worker whose begin fails too."""
    made = Jobs()
    made.worker.start()
    yield made
    made.queue.put(lambda: None)
    made.worker.stop()


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Count from nothing."""
    made = Faults()
    monkeypatch.setattr(workers, "faults", made)
    return made


def fail() -> None:
    """Fail by a fault of ours."""
    raise KeyError("of a newer version")


def test_a_job_that_fails_is_reported_and_the_next_is_done(
    jobs: Jobs, counted: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    """With its traceback, once; what is queued behind it is done."""
    jobs.queue.put(fail)
    assert jobs.done().wait(LIMIT_S)
    assert jobs.worker.is_alive
    assert counted.by_thread() == {"jobs": 2}  # and its begin
    assert any(
        record.exc_info and "of a newer" in str(record.exc_info[1]) for record in caplog.records
    )
    assert jobs.failures.empty()


def test_what_is_queued_is_done_before_the_end(counted: Faults) -> None:
    """Also behind a job that fails."""
    made = Jobs()
    made.queue.put(fail)
    last = made.done()
    made.worker.stopping.set()
    made.worker.start()
    assert made.ended.wait(LIMIT_S)
    assert last.is_set()


def test_a_fault_that_stays_is_told_and_does_not_spin(counted: Faults) -> None:
    """Nothing useful is done any more: somebody must know, and the processor is left alone."""
    made = Jobs()
    made.worker = Worker("jobs", fail, made.failures.put)
    made.worker.start()
    made.failures.get(timeout=LIMIT_S)
    time.sleep(1.0)
    made.worker.stop()
    assert LASTING <= counted.by_thread()["jobs"] < LASTING + 5


def test_the_journal_is_not_filled_by_one_fault(
    counted: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    """It is written at its 1st, 2nd, 4th ... time."""
    caplog.set_level(logging.ERROR)
    for _ in range(100):
        with pytest.raises(Bug), one_job():
            fail()
    assert len(caplog.records) == 7
    assert sum(counted.by_thread().values()) == 100


def test_an_error_for_people_is_no_fault(counted: Faults) -> None:
    """Nor is what a disk or a network does where it is expected."""
    with pytest.raises(OfficeError, match="closed"), one_job():
        raise OfficeError("the office is closed")
    with pytest.raises(TimeoutError), one_job(OSError):
        raise TimeoutError
    assert not counted.by_thread()


def test_a_bug_is_counted_once(counted: Faults) -> None:
    """One that was raised as such, and one that passes two of these."""
    with pytest.raises(Bug), one_job():
        raise Bug("a state that cannot be")
    assert sum(counted.by_thread().values()) == 1
    with pytest.raises(Bug), one_job(), one_job():
        fail()
    assert sum(counted.by_thread().values()) == 2
