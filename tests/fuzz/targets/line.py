"""A whole line: hostile bytes between any orders at any time; then an honest modem brings it up."""

from __future__ import annotations

from collections.abc import Callable

from appliance.modem.events import Stream, Up
from appliance.modem.line import LineDriver
from appliance.modem.scripts import NO_VOICE, CallerIdOrder, LineSettings
from appliance.modem.table import LineStage
from tests.fuzz.bounds import held
from tests.fuzz.program import Program
from tests.modem.fake_modem import Bench, FakeModem

TOKENS = (
    b"\x00\x06\r\nOK\r\n", b"\x00\x0b\r\nCONNECT\r\n", b"\x00\x08\r\nRING\r\n", b"\x00\x02\x10R",
    b"\x00\x02\x10\x03", b"\x00\x0cNMBR = 051\r\n", b"\x00\x09\r\nERROR\r\n", b"\x01",
    b"\x02\x02", b"\x02\x06", b"\x03", b"\x04\x00", b"\x04\x01", b"\x05\x00", b"\x06", b"\x07",
    b"\x08", b"\x09",
)  # fmt: skip
WAITS = (0.01, 0.1, 0.3, 1.0, 2.0, 5.0, 8.0, 130.0)
STREAMS = tuple(Stream)
STEPS = 200
HELD = 256 * 1024
TIMERS = 50
"""Timers that may be due one after the other at one moment."""


class Played:
    """A line driven by a program."""

    def __init__(self, program: Program) -> None:
        orders = tuple(CallerIdOrder)
        settings = LineSettings(caller_id=orders[program.number(3)], duplex=bool(program.number(2)))
        self.program = program
        self.driver = LineDriver("1", settings)
        self.now = 100.0
        self.driver.start(self.now)

    def step(self, kind: int) -> None:
        """Do one step and what is due."""
        STEP[kind](self)
        assert len(self.driver.data_to_send()) < 4096
        self.due()

    def due(self) -> None:
        """Do everything that is due; a timer that is always due would turn the media gateway for
        ever.
        """
        for _ in range(TIMERS):
            deadline = self.driver.next_deadline()
            if deadline is None or deadline > self.now:
                return
            self.driver.handle_timer(self.now)
        raise AssertionError("a timer without end")

    def hear(self) -> None:
        """Bytes come from the port."""
        self.driver.receive_data(self.program.piece(), self.now)

    def obey(self) -> None:
        """The modem says OK."""
        self.driver.receive_data(b"\r\nOK\r\n", self.now)

    def wait(self) -> None:
        """Time passes."""
        self.now += WAITS[self.program.number(len(WAITS))]

    def begin(self) -> None:
        """A stream is asked for that the line can have."""
        kind = STREAMS[self.program.number(3)]
        if kind is not Stream.DUPLEX or self.driver.duplex:
            self.driver.start_stream(kind, self.now)

    def end(self) -> None:
        """The stream's end is asked for."""
        self.driver.end_stream(self.now, cut=bool(self.program.number(2)))

    def speak(self) -> None:
        """Sound is sent, in a stream to the line."""
        if self.driver.streaming is not Stream.RECEIVE:
            self.driver.send_samples(b"\x10" * 160)


STEP: tuple[Callable[[Played], object], ...] = (
    Played.hear,
    Played.obey,
    Played.wait,
    lambda one: one.driver.answer(one.now),
    Played.begin,
    Played.end,
    lambda one: one.driver.hang_up(one.now),
    lambda one: one.driver.flash("12", one.now),
    lambda one: one.driver.send_digits("0,51", one.now),
    lambda one: one.driver.dial("0511234", one.now),
    lambda one: one.driver.lost(NO_VOICE, one.now),
    lambda one: one.driver.start(one.now),
    Played.speak,
)


def run(data: bytes) -> None:
    """Play a program on a line, then give it an honest modem."""
    program = Program(data)
    played = Played(program)
    for kind in program.steps(len(STEP), STEPS):
        played.step(kind)
    assert held(played.driver) < HELD
    comes_home(played.driver, played.now)


def comes_home(driver: LineDriver, now: float) -> None:
    """Started anew on a modem that answers, the line is in service within a minute."""
    bench = Bench(driver, FakeModem())
    bench.now = now
    bench.up()
    assert any(isinstance(event, Up) for event in bench.events), bench.events[-3:]
    assert driver.stage is LineStage.IDLE
