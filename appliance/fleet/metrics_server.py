"""Answers Prometheus from a thread of its own: one selector, a few visitors at once, each briefly.

Whatever is asked, and however slowly or often: the thread that decides hands a frozen value over
once a second and never waits for it. What is told is written once for all who ask for it.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from appliance.fleet import metrics_http as http
from appliance.policy.supervision import why_not
from appliance.workers import Worker

if TYPE_CHECKING:
    from appliance.fleet.metrics_figures import Figures
    from appliance.policy.text import Words

VISITORS: Final = 8
"""Connections served at once; one more is turned away."""
PATIENCE_S: Final = 5.0
"""A visitor has so long for request and answer together: slow ones keep nobody out for long."""
RATE: Final = 40
"""Connections a second over all; a flood costs no more than accepting and closing them."""
TURN_S: Final = 1.0
RETRY_S: Final = 10.0
"""An address that the box does not have yet is tried again so often."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus's text format, as it has been since 2014."""

Network = IPv4Network | IPv6Network


@dataclass(slots=True, eq=False)
class _Visitor:
    """One connection: until when it may stay, what has come, what is still to be sent."""

    sock: socket.socket
    until: float
    heard: bytes = b""
    to_send: bytes = b""


class Server:
    """Serves `latest` (None: nothing to tell yet) at `address`, to `allowed` networks, () for all.

    `page` writes the figures; it is fetched by `load` in the thread itself. `on_trouble` hears, in
    the thread, why the address cannot be taken, None once it is.
    """

    def __init__(
        self,
        address: tuple[str, int],
        allowed: tuple[Network, ...],
        load: Callable[[], Callable[[Figures], bytes]],
        on_trouble: Callable[[Words | None], None],
        on_failure: Callable[[BaseException], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.latest: Figures | None = None
        self.port = 0
        """Where it listens, 0 for nowhere yet."""
        self._address, self._allowed = address, allowed
        self._load, self._on_trouble, self._clock = load, on_trouble, clock
        self._worker = Worker("metrics", self._turn, on_failure, end=self._close)
        self._visitors: list[_Visitor] = []
        self._arrivals: deque[float] = deque(maxlen=RATE)
        self._written: tuple[Figures | None, bytes] = (None, b"")
        self._page: Callable[[Figures], bytes] | None = None
        self._listening: socket.socket | None = None
        self._selector: selectors.BaseSelector = selectors.DefaultSelector()
        self._told: Words | None = None

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def stop(self, limit: float) -> None:
        """End the thread; raises Bug when it outlives `limit` s."""
        self._worker.stop(limit)

    @property
    def beat_at(self) -> float:
        """When the loop last turned (monotonic s)."""
        return self._worker.beat_at

    # --- the thread --------------------------------------------------------------------------

    def _turn(self) -> None:
        """Wait for something, TURN_S at most, and deal with it; first take the address."""
        if self._listening is None:
            self._listen()
            return
        for key, _ in self._selector.select(TURN_S):
            if key.fileobj is self._listening:
                self._arrive(self._listening)
            else:
                self._attend(key.data)
        now = self._clock()
        for visitor in [v for v in self._visitors if v.until <= now]:
            self._leave(visitor)

    def _listen(self) -> None:
        """Take the address, whenever the box has it."""
        try:
            listening = _listen(self._address)
        except OSError as error:
            if self._told != why_not(error):
                self._told = why_not(error)
                self._on_trouble(self._told)
            self._worker.stopping.wait(RETRY_S)
            return
        self._listening = listening
        self._selector.register(listening, selectors.EVENT_READ)
        self.port = listening.getsockname()[1]
        self._on_trouble(None)

    def _close(self) -> None:
        for visitor in list(self._visitors):
            self._leave(visitor)
        self._selector.close()
        if self._listening is not None:
            self._listening.close()

    def _arrive(self, listening: socket.socket) -> None:
        try:
            sock, peer = listening.accept()
        except OSError:  # gone again already, or no descriptor is left
            return
        now = self._clock()
        is_flood = len(self._arrivals) == RATE and now - self._arrivals[0] < 1.0
        if is_flood or len(self._visitors) >= VISITORS or not self._may(peer[0]):
            sock.close()
            return
        self._arrivals.append(now)
        sock.setblocking(False)
        visitor = _Visitor(sock, now + PATIENCE_S)
        self._visitors.append(visitor)
        self._selector.register(sock, selectors.EVENT_READ, visitor)

    def _may(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])
        return not self._allowed or any(address in network for network in self._allowed)

    def _attend(self, visitor: _Visitor) -> None:
        done = True  # also where answering fails: who asked is let go
        try:
            with contextlib.suppress(OSError):
                done = self._send(visitor) if visitor.to_send else self._hear(visitor)
        finally:
            if done:
                self._leave(visitor)

    def _hear(self, visitor: _Visitor) -> bool:
        data = visitor.sock.recv(http.LONGEST_HEAD + 1)
        visitor.heard += data
        code = http.judged(visitor.heard)
        if code is None:
            return not data
        is_head = visitor.heard.startswith(b"HEAD ")
        visitor.to_send = http.written(self._answer(code), is_head=is_head)
        self._selector.modify(visitor.sock, selectors.EVENT_WRITE, visitor)
        return False

    def _answer(self, code: int) -> http.Answer:
        figures = self.latest
        if code != 200:
            return http.Answer(code)
        if figures is None:
            return http.Answer(503)
        if self._page is None:
            self._page = self._load()
        if self._written[0] is not figures:
            self._written = (figures, self._page(figures))
        return http.Answer(200, self._written[1], CONTENT_TYPE)

    def _send(self, visitor: _Visitor) -> bool:
        sent = visitor.sock.send(visitor.to_send)
        visitor.to_send = visitor.to_send[sent:]
        if not visitor.to_send:
            visitor.sock.shutdown(socket.SHUT_WR)
        return not visitor.to_send

    def _leave(self, visitor: _Visitor) -> None:
        self._selector.unregister(visitor.sock)
        visitor.sock.close()
        self._visitors.remove(visitor)


def _listen(address: tuple[str, int]) -> socket.socket:
    """Take an address; raises OSError."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(VISITORS)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening
