"""The simulated modem: states, DLE framing, streams, the host's faults, real captures."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import Bug
from appliance.simulator.exchange import modem_protocol
from appliance.simulator.exchange.audio import SentIdentity
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.commands import perform
from appliance.simulator.exchange.modem import VoiceModem
from appliance.simulator.exchange.modem_protocol import (
    CONEXANT,
    STATE_TABLE,
    STREAMING,
    USR5637,
    ZOOM3095,
    DleUnshielder,
    ModemState,
    ModemTransition,
    next_state,
    shield,
)
from appliance.simulator.exchange.signals import IdentitySent, KeyBegan, KeyEnded, RingRecognised
from tests.captures import reader
from tests.helpers.examples import examples
from tests.simulator.exchange.virtual import Bench, unshielded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.simulator.exchange.modem_protocol import Personality


def test_every_state_is_in_the_table_and_can_be_reached_and_left() -> None:
    """The table knows every state, reaches it, and leads back on hook from it."""
    assert set(STATE_TABLE) == set(ModemState)
    reached = {target for row in STATE_TABLE.values() for target in row.values()}
    assert reached == set(ModemState)
    for row in STATE_TABLE.values():
        assert row[ModemTransition.ON_HOOK_DATA] is ModemState.CLASS0_ONHOOK
        assert row[ModemTransition.ON_HOOK_VOICE] is ModemState.CLASS8_ONHOOK


def test_what_the_table_does_not_know_is_our_fault() -> None:
    """A stream cannot begin inside a stream; asking for it is a bug."""
    with pytest.raises(Bug, match="cannot meet"):
        next_state(ModemState.TX, ModemTransition.DUPLEX_BEGAN)


def test_a_conexant_goes_through_all_voice_states() -> None:
    """Class 8, off hook, each stream and back (v253.md 9.2)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8")
    assert bench.state() is ModemState.CLASS8_ONHOOK
    bench.prepare("AT+VLS=1")
    assert bench.state() is ModemState.OFFHOOK_COMMAND
    for command, state in (
        ("+VTX", ModemState.TX),
        ("+VRX", ModemState.RX),
        ("+VTR", ModemState.DUPLEX),
    ):
        bench.prepare(f"AT{command}")
        assert bench.state() is state
        bench.write(b"\x10^" if state is ModemState.DUPLEX else b"\x10!")
        bench.run(20)
        assert bench.state() not in STREAMING
    bench.prepare("AT+VLS=0")
    assert bench.state() is ModemState.CLASS8_ONHOOK
    bench.prepare("ATH")
    assert bench.state() is ModemState.CLASS0_ONHOOK
    bench.prepare("AT+FCLASS=0")
    assert bench.state() is ModemState.CLASS0_ONHOOK


