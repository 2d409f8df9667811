"""REGISTER with digest, refreshed, and taken back at the end (RFC 3261 section 10)."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.errors import PeerError
from appliance.simulator.phone.sound import BY_PAYLOAD, Codec

if TYPE_CHECKING:
    from appliance.simulator.phone.call import Account, Headers
    from appliance.simulator.phone.control import Wire
    from appliance.simulator.phone.sound import Note


# ---- digest ------------------------------------------------------------------------------------
# Digest authentication with MD5, with and without qop=auth (RFC 2617, RFC 3261 section 22).

_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a 401 or 407 asks for; `header` is the header that answers it."""

    header: str
    realm: str
    nonce: str
    opaque: str
    has_qop: bool
    stale: bool


def parse_challenge(status: int, value: str) -> Challenge:
    """Return the challenge of a 401 or 407; raises PeerError for one that this phone cannot do."""
    fields = {k.lower(): quoted or bare for k, quoted, bare in _PAIR.findall(value)}
    if not value.lower().startswith("digest ") or "nonce" not in fields or "realm" not in fields:
        raise PeerError(f"not a digest challenge: {value[:60]!r}")
    if fields.get("algorithm", "MD5").upper() != "MD5":
        raise PeerError(f"digest algorithm {fields['algorithm']} is not MD5")
    qops = [word.strip() for word in fields.get("qop", "").split(",") if word.strip()]
    if qops and "auth" not in qops:
        raise PeerError(f"digest qop {fields['qop']} is not auth")
    return Challenge(
        "Proxy-Authorization" if status == 407 else "Authorization",
        fields["realm"],
        fields["nonce"],
        fields.get("opaque", ""),
        bool(qops),
        fields.get("stale", "").lower() == "true",
    )


def digest_answer(
    challenge: Challenge,
    user: str,
    secret: str,
    method: str,
    uri: str,
    count: int = 1,
    cnonce: str = "",
) -> tuple[str, str]:
    """Return the header (name, value) that answers a challenge; `count` is the use of its nonce."""
    fields = {"username": user, "realm": challenge.realm, "nonce": challenge.nonce, "uri": uri}
    first = _md5(f"{user}:{challenge.realm}:{secret}")
    second = _md5(f"{method}:{uri}")
    middle, tail = challenge.nonce, ""
    if challenge.has_qop:
        cnonce = cnonce or secrets.token_hex(8)
        middle = f"{challenge.nonce}:{count:08x}:{cnonce}:auth"
        tail = f', qop=auth, nc={count:08x}, cnonce="{cnonce}"'
    fields["response"] = _md5(f"{first}:{middle}:{second}")
    if challenge.opaque:
        fields["opaque"] = challenge.opaque
    listed = ", ".join(f'{name}="{value}"' for name, value in fields.items())
    return challenge.header, f"Digest {listed}, algorithm=MD5{tail}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# ---- sip ---------------------------------------------------------------------------------------
# SIP messages: bytes to values and back (RFC 3261 section 7), and what stands inside a header.

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


def parse_message(datagram: bytes) -> Message:
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


# ---- registration ------------------------------------------------------------------------------

EXPIRES = 120
"""Seconds asked for."""
RETRY = 2.0
"""Seconds until the next attempt after a failure."""


