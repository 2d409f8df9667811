"""SIP transactions (RFC 3261, 17)."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.sip.message import SipMessage, TcpPeer
from appliance.sip.rtp import Address

# ---- transaction states ------------------------------------------------------------------------
# The four transactions of RFC 3261 section 17, each as one table, and their timers.
#
# Two deviations, both ours: ABANDONED keeps listening after an INVITE was given up, so that a phone
# which wakes late is cancelled instead of ringing on; and a 2xx to an INVITE is repeated here until
# its ACK (13.3.1.4 leaves that to the user), with the ACCEPTED state of RFC 6026.

T1 = 0.5
"""Seconds: the round-trip time estimate (17.1.1.1)."""
T2 = 4.0
"""Seconds: the longest interval between repeats of a non-INVITE request or an INVITE response."""
T4 = 5.0
"""Seconds: how long a message may stay in the network."""
T64 = 64 * T1
"""Seconds: timers B, D, F, H, J, L and M."""
NO_ANSWER = 4.0
"""Seconds: our timer B. On a LAN a phone that said nothing to four INVITEs is switched off."""


class TransactionKind(enum.Enum):
    """Which of the four."""

    INVITE_CLIENT = "INVITE client"
    CLIENT = "client"
    INVITE_SERVER = "INVITE server"
    SERVER = "server"


class TransactionState(enum.Enum):
    """States of section 17, of RFC 6026, and ABANDONED."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ABANDONED = "abandoned"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class TransactionInput(enum.Enum):
    """What can happen to a transaction."""

    PROVISIONAL = "1xx received"
    SUCCESS = "2xx received"
    FAILURE = "3xx-6xx received"
    REQUEST = "request received again"
    ACK = "ACK received"
    SAY_PROVISIONAL = "1xx to send"
    SAY_SUCCESS = "2xx to send"
    SAY_FAILURE = "3xx-6xx to send"
    CANCELLED = "CANCEL sent"
    UNSENT = "the network refused the request"
    RESEND = "timer A, E or G"
    GIVE_UP = "timer B, F or H"
    END = "timer D, I, J, K, L or M"


class TransactionAction(enum.Enum):
    """What a transaction does."""

    SEND = "send the last message"
    ACK = "send the ACK of a refusal"
    PASS = "pass the response to the user"  # noqa: S105 - no password
    TIMED_OUT = "tell the user that no answer came"
    FAILED = "tell the user that the network refused"
    OVER = "tell the user that the transaction is over"


@dataclass(frozen=True, slots=True)
class TransactionStep:
    """One row: the next state and what is done on the way."""

    state: TransactionState
    do: tuple[TransactionAction, ...] = ()


Row = dict[tuple[TransactionState, TransactionInput], TransactionStep]
_I, _S, _K = TransactionInput, TransactionState, TransactionKind
_Do, _Step = TransactionAction, TransactionStep

