"""Session descriptions: our offer, a phone's answer or offer, and what is agreed.

RFC 8866 and RFC 3264, for one audio stream of G.711 at 20 ms with RFC 4733 keys. Everything else a
phone may propose (video, SRTP, IPv6) is refused with its reason.
"""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import dataclass, replace

from appliance.calls.events import MediaAgreed
from appliance.dsp.wav import FRAME_MS, Law
from appliance.errors import PeerError
from appliance.sip.rtp import Address

# RFC 3551 table 4.
PAYLOAD_TYPES = {Law.ULAW: 0, Law.ALAW: 8}
NAMES = {Law.ULAW: "PCMU/8000", Law.ALAW: "PCMA/8000"}
EVENTS_PAYLOAD = 101
EVENTS_NAME = "telephone-event/8000"
NO_EVENTS = -1
# Lines beyond it are not read: a body may fill a whole datagram (message.LIMIT).
MAX_LINES = 256
# RTP/AVPF (feedback, RFC 4585) is agreed to and no feedback is sent: it asks for nothing that G.711
# could do. SRTP is refused: its key would travel in the clear (docs/design/failures.md).
PROTOCOLS = {"RTP/AVP", "RTP/AVPF"}


class NoCommonSound(PeerError):  # noqa: N818 - it is what the phone is told
    """Raised when an offer or answer holds no audio that we can send and receive; says why."""


class MediaDirection(enum.StrEnum):
    """Direction of sound, seen from the writer of the description (RFC 3264 5.1)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def mirrored(self) -> MediaDirection:
        """Direction that answers this one (RFC 3264 6.1)."""
        mirror = {
            MediaDirection.SENDONLY: MediaDirection.RECVONLY,
            MediaDirection.RECVONLY: MediaDirection.SENDONLY,
        }
        return mirror.get(self, self)


@dataclass(frozen=True, slots=True)
class SdpAudio:
    """A phone's one usable audio stream.

    `is_off`: a phone in a call has switched it off (port 0), as some do to hold (RFC 3264 8.2).
    """

    remote: Address
    laws: tuple[Law, ...]
    events_payload: int = NO_EVENTS
    direction: MediaDirection = MediaDirection.SENDRECV
    is_off: bool = False

    @property
    def sending(self) -> bool:
        """True when we are to send."""
        # RFC 3264 8.4: 0.0.0.0 is the old way to hold.
        is_open = self.remote[0] != "0.0.0.0" and not self.is_off  # noqa: S104 - read, not bound
        return is_open and self.direction in {
            MediaDirection.SENDRECV,
            MediaDirection.RECVONLY,
        }

    @property
    def receiving(self) -> bool:
        """True when the phone sends."""
        return not self.is_off and self.direction in {
            MediaDirection.SENDRECV,
            MediaDirection.SENDONLY,
        }


@dataclass(frozen=True, slots=True)
class SdpSession:
    """Our side of a session: address, laws (preferred first), numbers of the o= line."""

    local: Address
    laws: tuple[Law, ...]
    number: int
    version: int = 0
    events_payload: int = EVENTS_PAYLOAD

    def offer(self) -> str:
        """Return our offer."""
        return self._head() + _audio(
            self.local[1], self.laws, self.events_payload, MediaDirection.SENDRECV
        )

    def answer(self, offer: str, sound: SdpAudio, law: Law) -> str:
        """Return our answer: every stream of the offer in its place, all but the audio refused."""
        streams, text = _split(offer)[1], self._head()
        taken = next((s for s in streams if _usable(s) == ""), None)
        for stream in streams:
            if stream is taken:
                direction, events = sound.direction.mirrored, sound.events_payload
                text += _audio(self.local[1], (law,), events, direction, stream.protocol)
            else:
                # RFC 3264 6: a refused stream keeps its line, with port 0.
                text += f"m={stream.kind} 0 {stream.protocol} {' '.join(stream.formats) or '0'}\r\n"
        return text

    def next_version(self) -> SdpSession:
        """Return the session with its version counted up, as every change requires (RFC 3264 8)."""
        return replace(self, version=self.version + 1)

    def _head(self) -> str:
        host = self.local[0]
        return (
            f"v=0\r\no=centralino {self.number} {self.version} IN IP4 {host}\r\n"
            f"s=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        )


def _audio(
    port: int,
    laws: tuple[Law, ...],
    events: int,
    direction: MediaDirection,
    protocol: str = "RTP/AVP",
) -> str:
    formats = {PAYLOAD_TYPES[law]: NAMES[law] for law in laws}
    if events != NO_EVENTS:
        formats[events] = EVENTS_NAME
    lines = [f"m=audio {port} {protocol} {' '.join(map(str, formats))}"]
    lines += [f"a=rtpmap:{number} {name}" for number, name in formats.items()]
    if events != NO_EVENTS:
        # RFC 4733 2.4.1: events 0-15 are DTMF, 16 the hook flash of the R key.
        lines.append(f"a=fmtp:{events} 0-16")
    lines += [f"a=ptime:{FRAME_MS}", f"a={direction}"]
    return "".join(f"{line}\r\n" for line in lines)


@dataclass(frozen=True, slots=True)
class _Stream:
    """One m= line with the lines below it."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    lines: tuple[str, ...]


