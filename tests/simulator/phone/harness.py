"""A phone in virtual time, and the far end written out by hand so that nothing is read twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.simulator.phone import sip
from appliance.simulator.phone.phone import SimulatedPhone
from appliance.simulator.phone.sip import PREFERENCES, SimulatedAccount

if TYPE_CHECKING:
    from appliance.simulator.phone.phone import PhoneEvent
    from appliance.simulator.phone.sip import Address, SipMessage


SERVER = ("127.0.0.1", 5060)
FAR = ("127.0.0.9", 5070)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"
)
BRANCH = "z9hG4bK-one"


def request(
    method: str,
    *,
    to_tag: str = "",
    branch: str = BRANCH,
    cseq: int = 1,
    body: str = "",
    call_id: str = "call-1",
    from_tag: str = "far",
    more: str = "",
) -> bytes:
    """Return a request of the far end, word by word."""
    tag = f";tag={to_tag}" if to_tag else ""
    number = f"{cseq} {'INVITE' if method == 'INVITE' else method}"
    return (
        f"{method} sip:op1@127.0.0.11:5062 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 127.0.0.9:5070;branch={branch};rport\r\n"
        f'From: "Rossi, M." <sip:051234567@127.0.0.9>;tag={from_tag}\r\n'
        f"To: <sip:op1@127.0.0.11>{tag}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {number}\r\n"
        f"Contact: <sip:box@127.0.0.9:5070>\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Bench:
    """One phone, a virtual clock, and what it sent and noted."""

    def __init__(
        self,
        mode: str = "manual",
        *,
        after_ms: int = 0,
        registers: bool = False,
        codec: str = "both",
    ) -> None:
        self.now = 1000.0
        self.events: list[PhoneEvent] = []
        self.log: list[tuple[float, SipMessage, Address]] = []
        account = SimulatedAccount(
            "op1",
            "op1",
            "segreto",
            SERVER,
            ("127.0.0.11", 5062),
            ("127.0.0.11", 6000),
            PREFERENCES[codec],
        )
        self.phone = SimulatedPhone(account, registers, self.events.append)
        self.phone.answer_mode(mode, after_ms, self.now)
        if mode != "off" and not self.phone.is_on:
            self.phone.switch_on(self.now)
        self._collect()

    def put(self, data: bytes, source: Address = FAR) -> list[SipMessage]:
        """Hand the phone a datagram; returns what it sends at once."""
        before = len(self.log)
        self.phone.receive(data, source, self.now)
        self._collect()
        return [message for _, message, _ in self.log[before:]]

    def reply(
        self, to: SipMessage, status: str, tag: str = "far", more: str = "", body: str = ""
    ) -> list[SipMessage]:
        """Hand the phone a response to a request of its own."""
        value = to.get("to")
        if tag and "tag=" not in value:
            value += f";tag={tag}"
        vias = "".join(f"Via: {via}\r\n" for via in to.all("via"))
        return self.put(
            (
                f"SIP/2.0 {status}\r\n{vias}From: {to.get('from')}\r\nTo: {value}\r\n"
                f"Call-ID: {to.get('call-id')}\r\nCSeq: {to.get('cseq')}\r\n{more}"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()
        )

    def pass_time(self, seconds: float) -> list[SipMessage]:
        """Let time pass from deadline to deadline; a deadline that stays behind would spin."""
        before, end = len(self.log), self.now + seconds
        while self.phone.deadline <= end:
            self.now = max(self.now, self.phone.deadline)
            self.phone.tick(self.now)
            self._collect()
            assert self.phone.deadline > self.now
        self.now = end
        return [message for _, message, _ in self.log[before:]]

    def do(self, command: str, *arguments: Any) -> list[SipMessage]:
        """Call a method of the phone, or of its call, with `now` last; returns what was sent."""
        before = len(self.log)
        owner = self.phone if hasattr(self.phone, command) else self.phone.call
        getattr(owner, command)(*arguments, self.now)
        self._collect()
        return [message for _, message, _ in self.log[before:]]

    def kinds(self) -> list[str]:
        """Return the kinds of events so far."""
        return [event.kind for event in self.events]

    def last(self, kind: str) -> dict[str, Any]:
        """Return the details of the last event of a kind."""
        return next(event.details for event in reversed(self.events) if event.kind == kind)

    def answered(self, body: str = SDP) -> str:
        """Bring an incoming call up to its ACK; returns our tag."""
        self.put(request("INVITE", body=body))
        ok = self.do("answer")[-1]
        tag = sip.parameters(ok.get("to"))["tag"]
        self.put(request("ACK", to_tag=tag, branch="z9hG4bK-ack"))
        return tag

    def _collect(self) -> None:
        for data, to in self.phone.wire.outbox:
            self.log.append((self.now, sip.parse_message(data), to))
        self.phone.wire.outbox.clear()


def firsts(messages: list[SipMessage]) -> list[str]:
    """Return status code or method of each message."""
    return [m.method if m.is_request else str(m.status) for m in messages]
