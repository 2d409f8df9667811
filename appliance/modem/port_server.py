"""The port server: opens and configures one serial port, hands it over, drops DTR; may hang.

The only user of pyserial. A wedged USB modem can block the very ioctl that should reset it (v253.md
4): no other process of the appliance makes one, and a port server that hangs is abandoned.
"""

from __future__ import annotations

import errno
import os
import pwd
import select
import socket
import stat
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import serial

from appliance.errors import PeerError
from appliance.modem.port_protocol import (
    MESSAGE_LIMIT,
    DtrDropped,
    PortClosed,
    PortCommand,
    PortFault,
    PortOpened,
    PortTrouble,
    decode_command,
    send_report,
)
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SERVICE = "centralino"
"""The service's account."""
# CDC-ACM ignores the rate (v253.md 4, USB / Linux).
BAUD = 115200
# At least 0.6 s (v253.md 4, ladder step 2); with &D2 a modem hangs up after S25 = 50 ms.
DTR_LOW_S = 0.7
"""Time (s) for which DTR is held low."""
PLUG_POLL_S = 0.5
"""Seconds between two looks for a modem that is not plugged in."""
# SerialException is an OSError, termios.error is not.
PORT_ERRORS = (OSError, termios.error)
"""Everything that a failing port raises."""


class PortDevice(Protocol):
    """A serial port as the port server uses it; tests pass one that hangs or dies."""

    def fileno(self) -> int:
        """Return the descriptor to hand over."""

    def drop_dtr(self) -> bool:
        """Hold DTR low for a while and raise it; False for a port without DTR."""

    def close(self) -> None:
        """Close the port, which drops DTR on a real one (HUPCL)."""


class SerialPort:
    """A serial port: raw, 8N1, exclusive, without flow control, non-blocking."""

    def __init__(self, path: str) -> None:
        # inter_byte_timeout=0 is pyserial's way to VMIN=1. With VMIN=0 an empty read could mean
        # "nothing yet" as well as "unplugged"; with VMIN=1 these are EAGAIN and end of file.
        # No flow control: the XON and XOFF characters are valid samples (v253.md 1.3, +IFC).
        self._serial = serial.Serial(
            path,
            BAUD,
            timeout=0,
            inter_byte_timeout=0,
            xonxoff=False,
            rtscts=False,
            dsrdtr=False,
            exclusive=True,
        )
        os.set_blocking(self._serial.fileno(), False)

    def fileno(self) -> int:
        """Return the descriptor to hand over."""
        return int(self._serial.fileno())

    def drop_dtr(self) -> bool:
        """Hold DTR low for DTR_LOW_S; False without DTR (ENOTTY: a pseudo terminal)."""
        try:
            self._serial.dtr = False
            select.select([], [], [], DTR_LOW_S)
            self._serial.dtr = True
        except OSError as error:
            if error.errno in {errno.ENOTTY, errno.EINVAL}:
                return False
            raise
        return True

    def close(self) -> None:
        """Close the port."""
        self._serial.close()


class PortServer:
    """Serves the port at `path` to the media gateway until the other end of `sock` is closed."""

    def __init__(
        self, sock: socket.socket, path: str, open_port: Callable[[str], PortDevice] = SerialPort
    ) -> None:
        self._sock = sock
        self._path = path
        self._open_port = open_port
        self._port: PortDevice | None = None
        self._waits = False

    def run(self) -> None:
        """Open the port, obey commands until the gateway has gone, close the port.

        A missing port is opened as soon as it appears.
        """
        self._open()
        while (message := self._receive()) != b"":
            if message is None:
                self._look()
                continue
            try:
                self._obey(decode_command(message))
            except PeerError:
                # A command of another version: the open port is worth more than an error.
                continue
        self._close()

    def _receive(self) -> bytes | None:
        """Return a command, b"" when the gateway has gone, None when PLUG_POLL_S is over."""
        self._sock.settimeout(PLUG_POLL_S if self._waits else None)
        try:
            return self._sock.recv(MESSAGE_LIMIT)
        except TimeoutError:
            return None
        except OSError:
            return b""

    def _look(self) -> None:
        """Open a port that has appeared."""
        # A port that vanishes again before it is open is not reported anew.
        if Path(self._path).exists():
            self._open(retried=True)

    def _obey(self, ask: PortCommand) -> None:
        match ask:
            case PortCommand.DROP_DTR:
                self._drop_dtr()
            case PortCommand.REOPEN:
                self._close()
                self._open()
            case PortCommand.CLOSE:
                self._close()
                self._report(PortClosed())

    def _open(self, *, retried: bool = False) -> None:
        try:
            self._port = self._open_port(self._path)
        except (*PORT_ERRORS, ValueError) as error:
            # ValueError is a setting that the port refuses.
            trouble = explain(self._path, error)
            self._waits = trouble.cause is PortFault.MISSING
            if not (retried and self._waits):
                self._report(trouble)
            return
        self._waits = False
        descriptor = self._port.fileno()
        send_report(self._sock, PortOpened(self._path, descriptor), [descriptor])

    def _drop_dtr(self) -> None:
        if self._port is None:
            self._report(explain(self._path, OSError(errno.ENODEV, "the port is not open")))
            return
        try:
            done = self._port.drop_dtr()
        except PORT_ERRORS as error:
            self._report(explain(self._path, error))
        else:
            self._report(DtrDropped(round(DTR_LOW_S * 1000) if done else 0))

    def _close(self) -> None:
        port, self._port = self._port, None
        try:
            if port is not None:
                port.close()
        except PORT_ERRORS as error:
            self._report(explain(self._path, error))

    def _report(self, report: DtrDropped | PortClosed | PortTrouble) -> None:
        send_report(self._sock, report, [])


