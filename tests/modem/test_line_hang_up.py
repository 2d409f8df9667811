"""Back to a proven idle, out of every trouble."""

from __future__ import annotations

import random

import pytest

from appliance.modem.events import (
    Failed,
    FlashSent,
    GaveUp,
    HalfDuplex,
    Identified,
    Idle,
    Prepared,
    Recovery,
    RecoveryDone,
    RecoveryStarted,
    RingReceived,
    SoundReceived,
    Stopped,
    Stream,
    Streaming,
    Up,
)
from appliance.modem.line import LineDriver
from appliance.modem.scripts import NO_DUPLEX, LineSettings
from appliance.modem.table import LineStage
from tests.helpers.words import pair
from tests.modem.fake_modem import FakeModem, usr5637
from tests.modem.line_states import NUMBER, answered, bench, prepared, streaming, up


@pytest.mark.parametrize("kind", list(Stream))
@pytest.mark.parametrize("piece", [0, 1])
def test_hanging_up_ends_the_stream_and_proves_idle(kind: Stream, piece: int) -> None:
    """Right terminator, ATH, class 0, caller id armed, AT answered; only then Idle."""
    line = streaming(up(piece=piece), kind)
    line.note(line.driver.hang_up(line.now))
    line.run(0.3)
    assert Idle() not in line.events
    line.run(1)
    assert [e for e in line.take() if not isinstance(e, SoundReceived)] == [Idle()]
    assert line.modem.commands[-5:] == ["ATH", "AT+FCLASS=0", "AT+VCID=1", "AT", "AT+FCLASS?"]
    assert (line.modem.off_hook, line.modem.voice, line.modem.stream) == (False, False, "")
    assert line.modem.faults == []


def test_hanging_up_twice_or_idle_or_ringing() -> None:
    """One Idle for a repeated order; an idle line says so at once; a ringing one is let go."""
    line = prepared(up())
    line.take()
    line.note(line.driver.hang_up(line.now))
    line.note(line.driver.hang_up(line.now))
    line.run(2)
    assert line.take() == [Idle()]
    assert line.driver.hang_up(line.now) == (Idle(),)


@pytest.mark.parametrize("after", [0.0, 0.001, 0.004, 0.05])
def test_hanging_up_while_a_stream_starts(after: float) -> None:
    """The order crosses CONNECT: the stream that then runs is ended first."""
    line = answered(up())
    line.run(0.2)
    line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
    line.run(after)
    line.note(line.driver.hang_up(line.now))
    line.run(2)
    assert line.take()[-1] == Idle()
    assert not line.modem.off_hook
    assert line.modem.faults == []


def test_hanging_up_while_the_stream_ends_sends_no_second_terminator() -> None:
    """A caret behind the end would be text before ATH."""
    line = streaming(up())
    line.modem.latency = 0.05
    line.note(line.driver.end_stream(line.now))
    line.note(line.driver.hang_up(line.now))
    line.run(2)
    assert line.take()[-1] == Idle()
    assert "ATH" in line.modem.commands


def test_a_modem_that_does_not_prove_idle_is_recovered() -> None:
    """Class 8 after the hang-up: in-band recovery, then Recovered and Idle."""
    line = streaming(up())
    line.modem.lose["H"] = 2
    line.note(line.driver.hang_up(line.now))
    line.run(20)
    told = [e for e in line.take() if not isinstance(e, SoundReceived)]
    assert [type(e) for e in told] == [RecoveryStarted, RecoveryDone, Up, Idle]
    assert isinstance(told[1], RecoveryDone)
    assert "ATH" in told[1].reason.text("en")


def test_a_stuck_stream_is_recovered_or_fails() -> None:
    """No terminator works: the sentence says so, and DTR is asked for."""
    line = streaming(up())
    line.modem.ends["+VTR"] = b"?"
    line.note(line.driver.hang_up(line.now))
    line.run(20)
    recovering, failed = (e for e in line.take() if not isinstance(e, SoundReceived))
    assert isinstance(recovering, RecoveryStarted)
    assert isinstance(failed, Failed)
    assert failed.needs is Recovery.DROP_DTR


