"""The tool's end of the control socket: replies by their number, events in their order."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from appliance.errors import OfficeError, PeerError
from appliance.testphone.control import CHUNK, encode
from appliance.testphone.phone import Event

if TYPE_CHECKING:
    import socket

PATIENCE = 5.0
"""Seconds a running phone may take for a reply."""


class PhoneTimeout(PeerError, TimeoutError):  # noqa: N818 - it is called what it is
    """Raised when an event did not come in time; the sentence lists those that came."""


class Conversation:
    """Reads and writes JSON lines on a socket; nothing is polled, everything has a time limit."""

    def __init__(self, name: str, connection: socket.socket) -> None:
        self.events: list[Event] = []
        self._name = name
        self._socket = connection
        self._unread = bytearray()
        self._given: Counter[str] = Counter()
        self._replies: dict[int, dict[str, Any]] = {}
        self._asked = 0

    def wait_event(self, kind: str, timeout: float, details: dict[str, Any]) -> Event:
        """Return the next event of a kind and of these details; raises PhoneTimeout, PeerError."""
        deadline = time.monotonic() + timeout
        seen = self._given[kind]
        while True:
            alike = [event for event in self.events if event.kind == kind]
            for index, event in enumerate(alike[seen:], seen + 1):
                if details.items() <= event.details.items():
                    self._given[kind] = index
                    return event
            if not self._pump(deadline):
                came = ", ".join(event.kind for event in self.events)
                raise PhoneTimeout(f"{self._name}: no {kind} within {timeout} s; came: {came}")

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """Ask for something and return the reply; raises OfficeError for a refusal."""
        self._asked += 1
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.sendall(encode({"id": self._asked, "do": do, **given}))
        except OSError as error:
            raise PeerError(f"{self._name} has ended: {error}") from error
        deadline = time.monotonic() + PATIENCE
        while self._asked not in self._replies:
            if not self._pump(deadline):
                raise PhoneTimeout(f"{self._name}: no reply to {do} within {PATIENCE} s")
        reply = self._replies.pop(self._asked)
        if "error" in reply:
            raise OfficeError(f"{self._name}: {reply['error']}")
        del reply["id"]
        return reply

    def _pump(self, deadline: float) -> bool:
        """Read once; False when the deadline has passed."""
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(CHUNK)
        except TimeoutError:
            return False
        except OSError:
            data = b""
        if not data:
            raise PeerError(f"the process of phone {self._name} has ended")
        self._take(data)
        return True

    def close(self) -> None:
        """Read the last events of a process that has ended, and close."""
        with contextlib.suppress(PeerError):
            while self._pump(time.monotonic() + 1.0):
                continue
        self._socket.close()

    def _take(self, data: bytes) -> None:
        self._unread += data
        *lines, rest = self._unread.split(b"\n") if b"\n" in data else [self._unread]
        self._unread = bytearray(rest)
        for line in lines:
            message = json.loads(bytes(line))
            if "event" in message:
                kind, at = message.pop("event"), message.pop("at")
                self.events.append(Event(kind, at, message))
            else:
                self._replies[message["id"]] = message
