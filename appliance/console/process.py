"""The web application and its process: middleware, connection limits, TLS, systemd's watchdog.

The only uvicorn import. One thread with one event loop, and a few threads for files.
"""

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
from appliance.console.first_start import FirstStart
from appliance.console.guards import (
    STALE_FORM,
    BodyRefused,
    RequestGuard,
    SessionGate,
    page_before,
    redirect_to_tls,
)
from appliance.console.live import RenderCache
from appliance.console.pages.operator import PositionUsers
from appliance.console.pages.users import LANGUAGE_COOKIE
from appliance.console.say import Speaker, choose_language
from appliance.console.settings import ConsoleSettings, FreshSettings
from appliance.console.templates import StaticFiles, page
from appliance.console.uploads import sweep_uploads
from appliance.console.wall import Screens, WallSource
from appliance.errors import TechnicianError
from appliance.policy.numbering import plan_of
from appliance.policy.requests import without_done_links
from appliance.policy.text import os_error_words
from appliance.policy.wall import without_screen_secrets
from appliance.text import _

log = logging.getLogger(__name__)

# Threads that starlette may use for files and forms, at most.
FILE_THREADS: Final = 4
# Connections and requests served at once; uvicorn answers one more with 503.
MOST_SERVED: Final = 300
STOP_S: Final = 3
"""Seconds that open pages may take to end when the console stops."""
# The appliance's addresses may change, and so may its clock.
CERTIFICATE_S: Final = 60
"""Seconds between two checks of the certificate."""
KEEP_ALIVE_S: Final = 15
IDLE_S: Final = 10.0
"""Seconds between two checks of a connection for a request."""
HEADERS_LIMIT: Final = 32_768
"""Longest request header, in bytes."""


class ConsoleServer(uvicorn.Server):
    """uvicorn server without signal handlers.

    `_serve` handles signals for the two servers, TLS and plain, that share the process.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handler."""
        yield


class IdleTimeoutProtocol(uvicorn.protocols.http.h11_impl.H11Protocol):
    """HTTP/1.1 protocol that closes connections without a complete request header.

    A new connection is closed at the first check, after IDLE_S; one that has been served, at the
    second check without a new request.
    """

    _looking: asyncio.TimerHandle | None = None
    _seen: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the checks of a connection."""
        super().connection_made(transport)
        # asyncio calls this once the TLS handshake is done.
        mark_ready(transport)
        # uvicorn itself waits for ever for a first request.
        self._looking = self.loop.call_later(IDLE_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the checks."""
        if self._looking:
            self._looking.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        # uvicorn makes a cycle only from a complete header: while a client sends its header byte
        # by byte, the last cycle stays and the connection counts as idle.
        asks = self.cycle is not None and not self.cycle.response_complete
        if not asks and self._seen is self.cycle:
            self.transport.close()
            return
        self._seen = self.cycle
        self._looking = self.loop.call_later(IDLE_S, self._look)


def run(settings: ConsoleSettings, fresh: FreshSettings | None = None) -> None:
    """Serve until SIGTERM or SIGINT; raises TechnicianError when a port cannot be opened."""
    asyncio.run(_serve(settings, fresh))


async def _serve(settings: ConsoleSettings, fresh: FreshSettings | None) -> None:
    anyio.to_thread.current_default_thread_limiter().total_tokens = FILE_THREADS
    # The port and the certificate come first: without them nothing else is started.
    listening = listen(settings.listen, settings.port)
    shown = Certificates(settings) if settings.is_secure else None
    app = build(settings, fresh)
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
        # The secure server has ended. The task group would wait for ever for the two loops.
        _stop(*leading)
        feeding.cancel()
        looking.cancel()


async def _refresh_certificate(shown: Certificates | None) -> None:
    while shown:
        await asyncio.sleep(CERTIFICATE_S)
        shown.refresh()


def _redirect(settings: ConsoleSettings, port: int) -> dict[ConsoleServer, socket.socket]:
    """Make the server that redirects plain HTTP to TLS; none where its port is taken."""
    if not settings.redirect_port:
        return {}
    try:
        plain = listen(settings.listen, settings.redirect_port)
    except TechnicianError as error:
        # The pages can be opened without it, by their https address.
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
        # The live state is a stream of events: no page uses WebSockets.
        ws="none",
        lifespan="on" if has_pages else "off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        # No proxy is in front of the console: a client that sends X-Forwarded-For forges it.
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_SERVED,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        h11_max_incomplete_event_size=HEADERS_LIMIT,
    )
    # uvicorn would make a context from files, once; this one is reloaded in place (Certificates).
    config.load()
    config.ssl = context
    return config


