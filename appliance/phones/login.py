"""Digest authentication, the client's side: how the box proves itself to a registrar or proxy.

RFC 2617 and RFC 7616 as RFC 3261 22 wants them. Only the configured registrar is ever answered: a
phone's challenge would let it guess the secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.phones.digest import Credentials, expected
from appliance.phones.message import Message
from appliance.phones.rtp import Address
from appliance.phones.uri import read_parameters, split_outside

ANSWERS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}
BEST_FIRST = ("SHA-256", "MD5")
"""Of several challenges the first of these is answered (RFC 8760 2.4)."""


@dataclass(slots=True)
class Login:
    """The box's account at the registrar at `address`; `random` gives random bytes."""

    address: Address
    user: str
    secret: str
    random: Callable[[int], bytes]
    _counts: dict[str, int] = field(default_factory=dict)

    def answer(
        self, refusal: Message, method: str, uri: str, source: Address
    ) -> tuple[str, str] | None:
        """Return the header that answers a 401 or 407 of the registrar, None when it cannot be."""
        names = ANSWERS.get(refusal.code)
        if names is None or source != self.address:
            return None
        offers = [_parameters(value) for value in refusal.all(names[0])]
        for algorithm in BEST_FIRST:
            for offer in offers:
                if offer.get("algorithm", "MD5").upper() == algorithm and "nonce" in offer:
                    return names[1], self._credentials(offer, algorithm, method, uri)
        return None

    def _credentials(self, offer: dict[str, str], algorithm: str, method: str, uri: str) -> str:
        qop = "auth" if "auth" in split_outside(offer.get("qop", ""), ",") else ""
        count = f"{self._count(offer['nonce']):08x}"
        cnonce = self.random(8).hex()
        given = Credentials(
            self.user, offer.get("realm", ""), offer["nonce"], uri, "", algorithm, qop, cnonce,
            count,
        )  # fmt: skip
        parts = [
            f'Digest username="{self.user}"', f'realm="{given.realm}"', f'nonce="{given.nonce}"',
            f'uri="{uri}"', f'response="{expected(given, self.secret, method)}"',
            f"algorithm={algorithm}",
        ]  # fmt: skip
        if qop:
            parts += [f"qop={qop}", f"nc={count}", f'cnonce="{cnonce}"']
        if "opaque" in offer:
            parts.append(f'opaque="{offer["opaque"]}"')
        return ", ".join(parts)

    def _count(self, nonce: str) -> int:
        """Count the uses of the newest nonce; an older one does not come back."""
        self._counts = {nonce: self._counts.get(nonce, 0) + 1}
        return self._counts[nonce]


def _parameters(challenge: str) -> dict[str, str]:
    scheme, _, rest = challenge.strip().partition(" ")
    return read_parameters(split_outside(rest, ",")) if scheme.lower() == "digest" else {}
