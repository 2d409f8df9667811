"""SIP transport: the `sip` thread with its UDP socket, TCP connections and their framing.

The only clock and the only sockets of the package. Nothing here blocks: not a phone that is silent,
not a LAN that is gone, not an address that is not there yet. UDP is served first, and a fault of
what serves TCP ends TCP alone.
"""

from __future__ import annotations

import errno
import logging
import re
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

from appliance.calls.events import Event
from appliance.errors import PeerError
from appliance.sip.endpoint import (
    BURST,
    RATE,
    STRANGERS_BURST,
    STRANGERS_RATE,
    Endpoint,
    TokenBucket,
)
from appliance.sip.message import LIMIT, TcpPeer, body_length
from appliance.sip.rtp import Address
from appliance.workers import Worker

# ---- framing -----------------------------------------------------------------------------------
# SIP over a stream (RFC 3261 18.3): where one message ends and the next begins; no socket here.

PING, PONG = b"\r\n\r\n", b"\r\n"
"""A keep-alive between two messages, and what it is answered with (RFC 5626 4.4.1)."""
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SKIPPED = b"\r\n\0"
_LONGEST_BLANK = 4


class BrokenStream(PeerError):  # noqa: N818 - it says what the stream is
    """Raised where a stream can be read no further: no boundary can be told any more."""


@dataclass(slots=True)
class Framer:
    """Cuts a stream into messages, however its bytes arrive.

    Holds one message and one reading at most: who feeds it asks `next` first. A message without
    Content-Length has no body.
    """

    _buffer: bytearray = field(default_factory=bytearray)
    _searched: int = 0
    _whole: int = 0

    @property
    def is_midway(self) -> bool:
        """True while a message has begun and not ended."""
        return bool(self._buffer.strip(_SKIPPED))

    def feed(self, data: bytes) -> None:
        """Take the bytes that have come."""
        self._buffer += data

    def next(self) -> bytes | None:
        """Return the next message, or PING; None until more has come. Raises Broken."""
        while self._buffer and self._buffer[0] in _SKIPPED:
            if self._buffer.startswith(PING):
                del self._buffer[: len(PING)]
                return PING
            if PING.startswith(self._buffer):
                return None
            del self._buffer[0]
        if not self._buffer or not self._is_whole():
            return None
        message = bytes(self._buffer[: self._whole])
        del self._buffer[: self._whole]
        self._searched = self._whole = 0
        return message

    def _is_whole(self) -> bool:
        if not self._whole:
            self._whole = self._measured()
        return 0 < self._whole <= len(self._buffer)

    def _measured(self) -> int:
        """Return the length of the first message, 0 while its head is not whole."""
        if not self._buffer[:1].isalpha():
            raise BrokenStream("a phone talks nonsense: no SIP message begins so")
        found = _BLANK_LINE.search(self._buffer, self._searched)
        if found is None:
            self._searched = max(0, len(self._buffer) - _LONGEST_BLANK + 1)
            whole, length = 0, 0
        else:
            length = body_length(bytes(self._buffer[: found.start()]))
            whole = found.end() + max(length, 0)
        if length < 0 or max(whole, len(self._buffer) if not whole else 0) > LIMIT:
            raise BrokenStream("a phone talks nonsense: a message without end")
        return whole


# ---- connections -------------------------------------------------------------------------------
# TCP beside the UDP socket: a listener, the connections of phones, and limits for strangers.
#
# Nothing here blocks, and no peer is waited for: what it does not take is kept within limits, then
# it is let go. A fault in one connection ends that connection; strangers make room for one another
# only. Who has said least is heard first, so that whoever talks much keeps nobody out.

log = logging.getLogger(__name__)

