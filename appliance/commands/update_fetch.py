"""Fetches a bundle from the office's own HTTPS server: latest.json beside it, or the file itself.

What is on the way stays where it is when the network fails, and is gone on with the next time. TLS
says whom one speaks with; whether the bundle may be installed its own signature says (RAUC), whose
date does not depend on the box's clock. So a box whose clock cannot be trusted looks at the name
and the authority of a certificate, and not at its dates.
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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit

from appliance.commands.https import LIMIT_S, context_of, not_fetched, opener, unreached
from appliance.files import acting_for, make_private
from appliance.policy.text import Refused
from appliance.policy.updates import NO_ROOM, check_server, order, refused

LATEST: Final = "latest.json"
LATEST_BYTES: Final = 4096
LARGEST: Final = 2_000_000_000
PIECE: Final = 1 << 16
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}\.raucb")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FROM: Final = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers; `size` 0 and no `sha256` where it is the file's address itself."""

    url: str
    version: str = ""
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """The office's server; `ca_file` "" for the system's authorities."""

    address: str
    ca_file: str = ""
    checks_dates: bool = True

    def latest(self) -> Offer:
        """Read what the server offers; raises Refused."""
        check_server(self.address)
        if urlsplit(self.address).path.endswith(".raucb"):
            return Offer(self.address)
        base = self.address if self.address.endswith("/") else f"{self.address}/"
        with self._opened(urljoin(base, LATEST)) as answer:
            return _offer(_read(answer, LATEST_BYTES + 1), base)

    def fetch(self, offer: Offer, target: Path, room: int) -> None:
        """Fetch a bundle, going on where the last time ended; raises Refused, OSError.

        It is whole or not there; `room` are the bytes that it may have. The administrator does so
        as the service, whose folder it is: a link that lies there leads no further.
        """
        make_private(target.parent)
        with acting_for(target.parent):
            self._fetch(offer, target, room)

    def _fetch(self, offer: Offer, target: Path, room: int) -> None:
        key = hashlib.sha256(f"{offer.url} {offer.sha256}".encode()).hexdigest()[:16]
        part = target.with_name(f"{key}.part")
        for old in set(target.parent.glob("*.part")) - {part}:
            old.unlink()
        if part.is_symlink() or not os.access(part, os.W_OK, effective_ids=True):
            part.unlink(missing_ok=True)  # begun by the administrator, or planted
        most = min(offer.size or LARGEST, LARGEST, room)
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
        """Open an address, of https alone, wherever it leads; raises Refused."""
        request = urllib.request.Request(url)  # noqa: S310 - see check_server and https.opener
        if begin:
            request.add_header("Range", f"bytes={begin}-")
        context = context_of(self.ca_file, "updates.ca_file", checks_dates=self.checks_dates)
        try:
            return opener(context).open(request, timeout=LIMIT_S)
        except HTTPError as error:
            if begin and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                return self._opened(url)
            raise not_fetched(url, f"HTTP {error.code}", f"HTTP {error.code}") from error
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
    order(version)
    if not (_NAME.fullmatch(name) and _SHA256.fullmatch(sha256) and 0 < size <= LARGEST):
        raise _bad_latest(base)
    return Offer(urljoin(base, name), version, size, sha256)


def _bad_latest(base: str) -> Refused:
    return Refused(
        f"{base}{LATEST} non è come deve (version, bundle, size, sha256): correggerlo sul server",
        f"{base}{LATEST} is not what it should be (version, bundle, size, sha256): put it right on "
        "the server",
    )


def _broken_off(url: str) -> Refused:
    return not_fetched(
        url, "si è interrotto, si continua la prossima volta", "it broke off, to be gone on"
    )


def _read(answer: Any, most: int) -> bytes:
    with contextlib.suppress(OSError, http.client.HTTPException):
        data: bytes = answer.read(most)
        return data
    return b""


def _pour(answer: Any, file: IO[bytes], most: int, address: str) -> None:
    """Write what comes; raises Refused for more than may, or where it breaks off."""
    come, told = 0, answer.headers.get("Content-Length", "")
    try:
        while piece := answer.read(PIECE):
            most -= len(piece)
            if most < 0:
                raise Refused(
                    "il server manda più di quanto dice, o di quanto c'è posto: nulla è cambiato",
                    "the server sends more than it says, or than there is room for: nothing was "
                    "changed",
                )
            file.write(piece)
            come += len(piece)
    except (ConnectionError, TimeoutError, http.client.HTTPException, ssl.SSLError) as error:
        raise _broken_off(address) from error
    if told.isdecimal() and come < int(told):
        raise _broken_off(address)


def _check(part: Path, offer: Offer) -> None:
    """Raise Refused for a file that is not what was offered; one that is too short stays."""
    if not offer.sha256:
        return
    if part.stat().st_size < offer.size:
        raise _broken_off(offer.url)
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != offer.sha256:
        part.unlink()
        raise Refused(
            "il file scaricato non è quello annunciato dal server (sha256): si riprova da capo",
            "the fetched file is not the one that the server announces (sha256): it is fetched "
            "anew the next time",
        )
