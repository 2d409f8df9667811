"""The modem as a value: framing, streams, bounds; any split gives the same events."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Bug
from appliance.modem.dialects import CONEXANT, USR5637
from appliance.modem.events import SoundReceived, Stream
from appliance.modem.v253 import (
    LINE_LIMIT,
    NUMERIC,
    REPLY_LIMIT,
    RESULTS,
    RESYNC,
    CallerIdReceived,
    EventCode,
    Garbage,
    Modem,
    ModemEvent,
    Replied,
    StreamEnded,
    StreamStarted,
)
from tests.captures import reader

FIELDS = "DATE = 1125\r\nTIME = 0905\r\nNMBR = 0512345678\r\n"
RING = EventCode("R", in_text=True)
EXPECTED: dict[str, list[ModemEvent]] = {
    "cx93001_echo_on": [Replied("ATI3", ("CX93001-EIS_V0.2002-V92",), "OK")],
    "cx93001_echo_off": [
        Replied("ATI3", ("CX93001-EIS_V0.2002-V92",), "OK"),
        Replied("AT+FCLASS?", ("0",), "OK"),
        Replied("AT+GMI", ("+GMI: CONEXANT",), "OK"),
        Replied("AT+VTR=?", (), "ERROR"),
    ],
    "cx93001_atz_echo": [
        Replied("ATZ", (), "OK"),
        Replied("ATE0V1Q0", (), "OK"),
        Replied("AT", (), "OK"),
    ],
    "v253_transmit": [
        StreamStarted(Stream.TRANSMIT),
        EventCode("u"),
        StreamEnded(Stream.TRANSMIT),
    ],
    "v253_receive": [
        StreamStarted(Stream.RECEIVE),
        SoundReceived(b"\r\nOK\r\n\x7f\x10\x80\x10\x10"),
        EventCode("b"),
        SoundReceived(b"\x00\x01"),
        StreamEnded(Stream.RECEIVE),
    ],
    "zoom3095_receive": [
        StreamStarted(Stream.RECEIVE),
        SoundReceived(b"\xff\x7f\xfe"),
        StreamEnded(Stream.RECEIVE),
    ],
    "v253_duplex": [
        StreamStarted(Stream.DUPLEX),
        SoundReceived(b"\xff\xff\xff"),
        *(EventCode(c) for c in "/55~u"),
        SoundReceived(b"\xfe"),
        StreamEnded(Stream.DUPLEX),
    ],
    "cx93010_ring_class0": [
        RING,
        *(CallerIdReceived(line) for line in FIELDS.splitlines()),
        RING,
    ],
    "usr5637_ring_class0": [
        RING,
        *(CallerIdReceived(t) for t in ("DATE=1125", "TIME=0905", "NMBR=P", "NAME=P")),
        RING,
    ],
    "v253_ring_class8": [
        Replied("AT+FCLASS=8", (), "OK"),
        EventCode("h"),
        EventCode("R"),
        CallerIdReceived(FIELDS, whole=True),
        EventCode("R"),
    ],
    "v253_numeric": [
        Replied("AT", (), "OK"),
        StreamStarted(Stream.RECEIVE),
        SoundReceived(b"\n\x7f"),
        StreamEnded(Stream.RECEIVE),
    ],
}


def joined(events: list[ModemEvent]) -> list[ModemEvent]:
    """Join neighbouring sound: how a port cuts it is no meaning."""
    out: list[ModemEvent] = []
    for event in events:
        if isinstance(event, SoundReceived) and out and isinstance(out[-1], SoundReceived):
            out[-1] = SoundReceived(out[-1].samples + event.samples)
        else:
            out.append(event)
    return out


def host(modem: Modem, data: bytes) -> bytes:
    """Let the modem object write what the log's host wrote; returns the bytes."""
    if modem.streaming is None:
        return modem.send_command(data.decode("ascii").rstrip("\r"))
    if re.fullmatch(rb"\x10[\x03!^]", data):
        return modem.end_stream()
    if re.fullmatch(rb"\x10\x10\x10!", data):
        return modem.end_stream(attempt=2)
    return modem.send_samples(data.replace(b"\x10\x10", b"\x10"))


def replay(name: str, cuts: list[int]) -> list[ModemEvent]:
    """Run a log through a modem, its modem's bytes cut at `cuts`."""
    modem, events = Modem(CONEXANT), list[ModemEvent]()
    for written in reader.read(name):
        if not written.by_modem:
            assert host(modem, written.data) == written.data
            continue
        edges = sorted({0, len(written.data), *(c % (len(written.data) + 1) for c in cuts)})
        for start, end in pairwise(edges):
            events += modem.receive_data(written.data[start:end])
    return joined(events)


