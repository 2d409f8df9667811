"""SIP transactions (RFC 3261 17): state tables, timers, matching; no clock and no socket."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.deadlines import earliest
from appliance.sip.message import SipMessage, TcpPeer
from appliance.sip.rtp import Address

# ---- The four transactions of RFC 3261 17, each as one table, and their timers
# Two deviations, both ours: ABANDONED keeps listening after an INVITE was given up, so that a phone
# that wakes late is cancelled instead of ringing on; and a 2xx to an INVITE is repeated here until
# its ACK (13.3.1.4 leaves that to the user), with the ACCEPTED state of RFC 6026.

# Seconds: the round-trip time estimate (17.1.1.1).
T1 = 0.5
# Seconds: the longest interval between repeats of a non-INVITE request or an INVITE response.
T2 = 4.0
# Seconds: how long a message may stay in the network.
T4 = 5.0
# Seconds: timers D, F, H, J, L and M; timer B is NO_ANSWER.
T64 = 64 * T1
# Seconds: our timer B, where 17.1.1.2 has 32. On a LAN a phone that said nothing to four INVITEs is
# switched off.
NO_ANSWER = 4.0


class TransactionKind(enum.Enum):
    """The four transactions of section 17."""

    INVITE_CLIENT = "INVITE client"
    CLIENT = "client"
    INVITE_SERVER = "INVITE server"
    SERVER = "server"


class TransactionState(enum.Enum):
    """States of section 17, of RFC 6026 (ACCEPTED), and ABANDONED."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ABANDONED = "abandoned"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class TransactionInput(enum.Enum):
    """Inputs of a transaction: messages, responses to send, timers."""

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
    """Actions of a transaction."""

    SEND = "send the last message"
    ACK = "send the ACK of a refusal"
    PASS = "pass the response to the user"  # noqa: S105 - no password
    TIMED_OUT = "tell the user that no answer came"
    FAILED = "tell the user that the network refused"
    OVER = "tell the user that the transaction is over"


@dataclass(frozen=True, slots=True)
class TransactionStep:
    """One row of a table: the next state and the actions on the way."""

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
    # Not TERMINATED, as 17.1.1.2 has it: a phone that wakes late is then cancelled.
    (_S.CALLING, _I.GIVE_UP): _Step(_S.ABANDONED, (_Do.TIMED_OUT,)),
    (_S.CALLING, _I.UNSENT): _Step(_S.TERMINATED, (_Do.FAILED, _Do.OVER)),
    (_S.PROCEEDING, _I.PROVISIONAL): _Step(_S.PROCEEDING, (_Do.PASS,)),
    (_S.PROCEEDING, _I.SUCCESS): _Step(_S.ACCEPTED, (_Do.PASS,)),
    (_S.PROCEEDING, _I.FAILURE): _Step(_S.COMPLETED, (_Do.ACK, _Do.PASS)),
    # The response to a cancelled INVITE (487) is still to come and to be acknowledged (9.1).
    (_S.PROCEEDING, _I.CANCELLED): _Step(_S.ABANDONED),
    (_S.ABANDONED, _I.PROVISIONAL): _Step(_S.ABANDONED, (_Do.PASS,)),
    (_S.ABANDONED, _I.SUCCESS): _Step(_S.ACCEPTED, (_Do.PASS,)),
    (_S.ABANDONED, _I.FAILURE): _Step(_S.COMPLETED, (_Do.ACK, _Do.PASS)),
    (_S.ABANDONED, _I.END): _Step(_S.TERMINATED, (_Do.OVER,)),
    # A repeated refusal means that our ACK was lost (17.1.1.2).
    (_S.COMPLETED, _I.FAILURE): _Step(_S.COMPLETED, (_Do.ACK,)),
    (_S.COMPLETED, _I.END): _Step(_S.TERMINATED, (_Do.OVER,)),
    # Each repeated 2xx needs its ACK from the dialog (13.2.2.4, RFC 6026 7.2).
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
    # 13.3.1.4: without an ACK for 64*T1 the dialog is ended by the user.
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

# Inputs without a row change nothing: they are late, repeated, or out of place.
TABLES: dict[TransactionKind, Row] = {
    _K.INVITE_CLIENT: INVITE_CLIENT,
    _K.CLIENT: CLIENT,
    _K.INVITE_SERVER: INVITE_SERVER,
    _K.SERVER: SERVER,
}
"""The table of each kind."""

BEGINNING = {
    _K.INVITE_CLIENT: _S.CALLING,
    _K.CLIENT: _S.TRYING,
    _K.INVITE_SERVER: _S.PROCEEDING,
    _K.SERVER: _S.TRYING,
}


