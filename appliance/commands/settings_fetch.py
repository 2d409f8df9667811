"""Fetches the head office's bundle from a plain web server, if it is another than the last one.

What was fetched last is kept: a server that says "not modified" sends nothing, and a bundle that
could not be used is judged again each time, since what hindered it may be gone here.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import ssl
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError

from appliance.commands.https import LIMIT_S, context_of, not_fetched, opener, unreached
from appliance.files import atomic_write, load_text, make_shared
from appliance.managed_config.bundle import LARGEST
from appliance.policy.updates import check_server
from appliance.service.managed_config import bundle_folder

FETCHED: Final = "fetched"
SERVER: Final = "server.json"
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the bundle that was fetched last, by the server's words."""

    address: str = ""
    etag: str = ""
    modified: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """The head office's server; `ca_file` "" for the system's authorities."""

    address: str
    ca_file: str = ""
    checks_dates: bool = True

    def bundle(self, state: Path) -> bytes:
        """Return the bundle there is, the kept one where it has not changed; raises Refused."""
        check_server(self.address)
        known, kept = _kept(state, self.address)
        request = urllib.request.Request(self.address)  # noqa: S310 - see check_server, opener
        if known.etag:
            request.add_header("If-None-Match", known.etag)
        if known.modified:
            request.add_header("If-Modified-Since", known.modified)
        context = context_of(self.ca_file, "central.ca_file", checks_dates=self.checks_dates)
        try:
            with opener(context).open(request, timeout=LIMIT_S) as answer:
                data = _read(answer, self.address)
                _keep(state, self.address, answer.headers, data)
        except HTTPError as error:
            if error.code == http.client.NOT_MODIFIED and kept:
                return kept
            code = f"HTTP {error.code}"
            raise not_fetched(self.address, code, code) from error
        except (OSError, http.client.HTTPException) as error:
            raise unreached(self.address, error) from error
        return data


def _read(answer: Any, address: str) -> bytes:
    """Read all of an answer; raises Refused for one that breaks off or has no end."""
    told = answer.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > LARGEST:
        raise _too_large(address)
    try:
        data: bytes = answer.read(LARGEST + 1)
    except (ConnectionError, TimeoutError, http.client.HTTPException, ssl.SSLError) as error:
        raise not_fetched(address, "si è interrotto", "it broke off") from error
    if len(data) > LARGEST:
        raise _too_large(address)
    if told.isdecimal() and len(data) < int(told):
        raise not_fetched(address, "si è interrotto", "it broke off")
    return data


def _too_large(address: str) -> Exception:
    most = f"{LARGEST >> 20} MB"
    return not_fetched(address, f"più di {most}", f"more than {most}")


def _keep(state: Path, address: str, headers: Any, data: bytes) -> None:
    """Keep what was fetched; where that cannot be, it is fetched again the next time."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    digest = hashlib.sha256(data).hexdigest()
    known = Known(address, etag[:_LONGEST], modified[:_LONGEST], digest)
    with contextlib.suppress(OSError):
        make_shared(bundle_folder(state))
        atomic_write(bundle_folder(state) / FETCHED, data)
        atomic_write(bundle_folder(state) / SERVER, json.dumps(asdict(known)))


def _kept(state: Path, address: str) -> tuple[Known, bytes]:
    """Return what was fetched last from this address; nothing where it is not whole."""
    try:
        known = Known(**json.loads(load_text(bundle_folder(state) / SERVER)))
        data = (bundle_folder(state) / FETCHED).read_bytes()
    except (OSError, ValueError, TypeError):
        return Known(), b""
    is_it = known.address == address and known.digest == hashlib.sha256(data).hexdigest()
    return (known, data) if is_it else (Known(), b"")