def test_every_log_is_expected() -> None:
    """No byte log lies in the folder unread."""
    assert reader.names() == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_byte_logs_read_as_they_should(name: str) -> None:
    """Byte-exact both ways, whole, and one byte at a time."""
    assert replay(name, []) == EXPECTED[name]
    assert replay(name, list(range(200))) == EXPECTED[name]


@given(st.sampled_from(sorted(EXPECTED)), st.lists(st.integers(0, 200), max_size=12))
def test_any_split_of_a_log_gives_the_same_events(name: str, cuts: list[int]) -> None:
    """A protocol's meaning does not depend on how the port cut it."""
    assert replay(name, cuts) == EXPECTED[name]


TOKENS = st.one_of(
    st.sampled_from(
        [b"\x10", b"\x10\x10", b"\x10\x03", b"\x10X", b"\x10.", b"\r\n", b"\r", b"OK\r\n", b"0\r",
         b"CONNECT\r\n", b"RING\r\n", b"AT+VTR\r", b"NMBR = 1\r\n", b"\x10R", b"8\n", b"x" * 300]
    ),
    st.binary(max_size=8),
)  # fmt: skip


@given(
    st.lists(TOKENS, max_size=40).map(b"".join),
    st.sampled_from(["", "AT", "AT+VTR", "AT+VTX", "AT+FCLASS?"]),
    st.lists(st.integers(0, 500), max_size=8),
)
def test_any_split_of_anything_gives_the_same_events(
    data: bytes, command: str, cuts: list[int]
) -> None:
    """Line noise and hostile bytes too: nothing raises, nothing depends on the split."""
    whole, cut = Modem(USR5637), Modem(USR5637)
    for modem in (whole, cut) if command else ():
        modem.send_command(command)
    events: list[ModemEvent] = []
    edges = sorted({0, len(data), *(c % (len(data) + 1) for c in cuts)})
    for start, end in pairwise(edges):
        events += cut.receive_data(data[start:end])
    assert joined(events) == joined(list(whole.receive_data(data)))
    assert cut.streaming == whole.streaming


@given(st.binary(max_size=400))
def test_samples_come_through_shielding_unchanged(samples: bytes) -> None:
    """What one side shields the other reads as the same samples."""
    modem = Modem(CONEXANT)
    modem.send_command("AT+VTR")
    modem.receive_data(b"\r\nCONNECT\r\n")
    heard = modem.receive_data(modem.send_samples(samples))
    assert heard == ((SoundReceived(samples),) if samples else ())


def test_text_in_a_stream_is_a_bug() -> None:
    """A command sent while streaming would be sound; samples outside would be text."""
    modem = Modem(CONEXANT)
    with pytest.raises(Bug):
        modem.send_samples(b"\x00")
    modem.send_command("AT+VRX")
    modem.receive_data(b"CONNECT\r\n")
    with pytest.raises(Bug):
        modem.send_command("AT")
    with pytest.raises(Bug):
        modem.send_samples(b"\x00")


def test_a_terminator_is_sent_once() -> None:
    """The same terminator again would be text; the next one, or a cut, is another."""
    modem = Modem(USR5637)
    assert modem.end_stream() == b""
    modem.send_command("AT+VTR")
    modem.receive_data(b"VCON\r\n")
    assert modem.end_stream() == b"\x10^"
    assert modem.end_stream(cut=True) == b""
    assert modem.end_stream(attempt=1) == b"\x10\x03"
    assert modem.end_stream(attempt=2) == b"\x10\x10\x10^"
    assert modem.end_stream(attempt=3) == b""
    modem.receive_data(b"\x10\x03")
    assert modem.end_stream() == b""
    modem.receive_data(b"\r\nOK\r\n")
    modem.send_command("AT+VTX")
    modem.receive_data(b"CONNECT\r\n")
    assert modem.end_stream() == b"\x10\x10\x10\x03", "it heeds what it has heeded last"
    assert modem.end_stream(cut=True) == b"\x10\x10\x10\x18\x10\x10\x10\x03"
    assert modem.end_stream(cut=True, attempt=1) == b"\x10\x18\x10\x03"


@pytest.mark.parametrize("detail", ["A", "B", "1", "AB"])
def test_a_distinctive_ring_is_a_ring(detail: str) -> None:
    """Lines with several numbers, and some PBXs, say by the ring which one is called."""
    modem = Modem(CONEXANT)
    assert modem.receive_data(f"\r\nRING {detail}\r\n".encode()) == (RING,)
    assert modem.receive_data(b"\r\nRING\r\n") == (RING,)


