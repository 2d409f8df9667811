"""A LAN in memory: endpoints and scripted phones, a virtual clock, loss, doubling and delay."""

from __future__ import annotations

import heapq
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.calls import events
from appliance.sip.endpoint import Endpoint
from appliance.sip.message import SipMessage, read
from appliance.sip.phones import RingRequest
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import PhoneAccount, PhonesSettings
from appliance.sip.rtp import Address

BOX: Address = ("192.0.2.1", 5060)
PHONE: Address = ("192.0.2.21", 5060)
MEDIA: Address = ("192.0.2.1", 16000)
LATENCY = 0.001

SDP = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.21\r\ns=-\r\nc=IN IP4 192.0.2.21\r\nt=0 0\r\n"
    "m=audio 7000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)


def endpoint(
    address: Address,
    *accounts: PhoneAccount,
    seed: int = 1,
    qualify_s: float = 0.0,
    former: tuple[tuple[str, str], ...] = (),
) -> Endpoint:
    """Return an endpoint at `address` whose randomness is repeatable."""
    settings = PhonesSettings(*address, accounts, qualify_s=qualify_s, former=former)
    made = Endpoint(settings, parse, lambda _: address, random.Random(seed).randbytes)
    made.start(0.0)
    return made


def box_endpoint(
    *accounts: PhoneAccount, qualify_s: float = 0.0, former: tuple[tuple[str, str], ...] = ()
) -> Endpoint:
    """Return the box, which by default knows phone 21 at its fixed address."""
    known = accounts or (PhoneAccount("21", fixed_address=PHONE),)
    return endpoint(BOX, *known, qualify_s=qualify_s, former=former)


def ring(leg: str = "leg", phone: str = "21") -> RingRequest:
    """Return a wish to ring a phone."""
    return RingRequest(leg, phone, MEDIA, "051 598 111", "3331234567")


