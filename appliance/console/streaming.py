"""The stream of events behind an open page: the newest state at each change, a beat in between.

A beat carries the box's monotonic clock. A page that hears none for some seconds says so, and what
it sends carries the moment after which nobody wants it any more (`has_expired`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import anyio
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.console.feed import Feed, Seen

BEAT_S: Final = 3.0
"""The longest pause of a stream; a page misses it after ten seconds (static/live.js)."""
LONGEST_NUMBER: Final = 20

Parts = Callable[[Seen], Iterable[str]]
"""Returns the events of a page for a state, made by `event`."""


def event(name: str, data: str) -> str:
    """Write one event (HTML Standard, 9.2.6): a line of data for each line of the text."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


class EventStream(StreamingResponse):
    """Ends with the browser, too: uvicorn tells that by `receive` alone and swallows what is sent.

    A stream that outlives its browser would count among the requests that are served at once.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the stream has ended or nobody listens."""
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await self.listen_for_disconnect(receive)
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self.stream_response(send)
            tasks.cancel_scope.cancel()


def stream(
    request: Request, parts: Parts, during: AbstractContextManager[None] | None = None
) -> EventStream:
    """Answer with the stream, for as long as the browser listens and somebody is logged in.

    `during` is entered when it begins and left when it ends.
    """
    events = _during(during or nullcontext(), _events(request, parts))
    return EventStream(events, media_type="text/event-stream")


async def _during(
    during: AbstractContextManager[None], events: AsyncIterator[str]
) -> AsyncIterator[str]:
    with during:
        async for one in events:
            yield one


async def _events(request: Request, parts: Parts) -> AsyncIterator[str]:
    feed: Feed = request.app.state.feed
    number = -1
    yield _beat()
    while True:
        try:
            async with asyncio.timeout(BEAT_S):
                seen = await feed.newer(number)
        except TimeoutError:
            yield _beat()
            continue
        if seen is None:
            return
        if not await request.app.state.accounts.is_in(request.state.word):
            yield event("out", "")  # logged out elsewhere, or disabled: nothing more is shown
            return
        number = seen.number
        yield event("away", "1" if seen.away else "")
        for part in parts(seen):
            yield part
        yield _beat()


def _beat() -> str:
    return event("beat", f"{time.monotonic():.1f}")


def has_expired(expires: str, now: float) -> bool:
    """Tell whether what a page sent is older than it may be; "" is what sets no limit."""
    if not expires:
        return False
    try:
        return len(expires) > LONGEST_NUMBER or not now <= float(expires)
    except ValueError:
        return True
