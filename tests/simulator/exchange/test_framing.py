"""Byte-exact framing of commands and results, against the literal bytes of v253.md 1.1 and 1.2."""

from __future__ import annotations

import pytest

from tests.simulator.exchange.virtual import Bench


def quiet(dialect: str = "conexant") -> Bench:
    """Give a modem whose echo is off."""
    bench = Bench(dialect)
    bench.prepare("ATE0")
    return bench


def test_echo_on_then_text_then_result() -> None:
    """`ATI3` with echo: the line itself, then text and OK, each within CR LF (v253.md 1.1)."""
    bench = Bench()
    assert bench.command("ATI3") == b"ATI3\r\r\nCX93001-EIS_V0.2013-V92\r\n\r\nOK\r\n"


def test_echo_off_leaves_out_the_first_part_only() -> None:
    """With E0 the same answer comes without the echo (v253.md 1.1)."""
    assert quiet().command("ATI3") == b"\r\nCX93001-EIS_V0.2013-V92\r\n\r\nOK\r\n"


def test_class_query_has_no_blank_line() -> None:
    """`AT+FCLASS?` is answered `0<CR><LF>OK<CR><LF>` (v253.md 1.1)."""
    bench = quiet()
    assert bench.command("AT+FCLASS?") == b"0\r\nOK\r\n"
    bench.prepare("AT+FCLASS=8")
    assert bench.command("AT+FCLASS?") == b"8\r\nOK\r\n"
    assert bench.command("AT") == b"\r\nOK\r\n"


def test_reset_turns_echo_back_on() -> None:
    """ATZ takes about 200 ms, and the echo of the next command appears until ATE0 (1.1)."""
    bench = quiet()
    assert bench.command("ATZ") == b""
    assert bench.run(190) == b""
    assert bench.run(10) == b"\r\nOK\r\n"
    assert bench.command("AT") == b"AT\r\r\nOK\r\n"
    assert bench.command("ATE0") == b"ATE0\r\r\nOK\r\n"
    assert bench.command("AT") == b"\r\nOK\r\n"


def test_numeric_codes() -> None:
    """V0 gives digits and CR; information ends in CR LF (v253.md 1.1)."""
    bench = quiet()
    assert bench.command("ATV0") == b"0\r"
    assert bench.command("AT+NONSENSE") == b"4\r"
    assert bench.command("ATI0") == b"56000\r\n0\r"
    assert bench.command("ATV1") == b"\r\nOK\r\n"


