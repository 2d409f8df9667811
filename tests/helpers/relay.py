"""A relay for TCP that a test can cut: what a pulled cable or a switch without power does.

with relay((box.address, box.port)) as cable:
    ...  # a phone connects to cable.address
    cable.cut()
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Address = tuple[str, int]


@dataclass
class Relay:
    """Connections to `address` are passed on to `target`, until they are cut."""

    target: Address
    listener: socket.socket
    ends: list[socket.socket] = field(default_factory=list)
    barred: bool = False

    @property
    def address(self) -> Address:
        """Where to connect."""
        host, port = self.listener.getsockname()
        return host, port

    def cut(self, *, barred: bool = False) -> None:
        """End every connection; `barred` ends new ones, too, until `cut` is called anew."""
        self.barred = barred
        ends, self.ends = self.ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.barred:
                near.close()
                continue
            far = socket.create_connection(self.target, 5)
            self.ends += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(a, b), daemon=True).start()


@contextmanager
def relay(target: Address) -> Iterator[Relay]:
    """Run a relay on loopback."""
    made = Relay(target, socket.create_server((target[0], 0)))
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.listener.shutdown(socket.SHUT_RDWR)
        made.listener.close()
        made.cut()
        thread.join(5)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until either end closes, then close both ways."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