def explain(path: str, error: Exception) -> PortTrouble:
    """Return the report of a port that cannot be used, with its cause and remedy."""
    number = getattr(error, "errno", None)
    if not os.path.lexists(path) or number in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return PortTrouble(PortFault.MISSING, _missing(path))
    if number in {errno.EAGAIN, errno.EBUSY}:
        return PortTrouble(PortFault.BUSY, _busy(path, holders(path)))
    if number in {errno.EACCES, errno.EPERM}:
        return PortTrouble(PortFault.PERMISSION, _no_permission(path))
    return PortTrouble(PortFault.BROKEN, _broken(path, str(error)))


def holders(path: str) -> list[str]:
    """Return the other processes that hold a port open, as "name (pid)", as far as /proc shows."""
    return sorted(f"{_name(pid)} ({pid})" for pid in holding(path))


def holding(path: str) -> set[int]:
    """Return the pids of the other processes that hold a port open, as far as /proc shows."""
    try:
        device = Path(path).stat().st_rdev
    except OSError:
        return set()
    found = {pid for pid, target in _open_files() if _is_device(target, device)}
    return found - {os.getpid()}


def _open_files() -> Iterator[tuple[int, Path]]:
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            files = list(folder.iterdir())
        except OSError:
            # The process belongs to another account, or has ended.
            continue
        yield from ((int(folder.parent.name), file) for file in files)


def _is_device(target: Path, device: int) -> bool:
    try:
        found = target.stat()
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == device


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "?"


def _missing(path: str) -> Words:
    return _(
        "The port {path} does not exist: plug in the modem, or correct the configured port.",
        path=path,
    )


def _busy(path: str, by: list[str]) -> Words:
    who = ", ".join(by) or "?"
    return _("The port {path} is in use by {who}: stop that program.", path=path, who=who)


def _no_permission(path: str) -> Words:
    # Only the service needs the group: a person at the shell has forgotten sudo.
    if _account() not in {"root", SERVICE}:
        return _("The port {path} may not be opened: run it with sudo.", path=path)
    return _(
        "The port {path} may not be opened: add the service's user to the group dialout.", path=path
    )


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _broken(path: str, detail: str) -> Words:
    return _(
        "The port {path} does not work ({detail}): unplug the modem and plug it in again.",
        path=path,
        detail=detail,
    )


def serve_port(sock: socket.socket, path: str) -> None:
    """Run the port server of `path` until the other end of `sock` is closed."""
    with sock:
        PortServer(sock, path).run()


def main() -> None:
    """Run as `python -m appliance.modem.port_server --fd N PATH`."""
    # Imported here: port servers that the fork server forks do not need it.
    import argparse

    parser = argparse.ArgumentParser(description="Keeps one serial port for the carrier.")
    parser.add_argument("--fd", type=int, required=True, help="a connected SOCK_SEQPACKET socket")
    parser.add_argument("path", help="the port, best by /dev/serial/by-path")
    arguments = parser.parse_args()
    serve_port(socket.socket(fileno=arguments.fd), arguments.path)


if __name__ == "__main__":
    main()
