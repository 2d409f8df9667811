"""The self-test that a technician asks for in the browser, and its last result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.config import read
from appliance.selftest.findings import TITLES, SelfTest, ok, whole, wrong
from appliance.service import selftest
from appliance.service.selftest import SelfTestCommands
from appliance.store import database
from appliance.store.database import Trouble
from appliance.text import unchanged
from tests.calls.examples import TEN
from tests.commands.samples import CONFIG
from tests.console import people
from tests.helpers.wire import wire
from tests.service.test_technician_commands_system import Kept

FINE = unchanged("fine")


def result(hour: int, *faults: str) -> SelfTest:
    """Return a self-test of one day, with these faults."""
    found = [ok(code, FINE) for code in TITLES if code not in faults]
    found += [wrong(code, unchanged(f"{code} broken")) for code in faults]
    return whole(datetime(2026, 11, 30, hour, tzinfo=UTC), 20.0, found)


class Place:
    """Call control with its folders."""

    def __init__(self, folder: Path) -> None:
        file = folder / "centralino.toml"
        file.write_text(CONFIG.format(folder=folder))
        self.settings = read.load(file)
        self.state, self.run = (
            Path(self.settings.folders.state), Path(self.settings.folders.run)
        )  # fmt: skip
        self.state.mkdir(exist_ok=True)
        self.run.mkdir(exist_ok=True)
        (folder / "users").mkdir()
        self.stores = Kept(folder / "users")
        people.enter(self.stores.connection)
        self.troubles: dict[str, Trouble | None] = {}
        self.begin()

    def begin(self) -> None:
        """Start the service anew."""
        self.commands = SelfTestCommands(
            cast("Any", self.stores), self.settings, lambda: TEN, self.troubles.__setitem__
        )
        self.commands.start()

    def ask(self, by: str = "beppe") -> Any:
        """Ask for a self-test; returns the reply."""
        told: list[Any] = []
        later: Any = self.commands.known["selftest_run"]({"by": by})
        later(lambda reply: told.append(wire(reply)))
        return told.pop()

    def shown(self) -> Any:
        """Return what the page is told."""
        return wire(cast("Any", self.commands.known["selftest"]({})))

    def look(self) -> bool:
        """Look for a new result, some seconds later."""
        self.commands._looked_at = 0.0
        return self.commands.look()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A box that was never tried."""
    made = Place(tmp_path)
    yield made
    made.stores.connection.close()


def test_asked_done_and_shown(place: Place) -> None:
    """Asked in the browser, taken by the unit, shown with its date and who asked."""
    assert (place.shown()["runs"], place.shown()["last"]) == (False, None)
    assert "mezzo minuto" in place.ask()["said"]["it"]
    assert [row.what for row in database.latest(place.stores.connection, "selftest.")] == [
        "selftest.run"
    ]
    assert place.shown()["runs"]
    assert "in corso" in place.ask()["said"]["it"]  # one at a time
    assert selftest.take(place.run) == "beppe"
    assert place.shown()["runs"]
    selftest.keep(place.state, place.run, result(9), "beppe")
    assert place.look()
    told = place.shown()
    assert (told["runs"], told["last"]["status"], told["last"]["by"]) == (False, 0, "beppe")
    assert len(told["last"]["checks"]) == len(TITLES)
    assert not place.look()


def test_a_page_that_asks_at_the_end(place: Place) -> None:
    """The unit's end lies between two looks: the page is told the result, not that nobody came."""
    place.ask()
    selftest.take(place.run)
    selftest.keep(place.state, place.run, result(9, "memory"), "beppe")
    told = place.shown()
    assert (told["runs"], told["last"]["status"]) == (False, 1)
    assert told["trouble"]["en"] == ""
    assert place.troubles["selftest"] is not None
    assert place.look()  # the status is told everybody, once
    assert not place.look()


def test_who_may_not(place: Place) -> None:
    """An operator asks for none."""
    assert place.ask("carla")["done"] is False
    assert not selftest.is_waiting(place.run)


def test_a_fault_is_a_trouble_until_none_is_found(place: Place) -> None:
    """The fault LED, also after a start; the next good result ends it."""
    selftest.keep(place.state, place.run, result(9, "memory", "message"), "")
    assert place.look()
    trouble = place.troubles["selftest"]
    assert trouble is not None
    assert str(trouble.words) == "The box is not well: memory broken"
    selftest.answer_path(place.run).unlink()  # the box was off: /run is empty
    place.troubles.clear()
    place.begin()
    assert place.troubles["selftest"] is not None
    selftest.keep(place.state, place.run, result(10), "")
    assert place.look()
    assert place.troubles["selftest"] is None


def test_nobody_takes_the_request(place: Place) -> None:
    """The unit is not enabled: the page says so, and what to type."""
    place.ask()
    path = selftest.request_path(place.run)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 100))
    told = place.shown()
    assert not told["runs"]
    assert "sudo centralino box selftest" in told["trouble"]["en"]


def test_a_killed_one_does_not_run_for_ever(place: Place) -> None:
    """Its mark is as old as no self-test becomes."""
    path = selftest.running_path(place.run)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert place.shown()["runs"]
    os.utime(path, (0, path.stat().st_mtime - selftest.LONGEST_S - 1))
    assert not place.shown()["runs"]


def test_the_latest_result_counts(place: Place) -> None:
    """One typed by a technician after the unit's, and the words of `centralino status`."""
    selftest.keep(place.state, place.run, result(9, "disk"), "anna")
    selftest.keep_in(place.state, result(11), "")
    last = selftest.load(place.state, place.run)
    assert last is not None
    assert (last.test.status, last.by) == (0, "")
    words = selftest.last_words(place.state, place.run, lambda at: unchanged(f"{at:%H:%M}"))
    assert str(words).startswith("Self-test of 11:00: The box is well")


def test_a_self_test_that_had_no_memory() -> None:
    """The kernel ended it: that is the result."""
    assert [f.code for f in selftest.without_memory().wrong] == ["memory"]
