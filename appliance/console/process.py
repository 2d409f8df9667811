"""The web application and its process: middleware, bounded listening, TLS, systemd's watchdog."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Final
from zoneinfo import ZoneInfo

import anyio
import anyio.to_thread
import sdnotify
import uvicorn
import uvicorn.protocols.http.h11_impl
from python_multipart.exceptions import FormParserError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.console import pages
from appliance.console.accounts import Accounts, GuessLimit, NotAllowed, Sessions
from appliance.console.certificates import Certificates
from appliance.console.control_client import ControlClient, StatusFeed, StoreReader
from appliance.console.guards import BodyRefused, RequestGuard, SessionGate, redirect_to_tls
from appliance.console.live import RenderCache
from appliance.console.pages.operator import PositionUsers
from appliance.console.pages.users import LANGUAGE_COOKIE
from appliance.console.say import Speaker, choose_language, load_catalogues
from appliance.console.settings import ConsoleSettings
from appliance.console.templates import StaticFiles, page
from appliance.errors import TechnicianError
from appliance.policy.numbering import plan_of
from appliance.policy.requests import without_done_links

log = logging.getLogger(__name__)

# One thread and one event loop, and few threads for files.

FILE_THREADS: Final = 4
"""Threads that starlette may use for files and forms, at most."""
MOST_SERVED: Final = 300
"""Connections served at once; one more is answered with 503."""
STOP_S: Final = 3
"""How long open pages may take to end when the console stops."""
CERTIFICATE_S: Final = 60
"""How often the certificate is looked at: the appliance's addresses may change, and its clock."""
KEEP_ALIVE_S: Final = 15
IDLE_S: Final = 10.0
"""Who is connected and has asked nothing in so long, twice looked at, is let go."""
HEADERS_LIMIT: Final = 32_768


class ConsoleServer(uvicorn.Server):
    """A server among others in one process: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class IdleTimeoutProtocol(uvicorn.protocols.http.h11_impl.H11Protocol):
    """Lets go of who connects and asks nothing, or never ends asking."""

    _looking: asyncio.TimerHandle | None = None
    _seen: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look at it from time to time; uvicorn itself waits for ever for a first request."""
        super().connection_made(transport)
        mark_ready(transport)
        self._looking = self.loop.call_later(IDLE_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        if self._looking:
            self._looking.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        asks = self.cycle is not None and not self.cycle.response_complete
        if not asks and self._seen is self.cycle:
            self.transport.close()
            return
        self._seen = self.cycle
        self._looking = self.loop.call_later(IDLE_S, self._look)


def run(settings: ConsoleSettings) -> None:
    """Serve until SIGTERM or SIGINT; raises TechnicianError when it cannot listen."""
    asyncio.run(_serve(settings))


async def _serve(settings: ConsoleSettings) -> None:
    anyio.to_thread.current_default_thread_limiter().total_tokens = FILE_THREADS
    listening = listen(settings.listen, settings.port)
    shown = Certificates(settings) if settings.is_secure else None
    app = build(settings)
    server = ConsoleServer(_config(app, shown.context if shown else None))
    leading = _redirect(settings, listening.getsockname()[1])
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop_all, app, server, *leading)
    async with asyncio.TaskGroup() as tasks:
        where = address_of(settings, listening)
        feeding = tasks.create_task(
            _feed_watchdog(server, where, lambda: is_healthy(app, time.monotonic()))
        )
        looking = tasks.create_task(_refresh_certificate(shown))
        for one, plain in leading.items():
            tasks.create_task(one.serve(sockets=[plain]))
        await server.serve(sockets=[listening])
        _stop(*leading)
        feeding.cancel()
        looking.cancel()


async def _refresh_certificate(shown: Certificates | None) -> None:
    while shown:
        await asyncio.sleep(CERTIFICATE_S)
        shown.refresh()


def _redirect(settings: ConsoleSettings, port: int) -> dict[ConsoleServer, socket.socket]:
    """Make the plain port's server; where that port is taken the secure one does without."""
    if not settings.redirect_port:
        return {}
    try:
        plain = listen(settings.listen, settings.redirect_port)
    except TechnicianError as error:
        log.error("plain HTTP does not lead to the pages: %s", error)
        return {}
    return {ConsoleServer(_config(redirect_to_tls(settings.names, port), has_pages=False)): plain}


def _config(
    app: ASGIApp, context: ssl.SSLContext | None = None, *, has_pages: bool = True
) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=IdleTimeoutProtocol,
        ws="none",
        lifespan="on" if has_pages else "off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        proxy_headers=False,  # nobody stands before us: what says so is forged
        server_header=False,
        limit_concurrency=MOST_SERVED,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        h11_max_incomplete_event_size=HEADERS_LIMIT,
    )
    config.load()
    config.ssl = context
    return config


