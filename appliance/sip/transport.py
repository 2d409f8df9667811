"""SIP transport: the `sip` thread with its UDP socket, TCP connections and their framing.

The only clock and the only sockets of the package. Nothing here blocks on a phone, on the LAN or on
an address that the box does not have yet. UDP is served first, and a fault in the TCP code ends TCP
alone.
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
from appliance.deadlines import earliest, is_due
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

# ---- SIP over a stream (RFC 3261 18.3): where one message ends and the next begins; no socket here

# A keep-alive between two messages, and its answer (RFC 5626 4.4.1).
PING, PONG = b"\r\n\r\n", b"\r\n"
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SKIPPED = b"\r\n\0"
_LONGEST_BLANK = 4


class BrokenStream(PeerError):  # noqa: N818 - it says what the stream is
    """Raised when no message boundary can be found any more: the stream cannot be read further."""


@dataclass(slots=True)
class Framer:
    """Cuts a stream into messages, in whatever pieces its bytes arrive.

    Call `next` until it returns None before feeding more: so it holds one message and one reading
    at most. A message without Content-Length has no body (RFC 3261 18.3 requires the header over
    streams).
    """

    _buffer: bytearray = field(default_factory=bytearray)
    _searched: int = 0
    _whole: int = 0

    @property
    def is_midway(self) -> bool:
        """True while a message has begun and not ended."""
        return bool(self._buffer.strip(_SKIPPED))

    def feed(self, data: bytes) -> None:
        """Append the bytes that have been read."""
        self._buffer += data

    def next(self) -> bytes | None:
        """Return the next message, or PING; None until more bytes come. Raises BrokenStream."""
        while self._buffer and self._buffer[0] in _SKIPPED:
            if self._buffer.startswith(PING):
                del self._buffer[: len(PING)]
                return PING
            # Half a keep-alive: its rest is still to come.
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
        """Return the length of the first message, 0 while its head is incomplete."""
        if not self._buffer[:1].isalpha():
            raise BrokenStream("a phone talks nonsense: no SIP message begins so")
        found = _BLANK_LINE.search(self._buffer, self._searched)
        if found is None:
            # Search only the new bytes next time; a blank line may lie across the border.
            self._searched = max(0, len(self._buffer) - _LONGEST_BLANK + 1)
            whole, length = 0, 0
        else:
            length = body_length(bytes(self._buffer[: found.start()]))
            whole = found.end() + max(length, 0)
        # Without a readable length no boundary is known, and a longer message would fill the
        # memory.
        if length < 0 or max(whole, len(self._buffer) if not whole else 0) > LIMIT:
            raise BrokenStream("a phone talks nonsense: a message without end")
        return whole


# ---- TCP connections beside the UDP socket: a listener, phones' connections, limits for strangers
# No peer is waited for: output that it does not take is kept within limits, then the connection is
# closed. A fault in one connection ends that connection; strangers make room for one another only.
# Connections that have sent least are served first, so that a busy one keeps nobody out.

log = logging.getLogger(__name__)

# Bytes read from one connection in a turn.
READ = 4096
# Few in each turn, because UDP is to be read again soon (docs/design/failures.md).
MESSAGES_A_TURN = 8
ACCEPTS_A_TURN = 4
# Connections accepted in a second, and at once; more wait in the kernel's queue of BACKLOG, or are
# dropped there.
ACCEPT_RATE, ACCEPT_BURST = 20.0, 40.0
BACKLOG = 16
# Connections over which no phone has registered yet: of all hosts, and of one host, which may be
# the base of twenty handsets. Beyond that the oldest one of the host with most is closed: to
# register takes a phone some milliseconds.
MOST_UNPROVEN = 32
MOST_OF_A_HOST = 24
# Seconds a connection may stay open before a phone has registered over it, and after its
# registration.
UNPROVEN_S = 30.0
# A REGISTER with its password is a fiftieth of it.
UNPROVEN_BYTES = 65_536
# Seconds between two readings of an unproven connection, so that single bytes cost no turn each.
UNPROVEN_PAUSE = 0.05
# Seconds: a message that has begun is complete within this time, or never.
MIDWAY_S = 10.0
# Bytes that wait for a peer that takes nothing, and for how many seconds, before it is dropped.
WAITING_BYTES = 65_536
WAITING_S = 10.0
# Seconds until a connection that has exceeded its rate is read again.
PAUSE = 0.1
# Seconds until a failed accept() is tried again.
AGAIN = 1.0
# TOS byte of call signalling (RFC 4594 2.3).
DSCP_CS3 = 0x60
# A peer that has lost its power closes nothing: the kernel probes it (SO_KEEPALIVE).
PROBE_AFTER_S, PROBE_EVERY_S, PROBES = 30, 10, 3


class MessageReceiver(Protocol):
    """Receiver of the connections' messages (the endpoint)."""

    def receive(self, datagram: bytes, source: Address, now: float) -> bool:
        """Process one message; return False when it is no SIP."""

    def opened(self, stream: TcpPeer) -> None:
        """Note a new connection."""

    def closed(self, stream: TcpPeer, now: float) -> None:
        """Note the end of a connection."""

    def proven(self) -> set[TcpPeer]:
        """Return the connections over which a phone has registered."""

    def is_heard(self, host: str) -> bool:
        """Return whether this host may connect at all."""


