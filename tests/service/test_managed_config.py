"""Call control's part in central settings: when it looks, what it tells, what touches no call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.api.replies import Done
from appliance.api.technician_commands import ShowManagedConfig
from appliance.policy.clock import Now
from appliance.policy.text import Refused
from appliance.service import managed_config
from appliance.service.jobs import JobResult
from appliance.service.managed_config import (
    FETCH,
    FIRST_S,
    UPLOADED,
    FetchOutcome,
    FetchResult,
    ManagedConfigCommands,
    ManagedConfigFetcher,
)
from appliance.service.technician_commands import JobCommands
from appliance.store.database import Trouble, connect
from appliance.text import NOTHING
from tests.console import people
from tests.helpers.wire import wire
from tests.helpers.words import pair
from tests.managed_config.samples import FIRST, Branch, branch, made, without

HOUR = 3600.0
START = Now(1000.0, datetime(2026, 11, 26, 8, 0, tzinfo=UTC))
GONE = pair("nessuno risponde", "nobody answers")


class Box:
    """A branch whose call control looks; a job ends at once, as the test says."""

    def __init__(self, home: Branch) -> None:
        self.home = home
        central = replace(home.place.settings.central, server="https://sede.example/s.bundle")
        folders = replace(home.place.settings.folders, console=str(home.folder / "console"))
        self.settings = replace(home.place.settings, central=central, folders=folders)
        self.connection = connect(home.place.database)
        self.begun: list[float] = []
        self.words: list[tuple[str, ...]] = []
        self.ends = FetchResult(START.wall, FetchOutcome.GOOD, NOTHING)
        self.busy = self.idle = False
        self.now = START
        self.troubles: dict[str, Trouble | None] = {}
        records: Any = self
        jobs: Any = self
        self.central = ManagedConfigFetcher(
            self.settings, records, jobs, self.troubles.__setitem__, lambda: 0.0
        )
        self.central.start()

    def do(self, job: Any, done: Any = lambda _: None) -> None:
        """Do a job of the records at once."""
        try:
            result = job(self.connection)
        except Refused as error:
            result = error
        done(result)

    @property
    def running(self) -> str:
        """Nothing runs: each job has ended at once."""
        return ""

    def begin(self, words: tuple[str, ...], _typed: str, _most: int, then: Any) -> None:
        """Be the child: say how it ended."""
        if self.busy:
            raise Refused(pair("è già in corso", "something is being done"))
        self.begun.append(self.now.monotonic)
        self.words.append(words)
        managed_config.keep(self.home.place.state, replace(self.ends, at=self.now.wall))
        then(JobResult(self.ends.outcome is FetchOutcome.GOOD, self.ends.words))

    def look(self, seconds: float = 0.0, *, idle: bool = True) -> bool:
        """Look after so long."""
        later = timedelta(seconds=seconds)
        self.now = replace(
            self.now, monotonic=self.now.monotonic + seconds, wall=self.now.wall + later
        )
        return self.central.look(self.now, lambda: idle)

    def told(self) -> Trouble | None:
        """Return what people are told."""
        return self.troubles["central"]

    def day(self, hours: float = 24.0) -> None:
        """Let a time pass, looked at every ten minutes."""
        for _ in range(int(hours * 6)):
            self.look(600.0)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A branch that has never looked."""
    found = Box(branch(tmp_path))
    with closing(found.connection):
        yield found


def test_it_looks_every_hour(box: Box) -> None:
    """Not at once after a start, and not again before its time."""
    box.look()
    assert box.begun == []
    box.day(12)
    assert box.words[0] == FETCH
    assert len(box.begun) == 12
    assert box.begun[0] >= START.monotonic + FIRST_S


def test_it_never_looks_during_a_call(box: Box) -> None:
    """Nor while something else is done; it looks as soon as both are over."""
    box.look()
    for _ in range(100):
        box.look(60.0, idle=False)
    assert box.begun == []
    box.busy = True
    box.look(60.0)
    box.busy = False
    box.look(30.0)
    assert box.begun == []
    box.look(30.0)
    assert len(box.begun) == 1


def test_a_server_that_is_gone_for_a_day(box: Box) -> None:
    """It is asked a few times, people are told after a day and no longer once it is back."""
    box.look()
    box.ends = FetchResult(START.wall, FetchOutcome.UNREACHED, GONE)
    box.day(20)
    assert len(box.begun) <= 6
    assert box.told() is None
    box.day(12)
    told = box.told()
    assert told is not None
    assert (told.code, "nobody answers" in told.words.text("en")) == ("central.unreached", True)
    assert len(box.begun) <= 8
    box.ends = FetchResult(START.wall, FetchOutcome.GOOD, NOTHING)
    box.day(7)
    assert box.told() is None
    tries = len(box.begun)
    box.day(6)
    assert len(box.begun) == tries + 6


