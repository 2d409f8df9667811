"""The certificate that the console shows, kept good while it runs: its own, or the office's files.

A context is loaded anew in place: new connections get the new certificate, open ones go on.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

from appliance.console import certificates
from appliance.console.addresses import of_this_box
from appliance.console.certificates import Pair, Wanted
from appliance.console.settings import ConsoleSettings
from appliance.errors import TechnicianError
from appliance.files import SHARED

log = logging.getLogger(__name__)


def authority_path(settings: ConsoleSettings) -> Path:
    """Say where the authority's certificate lies, for whoever installs it."""
    return settings.state / "tls" / "ca.crt"


class Certificates:
    """Keeps the context of one console; raises TechnicianError when it cannot begin."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._loaded: tuple[float, float] | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._refresh(datetime.now(UTC))

    def refresh(self) -> None:
        """Look whether the certificate still does; what fails leaves the one in use in use."""
        try:
            self._refresh(datetime.now(UTC))
        except (TechnicianError, OSError) as error:
            log.error("the certificate in use stays: %s", error)

    def _refresh(self, now: datetime) -> None:
        if self._settings.certificate:
            certificate, key = Path(self._settings.certificate), Path(self._settings.key)
        else:
            certificate, key = own_files(self._settings, now)
        try:
            changed = (certificate.stat().st_mtime, key.stat().st_mtime)
            if changed != self._loaded:
                load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)  # a rehearsal
                load_into(self.context, certificate, key)
                self._loaded = changed
        except OSError as error:
            raise TechnicianError(
                f"{error.filename or certificate} cannot be read ({error.strerror}): "
                "console.certificate and console.key must be readable by the service"
            ) from error


def load_into(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load a certificate and its key; raises TechnicianError with what is wrong, OSError."""
    try:
        # a key under a password would have the service wait for somebody to type it
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        raise TechnicianError(
            f"{certificate} and {key} cannot be used ({error.reason or error}): they must be a "
            "certificate with its chain and its key, both as PEM, the key without a password"
        ) from error


def own_files(settings: ConsoleSettings, now: datetime) -> tuple[Path, Path]:
    """Make sure of a good certificate of the box's own; raises TechnicianError."""
    folder = authority_path(settings).parent
    _open_to_backups(folder)
    wanted = Wanted(settings.names, of_this_box(settings.listen))
    certificate, key = folder / "server.crt", folder / "server.key"
    try:
        authority = own_authority(settings, now)
        server = certificates.load(certificate, key)
        if server is None or not certificates.is_good(server, authority, wanted, now):
            certificates.save(certificates.make_server(authority, wanted, now), certificate, key)
            log.warning("a new certificate for the console: %s", _covered(authority, wanted))
    except OSError as error:
        raise TechnicianError(
            f"the console's certificate cannot be kept in {folder} ({error.strerror}): "
            "folders.console must be a folder that the service may write"
        ) from error
    return certificate, key


def _open_to_backups(folder: Path) -> None:
    """Let the service have what a programme of before made for one account alone."""
    with contextlib.suppress(OSError):
        for path, mode in ((folder, 0o750), *((path, SHARED) for path in folder.iterdir())):
            if stat.S_IMODE(path.stat().st_mode) != mode:
                path.chmod(mode)


def own_authority(settings: ConsoleSettings, now: datetime) -> Pair:
    """Return the box's authority, made when there is none; raises OSError."""
    certificate = authority_path(settings)
    found = certificates.load(certificate, certificate.with_suffix(".key"))
    if found is None or found.certificate.not_valid_after_utc < now:
        found = certificates.make_authority(settings.site, settings.names, now)
        certificates.save(found, certificate, certificate.with_suffix(".key"))
        log.warning("a new certificate authority: %s", certificates.fingerprint(found.certificate))
    return found


def _covered(authority: Pair, wanted: Wanted) -> str:
    """Say what the certificate names, and what it cannot."""
    named = certificates.sayable(authority.certificate, wanted)
    missing = [str(one) for one in (*wanted.names, *wanted.addresses)]
    said = [str(one) for one in (*named.names, *named.addresses)]
    left = ", ".join(one for one in missing if one not in said)
    return ", ".join(said) + (f" (its authority cannot speak for {left})" if left else "")