def test_a_refused_stream_makes_the_line_half_duplex_and_keeps_the_caller() -> None:
    """+VTR refused twice (no duplex after all): off hook still, said in words, and remembered."""
    line = answered(up(FakeModem(duplex=False)))
    line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
    line.run(1)
    (told,) = line.take()
    assert told == HalfDuplex(NO_DUPLEX)
    assert line.modem.commands.count("AT+VTR") == 2
    assert line.driver.stage is LineStage.OFF_HOOK
    assert not line.driver.duplex
    line.note(line.driver.start_stream(Stream.TRANSMIT, line.now))
    line.run(0.3)
    assert line.take() == [Streaming(Stream.TRANSMIT)]
    line.note(line.driver.hang_up(line.now))
    line.run(3)
    line.note(line.driver.start(line.now))
    line.run(6)
    assert not line.driver.duplex, "the same modem, started anew"


def test_another_modem_in_its_place_is_judged_anew() -> None:
    """What one modem refuses is not held against the next one at the same port."""
    line = answered(up(FakeModem(duplex=False)))
    line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
    line.run(1)
    line.modem.product = "CX93010-V90"
    line.note(line.driver.start(line.now))
    line.run(6)
    assert line.driver.duplex


def test_a_refusal_that_was_none_is_no_matter() -> None:
    """ERROR once, from noise on the port or a modem still busy: asked again, it streams."""
    line = answered(up(FakeModem(refuse_once={"+VTR"})))
    line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
    line.run(0.5)
    assert Streaming(Stream.DUPLEX) in line.take()
    assert line.driver.duplex


def test_an_answer_refused_twice_recovers() -> None:
    """+VLS=1 refused: in-band recovery, the call is over."""
    line = prepared(up(FakeModem(refuse={"+VLS=1"})))
    line.take()
    line.note(line.driver.answer(line.now))
    line.run(6)
    assert [type(e) for e in line.take()] == [RecoveryStarted, RecoveryDone, Up, Idle]
    assert line.modem.commands.count("AT+VLS=1") == 2


def test_hook_flash_and_digits_behind_a_pbx() -> None:
    """Half-duplex transfer: flash, 1 s for the tone unless configured, digits of 80 ms."""
    line = streaming(up(usr5637()), Stream.TRANSMIT)
    line.note(line.driver.flash("12;#", line.now))
    line.run(0.9)
    assert line.modem.commands[-1] == "AT+VTS={!,10}"
    line.run(1.1)
    assert line.take() == [Stopped(Stream.TRANSMIT), FlashSent()]
    assert line.modem.commands[-2:] == ["AT+VTS={!,10}", "AT+VTS={1,8},{2,8},{#,8}"]
    line.note(line.driver.flash("", line.now))
    line.run(2)
    assert line.take() == [FlashSent()]


def test_an_idle_modem_is_asked_now_and_then() -> None:
    """A modem that went deaf while idle is noticed, said, and recovery asked for."""
    line = up(usr5637(), settings=LineSettings(idle_check_ms=60_000))
    line.run(61)
    assert line.modem.commands[-1] == "AT+FCLASS?"
    assert line.driver.stage is LineStage.IDLE
    line.modem.deaf = True
    line.run(90)
    assert [type(e) for e in line.take()] == [RecoveryStarted, Failed]


def test_a_ring_during_the_idle_check_is_a_call() -> None:
    """The question is passed over."""
    line = up(usr5637(), settings=LineSettings(idle_check_ms=60_000))
    line.modem.lose["+FCLASS?"] = 1
    line.run(60)
    assert line.driver.stage is LineStage.CHECKING
    line.modem.ring(line.now)
    line.run(9)
    assert [type(e) for e in line.take()] == [RingReceived, Identified, Prepared, GaveUp, Idle]


