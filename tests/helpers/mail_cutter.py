"""A faulty network in front of a mail server: connections pass, and break where a test says so."""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
from dataclasses import dataclass, field
from typing import Self

LIMIT_S = 20.0


class Cut(enum.StrEnum):
    """Where a connection breaks."""

    NOWHERE = "nowhere"
    HANG = "hang"  # accepted, and never greeted
    ON_EHLO = "ehlo"  # as the client says so; the server does not hear it
    ON_MAIL = "mail"
    ON_RCPT = "rcpt"
    ON_DATA = "data"
    IN_TEXT = "text"  # within the message
    ON_DOT = "dot"  # the end of the message is not passed on: the server throws it away
    BEFORE_250 = "250"  # the server has taken it; its answer is not passed on


_WORDS = {Cut.ON_EHLO: b"ehlo", Cut.ON_MAIL: b"mail", Cut.ON_RCPT: b"rcpt", Cut.ON_DATA: b"data"}


@dataclass
class Cutter:
    """Listens on `port` and passes on to the server at `upstream`; `met` counts connections."""

    upstream: tuple[str, int]
    cut: Cut = Cut.NOWHERE
    met: int = 0
    _socket: socket.socket = field(default_factory=socket.socket, repr=False)
    _open: list[socket.socket] = field(default_factory=list, repr=False)

    def __enter__(self) -> Self:
        self._socket.bind((self.upstream[0], 0))
        self._socket.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self.met += 1
                self._open.append(client)
                if self.cut is not Cut.HANG:
                    threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(self.upstream, LIMIT_S)
        swallow = threading.Event()
        back = threading.Thread(target=_pass_on, args=(server, client, swallow), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            self._forward(client, server, swallow)
        if swallow.is_set():  # until the server has given its answer
            back.join(LIMIT_S)
        for each in (client, server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _forward(
        self, client: socket.socket, server: socket.socket, swallow: threading.Event
    ) -> None:
        """Pass on what the client says, up to the cut."""
        in_text = False
        with client.makefile("rb") as lines:
            for line in lines:
                word = line[:4].lower()
                if not in_text and word == _WORDS.get(self.cut):
                    return
                if in_text and self.cut is Cut.IN_TEXT:
                    return
                if in_text and line == b".\r\n":
                    in_text = False
                    if self.cut is Cut.ON_DOT:
                        return
                    if self.cut is Cut.BEFORE_250:
                        swallow.set()
                        server.sendall(line)
                        return
                in_text = in_text or word == b"data"
                server.sendall(line)


def _pass_on(server: socket.socket, client: socket.socket, swallow: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := server.recv(4096):
            if swallow.is_set():
                return
            client.sendall(data)
        if not swallow.is_set():
            client.shutdown(socket.SHUT_WR)
