"""The window of the console: a child serves the files, for minutes, over a start of the service."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.api.phones import FILE, MINUTES, ProvisioningWindow
from appliance.config import phones, read
from appliance.config.phones import StoredHandset
from appliance.policy.text import Refused
from appliance.provisioning.server import PORT
from tests.commands.test_phones import CONFIG
from tests.helpers.niceness import unhurried
from tests.helpers.ports import own_address

LIMIT_S = 240.0


class Office:
    """A configuration with one phone that waits for its file."""

    def __init__(self, folder: Path) -> None:
        self.address = own_address()
        self.path = folder / "centralino.toml"
        text = CONFIG.format(folder=folder).replace("127.0.18.7", self.address)
        self.path.write_text(text, encoding="utf-8")
        settings = read.load(self.path)
        (folder / "run").mkdir()
        phones.save_secrets(settings, {"op1": "password-of-op1"})
        phones.save_handsets(settings, {"op1": StoredHandset("baresip", "", "token")})
        self.run = folder / "run"
        self.window = self.new()

    def new(self) -> ProvisioningWindow:
        """Return the window as a run of the service has it."""
        return ProvisioningWindow(self.path, self.run)

    def fetched(self) -> str:
        """Fetch the phone's file as it does; "" while nobody gives it."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{PORT}/token/accounts") as answer:
                text: str = answer.read().decode()
                return text
        except (urllib.error.URLError, OSError):
            return ""

    def wait(self, is_so: Callable[[], object], what: str) -> None:
        """Let the window look until something is so."""
        end = time.monotonic() + LIMIT_S
        while not is_so():
            assert time.monotonic() < end, f"{what}: {self.window.said}"
            self.window.look()
            if self.window._child is not None:
                unhurried(self.window._child)
            time.sleep(0.05)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Nothing is open."""
    made = Office(tmp_path)
    yield made
    made.window.stop()


@pytest.mark.system
def test_a_phone_fetches_its_file_while_it_is_open(office: Office) -> None:
    """What is asked for is told; closed, nobody gives anything."""
    assert office.fetched() == ""
    office.window.open()
    assert MINUTES * 60 - 5 < office.window.left_s <= MINUTES * 60 + 1
    office.wait(lambda: "password-of-op1" in office.fetched(), "no file is given")
    office.wait(lambda: "op1: file " in office.window.said, "it does not tell")
    office.window.close()
    assert office.window.left_s == 0
    office.wait(lambda: office.window._child is None, "the child does not end")
    assert office.fetched() == ""


@pytest.mark.system
def test_a_start_of_the_service_closes_nothing(office: Office) -> None:
    """A new phone asks for one: the child ends with the service, the next run opens it again."""
    office.window.open()
    office.wait(lambda: office.fetched(), "no file is given")
    office.window.stop()
    assert office.fetched() == ""
    office.window = office.new()
    office.window.resume()
    assert office.window.left_s > 0
    office.wait(lambda: office.fetched(), "no file is given again")


@pytest.mark.system
def test_a_phone_that_is_added_is_served_too(office: Office) -> None:
    """The files are made anew while it is open."""
    office.window.open()
    office.wait(lambda: office.fetched(), "no file is given")
    phones.save_secrets(read.load(office.path), {"op1": "another"})
    office.window.renew()
    office.wait(lambda: "another" in office.fetched(), "the file is the old one")


@pytest.mark.system
def test_a_child_that_has_nothing_to_do_closes_it(office: Office) -> None:
    """No phone waits: it says so, and nothing is open any more."""
    phones.save_handsets(read.load(office.path), {})
    office.window.open()
    office.wait(lambda: office.window.left_s == 0, "it stays open")
    assert "add one first" in office.window.said
    assert not (office.run / FILE).exists()


@pytest.mark.system
def test_time_closes_it(office: Office) -> None:
    """The child is ended then, whatever it waits for."""
    now = [0.0]
    office.window = ProvisioningWindow(office.path, office.run, lambda: now[0])
    office.window.open()
    office.wait(lambda: office.fetched(), "no file is given")
    now[0] = MINUTES * 60 + 1.0
    office.wait(lambda: office.window._child is None, "the child does not end")
    assert office.window.left_s == 0


def test_without_a_configuration_file_it_cannot_be_opened(tmp_path: Path) -> None:
    """One sentence; nothing of a file that is damaged is believed."""
    window = ProvisioningWindow(None, tmp_path)
    with pytest.raises(Refused, match="command line"):
        window.open()
    (tmp_path / FILE).write_text("soon", encoding="utf-8")
    window.resume()
    assert window.left_s == 0
    window.renew()
    window.look()
    assert window.said == ""
