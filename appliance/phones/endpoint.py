"""The SIP endpoint: datagrams and time in, datagrams and events out; the desk orders its `legs`.

Opens nothing and reads no clock. Whoever drives it calls `receive`, `refused` and `advance`, then
sends `take_datagrams()` and tells `take_events()`; `next_deadline()` says when to come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.calls import events
from appliance.phones import indialog, trunk, welcome
from appliance.phones.bindings import Binding
from appliance.phones.canonical import reply_address
from appliance.phones.core import Core, phrase, response_head
from appliance.phones.digest import Nonces
from appliance.phones.flows import Flows
from appliance.phones.gate import Gate, Reply
from appliance.phones.left import Left
from appliance.phones.legs import Legs
from appliance.phones.login import Login
from appliance.phones.message import Message, Parser, Unreadable, read, write
from appliance.phones.qualify import Qualify
from appliance.phones.refer import digits_of
from appliance.phones.registrar import Registrar, Target
from appliance.phones.registration import Registration
from appliance.phones.rtp import Address
from appliance.phones.sdp import NoCommonSound
from appliance.phones.settings import PhonesSettings
from appliance.phones.sluice import Sluice
from appliance.phones.transactions import Transaction
from appliance.phones.uri import Stream, read_name_address, read_uri
from appliance.phones.waiting import Waiting

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
            indialog.serve(call, message, transaction, self.legs.named, now)
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
            return welcome.hand_over(self.legs, account, laws, message, transaction, now)
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
        if refusal := welcome.unfit(self.legs, message, phone):
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
        data = write(f"SIP/2.0 403 {phrase(403)}", headers)
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
        self.core.transactions.outbox.append((write(heading, headers), source))


def is_nameless(message: Message) -> bool:
    """Tell whether a caller says nobody's name: anonymously (RFC 3323), or by a tel URI."""
    uri = read_uri(read_name_address(message.get("From")).uri)
    return uri is None or uri.user.lower() in {"", "anonymous"}


def _nobody(*_: object) -> None:
    """Own the server transactions of requests outside calls."""
