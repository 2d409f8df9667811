"""A box with real sockets on loopback, and a UDP phone that a test plays by hand."""

from __future__ import annotations

import queue
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from appliance.calls.events import Event, PhoneGone, PhoneRegistered
from appliance.sip.message import SipMessage, read
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import PhoneAccount, PhonesSettings
from appliance.sip.rtp import Address
from appliance.sip.service import Phones
from tests.sip.world import SDP, response

QUIET = (PhoneRegistered, PhoneGone)


@dataclass
class Office:
    """The box: its phones, and what its call control was told."""

    phones: Phones
    told: queue.SimpleQueue[Event]
    sound: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> Address:
        """Where the box listens."""
        return self.phones.status().address

    def ring(self, leg: str, phone: str, **more: Any) -> socket.socket:
        """Ring a phone, and return the RTP socket that its sound comes to."""
        sound = self.listening()
        host, port = sound.getsockname()
        self.phones.ring(leg, phone, host, port, "051 598 111", "3331234567", **more)
        return sound

    def listening(self) -> socket.socket:
        """Return an RTP socket of the box's; it is closed with the box."""
        sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sound.bind(("127.0.0.1", 0))
        sound.settimeout(15)
        self.sound.append(sound)
        return sound

    def next(
        self, kind: type[Any] | tuple[type[Any], ...] | None = None, limit: float = 15.0
    ) -> Any:
        """Return the next event (of a kind); comings and goings of phones only when asked for."""
        end = time.monotonic() + limit
        while True:
            event = self.told.get(timeout=max(0.001, end - time.monotonic()))
            if isinstance(event, kind) if kind else not isinstance(event, QUIET):
                return event

    def is_quiet(self, seconds: float) -> bool:
        """Tell whether call control is told nothing for a while."""
        try:
            self.told.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


@contextmanager
def office(*accounts: PhoneAccount, **more: Any) -> Iterator[Office]:
    """Run a box with these phones."""
    told: queue.SimpleQueue[Event] = queue.SimpleQueue()
    settings = PhonesSettings("127.0.0.1", 0, accounts, **({"qualify_s": 0} | more))
    phones = Phones(settings, told.put)
    made = Office(phones, told)
    phones.start()
    try:
        assert phones._loop.listening.wait(15)
        yield made
    finally:
        phones.stop()
        for sound in made.sound:
            sound.close()


@dataclass
class HandPhone:
    """A phone whose every datagram the test writes."""

    address: str = "127.0.0.41"
    socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 0))
        self.socket.settimeout(15)

    @property
    def account(self) -> PhoneAccount:
        """Its account: a fixed address, no secret."""
        return PhoneAccount("21", fixed_address=self.where)

    @property
    def where(self) -> Address:
        """Its address."""
        host, port = self.socket.getsockname()
        return host, port

    def hear(self, limit: float = 15.0) -> SipMessage:
        """Return the next message."""
        self.socket.settimeout(limit)
        data, self.peer = self.socket.recvfrom(65535)
        message = read(data, parse)
        assert message
        return message

    def say(self, data: bytes, to: Address | None = None) -> None:
        """Send a datagram to the box."""
        self.socket.sendto(data, to or self.peer)

    def answer(self, request: SipMessage, code: int, **more: str) -> None:
        """Answer a request of the box."""
        contact = f"<sip:21@{self.where[0]}:{self.where[1]}>"
        self.say(response(request, code, **({"tag": "p", "contact": contact} | more)))

    def take(self) -> SipMessage:
        """Ring, answer, and return the ACK."""
        invite = self.hear()
        self.answer(invite, 180)
        self.answer(invite, 200, body=SDP)
        return self.hear()

    def close(self) -> None:
        """Switch it off."""
        self.socket.close()