INVITE_CLIENT: Row = {
    (_S.CALLING, _I.PROVISIONAL): _Step(_S.PROCEEDING, (_Do.PASS,)),
    (_S.CALLING, _I.SUCCESS): _Step(_S.ACCEPTED, (_Do.PASS,)),
    (_S.CALLING, _I.FAILURE): _Step(_S.COMPLETED, (_Do.ACK, _Do.PASS)),
    (_S.CALLING, _I.RESEND): _Step(_S.CALLING, (_Do.SEND,)),
    (_S.CALLING, _I.GIVE_UP): _Step(_S.ABANDONED, (_Do.TIMED_OUT,)),
    (_S.CALLING, _I.UNSENT): _Step(_S.TERMINATED, (_Do.FAILED, _Do.OVER)),
    (_S.PROCEEDING, _I.PROVISIONAL): _Step(_S.PROCEEDING, (_Do.PASS,)),
    (_S.PROCEEDING, _I.SUCCESS): _Step(_S.ACCEPTED, (_Do.PASS,)),
    (_S.PROCEEDING, _I.FAILURE): _Step(_S.COMPLETED, (_Do.ACK, _Do.PASS)),
    (_S.PROCEEDING, _I.CANCELLED): _Step(_S.ABANDONED),
    (_S.ABANDONED, _I.PROVISIONAL): _Step(_S.ABANDONED, (_Do.PASS,)),
    (_S.ABANDONED, _I.SUCCESS): _Step(_S.ACCEPTED, (_Do.PASS,)),
    (_S.ABANDONED, _I.FAILURE): _Step(_S.COMPLETED, (_Do.ACK, _Do.PASS)),
    (_S.ABANDONED, _I.END): _Step(_S.TERMINATED, (_Do.OVER,)),
    (_S.COMPLETED, _I.FAILURE): _Step(_S.COMPLETED, (_Do.ACK,)),
    (_S.COMPLETED, _I.END): _Step(_S.TERMINATED, (_Do.OVER,)),
    (_S.ACCEPTED, _I.SUCCESS): _Step(_S.ACCEPTED, (_Do.PASS,)),
    (_S.ACCEPTED, _I.END): _Step(_S.TERMINATED, (_Do.OVER,)),
}
CLIENT: Row = {
    (_S.TRYING, _I.PROVISIONAL): _Step(_S.PROCEEDING),
    (_S.TRYING, _I.SUCCESS): _Step(_S.COMPLETED, (_Do.PASS,)),
    (_S.TRYING, _I.FAILURE): _Step(_S.COMPLETED, (_Do.PASS,)),
    (_S.TRYING, _I.RESEND): _Step(_S.TRYING, (_Do.SEND,)),
    (_S.TRYING, _I.GIVE_UP): _Step(_S.TERMINATED, (_Do.TIMED_OUT, _Do.OVER)),
    (_S.TRYING, _I.UNSENT): _Step(_S.TERMINATED, (_Do.FAILED, _Do.OVER)),
    (_S.PROCEEDING, _I.SUCCESS): _Step(_S.COMPLETED, (_Do.PASS,)),
    (_S.PROCEEDING, _I.FAILURE): _Step(_S.COMPLETED, (_Do.PASS,)),
    (_S.PROCEEDING, _I.RESEND): _Step(_S.PROCEEDING, (_Do.SEND,)),
    (_S.PROCEEDING, _I.GIVE_UP): _Step(_S.TERMINATED, (_Do.TIMED_OUT, _Do.OVER)),
    (_S.PROCEEDING, _I.UNSENT): _Step(_S.TERMINATED, (_Do.FAILED, _Do.OVER)),
    (_S.COMPLETED, _I.END): _Step(_S.TERMINATED, (_Do.OVER,)),
}
INVITE_SERVER: Row = {
    (_S.PROCEEDING, _I.REQUEST): _Step(_S.PROCEEDING, (_Do.SEND,)),
    (_S.PROCEEDING, _I.SAY_PROVISIONAL): _Step(_S.PROCEEDING, (_Do.SEND,)),
    (_S.PROCEEDING, _I.SAY_SUCCESS): _Step(_S.ACCEPTED, (_Do.SEND,)),
    (_S.PROCEEDING, _I.SAY_FAILURE): _Step(_S.COMPLETED, (_Do.SEND,)),
    (_S.ACCEPTED, _I.REQUEST): _Step(_S.ACCEPTED, (_Do.SEND,)),
    (_S.ACCEPTED, _I.RESEND): _Step(_S.ACCEPTED, (_Do.SEND,)),
    (_S.ACCEPTED, _I.ACK): _Step(_S.CONFIRMED),
    (_S.ACCEPTED, _I.GIVE_UP): _Step(_S.TERMINATED, (_Do.TIMED_OUT, _Do.OVER)),
    (_S.COMPLETED, _I.REQUEST): _Step(_S.COMPLETED, (_Do.SEND,)),
    (_S.COMPLETED, _I.RESEND): _Step(_S.COMPLETED, (_Do.SEND,)),
    (_S.COMPLETED, _I.ACK): _Step(_S.CONFIRMED),
    (_S.COMPLETED, _I.GIVE_UP): _Step(_S.TERMINATED, (_Do.OVER,)),
    (_S.CONFIRMED, _I.END): _Step(_S.TERMINATED, (_Do.OVER,)),
}
SERVER: Row = {
    (_S.TRYING, _I.SAY_SUCCESS): _Step(_S.COMPLETED, (_Do.SEND,)),
    (_S.TRYING, _I.SAY_FAILURE): _Step(_S.COMPLETED, (_Do.SEND,)),
    (_S.COMPLETED, _I.REQUEST): _Step(_S.COMPLETED, (_Do.SEND,)),
    (_S.COMPLETED, _I.END): _Step(_S.TERMINATED, (_Do.OVER,)),
}

TABLES: dict[TransactionKind, Row] = {
    _K.INVITE_CLIENT: INVITE_CLIENT,
    _K.CLIENT: CLIENT,
    _K.INVITE_SERVER: INVITE_SERVER,
    _K.SERVER: SERVER,
}
"""What is not in the table changes nothing: it is late, repeated, or out of place."""

