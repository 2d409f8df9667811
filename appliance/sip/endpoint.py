"""The SIP endpoint, sans I/O: rate limit, admission of INVITEs, connections of phones.

Opens nothing and reads no clock: `transport` calls `receive`, `refused` and `advance`, sends
`take_datagrams()` and delivers the events; `next_deadline()` tells when to call again. Call control
acts on its `legs`.
"""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from appliance.calls import events
from appliance.deadlines import earliest
from appliance.dsp.wav import Law
from appliance.sip import call_states, trunk
from appliance.sip.call import UNANSWERED, SipCall, serve_in_dialog, unsupported_in_dialog
from appliance.sip.call_states import CallLegState, LegInput
from appliance.sip.dialog import OpenCall, SipCore, digits_of, phrase, read_replaces, response_head
from appliance.sip.message import (
    Parser,
    SipMessage,
    TcpPeer,
    Unreadable,
    read,
    read_name_address,
    read_uri,
    reply_address,
    write_message,
)
from appliance.sip.phones import OTHERS, MessageWaiting, OpenCalls, Qualify
from appliance.sip.registrar import (
    Binding,
    DigestAuthentication,
    DigestLogin,
    Nonces,
    PhoneRegistrar,
    PhonesSettings,
    RegistrarAccount,
    RingTarget,
    SipReply,
)
from appliance.sip.rtp import Address
from appliance.sip.sdp import NoCommonSound
from appliance.sip.transactions import Transaction, TransactionInput
from appliance.sip.trunk import TrunkRegistration

# ---- Connections of phones: effect on bindings and calls when one opens, breaks or comes back
# A phone that registered over TCP is rung over that connection alone (RFC 5626): it may listen
# nowhere. When the connection breaks the phone counts as out until it has registered again. Sound
# needs no connection: a conversation goes on, and signalling waits until the phone is back, as does
# the end of a call that the phone still believes in.

BROKE = "its connection broke"
# Number of ended calls that phones are still to be told of, and for how many seconds each is kept.
MOST_OWED = 32
OWED_S = 600.0
# States that cannot go on without a connection: no message about their outcome could arrive.
WAITS = UNANSWERED | {CallLegState.OFFERED}


@dataclass(slots=True)
class Flows:
    """Tracks the TCP connections that are up, and the calls that depend on them."""

    core: SipCore
    registrar: PhoneRegistrar
    legs: OpenCalls
    streams: set[TcpPeer] = field(default_factory=set)
    _owed: deque[tuple[OpenCall, float]] = field(default_factory=lambda: deque(maxlen=MOST_OWED))

    def opened(self, stream: TcpPeer) -> None:
        """Note a new connection."""
        self.streams.add(stream)

    def closed(self, stream: TcpPeer, now: float) -> None:
        """End what depends on a broken connection, unless its phone has another one."""
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

    def proven(self) -> set[TcpPeer]:
        """Return the connections over which a phone has registered, or is in a call."""
        places = [binding.source for binding in self.registrar.bindings.values()]
        places += [call.dialog.peer for call in self.legs.calls.values()]
        return {place for place in places if isinstance(place, TcpPeer)}

    def registered(self, phone: str, now: float) -> None:
        """Move the calls of a phone that is back to its new connection; end those that are over."""
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

    def heard(self, call: SipCall, source: Address) -> None:
        """Move a call to the connection that a request within it came over."""
        # Only the phone itself knows the call's tags, so the sender is the phone.
        if isinstance(source, TcpPeer) and self._is_broken(call.dialog.peer):
            _move(call, source)

    def owe(self, left: OpenCall, now: float) -> None:
        """Keep an ended call until its phone is back."""
        # A call that the phone itself is ringing, it gives up by itself.
        if not left.refusal:
            self._owed.append((left, now + OWED_S))

    def _is_broken(self, peer: Address) -> bool:
        return isinstance(peer, TcpPeer) and peer not in self.streams

    def _home(self, phone: str) -> Address | None:
        """Return the address of a phone now; None if it is out, or its connection broke."""
        target = self.registrar.target(phone)
        return None if target is None or self._is_broken(target.address) else target.address

    def _cut(self, call: SipCall, now: float) -> None:
        if call.state not in WAITS:
            return
        if left := call.left():
            self.owe(left, now)
        # Cancelled, not failed: without an answer the transaction ends in its own time.
        if call.invite is not None:
            self.core.transactions.feed(call.invite, TransactionInput.CANCELLED, now)
        call.why = BROKE
        call.feed(LegInput.CUT, now)


