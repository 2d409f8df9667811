"""Downloads over https from the office's servers: the head office's settings, updates.

While the clock cannot be trusted a certificate's dates are not checked, only its name and
authority: the downloaded file has its own signature.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import ssl
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit

from appliance.config.state_folder import bundle_folder
from appliance.files import acting_for, atomic_write, load_text, make_private, make_shared
from appliance.managed_config.bundle import LARGEST as LARGEST_BUNDLE
from appliance.policy.text import Refused, words_of
from appliance.policy.updates import NO_ROOM, check_server, refused, version_order
from appliance.text import Words, _, unchanged

FETCH_LIMIT_S: Final = 30.0
BROKEN_OFF: Final = _("it broke off")
TO_BE_RESUMED: Final = _("it broke off, to be gone on")
NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h), which Python's ssl does not define."""


def context_of(ca_file: str, key: str, *, checks_dates: bool) -> ssl.SSLContext:
    """Return the TLS context; `key` is the setting of `ca_file`. Raises Refused."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise Refused(_("{key}: {why}", key=key, why=words_of(error))) from error
    if not checks_dates:
        context.verify_flags |= NO_CHECK_TIME
    return context


def opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    """Return an opener for https only: no http and no file, not even after a redirect."""
    # Not `build_opener`: it adds handlers for http, ftp and files.
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        made.add_handler(handler)
    return made


def not_fetched(url: str, why: Words) -> Refused:
    """Return the error for a URL that cannot be downloaded."""
    return Refused(_("{url} cannot be fetched: {why}", url=url, why=why))


def unreached(url: str, error: Exception) -> Refused:
    """Return the error for a URL, with the system's or the library's reason."""
    reason = getattr(error, "reason", error)
    return not_fetched(url, words_of(reason if isinstance(reason, Exception) else error))


# ---- The head office's settings ------------------------------------------------------------------
# The last bundle is kept: a server that replies "not modified" sends nothing, and a bundle that
# could not be used is checked again each time, as the obstacle on this box may be gone.

KEPT_BUNDLE: Final = "fetched"
KEPT_HEADERS: Final = "server.json"
# A server may send headers of any length, which are stored.
_LONGEST_HEADER: Final = 500


@dataclass(frozen=True, slots=True)
class KeptHeaders:
    """The last downloaded bundle, as described by the server."""

    address: str = ""
    etag: str = ""
    modified: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SettingsServer:
    """The head office's server; `ca_file` "" for the system's authorities."""

    address: str
    ca_file: str = ""
    checks_dates: bool = True

    def bundle(self, state: Path) -> bytes:
        """Return the server's bundle, the kept one if unchanged; raises Refused."""
        check_server(self.address)
        known, kept = _kept_bundle(state, self.address)
        request = urllib.request.Request(self.address)  # noqa: S310 - see check_server, opener
        if known.etag:
            request.add_header("If-None-Match", known.etag)
        if known.modified:
            request.add_header("If-Modified-Since", known.modified)
        context = context_of(self.ca_file, "central.ca_file", checks_dates=self.checks_dates)
        try:
            with opener(context).open(request, timeout=FETCH_LIMIT_S) as answer:
                data = _read_answer(answer, self.address)
                _keep_bundle(state, self.address, answer.headers, data)
        except HTTPError as error:
            if error.code == http.client.NOT_MODIFIED and kept:
                return kept
            raise not_fetched(self.address, unchanged(f"HTTP {error.code}")) from error
        except (OSError, http.client.HTTPException) as error:
            raise unreached(self.address, error) from error
        return data


def _read_answer(answer: Any, address: str) -> bytes:
    """Read a whole response; raises Refused if it is interrupted or too long."""
    told = answer.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > LARGEST_BUNDLE:
        raise _too_large(address)
    try:
        # One byte beyond the limit shows that there is more, whatever Content-Length says.
        data: bytes = answer.read(LARGEST_BUNDLE + 1)
    except (ConnectionError, TimeoutError, http.client.HTTPException, ssl.SSLError) as error:
        raise not_fetched(address, BROKEN_OFF) from error
    if len(data) > LARGEST_BUNDLE:
        raise _too_large(address)
    # `read` with a size returns the part of an interrupted response without an error.
    if told.isdecimal() and len(data) < int(told):
        raise not_fetched(address, BROKEN_OFF)
    return data