def test_a_stream_needs_a_held_line() -> None:
    """+VTX, +VRX and +VTR give ERROR on hook, and on a label that is no line (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8")
    for action in ("+VTX", "+VRX", "+VTR", "+VTS=1"):
        assert bench.command(f"AT{action}") == b"\r\nERROR\r\n"
    bench.prepare("AT+VLS=6")
    assert bench.command("AT+VRX") == b"\r\nERROR\r\n"
    assert bench.command("AT+VLS?") == b"\r\n6\r\n\r\nOK\r\n"


def test_hanging_up_a_usr_leaves_class_8() -> None:
    """ATH in class 8 returns a modem to class 0 (v253.md 1.3): clients count on RING as a word."""
    bench = Bench("usr5637")
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1", "ATH")
    assert bench.state() is ModemState.CLASS0_ONHOOK
    assert bench.command("AT+FCLASS?") == b"0\r\nOK\r\n"


@pytest.mark.parametrize(
    ("dialect", "setting", "held"),
    [("conexant", "AT", False), ("conexant", "AT+VNH=1", True), ("usr5637", "AT", True)],
)
def test_leaving_voice_class_off_hook(dialect: str, setting: str, held: bool) -> None:
    """+FCLASS=0 frees the line on a Conexant unless +VNH>=1, never on a USR (v253.md 1.3)."""
    bench = Bench(dialect)
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1", setting, "AT+FCLASS=0")
    assert bench.station.modem.off_hook is held


def test_vnh_2_keeps_the_line_through_hang_up_and_reset() -> None:
    """+VNH=2 suppresses ATH and ATZ (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1", "AT+VNH=2", "ATH")
    assert bench.station.modem.off_hook
    assert bench.command("ATZ", 300).endswith(b"OK\r\n")
    assert bench.station.modem.off_hook


def test_dropping_dtr_hangs_up_unless_told_otherwise() -> None:
    """With &D2 a closed port ends the stream and frees the line; with &D0 nothing (9.7)."""
    for setting, held in (("AT&D2", False), ("AT&D0", True)):
        bench = Bench()
        bench.prepare("ATE0", setting)
        bench.talk()
        bench.station.modem.drop_dtr()
        assert bench.station.modem.off_hook is held


def test_a_voice_answer_is_immediate() -> None:
    """ATA in class 8 goes off hook at once (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "ATA")
    assert bench.state() is ModemState.OFFHOOK_COMMAND


def test_a_data_answer_finds_no_carrier() -> None:
    """ATA in class 0 waits S7 and ends in NO CARRIER with the line free."""
    bench = Bench()
    bench.prepare("ATE0", "ATS7=3")
    assert bench.command("ATA", 2900) == b""
    assert bench.state() is ModemState.DIALING
    assert bench.run(300) == b"\r\nNO ANSWER\r\n"
    assert bench.state() is ModemState.CLASS0_ONHOOK


def test_automatic_answer_counts_rings() -> None:
    """With S0=2 the second ring is answered, in class 8 as in class 0 (v253.md 1.3)."""
    for setup, state in (("AT", ModemState.DIALING), ("AT+FCLASS=8", ModemState.OFFHOOK_COMMAND)):
        bench = Bench()
        bench.prepare("ATE0", "ATS0=2", setup)
        call = bench.place()
        bench.run(5000)
        answered = [call.report.answered]
        bench.run(1000)
        assert [*answered, call.report.answered] == [False, True]
        assert bench.state() is state


def test_factory_settings_on_and_off_hook() -> None:
    """&F leaves class 8 on hook, and keeps a held line in its class."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT&F")
    assert bench.state() is ModemState.CLASS0_ONHOOK
    bench.prepare("AT+FCLASS=8", "AT+VLS=1", "AT&F")
    assert bench.state() is ModemState.OFFHOOK_COMMAND
    assert bench.station.modem.settings.voice


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


def test_a_command_within_100_ms_of_a_result_is_a_fault() -> None:
    """The next command comes at least 100 ms after a result code; 90 ms is too soon."""
    bench = Bench()
    bench.command("AT")
    bench.run(90)
    bench.write(b"AT\r")
    assert bench.station.modem.guard.faults == {modem_protocol.COMMAND_TOO_EARLY: 1}
    bench.command("AT")
    assert bench.station.modem.guard.faults == {modem_protocol.COMMAND_TOO_EARLY: 1}


def test_manners_of_a_whole_call_are_faultless() -> None:
    """A call done right counts nothing."""
    bench = Bench()
    bench.talk()
    bench.write(shield(bytes(range(256))) + b"\x10^")
    bench.prepare("AT+VLS=0")
    assert not bench.station.modem.guard.faults


def test_an_unshielded_dle_is_a_fault() -> None:
    """A 0x10 data byte sent single meets an unknown code."""
    bench = Bench()
    bench.talk()
    bench.write(b"\xff\x10\xff")
    assert bench.station.modem.guard.faults == {modem_protocol.UNKNOWN_CODE: 1}
    assert bench.station.modem.guard.last[0].endswith("0xff")


def test_command_text_in_a_stream_is_a_fault_however_cut() -> None:
    """AT text inside sound is found, in one piece or many, once."""
    for pieces in ((b"\xff\xffAT+VTS=5\r\xff",), tuple(bytes([b]) for b in b"\xffATH\r\xff")):
        bench = Bench()
        bench.talk()
        for piece in pieces:
            bench.write(piece)
        assert bench.station.modem.guard.faults == {modem_protocol.COMMAND_IN_STREAM: 1}


