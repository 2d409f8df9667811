"""One visitor at the desk's door: what was heard of a line so far, what has yet to be read.

Never waits: what does not fit into the socket is kept here, within a bound, until there is room.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Final

from appliance.media.link import peer_of

ANSWER_LIMIT: Final = 4_000_000
"""Longest answer, in bytes: what a console reads of one line (console/desk.py)."""
UNREAD_LIMIT: Final = 2 * ANSWER_LIMIT
"""Who leaves more than so many bytes of answers unread is let go."""
STALLED_S: Final = 10.0
"""Who reads nothing of a waiting answer for so long makes room for somebody else."""
CONSOLE_UNIT: Final = "/centralino-console.service"


class Visit:
    """A visitor's socket, with both directions' beginnings; the deciding thread's own."""

    def __init__(self, visitor: socket.socket) -> None:
        self.socket = visitor
        self._heard = b""
        self._unsent = bytearray()
        self._moved_at = 0.0

    @property
    def is_reading(self) -> bool:
        """Tell whether all answers are out: who has yet to read one is asked nothing more."""
        return not self._unsent

    def hear(self, limit: int) -> list[bytes] | None:
        """Return the whole lines that have come; None for who has left, or says too long a one."""
        try:
            data = self.socket.recv(limit)
        except BlockingIOError:
            return []
        except OSError:
            return None
        *lines, self._heard = (self._heard + data).split(b"\n")
        return lines if data and len(self._heard) <= limit else None

    def tell(self, line: bytes) -> bool:
        """Send a line, or keep what does not fit; False for a visitor who has to go."""
        if not self._unsent:
            self._moved_at = time.monotonic()
        self._unsent += line
        return len(self._unsent) <= UNREAD_LIMIT and self.go_on()

    def go_on(self) -> bool:
        """Send as much as fits; False for a visitor who has left."""
        try:
            while self._unsent:
                del self._unsent[: self.socket.send(self._unsent)]
                self._moved_at = time.monotonic()
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def has_stalled(self) -> bool:
        """Tell whether an answer has waited for too long to be read."""
        return bool(self._unsent) and time.monotonic() - self._moved_at > STALLED_S


def is_of_console(visitor: socket.socket) -> bool:
    """Tell whether a visitor asks for persons, who must be named: the console, and all but the
    desk's own account and the administrator.

    A process of the console's unit is known by it, whose account it may have: it cannot leave its
    own (cgroups(7)). Whoever has ended meanwhile is taken for one: nothing is done for somebody
    unknown.
    """
    peer = peer_of(visitor)
    if peer.account not in {0, os.geteuid()}:
        return True
    try:
        return CONSOLE_UNIT in Path(f"/proc/{peer.process}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return True
