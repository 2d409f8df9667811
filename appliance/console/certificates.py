"""TLS certificate of the console: from the appliance's own authority, or the office's files."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import ssl
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.console.settings import ConsoleSettings
from appliance.errors import TechnicianError
from appliance.files import SHARED, atomic_write, make_shared
from appliance.policy.text import os_error_words
from appliance.text import _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Of this process: /proc/net itself is hidden in the unit's sandbox (ProcSubset=pid).
ADDRESSES_4: Final = Path("/proc/self/net/fib_trie")
ADDRESSES_6: Final = Path("/proc/self/net/if_inet6")
"""The kernel's tables of addresses (proc_net(5))."""
# The trie has each local address on a line of its own, above its "/32 host LOCAL".
_LOCAL = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL")


def own_addresses(listen: str) -> tuple[Address, ...]:
    """Return the addresses that browsers can reach: `listen`, or all of the machine's."""
    own = ipaddress.ip_address(listen)
    return (
        parse_addresses(_ascii_or_nothing(ADDRESSES_4), _ascii_or_nothing(ADDRESSES_6))
        if own.is_unspecified
        else (own,)
    )


def parse_addresses(fours: str, sixes: str) -> tuple[Address, ...]:
    """Parse the kernel's tables of IPv4 and IPv6 addresses; sorted, without link-local IPv6."""
    numbers: set[Address] = {ipaddress.IPv4Address(one) for one in _LOCAL.findall(fours)}
    numbers |= {
        ipaddress.IPv6Address(int(line.split()[0], 16)) for line in sixes.splitlines() if line
    }
    # A link-local IPv6 address needs the name of an interface, which no certificate carries.
    usable = (one for one in numbers if not (one.is_link_local and one.version == 6))
    return tuple(sorted(usable, key=lambda one: (one.version, int(one))))


def _ascii_or_nothing(path: Path) -> str:
    # There is no table on a machine without IPv6, or in a sandbox that hides it.
    with contextlib.suppress(OSError):
        return path.read_text(encoding="ascii")
    return ""


# The authority is made at the first start and stays; offices install it once. It can sign for the
# appliance's names and for private addresses alone (RFC 5280, 4.2.1.10): whoever steals its key
# cannot pretend to be anybody else.

AUTHORITY_DAYS: Final = 20 * 365
"""Validity of the authority, in days."""
# Below the 825 days that some browsers accept from an authority installed by hand.
SERVER_DAYS: Final = 180
"""Validity of the server's certificate, in days."""
# After a month without power the certificate is still valid.
RENEW_DAYS: Final = 60
"""Days before its end at which the certificate is renewed."""
# The clocks of the LAN's computers differ.
BACKDATED: Final = timedelta(days=1)
"""Time before its making from which a certificate is valid."""
# Addresses that the authority may sign for (RFC 1918, 3927, 4193).
PRIVATE_NETWORKS: Final = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "::1/128",
    "fc00::/7",
)  # fmt: skip
ALWAYS_PERMITTED: Final = ("local", "localhost")
# Longest name in a certificate (RFC 5280, A.1, ub-common-name).
NAME_LIMIT: Final = 64

PrivateKey = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class CertificateAndKey:
    """Certificate with its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        """Certificate as PEM text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """Host names and addresses for a server's certificate."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...]


def make_authority(site: str, names: tuple[str, ...], now: datetime) -> CertificateAndKey:
    """Make an authority for a site's console."""
    key = ec.generate_private_key(ec.SECP256R1())
    me = _common_name(f"Centralino - {site}"[:NAME_LIMIT])
    # The limits that make a stolen key useless elsewhere (RFC 5280, 4.2.1.10).
    permitted = [
        *(x509.DNSName(name) for name in dict.fromkeys((*ALWAYS_PERMITTED, *names))),
        *(x509.IPAddress(ipaddress.ip_network(one)) for one in PRIVATE_NETWORKS),
    ]
    builder = (
        _certificate_builder(me, me, key, now, AUTHORITY_DAYS)
        # No further authority below this one.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
    )
    return CertificateAndKey(builder.sign(key, hashes.SHA256()), key)


