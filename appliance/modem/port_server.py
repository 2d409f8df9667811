"""The port server: the child process that opens serial ports and hands them over."""

from __future__ import annotations

import array
import contextlib
import ctypes
import enum
import errno
import json
import os
import select
import signal
import socket
import stat
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import serial

from appliance.errors import PeerError
from appliance.modem.events import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


# ---- keeper protocol ---------------------------------------------------------------------------
# What a port keeper and its carrier say to each other: JSON datagrams, with descriptors.
#
# The socket is a UNIX SOCK_SEQPACKET: a message is whole or not there. Knows nothing of serial
# ports, so that the carrier can import it alone.

MESSAGE_LIMIT = 4096


class PortCommand(enum.StrEnum):
    """What the carrier asks of a keeper.

    A keeper opens its port by itself when it starts. Before REOPEN and CLOSE the carrier closes its
    own copy of the descriptor: while the keeper holds the other one, that close cannot block.
    """

    DROP_DTR = "drop_dtr"
    REOPEN = "reopen"
    CLOSE = "close"


class PortFault(enum.StrEnum):
    """Why a port cannot be kept."""

    MISSING = "missing"
    BUSY = "busy"
    PERMISSION = "permission"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class PortOpened:
    """The port is open, raw and non-blocking; `descriptor` is the receiver's own copy."""

    path: str
    descriptor: int


@dataclass(frozen=True, slots=True)
class DtrDropped:
    """DTR was low for `low_ms` and is high again; 0: this port has no DTR (a pseudo terminal)."""

    low_ms: int


@dataclass(frozen=True, slots=True)
class PortClosed:
    """The keeper's copy of the port is closed."""


@dataclass(frozen=True, slots=True)
class PortTrouble:
    """The port cannot be opened or kept; `sentence` says what to do."""

    cause: PortFault
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class PortServerGone:
    """The keeper has ended; its port is closed."""


Report = PortOpened | DtrDropped | PortClosed | PortTrouble | PortServerGone


def encode_report(report: PortOpened | DtrDropped | PortClosed | PortTrouble) -> bytes:
    """Write a report as one message; an Opened's descriptor travels beside it."""
    match report:
        case PortOpened(path):
            return _encode(kind="opened", path=path)
        case DtrDropped(low_ms):
            return _encode(kind="dropped", low_ms=low_ms)
        case PortClosed():
            return _encode(kind="closed")
        case PortTrouble(cause, sentence):
            return _encode(kind="trouble", cause=cause, it=sentence.it, en=sentence.en)


def decode_report(message: bytes, descriptors: Sequence[int]) -> Report:
    """Read a report; raises PeerError when it is none (the descriptors are then closed)."""
    try:
        return _report(json.loads(message), descriptors)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        for descriptor in descriptors:
            os.close(descriptor)
        raise PeerError(f"a keeper wrote {message[:80]!r}, which is no report") from error


def _report(said: dict[str, Any], descriptors: Sequence[int]) -> Report:
    match said["kind"]:
        case "opened":
            return PortOpened(str(said["path"]), descriptors[0])
        case "dropped":
            return DtrDropped(int(said["low_ms"]))
        case "closed":
            return PortClosed()
        case "trouble":
            sentence = Sentence(str(said["it"]), str(said["en"]))
            return PortTrouble(PortFault(said["cause"]), sentence)
        case other:
            raise ValueError(other)


def encode_command(ask: PortCommand) -> bytes:
    """Write an order for a keeper."""
    return _encode(ask=ask)


def decode_command(message: bytes) -> PortCommand:
    """Read an order; raises PeerError when it is none."""
    try:
        return PortCommand(json.loads(message)["ask"])
    except (ValueError, KeyError, TypeError) as error:
        raise PeerError(f"the carrier wrote {message[:80]!r}, which is no order") from error


def send_command(sock: socket.socket, ask: PortCommand) -> bool:
    """Send an order without blocking; False when the keeper does not read (it hangs)."""
    try:
        sock.send(encode_command(ask), socket.MSG_DONTWAIT)
    except OSError:
        return False
    return True


def send_report(
    sock: socket.socket,
    report: PortOpened | DtrDropped | PortClosed | PortTrouble,
    descriptors: Sequence[int],
) -> None:
    """Send a report from the keeper's end; a carrier that has gone is noticed by the next read."""
    with contextlib.suppress(OSError):
        socket.send_fds(sock, [encode_report(report)], list(descriptors))


def receive_report(sock: socket.socket) -> Report | None:
    """Receive one report without blocking; None when there is none, KeeperGone at the end.

    Raises PeerError on nonsense.
    """
    try:
        message, descriptors = receive_datagram(sock, blocking=False)
    except BlockingIOError:
        return None
    except OSError:
        return PortServerGone()
    return decode_report(message, descriptors) if message else PortServerGone()


def receive_datagram(sock: socket.socket, *, blocking: bool) -> tuple[bytes, list[int]]:
    """Receive one datagram and at most one descriptor, which no child inherits by exec.

    An empty datagram is the end. Not socket.recv_fds: that one passes its flags over.
    """
    flags = socket.MSG_CMSG_CLOEXEC | (0 if blocking else socket.MSG_DONTWAIT)
    descriptors = array.array("i")
    room = socket.CMSG_SPACE(descriptors.itemsize)
    message, beside, _, _ = sock.recvmsg(MESSAGE_LIMIT, room, flags)
    for level, kind, data in beside:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return message, list(descriptors)


def _encode(**fields: object) -> bytes:
    return json.dumps(fields).encode()


# ---- keeper ------------------------------------------------------------------------------------
# The port keeper: opens and configures one serial port, hands it over, pulls DTR. It may hang.
#
# The only file that knows pyserial. A wedged USB modem can block the very ioctl that should reset
# it (v253.md 4), so that nothing else of the product ever does one: a keeper that hangs is
# abandoned.

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


