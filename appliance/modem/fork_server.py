"""The fork server and the messages of port servers: the gateway imports no pyserial.

A fork of the gateway in service would copy its page tables and its locked memory, and would stop
it for milliseconds: so a child is forked first of all, and every port server is its child. A port
server that hangs is abandoned: its successor is asked for, and the fork server kills the old one,
which takes effect when its ioctl returns.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import enum
import json
import os
import select
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from appliance.errors import PeerError
from appliance.modem.events import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# Messages between a port server and the gateway: JSON datagrams, with descriptors beside them. The
# socket is a UNIX SOCK_SEQPACKET: a message is whole or not there.

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


# ---- fork server -------------------------------------------------------------------------------

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
        # here: the gateway needs no pyserial, and every port server inherits it
        from appliance.modem.port_server import serve_port

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
