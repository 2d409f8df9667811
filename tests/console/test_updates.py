"""The page of updates: for technicians, on an image; elsewhere it says that apt brings them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.api.replies import Declined
from appliance.api.technician_replies import UpdateEnded
from appliance.calls import events
from appliance.config import read
from appliance.console import uploads
from appliance.console.guards import UPDATE_UPLOAD
from appliance.console.settings import ConsoleSettings
from appliance.policy import updates as policy_updates
from appliance.policy.updates import UpdateState
from appliance.service import updates
from appliance.service.updates import (
    OwnHealth,
    UpdateCommands,
    UpdateRecord,
    UpdateRequest,
    UpdateRunner,
)
from appliance.store import database
from appliance.store.database import connect, migrate, open_reader
from appliance.text import unchanged
from tests.calls.examples import TEN, tell, up
from tests.commands.samples import CONFIG
from tests.console import people
from tests.console.control_socket import ServedSocket
from tests.console.test_backup import Records
from tests.console.visitor import Visitor
from tests.helpers.wire import wire
from tests.helpers.words import pair

PAGE = "/plant/updates"
BUNDLE = b"hsqs" + b"x" * 5000
SURE = {"sure": "1"}


class Place:
    """Call control that is asked of updates, and its console."""

    def __init__(self, console: ConsoleSettings, folder: Path) -> None:
        written = folder / "box.toml"
        own = f'console = "{console.state}"\n[updates]\nserver = "https://updates.example/"\n'
        written.write_text(CONFIG.format(folder=folder) + own)
        settings = read.load(written)
        self.run = folder / "run"
        self.run.mkdir(exist_ok=True)
        self.console, self.switchboard = console, up()
        stores: Any = SimpleNamespace(records=Records(console.records))
        no_jobs: Any = SimpleNamespace()
        self.updates = UpdateRunner(
            settings, stores.records, no_jobs, lambda *_: None, is_image=lambda: True
        )
        self.questions = UpdateCommands(
            stores,
            settings,
            self.updates,
            lambda: self.switchboard.status(TEN),
            lambda: OwnHealth(30.0, carrier=True, restarts=2),
        )

    def answer(self, question: dict[str, Any]) -> Any:
        """Answer as call control does."""
        return self.questions.known[question["ask"]](question)

    def noted(self) -> list[tuple[str, str]]:
        """List what the audit has of it."""
        with closing(open_reader(self.console.records)) as connection:
            return [(one.by, one.what) for one in database.latest(connection, "update.")]


@pytest.fixture
def place(tmp_path: Path, console_settings: ConsoleSettings) -> Place:
    """An image, on which nothing was ever updated."""
    console_settings.records.parent.mkdir(parents=True)
    with closing(connect(console_settings.records)) as connection:
        migrate(connection)
        people.enter(connection)
    return Place(console_settings, tmp_path)


@pytest.fixture
def technician(place: Place) -> Iterator[Visitor]:
    """Beppe has logged in."""
    place.console.control_socket.parent.mkdir(parents=True, exist_ok=True)
    with (
        ServedSocket(place.console.control_socket, place.answer),
        Visitor(place.console) as visitor,
    ):
        visitor.log_in(people.BEPPE)
        yield visitor


def send(visitor: Visitor, data: bytes) -> Any:
    """Upload a file as the page's script does."""
    return visitor.post(
        UPDATE_UPLOAD, content=data, headers={"content-type": "application/octet-stream"}
    )


def test_an_experimental_image_is_told_of(technician: Visitor, place: Place) -> None:
    """Where the version is read; of an ordinary image there is nothing to tell."""
    assert "sperimentale" not in technician.get(PAGE).text
    place.updates.note = policy_updates.EXPERIMENTAL.filled(variant="pi5-experimental")
    assert "Immagine sperimentale (pi5-experimental)" in technician.get(PAGE).text


