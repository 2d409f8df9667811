"""SIP messages: URIs, header normalisation, parsing, dialogs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from appliance.errors import PeerError
from appliance.sip.rtp import Address

# ---- uri ---------------------------------------------------------------------------------------
# SIP addresses: URIs, name-addr values, and the commas and semicolons between them.
#
# Every function is linear in its input and never raises for what the LAN sends: a value that is no
# address yields None or an empty one.

DEFAULT_PORT = 5060
_URI = re.compile(
    r"(?:sips?):(?:([^@\s<>]*)@)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?(?:[;?][^\s<>]*)?",
    re.IGNORECASE,
)
_OPENING = {'"': '"', "<": ">"}


class TcpPeer(tuple[str, int]):
    """The far end of a TCP connection: an Address that equals no UDP one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Tell whether it is the same end of the same connection."""
        return isinstance(other, TcpPeer) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        """Tell whether it is not: tuple has an answer of its own."""
        return not self == other

    def __hash__(self) -> int:
        """Return a hash that differs from a UDP address's."""
        return hash(("tcp", *self))


@dataclass(frozen=True, slots=True)
class Uri:
    """A SIP URI (RFC 3261 19.1): `user` unescaped and without password, `text` as it stood."""

    user: str
    host: str
    port: int
    text: str

    @property
    def address(self) -> Address | None:
        """Where to send, or None when the host is no IPv4 address (no DNS here, B4)."""
        try:
            host = str(ipaddress.IPv4Address(self.host))
        except ValueError:
            return None
        return (host, self.port) if 0 < self.port < 0x10000 else None


@dataclass(frozen=True, slots=True)
class NameAddress:
    """A From, To, Contact or Route value (RFC 3261 20.10): display name, URI, parameters."""

    display: str
    uri: str
    parameters: dict[str, str]

    @property
    def tag(self) -> str:
        """The tag, or "" for none."""
        return self.parameters.get("tag", "")


def read_uri(text: str) -> Uri | None:
    """Read a sip: or sips: URI; None for anything else (tel:, nonsense).

    The whole of it: what follows a blank would break the line in which we name a phone's Contact.
    """
    found = _URI.fullmatch(text)
    if found is None:
        return None
    user = unquote((found[1] or "").partition(":")[0].partition(";")[0])
    return Uri(user, found[2], int(found[3] or DEFAULT_PORT), text)


def read_name_address(value: str) -> NameAddress:
    """Read `"Name" <sip:...>;tag=x` or `sip:...;tag=x` (there the parameters are the header's)."""
    value = value.strip()
    display, rest = _display(value)
    start = rest.find("<")
    end = rest.find(">", start)
    if start < 0 or end < 0:
        uri, *parameters = split_outside(value, ";")
        return NameAddress("", uri, read_parameters(parameters))
    display = display or rest[:start].strip()
    _, *parameters = split_outside(rest[end + 1 :], ";") or [""]
    return NameAddress(display, rest[start + 1 : end].strip(), read_parameters(parameters))


def _display(value: str) -> tuple[str, str]:
    """Part a quoted display name from what follows it."""
    if not value.startswith('"'):
        return "", value
    end = _closing(value, 0)
    return value[1:end].replace('\\"', '"').replace("\\\\", "\\"), value[end + 1 :]


def read_parameters(parts: list[str]) -> dict[str, str]:
    """Read `name=value` and bare `name` (value ""); names are lower case, the first one wins."""
    parameters: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        parameters.setdefault(name.strip().lower(), value.strip().strip('"'))
    return parameters


def split_outside(text: str, separator: str) -> list[str]:
    """Split at `separator` where it stands outside quotes and angle brackets; parts stripped."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] in _OPENING:
            at = _closing(text, at)
        elif text[at] == separator:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    return [*parts, text[start:].strip()]


def _closing(text: str, at: int) -> int:
    """Return where the quote or bracket opened at `at` closes; the text's end if never."""
    closing = _OPENING[text[at]]
    at += 1
    while at < len(text) and text[at] != closing:
        at += 2 if text[at] == "\\" and closing == '"' else 1
    return min(at, len(text))


def quoted_display(text: str, limit: int = 64) -> str:
    """Return `text` as a display name on a phone's screen: nothing in it can end the quotes."""
    clean = "".join(c for c in text if c.isprintable() and c not in '"\\<>')
    return f'"{clean[:limit]}"'


