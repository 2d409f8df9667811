"""Call control's part in updates: when one is looked for, when the box starts from it, what is
told.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.api.technician_replies import UpdateEnded
from appliance.config import read
from appliance.config.rollout_file import rollout_text
from appliance.policy.clock import ClockState, Now
from appliance.policy.rollout import Rollout, Stage
from appliance.policy.text import Refused
from appliance.policy.updates import LONGEST_S, UpdateLight, UpdateState
from appliance.service import nightly, updates
from appliance.service.jobs import JobResult
from appliance.service.updates import (
    AGAIN_S,
    BOX,
    COPY,
    COPY_LIMIT_S,
    FETCH,
    FETCHED,
    LOOKS_S,
    UpdateRecord,
    UpdateRequest,
    UpdateRunner,
)
from appliance.store import database
from appliance.store.database import Trouble, connect, migrate
from appliance.text import NOTHING
from tests.commands.samples import CONFIG
from tests.helpers.words import pair
from tests.policy.small_directory import rome

NIGHT = Now(100_000.0, rome("2026-11-26 03:40"))
DAY = replace(NIGHT, wall=rome("2026-11-26 10:00"))
READY = UpdateRecord(
    UpdateState.INSTALLED, "1.1.0", "1.0.0", "B", "beppe", installed=NIGHT.monotonic - 60.0
)


class Jobs:
    """Begins a job, which ends when the test says so."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, ...]] = []
        self.then: Any = None
        self.busy = False
        self.copies_at_once = True
        """The copy before an update ends at once."""

    def begin(self, words: tuple[str, ...], _typed: str, _most: int, then: Any) -> None:
        """Begin it; raises Refused while another is done."""
        if self.busy:
            raise Refused(pair("è già in corso", "something is being done"))
        self.begun.append(words)
        self.then = then
        if words == COPY and self.copies_at_once:
            then(JobResult(True, pair("copiato", "copied")))


