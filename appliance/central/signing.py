"""Signatures of the head office: Ed25519 (RFC 8032) with the key of one named certificate.

ONLY here, in the vault and the console's certificates is cryptography imported. No chain and no
dates are asked: the box's technician has named exactly who may sign, and a clock that is wrong
changes nothing. So neither CMS nor openssl as a child is needed, and nothing but 64 bytes is read
before it is known whose the file is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from appliance.policy.text import Refused

SIGNATURE_BYTES: Final = 64
_DAYS: Final = 30 * 365
_EARLIER: Final = timedelta(days=1)


def make_pair(name: str) -> tuple[bytes, bytes]:
    """Make a key and its certificate, both PEM; the key is for the head office alone."""
    key = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=_DAYS))
        .sign(key, None)
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret, certificate.public_bytes(serialization.Encoding.PEM)


def sign(key: bytes, data: bytes) -> bytes:
    """Return the signature of `data` by a key in PEM; raises Refused."""
    try:
        found = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise _no_key() from error
    if not isinstance(found, Ed25519PrivateKey):
        raise _no_key()
    return found.sign(data)


def check(certificates: bytes, signature: bytes, data: bytes) -> None:
    """Raise Refused unless one of the certificates' keys has signed `data`.

    Several stand in one file while the head office changes its key.
    """
    try:
        keys = [each.public_key() for each in x509.load_pem_x509_certificates(certificates)]
    except ValueError as error:
        raise _no_certificate() from error
    known = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not known:
        raise _no_certificate()
    if not any(_is_by(key, signature, data) for key in known):
        raise Refused(
            "la firma non è della sede centrale (central.certificate), o il file è danneggiato",
            "the signature is not the head office's (central.certificate), or the file is damaged",
        )


def _is_by(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _no_key() -> Refused:
    return Refused(
        "la chiave non è Ed25519 in PEM senza password: farne una con «centralino settings key»",
        "the key is not Ed25519 in PEM without a password: make one by `centralino settings key`",
    )


def _no_certificate() -> Refused:
    return Refused(
        "central.certificate non contiene un certificato Ed25519 in PEM: copiarvi certificate.pem "
        "di «centralino settings key»",
        "central.certificate holds no Ed25519 certificate in PEM: copy there certificate.pem of "
        "`centralino settings key`",
    )
