"""What takes its time is done by a child that gives way: a backup, its check, the file's check."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.api.technician_commands import ShowSettings
from appliance.config import read
from appliance.errors import OfficeError
from appliance.policy.numbering import MASK
from appliance.policy.text import Refused
from appliance.service import technician_commands
from appliance.service.backup import MADE, UPLOADED
from appliance.service.jobs import NICENESS, JobResult, Jobs
from appliance.service.technician_commands import KEPT_S, JobCommands
from appliance.store import database
from tests.calls.examples import TEN
from tests.commands.test_backup import PHRASE, Home
from tests.console import people
from tests.helpers.niceness import wait_unhurried
from tests.helpers.wire import wire
from tests.helpers.words import both, pair
from tests.service.test_technician_commands_system import Kept


class Works:
    """A technician beside a box that has run; `end` waits for the child and has it looked at."""

    def __init__(self, folder: Path) -> None:
        (folder / "box").mkdir()
        self.home = Home(folder / "box")
        self.home.fill()
        settings = read.load(self.home.config)
        folders = replace(settings.folders, console=str(folder / "console"))
        (folder / "users").mkdir()
        self.stores = Kept(folder / "users")
        people.enter(self.stores.connection)
        self.jobs, stores = Jobs(self.home.config), self.stores
        self.questions = JobCommands(
            stores,  # type: ignore[arg-type]  # a stand-in
            replace(settings, folders=folders),
            pair("riga 3: 0512345678", "line 3: 0512345678"),
            self.jobs,
            lambda: TEN,
        )
        self.made = self.home.state / MADE
        self.uploaded = folder / "console" / UPLOADED

    def ask(self, what: str, by: str = "beppe", **more: Any) -> Any:
        """Ask, and have the deciding thread look; returns the answer."""
        told: list[Any] = []
        later: Any = self.questions.known[what]({"ask": what, "by": by, **more})
        later(lambda reply: told.append(wire(reply)))
        self.questions.look()
        return told.pop()

    def end(self) -> dict[str, Any]:
        """Wait for what is running; returns what came of it."""
        running = self.jobs._running
        assert running is not None
        wait_unhurried(running.child)
        self.questions.look()
        told = self.questions.told()
        assert told.running == ""
        last: dict[str, Any] = wire(told)["last"]
        return last

    def noted(self) -> list[str]:
        """List what was done by whoever is a user, oldest first."""
        rows = reversed(database.latest(self.stores.connection))
        return [one.what for one in rows if not one.what.startswith("user.")]


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    """Nothing is running."""
    made = Works(tmp_path)
    yield made
    made.jobs.stop()


def test_a_backup_is_made_checked_and_taken_away(works: Works) -> None:
    """By a child that gives way to everything; the file is the service's alone, and audited."""
    assert works.ask("backup_make", passphrase=PHRASE)["said"]["it"].startswith("Avviato")
    running = works.jobs._running
    assert running is not None
    assert os.getpriority(os.PRIO_PROCESS, running.child.pid) == NICENESS
    assert works.questions.told().running == "backup"
    assert works.ask("config_check")["done"] is False  # one at a time
    made = works.end()["backup_make"]
    assert made["well"], made
    assert works.made.stat().st_mode & 0o777 == 0o640, "the console fetches it"

    works.uploaded.parent.mkdir(parents=True)
    shutil.copy(works.made, works.uploaded)
    works.ask("backup_check", passphrase=PHRASE)
    checked = works.end()["backup_check"]
    assert checked["well"], checked
    assert "Nulla è stato cambiato" in checked["said"]["it"]
    works.ask("backup_check", passphrase="another word or two")
    assert not works.end()["backup_check"]["well"]

    works.ask("backup_fetch")
    assert works.made.exists()
    assert "Eliminato" in works.ask("backup_drop")["said"]["it"]
    assert not works.made.exists()
    done = ["make", "check", "check", "fetch", "drop"]
    assert works.noted() == [f"backup.{what}" for what in done]


def test_a_backup_holds_no_other_backup(works: Works) -> None:
    """Each would hold the one before."""
    works.made.parent.mkdir()
    works.home.run("backup", str(works.made), "--passphrase-file", str(works.home.phrase))
    assert works.made.exists()
    works.home.save()
    works.home.put_back()
    assert not works.made.parent.exists()


def test_the_file_on_the_disk_is_checked_as_it_is_now(works: Works) -> None:
    """Every mistake at once, each with its line."""
    (works.home.folder / "own" / "it" / "closed.wav").unlink()
    works.ask("config_check")
    checked = works.end()["config_check"]
    assert checked["well"], checked
    text = works.home.config.read_text(encoding="utf-8")
    works.home.config.write_text(text.replace("patron", "patrone") + "[nonsense]\n")
    works.ask("config_check")
    checked = works.end()["config_check"]
    assert not checked["well"]
    assert "patrone" in checked["said"]["it"]
    assert "nonsense" in checked["said"]["it"]
    assert "riga " in checked["said"]["it"]
    assert "line " in checked["said"]["en"]


