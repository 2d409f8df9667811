"""The live state: ONE watch at the desk's door for the whole console, for any number of browsers.

Who listens fetches the newest state when it is ready for it: a browser that does not read costs
nothing, and misses only what is no longer true.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from appliance.console.desk import Desk, DeskAway
from appliance.policy.supervision import TABLE, Part

SILENCE_S: Final = TABLE[Part.CONSOLE_LINK].silent_s
"""The desk speaks every 10 s at least: after so long it is gone, even if nobody hung up."""
WAITS_S: Final = TABLE[Part.CONSOLE_LINK].pauses_s
"""Between two tries to reach a desk that is gone: the last one for ever."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of number `number`; `status` as `centralino status --json` shows it.

    `away`: the desk cannot be heard, and `status` is the last that was (None: never any).
    """

    number: int
    status: dict[str, Any] | None
    away: bool


class Feed:
    """`running` keeps the watch; `newest` and `newer` are for whoever shows the state."""

    def __init__(self, desk: Desk, silence: float = SILENCE_S) -> None:
        self._desk = desk
        self._silence = silence
        self._is_stopped = False
        self._changed = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self.newest = Seen(0, None, True)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Feed]:
        """Watch while this lasts; comes back to the desk whenever it is there again."""
        self._watch = watch = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            self.stop()
            watch.cancel()
            await asyncio.wait([watch])

    @property
    def is_dead(self) -> bool:
        """True when the watch has ended by a fault of ours: nothing newer would ever be shown."""
        return self._watch is not None and self._watch.done() and not self._is_stopped

    def stop(self) -> None:
        """End everybody's listening."""
        self._is_stopped = True
        self._changed.set()

    async def newer(self, number: int) -> Seen | None:
        """Wait for a state that is not the one of that number; None once the console stops."""
        while not self._is_stopped:
            if self.newest.number != number:
                return self.newest
            await self._changed.wait()
        return None

    async def states(self) -> AsyncIterator[Seen]:
        """Yield the state now and the newest one at each later step, until the console stops."""
        number = -1
        while (seen := await self.newer(number)) is not None:
            number = seen.number
            yield seen

    async def _run(self) -> None:
        waits = _waits()
        while True:
            try:
                async for status in self._desk.watch(self._silence):
                    self._publish(status, away=False)
                    waits = _waits()
            except DeskAway:
                if not self.newest.away or self.newest.number == 0:
                    self._publish(self.newest.status, away=True)
            await asyncio.sleep(next(waits))

    def _publish(self, status: dict[str, Any] | None, *, away: bool) -> None:
        self.newest = Seen(self.newest.number + 1, status, away)
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()


def _waits() -> itertools.chain[float]:
    """Yield the waits between tries, seconds."""
    return itertools.chain(WAITS_S, itertools.repeat(WAITS_S[-1]))
