"""Digest authentication with MD5, with and without qop=auth (RFC 2617, RFC 3261 section 22)."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from appliance.errors import PeerError

_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a 401 or 407 asks for; `header` is the header that answers it."""

    header: str
    realm: str
    nonce: str
    opaque: str
    has_qop: bool
    stale: bool


def parse(status: int, value: str) -> Challenge:
    """Return the challenge of a 401 or 407; raises PeerError for one that this phone cannot do."""
    fields = {k.lower(): quoted or bare for k, quoted, bare in _PAIR.findall(value)}
    if not value.lower().startswith("digest ") or "nonce" not in fields or "realm" not in fields:
        raise PeerError(f"not a digest challenge: {value[:60]!r}")
    if fields.get("algorithm", "MD5").upper() != "MD5":
        raise PeerError(f"digest algorithm {fields['algorithm']} is not MD5")
    qops = [word.strip() for word in fields.get("qop", "").split(",") if word.strip()]
    if qops and "auth" not in qops:
        raise PeerError(f"digest qop {fields['qop']} is not auth")
    return Challenge(
        "Proxy-Authorization" if status == 407 else "Authorization",
        fields["realm"],
        fields["nonce"],
        fields.get("opaque", ""),
        bool(qops),
        fields.get("stale", "").lower() == "true",
    )


def answer(
    challenge: Challenge,
    user: str,
    secret: str,
    method: str,
    uri: str,
    count: int = 1,
    cnonce: str = "",
) -> tuple[str, str]:
    """Return the header (name, value) that answers a challenge; `count` is the use of its nonce."""
    fields = {"username": user, "realm": challenge.realm, "nonce": challenge.nonce, "uri": uri}
    first = _md5(f"{user}:{challenge.realm}:{secret}")
    second = _md5(f"{method}:{uri}")
    middle, tail = challenge.nonce, ""
    if challenge.has_qop:
        cnonce = cnonce or secrets.token_hex(8)
        middle = f"{challenge.nonce}:{count:08x}:{cnonce}:auth"
        tail = f', qop=auth, nc={count:08x}, cnonce="{cnonce}"'
    fields["response"] = _md5(f"{first}:{middle}:{second}")
    if challenge.opaque:
        fields["opaque"] = challenge.opaque
    listed = ", ".join(f'{name}="{value}"' for name, value in fields.items())
    return challenge.header, f"Digest {listed}, algorithm=MD5{tail}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
