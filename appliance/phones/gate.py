"""The gate: who a phone is, by its secret. The same answer for a wrong name and a wrong secret."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.phones.canonical import Headers
from appliance.phones.digest import (
    HASHES,
    Credentials,
    LockOut,
    Nonces,
    Verdict,
    challenge,
    credentials,
    expected,
)
from appliance.phones.message import Message
from appliance.phones.settings import PhonesSettings

QOPS = {"auth", ""}
"""RFC 2617 lets a phone leave qop out: each nonce is then good for one request."""
NO_SECRET = "no phone has this secret"  # noqa: S105 - it stands for a missing one
"""Hashed for unknown names too, so that the time an answer takes tells nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: its code and the headers it adds."""

    code: int
    headers: Headers = ()


@dataclass(slots=True)
class Gate:
    """Checks digest credentials; `nonces` carries the random key of this start."""

    settings: PhonesSettings
    nonces: Nonces
    lock_out: LockOut = field(default_factory=LockOut)
    _secrets: dict[str, str] = field(init=False)
    _former: dict[str, str] = field(default_factory=dict)
    _used: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._secrets = {a.name: a.secret for a in self.settings.accounts if a.secret}

    def knows(self, phone: str) -> bool:
        """Tell whether `phone` has a secret and so must prove itself."""
        return phone in self._secrets

    def learn(self, secrets: Mapping[str, str]) -> list[str]:
        """Take over the secrets as they are now; returns the phones whose own has changed."""
        known = {a.name for a in self.settings.accounts}
        new = {name: secret for name, secret in secrets.items() if name in known and secret}
        old, self._secrets = self._secrets, new
        changed = sorted(n for n in {*old, *new} if old.get(n) != new.get(n))
        self._former |= {name: old[name] for name in changed if name in old}
        return changed

    def check(
        self, message: Message, phone: str, source: str, now: float, *, at_home: bool = False
    ) -> Reply | None:
        """Let a request of `phone` pass (None), or say how it is refused.

        The authenticated user must be the phone itself (reliability.md 3). 503 with Retry-After
        for a locked-out one: phones try again after it, while 403 stops many for good. `at_home`
        says that it comes from the very address and port at which the phone has proven itself:
        there it is never locked out, whoever else guesses behind its address.
        """
        remaining = 0.0 if at_home else self.lock_out.remaining(source, phone, now)
        if remaining > 0:
            return Reply(503, (("Retry-After", str(int(remaining) + 1)),))
        verdict = self._judge(message, phone, source, now)
        if verdict is Verdict.WRONG:
            self.lock_out.failed(source, phone, now)
        if verdict is Verdict.RIGHT:
            if not at_home:  # there it says nothing of who failed behind the same address
                self.lock_out.succeeded(source, phone)
            return None
        return self._challenged(source, now, stale=verdict is Verdict.STALE)

    def _judge(self, message: Message, phone: str, source: str, now: float) -> Verdict:
        given = credentials(message.fields.credentials)
        if given is None or given.realm != self.settings.realm:
            return Verdict.MISSING
        if not self.nonces.is_fresh(given.nonce, source, now):
            return Verdict.STALE
        if given.algorithm not in HASHES or given.qop not in QOPS:
            return Verdict.MISSING  # what nobody offered is no guess
        right = expected(given, self._secrets.get(phone, NO_SECRET), message.method)
        same = hmac.compare_digest(right.encode(), given.response.lower().encode())
        if not (same and self.knows(phone) and given.username == phone):
            return self._wrong(given, phone, message.method)
        return self._counted(phone, given.nonce, given.count if given.qop else 1)

    def _wrong(self, given: Credentials, phone: str, method: str) -> Verdict:
        """Tell a guess from a phone that nobody has told its new password yet: that one is not
        locked out, or it could not come back with the new one either.
        """
        former = expected(given, self._former.get(phone, NO_SECRET), method)
        same = hmac.compare_digest(former.encode(), given.response.lower().encode())
        return Verdict.FORMER if same and phone in self._former else Verdict.WRONG

    def _counted(self, phone: str, nonce: str, count: int) -> Verdict:
        """Refuse a nonce count that was used before: it is a replay (RFC 2617 3.2.2)."""
        last_nonce, last = self._used.get(phone, ("", 0))
        if count <= (last if nonce == last_nonce else 0):
            return Verdict.STALE
        self._used[phone] = (nonce, count)
        return Verdict.RIGHT

    def _challenged(self, source: str, now: float, *, stale: bool) -> Reply:
        nonce = self.nonces.make(source, now)
        return Reply(
            401,
            tuple(
                ("WWW-Authenticate", challenge(self.settings.realm, nonce, name, stale=stale))
                for name in self.settings.algorithms
            ),
        )