def _move(call: SipCall, peer: Address) -> None:
    """Send further requests of a call to `peer`."""
    call.dialog = replace(call.dialog, peer=peer)
    if call.invite is not None:
        # Repeats of its last message follow.
        call.invite.peer = peer


_NEED_A_CALL = dict.fromkeys(("BYE", "INFO", "UPDATE", "PRACK"), 481)
# Responses to requests outside any call; 405 for all other methods.
OUTSIDE = {"OPTIONS": 200} | _NEED_A_CALL


@dataclass(slots=True)
class Endpoint:
    """All SIP of the box; `parse` is the header parser, `local` returns our address for a peer."""

    settings: PhonesSettings
    parse: Parser
    local: Callable[[Address], Address]
    random: Callable[[int], bytes]
    core: SipCore = field(init=False)
    registrar: PhoneRegistrar = field(init=False)
    legs: OpenCalls = field(init=False)
    qualify: Qualify = field(init=False)
    rate_limit: RateLimit = field(init=False)
    waiting: MessageWaiting = field(init=False)
    flows: Flows = field(init=False)
    registration: TrunkRegistration | None = None
    nonsense: int = 0

    def __post_init__(self) -> None:
        login = self._login()
        self.core = SipCore(self._local, self.random, login)
        self.registration = TrunkRegistration(self.core, login) if login else None
        self.legs = OpenCalls(self.core, self.settings.registrar)
        nonces = Nonces(self.random(16))
        authentication = DigestAuthentication(self.settings, nonces)
        self.rate_limit = RateLimit(self.settings.allowed, nonces.is_fresh)
        accounts, longest = self.settings.accounts, self.settings.registration_s
        self.registrar = PhoneRegistrar(accounts, authentication, longest, self.core.tell)
        fixed = frozenset((*self.registrar.fixed, *self.branches()))
        interval = self.settings.qualify_s
        self.qualify = Qualify(self.core, self._asked, fixed, interval)
        self.waiting = MessageWaiting(self.core, self.registrar, self.settings.messages_code)
        self.registrar.seen, self.registrar.forgotten = self.qualify.seen, self._forgotten
        self.registrar.proven = self.qualify.is_proven
        self.flows = Flows(self.core, self.registrar, self.legs)

    def target(self, phone: str) -> RingTarget | None:
        """Return where a phone, or another branch, is rung now; None if nowhere."""
        return self.branches().get(phone) or self.registrar.target(phone)

    def branches(self) -> dict[str, RingTarget]:
        """Return the other branches to which callers may be handed over, and their targets."""
        account = self.settings.registrar
        if account is None:
            return {}
        found = {name: trunk.branch_target(account, name) for name in account.branches}
        return {name: target for name, target in found.items() if target}

    def _local(self, peer: Address) -> Address:
        """Return our address as `peer` sees it, of the same transport."""
        own = self.local(peer)
        return TcpPeer(own) if isinstance(peer, TcpPeer) else own

    def _asked(self) -> dict[str, RingTarget]:
        return self.registrar.targets() | self.branches()

    def _forgotten(self, phone: str) -> None:
        self.qualify.forget(phone)
        self.waiting.forget(phone)

    def _login(self) -> DigestLogin | None:
        account = self.settings.registrar
        if account is None:
            return None
        return DigestLogin(account.address, account.user, account.secret, self.random)

    def start(self, now: float, bindings: tuple[Binding, ...] = ()) -> None:
        """Restore the bindings kept from before a restart; begin to register and to qualify."""
        self.registrar.restore(bindings)
        self.qualify.start(now, frozenset(each.phone for each in bindings if each.proven))
        if self.registration:
            self.registration.start(now)

    def end_left(self, left: tuple[OpenCall, ...], now: float) -> None:
        """End the calls left behind by an earlier process."""
        for one in left:
            if isinstance(one.dialog.peer, TcpPeer):
                # Connections ended with that process: this phone is told once it is back.
                self.flows.owe(one, now)
            else:
                self.legs.end_left(one, now)

    def stop(self, now: float) -> None:
        """End every leg and remove our registration at the registrar."""
        for leg in list(self.legs.calls):
            self.legs.stop(leg, now)
        if self.registration:
            self.registration.stop(now)

    def receive(self, datagram: bytes, source: Address, now: float) -> bool:
        """Process one datagram, or one message of a stream; never raises.

        Returns False for what is no SIP at all: the rest of such a stream cannot be read either.
        """
        is_stream = isinstance(source, TcpPeer)
        # Streams are rate-limited by `transport`, before a message is read.
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
        return self.rate_limit.admits(datagram, source[0], now, known, calls)

    def _take(self, message: SipMessage, source: Address, now: float) -> None:
        if message.is_response:
            self.core.transactions.response(message, now)
        elif not self.core.transactions.repeated(message, now):
            self._request(message, source, now)
        self.legs.sweep()

    def refused(self, address: Address, now: float) -> None:
        """Fail what waits for `address`: the network reports (ICMP) that nobody listens there."""
        self.core.transactions.refused(address, now)
        while self.core.unsaid:
            self.flows.owe(self.core.unsaid.pop(), now)
        self.legs.sweep()

    def opened(self, stream: TcpPeer) -> None:
        """Note a new TCP connection."""
        self.flows.opened(stream)

    def closed(self, stream: TcpPeer, now: float) -> None:
        """Handle the end of a TCP connection, from either side."""
        self.flows.closed(stream, now)
        self.refused(stream, now)

    def proven(self) -> set[TcpPeer]:
        """Return the connections over which a phone has registered, or is in a call."""
        return self.flows.proven()

    def is_heard(self, host: str) -> bool:
        """Return whether connections from a host are accepted at all."""
        return self.rate_limit.is_allowed(host) or host in self._hosts()

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        return earliest(
            (
                self.core.transactions.next_deadline(),
                self.registrar.next_deadline(),
                self.qualify.next_deadline(),
                self.legs.next_deadline(),
                self.waiting.next_deadline(),
                self.registration.next_deadline() if self.registration else None,
            )
        )

    def advance(self, now: float) -> None:
        """Run every timer that is due by `now`."""
        self.core.transactions.advance(now)
        self.registrar.expire(now)
        self.qualify.advance(now)
        self.legs.advance(now)
        self.waiting.advance(now)
        if self.registration:
            self.registration.advance(now)

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """Return the datagrams to send, and forget them."""
        outbox = self.core.transactions.outbox
        taken = outbox[:]
        outbox.clear()
        return taken

    def take_events(self) -> list[events.Event]:
        """Return the events to deliver, and forget them."""
        taken = list(self.core.events)
        self.core.events.clear()
        return taken

    def _hosts(self) -> set[str]:
        """Return the known hosts: of phones, of the registrar, of the peers of calls."""
        login = self.core.login
        registrar = {login.address[0]} if login else set()
        return self.registrar.hosts() | self.legs.hosts() | registrar

    def _request(self, message: SipMessage, source: Address, now: float) -> None:
        call = self.legs.find(message)
        if call:
            self.flows.heard(call, source)
        if message.method == "ACK":
            if call:
                # An ACK has no response and no transaction of its own (RFC 3261 17).
                call.acknowledged(message, now)
            return
        if message.method == "INVITE" and not (call or self._is_known(message, source)):
            # Before a transaction exists: strangers' INVITEs must not fill the table of requests.
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
            serve_in_dialog(call, message, transaction, self.legs.named, now)
        else:
            self._out_of_dialog(message, source, transaction, now)

    def _out_of_dialog(
        self, message: SipMessage, source: Address, transaction: Transaction, now: float
    ) -> None:
        reply: SipReply | None
        if message.method == "SUBSCRIBE":
            reply = self.waiting.subscribe(message, source, transaction, now)
        elif message.fields.to_tag:
            # 12.2.2: a To tag names a dialog, and there is none.
            reply = SipReply(481)
        elif message.method == "REGISTER":
            self._register(message, source, transaction, now)
            return
        elif message.method == "INVITE":
            reply = self._invited(message, source, transaction, now)
        else:
            reply = SipReply(OUTSIDE.get(message.method, 405))
        if reply:
            self.core.respond(transaction, message, reply.code, now, extra=reply.headers)

    def _register(
        self, message: SipMessage, source: Address, transaction: Transaction, now: float
    ) -> None:
        """Answer a REGISTER."""
        reply = self.registrar.register(message, source, now)
        self.core.respond(transaction, message, reply.code, now, extra=reply.headers)
        phone = message.fields.to_user
        if reply.code == 200 and self.registrar.is_home(phone, source):
            # After the response: a phone that is there now is told of messages and of ended calls.
            self.waiting.registered(phone, now)
            self.flows.registered(phone, now)

    def _invited(
        self, message: SipMessage, source: Address, transaction: Transaction, now: float
    ) -> SipReply | None:
        """Accept a phone's call, or a caller handed over by the proxy; else return a refusal."""
        phone = self._phone_of(message, source)
        if not phone:
            account, laws = self.settings.registrar, self.settings.laws
            assert account is not None, "only a proxy that is configured is known"
            return accept_trunk_call(self.legs, account, laws, message, transaction, now)
        if reply := self._refusal(message, phone, source, now):
            return reply
        try:
            self.legs.offered(message, phone, transaction, self.settings.laws, now)
        except NoCommonSound:
            return SipReply(488)
        return None

    def _refusal(
        self, message: SipMessage, phone: str, source: Address, now: float
    ) -> SipReply | None:
        """Refuse unproven phones, loops, floods and targets that cannot be dialled."""
        authentication, at_home = (
            self.registrar.authentication,
            self.registrar.is_home(phone, source),
        )
        if authentication.knows(phone):
            refusal = authentication.check(message, phone, source[0], now, at_home=at_home)
            if refusal:
                return refusal
        if refusal := refuse_invite(self.legs, message, phone):
            return refusal
        # A flood of INVITEs may fill two calls a configured phone (docs/design/failures.md).
        if self.legs.dialled >= 2 * len(self.settings.accounts):
            return SipReply(503, (("Retry-After", "32"),))
        return None if digits_of(message.uri) else SipReply(404)

    def _cancel(self, message: SipMessage, transaction: Transaction, now: float) -> None:
        """Answer a CANCEL: it names the INVITE by its branch (9.2)."""
        key = (transaction.key[0], "INVITE")
        invite = self.core.transactions.servers.get(key)
        # A CANCEL from another host may be forged.
        if invite is None or invite.peer[0] != transaction.peer[0]:
            self.core.respond(transaction, message, 481, now)
            return
        self.core.respond(transaction, message, 200, now)
        self.legs.cancelled(invite, now)

    def _is_known(self, message: SipMessage, source: Address) -> bool:
        """Return whether an INVITE comes from a phone of ours, or from our proxy for us."""
        is_called = trunk.is_trunk_call(self.settings.registrar, message, source)
        return is_called or bool(self._phone_of(message, source))

    def _phone_of(self, message: SipMessage, source: Address) -> str:
        user = message.fields.from_user
        return self.registrar.phone_at(source, "" if is_anonymous(message) else user)

    def _turn_away(self, message: SipMessage, source: Address) -> None:
        """Refuse a stranger's INVITE statelessly (8.2.7)."""
        peer = reply_address(message.get("Via"), message.fields.sent_by, source)
        # Nothing is remembered, so the tag must be the same at every repeat (8.2.7).
        headers = response_head(message, source, "stranger")
        data = write_message(f"SIP/2.0 403 {phrase(403)}", headers)
        self.core.transactions.outbox.append((data, peer))

    def _nonsense(self, error: Unreadable, source: Address) -> None:
        """Count an unreadable message, and answer a request that is partly readable (8.2)."""
        self.nonsense += 1
        if error.answer is None:
            return
        code, headers = error.answer
        via = next((value for name, value in headers if name == "Via"), "")
        # An ACK is never answered (17); without Via no response finds its way.
        if not via or any(name == "CSeq" and "ACK" in value for name, value in headers):
            return
        heading = f"SIP/2.0 {code} {phrase(code)}"
        self.core.transactions.outbox.append((write_message(heading, headers), source))


