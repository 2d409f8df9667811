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
from appliance.policy.text import Refused
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
from tests.helpers.words import pair
from tests.store.samples import a_call
from tests.stories.offices import ROME

MIDNIGHT = datetime(2026, 11, 25, tzinfo=ROME)
WELL = Night(datetime(2026, 11, 25, 3, 5, tzinfo=UTC), True, False, pair("bene", "well"))


class Child:
    """A job that ends when a test says so."""

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


class Home:
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
def home(tmp_path: Path) -> Iterator[Home]:
    """A box before its first night."""
    made = Home(tmp_path)
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


def test_once_a_night_when_no_call_is_on(home: Home) -> None:
    """It waits for the end of a call, as long as that takes."""
    assert home.look(2.9) == 0
    home.idle = False
    assert home.look(3.2) == 0
    home.idle = True
    assert home.look(3.3) == 1
    assert home.child.begun == [COMMAND]
    assert home.look(4) == 1
    assert home.look(27.2) == 2


def test_a_box_without_any_night_yet_settles_first(home: Home) -> None:
    """Started in the quiet hours it begins ten minutes later; one that knows a night, at once."""
    for known, begun in ((False, 0), (True, 1)):
        if known:
            nightly.keep_night(home.state, replace(WELL, at=MIDNIGHT - timedelta(days=1)))
        home.nightly = home.made()
        home.nightly.start()
        assert home.look(3.2) == begun
    home.child.begun.clear()
    (home.state / nightly.NIGHTLY / nightly.SAID).unlink()
    home.nightly = home.made()
    assert home.look(3.2) == 0
    assert home.look(3.2 + SETTLED_S / 3600) == 1


def test_a_box_that_starts_anew_does_not_do_it_twice(home: Home) -> None:
    """What came of the night is kept."""
    nightly.keep_night(home.state, replace(WELL, at=MIDNIGHT + timedelta(hours=3.1)))
    home.begin()
    assert home.look(3.5) == 0
    assert home.look(27.2) == 1


def test_without_a_clock_it_is_done_by_elapsed_time(home: Home) -> None:
    """Never at an hour that may be noon, until it has waited too long."""
    for hours in range(36):
        assert home.look(hours, ClockState.STALE) == 0
    assert home.look(LONGEST_S / 3600, ClockState.STALE) == 1


@pytest.mark.parametrize("refusal", [Refused(pair("dopo", "later")), OSError("no more processes")])
def test_what_cannot_begin_is_tried_again(home: Home, refusal: Exception) -> None:
    """A technician's job is running, or there is no process to be had."""
    home.child.refusal = refusal
    assert home.look(3.2) == 0
    home.child.refusal = None
    assert home.look(3.25) == 0
    assert home.look(3.2 + AGAIN_S / 3600) == 1


def test_what_came_of_it_is_told_until_the_next_night(home: Home) -> None:
    """Damage and a copy that was not made are troubles; a child that fell silent is one as well."""
    home.look(3.2)
    for said, trouble in (
        (replace(WELL, well=False), NOT_COPIED),
        (replace(WELL, well=False, damaged=True), RECORDS_DAMAGED),
        (WELL, None),
    ):
        nightly.keep_night(home.state, said)
        home.child.then(JobResult(said.well, pair("detto", "said")))
        assert home.troubles()["night"] == trouble
        assert home.nightly.last == said
    home.child.then(JobResult(False, pair("", "killed")))
    assert home.troubles()["night"] == NOT_COPIED


def test_a_trouble_outlives_a_restart(home: Home) -> None:
    """Damaged records are not forgotten by a power cut."""
    nightly.keep_night(home.state, replace(WELL, well=False, damaged=True))
    home.nightly.start()
    assert home.troubles() == {"night": RECORDS_DAMAGED}


def test_the_card_is_looked_at_once_an_hour(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of its file system are a trouble; a card that cannot be looked at tells nothing."""
    looks: list[Path] = []

    def look(folder: Path) -> MemoryCard:
        looks.append(folder)
        if len(looks) == 3:
            raise OSError("gone")
        return MemoryCard("mmcblk0p3", 2048, len(looks) - 1, 900, 1000)

    monkeypatch.setattr(nightly, "look_at_card", look)
    home.look(10)
    home.look(10.5)
    assert looks == [home.state]
    assert home.troubles() == {"card": None}
    home.look(10 + CARD_S / 3600)
    assert home.troubles() == {"card": CARD_FAILING}
    home.look(13)
    assert home.troubles() == {}
    assert home.nightly.card == MemoryCard("mmcblk0p3", 2048, 1, 900, 1000)


def test_the_log_is_taken_in_and_cut(home: Home) -> None:
    """What was erased by day is in no file of the records after the night."""

    def erased(connection: sqlite3.Connection) -> None:
        caller = replace(a_call().caller, number="0517654321")
        call_log.upsert_calls(connection, [replace(a_call(), caller=caller)], "b")
        connection.execute("DELETE FROM calls")

    home.records.ask(erased)
    log = home.state / "centralino.db-wal"
    assert b"0517654321" in log.read_bytes()
    home.look(3.2)
    assert log.stat().st_size == 0
    assert b"0517654321" not in (home.state / "centralino.db").read_bytes()


def test_a_call_in_or_out_is_no_quiet_moment() -> None:
    """Both lines and positions count."""
    for calls, outgoing, quiet in (((), (), True), ((1,), (), False), ((), (1,), False)):
        status: Any = SimpleNamespace(calls=calls, outgoing=outgoing)
        assert is_quiet(status) is quiet


def test_it_is_said_in_both_languages() -> None:
    """Before the first night, after it, and of a card whose file system is another."""
    assert [words.text("en") for words in care_said(None, None, ROME)] == [
        "Nightly work: not done yet"
    ]
    said = care_said(WELL, MemoryCard("", None, None, 900, 1000), ROME)
    assert [words.text("it") for words in said] == [
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
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a night, when no call is on that could wait for it."""
    given: list[float] = []
    monkeypatch.setattr(nightly, "trim_heap", lambda: given.append(0.0))
    home.idle = False
    assert (home.look(3.2), given) == (0, [])
    home.idle = True
    home.look(3.3)
    assert home.look(3.4) == len(given) == 1


def test_the_stick_is_written_after_the_nights_work(home: Home) -> None:
    """By root's helper, who is asked; of damaged records nobody asks for another copy."""
    since = MIDNIGHT - timedelta(days=9)
    run = Path(home.settings.folders.run)
    run.mkdir(exist_ok=True)
    assert home.look(3.2) == 1
    nightly.keep_night(home.state, replace(WELL, at=MIDNIGHT + timedelta(hours=3.3)))
    home.child.then(JobResult(True, pair("bene", "well")))
    assert not backup.is_waiting(run)  # none is set up
    backup.keep_stick(home.state, backup.BackupStick("AB-12", "COPIE", "b", since, since))
    home.look(10)
    trouble = home.troubles()["backup_stick"]
    assert trouble is not None
    assert trouble.code == "backup.stick"
    home.look(10.5)
    assert "backup_stick" not in home.troubles()  # said once
    assert home.look(27.2) == 2
    home.child.then(JobResult(True, pair("bene", "well")))
    assert backup.take(run) == HelperRequest()
    nightly.keep_night(home.state, replace(WELL, damaged=True, well=False))
    home.child.then(JobResult(True, pair("male", "ill")))
    assert not backup.is_waiting(run)
