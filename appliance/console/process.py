"""The console's process: sockets, TLS, signs of life to systemd, a clean stop.

The ONLY uvicorn import. One thread and one event loop, and few threads for files.
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
from collections.abc import Callable, Iterator
from typing import Final

import anyio.to_thread
import sdnotify
import uvicorn
import uvicorn.protocols.http.h11_impl
from starlette.applications import Starlette
from starlette.types import ASGIApp

from appliance.console.app import build
from appliance.console.listening import listen, ready
from appliance.console.redirect import to_secure
from appliance.console.settings import ConsoleSettings
from appliance.console.tls import Certificates
from appliance.errors import TechnicianError

log = logging.getLogger(__name__)

FILE_THREADS: Final = 4
"""Threads that starlette may use for files and forms, at most."""
CONNECTIONS: Final = 300
"""Connections served at once; one more is answered with 503."""
STOP_S: Final = 3
"""How long open pages may take to end when the console stops."""
CERTIFICATE_S: Final = 60
"""How often the certificate is looked at: the box's addresses may change, and its clock."""
KEEP_ALIVE_S: Final = 15
QUIET_S: Final = 10.0
"""Who is connected and has asked nothing in so long, twice looked at, is let go."""
HEADERS_LIMIT: Final = 32_768


class Server(uvicorn.Server):
    """A server among others in one process: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class Patient(uvicorn.protocols.http.h11_impl.H11Protocol):
    """Lets go of who connects and asks nothing, or never ends asking."""

    _looking: asyncio.TimerHandle | None = None
    _seen: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look at it from time to time; uvicorn itself waits for ever for a first question."""
        super().connection_made(transport)
        ready(transport)
        self._looking = self.loop.call_later(QUIET_S, self._look)

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
        self._looking = self.loop.call_later(QUIET_S, self._look)


def run(settings: ConsoleSettings) -> None:
    """Serve until SIGTERM or SIGINT; raises TechnicianError when it cannot listen."""
    asyncio.run(_serve(settings))


async def _serve(settings: ConsoleSettings) -> None:
    anyio.to_thread.current_default_thread_limiter().total_tokens = FILE_THREADS
    listening = listen(settings.listen, settings.port)
    shown = Certificates(settings) if settings.is_secure else None
    app = build(settings)
    server = Server(_config(app, shown.context if shown else None))
    leading = _redirect(settings, listening.getsockname()[1])
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _end, app, server, *leading)
    async with asyncio.TaskGroup() as tasks:
        where = address_of(settings, listening)
        feeding = tasks.create_task(_feed(server, where, lambda: lives(app, time.monotonic())))
        looking = tasks.create_task(_keep_good(shown))
        for one, plain in leading.items():
            tasks.create_task(one.serve(sockets=[plain]))
        await server.serve(sockets=[listening])
        _stop(*leading)
        feeding.cancel()
        looking.cancel()


async def _keep_good(shown: Certificates | None) -> None:
    while shown:
        await asyncio.sleep(CERTIFICATE_S)
        shown.refresh()


def _redirect(settings: ConsoleSettings, port: int) -> dict[Server, socket.socket]:
    """Make the plain port's server; where that port is taken the secure one does without."""
    if not settings.redirect_port:
        return {}
    try:
        plain = listen(settings.listen, settings.redirect_port)
    except TechnicianError as error:
        log.error("plain HTTP does not lead to the pages: %s", error)
        return {}
    return {Server(_config(to_secure(settings.names, port), has_pages=False)): plain}


def _config(
    app: ASGIApp, context: ssl.SSLContext | None = None, *, has_pages: bool = True
) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=Patient,
        ws="none",
        lifespan="on" if has_pages else "off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        proxy_headers=False,  # nobody stands before us: what says so is forged
        server_header=False,
        limit_concurrency=CONNECTIONS,
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


def _end(app: Starlette, *servers: Server) -> None:
    """Let go of the browsers that listen to the live state: they would be waited for."""
    app.state.feed.stop()
    _stop(*servers)


def _stop(*servers: Server) -> None:
    for server in servers:
        server.should_exit = True


def lives(app: Starlette, now: float) -> bool:
    """Tell whether pages can still be true: the watch goes on, and no thread hangs in the disk."""
    return not (app.state.feed.is_dead or app.state.reading.is_hung(now))


async def _feed(server: Server, address: str, is_alive: Callable[[], bool]) -> None:
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