def test_quiet_mode_gives_no_results() -> None:
    """Q1 suppresses result codes."""
    bench = quiet()
    assert bench.command("ATQ1") == b""
    assert bench.command("AT+NONSENSE") == b""
    assert bench.command("ATQ0") == b"\r\nOK\r\n"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ATI0", b"\r\n56000\r\n\r\nOK\r\n"),
        ("AT+GMI", b"\r\n+GMI: CONEXANT\r\n\r\nOK\r\n"),
        ("AT+FCLASS=?", b"\r\n0,1,1.0,2,8\r\n\r\nOK\r\n"),
        ("AT+GCI=59;+GCI?", b"\r\n+GCI: 59\r\n\r\nOK\r\n"),
        ("AT-TRV", b"\r\n48.0\r\n\r\nOK\r\n"),
        ("AT+VRID=?", b"\r\n(0,1)\r\n\r\nOK\r\n"),
        ("AT-SCID=1;+VCID=1;-STE=3", b"\r\nOK\r\n"),
        ("AT!4886=02", b"\r\nOK\r\n"),
        ("AT", b"\r\nOK\r\n"),
        ("at+vcid=1", b"\r\nOK\r\n"),
        ("AT S0=0 X4 &D2", b"\r\nOK\r\n"),
        ("AT&F0", b"\r\nOK\r\n"),
        ("AT+VNH=1", b"\r\nERROR\r\n"),
        ("AT+VLS=1", b"\r\nERROR\r\n"),
        ("AT+VSM=?", b"\r\nERROR\r\n"),
        ("AT+VTR", b"\r\nERROR\r\n"),
        ("AT+FCLASS=1", b"\r\nERROR\r\n"),
        ("AT+VBT?", b"\r\nERROR\r\n"),
        ("AT+VEM?", b"\r\nERROR\r\n"),
        ("ATE5", b"\r\nERROR\r\n"),
        ("ATV5", b"\r\nERROR\r\n"),
        ("ATH5", b"\r\nERROR\r\n"),
        ("AT?", b"\r\nERROR\r\n"),
        ("AT+", b"\r\nERROR\r\n"),
        ("AT+GMI5", b"\r\nERROR\r\n"),
        ("AT+VCID", b"\r\nERROR\r\n"),
        ("AT+VCID=3", b"\r\nERROR\r\n"),
        ("AT+VCID=1,1", b"\r\nERROR\r\n"),
        ("AT+VCID=?", b"\r\n(0-2)\r\n\r\nOK\r\n"),
        ("AT+FCLASS", b"\r\nERROR\r\n"),
        ("AT+VIP", b"\r\nERROR\r\n"),
        ("AT+VRID=2", b"\r\nERROR\r\n"),
        ("AT+VRID=0", b"\r\nOK\r\n"),
        ("AT-TRV?", b"\r\nERROR\r\n"),
        ("ATI5", b"\r\nB5\r\n\r\nOK\r\n"),
        ("ATI2", b"\r\nOK\r\n"),
        ("AT+GCI=?", b"\r\n+GCI: (0A,3D,42,59,A0,A6,B4,B5)\r\n\r\nOK\r\n"),
        ("ATH1", b"\r\nOK\r\n"),
        ("ATS29=10", b"\r\nERROR\r\n"),
        ("AT+GCI=5", b"\r\nERROR\r\n"),
    ],
)
def test_conexant_in_class_0(text: str, answer: bytes) -> None:
    """Identification works in class 0, voice parameters give ERROR there (v253.md 1.2, 1.3)."""
    assert quiet().command(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ATI0", b"\r\n5601\r\n\r\nOK\r\n"),
        ("ATI3", b"\r\nU.S. Robotics 56K FAX USB V1.2.23\r\n\r\nOK\r\n"),
        ("AT+FCLASS=?", b"\r\n0,1,1.0,2,2.0,2.1,8\r\n\r\nOK\r\n"),
        ("AT-TRV", b"\r\nERROR\r\n"),
        ("AT-STE=3", b"\r\nERROR\r\n"),
        ("AT+VRID=0", b"\r\nERROR\r\n"),
        ("AT!4886=02", b"\r\nERROR\r\n"),
        ("AT+PCW?", b"\r\n+PCW: 2\r\n\r\nOK\r\n"),
    ],
)
def test_usr_in_class_0(text: str, answer: bytes) -> None:
    """The USR5637 answers with its own words and knows no Conexant command (v253.md 1.2, 1.3)."""
    assert quiet("usr5637").command(text) == answer


CX_FORMATS = (
    b'\r\n0,"SIGNED PCM",8,0,8000,0,0\r\n1,"UNSIGNED PCM",8,0,8000,0,0\r\n'
    b'129,"IMA ADPCM",4,0,8000,0,0\r\n130,"UNSIGNED PCM",8,0,8000,0,0\r\n'
    b'131,"Mu-Law",8,0,8000,0,0\r\n132,"A-Law",8,0,8000,0,0\r\n'
    b'133,"14 bit PCM",14,0,8000,0,0\r\n\r\nOK\r\n'
)


def test_conexant_in_class_8() -> None:
    """Class 8: handset report after OK, formats by text, no test form of actions (1.3, 1.5)."""
    bench = quiet()
    assert bench.command("AT+FCLASS=8") == b"\r\nOK\r\n\x10h"
    assert bench.command("AT+VSM=?") == CX_FORMATS
    assert bench.command("AT+VSM?") == b"\r\n1,8000,0,0\r\n\r\nOK\r\n"
    for action in ("+VTR", "+VRX", "+VTX"):
        assert bench.command(f"AT{action}=?") == b"\r\nERROR\r\n"
    for wrong in ("+VSM=7,8000", "+VSM=131,7200", "+VSM=129,8000", "+VSM=a", "+VLS=7", "+VLS"):
        assert bench.command(f"AT{wrong}") == b"\r\nERROR\r\n", wrong
    bench.prepare("AT+VSM=131,8000,0,0", "AT+VNH=1", "AT+VGR=255", "AT+VTD=8", "AT+VIT=0")
    assert bench.command("AT+VSM?") == b"\r\n131,8000,0,0\r\n\r\nOK\r\n"
    assert bench.command("AT+VGR=?") == b"\r\n(0-255)\r\n\r\nOK\r\n"
    listing = bench.command("AT+VLS=?")
    assert b'1,"T",0B8418E000,0FE418E000,0B8419E000\r\n' in listing
    assert listing.count(b"\r\n") == 9 + 1 + 2