READ = 4096
"""Bytes read of one connection in a turn."""
MESSAGES_A_TURN = 8
ACCEPTS_A_TURN = 4
ACCEPT_RATE, ACCEPT_BURST = 20.0, 40.0
"""Connections taken in a second, and at once; more wait in the kernel's short queue, or nowhere."""
BACKLOG = 16
MOST_UNPROVEN = 32
MOST_OF_A_HOST = 24
"""Connections over which no phone has proven itself: all of them, and those of one host, which may
be the base of twenty handsets. When there are more, the oldest of whoever has most is closed: to
register takes a phone some milliseconds."""
UNPROVEN_S = 30.0
"""So long may one stay: before a phone has registered over it, and after its registration."""
UNPROVEN_BYTES = 65_536
"""A REGISTER with its password is a fiftieth of it."""
UNPROVEN_PAUSE = 0.05
"""Seconds between two readings of one, so that single bytes are no work."""
MIDWAY_S = 10.0
"""A message that has begun is whole in so many seconds, or never."""
WAITING_BYTES = 65_536
WAITING_S = 10.0
"""So much, and for so long, waits for a peer that takes nothing."""
PAUSE = 0.1
"""Seconds until somebody who has talked too much is heard again."""
AGAIN = 1.0
"""Seconds until a connection that could not be taken is tried again."""
DSCP_CS3 = 0x60
"""Call signalling (RFC 4594 2.3) in the TOS byte."""
PROBE_AFTER_S, PROBE_EVERY_S, PROBES = 30, 10, 3
"""A peer that has lost its power without a word is asked for by the kernel (SO_KEEPALIVE)."""


class MessageReceiver(Protocol):
    """What connections bring their messages to (the endpoint)."""

    def receive(self, datagram: bytes, source: Address, now: float) -> bool:
        """Take a message; False for what is no SIP."""

    def opened(self, stream: TcpPeer) -> None:
        """Take a new connection."""

    def closed(self, stream: TcpPeer, now: float) -> None:
        """Take the end of one."""

    def proven(self) -> set[TcpPeer]:
        """Return the connections over which a phone has proven itself."""

    def is_heard(self, host: str) -> bool:
        """Tell whether this host may connect at all."""


@dataclass(slots=True, eq=False)
class TcpConnection:
    """One connection (times in monotonic s). `waiting` is a message that was read and not taken."""

    sock: socket.socket
    stream: TcpPeer
    proven_at: float
    bucket: TokenBucket
    is_proven: bool = False
    framer: Framer = field(default_factory=Framer)
    out: bytearray = field(default_factory=bytearray)
    waiting: bytes | None = None
    heard: int = 0
    unproven: int = 0
    read_at: float = 0.0
    speak_at: float = 0.0
    midway_at: float | None = None
    stuck_at: float | None = None
    mask: int = 0

    def wanted(self, now: float) -> int:
        """Return what to wait for: room for what is to be sent, bytes where they can be taken."""
        may_read = self.waiting is None and self.read_at <= now
        return (selectors.EVENT_READ if may_read else 0) | (
            selectors.EVENT_WRITE if self.out else 0
        )

    def ends_at(self) -> float:
        """Return when it is closed, should nothing change."""
        times = [] if self.is_proven else [self.proven_at + UNPROVEN_S]
        times += [self.midway_at + MIDWAY_S] if self.midway_at is not None else []
        times += [self.stuck_at + WAITING_S] if self.stuck_at is not None else []
        return min(times, default=float("inf"))


