"""SIP over a stream: the same messages for any split, bounded, and read as they were framed."""

from __future__ import annotations

from appliance.sip.message import LIMIT, Unreadable, read
from appliance.sip.pyvoip import parse
from appliance.sip.transport import PING, BrokenStream, Framer
from tests.fuzz.bounds import held
from tests.fuzz.program import Program, pieces
from tests.fuzz.targets import sip_message

TOKENS = (
    *sip_message.TOKENS, PING, b"\r\n", b"\n\n", b"\0", b"l:", b"Content-Length:\r\n 3\r\n",
    b"OPTIONS sip:h SIP/2.0\r\n", b"Content-Length: 16384\r\n", b"-1", b"\x01", b"\x07",
)  # fmt: skip
HELD = LIMIT + 8192
"""One message that has begun, one reading, and what Python needs for them."""


def run(data: bytes) -> None:
    """Frame one stream whole, in pieces whose size stands in front, and byte by byte."""
    program = Program(data)
    size, stream = 1 + program.number(255), program.rest()
    whole = _framed([stream])
    assert _framed(list(pieces(stream, size))) == whole
    assert _framed(list(pieces(stream, 1))) == whole
    for message in whole[0]:
        _read(message)


def _framed(parts: list[bytes]) -> tuple[list[bytes], bool]:
    """Return the messages, and whether the stream could be read to its end."""
    framer, found = Framer(), []
    try:
        for part in parts:
            framer.feed(part)
            while (message := framer.next()) is not None:
                found.append(message)
    except BrokenStream:
        return found, False
    assert held(framer) < HELD
    return found, True


def _read(message: bytes) -> None:
    """What was framed holds no more and no less than one message."""
    assert message == PING or len(message) <= LIMIT
    assert not _refusal(message).endswith("Content-Length and body disagree")


def _refusal(message: bytes) -> str:
    try:
        read(message, parse)
    except Unreadable as refused:
        return str(refused)
    return ""
