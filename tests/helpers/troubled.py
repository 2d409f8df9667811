"""A network between one phone and the box that loses, delays and reorders what is sent: all of it.

    with Troubled(box_address, loss=0.2, jitter_s=0.2) as net:
        ...     # a phone whose server is net.where; the box sees it at the relay

Signalling and sound go through it, both ways: what phone and box say of their own addresses, and of
the ports at which they hear sound, is rewritten to the relay's. Each datagram is lost by chance, or
arrives after a delay of its own, so they come in any order.
"""

from __future__ import annotations

import heapq
import itertools
import random
import re
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_AUDIO = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
Address = tuple[str, int]


@dataclass
class Pair:
    """Two sockets that stand for each other's far end: what comes in at one leaves by the other."""

    phone_side: socket.socket
    box_side: socket.socket
    phone: Address | None = None
    box: Address | None = None

    def way(self, sock: socket.socket) -> tuple[socket.socket, Address | None]:
        """Return by which socket, and to whom, what came in at `sock` goes on."""
        if sock is self.phone_side:
            return self.box_side, self.box
        return self.phone_side, self.phone


@dataclass
class Counts:
    """What became of the datagrams."""

    passed: int = 0
    lost: int = 0
    late: float = 0.0


@dataclass
class Troubled:
    """Relays between one phone and the `box`. Phone and relay are at 127.0.0.1 and `host`, whose
    length is that of the phone's: no length of a message changes.
    """

    box: Address
    loss: float
    jitter_s: float
    host: str = "127.0.0.9"
    seed: int = 1
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._signals = self._pair()
        self._signals.box = self.box
        self._sound = self._pair()
        self._waiting: list[tuple[float, int, bytes, socket.socket, Address]] = []
        self._numbers = itertools.count()
        self._stopping, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._work)

    def _pair(self) -> Pair:
        return Pair(_bound(self.host), _bound(self.host))

    @property
    def where(self) -> Address:
        """Where the phone finds its server."""
        return _of(self._signals.phone_side)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wake.send(b"x")
        self._thread.join(5)
        for sock in (*self._sockets(), self._stopping, self._wake):
            sock.close()

    def _sockets(self) -> list[socket.socket]:
        pairs = (self._signals, self._sound)
        return [sock for pair in pairs for sock in (pair.phone_side, pair.box_side)]

    def _work(self) -> None:
        sockets = [*self._sockets(), self._stopping]
        while True:
            limit = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            ready, _, _ = select.select(sockets, [], [], limit)
            if self._stopping in ready:
                return
            for sock in ready:
                self._take(sock)
            self._send()

    def _take(self, sock: socket.socket) -> None:
        """Lose what has come, or let it wait for its time."""
        data, source = sock.recvfrom(65535)
        pair = self._signals if sock in self._sockets()[:2] else self._sound
        if sock is pair.phone_side:
            pair.phone = source
        elif pair is self._sound:
            pair.box = source
        if self._dice.random() < self.loss:
            self.counts.lost += 1
            return
        self.counts.passed += 1
        out, target = pair.way(sock)
        if pair is self._signals:
            data = self._rewritten(data, out, source)
        if target is not None:
            due = time.monotonic() + self._dice.uniform(0.0, self.jitter_s)
            heapq.heappush(self._waiting, (due, next(self._numbers), data, out, target))

    def _send(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            due, _, data, out, target = heapq.heappop(self._waiting)
            self.counts.late = max(self.counts.late, time.monotonic() - due)
            out.sendto(data, target)

    def _rewritten(self, data: bytes, out: socket.socket, source: Address) -> bytes:
        """Put the relay where phone or box name themselves, and where they hear sound."""
        to_phone = out is self._signals.phone_side
        data = data.replace(_text(self.box if to_phone else source), _text(_of(out)))
        if to_phone:  # the other way, a digest over our name must stay right
            own = _text(_of(self._signals.box_side))
            data = data.replace(own, _text(self._signals.phone or source))
        heard = _AUDIO.search(data)
        return self._sound_here(data, heard, to_phone) if heard else data

    def _sound_here(self, data: bytes, heard: re.Match[bytes], to_phone: bool) -> bytes:
        port = int(heard[1])
        if to_phone:
            self._sound.box = (self.box[0], port)
            ours, theirs = self._sound.phone_side, self.box[0]
        else:
            self._sound.phone = ("127.0.0.1", port)
            ours, theirs = self._sound.box_side, "127.0.0.1"
        head, _, body = data.partition(b"\r\n\r\n")
        body = body.replace(b"m=audio %d " % port, b"m=audio %d " % _of(ours)[1])
        body = body.replace(b"IP4 " + theirs.encode(), b"IP4 " + self.host.encode())
        head = re.sub(rb"(?im)^(Content-Length|l): *\d+", b"Content-Length: %d" % len(body), head)
        return head + b"\r\n\r\n" + body


def _bound(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    return sock


def _of(sock: socket.socket) -> Address:
    host, port = sock.getsockname()
    return host, port


def _text(address: Address) -> bytes:
    return f"{address[0]}:{address[1]}".encode()