def test_noise_is_not_taken_for_commands() -> None:
    """A minute of random sound hold no command."""
    watch = modem_protocol.HostGuard()
    noise = random.Random(3).randbytes(8000 * 60)
    for at in range(0, len(noise), 160):
        watch.streamed(noise[at : at + 160], 0.0)
    assert not watch.faults


NOISE = bytes(random.Random(7).randrange(256) for _ in range(16_000))
EVERY = bytes(range(256)) * 20


@given(st.lists(st.binary(max_size=40)), st.randoms(use_true_random=False))
@settings(max_examples=examples(200))
def test_any_split_of_a_shielded_stream_is_the_same(
    pieces: list[bytes], rng: random.Random
) -> None:
    """Shielded sound with codes between, cut anywhere, gives the same sound and codes."""
    stream = b"".join(shield(piece) + b"\x10u" for piece in pieces)
    taker, sound, codes, at = DleUnshielder(), bytearray(), 0, 0
    while at < len(stream):
        size = rng.randrange(1, 9)
        rest = stream[at : at + size]
        at += size
        while rest:
            piece, code, rest = taker.step(rest)
            sound += piece
            codes += code == ord("u")
    assert bytes(sound) == b"".join(pieces)
    assert codes == len(pieces)


def test_sub_stands_for_two_dle() -> None:
    """DLE SUB is two 0x10 data bytes, also beside doubled ones (v253.md 2.1)."""
    assert unshielded(b"a\x10\x1ab\x10\x10\x1a\x10\x10\x10\x1a") == (
        b"a\x10\x10b\x10\x1a\x10\x10\x10",
        "",
    )


def test_clean_duplex_is_bit_exact_both_ways() -> None:
    """A mu-law modem passes every byte value unchanged in both directions at once."""
    bench = Bench()
    call = bench.talk(CallPlan(clips=(EVERY,), start_delay_ms=500, hang_up_after_ms=9000))
    got = bytearray(bench.run(300))
    for at in range(0, len(NOISE), 160):
        bench.write(shield(NOISE[at : at + 160]))
        got += bench.run(20)
    got += bench.run(100)
    heard, codes = unshielded(bytes(got))
    assert heard.strip(b"\xff") == EVERY.strip(b"\xff")
    assert codes == "u"  # the host stopped writing after its last frame
    assert call.heard.strip(b"\xff") == NOISE.strip(b"\xff")


def test_stream_begins_right_after_connect_and_ends_with_dle_etx() -> None:
    """+VTR: CONNECT, sound; DLE ^ gives DLE ETX and OK (v253.md 2.3)."""
    bench = Bench()
    bench.place()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0", "AT+VLS=1")
    assert bench.command("AT+VTR") == b"\r\nCONNECT\r\n"
    assert bench.run(10) == b"\xff" * 80
    assert bench.write(b"\x10^") == b"\x10\x03\r\nOK\r\n"
    assert bench.run(50) == b""


def test_receive_ends_by_abort_only() -> None:
    """+VRX: DLE ! gives DLE ETX, OK; CAN, ETX and ^ do not end it (v253.md 2.2, 2.3)."""
    bench = Bench()
    bench.talk(stream="+VRX")
    for code in (b"\x10\x18", b"\x10\x03", b"\x10^"):
        assert bench.write(code) == b""
        assert bench.run(20) == b"\xff" * 160
    assert bench.write(b"\x10!") == b"\x10\x03\r\nOK\r\n"


def test_ok_after_etx_comes_only_when_the_buffer_has_drained() -> None:
    """+VTX: 500 ms waiting when ETX comes are played to the last byte before OK (2.3)."""
    bench = Bench()
    call = bench.talk(stream="+VTX")
    sound = bytes(range(1, 250)) * 17
    bench.write(shield(sound[:4040]) + b"\x10\x03")
    assert bench.run(510) == b""
    assert bytes(call.heard[-4080:]) == sound[:4040] + b"\xff" * 40
    assert bench.run(10) == b"\r\nOK\r\n"
    assert bench.station.modem.underruns == 0


