"""An update from the office's own server: over TLS, gone on with after a break, or not there."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import ssl
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.commands.downloads import Offer, UpdateServer
from appliance.policy.text import Refused

BUNDLE = bytes(range(256)) * 4000
ROOM = 10_000_000
NAME = "centralino-1.1.0.raucb"
LATEST = {
    "version": "1.1.0",
    "bundle": NAME,
    "size": len(BUNDLE),
    "sha256": hashlib.sha256(BUNDLE).hexdigest(),
}


class Site:
    """An https server with a folder of updates; `breaks_at` ends an answer after so many bytes.

    `files` are further files of the folder, or others than the usual ones.
    """

    def __init__(self, folder: Path, *, days: int = 30) -> None:
        self.latest: Any = LATEST
        self.bundle = BUNDLE
        self.breaks_at: int | None = None
        self.ranges: list[str] = []
        self.knows_ranges = True
        self.leads_to = ""
        self.files: dict[str, bytes] = {}
        self.ca_file = folder / "ca.pem"
        certificate(folder, days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, folder / "key.pem")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="updates"
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def address(self, scheme: str = "https") -> str:
        """Say where it is found."""
        return f"{scheme}://localhost:{self._server.server_port}/updates"

    def server(self, **more: Any) -> UpdateServer:
        """Return it as the box knows it."""
        return UpdateServer(self.address(), str(self.ca_file), **more)


def handler(site: Site) -> type[http.server.BaseHTTPRequestHandler]:
    """Make what answers for a site."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            if site.leads_to:
                self.send_response(302)
                self.send_header("Location", site.leads_to)
                self.end_headers()
                return
            known = {"/updates/latest.json": json.dumps(site.latest).encode()}
            known[f"/updates/{NAME}"] = site.bundle
            known |= {f"/updates/{name}": data for name, data in site.files.items()}
            data = known.get(self.path)
            if data is None:
                self.send_error(404)
                return
            self._send(data)

        def _send(self, data: bytes) -> None:
            wanted, begin = self.headers.get("Range", ""), 0
            if wanted:
                site.ranges.append(wanted)
            if wanted and site.knows_ranges:
                begin = int(wanted.removeprefix("bytes=").rstrip("-"))
                if begin >= len(data):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data) - begin))
            self.end_headers()
            is_bundle = self.path.endswith(".raucb")
            end = site.breaks_at if is_bundle and site.breaks_at else len(data)
            self.wfile.write(data[begin:end])

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    return Handler


