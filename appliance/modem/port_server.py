"""The port server: opens and configures one serial port, hands it over, pulls DTR. It may hang.

The only file that knows pyserial. A wedged USB modem can block the very ioctl that should reset it
(v253.md 4), so that nothing else of the product ever does one: a port server that hangs is
abandoned.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import serial

from appliance.errors import PeerError
from appliance.modem.events import Sentence
from appliance.modem.fork_server import (
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


BAUD = 115200
"""Any rate does: CDC-ACM ignores it (v253.md 4, USB / Linux)."""
DTR_LOW_S = 0.7
"""At least 0.6 s (v253.md 4, ladder step 2); &D2 with S25 = 50 ms hangs up."""
PLUG_POLL_S = 0.5
"""How often a keeper looks whether a modem that is not there has been plugged in."""
PORT_ERRORS = (OSError, termios.error)
"""All a dying port raises: SerialException is an OSError, termios.error is neither."""


class PortDevice(Protocol):
    """What a keeper does with a port; tests put a port in its place that hangs or dies."""

    def fileno(self) -> int:
        """Return the descriptor to hand over."""

    def drop_dtr(self) -> bool:
        """Pull DTR low for a while and raise it; False when the port has none."""

    def close(self) -> None:
        """Close the port, which drops DTR on a real one (HUPCL)."""


class SerialPort:
    """A serial port: raw, 8N1, exclusive, without flow control, non-blocking."""

    def __init__(self, path: str) -> None:
        # inter_byte_timeout=0 is pyserial's way to VMIN=1: with VMIN=0 an empty read could mean
        # "nothing yet" as well as "unplugged"; so it is EAGAIN and the end, told apart.
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
        """Pull DTR low for DTR_LOW_S; False where there is no DTR (ENOTTY: a pseudo terminal)."""
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


class PortKeeper:
    """Keeps the port at `path` for the carrier at the other end of `sock`, until it closes that."""

    def __init__(
        self, sock: socket.socket, path: str, open_port: Callable[[str], PortDevice] = SerialPort
    ) -> None:
        self._sock = sock
        self._path = path
        self._open_port = open_port
        self._port: PortDevice | None = None
        self._waits = False

    def run(self) -> None:
        """Open the port, then obey until the carrier has gone; the port is closed at the end.

        A port that is not there is waited for and opened when it comes, under whatever name.
        """
        self._open()
        while (message := self._receive()) != b"":
            if message is None:
                self._look()
                continue
            try:
                self._obey(decode_command(message))
            except PeerError:
                continue  # an order of another version of us: the port is worth more
        self._close()

    def _receive(self) -> bytes | None:
        """Return an order, b"" when the carrier has gone, None when it is time to look."""
        self._sock.settimeout(PLUG_POLL_S if self._waits else None)
        try:
            return self._sock.recv(MESSAGE_LIMIT)
        except TimeoutError:
            return None
        except OSError:
            return b""

    def _look(self) -> None:
        """Open a port that has come; what is wrong with one that is still going stays untold."""
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
        except (*PORT_ERRORS, ValueError) as error:  # ValueError: a setting the port refuses
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
    """Say in one sentence why a port cannot be kept, and what to do."""
    number = getattr(error, "errno", None)
    if not os.path.lexists(path) or number in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return PortTrouble(PortFault.MISSING, _missing(path))
    if number in {errno.EAGAIN, errno.EBUSY}:
        return PortTrouble(PortFault.BUSY, _busy(path, holders(path)))
    if number in {errno.EACCES, errno.EPERM}:
        return PortTrouble(PortFault.PERMISSION, _no_permission(path))
    return PortTrouble(PortFault.BROKEN, _broken(path, str(error)))


def holders(path: str) -> list[str]:
    """Name the other processes that hold a port open, as far as /proc tells: "name (pid)"."""
    return sorted(f"{_name(pid)} ({pid})" for pid in holding(path))


def holding(path: str) -> set[int]:
    """Return the other processes that hold a port open, as far as /proc tells."""
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
            continue  # not ours to look into, or gone
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


def _missing(path: str) -> Sentence:
    return Sentence(
        f"La porta {path} non c'è: collegare il modem, o correggere la porta nella configurazione.",
        f"The port {path} does not exist: plug in the modem, or correct the configured port.",
    )


def _busy(path: str, by: list[str]) -> Sentence:
    who = ", ".join(by) or "?"
    return Sentence(
        f"La porta {path} è in uso da {who}: fermare quel programma.",
        f"The port {path} is in use by {who}: stop that program.",
    )


def _no_permission(path: str) -> Sentence:
    return Sentence(
        f"La porta {path} non è accessibile: aggiungere l'utente del servizio al gruppo dialout.",
        f"The port {path} may not be opened: add the service's user to the group dialout.",
    )


def _broken(path: str, detail: str) -> Sentence:
    return Sentence(
        f"La porta {path} non funziona ({detail}): scollegare e ricollegare il modem.",
        f"The port {path} does not work ({detail}): unplug the modem and plug it in again.",
    )


def serve_port(sock: socket.socket, path: str) -> None:
    """Be the keeper of the port at `path` until the other end of `sock` is closed."""
    with sock:
        PortKeeper(sock, path).run()


def main() -> None:
    """Run as `python -m appliance.modem.port_server --fd N PATH`."""
    import argparse  # not by every keeper that the nursery forks

    parser = argparse.ArgumentParser(description="Keeps one serial port for the carrier.")
    parser.add_argument("--fd", type=int, required=True, help="a connected SOCK_SEQPACKET socket")
    parser.add_argument("path", help="the port, best by /dev/serial/by-path")
    arguments = parser.parse_args()
    serve_port(socket.socket(fileno=arguments.fd), arguments.path)


if __name__ == "__main__":
    main()
