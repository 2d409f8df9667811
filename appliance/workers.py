"""Worker: a thread that does one job after the other and outlives each of them (rule 7).

One rule for every thread and for the control socket: a job that fails by a programming error is
reported, the thread that waits for it gets an error, and the worker goes on with the next job.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NoReturn, TypeVar

from appliance.errors import Bug, CentralinoError

log = logging.getLogger(__name__)

JOIN_LIMIT = 5.0
"""Time for a worker to notice `stopping`, s."""
# Seconds. An idle worker turns at least this often, so that the watchdog sees it alive.
BEAT_S = 10.0
# So many failed turns in a row are a permanent fault, not a bad job.
LASTING: Final = 10
PAUSES_S: Final = (0.01, 5.0)
"""First and longest pause after a failed turn, s; each is twice the one before."""


class Reported(Bug):
    """Raised instead of a programming error that is in the journal already."""


class Faults:
    """Counter of programming errors by thread; the journal gets the traceback."""

    def __init__(self) -> None:
        self._counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self.last_at: dict[str, float] = {}
        """Time of each thread's last error, monotonic s."""

    def report(self, error: BaseException) -> None:
        """Count an error and write it to the journal; call it in the handler that caught it."""
        # Its cause was reported by `one_job` where it happened.
        if isinstance(error, Reported):
            return
        thread = threading.current_thread().name
        self.last_at[thread] = time.monotonic()
        key = (thread, type(error).__name__, _place(error))
        self._counts[key] += 1
        times = self._counts[key]
        # The 1st, 2nd, 4th, 8th ... time only: an error that stays must not fill the journal.
        if times & (times - 1) == 0:
            log.exception("%s: a job failed, the thread goes on (%d times so far)", thread, times)

    def by_thread(self) -> Mapping[str, int]:
        """Return the number of errors by the name of the thread."""
        found: collections.Counter[str] = collections.Counter()
        # A copy: other threads may report meanwhile.
        for (thread, _, _), times in list(self._counts.items()):
            found[thread] += times
        return found


faults: Final = Faults()
"""Programming errors of this process."""


@contextlib.contextmanager
def one_job(*expected: type[Exception]) -> Iterator[None]:
    """Report a job's programming error, and raise Reported to the caller that waits for it.

    A CentralinoError made for people passes unchanged, and so do `expected` errors, as a disk's or
    a network's.
    """
    try:
        yield
    except Exception as error:
        passes = isinstance(error, (CentralinoError, *expected)) and not isinstance(error, Bug)
        if passes or isinstance(error, Reported):
            raise
        faults.report(error)
        raise Reported(f"a fault in the programme: {type(error).__name__}: {error}") from error


class Worker:
    """Calls `turn` in a daemon thread until `stop()`, whatever a turn raises.

    A turn does one job; it waits on a queue with a time-out, or with `stopping.wait(seconds)`,
    never with sleep, and for BEAT_S at most. After `stopping` turns go on while `pending()`.
    `begin` and `end` are called once, in the thread, and may fail as a turn may. `on_failure` is
    called after LASTING failed turns in a row: the thread goes on trying, but does nothing useful.
    `beat_at` is when a turn last began (monotonic s); long turns call `beat` themselves.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], object],
        on_failure: Callable[[BaseException], None] | None = None,
        *,
        begin: Callable[[], object] = lambda: None,
        end: Callable[[], object] = lambda: None,
        pending: Callable[[], bool] = lambda: False,
        longest_pause_s: float = PAUSES_S[1],
    ) -> None:
        self.stopping = threading.Event()
        self.beat_at = time.monotonic()
        self._turn, self._begin, self._end = turn, begin, end
        self._pending = pending
        self._longest_pause_s = longest_pause_s
        self._on_failure = on_failure
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Worker:
        """Start the thread; returns self so that a worker is made and started in one line."""
        self.beat()
        self._thread.start()
        return self

    def beat(self) -> None:
        """Note that the loop turns; called by the thread itself, at least once a turn."""
        self.beat_at = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """Ask the thread to end and join it; raises Bug when it outlives `limit` seconds."""
        self.stopping.set()
        # Neither itself nor a thread that was never started can be joined.
        if self._thread is threading.current_thread() or not self._thread.ident:
            return
        self._thread.join(limit)
        if self._thread.is_alive():
            raise Bug(f"worker {self._thread.name} did not stop within {limit} s")

    def _run(self) -> None:
        self._do(self._begin)
        while not self.stopping.is_set():
            self.beat()
            self._do(self._turn)
            if self._failures:
                self.stopping.wait(self._pause_s())
        # Work that was accepted is done before the end, unless it cannot be done.
        while self._pending() and self._failures < LASTING:
            self.beat()
            self._do(self._turn)
        self._do(self._end)

    def _do(self, job: Callable[[], object]) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - the one broad handler: a thread's top
            faults.report(error)
            self._failures += 1
            # Once, at the limit: the thread tries on.
            if self._failures == LASTING and self._on_failure:
                self._on_failure(error)
        else:
            self._failures = 0

    def _pause_s(self) -> float:
        """Return the pause after a failed turn, s."""
        # An error that stays must not spin the CPU; a single one costs next to nothing.
        return float(min(PAUSES_S[0] * 2 ** min(self._failures - 1, 16), self._longest_pause_s))


def _place(error: BaseException) -> str:
    """Return file and line of the innermost frame in which an error was raised."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""


T = TypeVar("T")


def begin_in_child(work: Callable[[], T]) -> Callable[[], T]:
    """Begin `work` in a child process; return a function that waits for its (pickled) result.

    Call it before the first thread starts: a fork copies the locks that other threads hold. Where
    the child dies or fails, the function returned does the work itself, and raises what it raises.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _be_child(work, writer)
    os.close(writer)

    def result() -> T:
        with os.fdopen(reader, "rb") as file:
            told = file.read()
        _, status = os.waitpid(pid, 0)
        if status != 0:
            return work()
        made: T = pickle.loads(told)  # noqa: S301 - our own child has written it
        return made

    return result


def _be_child(work: Callable[[], object], writer: int) -> NoReturn:
    """Do the work, write its result into the pipe and exit."""
    # os._exit, whatever goes wrong: the child must never return into the parent's code.
    status = 1
    try:
        with os.fdopen(writer, "wb") as file:
            file.write(pickle.dumps(work()))
        status = 0
    finally:
        os._exit(status)