# ---- nursery -----------------------------------------------------------------------------------
# The nursery: a child forked early, of which every port keeper is born; the carrier never forks.
#
# A fork of the carrier in service would copy its page tables and its locked memory, and would stop
# it for milliseconds. A keeper that hangs is abandoned: its successor is asked for, and the nursery
# kills the old one, which takes effect when its ioctl returns.

_PR_SET_PDEATHSIG = 1
_REAP_MS = 1000
_DEATH_S = 0.2


@dataclass(frozen=True, slots=True)
class PortServerStarted:
    """A keeper for `line` lives; `sock` is the carrier's end of its socket."""

    line: str
    pid: int
    sock: socket.socket


class ForkServer:
    """The carrier's handle: ask for a keeper, receive its socket when `fileno()` is readable.

    No call blocks. Everything dies with the carrier: the nursery by its parent-death signal and
    by end of file, the keepers by theirs.
    """

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self._sock = sock
        self.pid = pid

    @classmethod
    def start(cls) -> ForkServer:
        """Fork the nursery; call it before any thread, real-time right or locked memory."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _be_child(parent, lambda: _ForkServerProcess(theirs).run())
        theirs.close()
        ours.setblocking(False)
        return cls(ours, pid)

    def fileno(self) -> int:
        """Return the descriptor that is readable when a keeper was born or the nursery died."""
        return self._sock.fileno()

    def ask(self, line: str, path: str) -> bool:
        """Ask for a keeper; False when the nursery is gone.

        An older keeper of the same line is killed. Close or bury your copy of its port first: the
        exclusive lock lives as long as any copy.
        """
        return self._send({"line": line, "path": path}, [])

    def bury(self, descriptor: int) -> bool:
        """Have a descriptor closed elsewhere, when its close could block; it is gone from here."""
        sent = self._send({"bury": True}, [descriptor])
        os.close(descriptor)
        return sent

    def receive(self) -> PortServerStarted | None:
        """Return a keeper that was born, None when there is none (yet).

        Raises PeerError when the nursery has died: no keeper can be had any more.
        """
        try:
            message, descriptors = receive_datagram(self._sock, blocking=False)
        except BlockingIOError:
            return None
        except OSError:
            message, descriptors = b"", []
        if not message or not descriptors:
            raise PeerError("the nursery of the port keepers has died")
        said = json.loads(message)
        return PortServerStarted(said["line"], said["pid"], socket.socket(fileno=descriptors[0]))

    def close(self) -> None:
        """End the nursery, and with it every keeper; reaps it."""
        self._sock.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _send(self, message: dict[str, object], descriptors: list[int]) -> bool:
        try:
            socket.send_fds(self._sock, [json.dumps(message).encode()], descriptors)
        except OSError:
            return False
        return True


class _ForkServerProcess:
    """The nursery's own side: forks keepers, passes their sockets on, reaps the dead."""

    def __init__(self, sock: socket.socket) -> None:
        # Imported here: pyserial is no business of the carrier's, and every keeper inherits it.

        self._sock = sock
        self._keep = serve_port
        self._keepers: dict[str, int] = {}

    def run(self) -> None:
        """Serve until the carrier has gone, then kill every keeper."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while True:
            ready = poll.poll(_REAP_MS)
            self._reap()
            if ready and not self._serve():
                break
        for pid in self._keepers.values():
            os.kill(pid, signal.SIGKILL)

    def _serve(self) -> bool:
        message, descriptors = receive_datagram(self._sock, blocking=True)
        if not message:
            return False
        said = json.loads(message)
        if descriptors:
            self._bury(descriptors[0])
        else:
            self._bear(said["line"], said["path"])
        return True

    def _bear(self, line: str, path: str) -> None:
        if line in self._keepers:
            _kill(self._keepers.pop(line))
        carriers, keepers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            # Held by the keeper these would keep a death from being noticed.
            carriers.close()
            self._sock.close()
            _be_child(parent, lambda: self._keep(keepers, path))
        keepers.close()
        self._keepers[line] = pid
        said = json.dumps({"line": line, "pid": pid}).encode()
        with carriers, contextlib.suppress(OSError):
            socket.send_fds(self._sock, [said], [carriers.fileno()])

    def _bury(self, descriptor: int) -> None:
        """Leave the last copy of a descriptor to a child: its close may take for ever."""
        parent = os.getpid()
        gone, still_here = os.pipe()
        if os.fork() == 0:
            self._sock.close()
            os.close(still_here)
            _be_child(parent, lambda: os.read(gone, 1))  # until the parent's copy is closed
        os.close(gone)
        os.close(descriptor)
        os.close(still_here)

    def _reap(self) -> None:
        """Take note of the children that have ended, so that no pid is used after its time."""
        with contextlib.suppress(ChildProcessError):
            while (dead := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self._keepers = {n: pid for n, pid in self._keepers.items() if pid != dead}


def _kill(pid: int) -> None:
    """Kill a keeper and give it a moment to let go of its port; one that hangs is left to reap."""
    watch = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        select.select([watch], [], [], _DEATH_S)
    finally:
        os.close(watch)


def _be_child(parent: int, work: Callable[[], object]) -> NoReturn:
    """Do `work` in a forked child and exit; ignore what a terminal or systemd sends to all.

    The carrier hangs up its lines first; its end is ours (end of file, or the signal of prctl(2)).
    """
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:  # else it died before prctl
            work()
        status = 0
    except Exception:
        import logging  # only now: every keeper would carry it

        logging.getLogger(__name__).exception("a child of the nursery failed")
    finally:
        os._exit(status)
