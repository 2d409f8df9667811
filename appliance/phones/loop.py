"""The `sip` thread: one UDP socket, TCP beside it, one selector, the endpoint's next deadline.

The only clock and the only sockets of the room. Nothing here blocks: not a phone that is silent,
not a LAN that is gone, not an address that is not there yet. UDP is served first, and a fault of
what serves TCP ends TCP alone.
"""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from appliance.calls.events import Event
from appliance.phones.connections import Connections
from appliance.phones.endpoint import Endpoint
from appliance.phones.rtp import Address
from appliance.phones.uri import Stream
from appliance.workers import Worker

log = logging.getLogger(__name__)

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
DSCP_CS3 = 0x60
"""Call signalling (RFC 4594 2.3) in the TOS byte."""
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


class Loop:
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
        self.connections = Connections()
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
        if isinstance(address, Stream):
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

    def _send_by(self, endpoint: Endpoint, message: bytes, stream: Stream, now: float) -> None:
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
