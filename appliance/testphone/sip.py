"""SIP messages: bytes to values and back (RFC 3261 section 7), and what stands inside a header."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from appliance.errors import PeerError

Address = tuple[str, int]
DEFAULT_PORT = 5060
COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "k": "supported", "s": "subject", "e": "content-encoding",
}  # fmt: skip
"""Short header names (RFC 3261 section 7.3.3)."""
REQUIRED = ("via", "from", "to", "call-id", "cseq")
LISTS = {"via", "contact", "route", "record-route"}
"""Headers whose commas separate values, so that two spellings mean the same."""
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_ITEM = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,"<])+')
_FOLD = re.compile(r"\r\n[ \t]+")


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message: `first` line, headers in order with their names as written, body."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        """True for a request, False for a response."""
        return not self.first.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        """The method: of a request its own, of a response the one its CSeq names."""
        return self.first.split(" ")[0] if self.is_request else self.get("cseq").split()[1]

    @property
    def uri(self) -> str:
        """The Request-URI."""
        return self.first.split(" ")[1]

    @property
    def status(self) -> int:
        """The status code of a response."""
        return int(self.first.split(" ")[1])

    @property
    def phrase(self) -> str:
        """The reason phrase of a response."""
        return self.first.split(" ", 2)[2]

    @property
    def cseq(self) -> int:
        """The number in CSeq."""
        return int(self.get("cseq").split()[0])

    @property
    def branch(self) -> str:
        """The branch of the topmost Via."""
        return parameters(self.get("via")).get("branch", "")

    def all(self, name: str) -> list[str]:
        """Return every value of a header, list headers split at their commas."""
        values = [value for key, value in self.headers if canonical(key) == name]
        if name not in LISTS:
            return values
        return [item.strip() for value in values for item in _ITEM.findall(value)]

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a header, `default` without one."""
        return next(iter(self.all(name)), default)

    def encode(self) -> bytes:
        """Return the datagram, with its right Content-Length."""
        kept = [(k, v) for k, v in self.headers if canonical(k) != "content-length"]
        lines = [self.first, *(f"{k}: {v}" for k, v in kept), f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode(errors="surrogateescape") + self.body


def canonical(name: str) -> str:
    """Return a header's name in lower case and in full."""
    return COMPACT.get(name.lower(), name.lower())


def parse(datagram: bytes) -> Message:
    """Return the message in a datagram; raises PeerError saying what is wrong with it."""
    head, _, body = datagram.partition(b"\r\n\r\n")
    lines = _FOLD.sub(" ", head.decode(errors="surrogateescape")).split("\r\n")
    if not re.fullmatch(r"[A-Z]+ \S+ SIP/2\.0|SIP/2\.0 [1-6]\d\d .*", lines[0]):
        raise PeerError(f"not a SIP message: {lines[0][:60]!r}")
    message = Message(lines[0], tuple(_header(line) for line in lines[1:]), body)
    return _checked(message)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise PeerError(f"not a SIP header: {line[:60]!r}")
    return name.strip(), value.strip()


def _checked(message: Message) -> Message:
    absent = [name for name in REQUIRED if not message.get(name)]
    if absent:
        raise PeerError(f"a SIP message without {', '.join(absent)}")
    if not re.fullmatch(r"\d+\s+[A-Z]+", message.get("cseq")):
        raise PeerError(f"not a CSeq: {message.get('cseq')!r}")
    said = message.get("content-length", str(len(message.body)))
    if not said.isdecimal() or int(said) > len(message.body):
        raise PeerError(f"a SIP body of {len(message.body)} bytes that says {said}")
    return replace(message, body=message.body[: int(said)])


def parameters(value: str) -> dict[str, str]:
    """Return the parameters after an address or a Via: `<sip:a@b;x=1>;tag=c` gives {tag: c}."""
    bare = _QUOTED.sub('""', value)
    tail = bare.rpartition(">")[2] if ">" in bare else bare.partition(";")[2]
    pairs = (part.partition("=") for part in tail.split(";") if part.strip())
    return {name.strip().lower(): content.strip() for name, _, content in pairs}


def uri_in(value: str) -> str:
    """Return the URI in a From, To, Contact or Route value."""
    bracketed = re.search(r"<([^>]*)>", _QUOTED.sub("", value))
    return bracketed.group(1) if bracketed else value.split(";")[0].strip()


def name_in(value: str) -> str:
    """Return the display name before an address, without its quotes."""
    if "<" not in value:
        return ""
    quoted = _QUOTED.match(value)
    name = quoted.group(0)[1:-1] if quoted else value.partition("<")[0]
    return re.sub(r"\\(.)", r"\1", name).strip()


def user_in(uri: str) -> str:
    """Return the user part of a URI: `sip:051@10.0.0.1` gives 051."""
    rest = uri.partition(":")[2].split(";")[0]
    return rest.partition("@")[0].partition(":")[0] if "@" in rest else ""


def host_in(uri: str) -> Address:
    """Return host and port of a URI or of a Via's sent-by; raises PeerError for a wrong port."""
    rest = re.sub(r"^sips?:", "", uri).split(";")[0].split("?")[0].rpartition("@")[2]
    host, _, port = rest.partition(":")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise PeerError(f"not a port: {uri!r}")
    return host, int(port or DEFAULT_PORT)


def sent_by(message: Message) -> str:
    """Return host and port that the topmost Via names (RFC 3261 section 17.2.3)."""
    return message.get("via").split(";")[0].split()[-1].lower()


def reply_address(request: Message, source: Address) -> Address:
    """Return where a response goes (RFC 3261 section 18.2.2, RFC 3581 section 4)."""
    if "rport" in parameters(request.get("via")):
        return source
    return source[0], host_in(sent_by(request))[1]


def response(
    request: Message,
    status: str,
    tag: str,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Message:
    """Return the response to a request; `status` is code and phrase, `tag` our To-tag or ""."""
    to = request.get("to")
    if tag and "tag" not in parameters(to):
        to = f"{to};tag={tag}"
    vias = tuple(("Via", via) for via in request.all("via"))
    routes = tuple(("Record-Route", route) for route in request.all("record-route"))
    same = tuple((n, request.get(n.lower())) for n in ("From", "Call-ID", "CSeq"))
    return Message(f"SIP/2.0 {status}", (*vias, *routes, ("To", to), *same, *headers), body)


def received_from(request: Message, source: Address) -> Message:
    """Return the request with `received` and `rport` filled in its topmost Via (RFC 3581)."""
    first, *others = request.all("via")
    stamped = re.sub(r";rport(?==|;|$)(=\d*)?", f";rport={source[1]}", first)
    if "received=" not in stamped:
        stamped += f";received={source[0]}"
    vias = tuple(("Via", via) for via in (stamped, *others))
    rest = tuple(h for h in request.headers if canonical(h[0]) != "via")
    return replace(request, headers=vias + rest)
