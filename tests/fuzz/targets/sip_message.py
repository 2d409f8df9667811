"""SIP datagrams: read or refused; what was read is written and read again as the same."""

from __future__ import annotations

from appliance.sip.message import SipMessage, Unreadable, read, write_message
from appliance.sip.pyvoip import parse

TOKENS = (
    b"INVITE ", b" SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n", b"Via: SIP/2.0/UDP ", b";branch=z9hG4bK",
    b";rport", b"\r\nFrom: ", b"\r\nt: <sip:21@h>;tag=1", b"\r\nCall-ID: ",
    b"\r\nCSeq: 1 INVITE", b"\r\n\r\n", b"Content-Length: 0", b"l: 5", b"\r\n ", b'"', b"%",
    b"Authorization: Digest ", b'nonce="a"', b",",
)  # fmt: skip
ROOM = 512
"""What an answer is longer than the headers it repeats, in the longest UTF-8."""


def run(data: bytes) -> None:
    """Read one datagram."""
    message = _read(data)
    if isinstance(message, SipMessage):
        assert _again(message) == _again(_reread(message))
    elif message is not None and message.answer:
        code, headers = message.answer
        assert len(write_message(f"SIP/2.0 {code} No", headers)) < 3 * len(data) + ROOM


def _read(data: bytes) -> SipMessage | Unreadable | None:
    try:
        return read(data, parse)
    except Unreadable as error:
        return error


def _reread(message: SipMessage) -> SipMessage:
    start = f"SIP/2.0 {message.code} X" if message.code else _request_line(message)
    kept = [(n, v) for n, v in message.headers if n not in {"Content-Length", "Content-Type"}]
    reread = read(write_message(start, kept, message.body), parse)
    assert reread is not None
    return reread


def _request_line(message: SipMessage) -> str:
    return f"{message.method} {message.uri} SIP/2.0"


def _again(message: SipMessage) -> tuple[object, ...]:
    return message.method, message.uri, message.code, message.fields, message.body, message.contact
