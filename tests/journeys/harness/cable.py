"""A network that can stand still: every byte passes through here, until the cable is out.

Nobody is told: connections stay open, new ones are taken, nothing is answered. What was sent
meanwhile arrives when the cable is in again, as by TCP's own retransmission.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from typing import Final

CHUNK: Final = 65_536
LOOK_S: Final = 0.05


class Cable:
    """Listens at `port` and passes on to the box's port while the cable `is_in`."""

    def __init__(self, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listening.getsockname()[1]
        self._is_in, self._is_over = threading.Event(), threading.Event()
        self._is_in.set()
        self._threads = [threading.Thread(target=self._accept, name="cable")]
        self._threads[0].start()

    def pull(self) -> None:
        """Take the cable out: nothing passes, nobody is told."""
        self._is_in.clear()

    def plug(self) -> None:
        """Put the cable in again."""
        self._is_in.set()

    def close(self) -> None:
        """End all connections."""
        self._is_over.set()
        self._is_in.set()
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def _accept(self) -> None:
        self._listening.settimeout(LOOK_S)
        while not self._is_over.is_set():
            try:
                near, _ = self._listening.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._carry, args=(near,), name="cable")
            self._threads.append(thread)
            thread.start()

    def _carry(self, near: socket.socket) -> None:
        with near:
            self._is_in.wait()
            with contextlib.suppress(OSError), socket.create_connection(self._to) as far:
                self._exchange(near, far)

    def _exchange(self, near: socket.socket, far: socket.socket) -> None:
        """Pass bytes on both ways until one side has ended."""
        other = {near: far, far: near}
        with selectors.DefaultSelector() as selector:
            for one in other:
                selector.register(one, selectors.EVENT_READ)
            while not self._is_over.is_set():
                self._is_in.wait()
                for key, _ in selector.select(LOOK_S):
                    end = near if key.fileobj is near else far
                    data = end.recv(CHUNK)
                    self._is_in.wait()
                    if not data:
                        return
                    other[end].sendall(data)


@contextlib.contextmanager
def cable(home: str) -> Iterator[tuple[Cable, str]]:
    """Lay a cable to a console's address; yields it and the address at its other end."""
    begin, _, port = home.rpartition(":")
    made = Cable(int(port))
    try:
        yield made, f"{begin}:{made.port}"
    finally:
        made.close()
