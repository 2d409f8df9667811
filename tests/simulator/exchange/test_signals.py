"""Signals of the simulated line: tones, caller identity, dialling."""

from __future__ import annotations

import itertools

import pytest

from appliance.errors import ConfigurationError
from appliance.simulator.exchange import audio, signals
from appliance.simulator.exchange.audio import RepeatedSound, SentIdentity
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.signals import COUNTRIES, country_named
from tests.simulator.exchange.ruler import cadence_ms, goertzel_dbm0, level_dbm0, linear
from tests.simulator.exchange.virtual import Bench, unshielded

CADENCES = {
    ("it", "dial"): ((425,), (200, 200, 600, 1000)),
    ("it", "ringback"): ((425,), (1000, 4000)),
    ("it", "busy"): ((425,), (500, 500)),
    ("it", "congestion"): ((425,), (200, 200)),
    ("de", "dial"): ((425,), ()),
    ("de", "ringback"): ((425,), (1000, 4000)),
    ("de", "busy"): ((425,), (480, 480)),
    ("de", "congestion"): ((425,), (240, 240)),
    ("fr", "dial"): ((440,), ()),
    ("fr", "ringback"): ((440,), (1500, 3500)),
    ("fr", "busy"): ((440,), (500, 500)),
    ("fr", "congestion"): ((440,), (250, 250)),
    ("gb", "dial"): ((350, 440), ()),
    ("gb", "ringback"): ((400, 450), (400, 200, 400, 2000)),
    ("gb", "busy"): ((400,), (375, 375)),
    ("gb", "congestion"): ((400,), (400, 350, 225, 525)),
    ("us", "dial"): ((350, 440), ()),
    ("us", "ringback"): ((440, 480), (2000, 4000)),
    ("us", "busy"): ((480, 620), (500, 500)),
    ("us", "congestion"): ((480, 620), (250, 250)),
}
LEVELS = {("us", "dial"): -13.0, ("us", "ringback"): -19.0} | {
    ("us", kind): -24.0 for kind in ("busy", "congestion")
}


@pytest.mark.parametrize(("code", "kind"), list(CADENCES))
def test_each_tone_has_its_frequencies_cadence_and_level(code: str, kind: str) -> None:
    """Measured from the sound: Hz, on and off times, and the whole level (v253.md 5)."""
    frequencies, cadence = CADENCES[code, kind]
    tone = getattr(country_named(code), kind)
    sound = signals.tone_cadence(tone)
    burst = sound[: 8 * (cadence[0] if cadence else 1000)]
    assert level_dbm0(burst) == pytest.approx(LEVELS.get((code, kind), -12.0), abs=0.3)
    for hz in (350, 400, 425, 440, 450, 480, 620):
        loud = goertzel_dbm0(burst[:1600], hz) > -40  # 200 ms: a grid of 5 Hz
        assert loud == (hz in frequencies), hz
    if cadence:
        # two frequencies beat: 25 ms is one whole beat of 40 Hz
        grain = 200 if len(frequencies) > 1 else 40
        assert cadence_ms(sound, grain) == pytest.approx(list(cadence), abs=25)
    else:
        assert len(cadence_ms(sound)) == 1


def test_a_continuous_tone_joins_without_a_click() -> None:
    """The step over the loop's seam is no greater than any step within."""
    sound = signals.tone_loop(country_named("gb").dial).take(16_000)
    values = linear(sound)
    steps = [abs(b - a) for a, b in itertools.pairwise(values)]
    assert max(steps[7990:8010]) <= max(steps[:7900])


@pytest.mark.parametrize("sizes", [(80,) * 100, (79, 81, 1, 7999) * 2, (33_000,)])
def test_a_loop_is_the_same_in_any_pieces(sizes: tuple[int, ...]) -> None:
    """Whatever the ticks, the loop plays its cycle over and over."""
    cycle = bytes(range(251))
    loop = RepeatedSound(cycle)
    played = b"".join(loop.take(size) for size in sizes)
    assert played == (cycle * (len(played) // 251 + 1))[: len(played)]


@pytest.mark.parametrize("digit", "1234567890*#ABCD")
def test_each_key_has_its_two_frequencies(digit: str) -> None:
    """Q.23: low group at -11, high group at -9 dBm0, nothing else within 20 dB, 80 on / 80 off."""
    keys = {"123A": 697, "456B": 770, "789C": 852, "*0#D": 941}
    low = next(hz for row, hz in keys.items() if digit in row)
    column = next(row.index(digit) for row in keys if digit in row)
    high = (1209, 1336, 1477, 1633)[column]
    burst, pause = audio.segments(digit)
    assert (burst.digit, len(burst.sound), len(pause.sound)) == (digit, 640, 640)
    levels = {hz: goertzel_dbm0(burst.sound, hz) for hz in (697, 770, 852, 941)}
    levels |= {hz: goertzel_dbm0(burst.sound, hz) for hz in (1209, 1336, 1477, 1633)}
    assert levels.pop(low) == pytest.approx(-11, abs=0.5)
    assert levels.pop(high) == pytest.approx(-9, abs=0.5)
    assert max(levels.values()) < -25


def test_a_comma_is_a_pause_and_a_wrong_key_is_refused_in_words() -> None:
    """A comma waits a second; what no telephone has is an error that names it."""
    assert len(audio.segments(",")[0].sound) == 8000
    with pytest.raises(ConfigurationError, match="'x' hold 'X'"):
        audio.segments("x")


def test_an_unknown_country_is_refused_in_words() -> None:
    """The error names those that are known."""
    assert set(COUNTRIES) == {"it", "de", "fr", "gb", "us"}
    with pytest.raises(ConfigurationError, match="use one of it, de"):
        country_named("xx")


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
        goertzel_dbm0(ulaw[at : at + 7], mark) > goertzel_dbm0(ulaw[at : at + 7], space)
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
    assert level_dbm0(sound) == pytest.approx(-13.5, abs=0.2)


def test_the_identity_sound_is_on_the_line_between_the_rings() -> None:
    """From 700 ms after the burst the pair carries the FSK; before the ring an alert precedes."""
    for order, start in (("after", 1700), ("before", 0)):
        bench = Bench()
        bench.place(CallPlan(caller="0541704111", id_order=order))
        sound = b"".join(bench.station.line.to_modem(80)[0] for _ in range(400))
        first = next(at for at, byte in enumerate(sound) if byte not in b"\xff\x7f")
        assert first // 8 == pytest.approx(start, abs=2)
    assert goertzel_dbm0(sound[:800], 2130) == pytest.approx(-13.5, abs=0.5)
    assert goertzel_dbm0(sound[:800], 2750) == pytest.approx(-13.5, abs=0.5)


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
    assert cadence_ms(sound[-16000:])[1:4] == pytest.approx([200, 600, 1000], abs=420)


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