# ---- canonical ---------------------------------------------------------------------------------
# One spelling for every head: what pyVoIP's header parser reads whole, and the top Via.
#
# That parser splits lines at ": ", knows long names in their usual case only and loses the rest
# (pyvoip.md 2, last table), so it is given text in which nothing can be lost.

Headers = tuple[tuple[str, str], ...]
"""Names in canonical spelling with their values, in order."""

NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")

_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(\w+)\s+(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?:\s*:\s*(\d{1,5}))?",
    re.IGNORECASE,
)
_CSEQ = re.compile(r"(\d{1,10})\s+([A-Za-z]+)")
_TOKEN = re.compile(r"[^\s;,:<>\"=]{1,256}")


def normalise(heading: str, headers: Headers) -> bytes:
    """Write the head as pyVoIP's header parser reads it whole; raises ValueError."""
    first = dict(reversed(headers))
    if missing := [name for name in NEEDED if name not in first]:
        raise ValueError(f"no {missing[0]}")
    lines = [
        heading,
        f"Via: {_canonical_via(first['Via'])}",
        f"From: {_canonical_party(first['From'])}",
        f"To: {_canonical_party(first['To'])}",
        f"Call-ID: {first['Call-ID'].replace(': ', ':')}",
        f"CSeq: {_canonical_cseq(first['CSeq'])}",
    ]
    if "Authorization" in first:
        lines.append(f"Authorization: {first['Authorization'].replace(': ', ':')}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _canonical_via(value: str) -> str:
    found = _VIA.match(value)
    if found is None:
        raise ValueError("no readable Via")
    branch = via_parameters(value).get("branch", "")
    port = int(found[3] or 5060)
    if not 0 < port < 0x10000:
        raise ValueError("no port in Via")
    safe = branch if _TOKEN.fullmatch(branch) else ""
    return f"SIP/2.0/{found[1].upper()} {found[2]}:{port};branch={safe}"


def _canonical_party(value: str) -> str:
    party = read_name_address(value)
    uri = read_uri(party.uri)
    user, host = (uri.user, uri.host) if uri else ("", "unknown")
    tag = f";tag={party.tag}" if _TOKEN.fullmatch(party.tag) else ""
    return f"<sip:{quote(user, safe='')}@{host}>{tag}"


def _canonical_cseq(value: str) -> str:
    found = _CSEQ.fullmatch(value)
    if found is None:
        raise ValueError("no readable CSeq")
    return f"{int(found[1])} {found[2].upper()}"


def via_parameters(value: str) -> dict[str, str]:
    """Return the parameters of a Via value; a bare name has the value ""."""
    return read_parameters(split_outside(value, ";")[1:])


def reply_address(via: str, sent_by: Address, source: Address) -> Address:
    """Say where a response goes: back to the port it came from with rport, else to sent-by's.

    Always to the host it came from (RFC 3261 18.2.2 `received`, RFC 3581 4), and over a connection
    always back by it.
    """
    if isinstance(source, TcpPeer):
        return source
    return source if "rport" in via_parameters(via) else (source[0], sent_by[1])


def stamped_via(via: str, source: Address) -> str:
    """Return a top Via with `received` and `rport` as RFC 3581 4 wants them in the response."""
    kept = [
        part
        for part in split_outside(via, ";")
        if part.partition("=")[0].strip().lower() not in {"rport", "received"}
    ]
    if "rport" in via_parameters(via):
        kept.append(f"rport={source[1]}")
    return ";".join([*kept, f"received={source[0]}"])


# ---- message -----------------------------------------------------------------------------------
# SIP datagrams, normalised: whatever spelling RFC 3261 allows becomes one, within limits.
#
# The header fields proper are read by a `parse` callable, in the product pyVoIP's header parser
# (appliance.sip.pyvoip.parse). It is sound only on canonical text (pyvoip.md 2 and 5): so what
# it is given here has long names in their usual case, no folding, one Via, bare From and To.

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
class SipMessage:
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


def read(datagram: bytes, parse: Parser) -> SipMessage | None:
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
    return SipMessage(fields.cseq_method if code else method, uri, code, headers, body, fields)


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
        head = normalise(heading, headers)
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


def write_message(heading: str, headers: Iterable[tuple[str, str]], body: str = "") -> bytes:
    """Write a datagram; a body is SDP, unless the headers give it another type."""
    lines = [heading, *(f"{name}: {value}" for name, value in headers)]
    if body and not any(line.startswith("Content-Type:") for line in lines):
        lines.append("Content-Type: application/sdp")
    data = body.encode()
    lines.append(f"Content-Length: {len(data)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data
