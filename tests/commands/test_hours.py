"""`centralino state hours`, and what commands that need no call control say of the hours that were
entered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.api import users
from appliance.api.hours import HoursCommands, WeekCommands
from appliance.config import read
from appliance.config.office import build_office
from appliance.policy.clock import Now
from appliance.policy.hours_changes import office_with
from appliance.policy.office import Office
from appliance.service.stores import Stores
from appliance.store.database import database_path
from tests.calls.examples import TEN
from tests.commands.samples import CONFIG
from tests.console.call_control_users import serving

OPEN = ("--open", "9-12", "--reason", "Mercatini", "--reference", "e-mail, 8:05", "--by", "root")

LINE = '[[lines]]\nname = "line1"\nport = "/dev/serial/by-path/x"\n'


@dataclass
class Box:
    """Call control at ten o'clock on a Wednesday in November 2026."""

    file: Path
    stores: Stores
    written: Office
    asked: int = 0

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""
        return office_with(self.written, self.stores.hours.entered)

    def now(self) -> Now:
        """Return the moment, a little later at every question."""
        self.asked += 1
        return replace(TEN, wall=TEN.wall.replace(microsecond=self.asked))

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command line to its expected end."""
        line = [words[0], "--config", str(self.file), *words[1:]]
        result = CliRunner().invoke(main, line)
        assert result.exit_code == code, result.output
        return result.output.strip()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Serve the control socket from a thread."""
    file = tmp_path / "centralino.toml"
    file.write_text(f"{CONFIG.format(folder=tmp_path)}\n{LINE}", encoding="utf-8")
    stores = Stores(tmp_path / "state", "b", lambda _: None, lambda *_: None)
    stores.start()
    users.prepare_proof(tmp_path / "state")
    made = Box(file, stores, build_office(read.load(file), 2026))
    control: Any = made
    (tmp_path / "run").mkdir(exist_ok=True)
    known = HoursCommands(stores, control).known | WeekCommands(stores, control).known
    with serving(tmp_path / "run" / "desk.sock", known):
        yield made
    stores.stop(lambda: None)


def test_a_sunday_is_entered_listed_and_revoked(box: Box) -> None:
    """What changes is told; a preview changes nothing."""
    told = box.run("hours", "enter", "6/12/2026", *OPEN, "--preview")
    assert "dom 6 dicembre 2026, Centralino: 09:00-12:00, «Mercatini» (prima chiuso)" in told
    assert box.run("hours", "list") == "Nessun orario straordinario."
    assert "Salvato: vale da subito" in box.run("hours", "enter", "2026-12-06", *OPEN)
    row = box.run("hours", "list")
    assert "dom 6 dicembre 2026 " in row
    assert "09:00-12:00, «Mercatini» (shell: root, e-mail, 8:05)" in row
    assert json.loads(box.run("hours", "list", "--json"))[0]["number"] == 1
    box.run("hours", "revoke", "1", "--reference", "telefono", "--by", "root")
    assert box.run("hours", "list") == "Nessun orario straordinario."
    assert "– 1" in box.run("hours", "list", "--all").splitlines()[0]


def test_every_open_counts_and_the_number_to_revoke_is_told(box: Box) -> None:
    """A morning and an afternoon, given apart or together; the entry is ended by what it said."""
    rest = ("--reason", "Mercatini", "--reference", "e-mail", "--by", "root")
    told = box.run("hours", "enter", "2026-12-06", "--open", "9-12", "--open", "15-18", *rest)
    assert "09:00-12:00 15:00-18:00" in box.run("hours", "list")
    assert "Voce 1: si toglie con centralino state hours revoke 1" in told
    preview = box.run("hours", "enter", "2026-12-06", "--open", "9-11 14-16", *rest, "--preview")
    assert "14:00-16:00" in preview
    assert "si toglie con" not in preview
    command = told.splitlines()[-1].partition("centralino ")[2].split()
    box.run(*command, "--reference", "telefono", "--by", "root")
    assert box.run("hours", "list") == "Nessun orario straordinario."


def test_what_is_refused_says_why(box: Box) -> None:
    """Each mistake with its field; hours or closed, one of them."""
    closed = ("--closed", "--reason", "X", "--reference", "r")
    assert "first: è passato" in box.run("hours", "enter", "2026-11-01", *closed, code=1)
    assert "indicare --closed oppure --open" in box.run(
        "hours", "enter", "2026-12-06", *OPEN, "--closed", code=1
    )
    told = box.run("hours", "enter", "2026-12-07", "--last", "2026-12-09", *closed)
    assert "lun 7 dicembre 2026" in told
    assert "lun 7 dicembre 2026 – mer 9 dicembre 2026 " in box.run("hours", "list")


def test_explain_and_check_count_what_was_entered(box: Box) -> None:
    """They need no call control, and say what call control would do."""
    asked = ("explain", "--at", "2026-12-06 10:00", "--json")
    assert json.loads(box.run(*asked))["code"] == "closed.hours"
    box.run("hours", "enter", "2026-12-06", *OPEN)
    assert json.loads(box.run(*asked))["code"] == "open.free"


def test_records_that_cannot_be_read_are_said(box: Box) -> None:
    """The configuration's hours are what is known then; of an older programme nothing is said."""
    path = database_path(box.file.parent / "state")
    box.stores.records.ask(lambda c: c.execute("DROP TABLE special_hours"))
    asked = ("explain", "--at", "2026-12-06 10:00")
    assert "non sono considerate" not in box.run(*asked)
    box.stores.stop(lambda: None)
    path.write_bytes(b"no database" * 1000)
    assert "non sono considerate" in box.run(*asked)


WHO = ("--reference", "delibera 9", "--by", "root")


def test_a_week_is_entered_shown_and_taken_back(box: Box) -> None:
    """Days that are left out stay as they are; what changes is told; `check` says what holds."""
    asked = ("hours", "week", "enter", "2026-12-07", "--monday", "8-14", "--tuesday", "chiuso")
    told = box.run(*asked, *WHO, "--preview")
    assert "Centralino, lunedì: " in told
    assert "→ 08:00-14:00" in told
    assert "martedì" not in told
    assert "come configurato" in box.run("hours", "week", "show")
    assert "Salvato: vale dal giorno indicato" in box.run(*asked, *WHO)
    row = box.run("hours", "week", "show").splitlines()[-1]
    assert "lun 7 dicembre 2026 " in row
    assert "(di shell: root, delibera 9)" in row
    assert json.loads(box.run("hours", "week", "show", "--json"))["entries"][0]["number"] == 1
    assert "dal 7 dicembre 2026 (voce 1 di shell: root)" in box.run("check")
    box.run("hours", "week", "revoke", "1", *WHO)
    assert "(di shell: root, delibera 9)" not in box.run("hours", "week", "show")
    assert "– 1" in box.run("hours", "week", "show", "--all")


def test_back_to_the_configured_hours(box: Box) -> None:
    """From a day on; it is said which hold, and why."""
    today = ("hours", "week", "enter", "2026-11-25")
    box.run(*today, "--sunday", "10-11", *WHO)
    told = box.run("hours", "week", "show")
    assert "voce 1, dal 25 novembre 2026" in told
    box.run(*today, "--configured", "--whose", "switchboard", *WHO)
    told = box.run("hours", "week", "show")
    assert "Centralino: come configurato, voce 2, dal 25 novembre 2026" in told
    for wrong in ((), ("--configured", "--sunday", "10-11")):
        assert "indicare --configured oppure" in box.run(*today, *wrong, *WHO, code=1)
