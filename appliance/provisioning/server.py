"""Provisioning over HTTP: the window in which phones may fetch their files, and its server."""

from __future__ import annotations

import errno
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.http_server import HttpLimits, HttpResponse, HttpServer, listen
from appliance.policy.text import Refused
from appliance.text import NOTHING, Words, _

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection
    from ipaddress import IPv4Network

    from appliance.http_server import HttpRequest
    from appliance.provisioning.templates import PhoneMake


# The window: which request gets which response, without socket or clock. A file holds a password in
# clear, and phones fresh from the box can only use plain HTTP. So it is served for minutes, to a
# phone that is expected by its hardware address or knows a token, from one address, a few times,
# and no more once the phone has registered. Any other request learns nothing: the response is
# always the same 404.

# A phone fetches one or two files, once or twice at each start.
MOST_FETCHES = 10
"""Times that a phone's file is served in one window."""
# A known phone is not limited: makes ask for many files that do not exist here.
MOST_WRONG = 20
"""Wrong names from an unknown source before it is ignored."""
MAX_SOURCES = 256
"""Sources remembered; the least recent one is dropped."""
LONGEST_PATH = 128


@dataclass(slots=True)
class OfferedFile:
    """One phone's file; `mac` is "" for a phone known by its token only.

    `source` is the address that fetched it, "" before.
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
    """An HTTP status with body, and the sentence for the technician's terminal."""

    code: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    said: Words = NOTHING


NOT_HERE = 404
CLOSED = WindowAnswer(NOT_HERE)


