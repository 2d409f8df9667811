"""Sound through the modem: shielding, buffers, ends, events (v253.md section 2)."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.modem_protocol import DleUnshielder, shield
from tests.helpers.examples import examples
from tests.simulator.exchange.virtual import Bench, unshielded

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