def test_what_is_refused_is_told_at_once(box: Box) -> None:
    """With the sentence of who has judged it, in both languages, until it is over."""
    box.look()
    box.ends = FetchResult(
        START.wall, FetchOutcome.REFUSED, pair("firma di altri", "another's signature")
    )
    box.look(HOUR)
    told = box.told()
    assert told is not None
    assert told.words.text("it").endswith("valgono quelle di prima: firma di altri")
    assert told.words.text("en").endswith("those of before hold: another's signature")
    assert "Last look Thu 26 November 2026, 10:00: another's signature" in box.central.words()[
        1
    ].text("en")
    box.ends = FetchResult(START.wall, FetchOutcome.GOOD, NOTHING)
    box.day(3)
    assert box.told() is None


def test_what_is_in_force_is_told(box: Box) -> None:
    """Version, since when, by whom and from where; people are shown a change."""
    assert box.central.words()[0].text("en") == "Central settings: none"
    box.home.apply(made(1, without(FIRST, "register.toml")))
    box.central.read_anew()
    assert box.look()
    assert not box.look()
    since = "26 November 2026 at 19:00"
    assert box.central.words()[0].text("en") == (
        f"Central settings: version 1 since {since}, from prova (anna)"
    )


def test_without_a_server_only_what_a_cut_has_left_is_done(box: Box) -> None:
    """A box to which files are brought looks nowhere, but finishes what was begun."""
    records: Any = box
    jobs: Any = box
    settings = box.home.place.settings
    central = ManagedConfigFetcher(settings, records, jobs, box.troubles.__setitem__, lambda: 0.0)
    later = replace(START, monotonic=START.monotonic + 10 * HOUR)
    central.look(START, lambda: True)
    central.look(later, lambda: True)
    assert box.begun == []
    (box.home.place.state / "central").mkdir()
    (box.home.place.state / "central/pending").write_text("x\n")
    central.read_anew()
    central.look(later, lambda: True)
    assert box.words == [FETCH]


def test_a_change_is_taken_over_and_touches_no_call(box: Box) -> None:
    """Directory and sounds are read anew at once; only the schedule has call control start anew,
    and that waits for the last call (reloading.py).
    """
    read: list[str] = []

    def load(told: Any) -> None:
        read.append("register")
        told(None)

    stores: Any = SimpleNamespace(
        records=box,
        spoken=SimpleNamespace(load=lambda: read.append("spoken")),
        directory=SimpleNamespace(load=load),
    )
    questions = asked_of(box, stores)
    questions.on_schedule = lambda: read.append("schedule")
    for schedule, found in ((False, []), (True, ["schedule"])):
        read.clear()
        told: list[Any] = []
        later: Any = questions.known["central_changed"]({"schedule": schedule})
        later(told.append)
        assert (read, told) == ([*found, "spoken", "register"], [Done()])


class Runner:
    """Runs jobs that end when they are looked at."""

    running = ""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []
        self._then: list[Any] = []

    def begin(self, words: tuple[str, ...], _typed: str, _most: int, then: Any) -> None:
        """Begin one."""
        self.words.append(words)
        self._then.append(then)

    def look(self) -> None:
        """End what was begun."""
        while self._then:
            self._then.pop()(JobResult(True, pair("fatto", "done")))


def asked_of(box: Box, stores: Any, runner: Any = None) -> ManagedConfigCommands:
    """Make what answers at the control socket."""
    jobs = JobCommands(stores, box.settings, NOTHING, runner, lambda: box.now)
    return ManagedConfigCommands(stores, box.central, jobs)


def test_a_file_is_shown_and_applied_by_who_may(box: Box) -> None:
    """Head and technician; the command names who wanted it. Others are refused, in words."""
    people.enter(box.connection)
    stores: Any = SimpleNamespace(records=box)
    runner = Runner()
    questions = asked_of(box, stores, runner)

    def ask(name: str, by: str) -> Any:
        told: list[Any] = []
        later: Any = questions.known[name]({"ask": name, "by": by})
        later(told.append)
        questions.jobs.look()
        return wire(told[0])

    assert "upload it first" in ask("central_show", "anna")["said"]["en"]
    file = Path(box.settings.folders.console) / UPLOADED
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    assert ask("central_apply", "carla")["done"] is False
    assert runner.words == []
    for by in ("anna", "beppe"):
        assert "Begun" in ask("central_apply", by)["said"]["en"]
        assert runner.words[-1] == ("settings", "apply", str(file), "--by", by)
    ask("central_show", "anna")
    ask("central_revert", "anna")
    assert runner.words[-2:] == [
        ("settings", "show", str(file)),
        ("settings", "revert", "--by", "anna"),
    ]
    questions.jobs.look()
    last = questions.state(ShowManagedConfig()).last
    assert last.keys() == {"central_apply", "central_show", "central_revert"}