@pytest.mark.parametrize("detail", ["8000", "115200/V.90", "VOICE", "9600+2"])
@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_a_stream_that_says_its_rate_begins_all_the_same(detail: str, piece: int) -> None:
    """CONNECT 8000: the first sample is the byte behind its line feed, however it is split."""
    modem = Modem(CONEXANT)
    modem.send_command("AT+VRX")
    data = f"AT+VRX\r\r\nCONNECT {detail}\r\n".encode() + b"\nRING A\r\n\x55"
    events: list[ModemEvent] = []
    for at in range(0, len(data), piece):
        events += modem.receive_data(data[at : at + piece])
    assert joined(events) == [StreamStarted(Stream.RECEIVE), SoundReceived(b"\nRING A\r\n\x55")]


@pytest.mark.parametrize(
    "text",
    ["RINGING", "RING a b", "RING A B", "CONNECTED", "CONNECT 1 2", "RING " + "A" * 17, "XRING A"],
)
def test_what_only_looks_like_a_detail_is_none(text: str) -> None:
    """Noise on the wires rings no phone and starts no stream."""
    modem = Modem(CONEXANT)
    assert modem.receive_data(f"\r\n{text}\r\n".encode()) == (Garbage(text),)


def test_what_answers_nothing_is_garbage() -> None:
    """Late results, loose ends of streams and noise are told as such, in printable characters."""
    modem = Modem(CONEXANT)
    data = b"\r\nOK\r\nh\xe9llo\tx\r\n\x10\x03"
    assert modem.receive_data(data) == (Garbage("OK"), Garbage("h.llo x"), Garbage("DLE ETX"))


def test_buffers_are_bounded() -> None:
    """A modem that never ends a line, or an answer, costs a bounded memory."""
    modem = Modem(CONEXANT)
    noise = modem.receive_data(b"y" * (LINE_LIMIT * 3 + 5))
    assert noise == (Garbage("y" * LINE_LIMIT),) * 3
    modem.receive_data(b"\r\n")
    modem.send_command("AT+VLS=?")
    events = modem.receive_data(b"a\r\n" * (REPLY_LIMIT + 2) + b"OK\r\n")
    assert events[:2] == (Garbage("a"),) * 2
    assert events[2] == Replied("AT+VLS=?", ("a",) * REPLY_LIMIT, "OK")


def test_vcon_is_an_ok() -> None:
    """Some answer VCON to the off-hook command (v253.md 1.3)."""
    modem = Modem(CONEXANT)
    modem.send_command("AT+VLS=1")
    assert modem.receive_data(b"\r\nVCON\r\n") == (Replied("AT+VLS=1", (), "OK"),)


def test_digits_are_an_answer_once_words_were_read() -> None:
    """With V1 a bare "0" line is an answer; with V0 the same is OK."""
    modem = Modem(CONEXANT)
    modem.send_command("AT+FCLASS?")
    assert modem.receive_data(b"0\r") == (Replied("AT+FCLASS?", (), "OK"),)
    modem.send_command("AT")
    modem.receive_data(b"\n\r\nOK\r\n")
    modem.send_command("AT+FCLASS?")
    assert modem.receive_data(b"0\r\n8\r\nOK\r\n") == (Replied("AT+FCLASS?", ("0", "8"), "OK"),)


def test_raw_caller_id_is_told_whole() -> None:
    """Mode 2 prints one line of hex (v253.md 3)."""
    modem = Modem(CONEXANT)
    line = "0412303332323234"
    assert modem.receive_data(f"\r\n{line}\r\n".encode()) == (CallerIdReceived(line, whole=True),)


def test_resynchronising_forgets_everything() -> None:
    """Whatever was half read or running is over."""
    modem = Modem(CONEXANT)
    modem.send_command("AT+VTR")
    modem.receive_data(b"CONNECT\r\nab\x10")
    ends = b"\x10\x18\x10\x03\x10!\x10^"
    doubled = ends.replace(b"\x10", b"\x10\x10\x10")
    assert modem.resynchronise() == RESYNC == ends + doubled + b"\r"
    assert modem.streaming is None
    assert modem.receive_data(b"3\r") == (Garbage("NO CARRIER"),)


def test_every_result_is_known_both_ways() -> None:
    """The numeric codes stand for words that are results, RING apart."""
    assert set(NUMERIC.values()) - RESULTS == {"RING"}