def is_anonymous(message: SipMessage) -> bool:
    """Return whether the caller gives no name: anonymous (RFC 3323), or a tel URI."""
    uri = read_uri(read_name_address(message.get("From")).uri)
    return uri is None or uri.user.lower() in {"", "anonymous"}


def _nobody(*_: object) -> None:
    """Ignore the outcome of server transactions outside calls."""


# Callers that others may hand over at once: more than positions any office has.
MOST_TRUNK_CALLS = 16


def refuse_invite(legs: OpenCalls, message: SipMessage, phone: str) -> SipReply | None:
    """Return a refusal of an INVITE that we do not support or already have; else None."""
    if required := unsupported_in_dialog(message):
        return SipReply(420, (("Unsupported", required),))
    if call_states.is_too_brief(message):
        return SipReply(422, (("Min-SE", str(call_states.LEAST)),))
    # A phone does not replace another's call by itself: it asks by REFER, and call control decides.
    if replaces := message.get("Replaces"):
        # RFC 3891 3.
        return SipReply(legs.named(read_replaces(replaces), phone)[1] or 403)
    if legs.has(message.call_id):
        # 8.2.2.2: the same request, arrived by another path.
        return SipReply(482)
    return None


def accept_trunk_call(
    legs: OpenCalls,
    account: RegistrarAccount,
    laws: tuple[Law, ...],
    message: SipMessage,
    transaction: Transaction,
    now: float,
) -> SipReply | None:
    """Accept a caller that the proxy hands over, or return a refusal."""
    if reply := refuse_invite(legs, message, ""):
        return reply
    if trunk.is_loop(account, message):
        return SipReply(482)
    if legs.taken_over >= MOST_TRUNK_CALLS:
        return SipReply(503, (("Retry-After", "32"),))
    origin, caller = trunk.origin_of(message), trunk.caller_of(message)

    def tell(leg: str) -> events.Event:
        return events.BranchCalled(leg, origin, caller)

    try:
        legs.offered(message, OTHERS, transaction, laws, now, tell)
    except NoCommonSound:
        return SipReply(488)
    return None