@dataclass(frozen=True, slots=True)
class TransactionTimer:
    """A timer started on entering a state: fires after `first` s, then at doubled intervals.

    `longest` limits the interval in seconds; 0 for a timer that fires once.
    """

    fires: TransactionInput
    first: float
    longest: float = 0.0  # 0: fires once


# 17.1.1.2: "INVITE requests are only retransmitted ... doubling"; timer B ends it before T64.
_A = TransactionTimer(_I.RESEND, T1, T64)
_B = TransactionTimer(_I.GIVE_UP, NO_ANSWER)
_E = TransactionTimer(_I.RESEND, T1, T2)
# 17.1.2.2: once a provisional response has come, timer E is reset to T2.
_E2 = TransactionTimer(_I.RESEND, T2, T2)
_F = TransactionTimer(_I.GIVE_UP, T64)
_G = TransactionTimer(_I.RESEND, T1, T2)
_H = TransactionTimer(_I.GIVE_UP, T64)
_LONG = TransactionTimer(_I.END, T64)
_SHORT = TransactionTimer(_I.END, T4)

# A state starts its timers when entered and stops them when left; a step to itself keeps them.
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

# States that only wait for repeated messages; a reliable transport repeats none.
_NO_REPEATS = {
    (_K.INVITE_CLIENT, _S.COMPLETED),  # D
    (_K.CLIENT, _S.COMPLETED),  # K
    (_K.INVITE_SERVER, _S.CONFIRMED),  # I
    (_K.SERVER, _S.COMPLETED),  # J
}


def timers(
    kind: TransactionKind, state: TransactionState, *, reliable: bool
) -> tuple[TransactionTimer, ...]:
    """Return the timers of a state; `reliable` for TCP (17.1.1.2, 17.1.2.2, 17.2.1, 17.2.2)."""
    found = TIMERS.get((kind, state), ())
    if not reliable:
        return found
    if (kind, state) in _NO_REPEATS:
        # Timers D, I, J and K are 0 over a reliable transport: nothing comes twice.
        return (TransactionTimer(TransactionInput.END, 0.0),)
    # A, E and G do not run over a reliable transport; but a 2xx is repeated until its ACK even
    # there (13.3.1.4), since a proxy may speak UDP behind it.
    is_2xx = (kind, state) == (TransactionKind.INVITE_SERVER, TransactionState.ACCEPTED)
    return tuple(timer for timer in found if is_2xx or timer.fires is not TransactionInput.RESEND)


# ---- All transactions of the endpoint: repeats, time-outs, matching
# Messages to send gather in `outbox`; responses and time-outs go to the owner of the transaction.

# RFC 3261 8.1.1.7: a branch that begins so is unique in space and time.
MAGIC = "z9hG4bK"
# Requests remembered for their repeats; in a flood the oldest answered ones make room.
MAX_SERVERS = 512
# Of these, requests of hosts without a phone: they make room for one another only.
MAX_STRANGERS = 128
# Branch (at a server with the sender) and method; an ACK has the key of its INVITE.
Key = tuple[str, str]
Owner = Callable[[TransactionAction, SipMessage | None, float], None]
"""Callback: PASS with a response, TIMED_OUT, FAILED or OVER, and the time (monotonic s)."""


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
        """Take one step of the table; return the actions to do."""
        step = TABLES[self.kind].get((self.state, what))
        if step is None:
            return ()
        # A step to the same state keeps its timers (TIMERS).
        if step.state is not self.state:
            self._enter(step.state, now)
        return step.do

    def acknowledge(self, refusal: SipMessage | None) -> bytes:
        """Write the ACK of a refusal (17.1.1.3)."""
        assert self.ack is not None
        assert refusal is not None
        return self.ack(refusal)

    def next_deadline(self) -> float | None:
        """Return when the next timer fires (monotonic s), None for never."""
        return earliest(running.at for running in self.timers)

    def due(self, now: float) -> TransactionInput | None:
        """Return one timer that has fired by `now`, None if none; doubling timers are restarted."""
        for running in self.timers:
            if running.at <= now:
                running.interval = min(running.interval * 2, running.timer.longest)
                # After a stall the repeats that were missed are not made up for one by one.
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
    """Return the key that a request shares with its repeats and its ACK (17.2.3)."""
    method = "INVITE" if message.method == "ACK" else message.method
    fields = message.fields
    branch = fields.branch
    # A client of RFC 2543 does not make its branches unique (17.2.3).
    if not branch.startswith(MAGIC):
        branch = f"{message.call_id}|{fields.cseq}|{fields.from_tag}"
    # sent-by is part of the key: another client may have made the same branch (17.2.3, rule 2).
    return f"{branch}|{fields.sent_by[0]}:{fields.sent_by[1]}", method