class Registration:
    """Keeps one Contact registered; notes registered, registration_failed and unregistered."""

    def __init__(self, account: Account, wire: Wire, note: Note) -> None:
        self.is_registered = False
        self.deadline = math.inf
        self._account = account
        self._wire = wire
        self._note = note
        self._expires = EXPIRES
        self._wanted = False
        self._cseq = 0
        self._challenge: Challenge | None = None
        self._uses = 0
        end = f"<{account.address}>"
        self._ends: Headers = (
            ("From", f"{end};tag={secrets.token_hex(4)}"),
            ("To", end),
            ("Call-ID", secrets.token_hex(12)),
        )

    def start(self, now: float) -> None:
        """Register and stay so."""
        self._wanted = True
        self._send(now)

    def stop(self, now: float) -> None:
        """Take the registration back, if there is one."""
        self._wanted = False
        self.deadline = math.inf
        if self.is_registered:
            self._send(now)

    def forget(self) -> None:
        """Stop without a word, as a phone does whose plug is pulled."""
        self._wanted = self.is_registered = False
        self.deadline = math.inf

    def tick(self, now: float) -> None:
        """Refresh or try again when it is time."""
        if now >= self.deadline:
            self._send(now)

    def _send(self, now: float, is_second: bool = False) -> None:
        self.deadline = math.inf
        self._cseq += 1
        host, port = self._account.server
        uri = f"sip:{host}:{port}"
        more: Headers = (
            self._account.contact,
            ("Expires", str(self._expires if self._wanted else 0)),
        )
        if self._challenge:
            self._uses += 1
            user, secret = self._account.user, self._account.secret
            more += (digest_answer(self._challenge, user, secret, "REGISTER", uri, self._uses),)
        request = self._account.request("REGISTER", uri, self._ends, self._cseq, more)
        wanted = self._wanted

        def answered(response: Message | None, at: float) -> None:
            if wanted == self._wanted:  # else the plug was pulled or the end came in between
                self._take(response, at, is_second)

        self._wire.request(request, self._account.server, now, answered)

    def _take(self, response: Message | None, now: float, is_second: bool) -> None:
        if response is None:
            self._fail("408 no answer", now)
        elif response.status in {401, 407} and self._can_answer(response, is_second):
            self._send(now, is_second=True)
        elif response.status == 423 and response.get("min-expires").isdecimal() and not is_second:
            self._expires = int(response.get("min-expires"))
            self._send(now, is_second=True)
        elif response.status >= 300:
            self._fail(response.first.removeprefix("SIP/2.0 "), now)
        else:
            self._succeed(response, now)

    def _can_answer(self, response: Message, is_second: bool) -> bool:
        name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
        try:
            challenge = parse_challenge(response.status, response.get(name))
        except PeerError:
            return False
        if is_second and not challenge.stale:
            return False  # the secret is wrong: asking again would lock the account
        self._challenge, self._uses = challenge, 0
        return True

    def _succeed(self, response: Message, now: float) -> None:
        was, self.is_registered = self.is_registered, self._wanted
        if not self._wanted:
            self._note("unregistered", now)
            return
        granted = self._granted(response)
        self.deadline = now + max(granted, 2) / 2
        if not was:
            self._note("registered", now, expires=granted)

    def _granted(self, response: Message) -> int:
        """Seconds granted: our own Contact's parameter, else Expires (10.2.4)."""
        ours = uri_in(self._account.contact[1])
        for contact in response.all("contact"):
            expires = parameters(contact).get("expires", "")
            if uri_in(contact) == ours and expires.isdecimal():
                return int(expires)
        said = response.get("expires")
        return int(said) if said.isdecimal() else self._expires

    def _fail(self, status: str, now: float) -> None:
        was, self.is_registered = self.is_registered, False
        if self._wanted:
            self.deadline = now + RETRY
        self._note("registration_failed", now, status=status, was_registered=was)


# ---- sdp ---------------------------------------------------------------------------------------
# Session descriptions: one audio stream of G.711 with telephone-event (RFC 4566, 3264, 4733).

EVENTS = 101
"""The dynamic payload type that this phone offers for telephone-event."""
MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly",
            "inactive": "inactive"}  # fmt: skip
"""The answer to each direction offered (RFC 3264 section 6.1)."""