@pytest.mark.parametrize(
    "what", ["config_check", "backup_make", "backup_check", "backup_fetch", "backup_drop"]
)
def test_only_a_technician_may(works: Works, what: str) -> None:
    """Nothing is begun, and nothing noted."""
    for by in ("carla", "anna", "eve"):
        assert works.ask(what, by, passphrase=PHRASE)["done"] is False
    assert works.jobs.running == ""
    assert works.noted() == []


def test_what_cannot_be_begun_is_refused_in_words(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short passphrase, no upload, no room, no known file, a phrase that is no line."""
    assert "12 caratteri" in works.ask("backup_make", passphrase="corta")["said"]["it"]
    assert "caricarlo prima" in works.ask("backup_check", passphrase=PHRASE)["said"]["it"]
    with pytest.raises(OfficeError, match="passphrase is a line"):
        works.ask("backup_make", passphrase="a\nb")
    with pytest.raises(OfficeError, match="passphrase is a line"):
        works.ask("backup_make", passphrase="one\ntwo")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000, total=1 << 40))
    assert "spazio" in works.ask("backup_make", passphrase=PHRASE)["said"]["it"]
    with pytest.raises(Refused, match="command line"):
        Jobs(None).check_free()


def test_what_the_system_refuses_is_said(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process can be made; another job came first."""

    def none(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    with monkeypatch.context() as patched:
        patched.setattr("subprocess.Popen", none)
        assert "no more processes" in works.ask("config_check")["said"]["en"]
    told: list[Any] = []
    for _ in range(2):
        later: Any = works.questions.known["config_check"]({"ask": "config_check", "by": "beppe"})
        later(lambda reply: told.append(wire(reply)))
    works.questions.look()
    assert [answer.get("done", True) for answer in told] == [True, False]


def test_a_child_cannot_fill_the_disk(works: Works) -> None:
    """A file that would grow too large ends it; nothing half-written stays."""
    told: list[JobResult] = []
    words = ("backup", str(works.made), "--passphrase-file", "/dev/stdin")
    works.made.parent.mkdir()
    works.jobs.begin(words, PHRASE, 5000, told.append)
    running = works.jobs._running
    assert running is not None
    wait_unhurried(running.child)
    works.jobs.look()
    assert not told[0].is_well
    assert list(works.made.parent.iterdir()) == []


def test_a_child_that_does_not_end_is_ended(works: Works) -> None:
    """And one is ended with call control."""
    told: list[JobResult] = []
    hasty = Jobs(works.home.config, limit_s=0.0)
    hasty.begin(("check",), "", 1 << 20, told.append)
    running = hasty._running
    assert running is not None
    hasty.look()
    running.child.wait(10)
    hasty.look()
    assert [ended.is_well for ended in told] == [False]
    hasty.begin(("check",), "", 1 << 20, told.append)
    hasty.stop()
    assert hasty.running == ""
    hasty.stop()


def test_a_backup_that_nobody_fetches_is_taken_away_after_a_day(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds callers' numbers."""
    monkeypatch.setattr(technician_commands, "LOOKS_S", 0.0)
    works.made.parent.mkdir()
    works.made.write_bytes(b"sealed")
    now = TEN.wall.timestamp()
    os.utime(works.made, (now, now - KEPT_S + 60))
    works.questions.look()
    assert works.made.exists()
    os.utime(works.made, (now, now - KEPT_S - 60))
    works.questions.look()
    assert not works.made.exists()


def test_settings_are_shown_without_internal_numbers(works: Works) -> None:
    """By table, each key with its value or how many are hidden; what is delivered is marked."""
    settings = works.questions.settings
    group = replace(settings.switchboard, pbx_numbers=("2201", "2202"), outside="0519999999")
    works.questions.settings = replace(settings, switchboard=group)
    told = wire(works.questions.shown(ShowSettings()))
    rows = {
        (table["section"], table["which"], row["key"]): row
        for table in told["sections"]
        for row in table["rows"]
    }
    assert rows["site", "", "name"]["value"] == settings.site.name
    hidden = {"key": "pbx_numbers", "value": "", "default": False, "hidden": 2}
    assert rows["switchboard", "", "pbx_numbers"] == hidden
    assert rows["switchboard", "", "outside"]["hidden"] == 1
    assert rows["citizens_desk", "", "outside"] == {
        "key": "outside", "value": "", "default": True, "hidden": 0,
    }  # fmt: skip
    assert rows["sip", "", "rtp_ports"]["value"] == "16000-16199"
    assert rows["sip", "", "rtp_ports"]["default"]
    assert "2201" not in str(told)
    assert "0519999999" not in str(told)
    assert told["complaint"] == both(f"riga 3: {MASK}", f"line 3: {MASK}")