BEGINNING = {
    _K.INVITE_CLIENT: _S.CALLING,
    _K.CLIENT: _S.TRYING,
    _K.INVITE_SERVER: _S.PROCEEDING,
    _K.SERVER: _S.TRYING,
}


@dataclass(frozen=True, slots=True)
class TransactionTimer:
    """A timer started on entering a state: after `first` s, then doubling up to `longest`."""

    fires: TransactionInput
    first: float
    longest: float = 0.0  # 0: fires once


_A = TransactionTimer(_I.RESEND, T1, T64)  # "INVITE requests are only retransmitted ... doubling"
_B = TransactionTimer(_I.GIVE_UP, NO_ANSWER)
_E = TransactionTimer(_I.RESEND, T1, T2)
_E2 = TransactionTimer(_I.RESEND, T2, T2)
_F = TransactionTimer(_I.GIVE_UP, T64)
_G = TransactionTimer(_I.RESEND, T1, T2)
_H = TransactionTimer(_I.GIVE_UP, T64)
_LONG = TransactionTimer(_I.END, T64)
_SHORT = TransactionTimer(_I.END, T4)

TIMERS: dict[tuple[TransactionKind, TransactionState], tuple[TransactionTimer, ...]] = {
    (_K.INVITE_CLIENT, _S.CALLING): (_A, _B),
    (_K.INVITE_CLIENT, _S.ABANDONED): (_LONG,),
    (_K.INVITE_CLIENT, _S.COMPLETED): (_LONG,),
    (_K.INVITE_CLIENT, _S.ACCEPTED): (_LONG,),
    (_K.CLIENT, _S.TRYING): (_E, _F),
    (_K.CLIENT, _S.PROCEEDING): (_E2, _F),
    (_K.CLIENT, _S.COMPLETED): (_SHORT,),
    (_K.INVITE_SERVER, _S.ACCEPTED): (_G, _H),
    (_K.INVITE_SERVER, _S.COMPLETED): (_G, _H),
    (_K.INVITE_SERVER, _S.CONFIRMED): (_SHORT,),
    (_K.SERVER, _S.COMPLETED): (_LONG,),
}
"""A state starts its timers when entered and stops them when left; a step to itself keeps them."""

_NO_REPEATS = {
    (_K.INVITE_CLIENT, _S.COMPLETED),  # D
    (_K.CLIENT, _S.COMPLETED),  # K
    (_K.INVITE_SERVER, _S.CONFIRMED),  # I
    (_K.SERVER, _S.COMPLETED),  # J
}
"""States that only wait for what came twice."""


def timers(
    kind: TransactionKind, state: TransactionState, *, reliable: bool
) -> tuple[TransactionTimer, ...]:
    """Return the timers of a state. Over a `reliable` transport nothing is sent or comes twice: no
    A, E and G, and D, I, J and K are 0; but a 2xx is repeated until its ACK even there (13.3.1.4).
    """
    found = TIMERS.get((kind, state), ())
    if not reliable:
        return found
    if (kind, state) in _NO_REPEATS:
        return (TransactionTimer(TransactionInput.END, 0.0),)
    is_2xx = (kind, state) == (TransactionKind.INVITE_SERVER, TransactionState.ACCEPTED)
    return tuple(timer for timer in found if is_2xx or timer.fires is not TransactionInput.RESEND)


# ---- transactions ------------------------------------------------------------------------------
# Transactions: repeats, time-outs and matching of RFC 3261 section 17, without clock or socket.
#
# `Transactions` keeps them all; what is to be sent gathers in `outbox`, what a client transaction
# learns goes to its owner.

MAGIC = "z9hG4bK"
"""RFC 3261 8.1.1.7: a branch that begins so is unique in space and time."""
MAX_SERVERS = 512
"""Requests remembered for their repeats; in a flood the oldest answered ones make room."""
MAX_STRANGERS = 128
"""Of these, requests of hosts where no phone stands: they make room for one another only."""
Key = tuple[str, str]
"""Branch (with the sender, on our serving side) and method, INVITE standing for its ACK."""
Owner = Callable[[TransactionAction, SipMessage | None, float], None]
"""Is told PASS with a response, TIMED_OUT, FAILED and OVER, with the time."""


@dataclass(slots=True)
class _RunningTimer:
    timer: TransactionTimer
    at: float
    interval: float


