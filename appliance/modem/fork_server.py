"""The fork server: starts port servers for the media gateway, and reaps them.

A fork of the gateway in service would copy its page tables and its locked memory and stop it for
milliseconds (design/processes.md): so the fork server is forked first of all, and every port server
is its child. A port server that hangs is abandoned: the gateway requests another one, and the fork
server kills the old one, which takes effect when its ioctl returns. The gateway itself imports no
pyserial.
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
from appliance.modem.port_protocol import receive_datagram

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_REAP_MS = 1000
"""Longest time (ms) between two looks for children that have ended."""
_END_S = 0.2
"""Longest wait (s) for a killed port server to end."""


@dataclass(frozen=True, slots=True)
class PortServerStarted:
    """A port server for `line` runs; `sock` is the gateway's end of its socket."""

    line: str
    pid: int
    sock: socket.socket


class ForkServer:
    """The media gateway's handle on the fork server.

    `ask` requests a port server, `receive` returns it once `fileno()` is readable. No call but
    `close` blocks. Fork server and port servers end with the gateway, by their parent-death signal
    (prctl(2)) and by end of file.
    """

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self._sock = sock
        self.pid = pid

    @classmethod
    def start(cls) -> ForkServer:
        """Fork the fork server; to be called before any thread, real time or locked memory."""
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
        """Return the descriptor that is readable when a port server started or this one died."""
        return self._sock.fileno()

    def ask(self, line: str, path: str) -> bool:
        """Request a port server; False when the fork server is gone.

        An older port server of the same line is killed. The caller must first close its
        own copy of the port, by a reaper where that could block.
        """
        # The port's exclusive lock (flock(2)) lasts as long as any copy of the descriptor.
        return self._send({"line": line, "path": path}, [])

    def close_in_reaper(self, descriptor: int) -> bool:
        """Hand a descriptor whose close could block to a reaper; it is closed in this process."""
        sent = self._send({"close": True}, [descriptor])
        # Does not block: the reaper's copy is the last one.
        os.close(descriptor)
        return sent

    def receive(self) -> PortServerStarted | None:
        """Return the next port server that has started, None without one.

        Raises PeerError when the fork server has died: no port server can start any more.
        """
        try:
            message, descriptors = receive_datagram(self._sock, blocking=False)
        except BlockingIOError:
            return None
        except OSError:
            message, descriptors = b"", []
        if not message or not descriptors:
            raise PeerError("the fork server of the port servers has died")
        said = json.loads(message)
        return PortServerStarted(said["line"], said["pid"], socket.socket(fileno=descriptors[0]))

    def close(self) -> None:
        """End the fork server, and with it every port server; waits for its end."""
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
    """The fork server's process: forks port servers and reapers, passes sockets on, reaps."""

    def __init__(self, sock: socket.socket) -> None:
        # Imported here: the gateway needs no pyserial, and every port server inherits it.
        from appliance.modem.port_server import serve_port

        self._sock = sock
        self._serve_port = serve_port
        self._servers: dict[str, int] = {}

    def run(self) -> None:
        """Serve until the media gateway has gone, then kill every port server."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while True:
            ready = poll.poll(_REAP_MS)
            self._reap()
            if ready and not self._serve():
                break
        for pid in self._servers.values():
            os.kill(pid, signal.SIGKILL)

    def _serve(self) -> bool:
        message, descriptors = receive_datagram(self._sock, blocking=True)
        if not message:
            return False
        said = json.loads(message)
        if descriptors:
            self._start_reaper(descriptors[0])
        else:
            self._start_port_server(said["line"], said["path"])
        return True

    def _start_port_server(self, line: str, path: str) -> None:
        # The old one holds the port's exclusive lock.
        if line in self._servers:
            _kill(self._servers.pop(line))
        gateway_end, servers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            # Held by the port server too, these would never show end of file to the others.
            gateway_end.close()
            self._sock.close()
            _be_child(parent, lambda: self._serve_port(servers, path))
        servers.close()
        self._servers[line] = pid
        said = json.dumps({"line": line, "pid": pid}).encode()
        with gateway_end, contextlib.suppress(OSError):
            socket.send_fds(self._sock, [said], [gateway_end.fileno()])

    def _start_reaper(self, descriptor: int) -> None:
        """Fork a reaper that holds the last copy of a descriptor and closes it by its end."""
        # The close of a wedged port may block for ever, in a child that nobody waits for.
        parent = os.getpid()
        gone, still_here = os.pipe()
        if os.fork() == 0:
            self._sock.close()
            os.close(still_here)
            # End of file comes once the parent has closed its copy: then this is the last one.
            _be_child(parent, lambda: os.read(gone, 1))
        os.close(gone)
        os.close(descriptor)
        os.close(still_here)

    def _reap(self) -> None:
        """Reap the children that have ended."""
        # A pid that was reaped may be another process's: it must not be killed later.
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self._servers = {n: pid for n, pid in self._servers.items() if pid != ended}


def _kill(pid: int) -> None:
    """Kill a port server and wait up to _END_S for it to release its port."""
    # One that hangs in an ioctl ends later and is reaped then.
    watch = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        select.select([watch], [], [], _END_S)
    finally:
        os.close(watch)


def _be_child(parent: int, work: Callable[[], object]) -> NoReturn:
    """Run `work` in a forked child and exit."""
    status = 1
    try:
        # A terminal or systemd signals the whole group: the media gateway must first put its lines
        # on hook. The child ends with it, by end of file or by the signal of prctl(2).
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # Another parent means that the own one died before prctl.
        if os.getppid() == parent:
            work()
        status = 0
    except Exception:
        # Imported only now: every port server would carry it.
        import logging

        logging.getLogger(__name__).exception("a child of the fork server failed")
    finally:
        # Not sys.exit: the child must not run the parent's exit handlers or flush its buffers.
        os._exit(status)