@dataclass(slots=True)
class Transactions:
    """All client and server transactions of the endpoint."""

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
        """Send a request and begin its client transaction; `ack` writes an INVITE's ACKs."""
        kind = TransactionKind.INVITE_CLIENT if key[1] == "INVITE" else TransactionKind.CLIENT
        transaction = Transaction(kind, key, peer, owner, data, ack)
        self.clients[transaction.key] = transaction
        transaction.begin(now)
        self.outbox.append((data, peer))
        return transaction

    def forget(self, key: Key) -> None:
        """Drop a request: its answer is no longer awaited, and it is not repeated."""
        self.clients.pop(key, None)

    def response(self, message: SipMessage, now: float) -> bool:
        """Feed a response to its transaction; False if it matches none (then it is dropped)."""
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
        """Feed a repeated request, or an ACK, to its transaction; False if it matches none."""
        transaction = self.servers.get(server_key(message))
        if transaction is None:
            return False
        is_ack = message.method == "ACK"
        if is_ack and transaction.state is TransactionState.ACCEPTED:
            # The ACK of a 2xx belongs to the dialog (13.3.1.4), even with this branch.
            return False
        what = TransactionInput.ACK if is_ack else TransactionInput.REQUEST
        self._do(transaction, transaction.feed(what, now), now)
        return True

    def serve(
        self, message: SipMessage, peer: Address, owner: Owner, now: float, *, is_known: bool = True
    ) -> Transaction | None:
        """Begin the server transaction of a new request; None when there are too many.

        `is_known` is False for a host without a phone.
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
        """Restore an INVITE that was sent before a restart and has no answer yet."""
        transaction = Transaction(TransactionKind.INVITE_CLIENT, key, peer, owner, ack=ack)
        # No timer runs: the INVITE itself is not kept over a restart, so it cannot be repeated.
        transaction.state = TransactionState.PROCEEDING
        self.clients[key] = transaction
        return transaction

    def refuse_left(self, key: Key, peer: Address, data: bytes, now: float) -> None:
        """Refuse with 480 an INVITE that came before a restart, until its ACK."""
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
        # A response that the state does not allow must not replace the one that is repeated.
        if done:
            transaction.data = data
        self._do(transaction, done, now)

    def feed(self, transaction: Transaction, what: TransactionInput, now: float) -> None:
        """Feed another input: CANCELLED, or the ACK of a 2xx."""
        self._do(transaction, transaction.feed(what, now), now)

    def refused(self, peer: Address, now: float) -> None:
        """Fail all requests to `peer`: the network reported (ICMP) that nobody listens there."""
        for transaction in [t for t in self.clients.values() if t.peer == peer]:
            self.feed(transaction, TransactionInput.UNSENT, now)

    @property
    def is_waiting(self) -> bool:
        """True while a request of ours has no final answer."""
        done = {TransactionState.COMPLETED, TransactionState.ACCEPTED, TransactionState.ABANDONED}
        return any(t.state not in done for t in self.clients.values())

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        return earliest(transaction.next_deadline() for transaction in self._all())

    def advance(self, now: float) -> None:
        """Fire every timer that is due by `now`."""
        for transaction in self._all():
            while (what := transaction.due(now)) is not None:
                self.feed(transaction, what, now)

    def _has_room(self, is_known: bool) -> bool:
        """Make room for a request, at the cost of strangers first; False if there is none."""
        strangers = [t for t in self.servers.values() if not t.is_known]
        if not is_known and len(strangers) >= MAX_STRANGERS:
            return self._make_room(strangers)
        if len(self.servers) < MAX_SERVERS:
            return True
        return self._make_room(strangers) or self._make_room(list(self.servers.values()))

    def _make_room(self, among: list[Transaction]) -> bool:
        """Forget the oldest answered request that is no INVITE; False if there is none."""
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
                # Taken first: _forget clears it.
                owner = transaction.owner
                if thing is TransactionAction.OVER:
                    self._forget(transaction)
                owner(thing, message, now)

    def _send(self, transaction: Transaction, data: bytes) -> None:
        """Send `data`, if any."""
        # A request that came again before it was answered has no response to repeat yet.
        if data:
            self.outbox.append((data, transaction.peer))

    def _forget(self, transaction: Transaction) -> None:
        """Drop a transaction and its callbacks."""
        # Transaction and call would form a reference cycle and wait for the garbage collector.
        transaction.owner, transaction.ack = _nobody, None
        for table in (self.clients, self.servers):
            if table.get(transaction.key) is transaction:
                del table[transaction.key]


def _nobody(*_: object) -> None:
    """Ignore the outcome of a transaction that is over."""


def _class_of(
    code: int, provisional: TransactionInput, success: TransactionInput, failure: TransactionInput
) -> TransactionInput:
    if code < 200:
        return provisional
    return success if code < 300 else failure