@dataclass(slots=True, eq=False)
class Transaction:
    """One transaction: its last message, its peer, its state and its running timers."""

    kind: TransactionKind
    key: Key
    peer: Address
    owner: Owner
    data: bytes = b""
    ack: Callable[[SipMessage], bytes] | None = None
    is_known: bool = True
    state: TransactionState = TransactionState.TERMINATED
    timers: list[_RunningTimer] = field(default_factory=list)

    def begin(self, now: float) -> None:
        """Enter the first state."""
        self._enter(BEGINNING[self.kind], now)

    def feed(self, what: TransactionInput, now: float) -> tuple[TransactionAction, ...]:
        """Take one step of the table; returns what is to be done."""
        step = TABLES[self.kind].get((self.state, what))
        if step is None:
            return ()
        if step.state is not self.state:
            self._enter(step.state, now)
        return step.do

    def acknowledge(self, refusal: SipMessage | None) -> bytes:
        """Return the ACK of a refusal."""
        assert self.ack is not None
        assert refusal is not None
        return self.ack(refusal)

    def next_deadline(self) -> float | None:
        """Return when the next timer fires (monotonic s), None for never."""
        return min((running.at for running in self.timers), default=None)

    def due(self, now: float) -> TransactionInput | None:
        """Return one timer that has fired by `now`; the doubling ones are wound up again."""
        for running in self.timers:
            if running.at <= now:
                running.interval = min(running.interval * 2, running.timer.longest)
                running.at = max(running.at, now - running.interval) + running.interval
                if not running.timer.longest:
                    self.timers.remove(running)
                return running.timer.fires
        return None

    def _enter(self, state: TransactionState, now: float) -> None:
        self.state = state
        self.timers = [
            _RunningTimer(timer, now + timer.first, timer.first)
            for timer in timers(self.kind, state, reliable=isinstance(self.peer, TcpPeer))
        ]


def server_key(message: SipMessage) -> Key:
    """Return what a request's repeats and its ACK have in common (17.2.3)."""
    method = "INVITE" if message.method == "ACK" else message.method
    fields = message.fields
    branch = fields.branch
    if not branch.startswith(MAGIC):  # a client of RFC 2543
        branch = f"{message.call_id}|{fields.cseq}|{fields.from_tag}"
    return f"{branch}|{fields.sent_by[0]}:{fields.sent_by[1]}", method