def make_server(
    authority: CertificateAndKey, wanted: CertificateNames, now: datetime
) -> CertificateAndKey:
    """Make the server's certificate for those wanted names that the authority may sign for."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = covered_names(authority.certificate, wanted)
    alternatives = [
        *(x509.DNSName(name) for name in named.names),
        *(x509.IPAddress(one) for one in named.addresses),
    ]
    issuer = authority.certificate.subject
    builder = (
        _certificate_builder(
            _common_name("Centralino"), issuer, key, now, SERVER_DAYS, authority.key
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    )
    return CertificateAndKey(builder.sign(authority.key, hashes.SHA256()), key)


def is_still_good(
    server: CertificateAndKey, authority: CertificateAndKey, wanted: CertificateNames, now: datetime
) -> bool:
    """Tell whether the server's certificate still fits: names, validity, signature."""
    certificate = server.certificate
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    named = CertificateNames(
        tuple(alternatives.get_values_for_type(x509.DNSName)),
        tuple(
            one.value
            for one in alternatives
            if isinstance(one.value, ipaddress.IPv4Address | ipaddress.IPv6Address)
        ),
    )
    return (
        # A changed name or address of the appliance changes the certificate alone, not the
        # authority.
        named == covered_names(authority.certificate, wanted)
        # Before its beginning, too: the clock may have been set back.
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


def covered_names(authority: x509.Certificate, wanted: CertificateNames) -> CertificateNames:
    """Return those wanted names that the authority may sign for, and always localhost."""
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = limits.permitted_subtrees or []
    trees = [one.value for one in permitted if isinstance(one, x509.DNSName)]
    networks = [one.value for one in permitted if isinstance(one, x509.IPAddress)]
    names = dict.fromkeys((*wanted.names, "localhost"))
    return CertificateNames(
        # A name or public address that the authority was not made for is left out, never signed.
        tuple(name for name in names if any(_is_below(name, tree) for tree in trees)),
        tuple(one for one in wanted.addresses if any(one in network for network in networks)),  # type: ignore[operator] # they are networks here
    )


def _is_below(name: str, tree: str) -> bool:
    return name == tree or name.endswith(f".{tree}")


def fingerprint(certificate: x509.Certificate) -> str:
    """Format a certificate's SHA-256 as browsers show it, in pairs of digits."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def save_certificate(pair: CertificateAndKey, certificate: Path, key: Path) -> None:
    """Write a certificate and its key; raises OSError."""
    text = pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # After a crash in between the two do not match and are made anew (load_certificate).
    for path, data in ((key, text), (certificate, pair.pem)):
        # Readable by call control, for its backups.
        make_shared(path.parent)
        atomic_write(path, data, mode=SHARED)


def load_certificate(certificate: Path, key: Path) -> CertificateAndKey | None:
    """Read a certificate and its key; None if one is missing or invalid, or they do not match."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        own = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    if not isinstance(own, ec.EllipticCurvePrivateKey):
        return None
    return CertificateAndKey(found, own) if found.public_key() == own.public_key() else None


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate_builder(
    me: x509.Name,
    issuer: x509.Name,
    key: PrivateKey,
    now: datetime,
    days: int,
    by: PrivateKey | None = None,
) -> x509.CertificateBuilder:
    signer = (by or key).public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(me)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
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


log = logging.getLogger(__name__)


def authority_path(settings: ConsoleSettings) -> Path:
    """Return the path of the authority's certificate, which offices install."""
    return settings.state / "tls" / "ca.crt"


class Certificates:
    """TLS context of the console, kept valid; raises TechnicianError without a certificate."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._loaded: tuple[float, float] | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._refresh(datetime.now(UTC))

    def refresh(self) -> None:
        """Renew the certificate if necessary; after an error the old one stays in use."""
        try:
            self._refresh(datetime.now(UTC))
        except (TechnicianError, OSError) as error:
            log.error("the certificate in use stays: %s", error)

    def _refresh(self, now: datetime) -> None:
        if self._settings.certificate:
            certificate, key = Path(self._settings.certificate), Path(self._settings.key)
        else:
            certificate, key = ensure_own_certificate(self._settings, now)
        try:
            # The office may replace its own files while the console runs.
            changed = (certificate.stat().st_mtime, key.stat().st_mtime)
            if changed != self._loaded:
                # First into another context: while the office copies its two files, they do not
                # match and would spoil the one in use.
                load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
                # In place: new connections get the new certificate, open ones go on.
                load_into(self.context, certificate, key)
                self._loaded = changed
        except OSError as error:
            raise TechnicianError(
                _(
                    "{file} cannot be read ({why}): console.certificate and console.key must be "
                    "readable by the service",
                    file=error.filename or certificate,
                    why=os_error_words(error),
                )
            ) from error


def load_into(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load a certificate and its key; raises TechnicianError with what is wrong, OSError."""
    try:
        # For a key under a password OpenSSL would ask at the terminal and wait for it.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        raise TechnicianError(
            _(
                "{certificate} and {key} cannot be used ({why}): they must be a certificate with "
                "its chain and its key, both as PEM, the key without a password",
                certificate=certificate,
                key=key,
                why=error.reason or error,
            )
        ) from error