def test_a_lost_port_fails_at_once_and_comes_back() -> None:
    """Unplugged in a call: Failed with the reason given; start brings it back."""
    line = streaming(up())
    gone = pair("Il modem non c'e'.", "The modem is gone.")
    assert line.driver.lost(gone, line.now) == (Failed(gone, Recovery.REOPEN),)
    assert line.driver.stage is LineStage.FAILED
    line.modem = FakeModem()
    line.up()
    assert isinstance(line.take()[-1], Up)


def test_nothing_is_due_before_the_start() -> None:
    """A new line waits for nothing, writes nothing and knows no law."""
    line = LineDriver("1", LineSettings())
    assert (line.next_deadline(), line.data_to_send(), line.law) == (None, b"", None)
    assert line.handle_timer(5.0) == ()


def test_a_late_media_gateway_sees_everything_in_order() -> None:
    """After a stall of the media gateway all that was due happens at once: known, then gone."""
    line = up()
    line.modem.ring(line.now)
    line.modem.caller_id(line.now + 1.48, "NMBR = 0512345678")
    line.run(1.49)
    line.take()
    line.now += 10
    line.note(line.driver.handle_timer(line.now))
    assert line.take() == [Identified(NUMBER), GaveUp()]


def test_a_configured_dialect_is_not_guessed() -> None:
    """The technician's word stands against what the modem calls itself."""
    line = up(FakeModem(maker="ACME", product="X"), settings=LineSettings(dialect="conexant"))
    assert line.driver.duplex
    assert "AT-STE=3" in line.modem.commands


def test_hanging_up_after_a_lost_connect_gets_there_by_recovery() -> None:
    """The modem streams and nobody knows: commands are sound until recovery ends it."""
    line = answered(up())
    line.modem.lose["+VTR"] = 1
    line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
    line.run(0.5)
    line.note(line.driver.hang_up(line.now))
    line.run(30)
    assert [type(e) for e in line.take()] == [RecoveryStarted, RecoveryDone, Up, Idle]
    assert not line.modem.off_hook


def test_an_answer_from_before_the_start_is_not_taken_for_another() -> None:
    """A late OK would shift every answer by one: it is drained before anything is asked."""
    line = bench()
    line.modem.latency = 0.2
    line.modem.write(b"ATZ\r", line.now - 0.01)
    line.modem.say(b"\r\nOK\r\n", line.now + 0.35)
    line.up()
    assert isinstance(line.take()[0], Up)
    assert line.modem.faults == []


@pytest.mark.parametrize("seed", range(25))
def test_calls_survive_a_modem_that_loses_results(seed: int) -> None:
    """Ten calls with losses, delays, noise, orders at any moment: idle, at worst by a new start."""
    chance = random.Random(seed)
    line = up()
    for _ in range(10):
        body = chance.choice(["H", "+VLS=1", "+VTR", "+FCLASS=8", "+FCLASS=0", "+VSM=131,8000"])
        line.modem.lose[body] = chance.randrange(3)
        line.modem.latency = chance.choice([0.002, 0.05, 0.2])
        line.modem.say(chance.randbytes(chance.randrange(20)), line.now + chance.uniform(0, 3))
        line.modem.ring(line.now)
        line.run(chance.uniform(0.01, 2.5))
        line.note(line.driver.answer(line.now))
        line.run(chance.uniform(0.0, 1.5))
        line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
        line.run(chance.uniform(0.0, 1.0))
        line.note(line.driver.hang_up(line.now))
        line.run(60)
        if isinstance(line.events[-1], Failed):
            line.take()
            line.up()
        assert isinstance(line.take()[-1], Idle | Up)
        assert line.driver.stage is LineStage.IDLE
        assert not line.modem.off_hook
    assert line.modem.faults == []
