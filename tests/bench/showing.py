"""How soon a change of state is on the operators' screens, with ten consoles open (E22)."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import httpx
from starlette.routing import Route

from appliance.calls.orders import Result
from appliance.commands.directory import Place, take
from appliance.console.control_client import PERSON, ControlClient
from appliance.console.pages import all_routes
from appliance.store import call_log, requests, voicemail
from appliance.store.database import connect, database_path
from appliance.store.requests import RequestToStore
from tests.bench.consoles import log_in
from tests.bench.table import Row, row
from tests.console import people
from tests.console.running import Running, running
from tests.store.samples import a_call, a_message
from tests.store.test_requests import ASKED, LETTERS

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
    "/appointments",
    "/reports",
    "/standards",
    "/wall",
    "/handover",
    "/explain",
    "/users",
    "/audit",
)
"""The main pages, as the head sees them: who sees most waits longest."""
CALLS, MESSAGES, REQUESTS = 2000, 200, 200
"""What a busy office has on record: a month's calls; more messages and requests than ever wait."""
REGISTER = resources.files("appliance.config") / "example_register.toml"
LIMIT_S = 30.0


def rows(folder: Path, changes: int) -> list[Row]:
    """Let so many changes happen, one after the other; returns what was measured."""
    with running(folder) as found:
        with closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
            _fill(connection)
        take(Place(found.box.config_path), Path(str(REGISTER)), "bench")
        found.box.ask("register_changed")
        return asyncio.run(_measured(found, changes))


def _fill(connection: sqlite3.Connection) -> None:
    """Enter calls, messages and requests of the last month."""
    now = datetime.now(UTC)
    ended = [
        replace(
            a_call(f"c{n}", Result.ANSWERED if n % 5 else Result.GAVE_UP),
            rang_at=now - timedelta(minutes=20 * n), called="0510000001",
        )
        for n in range(CALLS)
    ]  # fmt: skip
    call_log.upsert_calls(connection, ended, "b")
    for n in range(MESSAGES):
        call = replace(a_call(f"m{n}", Result.MESSAGE), message=f"m{n}")
        left = replace(a_message(f"m{n}", call.call), received_at=now - timedelta(hours=n))
        voicemail.insert_message(connection, left, call, "b")
    for n in range(REQUESTS):
        at = now - timedelta(hours=3 * n)
        taken = RequestToStore(f"r{n}", replace(ASKED, at=at, by=people.CARLA.name), at)
        requests.insert_request(connection, taken, LETTERS)


def _pages() -> list[str]:
    """List the main pages that there are."""
    there = {route.path for route in all_routes() if isinstance(route, Route)}
    return [path for path in PAGES if path.partition("?")[0] in there]


async def _measured(found: Running, changes: int) -> list[Row]:
    PERSON.set(people.ANNA.name)  # who asks at the control socket, as the console tells it
    control = ControlClient(found.box.folder / "run" / "desk.sock")
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=found.home,
        verify=False,
        timeout=LIMIT_S,
        limits=limits,
    ) as client:
        await log_in(client)
        shown, pages, _ = await _beside(client, control, CONSOLES, changes)
        crowded, _, asked = await _beside(client, control, CROWD, changes // 2)
    what = "open: a change is on the screen after"
    return [
        row(f"console, {CONSOLES} {what}", shown, aim=("p95", SCREEN_MS)),
        *(row(f"console: page {path}", taken, aim=("p95", PAGE_MS)) for path, taken in pages),
        row(f"console, {CROWD} and a stalled one {what}", crowded),
        row(f"desk, beside {CROWD} open and a stalled one: answers after", asked),
    ]


async def _beside(
    client: httpx.AsyncClient, control: ControlClient, screens: int, changes: int
) -> tuple[list[float], list[tuple[str, list[float]]], list[float]]:
    """Measure beside so many screens, and one more that never reads: changes, pages, control."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(client.stream("GET", "/desk/live"))
            for _ in range(screens + 1)
        ]
        streams = [_marks(one) for one in opened[1:]]
        await asyncio.gather(*(_until(one, False) for one in streams))
        shown, asked = list[float](), list[float]()
        for number in range(changes):
            shown += await _change(control, streams, number % 2 == 0)
            asked.append(await _asked(control))
        await _change(control, streams, False)
        pages = [(path, [await _page(client, path) for _ in range(changes)]) for path in _pages()]
    return shown, pages, asked


async def _asked(control: ControlClient) -> float:
    began = time.perf_counter()
    await control.ask({"ask": "figures"})
    return (time.perf_counter() - began) * 1000


async def _change(
    control: ControlClient, streams: list[AsyncIterator[bool]], on: bool
) -> list[float]:
    """Let the switchboard become unattended, or attended; returns when each screen knew, ms."""
    began = time.perf_counter()
    asked = asyncio.create_task(
        control.ask({"ask": "SetUnattended", "on": on, "by": people.ANNA.name, "until": None})
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
    """Yield of every house bar whether the switchboard is unattended."""
    is_bar = is_on = False
    async for line in screen.aiter_lines():
        if line.startswith("event: "):
            is_bar, is_on = line == "event: house", False
        is_on = is_on or 'id="house-unattended"' in line
        if not line and is_bar:
            yield is_on
            is_bar = False


async def _page(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    answer = await client.get(path)
    assert answer.status_code == httpx.codes.OK, path
    return (time.perf_counter() - began) * 1000
