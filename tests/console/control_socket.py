"""A real control socket with call control of a test's own behind it, served by a thread."""

from __future__ import annotations

import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from appliance.api.control_socket import ControlSocket, Watchers
from tests.calls.examples import up
from tests.console.states import told
from tests.helpers.wire import raw

Answering = Callable[[dict[str, Any]], Any]


def _nothing(_: dict[str, Any]) -> Any:
    return {}


class ServedSocket:
    """Tells `status` to whoever watches; `change` it from any thread. `asked` are the questions."""

    def __init__(self, path: Path, answer: Answering = _nothing, **status: Any) -> None:
        self.status, self.asked = told(up()) | status, list[dict[str, Any]]()
        self._answer, self._path = answer, path
        self._selector, self._stopping = selectors.DefaultSelector(), threading.Event()
        self._changes: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._bell, self._hears = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="door")

    def __enter__(self) -> Self:
        self._watching = Watchers(lambda: raw({"status": self.status}))
        self._served = ControlSocket(self._path, self._selector, self._take, self._watching)
        self._selector.register(self._hears, selectors.EVENT_READ, self._heed)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._bell.send(b"x")
        self._thread.join()
        self._served.close()
        self._selector.close()
        self._bell.close()
        self._hears.close()

    def change(self, **status: Any) -> None:
        """Let something else be true from now on."""
        self._changes.put(status)
        self._bell.send(b"x")

    def _take(self, question: dict[str, Any]) -> Any:
        self.asked.append(question)
        return self._answer(question)

    def _heed(self) -> None:
        self._hears.recv(4096)
        while not self._changes.empty():
            self.status = self.status | self._changes.get()
            self._watching.changed()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            at = self._watching.next_deadline()
            limit = 1.0 if at is None else max(0.0, min(1.0, at - time.monotonic()))
            for key, _ in self._selector.select(limit):
                key.data()
            self._served.tell_watchers(time.monotonic())
