"""Digest authentication, the server's side: challenges, nonces without a table, lock-out.

RFC 2617 with qop=auth as RFC 3261 22.4 wants it, SHA-256 after RFC 7616 and RFC 8760.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

HASHES = {"MD5": "md5", "SHA-256": "sha256"}
"""RFC 7616 3.3 names them; the `-sess` forms are not offered."""
NONCE_LIFETIME = 300.0
"""Seconds; a phone that comes with an older one is told `stale` and computes anew."""
MAX_FAILURES = 5
MAX_GUESSES = 20
LOCK_OUT = 600.0
"""Seconds: 5 failures in 10 minutes lock a name out at a source (reliability.md 3), 20 over all
names the source.
"""
MAX_LOCKS = 1024
"""Names and sources remembered; the oldest make room."""
ALL_NAMES = ""
"""Stands for the sum over a source's names; a name is never empty where secrets are told apart."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Authorization header says, with "" for what it does not."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    qop: str
    cnonce: str
    nc: str

    @property
    def count(self) -> int:
        """The nonce count, 0 for an unreadable one."""
        return int(self.nc, 16) if len(self.nc) == 8 and self.nc.isalnum() and _hex(self.nc) else 0


def _hex(text: str) -> bool:
    return all(c in "0123456789abcdefABCDEF" for c in text)


def credentials(values: Mapping[str, str]) -> Credentials | None:
    """Return the credentials in a parsed Authorization header; None when there are none."""
    if not values.get("nonce"):
        return None
    names = ("username", "realm", "nonce", "uri", "response")
    first = {name: values.get(name, "") for name in names}
    algorithm = values.get("algorithm", "MD5").upper()
    rest = {name: values.get(name, "") for name in ("qop", "cnonce", "nc")}
    return Credentials(**first, algorithm=algorithm, **rest)


def expected(given: Credentials, secret: str, method: str) -> str:
    """Return the right response for `given` (RFC 2617 3.2.2.1, with qop=auth or without qop).

    Raises KeyError for an algorithm that is not in HASHES.
    """
    name = HASHES[given.algorithm]

    def digest(text: str) -> str:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    a1 = digest(f"{given.username}:{given.realm}:{secret}")
    a2 = digest(f"{method}:{given.uri}")
    if not given.qop:
        return digest(f"{a1}:{given.nonce}:{a2}")
    return digest(f"{a1}:{given.nonce}:{given.nc}:{given.cnonce}:{given.qop}:{a2}")


def challenge(realm: str, nonce: str, algorithm: str, *, stale: bool) -> str:
    """Return the value of a WWW-Authenticate header."""
    suffix = ", stale=true" if stale else ""
    return f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm={algorithm}{suffix}'


@dataclass(slots=True)
class Nonces:
    """Makes nonces that prove themselves: time and source signed with a key of this start."""

    key: bytes
    _made: int = 0

    def make(self, source: str, now: float) -> str:
        """Return a new nonce for one source address at `now` (monotonic s)."""
        self._made += 1  # two of one millisecond differ, for each has a count of its own
        stamp = f"{int(now * 1000):x}-{self._made:x}"
        return f"{stamp}.{self._sign(stamp, source)}"

    def is_fresh(self, nonce: str, source: str, now: float) -> bool:
        """Tell whether `nonce` was made for `source` in the last NONCE_LIFETIME."""
        stamp, _, signature = nonce.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(stamp, source).encode()):
            return False
        return now - int(stamp.partition("-")[0], 16) / 1000 <= NONCE_LIFETIME

    def _sign(self, stamp: str, source: str) -> str:
        return hmac.new(self.key, f"{stamp} {source}".encode(), "sha256").hexdigest()[:32]


class Verdict(enum.Enum):
    """What was made of credentials."""

    RIGHT = "right"
    WRONG = "wrong"
    FORMER = "former"  # the password before the one that holds: wrong, but no guess
    STALE = "stale"
    MISSING = "missing"


@dataclass(slots=True)
class LockOut:
    """Counts wrong passwords by source address and name; only answers to our nonces are counted.

    Such a nonce shows that the source can hear us, so nobody is locked out by a forged address.
    One phone with a wrong password costs the others behind its address nothing; whoever tries many
    names is locked out for all of them.
    """

    _failures: OrderedDict[tuple[str, str], tuple[float, ...]] = field(default_factory=OrderedDict)

    def remaining(self, source: str, name: str, now: float) -> float:
        """Return how many seconds `name` stays locked out at `source`, 0 when it is not."""
        own = self._left((source, name), MAX_FAILURES, now)
        return max(own, self._left((source, ALL_NAMES), MAX_GUESSES, now))

    def sources(self, now: float) -> tuple[str, ...]:
        """Return the source addresses at which somebody is locked out now."""
        keys = tuple(self._failures)
        locked = (source for source, name in keys if self.remaining(source, name, now) > 0)
        return tuple(dict.fromkeys(locked))

    def failed(self, source: str, name: str, now: float) -> None:
        """Note one wrong password."""
        for key in ((source, name), (source, ALL_NAMES)):
            self._failures[key] = (*self._recent(key, now), now)[-MAX_GUESSES:]
            self._failures.move_to_end(key)
        while len(self._failures) > MAX_LOCKS:
            self._failures.popitem(last=False)

    def succeeded(self, source: str, name: str) -> None:
        """Forget the failures of a phone that knew the password after all, and of its address."""
        self._failures.pop((source, name), None)
        self._failures.pop((source, ALL_NAMES), None)

    def _left(self, key: tuple[str, str], most: int, now: float) -> float:
        recent = self._recent(key, now)
        return recent[-most] + LOCK_OUT - now if len(recent) >= most else 0.0

    def _recent(self, key: tuple[str, str], now: float) -> tuple[float, ...]:
        return tuple(at for at in self._failures.get(key, ()) if now - at < LOCK_OUT)