@dataclass
class Bench:
    """One endpoint and a hand that plays every phone: nothing arrives but what the test sends."""

    box: Endpoint
    now: float = 0.0
    told: list[events.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events()

    def ring(self, leg: str = "leg", phone: str = "21") -> SipMessage:
        """Ring a phone and return the INVITE."""
        wish = ring(leg, phone)
        self.box.legs.ring(wish, self.box.registrar.target(phone), self.now)
        return self.sent()[-1]

    def sent(self) -> list[SipMessage]:
        """Return the messages sent since the last look."""
        return [message for message, _ in self.posted()]

    def posted(self) -> list[tuple[SipMessage, Address]]:
        """Return the messages sent since the last look, with where they went."""
        taken = self.box.take_datagrams()
        return [(m, where) for data, where in taken if (m := read(data, parse))]

    def events(self) -> list[events.Event]:
        """Return what call control was told since the last look."""
        return self.box.take_events()

    def receive(self, data: bytes, source: Address = PHONE) -> list[SipMessage]:
        """Let a datagram arrive; returns what is sent because of it."""
        self.box.receive(data, source, self.now)
        return self.sent()

    def say(self, request: SipMessage, code: int, **more: str) -> list[SipMessage]:
        """Let the phone answer `request`."""
        return self.receive(response(request, code, **more))

    def wait(self, seconds: float) -> list[SipMessage]:
        """Let time pass, deadline by deadline; returns what was sent meanwhile."""
        end, sent = self.now + seconds, []
        while (deadline := self.box.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.box.advance(self.now)
            sent += self.sent()
        self.now = end
        self.box.advance(self.now)
        return sent + self.sent()

    def answered(self, leg: str = "leg") -> SipMessage:
        """Ring, let the phone answer, and return the ACK."""
        invite = self.ring(leg)
        self.say(invite, 180, tag="p")
        (ack,) = self.say(invite, 200, tag="p", body=SDP)
        self.events()
        return ack


def response(
    request: SipMessage,
    code: int,
    tag: str = "",
    body: str = "",
    contact: str = "",
    extra: str = "",
) -> bytes:
    """Write a phone's answer to a request of ours."""
    lines = [f"SIP/2.0 {code} Said so"]
    for name, value in request.headers:
        if name in {"Via", "From", "Call-ID", "CSeq", "Record-Route"}:
            lines.append(f"{name}: {value}")
        elif name == "To":
            lines.append(f"To: {value}" + (f";tag={tag}" if tag and "tag=" not in value else ""))
    if 200 <= code < 300:
        lines.append(f"Contact: {contact or '<sip:21@192.0.2.21:5060>'}")
    return _whole(lines, body, extra)


def request(
    method: str,
    cseq: int = 1,
    *,
    uri: str = "sip:*811@192.0.2.1",
    source: Address = PHONE,
    from_: str = "<sip:21@192.0.2.1>;tag=p",
    to: str = "<sip:*811@192.0.2.1>",
    call_id: str = "their-call",
    branch: str = "z9hG4bKtheirs",
    body: str = "",
    extra: str = "",
) -> bytes:
    """Write a phone's own request."""
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {source[0]}:{source[1]};branch={branch};rport",
        "Max-Forwards: 70",
        f"From: {from_}",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        f"Contact: <sip:21@{source[0]}:{source[1]}>",
    ]
    return _whole(lines, body, extra)


def within(
    ack: SipMessage, method: str, cseq: int = 1, *, source: Address = PHONE, **more: str
) -> bytes:
    """Write a phone's request within the call that our `ack` confirmed."""
    return request(
        method,
        cseq,
        uri="sip:centralino@192.0.2.1:5060",
        source=source,
        from_=ack.get("To"),
        to=ack.get("From"),
        call_id=ack.call_id,
        branch=f"z9hG4bK{method}{cseq}",
        **more,
    )


def _whole(lines: list[str], body: str, extra: str) -> bytes:
    extras = [line for line in extra.split("\n") if line]
    if body and "Content-Type" not in extra:
        extras.append("Content-Type: application/sdp")
    head = [*lines, *extras, f"Content-Length: {len(body.encode())}"]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def tag_of(message: SipMessage) -> str:
    """Return our tag in a response."""
    found = re.search(r";tag=([^;]+)", message.get("To"))
    assert found
    return found[1]


@dataclass
class Lan:
    """Endpoints joined by a network that loses, doubles and delays by `dice` (bellows' tests)."""

    ends: dict[Address, Endpoint]
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    loss: float = 0.0
    doubling: float = 0.0
    jitter: float = 0.0
    now: float = 0.0
    react: Callable[[Address, events.Event], None] = lambda _where, _event: None
    told: dict[Address, list[events.Event]] = field(default_factory=dict)
    _air: list[tuple[float, int, bytes, Address, Address]] = field(default_factory=list)
    _count: int = 0

    def run(self, seconds: float) -> None:
        """Let `seconds` of virtual time pass."""
        end = self.now + seconds
        self._settle()
        while (at := self._next()) is not None and at <= end:
            self.now = max(self.now, at)
            self._turn()
        self.now = end

    def told_to(self, where: Address) -> list[events.Event]:
        """Return all that one end's call control was told."""
        return self.told.get(where, [])

    def _next(self) -> float | None:
        deadlines = [end.next_deadline() for end in self.ends.values()]
        times = [at for at in deadlines if at is not None]
        return min([*times, *(entry[0] for entry in self._air[:1])], default=None)

    def _turn(self) -> None:
        while self._air and self._air[0][0] <= self.now:
            _, _, data, source, target = heapq.heappop(self._air)
            if target in self.ends:
                self.ends[target].receive(data, source, self.now)
        for end in self.ends.values():
            end.advance(self.now)
        self._settle()

    def _settle(self) -> None:
        for where, end in self.ends.items():
            for event in end.take_events():
                self.told.setdefault(where, []).append(event)
                self.react(where, event)
        for where, end in self.ends.items():
            for data, target in end.take_datagrams():
                self._throw(data, where, target)

    def _throw(self, data: bytes, source: Address, target: Address) -> None:
        copies = 0 if self.dice.random() < self.loss else 1
        copies += self.dice.random() < self.doubling
        for _ in range(copies):
            self._count += 1
            at = self.now + LATENCY + self.dice.random() * self.jitter
            heapq.heappush(self._air, (at, self._count, data, source, target))