def address_of(settings: ConsoleSettings, listening: socket.socket) -> str:
    """Return the console's address for a browser: the first name where it listens on all."""
    host, port = listening.getsockname()[:2]
    # It listens on all addresses: the name is what people type.
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what was configured, looked at
        host = settings.names[0] if settings.names else socket.gethostname()
    scheme, usual = ("https", 443) if settings.is_secure else ("http", 80)
    return f"{scheme}://{host}" + ("" if port == usual else f":{port}")


def _stop_all(app: Starlette, *servers: ConsoleServer) -> None:
    """End the event streams and stop the servers."""
    # uvicorn waits for open responses, and the streams of the live state never end by themselves.
    app.state.feed.stop()
    _stop(*servers)


def _stop(*servers: ConsoleServer) -> None:
    for server in servers:
        server.should_exit = True


def is_healthy(app: Starlette, now: float) -> bool:
    """Tell whether the status feed still runs and no reading thread hangs (`now`: monotonic s)."""
    # Otherwise pages would show an old state: systemd restarts the console (docs/reliability.md).
    return not (app.state.feed.is_dead or app.state.store.is_hung(now))


async def _feed_watchdog(server: ConsoleServer, address: str, is_alive: Callable[[], bool]) -> None:
    """Notify systemd once pages can be opened, then feed its watchdog (sd_notify(3))."""
    notifier = sdnotify.SystemdNotifier()
    # uvicorn sets this flag and offers no event to wait for.
    while not server.started:
        await asyncio.sleep(0.02)
    notifier.notify(f"READY=1\nSTATUS=Open at {address}")
    log.warning("the console is open at %s", address)
    # A third of the watchdog's time, in s; half of it is recommended (sd_watchdog_enabled(3)). 0
    # without a watchdog.
    pause = int(os.environ.get("WATCHDOG_USEC", "0")) / 3e6
    while pause and not server.should_exit:
        if is_alive():
            notifier.notify("WATCHDOG=1")
        await asyncio.sleep(pause)


# English sentences of the catalogues: error.html translates them.
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


@contextlib.asynccontextmanager
async def _open_accounts(app: Starlette) -> AsyncIterator[None]:
    """Open the file of sessions; raises StoreError where that fails."""
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


@contextlib.asynccontextmanager
async def _sweep_uploads(app: Starlette) -> AsyncIterator[None]:
    """Delete broken uploads while the console runs."""
    sweep = asyncio.create_task(sweep_uploads(app))
    try:
        yield
    finally:
        sweep.cancel()
        await asyncio.wait([sweep])


LIFESPAN: Final[tuple[LifespanPart, ...]] = (_open_accounts, _run_feed, _sweep_uploads)
"""Context managers entered in this order while the console runs, left in the reverse order."""


