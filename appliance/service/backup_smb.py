"""Backup target over SMB: a share of a Windows server or NAS; messages signed, no guests.

A seam: the ONLY smbprotocol import, loaded where a target is smb:// alone.

The account's password proves the server too: a server that does not know it cannot sign.
"""

from __future__ import annotations

import contextlib
import errno
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import smbclient
from smbprotocol import exceptions
from smbprotocol.connection import Connection
from smbprotocol.header import NtStatus
from smbprotocol.session import Session

from appliance.config.values import SET_UP_COMMAND, BackupAddress
from appliance.policy.text import ERRNO_WORDS, Refused, words_of
from appliance.service.backup_target import DENIED, FULL, LOGIN, NO_FOLDER
from appliance.text import _

if TYPE_CHECKING:
    from pathlib import Path

CONNECT_S: Final = 20
# Limit of one answer (s); each piece that is written or read has an answer of its own.
ANSWER_S: Final = 60
PIECE: Final = 1 << 16
_NO_SHARE: Final = _("there is no share {share} on {host}: make it, or correct backup.target")
_QUOTA_EXCEEDED: Final = 0xC0000044
# Sentences by NTSTATUS code ([MS-ERREF] section 2.3).
_SAYS: Final = {
    NtStatus.STATUS_LOGON_FAILURE: LOGIN,
    NtStatus.STATUS_WRONG_PASSWORD: LOGIN,
    NtStatus.STATUS_PASSWORD_EXPIRED: LOGIN,
    0xC0000234: LOGIN,  # STATUS_ACCOUNT_LOCKED_OUT
    0xC0000072: LOGIN,  # STATUS_ACCOUNT_DISABLED
    0xC000006E: LOGIN,  # STATUS_ACCOUNT_RESTRICTION
    NtStatus.STATUS_ACCESS_DENIED: DENIED,
    0xC00000A2: DENIED,  # STATUS_MEDIA_WRITE_PROTECTED
    NtStatus.STATUS_BAD_NETWORK_NAME: _NO_SHARE,
    0xC0000225: _NO_SHARE,  # STATUS_NOT_FOUND, of a server that was asked for referrals
    NtStatus.STATUS_OBJECT_NAME_NOT_FOUND: NO_FOLDER,
    NtStatus.STATUS_OBJECT_PATH_NOT_FOUND: NO_FOLDER,
    NtStatus.STATUS_NO_SUCH_FILE: NO_FOLDER,
    NtStatus.STATUS_DISK_FULL: FULL,
    _QUOTA_EXCEEDED: FULL,
}


class _Patient(Connection):  # type: ignore[misc]  # the library has no types
    """A connection with a limit for every answer: the library would wait for ever."""

    def receive(
        self,
        request: Any,
        wait: bool = True,
        timeout: float | None = None,
        resolve_symlinks: bool = True,
    ) -> Any:
        """Wait for the answer to a request; raises SMBException."""
        return super().receive(request, wait, timeout or ANSWER_S, resolve_symlinks)


@dataclass(slots=True)
class Smb:
    """Client of an SMB folder; connects at the first use."""

    address: BackupAddress
    password: str
    _cache: dict[str, Any] = field(default_factory=dict)

    def listed(self) -> dict[str, int]:
        """Return the files and their sizes (bytes); raises Refused."""
        with self._connected() as (options, folder):
            found = smbclient.scandir(folder, **options)
            return {one.name: int(one.smb_info.end_of_file) for one in found if one.is_file()}

    def put(self, file: Path, name: str) -> None:
        """Upload a file; raises Refused."""
        with self._connected() as (options, folder), file.open("rb") as source:
            to = smbclient.open_file(rf"{folder}\{name}", mode="wb", buffering=0, **options)
            with to:
                while piece := source.read(PIECE):
                    _write(to, piece)

    def get(self, name: str, to: Path, _: int) -> None:
        """Download a file; raises Refused."""
        with self._connected() as (options, folder), to.open("wb") as copy:
            source = smbclient.open_file(rf"{folder}\{name}", mode="rb", buffering=0, **options)
            with source:
                while piece := source.read(PIECE):
                    copy.write(piece)

    def rename(self, old: str, new: str) -> None:
        """Rename a file; raises Refused."""
        with self._connected() as (options, folder):
            smbclient.rename(rf"{folder}\{old}", rf"{folder}\{new}", **options)

    def remove(self, name: str) -> None:
        """Delete a file; raises Refused."""
        with self._connected() as (options, folder):
            smbclient.remove(rf"{folder}\{name}", **options)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield smbclient's options and the folder's path; turn errors within into Refused."""
        host, port = self.address.host, self.address.port
        try:
            if not self._cache:
                # The password proves the server too: one that does not know it cannot sign.
                connection = _Patient(uuid.uuid4(), host, port, require_signing=True)
                connection.connect(timeout=CONNECT_S)
                self._cache[f"{host}:{port}".lower()] = connection
                Session(connection, self._user(), self.password).connect()
            options = {"port": port, "username": self._user(), "connection_cache": self._cache}
            yield options, "\\".join(("", "", host, *self.address.folder.split("/")))
        except (exceptions.SMBException, ValueError, OSError) as error:
            self._cache.clear()
            raise self._refused(error) from error

    def _user(self) -> str:
        """Return the login in Windows' form; smb://DOMAIN;user@server names the domain."""
        return self.address.user.replace(";", "\\")

    def _refused(self, error: Exception) -> Refused:
        """Return the error for a server's or the library's error."""
        host, share, _unused, folder = self.address.host, *self.address.folder.partition("/")
        status = getattr(error, "ntstatus", None) or getattr(error, "status", None)
        if status is None and isinstance(error, OSError) and error.errno == errno.ENOSPC:
            # A download filled the appliance's own card, not the server's disk.
            return Refused(words_of(error))
        if isinstance(error, exceptions.SMBAuthenticationError):
            status = NtStatus.STATUS_LOGON_FAILURE
        known = _SAYS.get(status) if status is not None else None
        if known is not None:
            words = known.filled(
                host=host,
                share=share,
                folder=folder or share,
                user=self._user(),
                set_up_command=SET_UP_COMMAND,
            )
            return Refused(words)
        if status is not None:
            return Refused(
                _(
                    "{host} refuses (SMB status {status:#x}): look into the server's log",
                    host=host,
                    status=status,
                ),
            )
        return self._away(str(error))

    def _away(self, said: str) -> Refused:
        host, port = self.address.host, self.address.port
        number = next((number for text, number in _SMB_ERRNOS if text in said), errno.ETIMEDOUT)
        why = ERRNO_WORDS[number]
        return Refused(_("{host}, port {port}: {why}", host=host, port=port, why=why))


# The library's texts of system errors, the most specific first.
_SMB_ERRNOS: Final = (
    ("Connection refused", errno.ECONNREFUSED),
    ("Temporary failure in name", -3),
    ("Name or service not known", -2),
    ("No address associated", -2),
    ("No route to host", errno.EHOSTUNREACH),
    ("Network is unreachable", errno.ENETUNREACH),
    ("timed out", errno.ETIMEDOUT),
    ("timeout", errno.ETIMEDOUT),
    ("closed", errno.ECONNRESET),
    ("reset by peer", errno.ECONNRESET),
)


def _write(to: Any, piece: bytes) -> None:
    """Write a whole piece."""
    # One message may take less than it was given.
    while piece:
        piece = piece[to.write(piece) :]