def address_of(settings: ConsoleSettings, listening: socket.socket) -> str:
    """Say where a browser finds the console; the first name where it listens everywhere."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what was configured, looked at
        host = settings.names[0] if settings.names else socket.gethostname()
    scheme, usual = ("https", 443) if settings.is_secure else ("http", 80)
    return f"{scheme}://{host}" + ("" if port == usual else f":{port}")


def _stop_all(app: Starlette, *servers: ConsoleServer) -> None:
    """Let go of the browsers that listen to the live state: they would be waited for."""
    app.state.feed.stop()
    _stop(*servers)


def _stop(*servers: ConsoleServer) -> None:
    for server in servers:
        server.should_exit = True


def is_healthy(app: Starlette, now: float) -> bool:
    """Tell whether pages can still be true: the watch goes on, and no thread hangs in the disk."""
    return not (app.state.feed.is_dead or app.state.store.is_hung(now))


async def _feed_watchdog(server: ConsoleServer, address: str, is_alive: Callable[[], bool]) -> None:
    """Tell systemd when pages can be opened, then that the loop turns (sd_notify(3))."""
    notifier = sdnotify.SystemdNotifier()
    while not server.started:
        await asyncio.sleep(0.02)
    notifier.notify(f"READY=1\nSTATUS=Open at {address}")
    log.warning("the console is open at %s", address)
    pause = int(os.environ.get("WATCHDOG_USEC", "0")) / 3e6
    while pause and not server.should_exit:
        if is_alive():
            notifier.notify("WATCHDOG=1")
        await asyncio.sleep(pause)


TITLES: Final = {
    400: "The request cannot be understood",
    403: "Not allowed",
    404: "There is no such page",
    405: "The request cannot be understood",
    408: "Too slow",
    413: "Too long",
    500: "The console has failed",
}
REMEDIES: Final = {
    400: "Go back and try again.",
    403: "Ask the head of the front desk if you need this page.",
    404: "Look for it from the first page.",
    405: "Go back and try again.",
    408: "Go back and try again.",
    413: "Send less at once.",
    500: "Calls go on as before. Try again; if it happens again, tell the technician.",
}
"""English sentences, said through the catalogues."""


@contextlib.asynccontextmanager
async def _open_accounts(app: Starlette) -> AsyncIterator[None]:
    """Open the sessions' file; raises StoreError where it cannot be kept."""
    sessions = Sessions(app.state.settings.state / "sessions.db")
    app.state.accounts = Accounts(sessions, app.state.store)
    try:
        yield
    finally:
        sessions.close()


LifespanPart = Callable[[Starlette], AbstractAsyncContextManager[object]]


def _run_feed(app: Starlette) -> AbstractAsyncContextManager[object]:
    feed: StatusFeed = app.state.feed
    return feed.running()


LIFESPAN: Final[tuple[LifespanPart, ...]] = (_open_accounts, _run_feed)
"""What is open while the console runs: each puts itself into the application's state."""


def build(settings: ConsoleSettings) -> Starlette:
    """Put the application together; nothing runs before it is served."""
    app = Starlette(
        routes=[*pages.all_routes(), Mount("/static", StaticFiles(), name="static")],
        middleware=[
            Middleware(LanguageMiddleware),
            Middleware(RequestGuard, names=settings.names, refuse=_refuse),
            Middleware(ErrorPages),
            Middleware(SessionGate, refuse=_refuse),
        ],
        exception_handlers={
            HTTPException: _http_error,
            BodyRefused: _too_long,
            FormParserError: _bad_form,
        },
        lifespan=_running,
    )
    app.state.settings = settings
    app.state.zone = ZoneInfo(settings.zone)
    app.state.plan = plan_of(settings.country)
    app.state.catalogues = load_catalogues()
    app.state.control = ControlClient(settings.door)
    app.state.feed = StatusFeed(app.state.control)
    app.state.live_parts = RenderCache()
    app.state.seats = PositionUsers()
    app.state.store = StoreReader(settings.records)
    app.state.links = pages.all_links()
    app.state.uploading = anyio.Lock()
    app.state.guesses, app.state.first_guesses = GuessLimit(), GuessLimit()
    return app


@contextlib.asynccontextmanager
async def _running(app: Starlette) -> AsyncIterator[None]:
    """Open what is open while the console runs, and close it in the reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        for opened in LIFESPAN:
            await stack.enter_async_context(opened(app))
        yield


class LanguageMiddleware:
    """Gives every request its speaker; a person's own choice comes with the session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["speaker"] = _speaker(Request(scope))
        await self._app(scope, receive, send)


