"""Somebody who asks the application in this process, as a browser would over the network."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Self

import httpx

from appliance.console.app import build
from appliance.console.settings import ConsoleSettings


class Visitor:
    """One visitor with cookies of their own; `fail` makes errors of the pages visible."""

    def __init__(
        self, settings: ConsoleSettings, host: str = "centralino.local", fails: bool = False
    ) -> None:
        self.app = build(settings)
        self._fails = fails
        self._host = host
        self._runner = asyncio.Runner()
        self._stack = contextlib.AsyncExitStack()

    def __enter__(self) -> Self:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=not self._fails)
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

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a form."""
        return self._runner.run(self.client.post(path, **options))

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send whatever request."""
        return self._runner.run(self.client.request(method, path, **options))
