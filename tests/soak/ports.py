"""A modem's serial port without a terminal: a socket pair, which the kernel fills at once.

A pseudo terminal hands bytes on when a kernel worker gets round to it, so no two runs would be
alike; a socket pair is written and read in the same instant.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import termios
from pathlib import Path

from appliance.simulator.exchange import outlet

READ_SIZE = 65_536


class VirtualPort(outlet.PtyPort):
    """The modem's end of a port; what `appliance.simulator.exchange.outlet.PtyPort` is on a PTY.

    Opened by one host at a time (TIOCEXCL); it counts as open while any copy of the host's end is.
    """

    made = 0

    def __init__(self, link: Path) -> None:
        type(self).made += 1
        self.name = f"virtual{self.made}"
        self.master = -1
        self._link = link
        self._pending = bytearray()
        self._modem: socket.socket | None = None
        link.touch()

    def open(self) -> socket.socket:
        """Return the host's end; raises OSError where it is open already."""
        if self.is_open:
            raise OSError(errno.EBUSY, "the port is open already")
        self.forget()
        if self._modem is not None:
            self._modem.close()
        self._modem, host = socket.socketpair()
        self._modem.setblocking(False)
        host.setblocking(False)
        self._poll, self._readable = select.poll(), select.poll()
        self._poll.register(self._modem, 0)
        self._readable.register(self._modem, select.POLLIN)
        return host

    @property
    def is_open(self) -> bool:
        """True while a host has the port open."""
        return self._modem is not None and not self._poll.poll(0)

    @property
    def waiting(self) -> int:
        """Bytes the host wrote that nobody has read."""
        if self._modem is None:
            return 0
        told = fcntl.ioctl(self._modem, termios.FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("i", told)[0])

    def read(self, most: int) -> bytes:
        """Give up to `most` bytes, nothing when there are none."""
        if most <= 0 or self._modem is None or not self._readable.poll(0):
            return b""
        try:
            return self._modem.recv(most)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        """Send bytes without ever waiting."""
        self._pending += data
        if not self._pending or self._modem is None:
            return
        try:
            sent = self._modem.send(self._pending)
        except OSError:
            return
        del self._pending[:sent]

    def close(self) -> None:
        """Unplug: the host reads an end of file; the name goes."""
        self._link.unlink(missing_ok=True)
        if self._modem is not None:
            self._modem.close()
            self._modem = None


class HostPort:
    """What a port server holds of an open port (`appliance.modem.port_server.PortDevice`)."""

    def __init__(self, virtual: VirtualPort, drop_dtr: object) -> None:
        self._socket = virtual.open()
        self._drop = drop_dtr

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def drop_dtr(self) -> bool:
        """Let DTR fall and rise: the modem goes on hook."""
        assert callable(self._drop)
        self._drop()
        return True

    def close(self) -> None:
        """Close this copy."""
        self._socket.close()


def missing(path: str) -> OSError:
    """Return what opening a port that is not there raises."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
