"""The socket of the window: one selector, a few visitors at once, each for a few seconds."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from appliance.policy.text import Refused, Words
from appliance.provisioning import http
from appliance.provisioning.window import Window

PORT = 5080
"""TCP; above 1023, so that the service's user may open it. The QR codes name it."""
VISITORS = 16
"""Connections served at once; one more is turned away."""
PATIENCE = 5.0
"""Seconds that a visitor has for request and answer together."""
RATE = 20
"""Connections a second over all; a flood costs no more than accepting and closing them."""
ARP = Path("/proc/net/arp")
WHY_NOT = {
    errno.EADDRINUSE: "another program has that port, perhaps another `centralino phones serve`",
    errno.EADDRNOTAVAIL: "the box does not have this address: give another --address",
}


def hardware_of(host: str, table: str) -> str:
    """Return the hardware address of a host in the kernel's table (proc(5)), "" for unknown."""
    for row in table.splitlines()[1:]:
        cells = row.split()
        if len(cells) >= 4 and cells[0] == host and cells[2] != "0x0":
            return cells[3].replace(":", "").lower()
    return ""


@dataclass(slots=True, eq=False)
class Visitor:
    """One connection: who, until when, what has come, what is still to be sent."""

    sock: socket.socket
    host: str
    until: float
    heard: bytes = b""
    to_send: bytes = b""


@dataclass(slots=True)
class Server:
    """Serves `window` at `address`; `say` hears what happens, `clock` is monotonic."""

    address: tuple[str, int]
    window: Window
    say: Callable[[Words], None]
    arp: Path = ARP
    clock: Callable[[], float] = time.monotonic
    _visitors: list[Visitor] = field(default_factory=list)
    _arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=RATE))
    _listening: socket.socket = field(init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        self._listening = _listen(self.address)
        self.address = self._listening.getsockname()
        self._selector.register(self._listening, selectors.EVENT_READ)

    def turn(self, longest: float) -> None:
        """Wait for something, `longest` seconds at most, and deal with it."""
        for key, _ in self._selector.select(longest):
            if key.fileobj is self._listening:
                self._arrive()
            else:
                self._attend(key.data)
        for visitor in [v for v in self._visitors if v.until <= self.clock()]:
            self._leave(visitor)

    def close(self) -> None:
        """Let everybody go."""
        for visitor in list(self._visitors):
            self._leave(visitor)
        self._selector.close()
        self._listening.close()

    def _arrive(self) -> None:
        try:
            sock, (host, _) = self._listening.accept()
        except OSError:  # gone again already, or no descriptor is left
            return
        now = self.clock()
        is_flood = len(self._arrivals) == RATE and now - self._arrivals[0] < 1.0
        if is_flood or len(self._visitors) >= VISITORS:
            sock.close()
            return
        self._arrivals.append(now)
        sock.setblocking(False)
        visitor = Visitor(sock, host, now + PATIENCE)
        self._visitors.append(visitor)
        self._selector.register(sock, selectors.EVENT_READ, visitor)

    def _attend(self, visitor: Visitor) -> None:
        try:
            done = self._send(visitor) if visitor.to_send else self._hear(visitor)
        except OSError:
            done = True
        if done:
            self._leave(visitor)

    def _hear(self, visitor: Visitor) -> bool:
        data = visitor.sock.recv(http.LONGEST_HEAD)
        visitor.heard += data
        request = http.read(visitor.heard)
        if request is None:
            return not data
        visitor.to_send = self._answer(visitor, request)
        self._selector.modify(visitor.sock, selectors.EVENT_WRITE, visitor)
        return False

    def _answer(self, visitor: Visitor, request: http.Request) -> bytes:
        if request.code != 200:
            return http.write(request.code, b"", "text/plain")
        hardware = hardware_of(visitor.host, self._table())
        answer = self.window.answer(request.path, visitor.host, hardware, self.clock())
        if answer.said.en:
            self.say(answer.said)
        return http.write(answer.code, answer.body, answer.content_type, is_head=request.is_head)

    def _table(self) -> str:
        try:
            return self.arp.read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""

    def _send(self, visitor: Visitor) -> bool:
        sent = visitor.sock.send(visitor.to_send)
        visitor.to_send = visitor.to_send[sent:]
        return not visitor.to_send

    def _leave(self, visitor: Visitor) -> None:
        self._selector.unregister(visitor.sock)
        visitor.sock.close()
        self._visitors.remove(visitor)


def _listen(address: tuple[str, int]) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        why = WHY_NOT.get(error.errno or 0, error.strerror or str(error))
        where = f"{address[0]}:{address[1]}"
        raise Refused(
            f"i file dei telefoni non si possono servire a {where}: {why}",
            f"phones cannot be served at {where}: {why}",
        ) from error
    listening.listen(VISITORS)
    listening.setblocking(False)
    return listening
