"""Public key to which a backup's passphrase is sealed: an age recipient, `age1…` (`age-keygen`).

Its form is Bech32 (BIP 173) of the 32 bytes of an X25519 key.
"""

from __future__ import annotations

from typing import Final

from appliance.policy.text import Refused
from appliance.text import _

PREFIX: Final = "age"
KEY_BYTES: Final = 32
_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK_DIGITS: Final = 6


def recipient_key(text: str) -> bytes:
    """Return the public key of a recipient; raises Refused."""
    prefix, _separator, digits = text.strip().rpartition("1")
    values = [_LETTERS.find(letter) for letter in digits]
    if prefix != PREFIX or -1 in values or not _is_whole(prefix, values):
        raise _no_recipient(text)
    number = 0
    for value in values[:-_CHECK_DIGITS]:
        number = number << 5 | value
    # Eight-bit bytes of five-bit digits: what is over are zeros.
    over = 5 * (len(values) - _CHECK_DIGITS) - 8 * KEY_BYTES
    if not 0 <= over < 5 or number & ((1 << over) - 1):
        raise _no_recipient(text)
    return (number >> over).to_bytes(KEY_BYTES, "big")


def _is_whole(prefix: str, values: list[int]) -> bool:
    """Return whether the check digits fit (BIP 173)."""
    high, low = [ord(letter) >> 5 for letter in prefix], [ord(letter) & 31 for letter in prefix]
    check = 1
    for value in (*high, 0, *low, *values):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, part in enumerate(_GENERATOR):
            check ^= part if top >> bit & 1 else 0
    return check == 1


def _no_recipient(text: str) -> Refused:
    # A secret key in its place is not repeated.
    shown = text[:12]
    return Refused(
        _(
            "{text!r}... is no public key of age: write the line age1... that age-keygen shows",
            text=shown,
        )
    )