def read(text: str) -> SdpAudio:
    """Return the first usable audio stream of a description; raises NoCommonSound."""
    session, streams = _split(text)
    reasons = [_usable(stream) for stream in streams]
    if "" not in reasons:
        raise NoCommonSound("; ".join(reasons) or "no description of sound")
    stream = streams[reasons.index("")]
    names = _rtpmaps(stream)
    laws = tuple(law for n in stream.formats if (law := _law(n, names)) is not None)
    events = (int(n) for n in stream.formats if names.get(n, "").lower() == EVENTS_NAME)
    return SdpAudio(
        (_address((*stream.lines, *session)), stream.port),
        tuple(dict.fromkeys(laws)),
        next(events, NO_EVENTS),
        _direction((*stream.lines, *session)),
    )


def is_off(text: str) -> bool:
    """Return whether a description has audio, all of it with port 0."""
    ports = [stream.port for stream in _split(text)[1] if stream.kind == "audio"]
    return bool(ports) and not any(ports)


def common_law(sound: SdpAudio, wanted: tuple[Law, ...]) -> Law:
    """Return the phone's first law that is among ours; raises NoCommonSound."""
    # RFC 3264 7: of several formats in an answer the first one should be used.
    for law in sound.laws:
        if law in wanted:
            return law
    raise NoCommonSound("none of the codings that were offered")