def test_duplex_ends_by_etx_after_playing_out() -> None:
    """DLE ETX in duplex plays what waits, goes on receiving, then DLE ETX and OK (6, PX)."""
    bench = Bench()
    bench.talk()
    bench.write(b"\x55" * 800 + b"\x10\x03" + b"ignored")
    assert bench.run(100) == b"\xff" * 800
    assert bench.run(10) == b"\x10\x03\r\nOK\r\n"


def test_cancel_throws_away_what_waits() -> None:
    """DLE CAN clears the buffer, with ETX behind it OK comes at once (v253.md 2.2)."""
    bench = Bench()
    call = bench.talk(stream="+VTX")
    bench.write(b"\x55" * 8000)
    bench.run(100)
    bench.write(b"\x10\x18\x10\x03")
    assert bench.run(10) == b"\r\nOK\r\n"
    assert call.heard.count(b"\x55") == 800


def test_abort_ends_playing_at_once() -> None:
    """DLE ! ends a +VTX (v253.md 2.2)."""
    bench = Bench()
    bench.talk(stream="+VTX")
    bench.write(b"\x55" * 8000)
    assert bench.write(b"\x10!") == b"\r\nOK\r\n"


def test_pause_and_resume() -> None:
    """DLE p holds the sound, DLE r goes on with it, nothing lost (v253.md 2.2)."""
    bench = Bench()
    call = bench.talk(stream="+VTX")
    bench.write(b"\x55" * 800 + b"\x10p")
    bench.run(200)
    assert call.heard.count(b"\x55") == 0
    bench.write(b"\x10r")
    bench.run(100)
    assert call.heard.count(b"\x55") == 800
    assert bench.station.modem.underruns == 0


def test_underrun_is_reported_once_per_gap() -> None:
    """A starved transmitter says DLE u at the gap's start, plays silence, and goes on (2.4)."""
    bench = Bench()
    call = bench.talk()
    assert unshielded(bench.run(100))[1] == ""
    bench.write(b"\x55" * 200)
    assert unshielded(bench.run(500))[1] == "u"
    bench.write(b"\x44" * 200)
    assert unshielded(bench.run(500))[1] == "u"
    assert bench.station.modem.underruns == 2
    assert call.heard.count(b"\x55") == call.heard.count(b"\x44") == 200


def test_usr_says_nothing_of_its_buffers() -> None:
    """The USR5637 reports no underrun (v253.md 8); it is still counted."""
    bench = Bench("usr5637")
    bench.talk(stream="+VTX")
    bench.write(b"\x55" * 200)
    assert bench.run(500) == b""
    assert bench.station.modem.underruns == 1


def test_a_host_that_does_not_read_loses_sound_and_is_told() -> None:
    """While the host leaves its bytes, sound is dropped and counted; then comes DLE o (2.4)."""
    bench = Bench()
    bench.talk()
    bench.station.modem.host_reads = False
    assert bench.run(200) == b""
    bench.station.modem.host_reads = True
    assert bench.run(10) == b"\x10o" + b"\xff" * 80
    assert bench.station.modem.dropped == 1600
    assert bench.station.modem.overruns == 1


def test_the_buffer_holds_one_second() -> None:
    """The modem takes no more than a second of sound from its port (v253.md 9.4)."""
    bench = Bench()
    bench.talk(stream="+VTX")
    modem = bench.station.modem
    assert modem.room == 8000
    bench.write(b"\x55" * 8000)
    assert modem.room == 0
    bench.run(10)
    assert modem.room == 80


def test_command_text_in_a_stream_is_sound() -> None:
    """Text sent while streaming is audio: nothing is answered, the line is kept (2.3)."""
    bench = Bench()
    call = bench.talk()
    bench.write(b"ATH\r")
    bench.run(20)
    assert b"ATH\r" in call.heard
    assert bench.station.modem.off_hook


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 160])
def test_any_split_of_the_hosts_stream_is_the_same(cut: int) -> None:
    """Sound, a code within, an end: cut anywhere the caller hears the same."""
    bench = Bench()
    call = bench.talk(stream="+VTX")
    stream = shield(EVERY) + b"\x10\x03"
    answers = b"".join(bench.write(stream[at : at + cut]) for at in range(0, len(stream), cut))
    answers += bench.run(1000)
    assert answers == b"\r\nOK\r\n"
    assert bytes(call.heard).strip(b"\xff") == EVERY.strip(b"\xff")


