"""SIP datagrams, normalised: whatever spelling RFC 3261 allows becomes one, within limits.

The header fields proper are read by a `parse` callable, in the product pyVoIP's header parser
(appliance.phones.pyvoip.parse). It is sound only on canonical text (pyvoip.md 2 and 5): so what it
is given here has long names in their usual case, no folding, one Via, bare From and To.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from appliance.errors import PeerError
from appliance.phones.canonical import Headers, canonical
from appliance.phones.rtp import Address
from appliance.phones.uri import read_name_address, read_uri, split_outside

LIMIT = 16_384
"""Bytes of a datagram; a phone's longest message is a tenth of it."""
MAX_HEADERS = 128
MAX_CSEQ = 2**31
"""RFC 3261 8.1.1.5: the sequence number is less than 2**31."""

METHODS = frozenset({
    "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "REFER", "INFO", "NOTIFY", "UPDATE",
    "MESSAGE", "SUBSCRIBE", "PRACK", "PUBLISH",
})  # fmt: skip
"""Methods that are understood, if only to refuse them by name."""

COMPACT = {
    "v": "Via", "f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "l": "Content-Length",
    "c": "Content-Type", "s": "Subject", "k": "Supported", "r": "Refer-To", "b": "Referred-By",
    "x": "Session-Expires", "e": "Content-Encoding", "o": "Event", "u": "Allow-Events",
}  # fmt: skip
"""RFC 3261 7.3.3 and 20, RFC 3515, 3892, 4028, 6665."""
_LONG = (
    "Via From To Call-ID CSeq Contact Content-Length Content-Type Record-Route Route Require "
    "Refer-To Authorization Allow Supported Expires Max-Forwards User-Agent Session-Expires Reason "
    "Min-SE Min-Expires WWW-Authenticate Proxy-Authenticate Event Subscription-State "
    "Replaces Diversion History-Info Privacy P-Asserted-Identity X-Centralino-Hops"
)
CANONICAL = {name.lower(): name for name in _LONG.split()} | COMPACT
SEVERAL = frozenset({"Via", "Record-Route", "Route", "Contact"})
"""Headers whose values may stand on one line, parted by commas (RFC 3261 7.3.1)."""
ECHOED = ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq")
"""What a response copies from its request (RFC 3261 8.2.6.2)."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r\n|\n|\r")
_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]+")
_REQUEST = re.compile(r"([A-Za-z]{1,32}) +(\S+) +SIP/2\.0", re.IGNORECASE)
_RESPONSE = re.compile(r"SIP/2\.0 +([1-6]\d\d)(?: +(.*))?", re.IGNORECASE)
_CONTROLS = dict.fromkeys((*range(32), 127), " ")


class Unreadable(PeerError):  # noqa: N818 - it says what the datagram is
    """Raised for what is no SIP; `answer` is the code and the headers of a reply, if one is due."""

    def __init__(self, why: str, answer: tuple[int, Headers] | None = None) -> None:
        super().__init__(f"a phone talks nonsense: {why}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Fields:
    """What the header parser makes of a canonical head."""

    branch: str
    sent_by: Address
    from_user: str
    from_tag: str
    to_user: str
    to_tag: str
    cseq: int
    cseq_method: str
    credentials: Mapping[str, str]


Parser = Callable[[bytes], Fields]
"""Reads a canonical head; raises ValueError, LookupError or AttributeError for what it cannot."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request (`code` 0) or a response; `method` of a response is that of its CSeq."""

    method: str
    uri: str
    code: int
    headers: Headers
    body: str
    fields: Fields

    @property
    def is_response(self) -> bool:
        """True for a response."""
        return self.code > 0

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.get("Call-ID")

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a header."""
        return next((value for known, value in self.headers if known == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a header, in order."""
        return tuple(value for known, value in self.headers if known == name)

    @property
    def contact(self) -> str:
        """The URI of the first Contact, "" for none or `*`."""
        uri = read_name_address(self.get("Contact")).uri
        return uri if read_uri(uri) else ""