def ensure_own_certificate(settings: ConsoleSettings, now: datetime) -> tuple[Path, Path]:
    """Make the appliance's own certificate where it is missing or due; raises TechnicianError."""
    folder = authority_path(settings).parent
    _open_to_backups(folder)
    wanted = CertificateNames(settings.names, own_addresses(settings.listen))
    certificate, key = folder / "server.crt", folder / "server.key"
    try:
        authority = ensure_authority(settings, now)
        server = load_certificate(certificate, key)
        if server is None or not is_still_good(server, authority, wanted, now):
            save_certificate(make_server(authority, wanted, now), certificate, key)
            log.warning("a new certificate for the console: %s", _coverage_text(authority, wanted))
    except OSError as error:
        raise TechnicianError(
            _(
                "the console's certificate cannot be kept in {folder} ({why}): folders.console "
                "must be a folder that the service may write",
                folder=folder,
                why=os_error_words(error),
            )
        ) from error
    return certificate, key


def _open_to_backups(folder: Path) -> None:
    """Open the folder to call control, for its backups; earlier versions made it private."""
    with contextlib.suppress(OSError):
        for path, mode in ((folder, 0o750), *((path, SHARED) for path in folder.iterdir())):
            if stat.S_IMODE(path.stat().st_mode) != mode:
                path.chmod(mode)


def ensure_authority(settings: ConsoleSettings, now: datetime) -> CertificateAndKey:
    """Return the appliance's authority, made when there is none; raises OSError."""
    certificate = authority_path(settings)
    found = load_certificate(certificate, certificate.with_suffix(".key"))
    # Only after its end: a new authority must be installed on every computer of the office.
    # After its end the console goes on serving, under a new authority.
    if found is None or found.certificate.not_valid_after_utc < now:
        found = make_authority(settings.site, settings.names, now)
        save_certificate(found, certificate, certificate.with_suffix(".key"))
        log.warning("a new certificate authority: %s", fingerprint(found.certificate))
    return found


def _coverage_text(authority: CertificateAndKey, wanted: CertificateNames) -> str:
    """List what the certificate names, and what its authority may not sign for."""
    named = covered_names(authority.certificate, wanted)
    missing = [str(one) for one in (*wanted.names, *wanted.addresses)]
    said = [str(one) for one in (*named.names, *named.addresses)]
    left = ", ".join(one for one in missing if one not in said)
    return ", ".join(said) + (f" (its authority cannot speak for {left})" if left else "")