@pytest.mark.parametrize(
    ("number", "silent"), [(0, b"\0"), (1, b"\x80"), (130, b"\x80"), (131, b"\xff"), (132, b"\xd5")]
)
def test_silence_of_each_format(number: int, silent: bytes) -> None:
    """The silence byte: 00 signed, 80 unsigned, FF mu-law, D5 A-law (v253.md 1.5)."""
    bench = Bench()
    bench.place()
    bench.prepare("ATE0", "AT+FCLASS=8", f"AT+VSM={number},8000", "AT+VSD=0,0", "AT+VLS=1")
    bench.prepare("AT+VRX")
    assert unshielded(bench.run(20))[0] == silent * 160


def test_fourteen_bits_are_left_justified_and_marked() -> None:
    """Format 133: two bytes a sample, little endian, bit 0 set in every one (v253.md 1.5)."""
    bench = Bench()
    bench.place()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VSM=133,8000", "AT+VSD=0,0", "AT+VLS=1", "AT+VRX")
    assert unshielded(bench.run(10))[0] == b"\x01\x00" * 80


def test_sixteen_bits_reach_the_line_whole() -> None:
    """USR format 129: odd pieces of 16-bit samples are joined, the line hears their mu-law."""
    bench = Bench("usr5637")
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VSM=129,8000", "AT+VSD=128,0")
    call = bench.place()
    bench.run(300)
    bench.prepare("AT+VLS=1", "AT+VTX")
    stream = b"\x00\x40" * 400
    bench.write(stream[:401])
    bench.write(stream[401:] + b"\x10\x03")
    bench.run(100)
    assert len(set(bytes(call.heard[-400:]))) == 1
    assert re.fullmatch(rb"\xff*(.)\1{399}\xff*", bytes(call.heard), re.DOTALL)


@pytest.mark.parametrize(("sound", "code"), [(b"\xff" * 8000, "s"), (b"\x20" * 8000, "q")])
def test_silence_detection(sound: bytes, code: str) -> None:
    """+VSD: DLE s when no voice came at all, DLE q when it stopped, once each (2.1)."""
    bench = Bench()
    bench.talk(CallPlan(clips=(sound,), hang_up_after_ms=60_000))
    bench.write(b"\x10^")
    bench.prepare("AT+VSD=0,30", "AT+VRX")
    assert unshielded(bench.run(6000))[1] == code


def test_inactivity_drops_the_connection() -> None:
    """+VIT: a silent host loses the line after so many seconds (v253.md 1.3)."""
    bench = Bench()
    bench.talk()
    bench.write(b"\x10^")
    bench.prepare("AT+VIT=2", "AT+VTR")
    assert b"NO CARRIER" not in bench.run(2000)
    assert bench.run(20).endswith(b"\x10\x03\r\nNO CARRIER\r\n")
    assert not bench.station.modem.off_hook


OLDER = replace(CONEXANT, texts={3: "CX93001-EIS_V0.2002-V92"})
"""The firmware of the logs."""
RING = RingRecognised(1000, 4000)
SHOWN = IdentitySent(SentIdentity("0512345678", "1125", "0905"))
WITHHELD = IdentitySent(SentIdentity("P", "1125", "0905", "P"))
Act = Callable[[VoiceModem], object]


def hears(signal: object) -> Act:
    """Let the line bring a signal."""
    return lambda modem: modem.hear(signal)  # type: ignore[arg-type]  # one of Signal


def sounds(data: bytes) -> Act:
    """Let the line bring sound, in the stream's own law."""
    return lambda modem: modem.tick(len(data), data, 0.0)


def says(codes: str) -> Act:
    """Let the chip report."""
    return lambda modem: modem.report(codes)


