"""When the night's work is done: at a quiet hour, without a call, by a clock to be trusted."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.config import read
from appliance.policy.clock import ClockState, Now
from appliance.policy.text import Refused, Words
from appliance.service import backup, nightly
from appliance.service.helper_requests import HelperRequest
from appliance.service.jobs import JobResult
from appliance.service.nightly import (
    AGAIN_S,
    CARD_FAILING,
    CARD_S,
    COMMAND,
    LONGEST_S,
    NOT_COPIED,
    RECORDS_DAMAGED,
    SETTLED_S,
    MemoryCard,
    Night,
    Nightly,
    NightMoment,
    care_said,
    is_due,
    is_quiet,
)
from appliance.store import call_log
from appliance.store.database import Trouble
from appliance.store.writer import DatabaseWriter
from tests.commands.samples import CONFIG
from tests.store.samples import a_call
from tests.stories.offices import ROME

MIDNIGHT = datetime(2026, 11, 25, tzinfo=ROME)
WELL = Night(datetime(2026, 11, 25, 3, 5, tzinfo=UTC), True, False, Words("bene", "well"))


class Child:
    """A chore that ends when a test says so."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, ...]] = []
        self.refusal: Exception | None = None
        self.then: Callable[[JobResult], None] = lambda _: None

    def begin(
        self, words: tuple[str, ...], typed: str, most: int, then: Callable[[JobResult], None]
    ) -> None:
        """Begin it, or not."""
        assert typed == ""
        assert most > 1 << 30
        if self.refusal:
            raise self.refusal
        self.begun.append(words)
        self.then = then


class House:
    """The night's work of a box, its records, and what was told."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        (self.state / nightly.NIGHTLY).mkdir(parents=True)
        path = folder / "centralino.toml"
        path.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        self.settings = read.load(path)
        self.records = DatabaseWriter(self.state / "centralino.db", "b").start()
        self.child, self.told = Child(), queue.SimpleQueue[tuple[str, Trouble | None]]()
        self.idle = True
        self.begin()

    def begin(self) -> None:
        """Start anew, as a box does."""
        self.nightly = self.made()
        self.nightly.start()
        self.look(0)
        self.troubles()

    def made(self) -> Nightly:
        """Make the part that looks."""
        jobs: Any = self.child
        return Nightly(
            self.settings, self.records, jobs, lambda what, why: self.told.put((what, why))
        )

    def look(self, hours: float, clock: ClockState = ClockState.SYNCED) -> int:
        """Look so many hours after midnight; returns how often the work was begun."""
        wall = MIDNIGHT + timedelta(hours=hours)
        self.nightly.look(Now(3600 * hours, wall, clock), lambda: self.idle)
        self.records.ask(lambda _: None)
        return len(self.child.begun)

    def troubles(self) -> dict[str, Trouble | None]:
        """Return the last word of each part since the last time."""
        found = {}
        while not self.told.empty():
            what, why = self.told.get()
            found[what] = why
        return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A box before its first night."""
    made = House(tmp_path)
    yield made
    made.records.stop()


@pytest.mark.parametrize(
    ("clock", "trusted", "day", "hours", "due"),
    [
        ("02:59", True, None, 0, False),
        ("03:04", True, None, 0, False),
        ("03:05", True, None, 0, True),
        ("05:59", True, date(2026, 11, 24), 24, True),
        ("06:00", True, None, 0, False),
        ("03:30", True, date(2026, 11, 25), 0, False),
        ("03:30", False, None, 0, False),
        ("11:00", True, date(2026, 11, 24), 35.9, False),
        ("11:00", True, date(2026, 11, 24), 36, True),
        ("11:00", False, date(2026, 11, 24), 36, True),
    ],
)
def test_when_it_is_due(clock: str, trusted: bool, day: date | None, hours: int, due: bool) -> None:
    """Once a night; a box that is off by night, or does not know the hour, once in 36 hours."""
    hour, minute = map(int, clock.split(":"))
    local = MIDNIGHT.replace(hour=hour, minute=minute)
    assert is_due(NightMoment(local, trusted, day, 3600 * hours)) is due


