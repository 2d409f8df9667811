"""Ports and loopback addresses of this process alone, for tests that run side by side.

Workers of pytest-xdist, other runs of pytest and programmes that a test starts each take a number
that nobody else on this machine has, and with it some ports and a network of addresses. The ports
lie below those that the kernel gives to whoever names none, so that no port chosen here is taken
between its choice and its use.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket
from collections.abc import Iterator
from functools import cache
from typing import Final

FIRST_PORT: Final = 23_000
PORTS_EACH: Final = 400
NUMBERS: Final = 24
"""The last port is 32,599; the kernel gives 32,768 and up (ip_local_port_range)."""
FIRST_NETWORK: Final = 101
"""127.101.x.y to 127.124.x.y."""

_holders: list[socket.socket] = []
"""What a forked process inherits with a number that stays its parent's."""


def free_port(address: str) -> int:
    """Return a port that is free for UDP and TCP; nobody else chooses it while it may be used."""
    return free_ports(address, 1)


def free_ports(address: str, count: int) -> int:
    """Return the first, an even one, of `count` such ports in a row; of one alone any."""
    first, places = _place(os.getpid())
    for at in itertools.islice(places, PORTS_EACH):
        ports = range(first + at, first + at + count)
        is_in_place = at + count <= PORTS_EACH and (count == 1 or ports[0] % 2 == 0)
        if is_in_place and all(_is_free(address, port) for port in ports):
            for _ in ports[1:]:
                next(places)
            return ports[0]
    raise RuntimeError(f"no {count} ports are free on {address}")


def own_address() -> str:
    """Return an address of the loopback network, another one each time (127.x.y.1)."""
    first, _ = _place(os.getpid())
    number = (first - FIRST_PORT) // PORTS_EACH
    return f"127.{FIRST_NETWORK + number}.{next(_hosts(os.getpid()))}.1"


@cache
def _place(process: int) -> tuple[int, Iterator[int]]:
    """Take a number, as long as this process lives; returns its first port and a circle of all."""
    for number in range(NUMBERS):
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            holder.bind(f"\0centralino-tests-{number}")
            _holders.append(holder)
            return FIRST_PORT + PORTS_EACH * number, _circle(range(PORTS_EACH))
        holder.close()
    raise RuntimeError(f"{NUMBERS} processes of tests use ports already; {process} finds none")


@cache
def _hosts(_process: int) -> Iterator[int]:
    return _circle(range(1, 251))


def _circle(numbers: range) -> Iterator[int]:
    """Go round and round, from anywhere: a run that was killed may have left processes behind."""
    first = random.SystemRandom().randrange(len(numbers))
    return itertools.cycle([*numbers[first:], *numbers[:first]])


def _is_free(address: str, port: int) -> bool:
    """Tell whether nobody has bound a port."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            # as a server does: what a closed connection has left does not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
