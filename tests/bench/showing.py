"""How soon a change of state is on the operators' screens, with ten consoles open (E22)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx

from appliance.console.desk import Desk
from appliance.daemon.stores import database_path
from appliance.records.database import connect
from tests.bench.table import Row, row
from tests.console import people
from tests.console.running import Running, running

CONSOLES, CROWD = 10, 100
SCREEN_MS, PAGE_MS = 200.0, 100.0
"""Aims of the project: a change, and a page."""
PAGES = (
    "/",
    "/desk",
    "/desk/search?q=resid",
    "/desk/offices",
    "/register",
    "/register/year",
    "/messages",
    "/missed",
    "/requests",
    "/reports",
    "/explain",
    "/users",
    "/audit",
)
"""The main pages, as the head sees them: who sees most waits longest."""
LIMIT_S = 30.0
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


def rows(folder: Path, changes: int) -> list[Row]:
    """Let so many changes happen, one after the other; returns what was measured."""
    with running(folder) as found:
        with closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
        return asyncio.run(_measured(found, changes))


async def _measured(found: Running, changes: int) -> list[Row]:
    desk = Desk(found.box.folder / "run" / "desk.sock")
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=found.home,
        verify=False,
        timeout=LIMIT_S,
        limits=limits,
    ) as client:
        await _log_in(client)
        shown, pages, _ = await _beside(client, desk, CONSOLES, changes)
        crowded, _, asked = await _beside(client, desk, CROWD, changes // 2)
    what = "open: a change is on the screen after"
    return [
        row(f"console, {CONSOLES} {what}", shown, aim=("p95", SCREEN_MS)),
        *(row(f"console: page {path}", taken, aim=("p95", PAGE_MS)) for path, taken in pages),
        row(f"console, {CROWD} and a stalled one {what}", crowded),
        row(f"desk, beside {CROWD} open and a stalled one: answers after", asked),
    ]


async def _beside(
    client: httpx.AsyncClient, desk: Desk, screens: int, changes: int
) -> tuple[list[float], list[tuple[str, list[float]]], list[float]]:
    """Measure beside so many screens, and one more that never reads: changes, pages, the desk."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(client.stream("GET", "/desk/live"))
            for _ in range(screens + 1)
        ]
        streams = [_marks(one) for one in opened[1:]]
        await asyncio.gather(*(_until(one, False) for one in streams))
        shown, asked = list[float](), list[float]()
        for number in range(changes):
            shown += await _change(desk, streams, number % 2 == 0)
            asked.append(await _asked(desk))
        await _change(desk, streams, False)
        pages = [(path, [await _page(client, path) for _ in range(changes)]) for path in PAGES]
    return shown, pages, asked


async def _asked(desk: Desk) -> float:
    began = time.perf_counter()
    await desk.ask({"ask": "figures"})
    return (time.perf_counter() - began) * 1000


async def _log_in(client: httpx.AsyncClient) -> None:
    token = _TOKEN.search((await client.get("/login")).text)
    assert token is not None, "there is no form to log in with"
    fields = {"name": people.ANNA.name, "password": people.PHRASE, "csrf": token[1]}
    answer = await client.post("/login", data=fields)
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text


async def _change(desk: Desk, streams: list[AsyncIterator[bool]], on: bool) -> list[float]:
    """Let the switchboard become unattended, or attended; returns when each screen knew, ms."""
    began = time.perf_counter()
    asked = asyncio.create_task(
        desk.ask({"ask": "SetUnattended", "on": on, "by": "bench", "until": None})
    )
    arrived = await asyncio.gather(*(_until(stream, on) for stream in streams))
    await asked
    return [(at - began) * 1000 for at in arrived]


async def _until(stream: AsyncIterator[bool], on: bool) -> float:
    """Read until a screen shows the state; returns the moment."""
    async with asyncio.timeout(LIMIT_S):
        async for is_on in stream:
            if is_on == on:
                return time.perf_counter()
    raise AssertionError("the console ended")


async def _marks(screen: httpx.Response) -> AsyncIterator[bool]:
    """Yield of every live part whether the switchboard is unattended."""
    is_on = False
    async for line in screen.aiter_lines():
        if 'id="state-unattended"' in line:
            is_on = "desk-on" in line
        if not line:
            yield is_on


async def _page(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    answer = await client.get(path)
    assert answer.status_code == httpx.codes.OK, path
    return (time.perf_counter() - began) * 1000
