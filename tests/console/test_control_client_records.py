"""Pages read the records beside running call control; what cannot be read is said in a sentence."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from appliance.console.control_client import StoreReader
from appliance.errors import StoreError
from appliance.policy.supervision import RESTART_RULES, Component
from appliance.store.database import open_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Records of call control."""
    path = tmp_path / "centralino.db"
    open_database(path, tmp_path / "corrupt").connection.close()
    return path


@pytest.fixture
def reading(path: Path) -> StoreReader:
    """What reads them."""
    return StoreReader(path)


def count(connection: sqlite3.Connection) -> int:
    """Count the calls on record."""
    return int(connection.execute("SELECT count(*) FROM calls").fetchone()[0])


def test_the_records_are_read(reading: StoreReader) -> None:
    """There is no call yet."""
    assert asyncio.run(reading.read(count)) == 0


def test_nothing_can_be_written(reading: StoreReader) -> None:
    """Whatever a page does, the records stay as call control wrote them."""
    with pytest.raises(StoreError, match="readonly"):
        asyncio.run(reading.read(lambda connection: connection.execute("DELETE FROM calls")))


def test_records_that_were_begun_afresh_are_the_ones_that_are_read(
    reading: StoreReader, path: Path, tmp_path: Path
) -> None:
    """A database that was set aside is not shown as if nothing had happened."""
    asyncio.run(reading.read(count))
    path.unlink()
    with closing(open_database(path, tmp_path / "corrupt").connection) as connection:
        connection.execute("CREATE TABLE fresh (one)")
    assert (
        asyncio.run(reading.read(lambda c: c.execute("SELECT count(*) FROM fresh").fetchone()[0]))
        == 0
    )


def test_a_read_that_takes_long_keeps_no_other_waiting(reading: StoreReader) -> None:
    """One page's report is not in the way of another's search; it is given up in words."""
    go_on = threading.Event()

    async def both() -> int:
        slow = asyncio.ensure_future(reading.read(lambda _: go_on.wait(10), limit=0.2))
        found = await reading.read(count)
        with pytest.raises(StoreError, match="in time"):
            await slow
        return found

    assert asyncio.run(both()) == 0
    go_on.set()


def test_records_that_are_not_there_are_said_so(tmp_path: Path) -> None:
    """A box that never ran has none."""
    reading = StoreReader(tmp_path / "none.db")
    with pytest.raises(StoreError, match="cannot be read"):
        asyncio.run(reading.read(count))


def test_a_thread_that_hangs_in_the_disk_is_known(reading: StoreReader) -> None:
    """Who waits is told in time; the thread itself still hangs, and two minutes later the console's
    watchdog is not fed; once it is back all is well.
    """
    come, may_go, gone = threading.Event(), threading.Event(), threading.Event()

    def hang(_: sqlite3.Connection) -> None:
        come.set()
        may_go.wait(20.0)

    async def ask() -> None:
        with pytest.raises(StoreError, match="in time"):
            await reading.read(hang, 0.5)
        assert come.wait(20.0)
        now = time.monotonic()
        assert not reading.is_hung(now)
        assert reading.is_hung(now + RESTART_RULES[Component.CONSOLE_READER].silent_s + 1.0)
        may_go.set()
        await reading.read(lambda _: gone.set(), 20.0)

    asyncio.run(ask())
    assert gone.is_set()
    end = time.monotonic() + 20.0
    while reading.is_hung(time.monotonic() + 1000.0):
        assert time.monotonic() < end
        threading.Event().wait(0.005)
