"""Somebody who asks the application in this process, as a browser would over the network."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any, Self

import httpx
from starlette.types import ASGIApp

from appliance.console import process as application
from appliance.console.guards import cookie_name
from appliance.console.packing import masked
from appliance.console.settings import ConsoleSettings, FreshSettings
from appliance.policy.users import User


def without_token(text: str) -> str:
    """Return a page without the form token, which is another one each time."""
    return re.sub(r"\b[0-9a-f]{128}\b", "", text)


class Visitor:
    """One visitor with cookies of their own; `fail` makes errors of the pages visible."""

    def __init__(
        self,
        settings: ConsoleSettings,
        host: str = "centralino.local",
        fails: bool = False,
        address: str = "127.0.0.1",
        fresh: FreshSettings | None = None,
    ) -> None:
        self.app = application.build(settings, fresh)
        self._fails = fails
        self._host, self._address = host, address
        self._runner = asyncio.Runner()
        self._stack = contextlib.AsyncExitStack()

    def __enter__(self) -> Self:
        transport = httpx.ASGITransport(
            self.app, raise_app_exceptions=not self._fails, client=(self._address, 123)
        )
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://{self._host}")
        self._runner.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    async def _open(self) -> None:
        await self._stack.enter_async_context(self.app.router.lifespan_context(self.app))
        await self._stack.enter_async_context(self.client)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Open a page."""
        return self._runner.run(self.client.get(path, **options))

    def post(self, path: str, is_ours: bool = True, **options: Any) -> httpx.Response:
        """Send a form, with this browser's token unless it is not `is_ours`."""
        if is_ours:
            options["headers"] = {"x-csrf-token": self.token(), **options.get("headers", {})}
        return self._runner.run(self.client.post(path, **options))

    def token(self) -> str:
        """Return this browser's token, opening the first page where there is none yet."""
        name = cookie_name(self.app.state.settings.is_secure)
        if name not in self.client.cookies:
            self.get("/")
        return masked(self.app.state.accounts.sessions.token_of(self.client.cookies[name]))

    def log_in(self, user: User, address: str = "127.0.0.1") -> None:
        """Have this browser logged in as a user of the records."""
        word = self._runner.run(self.app.state.accounts.begin(user, address))
        self.carry(word)

    def carry(self, word: str) -> None:
        """Have this browser carry a word in its cookie, and nothing else."""
        self.client.cookies.clear()
        name = cookie_name(self.app.state.settings.is_secure)
        self.client.cookies.set(name, word, domain=self._host)

    def hear_control(self, limit: float = 10.0) -> None:
        """Wait until the console hears call control, within `limit` s."""

        async def hear() -> None:
            async with asyncio.timeout(limit):
                async for seen in self.app.state.feed.states():
                    if not seen.away:
                        return

        self._runner.run(hear())

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send whatever request."""
        return self._runner.run(self.client.request(method, path, **options))


def asked(app: ASGIApp, path: str, **options: Any) -> httpx.Response:
    """Ask any application one question."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://box") as client:
            return await client.get(path, **options)

    return asyncio.run(ask())
