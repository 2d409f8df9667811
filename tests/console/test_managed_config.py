"""The page of the head office's settings: for head and technician, each step said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.config import read
from appliance.console import uploads
from appliance.console.guards import SETTINGS_UPLOAD
from appliance.console.settings import ConsoleSettings
from appliance.policy.clock import Now
from appliance.service.managed_config import UPLOADED, ManagedConfigCommands, ManagedConfigFetcher
from appliance.service.technician_commands import JobCommands
from appliance.store.database import connect, migrate
from appliance.text import NOTHING
from tests.commands.samples import CONFIG
from tests.console import people
from tests.console.control_socket import ServedSocket
from tests.console.test_backup import Records
from tests.console.visitor import Visitor
from tests.managed_config.samples import AT, FIRST, made, without
from tests.service.test_managed_config import Runner

PAGE = "/central"
BUNDLE = made(1, without(FIRST, "register.toml"))
SURE = {"sure": "1"}


class Place:
    """Call control that is asked of central settings, and its console."""

    def __init__(self, console: ConsoleSettings, folder: Path) -> None:
        self.written, self.console = folder / "box.toml", console
        own = f'console = "{console.state}"\n[central]\ncertificate = "{folder}/central.pem"\n'
        self.written.write_text(CONFIG.format(folder=folder) + own)
        self.runner = Runner()
        self.make()

    def make(self) -> None:
        """Make call control's part, by the configuration as it is now."""
        settings = read.load(self.written)
        stores: Any = SimpleNamespace(records=Records(self.console.records))
        runner: Any = self.runner
        jobs = JobCommands(stores, settings, NOTHING, runner, lambda: Now(1.0, AT))
        central = ManagedConfigFetcher(settings, stores.records, runner, lambda *_: None)
        self.questions = ManagedConfigCommands(stores, central, jobs)

    def answer(self, question: dict[str, Any]) -> Any:
        """Answer as call control does; what is allowed begins at once, and ends at the next."""
        found: Any = self.questions.known[question["ask"]](question)
        if not callable(found):
            self.questions.jobs.look()
            return self.questions.known[question["ask"]](question)
        told: list[Any] = []
        found(told.append)
        self.questions.jobs.look()
        return told[0]


@pytest.fixture
def place(tmp_path: Path, console_settings: ConsoleSettings) -> Place:
    """A branch with a head office."""
    console_settings.records.parent.mkdir(parents=True)
    with closing(connect(console_settings.records)) as connection:
        migrate(connection)
        people.enter(connection)
    return Place(console_settings, tmp_path)


@pytest.fixture
def head(place: Place) -> Iterator[Visitor]:
    """Anna has logged in."""
    place.console.control_socket.parent.mkdir(parents=True, exist_ok=True)
    with (
        ServedSocket(place.console.control_socket, place.answer),
        Visitor(place.console) as visitor,
    ):
        visitor.log_in(people.ANNA)
        yield visitor


def send(visitor: Visitor, data: bytes) -> Any:
    """Upload a file as the page's script does."""
    return visitor.post(
        SETTINGS_UPLOAD, content=data, headers={"content-type": "application/octet-stream"}
    )


def test_a_file_is_brought_shown_and_put_in_force(head: Visitor, place: Place) -> None:
    """It lies where call control looks; nothing is put in force without the tick, or without a
    file.
    """
    assert "Metti in vigore" not in head.get(PAGE).text
    assert head.post(f"{PAGE}/apply", data=SURE).status_code == 409
    assert send(head, BUNDLE).status_code == 204
    file = uploads.uploaded_settings_path(place.console)
    assert file.read_bytes() == BUNDLE
    assert str(file).endswith(UPLOADED)
    assert "Metti in vigore" in head.get(PAGE).text
    assert head.post(f"{PAGE}/show", data={}).status_code == 303
    assert place.runner.words == [("settings", "show", str(file))]
    answer = head.post(f"{PAGE}/apply", data={})
    assert (answer.status_code, "devono valere" in answer.text) == (400, True)
    assert head.post(f"{PAGE}/apply", data=SURE).status_code == 303
    assert place.runner.words[-1] == ("settings", "apply", str(file), "--by", "anna")
    assert "Messe in vigore" in head.get(PAGE).text
    assert "fatto" in head.get(f"{PAGE}/live").text


def test_another_file_is_not_kept(head: Visitor, place: Place) -> None:
    """It is said in words what should come."""
    answer = send(head, b"PK" + bytes(100))
    assert (answer.status_code, "settings pack" in answer.text) == (409, True)
    assert not uploads.uploaded_settings_path(place.console).exists()


def test_a_box_without_a_head_office_says_so(head: Visitor, place: Place) -> None:
    """There is no form: the technician names the certificate first."""
    text = place.written.read_text()
    place.written.write_text(text[: text.index("[central]")])
    place.make()
    shown = head.get(PAGE).text
    assert "non è configurata nessuna sede centrale" in shown
    assert 'id="upload"' not in shown
