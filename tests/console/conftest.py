"""What tests of the console share: the application in this process, who visits it, a browser."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from appliance.console.settings import ConsoleSettings
from appliance.store.database import open_database
from tests.console import people
from tests.console.browser import Chromium, started
from tests.console.visitor import Visitor

Opened = Callable[..., Visitor]


@pytest.fixture
def console_settings(tmp_path: Path) -> ConsoleSettings:
    """Return settings of a console of its own folder, served without TLS."""
    state = tmp_path / "console"
    state.mkdir()
    return ConsoleSettings(
        site="Comune di Prova",
        zone="Europe/Rome",
        languages=("it", "en"),
        listen="127.0.0.1",
        port=0,
        redirect_port=0,
        names=("centralino.local",),
        certificate="",
        key="",
        state=state,
        records=tmp_path / "state" / "centralino.db",
        voicemail=tmp_path / "state" / "voicemail",
        control_socket=tmp_path / "run" / "desk.sock",
        is_secure=False,
        announcements=(tmp_path / "state" / "spoken",),
        drafts=tmp_path / "state" / "drafts",
    )


@pytest.fixture
def visitor(console_settings: ConsoleSettings) -> Iterator[Visitor]:
    """Return somebody who visits the application in this process: no socket, no browser."""
    with Visitor(console_settings) as visiting:
        yield visiting


@pytest.fixture(scope="session")
def records_to_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return records with a user of each kind (people.py): a copy is made sooner than new ones."""
    path = tmp_path_factory.mktemp("records") / "centralino.db"
    with closing(open_database(path, path.parent / "corrupt").connection) as connection:
        people.enter(connection)
    return path


@pytest.fixture
def records(
    console_settings: ConsoleSettings, records_to_copy: Path
) -> Iterator[sqlite3.Connection]:
    """Return the records that the console reads, with a user of each kind (people.py)."""
    path = console_settings.records
    path.parent.mkdir(exist_ok=True)
    is_there = path.exists()  # call control that runs already has made them
    if not is_there:
        shutil.copy(records_to_copy, path)
    with closing(open_database(path, path.parent / "corrupt").connection) as connection:
        if is_there:
            people.enter(connection)
        yield connection


@pytest.fixture
def operator(visitor: Visitor, records: sqlite3.Connection) -> Visitor:
    """Return a visitor who has logged in as an operator."""
    visitor.log_in(people.CARLA)
    return visitor


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A real browser, one for all tests of a worker."""
    with started() as found:
        yield found


@pytest.fixture
def browser(chromium: Chromium) -> Iterator[Browser]:
    """Return the real browser; ask it for a `screen`: each has cookies of its own."""
    with chromium.turn() as found:
        yield found
