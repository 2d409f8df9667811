"""Sound both ways, and what the chip notices beside it."""

from __future__ import annotations

import pytest

from appliance.errors import Bug
from appliance.modem.events import (
    BrokeOff,
    Idle,
    LineEvent,
    RecoveryDone,
    RecoveryStarted,
    Signal,
    Signalled,
    SoundReceived,
    Stopped,
    Stream,
    Streaming,
    Up,
)
from appliance.modem.scripts import LineSettings
from appliance.modem.table import LineStage
from tests.modem.fake_modem import Bench, FakeModem, usr5637
from tests.modem.line_states import answered, bench, heard, streaming, up


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_duplex_sound_is_byte_exact_both_ways(piece: int) -> None:
    """Every sample behind CONNECT, DLE among them, and every sample written."""
    line = answered(up(piece=piece))
    line.modem.sound = b"\x10"
    line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
    line.run(0.2)
    line.driver.send_samples(bytes(range(256)))
    line.note(())
    line.run(1)
    events = line.take()
    assert isinstance(events[0], Streaming)
    sound = heard(events)
    assert sound == b"\x10" * len(sound)
    assert len(sound) >= 9000
    assert line.modem.played == bytes(range(256))
    assert line.modem.faults == []


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_sound_begins_also_where_connect_says_a_rate(piece: int) -> None:
    """A modem that says CONNECT 8000 brings its caller and the phone together."""
    line = answered(up(piece=piece))
    line.modem.answers["+VTR"] = "CONNECT 8000"
    line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
    line.run(1.2)
    events = line.take()
    assert isinstance(events[0], Streaming)
    sound = heard(events)
    assert sound == b"\x55" * len(sound)
    assert len(sound) >= 8000
    assert line.modem.faults == []


def test_the_same_stream_is_not_started_twice() -> None:
    """Asking for the stream that runs changes nothing."""
    line = streaming(up())
    assert line.driver.start_stream(Stream.DUPLEX, line.now) == ()
    assert line.driver.streaming is Stream.DUPLEX


def test_a_transmitted_stream_ends_when_it_was_played() -> None:
    """Stopped is the end of the announcement as the caller hears it."""
    line = streaming(up(usr5637()), Stream.TRANSMIT)
    line.driver.send_samples(b"\x7f" * 4000)
    line.note(line.driver.end_stream(line.now))
    line.driver.send_samples(b"late")
    line.note(())
    line.run(0.4)
    assert line.take() == []
    line.run(0.2)
    assert line.take() == [Stopped(Stream.TRANSMIT)]
    assert line.modem.played == b"\x7f" * 4000
    assert line.driver.stage is LineStage.OFF_HOOK


def test_an_announcement_can_be_cut() -> None:
    """A key press ends it at once: CAN clears what lies ahead, ETX ends the stream."""
    line = streaming(up(usr5637()), Stream.TRANSMIT)
    line.driver.send_samples(b"\x7f" * 8000)
    line.note(line.driver.end_stream(line.now, cut=True))
    line.run(0.05)
    assert line.take() == [Stopped(Stream.TRANSMIT)]
    line.driver.send_samples(b"late")
    assert line.driver.data_to_send() == b""


def test_a_cut_behind_the_end_does_no_harm() -> None:
    """Asked to end and then to cut: one Stopped, and the next command is understood."""
    line = streaming(up(usr5637()), Stream.TRANSMIT)
    line.driver.send_samples(b"\x7f" * 4000)
    line.note(line.driver.end_stream(line.now))
    line.run(0.1)
    line.note(line.driver.end_stream(line.now, cut=True))
    line.note(line.driver.end_stream(line.now, cut=True))
    line.run(1)
    assert line.take() == [Stopped(Stream.TRANSMIT)]
    line.note(line.driver.hang_up(line.now))
    line.run(1)
    assert line.take() == [Idle()]


def test_half_duplex_switches_from_play_to_record() -> None:
    """Play, then record: the announcement is heard to its end first."""
    line = streaming(up(usr5637()), Stream.TRANSMIT)
    line.driver.send_samples(b"\x7f" * 1600)
    line.note(line.driver.start_stream(Stream.RECEIVE, line.now))
    line.run(1)
    events = line.take()
    assert events[:2] == [Stopped(Stream.TRANSMIT), Streaming(Stream.RECEIVE)]
    assert len(heard(events)) > 5000
    with pytest.raises(Bug):
        line.driver.send_samples(b"x")
    line.note(line.driver.start_stream(Stream.TRANSMIT, line.now))
    line.run(0.3)
    switched = [e for e in line.take() if not isinstance(e, SoundReceived)]
    assert switched == [Stopped(Stream.RECEIVE), Streaming(Stream.TRANSMIT)]
    assert line.modem.faults == []


def broken_off(kind: Stream, result: bytes, times: int = 1) -> tuple[Bench, list[LineEvent]]:
    """A line whose modem ends its stream though nobody ordered it; and what is told."""
    line = streaming(up(), kind)
    for _ in range(times):
        line.modem.stream = ""
        line.modem.say(b"\x10\x03\r\n" + result + b"\r\n", line.now)
        line.run(0.3)
    return line, [e for e in line.take() if not isinstance(e, SoundReceived)]


