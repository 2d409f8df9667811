"""Worker: a thread with a stopping event, joined within a limit (house rule 7)."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from appliance.errors import Bug

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

JOIN_LIMIT = 5.0
"""Seconds a worker may take to notice `stopping`."""
BEAT_S = 10.0
"""A worker that has nothing to do calls `beat` so often all the same: it is known to live."""


class Worker:
    """Runs `work(stopping)` in a daemon thread until it returns or `stop()` is called.

    `work` waits with `stopping.wait(seconds)` or on a queue with a time-out, never with sleep.
    `on_failure` is told when `work` raises, from the worker's own thread. `beat_at` is when
    it last said, by `beat`, that its loop turns (monotonic s).
    """

    def __init__(
        self,
        name: str,
        work: Callable[[threading.Event], None],
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.stopping = threading.Event()
        self.beat_at = time.monotonic()
        self._work = work
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Worker:
        """Start the thread; returns self so that a worker is made and started in one line."""
        self.beat()
        self._thread.start()
        return self

    def beat(self) -> None:
        """Say that the loop turns; by the thread itself, once a turn."""
        self.beat_at = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """Ask the thread to end and join it; raises Bug when it outlives `limit` seconds."""
        self.stopping.set()
        if self._thread is threading.current_thread() or not self._thread.ident:
            return
        self._thread.join(limit)
        if self._thread.is_alive():
            raise Bug(f"worker {self._thread.name} did not stop within {limit} s")

    def _run(self) -> None:
        try:
            self._work(self.stopping)
        except Exception as error:  # the one broad handler: a thread's top
            log.exception("worker %s failed", self._thread.name)
            if self._on_failure:
                self._on_failure(error)


def stop_all(workers: list[Worker], limit: float = JOIN_LIMIT) -> None:
    """Set every worker's `stopping` first, then join them all within `limit` seconds each."""
    for worker in workers:
        worker.stopping.set()
    for worker in workers:
        worker.stop(limit)
