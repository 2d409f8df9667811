"""What the box dials itself: behind a hook flash, or on a line of its own; no answer signal."""

from __future__ import annotations

import pytest

from appliance.errors import ConfigurationError
from appliance.modem.events import (
    DigitsSent,
    FlashSent,
    Identified,
    Idle,
    NumberSent,
    OffHook,
    RecoveryStarted,
    RingReceived,
    Stopped,
    Stream,
    Streaming,
)
from appliance.modem.scripts import LineSettings
from appliance.modem.table import LineStage
from tests.modem.fake_modem import FakeModem, usr5637
from tests.modem.line_states import answered, heard, streaming, up


def test_the_flash_has_the_configured_length() -> None:
    """250 ms are {!,25}, whatever the modem's own flash is (700 ms drops an Italian call)."""
    line = streaming(up(usr5637(), settings=LineSettings(flash_ms=250)), Stream.TRANSMIT)
    line.note(line.driver.flash("", line.now))
    line.run(1)
    assert line.take() == [Stopped(Stream.TRANSMIT), FlashSent()]
    assert line.modem.commands[-1] == "AT+VTS={!,25}"


@pytest.mark.parametrize("flash_ms", [0, 40, 1010])
def test_a_flash_that_is_none_is_refused(flash_ms: int) -> None:
    """Shorter is a dialled pulse, longer a hang-up: said in a sentence."""
    with pytest.raises(ConfigurationError, match="hook flash"):
        LineSettings(flash_ms=flash_ms)


def test_a_stated_pause_lies_between_flash_and_digits() -> None:
    """A PBX without a second dial tone is given the time it was said to need."""
    line = streaming(up(usr5637(), settings=LineSettings(pbx_pause_ms=2500)), Stream.RECEIVE)
    line.note(line.driver.flash("201", line.now))
    line.run(2.4)
    assert line.modem.commands[-1] == "AT+VTS={!,10}"
    line.run(0.6)
    assert line.modem.commands[-1] == "AT+VTS={2,8},{0,8},{1,8}"


def test_digits_are_sent_behind_a_stream_that_listens() -> None:
    """The dial tone was heard: the stream ends, then the digits go, each 80 ms long."""
    line = streaming(up(usr5637()), Stream.RECEIVE)
    line.note(line.driver.send_digits("0,51", line.now))
    line.run(1)
    told = line.take()
    assert told[-2:] == [Stopped(Stream.RECEIVE), DigitsSent()]
    assert line.modem.commands[-1] == "AT+VTS={0,8},[,,100],{5,8},{1,8}"
    assert line.driver.stage is LineStage.OFF_HOOK
    assert line.modem.faults == []


def test_a_long_number_goes_in_several_commands() -> None:
    """A command's body may have 50 characters (v253.md 1.1); no digit is lost at the seam."""
    line = streaming(up(usr5637()), Stream.RECEIVE)
    line.note(line.driver.send_digits("3331234567890", line.now))
    line.run(2)
    sent = line.modem.commands[-3:]
    assert all(len(text) <= 50 for text in sent)
    assert "".join(c for text in sent for c in text[7:].split("{") for c in c[:1]) == (
        "3331234567890"
    )
    assert line.take()[-1] == DigitsSent()


@pytest.mark.parametrize("refused", ["flash", "digits"])
def test_a_refused_tone_is_told_and_the_call_lives(refused: str) -> None:
    """A modem without +VTS keeps its caller: the media gateway is told, nothing is recovered."""
    line = answered(up(FakeModem(duplex=False, refuse={"+VTS={!,10}", "+VTS={2,8}"})))
    if refused == "flash":
        line.note(line.driver.flash("", line.now))
    else:
        line.note(line.driver.send_digits("2", line.now))
    line.run(1)
    assert line.take() == [FlashSent(False) if refused == "flash" else DigitsSent(False)]
    assert line.driver.stage is LineStage.OFF_HOOK
    line.modem.refuse.clear()
    line.note(line.driver.flash("", line.now))
    line.run(1)
    assert line.take() == [FlashSent()]


def test_an_idle_line_dials() -> None:
    """Class 8 and its parameters, then ATDT with `;`: OK is dialled, never answered."""
    line = up()
    line.modem.commands.clear()
    line.note(line.driver.dial("051;1234#", line.now))
    line.run(3)
    assert line.take() == [NumberSent()]
    assert line.modem.commands[0] == "AT+FCLASS=8"
    assert line.modem.commands[-1] == "ATDT0511234#;"
    assert line.driver.stage is LineStage.OFF_HOOK
    line.note(line.driver.start_stream(Stream.DUPLEX, line.now))
    line.run(0.3)
    told = line.take()
    assert told[0] == Streaming(Stream.DUPLEX)
    assert heard(told)
    line.note(line.driver.hang_up(line.now))
    line.run(2)
    assert line.take()[-1] == Idle()


@pytest.mark.parametrize("word", ["NO DIALTONE", "BUSY", "LINE IN USE"])
def test_what_cannot_be_dialled_is_told_and_tried_once(word: str) -> None:
    """No dial tone is the line's matter, not a modem in trouble: told, then on hook."""
    line = up()
    line.modem.answers["DT12;"] = word
    line.note(line.driver.dial("12", line.now))
    line.run(3)
    assert line.take() == [NumberSent(word)]
    line.note(line.driver.hang_up(line.now))
    line.run(2)
    assert line.take() == [Idle()]
    assert line.modem.commands.count("ATDT12;") == 1


def test_a_mute_modem_that_should_dial_is_recovered() -> None:
    """No answer at all within the limit is a modem in trouble."""
    line = up()
    line.modem.lose["DT12;"] = 9
    line.note(line.driver.dial("12", line.now))
    line.run(30)
    assert isinstance(line.take()[0], RecoveryStarted)


def test_a_line_in_use_does_not_dial() -> None:
    """A caller is not cut off by a number to be dialled."""
    line = streaming(up())
    line.note(line.driver.dial("12", line.now))
    line.run(0.5)
    assert not any("ATD" in text for text in line.modem.commands)


def test_a_caller_that_rings_meanwhile_is_met_afterwards() -> None:
    """Glare: a burst while the line is being seized changes nothing; the next call is a call."""
    line = up(settings=LineSettings(idle_check_ms=0, identity_limit_ms=500))
    line.note(line.driver.dial("12", line.now))
    line.modem.say(b"\x10R", line.now + 0.05)
    line.run(2)
    assert line.take() == [NumberSent()]
    line.note(line.driver.hang_up(line.now))
    line.run(2)
    assert line.take() == [Idle()]
    line.modem.ring(line.now)
    line.run(1)
    told = line.take()
    assert told[0] == RingReceived(1)
    assert isinstance(told[1], Identified)
    assert OffHook() not in told


def test_dialling_takes_the_place_of_the_idle_question() -> None:
    """Asked to dial while an idle modem is being asked whether it is: it dials, and once."""
    line = up(usr5637(), settings=LineSettings(idle_check_ms=60_000))
    line.modem.lose["+FCLASS?"] = 1
    line.run(60)
    assert line.driver.stage is LineStage.CHECKING
    line.note(line.driver.dial("12", line.now))
    line.run(9)
    assert line.take() == [NumberSent()]