@dataclass(slots=True)
class Transactions:
    """All transactions of the endpoint."""

    outbox: list[tuple[bytes, Address]] = field(default_factory=list)
    clients: dict[Key, Transaction] = field(default_factory=dict)
    servers: dict[Key, Transaction] = field(default_factory=dict)

    def request(
        self,
        key: Key,
        data: bytes,
        peer: Address,
        owner: Owner,
        now: float,
        ack: Callable[[SipMessage], bytes] | None = None,
    ) -> Transaction:
        """Send a request and begin its client transaction; an INVITE's `ack` writes its ACKs."""
        kind = TransactionKind.INVITE_CLIENT if key[1] == "INVITE" else TransactionKind.CLIENT
        transaction = Transaction(kind, key, peer, owner, data, ack)
        self.clients[transaction.key] = transaction
        transaction.begin(now)
        self.outbox.append((data, peer))
        return transaction

    def forget(self, key: Key) -> None:
        """Drop a request whose answer is not waited for any more: it is not repeated either."""
        self.clients.pop(key, None)

    def response(self, message: SipMessage, now: float) -> bool:
        """Take a response; False when it answers nothing of ours (then it is dropped)."""
        transaction = self.clients.get((message.fields.branch, message.method))
        if transaction is None:
            return False
        what = _class_of(
            message.code,
            TransactionInput.PROVISIONAL,
            TransactionInput.SUCCESS,
            TransactionInput.FAILURE,
        )
        self._do(transaction, transaction.feed(what, now), now, message)
        return True

    def repeated(self, message: SipMessage, now: float) -> bool:
        """Tell whether a request belongs to a known transaction, which then deals with it."""
        transaction = self.servers.get(server_key(message))
        if transaction is None:
            return False
        is_ack = message.method == "ACK"
        if is_ack and transaction.state is TransactionState.ACCEPTED:
            return False  # an ACK for a 2xx is the dialog's (13.3.1.4), even with this branch
        what = TransactionInput.ACK if is_ack else TransactionInput.REQUEST
        self._do(transaction, transaction.feed(what, now), now)
        return True

    def serve(
        self, message: SipMessage, peer: Address, owner: Owner, now: float, *, is_known: bool = True
    ) -> Transaction | None:
        """Begin the server transaction of a new request; None when there are too many.

        `is_known` is False for a host where no phone stands.
        """
        if not self._has_room(is_known):
            return None
        kind = (
            TransactionKind.INVITE_SERVER if message.method == "INVITE" else TransactionKind.SERVER
        )
        transaction = Transaction(kind, server_key(message), peer, owner, is_known=is_known)
        self.servers[transaction.key] = transaction
        transaction.begin(now)
        return transaction

    def adopt(
        self, key: Key, peer: Address, owner: Owner, ack: Callable[[SipMessage], bytes]
    ) -> Transaction:
        """Take over an INVITE that was sent before a restart: it has no answer yet."""
        transaction = Transaction(TransactionKind.INVITE_CLIENT, key, peer, owner, ack=ack)
        transaction.state = TransactionState.PROCEEDING
        self.clients[key] = transaction
        return transaction

    def refuse_left(self, key: Key, peer: Address, data: bytes, now: float) -> None:
        """Refuse an INVITE that came before a restart, until its ACK."""
        transaction = Transaction(TransactionKind.INVITE_SERVER, key, peer, _nobody)
        self.servers[key] = transaction
        transaction.begin(now)
        self.say(transaction, 480, data, now)

    def say(self, transaction: Transaction, code: int, data: bytes, now: float) -> None:
        """Send a response in a server transaction."""
        what = _class_of(
            code,
            TransactionInput.SAY_PROVISIONAL,
            TransactionInput.SAY_SUCCESS,
            TransactionInput.SAY_FAILURE,
        )
        done = transaction.feed(what, now)
        if done:
            transaction.data = data
        self._do(transaction, done, now)

    def feed(self, transaction: Transaction, what: TransactionInput, now: float) -> None:
        """Let something else happen to a transaction: CANCELLED, or the ACK of a 2xx."""
        self._do(transaction, transaction.feed(what, now), now)

    def refused(self, peer: Address, now: float) -> None:
        """The network said that nobody listens at `peer` (ICMP): fail what waits for it."""
        for transaction in [t for t in self.clients.values() if t.peer == peer]:
            self.feed(transaction, TransactionInput.UNSENT, now)

    @property
    def is_waiting(self) -> bool:
        """True while a request of ours has no final answer."""
        done = {TransactionState.COMPLETED, TransactionState.ACCEPTED, TransactionState.ABANDONED}
        return any(t.state not in done for t in self.clients.values())

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        deadlines = (t.next_deadline() for t in self._all())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def advance(self, now: float) -> None:
        """Fire every timer that is due by `now`."""
        for transaction in self._all():
            while (what := transaction.due(now)) is not None:
                self.feed(transaction, what, now)

    def _has_room(self, is_known: bool) -> bool:
        """Make room if need be, at the cost of strangers first."""
        strangers = [t for t in self.servers.values() if not t.is_known]
        if not is_known and len(strangers) >= MAX_STRANGERS:
            return self._make_room(strangers)
        if len(self.servers) < MAX_SERVERS:
            return True
        return self._make_room(strangers) or self._make_room(list(self.servers.values()))

    def _make_room(self, among: list[Transaction]) -> bool:
        """Forget the oldest answered request that is no INVITE."""
        for transaction in among:
            if (transaction.kind, transaction.state) == (
                TransactionKind.SERVER,
                TransactionState.COMPLETED,
            ):
                self._forget(transaction)
                return True
        return False

    def _all(self) -> list[Transaction]:
        return [*self.clients.values(), *self.servers.values()]

    def _do(
        self,
        transaction: Transaction,
        things: tuple[TransactionAction, ...],
        now: float,
        message: SipMessage | None = None,
    ) -> None:
        for thing in things:
            if thing is TransactionAction.SEND:
                self._send(transaction, transaction.data)
            elif thing is TransactionAction.ACK:
                self._send(transaction, transaction.acknowledge(message))
            else:
                owner = transaction.owner
                if thing is TransactionAction.OVER:
                    self._forget(transaction)
                owner(thing, message, now)

    def _send(self, transaction: Transaction, data: bytes) -> None:
        """Send; a request that came again before it was answered has nothing to send yet."""
        if data:
            self.outbox.append((data, transaction.peer))

    def _forget(self, transaction: Transaction) -> None:
        """Let go of it, and it of its call: a ring of both would wait for the garbage collector."""
        transaction.owner, transaction.ack = _nobody, None
        for table in (self.clients, self.servers):
            if table.get(transaction.key) is transaction:
                del table[transaction.key]


def _nobody(*_: object) -> None:
    """Own what is over."""


def _class_of(
    code: int, provisional: TransactionInput, success: TransactionInput, failure: TransactionInput
) -> TransactionInput:
    if code < 200:
        return provisional
    return success if code < 300 else failure