@dataclass(frozen=True, slots=True)
class Description:
    """The audio stream the other end describes, and its m= lines in order (the answer has as many).

    `events` is its payload type for telephone-event, None without; `audio` indexes `media`.
    """

    address: Address
    payloads: tuple[int, ...]
    events: int | None
    direction: str
    media: tuple[str, ...]
    audio: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both ends settled: where to send, in which codec, and our own direction."""

    remote: Address
    codec: Codec
    events: int | None
    direction: str

    @property
    def may_send(self) -> bool:
        """False while the other end holds us."""
        return self.direction in {"sendrecv", "sendonly"}


def parse_sdp(body: bytes) -> Description:
    """Return the first RTP/AVP audio stream of a description; raises PeerError without one."""
    lines = body.decode(errors="replace").replace("\r\n", "\n").split("\n")
    session, *media = _sections(lines)
    for index, section in enumerate(media):
        kind, port, profile, *formats = section[0].removeprefix("m=").split()
        if kind == "audio" and profile == "RTP/AVP" and port.isdecimal() and int(port):
            host = _first(r"c=IN IP4 ([^\s/]+)", [*section, *session])
            payloads = tuple(int(word) for word in formats if word.isdecimal())
            way = _first(r"a=(sendrecv|sendonly|recvonly|inactive)\s*$", [*section, *session])
            events = _first(r"a=rtpmap:(\d+) telephone-event/8000", section)
            return Description(
                (_told(host), int(port)),
                payloads,
                int(events) if events else None,
                way or "sendrecv",
                tuple(part[0] for part in media),
                index,
            )
    raise PeerError("a session description without an RTP/AVP audio stream")


def _told(host: str | None) -> str:
    if host is None:
        raise PeerError("a session description without an IPv4 connection line")
    return host


def _sections(lines: list[str]) -> list[list[str]]:
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            if len(line.split()) < 4:
                raise PeerError(f"not a media line: {line!r}")
            sections.append([])
        sections[-1].append(line)
    return sections


def _first(pattern: str, lines: list[str]) -> str | None:
    found = (re.match(pattern, line, re.IGNORECASE) for line in lines)
    return next((match.group(1) for match in found if match), None)


def choose(theirs: Description, ours: tuple[Codec, ...]) -> Codec | None:
    """Return the other end's first codec that is also one of ours; None without any."""
    common = (BY_PAYLOAD[p] for p in theirs.payloads if p in BY_PAYLOAD)
    return next((codec for codec in common if codec in ours), None)


@dataclass(slots=True)
class Session:
    """Our side of the descriptions of one call; every new one has a greater version."""

    local: Address
    preferences: tuple[Codec, ...]
    identity: int
    version: int = 0

    def offer(self, direction: str = "sendrecv") -> bytes:
        """Return an offer with every codec of ours."""
        return self._build([self._audio(self.preferences, EVENTS, direction)])

    def answer(self, offer: bytes) -> tuple[bytes, Agreed] | None:
        """Return the answer and what it settles; None without a common codec; raises PeerError."""
        theirs = parse_sdp(offer)
        codec = choose(theirs, self.preferences)
        if codec is None:
            return None
        direction = MIRRORED[theirs.direction]
        parts = [_declined(line) for line in theirs.media]
        parts[theirs.audio] = self._audio((codec,), theirs.events, direction)
        return self._build(parts), Agreed(theirs.address, codec, theirs.events, direction)

    def settle(self, answer: bytes, offered: str = "sendrecv") -> Agreed | None:
        """Return what an answer to our offer settles; None without a common codec."""
        theirs = parse_sdp(answer)
        codec = choose(theirs, self.preferences)
        if codec is None:
            return None
        return Agreed(theirs.address, codec, theirs.events, _narrower(offered, theirs.direction))

    def _audio(self, codecs: tuple[Codec, ...], events: int | None, direction: str) -> list[str]:
        numbers = [c.payload for c in codecs] + ([] if events is None else [events])
        lines = [f"m=audio {self.local[1]} RTP/AVP {' '.join(map(str, numbers))}"]
        lines += [f"a=rtpmap:{codec.payload} {codec.name}/8000" for codec in codecs]
        if events is not None:
            lines += [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-15"]
        return [*lines, "a=ptime:20", f"a={direction}"]

    def _build(self, parts: list[list[str]]) -> bytes:
        self.version += 1
        host = self.local[0]
        head = [
            "v=0",
            f"o=- {self.identity} {self.version} IN IP4 {host}",
            "s=testphone",
            f"c=IN IP4 {host}",
            "t=0 0",
        ]
        return "".join(f"{line}\r\n" for line in [*head, *itertools.chain(*parts)]).encode()


def _declined(line: str) -> list[str]:
    kind, _, *rest = line.removeprefix("m=").split()
    return [f"m={kind} 0 {' '.join(rest)}"]


def _narrower(offered: str, answered: str) -> str:
    """Our direction: what we offered, without what the answer takes away."""
    sends = offered in {"sendrecv", "sendonly"} and answered in {"sendrecv", "recvonly"}
    hears = offered in {"sendrecv", "recvonly"} and answered in {"sendrecv", "sendonly"}
    return {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
        (sends, hears), "inactive"
    )