def test_once_a_night_when_no_call_is_on(house: House) -> None:
    """It waits for the end of a call, as long as that takes."""
    assert house.look(2.9) == 0
    house.idle = False
    assert house.look(3.2) == 0
    house.idle = True
    assert house.look(3.3) == 1
    assert house.child.begun == [COMMAND]
    assert house.look(4) == 1
    assert house.look(27.2) == 2


def test_a_box_without_any_night_yet_settles_first(house: House) -> None:
    """Started in the quiet hours it begins ten minutes later; one that knows a night, at once."""
    for known, begun in ((False, 0), (True, 1)):
        if known:
            nightly.keep_night(house.state, replace(WELL, at=MIDNIGHT - timedelta(days=1)))
        house.nightly = house.made()
        house.nightly.start()
        assert house.look(3.2) == begun
    house.child.begun.clear()
    (house.state / nightly.NIGHTLY / nightly.SAID).unlink()
    house.nightly = house.made()
    assert house.look(3.2) == 0
    assert house.look(3.2 + SETTLED_S / 3600) == 1


def test_a_box_that_starts_anew_does_not_do_it_twice(house: House) -> None:
    """What came of the night is kept."""
    nightly.keep_night(house.state, replace(WELL, at=MIDNIGHT + timedelta(hours=3.1)))
    house.begin()
    assert house.look(3.5) == 0
    assert house.look(27.2) == 1


def test_without_a_clock_it_is_done_by_elapsed_time(house: House) -> None:
    """Never at an hour that may be noon, until it has waited too long."""
    for hours in range(36):
        assert house.look(hours, ClockState.STALE) == 0
    assert house.look(LONGEST_S / 3600, ClockState.STALE) == 1


@pytest.mark.parametrize("refusal", [Refused("dopo", "later"), OSError("no more processes")])
def test_what_cannot_begin_is_tried_again(house: House, refusal: Exception) -> None:
    """A technician's chore is running, or there is no process to be had."""
    house.child.refusal = refusal
    assert house.look(3.2) == 0
    house.child.refusal = None
    assert house.look(3.25) == 0
    assert house.look(3.2 + AGAIN_S / 3600) == 1


def test_what_came_of_it_is_told_until_the_next_night(house: House) -> None:
    """Damage and a copy that was not made are troubles; a child that fell silent is one as well."""
    house.look(3.2)
    for said, trouble in (
        (replace(WELL, well=False), NOT_COPIED),
        (replace(WELL, well=False, damaged=True), RECORDS_DAMAGED),
        (WELL, None),
    ):
        nightly.keep_night(house.state, said)
        house.child.then(JobResult(said.well, Words("detto", "said")))
        assert house.troubles()["night"] == trouble
        assert house.nightly.last == said
    house.child.then(JobResult(False, Words("", "killed")))
    assert house.troubles()["night"] == NOT_COPIED


def test_a_trouble_outlives_a_restart(house: House) -> None:
    """Damaged records are not forgotten by a power cut."""
    nightly.keep_night(house.state, replace(WELL, well=False, damaged=True))
    house.nightly.start()
    assert house.troubles() == {"night": RECORDS_DAMAGED}