def test_usr_in_class_8() -> None:
    """The USR5637 has no duplex, two +VSM fields and no +VNH=1 (v253.md 1.3, 1.5)."""
    bench = quiet("usr5637")
    assert bench.command("AT+FCLASS=8") == b"\r\nOK\r\n"
    assert b'\r\n128,"8-BIT LINEAR",(7200,8000,11025)\r\n' in bench.command("AT+VSM=?")
    assert bench.command("AT+VSM=128,8000,0,0") == b"\r\nERROR\r\n"
    assert bench.command("AT+VNH=1") == b"\r\nERROR\r\n"
    assert bench.command("AT+VNH=?") == b"\r\n(0,2)\r\n\r\nOK\r\n"
    bench.prepare("AT+VSM=128,8000", "AT+VSD=128,0", "AT+VNH=2", "AT+VNH=0", "AT+VLS=1")
    assert bench.command("AT+VTR") == b"\r\nERROR\r\n"
    assert bench.command("AT+VTX") == b"\r\nCONNECT\r\n"


def test_first_error_stops_the_line() -> None:
    """Several commands, one result; the first error ends the line (v253.md 1.1)."""
    bench = quiet()
    assert bench.command("AT+VCID=1;+NOPE;+VCID=0") == b"\r\nERROR\r\n"
    assert bench.command("AT+VCID?") == b"\r\n1\r\n\r\nOK\r\n"


def test_control_characters_and_noise_are_ignored() -> None:
    """Resync bytes between commands and a stray LF are harmless; backspace rubs out (1.1)."""
    bench = quiet()
    bench.run(100)
    noise = b"\x10\x18\x10\x03\x10!\x10^\r\n"
    assert bench.write(noise) == b""
    assert bench.command("ATI9\b0") == b"\r\n56000\r\n\r\nOK\r\n"
    assert not bench.station.modem.guard.faults


def test_half_typed_line_is_dropped() -> None:
    """A half-typed line is dropped after about 30 s (v253.md 1.1)."""
    bench = quiet()
    bench.run(100)
    assert bench.write(b"AT+NONS") == b""
    bench.run(31_000)
    assert bench.command("AT") == b"\r\nOK\r\n"


def test_a_line_may_come_in_single_bytes() -> None:
    """Any split of the same bytes gives the same answer."""
    bench = quiet()
    bench.run(100)
    answers = b"".join(bench.write(bytes([byte])) for byte in b"AT+FCLASS?\r")
    assert answers == b"0\r\nOK\r\n"


def test_registers() -> None:
    """S registers are read as three digits and set."""
    bench = quiet()
    assert bench.command("ATS7?") == b"\r\n050\r\n\r\nOK\r\n"
    bench.prepare("ATS7=30")
    assert bench.command("ATS7?") == b"\r\n030\r\n\r\nOK\r\n"


def test_a_lost_result_is_lost_once() -> None:
    """The planted fault swallows exactly so many results (v253.md 9.6)."""
    bench = quiet()
    bench.station.modem.lose_results = 1
    assert bench.command("AT") == b""
    assert bench.command("AT") == b"\r\nOK\r\n"


def test_voice_reset_keeps_class_and_line() -> None:
    """+VIP puts voice parameters back, not the class, the caller id or the country."""
    bench = quiet()
    bench.prepare("AT+FCLASS=8", "AT+VCID=1", "AT+VSM=131,8000", "AT+VNH=2", "AT+VIP")
    assert bench.command("AT+VNH?") == b"\r\n0\r\n\r\nOK\r\n"
    assert bench.command("AT+VSM?") == b"\r\n1,8000,0,0\r\n\r\nOK\r\n"
    assert bench.command("AT+VCID?") == b"\r\n1\r\n\r\nOK\r\n"
    assert bench.command("AT+FCLASS?") == b"8\r\nOK\r\n"


def test_the_profile_is_printed() -> None:
    """AT&V, which terminals ask for first: what is set, then OK."""
    bench = Bench()
    bench.prepare("ATE0", "ATS0=3")
    told = bench.command("AT&V").decode()
    assert "ACTIVE PROFILE:" in told
    assert "E0 Q0 V1" in told
    assert "S00:003" in told
    assert told.endswith("OK\r\n")
    assert b"ERROR" in bench.command("AT&V7")


def test_another_identity() -> None:
    """Clients that look for a modem of their own find it, by whatever number of ATI they ask."""
    bench = Bench()
    bench.station.modem.told_texts = {0: "34800", 4: "Another maker's"}
    bench.prepare("ATE0")
    assert b"34800" in bench.command("ATI")
    assert b"Another maker's" in bench.command("ATI4")
    assert b"CX93001" in bench.command("ATI3")
