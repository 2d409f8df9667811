"""No number and no name in a bundle: they are planted in every place, and the file is searched."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.modem import redaction
from appliance.modem.bundle import to_bytes
from appliance.modem.interview import InterviewStep
from tests.modem.fake_modem import FakeModem
from tests.modem.quirky_modem import InterviewBench

NUMBER = "0517364529"
SPOKEN = "051 736-45.29"
SHORT = "7364"
NAME = "PLINIO"
SOUND = bytes(range(0x60, 0x70)) * 500
PLANTED = (NUMBER, NUMBER[2:], SPOKEN, "736-45", SHORT, NAME, NAME.title())
HEX = [text.encode().hex() for text in (NUMBER, NAME, SHORT)]


@dataclass
class Telltale(FakeModem):
    """Tells a number, and a name, wherever a modem could."""

    def _effect(self, body: str) -> tuple[tuple[str, ...], str]:
        lines, result = super()._effect(body)
        raw = f"8014{NUMBER.encode().hex()}{NAME.encode().hex()}".upper()
        match body:
            case "I0":
                lines = (f"LAST DIALLED {NUMBER}", f"&Z0={NUMBER}", f"+39{NUMBER}", raw)
            case "I4":
                lines = (f"S07:050 CALLER {SPOKEN}", f"NMBR = {SHORT}", f"NAME={NAME}")
            case "+VLS=?":
                lines = (f'1,"T",{NUMBER},0FE418E000,0B8419E000', f'2,"{NUMBER}",B0000000')
            case "+VTD=?":
                lines = (f"(0-255),({NUMBER})", f"(051-73645)({NUMBER})")
            case "+GCI=?":
                lines = (f"+GCI: ({NUMBER},59)", f"CID: {NAME}")
        return lines, result


def told() -> tuple[bytes, InterviewBench]:
    """Interview it, with a call whose identity comes in every form, and keys."""
    bench = InterviewBench(Telltale(echo=True))
    modem = bench.modem
    # A call that comes while nothing is asked of it, and while the first question is under way.
    modem.caller_id(100.3, f"NMBR = {NUMBER}", f"NAME = {NAME}")
    modem.say(f"\r\nCALL FROM {NUMBER} {SHORT}\r\n".encode(), 100.35)
    modem.caller_id(102.0, f"DATE = 1125\r\nNMBR = {SHORT}", f"NAME = {NAME}")
    bench.begin()
    modem.say(f"\r\nDIAL {SHORT} 73645\r\n".encode(), bench.now + 0.001)
    modem.say(f"\x10XNMBR={NUMBER}\r\nNAME={NAME}\x10.".encode(), bench.now + 0.05)
    bench.agree()
    bench.agree(seconds=5)
    for number in range(4):
        modem.ring(bench.now)
        modem.caller_id(bench.now + 1, f"DATE = 1125\r\nTIME = 0905\r\nNMBR = {NUMBER}")
        modem.caller_id(bench.now + 2, f"8014{NUMBER.encode().hex()}{NAME.encode().hex()}".upper())
        bench.run(5 if number < 3 else 60)
    assert bench.interview.question is InterviewStep.HANG_UP
    modem.say(b"".join(b"\x10/\x10%c\x10~" % ord(digit) for digit in NUMBER), bench.now)
    modem.say(f"\x10XNMBR={NUMBER}\r\nNAME={NAME}\x10.".encode(), bench.now)
    bench.now += 0.2
    bench.interview.receive_data(modem.read(bench.now), bench.now)
    modem.say(b"\x10b", bench.now + 1)
    bench.agree()
    assert bench.interview.step is InterviewStep.OVER
    assert bench.interview.bundle.calls[0].keys == len(NUMBER)
    return to_bytes(bench.interview.bundle), bench


def test_no_planted_number_or_name_is_in_the_file() -> None:
    """Neither as digits, with separators, in part, as hex, nor key by key; nor any sound."""
    data, bench = told()
    text = data.decode()
    found = [word for word in (*PLANTED, *HEX) if word.lower() in text.lower()]
    assert found == []
    keys = [
        piece.text.removeprefix("DLE ")
        for piece in bench.interview.bundle.transcript
        if piece.by_modem and piece.text.startswith("DLE ")
    ]
    assert not any(char.isdigit() for key in keys for char in key)
    assert "\\\\x55" not in text
    assert "U" * 8 not in text


def test_a_packed_file_holds_the_same() -> None:
    """Gzip changes nothing but the size."""
    _, bench = told()
    packed = to_bytes(bench.interview.bundle, packed=True)
    assert gzip.decompress(packed) == to_bytes(bench.interview.bundle)


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        (f"ATDT{NUMBER};", "ATDT##########;"),
        (f"ATD{SHORT}", "ATD####"),
        (f"ATDP{SHORT},{SHORT};+VLS=1", "ATDP####,####;+VLS=1"),
        ("AT+VTS={5,8},{[,,100]},3", "AT+VTS={#,#},{[,,###]},#"),
        (f"AT&Z0={NUMBER}", "AT&Z0=##########"),
        (f"AT+VRID={NUMBER}", "AT+VRID=##########"),
        ("AT+VTS=?", "AT+VTS=?"),
        ("AT+VSM=131,8000", "AT+VSM=131,8000"),
        ("AT&D2", "AT&D2"),
    ],
)
def test_commands_keep_no_number(command: str, kept: str) -> None:
    """Dialled, sent as keys, stored: the count of digits alone; other figures stay."""
    assert redaction.masked_command(command) == kept


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("56000", "ATI0"),
        ("CX93001-EIS_V0.2013-V92", "ATI3"),
        ("U.S. Robotics 56K FAX USB V1.2.23", "ATI3"),
        ('133,"14 bit PCM",14,0,8000,0,0', "AT+VSM=?"),
        ('128,"8-BIT LINEAR",(7200,8000,11025)', "AT+VSM=?"),
        ("(200-3000),(200-3000),(0-255)", "AT+VTS=?"),
        ("S00:000 S01:000 S46:138", "AT&V"),
        ("CCCVGEXX  V2.00 30/04/98", "ATI4"),
    ],
)
def test_what_a_modem_says_of_itself_stays(line: str, command: str) -> None:
    """Model, firmware, formats and ranges are what a bundle is for."""
    assert redaction.masked_answer(line, command) == line


def test_events_of_a_line_label_stay_as_numbers() -> None:
    """A mask of ten hex digits could be a number: it is kept as the events that it names."""
    line = '1,"T",0B8418E000,B0000000'
    assert redaction.masked_answer(line, "AT+VLS=?") == '1,"T",<4 6 7 8 13 19 20 24 25 26>,<0 2 3>'


@given(
    st.text(alphabet='0123456789 .-()+ATDNMBR=\x10X\r\n"', max_size=60),
    st.sampled_from(["", "ATI3"]),
)
def test_no_line_lets_six_digits_in_a_row_through(text: str, asked: str) -> None:
    """Whatever a modem writes, asked or not: no run of digits that could be a number."""
    shown = redaction.masked_line(text, asked)
    run = longest = 0
    for char in shown:
        run = run + 1 if char.isdigit() else 0
        longest = max(longest, run)
    assert longest < (6 if asked else 1)
