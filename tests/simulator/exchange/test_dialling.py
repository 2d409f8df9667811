"""Calls the modem makes: dial tone, digits, progress, flash (v253.md 1.3)."""

from __future__ import annotations

import pytest

from tests.simulator.exchange import ruler
from tests.simulator.exchange.virtual import Bench, unshielded


def seized(outgoing: str = "answer") -> Bench:
    """Give a modem in class 8, echo off, on a line whose called party behaves so."""
    bench = Bench()
    bench.station.line.wire.outgoing = outgoing
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0")
    return bench


def test_a_seized_line_has_dial_tone() -> None:
    """Off hook without a call the line gives the country's dial tone, and the chip says d."""
    bench = seized()
    bench.prepare("AT+VLS=1", "AT+VRX")
    sound, codes = unshielded(bench.run(8000))
    assert codes == "d"
    assert ruler.cadence_ms(sound[-16000:])[1:4] == pytest.approx([200, 600, 1000], abs=420)


def test_semicolon_gives_ok_once_the_digits_are_out() -> None:
    """ATD...; is OK after the digits, which does not mean answered (v253.md 1.3)."""
    bench = seized()
    assert bench.command("ATDT0541,12;", 4000) == b""
    assert bench.run(1500) == b"\r\nOK\r\n"
    assert bench.station.line.last_dialled == "054112"
    assert bench.station.modem.state == "offhook-command"


def test_without_it_ok_means_presumed_answered() -> None:
    """OK comes +VRA after the answer; here 5 s after two rings of 5 s."""
    bench = seized()
    assert bench.command("ATDT12", 2000 + 155 + 3000 + 10_000 + 4900) == b""
    assert bench.run(400) == b"\r\nOK\r\n"


def test_busy_ends_the_attempt() -> None:
    """A busy party gives BUSY and frees the line."""
    bench = seized("busy")
    assert bench.command("ATDT12", 8500) == b"\r\nBUSY\r\n"
    assert not bench.station.modem.off_hook


def test_no_answer_after_s7() -> None:
    """A party that only rings gives NO ANSWER after S7."""
    bench = seized("no-answer")
    bench.prepare("ATS7=20")
    assert bench.command("ATDT12", 22_000) == b""
    assert bench.run(1000) == b"\r\nNO ANSWER\r\n"


def test_vrn_0_answers_after_the_digits() -> None:
    """+VRN=0 gives OK immediately after dialling (v253.md 1.3)."""
    bench = seized("no-answer")
    bench.prepare("AT+VRN=0")
    assert bench.command("ATDT12", 2500) == b"\r\nOK\r\n"


def test_odd_characters_of_a_number_are_left_out() -> None:
    """A dial string keeps its digits; T, P, blanks and hyphens are no digits; `!` flashes."""
    bench = seized()
    bench.prepare("AT+VLS=1")
    assert bench.command("ATD T 05-41;", 1000) == b"\r\nOK\r\n"
    assert bench.station.line.last_dialled == "0541"


def test_a_late_character_aborts_an_early_one_does_not() -> None:
    """A character within 125 ms of the CR is ignored, a later one aborts ATD (1.1)."""
    bench = seized()
    assert bench.command("ATDT12") == b""
    assert bench.write(b"\n") == b""
    bench.run(200)
    assert bench.write(b"\r") == b"\r\nNO CARRIER\r\n"
    assert not bench.station.modem.off_hook


def test_a_short_flash_is_noted_and_keeps_the_call() -> None:
    """{!,10} is a 100 ms break; without a PBX nothing comes of it (v253.md 1.3)."""
    bench = Bench()
    call = bench.talk(stream="+VRX")
    bench.write(b"\x10!")
    assert bench.command("AT+VTS={!,10}", 150) == b"\r\nOK\r\n"
    assert call.report.flashes_ms == [100]
    assert call.report.ended_by == ""


def test_tones_of_more_than_a_minute_are_refused() -> None:
    """A slip of the pen holds neither the line nor memory."""
    bench = Bench()
    bench.talk(stream="+VRX")
    bench.write(b"\x10!")
    assert bench.command("AT+VTS={5,5000},{5,1001}", 50) == b"\r\nERROR\r\n"


def test_the_default_flash_drops_an_italian_call() -> None:
    """The Conexant's 700 ms is a hang-up in Italy: dial tone comes back (v253.md 5)."""
    bench = Bench()
    call = bench.talk(stream="+VRX")
    bench.write(b"\x10!")
    bench.command("AT+VTS=!", 50)
    assert call.report.ended_by == "host"
    assert bench.station.line.state == "seized by the host"


def test_a_flash_behind_a_pbx_transfers() -> None:
    """Flash, dial tone, digits, hang up: the caller is with the extension (v253.md 6)."""
    bench = Bench()
    bench.station.line.wire.pbx = True
    call = bench.talk(stream="+VRX")
    bench.write(b"\x10!")
    bench.command("AT+VTS={!,10}", 150)
    assert bench.station.line.state == "caller on hold"
    bench.command("AT+VTS={!,10}", 150)
    assert bench.station.line.state == "talking"
    bench.command("AT+VTS={!,10}", 150)
    bench.command("AT+VTS={2,8},{3,8}", 400)
    bench.prepare("AT+VLS=0")
    bench.run(20)
    assert (call.report.ended_by, call.report.transferred_to) == ("transferred", "23")
