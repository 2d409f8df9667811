"""`centralino users`: users from the box's own shell, through the control socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.api import users
from appliance.console.accounts import Passwords
from appliance.service.stores import Stores
from appliance.store import users as store_users
from tests.commands.samples import CONFIG, call_control

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
PHRASE = "pane burro alici"


@dataclass
class Box:
    """A control socket behind which users are kept."""

    file: Path
    stores: Stores

    def run(self, *words: str, typed: str = "", code: int = 0) -> str:
        """Run a command line to its expected end."""
        line = [words[0], "--config", str(self.file), *words[1:]]
        result = CliRunner().invoke(main, line, input=typed)
        assert result.exit_code == code, result.output
        return result.output.strip()

    def add(self, name: str = "anna", *more: str, code: int = 0) -> str:
        """Make a user, the password typed twice."""
        line = ("users", "add", name, "--shown", "Anna Verdi", "--by", "root", *more)
        return self.run(*line, typed=f"{PHRASE}\n{PHRASE}\n", code=code)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Serve the control socket from a thread."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    with call_control(file) as stores:
        yield Box(file, stores)


def test_a_user_from_the_shell(box: Box) -> None:
    """Made with a hash of what was typed, listed, and the typed word is nowhere."""
    # Typed into a pipe: no prompt, on a terminal test_answering.py sees them.
    assert box.add("anna", "--role", "head", "--role", "technician") == "Utente anna creato."
    kept = box.stores.records.ask(lambda c: store_users.password_of(c, "anna"))
    assert Passwords().matches(kept, PHRASE)
    assert "Anna Verdi" in box.run("users", "list")
    assert "Responsabile, Tecnico" in box.run("users", "list")
    (row,) = json.loads(box.run("users", "list", "--json"))
    assert (row["roles"], row["must_change"]) == (["head", "technician"], True)
    assert kept not in box.run("users", "list", "--json")


def test_out_and_in_again(box: Box) -> None:
    """Disabled at once, enabled again; the last head stays, in the office's language."""
    box.add("anna", "--role", "head")
    box.add("carla", "--role", "operator")
    assert box.run("users", "disable", "carla") == "Utente carla modificato."
    assert "disabilitato" in box.run("users", "list")
    box.run("users", "enable", "carla")
    assert "disabilitato" not in box.run("users", "list")
    assert "è l'ultimo con il ruolo Responsabile" in box.run("users", "disable", "anna", code=1)


def test_changes_and_passwords(box: Box) -> None:
    """What is given changes; a new password is compared from now on."""
    box.add("anna", "--role", "head")
    box.run("users", "change", "anna", "--shown", "Anna V.", "--role", "head", "--role", "operator")
    assert "Anna V." in box.run("users", "list")
    new = "acqua e sale grosso"
    box.run("users", "password", "anna", "--keep", typed=f"{new}\n{new}\n")
    kept = box.stores.records.ask(lambda c: store_users.password_of(c, "anna"))
    assert Passwords().matches(kept, new)
    assert json.loads(box.run("users", "list", "--json"))[0]["must_change"] is False


def test_what_is_no_good_password(box: Box) -> None:
    """Too short, or the name itself: refused before anything is asked."""
    box.add("anna", "--role", "head")
    short = box.run("users", "password", "anna", typed="short\nshort\n", code=1)
    assert "da 10 a 128 caratteri" in short
    named = box.run("users", "password", "anna", typed="annaannabella\nannaannabella\n", code=1)
    assert "non contiene il nome utente" in named


def test_nobody_yet_is_said(box: Box) -> None:
    """Whoever looks is told where the code for the first user is, until there is one."""
    box.stores.records.ask(lambda _: None)
    assert users.CODE_FILE in box.run("check")
    box.stores.records.ask(lambda _: users.keep_code(box.file.parent / "state", is_wanted=False))
    assert users.CODE_FILE not in box.run("check")


def test_before_call_control_has_run_nobody_is_changed(tmp_path: Path) -> None:
    """There is nobody to write it down, which is said."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    line = ["users", "--config", str(file), "disable", "anna"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 1
    assert "non è mai stato avviato" in result.output