def test_the_card_is_looked_at_once_an_hour(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of its file system are a trouble; a card that cannot be looked at tells nothing."""
    looks: list[Path] = []

    def look(folder: Path) -> MemoryCard:
        looks.append(folder)
        if len(looks) == 3:
            raise OSError("gone")
        return MemoryCard("mmcblk0p3", 2048, len(looks) - 1, 900, 1000)

    monkeypatch.setattr(nightly, "look_at_card", look)
    house.look(10)
    house.look(10.5)
    assert looks == [house.state]
    assert house.troubles() == {"card": None}
    house.look(10 + CARD_S / 3600)
    assert house.troubles() == {"card": CARD_FAILING}
    house.look(13)
    assert house.troubles() == {}
    assert house.nightly.card == MemoryCard("mmcblk0p3", 2048, 1, 900, 1000)


def test_the_log_is_taken_in_and_cut(house: House) -> None:
    """What was erased by day is in no file of the records after the night."""

    def erased(connection: sqlite3.Connection) -> None:
        caller = replace(a_call().caller, number="0517654321")
        call_log.upsert_calls(connection, [replace(a_call(), caller=caller)], "b")
        connection.execute("DELETE FROM calls")

    house.records.ask(erased)
    log = house.state / "centralino.db-wal"
    assert b"0517654321" in log.read_bytes()
    house.look(3.2)
    assert log.stat().st_size == 0
    assert b"0517654321" not in (house.state / "centralino.db").read_bytes()


def test_a_call_in_or_out_is_no_quiet_moment() -> None:
    """Both lines and positions count."""
    for calls, outgoing, quiet in (((), (), True), ((1,), (), False), ((), (1,), False)):
        status: Any = SimpleNamespace(calls=calls, outgoing=outgoing)
        assert is_quiet(status) is quiet


def test_it_is_said_in_both_languages() -> None:
    """Before the first night, after it, and of a card whose file system is another."""
    assert [words.en for words in care_said(None, None, ROME)] == ["Nightly work: not done yet"]
    said = care_said(WELL, MemoryCard("", None, None, 900, 1000), ROME)
    assert [words.it for words in said] == [
        "Lavoro notturno del 25 novembre 2026 alle 04:05: bene",
        "Scheda di memoria: 900 MB liberi di 1000",
    ]


def test_the_card_is_found_by_its_number(tmp_path: Path) -> None:
    """The kernel's figures of the file system that a folder lies on; other ones have none."""
    numbers = tmp_path.stat().st_dev
    sys = tmp_path / "sys"
    block = sys / "dev" / "block"
    block.mkdir(parents=True)
    (sys / "devices" / "mmcblk0p3").mkdir(parents=True)
    assert nightly.look_at_card(tmp_path, sys).device == ""
    major, minor = numbers >> 8 & 0xFFF, numbers & 0xFF
    (block / f"{major}:{minor}").symlink_to(sys / "devices" / "mmcblk0p3")
    seen = nightly.look_at_card(tmp_path, sys)
    assert (seen.device, seen.written_mb, seen.errors) == ("mmcblk0p3", None, None)
    assert 0 < seen.free_mb <= seen.total_mb
    told = sys / "fs" / "ext4" / "mmcblk0p3"
    told.mkdir(parents=True)
    (told / "lifetime_write_kbytes").write_text("2097152\n")
    (told / "errors_count").write_text("3\n")
    seen = nightly.look_at_card(tmp_path, sys)
    assert (seen.written_mb, seen.errors) == (2048, 3)


def test_memory_is_given_back_when_the_nights_work_is_begun(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a night, when no call is on that could wait for it."""
    given: list[float] = []
    monkeypatch.setattr(nightly, "trim_heap", lambda: given.append(0.0))
    house.idle = False
    assert (house.look(3.2), given) == (0, [])
    house.idle = True
    house.look(3.3)
    assert house.look(3.4) == len(given) == 1


def test_the_stick_is_written_after_the_nights_work(house: House) -> None:
    """By root's helper, who is asked; of damaged records nobody asks for another copy."""
    since = MIDNIGHT - timedelta(days=9)
    run = Path(house.settings.folders.run)
    run.mkdir(exist_ok=True)
    assert house.look(3.2) == 1
    nightly.keep_night(house.state, replace(WELL, at=MIDNIGHT + timedelta(hours=3.3)))
    house.child.then(JobResult(True, Words("bene", "well")))
    assert not backup.is_waiting(run)  # none is set up
    backup.keep_stick(house.state, backup.BackupStick("AB-12", "COPIE", "b", since, since))
    house.look(10)
    trouble = house.troubles()["backup_stick"]
    assert trouble is not None
    assert trouble.code == "backup.stick"
    house.look(10.5)
    assert "backup_stick" not in house.troubles()  # said once
    assert house.look(27.2) == 2
    house.child.then(JobResult(True, Words("bene", "well")))
    assert backup.take(run) == HelperRequest()
    nightly.keep_night(house.state, replace(WELL, damaged=True, well=False))
    house.child.then(JobResult(True, Words("male", "ill")))
    assert not backup.is_waiting(run)
