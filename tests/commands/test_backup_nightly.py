"""`box restore --nightly`: the records of a night are back, and nothing since is lost."""

from __future__ import annotations

import random
import socket
from contextlib import closing
from pathlib import Path

import pytest

from appliance.service.nightly import NIGHTLY
from appliance.store import voicemail
from appliance.store.database import database_path, open_reader
from appliance.store.voicemail import Message
from tests.commands.test_backup import Home
from tests.voicemail.box import Box, speech
from tests.voicemail.test_mailbox import record_message


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A box that has run, with a copy of the night on its card."""
    home = Home(tmp_path / "box")
    home.fill()
    home.run("backup", "--nightly")
    return home


def night(home: Home) -> str:
    """Name the one night of which there is a copy."""
    (copy,) = (path for path in (home.state / NIGHTLY).iterdir() if path.is_dir())
    return copy.name


def left_since(home: Home, call: str) -> None:
    """Have somebody leave a message."""
    box = Box(home.state).start()
    record_message(box, speech(7, 2500), call)
    box.settle()
    box.stop()


def spoil(path: Path) -> None:
    """Tear pages of records, the same in each run."""
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(random.Random(1).randbytes(40 * 4096))


def listed(home: Home) -> tuple[Message, ...]:
    """Read the messages."""
    with closing(open_reader(database_path(home.state))) as records:
        return voicemail.list_messages(records)


def test_damaged_records_are_replaced_and_messages_since_are_found(home: Home) -> None:
    """The list is that night's, what was said since is taken up by its sidecar, and what stood is
    beside, the damaged records too.
    """
    (before,) = listed(home)
    left_since(home, "a-2")
    spoil(database_path(home.state))
    spoilt = database_path(home.state).read_bytes()
    said = home.run("restore", "--nightly", night(home))
    (kept,) = home.folder.glob("state.before-*")
    assert str(kept) in said
    assert database_path(kept).read_bytes() == spoilt
    assert listed(home) == (before,)
    started = Box(home.state).start()
    started.settle()
    assert {message.call for message in started.listed()} == {before.call, "a-2"}
    assert all((started.home / message.path).exists() for message in started.listed())
    assert started.troubles == []
    started.stop()


def test_a_sound_that_was_lost_comes_back_and_all_else_stays(home: Home) -> None:
    """A file that somebody removed by mistake is the copy's; settings, secrets and the copies
    themselves are as they were.
    """
    files, rights = home.files(), (home.state / "secrets" / "phone_secrets.json").stat().st_mode
    day = night(home)
    (message,) = listed(home)
    (home.state / "voicemail" / message.path).unlink()
    home.run("restore", "--nightly", day)
    (kept,) = home.folder.glob("state.before-*")
    now = {n: d for n, d in home.files().items() if not n.startswith(kept.name)}
    assert now == files
    assert (home.state / "secrets" / "phone_secrets.json").stat().st_mode == rights
    assert night(home) == day
    assert not list(home.state.glob("centralino.db-*"))


def test_what_cannot_be_put_back_changes_nothing(home: Home) -> None:
    """A night of which there is no copy, a copy that is damaged, call control that runs."""
    before, day = home.files(), night(home)
    assert day in home.run("restore", "--nightly", "2020-02-30", code=1)
    assert "integra" in home.run("restore", "--nightly", day, "--check")
    (home.folder / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(home.folder / "run" / "desk.sock"))
        control.listen()
        assert "è in funzione" in home.run("restore", "--nightly", day, code=1)
    assert home.files() == before
    spoil(home.state / NIGHTLY / day / "centralino.db")
    assert "danneggiati" in home.run("restore", "--nightly", day, code=1)
    assert not list(home.folder.glob("*.before-*"))
    assert not list(home.folder.glob(".state.*"))
    assert "--nightly" in home.run("restore", "--nightly", day, "x.backup", code=2)
