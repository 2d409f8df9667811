"""Provisioning over HTTP: the window in which a phone may fetch its file, and its server."""

from __future__ import annotations

import errno
import hmac
import selectors
import socket
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from appliance.policy.text import NOTHING, Refused, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from ipaddress import IPv4Network

    from appliance.provisioning.templates import PhoneMake


# ---- window ------------------------------------------------------------------------------------
# The window in which files are served: what is answered to whom, without socket or clock.
#
# A file holds a password in clear, and phones out of the box can fetch it by plain HTTP only. So it
# is there for minutes, for a phone that is expected by its hardware address or knows a token, from
# one place, a few times, and no more once the phone has registered. Whoever asks for anything else
# learns nothing: the answer is always the same 404.

MOST_FETCHES = 10
"""Times a phone is given a file in a window; it fetches one or two, once or twice at each start."""
MOST_WRONG = 20
"""Wrong names of one stranger before it is heard no more; a phone that is known may ask on."""
MAX_SOURCES = 256
"""Sources remembered; the one that asked longest ago makes room."""
LONGEST_PATH = 128


@dataclass(slots=True)
class OfferedFile:
    """One phone's file. `mac` is "" for a phone that is known by its token alone.

    `source` is where it was fetched from, "" before.
    """

    phone: str
    make: PhoneMake
    text: str
    mac: str = ""
    token: str = ""
    fetches: int = 0
    source: str = ""
    is_registered: bool = False


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """What is sent: an HTTP status with a body, and what is said of it at the box."""

    code: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    said: Words = NOTHING


NOT_HERE = 404
CLOSED = WindowAnswer(NOT_HERE)


@dataclass(slots=True)
class ProvisioningWindow:
    """Serves `offers` until `closes_at` (monotonic s), to hosts of the networks `allowed` alone, ()
    for every one.
    """

    offers: list[OfferedFile]
    closes_at: float
    allowed: tuple[IPv4Network, ...] = ()
    _wrong: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def is_open(self, now: float) -> bool:
        """Tell whether there is still something to wait for."""
        return now < self.closes_at and not all(offer.is_registered for offer in self.offers)

    def registered(self, phones: Collection[str]) -> list[OfferedFile]:
        """Take note of which phones are registered; returns those that have just become so."""
        new = [o for o in self.offers if o.phone in phones and not o.is_registered]
        for offer in new:
            offer.is_registered = True
        return new

    def answer(self, path: str, source: str, hardware: str, now: float) -> WindowAnswer:
        """Answer a GET of `path` from host `source`, whose hardware address the kernel knows as
        `hardware` ("" for unknown, as behind a router).
        """
        if now >= self.closes_at or not self._is_heard(source):
            return CLOSED
        offer = self._wanted(path)
        if offer is None:
            return self._unknown(path, source, hardware)
        if why := self._why_not(offer, source, hardware):
            return WindowAnswer(NOT_HERE, said=why)
        offer.fetches, offer.source = offer.fetches + 1, source
        said = Words(
            f"{offer.phone}: file preso da {source} ({offer.make.name})",
            f"{offer.phone}: file fetched by {source} ({offer.make.name})",
        )
        is_lead = offer.make.leads(path.rpartition("/")[2], offer.mac)
        text = offer.make.lead_text if is_lead else offer.text
        return WindowAnswer(200, text.encode(), offer.make.content_type, said)

    def _is_heard(self, source: str) -> bool:
        if self._wrong.get(source, 0) >= MOST_WRONG:
            return False
        address = IPv4Address(source)
        return not self.allowed or any(address in network for network in self.allowed)

    def _expected(self, source: str, hardware: str) -> OfferedFile | None:
        """Return the phone that asks, if known: makes ask for many files that are not ours."""
        for offer in self.offers:
            if source == offer.source or (offer.mac and offer.mac == hardware):
                return offer
        return None

    def _wanted(self, path: str) -> OfferedFile | None:
        """Return whose file a path names: `/<token>/<file>`, or a name that holds its address."""
        if len(path) > LONGEST_PATH or not path.isascii():
            return None
        token, slash, name = path.removeprefix("/").rpartition("/")
        for offer in self.offers:
            if slash and offer.token and hmac.compare_digest(token, offer.token):
                return offer if offer.make.asks_for(name, offer.mac) else None
            if not slash and offer.mac and offer.make.asks_for(name, offer.mac):
                return offer
        return None

    def _why_not(self, offer: OfferedFile, source: str, hardware: str) -> Words | None:
        """Say why an expected file is not given all the same; None when it is."""
        if offer.is_registered:
            return Words(
                f"{offer.phone}: rifiutato a {source}, il telefono è già registrato",
                f"{offer.phone}: refused to {source}, the phone is registered already",
            )
        if offer.mac and hardware and hardware != offer.mac:
            return Words(
                f"{offer.phone}: rifiutato a {source}: l'indirizzo fisico {hardware} è di un altro",
                f"{offer.phone}: refused to {source}: hardware address {hardware} is another one's",
            )
        if offer.source and source != offer.source:
            return Words(
                f"{offer.phone}: rifiutato a {source}, il file è già andato a {offer.source}",
                f"{offer.phone}: refused to {source}, the file has gone to {offer.source}",
            )
        if offer.fetches >= MOST_FETCHES:
            return Words(
                f"{offer.phone}: rifiutato a {source}, preso già {MOST_FETCHES} volte",
                f"{offer.phone}: refused to {source}, fetched {MOST_FETCHES} times already",
            )
        return None

    def _unknown(self, path: str, source: str, hardware: str) -> WindowAnswer:
        name = "".join(c if c.isprintable() and c.isascii() else "?" for c in path[:LONGEST_PATH])
        if offer := self._expected(source, hardware):
            said = Words(
                f"{offer.phone}: chiede anche {name}: non serve",
                f"{offer.phone}: asks for {name} as well: not needed",
            )
            return WindowAnswer(NOT_HERE, said=said)
        self._wrong[source] = self._wrong.get(source, 0) + 1
        self._wrong.move_to_end(source)
        if len(self._wrong) > MAX_SOURCES:
            self._wrong.popitem(last=False)
        last = self._wrong[source] == MOST_WRONG
        return WindowAnswer(
            NOT_HERE,
            said=Words(
                f"{source} chiede {name}: non c'è" + (", non viene più ascoltato" if last else ""),
                f"{source} asks for {name}: not here" + (", it is heard no more" if last else ""),
            ),
        )