def _too_large(address: str) -> Exception:
    return not_fetched(address, _("more than {number} MB", number=LARGEST_BUNDLE >> 20))


def _keep_bundle(state: Path, address: str, headers: Any, data: bytes) -> None:
    """Store the downloaded bundle; if that fails, the next time downloads it again."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    digest = hashlib.sha256(data).hexdigest()
    known = KeptHeaders(address, etag[:_LONGEST_HEADER], modified[:_LONGEST_HEADER], digest)
    with contextlib.suppress(OSError):
        make_shared(bundle_folder(state))
        atomic_write(bundle_folder(state) / KEPT_BUNDLE, data)
        atomic_write(bundle_folder(state) / KEPT_HEADERS, json.dumps(asdict(known)))


def _kept_bundle(state: Path, address: str) -> tuple[KeptHeaders, bytes]:
    """Return the bundle last downloaded from this URL; b"" unless whole."""
    try:
        known = KeptHeaders(**json.loads(load_text(bundle_folder(state) / KEPT_HEADERS)))
        data = (bundle_folder(state) / KEPT_BUNDLE).read_bytes()
    except (OSError, ValueError, TypeError):
        return KeptHeaders(), b""
    # The digest shows that both files belong together: after a power cut between the two writes
    # they do not.
    is_it = known.address == address and known.digest == hashlib.sha256(data).hexdigest()
    return (known, data) if is_it else (KeptHeaders(), b"")


# ---- Updates -------------------------------------------------------------------------------------
# An interrupted download of an update is resumed the next time. TLS identifies the server; RAUC
# decides by the bundle's own signature whether it may be installed, which does not depend on
# the box's clock. So while the clock cannot be trusted a certificate's dates are not checked, only
# its name and authority.

LATEST: Final = "latest.json"
LATEST_BYTES: Final = 4096
LARGEST_UPDATE: Final = 2_000_000_000
FETCHED_PIECE: Final = 1 << 16
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}\.raucb")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FROM: Final = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


@dataclass(frozen=True, slots=True)
class Offer:
    """A server's offer; without `size` and `sha256` if the address is the file itself."""

    url: str
    version: str = ""
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class UpdateServer:
    """The office's update server; `ca_file` "" for the system's authorities."""

    address: str
    ca_file: str = ""
    checks_dates: bool = True

    def latest(self) -> Offer:
        """Return the server's offer; raises Refused."""
        check_server(self.address)
        if urlsplit(self.address).path.endswith(".raucb"):
            return Offer(self.address)
        with self._opened(urljoin(self.folder, LATEST)) as answer:
            return self.offer_in(_read(answer, LATEST_BYTES + 1))

    @property
    def folder(self) -> str:
        """The address as that of a folder."""
        return self.address if self.address.endswith("/") else f"{self.address}/"

    def offer_in(self, text: bytes) -> Offer:
        """Read latest.json; raises Refused."""
        return _offer(text, self.folder)

    def small_file(self, name: str, most: int) -> bytes:
        """Download a whole file of the folder, of at most so many bytes; raises Refused."""
        check_server(self.address)
        url = urljoin(self.folder, name)
        with self._opened(url) as answer:
            told = answer.headers.get("Content-Length", "")
            # One byte beyond the limit shows that there is more, whatever Content-Length says.
            data = _read(answer, most + 1)
        if len(data) > most:
            raise not_fetched(url, _("more than {number} kB", number=most >> 10))
        if not data or (told.isdecimal() and len(data) < int(told)):
            raise not_fetched(url, BROKEN_OFF)
        return data

    def fetch(self, offer: Offer, target: Path, room: int) -> None:
        """Download a bundle of at most `room` bytes, resuming; raises Refused, OSError.

        `target` is whole or absent.
        """
        make_private(target.parent)
        # Root writes as the service, whose folder it is: a symbolic link there leads no further.
        with acting_for(target.parent):
            self._fetch(offer, target, room)

    def _fetch(self, offer: Offer, target: Path, room: int) -> None:
        key = hashlib.sha256(f"{offer.url} {offer.sha256}".encode()).hexdigest()[:16]
        part = target.with_name(f"{key}.part")
        # Parts of other offers are never resumed.
        for old in set(target.parent.glob("*.part")) - {part}:
            old.unlink()
        if part.is_symlink() or not os.access(part, os.W_OK, effective_ids=True):
            # Begun by the administrator, or planted.
            part.unlink(missing_ok=True)
        most = min(offer.size or LARGEST_UPDATE, LARGEST_UPDATE, room)
        if offer.size > most:
            raise refused(NO_ROOM)
        self._go_on(offer, part, most)
        _check(part, offer)
        part.replace(target)

    def _go_on(self, offer: Offer, part: Path, most: int) -> None:
        have = part.stat().st_size if part.exists() else 0
        if offer.size and have == offer.size:
            return
        with self._opened(offer.url, have) as answer:
            found = _FROM.fullmatch(answer.headers.get("Content-Range", ""))
            goes_on = answer.status == http.client.PARTIAL_CONTENT and bool(
                found and int(found[1]) == have
            )
            with part.open("ab" if goes_on else "wb") as file:
                _pour(answer, file, most - (have if goes_on else 0), offer.url)

    def _opened(self, url: str, begin: int = 0) -> Any:
        """Open an https address, also after redirects; raises Refused."""
        request = urllib.request.Request(url)  # noqa: S310 - see check_server, opener
        if begin:
            request.add_header("Range", f"bytes={begin}-")
        context = context_of(self.ca_file, "updates.ca_file", checks_dates=self.checks_dates)
        try:
            return opener(context).open(request, timeout=FETCH_LIMIT_S)
        except HTTPError as error:
            # The server's file is no longer than the part: download it from the beginning.
            if begin and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                return self._opened(url)
            raise not_fetched(url, unchanged(f"HTTP {error.code}")) from error
        except (OSError, http.client.HTTPException) as error:
            raise unreached(url, error) from error


