"""The window in which files are served: what is answered to whom, without socket or clock.

A file holds a password in clear, and phones out of the box can fetch it by plain HTTP only. So it
is there for minutes, for a phone that is expected by its hardware address or knows a token, from
one place, a few times, and no more once the phone has registered. Whoever asks for anything else
learns nothing: the answer is always the same 404.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from appliance.policy.text import NOTHING, Words
from appliance.provisioning.makes import Make

MOST_FETCHES = 10
"""Times a phone is given a file in a window; it fetches one or two, once or twice at each start."""
MOST_WRONG = 20
"""Wrong names of one stranger before it is heard no more; a phone that is known may ask on."""
MAX_SOURCES = 256
"""Sources remembered; the one that asked longest ago makes room."""
LONGEST_PATH = 128


@dataclass(slots=True)
class Offer:
    """One phone's file. `mac` is "" for a phone that is known by its token alone.

    `source` is where it was fetched from, "" before.
    """

    phone: str
    make: Make
    text: str
    mac: str = ""
    token: str = ""
    fetches: int = 0
    source: str = ""
    is_registered: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: an HTTP status with a body, and what is said of it at the box."""

    code: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    said: Words = NOTHING


NOT_HERE = 404
CLOSED = Answer(NOT_HERE)


@dataclass(slots=True)
class Window:
    """Serves `offers` until `closes_at` (monotonic s), to hosts of the networks `allowed` alone, ()
    for every one.
    """

    offers: list[Offer]
    closes_at: float
    allowed: tuple[IPv4Network, ...] = ()
    _wrong: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def is_open(self, now: float) -> bool:
        """Tell whether there is still something to wait for."""
        return now < self.closes_at and not all(offer.is_registered for offer in self.offers)

    def registered(self, phones: Collection[str]) -> list[Offer]:
        """Take note of which phones are registered; returns those that have just become so."""
        new = [o for o in self.offers if o.phone in phones and not o.is_registered]
        for offer in new:
            offer.is_registered = True
        return new

    def answer(self, path: str, source: str, hardware: str, now: float) -> Answer:
        """Answer a GET of `path` from host `source`, whose hardware address the kernel knows as
        `hardware` ("" for unknown, as behind a router).
        """
        if now >= self.closes_at or not self._is_heard(source):
            return CLOSED
        offer = self._wanted(path)
        if offer is None:
            return self._unknown(path, source, hardware)
        if why := self._why_not(offer, source, hardware):
            return Answer(NOT_HERE, said=why)
        offer.fetches, offer.source = offer.fetches + 1, source
        said = Words(
            f"{offer.phone}: file preso da {source} ({offer.make.name})",
            f"{offer.phone}: file fetched by {source} ({offer.make.name})",
        )
        is_lead = offer.make.leads(path.rpartition("/")[2], offer.mac)
        text = offer.make.lead_text if is_lead else offer.text
        return Answer(200, text.encode(), offer.make.content_type, said)

    def _is_heard(self, source: str) -> bool:
        if self._wrong.get(source, 0) >= MOST_WRONG:
            return False
        address = IPv4Address(source)
        return not self.allowed or any(address in network for network in self.allowed)

    def _expected(self, source: str, hardware: str) -> Offer | None:
        """Return the phone that asks, if known: makes ask for many files that are not ours."""
        for offer in self.offers:
            if source == offer.source or (offer.mac and offer.mac == hardware):
                return offer
        return None

    def _wanted(self, path: str) -> Offer | None:
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

    def _why_not(self, offer: Offer, source: str, hardware: str) -> Words | None:
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

    def _unknown(self, path: str, source: str, hardware: str) -> Answer:
        name = "".join(c if c.isprintable() and c.isascii() else "?" for c in path[:LONGEST_PATH])
        if offer := self._expected(source, hardware):
            said = Words(
                f"{offer.phone}: chiede anche {name}: non serve",
                f"{offer.phone}: asks for {name} as well: not needed",
            )
            return Answer(NOT_HERE, said=said)
        self._wrong[source] = self._wrong.get(source, 0) + 1
        self._wrong.move_to_end(source)
        if len(self._wrong) > MAX_SOURCES:
            self._wrong.popitem(last=False)
        last = self._wrong[source] == MOST_WRONG
        return Answer(
            NOT_HERE,
            said=Words(
                f"{source} chiede {name}: non c'è" + (", non viene più ascoltato" if last else ""),
                f"{source} asks for {name}: not here" + (", it is heard no more" if last else ""),
            ),
        )
