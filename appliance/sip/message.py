"""SIP messages (RFC 3261 7): URIs, header normalisation, parsing and writing.

A datagram is parsed and normalised here; the header fields proper are read by pyVoIP's parser,
which is sound only on normalised text (pyvoip.md 2 and 5). Pure: no clock, no socket.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from appliance.errors import PeerError
from appliance.sip.rtp import Address

# ---- URIs, name-addr values, and the commas and semicolons between them
# Every function is linear in the length of its input and never raises for what the LAN sends: a
# value that is no address yields None or an empty one.

DEFAULT_PORT = 5060
_URI = re.compile(
    r"(?:sips?):(?:([^@\s<>]*)@)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?(?:[;?][^\s<>]*)?",
    re.IGNORECASE,
)
# Separators count only outside quotes and angle brackets (RFC 3261 25.1).
_OPENING = {'"': '"', "<": ">"}


class TcpPeer(tuple[str, int]):
    """Far end of a TCP connection: an Address that never equals a UDP address.

    A phone that registered over TCP is reached over that connection alone (RFC 5626).
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Return True for the same end of the same connection."""
        return isinstance(other, TcpPeer) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        """Return True for any other address."""
        # tuple defines != by itself, so __eq__ alone would not be enough.
        return not self == other

    def __hash__(self) -> int:
        """Return a hash that differs from a UDP address's."""
        return hash(("tcp", *self))


@dataclass(frozen=True, slots=True)
class Uri:
    """SIP URI (RFC 3261 19.1): `user` unescaped, without password; `text` as received."""

    user: str
    host: str
    port: int
    text: str

    @property
    def address(self) -> Address | None:
        """Address to send to; None when the host is no IPv4 address."""
        # No DNS here (B4).
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
    """Parse a sip: or sips: URI; return None for anything else (tel:, nonsense)."""
    # fullmatch: text after a blank would break the line in which we write a phone's Contact.
    found = _URI.fullmatch(text)
    if found is None:
        return None
    # The user part may carry a password after ":" and parameters after ";": neither is the user.
    user = unquote((found[1] or "").partition(":")[0].partition(";")[0])
    return Uri(user, found[2], int(found[3] or DEFAULT_PORT), text)


def read_name_address(value: str) -> NameAddress:
    """Parse `"Name" <sip:...>;tag=x` or `sip:...;tag=x` (RFC 3261 20.10)."""
    value = value.strip()
    display, rest = _display(value)
    start = rest.find("<")
    end = rest.find(">", start)
    if start < 0 or end < 0:
        # Without angle brackets the parameters belong to the header, not to the URI (RFC 3261
        # 20.10).
        uri, *parameters = split_outside(value, ";")
        return NameAddress("", uri, read_parameters(parameters))
    display = display or rest[:start].strip()
    _, *parameters = split_outside(rest[end + 1 :], ";") or [""]
    return NameAddress(display, rest[start + 1 : end].strip(), read_parameters(parameters))


def _display(value: str) -> tuple[str, str]:
    """Split a quoted display name from the text after it."""
    if not value.startswith('"'):
        return "", value
    end = _closing(value, 0)
    return value[1:end].replace('\\"', '"').replace("\\\\", "\\"), value[end + 1 :]


def read_parameters(parts: list[str]) -> dict[str, str]:
    """Parse `name=value` and bare `name` (value ""); names in lower case, the first one wins."""
    parameters: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        parameters.setdefault(name.strip().lower(), value.strip().strip('"'))
    return parameters


def split_outside(text: str, separator: str) -> list[str]:
    """Split at each `separator` outside quotes and angle brackets; parts are stripped."""
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
    """Return the index at which the quote or bracket opened at `at` closes, else the text's end."""
    closing = _OPENING[text[at]]
    at += 1
    while at < len(text) and text[at] != closing:
        # A backslash escapes the next character, but only inside quotes (RFC 3261 25.1,
        # quoted-pair).
        at += 2 if text[at] == "\\" and closing == '"' else 1
    return min(at, len(text))


def quoted_display(text: str, limit: int = 64) -> str:
    """Return `text` as a quoted display name for a phone's screen, at most `limit` characters."""
    # Nothing that a caller's name holds may end the quotes or open angle brackets.
    clean = "".join(c for c in text if c.isprintable() and c not in '"\\<>')
    return f'"{clean[:limit]}"'


# ---- Normalised heads: one spelling, for pyVoIP's header parser
# That parser splits lines at ": ", knows long names in their usual case only and loses the rest
# (pyvoip.md 2, last table), so it is given text in which nothing can be lost.

Headers = tuple[tuple[str, str], ...]
"""Header names in canonical spelling with their values, in order."""

# Every request and response has these five (RFC 3261 8.1.1, 8.2.6.2).
NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")

