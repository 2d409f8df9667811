"""SIP of the test phone: messages, digest, SDP and transactions, sans-I/O (RFC 3261, 3264)."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.dsp.wav import Sound


# ---- laws --------------------------------------------------------------------------------------
# The two codecs of the phone: payload type, name, silence and law (RFC 3551 section 6).

# dsp.wav hands the companding law's type on: the simulator may import g711 and wav alone.


@dataclass(frozen=True, slots=True)
class RtpCodec:
    """A G.711 codec: its static payload type, its SDP name, its law and one silent sample."""

    payload: int
    name: str
    law: Law
    silence: bytes


PCMU = RtpCodec(0, "PCMU", Law.ULAW, b"\xff")
PCMA = RtpCodec(8, "PCMA", Law.ALAW, b"\xd5")
BY_PAYLOAD = {codec.payload: codec for codec in (PCMU, PCMA)}
PREFERENCES = {"pcmu": (PCMU,), "pcma": (PCMA,), "both": (PCMU, PCMA)}
"""What the option --codec offers and takes."""


def law_called(name: str) -> Law:
    """Return the law of a name such as "ulaw"; raises ValueError."""
    return Law(name)


def written_for(sound: Sound, codec: RtpCodec) -> bytes:
    """Return a sound's bytes for the wire; the very same bytes when the law is the codec's."""
    return g711.translate(sound.data, sound.law, codec.law)


# ---- sip ---------------------------------------------------------------------------------------
# SIP messages: bytes to values and back (RFC 3261 section 7), and what stands inside a header.

Address = tuple[str, int]
DEFAULT_PORT = 5060
# Short header names (RFC 3261 section 7.3.3).
COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "k": "supported", "s": "subject", "e": "content-encoding",
}  # fmt: skip
REQUIRED = ("via", "from", "to", "call-id", "cseq")
# Headers whose commas separate values, so that two spellings mean the same.
LISTS = {"via", "contact", "route", "record-route"}
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_ITEM = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,"<])+')
_FOLD = re.compile(r"\r\n[ \t]+")


@dataclass(frozen=True, slots=True)
class SipMessage:
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
        values = [value for key, value in self.headers if canonical_name(key) == name]
        if name not in LISTS:
            return values
        return [item.strip() for value in values for item in _ITEM.findall(value)]

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a header, `default` without one."""
        return next(iter(self.all(name)), default)

    def encode(self) -> bytes:
        """Return the datagram, with its right Content-Length."""
        kept = [(k, v) for k, v in self.headers if canonical_name(k) != "content-length"]
        lines = [self.first, *(f"{k}: {v}" for k, v in kept), f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode(errors="surrogateescape") + self.body


def canonical_name(name: str) -> str:
    """Return a header's name in lower case and in full."""
    return COMPACT.get(name.lower(), name.lower())


def parse_message(datagram: bytes) -> SipMessage:
    """Return the message in a datagram; raises PeerError saying what is wrong with it."""
    head, _, body = datagram.partition(b"\r\n\r\n")
    lines = _FOLD.sub(" ", head.decode(errors="surrogateescape")).split("\r\n")
    if not re.fullmatch(r"[A-Z]+ \S+ SIP/2\.0|SIP/2\.0 [1-6]\d\d .*", lines[0]):
        raise PeerError(f"not a SIP message: {lines[0][:60]!r}")
    message = SipMessage(lines[0], tuple(_header(line) for line in lines[1:]), body)
    return _checked(message)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise PeerError(f"not a SIP header: {line[:60]!r}")
    return name.strip(), value.strip()


def _checked(message: SipMessage) -> SipMessage:
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


# BroadSoft's event package for answering at a server's word: what a 180 says of it.
TALKS = (("Allow-Events", "hold, talk"),)


def is_told_to_talk(request: SipMessage) -> bool:
    """True for a request that tells a ringing phone to answer."""
    return request.method == "NOTIFY" and request.get("event").strip().lower() == "talk"


def asks_to_pick_up(invite: SipMessage) -> bool:
    """True for an INVITE that asks the phone to answer by itself, at once.

    By RFC 5373 4.1, or as telephone systems do: Call-Info with answer-after=0, Alert-Info with
    info=alert-autoanswer.
    """
    mode = invite.get("answer-mode").partition(";")[0].strip().lower()
    after = parameters(invite.get("call-info")).get("answer-after")
    alert = parameters(invite.get("alert-info")).get("info", "").lower()
    return mode == "auto" or after == "0" or alert == "alert-autoanswer"


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


def sent_by(message: SipMessage) -> str:
    """Return host and port that the topmost Via names (RFC 3261 section 17.2.3)."""
    return message.get("via").split(";")[0].split()[-1].lower()


def reply_address(request: SipMessage, source: Address) -> Address:
    """Return where a response goes (RFC 3261 section 18.2.2, RFC 3581 section 4)."""
    if "rport" in parameters(request.get("via")):
        return source
    return source[0], host_in(sent_by(request))[1]


def response_to(
    request: SipMessage,
    status: str,
    tag: str,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> SipMessage:
    """Return the response to a request; `status` is code and phrase, `tag` our To-tag or ""."""
    to = request.get("to")
    if tag and "tag" not in parameters(to):
        to = f"{to};tag={tag}"
    vias = tuple(("Via", via) for via in request.all("via"))
    routes = tuple(("Record-Route", route) for route in request.all("record-route"))
    same = tuple((n, request.get(n.lower())) for n in ("From", "Call-ID", "CSeq"))
    return SipMessage(f"SIP/2.0 {status}", (*vias, *routes, ("To", to), *same, *headers), body)


def received_from(request: SipMessage, source: Address) -> SipMessage:
    """Return the request with `received` and `rport` filled in its topmost Via (RFC 3581)."""
    first, *others = request.all("via")
    stamped = re.sub(r";rport(?==|;|$)(=\d*)?", f";rport={source[1]}", first)
    if "received=" not in stamped:
        stamped += f";received={source[0]}"
    vias = tuple(("Via", via) for via in (stamped, *others))
    rest = tuple(h for h in request.headers if canonical_name(h[0]) != "via")
    return replace(request, headers=vias + rest)


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


# ---- sdp ---------------------------------------------------------------------------------------
# Session descriptions: one audio stream of G.711 with telephone-event (RFC 4566, 3264, 4733).

TELEPHONE_EVENT = 101
"""The dynamic payload type that this phone offers for telephone-event."""
# The answer to each direction offered (RFC 3264 section 6.1).
MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly",
            "inactive": "inactive"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SdpDescription:
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
class AgreedMedia:
    """What both ends settled: where to send, in which codec, and our own direction."""

    remote: Address
    codec: RtpCodec
    events: int | None
    direction: str

    @property
    def may_send(self) -> bool:
        """False while the other end holds us."""
        return self.direction in {"sendrecv", "sendonly"}


def parse_sdp(body: bytes) -> SdpDescription:
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
            return SdpDescription(
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


def chosen_codec(theirs: SdpDescription, ours: tuple[RtpCodec, ...]) -> RtpCodec | None:
    """Return the other end's first codec that is also one of ours; None without any."""
    common = (BY_PAYLOAD[p] for p in theirs.payloads if p in BY_PAYLOAD)
    return next((codec for codec in common if codec in ours), None)


@dataclass(slots=True)
class SdpSession:
    """Our side of the descriptions of one call; every new one has a greater version."""

    local: Address
    preferences: tuple[RtpCodec, ...]
    identity: int
    version: int = 0

    def offer(self, direction: str = "sendrecv") -> bytes:
        """Return an offer with every codec of ours."""
        return self._build([self._audio(self.preferences, TELEPHONE_EVENT, direction)])

    def answer(self, offer: bytes) -> tuple[bytes, AgreedMedia] | None:
        """Return the answer and what it settles; None without a common codec; raises PeerError."""
        theirs = parse_sdp(offer)
        codec = chosen_codec(theirs, self.preferences)
        if codec is None:
            return None
        direction = MIRRORED[theirs.direction]
        parts = [_declined(line) for line in theirs.media]
        parts[theirs.audio] = self._audio((codec,), theirs.events, direction)
        return self._build(parts), AgreedMedia(theirs.address, codec, theirs.events, direction)

    def settle(self, answer: bytes, offered: str = "sendrecv") -> AgreedMedia | None:
        """Return what an answer to our offer settles; None without a common codec."""
        theirs = parse_sdp(answer)
        codec = chosen_codec(theirs, self.preferences)
        if codec is None:
            return None
        return AgreedMedia(
            theirs.address, codec, theirs.events, _narrower(offered, theirs.direction)
        )

    def _audio(self, codecs: tuple[RtpCodec, ...], events: int | None, direction: str) -> list[str]:
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


# ---- account -----------------------------------------------------------------------------------
# The phone's account, and the headers made of it.

Headers = tuple[tuple[str, str], ...]
ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY")
AGENT = ("User-Agent", "Centralino test phone")
SDP_TYPE = ("Content-Type", "application/sdp")


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """A phone's name on the terminal, its SIP user and secret, its server and its own sockets."""

    name: str
    user: str
    secret: str
    server: Address
    local: Address
    rtp: Address
    preferences: tuple[RtpCodec, ...]

    @property
    def address(self) -> str:
        """The address of record."""
        return f"sip:{self.user}@{self.server[0]}:{self.server[1]}"

    @property
    def contact(self) -> tuple[str, str]:
        """The Contact header: where requests reach this phone."""
        return "Contact", f"<sip:{self.user}@{self.local[0]}:{self.local[1]}>"

    def via(self) -> tuple[str, str]:
        """Return a Via with a branch of its own; every request needs a new one."""
        where = f"{self.local[0]}:{self.local[1]}"
        return "Via", f"SIP/2.0/UDP {where};rport;branch={new_branch()}"

    def request(
        self, method: str, uri: str, ends: Headers, cseq: int, more: Headers = (), body: bytes = b""
    ) -> SipMessage:
        """Return a request; `ends` are From, To and Call-ID."""
        fixed = (self.via(), ("Max-Forwards", "70"), *ends, ("CSeq", f"{cseq} {method}"), AGENT)
        return SipMessage(f"{method} {uri} SIP/2.0", (*fixed, *more), body)


# ---- wire --------------------------------------------------------------------------------------
# SIP transactions over UDP, sans-I/O: what is repeated until it is answered (RFC 3261 section 17).
#
# Client side: requests are repeated until a response, a refused INVITE is acknowledged. Server
# side: a repeated request gets the same response again, a final answer to INVITE is repeated until
# its ACK. The phone sees each request and each response once, but every 2xx to INVITE.

if TYPE_CHECKING:
    OnResponse = Callable[[SipMessage | None, float], None]

# Seconds before the first repetition (RFC 3261 table 4); it doubles up to T2.
T1 = 0.5
T2 = 4.0
TRANSACTION_LIMIT = 64 * T1
"""32 s: after that nobody will answer."""
# What every branch begins with (RFC 3261 section 8.1.1.7).
BRANCH_COOKIE = "z9hG4bK"

TransactionKey = tuple[str, ...]


@dataclass(slots=True)
class Retransmission:
    """A datagram sent again until it is answered or `ends_at` is past."""

    data: bytes
    to: Address
    cap: float
    next_at: float
    ends_at: float
    on_timeout: Callable[[float], None]
    interval: float = T1


@dataclass(slots=True)
class ClientTransaction:
    """A request of ours; `ack` is what acknowledges its refusal again and again."""

    request: SipMessage
    to: Address
    on_response: OnResponse
    ack: bytes | None = None
    expires: float = math.inf


@dataclass(slots=True)
class ServerTransaction:
    """A request of theirs and our last response to it, if any yet."""

    data: bytes | None = None
    to: Address | None = None
    expires: float = math.inf
    is_refusal: bool = False


class TransactionLayer:
    """Every transaction of one phone; `outbox` holds the datagrams to send."""

    def __init__(self, on_request: Callable[[SipMessage, Address, float], None]) -> None:
        self.outbox: list[tuple[bytes, Address]] = []
        self.nonsense = 0
        self.ignores_requests = False
        self._on_request = on_request
        self._repeats: dict[TransactionKey, Retransmission] = {}
        self._clients: dict[TransactionKey, ClientTransaction] = {}
        self._answered: dict[TransactionKey, ServerTransaction] = {}

    @property
    def deadline(self) -> float:
        """When `tick` has something to do; infinite for never."""
        return min((min(r.next_at, r.ends_at) for r in self._repeats.values()), default=math.inf)

    @property
    def is_waiting(self) -> bool:
        """True while something of ours is unanswered."""
        return bool(self._repeats)

    def forget(self) -> None:
        """Drop everything, as a phone does whose plug is pulled."""
        self.outbox.clear()
        self._repeats.clear()
        self._clients.clear()
        self._answered.clear()

    def send(self, message: SipMessage, to: Address) -> None:
        """Send a message once (an ACK)."""
        self.outbox.append((message.encode(), to))

    def request(
        self, message: SipMessage, to: Address, now: float, on_response: OnResponse
    ) -> None:
        """Send a request until it is answered; `on_response(None, now)` when nobody does."""
        key = (message.branch, message.method)
        self._clients[key] = ClientTransaction(message, to, on_response)
        # Timer A doubles without bound, timer E stops at T2 (RFC 3261 17.1.1.2, 17.1.2.2).
        cap = math.inf if message.method == "INVITE" else T2
        self._repeat(key, message.encode(), to, cap, now, lambda at: self._give_up(key, at))

    def respond(
        self,
        request: SipMessage,
        source: Address,
        answer: SipMessage,
        now: float,
        on_no_ack: Callable[[float], None] | None = None,
    ) -> None:
        """Answer a request; a final answer to INVITE is repeated until its ACK."""
        data, to = answer.encode(), reply_address(request, source)
        key = server_key(request)
        is_final = answer.status >= 200
        self._answered[key] = ServerTransaction(
            data, to, now + TRANSACTION_LIMIT if is_final else math.inf, answer.status >= 300
        )
        if request.method == "INVITE" and is_final:
            self._repeat(key, data, to, T2, now, on_no_ack or (lambda _: None))
        else:
            self.outbox.append((data, to))

    def acknowledged(self, invite: SipMessage) -> None:
        """Stop repeating the 2xx to an INVITE: its ACK is there."""
        self._repeats.pop(server_key(invite), None)

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram; what is not SIP is counted in `nonsense` and dropped."""
        if not data.strip():
            return  # a keep-alive (RFC 5626 section 3.5.1)
        try:
            message = parse_message(data)
            if not message.is_request:
                self._take_response(message, now)
            elif not self.ignores_requests:
                self._take_request(received_from(message, source), source, now)
        except PeerError:
            self.nonsense += 1

    def tick(self, now: float) -> None:
        """Repeat what is due, give up what is too old."""
        for key, repeat in list(self._repeats.items()):
            if now >= repeat.ends_at:
                del self._repeats[key]
                repeat.on_timeout(now)
            elif now >= repeat.next_at:
                repeat.interval = min(2 * repeat.interval, repeat.cap)
                repeat.next_at = now + repeat.interval
                self.outbox.append((repeat.data, repeat.to))
        self._answered = {k: a for k, a in self._answered.items() if now < a.expires}
        self._clients = {k: c for k, c in self._clients.items() if now < c.expires}

    def _repeat(
        self,
        key: TransactionKey,
        data: bytes,
        to: Address,
        cap: float,
        now: float,
        on_timeout: Callable[[float], None],
    ) -> None:
        self.outbox.append((data, to))
        self._repeats[key] = Retransmission(
            data, to, cap, now + T1, now + TRANSACTION_LIMIT, on_timeout
        )

    def _give_up(self, key: TransactionKey, now: float) -> None:
        client = self._clients.pop(key)
        client.on_response(None, now)

    def _take_request(self, request: SipMessage, source: Address, now: float) -> None:
        reply_address(request, source)  # nobody is served who cannot be answered
        key = server_key(request)
        known = self._answered.get(key)
        if request.method == "ACK":
            if known and known.is_refusal:  # the refusal's own ACK bears the INVITE's branch
                self._repeats.pop(key, None)
            else:
                self._on_request(request, source, now)
        elif known is None:
            self._answered[key] = ServerTransaction()
            self._on_request(request, source, now)
        elif known.data is not None and known.to is not None:
            self.outbox.append((known.data, known.to))

    def _take_response(self, response: SipMessage, now: float) -> None:
        key = (response.branch, response.method)
        client = self._clients.get(key)
        if client is None:
            return
        if response.method == "INVITE":
            self._take_invite_response(key, client, response, now)
        elif response.status >= 200:
            self._repeats.pop(key, None)
            del self._clients[key]
            client.on_response(response, now)

    def _take_invite_response(
        self, key: TransactionKey, client: ClientTransaction, response: SipMessage, now: float
    ) -> None:
        self._repeats.pop(key, None)  # timer A ends with any response
        if client.ack is not None:
            self.outbox.append((client.ack, client.to))
            return
        if response.status >= 200:
            client.expires = now + TRANSACTION_LIMIT
        if response.status >= 300:
            client.ack = refusal_ack(client.request, response).encode()
            self.outbox.append((client.ack, client.to))
        client.on_response(response, now)


def server_key(request: SipMessage) -> TransactionKey:
    """Return what names a transaction of theirs; an ACK belongs to its INVITE (17.2.3)."""
    method = "INVITE" if request.method == "ACK" else request.method
    return request.branch, sent_by(request), method


def refusal_ack(invite: SipMessage, response: SipMessage) -> SipMessage:
    """Return the ACK to a refused INVITE: the INVITE's own branch (RFC 3261 17.1.1.3)."""
    kept = ("via", "from", "call-id", "max-forwards", "route")
    headers = [h for h in invite.headers if canonical_name(h[0]) in kept]
    headers += [("To", response.get("to")), ("CSeq", f"{invite.cseq} ACK")]
    return SipMessage(f"ACK {invite.uri} SIP/2.0", tuple(headers))


def new_branch() -> str:
    """Return a branch that no other transaction has, also not after a restart."""
    return BRANCH_COOKIE + secrets.token_hex(8)
