"""Caller identity: as text, as packet, before and after the first ring (v253.md section 3)."""

from __future__ import annotations

import pytest

from appliance.simulator.exchange import audio
from appliance.simulator.exchange.audio import SentIdentity
from appliance.simulator.exchange.call import CallPlan
from tests.simulator.exchange import ruler
from tests.simulator.exchange.virtual import Bench

PLAN = CallPlan(caller="0541704111", date="1125", time="0830")
CX_TEXT = b"\r\nDATE = 1125\r\nTIME = 0830\r\nNMBR = 0541704111\r\n"
USR_TEXT = b"\r\nDATE=1125\r\nTIME=0830\r\nNMBR=0541704111\r\n"


def listening(dialect: str = "conexant", code: str = "it") -> Bench:
    """Give a modem that prints identities, echo off."""
    bench = Bench(dialect, code)
    bench.prepare("ATE0", "AT+VCID=1")
    return bench


@pytest.mark.parametrize(("dialect", "text"), [("conexant", CX_TEXT), ("usr5637", USR_TEXT)])
def test_text_after_the_first_ring(dialect: str, text: bytes) -> None:
    """In class 0 the fields come as text after RING, spaced as each make spaces them."""
    bench = listening(dialect)
    bench.place(PLAN)
    assert bench.run(4900) == b"\r\nRING\r\n" + text
    assert bench.run(1000) == b"\r\nRING\r\n"


def test_text_before_the_first_ring() -> None:
    """Sent before, the fields come first and at least 200 ms later the first RING."""
    bench = listening()
    bench.place(CallPlan(caller="0541704111", date="1125", time="0830", id_order="before"))
    assert bench.run(1000) == CX_TEXT
    seen = bench.run(1000)
    assert seen == b"\r\nRING\r\n"


def test_great_britain_sends_before_by_itself() -> None:
    """The order is the country's unless the call says otherwise (v253.md 5)."""
    bench = listening(code="gb")
    bench.place(PLAN)
    assert bench.run(2500).startswith(CX_TEXT)


@pytest.mark.parametrize(("caller", "told"), [("withheld", b"P"), ("unavailable", b"O")])
def test_absent_numbers(caller: str, told: bytes) -> None:
    """A withheld number is P, one not available O (v253.md 3)."""
    bench = listening()
    bench.place(CallPlan(caller=caller))
    assert b"NMBR = " + told + b"\r\n" in bench.run(4900)


def test_none_sends_nothing() -> None:
    """Without caller identity the modem sees rings only."""
    bench = listening()
    bench.place(CallPlan(caller="none"))
    assert bench.run(4900) == b"\r\nRING\r\n"


def test_nothing_is_printed_unless_asked() -> None:
    """+VCID=0 is the default and prints nothing; +VRID then still knows it."""
    bench = Bench()
    bench.prepare("ATE0")
    bench.place(PLAN)
    assert bench.run(4800) == b"\r\nRING\r\n"
    assert bench.command("AT+VRID=0") == CX_TEXT + b"\r\nOK\r\n"


def test_a_packet_in_class_8() -> None:
    """In class 8 rings are DLE R and the fields a DLE X packet (v253.md 2.1, 3)."""
    bench = listening()
    bench.prepare("AT+FCLASS=8")
    bench.place(PLAN)
    packet = b"\x10XDATE = 1125\r\nTIME = 0830\r\nNMBR = 0541704111\r\n\x10."
    assert bench.run(4900) == b"\x10R" + packet


def test_raw_form_is_the_message_in_hex() -> None:
    """+VCID=2 prints the whole packet as ASCII hex; its bytes sum to 0 (v253.md 3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+VCID=2")
    bench.place(PLAN)
    line = bench.run(4900).split(b"\r\n")[3]
    packet = bytes.fromhex(line.decode())
    assert packet[0] == 0x80
    assert packet[1] == len(packet) - 3
    assert sum(packet) % 256 == 0
    assert b"\x02\x0a0541704111" in packet


def test_a_name_is_told_when_the_exchange_sends_one() -> None:
    """NAME appears only when sent."""
    bench = listening()
    bench.place(CallPlan(caller="0541704111", name="COMUNE"))
    assert b"NAME = COMUNE\r\n" in bench.run(4900)


def test_answering_in_the_middle_loses_the_identity() -> None:
    """A modem that goes off hook during the FSK prints nothing of it."""
    bench = listening()
    bench.place(PLAN)
    bench.run(1900)
    bench.prepare("AT+FCLASS=8", "AT+VLS=1")
    assert b"NMBR" not in bench.run(2000)


def test_ring_cadence_report() -> None:
    """+VDR=1,n prints DRON and DROF in 0.1 s; with repeat 0 instead of RING (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VDR=1,1", "AT+FCLASS=0")
    bench.place()
    assert bench.run(1000) == b"\r\nDRON=10\r\nDROF=40\r\n\r\nRING\r\n"
    bench.prepare("AT+FCLASS=8", "AT+VDR=1,0")
    assert bench.run(5000) == b"\x10XDRON=10\r\nDROF=40\r\n\x10."


def decoded(ulaw: bytes, space: float, mark: float) -> bytes:
    """Demodulate FSK by comparing two correlations per bit, start bits found on the way.

    A window of 7 samples turns to space when it is half inside: the edge lies 3 samples later.
    """
    ones = [
        ruler.goertzel_dbm0(ulaw[at : at + 7], mark) > ruler.goertzel_dbm0(ulaw[at : at + 7], space)
        for at in range(len(ulaw) - 7)
    ]
    found, at = bytearray(), (300 + 170) * 20 // 3  # well into the mark bits
    while at + 67 < len(ones):
        if ones[at]:
            at += 1
            continue
        bits = [ones[at + 3 + round((1 + k) * 20 / 3)] for k in range(9)]
        found.append(sum(bit << k for k, bit in enumerate(bits[:8])))
        assert bits[8], "a stop bit is missing"
        at += round(9.5 * 20 / 3)
    return bytes(found)


@pytest.mark.parametrize("standard", ["v23", "bell202"])
def test_the_sound_on_the_line_says_the_same(standard: str) -> None:
    """An own demodulator reads the message from the sound; its level is -13.5 dBm0."""
    caller = SentIdentity("0541704111", "1125", "0830", "COMUNE")
    sound = audio.fsk_modulate(audio.mdmf_message(caller), standard)
    space, mark = audio.FSK_TONES[standard]
    assert decoded(sound, space, mark) == audio.mdmf_message(caller)
    assert ruler.level_dbm0(sound) == pytest.approx(-13.5, abs=0.2)


def test_the_identity_sound_is_on_the_line_between_the_rings() -> None:
    """From 700 ms after the burst the pair carries the FSK; before the ring an alert precedes."""
    for order, start in (("after", 1700), ("before", 0)):
        bench = Bench()
        bench.place(CallPlan(caller="0541704111", id_order=order))
        sound = b"".join(bench.station.line.to_modem(80)[0] for _ in range(400))
        first = next(at for at, byte in enumerate(sound) if byte not in b"\xff\x7f")
        assert first // 8 == pytest.approx(start, abs=2)
    assert ruler.goertzel_dbm0(sound[:800], 2130) == pytest.approx(-13.5, abs=0.5)
    assert ruler.goertzel_dbm0(sound[:800], 2750) == pytest.approx(-13.5, abs=0.5)
