"""A restore is asked for by a technician, of a file found whole, with nobody on the phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from appliance.api.technician_commands import ShowRestore
from appliance.calls import events
from appliance.config import read
from appliance.errors import OfficeError
from appliance.policy.office import Position, PositionState
from appliance.service import helper_requests
from appliance.service.backup import UPLOADED
from appliance.service.helper_requests import HelperRequest, HelperResult
from appliance.service.jobs import JobResult
from appliance.service.technician_commands import RestoreCommands, is_idle
from appliance.store import database
from appliance.store.age import MAGIC
from tests.calls.examples import TEN, tell, up
from tests.commands.samples import CONFIG
from tests.console import people
from tests.helpers.wire import wire
from tests.helpers.words import pair
from tests.service.test_technician_commands_system import Kept

PHRASE = "pane burro alici capperi"


class Place:
    """Call control where a backup was uploaded and found whole."""

    def __init__(self, folder: Path) -> None:
        file = folder / "centralino.toml"
        file.write_text(CONFIG.format(folder=folder) + f'console = "{folder}/console"\n')
        self.run = folder / "run"
        self.run.mkdir()
        self.uploaded = folder / "console" / UPLOADED
        self.uploaded.parent.mkdir(parents=True)
        self.uploaded.write_bytes(MAGIC)
        (folder / "users").mkdir()
        self.stores = Kept(folder / "users")
        people.enter(self.stores.connection)
        self.switchboard = up()
        self.found = (TEN.wall + timedelta(days=9000), JobResult(True, pair("integra", "whole")))
        jobs: Any = SimpleNamespace(
            jobs=SimpleNamespace(check_free=lambda: None), last={"backup_check": self.found}
        )
        self.jobs, stores = jobs, cast("Any", self.stores)
        self.questions = RestoreCommands(
            stores, read.load(file), jobs, lambda: self.switchboard.status(TEN)
        )

    def ask(self, by: str = "beppe", **more: Any) -> Any:
        """Ask for it."""
        told: list[Any] = []
        question = {"by": by, "passphrase": PHRASE, "sure": True, **more}
        later: Any = self.questions.known["backup_restore"](question)
        later(lambda reply: told.append(wire(reply)))
        return told.pop()

    def noted(self) -> list[tuple[str, str]]:
        """List what the audit has of it."""
        return [(one.by, one.what) for one in database.latest(self.stores.connection, "backup.")]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Nobody is on the phone."""
    made = Place(tmp_path)
    yield made
    made.stores.connection.close()


def test_it_is_left_to_roots_helper_and_noted(place: Place) -> None:
    """The request holds who and the passphrase; the answer says what comes now."""
    assert "riparte" in place.ask()["said"]["it"]
    assert helper_requests.take_restore(place.run) == HelperRequest("beppe", PHRASE)
    assert place.noted() == [("beppe", "backup.restore")]


@pytest.mark.parametrize("by", ["carla", "anna", "eve"])
def test_only_a_technician_may(place: Place, by: str) -> None:
    """Nothing is asked of root."""
    assert place.ask(by)["done"] is False
    assert helper_requests.take_restore(place.run) is None
    assert place.noted() == []


def test_one_must_be_sure(place: Place) -> None:
    """A question without it, or without a passphrase, is no such question."""
    for wrong in ({"sure": False}, {"sure": 1}, {"passphrase": 3}):
        with pytest.raises(OfficeError, match=r"sure|a text"):
            place.ask(**wrong)


def test_never_while_somebody_is_on_the_phone(place: Place) -> None:
    """A ringing call is one, too; the page knows beforehand."""
    assert wire(place.questions.restoring(ShowRestore()))["idle"] is True
    tell(place.switchboard, TEN, events.LineRang("line1"))
    assert wire(place.questions.restoring(ShowRestore()))["idle"] is False
    assert "al telefono" in place.ask()["said"]["it"]
    assert helper_requests.take_restore(place.run) is None


def test_two_phones_that_talk_are_somebody(place: Place) -> None:
    """No line is needed for it."""
    status = place.switchboard.status(TEN)
    talking = (Position("op1", PositionState.BUSY, None), *status.positions[1:])
    assert is_idle(status)
    assert not is_idle(replace(status, positions=talking))


def test_only_a_file_that_was_found_whole(place: Place) -> None:
    """Not one that was not looked through, is damaged, was uploaded since, or is gone."""
    at, well = place.found
    for last in (
        {},
        {"backup_check": (at, replace(well, is_well=False))},
        {"backup_check": (TEN.wall - timedelta(days=9000), well)},
    ):
        place.jobs.last = last
        assert "non è stato controllato" in place.ask()["said"]["it"]
    place.jobs.last = {"backup_check": place.found}
    place.uploaded.unlink()
    assert place.ask()["done"] is False
    assert place.noted() == []


def test_one_at_a_time(place: Place) -> None:
    """While one waits there is no second; one that nobody takes goes."""
    place.ask()
    assert wire(place.questions.restoring(ShowRestore()))["waiting"] is True
    assert "già chiesto" in place.ask()["said"]["it"]
    place.questions.look()
    assert helper_requests.restore_is_waiting(place.run)


def test_a_run_folder_that_takes_nothing_is_said(place: Place) -> None:
    """In words, with what to do."""
    place.run.rmdir()
    said = place.ask()["said"]
    assert "non è possibile" in said["it"]
    assert "Errno" not in said["en"]


def test_what_became_of_it_is_shown_and_kept_once(place: Place) -> None:
    """The records it was asked in are put aside: the new ones hear it from the helper's answer."""
    place.questions.start()
    assert place.noted() == []
    for well, what in ((True, "backup.restored"), (False, "backup.not_restored")):
        at = TEN.wall + timedelta(hours=well)
        helper_requests.tell_restore(
            place.run, HelperResult(at, well, pair("fatto", "done"), "beppe")
        )
        place.questions.start()
        place.questions.start()
        assert place.noted().count(("beppe", what)) == 1
    last = wire(place.questions.restoring(ShowRestore()))["last"]
    assert (last["well"], last["said"]["it"]) == (False, "fatto")
