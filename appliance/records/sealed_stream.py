"""A stream sealed with a passphrase, piece by piece: what a backup is, on a stick or a server.

The key is made of the passphrase by scrypt (RFC 7914); each piece is sealed with AES-256-GCM and
authenticated with its place in the stream and with whether it is the last (the STREAM construction,
Hoang and others 2015), so that nothing can be taken out, put in, moved or cut off unseen. One piece
at a time is in memory.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import unicodedata
from pathlib import Path
from typing import IO, Final

from appliance.errors import StoreError
from appliance.policy.refused import Refused
from appliance.records.vault import KEY_BYTES, Vault

MAGIC: Final = b"centralino-backup-1\n"
SALT_BYTES: Final = 16
PIECE_BYTES: Final = 1 << 20
COST: Final = 1 << 16
"""scrypt's N, with r = 8: 64 MB and a second of a small board for every passphrase tried."""
BLOCK: Final = 8
MEMORY: Final = 2 * 128 * COST * BLOCK
LEAST_PASSPHRASE: Final = 12
_HEAD: Final = struct.Struct(">BI")
_LONGEST: Final = PIECE_BYTES + 64


class SealingWriter:
    """A file to write to; nothing of it can be read before `close` has written the last piece."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        salt = secrets.token_bytes(SALT_BYTES)
        self._file, self._vault = file, _vault(passphrase, salt)
        self._kept, self._number = bytearray(), 0
        file.write(MAGIC + salt)

    def write(self, data: bytes) -> int:
        """Take bytes; raises OSError."""
        self._kept += data
        while len(self._kept) > PIECE_BYTES:
            self._seal(bytes(self._kept[:PIECE_BYTES]), is_last=False)
            del self._kept[:PIECE_BYTES]
        return len(data)

    def close(self) -> None:
        """Write the last piece; the file itself stays open. Raises OSError."""
        self._seal(bytes(self._kept), is_last=True)

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        sealed = self._vault.seal_bytes(piece, _place(self._number, is_last=is_last))
        self._file.write(_HEAD.pack(is_last, len(sealed)) + sealed)
        self._number += 1


class SealedReader:
    """Reads what was written; raises Refused for another passphrase and for every damage."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        if file.read(len(MAGIC)) != MAGIC:
            raise Refused(
                "questo file non è una copia di sicurezza del centralino",
                "this file is no backup of the switchboard",
            )
        self._file, self._vault = file, _vault(passphrase, _exactly(file, SALT_BYTES))
        self._kept, self._number, self._ended = bytearray(), 0, False

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, less only at the end."""
        while len(self._kept) < size and not self._ended:
            self._kept += self._open()
        taken = bytes(self._kept[:size])
        del self._kept[:size]
        return taken

    def finish(self) -> None:
        """Read on to the end, which must be there and be the end of the file too."""
        while not self._ended:
            self._open()

    def _open(self) -> bytes:
        is_last, length = _HEAD.unpack(_exactly(self._file, _HEAD.size))
        if is_last > 1 or length > _LONGEST:
            raise _damaged()
        sealed = _exactly(self._file, length)
        try:
            piece = self._vault.open_bytes(sealed, _place(self._number, is_last=bool(is_last)))
        except StoreError as error:
            raise (_damaged() if self._number else _wrong()) from error
        self._number, self._ended = self._number + 1, bool(is_last)
        if self._ended and self._file.read(1):
            raise _damaged()
        return piece


def checked_passphrase(text: str) -> str:
    """Return a passphrase that will do; raises Refused for one that is soon guessed."""
    if len(text) < LEAST_PASSPHRASE:
        raise Refused(
            f"la frase segreta ha meno di {LEAST_PASSPHRASE} caratteri: sceglierne una più lunga, "
            "per esempio quattro parole",
            f"the passphrase has fewer than {LEAST_PASSPHRASE} characters: choose a longer one, "
            "four words for instance",
        )
    return text


def _vault(passphrase: str, salt: bytes) -> Vault:
    """Make the key; the same letters typed on another keyboard are the same passphrase."""
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    key = hashlib.scrypt(secret, salt=salt, n=COST, r=BLOCK, p=1, maxmem=MEMORY, dklen=KEY_BYTES)
    return Vault(key, Path("passphrase"))


def _place(number: int, *, is_last: bool) -> str:
    return f"centralino backup {number}{' last' if is_last else ''}"


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise Refused(
            "la copia di sicurezza è incompleta: il file è stato troncato, usarne un altro",
            "the backup is not whole: its file was cut short, use another one",
        )
    return data


def _wrong() -> Refused:
    return Refused(
        "la frase segreta non è quella di questa copia, oppure il file è danneggiato all'inizio",
        "the passphrase is not this backup's, or the file is damaged at its beginning",
    )


def _damaged() -> Refused:
    return Refused(
        "la copia di sicurezza è danneggiata: usarne un'altra",
        "the backup is damaged: use another one",
    )