def test_an_update_is_brought_and_asked_for(technician: Visitor, place: Place) -> None:
    """Uploaded to where root's helper looks; without the tick nothing is asked."""
    assert "Installa" not in technician.get(PAGE).text
    assert send(technician, BUNDLE).status_code == 204
    lies = uploads.uploaded_update_path(place.console)
    assert lies.read_bytes() == BUNDLE
    assert "Controlla e installa" in technician.get(PAGE).text
    answer = technician.post(f"{PAGE}/install", data={})
    assert (answer.status_code, "sicuri" in answer.text) == (400, True)
    assert technician.post(f"{PAGE}/install", data=SURE).status_code == 303
    assert updates.take(place.run) == UpdateRequest("beppe", "upload")
    assert place.noted() == [("beppe", "update.upload")]
    technician.post(f"{PAGE}/forget")
    assert not lies.exists()
    assert technician.post(f"{PAGE}/install", data=SURE).status_code == 409


def test_another_file_is_not_kept(technician: Visitor, place: Place) -> None:
    """It is said in words what should come."""
    answer = send(technician, b"GIF89a" + b"x" * 5000)
    assert (answer.status_code, ".raucb" in answer.text) == (409, True)
    assert not uploads.uploaded_update_path(place.console).exists()


def test_a_broken_upload_is_told(technician: Visitor, place: Place) -> None:
    """The page says how much has come and how it goes on, until it is whole or deleted."""
    headers = {"upload-file": "x", "upload-length": "4000000", "upload-offset": "0"}
    half = b"hsqs" + b"x" * 1_999_996
    answer = technician.post(UPDATE_UPLOAD, content=half, headers=headers)
    assert answer.headers["upload-offset"] == "2000000"
    text = technician.get(PAGE).text
    assert "Di un caricamento interrotto" in text
    assert "sono arrivati 2,0 MB" in text
    assert "Elimina" in text
    technician.post(f"{PAGE}/forget")
    assert "caricamento interrotto" not in technician.get(PAGE).text


def test_a_ready_version_is_started_by_hand(technician: Visitor, place: Place) -> None:
    """Call control waits until nobody is on the phone; another one is not taken."""
    assert technician.post(f"{PAGE}/start", data=SURE).status_code == 409
    place.updates.kept = UpdateRecord(UpdateState.INSTALLED, "1.1.0", by="beppe")
    send(technician, BUNDLE)
    assert "Avvio dalla versione 1.1.0" in technician.get(PAGE).text
    assert technician.post(f"{PAGE}/install", data=SURE).status_code == 409
    assert technician.post(f"{PAGE}/start", data=SURE).status_code == 303
    assert place.updates.at_once
    assert updates.take(place.run) is None
    assert technician.post(f"{PAGE}/give-up", data=SURE).status_code == 303
    assert updates.take(place.run) == UpdateRequest("beppe", "give-up")


def test_what_went_back_is_said_and_put_out(technician: Visitor, place: Place) -> None:
    """With its reason and its place among those so far; names are shown as text."""
    past = UpdateEnded(
        "2026-11-26T04:00:00+00:00", "<box>", "1.0.0", "1.1.0", "back", pair("<x>", "y")
    )
    place.updates.kept = UpdateRecord(
        UpdateState.BACK, "1.1.0", said=pair("<perché>", "why"), past=(past,)
    )
    text = technician.get(PAGE).text
    assert "&lt;perché&gt;" in text
    assert "&lt;box&gt;: 1.0.0 → 1.1.0" in text
    assert "non ha superato la prova" in text
    assert "hx-trigger" not in technician.get(PAGE).text.split('id="update"')[1].split(">")[0]
    assert technician.post(f"{PAGE}/give-up", data=SURE).status_code == 303


def test_the_page_follows_what_goes_on(technician: Visitor, place: Place) -> None:
    """While something does; once it is over the whole page comes anew."""
    place.updates.kept = UpdateRecord(UpdateState.TRIAL, "1.1.0")
    assert "every 3s" in technician.get(f"{PAGE}/live").text
    assert "in prova" in technician.get(PAGE).text
    place.updates.kept = UpdateRecord(UpdateState.GOOD, "1.1.0")
    assert 'hx-trigger="load"' in technician.get(f"{PAGE}/live").text