def passes(ms: int) -> Act:
    """Let time go by without sound."""
    return lambda modem: modem.tick(8 * ms, b"\xff" * 8 * ms, 0.0)


def nothing(_: VoiceModem) -> None:
    """The host's bytes are enough."""


VOICE = ("ATE0", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0", "AT+VLS=1")
SCENES: dict[str, tuple[Personality, tuple[str, ...], list[tuple[Act, ...]]]] = {
    "cx93001_echo_on": (OLDER, (), [(nothing,)]),
    "cx93001_echo_off": (OLDER, ("ATE0",), [(nothing,)] * 4),
    "cx93001_atz_echo": (OLDER, ("ATE0",), [(passes(210),), (nothing,), (nothing,)]),
    "cx93010_ring_class0": (
        replace(CONEXANT, fields_apart=True), ("AT+VCID=1",),
        [(hears(RING),), (hears(SHOWN),), (hears(RING),)],
    ),
    "usr5637_ring_class0": (
        USR5637, ("AT+VCID=1",), [(hears(RING),), (hears(WITHHELD),), (hears(RING),)],
    ),
    "v253_ring_class8": (
        CONEXANT, ("ATE0", "AT+VCID=1"),
        [(nothing,), (hears(RING),), (hears(SHOWN),), (hears(RING),)],
    ),
    "v253_transmit": (CONEXANT, VOICE, [(nothing,), (passes(1),), (passes(1),)]),
    "v253_receive": (
        replace(CONEXANT, packs_dle=True), VOICE,
        [(sounds(b"\r\nOK\r\n\x7f\x10\x80\x10\x10"), says("b"), sounds(b"\x00")),
         (sounds(b"\x01"),)],
    ),
    "zoom3095_receive": (
        ZOOM3095, VOICE, [(sounds(b"\xff\x7f"),), (sounds(b"\xfe"),), (nothing,)],
    ),
    "v253_duplex": (
        CONEXANT, VOICE,
        [(sounds(b"\xff\xff"),),
         (sounds(b"\xff"), hears(KeyBegan("5")), hears(KeyBegan("5", again=True)),
          hears(KeyEnded()), says("u"), sounds(b"\xfe")),
         (nothing,)],
    ),
    "v253_numeric": (
        CONEXANT, (*VOICE, "ATV0"), [(nothing,), (sounds(b"\x0a\x7f"),), (nothing,)],
    ),
}  # fmt: skip
"""Make, what was commanded before, and what happens before each of the modem's turns."""
BEFORE_THE_HOST = {("v253_receive", 1)}
"""Turns whose sound was under way when the host wrote."""


def turns(name: str) -> Iterator[tuple[list[bytes], bytes]]:
    """Yield what the host wrote, and what the modem then said."""
    host: list[bytes] = []
    for written in reader.read(name):
        if written.by_modem:
            yield host, written.data
            host = []
        else:
            host.append(written.data)


def prepared(make: Personality, commands: tuple[str, ...]) -> VoiceModem:
    """Return a modem that was commanded so."""
    modem = VoiceModem(make, perform)
    for text in commands:
        modem.receive_data(text.encode() + b"\r", 0.0)
        assert modem.data_to_send().endswith((b"OK\r\n", b"\x10h", b"0\r")), text
    return modem


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_exchange_says_what_the_log_says(name: str) -> None:
    """Byte for byte, turn for turn."""
    make, commands, acts = SCENES[name]
    modem = prepared(make, commands)
    for number, (host, said) in enumerate(turns(name)):
        if (name, number) in BEFORE_THE_HOST:
            acts[number][0](modem)
        for data in host:
            modem.receive_data(data, 0.0)
        if (name, number) not in BEFORE_THE_HOST:
            for act in acts[number]:
                act(modem)
        assert modem.data_to_send() == said, f"turn {number}"
    assert number + 1 == len(acts)
    assert modem.guard.faults.get("unknown code", 0) == 0


def test_every_log_is_produced() -> None:
    """No byte log lies in the folder that only one side satisfies."""
    assert sorted(SCENES) == reader.names()