def _split(text: str) -> tuple[tuple[str, ...], list[_Stream]]:
    """Split a description into its session lines and its streams."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines()[:MAX_LINES]:
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line.strip())
    return tuple(blocks[0]), [_stream(block) for block in blocks[1:]]


def _stream(lines: list[str]) -> _Stream:
    kind, port, protocol, *formats = [*lines[0][2:].split(), "", "", ""]
    number = port.partition("/")[0]
    known = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0
    return _Stream(kind, known, protocol, tuple(f for f in formats if f), tuple(lines[1:]))


def _usable(stream: _Stream) -> str:
    """Return "" for a stream that we can use, else why not."""
    if stream.kind != "audio":
        return f"{stream.kind or 'nameless'} is not taken"
    if not 0 < stream.port < 0x10000:
        return "its audio is refused (port 0)"
    if stream.protocol not in PROTOCOLS:
        return f"{stream.protocol} is not taken, only RTP/AVP"
    names = _rtpmaps(stream)
    if all(_law(number, names) is None for number in stream.formats):
        return "neither PCMA nor PCMU"
    return ""


def _rtpmaps(stream: _Stream) -> dict[str, str]:
    maps = (line[9:].partition(" ") for line in stream.lines if line.startswith("a=rtpmap:"))
    names = {number: name.strip() for number, _, name in maps}
    return {n: name for n, name in names.items() if n.isascii() and n.isdigit() and len(n) < 4}


def _law(number: str, names: dict[str, str]) -> Law | None:
    """Return the law of a static payload type, None if an rtpmap gives it another meaning."""
    for law, payload_type in PAYLOAD_TYPES.items():
        if number == str(payload_type):
            name = names.get(number, NAMES[law]).lower().removesuffix("/1")
            return law if name == NAMES[law].lower() else None
    return None


def _address(lines: tuple[str, ...]) -> str:
    """Return the connection address: the stream's own, else the session's (RFC 8866 5.7)."""
    line = next((line for line in lines if line.startswith("c=")), "c=")
    try:
        return str(ipaddress.IPv4Address(line.split()[-1].partition("/")[0]))
    except ValueError as error:
        raise NoCommonSound(f"no IPv4 address in {line[:60]!r}") from error


def _direction(lines: tuple[str, ...]) -> MediaDirection:
    known = {f"a={direction}": direction for direction in MediaDirection}
    # RFC 8866 6.7: sendrecv where none is given.
    return next((known[line] for line in lines if line in known), MediaDirection.SENDRECV)


@dataclass(slots=True)
class Agreement:
    """Offer and answer of one leg; `laws` are ours, preferred first."""

    leg: str
    laws: tuple[Law, ...]
    session: SdpSession | None = None
    told: MediaAgreed | None = None
    _sound: SdpAudio | None = None
    _we_offered: bool = False

    def read(self, description: str) -> None:
        """Read the phone's offer or answer; raises NoCommonSound, and then nothing has changed."""
        if self._sound is not None and self.told is not None and is_off(description):
            # On hold by port 0: the codings agreed before stay.
            self._sound = replace(self._sound, is_off=True)
            return
        sound = read(description)
        common_law(sound, self.laws)
        self._sound = sound

    def offer(self) -> str:
        """Return our offer, each time as a new version."""
        assert self.session is not None
        self._we_offered = True
        self.session = self.session.next_version()
        return self.session.offer()

    def repeated(self) -> str:
        """Return our offer unchanged: a session is renewed, not changed (RFC 4028 7.4)."""
        assert self.session is not None
        self._we_offered = True
        return self.session.offer()

    @property
    def is_held(self) -> bool:
        """True while sound does not flow both ways: then silence is no sign of anything."""
        return self.told is not None and not (self.told.sending and self.told.receiving)

    def answer(self, offer: str) -> str:
        """Return our answer to the offer that was read last."""
        assert self.session is not None
        assert self._sound is not None
        self._we_offered = False
        self.session = self.session.next_version()
        return self.session.answer(offer, self._sound, self._law(self._sound))

    def news(self) -> MediaAgreed | None:
        """Return what is agreed now; None when call control knows it already."""
        assert self._sound is not None
        sound = self._sound
        agreed = MediaAgreed(
            self.leg,
            *sound.remote,
            str(self._law(sound)),
            sound.events_payload,
            sound.sending,
            sound.receiving,
            self._offered(sound),
        )
        if agreed == self.told:
            return None
        self.told = agreed
        return agreed

    def _offered(self, sound: SdpAudio) -> int:
        """Return the keys' payload type of our offer if the phone's answer names another one."""
        ours = self.session.events_payload if self.session and self._we_offered else NO_EVENTS
        is_other = sound.events_payload not in {ours, NO_EVENTS}
        return ours if is_other else NO_EVENTS

    def _law(self, sound: SdpAudio) -> Law:
        """Return the coding in use if the phone still lists it, else a common one."""
        if self.told and Law(self.told.law) in sound.laws:
            return Law(self.told.law)
        return common_law(sound, self.laws)