def test_the_page_shows_a_stick_and_a_download(technician: Visitor, place: Place) -> None:
    """As long as they last, and follows them."""
    assert "chiavetta USB: non toglierla" not in technician.get(PAGE).text
    place.updates.is_fetching = True
    text = technician.get(f"{PAGE}/live").text
    assert "richiesta di aggiornamenti al server" in text
    assert "every 3s" in text
    place.updates.is_fetching = False
    updates.progress_path(place.run).parent.mkdir()
    with updates.reading_stick(place.run, Path("/dev/null")):
        text = technician.get(f"{PAGE}/live").text
        assert "chiavetta USB: non toglierla" in text
        assert "every 3s" in text
    assert "every 3s" not in technician.get(f"{PAGE}/live").text


def test_a_box_of_ones_own_system_is_told_of_apt(technician: Visitor, place: Place) -> None:
    """Nothing can be asked for there."""
    place.updates.is_image = False
    text = technician.get(PAGE).text
    assert "sudo apt install centralino" in text
    assert "<form" not in text.split("<main")[1]
    send(technician, BUNDLE)
    answer = technician.post(f"{PAGE}/install", data=SURE)
    assert (answer.status_code, "apt" in answer.text) == (409, True)
    assert updates.take(place.run) is None


def test_only_a_technician_may(technician: Visitor, place: Place) -> None:
    """Not the head, not an operator; call control looks as well."""
    for user in (people.ANNA, people.CARLA):
        technician.log_in(user)
        assert technician.get(PAGE).status_code == 403
        assert send(technician, BUNDLE).status_code == 403
    told: list[Any] = []
    place.answer({"ask": "update_back", "by": "carla", "sure": True})(told.append)
    assert isinstance(told[0], Declined)
    assert updates.take(place.run) is None


def test_the_helper_hears_how_call_control_is(place: Place) -> None:
    """Its lines, whether anybody is on the phone, for how long it has been ready."""
    health = wire(place.answer({"ask": "updates"}))["health"]
    assert (health["idle"], health["ready_s"], health["restarts"]) == (True, 30.0, 2)
    assert set(health["working"]) | set(health["out"]) == {
        line.name for line in place.switchboard.status(TEN).lines
    }
    tell(place.switchboard, TEN, events.LineLost("line1", unchanged("gone")))
    assert "line1" in wire(place.answer({"ask": "updates"}))["health"]["out"]
    tell(place.switchboard, TEN, events.LineRang("line2"))
    assert wire(place.answer({"ask": "updates"}))["health"]["idle"] is False


def test_pages_stay_readable_with_call_control_away(place: Place) -> None:
    """What cannot be asked is said."""
    with Visitor(place.console) as visitor:
        visitor.log_in(people.BEPPE)
        assert "non risponde" in visitor.get(PAGE).text


def test_a_test_image_says_so_on_every_page(place: Place) -> None:
    """Also to who has not logged in yet; an ordinary image says nothing."""
    warned = replace(place.console, image_note=policy_updates.TEST_IMAGE)
    for settings, is_said in ((warned, True), (place.console, False)):
        with Visitor(settings) as visitor:
            answer = visitor.get("/login", headers={"Accept-Language": "it"})
            assert answer.status_code == 200
            assert ("IMMAGINE DI PROVA" in answer.text) is is_said


def test_the_server_is_named_where_the_box_asks_it_by_itself(
    technician: Visitor, place: Place
) -> None:
    """Not where a person asks it."""
    assert "updates.example" not in technician.get(PAGE).text
    own = replace(place.questions.settings.updates, install="night")
    place.updates._settings = replace(place.questions.settings, updates=own)
    assert "https://updates.example/" in technician.get(PAGE).text
