"""A network that loses the first copy of every SIP message, both ways: all has to be said twice.

    with Lossy(box_address) as relay:
        ...     # a phone whose server is relay.address:relay.port; the box sees it at the relay

Whatever the phone or the box says of their own addresses is rewritten to the relay's, so that
what follows within a call goes through it, too. Sound is not touched.
"""

from __future__ import annotations

import re
import select
import socket
import threading
from collections import Counter
from types import TracebackType
from typing import Self

_CSEQ = re.compile(rb"^CSeq: *(\d+ \w+)", re.MULTILINE | re.IGNORECASE)
_CALL = re.compile(rb"^Call-ID: *(\S+)", re.MULTILINE | re.IGNORECASE)
Address = tuple[str, int]


class Lossy:
    """Relays between one phone and the `box`; hosts are as long as each other, so that no length
    of a message changes: 127.0.0.1 and 127.0.0.9. `lost` counts what was lost by start line.
    """

    def __init__(self, box: Address, host: str = "127.0.0.9") -> None:
        self.lost: Counter[str] = Counter()
        self._box = box
        self._phone: Address | None = None
        self._seen: set[tuple[bytes, ...]] = set()
        self._to_phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._to_box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for sock in (self._to_phone, self._to_box):
            sock.bind((host, 0))
        self._stopping, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._work)

    @property
    def where(self) -> Address:
        """Where the phone finds its server."""
        return _of(self._to_phone)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wake.send(b"x")
        self._thread.join(5)
        for sock in (self._to_phone, self._to_box, self._stopping, self._wake):
            sock.close()

    def _work(self) -> None:
        while True:
            ready, _, _ = select.select([self._to_phone, self._to_box, self._stopping], [], [])
            if self._stopping in ready:
                return
            for sock in ready:
                data, source = sock.recvfrom(65535)
                if sock is self._to_phone:
                    self._phone = source
                    self._pass(data, source, self._to_box, self._box)
                elif self._phone:
                    self._pass(data, self._box, self._to_phone, self._phone)

    def _pass(self, data: bytes, source: Address, out: socket.socket, target: Address) -> None:
        """Lose the first copy of a message; send others on under the relay's address."""
        call, number = _CALL.search(data), _CSEQ.search(data)
        line = data.partition(b"\r\n")[0]
        if call and number:
            key = (line.split(b" ", 1)[0], line[:12], call[1], number[1])
            if key not in self._seen:
                self._seen.add(key)
                self.lost[" ".join(line.decode().split()[:2])] += 1
                return
        data = data.replace(_text(source), _text(_of(out)))
        if out is self._to_phone:  # the other way, a digest over our name must stay right
            data = data.replace(_text(_of(self._to_box)), _text(target))
        out.sendto(data, target)


def _of(sock: socket.socket) -> Address:
    host, port = sock.getsockname()
    return host, port


def _text(address: Address) -> bytes:
    return f"{address[0]}:{address[1]}".encode()