def certificate(folder: Path, days: int) -> None:
    """Make a certificate of its own for localhost that ends in so many days, or ended then."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server whose certificate the box trusts."""
    with Site(tmp_path) as made:
        yield made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the box wants it."""
    return tmp_path / "state" / "update" / "fetched.raucb"


def test_what_the_server_has_is_fetched(site: Site, target: Path) -> None:
    """Whole, as it announces it."""
    offer = site.server().latest()
    assert (offer.version, offer.size) == ("1.1.0", len(BUNDLE))
    site.server().fetch(offer, target, ROOM)
    assert target.read_bytes() == BUNDLE
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_file_itself_may_be_named(site: Site, target: Path) -> None:
    """What it is, its own signature says."""
    server = UpdateServer(f"{site.address()}/{NAME}", str(site.ca_file))
    server.fetch(server.latest(), target, ROOM)
    assert target.read_bytes() == BUNDLE


def test_a_named_file_that_broke_off_is_not_taken_for_whole(site: Site, target: Path) -> None:
    """Nobody has told its sum: how long it is the server says as it sends it."""
    site.breaks_at = 300_000
    server = UpdateServer(f"{site.address()}/{NAME}", str(site.ca_file))
    with pytest.raises(Refused, match="gone on"):
        server.fetch(server.latest(), target, ROOM)
    assert not target.exists()
    site.breaks_at = None
    server.fetch(server.latest(), target, ROOM)
    assert target.read_bytes() == BUNDLE


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_what_broke_off_is_gone_on_with(site: Site, target: Path, knows_ranges: bool) -> None:
    """From where it ended; from the beginning where the server knows no parts."""
    site.knows_ranges = knows_ranges
    site.breaks_at = 300_000
    offer = site.server().latest()
    with pytest.raises(Refused, match="gone on"):
        site.server().fetch(offer, target, ROOM)
    assert not target.exists()
    site.breaks_at = None
    site.server().fetch(offer, target, ROOM)
    assert target.read_bytes() == BUNDLE
    assert site.ranges == ["bytes=300000-"]


def test_a_part_of_another_version_is_not_gone_on_with(site: Site, target: Path) -> None:
    """What lies there is of what the server had yesterday."""
    site.breaks_at = 300_000
    with pytest.raises(Refused, match="gone on"):
        site.server().fetch(site.server().latest(), target, ROOM)
    site.breaks_at = None
    site.bundle = BUNDLE[::-1]
    site.latest = LATEST | {"sha256": hashlib.sha256(site.bundle).hexdigest()}
    site.server().fetch(site.server().latest(), target, ROOM)
    assert target.read_bytes() == site.bundle
    assert site.ranges == []


def test_other_contents_than_announced_are_not_kept(site: Site, target: Path) -> None:
    """Nor what is longer; nothing of it stays."""
    for wrong in (b"x" + BUNDLE[1:], BUNDLE + b"more"):
        site.bundle = wrong
        with pytest.raises(Refused):
            site.server().fetch(site.server().latest(), target, ROOM)
        assert not target.exists()
    site.bundle = BUNDLE
    site.server().fetch(site.server().latest(), target, ROOM)
    assert target.read_bytes() == BUNDLE


def test_messages_come_first(site: Site, target: Path) -> None:
    """What there is no room for is not even begun; nor a file whose size nobody has told."""
    with pytest.raises(Refused, match="messages come first"):
        site.server().fetch(site.server().latest(), target, len(BUNDLE) - 1)
    with pytest.raises(Refused, match="room for"):
        site.server().fetch(Offer(f"{site.address()}/{NAME}"), target, 1000)
    assert not target.exists()


@pytest.mark.parametrize(
    "latest",
    [
        [], {}, "x", LATEST | {"bundle": "../../etc/passwd"}, LATEST | {"bundle": "a/b.raucb"},
        LATEST | {"bundle": "https://elsewhere.example/x.raucb"}, LATEST | {"size": -1},
        LATEST | {"size": 10**12}, LATEST | {"sha256": "x"}, LATEST | {"version": "new"},
        LATEST | {"more": "x" * 5000},
    ],
)  # fmt: skip
def test_a_list_that_is_none_is_said(site: Site, latest: Any) -> None:
    """It names a file beside itself, no other place."""
    site.latest = latest
    with pytest.raises(Refused):
        site.server().latest()


def test_a_server_that_nobody_vouches_for_is_not_believed(site: Site, tmp_path: Path) -> None:
    """Neither with another authority, nor where the clock is not trusted."""
    other = tmp_path / "other"
    other.mkdir()
    certificate(other, 30)
    for checks in (True, False):
        with pytest.raises(Refused, match="cannot be fetched"):
            UpdateServer(site.address(), str(other / "ca.pem"), checks_dates=checks).latest()
        with pytest.raises(Refused, match="cannot be fetched"):
            UpdateServer(site.address(), checks_dates=checks).latest()
        by_address = site.address().replace("localhost", "127.0.0.1")
        with pytest.raises(Refused, match="cannot be fetched"):
            UpdateServer(by_address, str(site.ca_file), checks_dates=checks).latest()


def test_dates_count_while_the_clock_is_trusted(tmp_path: Path) -> None:
    """A box that has lost the time looks at name and authority: it could never be updated else."""
    with Site(tmp_path, days=-1) as site:
        with pytest.raises(Refused, match="expired"):
            site.server().latest()
        assert site.server(checks_dates=False).latest().version == "1.1.0"


def test_nothing_is_fetched_without_tls(site: Site, tmp_path: Path) -> None:
    """Neither where the configuration says so, nor where a server leads there, nor from a file."""
    for address in (site.address("http"), "file:///etc/passwd", "ftp://x/", "", "https://"):
        with pytest.raises(Refused, match="https address"):
            UpdateServer(address).latest()
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(LATEST))
    for leads_to in (f"file://{secret}", site.address("http") + "/latest.json"):
        site.leads_to = leads_to
        with pytest.raises(Refused, match="cannot be fetched"):
            site.server().latest()


def test_a_server_that_is_away_is_said_in_words(site: Site) -> None:
    """What is wrong and what to do; no number of the system's."""
    with pytest.raises(Refused, match="nobody answers"):
        UpdateServer("https://127.0.0.1:1/updates").latest()
    with pytest.raises(Refused, match="HTTP 404"):
        UpdateServer(site.address() + "/nowhere/", str(site.ca_file)).latest()
    with pytest.raises(Refused, match="ca_file"):
        UpdateServer(site.address(), "/nowhere/ca.pem").latest()


@pytest.mark.skipif(os.geteuid() != 0, reason="what root does for the service's account")
def test_root_is_not_led_elsewhere_by_a_link_in_the_services_folder() -> None:
    """`box update --fetch`: the service has laid a link where the download goes. A file
    of root's stays what it is, and the bundle is there for the service.
    """
    with tempfile.TemporaryDirectory() as name:  # outside pytest's own folder, which is root's
        place = Path(name)
        place.chmod(0o755)
        roots, folder = place / "roots", place / "update"
        roots.write_text("root's")
        roots.chmod(0o600)
        folder.mkdir()
        with Site(place) as site:
            offer = site.server().latest()
            key = hashlib.sha256(f"{offer.url} {offer.sha256}".encode()).hexdigest()[:16]
            (folder / f"{key}.part").symlink_to(roots)
            os.chown(folder, 4321, 4321)
            target = folder / "fetched.raucb"
            site.server().fetch(offer, target, ROOM)
        assert roots.read_text() == "root's"
        assert target.read_bytes() == BUNDLE
        assert target.stat().st_uid == 4321
