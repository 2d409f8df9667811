"""Lines brought to a stage of their life, on an honest fake modem and a virtual clock."""

from __future__ import annotations

from appliance.calls.events import Caller, Presentation
from appliance.modem.events import Idle, LineEvent, OffHook, SoundReceived, Stream, Streaming, Up
from appliance.modem.line import LineDriver
from appliance.modem.scripts import LineSettings
from appliance.modem.table import LineStage
from tests.modem.fake_modem import Bench, FakeModem

NUMBER = Caller(Presentation.SHOWN, "0512345678")
UNKNOWN = Caller()


def bench(
    modem: FakeModem | None = None, piece: int = 0, settings: LineSettings | None = None
) -> Bench:
    """Make a line that is not started."""
    line = LineDriver("1", settings or LineSettings(idle_check_ms=0))
    return Bench(line, modem or FakeModem(), piece)


def up(
    modem: FakeModem | None = None, piece: int = 0, settings: LineSettings | None = None
) -> Bench:
    """Make a line that came up."""
    made = bench(modem, piece, settings)
    made.up()
    assert isinstance(made.take()[-1], Up | Idle)
    return made


def prepared(line: Bench) -> Bench:
    """Let it ring until the modem is prepared."""
    line.modem.ring(line.now)
    line.run(2.5)
    assert line.driver.stage is LineStage.PREPARED
    return line


def answered(line: Bench) -> Bench:
    """Answer a ringing line."""
    prepared(line)
    line.note(line.driver.answer(line.now))
    line.run(0.2)
    assert line.take()[-1] == OffHook()
    return line


def streaming(line: Bench, kind: Stream = Stream.DUPLEX) -> Bench:
    """Answer a line and start a stream on it."""
    answered(line)
    line.note(line.driver.start_stream(kind, line.now))
    line.run(0.2)
    assert Streaming(kind) in line.take()
    return line


def heard(events: list[LineEvent]) -> bytes:
    """Join the sound of many events."""
    return b"".join(e.samples for e in events if isinstance(e, SoundReceived))
