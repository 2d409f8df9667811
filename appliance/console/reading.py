"""Reads the records beside the running desk, in threads of its own: the console's loop never waits.

Each read opens the database anew (half a millisecond): one that was set aside and begun afresh is
then the one that is read. Read-only.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import anyio.to_thread

from appliance.policy.supervision import TABLE, Part
from appliance.policy.text import NotKept
from appliance.store.database import open_reader

THREADS: Final = 2
"""Reads at once: one that takes long leaves the other for who types a search."""
LIMIT_S: Final = 5.0

T = TypeVar("T")


class Reading:
    """The records at `path`, for pages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limiter = anyio.CapacityLimiter(THREADS)
        self._began: dict[object, float] = {}

    def is_hung(self, now: float) -> bool:
        """Tell whether a thread has been at one job for too long (`now` in monotonic s)."""
        limit = TABLE[Part.CONSOLE_READER].silent_s
        return any(now - began > limit for began in tuple(self._began.values()))

    async def do(self, job: Callable[[sqlite3.Connection], T], limit: float = LIMIT_S) -> T:
        """Return what `job` reads, within `limit` s.

        Raises StoreError when the records cannot be read, or not in time.
        """
        try:
            async with asyncio.timeout(limit):
                return await anyio.to_thread.run_sync(
                    self._read, job, limiter=self._limiter, abandon_on_cancel=True
                )
        except TimeoutError as error:
            raise NotKept(
                "gli archivi non hanno risposto in tempo: riprovare",
                "the records did not answer in time: try again",
            ) from error

    def _read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        mark = object()
        self._began[mark] = time.monotonic()
        try:
            return self._done(job)
        finally:
            del self._began[mark]

    def _done(self, job: Callable[[sqlite3.Connection], T]) -> T:
        with contextlib.closing(open_reader(self._path)) as connection:
            try:
                return job(connection)
            except sqlite3.Error as error:
                raise NotKept(
                    f"gli archivi non si leggono ({error}): riprovare",
                    f"the records cannot be read ({error}): try again",
                ) from error
