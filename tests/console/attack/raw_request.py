"""A stranger's request as it reaches the application, whatever a decent client would not send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from starlette.routing import Route
from starlette.types import Message

from appliance.console import pages
from appliance.console.guards import cookie_name
from tests.console.visitor import Visitor

LIMIT_S: Final = 1.0
"""How long any answer may take here."""
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Entry:
    """One way into the application: a method and the path as the routing table has it."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; of a stream that does not end only its beginning."""

    status: int
    headers: dict[str, str]
    text: str
    took_s: float


def entries() -> list[Entry]:
    """List every way in, from the application's own routing table."""
    found = {
        Entry(method, route.path)
        for route in pages.all_routes()
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    return sorted(found, key=str)


def filled(path: str, word: str = "anagrafe", number: str = "1") -> str:
    """Put something where the path has places for it."""
    parts = path.split("/")
    return "/".join(
        (number if part.endswith(":int}") else word) if part.startswith("{") else part
        for part in parts
    )


class Stranger:
    """Asks an application in this process; `visitor` lends its cookie and its token."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self.token = visitor.token()
        name = cookie_name(visitor.app.state.settings.is_secure)
        self._cookie = f"{name}={visitor.client.cookies[name]}"

    def ask(
        self,
        entry: Entry,
        path: str = "",
        query: bytes = b"",
        body: bytes = b"",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """Ask; headers are those of a browser of ours unless said otherwise."""
        own = {
            "host": "centralino.local",
            "accept-language": "en",
            "cookie": self._cookie,
            "x-csrf-token": self.token,
            "content-type": FORM,
            "content-length": str(len(body)),
        }
        given = own | dict(headers)
        path = path or filled(entry.path)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": entry.method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "surrogatepass"),
            "root_path": "",
            "query_string": query,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        return self._visitor._runner.run(_answer(self._visitor.app, scope, body))


async def _answer(app: Any, scope: dict[str, Any], body: bytes) -> Answer:
    """Let it be served; a stream of events is left as soon as it has begun."""
    told: list[Message] = []
    streams, left = asyncio.Event(), [body]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        told.append(message)
        if b"text/event-stream" in dict(told[0]["headers"]).get(b"content-type", b""):
            streams.set()

    began = time.perf_counter()
    serving = asyncio.create_task(app(scope, receive, send))
    waiting = asyncio.create_task(streams.wait())
    done, _ = await asyncio.wait(
        {serving, waiting}, timeout=10 * LIMIT_S, return_when=asyncio.FIRST_COMPLETED
    )
    took_s = time.perf_counter() - began
    waiting.cancel()
    if serving in done:
        await serving  # what it raised is raised
    else:
        serving.cancel()
        await asyncio.wait({serving})
        assert done, f"no answer: {scope['method']} {scope['path']}"
    text = b"".join(one.get("body", b"") for one in told[1:]).decode(errors="replace")
    return Answer(told[0]["status"], _plain(told[0]["headers"]), text, took_s)


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode().lower(): value.decode("latin-1") for name, value in headers}
