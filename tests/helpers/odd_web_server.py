"""A WebDAV server within the test, over TLS, which answers as it is told to."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tests.helpers.backup_servers import HOST, Certified

LISTED: Final = (
    '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>{folder}/</D:href>'
    "<D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype>"
    "<D:quota-available-bytes>{room}</D:quota-available-bytes></D:prop></D:propstat></D:response>"
    "{files}</D:multistatus>"
)
FILE: Final = (
    "<D:response><D:href>https://localhost{path}</D:href><D:propstat><D:prop><D:resourcetype/>"
    "<D:getcontentlength>{size}</D:getcontentlength></D:prop></D:propstat></D:response>"
)


@dataclass
class Answer:
    """One answer instead of the right one."""

    status: int = 200
    body: bytes = b"<html>login</html>"
    headers: dict[str, str] = field(default_factory=dict)
    # The body is announced longer by so many bytes.
    missing: int = 0


class OddServer(ThreadingHTTPServer):
    """A folder `/dav` in memory; `odd` has the answers that differ, by method ("*" for all)."""

    daemon_threads = True

    def __init__(self, certified: Certified) -> None:
        super().__init__((HOST, 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.odd: dict[str, Answer] = {}
        self.room = ""
        self.asked: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = certified.folder
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def address(self) -> str:
        """What the configuration says."""
        return f"https://copie@localhost:{self.server_port}/dav"

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that do not trust it break off."""


class _Handler(BaseHTTPRequestHandler):
    server: OddServer

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body) + answer.missing))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def _do(self) -> None:
        here, path = self.server, self.path
        here.asked.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        odd = here.odd.get(self.command) or here.odd.get("*")
        self._answer(odd or self._right(path, body))

    def _right(self, path: str, body: bytes) -> Answer:
        files = self.server.files
        if self.command == "PROPFIND":
            rows = "".join(FILE.format(path=one, size=len(data)) for one, data in files.items())
            text = LISTED.format(folder="/dav", room=self.server.room, files=rows)
            return Answer(207, text.encode())
        if self.command == "PUT":
            files[path] = body
            return Answer(201, b"")
        if self.command == "GET":
            return Answer(200, files[path])
        if self.command == "MOVE":
            assert self.headers["Overwrite"] == "F"
            to = self.headers["Destination"].removeprefix(
                f"https://localhost:{self.server.server_port}"
            )
            files[to] = files.pop(path)
            return Answer(201, b"")
        return Answer(204 if files.pop(path, None) is not None else 404, b"")

    do_PROPFIND = do_PUT = do_GET = do_MOVE = do_DELETE = _do  # noqa: N815 - http.server's names


@contextlib.contextmanager
def odd_server(folder: Path) -> Iterator[tuple[OddServer, Certified]]:
    """Run one, with an authority of its own."""
    folder.mkdir()
    certified = Certified(folder)
    server = OddServer(certified)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server, certified
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
