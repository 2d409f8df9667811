"""A town's network: every site a LAN of its own, a router between them, and links that break.

    with Lans({"proxy": "192.168.10.5", "porto": "192.168.20.10"}) as lans:
        lans.at("porto", start_something)  # what is started there stays there
        lans.plug("porto", into=False)  # the site is cut off; others get ICMP from the router

Each site is a network namespace (needs root), its one host at the address given, in a /24 whose
first address is the router's. Control sockets lie in the file system, so the test reaches them.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final, Self, TypeVar

from tests.faults.disk import run
from tests.faults.needs import require
from tests.faults.network import ALONE, await_network, beside

T = TypeVar("T")

IPV4: Final = 0x0800
"""ETH_P_IP (linux/if_ether.h)."""
OUTGOING: Final = 4
"""PACKET_OUTGOING (linux/if_packet.h): what the router has seen arrive already."""
UDP: Final = 17
LOOK_S: Final = 0.2


@dataclass
class Lans:
    """The network of a town: `sites` are names and addresses."""

    sites: Mapping[str, str]
    _pids: dict[str, int] = field(default_factory=dict)
    _router: int = 0
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        require("unshare", root=True)
        with contextlib.ExitStack() as stack:
            self._router = stack.enter_context(_namespace())
            within(self._router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
            for name, address in self.sites.items():
                self._pids[name] = stack.enter_context(_namespace())
                self._join(name, address)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _join(self, name: str, address: str) -> None:
        """Lay the cable from the router to a site."""
        site, router = self._pids[name], self._router
        gate = f"{address.rpartition('.')[0]}.1"
        cable = ("type", "veth", "peer", "name", "lan", "netns", str(site))
        within(router, "ip", "link", "add", name, *cable)
        within(router, "ip", "address", "add", f"{gate}/24", "dev", name)
        within(router, "ip", "link", "set", name, "up")
        within(site, "ip", "link", "set", "lo", "up")
        within(site, "ip", "address", "add", f"{address}/24", "dev", "lan")
        within(site, "ip", "link", "set", "lan", "up")
        within(site, "ip", "route", "add", "default", "via", gate)

    def at(self, site: str, act: Callable[[], T]) -> T:
        """Do something at a site: sockets and processes that it makes belong there."""
        return beside(self._pids[site], act)

    def plug(self, site: str, *, into: bool) -> None:
        """Put the cable of a site into the router, or pull it out."""
        within(self._router, "ip", "link", "set", site, "up" if into else "down")

    @contextlib.contextmanager
    def pulled(self, site: str) -> Iterator[None]:
        """Leave a site without its cable until the block ends."""
        self.plug(site, into=False)
        try:
            yield
        finally:
            self.plug(site, into=True)

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[Seen]]:
        """Collect the INVITEs that pass the router; the list is whole once the block has ended."""
        wire = beside(self._router, _tap)
        seen: list[Seen] = []
        over = Event()
        reader = Thread(target=_read, args=(wire, seen, over), name="wire")
        reader.start()
        try:
            yield seen
        finally:
            over.set()
            reader.join()
            wire.close()


@dataclass(frozen=True)
class Seen:
    """An INVITE on its way: addresses of sender and receiver, and what it says."""

    source: str
    target: str
    text: str


def within(pid: int, *command: str) -> None:
    """Run a command on the network of a process."""
    run("nsenter", "-t", str(pid), "-n", *command)


@contextlib.contextmanager
def _namespace() -> Iterator[int]:
    """Yield a process on a network of its own."""
    with subprocess.Popen([*ALONE, "sleep", "3600"]) as holder:
        try:
            await_network(holder.pid)
            yield holder.pid
        finally:
            holder.kill()


def _tap() -> socket.socket:
    """Listen to everything that the router forwards."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4))
    made.settimeout(LOOK_S)
    return made


def _read(wire: socket.socket, seen: list[Seen], over: Event) -> None:
    """Collect until the end is wished for, and then what has arrived before it."""
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            _note(wire, seen)
    wire.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            _note(wire, seen)


def _note(wire: socket.socket, seen: list[Seen]) -> None:
    """Take one packet; only an INVITE that arrives at the router is kept."""
    packet, where = wire.recvfrom(65535)
    text = packet[(packet[0] & 0xF) * 4 + 8 :]
    if where[2] != OUTGOING and packet[9] == UDP and text.startswith(b"INVITE "):
        source, target = (socket.inet_ntoa(packet[at : at + 4]) for at in (12, 16))
        seen.append(Seen(source, target, text.decode(errors="replace")))
