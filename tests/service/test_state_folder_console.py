"""What the console's account may read of the state folder: what pages show, and nothing beside."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from appliance.config.state_folder import LEFT, SECRETS, settle_secrets
from appliance.service.main import open_to_console
from appliance.store import database

SHOWN = (
    "voicemail/new/m1.wav", "spoken/it/closed.wav", "spoken/menu.json", "drafts/it/hold.wav",
    "central/in_force", "central/abc/prompts/it/closed.wav", "backups/console.backup",
)  # fmt: skip
HIDDEN = (
    "voicemail/rec/m2.part", "voicemail/new/m1.meta", "voicemail/corrupt/m3.wav",
    "private/shell-proof", "last_good.toml", "service_state.json", "policy/policy.db",
    "night/2026-11-29/centralino.db", *LEFT,
)  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state folder in which a programme of before has made all for one account alone."""
    made = tmp_path / "state"
    for name in (*SHOWN, *HIDDEN):
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        path.chmod(0o600)
    for path in (made, *made.rglob("*")):
        if path.is_dir():
            path.chmod(0o700)
    return made


def is_read_by_the_group(state: Path, path: Path) -> bool:
    """Tell whether call control's group reads a file: it must enter each folder above it, too."""
    above = [folder for folder in path.parents if folder != state and state in folder.parents]
    entered = all(stat.S_IMODE(folder.stat().st_mode) & 0o050 == 0o050 for folder in above)
    return entered and bool(stat.S_IMODE(path.stat().st_mode) & 0o040)


def test_what_pages_show_is_opened_and_nothing_else(state: Path) -> None:
    """After an update, or after an old backup was put back, pages show what they showed before."""
    settle_secrets(state)
    open_to_console(state)
    read = {
        str(path.relative_to(state))
        for path in state.rglob("*")
        if path.is_file() and not path.is_symlink() and is_read_by_the_group(state, path)
    }
    assert read == set(SHOWN)
    modes = {stat.S_IMODE(path.lstat().st_mode) & 0o007 for path in state.rglob("*")
             if not path.is_symlink()}  # fmt: skip
    assert modes == {0}, "nobody else's business"
    assert stat.S_IMODE((state / SECRETS).stat().st_mode) == 0o700


def test_what_is_so_already_is_left_alone(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start looks; none writes to the card without need, none follows a link."""
    (state / "voicemail/new/link.wav").symlink_to(state / "last_good.toml")
    open_to_console(state)
    assert stat.S_IMODE((state / "last_good.toml").stat().st_mode) == 0o600

    def never(*_: object, **__: object) -> None:
        raise AssertionError("written without need")

    monkeypatch.setattr(os, "chmod", never)
    open_to_console(state)


def test_a_state_folder_that_is_empty_or_gone_is_no_trouble(tmp_path: Path) -> None:
    """The first start of all."""
    open_to_console(tmp_path)
    open_to_console(tmp_path / "none")


def test_records_are_read_by_the_group_and_written_by_call_control(tmp_path: Path) -> None:
    """The database and what SQLite keeps beside it, also where they were there before."""
    path = tmp_path / "centralino.db"
    with closing(sqlite3.connect(path)) as before:
        before.execute("PRAGMA journal_mode = WAL")
        before.execute("CREATE TABLE t (x)")
        for left in tmp_path.iterdir():
            left.chmod(0o600)
        database._keep_ours(path)
        assert {stat.S_IMODE(found.stat().st_mode) for found in tmp_path.iterdir()} == {0o640}
        assert len(list(tmp_path.iterdir())) == 3
