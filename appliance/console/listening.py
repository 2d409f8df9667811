"""Sockets that bound who connects before anything is said, TLS included.

uvicorn and asyncio count a connection once its handshake is done, and wait a minute for that: one
machine of the LAN could take every descriptor and the memory of the box. What is too much is let
go as it is accepted; who has not shaken hands in time is hung up on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from typing import Any, Final

from appliance.errors import TechnicianError

OPEN: Final = 400
"""Connections at most, of all addresses; above what is served at once (process.py)."""
OPEN_OF_ONE: Final = 150
"""Connections of one address at most: no machine of the LAN alone keeps all others out."""
HANDSHAKE_S: Final = 10.0
"""How long TLS may take to begin; a slow phone over a bad network takes 2."""


class Accepted(socket.socket):
    """A connection that is counted until it is closed; `is_ready` once its handshake is done."""

    is_ready = False
    _counted: Listening | None = None
    _host = ""

    def count(self, listening: Listening, host: str) -> None:
        """Be counted, until closed."""
        self._counted, self._host = listening, host
        listening.open_of[host] += 1

    def close(self) -> None:
        """Close, and be counted no more."""
        counted, self._counted = self._counted, None
        if counted is not None:
            counted.open_of[self._host] -= 1
            if not counted.open_of[self._host]:
                del counted.open_of[self._host]
        super().close()

    def hang_up_unless_ready(self) -> None:
        """End a connection on which nobody has shaken hands."""
        if not self.is_ready and self._counted is not None:
            with contextlib.suppress(OSError):
                self.shutdown(socket.SHUT_RDWR)


class Listening(socket.socket):
    """A listening socket; `open_of` counts the connections of each address."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.open_of: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        """Take the next connection; raises ConnectionAbortedError for one that is too much."""
        plain, address = super().accept()
        taken = Accepted(plain.family, plain.type, plain.proto, fileno=plain.detach())
        host = str(address[0])
        if self.open_of[host] >= OPEN_OF_ONE or self.open_of.total() >= OPEN:
            taken.close()
            raise ConnectionAbortedError("too many connections")
        taken.count(self, host)
        asyncio.get_running_loop().call_later(HANDSHAKE_S, taken.hang_up_unless_ready)
        return taken, address


def ready(transport: asyncio.BaseTransport) -> None:
    """Note that the handshake of a connection is done."""
    shown = transport.get_extra_info("socket")
    taken = getattr(shown, "_sock", shown)  # asyncio wraps it
    if isinstance(taken, Accepted):
        taken.is_ready = True


def listen(address: str, port: int) -> socket.socket:
    """Listen; raises TechnicianError with what to do."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # the protocol by its name: asyncio turns Nagle's delay of 40 ms off for that one alone
    listening = Listening(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise TechnicianError(
            f"the console cannot listen on {address} port {port} ({error.strerror}): another "
            "service may use it, or it may need a right; change console.listen or console.port"
        ) from error
    return listening
