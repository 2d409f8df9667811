"""What any thread wants done by the deciding one: left here, run there, in order."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections import deque
from collections.abc import Callable

from appliance.errors import Bug, CentralinoError
from appliance.workers import one_job

log = logging.getLogger(__name__)


class Errands:
    """`leave` from any thread; `run` in the deciding thread; `fileno` wakes its selector."""

    def __init__(self) -> None:
        self._left: deque[Callable[[], None]] = deque()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that is readable while something waits."""
        return self._reader.fileno()

    def leave(self, errand: Callable[[], None]) -> None:
        """Leave something to be done; never blocks, and is no use any more after `close`."""
        self._left.append(errand)
        with contextlib.suppress(OSError):  # a full pipe is awake already
            self._writer.send(b"x")

    def run(self) -> None:
        """Do all that has been left, oldest first; one that fails is reported, the others go on."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        while self._left:
            try:
                with one_job():
                    self._left.popleft()()
            except Bug:
                continue  # it is reported
            except CentralinoError as error:
                log.warning("an errand failed: %s", error)

    def close(self) -> None:
        """Close the wake-up pair."""
        self._reader.close()
        self._writer.close()
