"""Backup target over HTTPS: a WebDAV folder (RFC 4918) of a web server, a NAS or Nextcloud.

The server proves itself by a certificate of an authority that the system or `backup.ca_file` names,
or by one certificate whose fingerprint a person has compared. Nothing is sent before that. Written
with the standard library: rclone takes 60 MB on the card, and knows no sentence for a person.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import http.client
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

from appliance.config.values import SET_UP_COMMAND, BackupAddress
from appliance.policy.text import Refused, words_of
from appliance.service.backup_target import CERTIFICATE, DENIED, FULL, LOGIN, NO_FOLDER
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from typing import IO

CONNECT_S: Final = 20
# Limit (s) of one answer, and of one piece that is sent or read.
ANSWER_S: Final = 120
PIECE: Final = 1 << 16
# Largest list of a folder (bytes): a server may send any.
LARGEST_LIST: Final = 8 << 20
ROOM: Final = (
    b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><quota-available-bytes/></prop></propfind>'
)
LIST: Final = (
    b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop>'
    b"<getcontentlength/><resourcetype/></prop></propfind>"
)
_DAV: Final = "{DAV:}"
# Verification errors (openssl/x509_vfy.h) of a certificate whose authority is unknown: such a one
# may be compared by a person. One that has expired, or is of another name, is refused.
_UNKNOWN_AUTHORITY: Final = frozenset({2, 18, 19, 20, 21})
_NO_BASIC: Final = _(
    "{host} takes no name and password (HTTP Basic) for this folder: allow it there, for this "
    "account alone"
)
_TOO_LARGE: Final = _(
    "{host} takes no file of {size} MB: raise the limit of its web server (LimitRequestBody, "
    "client_max_body_size, upload_max_filesize)"
)
_NO_WEBDAV: Final = _(
    "{host} answers, but {folder} is no WebDAV folder: ask whoever runs the server for its WebDAV "
    "address, and write it into backup.target"
)
_ELSEWHERE: Final = _(
    "{host} sends the box on to {place}: write the WebDAV address itself into backup.target; a "
    "login page is none"
)
_STATUS: Final = _("{host} refuses (HTTP status {status}): look into the server's log")
_OTHER: Final = _(
    "the certificate of {host} is not the one that was accepted: if it was renewed run "
    "{set_up_command} again, else somebody poses as the server"
)
_COMPARE: Final = _(
    "{host}: its certificate is of an authority that the box does not know: name that in "
    "backup.ca_file, or compare the certificate and accept it ({set_up_command})"
)


def offered_certificate(address: BackupAddress, ca_file: str, *, is_wanted: bool = False) -> str:
    """Return the server's certificate for a person to compare, "" if an authority vouches for it
    and no certain one is wanted.

    Raises Refused, also for a certificate that has expired or is of another name.
    """
    if is_wanted:
        return _presented(address)
    try:
        _connected(address, "", ca_file).close()
    except ssl.SSLCertVerificationError as error:
        if error.verify_code not in _UNKNOWN_AUTHORITY:
            raise _away(address, error) from error
    except OSError as error:
        raise _away(address, error) from error
    else:
        return ""
    return _presented(address)


def _presented(address: BackupAddress) -> str:
    """Return the certificate that the server presents; raises Refused."""
    made = _Connection(address.host, address.port, timeout=CONNECT_S, context=_unchecked())
    try:
        made.connect()
        return f"{CERTIFICATE} {base64.b64encode(made.certificate()).decode()}"
    except OSError as error:
        raise _away(address, error) from error
    finally:
        made.close()


@dataclass(frozen=True, slots=True)
class WebDav:
    """Client of a WebDAV folder; `certificate` is the accepted one, "" for those of authorities."""

    address: BackupAddress
    password: str
    certificate: str = ""
    ca_file: str = ""

    def listed(self) -> dict[str, int]:
        """Return the files and their sizes (bytes); raises Refused."""
        found: dict[str, int] = {}
        for one in self._properties(LIST, "1"):
            name = unquote(urlsplit(one.findtext(f"{_DAV}href") or "").path).rpartition("/")[2]
            size = one.findtext(f".//{_DAV}getcontentlength") or ""
            is_folder = one.find(f".//{_DAV}collection") is not None
            if name and not is_folder and size.isascii() and size.isdecimal():
                found[name] = int(size)
        return found

    def put(self, file: Path, name: str) -> None:
        """Upload a file; raises Refused."""
        size = file.stat().st_size
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        try:
            with file.open("rb") as source, self._asked("PUT", name, headers, source):
                pass
        except _ServerError as error:
            # Some servers say no more than "internal error" of a full disk: the room is queried.
            room = self._room()
            if room is None or room > size:
                raise
            raise Refused(FULL.filled(host=self.address.host)) from error
        except _TooLargeError as error:
            host, megabytes = self.address.host, f"{size / 1e6:.0f}"
            raise Refused(_TOO_LARGE.filled(host=host, size=megabytes)) from error

    def get(self, name: str, to: Path, _: int) -> None:
        """Download a file; raises Refused."""
        with self._asked("GET", name) as answer, to.open("wb") as copy:
            while piece := answer.read(PIECE):
                copy.write(piece)
            # http.client reads less than was announced without an error, piece by piece.
            if answer.length:
                raise ConnectionResetError(errno.ECONNRESET, "the answer was cut short")

    def rename(self, old: str, new: str) -> None:
        """Rename a file, never over another one; raises Refused."""
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        to = f"https://{host}:{self.address.port}{self._path(new)}"
        with self._asked("MOVE", old, {"Destination": to, "Overwrite": "F"}):
            pass

    def remove(self, name: str) -> None:
        """Delete a file; raises Refused."""
        with self._asked("DELETE", name):
            pass

    def _room(self) -> int | None:
        """Return the free bytes (RFC 4331), None for a server that does not tell them."""
        with contextlib.suppress(Refused, ValueError):
            for one in self._properties(ROOM, "0"):
                return int(one.findtext(f".//{_DAV}quota-available-bytes") or "")
        return None

    def _properties(self, asked: bytes, depth: str) -> list[ElementTree.Element]:
        """Return the responses of a PROPFIND; raises Refused."""
        headers = {"Depth": depth, "Content-Type": "application/xml; charset=utf-8"}
        with self._asked("PROPFIND", "", headers, asked) as answer:
            text = answer.read(LARGEST_LIST)
        # A document type could define entities without end.
        if b"<!DOCTYPE" in text:
            self._no_webdav()
        try:
            root = ElementTree.fromstring(text)  # noqa: S314 - limited, and without entities
        except ElementTree.ParseError:
            self._no_webdav()
        responses = root.findall(f"{_DAV}response")
        if root.tag != f"{_DAV}multistatus" or not responses:
            self._no_webdav()
        return responses

    @contextlib.contextmanager
    def _asked(
        self,
        method: str,
        name: str,
        headers: dict[str, str] | None = None,
        body: IO[bytes] | bytes | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request and yield the answer that it must have; raises Refused."""
        try:
            made = _connected(self.address, self.certificate, self.ca_file)
            try:
                # A server that refuses a file may answer, and close, before it has read it.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    made.request(method, self._path(name), body, self._login() | (headers or {}))
                answer = made.getresponse()
                if answer.status not in _GOOD[method]:
                    self._refuse(method, answer)
                yield answer
            finally:
                made.close()
        except ssl.SSLCertVerificationError as error:
            if error.verify_code in _UNKNOWN_AUTHORITY:
                raise Refused(self._filled(_COMPARE)) from error
            raise _away(self.address, error) from error
        except (OSError, http.client.HTTPException) as error:
            raise _away(self.address, error) from error

    def _path(self, name: str) -> str:
        return quote(f"{self.address.folder.rstrip('/')}/{name}")

    def _login(self) -> dict[str, str]:
        pair = f"{self.address.user}:{self.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _refuse(self, method: str, answer: http.client.HTTPResponse) -> NoReturn:
        """Raise the error for a status that is not the one of success."""
        status = answer.status
        if status == 413:
            raise _TooLargeError
        if 300 <= status < 400 and status != 304:
            raise Refused(self._filled(_ELSEWHERE, place=_place(answer.getheader("Location", ""))))
        if status == 401 and "basic" not in answer.getheader("WWW-Authenticate", "").lower():
            raise Refused(self._filled(_NO_BASIC))
        # Also a server that answers any request with a page: PROPFIND has a status of its own.
        if method == "PROPFIND" and (status < 300 or status in {405, 501}):
            self._no_webdav()
        words = _BY_STATUS.get(status)
        if words is None:
            kind = _ServerError if status >= 500 else Refused
            raise kind(self._filled(_STATUS, status=status))
        raise Refused(self._filled(words))

    def _no_webdav(self) -> NoReturn:
        raise Refused(self._filled(_NO_WEBDAV))

    def _filled(self, words: Words, **more: object) -> Words:
        host, user, folder = self.address.host, self.address.user, self.address.folder or "/"
        given = {"host": host, "user": user, "folder": folder, "set_up_command": SET_UP_COMMAND}
        return words.filled(**given, **more)


