"""The media gateway's lines against the software exchange in memory, on one virtual clock.

Nothing here sleeps: the clock goes on by 10 ms whenever a test says so. Phones are real sockets on
a loopback address, which delivers at once.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from appliance.calls.events import (
    Caller,
    CallerIdentified,
    LineAnswered,
    LineIdle,
    LineRang,
    MediaAgreed,
)
from appliance.dsp.wav import FRAME_SAMPLES, Law, silence
from appliance.media.line import AnalogLine
from appliance.media.link import Link, RecordedSound
from appliance.media.messages import LineSetup
from appliance.media.phone_leg import PhoneLeg, bind_port
from appliance.simulator.exchange.call import CallPlan, ExchangeCall
from appliance.simulator.exchange.modem_protocol import Personality, personality_named
from appliance.simulator.exchange.outlet import Station
from appliance.simulator.exchange.signals import country_named
from appliance.sip.rtp import RtpSender, parse

STEP_MS = 10
TURNS = 20
"""Answers to answers within one moment; more would be a modem and a driver talking for ever."""
ADDRESS = "127.13.0.1"

Fact = TypeVar("Fact")


class Hosted:
    """One `AnalogLine` with a `Station` of the exchange at its port; `told` is all it said."""

    def __init__(
        self,
        setup: LineSetup | None = None,
        make: Personality | str = "conexant",
        lead_ms: int = 60,
    ) -> None:
        made = personality_named(make) if isinstance(make, str) else make
        self.setup = setup or LineSetup("line1", "", caller_id="none")
        self.station = Station(1, country_named(self.setup.country), made)
        self.told: list[Any] = []
        self.link: Link | None = None
        self.line = AnalogLine(self.setup, self.told.append, lambda: self.link, lead_ms)
        self.to_host: Callable[[bytes], bytes] = lambda data: data
        self.to_modem: Callable[[bytes], bytes] = lambda data: data
        self.is_plugged = True

    @property
    def modem(self) -> Any:
        """The exchange's modem (it is another one after it was switched off and on)."""
        return self.station.modem

    def place(self, plan: CallPlan | None = None, **more: Any) -> ExchangeCall:
        """Have somebody call."""
        call = ExchangeCall(plan or CallPlan(**more), 1)
        self.station.line.place(call)
        return call

    def step(self, now: float) -> None:
        """Let 10 ms end at `now`."""
        self.station.tick(self.station.samples_in(STEP_MS / 1000), now)
        self.serve(now)

    def serve(self, now: float) -> None:
        """Carry bytes both ways until neither end has more to say."""
        if not self.is_plugged:
            return
        deadline = self.line.driver.next_deadline()
        if deadline is not None and now >= deadline:
            self.line.timer(now)
        for _ in range(TURNS):
            inward = self.to_host(self.modem.data_to_send())
            if inward:
                self.line.receive(inward, now)
            outward = self.to_modem(self.line.driver.data_to_send())
            if outward:
                self.modem.receive_data(outward, now)
            if not inward and not outward:
                return
        raise AssertionError("the modem and its driver never came to an end")

    def callers(self) -> list[Caller]:
        """Return who was told to call, with a ring or after it."""
        facts = (f for f in self.told if isinstance(f, LineRang | CallerIdentified))
        return [fact.caller for fact in facts if fact.caller is not None]

    def heard_of(self, kind: type[Fact]) -> list[Fact]:
        """Return what was told of one kind, oldest first."""
        return [fact for fact in self.told if isinstance(fact, kind)]


