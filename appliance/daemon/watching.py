"""Visitors at the door who are told of every change: when to tell them, and who does not read.

The line is rendered once for all of them, and only when something has changed: changes within GAP_S
are told together. Sending never waits; whoever leaves so much unread that no more fits is let go.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any, Final

from appliance.errors import OfficeError

GAP_S: Final = 0.05
"""Changes are told at most so often."""
HEARTBEAT_S: Final = 10.0
"""Told anew so often when nothing changes: silence for longer means that the desk is gone."""
WATCHERS: Final = 4
"""Visitors who watch at once: the console is one, the others are for a person with a terminal."""


class Watching:
    """`render` makes the answer that watchers are told. The deciding thread's own; never waits."""

    def __init__(self, render: Callable[[], dict[str, Any]]) -> None:
        self._render = render
        self._visitors: list[socket.socket] = []
        self._told_at = 0.0
        self._changed = False

    def join(self, visitor: socket.socket) -> bytes:
        """Tell a visitor everything from now on; returns the first line for it.

        Raises OfficeError when enough are watching.
        """
        if len(self._visitors) >= WATCHERS:
            raise OfficeError(f"{WATCHERS} are watching already: ask for the status instead")
        line = self._line()
        if visitor not in self._visitors:
            self._visitors.append(visitor)
        return line

    def forget(self, visitor: socket.socket) -> None:
        """Tell a visitor nothing more; one that does not watch is none of ours."""
        if visitor in self._visitors:
            self._visitors.remove(visitor)

    def has(self, visitor: socket.socket) -> bool:
        """Tell whether a visitor watches."""
        return visitor in self._visitors

    def changed(self) -> None:
        """Note that what people see has changed; it is told when `due` is next asked."""
        self._changed = True

    def next_deadline(self) -> float | None:
        """Return the monotonic second at which `due` has something to tell, None for never."""
        if not self._visitors:
            return None
        return self._told_at + (GAP_S if self._changed else HEARTBEAT_S)

    def due(self, now: float) -> tuple[socket.socket, ...]:
        """Tell what is due at `now` (monotonic s); returns the visitors that do not read."""
        at = self.next_deadline()
        if at is None or now < at:
            return ()
        self._told_at, self._changed = now, False
        line = self._line()
        return tuple(visitor for visitor in self._visitors if not told(visitor, line))

    def _line(self) -> bytes:
        return json.dumps({"ok": True, **self._render()}).encode() + b"\n"


def told(visitor: socket.socket, line: bytes) -> bool:
    """Send a whole line without waiting; False where it does not fit, or the visitor has left."""
    try:
        return visitor.send(line) == len(line)
    except OSError:
        return False
