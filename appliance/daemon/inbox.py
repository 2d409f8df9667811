"""The desk's inbox: facts from every thread, taken in order by the one that decides."""

from __future__ import annotations

import contextlib
import queue
import socket
from collections.abc import Iterator

from appliance.calls.events import Event


class Inbox:
    """`post` from any thread; `take` in the deciding thread; `fileno` wakes its selector."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that is readable while something waits."""
        return self._reader.fileno()

    def post(self, event: Event) -> None:
        """Leave a fact; never blocks."""
        self._queue.put(event)
        with contextlib.suppress(BlockingIOError):  # a full pipe is awake already
            self._writer.send(b"x")

    def take(self) -> Iterator[Event]:
        """Yield what has been left, oldest first."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._queue.get_nowait()

    def close(self) -> None:
        """Close the wake-up pair."""
        self._reader.close()
        self._writer.close()