class Place:
    """Call control of an image whose office has a server."""

    def __init__(self, folder: Path, more: str = "") -> None:
        written = folder / "centralino.toml"
        server = '[updates]\nserver = "https://updates.example/"\ninstall = "night"\n'
        written.write_text(CONFIG.format(folder=folder) + server + more)
        self.settings = read.load(written)
        self.run, self.state = folder / "run", folder / "state"
        self.kept_in = updates.folder_of_updates(self.state)
        for made in (self.run, self.kept_in, self.state / "update"):
            made.mkdir(parents=True)
        self.connection = connect(self.state / "centralino.db")
        migrate(self.connection)
        self.jobs = Jobs()
        self.troubles: dict[str, Trouble | None] = {}
        self.updates = self.made()

    def made(self, *, is_image: bool = True) -> UpdateRunner:
        """Make call control's part anew, as at its start."""
        records: Any = self
        jobs: Any = self.jobs
        return UpdateRunner(
            self.settings, records, jobs, self.troubles.__setitem__, lambda: is_image
        )

    def do(self, job: Any, done: Any) -> None:
        """Do a job of the records at once."""
        done(job(self.connection))

    def keep(self, kept: UpdateRecord) -> None:
        """Keep it as the helper does."""
        updates.keep(self.kept_in, kept)

    def look(self, now: Now, *, idle: bool = True) -> UpdateRequest | None:
        """Look twice, as the second one knows what the first has read; returns what is asked."""
        self.updates.look(now, lambda: idle)
        later = replace(now, monotonic=now.monotonic + LOOKS_S)
        self.updates.look(later, lambda: idle)
        return updates.take(self.run)

    def noted(self) -> list[tuple[str, str, str]]:
        """List what the audit has of it."""
        found = database.latest(self.connection, "update.")
        return [(one.by, one.what, one.about) for one in found]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Nothing was ever updated."""
    made = Place(tmp_path)
    with closing(made.connection):
        yield made


def test_a_ready_version_starts_in_the_quiet_hour(place: Place) -> None:
    """With nobody on the phone; in the name of whoever wanted the update."""
    place.keep(READY)
    assert place.look(DAY) is None
    assert place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 100), idle=False) is None
    assert place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 200)) == UpdateRequest(
        "beppe", "start"
    )
    assert place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 230)) is None
    again = NIGHT.monotonic + 200 + AGAIN_S + 20
    assert place.look(replace(NIGHT, monotonic=again)) == UpdateRequest("beppe", "start")


def test_the_machine_has_started_since_then(place: Place) -> None:
    """What an earlier start has installed was tried and left: what became of it is about to be
    found, and the box does not start anew for it once more, whoever asks.
    """
    place.keep(replace(READY, boot="the one before"))
    place.updates.start_soon()
    assert place.look(NIGHT) is None
    assert place.look(replace(NIGHT, monotonic=READY.installed + LONGEST_S)) is None


def test_the_data_is_copied_before_the_start(place: Place) -> None:
    """By the night's work, once, whether it goes well or not: a database whose copies fail may be
    what the update mends.
    """
    place.keep(READY)
    place.jobs.copies_at_once = False
    assert place.look(NIGHT) is None
    assert place.jobs.begun == [COPY] == [nightly.COMMAND]
    assert place.updates.light is UpdateLight.UPDATING
    minute = replace(NIGHT, monotonic=NIGHT.monotonic + 60)
    assert place.look(minute) is None
    place.jobs.then(JobResult(False, pair("non riuscito", "did not succeed")))
    later = replace(NIGHT, monotonic=NIGHT.monotonic + 120)
    assert place.look(later, idle=False) is None
    later = replace(NIGHT, monotonic=NIGHT.monotonic + 180)
    assert place.look(later) == UpdateRequest("beppe", "start")
    assert place.jobs.begun == [COPY]


def test_a_copy_that_cannot_be_made_does_not_hold_the_update_up(place: Place) -> None:
    """Another job runs meanwhile: the start waits half an hour for its end; each version waits for
    a copy of its own.
    """
    place.keep(READY)
    place.jobs.busy = True
    assert place.look(NIGHT) is None
    almost = replace(NIGHT, monotonic=NIGHT.monotonic + COPY_LIMIT_S - 60)
    assert place.look(almost) is None
    over = replace(NIGHT, monotonic=NIGHT.monotonic + COPY_LIMIT_S)
    assert place.look(over) == UpdateRequest("beppe", "start")
    place.keep(replace(READY, version="1.2.0"))
    next_one = replace(NIGHT, monotonic=over.monotonic + AGAIN_S + 60)
    place.updates.look(next_one, lambda: True)
    assert place.look(replace(next_one, monotonic=next_one.monotonic + 20)) is None


def test_an_hour_that_cannot_be_trusted_is_no_quiet_one(place: Place) -> None:
    """The box waits for a day and a half, then for nobody to be on the phone."""
    place.keep(READY)
    lost = replace(NIGHT, clock_state=ClockState.STALE)
    assert place.look(lost) is None
    late = replace(lost, monotonic=READY.installed + LONGEST_S)
    assert place.look(late, idle=False) is None
    assert place.look(replace(late, monotonic=late.monotonic + 60)) == UpdateRequest(
        "beppe", "start"
    )


def test_by_day_it_starts_when_somebody_asks(place: Place) -> None:
    """As soon as nobody is on the phone."""
    place.keep(READY)
    place.look(DAY)
    place.updates.start_soon()
    busy = replace(DAY, monotonic=DAY.monotonic + 100)
    assert place.look(busy, idle=False) is None
    assert place.look(replace(DAY, monotonic=DAY.monotonic + 200)) == UpdateRequest(
        "beppe", "start"
    )


def test_the_server_is_looked_at_once_a_night(place: Place) -> None:
    """What it had is given to the helper; with nothing newer, nothing is asked."""
    assert place.look(DAY) is None
    assert place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 60), idle=False) is None
    assert place.jobs.begun == []
    place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 120))
    assert place.jobs.begun == [FETCH]
    place.jobs.then(JobResult(True, pair("nulla", "nothing")))
    assert place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 180)) is None
    assert place.jobs.begun == [FETCH]
    next_night = Now(NIGHT.monotonic + 86_400, NIGHT.wall + timedelta(days=1))
    place.look(next_night)
    (place.state / FETCHED).write_bytes(b"bundle")
    place.jobs.then(JobResult(True, pair("scaricata", "fetched")))
    asked = place.look(replace(next_night, monotonic=next_night.monotonic + 60))
    assert asked == UpdateRequest("box", "server")
    assert len(place.jobs.begun) == 2


def test_the_panel_shows_what_goes_on(place: Place) -> None:
    """The server asked, a stick read, a bundle taken, a trial: each as long as it lasts, and the
    pages are told of each change.
    """
    seconds = itertools.count(NIGHT.monotonic, 60.0)

    def light(now: Now, *, is_new: bool) -> UpdateLight:
        later = replace(now, monotonic=next(seconds))
        assert place.updates.look(later, lambda: now is NIGHT) is is_new
        return place.updates.light

    assert light(DAY, is_new=False) is UpdateLight.NONE
    assert light(NIGHT, is_new=True) is UpdateLight.UPDATING
    place.jobs.then(JobResult(True, pair("nulla", "nothing")))
    assert light(DAY, is_new=True) is UpdateLight.NONE
    updates.progress_path(place.run).parent.mkdir()
    with updates.reading_stick(place.run, Path("/dev/null")):
        assert light(DAY, is_new=True) is UpdateLight.UPDATING
        assert light(DAY, is_new=False) is UpdateLight.UPDATING
    assert light(DAY, is_new=True) is UpdateLight.NONE
    with updates.reading_stick(place.run, Path("/dev/pulled-out")):
        assert light(DAY, is_new=False) is UpdateLight.NONE
    for state, shown in ((UpdateState.CHECKED, UpdateLight.UPDATING),
                         (UpdateState.TRIAL, UpdateLight.ON_TRIAL),
                         (UpdateState.GOOD, UpdateLight.NONE)):  # fmt: skip
        place.keep(replace(READY, state=state))
        assert light(DAY, is_new=True) is shown


def test_what_could_not_be_fetched_is_not_installed(place: Place) -> None:
    """Nor is it looked for by an hour that nobody knows, or while the night's copies are made."""
    (place.state / FETCHED).write_bytes(b"of another night")
    place.look(replace(NIGHT, clock_state=ClockState.UNSET))
    place.jobs.busy = True
    place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 60))
    assert place.jobs.begun == []
    place.jobs.busy = False
    place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 120))
    place.jobs.then(JobResult(False, pair("non si scarica", "cannot be fetched")))
    assert place.look(replace(NIGHT, monotonic=NIGHT.monotonic + 180)) is None


