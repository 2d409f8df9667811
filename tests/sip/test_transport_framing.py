"""SIP over a stream: the same messages come out however the bytes arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.sip.message import LIMIT, SipMessage, TcpPeer, read
from appliance.sip.pyvoip import parse
from appliance.sip.transport import PING, BrokenStream, Framer
from tests.sip.world import SDP, request

OPTIONS = request("OPTIONS")
INVITE = request("INVITE", 2, body=SDP)
FOLDED = INVITE.replace(b"Content-Length: ", b"l\t:\r\n ")
BARE = OPTIONS.replace(b"Content-Length: 0\r\n", b"").replace(b"\r\n", b"\n")
STREAM = b"\r\n" + OPTIONS + PING + INVITE + b"\r\n" + FOLDED + BARE + b"\0\0" + PING + PING
WHOLE = [OPTIONS, PING, INVITE, FOLDED, BARE, PING, PING]


def framed(*pieces: bytes) -> list[bytes]:
    """Feed pieces and return what comes out."""
    framer, found = Framer(), []
    for piece in pieces:
        framer.feed(piece)
        while (message := framer.next()) is not None:
            found.append(message)
    return found


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Cut bytes at these places."""
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places)]


def test_messages_and_keep_alives_in_their_order() -> None:
    """A folded or compact length, no length, bare line ends, blank lines and NULs between."""
    assert framed(STREAM) == WHOLE


def test_byte_by_byte() -> None:
    """The slowest peer says the same."""
    assert framed(*(bytes([byte]) for byte in STREAM)) == WHOLE


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_split_of_the_bytes_gives_the_same(places: list[int]) -> None:
    """Where a segment ends means nothing."""
    assert framed(*cut(STREAM, places)) == WHOLE


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_any_split_of_nonsense_gives_the_same(data: bytes, places: list[int]) -> None:
    """The same messages, or the same end of the stream."""
    told = []
    for pieces in ([data], cut(data, places)):
        try:
            told.append((framed(*pieces), False))
        except BrokenStream:
            told.append(([], True))
    assert told[0] == told[1]


def test_what_is_framed_is_read_whole() -> None:
    """The framing and the reading agree on where head and body end."""
    for data in (OPTIONS, INVITE, FOLDED, BARE):
        (message,) = framed(data + OPTIONS[:20])
        read_ = read(message, parse)
        assert isinstance(read_, SipMessage)
        assert read_.body == (SDP if data in (INVITE, FOLDED) else "")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",  # a TLS hello
        b"\xe9a",
        INVITE.replace(b"Content-Length: ", b"Content-Length: -"),
        INVITE.replace(b"Content-Length: ", b"Content-Length: 99999"),
        b"INVITE " + b"a" * LIMIT,
    ],
)
def test_a_stream_that_cannot_be_read_on(data: bytes) -> None:
    """No boundary can be told any more; nothing is kept beyond the limit."""
    with pytest.raises(BrokenStream):
        framed(data)


def test_a_message_that_has_begun() -> None:
    """Half a keep-alive is none."""
    framer = Framer()
    for data, is_midway in ((b"\r\n", False), (b"\r", False), (b"\nOPT", True)):
        framer.feed(data)
        while framer.next() is not None:
            continue
        assert framer.is_midway is is_midway


def test_a_connection_is_no_udp_address() -> None:
    """The same host and port by both transports are two places."""
    place = ("192.0.2.21", 5060)
    stream = TcpPeer(place)
    assert stream == TcpPeer(place)
    assert not stream != TcpPeer(place)  # noqa: SIM202 - both operators are asked
    assert stream != place
    assert place != stream
    assert {stream: 1, place: 2} == {TcpPeer(place): 1, ("192.0.2.21", 5060): 2}
    host, port = stream
    assert (host, port) == place
