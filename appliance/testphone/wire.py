"""SIP transactions over UDP, sans-I/O: what is repeated until it is answered (RFC 3261 section 17).

Client side: requests are repeated until a response, a refused INVITE is acknowledged. Server
side: a repeated request gets the same response again, a final answer to INVITE is repeated until
its ACK. The phone sees each request and each response once, but every 2xx to INVITE.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import PeerError
from appliance.testphone import sip

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.testphone.sip import Address, Message

    OnResponse = Callable[[Message | None, float], None]

T1 = 0.5
"""Seconds before the first repetition (RFC 3261 table 4); it doubles up to T2."""
T2 = 4.0
LIMIT = 64 * T1
"""32 s: after that nobody will answer."""
BRANCH = "z9hG4bK"
"""What every branch begins with (RFC 3261 section 8.1.1.7)."""

Key = tuple[str, ...]


@dataclass(slots=True)
class Repeat:
    """A datagram sent again until it is answered or `ends_at` is past."""

    data: bytes
    to: Address
    cap: float
    next_at: float
    ends_at: float
    on_timeout: Callable[[float], None]
    interval: float = T1


@dataclass(slots=True)
class Client:
    """A request of ours; `ack` is what acknowledges its refusal again and again."""

    request: Message
    to: Address
    on_response: OnResponse
    ack: bytes | None = None
    expires: float = math.inf


@dataclass(slots=True)
class Answered:
    """A request of theirs and our last response to it, if any yet."""

    data: bytes | None = None
    to: Address | None = None
    expires: float = math.inf
    is_refusal: bool = False


class Wire:
    """Every transaction of one phone; `outbox` holds the datagrams to send."""

    def __init__(self, on_request: Callable[[Message, Address, float], None]) -> None:
        self.outbox: list[tuple[bytes, Address]] = []
        self.nonsense = 0
        self.ignores_requests = False
        self._on_request = on_request
        self._repeats: dict[Key, Repeat] = {}
        self._clients: dict[Key, Client] = {}
        self._answered: dict[Key, Answered] = {}

    @property
    def deadline(self) -> float:
        """When `tick` has something to do; infinite for never."""
        return min((min(r.next_at, r.ends_at) for r in self._repeats.values()), default=math.inf)

    @property
    def is_waiting(self) -> bool:
        """True while something of ours is unanswered."""
        return bool(self._repeats)

    def forget(self) -> None:
        """Drop everything, as a phone does whose plug is pulled."""
        self.outbox.clear()
        self._repeats.clear()
        self._clients.clear()
        self._answered.clear()

    def send(self, message: Message, to: Address) -> None:
        """Send a message once (an ACK)."""
        self.outbox.append((message.encode(), to))

    def request(self, message: Message, to: Address, now: float, on_response: OnResponse) -> None:
        """Send a request until it is answered; `on_response(None, now)` when nobody does."""
        key = (message.branch, message.method)
        self._clients[key] = Client(message, to, on_response)
        # Timer A doubles without bound, timer E stops at T2 (RFC 3261 17.1.1.2, 17.1.2.2).
        cap = math.inf if message.method == "INVITE" else T2
        self._repeat(key, message.encode(), to, cap, now, lambda at: self._give_up(key, at))

    def respond(
        self,
        request: Message,
        source: Address,
        answer: Message,
        now: float,
        on_no_ack: Callable[[float], None] | None = None,
    ) -> None:
        """Answer a request; a final answer to INVITE is repeated until its ACK."""
        data, to = answer.encode(), sip.reply_address(request, source)
        key = server_key(request)
        is_final = answer.status >= 200
        self._answered[key] = Answered(
            data, to, now + LIMIT if is_final else math.inf, answer.status >= 300
        )
        if request.method == "INVITE" and is_final:
            self._repeat(key, data, to, T2, now, on_no_ack or (lambda _: None))
        else:
            self.outbox.append((data, to))

    def acknowledged(self, invite: Message) -> None:
        """Stop repeating the 2xx to an INVITE: its ACK is there."""
        self._repeats.pop(server_key(invite), None)

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram; what is not SIP is counted in `nonsense` and dropped."""
        if not data.strip():
            return  # a keep-alive (RFC 5626 section 3.5.1)
        try:
            message = sip.parse(data)
            if not message.is_request:
                self._take_response(message, now)
            elif not self.ignores_requests:
                self._take_request(sip.received_from(message, source), source, now)
        except PeerError:
            self.nonsense += 1

    def tick(self, now: float) -> None:
        """Repeat what is due, give up what is too old."""
        for key, repeat in list(self._repeats.items()):
            if now >= repeat.ends_at:
                del self._repeats[key]
                repeat.on_timeout(now)
            elif now >= repeat.next_at:
                repeat.interval = min(2 * repeat.interval, repeat.cap)
                repeat.next_at = now + repeat.interval
                self.outbox.append((repeat.data, repeat.to))
        self._answered = {k: a for k, a in self._answered.items() if now < a.expires}
        self._clients = {k: c for k, c in self._clients.items() if now < c.expires}

    def _repeat(
        self,
        key: Key,
        data: bytes,
        to: Address,
        cap: float,
        now: float,
        on_timeout: Callable[[float], None],
    ) -> None:
        self.outbox.append((data, to))
        self._repeats[key] = Repeat(data, to, cap, now + T1, now + LIMIT, on_timeout)

    def _give_up(self, key: Key, now: float) -> None:
        client = self._clients.pop(key)
        client.on_response(None, now)

    def _take_request(self, request: Message, source: Address, now: float) -> None:
        sip.reply_address(request, source)  # nobody is served who cannot be answered
        key = server_key(request)
        known = self._answered.get(key)
        if request.method == "ACK":
            if known and known.is_refusal:  # the refusal's own ACK bears the INVITE's branch
                self._repeats.pop(key, None)
            else:
                self._on_request(request, source, now)
        elif known is None:
            self._answered[key] = Answered()
            self._on_request(request, source, now)
        elif known.data is not None and known.to is not None:
            self.outbox.append((known.data, known.to))

    def _take_response(self, response: Message, now: float) -> None:
        key = (response.branch, response.method)
        client = self._clients.get(key)
        if client is None:
            return
        if response.method == "INVITE":
            self._take_invite_response(key, client, response, now)
        elif response.status >= 200:
            self._repeats.pop(key, None)
            del self._clients[key]
            client.on_response(response, now)

    def _take_invite_response(
        self, key: Key, client: Client, response: Message, now: float
    ) -> None:
        self._repeats.pop(key, None)  # timer A ends with any response
        if client.ack is not None:
            self.outbox.append((client.ack, client.to))
            return
        if response.status >= 200:
            client.expires = now + LIMIT
        if response.status >= 300:
            client.ack = refusal_ack(client.request, response).encode()
            self.outbox.append((client.ack, client.to))
        client.on_response(response, now)


def server_key(request: Message) -> Key:
    """Return what names a transaction of theirs; an ACK belongs to its INVITE (17.2.3)."""
    method = "INVITE" if request.method == "ACK" else request.method
    return request.branch, sip.sent_by(request), method


def refusal_ack(invite: Message, response: Message) -> Message:
    """Return the ACK to a refused INVITE: the INVITE's own branch (RFC 3261 17.1.1.3)."""
    kept = ("via", "from", "call-id", "max-forwards", "route")
    headers = [h for h in invite.headers if sip.canonical(h[0]) in kept]
    headers += [("To", response.get("to")), ("CSeq", f"{invite.cseq} ACK")]
    return sip.Message(f"ACK {invite.uri} SIP/2.0", tuple(headers))


def new_branch() -> str:
    """Return a branch that no other transaction has, also not after a restart."""
    return BRANCH + secrets.token_hex(8)
