"""age files under a passphrase, as streams, and small ones to a key (age-encryption.org/v1).

Ciphers, key derivation and MAC are the libraries'; the format around them is short and published
(C2SP, "The age file encryption format"). The `age` programme opens every file written here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import IO, TYPE_CHECKING, Final

from appliance.policy.text import Refused
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

VERSION_LINE: Final = b"age-encryption.org/v1\n"
MAGIC: Final = VERSION_LINE + b"-> scrypt "
"""First bytes of a file under a passphrase."""
# log2 of scrypt's N, with r = 8: 64 MB and a second of a small board for every passphrase that is
# tried. age itself takes 18, 256 MB: too much beside a call on a board with 512 MB.
WORK: Final = 16
# A header may ask for any N, and with it for more memory than the box has.
MOST_WORK: Final = 16
BLOCK: Final = 8
FILE_KEY_BYTES: Final = 16
SALT_BYTES: Final = 16
TAG_BYTES: Final = 16
# Set by the format; one chunk at a time is in memory.
CHUNK_BYTES: Final = 64 << 10
SEALED_BYTES: Final = CHUNK_BYTES + TAG_BYTES
# The format's labels, which keep keys for different purposes apart.
_SCRYPT_LABEL: Final = b"age-encryption.org/v1/scrypt"
_X25519_LABEL: Final = b"age-encryption.org/v1/X25519"
_HEADER_LABEL: Final = b"header"
_PAYLOAD_LABEL: Final = b"payload"
# Each key that wraps a file key is derived for it alone, so the nonce may be constant.
_ONLY_NONCE: Final = bytes(12)
_STANZA: Final = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n")
_BODY: Final = re.compile(rb"([A-Za-z0-9+/]{43})\n")
_LONGEST_LINE: Final = 128


class AgeWriter:
    """Writer of an age file; only `close`, which writes the last chunk, completes it."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        salt, file_key = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(FILE_KEY_BYTES)
        wrapped = _cipher(_wrap_key(passphrase, salt, WORK)).encrypt(_ONLY_NONCE, file_key, None)
        header = MAGIC + _base64(salt) + b" %d\n" % WORK + _base64(wrapped) + b"\n---"
        nonce = secrets.token_bytes(SALT_BYTES)
        file.write(header + b" " + _header_mac(file_key, header) + b"\n" + nonce)
        self._file, self._cipher = file, _cipher(_derived(file_key, nonce, _PAYLOAD_LABEL))
        self._kept, self._number = bytearray(), 0

    def write(self, data: bytes) -> int:
        """Write bytes; raises OSError."""
        self._kept += data
        # More than a chunk, not just one: the last chunk is written by `close`, never empty unless
        # the file is.
        while len(self._kept) > CHUNK_BYTES:
            self._seal(bytes(self._kept[:CHUNK_BYTES]), is_last=False)
            del self._kept[:CHUNK_BYTES]
        return len(data)

    def fill(self) -> None:
        """Write zeros up to the end of a chunk."""
        # A file of whole chunks only tells a reader whether it was cut or damaged.
        self.write(bytes(-len(self._kept) % CHUNK_BYTES))

    def close(self) -> None:
        """Write the last chunk; the underlying file stays open. Raises OSError."""
        self._seal(bytes(self._kept), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._file.write(self._cipher.encrypt(nonce, chunk, None))
        self._number += 1


def chunks(file: IO[bytes], passphrase: str) -> Iterator[bytes]:
    """Yield the contents of an age file whose version line has been read; raises Refused."""
    file_key = _file_key(file, passphrase)
    cipher = _cipher(_derived(file_key, _salt(file), _PAYLOAD_LABEL))
    ahead, number, is_last = b"", 0, False
    while not is_last:
        # A byte of the next chunk, if there is one: the last chunk is not marked but by its nonce.
        data = ahead + file.read(SEALED_BYTES + 1 - len(ahead))
        sealed, ahead = data[:SEALED_BYTES], data[SEALED_BYTES:]
        is_last = not ahead
        yield _opened_chunk(cipher, sealed, number, is_last=is_last)
        number += 1


def _opened_chunk(cipher: ChaCha20Poly1305, sealed: bytes, number: int, *, is_last: bool) -> bytes:
    chunk = _decrypted(cipher, _nonce(number, is_last=is_last), sealed)
    if chunk is None:
        # At a cut file's end: part of a chunk, or a whole one that was not to be the last.
        is_part = is_last and len(sealed) < SEALED_BYTES
        if is_part or (is_last and _decrypted(cipher, _nonce(number, is_last=False), sealed)):
            raise cut_short()
        raise damaged()
    # The format allows an empty last chunk in an empty file only.
    if not chunk and number:
        raise damaged()
    return chunk


def _file_key(file: IO[bytes], passphrase: str) -> bytes:
    """Read the header and return the file's key; raises Refused."""
    stanza, body, mac = (_line(file) for _ in range(3))
    asked, wrapped = _STANZA.fullmatch(stanza), _BODY.fullmatch(body)
    if not stanza.startswith(b"-> scrypt ") or (asked and int(asked[2]) > MOST_WORK):
        raise no_backup()
    if not asked or not wrapped:
        raise wrong_passphrase()
    wrap_key = _wrap_key(passphrase, _unbase64(asked[1]), int(asked[2]))
    file_key = _decrypted(_cipher(wrap_key), _ONLY_NONCE, _unbase64(wrapped[1]))
    if file_key is None:
        raise wrong_passphrase()
    expected = _header_mac(file_key, VERSION_LINE + stanza + body + b"---")
    if not hmac.compare_digest(b"--- " + expected + b"\n", mac):
        raise wrong_passphrase()
    return file_key


def _line(file: IO[bytes]) -> bytes:
    line = file.readline(_LONGEST_LINE)
    if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
        raise cut_short()
    return line


def _salt(file: IO[bytes]) -> bytes:
    salt = file.read(SALT_BYTES)
    if len(salt) < SALT_BYTES:
        raise cut_short()
    return salt


def _wrap_key(passphrase: str, salt: bytes, work: int) -> bytes:
    """Derive the key that encrypts the file's key."""
    cost = 1 << work
    return hashlib.scrypt(
        normalised(passphrase),
        salt=_SCRYPT_LABEL + salt,
        n=cost,
        r=BLOCK,
        p=1,
        maxmem=2 * 128 * cost * BLOCK,
        dklen=32,
    )


def sealed_to(recipient: bytes, data: bytes) -> bytes:
    """Return an age file of less than a chunk for the holder of an X25519 key (`age -d -i`)."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    once = X25519PrivateKey.generate()
    share = once.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret = once.exchange(X25519PublicKey.from_public_bytes(recipient))
    file_key = secrets.token_bytes(FILE_KEY_BYTES)
    wrap_key = _derived(secret, share + recipient, _X25519_LABEL)
    wrapped = _cipher(wrap_key).encrypt(_ONLY_NONCE, file_key, None)
    stanza = b"-> X25519 " + _base64(share) + b"\n" + _base64(wrapped)
    header = VERSION_LINE + stanza + b"\n---"
    nonce = secrets.token_bytes(SALT_BYTES)
    cipher = _cipher(_derived(file_key, nonce, _PAYLOAD_LABEL))
    payload = cipher.encrypt(_nonce(0, is_last=True), data, None)
    return header + b" " + _header_mac(file_key, header) + b"\n" + nonce + payload


def _derived(file_key: bytes, salt: bytes, label: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt, label).derive(file_key)


def _header_mac(file_key: bytes, header: bytes) -> bytes:
    key = _derived(file_key, b"", _HEADER_LABEL)
    return _base64(hmac.digest(key, header, "sha256"))


def _cipher(key: bytes) -> ChaCha20Poly1305:
    # The library takes 8 MB: it is loaded only where something is sealed.
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)


def _decrypted(cipher: ChaCha20Poly1305, nonce: bytes, sealed: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, sealed, None)
    except InvalidTag:
        return None


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _unbase64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4))


# ---- passphrases and refusals, of either format ------------------------------------------------

LEAST_PASSPHRASE: Final = 12


def checked_passphrase(text: str) -> str:
    """Return the passphrase; raises Refused for one with fewer than LEAST_PASSPHRASE characters."""
    if len(text) < LEAST_PASSPHRASE:
        raise Refused(
            _(
                "the passphrase has fewer than {least_passphrase} characters: choose a "
                "longer one, four words for instance",
                least_passphrase=LEAST_PASSPHRASE,
            ),
        )
    return text


def normalised(passphrase: str) -> bytes:
    """Return the bytes of a passphrase, the same for every way to write its letters."""
    # NFKC: one keyboard writes "è" as one character, another one as two.
    return unicodedata.normalize("NFKC", passphrase).encode()


def no_backup() -> Refused:
    """Return the refusal of a file of another kind."""
    return Refused(
        _("this file is no backup of the switchboard"),
    )


def cut_short() -> Refused:
    """Return the refusal of a file whose end is missing."""
    return Refused(
        _("the backup is not whole: its file was cut short, use another one"),
    )


def wrong_passphrase() -> Refused:
    """Return the refusal of a passphrase, which a damaged header causes as well."""
    return Refused(
        _("the passphrase is not this backup's, or the file is damaged at its beginning"),
    )


def damaged() -> Refused:
    """Return the refusal of a file that was changed."""
    return Refused(
        _("the backup is damaged: use another one"),
    )
