"""The nursery: a child forked early, of which every port keeper is born; the carrier never forks.

A fork of the carrier in service would copy its page tables and its locked memory, and would stop
it for milliseconds. A keeper that hangs is abandoned: its successor is asked for, and the nursery
kills the old one, which takes effect when its ioctl returns.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from appliance.errors import PeerError
from appliance.lines.keeper_protocol import receive

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_REAP_MS = 1000
_DEATH_S = 0.2


@dataclass(frozen=True, slots=True)
class Born:
    """A keeper for `line` lives; `sock` is the carrier's end of its socket."""

    line: str
    pid: int
    sock: socket.socket


class Nursery:
    """The carrier's handle: ask for a keeper, receive its socket when `fileno()` is readable.

    No call blocks. Everything dies with the carrier: the nursery by its parent-death signal and
    by end of file, the keepers by theirs.
    """

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self._sock = sock
        self.pid = pid

    @classmethod
    def start(cls) -> Nursery:
        """Fork the nursery; call it before any thread, real-time right or locked memory."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _be_child(parent, lambda: _Nurse(theirs).run())
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

    def receive(self) -> Born | None:
        """Return a keeper that was born, None when there is none (yet).

        Raises PeerError when the nursery has died: no keeper can be had any more.
        """
        try:
            message, descriptors = receive(self._sock, blocking=False)
        except BlockingIOError:
            return None
        except OSError:
            message, descriptors = b"", []
        if not message or not descriptors:
            raise PeerError("the nursery of the port keepers has died")
        said = json.loads(message)
        return Born(said["line"], said["pid"], socket.socket(fileno=descriptors[0]))

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


class _Nurse:
    """The nursery's own side: forks keepers, passes their sockets on, reaps the dead."""

    def __init__(self, sock: socket.socket) -> None:
        # Imported here: pyserial is no business of the carrier's, and every keeper inherits it.
        from appliance.lines.keeper import keeper_main

        self._sock = sock
        self._keep = keeper_main
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
        message, descriptors = receive(self._sock, blocking=True)
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
