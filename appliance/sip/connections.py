"""SIP over TCP beside the UDP socket: framing, connections of phones, limits for strangers."""

from __future__ import annotations

import ipaddress
import logging
import re
import selectors
import socket
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from appliance.errors import PeerError
from appliance.sip.message import LIMIT, Stream, body_length
from appliance.sip.rtp import Address

# ---- framing -----------------------------------------------------------------------------------
# SIP over a stream (RFC 3261 18.3): where one message ends and the next begins; no socket here.

PING, PONG = b"\r\n\r\n", b"\r\n"
"""A keep-alive between two messages, and what it is answered with (RFC 5626 4.4.1)."""
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SKIPPED = b"\r\n\0"
_LONGEST_BLANK = 4


class Broken(PeerError):  # noqa: N818 - it says what the stream is
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
            raise Broken("a phone talks nonsense: no SIP message begins so")
        found = _BLANK_LINE.search(self._buffer, self._searched)
        if found is None:
            self._searched = max(0, len(self._buffer) - _LONGEST_BLANK + 1)
            whole, length = 0, 0
        else:
            length = body_length(bytes(self._buffer[: found.start()]))
            whole = found.end() + max(length, 0)
        if length < 0 or max(whole, len(self._buffer) if not whole else 0) > LIMIT:
            raise Broken("a phone talks nonsense: a message without end")
        return whole


# ---- sluice ------------------------------------------------------------------------------------
# Which datagrams are heard at all: allowed addresses, so many a second from each source.
#
# A token bucket each (RFC 2697's idea): known hosts, at which a phone or the registrar stands, have
# one of their own; so has every stranger, and all strangers together share one more, since their
# addresses may be forged. What names a call that is up is heard whatever else comes: nobody who is
# not in the path can know a Call-ID of 128 random bits.

Network = ipaddress.IPv4Network

RATE = {True: 50.0, False: 10.0}
"""Datagrams a second of one host, known or stranger; a busy proxy of 20 phones sends a few."""
BURST = {True: 200.0, False: 40.0}
"""Datagrams at once: 20 phones that a switch gives power to at the same moment register in two."""
STRANGERS_RATE, STRANGERS_BURST = 30.0, 140.0
NEWCOMERS_RATE, NEWCOMERS_BURST = 10.0, 40.0
ANSWERS_RATE, ANSWERS_BURST = 10.0, 20.0
"""All strangers together, by one of three measures: 50 a second, a tenth of a core for reading
them. Two are kept free for phones at new addresses, which register by two datagrams: the first ones
of whoever was not heard for a while, and answers to a nonce that was given to that very address."""
FIRST = 8
QUIET_S = 60.0
"""So many datagrams of somebody who was not heard for so long are a newcomer's."""
FLOOD_S = 10.0
FLOOD = 200
"""So many datagrams of strangers refused in so many seconds are a flood, which people are told."""
TOLD_S = 60.0
NAMED = 3
"""So many addresses are named, for so long after the last of it (s)."""
_NONCE = re.compile(rb'nonce="([^"]{1,128})"')
MAX_SOURCES = 1024
"""Buckets kept; the one that was used longest ago makes room, and starts anew full."""


