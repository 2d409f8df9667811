"""A LAN in memory for sound: datagrams between addresses, delivered in the same instant."""

from __future__ import annotations

import random
import socket
from collections import deque
from dataclasses import dataclass, field
from typing import cast

Address = tuple[str, int]
HELD, MOST_HELD, TWICE = 0.3, 8, 0.1
"""When datagrams are shuffled: how often one waits, how many at most, how often one comes twice."""
KEPT = 64
"""Datagrams that wait for a reader, as a socket's buffer would keep them."""


@dataclass
class Lan:
    """Whoever is bound is reached; `lossy` loses what is sent, `shuffles` lets some datagrams wait
    for the next ones, and some arrive twice.
    """

    bound: dict[Address, VirtualSocket] = field(default_factory=dict)
    lossy: bool = False
    shuffles: random.Random | None = None
    _next: int = 16_000

    def deliver(self, target: VirtualSocket, datagram: tuple[bytes, Address]) -> None:
        """Let a datagram arrive, now or when the next one does."""
        dice = self.shuffles
        if dice is not None and dice.random() < HELD and len(target.held) < MOST_HELD:
            target.held.append(datagram)
            return
        copies = 2 if dice is not None and dice.random() < TWICE else 1
        target.waiting.extend([datagram] * copies)
        target.waiting.extend(target.held)
        target.held.clear()

    def bind(self, address: str) -> VirtualSocket:
        """Give a socket with an even port nobody had before."""
        self._next = 16_000 + (self._next - 16_000 + 2) % 40_000
        made = VirtualSocket(self, (address, self._next))
        self.bound[made.address] = made
        return made


@dataclass
class VirtualSocket:
    """As much of a UDP socket as a phone's leg uses."""

    lan: Lan
    address: Address
    waiting: deque[tuple[bytes, Address]] = field(default_factory=lambda: deque(maxlen=KEPT))
    held: list[tuple[bytes, Address]] = field(default_factory=list)

    def getsockname(self) -> Address:
        """Return where it is bound."""
        return self.address

    def sendto(self, data: bytes, where: Address) -> int:
        """Deliver a datagram; to nobody it goes nowhere."""
        target = self.lan.bound.get(where)
        if target is not None and not self.lan.lossy:
            self.lan.deliver(target, (data, self.address))
        return len(data)

    def recvfrom(self, size: int) -> tuple[bytes, Address]:
        """Return the oldest datagram; raises BlockingIOError when there is none."""
        if not self.waiting:
            raise BlockingIOError
        return self.waiting.popleft()

    def close(self) -> None:
        """Free the port."""
        self.lan.bound.pop(self.address, None)

    def as_socket(self) -> socket.socket:
        """Return it as what it stands for."""
        return cast("socket.socket", self)