class World:
    """One clock for everything; `parts` are stepped every 10 ms, gateway ticks come every 20."""

    def __init__(self, *hosted: Hosted) -> None:
        self.hosted = hosted
        self.now = 100.0
        self.parts: list[Callable[[float], None]] = []
        self._steps = 0

    def run(self, ms: float) -> None:
        """Let time go by."""
        for _ in range(round(ms / STEP_MS)):
            self.now += STEP_MS / 1000
            self._steps += 1
            for part in self.parts:
                part(self.now)
            for one in self.hosted:
                one.step(self.now)
                if self._steps % 2 == 0:
                    one.line.tick(self.now)
                    one.serve(self.now)

    def until(self, is_so: Callable[[], object], limit_ms: int = 30_000) -> None:
        """Let time go by until something is so; fails after `limit_ms`."""
        for _ in range(limit_ms // STEP_MS):
            if is_so():
                return
            self.run(STEP_MS)
        raise AssertionError(f"not within {limit_ms} ms")

    def bring_up(self) -> None:
        """Start every line and wait until it is in service."""
        for one in self.hosted:
            one.line.start(self.now)
            self.until(lambda one=one: one.line.status.in_service)  # type: ignore[misc]  # a default

    def answer(self, one: Hosted, plan: CallPlan | None = None, **more: Any) -> ExchangeCall:
        """Have somebody call, answer, and wait until the line is answered."""
        call = one.place(plan, **more)
        self.until(lambda: one.heard_of(LineRang))
        self.run(1000)
        before = len(one.heard_of(LineAnswered))
        one.line.answer(self.now)
        self.until(lambda: len(one.heard_of(LineAnswered)) > before)
        return call

    def hang_up(self, one: Hosted) -> None:
        """Put the line on hook and see it idle."""
        before = len(one.heard_of(LineIdle))
        one.line.hang_up(self.now)
        self.until(lambda: len(one.heard_of(LineIdle)) > before)


def ready(setup: LineSetup | None = None, make: Personality | str = "conexant") -> Hosted:
    """Return a hosted line, not started."""
    return Hosted(setup, make)


class ControlEnd:
    """The other end of the media gateway's link: takes recordings and gives credit back."""

    def __init__(self, one: Hosted) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        one.link = Link(theirs)
        self.link = Link(ours)
        self.near = one.link
        self.sound = bytearray()
        self.messages: list[Any] = []

    def step(self, now: float) -> None:
        """Take what has arrived."""
        for message in self.link.receive():
            if isinstance(message, RecordedSound):
                self.sound += message.data
                self.near.grant(message.recording, len(message.data))
            else:
                self.messages.append(message)

    def close(self) -> None:
        """Close both ends."""
        self.link.close()
        self.near.close()


class Phone:
    """A phone's end of a leg: says frames at the virtual clock, keeps what it hears in order."""

    def __init__(self, law: Law = Law.ULAW, leg: str = "leg1") -> None:
        self.law = law
        self.leg = PhoneLeg(leg, bind_port(ADDRESS, (30_000, 30_998), 0))
        self.socket = bind_port(ADDRESS, (31_000, 31_998), 0)
        self.heard = bytearray()
        self.packets = 0
        self.is_mute = False
        self.ppm = 0.0
        self._sender = RtpSender(1, 1, 1)
        self._says: deque[bytes] = deque()
        self._spoken = FRAME_SAMPLES / 2  # by its own crystal, not yet sent

    def agree(self, now: float, *, sending: bool = True, receiving: bool = True) -> None:
        """Tell the leg where this phone is and what it speaks."""
        port = self.socket.getsockname()[1]
        self.leg.agree(
            MediaAgreed(
                self.leg.leg,
                ADDRESS,
                port,
                str(self.law),
                101,
                sending=sending,
                receiving=receiving,
            ),
            now,
        )

    def say(self, data: bytes) -> None:
        """Say sound of the phone's law, in whole frames."""
        frames = (data[at : at + FRAME_SAMPLES] for at in range(0, len(data), FRAME_SAMPLES))
        fill = silence(self.law, 1)
        self._says.extend(frame.ljust(FRAME_SAMPLES, fill) for frame in frames)

    def press(self, digit: str) -> None:
        """Press a key: its packets go at once."""
        self.send(self._sender.digit(101, digit))

    def send(self, packets: Iterable[bytes]) -> None:
        """Send datagrams to the leg."""
        for packet in packets:
            self.socket.sendto(packet, (ADDRESS, self.leg.port))

    def step(self, now: float) -> None:
        """Say a frame every 20 ms of its own, hear what has come, let the leg read its socket."""
        self._spoken += FRAME_SAMPLES / 2 * (1 + self.ppm * 1e-6)
        due, self._spoken = divmod(self._spoken, FRAME_SAMPLES)
        if due and not self.is_mute:
            frame = self._says.popleft() if self._says else silence(self.law, FRAME_SAMPLES)
            self.send([self._sender.packet(0 if self.law is Law.ULAW else 8, frame)])
        for _ in self.leg.receive(now):
            pass
        self._hear()

    def _hear(self) -> None:
        while True:
            try:
                data = self.socket.recv(2048)
            except OSError:
                return
            packet = parse(data)
            assert packet is not None
            self.packets += 1
            self.heard += packet.payload

    def close(self) -> None:
        """Free both ports."""
        self.leg.close()
        self.socket.close()