def test_without_a_server_nobody_is_asked(place: Place) -> None:
    """As delivered."""
    place.settings = replace(place.settings, updates=type(place.settings.updates)())
    place.updates = place.made()
    assert place.look(NIGHT) is None
    assert place.jobs.begun == []


def test_nobody_is_asked_by_itself_unless_it_is_wished(central: Place) -> None:
    """With a server alone a person looks; by itself it goes on where the head office rolls out."""
    own = replace(central.settings.updates, install="ask")
    central.settings = replace(central.settings, updates=own)
    central.updates = central.made()
    assert central.look(NIGHT) is None
    assert central.jobs.begun == []
    roll_out(central, "all", "1.1.0")
    central.updates = central.made()
    central.look(replace(NIGHT, monotonic=NIGHT.monotonic + 600))
    assert central.jobs.begun == [FETCH]


def test_a_box_of_ones_own_system_is_left_alone(place: Place) -> None:
    """There apt brings updates: whatever lies there is not looked at."""
    place.keep(READY)
    place.updates = place.made(is_image=False)
    place.updates.at_once = True
    assert place.look(NIGHT) is None
    assert (place.jobs.begun, place.updates.kept) == ([], UpdateRecord())


def test_what_went_back_is_a_trouble_until_it_is_noted(place: Place) -> None:
    """With its reason in both languages."""
    said = pair("prima funzionava, ora no: line1", "worked before and does not now: line1")
    place.keep(replace(READY, state=UpdateState.BACK, said=said))
    place.look(DAY)
    trouble = place.troubles["update"]
    assert trouble is not None
    assert "line1" in trouble.words.text("it")
    assert "1.1.0" in trouble.words.text("en")
    place.keep(replace(READY, state=UpdateState.NONE))
    place.look(replace(DAY, monotonic=DAY.monotonic + 60))
    assert place.troubles["update"] is None


