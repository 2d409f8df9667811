"""Minisign signatures: verification with the keys that the image trusts.

Format: https://jedisct1.github.io/minisign/ ("Signature format"); of it the prehashed form (`ED`,
Ed25519 over BLAKE2b-512), which minisign has written since version 0.10. The owner of the
library `cryptography` for releases.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

UNTRUSTED: Final = "untrusted comment: "
TRUSTED: Final = "trusted comment: "
PLAIN, PREHASHED = b"Ed", b"ED"
KEY_BYTES, SIGNATURE_BYTES = 2 + 8 + 32, 2 + 8 + 64
LINES: Final = 4


def public_keys(text: str) -> dict[bytes, bytes]:
    """Return the public keys of a file by their number; raises ValueError.

    The file may be several of `minisign -G`, one after the other.
    """
    found: dict[bytes, bytes] = {}
    for line in text.splitlines():
        if line and not line.startswith(UNTRUSTED):
            data = _decoded(line)
            if len(data) != KEY_BYTES or data[:2] != PLAIN:
                raise ValueError("no public key of minisign")
            found[data[2:10]] = data[10:]
    return found


def is_signed(message: bytes, signature: str, keys: dict[bytes, bytes]) -> bool:
    """Return whether one of the keys has signed the message and the signature's own comment."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    lines = signature.splitlines()
    if len(lines) != LINES or not lines[2].startswith(TRUSTED):
        return False
    try:
        data, over_all = _decoded(lines[1]), _decoded(lines[3])
    except ValueError:
        return False
    key = keys.get(data[2:10])
    if len(data) != SIGNATURE_BYTES or data[:2] != PREHASHED or key is None:
        return False
    comment = lines[2].removeprefix(TRUSTED).encode()
    known = Ed25519PublicKey.from_public_bytes(key)
    try:
        known.verify(data[10:], hashlib.blake2b(message).digest())
        known.verify(over_all, data[10:] + comment)
    except InvalidSignature:
        return False
    return True


def _decoded(line: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
