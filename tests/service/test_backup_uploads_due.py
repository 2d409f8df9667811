"""When the backup target is written: after the night's work, without a call, again until done."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.config import read
from appliance.config.schema import Backup
from appliance.policy.clock import ClockState, Now
from appliance.policy.text import Refused
from appliance.service import backup_target, nightly
from appliance.service.backup_target import NO_ANSWER, NOT_SET_UP, BackupTarget
from appliance.service.backup_uploads import (
    AGAIN_S,
    BUSY_S,
    COMMAND,
    LOOK,
    SET_UP,
    TargetJob,
    UploadSchedule,
)
from appliance.service.jobs import JobResult, Jobs
from appliance.service.nightly import Night
from appliance.store.database import Trouble
from appliance.store.writer import DatabaseWriter
from appliance.text import Words
from tests.commands.samples import CONFIG
from tests.helpers.words import pair

AT = datetime(2026, 11, 25, 2, 5, tzinfo=UTC)
URL = "sftp://copie@nas.comune.it/copie"
OFF = pair("nas: spento", "nas: off")


class Child:
    """A job that ends when a test says so."""

    def __init__(self) -> None:
        self.begun, self.running = 0, ""
        self.asked: list[tuple[tuple[str, ...], str]] = []
        self.refusal: Exception | None = None
        self.then: Callable[[JobResult], None] = lambda _: None

    def begin(
        self, words: tuple[str, ...], typed: str, most: int, then: Callable[[JobResult], None]
    ) -> None:
        """Begin it, or not."""
        assert most > 1 << 30
        self.asked.append((words, typed))
        if self.refusal:
            raise self.refusal
        self.begun, self.running, self.then = self.begun + 1, words[0], then

    def look(self) -> None:
        """Look."""

    def end(self, well: bool, said: Words) -> None:
        """End it."""
        self.running = ""
        self.then(JobResult(well, said))


class Home:
    """The target in call control of a box that was set up the day before, and what was told."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        (self.state / nightly.NIGHTLY).mkdir(parents=True)
        path = folder / "centralino.toml"
        path.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        self.settings = replace(read.load(path), backup=Backup(target=URL, notify="ced@comune.it"))
        self.records = DatabaseWriter(self.state / "centralino.db", "b").start()
        self.told = queue.SimpleQueue[tuple[str, Trouble | None]]()
        self.idle = True
        self.began = AT - timedelta(days=1)
        self.keep(BackupTarget(URL, "k", "a1b2", "b", self.began, self.began))
        self.begin()

    def begin(self) -> None:
        """Start anew, as a box does."""
        self.child = Child()
        jobs: Any = self.child
        self.uploads = UploadSchedule(
            self.settings, self.records, jobs, lambda what, why: self.told.put((what, why))
        )

    def keep(self, target: BackupTarget) -> None:
        """Keep how the target stands."""
        backup_target.keep(self.state, target)

    @property
    def target(self) -> BackupTarget:
        """How it stands."""
        found = backup_target.load(self.state)
        assert found is not None
        return found

    def night(self, *, damaged: bool = False) -> None:
        """Have the night's work done."""
        nightly.keep_night(self.state, Night(AT, not damaged, damaged, pair("x", "x")))

    def look(self, hours: float, clock: ClockState = ClockState.SYNCED) -> int:
        """Look so many hours after the night; returns how often it was begun."""
        now = Now(1e6 + 3600 * hours, AT + timedelta(hours=hours), clock)
        self.uploads.look(now, lambda: self.idle)
        return self.child.begun

    def troubles(self) -> list[Trouble | None]:
        """Return what was told since the last time."""
        return [self.told.get()[1] for _ in range(self.told.qsize())]

    def letters(self) -> list[str]:
        """List the keys of the letters that wait."""

        def keys(connection: sqlite3.Connection) -> list[str]:
            return [row[0] for row in connection.execute("SELECT key FROM outbox")]

        found: list[str] = self.records.ask(keys)
        return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A box whose target was set up."""
    made = Home(tmp_path)
    yield made
    made.records.stop()


def test_after_the_nights_work_when_no_call_is_on(home: Home) -> None:
    """Not before it, not in a call, once; damaged records go nowhere."""
    assert home.look(0) == 0
    home.night(damaged=True)
    assert home.look(0.1) == 0
    home.night()
    home.idle = False
    assert home.look(0.2) == 0
    home.idle = True
    assert home.look(0.3) == 1
    assert home.uploads.is_waiting
    assert home.look(0.4) == 1
    home.keep(replace(home.target, done=AT + timedelta(hours=0.4)))
    home.child.end(True, pair("bene", "well"))
    assert home.look(3) == 1
    home.begin()  # a box that starts anew does not do it twice
    assert home.look(4) == 0


def test_what_failed_is_tried_again_each_hour(home: Home) -> None:
    """For as long as it takes; after three days it is an alarm, with the reason, which ends."""
    home.night()
    assert home.look(0) == 1
    for hour in range(3):
        home.keep(replace(home.target, tried=AT + timedelta(hours=hour), well=False, words=OFF))
        home.child.end(False, OFF)
        assert home.look(hour + 0.5) == hour + 1
        assert home.look(hour + AGAIN_S / 3600) == hour + 2
    assert home.troubles() == []
    home.look(49)
    (trouble,) = home.troubles()
    assert trouble is not None
    assert trouble.words.text("it").endswith("nas: spento.")
    home.look(50)
    assert home.troubles() == []
    assert len(home.letters()) == 1
    home.look(8 * 24)
    assert len(home.letters()) == 2
    home.keep(replace(home.target, done=AT + timedelta(days=8), well=True))
    home.child.end(True, pair("bene", "well"))
    home.look(8 * 24 + 1)
    assert home.troubles() == [None]


def test_a_child_that_could_not_say_it_is_heard(home: Home) -> None:
    """It was ended for its time, or fell over: that is kept too, with its last words."""
    home.night()
    home.look(0)
    home.child.end(False, pair("", ""))
    assert (home.target.well, home.target.words) == (False, NO_ANSWER)
    home.keep(replace(home.target, tried=None, well=True))
    home.look(AGAIN_S / 3600)
    home.child.end(False, OFF)
    assert (home.target.well, home.target.words) == (False, OFF)
    home.look(2 * AGAIN_S / 3600)
    own = pair("detto da sé", "said by itself")
    home.keep(replace(home.target, tried=AT + timedelta(hours=3), well=False, words=own))
    home.child.end(False, OFF)
    assert home.target.words == own


@pytest.mark.parametrize("refusal", [Refused(pair("dopo", "later")), OSError("no more processes")])
def test_what_cannot_begin_is_tried_soon(home: Home, refusal: Exception) -> None:
    """There is no process to be had."""
    home.night()
    home.child.refusal = refusal
    assert home.look(0) == 0
    home.child.refusal = None
    assert home.look(0.1) == 0
    assert home.look(BUSY_S / 3600) == 1


def test_asked_for_it_is_begun_without_a_night(home: Home) -> None:
    """A technician presses the button; who is on the phone is waited for."""
    home.idle = False
    home.uploads.ask()
    assert home.look(0) == 0
    assert home.uploads.is_waiting
    home.idle = True
    assert home.look(0.01) == 1
    assert home.child.asked == [(COMMAND, "")]
    home.child.end(True, pair("bene", "well"))
    assert not home.uploads.is_waiting


def test_a_set_up_and_a_look_at_the_server_are_children_too(home: Home) -> None:
    """A look waits for nobody on the phone; what came of them is kept for the page alone."""
    home.idle = False
    before = home.target
    home.uploads.ask(TargetJob(LOOK, waits=False))
    assert home.look(0) == 1
    home.child.end(False, OFF)
    assert home.uploads.last == (AT, JobResult(False, OFF))
    home.uploads.ask(TargetJob(SET_UP, "{}"))
    assert home.look(0.1) == 1
    home.idle = True
    assert home.look(0.2) == 2
    assert home.child.asked == [(LOOK, ""), (SET_UP, "{}")]
    home.child.end(True, OFF)
    assert home.target == before


def test_not_set_up_is_said_at_once_and_mailed(home: Home) -> None:
    """A configuration alone saves nothing; nothing is begun."""
    backup_target.forget(home.state)
    home.night()
    assert home.look(0) == 0
    (trouble,) = home.troubles()
    assert trouble is not None
    assert trouble.words.text("it") == f"{NOT_SET_UP.text('it')}."
    assert len(home.letters()) == 1
    home.begin()
    home.look(1)
    assert len(home.letters()) == 1


def test_a_clock_that_nobody_trusts_raises_no_alarm(home: Home) -> None:
    """It may be years off."""
    home.look(2000, ClockState.STALE)
    assert home.troubles() == []
    assert home.letters() == []


def test_without_a_target_nothing_is_looked_at(home: Home) -> None:
    """Most boxes."""
    home.settings = replace(home.settings, backup=Backup())
    backup_target.forget(home.state)
    home.begin()
    home.night()
    assert home.look(0) == 0
    assert home.troubles() == []
    assert home.uploads.target is None


def test_its_child_is_none_of_the_others(tmp_path: Path) -> None:
    """A server that hangs holds up neither the night's copies nor a technician."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    one, other = Jobs(file), Jobs(file)
    try:
        one.begin(COMMAND, "", 1 << 20, lambda _: None)
        other.check_free()
    finally:
        one.stop()
