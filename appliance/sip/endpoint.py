"""The SIP endpoint: UDP socket, event loop, rate limit."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from appliance.calls import events
from appliance.calls.events import Event
from appliance.sip import admission, trunk
from appliance.sip.call import UNANSWERED, Call, Input, State
from appliance.sip.connections import Connections, Sluice
from appliance.sip.message import (
    Message,
    Parser,
    Stream,
    Unreadable,
    read,
    read_name_address,
    read_uri,
    reply_address,
    write_message,
)
from appliance.sip.phones import Legs, Qualify, Waiting
from appliance.sip.registrar import (
    Binding,
    Gate,
    Login,
    Nonces,
    PhonesSettings,
    Registrar,
    Reply,
    Target,
)
from appliance.sip.requests import digits_of
from appliance.sip.rtp import Address
from appliance.sip.sdp import NoCommonSound
from appliance.sip.transactions import Core, Left, Transaction, phrase, response_head
from appliance.sip.transactions import Input as TransactionInput
from appliance.sip.trunk import Registration
from appliance.workers import Worker

# ---- flows -------------------------------------------------------------------------------------
# Connections of phones: what it means for bindings and calls that one opens, breaks or comes back.
#
# A phone that registered over TCP is rung over that connection alone, as RFC 5626 does it: it may
# listen nowhere. When the connection breaks it counts as out until it has registered again. Sound
# needs no connection: a conversation goes on, and what is to be said of it is said once the phone
# is back, as is the end of what it believes to be a call.

BROKE = "its connection broke"
MOST_OWED = 32
OWED_S = 600.0
"""So many calls are remembered for so long (s) that a phone is still to be told the end of."""
WAITS = UNANSWERED | {State.OFFERED}
"""What cannot go on without a connection: nobody could say how it ends."""


@dataclass(slots=True)
class Flows:
    """Knows the connections that are up."""

    core: Core
    registrar: Registrar
    legs: Legs
    streams: set[Stream] = field(default_factory=set)
    _owed: deque[tuple[Left, float]] = field(default_factory=lambda: deque(maxlen=MOST_OWED))

    def opened(self, stream: Stream) -> None:
        """Take a new connection."""
        self.streams.add(stream)

    def closed(self, stream: Stream, now: float) -> None:
        """Give up what hangs by a connection that broke, unless its phone has another one."""
        self.streams.discard(stream)
        self.registrar.cut(stream)
        for call in [call for call in self.legs.calls.values() if call.dialog.peer == stream]:
            home = self._home(call.phone)
            if home is not None:
                _move(call, home)
            else:
                self._cut(call, now)
        self.core.transactions.refused(stream, now)
        self.legs.sweep()

    def proven(self) -> set[Stream]:
        """Return the connections over which a phone has proven itself, or is in a call."""
        places = [binding.source for binding in self.registrar.bindings.values()]
        places += [call.dialog.peer for call in self.legs.calls.values()]
        return {place for place in places if isinstance(place, Stream)}

    def registered(self, phone: str, now: float) -> None:
        """Let a phone that is back go on with its calls, and tell it those that have ended."""
        home = self._home(phone)
        if home is None:
            return
        for call in self.legs.calls.values():
            if call.phone == phone and self._is_broken(call.dialog.peer):
                _move(call, home)
        owed, self._owed = self._owed, deque(maxlen=MOST_OWED)
        for left, until in owed:
            if left.phone != phone:
                self._owed.append((left, until))
            elif until > now:
                self.legs.end_left(replace(left, dialog=replace(left.dialog, peer=home)), now)

    def heard(self, call: Call, source: Address) -> None:
        """Take a request within a call for word that its phone is back: only it knows the tags."""
        if isinstance(source, Stream) and self._is_broken(call.dialog.peer):
            _move(call, source)

    def owe(self, left: Left, now: float) -> None:
        """Keep a call that has ended until its phone is back; one it rings itself it gives up."""
        if not left.refusal:
            self._owed.append((left, now + OWED_S))

    def _is_broken(self, peer: Address) -> bool:
        return isinstance(peer, Stream) and peer not in self.streams

    def _home(self, phone: str) -> Address | None:
        """Return where a phone is reached now; None for nowhere, or a connection that broke."""
        target = self.registrar.target(phone)
        return None if target is None or self._is_broken(target.address) else target.address

    def _cut(self, call: Call, now: float) -> None:
        if call.state not in WAITS:
            return
        if left := call.left():
            self.owe(left, now)
        if call.invite is not None:  # without an answer it is over in its own time
            self.core.transactions.feed(call.invite, TransactionInput.CANCELLED, now)
        call.why = BROKE
        call.feed(Input.CUT, now)


def _move(call: Call, peer: Address) -> None:
    """Send what is still to be said of a call to `peer`."""
    call.dialog = replace(call.dialog, peer=peer)
    if call.invite is not None:
        call.invite.peer = peer


# ---- endpoint ----------------------------------------------------------------------------------
# The SIP endpoint: datagrams and time in, datagrams and events out; the desk orders its `legs`.
#
# Opens nothing and reads no clock. Whoever drives it calls `receive`, `refused` and `advance`, then
# sends `take_datagrams()` and tells `take_events()`; `next_deadline()` says when to come back.

_NEED_A_CALL = dict.fromkeys(("BYE", "INFO", "UPDATE", "PRACK"), 481)
OUTSIDE = {"OPTIONS": 200} | _NEED_A_CALL
"""What requests outside any call are answered with; 405 for the rest."""


@dataclass(slots=True)
class Endpoint:
    """Everything SIP of the box. `parse` is the header parser, `local` our address for a peer."""

    settings: PhonesSettings
    parse: Parser
    local: Callable[[Address], Address]
    random: Callable[[int], bytes]
    core: Core = field(init=False)
    registrar: Registrar = field(init=False)
    legs: Legs = field(init=False)
    qualify: Qualify = field(init=False)
    sluice: Sluice = field(init=False)
    waiting: Waiting = field(init=False)
    flows: Flows = field(init=False)
    registration: Registration | None = None
    nonsense: int = 0

    def __post_init__(self) -> None:
        login = self._login()
        self.core = Core(self._local, self.random, login)
        self.registration = Registration(self.core, login) if login else None
        self.legs = Legs(self.core, self.settings.registrar)
        nonces = Nonces(self.random(16))
        gate = Gate(self.settings, nonces)
        self.sluice = Sluice(self.settings.allowed, nonces.is_fresh)
        accounts, longest = self.settings.accounts, self.settings.registration_s
        self.registrar = Registrar(accounts, gate, longest, self.core.tell)
        fixed = frozenset((*self.registrar.fixed, *self.branches()))
        interval = self.settings.qualify_s
        self.qualify = Qualify(self.core, self._asked, fixed, interval)
        self.waiting = Waiting(self.core, self.registrar, self.settings.messages_code)
        self.registrar.seen, self.registrar.forgotten = self.qualify.seen, self._forgotten
        self.registrar.proven = self.qualify.is_proven
        self.flows = Flows(self.core, self.registrar, self.legs)

    def target(self, phone: str) -> Target | None:
        """Say where a phone, or another branch, is rung now; None for nowhere."""
        return self.branches().get(phone) or self.registrar.target(phone)

    def branches(self) -> dict[str, Target]:
        """Return the other branches to which callers may be handed over, and where."""
        account = self.settings.registrar
        if account is None:
            return {}
        found = {name: trunk.target(account, name) for name in account.branches}
        return {name: target for name, target in found.items() if target}

    def _local(self, peer: Address) -> Address:
        """Return our address as `peer` sees it, of the same transport."""
        own = self.local(peer)
        return Stream(own) if isinstance(peer, Stream) else own

    def _asked(self) -> dict[str, Target]:
        return self.registrar.targets() | self.branches()

    def _forgotten(self, phone: str) -> None:
        self.qualify.forget(phone)
        self.waiting.forget(phone)

    def _login(self) -> Login | None:
        account = self.settings.registrar
        if account is None:
            return None
        return Login(account.address, account.user, account.secret, self.random)

    # --- driven from outside --------------------------------------------------------------------

    def start(self, now: float, bindings: tuple[Binding, ...] = ()) -> None:
        """Begin with the bindings kept from before a restart."""
        self.registrar.restore(bindings)
        self.qualify.start(now, frozenset(each.phone for each in bindings if each.proven))
        if self.registration:
            self.registration.start(now)

    def end_left(self, left: tuple[Left, ...], now: float) -> None:
        """End the calls that a process before this one has left behind.

        Connections are gone with that process: those phones are told when they are back.
        """
        for one in left:
            if isinstance(one.dialog.peer, Stream):
                self.flows.owe(one, now)
            else:
                self.legs.end_left(one, now)

    def stop(self, now: float) -> None:
        """End every leg and sign off at the registrar."""
        for leg in list(self.legs.calls):
            self.legs.stop(leg, now)
        if self.registration:
            self.registration.stop(now)

    def receive(self, datagram: bytes, source: Address, now: float) -> bool:
        """Take one datagram, or message of a stream; whatever it holds, nothing is raised.

        Returns False for what is no SIP at all: of a stream the rest is none, either. Streams are
        measured by whoever reads them.
        """
        is_stream = isinstance(source, Stream)
        if not is_stream and not self._admits(datagram, source, now):
            return True
        try:
            message = read(datagram, self.parse)
        except Unreadable as error:
            self._nonsense(error, source)
            return error.answer is not None
        if message is not None:
            self._take(message, source, now)
        return True

    def _admits(self, datagram: bytes, source: Address, now: float) -> bool:
        known, calls = self._hosts(), self.legs.call_ids()
        return self.sluice.admits(datagram, source[0], now, known, calls)

    def _take(self, message: Message, source: Address, now: float) -> None:
        if message.is_response:
            self.core.transactions.response(message, now)
        elif not self.core.transactions.repeated(message, now):
            self._request(message, source, now)
        self.legs.sweep()

    def refused(self, address: Address, now: float) -> None:
        """Take the network's word (ICMP) that nobody listens at `address`."""
        self.core.transactions.refused(address, now)
        while self.core.unsaid:
            self.flows.owe(self.core.unsaid.pop(), now)
        self.legs.sweep()

    def opened(self, stream: Stream) -> None:
        """Take a phone's, or a stranger's, new connection."""
        self.flows.opened(stream)

    def closed(self, stream: Stream, now: float) -> None:
        """Take the end of a connection, whoever has ended it."""
        self.flows.closed(stream, now)
        self.refused(stream, now)

    def proven(self) -> set[Stream]:
        """Return the connections over which a phone has proven itself, or is in a call."""
        return self.flows.proven()

    def is_heard(self, host: str) -> bool:
        """Tell whether connections from a host are taken at all."""
        return self.sluice.is_allowed(host) or host in self._hosts()

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        deadlines = [
            self.core.transactions.next_deadline(),
            self.registrar.next_deadline(),
            self.qualify.next_deadline(),
            self.legs.next_deadline(),
            self.waiting.next_deadline(),
            self.registration.next_deadline() if self.registration else None,
        ]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def advance(self, now: float) -> None:
        """Do whatever has become due by `now`."""
        self.core.transactions.advance(now)
        self.registrar.expire(now)
        self.qualify.advance(now)
        self.legs.advance(now)
        self.waiting.advance(now)
        if self.registration:
            self.registration.advance(now)

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """Return what is to be sent, and forget it."""
        outbox = self.core.transactions.outbox
        taken = outbox[:]
        outbox.clear()
        return taken

    def take_events(self) -> list[events.Event]:
        """Return what is to be told, and forget it."""
        taken = list(self.core.events)
        self.core.events.clear()
        return taken

    def _hosts(self) -> set[str]:
        """Return the known hosts: of phones, of the registrar, of the other ends of calls."""
        login = self.core.login
        registrar = {login.address[0]} if login else set()
        return self.registrar.hosts() | self.legs.hosts() | registrar

    # --- requests -------------------------------------------------------------------------------

    def _request(self, message: Message, source: Address, now: float) -> None:
        call = self.legs.find(message)
        if call:
            self.flows.heard(call, source)
        if message.method == "ACK":
            if call:
                call.acknowledged(message, now)
            return
        if message.method == "INVITE" and not (call or self._is_known(message, source)):
            self._turn_away(message, source)
            return
        owner = call.on_transaction if call else _nobody
        peer = reply_address(message.get("Via"), message.fields.sent_by, source)
        is_known = call is not None or source[0] in self._hosts()
        transaction = self.core.transactions.serve(message, peer, owner, now, is_known=is_known)
        if transaction is None:
            return
        if message.method == "CANCEL":
            self._cancel(message, transaction, now)
        elif call:
            admission.serve(call, message, transaction, self.legs.named, now)
        else:
            self._out_of_dialog(message, source, transaction, now)

    def _out_of_dialog(
        self, message: Message, source: Address, transaction: Transaction, now: float
    ) -> None:
        reply: Reply | None
        if message.method == "SUBSCRIBE":
            reply = self.waiting.subscribe(message, source, transaction, now)
        elif message.fields.to_tag:
            reply = Reply(481)
        elif message.method == "REGISTER":
            self._register(message, source, transaction, now)
            return
        elif message.method == "INVITE":
            reply = self._invited(message, source, transaction, now)
        else:
            reply = Reply(OUTSIDE.get(message.method, 405))
        if reply:
            self.core.respond(transaction, message, reply.code, now, extra=reply.headers)

    def _register(
        self, message: Message, source: Address, transaction: Transaction, now: float
    ) -> None:
        """Answer a REGISTER; a phone that is there now is told of messages after that."""
        reply = self.registrar.register(message, source, now)
        self.core.respond(transaction, message, reply.code, now, extra=reply.headers)
        phone = message.fields.to_user
        if reply.code == 200 and self.registrar.is_home(phone, source):
            self.waiting.registered(phone, now)
            self.flows.registered(phone, now)

    def _invited(
        self, message: Message, source: Address, transaction: Transaction, now: float
    ) -> Reply | None:
        """Let a phone call us, or others hand a caller over, or say why not."""
        phone = self._phone_of(message, source)
        if not phone:
            account, laws = self.settings.registrar, self.settings.laws
            assert account is not None, "only a proxy that is configured is known"
            return admission.hand_over(self.legs, account, laws, message, transaction, now)
        if reply := self._unwelcome(message, phone, source, now):
            return reply
        try:
            self.legs.offered(message, phone, transaction, self.settings.laws, now)
        except NoCommonSound:
            return Reply(488)
        return None

    def _unwelcome(self, message: Message, phone: str, source: Address, now: float) -> Reply | None:
        """Refuse unproven phones, loops, floods and what cannot be dialled."""
        gate, at_home = self.registrar.gate, self.registrar.is_home(phone, source)
        if gate.knows(phone):
            refusal = gate.check(message, phone, source[0], now, at_home=at_home)
            if refusal:
                return refusal
        if refusal := admission.unfit(self.legs, message, phone):
            return refusal
        if self.legs.dialled >= 2 * len(self.settings.accounts):
            return Reply(503, (("Retry-After", "32"),))
        return None if digits_of(message.uri) else Reply(404)

    def _cancel(self, message: Message, transaction: Transaction, now: float) -> None:
        """Serve a CANCEL: it names the INVITE by its branch, and must come from the same host."""
        key = (transaction.key[0], "INVITE")
        invite = self.core.transactions.servers.get(key)
        if invite is None or invite.peer[0] != transaction.peer[0]:
            self.core.respond(transaction, message, 481, now)
            return
        self.core.respond(transaction, message, 200, now)
        self.legs.cancelled(invite, now)

    def _is_known(self, message: Message, source: Address) -> bool:
        """Tell whether an INVITE comes from a phone of ours, or from our proxy for us."""
        is_called = trunk.is_called(self.settings.registrar, message, source)
        return is_called or bool(self._phone_of(message, source))

    def _phone_of(self, message: Message, source: Address) -> str:
        user = message.fields.from_user
        return self.registrar.phone_at(source, "" if is_nameless(message) else user)

    def _turn_away(self, message: Message, source: Address) -> None:
        """Refuse a stranger's INVITE without remembering it: nothing to repeat, nothing to fill."""
        peer = reply_address(message.get("Via"), message.fields.sent_by, source)
        headers = response_head(message, source, "stranger")
        data = write_message(f"SIP/2.0 403 {phrase(403)}", headers)
        self.core.transactions.outbox.append((data, peer))

    def _nonsense(self, error: Unreadable, source: Address) -> None:
        """Count it, and answer a request that is at least half readable (8.2)."""
        self.nonsense += 1
        if error.answer is None:
            return
        code, headers = error.answer
        via = next((value for name, value in headers if name == "Via"), "")
        if not via or any(name == "CSeq" and "ACK" in value for name, value in headers):
            return
        heading = f"SIP/2.0 {code} {phrase(code)}"
        self.core.transactions.outbox.append((write_message(heading, headers), source))


def is_nameless(message: Message) -> bool:
    """Tell whether a caller says nobody's name: anonymously (RFC 3323), or by a tel URI."""
    uri = read_uri(read_name_address(message.get("From")).uri)
    return uri is None or uri.user.lower() in {"", "anonymous"}


def _nobody(*_: object) -> None:
    """Own the server transactions of requests outside calls."""


# ---- loop --------------------------------------------------------------------------------------
# The `sip` thread: one UDP socket, TCP beside it, one selector, the endpoint's next deadline.
#
# The only clock and the only sockets of the room. Nothing here blocks: not a phone that is silent,
# not a LAN that is gone, not an address that is not there yet. UDP is served first, and a fault of
# what serves TCP ends TCP alone.

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
