"""Secrets of the state folder: in a folder of their own, also those that were there before."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from appliance.config import phones, read
from appliance.config.state_folder import LEFT, SECRETS, settle_secrets
from appliance.service import housekeeping
from appliance.store.directory import key_path

CONFIG = """
[site]
name = "Test"
patron = "10-04"
[hours]
[sip]
address = "127.0.18.7"
[folders]
state = "{state}"
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state folder as a programme of before has left it."""
    made = tmp_path / "state"
    made.mkdir(mode=0o700)
    for name in LEFT:
        (made / name).write_text(f"of before: {name}")
        (made / name).chmod(0o600)
    return made


def places(state: Path) -> set[Path]:
    """Say where the programme looks for each secret that it keeps itself."""
    path = state.parent / "centralino.toml"
    path.write_text(CONFIG.format(state=state))
    settings = read.load(path)
    return {
        phones.secrets_path(settings),
        phones.handsets_path(settings),
        housekeeping.pin_path(state),
        key_path(state / "centralino.db"),
    }


def test_secrets_move_and_are_what_they_were(state: Path) -> None:
    """After an update every secret is in the folder, whole and for the service alone; the folder
    can be entered by nobody else.
    """
    settle_secrets(state)
    assert {path.parent.name for path in places(state)} == {SECRETS}
    assert stat.S_IMODE((state / SECRETS).stat().st_mode) == 0o700
    for name in LEFT:
        kept = state / SECRETS / name
        assert kept.read_text() == f"of before: {name}"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    before = sorted(path.lstat().st_ctime_ns for path in state.rglob("*"))
    settle_secrets(state)
    assert sorted(path.lstat().st_ctime_ns for path in state.rglob("*")) == before


def test_a_box_that_goes_back_to_its_former_programme_keeps_its_phones(state: Path) -> None:
    """The programme of before finds each secret where it looks; what it renews there, this one
    finds after the next update.
    """
    settle_secrets(state)
    assert (state / "phone_secrets.json").read_text() == "of before: phone_secrets.json"
    draft = state / "phone_secrets.tmp"  # as that programme writes
    draft.write_text("renewed")
    draft.replace(state / "phone_secrets.json")
    (found,) = (path for path in places(state) if path.name == "phone_secrets.json")
    assert found.read_text() == "renewed"
    settle_secrets(state)
    (found,) = (path for path in places(state) if path.name == "phone_secrets.json")
    assert (found.parent.name, found.read_text()) == (SECRETS, "renewed")


def test_a_card_that_is_read_only_keeps_no_phone_out(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be moved is found where it is, and that is said; nothing is raised."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    settle_secrets(state)
    assert {path.parent for path in places(state)} == {state}
    assert all(path.is_file() for path in places(state))


@pytest.mark.parametrize("at", range(1, 2 * len(LEFT) + 1))
def test_a_power_cut_at_any_moment_loses_no_secret(
    state: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Cut between any two steps: every secret is found, and the next start ends what was begun."""

    class Cut(BaseException):
        """The power goes."""

    done: list[int] = [0]
    real: dict[str, Any] = {"replace": os.replace, "symlink": os.symlink}

    def step(name: str) -> None:
        def call(*given: Any, **named: Any) -> None:
            real[name](*given, **named)
            done[0] += 1
            if done[0] == at:
                raise Cut

        monkeypatch.setattr(os, name, call)

    step("replace")
    step("symlink")
    with pytest.raises(Cut):
        settle_secrets(state)
    monkeypatch.undo()
    assert {path.read_text() for path in places(state)} == {
        f"of before: {path.name}" for path in places(state)
    }
    settle_secrets(state)
    assert all((state / SECRETS / name).read_text() == f"of before: {name}" for name in LEFT)
