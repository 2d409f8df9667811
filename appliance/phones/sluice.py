"""Which datagrams are heard at all: allowed addresses, so many a second from each source.

A token bucket each (RFC 2697's idea): known hosts, at which a phone or the registrar stands, have
one of their own; so has every stranger, and all strangers together share one more, since their
addresses may be forged. What names a call that is up is heard whatever else comes: nobody who is
not in the path can know a Call-ID of 128 random bits.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field

Network = ipaddress.IPv4Network

RATE = {True: 50.0, False: 10.0}
"""Datagrams a second of one host, known or stranger; a busy proxy of 20 phones sends a few."""
BURST = {True: 200.0, False: 40.0}
"""Datagrams at once: 20 phones that a switch gives power to at the same moment register in two."""
STRANGERS_RATE = 50.0
STRANGERS_BURST = 200.0
"""All strangers together: of the few milliseconds of a core that reading one costs, a tenth."""
MAX_SOURCES = 1024
"""Buckets kept; the one that was used longest ago makes room, and starts anew full."""


@dataclass(slots=True)
class Bucket:
    """`tokens` datagrams may pass at `at` (monotonic s)."""

    tokens: float
    at: float

    def take(self, rate: float, burst: float, now: float) -> bool:
        """Let one datagram pass, if one may."""
        self.tokens = min(burst, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(slots=True)
class Sluice:
    """Counts what was `dropped` unread. `allowed` networks, () for every address."""

    allowed: tuple[Network, ...] = ()
    dropped: int = 0
    _strangers: Bucket = field(default_factory=lambda: Bucket(STRANGERS_BURST, 0.0))
    _buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def admits(
        self, datagram: bytes, host: str, now: float, known: Collection[str], calls: Collection[str]
    ) -> bool:
        """Tell whether a datagram is read. `known` hosts and Call-IDs of `calls` that are up."""
        is_known = host in known
        passes = self._may_send(host, is_known, now) or (
            is_known and any(call_id.encode() in datagram for call_id in calls)
        )
        self.dropped += not passes
        return passes

    def _may_send(self, host: str, is_known: bool, now: float) -> bool:
        if not (is_known or self.is_allowed(host)):
            return False
        own = self._bucket(host, BURST[is_known], now)
        if not own.take(RATE[is_known], BURST[is_known], now):
            return False
        return is_known or self._strangers.take(STRANGERS_RATE, STRANGERS_BURST, now)

    def is_allowed(self, host: str) -> bool:
        """Tell whether SIP from this address is heard at all."""
        address = ipaddress.IPv4Address(host)
        return not self.allowed or any(address in network for network in self.allowed)

    def _bucket(self, host: str, burst: float, now: float) -> Bucket:
        bucket = self._buckets.setdefault(host, Bucket(burst, now))
        self._buckets.move_to_end(host)
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return bucket