def read(datagram: bytes, parse: Parser) -> Message | None:
    """Return the message in a datagram, None for a keep-alive; raises Unreadable."""
    if not datagram.strip(b"\r\n\t \0"):
        return None
    if len(datagram) > LIMIT:
        raise Unreadable(f"{len(datagram)} bytes in one datagram")
    head, _, rest = _parted(datagram.lstrip(b"\r\n"))
    lines = _LINE_END.split(_FOLD.sub(" ", head))
    headers = read_headers(lines[1:])
    method, uri, code = _heading(lines[0].strip(), headers)
    body = _body(rest, headers, code)
    start = f"SIP/2.0 {code} Reason" if code else f"{method} {uri} SIP/2.0"
    fields = _fields(start, headers, method, code, parse)
    return Message(fields.cseq_method if code else method, uri, code, headers, body, fields)


def _parted(datagram: bytes) -> tuple[str, bytes, bytes]:
    found = _BLANK_LINE.search(datagram)
    start, end = found.span() if found else (len(datagram), len(datagram))
    return datagram[:start].decode("utf-8", "replace"), datagram[start:end], datagram[end:]


def read_headers(lines: list[str]) -> Headers:
    """Read header lines: names spelled out, values without control characters, lists parted.

    What is beyond MAX_HEADERS is not read; a list counts as many.
    """
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            continue
        name = CANONICAL.get(name.strip().lower(), name.strip())
        value = value.translate(_CONTROLS).strip()
        values = split_outside(value, ",") if name in SEVERAL else [value]
        headers += [(name, one) for one in values if one or name not in SEVERAL]
    return tuple(headers[:MAX_HEADERS])


def _heading(heading: str, headers: Headers) -> tuple[str, str, int]:
    """Return method, URI and code (0 of a request) of a start line."""
    if found := _RESPONSE.fullmatch(heading):
        return "", "", int(found[1])
    if not (found := _REQUEST.fullmatch(heading)):
        raise Unreadable(f"the first line is {heading[:60]!r}")
    method = found[1].upper()
    if method not in METHODS:
        raise Unreadable(f"method {method}", (501, echo(headers)))
    return method, found[2], 0


def _body(rest: bytes, headers: Headers, code: int) -> str:
    """Cut the body at Content-Length (RFC 3261 18.3: bytes beyond it are discarded)."""
    length = _length(headers, len(rest))
    if not 0 <= length <= len(rest):
        raise Unreadable("Content-Length and body disagree", _bad_request(headers, code))
    return rest[:length].decode("utf-8", "replace")


def body_length(head: bytes) -> int:
    """Return the Content-Length that `read` will find in a head; 0 for none, -1 for no number."""
    lines = _LINE_END.split(_FOLD.sub(" ", head.decode("utf-8", "replace")))
    return _length(read_headers(lines[1:]), 0)


def _length(headers: Headers, default: int) -> int:
    said = next((value for name, value in headers if name == "Content-Length"), str(default))
    return int(said) if re.fullmatch(r"[0-9]{1,9}", said) else -1


def _fields(heading: str, headers: Headers, method: str, code: int, parse: Parser) -> Fields:
    try:
        head = canonical(heading, headers)
        fields = parse(head)
    except (ValueError, LookupError, AttributeError) as error:
        why = f"headers that cannot be read ({error})"
        raise Unreadable(why, _bad_request(headers, code)) from error
    if fields.cseq >= MAX_CSEQ or (not code and fields.cseq_method != method):
        raise Unreadable("CSeq contradicts the request", _bad_request(headers, code))
    return fields


def _bad_request(headers: Headers, code: int) -> tuple[int, Headers] | None:
    has_all = {"Via", "From", "To", "Call-ID", "CSeq"} <= {name for name, _ in headers}
    return (400, echo(headers)) if has_all and not code else None


def echo(headers: Headers) -> Headers:
    """Return what a response copies from its request."""
    return tuple((name, value) for wanted in ECHOED for name, value in headers if name == wanted)


def write(heading: str, headers: Iterable[tuple[str, str]], body: str = "") -> bytes:
    """Write a datagram; a body is SDP, unless the headers give it another type."""
    lines = [heading, *(f"{name}: {value}" for name, value in headers)]
    if body and not any(line.startswith("Content-Type:") for line in lines):
        lines.append("Content-Type: application/sdp")
    data = body.encode()
    lines.append(f"Content-Length: {len(data)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data