# Statuses of success (RFC 4918, section 9; RFC 9110). A file that is gone already is deleted.
_GOOD: Final[dict[str, Collection[int]]] = {
    "PROPFIND": {207},
    "PUT": {200, 201, 204},
    "GET": {200},
    "MOVE": {200, 201, 204},
    "DELETE": {200, 202, 204, 404},
}
_BY_STATUS: Final = {
    401: LOGIN,
    403: DENIED,
    404: NO_FOLDER,
    405: DENIED,
    409: NO_FOLDER,
    507: FULL,
}


class _ServerError(Refused):
    """Raised for a server's failure without a reason (5xx)."""


class _TooLargeError(Exception):
    """Raised for a file that is larger than the server's limit."""


class _Connection(http.client.HTTPSConnection):
    """A connection whose certificate can be read."""

    def certificate(self) -> bytes:
        """Return the server's certificate (DER)."""
        return self.sock.getpeercert(binary_form=True) or b""


def _connected(address: BackupAddress, certificate: str, ca_file: str) -> _Connection:
    """Return a connection to a server that has proved itself; raises OSError, Refused."""
    if certificate:
        context = _unchecked()
    else:
        try:
            context = ssl.create_default_context(cafile=ca_file or None)
        except OSError as error:
            words = _("{key}: {why}", key="backup.ca_file", why=words_of(error))
            raise Refused(words) from error
    made = _Connection(
        address.host, address.port, timeout=CONNECT_S, context=context, blocksize=PIECE
    )
    made.connect()
    if certificate and made.certificate() != base64.b64decode(certificate.split()[1]):
        made.close()
        raise Refused(_OTHER.filled(host=address.host, set_up_command=SET_UP_COMMAND))
    made.sock.settimeout(ANSWER_S)
    return made


def _unchecked() -> ssl.SSLContext:
    # The certificate itself is compared, before anything is sent.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _place(location: str) -> str:
    """Return the address to which a server sends on, without what may be secret in it."""
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"[:100] if parts.hostname else parts.path


def _away(address: BackupAddress, error: Exception) -> Refused:
    """Return the error for a server that is away, or of the box's own disk."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
        return Refused(words_of(error))
    if isinstance(error, http.client.HTTPException):
        error = ConnectionResetError(errno.ECONNRESET, str(error))
    where = {"host": address.host, "port": address.port}
    return Refused(_("{host}, port {port}: {why}", why=words_of(error), **where))
