"""Session descriptions: one audio stream of G.711 with telephone-event (RFC 4566, 3264, 4733)."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import PeerError
from appliance.testphone.laws import BY_PAYLOAD, Codec

if TYPE_CHECKING:
    from appliance.testphone.sip import Address

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


def parse(body: bytes) -> Description:
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
        theirs = parse(offer)
        codec = choose(theirs, self.preferences)
        if codec is None:
            return None
        direction = MIRRORED[theirs.direction]
        parts = [_declined(line) for line in theirs.media]
        parts[theirs.audio] = self._audio((codec,), theirs.events, direction)
        return self._build(parts), Agreed(theirs.address, codec, theirs.events, direction)

    def settle(self, answer: bytes, offered: str = "sendrecv") -> Agreed | None:
        """Return what an answer to our offer settles; None without a common codec."""
        theirs = parse(answer)
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
