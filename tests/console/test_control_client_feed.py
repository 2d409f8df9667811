"""The live state reaches every browser soon, one that does not read costs nothing, and call control
may go and come.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from appliance.console.control_client import (
    RETRY_PAUSES_S,
    ControlClient,
    StatusFeed,
    StatusSnapshot,
    _retry_pauses,
)
from tests.console.control_socket import ServedSocket

LIMIT_S = 10.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the control socket is."""
    return tmp_path / "desk.sock"


async def until(feed: StatusFeed, is_so: Callable[[StatusSnapshot], bool]) -> StatusSnapshot:
    """Return the first state that is so."""
    async for seen in feed.states():
        if is_so(seen):
            return seen
    raise AssertionError("the feed was stopped")


async def until_so(is_so: Callable[[], bool]) -> None:
    """Wait for something of the loop's own, as long as `run` allows."""
    while not is_so():
        await asyncio.sleep(0.01)


def run(test: Callable[[StatusFeed], Awaitable[None]], path: Path) -> None:
    """Run a test beside a running feed."""

    async def whole() -> None:
        async with asyncio.timeout(LIMIT_S), StatusFeed(ControlClient(path)).running() as feed:
            await test(feed)

    asyncio.run(whole())


def is_call(number: int) -> Callable[[StatusSnapshot], bool]:
    """Tell whether a state is that one."""
    return lambda seen: not seen.away and seen.status is not None and seen.status.waiting == number


def test_a_change_reaches_everybody_who_listens(path: Path) -> None:
    """Ten consoles, one watch at the control socket."""

    async def test(feed: StatusFeed) -> None:
        await until(feed, is_call(0))
        listening = [asyncio.ensure_future(until(feed, is_call(1))) for _ in range(10)]
        served.change(waiting=1)
        assert len({seen.number for seen in await asyncio.gather(*listening)}) == 1

    with ServedSocket(path, waiting=0) as served:
        run(test, path)


def test_who_does_not_read_misses_only_what_is_no_longer_true(path: Path) -> None:
    """A browser that stalls gets the newest state when it reads again; nothing is kept."""

    async def test(feed: StatusFeed) -> None:
        stalled = feed.states()
        first = await anext(stalled)
        for number in range(1, 6):
            served.change(waiting=number)
            await until(feed, is_call(number))
        caught_up = await anext(stalled)
        assert caught_up.status is not None
        assert caught_up.status.waiting == 5
        assert caught_up.number >= first.number + 5

    with ServedSocket(path, waiting=0) as served:
        run(test, path)


def test_call_control_that_goes_is_told_and_one_that_comes_back_found(path: Path) -> None:
    """What was last heard stays on the screen, with a banner; then it is live again."""

    async def test(feed: StatusFeed) -> None:
        with ServedSocket(path, waiting=0):
            await until(feed, is_call(0))
        gone = await until(feed, lambda seen: seen.away)
        assert gone.status is not None
        assert gone.status.waiting == 0
        with ServedSocket(path, waiting=7):
            await until(feed, is_call(7))

    run(test, path)


def test_call_control_that_was_never_there_is_said_so(path: Path) -> None:
    """Somebody who opens the page before call control is up sees the banner, not nothing."""

    async def test(feed: StatusFeed) -> None:
        assert (await until(feed, lambda seen: seen.number > 0)) == StatusSnapshot(1, None, True)

    run(test, path)


def test_who_listens_is_released_when_the_console_stops(path: Path) -> None:
    """No browser keeps the console from stopping."""

    async def test() -> None:
        feed = StatusFeed(ControlClient(path))
        listening = asyncio.ensure_future(feed.newer(feed.newest.number))
        await asyncio.wait([listening], timeout=0.01)
        feed.stop()
        assert await asyncio.wait_for(listening, LIMIT_S) is None

    asyncio.run(test())


def test_call_control_that_is_gone_is_looked_for_ever_less_often() -> None:
    """At first at once, in the end every five seconds."""
    waits = list(itertools.islice(_retry_pauses(), 8))
    assert waits == sorted(waits)
    assert (waits[0] <= 0.2, waits[-1]) == (True, RETRY_PAUSES_S[-1])


def test_a_watch_that_ends_by_a_fault_is_no_life(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing newer would ever be shown: the console's watchdog is not fed then, and systemd
    starts it again; one that works, or is stopped, is no such case.
    """

    async def test(feed: StatusFeed) -> None:
        await until(feed, is_call(0))
        assert not feed.is_dead
        monkeypatch.setattr(StatusFeed, "_publish", lambda *_, **__: 1 / 0)
        served.change(waiting=1)
        await until_so(lambda: feed.is_dead)
        feed.stop()
        await until_so(lambda: not feed.is_dead)

    with ServedSocket(path, waiting=0) as served:
        run(test, path)