def _speaker(request: Request) -> Speaker:
    state = request.app.state
    language = choose_language(
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language", ""),
        state.settings.languages,
    )
    return Speaker(language, state.zone, state.catalogues[language])


# Errors as pages.


def error_page(request: Request, status: int, why: str = "") -> Response:
    """Say what is wrong and what to do; `why` is an English sentence of the catalogues."""
    known = status if status in TITLES else (400 if status < 500 else 500)
    return page(request, "error.html", status, title=TITLES[known], why=why, remedy=REMEDIES[known])


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    await error_page(Request(scope, receive), status, why)(scope, receive, send)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    why = error.detail if isinstance(error, NotAllowed) else ""
    answer = error_page(request, error.status_code, why)
    answer.headers.update(error.headers or {})
    return answer


async def _too_long(request: Request, error: Exception) -> Response:
    assert isinstance(error, BodyRefused)
    return error_page(request, error.status, error.why)


async def _bad_form(request: Request, _error: Exception) -> Response:
    """Answer a body that is no form of many parts; Debian 13's Starlette does not."""
    return error_page(request, 400, "")


class ErrorPages:
    """The one broad except of the console: what fails costs one page, and is told in words.

    Inside the guard, so that this page has its headers too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return  # nobody is left to be told; a stranger could fill the journal with it
        except Exception:
            if scope["type"] != "http" or has_begun:
                raise
            log.exception("%s %s failed", scope["method"], without_done_links(scope["path"]))
            await error_page(Request(scope, receive), 500)(scope, receive, send)


# uvicorn and asyncio count a connection once its handshake is done, and wait a minute for that:
# one machine of the LAN could take every descriptor and the memory of the appliance. So
# connections are counted as they are accepted, and one without a handshake in time is closed.

MOST_CONNECTIONS: Final = 400
"""Connections at most, of all addresses; more than are served at once (MOST_SERVED)."""
MOST_CONNECTIONS_OF_ONE: Final = 150
"""Connections of one address at most: no machine of the LAN alone keeps all others out."""
HANDSHAKE_S: Final = 10.0
"""How long TLS may take to begin; a slow phone over a bad network takes 2."""


class CountedConnection(socket.socket):
    """A connection that is counted until it is closed; `is_ready` once its handshake is done."""

    is_ready = False
    _counted: CountingListener | None = None
    _host = ""

    def count(self, listening: CountingListener, host: str) -> None:
        """Be counted, until closed."""
        self._counted, self._host = listening, host
        listening.open_of[host] += 1

    def close(self) -> None:
        """Close, and be counted no more."""
        counted, self._counted = self._counted, None
        if counted is not None:
            counted.open_of[self._host] -= 1
            if not counted.open_of[self._host]:
                del counted.open_of[self._host]
        super().close()

    def hang_up_unless_ready(self) -> None:
        """End a connection on which nobody has shaken hands."""
        if not self.is_ready and self._counted is not None:
            with contextlib.suppress(OSError):
                self.shutdown(socket.SHUT_RDWR)


class CountingListener(socket.socket):
    """A listening socket; `open_of` counts the connections of each address."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.open_of: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        """Take the next connection; raises ConnectionAbortedError for one that is too much."""
        plain, address = super().accept()
        taken = CountedConnection(plain.family, plain.type, plain.proto, fileno=plain.detach())
        host = str(address[0])
        if (
            self.open_of[host] >= MOST_CONNECTIONS_OF_ONE
            or self.open_of.total() >= MOST_CONNECTIONS
        ):
            taken.close()
            raise ConnectionAbortedError("too many connections")
        taken.count(self, host)
        asyncio.get_running_loop().call_later(HANDSHAKE_S, taken.hang_up_unless_ready)
        return taken, address


def mark_ready(transport: asyncio.BaseTransport) -> None:
    """Note that the handshake of a connection is done."""
    shown = transport.get_extra_info("socket")
    taken = getattr(shown, "_sock", shown)  # asyncio wraps it
    if isinstance(taken, CountedConnection):
        taken.is_ready = True


def listen(address: str, port: int) -> socket.socket:
    """Listen; raises TechnicianError with what to do."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # the protocol by its name: asyncio turns Nagle's delay of 40 ms off for that one alone
    listening = CountingListener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise TechnicianError(
            f"the console cannot listen on {address} port {port} ({error.strerror}): another "
            "service may use it, or it may need a right; change console.listen or console.port"
        ) from error
    return listening
