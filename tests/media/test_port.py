"""A line's port: bytes of a real pseudo terminal, a port server's real socket, a clock of ours."""

from __future__ import annotations

import math
import os
import selectors
import socket
import tty
from collections.abc import Iterator
from typing import NoReturn

import pytest

from appliance.calls import events, orders
from appliance.errors import TechnicianError
from appliance.media.clock import FrameScheduler
from appliance.media.messages import Notice
from appliance.media.phone_leg import PhoneLeg
from appliance.media.port import (
    ASKED,
    DEAF,
    GONE,
    HUNG,
    MUTE,
    MUTE_LIMIT_S,
    PAUSE_S,
    PORT_SERVER_LIMIT_S,
    LinePort,
)
from appliance.media.switch import Switch
from appliance.modem.events import Recovery
from appliance.modem.port_protocol import (
    DtrDropped,
    PortCommand,
    PortFault,
    PortOpened,
    PortTrouble,
    decode_command,
    send_report,
)
from appliance.policy.supervision import RESTART_RULES, Component
from appliance.text import Words
from tests.helpers.words import pair

BACKOFF_S = RESTART_RULES[Component.LINE].pauses_s


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

    @property
    def has_news(self) -> bool:
        """Whatever a test does to a line, its port is to look at it, unless it says otherwise."""
        return not self.is_still

    @has_news.setter
    def has_news(self, has_news: bool) -> None:
        """Stay as it is."""

    def __init__(self) -> None:
        self.driver = Driver()
        self.expects_sound = False
        self.is_still = False
        self.rhythm = FrameScheduler()
        self.heard = b""
        self.nothing = 0
        self.losses: list[tuple[Words, Recovery]] = []
        self.starts = 0

    def start(self, now: float) -> None:
        """The port is open."""
        self.starts += 1

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes."""
        self.heard += data
        self.nothing += not data

    def lost(self, reason: Words, now: float, least: Recovery) -> None:
        """The port is of no use; what is asked for is what can help at least."""
        self.losses.append((reason, least))
        self.needs, self.in_service = least, False


class ForkServer:
    """No port server is started here; descriptors are closed."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, line: str, path: str) -> bool:
        """Count."""
        self.asked += 1
        return True

    def close_in_reaper(self, descriptor: int) -> bool:
        """Close."""
        os.close(descriptor)
        return True


