"""The exchange's process: one loop over ports, the control socket and an absolute 10 ms tick."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from typing import TYPE_CHECKING

from appliance.exchange.controller import Controller
from appliance.exchange.outlet import BACKLOG_LIMIT_MS, Outlet
from appliance.exchange.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appliance.exchange.control import Message

TICK = 0.01
LATE = 0.05
"""Seconds late beyond which a tick is told apart: what lies ahead in a modem has run out soon."""
STALLS = 100
FORGIVEN = 5.0
"""Seconds late beyond which the clock starts anew: the machine slept."""


class Exchange:
    """Lines behind PTYs in a directory, and its control socket, until told to stop."""

    def __init__(self, outlets: Sequence[Outlet], listener: socket.socket) -> None:
        self.outlets = {outlet.station.number: outlet for outlet in outlets}
        self.stopping = False
        self.real_time = False
        self.ticks = 0
        self.worst_lateness = 0.0
        self._stalls: deque[tuple[int, float]] = deque(maxlen=STALLS)
        self._listener = listener
        self._peers: list[Peer] = []
        self._selector = selectors.SelectSelector()  # microseconds, where epoll waits whole ms
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._watched: dict[int, int] = {}

    def run(self) -> None:
        """Tick until `stopping`; lateness is measured from the moment a tick was due."""
        due = time.monotonic() + TICK
        while not self.stopping:
            for key, _ in self._selector.select(max(due - time.monotonic(), 0)):
                key.data()
            now = time.monotonic()
            if now - due > LATE:
                self._stalls.append((self.ticks, round((now - due) * 1000, 1)))
            if now - due > FORGIVEN:
                due = now
            while now >= due:
                self.worst_lateness = max(self.worst_lateness, now - due)
                self._tick(now)
                due += TICK

    def _tick(self, now: float) -> None:
        self.ticks += 1
        for outlet in self.outlets.values():
            outlet.tick(TICK, now)
            self._watch(outlet)
        for peer in tuple(self._peers):
            peer.controller.follow()
            if not peer.send():
                self._drop(peer)

    def _watch(self, outlet: Outlet) -> None:
        """Let the selector see a port while its modem reads commands."""
        number, port = outlet.station.number, outlet.port
        wanted = port.master if port and outlet.reads_commands else -1
        before = self._watched.get(number, -1)
        if wanted == before:
            return
        if before >= 0:
            self._selector.unregister(before)
        if wanted >= 0:
            self._selector.register(wanted, selectors.EVENT_READ, self._serve(outlet))
        self._watched[number] = wanted

    def _serve(self, outlet: Outlet) -> Callable[[], None]:
        def serve() -> None:
            outlet.serve(time.monotonic())
            if not outlet.port or not outlet.port.is_open or outlet.station.modem.streaming:
                self._unwatch(outlet)

        return serve

    def _unwatch(self, outlet: Outlet) -> None:
        fd = self._watched.pop(outlet.station.number, -1)
        if fd >= 0:
            self._selector.unregister(fd)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        peer = Peer(sock, Controller(self.outlets, self.status))
        self._peers.append(peer)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._receive(peer))

    def _receive(self, peer: Peer) -> None:
        for outlet in self.outlets.values():
            self._unwatch(outlet)  # a knob may close the port that is watched
        if not peer.receive() or not peer.send():
            self._drop(peer)

    def _drop(self, peer: Peer) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            peer.controller.hang_up()
            self._selector.unregister(peer.sock)
            peer.sock.close()

    def status(self) -> Message:
        """Give the figures of every line and of the clock, and whether the run has failed.

        `stalls` are the last ticks that came late: how many there were before, and ms.
        """
        lines = [outlet.report() for outlet in self.outlets.values()]
        late = [
            f"line {each.station.number}: backlog {each.greatest_backlog_ms:.0f} ms"
            for each in self.outlets.values()
            if each.greatest_backlog_ms > BACKLOG_LIMIT_MS
        ]
        return {
            "lines": lines,
            "ticks": self.ticks,
            "worst_lateness_ms": round(self.worst_lateness * 1000, 3),
            "stalls": [list(each) for each in self._stalls],
            "real_time": self.real_time,
            "failed": bool(late),
            "reasons": late,
        }

    def close(self) -> None:
        """Remove every port and close the control socket."""
        for peer in tuple(self._peers):
            self._drop(peer)
        for outlet in self.outlets.values():
            outlet.close()
        self._selector.close()
        self._listener.close()
