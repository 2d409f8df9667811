"""The box's own authority: limited to the box, made once; the server's certificate keeps itself."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.console import certificates
from appliance.console.certificates import (
    CertificateAndKey,
    CertificateNames,
    own_addresses,
    parse_addresses,
)
from appliance.files import atomic_write

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
BOX = ipaddress.ip_address("192.168.1.10")
WANTED = CertificateNames(("centralino.local", "pbx.comune.esempio.it"), (BOX,))
FOURS = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.168.1.10
        /32 host LOCAL
     |-- 192.168.1.255
        /32 link BROADCAST
Local:
     |-- 192.168.1.10
        /32 host LOCAL
"""
SIXES = """\
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
fd000000000000000000000000000002 04 40 00 82     eth0
"""


@pytest.fixture
def authority() -> CertificateAndKey:
    """Return an authority made now."""
    return certificates.make_authority("Comune di Prova", WANTED.names, NOW)


def test_the_addresses_are_the_kernels() -> None:
    """Every address at which a browser may find the box, once; none that needs an interface."""
    told = [str(one) for one in parse_addresses(FOURS, SIXES)]
    assert told == ["127.0.0.1", "192.168.1.10", "fd00::2"]
    assert parse_addresses("", "") == ()
    assert ipaddress.ip_address("127.0.0.1") in own_addresses("0.0.0.0")
    assert own_addresses("192.168.1.10") == (BOX,)


def test_the_certificate_names_the_box(authority: CertificateAndKey) -> None:
    """Names of the configuration, addresses of the box, and the box itself."""
    server = certificates.make_server(authority, WANTED, NOW)
    told = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert told.get_values_for_type(x509.DNSName) == [*WANTED.names, "localhost"]
    assert told.get_values_for_type(x509.IPAddress) == [BOX]
    assert certificates.is_still_good(server, authority, WANTED, NOW)


@pytest.mark.parametrize(
    ("wanted", "days"),
    [
        (CertificateNames(("centralino.local",), (BOX,)), 0),
        (CertificateNames(WANTED.names, ()), 0),
        (WANTED, certificates.SERVER_DAYS - certificates.RENEW_DAYS + 1),
        (WANTED, -2),
    ],
)
def test_it_is_made_anew_in_time(
    authority: CertificateAndKey, wanted: CertificateNames, days: int
) -> None:
    """When names or addresses change, two months before its end, after a clock was put back."""
    server = certificates.make_server(authority, WANTED, NOW)
    later = NOW + timedelta(days=days)
    assert not certificates.is_still_good(server, authority, wanted, later)


def test_another_authority_does_not_do(authority: CertificateAndKey) -> None:
    """A certificate of an authority that was replaced is no good one."""
    other = certificates.make_authority("Comune di Prova", WANTED.names, NOW)
    server = certificates.make_server(other, WANTED, NOW)
    assert not certificates.is_still_good(server, authority, WANTED, NOW)


def test_the_authority_speaks_for_this_box_alone(authority: CertificateAndKey) -> None:
    """A name or public address that it was not made for is left out, never signed."""
    foreign = CertificateNames(
        ("bank.example", "local"), (ipaddress.ip_address("203.0.113.5"), BOX)
    )
    assert certificates.covered_names(authority.certificate, foreign) == CertificateNames(
        ("local", "localhost"), (BOX,)
    )


@pytest.mark.parametrize(
    ("name", "is_trusted"), [("centralino.local", True), ("bank.example", False)]
)
def test_a_computer_that_trusts_it_trusts_nothing_else(
    authority: CertificateAndKey, tmp_path: Path, name: str, is_trusted: bool
) -> None:
    """Who stole the authority's key cannot pretend to be a bank to the office's computers."""
    stolen = _signed_for(authority, name)
    certificates.save_certificate(stolen, tmp_path / "s.crt", tmp_path / "s.key")
    assert _handshake(tmp_path, authority.pem.decode(), name) is is_trusted


def _signed_for(authority: CertificateAndKey, name: str) -> CertificateAndKey:
    """Sign a certificate for any name with the authority's key, as its thief would."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = certificates._certificate_builder(
        certificates._common_name("x"),
        authority.certificate.subject,
        key,
        datetime.now(UTC),
        30,
        authority.key,
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return CertificateAndKey(builder.sign(authority.key, hashes.SHA256()), key)


def _handshake(folder: Path, trusted: str, name: str) -> bool:
    """Have OpenSSL shake hands over a pair of sockets; True when the client trusts."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.load_into(serving, folder / "s.crt", folder / "s.key")
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            serving.wrap_socket(ours, server_side=True).close()
        except (ssl.SSLError, OSError):
            ours.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        ssl.create_default_context(cadata=trusted).wrap_socket(theirs, server_hostname=name).close()
    except ssl.SSLCertVerificationError:
        return False
    finally:
        theirs.close()
        server.join(10.0)
    return True


def test_keys_are_private_and_read_back(authority: CertificateAndKey, tmp_path: Path) -> None:
    """Nobody else on the box reads a key; a pair is found again after a restart."""
    certificate, key = tmp_path / "tls" / "ca.crt", tmp_path / "tls" / "ca.key"
    certificates.save_certificate(authority, certificate, key)
    assert key.stat().st_mode & 0o777 == 0o640, "the service has it in its backups"
    assert key.parent.stat().st_mode & 0o777 == 0o750
    back = certificates.load_certificate(certificate, key)
    assert back is not None
    assert back.certificate == authority.certificate


def test_what_does_not_belong_together_is_no_pair(
    authority: CertificateAndKey, tmp_path: Path
) -> None:
    """A foreign key, a key of another kind, a cut file, or none: there is no pair."""
    certificate, key = tmp_path / "ca.crt", tmp_path / "ca.key"
    assert certificates.load_certificate(certificate, key) is None
    certificates.save_certificate(authority, certificate, key)
    other = certificates.make_authority("x", (), NOW)
    certificates.save_certificate(other, tmp_path / "other.crt", key)
    assert certificates.load_certificate(certificate, key) is None
    atomic_write(key, b"-----BEGIN")
    assert certificates.load_certificate(certificate, key) is None
    atomic_write(key, _ed25519())
    assert certificates.load_certificate(certificate, key) is None


def _ed25519() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
