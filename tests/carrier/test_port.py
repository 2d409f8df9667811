"""A line's port: bytes of a real pseudo terminal, a keeper's real socket, a clock of ours."""

from __future__ import annotations

import os
import selectors
import socket
import tty
from collections.abc import Iterator
from typing import NoReturn

import pytest

from appliance.calls import events, orders
from appliance.carrier.messages import Notice
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.port import DEAF, MUTE, MUTE_LIMIT_S, Port
from appliance.carrier.switch import Switch
from appliance.errors import TechnicianError
from appliance.lines.facts import Recovery
from appliance.lines.keeper_protocol import Opened, send_report
from appliance.lines.sentences import Sentence


class Driver:
    """Says what it was given to say."""

    def __init__(self) -> None:
        self.says = b""

    def next_deadline(self) -> None:
        """Nothing is ever due."""

    def data_to_send(self) -> bytes:
        """Return and forget what is to be written."""
        said, self.says = self.says, b""
        return said


class Line:
    """What a port needs of its line; keeps what it was told."""

    name = "line1"
    in_service = True
    needs: Recovery | None = None

    def __init__(self) -> None:
        self.driver = Driver()
        self.expects_sound = False
        self.heard = b""
        self.losses: list[Sentence] = []

    def start(self, now: float) -> None:
        """The port is open."""

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes."""
        self.heard += data

    def lost(self, reason: Sentence, now: float) -> None:
        """The port is of no use."""
        self.losses.append(reason)


class Nursery:
    """Keepers are not born here; descriptors are closed."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, line: str, path: str) -> bool:
        """Count."""
        self.asked += 1
        return True

    def bury(self, descriptor: int) -> bool:
        """Close."""
        os.close(descriptor)
        return True


class Bench:
    """A port whose keeper has just opened it; `now` is moved by the test."""

    def __init__(self) -> None:
        self.now = 100.0
        self.line, self.nursery = Line(), Nursery()
        self.selector = selectors.DefaultSelector()
        self.modem, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(slave, False)
        self.port = Port(
            self.line,  # type: ignore[arg-type]  # a stand-in
            "/dev/modem",
            self.nursery,  # type: ignore[arg-type]  # a stand-in
            self.selector,
            lambda: self.now,
        )
        carriers, self.keeper = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.port.open()
        self.port.kept_by(carriers)
        send_report(self.keeper, Opened("/dev/modem", slave), [slave])
        os.close(slave)
        self.turn()

    def turn(self, seconds: float = 0.0) -> None:
        """Let time go by, then do all that can be done, as the carrier's loop does."""
        self.now += seconds
        for key, mask in self.selector.select(0):
            key.data(mask)
        self.port.timer(self.now)
        self.port.flush()

    def says(self, data: bytes) -> None:
        """Let the modem send; a pseudo terminal passes it on in its own time."""
        os.write(self.modem, data)
        assert self.selector.select(5.0)
        self.turn()

    def close(self) -> None:
        """Close everything."""
        self.port.close()
        self.keeper.close()
        os.close(self.modem)
        self.selector.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """An open port."""
    made = Bench()
    yield made
    made.close()


def test_a_modem_that_falls_mute_in_a_stream_is_lost_in_5_s(bench: Bench) -> None:
    """A stream brings 50 frames a second; one that brings none for 5 s is a stuck modem, told once,
    and another keeper is asked for.
    """
    bench.says(b"CONNECT")
    bench.line.expects_sound = True
    bench.says(b"sound")
    assert bench.line.heard == b"CONNECTsound"
    bench.turn(MUTE_LIMIT_S)
    assert bench.line.losses == []
    bench.turn(0.02)
    assert bench.line.losses == [MUTE]
    bench.turn(1.0)
    assert bench.line.losses == [MUTE]
    assert bench.nursery.asked == 2


def test_a_modem_may_be_mute_while_nothing_is_expected_of_it(bench: Bench) -> None:
    """An idle modem says nothing for hours; a stream that brings sound goes on for hours."""
    bench.turn(3600.0)
    assert bench.line.losses == []
    bench.says(b"CONNECT")
    bench.line.expects_sound = True
    for _ in range(10):
        bench.says(b"x")
        bench.turn(MUTE_LIMIT_S - 1)
    assert bench.line.losses == []


def test_a_modem_that_takes_nothing_is_lost_before_much_waits_for_it(bench: Bench) -> None:
    """What the port does not take waits, 2 s of sound at most; nothing ever blocks."""
    for _ in range(400):
        bench.line.driver.says = b"x" * 160
        bench.turn(0.02)
    assert bench.line.losses == [DEAF]
    assert bench.port.stuck_writes > 0


def test_a_phone_without_a_port_is_unreachable() -> None:
    """No RTP port, or an address that the box does not have: the leg ends, in words; no call falls
    with it.
    """
    told: list[object] = []

    def prepare(leg: str) -> NoReturn:
        raise TechnicianError("no RTP port is free: give sip.rtp_ports a wider range")

    def retire(leg: PhoneLeg) -> None:
        raise AssertionError("there is no leg to retire")

    switch = Switch(told.append, prepare, retire)
    switch.order(orders.PreparePhone("leg1"), 0.0)
    switch.order(orders.ReleasePhone("leg1"), 0.0)
    why = "no RTP port is free: give sip.rtp_ports a wider range"
    assert told == [Notice(why, "error"), events.PhoneUnreachable("leg1", why)]
