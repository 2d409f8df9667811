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
LOCK_OUT = 600.0
"""Seconds: 5 failures in 10 minutes lock a source out (reliability.md 3)."""
MAX_SOURCES = 1024


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
    STALE = "stale"
    MISSING = "missing"


@dataclass(slots=True)
class LockOut:
    """Counts wrong passwords by source address; only answers to our own nonces are counted.

    Such a nonce shows that the source can hear us, so nobody is locked out by a forged address.
    """

    _failures: OrderedDict[str, tuple[float, ...]] = field(default_factory=OrderedDict)

    def remaining(self, source: str, now: float) -> float:
        """Return how many seconds `source` stays locked out, 0 when it is not."""
        recent = self._recent(source, now)
        return recent[-MAX_FAILURES] + LOCK_OUT - now if len(recent) >= MAX_FAILURES else 0.0

    def sources(self, now: float) -> tuple[str, ...]:
        """Return the source addresses that are locked out now."""
        return tuple(s for s in tuple(self._failures) if self.remaining(s, now) > 0)

    def failed(self, source: str, now: float) -> None:
        """Note one wrong password."""
        self._failures[source] = (*self._recent(source, now), now)
        self._failures.move_to_end(source)
        if len(self._failures) > MAX_SOURCES:
            self._failures.popitem(last=False)

    def succeeded(self, source: str) -> None:
        """Forget the failures of a source that knew the password after all."""
        self._failures.pop(source, None)

    def _recent(self, source: str, now: float) -> tuple[float, ...]:
        return tuple(at for at in self._failures.get(source, ()) if now - at < LOCK_OUT)