@dataclass(slots=True)
class Bucket:
    """`tokens` datagrams may pass at `at` (monotonic s)."""

    tokens: float
    at: float
    heard: int = 0

    def take(self, rate: float, burst: float, now: float) -> bool:
        """Let one datagram pass, if one may."""
        self.tokens = min(burst, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(slots=True)
class Sluice:
    """Counts what was `dropped` unread. `allowed` networks, () for every address; `is_ours` tells
    whether a nonce was given to a host, and still holds.
    """

    allowed: tuple[Network, ...] = ()
    is_ours: Callable[[str, str, float], bool] = lambda _nonce, _host, _now: False
    dropped: int = 0
    _strangers: Bucket = field(default_factory=lambda: Bucket(STRANGERS_BURST, 0.0))
    _newcomers: Bucket = field(default_factory=lambda: Bucket(NEWCOMERS_BURST, 0.0))
    _answers: Bucket = field(default_factory=lambda: Bucket(ANSWERS_BURST, 0.0))
    _refused: dict[str, int] = field(default_factory=dict)
    _window_at: float = 0.0
    _flood: tuple[str, ...] = ()
    _flood_until: float = 0.0
    _buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def admits(
        self, datagram: bytes, host: str, now: float, known: Collection[str], calls: Collection[str]
    ) -> bool:
        """Tell whether a datagram is read. `known` hosts and Call-IDs of `calls` that are up."""
        is_known = host in known
        passes = self._may_send(datagram, host, is_known, now) or (
            is_known and any(call_id.encode() in datagram for call_id in calls)
        )
        if not passes:
            self.dropped += 1
            if not is_known:
                self._refuse(host, now)
        return passes

    def flood(self, now: float) -> tuple[str, ...]:
        """Name the addresses that most of a flood comes from, () where there is none."""
        return self._flood if now < self._flood_until else ()

    def _may_send(self, datagram: bytes, host: str, is_known: bool, now: float) -> bool:
        if not (is_known or self.is_allowed(host)):
            return False
        own = self._bucket(host, BURST[is_known], now)
        if now - own.at > QUIET_S:
            own.heard = 0
        if not own.take(RATE[is_known], BURST[is_known], now):
            return False
        return is_known or self._may_speak(datagram, host, own, now)

    def _may_speak(self, datagram: bytes, host: str, own: Bucket, now: float) -> bool:
        """Let a stranger's datagram pass by the measure of all, or by one of the two beside it."""
        own.heard += 1
        if self._strangers.take(STRANGERS_RATE, STRANGERS_BURST, now):
            return True
        if own.heard <= FIRST and self._newcomers.take(NEWCOMERS_RATE, NEWCOMERS_BURST, now):
            return True
        nonce = _NONCE.search(datagram)
        is_answer = nonce is not None and self.is_ours(nonce[1].decode("latin-1"), host, now)
        return is_answer and self._answers.take(ANSWERS_RATE, ANSWERS_BURST, now)

    def _refuse(self, host: str, now: float) -> None:
        """Count who is refused, a window of time after the other."""
        if now - self._window_at > FLOOD_S:
            self._refused, self._window_at = {}, now
        if host in self._refused or len(self._refused) < MAX_SOURCES:
            self._refused[host] = self._refused.get(host, 0) + 1
        if sum(self._refused.values()) >= FLOOD:
            if now >= self._flood_until:  # the names stay while it goes on
                worst = sorted(self._refused, key=lambda one: (-self._refused[one], one))
                self._flood = tuple(worst[:NAMED])
            self._flood_until, self._refused = now + TOLD_S, {}

    def is_allowed(self, host: str) -> bool:
        """Tell whether SIP from this address is heard at all."""
        address = ipaddress.IPv4Address(host)
        return not self.allowed or any(address in network for network in self.allowed)

    def _bucket(self, host: str, burst: float, now: float) -> Bucket:
        bucket = self._buckets.setdefault(host, Bucket(burst, now))
        self._buckets.move_to_end(host)
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return bucket


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
PROBE_AFTER_S, PROBE_EVERY_S, PROBES = 30, 10, 3
"""A peer that has lost its power without a word is asked for by the kernel (SO_KEEPALIVE)."""


class Office(Protocol):
    """What connections bring their messages to (the endpoint)."""

    def receive(self, datagram: bytes, source: Address, now: float) -> bool:
        """Take a message; False for what is no SIP."""

    def opened(self, stream: Stream) -> None:
        """Take a new connection."""

    def closed(self, stream: Stream, now: float) -> None:
        """Take the end of one."""

    def proven(self) -> set[Stream]:
        """Return the connections over which a phone has proven itself."""

    def is_heard(self, host: str) -> bool:
        """Tell whether this host may connect at all."""


@dataclass(slots=True, eq=False)
class Connection:
    """One connection (times in monotonic s). `waiting` is a message that was read and not taken."""

    sock: socket.socket
    stream: Stream
    proven_at: float
    bucket: Bucket
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


class Connections:
    """All of them. `selector` is readable when there is something to do: it is another's member."""

    def __init__(self) -> None:
        self.selector = selectors.EpollSelector()
        self.refused = 0
        self._by_stream: dict[Stream, Connection] = {}
        self._listener: socket.socket | None = None
        self._is_listening = False
        self._accepts = Bucket(ACCEPT_BURST, 0.0)
        self._strangers = Bucket(STRANGERS_BURST, 0.0)
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

    def close(self, office: Office, now: float) -> None:
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

    def serve(self, office: Office, now: float) -> None:
        """Do everything that can be done now."""
        for key, events in self.selector.select(0):
            if key.data is None:
                self._accept(office, now)
            elif key.data.stream in self._by_stream:  # else it was dropped a moment ago
                self._ready(key.data, events, office, now)
        self._hear(office, now)
        self._tidy(office, now)

    def send(self, stream: Stream, data: bytes, office: Office, now: float) -> bool:
        """Send, or keep for later; False where there is no such connection any more."""
        connection = self._by_stream.get(stream)
        if connection is None:
            return False
        self._put(connection, data, office, now)
        return True

    # --- who may connect --------------------------------------------------------------------------

    def _accept(self, office: Office, now: float) -> None:
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
            self._take(sock, Stream((address[0], address[1])), office, now)

    def _take(self, sock: socket.socket, stream: Stream, office: Office, now: float) -> None:
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
        made = Connection(sock, stream, now, Bucket(BURST[False], now))
        self._by_stream[stream] = made
        office.opened(stream)
        self._watch(made, now)

    def _make_room(self, host: str, office: Office, now: float) -> None:
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

    def _ready(self, connection: Connection, events: int, office: Office, now: float) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush(connection, office, now)
        if events & selectors.EVENT_READ and connection.stream in self._by_stream:
            self._read(connection, office, now)

    def _read(self, connection: Connection, office: Office, now: float) -> None:
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

    def _cut(self, connection: Connection, office: Office, now: float) -> None:
        """Look for the next message."""
        try:
            connection.waiting = connection.framer.next()
        except Broken as broken:
            log.info("%s: %s", connection.stream[0], broken)
            self._drop(connection, office, now)
            return
        is_midway = connection.waiting is None and connection.framer.is_midway
        if not is_midway:
            connection.midway_at = None
        elif connection.midway_at is None:
            connection.midway_at = now

    def _hear(self, office: Office, now: float) -> None:
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

    def _may_speak(self, one: Connection, now: float) -> bool:
        """Measure each, and all strangers together, as the sluice does with datagrams."""
        if not one.bucket.take(RATE[one.is_proven], BURST[one.is_proven], now):
            return False
        return one.is_proven or self._strangers.take(STRANGERS_RATE, STRANGERS_BURST, now)

    def _hear_one(self, connection: Connection, office: Office, now: float) -> None:
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
        self, message: bytes, connection: Connection, office: Office, now: float
    ) -> bool:
        try:
            return office.receive(message, connection.stream, now)
        except Exception:
            log.exception("a message over TCP has failed; its connection is closed")
            return False

    def _put(self, connection: Connection, data: bytes, office: Office, now: float) -> None:
        connection.out += data
        if len(connection.out) > WAITING_BYTES:
            self._drop(connection, office, now)
        else:
            self._flush(connection, office, now)

    def _flush(self, connection: Connection, office: Office, now: float) -> None:
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

    def _tidy(self, office: Office, now: float) -> None:
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

    def _watch(self, connection: Connection, now: float) -> None:
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

    def _drop(self, connection: Connection, office: Office, now: float) -> None:
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
