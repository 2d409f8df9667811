"""The box's own certificate authority and its server's certificate. ONLY here and in the vault is
cryptography imported.

The authority is made at the first start and stays; offices install it once. It can speak for the
box's names and for private addresses alone (RFC 5280, 4.2.1.10): whoever steals its key cannot
pretend to be anybody else. The server's certificate is made anew by itself.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.console.addresses import Address
from appliance.files import SHARED, atomic_write, make_shared

AUTHORITY_DAYS: Final = 20 * 365
SERVER_DAYS: Final = 180
"""Below the 825 days that some browsers accept of an authority that was installed by hand."""
RENEW_DAYS: Final = 60
"""Renewed so long before its end: a box that is off for a month comes back with a good one."""
EARLIER: Final = timedelta(days=1)
"""Valid so long before it was made: clocks of the LAN differ."""
PRIVATE: Final = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "::1/128",
    "fc00::/7",
)  # fmt: skip
"""Addresses that the authority may speak for (RFC 1918, 3927, 4193)."""
ALWAYS: Final = ("local", "localhost")
NAME_LIMIT: Final = 64
"""Longest name in a certificate (RFC 5280, A.1, ub-common-name)."""

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        """The certificate as text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a server's certificate must name."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...]


def make_authority(site: str, names: tuple[str, ...], now: datetime) -> Pair:
    """Make an authority for a site's console."""
    key = ec.generate_private_key(ec.SECP256R1())
    me = _named(f"Centralino - {site}"[:NAME_LIMIT])
    permitted = [
        *(x509.DNSName(name) for name in dict.fromkeys((*ALWAYS, *names))),
        *(x509.IPAddress(ipaddress.ip_network(one)) for one in PRIVATE),
    ]
    builder = (
        _begun(me, me, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def make_server(authority: Pair, wanted: Wanted, now: datetime) -> Pair:
    """Make the server's certificate, for what of the wanted the authority may speak for."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = sayable(authority.certificate, wanted)
    alternatives = [
        *(x509.DNSName(name) for name in named.names),
        *(x509.IPAddress(one) for one in named.addresses),
    ]
    issuer = authority.certificate.subject
    builder = (
        _begun(_named("Centralino"), issuer, key, now, SERVER_DAYS, authority.key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def is_good(server: Pair, authority: Pair, wanted: Wanted, now: datetime) -> bool:
    """Tell whether the server's certificate still does: names, days, who signed it."""
    certificate = server.certificate
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    named = Wanted(
        tuple(alternatives.get_values_for_type(x509.DNSName)),
        tuple(
            one.value
            for one in alternatives
            if isinstance(one.value, ipaddress.IPv4Address | ipaddress.IPv6Address)
        ),
    )
    return (
        named == sayable(authority.certificate, wanted)
        and is_valid(certificate, now)
        and now + timedelta(days=RENEW_DAYS) <= certificate.not_valid_after_utc
        and is_signed_by(certificate, authority.certificate)
    )


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Tell whether a certificate is valid at a moment."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether an authority has signed a certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - the library raises several kinds, all of them "no"
        return False
    return True


def sayable(authority: x509.Certificate, wanted: Wanted) -> Wanted:
    """Return what of the wanted the authority may speak for; this machine itself, always."""
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = limits.permitted_subtrees or []
    trees = [one.value for one in permitted if isinstance(one, x509.DNSName)]
    networks = [one.value for one in permitted if isinstance(one, x509.IPAddress)]
    names = dict.fromkeys((*wanted.names, "localhost"))
    return Wanted(
        tuple(name for name in names if any(_is_below(name, tree) for tree in trees)),
        tuple(one for one in wanted.addresses if any(one in network for network in networks)),  # type: ignore[operator] # they are networks here
    )


def _is_below(name: str, tree: str) -> bool:
    return name == tree or name.endswith(f".{tree}")


def fingerprint(certificate: x509.Certificate) -> str:
    """Write a certificate's SHA-256 as browsers show it, in pairs."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


# --- on the disk --------------------------------------------------------------------------------


def save(pair: Pair, certificate: Path, key: Path) -> None:
    """Write both, the key first, for the service to have in its backups; raises OSError."""
    text = pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for path, data in ((key, text), (certificate, pair.pem)):
        make_shared(path.parent)
        atomic_write(path, data, mode=SHARED)


def load(certificate: Path, key: Path) -> Pair | None:
    """Read both; None where one is missing, cannot be read, or they do not belong together."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        own = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    if not isinstance(own, ec.EllipticCurvePrivateKey):
        return None
    return Pair(found, own) if found.public_key() == own.public_key() else None


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    me: x509.Name, issuer: x509.Name, key: Key, now: datetime, days: int, by: Key | None = None
) -> x509.CertificateBuilder:
    signer = (by or key).public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(me)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