_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(\w+)\s+(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?:\s*:\s*(\d{1,5}))?",
    re.IGNORECASE,
)
_CSEQ = re.compile(r"(\d{1,10})\s+([A-Za-z]+)")
# Tags and branches that the parser could misread are left out rather than passed on.
_TOKEN = re.compile(r"[^\s;,:<>\"=]{1,256}")


def normalise(heading: str, headers: Headers) -> bytes:
    """Write the head in the form that pyVoIP's header parser reads whole; raises ValueError."""
    # Reversed, so that the first value of a name wins: the top Via is the one that counts.
    first = dict(reversed(headers))
    if missing := [name for name in NEEDED if name not in first]:
        raise ValueError(f"no {missing[0]}")
    lines = [
        heading,
        f"Via: {_canonical_via(first['Via'])}",
        f"From: {_canonical_party(first['From'])}",
        f"To: {_canonical_party(first['To'])}",
        # The parser splits lines at ": ", so that pair must not occur inside a value.
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
    """Return the address a response is sent to (RFC 3261 18.2.2, RFC 3581 4).

    The host is always the one that the request came from; the port is that one too when the client
    asked by `rport`, else the port of sent-by.
    """
    # A response goes back over the request's own connection (RFC 3261 18.2.2).
    if isinstance(source, TcpPeer):
        return source
    return source if "rport" in via_parameters(via) else (source[0], sent_by[1])


def stamped_via(via: str, source: Address) -> str:
    """Return a top Via with the `received` and `rport` that RFC 3581 4 requires in the response."""
    # What the client wrote in their place is dropped: only we know where the datagram came from.
    kept = [
        part
        for part in split_outside(via, ";")
        if part.partition("=")[0].strip().lower() not in {"rport", "received"}
    ]
    if "rport" in via_parameters(via):
        kept.append(f"rport={source[1]}")
    return ";".join([*kept, f"received={source[0]}"])


# ---- Datagrams: whatever spelling RFC 3261 allows becomes one, within limits
# The header fields proper are read by a `parse` callable, in the product pyVoIP's header parser
# (appliance.sip.pyvoip.parse). It is sound only on normalised text (pyvoip.md 2 and 5): long names
# in their usual case, no folding, one Via, bare From and To.

# Bytes of a datagram; a phone's longest message is a tenth of it.
LIMIT = 16_384
# Values beyond it are not read: what a flood may fill is bounded (docs/design/failures.md).
MAX_HEADERS = 128
# RFC 3261 8.1.1.5: the sequence number is less than 2**31.
MAX_CSEQ = 2**31

# Methods that are understood, if only to refuse them by name: pyVoIP drops what it does not know
# (pyvoip.md 4, no. 16).
METHODS = frozenset({
    "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "REFER", "INFO", "NOTIFY", "UPDATE",
    "MESSAGE", "SUBSCRIBE", "PRACK", "PUBLISH",
})  # fmt: skip

# Compact forms: RFC 3261 7.3.3 and 20, RFC 3515, 3892, 4028, 6665.
COMPACT = {
    "v": "Via", "f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "l": "Content-Length",
    "c": "Content-Type", "s": "Subject", "k": "Supported", "r": "Refer-To", "b": "Referred-By",
    "x": "Session-Expires", "e": "Content-Encoding", "o": "Event", "u": "Allow-Events",
}  # fmt: skip
_LONG = (
    "Via From To Call-ID CSeq Contact Content-Length Content-Type Record-Route Route Require "
    "Refer-To Authorization Allow Supported Expires Max-Forwards User-Agent Session-Expires Reason "
    "Min-SE Min-Expires WWW-Authenticate Proxy-Authenticate Event Subscription-State "
    "Replaces Diversion History-Info Privacy P-Asserted-Identity X-Centralino-Hops"
)
CANONICAL = {name.lower(): name for name in _LONG.split()} | COMPACT
# Headers whose values may share one line, separated by commas (RFC 3261 7.3.1).
SEVERAL = frozenset({"Via", "Record-Route", "Route", "Contact"})
# Headers that a response copies from its request (RFC 3261 8.2.6.2).
ECHOED = ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq")

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r\n|\n|\r")
_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]+")
_REQUEST = re.compile(r"([A-Za-z]{1,32}) +(\S+) +SIP/2\.0", re.IGNORECASE)
_RESPONSE = re.compile(r"SIP/2\.0 +([1-6]\d\d)(?: +(.*))?", re.IGNORECASE)
_CONTROLS = dict.fromkeys((*range(32), 127), " ")


