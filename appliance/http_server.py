"""HttpServer: the part of HTTP/1.1 (RFC 9112) that a phone or Prometheus needs, with limits.

GET and HEAD, one request a connection; the response closes it. One thread with one selector: a slow
client delays no other. Times in seconds.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

# Not the standard library's http.server: that one serves either one client at a time, who may
# stall for ever, or each in a thread of its own without a limit.

# Bytes of a request's head; phones and Prometheus send some hundreds.
LONGEST_HEAD: Final = 4096


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Whole request: `path` decoded, without query; `code` 200, or the status of its refusal.

    `host` is the client's address.
    """

    path: str
    is_head: bool = False
    code: int = 200
    host: str = ""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Response; `body` is left out for HEAD."""

    code: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits: connections at once, seconds a connection, connections a second over all."""

    clients: int
    patience_s: float
    rate: int


@dataclass(slots=True, eq=False)
class _Client:
    """Connection: its limit (monotonic s), bytes received, bytes still to be sent."""

    sock: socket.socket
    host: str
    until: float
    received: bytes = b""
    to_send: bytes = b""


class HttpServer:
    """Serves `listening` (closed by `close`); `respond` returns the response to a whole request.

    A client whose address `admits` refuses is closed before anything is read. `turn` and `close`
    are for one thread.
    """

    def __init__(
        self,
        listening: socket.socket,
        limits: HttpLimits,
        respond: Callable[[HttpRequest], HttpResponse],
        clock: Callable[[], float],
        admits: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._listening, self._limits = listening, limits
        self._respond, self._clock, self._admits = respond, clock, admits
        self._clients: list[_Client] = []
        self._arrivals: deque[float] = deque(maxlen=limits.rate)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ)

    def turn(self, longest_s: float) -> None:
        """Wait for sockets, `longest_s` at most, and serve them; close connections out of time."""
        for key, _ in self._selector.select(longest_s):
            if key.fileobj is self._listening:
                self._accept()
            else:
                self._serve(key.data)
        now = self._clock()
        for client in [c for c in self._clients if c.until <= now]:
            self._part(client)

    def close(self) -> None:
        """Close every connection and the listening socket."""
        for client in list(self._clients):
            self._part(client)
        self._selector.close()
        self._listening.close()

    def _accept(self) -> None:
        try:
            sock, peer = self._listening.accept()
        # The client is gone again already, or no descriptor is left.
        except OSError:
            return
        now, limits = self._clock(), self._limits
        # A flood costs no more than accepting and closing its connections.
        is_flood = len(self._arrivals) == limits.rate and now - self._arrivals[0] < 1.0
        if is_flood or len(self._clients) >= limits.clients or not self._admits(peer[0]):
            sock.close()
            return
        self._arrivals.append(now)
        sock.setblocking(False)
        client = _Client(sock, peer[0], now + limits.patience_s)
        self._clients.append(client)
        self._selector.register(sock, selectors.EVENT_READ, client)

    def _serve(self, client: _Client) -> None:
        # Also where `respond` fails: then the connection is closed.
        done = True
        try:
            with contextlib.suppress(OSError):
                done = self._send(client) if client.to_send else self._receive(client)
        finally:
            if done:
                self._part(client)

    def _receive(self, client: _Client) -> bool:
        # One byte more than the limit, so that a head beyond it is seen (431) in one read.
        data = client.sock.recv(LONGEST_HEAD + 1)
        client.received += data
        request = read_request(client.received, client.host)
        if request is None:
            return not data
        client.to_send = write_response(self._respond(request), is_head=request.is_head)
        self._selector.modify(client.sock, selectors.EVENT_WRITE, client)
        return False

    def _send(self, client: _Client) -> bool:
        sent = client.sock.send(client.to_send)
        client.to_send = client.to_send[sent:]
        if not client.to_send:
            client.sock.shutdown(socket.SHUT_WR)
        return not client.to_send

    def _part(self, client: _Client) -> None:
        self._selector.unregister(client.sock)
        client.sock.close()
        self._clients.remove(client)


def listen(address: tuple[str, int], backlog: int) -> socket.socket:
    """Open a listening socket, non-blocking; raises OSError."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    # A restart binds although connections of the run before are in TIME_WAIT.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(backlog)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


def read_request(data: bytes, host: str = "") -> HttpRequest | None:
    """Parse the bytes received so far; None while the head is not whole."""
    head, end, _ = data.partition(b"\r\n\r\n")
    # RFC 9112 2.2: a recipient may take a single LF as a line's end.
    if not end:
        head, end, _ = data.partition(b"\n\n")
    # RFC 6585 5: 431 for a head that is too large; refused before its end has come.
    if len(head) > LONGEST_HEAD:
        return HttpRequest("", code=431, host=host)
    if not end:
        return None
    words = head.split(b"\n", 1)[0].strip().split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return HttpRequest("", code=400, host=host)
    if words[0] not in {b"GET", b"HEAD"}:
        return HttpRequest("", code=405, host=host)
    return HttpRequest(_path(words[1]), words[0] == b"HEAD", host=host)


def _path(target: bytes) -> str:
    """Return the decoded path of a target; bytes that are no UTF-8 become replacement signs."""
    return unquote_to_bytes(target.partition(b"?")[0]).decode("utf-8", "replace")


def write_response(response: HttpResponse, *, is_head: bool = False) -> bytes:
    """Return the bytes of a response that ends the connection."""
    lines = [
        f"HTTP/1.1 {response.code} {HTTPStatus(response.code).phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    # RFC 9110 15.5.6: a 405 names the methods that are allowed.
    if response.code == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET, HEAD")
    head = "\r\n".join([*lines, "", ""]).encode()
    return head if is_head else head + response.body
