"""Reader of the encrypted streams that were written until November 2026.

The key is derived by scrypt; each piece is encrypted with AES-256-GCM and authenticated with its
place in the stream and with whether it is the last, so that none can be removed, moved or cut off
unnoticed. Nothing writes this format any more.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from appliance.errors import StoreError
from appliance.store.age import cut_short, damaged, normalised, wrong_passphrase
from appliance.store.directory import KEY_BYTES, Vault

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC: Final = b"centralino-backup-1\n"
SALT_BYTES: Final = 16
# The cost is no part of a file: it was the same for all.
COST: Final = 1 << 16
BLOCK: Final = 8
HEAD: Final = struct.Struct(">BI")
"""Head of a piece: whether it is the last, and its length."""
LONGEST: Final = (1 << 20) + 64


def pieces(file: IO[bytes], passphrase: str) -> Iterator[bytes]:
    """Yield the contents of a stream whose MAGIC has been read; raises Refused."""
    vault = vault_of(passphrase, _exactly(file, SALT_BYTES))
    number, is_last = 0, 0
    while not is_last:
        is_last, length = HEAD.unpack(_exactly(file, HEAD.size))
        if is_last > 1 or length > LONGEST:
            raise damaged()
        sealed = _exactly(file, length)
        try:
            piece = vault.open_bytes(sealed, place(number, is_last=bool(is_last)))
        except StoreError as error:
            # The first piece fails with a wrong passphrase as with damage.
            raise (damaged() if number else wrong_passphrase()) from error
        if is_last and file.read(1):
            raise damaged()
        yield piece
        number += 1


def vault_of(passphrase: str, salt: bytes) -> Vault:
    """Derive the key from the passphrase."""
    key = hashlib.scrypt(
        normalised(passphrase),
        salt=salt,
        n=COST,
        r=BLOCK,
        p=1,
        maxmem=2 * 128 * COST * BLOCK,
        dklen=KEY_BYTES,
    )
    return Vault(key, Path("passphrase"))


def place(number: int, *, is_last: bool) -> str:
    """Return what a piece is authenticated with."""
    return f"centralino backup {number}{' last' if is_last else ''}"


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise cut_short()
    return data
