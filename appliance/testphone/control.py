"""The control socket: JSON lines, requests answered in order, events pushed to everybody.

A request is `{"id": 1, "do": "dial", "called": "*811"}`, its reply `{"id": 1, "call": 3}` or
`{"id": 1, "error": "a sentence"}`; an event is `{"event": "ringing", "at": 12.3, "call": 3}`.
Who connects late gets the events of the past first.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.errors import TechnicianError

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.testphone.phone import Event

    Obey = Callable[[dict[str, Any], float], dict[str, Any]]

CHUNK = 65536
INHERITED = "fd:"
"""`fd:7` is one end of a socket pair handed over by a parent; when it closes the phone stops."""


def line_of(event: Event) -> bytes:
    """Return an event as a line."""
    return encode({**event.details, "event": event.kind, "at": event.at})


def encode(message: dict[str, Any]) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Control:
    """Every connection of the control socket, non-blocking, on the selector of the process."""

    def __init__(self, where: str, selector: selectors.BaseSelector, obey: Obey) -> None:
        self.is_orphan = False
        self._selector = selector
        self._obey = obey
        self._history: list[bytes] = []
        self._buffers: dict[socket.socket, tuple[bytearray, bytearray]] = {}
        self._has_parent = where.startswith(INHERITED)
        self._listener: socket.socket | None = None
        self._path = Path(where)
        if self._has_parent:
            self._welcome(socket.socket(fileno=int(where.removeprefix(INHERITED))))
        else:
            self._listen()

    def publish(self, event: Event) -> None:
        """Push an event to everybody."""
        line = line_of(event)
        self._history.append(line)
        for connection in list(self._buffers):
            self._send(connection, line)

    def close(self) -> None:
        """Close every connection and remove the socket's file."""
        for connection in list(self._buffers):
            connection.setblocking(True)
            connection.settimeout(1.0)
            with contextlib.suppress(OSError):
                connection.sendall(self._buffers[connection][1])
            self._part(connection)
        if self._listener:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _listen(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(str(self._path))
        except OSError as error:
            self._listener.close()
            raise TechnicianError(
                f"the control socket {self._path} cannot be made ({error.strerror}): "
                "choose another path or remove the file"
            ) from error
        self._listener.listen()
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self, _mask: int, _now: float) -> None:
        assert self._listener is not None
        self._welcome(self._listener.accept()[0])

    def _welcome(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._buffers[connection] = (bytearray(), bytearray())

        def serve(mask: int, now: float) -> None:
            self._serve(connection, mask, now)

        self._selector.register(connection, selectors.EVENT_READ, serve)
        self._send(connection, b"".join(self._history))

    def _part(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._buffers[connection]
        connection.close()
        self.is_orphan = self._has_parent

    def _serve(self, connection: socket.socket, mask: int, now: float) -> None:
        if mask & selectors.EVENT_WRITE:
            self._send(connection, b"")
        if mask & selectors.EVENT_READ and connection in self._buffers:
            self._read(connection, now)

    def _read(self, connection: socket.socket, now: float) -> None:
        try:
            data = connection.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._part(connection)
            return
        unread = self._buffers[connection][0]
        unread += data
        *lines, rest = unread.split(b"\n") if b"\n" in data else [bytes(unread)]
        unread[:] = rest
        for line in lines:
            self._send(connection, encode(self._reply(bytes(line), now)))

    def _reply(self, line: bytes, now: float) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError as error:
            return {"id": None, "error": f"not a line of JSON: {error}"}
        if not isinstance(request, dict):
            return {"id": None, "error": "not a JSON object"}
        return self._obey(request, now)

    def _send(self, connection: socket.socket, data: bytes) -> None:
        if connection not in self._buffers:
            return
        waiting = self._buffers[connection][1]
        waiting += data
        try:
            sent = connection.send(waiting) if waiting else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._part(connection)
            return
        del waiting[:sent]
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0)
        if self._selector.get_key(connection).events != mask:
            self._selector.modify(connection, mask, self._selector.get_key(connection).data)
