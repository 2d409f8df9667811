"""What tests of the console share: the application in this process, somebody who visits it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.console.settings import ConsoleSettings
from appliance.records.database import open_database
from tests.console import people
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
        door=tmp_path / "run" / "desk.sock",
        is_secure=False,
        announcements=(tmp_path / "state" / "spoken",),
        drafts=tmp_path / "state" / "drafts",
    )


@pytest.fixture
def visitor(console_settings: ConsoleSettings) -> Iterator[Visitor]:
    """Return somebody who visits the application in this process: no socket, no browser."""
    with Visitor(console_settings) as visiting:
        yield visiting


@pytest.fixture
def records(console_settings: ConsoleSettings) -> Iterator[sqlite3.Connection]:
    """Return the records that the console reads, with a user of each kind (people.py)."""
    path = console_settings.records
    path.parent.mkdir(exist_ok=True)
    with closing(open_database(path, path.parent / "corrupt").connection) as connection:
        people.enter(connection)
        yield connection


@pytest.fixture
def operator(visitor: Visitor, records: sqlite3.Connection) -> Visitor:
    """Return a visitor who has logged in as an operator."""
    visitor.log_in(people.CARLA)
    return visitor
