"""The serial port a modem is reached by: the master side of a PTY and a link to its slave."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PENDING_LIMIT = 800
"""Bytes held for a host that does not read (100 ms of mu-law); beyond it sound is dropped."""

HARD_LIMIT = 65_536


class Port:
    """One PTY, non-blocking, raw; `link` points to the slave while the port exists."""

    def __init__(self, link: Path) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self._poll = select.poll()
        self._poll.register(self.master, 0)
        self._pending = bytearray()
        self._link = link
        link.unlink(missing_ok=True)
        link.symlink_to(self.name)

    @property
    def is_open(self) -> bool:
        """True while a host has the port open."""
        return not self._poll.poll(0)

    @property
    def host_reads(self) -> bool:
        """False while the host leaves too much unread."""
        return len(self._pending) < PENDING_LIMIT

    @property
    def waiting(self) -> int:
        """Bytes the host wrote that lie in the PTY, as far as the kernel tells (4 KB at most)."""
        return int(struct.unpack("i", fcntl.ioctl(self.master, termios.FIONREAD, b"\0\0\0\0"))[0])

    def read(self, most: int) -> bytes:
        """Give up to `most` bytes, nothing when there are none or the host has closed."""
        if most <= 0:
            return b""
        try:
            return os.read(self.master, most)
        except OSError:  # EAGAIN: nothing there; EIO: closed
            return b""

    def write(self, data: bytes) -> None:
        """Send bytes without ever waiting; what does not go now goes with a later call."""
        if len(self._pending) < HARD_LIMIT:
            self._pending += data
        if not self._pending:
            return
        try:
            sent = os.write(self.master, self._pending)
        except OSError:  # EAGAIN: the PTY is full; EIO: closed
            return
        del self._pending[:sent]

    def forget(self) -> None:
        """Drop what was not sent: the host has closed the port."""
        self._pending.clear()

    def close(self) -> None:
        """Unplug: the host reads an end of file or an error; the link goes."""
        self._link.unlink(missing_ok=True)
        os.close(self.master)