# ---- server ------------------------------------------------------------------------------------
# The socket of the window: one selector, a few visitors at once, each for a few seconds.

PORT = 5080
"""TCP; above 1023, so that the service's user may open it. The QR codes name it."""
VISITORS = 16
"""Connections served at once; one more is turned away."""
PATIENCE = 5.0
"""Seconds that a visitor has for request and answer together."""
RATE = 20
"""Connections a second over all; a flood costs no more than accepting and closing them."""
ARP = Path("/proc/net/arp")
WHY_NOT = {
    errno.EADDRINUSE: "another program has that port, perhaps another `centralino phones serve`",
    errno.EADDRNOTAVAIL: "the box does not have this address: give another --address",
}


def hardware_of(host: str, table: str) -> str:
    """Return the hardware address of a host in the kernel's table (proc(5)), "" for unknown."""
    for row in table.splitlines()[1:]:
        cells = row.split()
        if len(cells) >= 4 and cells[0] == host and cells[2] != "0x0":
            return cells[3].replace(":", "").lower()
    return ""


@dataclass(slots=True, eq=False)
class Visitor:
    """One connection: who, until when, what has come, what is still to be sent."""

    sock: socket.socket
    host: str
    until: float
    heard: bytes = b""
    to_send: bytes = b""


@dataclass(slots=True)
class ProvisioningServer:
    """Serves `window` at `address`; `say` hears what happens, `clock` is monotonic."""

    address: tuple[str, int]
    window: ProvisioningWindow
    say: Callable[[Words], None]
    arp: Path = ARP
    clock: Callable[[], float] = time.monotonic
    _visitors: list[Visitor] = field(default_factory=list)
    _arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=RATE))
    _listening: socket.socket = field(init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        self._listening = _listen(self.address)
        self.address = self._listening.getsockname()
        self._selector.register(self._listening, selectors.EVENT_READ)

    def turn(self, longest: float) -> None:
        """Wait for something, `longest` seconds at most, and deal with it."""
        for key, _ in self._selector.select(longest):
            if key.fileobj is self._listening:
                self._arrive()
            else:
                self._attend(key.data)
        for visitor in [v for v in self._visitors if v.until <= self.clock()]:
            self._leave(visitor)

    def close(self) -> None:
        """Let everybody go."""
        for visitor in list(self._visitors):
            self._leave(visitor)
        self._selector.close()
        self._listening.close()

    def _arrive(self) -> None:
        try:
            sock, (host, _) = self._listening.accept()
        except OSError:  # gone again already, or no descriptor is left
            return
        now = self.clock()
        is_flood = len(self._arrivals) == RATE and now - self._arrivals[0] < 1.0
        if is_flood or len(self._visitors) >= VISITORS:
            sock.close()
            return
        self._arrivals.append(now)
        sock.setblocking(False)
        visitor = Visitor(sock, host, now + PATIENCE)
        self._visitors.append(visitor)
        self._selector.register(sock, selectors.EVENT_READ, visitor)

    def _attend(self, visitor: Visitor) -> None:
        try:
            done = self._send(visitor) if visitor.to_send else self._hear(visitor)
        except OSError:
            done = True
        if done:
            self._leave(visitor)

    def _hear(self, visitor: Visitor) -> bool:
        data = visitor.sock.recv(LONGEST_HEAD)
        visitor.heard += data
        request = read_request(visitor.heard)
        if request is None:
            return not data
        visitor.to_send = self._answer(visitor, request)
        self._selector.modify(visitor.sock, selectors.EVENT_WRITE, visitor)
        return False

    def _answer(self, visitor: Visitor, request: HttpRequest) -> bytes:
        if request.code != 200:
            return write_response(request.code, b"", "text/plain")
        hardware = hardware_of(visitor.host, self._table())
        answer = self.window.answer(request.path, visitor.host, hardware, self.clock())
        if answer.said.en:
            self.say(answer.said)
        return write_response(
            answer.code, answer.body, answer.content_type, is_head=request.is_head
        )

    def _table(self) -> str:
        try:
            return self.arp.read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""

    def _send(self, visitor: Visitor) -> bool:
        sent = visitor.sock.send(visitor.to_send)
        visitor.to_send = visitor.to_send[sent:]
        return not visitor.to_send

    def _leave(self, visitor: Visitor) -> None:
        self._selector.unregister(visitor.sock)
        visitor.sock.close()
        self._visitors.remove(visitor)


def _listen(address: tuple[str, int]) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        why = WHY_NOT.get(error.errno or 0, error.strerror or str(error))
        where = f"{address[0]}:{address[1]}"
        raise Refused(
            f"i file dei telefoni non si possono servire a {where}: {why}",
            f"phones cannot be served at {where}: {why}",
        ) from error
    listening.listen(VISITORS)
    listening.setblocking(False)
    return listening


# ---- http --------------------------------------------------------------------------------------
# As much of HTTP/1.1 as a phone that fetches its file needs: bytes in, one path out (RFC 9112).
#
# GET and HEAD of one path a connection; the answer closes it. Not the standard library's
# http.server: that one serves either one visitor at a time, who may dawdle for ever, or each in a
# thread of his own without a limit.

LONGEST_HEAD = 4096
"""Bytes of a request's head; phones send some hundreds."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A whole request; `path` is decoded, without query; "" for one that is not understood."""

    path: str
    is_head: bool = False
    code: int = 200


def read_request(data: bytes) -> HttpRequest | None:
    """Read what has come so far: None while the head is not whole."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        head, end, _ = data.partition(b"\n\n")
    if len(head) > LONGEST_HEAD:
        return HttpRequest("", code=431)
    if not end:
        return None
    words = head.splitlines()[0].split() if head.strip() else []
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return HttpRequest("", code=400)
    if words[0] not in {b"GET", b"HEAD"}:
        return HttpRequest("", code=405)
    return HttpRequest(_path(words[1]), words[0] == b"HEAD")


def _path(target: bytes) -> str:
    """Return the path of a target; what is no text stays visible as a replacement sign."""
    return unquote_to_bytes(target.partition(b"?")[0]).decode("utf-8", "replace")


def write_response(code: int, body: bytes, content_type: str, *, is_head: bool = False) -> bytes:
    """Write a response that ends the connection."""
    lines = [
        f"HTTP/1.1 {code} {HTTPStatus(code).phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if is_head else body)
