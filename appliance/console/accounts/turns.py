"""One at a time, in a thread: what costs memory and a core, as comparing a password does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from appliance.errors import CentralinoError

WAITING: Final = 8
"""Who may wait for their turn; the next one is asked to try again."""

T = TypeVar("T")


class Busy(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when too many wait already."""


class Turns:
    """A thread for one piece of work after the other; who waits holds none. For one loop."""

    def __init__(self, waiting: int = WAITING) -> None:
        self._limiter = anyio.CapacityLimiter(1)
        self._most = waiting + 1
        self._present = 0

    async def take(self, work: Callable[[], T]) -> T:
        """Do the work when its turn comes; raises Busy at once where too many wait."""
        if self._present >= self._most:
            raise Busy("too many people log in at once: try again in a few seconds")
        self._present += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._present -= 1