class Bench:
    """A port whose port server has just opened it; `now` is moved by the test."""

    def __init__(self) -> None:
        self.now = 100.0
        self.line, self.fork_server = Line(), ForkServer()
        self.selector = selectors.DefaultSelector()
        self.modem = -1
        self.port = LinePort(
            self.line,  # type: ignore[arg-type]  # a stand-in
            "/dev/modem",
            self.fork_server,  # type: ignore[arg-type]  # a stand-in
            self.selector,
            lambda: self.now,
        )
        self.port.open()
        self.kept()
        self.plugged_in()

    def kept(self) -> None:
        """Give the port the port server it asked for."""
        gateway_end, self.server = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.server.settimeout(5.0)
        self.port.kept_by(gateway_end)

    def plugged_in(self) -> None:
        """Let the port server open a modem."""
        if self.modem >= 0:
            os.close(self.modem)
        self.modem, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(slave, False)
        self.report(PortOpened("/dev/modem", slave), slave)
        os.close(slave)

    def report(self, report: PortOpened | DtrDropped | PortTrouble, *descriptors: int) -> None:
        """Let the port server report."""
        send_report(self.server, report, descriptors)
        self.turn()

    def needs(self, step: Recovery) -> None:
        """Let the line ask for a step of the ladder."""
        self.line.needs, self.line.in_service = step, False
        self.turn()

    def asks_again_after(self, seconds: float) -> bool:
        """Tell whether the port asks for a port server at that moment, and not earlier."""
        before = self.fork_server.asked
        self.turn(seconds - 0.01)
        early = self.fork_server.asked
        self.turn(0.02)
        return (early, self.fork_server.asked) == (before, before + 1)

    def turn(self, seconds: float = 0.0) -> None:
        """Let time go by, then do all that can be done, as the media gateway's loop does."""
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
        self.server.close()
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
    and another port server is asked for.
    """
    bench.says(b"CONNECT")
    bench.line.expects_sound = True
    bench.says(b"sound")
    assert bench.line.heard == b"CONNECTsound"
    bench.turn(MUTE_LIMIT_S)
    assert bench.line.losses == []
    bench.turn(0.02)
    assert bench.line.losses == [(MUTE, Recovery.REOPEN)]
    bench.turn(1.0)
    assert bench.line.losses == [(MUTE, Recovery.REOPEN)]
    assert bench.fork_server.asked == 2


def test_a_stream_whose_rhythm_is_known_wakes_nobody(bench: Bench) -> None:
    """Bytes of a running stream are fetched when a frame should be whole; if none is there, and
    behind the stream's end, the port is watched again.
    """
    bench.line.expects_sound = True
    bench.line.rhythm.took(160, bench.now)
    bench.turn()
    os.write(bench.modem, b"frame")
    assert not bench.selector.select(0.05)
    bench.turn(0.015)
    assert bench.line.heard == b""
    bench.turn(0.006)
    assert bench.line.heard == b"frame"
    bench.line.rhythm.stop()
    bench.turn()
    bench.says(b"OK")
    assert bench.line.heard == b"frameOK"


def test_a_fetch_that_finds_nothing_is_told_to_the_line(bench: Bench) -> None:
    """The line learns of it by no bytes at all, and the port is no less alive."""
    bench.line.rhythm.took(160, bench.now)
    bench.turn()
    bench.turn(0.021)
    assert bench.line.nothing == 1
    assert bench.line.losses == []


def test_a_modem_unplugged_in_a_stream_is_lost_by_the_next_frame(bench: Bench) -> None:
    """Nobody watches the port then; the next fetch finds out."""
    bench.line.rhythm.took(160, bench.now)
    bench.turn()
    os.close(bench.modem)
    bench.modem = -1
    bench.turn(0.021)
    assert bench.line.losses == [(GONE, Recovery.PLUG_IN)]
    bench.turn(BACKOFF_S[0])
    bench.kept()
    bench.plugged_in()


def test_a_port_that_nothing_happened_to_is_left_alone(bench: Bench) -> None:
    """Eight idle lines must not be looked through whenever the ninth has a frame."""
    bench.turn()
    bench.line.is_still = True
    bench.line.driver.says = b"unasked"
    bench.port.timer(bench.now)
    bench.port.flush()
    assert bench.line.driver.says == b"unasked"
    assert bench.port.due_at == math.inf


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
    assert bench.line.losses == [(DEAF, Recovery.REOPEN)]
    assert bench.port.stuck_writes > 0


def test_a_step_of_the_ladder_leaves_the_port_free_and_takes_its_time(bench: Bench) -> None:
    """DTR is the port server's; for all else the port is closed, so that nobody holds a device that
    is being reset, and tried again when the step had its time.
    """
    bench.needs(Recovery.DROP_DTR)
    assert decode_command(bench.server.recv(100)) is PortCommand.DROP_DTR
    bench.report(DtrDropped(700))
    assert bench.line.starts == 2
    for step, seconds in ((Recovery.RESET_USB, 8.0), (Recovery.POWER_CYCLE, 15.0)):
        bench.needs(step)
        assert bench.server.recv(100) == b""
        assert bench.asks_again_after(seconds)
        bench.kept()
        bench.plugged_in()


def test_what_is_tried_for_ever_is_tried_every_half_minute(bench: Bench) -> None:
    """The back-off grows to its limit and stays there."""
    for seconds in (*BACKOFF_S, BACKOFF_S[-1], BACKOFF_S[-1]):
        bench.needs(Recovery.REPLUG)
        assert bench.asks_again_after(seconds)
        bench.kept()
        bench.plugged_in()
    assert BACKOFF_S[-1] == 30.0


def test_a_modem_that_comes_up_and_fails_again_is_tried_ever_more_seldom(bench: Bench) -> None:
    """It is up in between, and that counts for nothing: for ten quiet minutes it does."""
    for seconds in BACKOFF_S:
        bench.needs(Recovery.REOPEN)
        assert bench.asks_again_after(seconds)
        bench.kept()
        bench.plugged_in()
        bench.turn(10.0)
        bench.line.in_service = True
    bench.turn(RESTART_RULES[Component.LINE].within_s)
    bench.needs(Recovery.REOPEN)
    assert bench.asks_again_after(BACKOFF_S[0])


def test_a_hung_port_server_is_abandoned_and_its_device_reset(bench: Bench) -> None:
    """An ioctl that never returns is beyond a new descriptor: the USB device is next (4)."""
    bench.needs(Recovery.DROP_DTR)
    bench.turn(PORT_SERVER_LIMIT_S)
    assert bench.line.losses == [(HUNG, Recovery.RESET_USB)]
    assert bench.asks_again_after(PAUSE_S[Recovery.RESET_USB])


def test_an_unplugged_modem_is_waited_for_by_its_port_server(bench: Bench) -> None:
    """Unplugged: lost at once. A port server that finds no port keeps looking, and what it opens
    when the modem is plugged in again, under another name too, is started.
    """
    os.close(bench.modem)
    bench.modem = -1
    bench.turn()
    assert bench.line.losses == [(GONE, Recovery.PLUG_IN)]
    bench.turn(BACKOFF_S[0])
    assert bench.fork_server.asked == 2
    bench.kept()
    why = pair("La porta non c'è.", "There is no port.")
    bench.report(PortTrouble(PortFault.MISSING, why))
    assert bench.line.losses[1:] == [(why, Recovery.PLUG_IN)]
    bench.turn(3600.0)
    assert bench.fork_server.asked == 2
    bench.plugged_in()
    assert bench.line.starts == 2


def test_a_restart_by_hand_closes_the_port_and_opens_it_again(bench: Bench) -> None:
    """The line hears why; nobody holds the port meanwhile, and the modem is started anew."""
    bench.line.is_still = True
    bench.turn()
    bench.port.restart()
    bench.turn()
    assert bench.line.losses == [(ASKED, Recovery.REOPEN)]
    assert bench.server.recv(100) == b""
    assert bench.asks_again_after(BACKOFF_S[0])
    bench.kept()
    bench.plugged_in()
    assert bench.line.starts == 2


def test_a_restart_by_hand_does_not_wait_for_the_next_try(bench: Bench) -> None:
    """A line that is out is tried at once, and a port server that waits for a modem is asked for
    anew: it may look at the wrong place for ever.
    """
    bench.needs(Recovery.REPLUG)
    bench.port.restart()
    assert bench.fork_server.asked == 2
    bench.kept()
    bench.report(PortTrouble(PortFault.MISSING, GONE))
    bench.turn(3600.0)
    bench.port.restart()
    assert bench.fork_server.asked == 3
    bench.kept()
    bench.plugged_in()
    assert bench.line.starts == 2


@pytest.mark.parametrize("server_first", [False, True])
def test_port_and_server_that_fail_in_one_turn_cost_the_line_and_nothing_else(
    bench: Bench, server_first: bool
) -> None:
    """The selector names both; what the first one says makes an end of the other, which is then
    passed over: an exception here would end the media gateway, and every line with it.
    """
    if server_first:
        bench.server.close()
    os.close(bench.modem)
    bench.modem = -1
    bench.server.close()
    bench.turn()
    assert bench.line.losses == [(GONE, Recovery.PLUG_IN)]
    assert bench.asks_again_after(BACKOFF_S[0])
    bench.kept()
    bench.plugged_in()


@pytest.mark.parametrize(
    ("cause", "least"),
    [
        (PortFault.BUSY, Recovery.FREE_PORT),
        (PortFault.PERMISSION, Recovery.FREE_PORT),
        (PortFault.BROKEN, Recovery.REOPEN),
    ],
)
def test_what_a_person_must_do_resets_no_device(
    bench: Bench, cause: PortFault, least: Recovery
) -> None:
    """A port in use, or not allowed, is tried again; only a broken one climbs the ladder."""
    why = pair("No.", "No!")
    bench.report(PortTrouble(cause, why))
    assert bench.line.losses == [(why, least)]
    assert bench.asks_again_after(BACKOFF_S[0])


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