def test_what_became_of_it_is_kept_once(place: Place) -> None:
    """In the list of changes: who, from which version to which; also across restarts."""
    past = UpdateEnded("2026-11-26T04:00:00+00:00", "beppe", "1.0.0", "1.1.0", "good", NOTHING)
    place.keep(replace(READY, state=UpdateState.GOOD, past=(past,)))
    place.look(DAY)
    place.updates = place.made()
    place.look(DAY)
    assert place.noted() == [("beppe", "update.good", "1.0.0 -> 1.1.0")]


def test_what_is_kept_can_be_read_by_whoever_comes_after(place: Place) -> None:
    """Whole; a file that is none, or of another version, is as nothing."""
    past = UpdateEnded("2026-11-26T04:00:00+00:00", "box", "1.0.0", "", "refused", pair("a", "b"))
    kept = replace(READY, worked=("line1",), failed=("1.0.9",), past=(past,), said=pair("c", "d"))
    place.keep(kept)
    assert updates.load_update(place.kept_in) == kept
    assert (place.kept_in / updates.KEPT).stat().st_mode & 0o777 == 0o644
    for text in ("", "[]", "{}", '{"state": "odd"}', "\x00"):
        (place.kept_in / updates.KEPT).write_text(text)
        assert updates.load_update(place.kept_in) == UpdateRecord()


def test_a_request_names_nothing_but_what_is_known(place: Place) -> None:
    """Anything else is taken away and none."""
    for text in ('{"by": "x", "what": "/etc/passwd"}', '{"what": "upload"}', "[]", "\x00"):
        (place.run / updates.REQUEST).write_text(text)
        assert updates.take(place.run) is None
        assert not (place.run / updates.REQUEST).exists()


def roll_out(place: Place, stage: str, version: str = "1.1.0") -> None:
    """Put a rollout in force as the head office's settings do; this box is of no name."""
    digest = "0" * 64
    folder = place.state / "central" / digest
    folder.mkdir(parents=True, exist_ok=True)
    (place.state / "central/in_force").write_text(digest)
    given = Rollout(version, Stage(stage), "nord", NIGHT.wall)
    (folder / "updates.toml").write_text(rollout_text(given))


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Place]:
    """A box that has a head office."""
    made = Place(tmp_path, '[central]\ncertificate = "/etc/centralino/central.pem"\n')
    with closing(made.connection):
        yield made


@pytest.mark.parametrize(
    ("stage", "version", "asked"),
    [("all", "1.1.0", "start"), ("stopped", "1.1.0", "give-up"), ("first", "1.1.0", "give-up"),
     ("all", "1.2.0", "give-up")],
)  # fmt: skip
def test_a_version_that_was_stopped_before_its_start_is_given_up(
    central: Place, stage: str, version: str, asked: str
) -> None:
    """One that came from the server by itself."""
    roll_out(central, stage, version)
    central.keep(replace(READY, by=BOX, source="server"))
    assert central.look(NIGHT) == UpdateRequest(BOX, asked)


@pytest.mark.parametrize("source", ["upload", "file", "stick", "back"])
def test_what_a_person_brought_is_not_held_up(central: Place, source: str) -> None:
    """Nor what somebody asks to be started at once."""
    roll_out(central, "stopped")
    central.keep(replace(READY, source=source))
    assert central.look(NIGHT) == UpdateRequest("beppe", "start")
    central.keep(replace(READY, source="server"))
    central.look(DAY)
    central.updates.start_soon()
    later = replace(DAY, monotonic=DAY.monotonic + 100)
    assert central.look(later) == UpdateRequest("beppe", "start")


def test_a_rollout_is_told_to_the_pages_once_it_changes(central: Place) -> None:
    """And a damaged file changes nothing: the last one known holds."""
    roll_out(central, "first")
    assert central.updates.look(DAY, lambda: True)
    later = replace(DAY, monotonic=DAY.monotonic + LOOKS_S)
    assert not central.updates.look(later, lambda: True)
    known = central.updates.rollout
    assert known is not None
    assert known.stage is Stage.FIRST
    (central.state / "central" / ("0" * 64) / "updates.toml").write_bytes(b"[rollout\xff")
    central.look(replace(DAY, monotonic=DAY.monotonic + 100))
    assert central.updates.rollout == known


def test_without_a_head_office_no_rollout_is_read(place: Place) -> None:
    """What an earlier one has left counts no more."""
    roll_out(place, "stopped")
    place.keep(replace(READY, by=BOX, source="server"))
    assert place.look(NIGHT) == UpdateRequest(BOX, "start")
