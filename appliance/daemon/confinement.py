"""Confinement of faults of ours in the deciding thread: each is reported, the thread goes on.

A fault that repeats ends the process, which its service manager starts anew: what is wrong in
memory is gone then, and calls of a moment are a smaller loss than a desk that decides nothing.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from appliance.workers import Reported, faults

log = logging.getLogger(__name__)

MOST: Final = 20
WITHIN_S: Final = 60.0
"""So many faults within this time are one that stays. A call takes three at most to its end."""
PAUSES_S: Final = (1.0, 300.0)
"""How long a chore that failed is left alone: each time twice as long, up to the longest."""


class Confinement:
    """Counts the faults of the deciding thread; `is_spent` once they are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=MOST)
        self._rests: dict[str, tuple[float, float]] = {}
        self.count = 0

    def note(self, error: BaseException) -> None:
        """Report and count a fault, within the handler that caught it; one reported counts not."""
        if not isinstance(error, Reported):
            self.count += 1
            self._times.append(self._clock())
        faults.report(error)

    @property
    def is_spent(self) -> bool:
        """True once faults come so fast that only a new start can help."""
        return len(self._times) == MOST and self._clock() - self._times[0] <= WITHIN_S

    @contextlib.contextmanager
    def one(self, *passing: type[Exception]) -> Iterator[None]:
        """Confine what is done within: the thread goes on. Errors that are `passing` are raised."""
        try:
            yield
        except passing:
            raise
        except Exception as error:  # noqa: BLE001 - the top of the deciding thread
            self.note(error)

    def chore(self, name: str, job: Callable[[], object]) -> None:
        """Do what no call waits for; after a failure it rests, and ends no process however often.

        Callers are served without it, and would not be while the process starts.
        """
        until, pause = self._rests.get(name, (0.0, PAUSES_S[0]))
        if self._clock() < until:
            return
        try:
            job()
        except Exception as error:  # noqa: BLE001 - as `one`
            faults.report(error)
            self._rests[name] = self._clock() + pause, min(pause * 2, PAUSES_S[1])
        else:
            self._rests.pop(name, None)