class TcpConnections:
    """All of them. `selector` is readable when there is something to do: it is another's member."""

    def __init__(self) -> None:
        self.selector = selectors.EpollSelector()
        self.refused = 0
        self._by_stream: dict[TcpPeer, TcpConnection] = {}
        self._listener: socket.socket | None = None
        self._is_listening = False
        self._accepts = TokenBucket(ACCEPT_BURST, 0.0)
        self._strangers = TokenBucket(STRANGERS_BURST, 0.0)
        self._accept_at: float | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._by_stream)

    @property
    def is_open(self) -> bool:
        """True while connections are taken."""
        return self._listener is not None

    def open(self, address: Address) -> None:
        """Listen. Raises OSError."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._listen(wanted=True)

    def close(self, office: MessageReceiver, now: float) -> None:
        """Let go of everybody, and listen no more."""
        if self._listener is not None:
            self._listen(wanted=False)
            self._listener.close()
            self._listener = self._accept_at = None
        for connection in list(self._by_stream.values()):
            self._drop(connection, office, now)

    def next_deadline(self, now: float) -> float | None:
        """Return when `serve` is next needed (monotonic s), None for never."""
        times = [self._accept_at] if self._accept_at is not None else []
        for one in self._by_stream.values():
            times.append(one.ends_at())
            if one.waiting is not None:
                times.append(one.speak_at)
            elif one.read_at > now:
                times.append(one.read_at)
        return min(times, default=None)

    def serve(self, office: MessageReceiver, now: float) -> None:
        """Do everything that can be done now."""
        for key, events in self.selector.select(0):
            if key.data is None:
                self._accept(office, now)
            elif key.data.stream in self._by_stream:  # else it was dropped a moment ago
                self._ready(key.data, events, office, now)
        self._hear(office, now)
        self._tidy(office, now)

    def send(self, stream: TcpPeer, data: bytes, office: MessageReceiver, now: float) -> bool:
        """Send, or keep for later; False where there is no such connection any more."""
        connection = self._by_stream.get(stream)
        if connection is None:
            return False
        self._put(connection, data, office, now)
        return True

    # --- who may connect --------------------------------------------------------------------------

    def _accept(self, office: MessageReceiver, now: float) -> None:
        assert self._listener is not None
        for _ in range(ACCEPTS_A_TURN):
            if not self._accepts.take(ACCEPT_RATE, ACCEPT_BURST, now):
                self._pause(now + 1.0 / ACCEPT_RATE)
                return
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                self._accepts.tokens += 1.0  # nobody was there to be counted
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no file descriptor is left, for one
                log.warning("a phone's connection cannot be taken: %s", error)
                self._pause(now + AGAIN)
                return
            self._take(sock, TcpPeer((address[0], address[1])), office, now)

    def _take(
        self, sock: socket.socket, stream: TcpPeer, office: MessageReceiver, now: float
    ) -> None:
        """Keep a new connection, at the cost of the oldest strangers' if need be."""
        if stream in self._by_stream or not office.is_heard(stream[0]):
            self.refused += 1
            sock.close()
            return
        try:
            _set_up(sock)
        except OSError:  # it is gone again
            sock.close()
            return
        self._make_room(stream[0], office, now)
        made = TcpConnection(sock, stream, now, TokenBucket(BURST[False], now))
        self._by_stream[stream] = made
        office.opened(stream)
        self._watch(made, now)

    def _make_room(self, host: str, office: MessageReceiver, now: float) -> None:
        """Close the oldest stranger's connection of `host`, or of whoever has most, if need be."""
        strangers = [one for one in self._by_stream.values() if not one.is_proven]
        hosts = Counter(one.stream[0] for one in strangers)
        if hosts[host] < MOST_OF_A_HOST:
            if len(strangers) < MOST_UNPROVEN:
                return
            host = hosts.most_common(1)[0][0]
        self.refused += 1
        here = (one for one in strangers if one.stream[0] == host)
        self._drop(min(here, key=lambda one: one.proven_at), office, now)

    def _pause(self, until: float) -> None:
        self._accept_at = until
        self._listen(wanted=False)

    def _listen(self, *, wanted: bool) -> None:
        assert self._listener is not None
        if wanted and not self._is_listening:
            self.selector.register(self._listener, selectors.EVENT_READ)
        elif self._is_listening and not wanted:
            self.selector.unregister(self._listener)
        self._is_listening = wanted

    # --- one connection ---------------------------------------------------------------------------

    def _ready(
        self, connection: TcpConnection, events: int, office: MessageReceiver, now: float
    ) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush(connection, office, now)
        if events & selectors.EVENT_READ and connection.stream in self._by_stream:
            self._read(connection, office, now)

    def _read(self, connection: TcpConnection, office: MessageReceiver, now: float) -> None:
        try:
            data = connection.sock.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not connection.is_proven:
            connection.unproven += len(data)
            connection.read_at = now + UNPROVEN_PAUSE
        if not data or connection.unproven > UNPROVEN_BYTES:
            self._drop(connection, office, now)
            return
        connection.framer.feed(data)
        self._cut(connection, office, now)

    def _cut(self, connection: TcpConnection, office: MessageReceiver, now: float) -> None:
        """Look for the next message."""
        try:
            connection.waiting = connection.framer.next()
        except BrokenStream as broken:
            log.info("%s: %s", connection.stream[0], broken)
            self._drop(connection, office, now)
            return
        is_midway = connection.waiting is None and connection.framer.is_midway
        if not is_midway:
            connection.midway_at = None
        elif connection.midway_at is None:
            connection.midway_at = now

    def _hear(self, office: MessageReceiver, now: float) -> None:
        """Take one message of each that has one, those who have said least first."""
        ready = [
            one
            for one in self._by_stream.values()
            if one.waiting is not None and one.speak_at <= now
        ]
        for one in sorted(ready, key=lambda one: one.heard)[:MESSAGES_A_TURN]:
            if self._may_speak(one, now):
                self._hear_one(one, office, now)
            else:
                one.speak_at = now + PAUSE

    def _may_speak(self, one: TcpConnection, now: float) -> bool:
        """Measure each, and all strangers together, as the sluice does with datagrams."""
        if not one.bucket.take(RATE[one.is_proven], BURST[one.is_proven], now):
            return False
        return one.is_proven or self._strangers.take(STRANGERS_RATE, STRANGERS_BURST, now)

    def _hear_one(self, connection: TcpConnection, office: MessageReceiver, now: float) -> None:
        message, connection.waiting = connection.waiting, None
        connection.heard += 1
        assert message is not None
        if message == PING:
            self._put(connection, PONG, office, now)
        elif not self._understood(message, connection, office, now):
            self._drop(connection, office, now)
        if connection.stream in self._by_stream:
            self._cut(connection, office, now)

    def _understood(
        self, message: bytes, connection: TcpConnection, office: MessageReceiver, now: float
    ) -> bool:
        try:
            return office.receive(message, connection.stream, now)
        except Exception:
            log.exception("a message over TCP has failed; its connection is closed")
            return False

    def _put(
        self, connection: TcpConnection, data: bytes, office: MessageReceiver, now: float
    ) -> None:
        connection.out += data
        if len(connection.out) > WAITING_BYTES:
            self._drop(connection, office, now)
        else:
            self._flush(connection, office, now)

    def _flush(self, connection: TcpConnection, office: MessageReceiver, now: float) -> None:
        """Send what the peer takes; the rest waits for it, not for ever."""
        try:
            sent = connection.sock.send(connection.out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(connection, office, now)
            return
        del connection.out[:sent]
        if not connection.out:
            connection.stuck_at = None
        elif sent or connection.stuck_at is None:
            connection.stuck_at = now
        self._watch(connection, now)

    def _tidy(self, office: MessageReceiver, now: float) -> None:
        """Close whoever has had its time, and wait for what can be taken of the others."""
        if self._accept_at is not None and self._accept_at <= now and self._listener:
            self._accept_at = None
            self._listen(wanted=True)
        proven = office.proven()
        for connection in list(self._by_stream.values()):
            connection.is_proven = connection.stream in proven
            if connection.is_proven:
                connection.proven_at, connection.unproven, connection.read_at = now, 0, 0.0
            if connection.ends_at() <= now:
                self._drop(connection, office, now)
            else:
                self._watch(connection, now)

    def _watch(self, connection: TcpConnection, now: float) -> None:
        wanted = connection.wanted(now)
        if wanted == connection.mask:
            return
        if not wanted:
            self.selector.unregister(connection.sock)
        elif connection.mask:
            self.selector.modify(connection.sock, wanted, connection)
        else:
            self.selector.register(connection.sock, wanted, connection)
        connection.mask = wanted

    def _drop(self, connection: TcpConnection, office: MessageReceiver, now: float) -> None:
        """Close a connection, and tell what hung by it."""
        if self._by_stream.pop(connection.stream, None) is None:
            return
        if connection.mask:
            self.selector.unregister(connection.sock)
            connection.mask = 0
        connection.sock.close()
        office.closed(connection.stream, now)


def _set_up(sock: socket.socket) -> None:
    """Set what the kernel is to do. Raises OSError."""
    sock.setblocking(False)
    for level, option, value in _options():
        sock.setsockopt(level, option, value)


def _options() -> Iterator[tuple[int, int, int]]:
    yield socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    yield socket.IPPROTO_IP, socket.IP_TOS, DSCP_CS3
    yield socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
    yield socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_AFTER_S
    yield socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY_S
    yield socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES
    yield socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(WAITING_S * 1000)


ANY = "0.0.0.0"  # noqa: S104 - every LAN address, when the office says so
LONGEST_WAIT = 1.0
"""Seconds: the thread turns at least this often, so that a watchdog can tell it lives."""
LONGEST_PAUSE = 0.2
"""Seconds between turns that fail one after the other: phones are still served in each."""
RETRY = 2.0
"""Seconds until an address that could not be bound is tried again."""
NEVER = float("inf")
FAULT = "SIP over TCP is switched off by a fault of the program: restart it, and send its journal"
LINGER = 1.0
"""Seconds that a stopping thread waits for phones to answer its BYEs."""
DATAGRAMS_A_TURN = 50
LARGEST = 65_535


IP_RECVERR = 11
"""linux/in.h: ICMP errors are queued with the address that they are about."""
MSG_ERRQUEUE = 0x2000
UNREACHABLE = {
    errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EACCES,
    errno.EPERM, errno.EINVAL,
}  # fmt: skip
"""Sending fails so for as long as nobody acts; a full buffer, by contrast, empties itself."""
WHY_NOT = {
    errno.EADDRINUSE: "another program has it: stop that one, or change sip.port",
    errno.EADDRNOTAVAIL: "the box does not have this address: check the cable and sip.address",
    errno.EACCES: "it is not allowed: take a port above 1023",
}

Job = Callable[[float], None]


class SipThread:
    """Drives an endpoint. `on_event` and `after_turn` are called in the thread."""

    def __init__(
        self,
        address: Address,
        on_event: Callable[[Event], None],
        after_turn: Callable[[], None],
        on_failure: Callable[[BaseException], None] | None = None,
        *,
        tcp: bool = True,
    ) -> None:
        self.address = address
        self.trouble = ""
        self.tcp_trouble = ""
        self.connections = TcpConnections()
        self.listening = threading.Event()
        self.endpoint: Endpoint | None = None
        self._on_event = on_event
        self._after_turn = after_turn
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._socket: socket.socket | None = None
        self._retry_at = 0.0
        self._tcp_at = 0.0 if tcp else NEVER
        self._has_failed = False
        self._hear, self._wake = socket.socketpair()
        self._hear.setblocking(False)
        self._wake.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._hear, selectors.EVENT_READ)
        self._selector.register(self.connections.selector, selectors.EVENT_READ)
        self._worker = Worker(
            "sip", self._turn, on_failure, end=self._finish, longest_pause_s=LONGEST_PAUSE
        )

    def local(self, peer: Address) -> Address:
        """Return our address as `peer` sees it."""
        host, port = self.address
        return (host if host != ANY else _route_to(peer), port)

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def stop(self) -> None:
        """End every leg, wait a moment for the phones' answers, end the thread."""
        self.post(lambda now: self._endpoint().stop(now))
        self._worker.stopping.set()
        self._worker.stop()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._worker.is_alive

    @property
    def last_turn(self) -> float:
        """When its loop last turned (monotonic s)."""
        return self._worker.beat_at

    @property
    def is_open(self) -> bool:
        """True while the address is bound."""
        return self._socket is not None

    def post(self, job: Job) -> None:
        """Let the thread run `job(now)`; never blocks, from any thread."""
        self._jobs.put(job)
        try:
            self._wake.send(b"x")
        except OSError:
            return  # the pair is full, so it wakes anyway; or closed, so nobody is to be woken

    # --- the thread -----------------------------------------------------------------------------

    def _turn(self) -> None:
        self._wait_and_turn(0.0 if self._has_failed else LONGEST_WAIT)

    def _finish(self) -> None:
        """Do what was posted before the end, hear the phones' answers, close."""
        limit = time.monotonic() + LINGER
        try:
            self._wait_and_turn(0.0)
            while self._is_waiting() and time.monotonic() < limit:
                self._wait_and_turn(LINGER / 20)
        finally:
            self._close()

    def _wait_and_turn(self, longest: float) -> None:
        """Turn once; after a failure the next turn does at once what this one was kept from."""
        self._has_failed = True
        self._open(time.monotonic())
        self._open_tcp(time.monotonic())
        ready = self._selector.select(self._timeout(longest))
        if any(key.fileobj is self._hear for key, _ in ready):
            self._hear.recv(4096)
        self.turn(time.monotonic())
        self._has_failed = False

    def turn(self, now: float) -> None:
        """Do everything that can be done now."""
        endpoint = self._endpoint()
        self._receive(endpoint, now)
        while job := self._next_job():
            job(now)
        endpoint.advance(now)
        self._flush(endpoint, now)
        with self._apart(now):
            self.connections.serve(endpoint, now)
        self._flush(endpoint, now)
        self._after_turn()
        if self.is_open:
            self.listening.set()  # only now, so that whoever waits for it sees a true status
        while endpoint.core.events:
            self._on_event(endpoint.core.events.popleft())

    def _endpoint(self) -> Endpoint:
        assert self.endpoint is not None
        return self.endpoint

    def _timeout(self, longest: float) -> float:
        now = time.monotonic()
        times = (self._endpoint().next_deadline(), self.connections.next_deadline(now))
        return max(0.0, min((longest, *(at - now for at in times if at is not None))))

    def _next_job(self) -> Job | None:
        try:
            return self._jobs.get_nowait()
        except Empty:
            return None

    def _is_waiting(self) -> bool:
        return bool(self._socket and self._endpoint().core.transactions.is_waiting)

    # --- the socket -----------------------------------------------------------------------------

    def _open(self, now: float) -> None:
        """Bind the address; when it cannot be, say why and try again later."""
        if self._socket is not None or now < self._retry_at:
            return
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        try:
            sock.bind(self.address)
        except OSError as error:
            sock.close()
            self._failed(error, now)
            return
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, DSCP_CS3)
        self.address = (self.address[0], sock.getsockname()[1])
        self._selector.register(sock, selectors.EVENT_READ)
        self._socket, self.trouble = sock, ""

    def _open_tcp(self, now: float) -> None:
        """Listen for connections at the same address; without them UDP goes on."""
        if self._socket is None or self.connections.is_open or now < self._tcp_at:
            return
        try:
            self.connections.open(self.address)
        except OSError as error:
            self._tcp_failed(WHY_NOT.get(error.errno or 0, error.strerror or str(error)))
            self._tcp_at = now + RETRY
        else:
            self.tcp_trouble = ""

    def _tcp_failed(self, why: str) -> None:
        trouble = f"SIP over TCP cannot listen on {self.address[0]}:{self.address[1]}: {why}"
        if trouble != self.tcp_trouble:
            log.warning("%s", trouble)
        self.tcp_trouble = trouble

    @contextmanager
    def _apart(self, now: float) -> Iterator[None]:
        """Keep a fault in TCP from phones that use UDP: it is told, and TCP ends until a start."""
        try:
            yield
        except Exception:
            log.exception("SIP over TCP has failed and is switched off; UDP goes on")
            self.tcp_trouble, self._tcp_at = FAULT, NEVER
            self.connections.close(self._endpoint(), now)

    def _failed(self, error: OSError, now: float) -> None:
        why = WHY_NOT.get(error.errno or 0, error.strerror or str(error))
        trouble = f"SIP cannot listen on {self.address[0]}:{self.address[1]}: {why}"
        if trouble != self.trouble:
            log.warning("%s", trouble)
        self.trouble, self._retry_at = trouble, now + RETRY

    def _receive(self, endpoint: Endpoint, now: float) -> None:
        for _ in range(DATAGRAMS_A_TURN):
            if self._socket is None:
                return
            try:
                datagram, source = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error that waits in the queue
                self._drain_errors(endpoint, now)
                continue
            endpoint.receive(datagram, source, now)

    def _flush(self, endpoint: Endpoint, now: float) -> None:
        while datagrams := endpoint.take_datagrams():
            for datagram, address in datagrams:
                self._send(endpoint, datagram, address, now)

    def _send(self, endpoint: Endpoint, datagram: bytes, address: Address, now: float) -> None:
        if isinstance(address, TcpPeer):
            self._send_by(endpoint, datagram, address, now)
            return
        if self._socket is None:
            endpoint.refused(address, now)
            return
        try:
            self._socket.sendto(datagram, address)
        except OSError:
            # The error may be a queued one about an earlier datagram to somebody else.
            self._drain_errors(endpoint, now)
            self._send_again(endpoint, datagram, address, now)

    def _send_by(self, endpoint: Endpoint, message: bytes, stream: TcpPeer, now: float) -> None:
        """Send over a connection; one that is gone is as good as nobody at an address."""
        with self._apart(now):
            if not self.connections.send(stream, message, endpoint, now):
                endpoint.refused(stream, now)

    def _send_again(
        self, endpoint: Endpoint, datagram: bytes, address: Address, now: float
    ) -> None:
        assert self._socket is not None
        try:
            self._socket.sendto(datagram, address)
        except OSError as error:
            if error.errno in UNREACHABLE:
                endpoint.refused(address, now)

    def _drain_errors(self, endpoint: Endpoint, now: float) -> None:
        """Read the ICMP errors: each names the address that its datagram was sent to."""
        assert self._socket is not None
        for _ in range(DATAGRAMS_A_TURN):
            try:
                _, _, _, address = self._socket.recvmsg(0, 512, MSG_ERRQUEUE)
            except OSError:
                return
            endpoint.refused((address[0], address[1]), now)

    def _close(self) -> None:
        self.listening.clear()
        if self._socket:
            self._socket.close()
            self._socket = None
        self.connections.close(self._endpoint(), time.monotonic())
        self._after_turn()
        self._selector.close()
        self.connections.selector.close()
        self._hear.close()
        self._wake.close()


def _route_to(peer: Address) -> str:
    """Return the address that the kernel would send from; a UDP connect sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(peer)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
