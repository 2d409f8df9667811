"""The real port servers without their processes: asked, born, obeying, killed in virtual time."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from appliance.modem import port_protocol as protocol
from appliance.modem.fork_server import PortServerStarted
from appliance.modem.port_server import PortServer
from appliance.simulator.exchange.outlet import Outlet
from tests.soak.ports import HostPort, VirtualPort, missing

LOOK_S = 0.5
"""How often a port server looks for a port that is not there (appliance.modem.port_server)."""


@dataclass
class Kept:
    """One port server and the outlet whose port it keeps; a wedged port lets it do nothing."""

    outlet: Outlet
    sock: socket.socket
    server: PortServer
    began: bool = False
    over: bool = False
    look_at: float = 0.0
    _readable: select.poll = field(default_factory=select.poll)

    def __post_init__(self) -> None:
        self._readable.register(self.sock, select.POLLIN)

    def step(self, now: float) -> None:
        """Do what the port server's own thread would have done by now."""
        if self.outlet.wedged or self.over:
            return
        if not self.began:
            self.began = True
            self.server._open()
        while not self.over and self._readable.poll(0):
            if message := self.sock.recv(protocol.MESSAGE_LIMIT):
                self.server._obey(protocol.decode_command(message))
            else:
                self.end()
        if self.server._waits and now >= self.look_at:
            self.look_at = now + LOOK_S
            self.server._look()

    def end(self) -> None:
        """End, by the media gateway's wish or by being killed."""
        if not self.over:
            self.over = True
            self.server._close()
            self.sock.close()


@dataclass
class VirtualForkServer:
    """Stand-in for `appliance.modem.fork_server.ForkServer`; `outlets` by path of their port."""

    outlets: Mapping[str, Outlet]
    kept: dict[str, Kept] = field(default_factory=dict)
    in_reaper: list[tuple[str, int]] = field(default_factory=list)
    _born: deque[PortServerStarted] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._wake, self._bell = socket.socketpair()
        self._wake.setblocking(False)

    def fileno(self) -> int:
        """Return what is readable when a port server was born."""
        return self._wake.fileno()

    def ask(self, line: str, path: str) -> bool:
        """Bear a port server; an older one of the same line is killed."""
        if line in self.kept:
            self.kept[line].end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        outlet = self.outlets[path]
        server = PortServer(theirs, path, opener(outlet))
        self.kept[line] = Kept(outlet, theirs, server)
        self._born.append(PortServerStarted(line, 0, ours))
        self._bell.send(b"x")
        return True

    def close_in_reaper(self, descriptor: int) -> bool:
        """Close a descriptor; that of a wedged port stays open until the port is itself again."""
        wedged = [path for path, outlet in self.outlets.items() if outlet.wedged]
        if wedged:
            self.in_reaper.append((wedged[0], descriptor))
        else:
            os.close(descriptor)
        return True

    def receive(self) -> PortServerStarted | None:
        """Return a port server that was born."""
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(100)
        return self._born.popleft() if self._born else None

    def step(self, now: float) -> None:
        """Let every port server do what it has to do."""
        for kept in self.kept.values():
            kept.step(now)
        for path, descriptor in tuple(self.in_reaper):
            if not self.outlets[path].wedged:
                self.in_reaper.remove((path, descriptor))
                os.close(descriptor)

    def close(self) -> None:
        """Die, and every port server with it."""
        for kept in self.kept.values():
            kept.end()
        for _, descriptor in self.in_reaper:
            os.close(descriptor)
        self.in_reaper.clear()
        for born in self._born:
            born.sock.close()
        self._wake.close()
        self._bell.close()


def opener(outlet: Outlet) -> Callable[[str], HostPort]:
    """Return how a port server opens this outlet's port."""

    def drop_dtr() -> None:
        if not outlet.ignore_dtr:
            outlet.station.modem.drop_dtr()

    def open_port(path: str) -> HostPort:
        if not isinstance(outlet.port, VirtualPort):
            raise missing(path)
        return HostPort(outlet.port, drop_dtr)

    return open_port