@dataclass(slots=True, eq=False)
class TcpConnection:
    """One connection (times in monotonic s); `waiting` is a message read but not yet processed."""

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
        """Return the selector events to wait for."""
        # While a message waits nothing is read: TCP's own flow control then slows the peer down.
        may_read = self.waiting is None and self.read_at <= now
        return (selectors.EVENT_READ if may_read else 0) | (
            selectors.EVENT_WRITE if self.out else 0
        )

    def ends_at(self) -> float:
        """Return when it is closed if nothing changes (monotonic s)."""
        times = [] if self.is_proven else [self.proven_at + UNPROVEN_S]
        times += [self.midway_at + MIDWAY_S] if self.midway_at is not None else []
        times += [self.stuck_at + WAITING_S] if self.stuck_at is not None else []
        return min(times, default=float("inf"))


class TcpConnections:
    """All TCP connections; `selector` is readable when `serve` has something to do.

    It is registered in the selector of the `sip` thread.
    """

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
        """Return the number of connections."""
        return len(self._by_stream)

    @property
    def is_open(self) -> bool:
        """True while connections are accepted."""
        return self._listener is not None

    def open(self, address: Address) -> None:
        """Listen at `address`. Raises OSError."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            # After a restart, connections in TIME_WAIT must not keep the port from us.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._listen(wanted=True)

    def close(self, office: MessageReceiver, now: float) -> None:
        """Close all connections and stop listening."""
        if self._listener is not None:
            self._listen(wanted=False)
            self._listener.close()
            self._listener = self._accept_at = None
        for connection in list(self._by_stream.values()):
            self._drop(connection, office, now)

    def next_deadline(self, now: float) -> float | None:
        """Return when `serve` is next needed (monotonic s), None for never."""
        times = [self._accept_at]
        for one in self._by_stream.values():
            times.append(one.ends_at())
            if one.waiting is not None:
                times.append(one.speak_at)
            elif one.read_at > now:
                times.append(one.read_at)
        return earliest(times)

    def serve(self, office: MessageReceiver, now: float) -> None:
        """Accept, read, write and close whatever is due now."""
        for key, events in self.selector.select(0):
            if key.data is None:
                self._accept(office, now)
            # Else it was dropped a moment ago, by another event of this turn.
            elif key.data.stream in self._by_stream:
                self._ready(key.data, events, office, now)
        self._hear(office, now)
        self._tidy(office, now)

    def send(self, stream: TcpPeer, data: bytes, office: MessageReceiver, now: float) -> bool:
        """Send, or keep for later; False when there is no such connection any more."""
        connection = self._by_stream.get(stream)
        if connection is None:
            return False
        self._put(connection, data, office, now)
        return True

    def _accept(self, office: MessageReceiver, now: float) -> None:
        assert self._listener is not None
        for _ in range(ACCEPTS_A_TURN):
            if not self._accepts.take(ACCEPT_RATE, ACCEPT_BURST, now):
                self._pause(now + 1.0 / ACCEPT_RATE)
                return
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                # Nobody was there to be counted.
                self._accepts.tokens += 1.0
                return
            except ConnectionAbortedError:
                continue
            # For example no file descriptor is left: listening on would fail again in every turn.
            except OSError as error:
                log.warning("a phone's connection cannot be taken: %s", error)
                self._pause(now + AGAIN)
                return
            self._take(sock, TcpPeer((address[0], address[1])), office, now)

    def _take(
        self, sock: socket.socket, stream: TcpPeer, office: MessageReceiver, now: float
    ) -> None:
        """Keep a new connection, closing the oldest unproven one if need be."""
        if stream in self._by_stream or not office.is_heard(stream[0]):
            self.refused += 1
            sock.close()
            return
        try:
            _set_up(sock)
        # The peer has closed it again already.
        except OSError:
            sock.close()
            return
        self._make_room(stream[0], office, now)
        made = TcpConnection(sock, stream, now, TokenBucket(BURST[False], now))
        self._by_stream[stream] = made
        office.opened(stream)
        self._watch(made, now)

    def _make_room(self, host: str, office: MessageReceiver, now: float) -> None:
        """Close the oldest unproven connection of `host`, or of the host with most, if need be."""
        strangers = [one for one in self._by_stream.values() if not one.is_proven]
        hosts = Counter(one.stream[0] for one in strangers)
        # A host at its own limit pays with its own connection, never with another host's.
        if hosts[host] < MOST_OF_A_HOST:
            if len(strangers) < MOST_UNPROVEN:
                return
            host = hosts.most_common(1)[0][0]
        self.refused += 1
        here = (one for one in strangers if one.stream[0] == host)
        self._drop(min(here, key=lambda one: one.proven_at), office, now)

    def _pause(self, until: float) -> None:
        self._accept_at = until
        # Else the selector would report the waiting connection in every turn.
        self._listen(wanted=False)

    def _listen(self, *, wanted: bool) -> None:
        assert self._listener is not None
        if wanted and not self._is_listening:
            self.selector.register(self._listener, selectors.EVENT_READ)
        elif self._is_listening and not wanted:
            self.selector.unregister(self._listener)
        self._is_listening = wanted

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
            # An error is treated as the end of the stream.
            data = b""
        if not connection.is_proven:
            connection.unproven += len(data)
            # Strangers may send little and slowly; a phone that has registered is read at once.
            connection.read_at = now + UNPROVEN_PAUSE
        if not data or connection.unproven > UNPROVEN_BYTES:
            self._drop(connection, office, now)
            return
        connection.framer.feed(data)
        self._cut(connection, office, now)

    def _cut(self, connection: TcpConnection, office: MessageReceiver, now: float) -> None:
        """Look for the next message in the bytes read."""
        try:
            connection.waiting = connection.framer.next()
        except BrokenStream as broken:
            log.info("%s: %s", connection.stream[0], broken)
            # Its boundary is lost: nothing after it could be read (RFC 3261 18.3).
            self._drop(connection, office, now)
            return
        is_midway = connection.waiting is None and connection.framer.is_midway
        if not is_midway:
            connection.midway_at = None
        elif connection.midway_at is None:
            connection.midway_at = now

    def _hear(self, office: MessageReceiver, now: float) -> None:
        """Process one message of each connection, those that have sent least first."""
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
        """Apply the rate limits of datagrams: per connection, and for all strangers together."""
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
        # A fault in one connection ends that one (docs/design/failures.md).
        except Exception:
            log.exception("a message over TCP has failed; its connection is closed")
            return False

    def _put(
        self, connection: TcpConnection, data: bytes, office: MessageReceiver, now: float
    ) -> None:
        connection.out += data
        # A peer that takes nothing must not fill the memory.
        if len(connection.out) > WAITING_BYTES:
            self._drop(connection, office, now)
        else:
            self._flush(connection, office, now)

    def _flush(self, connection: TcpConnection, office: MessageReceiver, now: float) -> None:
        """Send what the peer takes; the rest waits, at most WAITING_S."""
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
        # Whatever it takes is progress and restarts the time.
        elif sent or connection.stuck_at is None:
            connection.stuck_at = now
        self._watch(connection, now)

    def _tidy(self, office: MessageReceiver, now: float) -> None:
        """Close connections whose time is over; update what to wait for on the others."""
        if is_due(self._accept_at, now) and self._listener:
            self._accept_at = None
            self._listen(wanted=True)
        proven = office.proven()
        for connection in list(self._by_stream.values()):
            connection.is_proven = connection.stream in proven
            if connection.is_proven:
                # The limits for strangers count anew from the end of its registration.
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
        """Close a connection and report it to the receiver."""
        if self._by_stream.pop(connection.stream, None) is None:
            return
        if connection.mask:
            self.selector.unregister(connection.sock)
            connection.mask = 0
        connection.sock.close()
        office.closed(connection.stream, now)


def _set_up(sock: socket.socket) -> None:
    """Set the socket options of a connection. Raises OSError."""
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
# Seconds: the thread turns at least this often, so that a watchdog can tell that it lives.
LONGEST_WAIT = 1.0
# Seconds between turns that fail one after the other: phones are still served in each.
LONGEST_PAUSE = 0.2
# Seconds until an address that could not be bound is tried again.
RETRY = 2.0
NEVER = float("inf")
FAULT = "SIP over TCP is switched off by a fault of the program: restart it, and send its journal"
# Seconds that a stopping thread waits for phones to answer its BYEs.
LINGER = 1.0
DATAGRAMS_A_TURN = 50
LARGEST = 65_535


# linux/in.h: ICMP errors are queued with the address that they are about.
IP_RECVERR = 11
MSG_ERRQUEUE = 0x2000
# Errors that stay until somebody acts; a full send buffer, by contrast, empties itself.
UNREACHABLE = {
    errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EACCES,
    errno.EPERM, errno.EINVAL,
}  # fmt: skip
WHY_NOT = {
    errno.EADDRINUSE: "another program has it: stop that one, or change sip.port",
    errno.EADDRNOTAVAIL: "the box does not have this address: check the cable and sip.address",
    errno.EACCES: "it is not allowed: take a port above 1023",
}

Job = Callable[[float], None]


class SipThread:
    """Drives an endpoint; `on_event` and `after_turn` are called in this thread."""

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
        # A job posted by another thread must wake the selector.
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
        """End every leg, wait up to LINGER for the phones' answers, end the thread."""
        self.post(lambda now: self._endpoint().stop(now))
        self._worker.stopping.set()
        self._worker.stop()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._worker.is_alive

    @property
    def last_turn(self) -> float:
        """Monotonic s at which its loop last turned."""
        return self._worker.beat_at

    @property
    def is_open(self) -> bool:
        """True while the address is bound."""
        return self._socket is not None

    def post(self, job: Job) -> None:
        """Run `job(now)` in the thread; never blocks, callable from any thread."""
        self._jobs.put(job)
        try:
            self._wake.send(b"x")
        except OSError:
            return  # the pair is full, so it wakes anyway; or closed, so nobody is to be woken

    def _turn(self) -> None:
        self._wait_and_turn(0.0 if self._has_failed else LONGEST_WAIT)

    def _finish(self) -> None:
        """Run the jobs posted before the end, wait for the phones' answers, close."""
        limit = time.monotonic() + LINGER
        try:
            self._wait_and_turn(0.0)
            while self._is_waiting() and time.monotonic() < limit:
                self._wait_and_turn(LINGER / 20)
        finally:
            self._close()

    def _wait_and_turn(self, longest: float) -> None:
        """Wait and turn once; after a failure the next turn does not wait."""
        # Reset only at the end: after an exception the next turn at once does what this one left.
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
        # UDP first: a flood over TCP must not delay it (docs/design/failures.md).
        self._receive(endpoint, now)
        while job := self._next_job():
            job(now)
        endpoint.advance(now)
        self._flush(endpoint, now)
        # Its messages queue responses for UDP as well: they are flushed once more below.
        with self._apart(now):
            self.connections.serve(endpoint, now)
        self._flush(endpoint, now)
        self._after_turn()
        if self.is_open:
            # Only now: a thread that waits for it then reads a true status.
            self.listening.set()
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

    def _open(self, now: float) -> None:
        """Bind the UDP address; on failure log why and retry after RETRY seconds."""
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
        """Listen for connections at the same address; UDP goes on without them."""
        # Only once UDP is bound: with port 0 its number is chosen there, and TCP takes the same
        # one.
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
        # Logged once, not every two seconds.
        if trouble != self.tcp_trouble:
            log.warning("%s", trouble)
        self.tcp_trouble = trouble

    @contextmanager
    def _apart(self, now: float) -> Iterator[None]:
        """Confine a fault in the TCP code: log it, and switch TCP off until the next start."""
        try:
            yield
        except Exception:
            log.exception("SIP over TCP has failed and is switched off; UDP goes on")
            self.tcp_trouble, self._tcp_at = FAULT, NEVER
            self.connections.close(self._endpoint(), now)

    def _failed(self, error: OSError, now: float) -> None:
        why = WHY_NOT.get(error.errno or 0, error.strerror or str(error))
        trouble = f"SIP cannot listen on {self.address[0]}:{self.address[1]}: {why}"
        # Logged once, not every two seconds.
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
            # An ICMP error waits in the socket's queue (IP_RECVERR) and is raised instead of a
            # datagram.
            except OSError:
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
            # Not bound: the call learns it at once instead of waiting for its time-out.
            endpoint.refused(address, now)
            return
        try:
            self._socket.sendto(datagram, address)
        except OSError:
            # The error may be a queued one about an earlier datagram to somebody else.
            self._drain_errors(endpoint, now)
            self._send_again(endpoint, datagram, address, now)

    def _send_by(self, endpoint: Endpoint, message: bytes, stream: TcpPeer, now: float) -> None:
        """Send over a connection; a closed one counts as an address where nobody listens."""
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
        """Report queued ICMP errors; each names the address that its datagram was sent to."""
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
    """Return the address that the kernel would send from to `peer`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a UDP socket chooses a route and sends nothing.
            probe.connect(peer)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
