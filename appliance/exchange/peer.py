"""One client of the control socket: its bytes in and out, without ever waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from appliance.exchange.controller import Controller

READ_SIZE = 65_536
LONGEST_LINE = 1 << 20
LARGEST_BACKLOG = 1 << 24


class Peer:
    """A control connection: its socket, what came in, what must go out."""

    def __init__(self, sock: socket.socket, controller: Controller) -> None:
        self.sock = sock
        self.controller = controller
        self._inward = bytearray()
        self._outward = bytearray()

    def receive(self) -> bool:
        """Read and act; False when the client is gone."""
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._inward += data
        *lines, rest = self._inward.split(b"\n")
        self._inward = bytearray(rest)
        for line in lines:
            self.controller.receive_line(bytes(line))
        return bool(data) and len(rest) < LONGEST_LINE

    def send(self) -> bool:
        """Send what there is without waiting; False when the client is gone or never reads."""
        self._outward += self.controller.data_to_send()
        if not self._outward:
            return True
        try:
            sent = self.sock.send(self._outward)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False
        del self._outward[:sent]
        return len(self._outward) < LARGEST_BACKLOG