# ---- Rate limit: which datagrams are read at all, by address and by rate
# One token bucket (RFC 2697's idea) for each known host, at which a phone or the registrar is, and
# for each stranger; all strangers together share one more, since their addresses may be forged. A
# datagram that names a call that is up is read in any case: nobody who is not in the path can know
# a Call-ID of 128 random bits.


Network = ipaddress.IPv4Network

# Datagrams a second of one host, known or stranger; a busy proxy of 20 phones sends a few.
RATE = {True: 50.0, False: 10.0}
# Datagrams at once: 20 phones that a switch powers up at the same moment register in two each.
BURST = {True: 200.0, False: 40.0}
# All strangers together, by one of three measures: 50 a second, a tenth of a core for reading them.
# Two are kept free for phones at new addresses, which register by two datagrams: the first ones of
# a host not heard for a while, and answers to a nonce that was given to that very address.
STRANGERS_RATE, STRANGERS_BURST = 30.0, 140.0
NEWCOMERS_RATE, NEWCOMERS_BURST = 10.0, 40.0
ANSWERS_RATE, ANSWERS_BURST = 10.0, 20.0
# The first FIRST datagrams of a host not heard for QUIET_S seconds are a newcomer's.
FIRST = 8
QUIET_S = 60.0
# So many datagrams of strangers refused within FLOOD_S seconds are a flood, which is reported.
FLOOD_S = 10.0
FLOOD = 200
# Addresses named in the report, and for how many seconds after its last datagram (TOLD_S).
TOLD_S = 60.0
NAMED = 3
_NONCE = re.compile(rb'nonce="([^"]{1,128})"')
# Buckets kept; the least recently used one makes room, and starts full again.
MAX_SOURCES = 1024


