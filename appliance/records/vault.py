"""Seals what may not lie in the database in clear: numbers, and e-mails that may name some (P7).

The ONLY cryptography import. AES-256-GCM (NIST SP 800-38D): a nonce of 96 random bits before what
is sealed; what it belongs to is authenticated with it, so that nothing sealed can change places.
The key lies in a file of its own beside the database, 0600: who has the database alone has no
number.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from appliance.errors import StoreError
from appliance.files import create_once, make_private
from appliance.policy.refused import NotKept
from appliance.policy.system_words import why_not

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
LEAST_TEXT: Final = 32
"""Texts are filled up to so many bytes: the length of what is sealed says nothing of a number's."""
FILL: Final = b"\0"
KEY: Final = "register.key"
SECRETS: Final = "secrets"
"""The folder of the state folder in which keys and passwords lie."""


class Vault:
    """Seals and opens with one key; raises StoreError for what it did not seal."""

    def __init__(self, key: bytes, path: Path) -> None:
        self._key = key
        self._path = path
        self._cipher: AESGCM | None = None

    def seal(self, text: str, about: str) -> str:
        """Seal a short text; `about` is what it belongs to."""
        sealed = self.seal_bytes(text.encode().ljust(LEAST_TEXT, FILL), about)
        return base64.b64encode(sealed).decode("ascii")

    def open(self, sealed: str, about: str) -> str:
        """Return what `seal` was given."""
        return self.open_bytes(base64.b64decode(sealed), about).rstrip(FILL).decode()

    def seal_bytes(self, data: bytes, about: str) -> bytes:
        """Seal bytes as they are."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._ready().encrypt(nonce, data, about.encode())

    def open_bytes(self, sealed: bytes, about: str) -> bytes:
        """Return what `seal_bytes` was given."""
        from cryptography.exceptions import InvalidTag

        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._ready().decrypt(nonce, rest, about.encode())
        except (InvalidTag, ValueError) as error:
            raise NotKept(
                f"ciò che è cifrato per {about} non si legge con {self._path}: rimettere la "
                "chiave della copia di sicurezza da cui vengono gli archivi",
                f"what is sealed for {about} cannot be read with {self._path}: put back the key of "
                "the backup that the records come from",
            ) from error

    def _ready(self) -> AESGCM:
        """Load the library (8 MB) when it is needed: a desk without a register never does."""
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._cipher = AESGCM(self._key)
        return self._cipher


class Opener(Protocol):
    """Whatever opens what was sealed."""

    def open(self, sealed: str, about: str) -> str:
        """Return what was sealed."""


class Willing:
    """Opens what can be opened; what cannot is empty, and `error` is the first reason."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.error: StoreError | None = None

    def open(self, sealed: str, about: str) -> str:
        """Return what was sealed, "" where it cannot be read."""
        try:
            return self._vault.open(sealed, about)
        except StoreError as error:
            self.error = self.error or error
            return ""


def secret_place(state: Path, name: str) -> Path:
    """Say where a secret lies: in a folder that the service's account alone can enter.

    One that a programme of before has left in the state folder itself is found there until it is
    moved (daemon/secret_files.py).
    """
    before, place = state / name, state / SECRETS / name
    is_left = before.is_file() and not before.is_symlink()
    return before if is_left else place


def key_path(database: Path) -> Path:
    """Say where the key lies: with the other secrets, beside the database."""
    return secret_place(database.parent, KEY)


def load_vault(path: Path) -> Vault:
    """Read the key; raises StoreError in one sentence when it is missing or no key."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError as error:
        raise NotKept(
            f"manca la chiave {path} e i numeri della rubrica non si leggono: rimetterla "
            "dalla copia di sicurezza, o ricominciare gli archivi e importare "
            "l'esportazione della rubrica",
            f"the key {path} is missing, so the register's numbers cannot be read: put it back "
            "from the backup, or begin the records anew and import the register's export",
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not what was written there"
        it = why_not(error).it if isinstance(error, OSError) else "non è una chiave"
        raise NotKept(
            f"la chiave {path} non si può leggere ({it}): rimetterla dalla copia di sicurezza",
            f"the key {path} cannot be read ({why}): put it back from the backup",
        ) from error
    if len(key) != KEY_BYTES:
        raise NotKept(
            f"la chiave {path} è incompleta: rimetterla dalla copia di sicurezza",
            f"the key {path} is cut short: put it back from the backup",
        )
    return Vault(key, path)


def make_vault(path: Path) -> Vault:
    """Make the key, durably and once: one that another process has made meanwhile is taken.

    It belongs to whom the folder's database belongs to, also when root makes it. Raises OSError.
    """
    make_private(path.parent)
    with contextlib.suppress(FileExistsError):
        create_once(path, f"{secrets.token_hex(KEY_BYTES)}\n".encode("ascii"))
    return load_vault(path)
