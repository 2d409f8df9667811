"""Whatever happens on the way, and in whatever order, each browser ends with call control's own
state.

Call control, the way to it, feed and browsers turn in one loop; call control's clock is the test's,
so that no sign of life (every 10 s) comes to mend what a change should have told.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.api import codec
from appliance.api.control_socket import GAP_S, HEARTBEAT_S, ControlSocket, Watchers
from appliance.api.replies import Done, FullStatus
from appliance.console import control_client
from appliance.console.control_client import ControlClient, StatusFeed
from tests.calls.examples import up
from tests.console.states import told
from tests.helpers.examples import examples
from tests.helpers.wire import raw

TURN_S: Final = 1.2 * GAP_S
"""So far call control's clock goes on in a turn: what has changed is told in the next one."""
SETTLED: Final = int(0.9 * HEARTBEAT_S / TURN_S)
"""After so many turns all is as it should be, and no sign of life has come yet."""
BALLAST: Final = "x" * 150_000
"""Some such states fill a socket: who does not read is let go."""
BROWSERS: Final = 3


@pytest.fixture(autouse=True, scope="module")
def _no_pause() -> Iterator[None]:
    """Call control that is gone is looked for again in the next turn."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(control_client, "RETRY_PAUSES_S", (0.0,))
        yield


NOTHING_YET: Final = told(up())


class Served:
    """Call control at its socket, turned by the test; every start of it is another `boot`."""

    def __init__(self, path: Path) -> None:
        self.status: dict[str, Any] = NOTHING_YET | {"boot": "0"}
        self._path, self._now = path, 1000.0
        self._served: ControlSocket | None = None

    def start(self) -> None:
        """Be there, with nothing going on."""
        if self._served is None:
            boot = str(int(self.status["boot"]) + 1)
            self.status = NOTHING_YET | {"boot": boot}
            self._selector = selectors.DefaultSelector()
            self._watching = Watchers(lambda: raw({"status": self.status}))
            self._served = ControlSocket(
                self._path, self._selector, lambda _: Done(), self._watching
            )

    def stop(self) -> None:
        """Be gone."""
        if self._served is not None:
            self._served.close()
            self._selector.close()
            self._served = None

    def change(self, ballast: str = "") -> None:
        """Let something happen."""
        if self._served is not None:
            self.status = self.status | {"waiting": self.status["waiting"] + 1, "mqtt": ballast}
            self._watching.changed()

    def turn(self) -> None:
        """Hear who has come, tell what has changed."""
        if self._served is not None:
            self._now += TURN_S
            for key, _ in self._selector.select(0):
                key.data()
            self._served.tell_watchers(self._now)


class Way:
    """Between console and call control: what call control says may come late, or break off in a
    word.
    """

    def __init__(self, served: Path) -> None:
        self._served, self._held, self._flows = served, False, asyncio.Event()
        self._flows.set()
        self._ends: list[asyncio.StreamWriter] = []

    def hold(self) -> None:
        """Keep what call control says from now on."""
        self._flows.clear()

    def flow(self) -> None:
        """Let it through."""
        self._flows.set()

    def cut(self, rest: bytes = b"") -> None:
        """Break every connection, with some last bytes on the console's side."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.write(rest)
            end.close()
        self._ends.clear()

    async def join(self, console: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        """Join a console that knocks with call control, if it is there."""
        try:
            control, at = await asyncio.open_unix_connection(self._served)
        except OSError:
            to.close()
            return
        self._ends += [to, at]
        with contextlib.suppress(OSError):
            at.write(await console.readline())
            while said := await control.read(65_536):
                await self._flows.wait()
                to.write(said)
                await to.drain()
        for end in (to, at):
            end.close()


@dataclass
class Browser:
    """What somebody sees; nothing newer is ever followed by something older."""

    feed: StatusFeed
    number: int = -1
    seen: FullStatus | None = None
    away: bool = True
    latest: tuple[int, int] = (0, 0)

    async def look(self) -> None:
        """Show the newest state, if it is another one."""
        if self.feed.newest.number == self.number:
            return
        new = await self.feed.newer(self.number)
        assert new is not None
        assert new.number > self.number
        self.number, self.seen, self.away = new.number, new.status, new.away
        if new.status is not None:
            shown = (int(new.status.boot), new.status.waiting)
            assert shown >= self.latest
            self.latest = shown

    def reload(self) -> None:
        """Forget everything, as a page does that is loaded anew."""
        self.number, self.seen, self.away = -1, None, True


@dataclass
class Whole:
    """Call control, the way to it, feed and browsers."""

    control: Served
    way: Way
    feed: StatusFeed
    browsers: list[Browser] = field(default_factory=list)

    async def turn(self, turns: int = 1) -> None:
        """Let everybody go on."""
        for _ in range(turns):
            self.control.turn()
            await asyncio.sleep(0)

    async def do(self, action: tuple[str, int]) -> None:
        """Let one thing happen."""
        what, how = action
        match what:
            case "look":
                await self.browsers[how % BROWSERS].look()
            case "reload":
                self.browsers[how % BROWSERS].reload()
            case "turn":
                await self.turn(how)
            case "cut":
                self.way.cut(b'{"ok": true, "status": {"boot": 9'[:how])
            case "change":
                self.control.change(BALLAST if how % 4 == 0 else "")
            case "hold" | "flow":
                getattr(self.way, what)()
            case _:
                getattr(self.control, what)()

    async def settle(self) -> None:
        """Let nothing more happen, and everybody look."""
        self.way.flow()
        self.control.start()
        await self.turn(SETTLED)
        for browser in self.browsers:
            await browser.look()


def run(test: Callable[[Whole], Awaitable[None]], made: type[StatusFeed] = StatusFeed) -> None:
    """Run a test beside all of them."""

    async def whole(folder: Path) -> None:
        control, way = Served(folder / "desk.sock"), Way(folder / "desk.sock")
        control.start()
        server = await asyncio.start_unix_server(way.join, folder / "way.sock")
        try:
            async with (
                asyncio.timeout(60),
                made(ControlClient(folder / "way.sock")).running() as feed,
            ):
                all_of_it = Whole(control, way, feed)
                all_of_it.browsers = [Browser(feed) for _ in range(BROWSERS)]
                await test(all_of_it)
        finally:
            server.close()
            way.flow()
            way.cut()
            control.stop()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(whole(Path(folder)))


def after(actions: list[tuple[str, int]]) -> Callable[[Whole], Awaitable[None]]:
    """Return the test that after these actions all browsers show what call control says."""

    async def test(whole: Whole) -> None:
        for action in actions:
            await whole.do(action)
        await whole.settle()
        for browser in whole.browsers:
            assert not browser.away
            assert browser.seen == codec.from_json(FullStatus, whole.control.status)

    return test


WHATS: Final = ("look", "reload", "turn", "turn", "cut", "change", "change", "hold", "flow")
CONTROLS: Final = ("start", "stop")
ACTIONS = st.lists(st.tuples(st.sampled_from(WHATS + CONTROLS), st.integers(0, 30)), max_size=40)
A_CHANGE_WHILE_CUT: Final = [("turn", 30), ("look", 0), ("cut", 7), ("change", 1)]
NOBODY_READS: Final = [("turn", 30), ("hold", 0), *[("change", 0), ("turn", 2)] * 8]


@settings(max_examples=examples(60))
@given(ACTIONS)
@example(A_CHANGE_WHILE_CUT)
@example(NOBODY_READS)
def test_every_browser_ends_with_call_control_s_own_state(actions: list[tuple[str, int]]) -> None:
    """Changes, cuts in the middle of a word, states that come late, call control that stops and
    starts, browsers that stall or load anew: then all show what call control says, and none went
    back in time.
    """
    run(after(actions))


class Sparing(StatusFeed):
    """A planted bug: what looks like the state before is not told again."""

    def _publish(self, status: FullStatus | None, *, away: bool) -> None:
        if away or status != self.newest.status:
            super()._publish(status, away=away)


def test_a_feed_that_leaves_its_browsers_behind_is_seen() -> None:
    """The check can fail: call control that comes back as it was stays away for who looks."""
    with pytest.raises(AssertionError):
        run(after([("turn", 30), ("cut", 7)]), Sparing)
