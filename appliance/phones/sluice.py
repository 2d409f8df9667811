"""Which datagrams are heard at all: allowed addresses, so many a second from each source.

A token bucket each (RFC 2697's idea): known hosts, at which a phone or the registrar stands, have
one of their own; so has every stranger, and all strangers together share one more, since their
addresses may be forged. What names a call that is up is heard whatever else comes: nobody who is
not in the path can know a Call-ID of 128 random bits.
"""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

Network = ipaddress.IPv4Network

RATE = {True: 50.0, False: 10.0}
"""Datagrams a second of one host, known or stranger; a busy proxy of 20 phones sends a few."""
BURST = {True: 200.0, False: 40.0}
"""Datagrams at once: 20 phones that a switch gives power to at the same moment register in two."""
STRANGERS_RATE, STRANGERS_BURST = 30.0, 140.0
NEWCOMERS_RATE, NEWCOMERS_BURST = 10.0, 40.0
ANSWERS_RATE, ANSWERS_BURST = 10.0, 20.0
"""All strangers together, by one of three measures: 50 a second, a tenth of a core for reading
them. Two are kept free for phones at new addresses, which register by two datagrams: the first ones
of whoever was not heard for a while, and answers to a nonce that was given to that very address."""
FIRST = 8
QUIET_S = 60.0
"""So many datagrams of somebody who was not heard for so long are a newcomer's."""
FLOOD_S = 10.0
FLOOD = 200
"""So many datagrams of strangers refused in so many seconds are a flood, which people are told."""
TOLD_S = 60.0
NAMED = 3
"""So many addresses are named, for so long after the last of it (s)."""
_NONCE = re.compile(rb'nonce="([^"]{1,128})"')
MAX_SOURCES = 1024
"""Buckets kept; the one that was used longest ago makes room, and starts anew full."""


@dataclass(slots=True)
class Bucket:
    """`tokens` datagrams may pass at `at` (monotonic s)."""

    tokens: float
    at: float
    heard: int = 0

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
    """Counts what was `dropped` unread. `allowed` networks, () for every address; `is_ours` tells
    whether a nonce was given to a host, and still holds.
    """

    allowed: tuple[Network, ...] = ()
    is_ours: Callable[[str, str, float], bool] = lambda _nonce, _host, _now: False
    dropped: int = 0
    _strangers: Bucket = field(default_factory=lambda: Bucket(STRANGERS_BURST, 0.0))
    _newcomers: Bucket = field(default_factory=lambda: Bucket(NEWCOMERS_BURST, 0.0))
    _answers: Bucket = field(default_factory=lambda: Bucket(ANSWERS_BURST, 0.0))
    _refused: dict[str, int] = field(default_factory=dict)
    _window_at: float = 0.0
    _flood: tuple[str, ...] = ()
    _flood_until: float = 0.0
    _buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def admits(
        self, datagram: bytes, host: str, now: float, known: Collection[str], calls: Collection[str]
    ) -> bool:
        """Tell whether a datagram is read. `known` hosts and Call-IDs of `calls` that are up."""
        is_known = host in known
        passes = self._may_send(datagram, host, is_known, now) or (
            is_known and any(call_id.encode() in datagram for call_id in calls)
        )
        if not passes:
            self.dropped += 1
            if not is_known:
                self._refuse(host, now)
        return passes

    def flood(self, now: float) -> tuple[str, ...]:
        """Name the addresses that most of a flood comes from, () where there is none."""
        return self._flood if now < self._flood_until else ()

    def _may_send(self, datagram: bytes, host: str, is_known: bool, now: float) -> bool:
        if not (is_known or self.is_allowed(host)):
            return False
        own = self._bucket(host, BURST[is_known], now)
        if now - own.at > QUIET_S:
            own.heard = 0
        if not own.take(RATE[is_known], BURST[is_known], now):
            return False
        return is_known or self._may_speak(datagram, host, own, now)

    def _may_speak(self, datagram: bytes, host: str, own: Bucket, now: float) -> bool:
        """Let a stranger's datagram pass by the measure of all, or by one of the two beside it."""
        own.heard += 1
        if self._strangers.take(STRANGERS_RATE, STRANGERS_BURST, now):
            return True
        if own.heard <= FIRST and self._newcomers.take(NEWCOMERS_RATE, NEWCOMERS_BURST, now):
            return True
        nonce = _NONCE.search(datagram)
        is_answer = nonce is not None and self.is_ours(nonce[1].decode("latin-1"), host, now)
        return is_answer and self._answers.take(ANSWERS_RATE, ANSWERS_BURST, now)

    def _refuse(self, host: str, now: float) -> None:
        """Count who is refused, a window of time after the other."""
        if now - self._window_at > FLOOD_S:
            self._refused, self._window_at = {}, now
        if host in self._refused or len(self._refused) < MAX_SOURCES:
            self._refused[host] = self._refused.get(host, 0) + 1
        if sum(self._refused.values()) >= FLOOD:
            if now >= self._flood_until:  # the names stay while it goes on
                worst = sorted(self._refused, key=lambda one: (-self._refused[one], one))
                self._flood = tuple(worst[:NAMED])
            self._flood_until, self._refused = now + TOLD_S, {}

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