def _offer(text: bytes, base: str) -> Offer:
    """Read latest.json; raises Refused."""
    try:
        told = json.loads(text)
        version, name = str(told["version"]), str(told["bundle"])
        size, sha256 = int(told["size"]), str(told["sha256"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _bad_latest(base) from error
    version_order(version)
    if not (_NAME.fullmatch(name) and _SHA256.fullmatch(sha256) and 0 < size <= LARGEST_UPDATE):
        raise _bad_latest(base)
    return Offer(urljoin(base, name), version, size, sha256)


def _bad_latest(base: str) -> Refused:
    return Refused(
        _(
            "{base}{latest} is not what it should be (version, bundle, size, sha256): "
            "put it right on the server",
            base=base,
            latest=LATEST,
        ),
    )


def _broken_off(url: str) -> Refused:
    return not_fetched(url, TO_BE_RESUMED)


def _read(answer: Any, most: int) -> bytes:
    with contextlib.suppress(OSError, http.client.HTTPException):
        data: bytes = answer.read(most)
        return data
    return b""


def _pour(answer: Any, file: IO[bytes], most: int, address: str) -> None:
    """Write the received data; raises Refused beyond `most` bytes or if interrupted."""
    come, told = 0, answer.headers.get("Content-Length", "")
    try:
        while piece := answer.read(FETCHED_PIECE):
            most -= len(piece)
            if most < 0:
                raise Refused(
                    _(
                        "the server sends more than it says, or than there is room for: nothing "
                        "was changed"
                    ),
                )
            file.write(piece)
            come += len(piece)
    except (ConnectionError, TimeoutError, http.client.HTTPException, ssl.SSLError) as error:
        raise _broken_off(address) from error
    if told.isdecimal() and come < int(told):
        raise _broken_off(address)


def _check(part: Path, offer: Offer) -> None:
    """Raise Refused unless the file is the offered one; a short file stays for resuming."""
    if not offer.sha256:
        return
    if part.stat().st_size < offer.size:
        raise _broken_off(offer.url)
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != offer.sha256:
        part.unlink()
        raise Refused(
            _(
                "the fetched file is not the one that the server announces (sha256): it is "
                "fetched anew the next time"
            ),
        )
