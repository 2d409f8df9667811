"""The certificate in use: made at first start, kept, replaced in place, or the office's own."""

from __future__ import annotations

import dataclasses
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from appliance.console import certificates
from appliance.console.guards import redirect_to_tls
from appliance.console.settings import ConsoleSettings
from appliance.errors import TechnicianError
from tests.console.visitor import Visitor, asked

NOW = datetime.now(UTC)


@pytest.fixture
def secure(console_settings: ConsoleSettings) -> ConsoleSettings:
    """Return settings of a console with TLS."""
    return dataclasses.replace(console_settings, is_secure=True)


def office(settings: ConsoleSettings, folder: Path, days: int = 0) -> ConsoleSettings:
    """Give the console a certificate of the office's own."""
    made = certificates.make_authority("Office", (), NOW + timedelta(days=days))
    certificates.save_certificate(made, folder / "own.crt", folder / "own.key")
    return dataclasses.replace(
        settings, certificate=str(folder / "own.crt"), key=str(folder / "own.key")
    )


def test_the_first_start_makes_everything_once(secure: ConsoleSettings) -> None:
    """The authority is made at the first start and stays: computers need to trust it once."""
    first = certificates.ensure_own_certificate(secure, NOW)
    kept = [path.read_bytes() for path in (certificates.authority_path(secure), *first)]
    assert certificates.ensure_own_certificate(secure, NOW) == first
    assert [path.read_bytes() for path in (certificates.authority_path(secure), *first)] == kept


def test_a_changed_name_changes_the_certificate_alone(secure: ConsoleSettings) -> None:
    """What the office has installed stays good when the box gets another name."""
    certificate, _ = certificates.ensure_own_certificate(secure, NOW)
    authority, before = certificates.authority_path(secure).read_bytes(), certificate.read_bytes()
    certificates.ensure_own_certificate(dataclasses.replace(secure, names=("other.local",)), NOW)
    assert certificates.authority_path(secure).read_bytes() == authority
    assert certificate.read_bytes() != before


def test_an_authority_that_has_ended_is_made_anew(secure: ConsoleSettings) -> None:
    """After twenty years the box does not stop serving."""
    old = certificates.ensure_authority(
        secure, NOW - timedelta(days=certificates.AUTHORITY_DAYS + 1)
    )
    assert certificates.ensure_authority(secure, NOW).certificate != old.certificate


def test_the_offices_own_files_are_used(secure: ConsoleSettings, tmp_path: Path) -> None:
    """With files of its own the office needs no authority of ours, and none is made."""
    certificates.Certificates(office(secure, tmp_path))
    assert not certificates.authority_path(secure).exists()


def test_a_file_that_cannot_be_used_is_told(secure: ConsoleSettings, tmp_path: Path) -> None:
    """Missing, cut short, of another key: the sentence names the files and what they must be."""
    settings = office(secure, tmp_path)
    Path(settings.key).unlink()
    with pytest.raises(TechnicianError, match=r"own\.key cannot be read .*console\.key"):
        certificates.Certificates(settings)
    Path(settings.key).write_text("-----BEGIN")
    with pytest.raises(TechnicianError, match=r"cannot be used .*as PEM"):
        certificates.Certificates(settings)


def test_a_new_file_is_taken_and_a_wrong_one_is_not(
    secure: ConsoleSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The office renews its certificate without a restart; a mistake leaves the old one in use."""
    settings = office(secure, tmp_path)
    shown = certificates.Certificates(settings)
    assert shown._loaded is not None
    first = shown._loaded
    Path(settings.key).write_text("-----BEGIN")
    os.utime(settings.key, (1, 1))
    shown.refresh()
    assert "the certificate in use stays" in caplog.text
    assert shown._loaded == first
    office(secure, tmp_path, days=1)
    os.utime(settings.key, (2, 2))
    shown.refresh()
    assert shown._loaded[1] == 2


def test_a_half_replaced_pair_leaves_the_old_one_working(
    secure: ConsoleSettings, tmp_path: Path
) -> None:
    """Between the copying of the certificate and of its key browsers go on being served."""
    settings = office(secure, tmp_path)
    shown = certificates.Certificates(settings)
    old = Path(settings.key).read_bytes()
    office(secure, tmp_path, days=1)
    Path(settings.key).write_bytes(old)
    shown.refresh()
    assert shakes_hands(shown.context)


def shakes_hands(serving: ssl.SSLContext) -> bool:
    """Tell whether a browser gets through, in memory."""
    visiting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    visiting.check_hostname, visiting.verify_mode = False, ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [visiting.wrap_bio(back, there), serving.wrap_bio(there, back, server_side=True)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return all(end.version() for end in ends)


def test_a_folder_that_cannot_be_written_is_told(secure: ConsoleSettings, tmp_path: Path) -> None:
    """The technician reads which folder, and what it must be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TechnicianError, match=r"folders\.console"):
        certificates.Certificates(dataclasses.replace(secure, state=tmp_path / "file"))


def test_the_authority_can_be_downloaded(secure: ConsoleSettings, tmp_path: Path) -> None:
    """Whoever sets up a computer gets the certificate, never the key; none of the office's own."""
    certificates.ensure_own_certificate(secure, NOW)
    with Visitor(secure) as visitor:
        answer = visitor.get("/ca.crt")
        assert answer.headers["content-type"] == "application/x-x509-ca-cert"
        assert answer.content == certificates.authority_path(secure).read_bytes()
        assert b"PRIVATE" not in answer.content
        assert "/ca.crt" in visitor.get("/").text
    with Visitor(office(secure, tmp_path)) as visitor:
        assert visitor.get("/ca.crt").status_code == 404
        assert "/ca.crt" not in visitor.get("/").text


@pytest.mark.parametrize(
    ("port", "host", "leads"),
    [
        (443, "centralino.local", "https://centralino.local/desk?a=1"),
        (8443, "192.168.1.10:80", "https://192.168.1.10:8443/desk?a=1"),
        (443, "[fd00::2]", "https://[fd00::2]/desk?a=1"),
    ],
)
def test_plain_http_leads_to_the_secure_port(port: int, host: str, leads: str) -> None:
    """Who types the name alone arrives."""
    answer = _plain(port, host)
    assert (answer.status_code, answer.headers["location"]) == (308, leads)


def test_plain_http_leads_nobody_elsewhere() -> None:
    """A foreign host name is not repeated."""
    assert _plain(443, "evil.example").status_code == 400


def _plain(port: int, host: str) -> httpx.Response:
    app = redirect_to_tls(("centralino.local",), port)
    return asked(app, "/desk?a=1", headers={"host": host})
