"""Public keys for maintenance by SSH: whole lines of a `.pub` file, and nothing more."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from appliance.daemon.mistakes import Mistakes

KINDS: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
LENGTH: Final = 4
"""Bytes of the length in front of the kind's name (RFC 4253, 6.6)."""


def check(keys: tuple[str, ...], mistakes: Mistakes) -> None:
    """Note every key that is none; a private one is not repeated."""
    for key in keys:
        if "PRIVATE KEY" in key:
            mistakes.note(
                "ssh.keys",
                "questa è una chiave privata, da non dare a nessuno: mettere quella del file .pub",
                "this is a private key, for nobody else: put the one of the .pub file",
            )
        elif key and not is_key(key):
            mistakes.note(
                "ssh.keys",
                "non è una chiave: copiare l'unica riga del file .pub, ad esempio "
                '"ssh-ed25519 AAAA... nome"',
                'is no key: copy the one line of the .pub file, e.g. "ssh-ed25519 AAAA... name"',
            )


def is_key(key: str) -> bool:
    """Tell whether a text is one public key, without options, in one line."""
    kind, _, rest = key.strip().partition(" ")
    body = rest.strip().partition(" ")[0]
    if kind not in KINDS or not key.isprintable():
        return False
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return False
    return data[LENGTH : LENGTH + len(kind)] == kind.encode() and data[:LENGTH] == len(
        kind
    ).to_bytes(LENGTH, "big")


def text_of(keys: tuple[str, ...]) -> str:
    """Write an authorized_keys file (sshd(8)); "" for nobody."""
    return "".join(f"{key.strip()}\n" for key in keys if key)