class Unreadable(PeerError):  # noqa: N818 - it says what the datagram is
    """Raised for a datagram that is no SIP; `answer` is the code and headers of a reply, if due."""

    def __init__(self, why: str, answer: tuple[int, Headers] | None = None) -> None:
        super().__init__(f"a phone talks nonsense: {why}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Fields:
    """Header fields that the parser reads from a normalised head."""

    branch: str
    sent_by: Address
    from_user: str
    from_tag: str
    to_user: str
    to_tag: str
    cseq: int
    cseq_method: str
    credentials: Mapping[str, str]


# Reads a normalised head; raises ValueError, LookupError or AttributeError on failure.
Parser = Callable[[bytes], Fields]


@dataclass(frozen=True, slots=True)
class SipMessage:
    """A request (`code` 0) or a response; a response's `method` is that of its CSeq."""

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
        """URI of the first Contact; "" for none or `*`."""
        uri = read_name_address(self.get("Contact")).uri
        return uri if read_uri(uri) else ""


def read(datagram: bytes, parse: Parser) -> SipMessage | None:
    """Parse a datagram; return None for a keep-alive. Raises Unreadable."""
    # A keep-alive (RFC 5626 3.5.1, or zero bytes) is no message, and no nonsense to be counted.
    if not datagram.strip(b"\r\n\t \0"):
        return None
    if len(datagram) > LIMIT:
        raise Unreadable(f"{len(datagram)} bytes in one datagram")
    # Empty lines before the start line are to be ignored (RFC 3261 7.5).
    head, _, rest = _parted(datagram.lstrip(b"\r\n"))
    # Folded headers are unfolded first: a continuation line is part of its value (RFC 3261 7.3.1).
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
    """Parse header lines: names spelled out, lists split, control characters replaced.

    At most MAX_HEADERS values are kept; each value of a list counts.
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
    """Return method, URI and code (0 for a request) of a start line; raises Unreadable."""
    if found := _RESPONSE.fullmatch(heading):
        return "", "", int(found[1])
    if not (found := _REQUEST.fullmatch(heading)):
        raise Unreadable(f"the first line is {heading[:60]!r}")
    method = found[1].upper()
    if method not in METHODS:
        # 501 for a method that nobody here knows, 405 for one that is not allowed there (RFC 3261
        # 21.5.2, 21.4.6).
        raise Unreadable(f"method {method}", (501, echo(headers)))
    return method, found[2], 0


def _body(rest: bytes, headers: Headers, code: int) -> str:
    """Cut the body at Content-Length; raises Unreadable when the datagram is shorter."""
    length = _length(headers, len(rest))
    if not 0 <= length <= len(rest):
        raise Unreadable("Content-Length and body disagree", _bad_request(headers, code))
    # RFC 3261 18.3: bytes beyond Content-Length are discarded.
    return rest[:length].decode("utf-8", "replace")


def body_length(head: bytes) -> int:
    """Return the Content-Length that `read` will find in a head; 0 for none, -1 if not a number."""
    lines = _LINE_END.split(_FOLD.sub(" ", head.decode("utf-8", "replace")))
    return _length(read_headers(lines[1:]), 0)


def _length(headers: Headers, default: int) -> int:
    said = next((value for name, value in headers if name == "Content-Length"), str(default))
    return int(said) if re.fullmatch(r"[0-9]{1,9}", said) else -1


def _fields(heading: str, headers: Headers, method: str, code: int, parse: Parser) -> Fields:
    try:
        head = normalise(heading, headers)
        fields = parse(head)
    # These are what pyVoIP's parser raises for headers it cannot read (pyvoip.md 2).
    except (ValueError, LookupError, AttributeError) as error:
        why = f"headers that cannot be read ({error})"
        raise Unreadable(why, _bad_request(headers, code)) from error
    # RFC 3261 8.1.1.5: the method in CSeq must match that of the request.
    if fields.cseq >= MAX_CSEQ or (not code and fields.cseq_method != method):
        raise Unreadable("CSeq contradicts the request", _bad_request(headers, code))
    return fields


def _bad_request(headers: Headers, code: int) -> tuple[int, Headers] | None:
    # Without all five no response can be written; a response is never answered.
    has_all = {"Via", "From", "To", "Call-ID", "CSeq"} <= {name for name, _ in headers}
    return (400, echo(headers)) if has_all and not code else None


def echo(headers: Headers) -> Headers:
    """Return the headers that a response copies from its request, in the order of ECHOED."""
    return tuple((name, value) for wanted in ECHOED for name, value in headers if name == wanted)


def write_message(heading: str, headers: Iterable[tuple[str, str]], body: str = "") -> bytes:
    """Write a message with its Content-Length.

    A body is SDP unless the headers give it another type.
    """
    lines = [heading, *(f"{name}: {value}" for name, value in headers)]
    if body and not any(line.startswith("Content-Type:") for line in lines):
        lines.append("Content-Type: application/sdp")
    data = body.encode()
    lines.append(f"Content-Length: {len(data)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data
