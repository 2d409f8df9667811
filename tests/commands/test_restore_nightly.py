"""`centralino restore --nightly`: the records of a night are back, and nothing since is lost."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from appliance.service.nightly import NIGHTLY
from appliance.store import voicemail
from appliance.store.database import database_path, open_reader
from appliance.store.voicemail import Message
from tests.commands.test_backup import House
from tests.voicemail.box import Box, speech
from tests.voicemail.test_mailbox import record_message


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A box that has run, with a copy of the night on its card."""
    house = House(tmp_path / "box")
    house.fill()
    house.run("backup", "--nightly")
    return house


def night(house: House) -> str:
    """Name the one night of which there is a copy."""
    (copy,) = (path for path in (house.state / NIGHTLY).iterdir() if path.is_dir())
    return copy.name


def left_since(house: House, call: str) -> None:
    """Have somebody leave a message."""
    box = Box(house.state).start()
    record_message(box, speech(7, 2500), call)
    box.settle()
    box.stop()


def spoil(path: Path) -> None:
    """Tear pages of records."""
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(40 * 4096))


def listed(house: House) -> tuple[Message, ...]:
    """Read the messages."""
    with closing(open_reader(database_path(house.state))) as records:
        return voicemail.list_messages(records)


def test_damaged_records_are_replaced_and_messages_since_are_found(house: House) -> None:
    """The list is that night's, what was said since is taken up by its sidecar, and what stood is
    beside, the damaged records too.
    """
    (before,) = listed(house)
    left_since(house, "a-2")
    spoil(database_path(house.state))
    spoilt = database_path(house.state).read_bytes()
    said = house.run("restore", "--nightly", night(house))
    (kept,) = house.folder.glob("state.before-*")
    assert str(kept) in said
    assert database_path(kept).read_bytes() == spoilt
    assert listed(house) == (before,)
    started = Box(house.state).start()
    started.settle()
    assert {message.call for message in started.listed()} == {before.call, "a-2"}
    assert all((started.home / message.path).exists() for message in started.listed())
    assert started.troubles == []
    started.stop()


def test_a_sound_that_was_lost_comes_back_and_all_else_stays(house: House) -> None:
    """A file that somebody removed by mistake is the copy's; settings, secrets and the copies
    themselves are as they were.
    """
    files, rights = house.files(), (house.state / "secrets" / "phone_secrets.json").stat().st_mode
    day = night(house)
    (message,) = listed(house)
    (house.state / "voicemail" / message.path).unlink()
    house.run("restore", "--nightly", day)
    (kept,) = house.folder.glob("state.before-*")
    now = {n: d for n, d in house.files().items() if not n.startswith(kept.name)}
    assert now == files
    assert (house.state / "secrets" / "phone_secrets.json").stat().st_mode == rights
    assert night(house) == day
    assert not list(house.state.glob("centralino.db-*"))


def test_what_cannot_be_put_back_changes_nothing(house: House) -> None:
    """A night of which there is no copy, a copy that is damaged, a desk that runs."""
    before, day = house.files(), night(house)
    assert day in house.run("restore", "--nightly", "2020-02-30", code=1)
    assert "integra" in house.run("restore", "--nightly", day, "--check")
    (house.folder / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as desk:
        desk.bind(str(house.folder / "run" / "desk.sock"))
        desk.listen()
        assert "è in funzione" in house.run("restore", "--nightly", day, code=1)
    assert house.files() == before
    spoil(house.state / NIGHTLY / day / "centralino.db")
    assert "danneggiata" in house.run("restore", "--nightly", day, code=1)
    assert not list(house.folder.glob("*.before-*"))
    assert not list(house.folder.glob(".state.*"))
    assert "--nightly" in house.run("restore", "--nightly", day, "x.backup", code=2)