@pytest.mark.parametrize("kind", list(Stream))
def test_a_stream_that_breaks_off_by_itself_is_started_again(kind: Stream) -> None:
    """The line is still held: one more command keeps the caller, and the journal has it."""
    line, told = broken_off(kind, b"OK")
    assert [type(e) for e in told] == [BrokeOff, Streaming]
    assert told[-1] == Streaming(kind)
    assert line.modem.off_hook


@pytest.mark.parametrize("kind", list(Stream))
@pytest.mark.parametrize(("result", "times"), [(b"NO CARRIER", 1), (b"OK", 2)])
def test_a_stream_that_is_gone_is_a_lost_call(kind: Stream, result: bytes, times: int) -> None:
    """The line went with it (+VIT drops it, 1.3), or it breaks off again and again. B1: put on
    hook, started anew, told; not a call that seems to go on without sound.
    """
    line, told = broken_off(kind, result, times)
    assert isinstance(told[-1], RecoveryStarted)
    assert result.decode() in told[-1].reason.text("en")
    line.run(5)
    assert [type(e) for e in line.take()] == [RecoveryDone, Up, Idle]
    assert not line.modem.off_hook


def test_a_stream_that_cannot_be_started_again_is_a_lost_call() -> None:
    """Refused then, +VTR says nothing of the modem's gift: the line is not held any more."""
    line = streaming(up())
    line.modem.stream, line.modem.off_hook = "", False
    line.modem.say(b"\x10\x03\r\nOK\r\n", line.now)
    line.run(6)
    told = [type(e) for e in line.take() if not isinstance(e, SoundReceived)]
    assert told == [BrokeOff, RecoveryStarted, RecoveryDone, Up, Idle]
    assert line.driver.duplex


@pytest.mark.parametrize("kind", list(Stream))
def test_a_modem_that_heeds_only_a_tripled_dle(kind: Stream) -> None:
    """A Zoom 3095 is reported so: its first stream ends late, from then on they end at once."""
    modem = FakeModem(tripled=True)
    line = streaming(up(modem), kind)
    line.note(line.driver.end_stream(line.now, cut=True))
    line.run(7)
    assert Stopped(kind) in line.take()
    line.note(line.driver.start_stream(kind, line.now))
    line.run(0.3)
    line.note(line.driver.hang_up(line.now))
    line.run(1.5)
    assert line.take()[-1] == Idle()
    assert not modem.off_hook


def test_a_modem_that_heeds_only_a_tripled_dle_found_in_a_stream() -> None:
    """After a crash in a call its stream runs: the first thing that is sent ends it."""
    modem = FakeModem(tripled=True)
    modem.off_hook, modem.stream = True, "+VTR"
    made = bench(modem)
    made.up()
    assert isinstance(made.take()[-1], Up)
    assert not modem.off_hook


def test_usr_duplex_ends_by_its_second_terminator() -> None:
    """Some leave +VTR by ETX only."""
    modem = usr5637()
    modem.duplex, modem.ends["+VTR"] = True, b"\x03"
    line = streaming(up(modem, settings=LineSettings(duplex=True)))
    line.note(line.driver.end_stream(line.now))
    line.run(5.2)
    assert line.take()[-1] == Stopped(Stream.DUPLEX)


@pytest.mark.parametrize(
    ("code", "signal"),
    [
        ("b", Signal.BUSY),
        ("d", Signal.DIAL),
        ("l", Signal.LOOP),
        ("P", Signal.EXTENSION_PICKUP),
        ("s", Signal.SILENCE),
        ("q", Signal.QUIET),
        ("H", Signal.EXTENSION_PICKUP),
        ("u", Signal.UNDERRUN),
        ("o", Signal.OVERRUN),
    ],
)
def test_chip_events_become_signals(code: str, signal: Signal) -> None:
    """Each code of v253.md 2.1 that matters off hook; the sound around it is untouched."""
    line = streaming(up())
    line.modem.say(b"\x10" + code.encode(), line.now + 0.005)
    line.run(0.2)
    events = line.take()
    assert Signalled(signal) in events
    assert set(heard(events)) == {0x55}


def test_unknown_codes_and_codes_on_hook_mean_nothing() -> None:
    """A code without meaning is skipped; on hook none has one."""
    line = up()
    line.modem.say(b"\x10h\x10b", line.now)
    line.run(0.1)
    assert line.take() == []
    streaming(line)
    line.modem.say(b"\x10Z\x10W", line.now)
    line.run(0.05)
    assert {type(e) for e in line.take()} == {SoundReceived}


def test_usr_false_dial_tone_is_ignored_in_a_stream() -> None:
    """It reports dial tone while it plays; outside of a stream it is believed."""
    line = streaming(up(usr5637()), Stream.RECEIVE)
    line.modem.say(b"\x10d", line.now)
    line.run(0.1)
    assert Signalled(Signal.DIAL) not in line.take()
    line.note(line.driver.end_stream(line.now))
    line.run(0.1)
    line.modem.say(b"\x10d", line.now)
    line.run(0.1)
    assert line.take()[-1] == Signalled(Signal.DIAL)


def test_a_key_press_is_one_digit() -> None:
    """The code repeats while the key is held."""
    line = streaming(up())
    for at, code in enumerate((b"/", b"5", b"5", b"5", b"~", b"/", b"5", b"\x7f")):
        line.modem.say(b"\x10" + code, line.now + 0.07 * at)
    line.run(1)
    digits = [e for e in line.take() if isinstance(e, Signalled)]
    assert digits == [Signalled(Signal.DIGIT, "5")] * 2