@dataclass(slots=True)
class FileWindow:
    """Serves `offers` until `closes_at` (monotonic s) to the networks `allowed`, () for all."""

    offers: list[OfferedFile]
    closes_at: float
    allowed: tuple[IPv4Network, ...] = ()
    _wrong: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def is_open(self, now: float) -> bool:
        """True until the time is over or every phone has registered."""
        return now < self.closes_at and not all(offer.is_registered for offer in self.offers)

    def registered(self, phones: Collection[str]) -> list[OfferedFile]:
        """Note the registered phones; return the newly registered ones."""
        new = [o for o in self.offers if o.phone in phones and not o.is_registered]
        for offer in new:
            offer.is_registered = True
        return new

    def answer(self, path: str, source: str, hardware: str, now: float) -> WindowAnswer:
        """Respond to a GET of `path` from host `source`.

        `hardware` is its hardware address by the kernel's table, "" if unknown, as behind a router.
        """
        if now >= self.closes_at or not self._is_heard(source):
            return CLOSED
        offer = self._wanted(path)
        if offer is None:
            return self._unknown(path, source, hardware)
        if why := self._why_not(offer, source, hardware):
            return WindowAnswer(NOT_HERE, said=why)
        offer.fetches, offer.source = offer.fetches + 1, source
        said = _(
            "{phone}: file fetched by {source} ({name})",
            phone=offer.phone,
            source=source,
            name=offer.make.name,
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
        """Return the known phone behind a request, None for a stranger."""
        for offer in self.offers:
            if source == offer.source or (offer.mac and offer.mac == hardware):
                return offer
        return None

    def _wanted(self, path: str) -> OfferedFile | None:
        """Return the offer of a path: `/<token>/<file>`, or a name with the hardware address."""
        if len(path) > LONGEST_PATH or not path.isascii():
            return None
        token, slash, name = path.removeprefix("/").rpartition("/")
        for offer in self.offers:
            # Constant time: response times must not reveal a token letter by letter.
            if slash and offer.token and hmac.compare_digest(token, offer.token):
                return offer if offer.make.asks_for(name, offer.mac) else None
            if not slash and offer.mac and offer.make.asks_for(name, offer.mac):
                return offer
        return None

    def _why_not(self, offer: OfferedFile, source: str, hardware: str) -> Words | None:
        """Return why an expected file is refused, None if it is served."""
        if offer.is_registered:
            return _(
                "{phone}: refused to {source}, the phone is registered already",
                phone=offer.phone,
                source=source,
            )
        if offer.mac and hardware and hardware != offer.mac:
            return _(
                "{phone}: refused to {source}: hardware address {hardware} is another one's",
                phone=offer.phone,
                source=source,
                hardware=hardware,
            )
        if offer.source and source != offer.source:
            return _(
                "{phone}: refused to {source}, the file has gone to {taker}",
                phone=offer.phone,
                source=source,
                taker=offer.source,
            )
        if offer.fetches >= MOST_FETCHES:
            return _(
                "{phone}: refused to {source}, fetched {most_fetches} times already",
                phone=offer.phone,
                source=source,
                most_fetches=MOST_FETCHES,
            )
        return None

    def _unknown(self, path: str, source: str, hardware: str) -> WindowAnswer:
        # A stranger's bytes must not reach the technician's terminal as control codes.
        name = "".join(c if c.isprintable() and c.isascii() else "?" for c in path[:LONGEST_PATH])
        if offer := self._expected(source, hardware):
            said = _("{phone}: asks for {name} as well: not needed", phone=offer.phone, name=name)
            return WindowAnswer(NOT_HERE, said=said)
        self._wrong[source] = self._wrong.get(source, 0) + 1
        self._wrong.move_to_end(source)
        if len(self._wrong) > MAX_SOURCES:
            self._wrong.popitem(last=False)
        last = self._wrong[source] == MOST_WRONG
        return WindowAnswer(
            NOT_HERE,
            said=_(
                "{source} asks for {name}: not here, it is heard no more", source=source, name=name
            )
            if last
            else _("{source} asks for {name}: not here", source=source, name=name),
        )


# The window's HTTP server, with its limits.

# Above 1023, so that the service's account may bind it; the QR codes contain it.
PORT = 5080
"""TCP port."""
VISITORS = 16
"""Concurrent connections; one more is refused."""
PATIENCE = 5.0
"""Seconds for a client's request and response together."""
# A flood costs no more than accepting and closing its connections.
RATE = 20
"""Connections a second in total."""
ARP = Path("/proc/net/arp")
WHY_NOT = {
    errno.EADDRINUSE: "another program has that port, perhaps another `centralino phones serve`",
    errno.EADDRNOTAVAIL: "the box does not have this address: give another --address",
}


def hardware_of(host: str, table: str) -> str:
    """Return a host's hardware address by the kernel's ARP table (proc(5)), "" if unknown."""
    for row in table.splitlines()[1:]:
        cells = row.split()
        # Flags 0x0 mark an incomplete entry, whose address is zero.
        if len(cells) >= 4 and cells[0] == host and cells[2] != "0x0":
            return cells[3].replace(":", "").lower()
    return ""


class ProvisioningServer:
    """Serves `window` at `address`; `say` gets the messages, `clock` is monotonic.

    Raises Refused if the address cannot be bound.
    """

    def __init__(
        self,
        address: tuple[str, int],
        window: FileWindow,
        say: Callable[[Words], None],
        arp: Path = ARP,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.window = window
        self._say, self._arp, self._clock = say, arp, clock
        listening = _listen(address)
        self.address: tuple[str, int] = listening.getsockname()
        limits = HttpLimits(VISITORS, PATIENCE, RATE)
        self._server = HttpServer(listening, limits, self._respond, clock)

    def turn(self, longest: float) -> None:
        """Handle the next events, waiting at most `longest` s."""
        self._server.turn(longest)

    def close(self) -> None:
        """Close all connections."""
        self._server.close()

    def _respond(self, request: HttpRequest) -> HttpResponse:
        if request.code != 200:
            return HttpResponse(request.code, content_type="text/plain")
        hardware = hardware_of(request.host, self._table())
        answer = self.window.answer(request.path, request.host, hardware, self._clock())
        if answer.said != NOTHING:
            self._say(answer.said)
        return HttpResponse(answer.code, answer.body, answer.content_type)

    def _table(self) -> str:
        try:
            return self._arp.read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""


def _listen(address: tuple[str, int]) -> socket.socket:
    try:
        return listen(address, VISITORS)
    except OSError as error:
        why = WHY_NOT.get(error.errno or 0, error.strerror or str(error))
        where = f"{address[0]}:{address[1]}"
        raise Refused(
            _("phones cannot be served at {where}: {why}", where=where, why=why),
        ) from error
