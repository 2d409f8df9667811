"""The web application, put together: what stands before every page, the pages, their errors."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final
from zoneinfo import ZoneInfo

import anyio
from python_multipart.exceptions import FormParserError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.console import pages
from appliance.console.accounts.doorkeeper import Doorkeeper
from appliance.console.accounts.guesses import Guesses
from appliance.console.accounts.keeper import Accounts
from appliance.console.accounts.rights import NotAllowed
from appliance.console.accounts.sessions import Sessions
from appliance.console.desk import Desk
from appliance.console.feed import Feed
from appliance.console.guard import Guard, TooLong
from appliance.console.once import Once
from appliance.console.pages.home import LANGUAGE_COOKIE
from appliance.console.reading import Reading
from appliance.console.say import Speaker, chosen, load_catalogues
from appliance.console.seats import Seats
from appliance.console.settings import ConsoleSettings
from appliance.console.static_files import Files
from appliance.console.templates import page
from appliance.policy.numbering import plan_of
from appliance.policy.requests import without_secrets

log = logging.getLogger(__name__)

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
async def accounts(app: Starlette) -> AsyncIterator[None]:
    """Open the sessions' file; raises StoreError where it cannot be kept."""
    sessions = Sessions(app.state.settings.state / "sessions.db")
    app.state.accounts = Accounts(sessions, app.state.reading)
    try:
        yield
    finally:
        sessions.close()


Opened = Callable[[Starlette], AbstractAsyncContextManager[object]]


def _feed(app: Starlette) -> AbstractAsyncContextManager[object]:
    feed: Feed = app.state.feed
    return feed.running()


OPENED: Final[tuple[Opened, ...]] = (accounts, _feed)
"""What is open while the console runs: each puts itself into the application's state."""


def build(settings: ConsoleSettings) -> Starlette:
    """Put the application together; nothing runs before it is served."""
    app = Starlette(
        routes=[*pages.all_routes(), Mount("/static", Files(), name="static")],
        middleware=[
            Middleware(Languages),
            Middleware(Guard, names=settings.names, refuse=_refuse),
            Middleware(Failures),
            Middleware(Doorkeeper, refuse=_refuse),
        ],
        exception_handlers={
            HTTPException: _http_error,
            TooLong: _too_long,
            FormParserError: _bad_form,
        },
        lifespan=_running,
    )
    app.state.settings = settings
    app.state.zone = ZoneInfo(settings.zone)
    app.state.plan = plan_of(settings.country)
    app.state.catalogues = load_catalogues()
    app.state.desk = Desk(settings.door)
    app.state.feed = Feed(app.state.desk)
    app.state.live_parts = Once()
    app.state.seats = Seats()
    app.state.reading = Reading(settings.records)
    app.state.links = pages.all_links()
    app.state.uploading = anyio.Lock()
    app.state.guesses, app.state.first_guesses = Guesses(), Guesses()
    return app


@contextlib.asynccontextmanager
async def _running(app: Starlette) -> AsyncIterator[None]:
    """Open what is open while the console runs, and close it in the reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        for opened in OPENED:
            await stack.enter_async_context(opened(app))
        yield


class Languages:
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
    language = chosen(
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language", ""),
        state.settings.languages,
    )
    return Speaker(language, state.zone, state.catalogues[language])


# --- errors, in words ---------------------------------------------------------------------------


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
    assert isinstance(error, TooLong)
    return error_page(request, error.status, error.why)


async def _bad_form(request: Request, _error: Exception) -> Response:
    """Answer a body that is no form of many parts; Debian 13's Starlette does not."""
    return error_page(request, 400, "")


class Failures:
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
            log.exception("%s %s failed", scope["method"], without_secrets(scope["path"]))
            await error_page(Request(scope, receive), 500)(scope, receive, send)