def build(settings: ConsoleSettings, fresh: FreshSettings | None = None) -> Starlette:
    """Compose the application; nothing runs before it is served.

    With `fresh` its pages follow the configuration's file.
    """
    app = Starlette(
        routes=[*pages.all_routes(), Mount("/static", StaticFiles(), name="static")],
        # The outermost first. Every refusal is a page in the reader's language; ErrorPages lies
        # inside the guard, so that its page gets the security headers, too.
        middleware=[
            Middleware(LanguageMiddleware, fresh=fresh),
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
    app.state.control = ControlClient(settings.control_socket)
    app.state.feed = StatusFeed(app.state.control)
    app.state.live_parts = RenderCache()
    app.state.seats = PositionUsers()
    app.state.first_start = FirstStart(settings.state / "first-start.json")
    app.state.store = StoreReader(settings.records)
    app.state.links = pages.all_links()
    app.state.uploading = anyio.Lock()
    # Counted apart: wrong links in e-mails and of screens, and wrong codes for the first user.
    app.state.guesses, app.state.first_guesses = GuessLimit(), GuessLimit()
    app.state.screen_guesses, app.state.screens = GuessLimit(), Screens(app.state.store)
    app.state.wall = WallSource(app.state.store, app.state.control, app.state.zone)
    return app


@contextlib.asynccontextmanager
async def _running(app: Starlette) -> AsyncIterator[None]:
    """Enter the parts of LIFESPAN, and leave them in the reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        for opened in LIFESPAN:
            await stack.enter_async_context(opened(app))
        yield


class LanguageMiddleware:
    """Take up changed settings; put the speaker of the reader's language into the state."""

    def __init__(self, app: ASGIApp, fresh: FreshSettings | None = None) -> None:
        self._app, self._fresh = app, fresh

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            if self._fresh is not None:
                scope["app"].state.settings = await self._fresh.newest()
            scope.setdefault("state", {})["speaker"] = _speaker(Request(scope))
        await self._app(scope, receive, send)


def _speaker(request: Request) -> Speaker:
    state = request.app.state
    language = choose_language(
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language", ""),
        state.settings.languages,
    )
    return Speaker(language, state.zone)


def error_page(request: Request, status: int, why: str = "") -> Response:
    """Render an error with its remedy; `why` is an English sentence of the catalogues."""
    known = status if status in TITLES else (400 if status < 500 else 500)
    # Of a form that is too old nobody need ask the head; the page that it came from has a new one.
    values = {"title": TITLES[known], "why": why}
    values["remedy"] = REMEDIES[known] if why != STALE_FORM else ""
    before = page_before(request) if request.method == "POST" else "/"
    values["form_page"] = before if before != "/" else ""
    return page(request, "error.html", status, **values)


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
    """Answer a malformed multipart body with 400."""
    # Debian 13's Starlette lets its parser's error through: the page was a 500.
    return error_page(request, 400, "")


class ErrorPages:
    """The only broad except of the console: a fault costs one page, which says what to do."""

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
            # No browser is left to answer, and no log entry: a stranger could fill the journal.
            return
        except Exception:
            # A response that has begun cannot become an error page.
            if scope["type"] != "http" or has_begun:
                raise
            # The address of such a link is a secret (pages/requests.py, pages/wall.py): not into
            # the journal.
            path = without_screen_secrets(without_done_links(scope["path"]))
            log.exception("%s %s failed", scope["method"], path)
            await error_page(Request(scope, receive), 500)(scope, receive, send)


# uvicorn and asyncio count a connection once its handshake is done, and wait a minute for that:
# one machine of the LAN could take every descriptor and the memory of the appliance. So
# connections are counted as they are accepted, and one without a handshake in time is closed.

# More than are served at once (MOST_SERVED); the unit allows 1024 descriptors in all.
MOST_CONNECTIONS: Final = 400
"""Connections at most, of all addresses."""
# No machine of the LAN alone keeps all others out.
MOST_CONNECTIONS_OF_ONE: Final = 150
"""Connections of one address at most."""
# A slow phone over a bad network takes 2 s.
# Seconds within which the TLS handshake must be done.
HANDSHAKE_S: Final = 10.0


class CountedConnection(socket.socket):
    """Socket counted until it is closed; `is_ready` once its TLS handshake is done."""

    is_ready = False
    _counted: CountingListener | None = None
    _host = ""

    def count(self, listening: CountingListener, host: str) -> None:
        """Add this connection to the listener's count of an address."""
        self._counted, self._host = listening, host
        listening.open_of[host] += 1

    def close(self) -> None:
        """Close, and subtract this connection from the count."""
        # A socket that is closed twice is subtracted once.
        counted, self._counted = self._counted, None
        if counted is not None:
            counted.open_of[self._host] -= 1
            # Otherwise an entry would stay for every address that ever connected.
            if not counted.open_of[self._host]:
                del counted.open_of[self._host]
        super().close()

    def hang_up_unless_ready(self) -> None:
        """End a connection without a TLS handshake."""
        if not self.is_ready and self._counted is not None:
            # Not close: asyncio still watches the descriptor, and closes it when it reads the end.
            with contextlib.suppress(OSError):
                self.shutdown(socket.SHUT_RDWR)


class CountingListener(socket.socket):
    """Listening socket; `open_of` counts the open connections of each address."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.open_of: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept the next connection; raises ConnectionAbortedError for one over the limits."""
        plain, address = super().accept()
        taken = CountedConnection(plain.family, plain.type, plain.proto, fileno=plain.detach())
        host = str(address[0])
        if (
            self.open_of[host] >= MOST_CONNECTIONS_OF_ONE
            or self.open_of.total() >= MOST_CONNECTIONS
        ):
            taken.close()
            # asyncio's accept loop passes over this error and goes on.
            raise ConnectionAbortedError("too many connections")
        taken.count(self, host)
        asyncio.get_running_loop().call_later(HANDSHAKE_S, taken.hang_up_unless_ready)
        return taken, address


def mark_ready(transport: asyncio.BaseTransport) -> None:
    """Mark a connection whose TLS handshake is done."""
    shown = transport.get_extra_info("socket")
    # asyncio shows a wrapper, TransportSocket, and not the socket itself.
    taken = getattr(shown, "_sock", shown)
    if isinstance(taken, CountedConnection):
        taken.is_ready = True


def listen(address: str, port: int) -> socket.socket:
    """Open a listening socket; raises TechnicianError, which says what to do."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol by its name: asyncio turns Nagle's delay of 40 ms off for that one alone.
    listening = CountingListener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A console that starts anew takes its port at once, not after TIME_WAIT.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise TechnicianError(
            _(
                "the console cannot listen on {address} port {port} ({why}): another service may "
                "use it, or it may need a right; change console.listen or console.port",
                address=address,
                port=port,
                why=os_error_words(error),
            )
        ) from error
    return listening
