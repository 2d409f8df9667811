"""The SIP endpoint: datagrams, orders and time in any order; bounded, no amplifier, never stuck."""

from __future__ import annotations

from collections.abc import Callable

from appliance.sip.message import SipMessage
from appliance.sip.registrar import PhoneAccount
from appliance.sip.rtp import Address
from tests.fuzz.bounds import held
from tests.fuzz.program import Program
from tests.sip.world import BOX, MEDIA, PHONE, SDP, Bench, endpoint, response, ring

STRANGER: Address = ("198.51.100.9", 5060)
SOURCES = (PHONE, STRANGER, ("192.0.2.22", 5060))
ACCOUNTS = (PhoneAccount("21", fixed_address=PHONE), PhoneAccount("22", secret="parola"))
TOKENS = (
    b"\x00\x00", b"\x01", b"\x02\x03", b"\x03\xb4", b"\x04", b"\x05\xc8",
    b"INVITE sip:*811@192.0.2.1 SIP/2.0\r\n",
    b"Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKa\r\n",
    b"From: <sip:21@192.0.2.1>;tag=p\r\n", b"To: <sip:*811@192.0.2.1>\r\n",
    b"Call-ID: a\r\nCSeq: 1 INVITE\r\n", b"\r\n\r\n", b"REGISTER", b"BYE", SDP.encode(),
    b"SUBSCRIBE", b"Event: message-summary\r\n", b"Expires: 60\r\n",
)  # fmt: skip
WAITS = (0.0, 0.5, 4.0, 33.0, 200.0)
STEPS = 60
HELD = 1_500_000
LONGEST_ANSWER = 2048
"""What an answer may be longer than what it answers: our own headers."""
LASTING_S = 400.0
"""Every transaction and every call that was told to end is over by then."""


class Played:
    """An endpoint driven by a program; `last` is what it sent last."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.bench = Bench(endpoint(BOX, *ACCOUNTS))
        self.last: SipMessage | None = None
        self.legs = 0

    def step(self, kind: int) -> None:
        """Do one step, and forget what call control was told."""
        STEP[kind](self)
        sent = self.bench.sent()
        self.last = sent[-1] if sent else self.last
        self.bench.events()

    def hear(self) -> None:
        """A datagram comes; what it brings about is no flood."""
        source = SOURCES[self.program.number(3)]
        size = self.program.number(256) * 8
        data = self.program.take(size)
        self.bench.box.receive(data, source, self.bench.now)
        posted = self.bench.box.take_datagrams()
        assert len(posted) <= 4
        to_strangers = sum(len(one) for one, where in posted if where[0] == STRANGER[0])
        assert to_strangers <= 2 * len(data) + LONGEST_ANSWER

    def ring(self) -> None:
        """Call control rings a phone."""
        self.legs += 1
        wish = ring(f"leg{self.legs}", ("21", "22")[self.program.number(2)])
        target = self.bench.box.registrar.target(wish.phone)
        self.bench.box.legs.ring(wish, target, self.bench.now)

    def answer(self) -> None:
        """The phone answers what was sent last, with any code."""
        code = 100 + 20 * self.program.number(30)
        if self.last is not None and not self.last.is_response:
            body = SDP if self.program.number(2) else ""
            self.bench.box.receive(
                response(self.last, code, tag="p", body=body), PHONE, self.bench.now
            )

    def wait(self) -> None:
        """Time passes."""
        self.bench.wait(WAITS[self.program.number(len(WAITS))])

    def accept(self) -> None:
        """Call control answers whoever called."""
        for leg in list(self.bench.box.legs.calls):
            self.bench.box.legs.accept(leg, MEDIA, self.bench.now)

    def stop(self) -> None:
        """Call control ends every leg."""
        for leg in list(self.bench.box.legs.calls):
            self.bench.box.legs.stop(leg, self.bench.now)


STEP: tuple[Callable[[Played], None], ...] = (
    Played.hear,
    Played.ring,
    Played.answer,
    Played.wait,
    Played.accept,
    Played.stop,
)


def run(data: bytes) -> None:
    """Play a program, end every call, and see that nothing is left over."""
    program = Program(data)
    played = Played(program)
    for kind in program.steps(len(STEP), STEPS):
        played.step(kind)
    played.stop()
    played.bench.wait(LASTING_S)
    box = played.bench.box
    box.take_events()
    assert box.legs.calls == {}
    assert box.core.transactions.clients == box.core.transactions.servers == {}
    assert held(box) < HELD