@dataclass(slots=True)
class TokenBucket:
    """Token bucket: `tokens` datagrams may pass at time `at` (monotonic s)."""

    tokens: float
    at: float
    heard: int = 0

    def take(self, rate: float, burst: float, now: float) -> bool:
        """Take one token; return whether there was one."""
        self.tokens = min(burst, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(slots=True)
class RateLimit:
    """Rate limit of datagrams; `dropped` counts those not read.

    `allowed` networks, () for every address; `is_ours` tells whether a nonce was given to a host
    and is still valid.
    """

    allowed: tuple[Network, ...] = ()
    is_ours: Callable[[str, str, float], bool] = lambda _nonce, _host, _now: False
    dropped: int = 0
    _strangers: TokenBucket = field(default_factory=lambda: TokenBucket(STRANGERS_BURST, 0.0))
    _newcomers: TokenBucket = field(default_factory=lambda: TokenBucket(NEWCOMERS_BURST, 0.0))
    _answers: TokenBucket = field(default_factory=lambda: TokenBucket(ANSWERS_BURST, 0.0))
    _refused: dict[str, int] = field(default_factory=dict)
    _window_at: float = 0.0
    _flood: tuple[str, ...] = ()
    _flood_until: float = 0.0
    _buckets: OrderedDict[str, TokenBucket] = field(default_factory=OrderedDict)

    def admits(
        self, datagram: bytes, host: str, now: float, known: Collection[str], calls: Collection[str]
    ) -> bool:
        """Return whether to read a datagram; `calls` are the Call-IDs of calls that are up."""
        is_known = host in known
        passes = self._may_send(datagram, host, is_known, now) or (
            # A flood under a phone's own address must not keep its hold or BYE away (failures.md).
            is_known and any(call_id.encode() in datagram for call_id in calls)
        )
        if not passes:
            self.dropped += 1
            if not is_known:
                self._refuse(host, now)
        return passes

    def flood(self, now: float) -> tuple[str, ...]:
        """Return the addresses that most of a flood comes from, () when there is none."""
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

    def _may_speak(self, datagram: bytes, host: str, own: TokenBucket, now: float) -> bool:
        """Return whether a stranger's datagram passes one of the three limits for strangers."""
        own.heard += 1
        if self._strangers.take(STRANGERS_RATE, STRANGERS_BURST, now):
            return True
        if own.heard <= FIRST and self._newcomers.take(NEWCOMERS_RATE, NEWCOMERS_BURST, now):
            return True
        # Searched in the raw bytes: parsing is what the limit is to spare.
        nonce = _NONCE.search(datagram)
        is_answer = nonce is not None and self.is_ours(nonce[1].decode("latin-1"), host, now)
        return is_answer and self._answers.take(ANSWERS_RATE, ANSWERS_BURST, now)

    def _refuse(self, host: str, now: float) -> None:
        """Count refused hosts in windows of FLOOD_S seconds."""
        if now - self._window_at > FLOOD_S:
            self._refused, self._window_at = {}, now
        if host in self._refused or len(self._refused) < MAX_SOURCES:
            self._refused[host] = self._refused.get(host, 0) + 1
        if sum(self._refused.values()) >= FLOOD:
            # The names stay as they are while the flood goes on.
            if now >= self._flood_until:
                worst = sorted(self._refused, key=lambda one: (-self._refused[one], one))
                self._flood = tuple(worst[:NAMED])
            self._flood_until, self._refused = now + TOLD_S, {}

    def is_allowed(self, host: str) -> bool:
        """Return whether SIP from this address is read at all."""
        address = ipaddress.IPv4Address(host)
        return not self.allowed or any(address in network for network in self.allowed)

    def _bucket(self, host: str, burst: float, now: float) -> TokenBucket:
        bucket = self._buckets.setdefault(host, TokenBucket(burst, now))
        self._buckets.move_to_end(host)
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return bucket
